"""What the link has carried and suffered, kept over resets of the ESP32.

Nothing in the heap survives a soft reset. The chip's RTC memory does, and deep sleep too, but not the loss of
power. It is used only where a script keeps nothing of its own in machine.RTC().memory()."""

from typing import NamedTuple

class Stats(NamedTuple):
    rx: int
    tx: int
    up: int
    connects: int
    probes: int
    probe_bytes: int
    reasons: dict[str, int]
