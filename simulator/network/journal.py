"""What the simulator saw, in order, for tests to question and for logs to show."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .clock import Clock


@dataclass(frozen=True)
class Entry:
    """One thing seen: simulated second, who saw it ("pin", "at", "modem", "ppp", ...), what."""

    time: float
    source: str
    what: str
    fields: dict = field(default_factory=dict)

    def __str__(self) -> str:
        extra = " ".join(f"{k}={v}" for k, v in self.fields.items())
        return f"{self.time:9.3f} {self.source:<6} {self.what}{' ' + extra if extra else ''}"


class Journal:
    """Append-only list of entries; `listeners` are called with each new one.

    Secrets (PIN, PUK, passwords) are masked by whoever adds an entry, never stored.
    """

    def __init__(self, clock: Clock):
        self.clock = clock
        self.entries: list[Entry] = []
        self.listeners: list[Callable[[Entry], None]] = []

    def add(self, source: str, what: str, **fields) -> None:
        entry = Entry(self.clock.now(), source, what, fields)
        self.entries.append(entry)
        for listener in self.listeners:
            listener(entry)

    def seen(self, source: str, prefix: str = "") -> list[Entry]:
        """The entries of one source whose text begins with `prefix`."""
        return [e for e in self.entries if e.source == source and e.what.startswith(prefix)]
