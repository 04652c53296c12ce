"""The multiplexer on the line (AT+CMUX, M 96; 3GPP TS 27.010): AT on DLCI 1, PPP on DLCI 2.

What a SIM800 does beyond the standard: each DLCI has settings of its own, URCs come on DLCI 1, and only CLD or a
restart end it.
"""

import cmux
from micropython import const

from .at.channel import Channel
from .errors import ATError, ATTimeout
from .profile import BAUDRATE, FAST, MULTIPLEX
from .run import Deadline, sleep_ms

_TRIES = const(10)  # 0.3 s each, for the multiplexer and for a DLCI
_OPEN_MS = const(8000)
_RATE_MS = const(1500)  # for DLCI 0, before the modem is looked for at its first rate
_FITS_MS = const(1500)
_CLOSE_MS = const(1500)
# Longest information fields: M 96, and that of older firmware.
_N1 = (127, 31)
# Two frames; at half of it the modem is told to wait.
_AT_SIZE = const(512)
_DATA_SIZE = const(256)
_LINE_SIZE = const(128)


class Multiplexer:
    """On `uart`, from start() to stop(). `at`, `data`: its DLCIs; `accepted`: the modem said OK; `rate`: the line's."""

    def __init__(self, uart, trace):
        self._uart = uart
        self._trace = trace
        self._mux = self.at = self.data = self.rate = None
        self.accepted = False

    async def start(self, channel, rate, tries):
        """Start it by an AT command over `channel`, whose turn the caller has, at `rate`. tries: how often that has failed
        although the modem said OK. False if it fails: then stop().

        OK does not tell whether the modem goes on at this rate, nor its N1: both are tried out.
        """
        self.rate = rate
        for n in range(2):
            try:
                command = MULTIPLEX[(n + tries) % 2]
                await channel.converse(command.format(7 if rate == FAST else 5))
                self.accepted = True
                break
            except ATError:
                pass
        if not self.accepted:
            return False
        try:
            for n1 in _N1:
                if not await self._open(n1):
                    break
                channel.move(self.at)
                if await self._fits(channel, n1):
                    return True
                channel.move(self._uart)
        except (OSError, MemoryError):
            pass
        if self.rate != rate and not self.is_open():
            self._set_rate(rate)
        return False

    async def _open(self, n1):
        if not await self._open_at(n1, _RATE_MS if self.rate == FAST else _OPEN_MS):
            if self.rate != FAST:
                return False
            self._set_rate(BAUDRATE)
            if not await self._open_at(n1, _OPEN_MS):
                return False
        deadline = Deadline(_OPEN_MS)
        while cmux.OPENING in (self.at.state(), self.data.state()) and deadline.left():
            await sleep_ms(10)
        return self.is_open()

    async def _open_at(self, n1, ms):
        self.free()
        self._mux = cmux.CMUX(self._uart, n1=n1, n2=_TRIES)
        self.at = self._mux.open(1, _AT_SIZE)
        self.data = self._mux.open(2, _DATA_SIZE)
        deadline = Deadline(ms)
        while self._mux.state() == cmux.OPENING and deadline.left():
            await sleep_ms(10)
        return self._mux.state() == cmux.OPEN

    def _set_rate(self, rate):
        self.free()
        self._uart.init(baudrate=rate)
        self.rate = rate

    async def _fits(self, channel, n1):
        # Whether the modem hears a frame as long as ours can be: blanks count for nothing (V.250 5.2.1).
        for _ in range(2):
            try:
                await channel.converse("AT{:>{}}".format("E1Q0V1", n1 - 3), timeout=_FITS_MS)
                return True
            except ATError:
                return True  # it was heard
            except ATTimeout:
                pass
        return n1 == _N1[-1]

    def is_open(self):
        """Whether both DLCIs are."""
        return self.data is not None and self.at.state() == self.data.state() == cmux.OPEN

    def stray(self):
        """How many bytes came outside of frames: a modem that has restarted sends such."""
        return self._mux.stats()[2]

    def channel(self):
        """A Channel for commands on PPP's DLCI."""
        return Channel(self.data, None, self._trace, _LINE_SIZE)

    async def stop(self):
        """Have the modem end it, whether it hears that or not. Then free()."""
        if self._mux:
            self._mux.close()
            deadline = Deadline(_CLOSE_MS)
            while self._mux.state() == cmux.CLOSING and deadline.left():
                await sleep_ms(10)

    def free(self):
        """Let go of the UART."""
        mux, self._mux = self._mux, None
        if mux:
            mux.deinit()
