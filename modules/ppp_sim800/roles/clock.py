"""The modem's clock, set by the network (NITZ) where it tells the time."""

import time

from ..at.text import fields
from ..errors import ATError, ConfigError
from . import Role


class Clock(Role):
    """The real-time clock of `modem`."""

    async def want_time(self):
        """Have the network's time passed on: it is only if asked for, and after a restart (M 152)."""
        try:
            answer = await self._line.ask("AT+CLTS?", "+CLTS:")
            if fields(answer)[0] == "0":
                await self._line.command("AT+CLTS=1;&W")
        except ATError:
            pass  # firmware without it

    async def now(self):
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        None if it does not know: its clock starts at 2000 or 2004, and only some networks tell the time.
        """
        answer = await self._line.ask("AT+CCLK?", "+CCLK:")
        return parse_cclk(fields(answer)[0])

    async def set(self, utc):
        """Set the modem's clock to `utc`: (year, month, day, hour, minute, second), years 2024 to 2099."""
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


def parse_cclk(value):
    """`yy/MM/dd,hh:mm:ss±zz`, local time and its offset in quarters of an hour, as a UTC tuple, or None."""
    if len(value) != 20 or value[17] not in "+-":
        return None
    try:
        year, month, day, hour, minute, second = [int(value[i : i + 2]) for i in range(0, 17, 3)]
        zone = int(value[17:])
    except ValueError:
        return None
    if year < 24 or not (
        1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
    ):
        return None
    minute -= zone * 15
    return time.gmtime(time.mktime((2000 + year, month, day, hour, minute, second, 0, 0)))[:6]
