"""The machine's clock, as far as certificates depend on it: is it set, and not before what is known to be past.

Known to be past are the day this firmware was built, and the beginning of each certificate by which a server has
proved itself: its CA has signed that, so no wrong clock raises this floor. It is kept in a file (FILE), beside the
day on which the clock was set last. A time below the floor is no time."""

def now() -> int:
    """The clock's time in Unix seconds, right or wrong."""

def is_set() -> bool:
    """Whether the clock can be right: it is not before the floor."""

def set(seconds: int) -> bool:
    """Set the clock (UTC) to Unix seconds, by what a source of time has told. Returns False, and leaves it alone,
    if that is below the floor. Writes FILE once a day."""

def is_fresh() -> bool:
    """Whether a source of time was heard within the last day."""

def floor() -> int:
    """Unix seconds that are past for sure."""

def text(seconds: int) -> str:
    """Unix seconds as "2026-12-31 23:59 UTC"."""

def unix(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    """Unix seconds of a date (UTC)."""
