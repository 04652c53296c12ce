"""The modem's clock, set by the network (NITZ) where it tells the time."""

from typing import Literal, overload

from .._types import UTC

class Clock:
    """The real-time clock of `modem`."""

    @overload
    async def now(self, local: Literal[True]) -> tuple[UTC, int] | None:
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        local: True for local time and its zone: ((year, month, day, hour, minute, second), minutes that it is ahead of
        UTC, summer time included); after set() it is UTC.
        None if the modem does not know: its clock starts at 1970, 1980, 2000 or 2004, and only some networks tell the
        time."""

    @overload
    async def now(self, local: Literal[False] = False) -> UTC | None: ...
    async def set(self, utc: UTC) -> None:
        """Set the modem's clock to `utc`: (year, month, day, hour, minute, second), years 2024 to 2099.

        now() gives it back if it can be right, see ppp_sim800.rtc."""
