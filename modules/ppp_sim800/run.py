"""Coroutines, and what drives them.

Whatever waits in this package is a coroutine, written once. asyncio drives it in a task; in a plain script or a
thread run() does, and blocks.
"""

import time
from _thread import get_ident

from micropython import const

_PERIOD = const((1 << 30) - 1)  # ticks_ms() wraps behind it on the ESP32
_STEP_MS = const(50)

_blocking = {}  # thread in which run() drives: its _Pause
_spare = []  # a _Pause that is not in use
_loop_thread = None  # the thread in which asyncio was last seen to drive


class Async:
    """Base class: its coroutines are awaited in asyncio; blocking.py makes the class whose methods block.

    A role of the modem does it over `line`.
    """

    def __init__(self, line=None):
        self._line = line


class Interrupted(BaseException):
    """What a check of watched() raises to end a procedure; nobody on the way takes it for an error of the modem."""


class _Pause:
    # What a coroutine that run() drives awaits. One for each thread, so that waiting takes no memory.

    def __init__(self):
        self.ms = None
        self._end = StopIteration()

    def __iter__(self):
        return self

    def __next__(self):
        ms, self.ms = self.ms, None
        if ms is None:
            self._end.__traceback__ = None  # else it grows
            raise self._end
        return ms


def is_blocking():
    """Whether run() drives what runs in this thread."""
    return get_ident() in _blocking


def in_loop_thread():
    """Whether asyncio drives coroutines of this package in this thread, if it does at all."""
    return get_ident() == _loop_thread


def sleep_ms(ms):
    """Awaitable: let about `ms` milliseconds pass; wait() is exact."""
    global _loop_thread
    thread = get_ident()
    pause = _blocking.get(thread)
    if pause:
        pause.ms = ms
        return pause
    import asyncio

    _loop_thread = thread
    return asyncio.sleep_ms(ms)


def run(coroutine):
    """Drive a coroutine of this package to its end, and return its result.

    An exception that ends a sleep (Ctrl-C) is thrown into the coroutine, so that its clean-up runs too.
    """
    thread = get_ident()
    outer = _blocking.get(thread)
    if not outer:
        _blocking[thread] = _spare.pop() if _spare else _Pause()
    try:
        pause = coroutine.send(None)
        while True:
            try:
                time.sleep_ms(pause)
            except BaseException as error:
                pause = coroutine.throw(error)
            else:
                pause = coroutine.send(None)
    except StopIteration as end:
        return end.value
    finally:
        if not outer:
            pause = _blocking.pop(thread)
            if not _spare:
                _spare.append(pause)


def watched(coroutine, check):
    """Coroutine: the same. `check()` is called each time it has waited; what it raises, once, is thrown into it."""
    try:
        pause = coroutine.send(None)
        while True:
            try:
                yield pause
                if check:
                    try:
                        check()
                    except BaseException:
                        check = None  # its clean-up waits, too
                        raise
            except BaseException as error:
                pause = coroutine.throw(error)
            else:
                pause = coroutine.send(None)
    except StopIteration as end:
        return end.value
    finally:
        coroutine.close()


def since(start):
    """Milliseconds since `start` of time.ticks_ms(), of the last 12.4 days: never negative, as ticks_diff() is after
    half of them."""
    return (time.ticks_ms() - start) & _PERIOD


class Deadline:
    """A point in time `timeout` milliseconds from now. However old it is, no more than that is left."""

    def __init__(self, timeout):
        self._timeout = int(timeout)
        self._start = time.ticks_ms()

    def left(self):
        """Milliseconds left, 0 when it has passed."""
        return max(0, self._timeout - since(self._start))


async def wait(ms):
    """Let `ms` milliseconds pass."""
    deadline = Deadline(ms)
    while left := deadline.left():
        await sleep_ms(min(left, _STEP_MS))
