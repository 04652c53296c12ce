"""The same for asyncio: what blocks in ppp_sim800 is awaited here.

from ppp_sim800 import aio
nic = aio.PPP("internet")
await nic.connect()
print(await nic.modem.radio.signal())
"""

import asyncio

from .link import PPP as BlockingPPP
from .modem import Modem as BlockingModem
from .run import Procedures


async def drive(procedure):
    """Run a procedure to its end, other tasks while it waits. Cancelled, it is given the time to clean up."""
    try:
        pause = next(procedure)
        while True:
            try:
                await asyncio.sleep_ms(pause)
            except BaseException as error:
                pause = procedure.throw(error)
            else:
                pause = next(procedure)
    except StopIteration as end:
        return end.value


class Awaited:
    """`target` with its procedures to await; its roles (`modem`, `sim`, `radio` ...) are wrapped the same way."""

    def __init__(self, target):
        self._target = target

    def __repr__(self):
        return repr(self._target)

    def __getattr__(self, name):
        target = self._target
        procedure = getattr(target, "_" + name, None)
        if callable(procedure) and hasattr(type(target), name):
            return lambda *args, **kwargs: _awaited(procedure(*args, **kwargs))
        return _wrapped(getattr(target, name))

    def __aiter__(self):
        return self

    async def __anext__(self):
        piece = await drive(self._target._next())
        if not piece:
            raise StopAsyncIteration
        return piece


def _wrapped(value):
    return Awaited(value) if isinstance(value, Procedures) else value


async def _awaited(procedure):
    return _wrapped(await drive(procedure))


def PPP(*args, **kwargs):
    """As ppp_sim800.PPP."""
    return Awaited(BlockingPPP(*args, **kwargs))


def Modem(*args, **kwargs):
    """As ppp_sim800.Modem."""
    return Awaited(BlockingModem(*args, **kwargs))
