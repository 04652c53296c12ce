"""The machine's clock, as far as certificates depend on it: can it be right, and how far is it trusted.

It cannot be right before what is past for sure: the day this firmware was built, and the beginning of each certificate
by which a server has proved itself: its CA has signed that, so no wrong clock raises this floor. Nor 20 years after
that day, nor beyond the end of the certificate that a server has proved itself by since the last reset.

The floor is kept in a file (FILE), beside the time when the clock was set last, for how long that is to do, and how
the chip's clock drifts: by that it is corrected after deep sleep, when it is looked at first.
"""

import sys
import time

import machine
from micropython import const

# Floor, last setting (Unix seconds), for how many seconds that does (below 0: it was contradicted), when the clock was
# right last, by how many ppm it is slow; their sum modulo 97
FILE = "ppp_sim800.time"

_HOUR = const(3600)
_DAY = const(86400)
_MINUTE = const(60)
_LEAST = const(30)
_LAST = const(4294967295)  # more is rubbish in the file, not a time
_SPAN = const(631152000)  # 20 years, for which firmware is used at most
_MILLION = const(1000000)
_CLOSE = const(2)  # seconds that are no reason to set the clock anew: sources tell whole ones

# Seconds from 1970 to the epoch of time.time()
_EPOCH = 946684800 if time.gmtime(0)[0] == 2000 else 0

link = None  # what came up last: its timekeeper.refresh() has the sources asked at once, where that may block

# What is true of these floor() looks up.
checked = 0  # when the clock was set last
trust = 0  # for how long that does; below 0: something has contradicted it
_floor = 0  # 0: not looked up yet
_end = 0  # of the firmware's 20 years
_kept = 0  # `checked` as it is in the file
_right = 0  # when the clock was set or corrected last
_drift = 0  # ppm by which it is slow

_proved = _until = 0  # when a server has proved itself last, and the end of its certificate
_settled = 0  # when a doubt ended last
_patience = _LEAST  # seconds after that in which there is no other


def now():
    """The clock's time in Unix seconds, right or wrong."""
    return time.time() + _EPOCH


def is_set():
    """Whether the clock can be right."""
    return is_possible(now())


def is_possible(seconds):
    """Whether it can be that time now (Unix seconds): not past for sure, nor too far ahead."""
    first = floor()
    end, passed = _end, now() - _proved
    if _until and passed >= 0:
        end = min(end, _until + passed)
    return first <= seconds < end


def set(seconds, lasts=_HOUR):
    """Set the clock (UTC) to Unix seconds, by what a source of time has told. Returns False, and leaves it alone,
    if that is not possible.

    lasts: seconds for which the source needs no other: a day where two agree. Writes FILE once a day, and when the
    clock is trusted more than before.
    """
    global checked, trust, _settled, _drift, _patience
    if not is_possible(seconds):
        return False
    ahead, passed = seconds - now(), now() - _right
    # More than a sixteenth is another kind of error.
    if passed > _HOUR and _CLOSE < abs(ahead) < passed // 16:
        _drift = ahead * _MILLION // passed
    if trust < 0:
        _settled = seconds
        # A doubt that was right may come again soon: the source may have been wrong as well.
        _patience = _LEAST if abs(ahead) > _MINUTE else min(_patience * 2, _HOUR)
    known = 0 <= seconds - _kept < _DAY and lasts <= trust
    checked, trust = seconds, lasts
    _move(seconds)
    if not known:
        _keep(_floor)
    return True


def is_fresh():
    """Whether the clock can be relied on: its last source does still, and nothing has contradicted it."""
    return is_set() and 0 <= now() - checked < trust


def floor():
    """Unix seconds that are past for sure."""
    global checked, trust, _floor, _end, _kept, _right, _drift
    if not _floor:
        try:
            with open(FILE) as file:
                *values, check = map(int, file.read(64).split())
            good = len(values) == 5 and sum(values) % 97 == check
            if good and 0 <= values[0] <= _LAST and values[2] <= _DAY:
                _floor, checked, trust, _right, _drift = values
                _kept = checked
        except (OSError, ValueError):
            pass
        try:
            # It ends in "on 2026-11-30". Time zones make a day of difference.
            built = unix(*map(int, sys.version[-10:].split("-"))) - _DAY
        except ValueError:
            built = 1767225600  # the beginning of 2026
        _floor = max(_floor, built)
        _end = built + _SPAN
        slow = (now() - _right) * _drift // _MILLION
        asleep = machine.reset_cause() == machine.DEEPSLEEP_RESET
        if asleep and _CLOSE < abs(slow) < _DAY and is_set():
            _move(now() + slow)
            _keep(_floor)
    return _floor


def confirm(begins, ends=0):
    """A server has just proved itself by a certificate that is valid between these (Unix seconds; 0: for ever)."""
    global _proved, _until
    _proved, _until = now(), ends
    if floor() < begins <= _proved:
        _keep(begins)


def doubt():
    """Something says that the clock is wrong: it is not set, or by it a certificate that is good otherwise is expired or
    not yet valid. The sources are asked again: at once where that may block, else by the next ensure(). Not if they
    were for this reason within the last 30 s, and twice as long each time they have found nothing wrong, up to an hour.
    """
    global trust, _until
    if is_fresh() and 0 <= now() - _settled < _patience:
        return
    was, trust, _until = trust, -1, 0
    if link:
        link.timekeeper.refresh(was >= 0)
    if trust < 0 <= was:
        _keep(_floor)


def _move(seconds):
    global _right
    if abs(now() - seconds) > _CLOSE or not _right:
        t = time.gmtime(seconds - _EPOCH)
        machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
        _right = seconds


def _keep(floor):
    global _floor, _kept
    _floor, _kept = floor, checked
    try:
        values = floor, checked, trust, _right, _drift
        with open(FILE, "w") as file:
            file.write(" ".join(map(str, values + (sum(values) % 97,))))
    except OSError:
        pass  # a full or absent file system: it holds until the next reset


def text(seconds):
    """Unix seconds as "2026-12-31 23:59 UTC"."""
    t = time.gmtime(seconds - _EPOCH)
    return "{}-{:02}-{:02} {:02}:{:02} UTC".format(t[0], t[1], t[2], t[3], t[4])


def unix(year, month, day, hour=0, minute=0, second=0):
    """Unix seconds of a date (UTC)."""
    return time.mktime((year, month, day, hour, minute, second, 0, 0)) + _EPOCH
