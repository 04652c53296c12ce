"""Whom the time is asked of, and when, where the network has not told it when the modem registered (roles/clock.py).
What it may be, and how far it is trusted, is in nettime.rtc.

In this order: the network, which tells the modem when it registers, or later; NTP, compared with all else that
is known (nettime.ntp); the modem's clock, of which nobody knows who has set it.
"""

import sys

from micropython import const
from nettime import rtc

from . import run

# Between two rounds of questions in vain: the first if the clock is not set, or contradicted
_PAUSE_MS = const(30000)
_OFTEN = const(100)
_LONG_PAUSE_MS = const(1800000)


class Timekeeper:
    """Keeps the machine's clock right by `clock`, the modem's, and NTP. servers: returns the name servers, as a tuple."""

    def __init__(self, clock, servers):
        self._clock = clock
        self._servers = servers
        self._vain = 0  # rounds of questions
        self._asked = 0  # when last (ticks)

    async def restore(self):
        """Ask for the time, if it is not too early to do that again. Returns whether the clock can be relied on now. 22 s
        at most.
        """
        if self._vain and (rtc.is_set() or self._clock.told < 1):  # else there is an answer
            often = self._vain < _OFTEN and (rtc.trust < 0 or not rtc.is_set())
            if run.since(self._asked) < (_PAUSE_MS if often else _LONG_PAUSE_MS):
                return False
        vain, self._vain = self._vain, self._vain + 1  # if it is cut short, too
        self._asked = run.since(0)
        try:
            ahead = await self._clock.correct()
        except OSError:  # PPP has the line; or the modem does not answer, which is not for here
            ahead = None
        if not rtc.is_fresh():
            from nettime import ntp

            await ntp.compare(ahead, self._clock.told > 0, vain)
        self._asked = run.since(0)
        if rtc.is_fresh():
            self._vain = 0
        return not self._vain

    def refresh(self, new):
        """For rtc.doubt(): restore at once, where that holds up nobody else. new: it is the first doubt."""
        if new or self._vain > _OFTEN:
            self._vain = 0  # somebody needs it
        core = sys.modules.get("asyncio.core")
        if not (core and core.cur_task) and self._servers():
            run.run(self.restore())
