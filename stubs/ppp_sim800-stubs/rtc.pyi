"""The machine's clock, as far as certificates depend on it: can it be right, and how far is it trusted.

It cannot be right before what is past for sure: the day this firmware was built, and the beginning of each certificate
by which a server has proved itself: its CA has signed that, so no wrong clock raises this floor. Nor 20 years after
that day, nor beyond the end of the certificate that a server has proved itself by since the last reset.

The floor is kept in a file (FILE), beside the time when the clock was set last, for how long that is to do, and how
the chip's clock drifts: by that it is corrected after deep sleep, when it is looked at first."""

def now() -> int:
    """The clock's time in Unix seconds, right or wrong."""

def is_set() -> bool:
    """Whether the clock can be right."""

def set(seconds: int, lasts: int = 3600) -> bool:
    """Set the clock (UTC) to Unix seconds, by what a source of time has told. Returns False, and leaves it alone,
    if that is not possible.

    lasts: seconds for which the source needs no other: a day where two agree. Writes FILE once a day, and when the
    clock is trusted more than before."""

def is_fresh() -> bool:
    """Whether the clock can be relied on: its last source does still, and nothing has contradicted it."""

def floor() -> int:
    """Unix seconds that are past for sure."""

def text(seconds: int) -> str:
    """Unix seconds as "2026-12-31 23:59 UTC"."""

def unix(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """Unix seconds of a date (UTC)."""
