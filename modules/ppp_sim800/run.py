"""The runner for plain scripts.

Every procedure of this package is a generator that yields the milliseconds it wants to wait.
"""

import time

from micropython import const

_PERIOD = const((1 << 30) - 1)  # ticks_ms() wraps behind it on the ESP32


class Procedures:
    """What a class is whose methods `_name` are procedures and whose `name` runs them, here blocking, in
    `aio` for asyncio."""


class Role(Procedures):
    """What `modem` does in one of its roles."""

    def __init__(self, modem):
        self._modem = modem

    def _do(self, command, timeout=5000):
        yield from self._modem._command(command, None, timeout)


def run(procedure):
    """Run a procedure to its end, sleeping as it asks, and return its result.

    An exception that ends a sleep (Ctrl-C) is thrown into the procedure, so that its clean-up runs too.
    """
    try:
        pause = next(procedure)
        while True:
            try:
                time.sleep_ms(pause)
            except BaseException as error:
                pause = procedure.throw(error)
            else:
                pause = next(procedure)
    except StopIteration as end:
        return end.value


def blocking(procedure):
    """Make a plain method out of a method that is a procedure."""

    def method(self, *args, **kwargs):
        return run(procedure(self, *args, **kwargs))

    return method


class GiveWay(Exception):
    """What `fed` ends a procedure with."""


def fed(procedure, wdt, unwanted=None):
    """Procedure: the same, feeding `wdt` (a machine.WDT, or None) each time it waits.

    unwanted: called with nothing then; once it is true the procedure ends, with GiveWay.
    """
    try:
        pause = next(procedure)
        while True:
            if wdt:
                wdt.feed()
            try:
                if unwanted and unwanted():
                    unwanted = None  # its clean-up waits, too
                    raise GiveWay
                yield pause
            except BaseException as error:
                pause = procedure.throw(error)
            else:
                pause = next(procedure)
    except StopIteration as end:
        return end.value
    finally:
        procedure.close()


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


def wait(ms):
    """Procedure: let `ms` milliseconds pass."""
    deadline = Deadline(ms)
    while left := deadline.left():
        yield min(left, 50)
