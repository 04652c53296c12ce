"""The bearers of the modem's own applications, and what runs over them."""

import asyncio
from collections.abc import Awaitable

CIDS = (1, 2, 3)
DEFAULTS = {"CONTYPE": "GPRS", "APN": "", "PHONENUM": "", "USER": "", "PWD": "", "RATE": 2}


class Lost(Exception):
    """The bearer ended under what was running over it, or is not open."""


class Bearer:
    """A bearer profile: `values` as AT+SAPBR=3 sets them."""

    def __init__(self, cid: int, values: dict):
        self.cid = cid
        self.values = {**DEFAULTS, **values}
        self.open = False
        self._running: set[asyncio.Task] = set()

    def close(self) -> None:
        """What runs over it ends with Lost."""
        self.open = False
        running, self._running = self._running, set()
        for task in running:
            task.cancel()

    async def carry(self, work: Awaitable):
        """Do `work` while the bearer is open. Raises Lost."""
        task = asyncio.ensure_future(work)
        if not self.open:
            task.cancel()
            raise Lost
        self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if task in self._running:  # it was not the bearer: the modem ended it
                raise
            raise Lost from None
        finally:
            self._running.discard(task)


def profiles(stored: dict[int, dict]) -> dict[int, Bearer]:
    """The three profiles, all closed."""
    return {cid: Bearer(cid, stored.get(cid, {})) for cid in CIDS}
