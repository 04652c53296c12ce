"""The link's states as one table; docs/link.md draws it."""

import time

from .run import since

# (name, where it leads besides "off", "on" and "failed")
STATES = (
    ("off", ("booting", "recovering")),
    ("on", ("booting", "recovering")),
    ("booting", ("waiting for SIM",)),
    ("waiting for SIM", ("searching",)),
    ("searching", ("registered",)),
    ("registered", ("dialling",)),
    ("dialling", ("negotiating",)),
    ("negotiating", ("up",)),
    ("up", ("suspended", "lost")),
    ("suspended", ("up", "lost")),
    ("lost", ("recovering", "booting")),
    ("recovering", ("booting", "lost")),
    ("failed", ("booting", "recovering")),
)
CARRYING = ("up", "suspended")
_TOLD = ("up", "recovering", "failed")  # by nic.event(), as ("link", ...)


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
        if name in _TOLD and was not in CARRYING:
            self._events.put("link", name)
