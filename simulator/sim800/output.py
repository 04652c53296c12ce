"""What the modem says in command mode: answers, result codes, URCs, and how they are framed."""

from collections import deque
from collections.abc import Callable

from network.journal import Journal

from .errors import NUMERIC
from .masking import shown
from .serial import Line
from .settings import Settings

URC_LIMIT = 64  # URCs held back; further ones are lost


class Raw(str):
    """An URC that is said as it is, without a frame, and not logged: data."""


class Output:
    """`wait()` tells for how long a URC must not be said yet: 0 it may, None not before `flush()`."""

    def __init__(
        self,
        settings: Settings,
        line: Line,
        journal: Journal,
        later: Callable,
        wait: Callable[[], float | None],
    ):
        self.settings, self.line, self.journal = settings, line, journal
        self.later, self.wait = later, wait
        self.hung = False  # a hanging firmware says nothing
        self.reset()

    def reset(self) -> None:
        """Forget what was held back; the modem's timers are gone as well."""
        self._retrying = False
        self._urcs: deque[str] = deque(maxlen=URC_LIMIT)
        self._with_answer: deque[str] = deque(maxlen=URC_LIMIT)

    def send(self, data: bytes) -> None:
        if not self.hung:
            self.line.send(data)

    def info(self, *lines: str) -> None:
        """A command's answer: the lines follow each other, a blank one before the first."""
        for number, text in enumerate(lines):
            self._line(text, number == 0)
            if number == 0:
                self._say_with_answer()

    def _line(self, text: str, first: bool) -> None:
        self.journal.add("at", f"< {shown(text)}")
        before = "\r\n" if first and self.settings["V"] else ""
        self.send(f"{before}{text}\r\n".encode("latin-1", "replace"))

    def result(self, code: str) -> None:
        """A result code; ATQ1 keeps it back, ATV0 makes it a number (manual page 44)."""
        self._say_with_answer()
        if self.settings["Q"]:
            return
        self.journal.add("at", f"< {code}")
        if self.settings["V"]:
            self.send(f"\r\n{code}\r\n".encode())
        else:
            number = NUMERIC.get("CONNECT" if code.startswith("CONNECT") else code, code)
            self.send(f"{number}\r".encode())

    def urc(self, text: str, with_answer: bool = False) -> None:
        """Say something unasked, as soon as it would not fall into a line.

        `with_answer` keeps it for between the lines of the next answer.
        """
        if with_answer:
            self._with_answer.append(text)
        else:
            self._urcs.append(text)
            self.flush()

    @property
    def held(self) -> bool:
        """There are URCs held back."""
        return bool(self._urcs)

    def flush(self) -> None:
        """Say the URCs held back, if they may be said now."""
        if not self._urcs:
            return
        seconds = self.wait()
        if seconds is None:
            return
        if seconds > 0:
            if not self._retrying:
                self._retrying = True
                self.later(seconds, self._retry)
            return
        while self._urcs:
            text = self._urcs.popleft()
            if isinstance(text, Raw):
                self.send(text.encode("latin-1"))
            elif text in NUMERIC:
                self.result(text)
            else:
                self._line(text, True)

    def _retry(self) -> None:
        self._retrying = False
        self.flush()

    def _say_with_answer(self) -> None:
        while self._with_answer:
            self._line(self._with_answer.popleft(), True)
