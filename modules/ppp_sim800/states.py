"""The link's states: what each is, how long it may last, where it leads. docs/link.md is made of this table.

A state that lasts longer than its limit is left for "failed".
"""

import time

from .run import since

# (name;
#  seconds it may last, 0: as long as whoever asked allows, None: for ever;
#  what nic.event() tells as ("link", ...) when it is entered;
#  where it leads besides "off", "on" and "failed")
STATES = (
    # no power
    ("off", None, None, ("booting", "recovering")),
    # in command mode, nothing asked of it
    ("on", None, None, ("booting", "recovering")),
    # being switched on, or found
    ("booting", 90, None, ("waiting for SIM",)),
    # card and PIN
    ("waiting for SIM", 60, None, ("searching",)),
    # no network yet
    ("searching", 0, None, ("registered",)),
    # with a network; its time is asked for
    ("registered", 15, None, ("dialling",)),
    # data call, PDP context; why, if it is refused
    ("dialling", 90, None, ("negotiating",)),
    # LCP, authentication, IPCP
    ("negotiating", 25, None, ("up",)),
    # has an address
    ("up", None, "up", ("suspended", "lost")),
    # up, but the line is in command mode (plain data mode only)
    ("suspended", None, None, ("up", "lost")),
    # was up; recovery has not started
    ("lost", None, "down", ("booting", "recovering")),
    # `ensure()` waits for its next attempt, or prepares it
    ("recovering", 0, "recovering", ("booting",)),
    # the last attempt ended with an error; `connect()` or `ensure()` may follow
    ("failed", None, "failed", ("booting", "recovering")),
)
ANYWHERE = ("off", "on", "failed")
CARRYING = ("up", "suspended")


def _row(name):
    for row in STATES:
        if row[0] == name:
            return row
    raise ValueError("there is no state {}".format(name))


def is_passing(name):
    """Whether somebody works on it; left alone it is no more true."""
    return _row(name)[1] is not None


def limit_ms(name):
    """Milliseconds that the state may last."""
    return _row(name)[1] * 1000


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
        """Go to the state `name`; `reason` (str) says why, where it was not asked for.

        Raises ValueError if STATES has no such way.
        """
        was = self.name
        if name != was and name not in ANYWHERE and name not in _row(was)[3]:
            raise ValueError("no way from state {} to {}".format(was, name))
        self.name = name
        if reason or not (was in CARRYING and name in CARRYING):
            self.reason = reason
        if was == name:
            return
        if not (was in CARRYING and name in CARRYING):
            self.lasted()
            self._lasted = 0
        if self._trace:
            self._trace("=", name)
        event = _row(name)[2]
        if was in CARRYING:
            event = None if name in CARRYING else "down"  # wherever it leads
        if event:
            self._events.put("link", event)

    def explain(self, reason):
        """Say why all is not as asked for, although the link is up; None: it is."""
        if self.name in CARRYING:
            self.reason = reason
