"""Whether there may be data: limits of all that the operator bills in a day and a month, and what is allowed abroad.

Loaded only where one of these is set. Days and months are those of UTC, by the machine's clock; while it is not set
counting goes on in the period that was known last, and a clock that goes back gives nothing back, see stats.py.
"""

from micropython import const
from nettime import rtc

from .errors import BudgetSpent, ModemRestarted, RoamingRefused
from .line import OFF, UNKNOWN
from .run import Deadline
from .states import CARRYING
from .stats import AT, DAY, TOLD

_DAY_S = const(86400)
_AGAIN_MS = const(600000)
_STEPS = const((80, 100))  # percent of a limit that are told of


class Rules:
    """Whether `link` may carry data: at most so many bytes in a day and in a month (None: any), and where. Made anew when
    one of these changes."""

    def __init__(self, link, day, month):
        self._link = link
        self._limits = (("day", day), ("month", month))
        self.reason = ""  # for which the link was ended, as status("reason") tells it
        self._refusal = None  # an error that only another registration can show to be past ...
        self._again = None  # ... which is not tried before this Deadline

    def look(self):
        """Count what was carried since, and tell of 80 and 100 percent. Returns (name, bytes) of the limit that is used
        up for longest, or None."""
        counters = self._link.counters
        fresh = counters.count()
        values = counters.values
        over = None
        for i, limit in enumerate(self._limits):
            name, most = limit
            if most is None:
                continue
            used = values[DAY + i]
            reached = 0
            for step in _STEPS:
                if used * 100 >= most * step:
                    reached = step
                    if values[TOLD + i] < step:
                        self._link.modem.events.put(name + " limit", step)
            if reached == 100:
                over = limit
            changed = values[TOLD + i] != reached
            values[TOLD + i] = reached
            if changed or fresh * 100 > most:
                counters.save(True)
        return over

    def forbidden(self, registered=True):
        """Why there may be no data, as an error, or None. registered: it is known as well as it can be."""
        link = self._link
        # Without a clock only the network can tell that a new period has begun.
        if (over := self.look()) and (registered or rtc.is_set()):
            name, most = over
            until = self._end_of(name)
            error = BudgetSpent(
                "the data limit is used up (config({}_limit={})): no data before {}, unless it is raised".format(
                    name, most, rtc.text(until) if until else "the clock is set"
                )
            )
            error.until = until
            return error
        known = link.line.mode not in (OFF, UNKNOWN) and link.modem.radio.is_roaming()
        roaming = link.settings.roaming
        if known and roaming != "allowed":
            return RoamingRefused(
                "the modem is abroad, where roaming={!r} allows no data: connect() looks again, "
                'config(roaming="allowed") allows it'.format(roaming)
            )
        return None

    async def obey(self, registered=False):
        """Raise why there may be no data; a link that is up is taken down before. registered: the modem has just been."""
        link = self._link
        try:
            link.line.poll()
        except ModemRestarted:
            pass
        error = self.forbidden(registered or link.state.name in CARRYING)
        if not error:
            return
        self.end(error)
        if link.ppp:
            await link.take_down()
            link.counters.save(True)
        unknown = not rtc.is_set()
        if isinstance(error, RoamingRefused):
            unknown = link.settings.roaming == "refused"
            if unknown:
                await link.modem.radio.off()
        if unknown:
            self._refusal, self._again = error, Deadline(_AGAIN_MS)
        raise error

    def end(self, error):
        """The link is not to be used any more."""
        link = self._link
        link.counters.add(up=link.seconds_up())
        self.reason = reason = str(error)
        if link.state.name == "off":
            link.state.reason = reason
        elif link.state.reason != reason:
            link.state.enter("failed", reason)

    def refusal(self):
        """The error behind the last registration, where it takes another one to know more: for ten minutes, else None."""
        if self._refusal and self._again.left():
            self._refusal.__traceback__ = None  # else it grows
            return self._refusal
        return None

    def _end_of(self, period):
        # Unix seconds, None while no clock was ever set.
        at = self._link.counters.values[AT]
        if not at:
            return None
        if period == "day":
            return at - at % _DAY_S + _DAY_S
        year, month = map(int, rtc.text(at)[:7].split("-"))
        return rtc.unix(year + month // 12, month % 12 + 1, 1)
