"""Autobauding (AT+IPR=0, manual page 55): the first "AT" or "at" tells the DTE's rate."""

from .serial import same_rate

AUTO_RATES = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
FIXED_RATES = (*AUTO_RATES, 230400, 460800)


class Trainer:
    """Listens until it knows the rate. The first `lost` strings only train and go unanswered."""

    def __init__(self, lost: int):
        self.lost = lost
        self._tail = b""

    def feed(self, data: bytes, dte_rate: float) -> tuple[int | None, bytes, bool]:
        """Take bytes sent at `dte_rate`.

        Returns the rate once it is known, else None; the bytes to go on with; and whether
        the line they are in is lost, up to its end.
        """
        rate = next((r for r in AUTO_RATES if same_rate(dte_rate, r)), None)
        if rate is None:
            self._tail = b""
            return None, b"", False
        data = self._tail + data
        while True:
            places = [at for at in (data.find(b"AT"), data.find(b"at")) if at >= 0]
            if not places:
                self._tail = data[-1:]
                return None, b"", False
            at = min(places)
            if self.lost <= 1:
                break
            self.lost -= 1
            data = data[at + 2 :]
        self._tail = b""
        if self.lost:
            return rate, data[at + 2 :], True
        return rate, data[at:], False
