"""What passed on the line between ESP32 and modem, as records of simulator/sim800/replay.py."""

from .mask import Mask

LIMIT = 200_000  # characters of a segment; a modem that babbles must not fill the disk


class Segment:
    """One stretch of it, as it comes: piece by piece, cut anywhere. `replay`: it can be told to another modem."""

    def __init__(self, check: str, start: str, replay: bool):
        self.check, self.start, self.replay = check, start, replay
        self._pieces: list[tuple[float, str, str]] = []
        self._size = 0

    def add(self, ms: int, kind: str, text: str) -> None:
        self._size += len(text)
        if self._size > LIMIT:
            return
        last = self._pieces[-1] if self._pieces else None
        if last and last[1] == kind == "received":
            # Put together before it is masked: what is secret may have come in two pieces.
            self._pieces[-1] = (last[0], kind, last[2] + text)
        else:
            self._pieces.append((ms / 1000, kind, text))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def told(self, mask: Mask) -> dict:
        records = [{"t": round(t, 3), kind: mask.text(text)} for t, kind, text in self._pieces]
        return {
            "check": self.check,
            "start": self.start,
            "replay": self.replay,
            "records": records,
        }
