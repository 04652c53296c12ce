"""The machine's clock, as far as certificates depend on it: is it set, and not before what is known to be past.

Known to be past are the day this firmware was built and the last time at which a server proved itself: that
time is kept in a file (FILE), written at most once a day. A time below that floor is no time.
"""

import sys
import time

import machine
from micropython import const

FILE = "ppp_sim800.time"  # Unix seconds in decimal, then a check digit pair

_DAY = const(86400)
_UNIX_2000 = const(946684800)
_LAST = const(4294967295)  # more is rubbish in the file, not a time

_floor = 0


def now():
    """The clock's time in Unix seconds, right or wrong."""
    return time.time() + _epoch()


def is_set():
    """Whether the clock can be right: it is not before the floor."""
    return now() >= floor()


def set(seconds):
    """Set the clock (UTC) to Unix seconds. Returns False, and leaves it alone, if that is below the floor."""
    if seconds < floor():
        return False
    t = time.gmtime(seconds - _epoch())
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
    return True


def floor():
    """Unix seconds that are past for sure."""
    global _floor
    if not _floor:
        _floor = max(_built(), _remembered())
    return _floor


def confirm():
    """Take the present as past from now on: a server's certificate was just found valid.

    Called after such a handshake; writes FILE if the floor is more than a day old.
    """
    global _floor
    seconds = now()
    if seconds - floor() < _DAY:
        return
    try:
        with open(FILE, "w") as file:
            file.write("{} {}\n".format(seconds, seconds % 97))
    except OSError:
        pass  # a full or absent file system: the floor stays where it was
    else:
        _floor = seconds


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
            seconds, check = (int(part) for part in file.read(32).split())
    except (OSError, ValueError):
        return 0
    return seconds if seconds <= _LAST and seconds % 97 == check else 0
