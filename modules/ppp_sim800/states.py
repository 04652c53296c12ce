"""The link's states as one table; docs/link.md draws it.

A state that lasts longer than its limit is left for "failed".
"""

import time

from .run import since

# name: (seconds it may last, None if that is up to who asked; where it leads besides "off", "on" and "failed";
#        what nic.event() tells as ("link", ...) when it is entered)
STATES = {
    "off": (None, ("booting", "recovering"), None),
    "on": (None, ("booting", "recovering"), None),
    "booting": (90, ("waiting for SIM",), None),
    "waiting for SIM": (60, ("searching",), None),
    "searching": (None, ("registered",), None),
    "registered": (15, ("dialling",), None),
    "dialling": (90, ("negotiating",), None),
    "negotiating": (25, ("up",), None),
    "up": (None, ("suspended", "lost"), "up"),
    "suspended": (None, ("up", "lost"), None),
    "lost": (None, ("recovering", "booting"), "down"),
    "recovering": (None, ("booting", "lost"), "recovering"),
    "failed": (None, ("booting", "recovering"), "failed"),
}
CARRYING = ("up", "suspended")


def limit_ms(name):
    """Milliseconds that the state may last."""
    return STATES[name][0] * 1000


class State:
    """Where the link is, why, and how long it is (a link that is suspended is still up)."""

    def __init__(self, events, trace=None):
        self.name = "off"
        self.reason = None
        self._lasted = 0  # until ...
        self._at = time.ticks_ms()
        self._events = events
        self._trace = trace

    def lasted(self):
        """Milliseconds since it was entered; right if asked for at least every 12 days."""
        self._lasted += since(self._at)
        self._at = time.ticks_ms()
        return self._lasted

    def enter(self, name, reason=None):
        """Go to the state `name`; `reason` (str) says why, where it was not asked for."""
        was, self.name = self.name, name
        self.reason = reason
        if was == name:
            return
        if not (was in CARRYING and name in CARRYING):
            self.lasted()
            self._lasted = 0
        if self._trace:
            self._trace("=", name)
        event = STATES[name][2]
        if was in CARRYING:
            event = None if name in CARRYING else "down"  # wherever it leads
        if event:
            self._events.put("link", event)
