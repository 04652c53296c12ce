"""The modem's clock, set by the network (NITZ) where it tells the time."""

from .._types import UTC

class Clock:
    """The real-time clock of `modem`."""

    async def now(self) -> UTC | None:
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        None if it does not know: its clock starts at 2000 or 2004, and only some networks tell the time."""

    async def set(self, utc: UTC) -> None:
        """Set the modem's clock to `utc`: (year, month, day, hour, minute, second), years 2024 to 2099."""
