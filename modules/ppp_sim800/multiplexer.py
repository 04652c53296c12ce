"""One line for two while a data call stands: AT on DLCI 1, PPP on DLCI 2 (AT+CMUX, M 96; 3GPP TS 27.010).

What a SIM800 does beyond the standard: each DLCI has settings of its own, what it says unasked comes on DLCI 1,
and only CLD or a restart lead out.
"""

import cmux
from micropython import const

from .at import Channel
from .errors import ATError
from .run import Deadline

_TRIES = const(10)  # 0.3 s each, for the multiplexer and for a DLCI
_OPEN_MS = const(8000)
_CLOSE_MS = const(1500)
_IDLE_MS = const(3000)  # for a command in flight to end
# Two frames; at half of it the modem is told to wait.
_AT_SIZE = const(512)
_DATA_SIZE = const(256)
_LINE_SIZE = const(128)


class Multiplexer:
    """Of `modem`, from enter() to leave()."""

    def __init__(self, modem):
        self._modem = modem
        self._mux = self._at = None
        self.began = False  # the modem said OK
        self.data = None  # what PPP reads and writes

    def enter(self):
        """Procedure: begin to multiplex. False if the modem does not, or there is no memory: then leave()."""
        modem = self._modem
        if not (yield from modem._channel.alone(self._enter())):
            return False
        for channel in (modem._channel, self.channel()):
            yield from channel.sync(3)
            try:
                # The end of the data call is then told on DLCI 1 (M 155).
                yield from channel.command("AT+CMEE=1;+CDRIND=1")
            except ATError:
                pass
        yield from modem._set_up()
        yield from modem._subscribe()
        return True

    def _enter(self):
        modem = self._modem
        converse = modem._channel.converse
        try:
            try:
                # Without the rate some firmware goes on at 115200 baud, and N1 need not be what M 96 says it is by
                # default (older SIM900: 31); other firmware knows neither.
                rate = 7 if modem.baudrate == 460800 else 5
                yield from converse("AT+CMUX=0,0,{},127".format(rate))
            except ATError:
                yield from converse("AT+CMUX=0")
        except ATError:
            return False
        self.began = True
        try:
            self._mux = cmux.CMUX(modem.uart, n2=_TRIES)
            self._at = self._mux.open(1, _AT_SIZE)
            self.data = self._mux.open(2, _DATA_SIZE)
        except (OSError, MemoryError):
            return False
        deadline = Deadline(_OPEN_MS)
        while cmux.OPENING in (self._at.state(), self.data.state()) and deadline.left():
            yield 10
        if self.stands():
            modem._channel.move(self._at)
            return True
        return False

    def stands(self):
        """Whether both DLCIs are open."""
        return self.data is not None and self._at.state() == self.data.state() == cmux.OPEN

    def stray(self):
        """How many bytes came outside of frames: a modem that has restarted sends such."""
        return self._mux.stats()[2]

    def channel(self):
        """A Channel for commands on PPP's DLCI."""
        return Channel(self.data, None, self._modem._trace, _LINE_SIZE)

    def leave(self):
        """Procedure: take the line back, whether the modem hears it or not."""
        modem = self._modem
        deadline = Deadline(_IDLE_MS)
        while modem._channel.busy() and deadline.left():
            yield 10
        if self._mux:
            self._mux.close()
            deadline = Deadline(_CLOSE_MS)
            while self._mux.state() == cmux.CLOSING and deadline.left():
                yield 10
            self._mux.deinit()
        modem._channel.move(modem.uart)
