"""What recovering may cost."""

import time

from .run import since


class Budget:
    """At most `size` bytes in `period` milliseconds, given back evenly."""

    def __init__(self, size, period, used, passed):
        self.size = size
        self._period = period
        self.used = max(0, used - size * passed // period)
        self._at = time.ticks_ms()

    def _drain(self):
        back = self.size * since(self._at) // self._period
        if back or not self.used:  # else the time is kept until it is worth a byte
            self._at = time.ticks_ms()
            self.used = max(0, self.used - back)

    def spend(self, count):
        """Take `count` bytes, even if they are not there; below 0: give them back."""
        self._drain()
        self.used = max(0, self.used + count)

    def wait_ms(self, count):
        """Milliseconds until there are `count` bytes."""
        self._drain()
        lacking = self.used + min(count, self.size) - self.size
        return lacking * self._period // self.size if lacking > 0 else 0
