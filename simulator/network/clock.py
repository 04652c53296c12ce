"""Simulated time: the machine's monotonic clock, optionally running faster."""

import asyncio
import contextlib
import time


class Clock:
    """The scenario's time in seconds since it began.

    `speed` is how many simulated seconds pass in a real one. All latencies, rates and
    time-outs of the simulator are given in simulated seconds and go through here, so
    that a scenario of minutes can be run in seconds with its proportions kept.
    """

    def __init__(self, speed: float = 1.0):
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        return (time.monotonic() - self._start) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.speed)

    def call_later(self, seconds: float, callback, *args) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        return loop.call_later(max(0.0, seconds) / self.speed, callback, *args)

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float):
        """As asyncio.timeout(), in simulated seconds."""
        async with asyncio.timeout(None) as limit:
            loop = asyncio.get_running_loop()
            timer = self.call_later(seconds, lambda: limit.reschedule(loop.time()))
            try:
                yield limit
            finally:
                timer.cancel()

    def outside(self, who: object, *, asked: bool | None = None) -> None:
        """A server on this machine, to whose time this one is nothing, was told something that it may answer (`asked`), has
        answered (False), or there was something else between it and us (None). `who`: the connection.
        """
