"""What the link has carried and suffered, kept in flash: over resets, deep sleep and the loss of power.

In FILE, 102 bytes. littlefs, the file system of MicroPython's ESP32, replaces them at once when the file is closed: a
power cut leaves the old ones or the new ones. What cannot be read counts as none.
"""

import time
from array import array
from binascii import crc32
from collections import namedtuple

from micropython import const
from nettime import rtc

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

FILE = "ppp_sim800.stats"

_FORM = b"S1"
_HEAD = const(6)  # _FORM, CRC-32 of what follows: values, reasons
_SAVE_MS = const(60000)

# Of `values`; the first six are Stats' first six.
_OWN = const(6)  # bytes carried by the modem's own applications
DAY = const(7)  # ... and all others in this day,
MONTH = const(8)  # ... and in this month
AT = const(9)  # Unix seconds within these, 0: not known
TOLD = const(10)  # percent of the day's limit that were told of; behind it of the month's
_BUDGET = const(12)  # used of the supervisor's, an hour's and a day's; Unix seconds then
_COUNT = const(15)

_DAY_S = const(86400)

Stats = namedtuple(
    "Stats", ("rx", "tx", "up", "connects", "probes", "probe_bytes", "reasons", "day", "month")
)


class Counters:
    """rx, tx: bytes on the line in data mode, up: seconds, connects: links that came up, probes and
    probe_bytes: what looking whether anybody answers has cost. `reasons`: how often what went wrong. day, month: bytes
    both ways, and of the modem's own applications, in the present UTC day and month.

    present: gives (rx, tx, up) of the present link, which count when it has ended. kept: CRC of what is in FILE; counted,
    saved_at: bytes of all that day and month, and FILE, have."""

    def __init__(self, present):
        self._present = present
        self.values = array("I", bytes(4 * _COUNT))
        self.reasons = array("H", bytes(2 * len(REASONS)))
        self._saved = time.ticks_ms()
        self.kept = None
        self._today = None  # counted from 1970; None: the clock is to be looked at
        self._load()
        self.counted = self.saved_at = self._billed()

    def add(self, rx=0, tx=0, up=0, connects=0, probes=0, probe_bytes=0, own=0):
        """Count on."""
        for i, more in enumerate((rx, tx, up, connects, probes, probe_bytes, own)):
            self.values[i] = (self.values[i] + more) & 0xFFFFFFFF

    def carried(self):
        """Bytes, both ways, of links that have ended."""
        return self.values[0] + self.values[1]

    def _billed(self):
        rx, tx, _ = self._present()
        return (self.carried() + self.values[_OWN] + rx + tx) & 0xFFFFFFFF

    def count(self):
        """Have day and month include what was carried until now. Returns what of that is not in the file."""
        self._begin()
        billed = self._billed()
        more = (billed - self.counted) & 0xFFFFFFFF
        if not more >> 31:  # else another thread ends a link just now
            self.counted = billed
            for i in (DAY, MONTH):
                self.values[i] = min(self.values[i] + more, 0xFFFFFFFF)
        return (self.counted - self.saved_at) & 0xFFFFFFFF

    def _begin(self):
        # A new day, a new month, by a clock that is set. One that goes back gives nothing back.
        now = rtc.now()
        today = now // _DAY_S
        if today == self._today or not rtc.is_set():
            return
        values = self.values
        at = values[AT]
        ahead = at // _DAY_S - today
        # What was days ahead was wrong, and must not hold for years; nor must a clock that jumps by itself begin a period.
        if ahead == 1 or (at and abs(ahead) > 1 and not rtc.is_fresh()):
            return
        if at and ahead < 0:
            if rtc.text(at)[:7] != rtc.text(now)[:7]:
                values[MONTH] = values[TOLD + 1] = 0
            values[DAY] = values[TOLD] = 0
        self._today = today
        values[AT] = now

    def budget(self):
        """What keep_budget() was given last, in bytes, and seconds since then as far as the clock tells: a list."""
        *used, at = self.values[_BUDGET:]
        now = rtc.now()
        passed = now - at if rtc.is_set() == rtc.is_possible(at) else 0
        return used + [max(0, passed)]

    def keep_budget(self, hour, day, now):
        """Keep what has been used of the data budgets, in bytes; in the file at once if `now`."""
        for i, value in enumerate((hour, day, rtc.now())):
            self.values[_BUDGET + i] = value
        self.save(now)

    def take(self, other):
        """Go on from other Counters, of a link that has ended."""
        other.save(True)
        self.values, self.reasons = other.values[:], other.reasons[:]
        self.kept, self.counted, self.saved_at = other.kept, other.counted, other.saved_at

    def blame(self, reason):
        """Count one more `reason`, of REASONS or "other"."""
        i = REASONS.index(reason if reason in REASONS else "other")
        self.reasons[i] = min(self.reasons[i] + 1, 0xFFFF)
        self.save(True)

    def _load(self):
        try:
            with open(FILE, "rb") as file:
                kept = file.read(256)
        except OSError:
            return
        size = _HEAD + 4 * _COUNT
        check = crc32(kept[_HEAD:])
        if len(kept) == size + 2 * len(REASONS) and kept[:_HEAD] == _FORM + check.to_bytes(
            4, "little"
        ):  # else older, or damaged
            self.kept = check
            self.values = array("I", kept[_HEAD:size])
            self.reasons = array("H", kept[size:])

    def save(self, now=False):
        """Write the file, if there is something new: at most once a minute unless `now`."""
        if not now and since(self._saved) < _SAVE_MS:
            return
        self._saved = time.ticks_ms()
        try:
            kept = bytes(self._sums()) + bytes(self.reasons)
            self.saved_at = self.counted
            check = crc32(kept)
            if check != self.kept:
                with open(FILE, "wb") as file:
                    file.write(_FORM + check.to_bytes(4, "little") + kept)
                self.kept = check
        except (OSError, MemoryError):
            pass  # no file system, or a full one: they hold until the next reset

    def _sums(self):
        # With what the present link adds.
        self.count()
        sums = self.values[:]
        for i, more in enumerate(self._present()):
            sums[i] = (sums[i] + more) & 0xFFFFFFFF
        return sums

    def told(self):
        """All of it as Stats."""
        sums = self._sums()
        reasons = {name: count for name, count in zip(REASONS, self.reasons) if count}
        return Stats(*sums[:_OWN], reasons, sums[DAY], sums[MONTH])


def word_for(error):
    """The word of stats.REASONS for an error."""
    kind = type(error)
    for name in (kind,) + kind.__bases__:
        if name.__name__ in REASONS:
            return name.__name__
    return "other"
