"""The escape sequence in data mode: silence, +++, silence (manual 2.2.12, page 36)."""

from collections.abc import Callable

from network.clock import Clock

GUARD_TIME = 1.0  # the silence on either side, and the most the three characters may take


class Escape:
    """Passes data on with `forward(bytes)`, all but a proper +++; then calls `escaped()`."""

    def __init__(self, clock: Clock, forward: Callable[[bytes], None], escaped: Callable):
        self.clock, self.forward, self.escaped = clock, forward, escaped
        self._count = 0  # of + held back
        self._since = 0.0  # when the first of them came
        self._heard = 0.0
        self._timer = None

    def start(self) -> None:
        """Data mode begins."""
        self.stop()
        self._heard = self.clock.now()

    def stop(self) -> None:
        """Data mode ends; what is held back is forgotten."""
        self._count = 0
        self._cancel()

    def feed(self, data: bytes) -> None:
        now = self.clock.now()
        quiet = now - self._heard >= GUARD_TIME
        self._heard = now
        if self._count and now - self._since > GUARD_TIME:
            self._release()
        if self._count == 0:
            if not quiet or data.strip(b"+") or len(data) > 3:
                self.forward(data)
                return
            self._since = now
        elif data.strip(b"+") or self._count + len(data) > 3:
            self._release()
            self.forward(data)
            return
        self._count += len(data)
        self._cancel()
        # three are an escape after the silence; fewer are data once their time is over
        self._timer = self.clock.call_later(
            GUARD_TIME, self._escape if self._count == 3 else self._release
        )

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release(self) -> None:
        """Not an escape after all: data."""
        self._cancel()
        count, self._count = self._count, 0
        if count:
            self.forward(b"+" * count)

    def _escape(self) -> None:
        self.stop()
        self.escaped()
