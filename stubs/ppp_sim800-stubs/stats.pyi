"""What the link has carried and suffered, kept in flash: over resets, deep sleep and the loss of power.

In FILE, 102 bytes. littlefs, the file system of MicroPython's ESP32, replaces them at once when the file is closed: a
power cut leaves the old ones or the new ones. What cannot be read counts as none."""

from typing import NamedTuple

class Stats(NamedTuple):
    rx: int
    tx: int
    up: int
    connects: int
    probes: int
    probe_bytes: int
    reasons: dict[str, int]
    day: int
    month: int
