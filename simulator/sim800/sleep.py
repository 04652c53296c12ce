"""Slow clock, AT+CSCLK: when the modem sleeps, and so does not hear its UART (manual page 132)."""

from network.clock import Clock

SLEEP_AFTER = 5.0  # AT+CSCLK=2: without a byte for so long the modem sleeps
DTR_WAKE_TIME = 0.05  # AT+CSCLK=1: from DTR low until the UART hears
BYTE_WAKE_TIME = 0.1  # AT+CSCLK=2: from the waking character until the UART hears


class Sleep:
    """`dtr_high` is the DTR pin: not wired, it is pulled up."""

    def __init__(self, clock: Clock):
        self.clock = clock
        self.dtr_high = True
        self.reset()

    def reset(self) -> None:
        """The modem starts anew."""
        self._awake_at = 0.0
        self._heard = 0.0

    def wake(self) -> None:
        """DTR goes low."""
        self._awake_at = self.clock.now() + DTR_WAKE_TIME

    def heard(self) -> None:
        """A byte came, and was taken."""
        self._heard = self.clock.now()

    def hears(self, mode: int, busy: bool) -> bool:
        """False while asleep or just waking in this mode of AT+CSCLK; the byte that wakes is lost."""
        now = self.clock.now()
        if busy:
            return True
        if now < self._awake_at:
            return False
        if mode == 1:
            return not self.dtr_high
        if mode == 2 and now - self._heard > SLEEP_AFTER:
            self._heard = self._awake_at = now + BYTE_WAKE_TIME
            return False
        return True
