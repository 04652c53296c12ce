"""The modem's clock, set by the network (NITZ) where it tells the time."""

import time

from micropython import const
from nettime import rtc

from ..at.text import fields
from ..errors import ATError, ConfigError
from ..run import wait
from . import Role

_AGAIN_MS = const(300)
# Seconds for which a time is trusted: the network's, and that of a clock that may run free
_SURE = const(86400)
_WEAK = const(600)


class Clock(Role):
    """The real-time clock of `modem`."""

    is_utc = False  # what AT+CCLK? says is UTC, whatever zone it names
    told = 0  # 1: the network has set it, -1: it was not set when last looked at, 0: nobody knows who has set it

    async def want_time(self):
        """Have the network's time passed on: it is only if asked for, and after a restart (M 152)."""
        try:
            answer = await self._line.ask("AT+CLTS?", "+CLTS:")
            if fields(answer)[0] == "0":
                await self._line.command("AT+CLTS=1;&W")
        except ATError:
            pass  # firmware without it

    async def now(self, local=False):
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        local: True for local time and its zone: ((year, month, day, hour, minute, second), minutes that it is ahead of
        UTC, summer time included); after set() it is UTC.
        None if the modem does not know: its clock starts at 1970, 1980, 2000 or 2004, and only some networks tell the
        time.
        """
        value = fields(await self._line.ask("AT+CCLK?", "+CCLK:"))[0]
        utc = parse_cclk(value)
        if utc and self.is_utc:
            utc = parse_cclk(value[:17] + "+00")
        if not utc or not rtc.is_possible(rtc.unix(*utc)):
            self.told = -1
            return None
        if self.told < 0:  # nobody but the network can have set it since
            self.told = 1
        if local:
            ahead = int(value[17:]) * 15
            return time.gmtime(time.mktime(utc + (0, 0)) + ahead * 60)[:6], ahead
        return utc

    async def correct(self, tries=1):
        """Set the machine's clock by the modem's, where that is to be believed. Returns by how many seconds the modem's
        was ahead; None if it is not set. tries: how often it is looked at, while the machine's clock is not set.
        """
        while True:
            utc = await self.now()
            ahead = None
            if utc:
                seconds = rtc.unix(*utc)
                ahead = seconds - rtc.now()
                told = self.told > 0
                # Where two sources agreed on another day the network alone is not believed.
                agrees = rtc.trust < _SURE or abs(ahead) < _SURE
                if not rtc.is_set() or (told and rtc.trust >= 0 and agrees):
                    rtc.set(seconds, _SURE if told else _WEAK)
            tries -= 1
            if not tries or rtc.is_set():
                return ahead
            await wait(_AGAIN_MS)

    async def set(self, utc):
        """Set the modem's clock to `utc`: (year, month, day, hour, minute, second), years 2024 to 2099.

        now() gives it back if it can be right, see ppp_sim800.rtc.
        """
        try:
            year, month, day, hour, minute, second = utc
            value = "{:02}/{:02}/{:02},{:02}:{:02}:{:02}+00".format(
                year - 2000, month, day, hour, minute, second
            )
            right = parse_cclk(value) == (year, month, day, hour, minute, second)
        except (TypeError, ValueError):
            right = False
        if not right:
            raise ConfigError(
                "the time must be (year, month, day, hour, minute, second), 2024 to 2099, not {!r}".format(
                    utc
                )
            )
        await self._line.command('AT+CCLK="{}"'.format(value))
        self.told = 0


def parse_cclk(value):
    """`yy/MM/dd,hh:mm:ss±zz`, local time and its offset in quarters of an hour, as a UTC tuple, or None."""
    if len(value) != 20 or value[17] not in "+-":
        return None
    try:
        local = [int(value[i : i + 2]) for i in range(0, 17, 3)]
        zone = int(value[17:])
    except ValueError:
        return None
    local[0] += 2000
    if local[0] < 2024 or not -48 <= zone <= 56:
        return None
    seconds = time.mktime(local + [0, 0])
    if list(time.gmtime(seconds)[:6]) != local:  # such as the 30th of February
        return None
    return time.gmtime(seconds - zone * 900)[:6]
