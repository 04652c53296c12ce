"""The link's states as one table; docs/link.md draws it.

A state that is not left in good order within its limit is left for `failed`, or, for `up`, for `lost`.
"""

import time

from micropython import const

from .run import since

# name: (seconds it may last, None if as long as wanted; where it leads besides "off", "on" and "failed";
#        what nic.event() tells as ("link", ...) when it is entered)
STATES = {
    "off": (None, ("booting", "recovering"), None),
    "on": (None, ("booting", "recovering"), None),
    "booting": (60, ("waiting for SIM",), None),
    "waiting for SIM": (30, ("searching",), None),
    "searching": (120, ("registered",), None),
    "registered": (5, ("dialling",), None),
    "dialling": (60, ("negotiating",), None),
    "negotiating": (25, ("up",), None),
    "up": (None, ("suspended", "lost"), "up"),
    "suspended": (None, ("up", "lost"), None),
    "lost": (None, ("recovering", "booting"), None),
    "recovering": (None, ("booting", "lost"), "recovering"),
    "failed": (None, ("booting", "recovering"), "failed"),
}
_ANYWHERE = ("off", "on", "failed")
CARRYING = ("up", "suspended")

_MS = const(1000)


def limit_ms(name):
    """How long the state may last, in milliseconds."""
    return STATES[name][0] * _MS


def leads_to(name, other):
    """Whether the table lets `other` follow `name`."""
    return name == other or other in _ANYWHERE or other in STATES[name][1]


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
        if was in CARRYING and name not in CARRYING:
            self._events.put("link", "down")
        event = STATES[name][2]
        if event and was not in CARRYING:
            self._events.put("link", event)
