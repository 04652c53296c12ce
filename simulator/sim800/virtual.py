"""Time that jumps and a line without a pty: a SIM800 in memory, hours of it in a moment, always the same."""

import asyncio
from collections.abc import Coroutine

from network.clock import Clock

from .serial import Damage, same_rate


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self):
        super().__init__()
        self._virtual = 0.0
        select = self._selector.select

        def jump(timeout=None):
            if timeout is not None and timeout > 0:
                self._virtual += timeout
            return select(0 if timeout is not None else None)

        self._selector.select = jump

    def time(self) -> float:
        return self._virtual


class VirtualClock(Clock):
    """The time of a VirtualLoop."""

    def __init__(self):
        super().__init__(1.0)

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class MemoryLine:
    """What serial.Line is, without pty, pacing and noise. `dte` is the other side's rate, `output` what it is sent."""

    def __init__(self):
        self.rate, self.dead, self.dte = 115200, True, 115200
        self.pending = 0
        self.on_data = lambda data: None
        self.output = bytearray()
        self.to_dte, self.from_dte = Damage(), Damage()
        self.start = self.stop = self.drop = lambda: None

    def dte_rate(self) -> float:
        return self.dte

    def send(self, data: bytes) -> None:
        if not self.dead and self.rate is not None:
            self.output += data if same_rate(self.dte, self.rate) else b"\xff" * len(data)

    def change_rate(self, rate: int | None) -> None:
        self.rate = rate

    def feed(self, data: bytes) -> None:
        """The DTE sends bytes."""
        if data and not self.dead:
            ok = self.rate is None or same_rate(self.dte, self.rate)
            self.on_data(data if ok else b"\xff" * len(data))


def run(body: Coroutine, limit: float):
    """What `body` gives, in virtual time of at most `limit` seconds. Raises TimeoutError."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(asyncio.wait_for(body, limit))
    finally:
        loop.close()
