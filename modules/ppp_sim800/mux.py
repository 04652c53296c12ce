"""The multiplexer on the line (AT+CMUX, M 96; 3GPP TS 27.010): AT on DLCI 1, PPP on DLCI 2.

What a SIM800 does beyond the standard: each DLCI has settings of its own, URCs come on DLCI 1, and only CLD or a
restart end it.
"""

import cmux
from micropython import const

from .at.channel import Channel
from .errors import ATError
from .profile import FAST, MULTIPLEX
from .run import Deadline, sleep_ms

_TRIES = const(10)  # 0.3 s each, for the multiplexer and for a DLCI
_OPEN_MS = const(8000)
_CLOSE_MS = const(1500)
# Two frames; at half of it the modem is told to wait.
_AT_SIZE = const(512)
_DATA_SIZE = const(256)
_LINE_SIZE = const(128)


class Multiplexer:
    """On `uart`, from start() to stop(). `at`, `data`: its DLCIs; `accepted`: the modem said OK."""

    def __init__(self, uart, trace):
        self._uart = uart
        self._trace = trace
        self._mux = self.at = self.data = None
        self.accepted = False

    async def start(self, channel, rate):
        """Start it by an AT command over `channel`, whose turn the caller has. False if that fails: then stop()."""
        try:
            try:
                # Without the rate some firmware goes on at 115200 baud, and N1 need not be what M 96 says it is by
                # default (older SIM900: 31); other firmware knows neither.
                await channel.converse(MULTIPLEX.format(7 if rate == FAST else 5))
            except ATError:
                await channel.converse("AT+CMUX=0")
        except ATError:
            return False
        self.accepted = True
        try:
            self._mux = cmux.CMUX(self._uart, n2=_TRIES)
            self.at = self._mux.open(1, _AT_SIZE)
            self.data = self._mux.open(2, _DATA_SIZE)
        except (OSError, MemoryError):
            return False
        deadline = Deadline(_OPEN_MS)
        while cmux.OPENING in (self.at.state(), self.data.state()) and deadline.left():
            await sleep_ms(10)
        if self.is_open():
            channel.move(self.at)
            return True
        return False

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
        if self._mux:
            self._mux.deinit()
