"""The blocking face: for each class whose coroutines `aio` awaits, one whose methods return when they are done.

nic = ppp_sim800.PPP("internet")   # interface.PPP, blocking
nic.connect()                      # run(nic.aio.connect())
await nic.aio.connect()            # the same link in asyncio
"""

from .run import Async, run, wait

_classes = {}  # class whose coroutines are awaited: the one whose methods block


_COROUTINE = type(wait)


class Blocking:
    """Base class. `aio`: the object behind it."""

    def __init__(self, *args, **kwargs):
        self.aio = self._awaited(*args, **kwargs)

    def __repr__(self):
        return repr(self.aio)

    # Not a method for each coroutine: they would take more memory than all else.
    def __getattr__(self, name):
        awaited = self.aio
        coroutine = getattr(type(awaited), name, None)
        if type(coroutine) is _COROUTINE:

            def method(*args, **kwargs):
                return blocking(run(coroutine(awaited, *args, **kwargs)))

            return method() if name in getattr(awaited, "PROPERTIES", ()) else method
        value = getattr(awaited, name)
        if isinstance(value, Async):
            value = blocking(value)
            setattr(self, name, value)
        return value

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return run(self.aio.__anext__())
        except StopAsyncIteration:
            raise StopIteration


def blocking_class(awaited):
    """The class with the same methods, blocking."""
    made = _classes.get(awaited)
    if not made:
        made = _classes[awaited] = type(awaited.__name__, (Blocking,), {"_awaited": awaited})
    return made


def blocking(value):
    """The blocking object for one that is awaited; any other value is itself."""
    if not isinstance(value, Async):
        return value
    made = object.__new__(blocking_class(type(value)))
    made.aio = value
    return made
