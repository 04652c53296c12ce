"""What the link has carried and suffered, kept over resets of the ESP32.

Nothing in the heap survives a soft reset. The chip's RTC memory does, and deep sleep too, but not the loss of
power. It is used only where a script keeps nothing of its own in machine.RTC().memory().
"""

import struct
import time
from array import array
from collections import namedtuple

import machine
from micropython import const

from .run import since

# Why a link was lost, then which errors (by the name of their class) ended an attempt.
REASONS = (
    "call ended",
    "terminated",
    "modem silent",
    "nothing heard",
    "modem switched",
    "AT silent",
    "ModemSilent",
    "ModemRestarted",
    "ATError",
    "ATTimeout",
    "SIMError",
    "RegistrationError",
    "NoNetwork",
    "APNRefused",
    "NoCarrier",
    "AuthRefused",
    "NegotiationFailed",
    "other",
)

# The first six in full.
LOST = (
    "the modem is in command mode: the network ended the call, or the modem restarted",
    "the modem ended PPP",
    "the modem does not answer LCP echo any more",
    "nothing came from the network for what was sent, nor for a question",
    "the script switched or restarted the modem",
    "the modem does not answer AT commands any more",
)

_MAGIC = b"SS"
_FORM = "<2sH9I18H"  # magic, sum of what follows, values, reasons
_HEAD = const(4)
_COUNT = const(9)
_SAVE_MS = const(60000)

Stats = namedtuple("Stats", ("rx", "tx", "up", "connects", "probes", "probe_bytes", "reasons"))


class Counters:
    """rx, tx: bytes on the line in data mode, up: seconds, connects: links that came up, probes and
    probe_bytes: what looking whether anybody answers has cost. `reasons`: how often what went wrong.

    The last three values are the supervisor's: bytes used of the hour's and the day's budget, and time.time() then.
    present: gives (rx, tx, up) of the present link, which count when it has ended."""

    def __init__(self, present):
        self._present = present
        self.values = [0] * _COUNT
        self.reasons = array("H", bytes(2 * len(REASONS)))
        self._saved = time.ticks_ms()
        self._load()

    def add(self, rx=0, tx=0, up=0, connects=0, probes=0, probe_bytes=0):
        """Count on."""
        for i, more in enumerate((rx, tx, up, connects, probes, probe_bytes)):
            self.values[i] = (self.values[i] + more) & 0xFFFFFFFF

    def carried(self):
        """Bytes, both ways, of links that have ended."""
        return self.values[0] + self.values[1]

    def budget(self):
        """What keep_budget() was given last, and when that was (time.time())."""
        return self.values[-3:]

    def keep_budget(self, hour, day):
        """Keep what has been used of the data budgets, in bytes."""
        self.values[-3:] = hour, day, time.time()
        self.save(True)

    def blame(self, reason):
        """Count one more `reason`, of REASONS or "other"."""
        i = REASONS.index(reason if reason in REASONS else "other")
        self.reasons[i] = min(self.reasons[i] + 1, 0xFFFF)
        self.save(True)

    def _load(self):
        kept = machine.RTC().memory()
        if len(kept) == struct.calcsize(_FORM):
            magic, check, *values = struct.unpack(_FORM, kept)
            if magic == _MAGIC and check == sum(kept[_HEAD:]) & 0xFFFF:
                self.values = values[:_COUNT]
                self.reasons = array("H", values[_COUNT:])

    def save(self, now=False):
        """Write to the RTC memory, at most once a minute unless `now`."""
        if not now and since(self._saved) < _SAVE_MS:
            return
        self._saved = time.ticks_ms()
        rtc = machine.RTC()
        kept = rtc.memory()
        if not kept or kept[: len(_MAGIC)] == _MAGIC:  # else a script's own
            kept = bytearray(struct.pack(_FORM, _MAGIC, 0, *self._sums(), *self.reasons))
            struct.pack_into("<H", kept, len(_MAGIC), sum(kept[_HEAD:]) & 0xFFFF)
            rtc.memory(kept)

    def _sums(self):
        # With what the present link adds.
        sums = self.values[:]
        for i, more in enumerate(self._present()):
            sums[i] = (sums[i] + more) & 0xFFFFFFFF
        return sums

    def told(self):
        """All of it as Stats."""
        self.save()
        reasons = {name: count for name, count in zip(REASONS, self.reasons) if count}
        return Stats(*self._sums()[:-3], reasons)


def word_for(error):
    """The word of stats.REASONS for an error."""
    kind = type(error)
    for name in (kind,) + kind.__bases__:
        if name.__name__ in REASONS:
            return name.__name__
    return "other"
