"""The runner for plain scripts.

Every procedure of this package is a generator that yields the milliseconds it wants to wait.
"""

import time


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


def fed(procedure, wdt):
    """Procedure: the same, feeding `wdt` (a machine.WDT, or None) each time it waits."""
    try:
        pause = next(procedure)
        while True:
            if wdt:
                wdt.feed()
            try:
                yield pause
            except BaseException as error:
                pause = procedure.throw(error)
            else:
                pause = next(procedure)
    except StopIteration as end:
        return end.value
    finally:
        procedure.close()


class Deadline:
    """A point in time `timeout` milliseconds from now, safe against the wrap of ticks_ms()."""

    def __init__(self, timeout):
        self._end = time.ticks_add(time.ticks_ms(), int(timeout))

    def left(self):
        """Milliseconds left, 0 when it has passed."""
        return max(0, time.ticks_diff(self._end, time.ticks_ms()))


def wait(ms):
    """Procedure: let `ms` milliseconds pass."""
    deadline = Deadline(ms)
    while left := deadline.left():
        yield min(left, 50)
