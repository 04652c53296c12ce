"""The machine's clock, as far as certificates depend on it: is it set, and not before what is known to be past.

Known to be past are the day this firmware was built, and the beginning of each certificate by which a server has
proved itself: its CA has signed that, so no wrong clock raises this floor. It is kept in a file (FILE), beside the
day on which the clock was set last. A time below the floor is no time.
"""

import sys
import time

import machine
from micropython import const

FILE = "ppp_sim800.time"  # floor and last setting in Unix seconds, then their sum modulo 97

_DAY = const(86400)
_UNIX_2000 = const(946684800)
_LAST = const(4294967295)  # more is rubbish in the file, not a time
_CLOSE = const(2)  # seconds that are no reason to set the clock anew: sources tell whole ones

_floor = 0  # 0: not looked up yet
_checked = 0  # when the clock was set last


def now():
    """The clock's time in Unix seconds, right or wrong."""
    return time.time() + _epoch()


def is_set():
    """Whether the clock can be right: it is not before the floor."""
    return now() >= floor()


def set(seconds):
    """Set the clock (UTC) to Unix seconds, by what a source of time has told. Returns False, and leaves it alone,
    if that is below the floor. Writes FILE once a day.
    """
    if seconds < floor():
        return False
    if abs(now() - seconds) > _CLOSE:
        t = time.gmtime(seconds - _epoch())
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
    if not is_fresh():
        _keep(_floor, seconds)
    return True


def is_fresh():
    """Whether a source of time was heard within the last day."""
    return is_set() and 0 <= now() - _checked < _DAY


def floor():
    """Unix seconds that are past for sure."""
    global _floor, _checked
    if not _floor:
        _floor, _checked = _remembered()
        _floor = max(_floor, _built())
    return _floor


def confirm(seconds):
    """Take `seconds` (Unix) as past: then begins the certificate by which a server has just proved itself."""
    if floor() < seconds <= now():
        _keep(seconds, _checked)


def _keep(floor, checked):
    global _floor, _checked
    _floor, _checked = floor, checked
    try:
        with open(FILE, "w") as file:
            file.write("{} {} {}\n".format(floor, checked, (floor + checked) % 97))
    except OSError:
        pass  # a full or absent file system: it holds until the next reset


def text(seconds):
    """Unix seconds as "2026-12-31 23:59 UTC"."""
    t = time.gmtime(seconds - _epoch())
    return "{}-{:02}-{:02} {:02}:{:02} UTC".format(t[0], t[1], t[2], t[3], t[4])


def unix(year, month, day, hour=0, minute=0, second=0):
    """Unix seconds of a date (UTC)."""
    return time.mktime((year, month, day, hour, minute, second, 0, 0)) + _epoch()


def _epoch():
    return _UNIX_2000 if time.gmtime(0)[0] == 2000 else 0


def _built():
    # sys.version ends in "on 2026-11-30". Time zones make a day of difference.
    try:
        year, month, day = (int(part) for part in sys.version[-10:].split("-"))
        return unix(year, month, day) - _DAY
    except ValueError:
        return unix(2026, 1, 1)


def _remembered():
    try:
        with open(FILE) as file:
            floor, checked, check = (int(part) for part in file.read(32).split())
    except (OSError, ValueError):
        return 0, 0
    good = 0 <= floor <= _LAST and (floor + checked) % 97 == check
    return (floor, checked) if good else (0, 0)
