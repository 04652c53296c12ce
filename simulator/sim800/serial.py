"""The modem's UART on a pseudo terminal: pacing, baud rates, garbage when they differ."""

import asyncio
import contextlib
import fcntl
import os
import random
import struct
import tty
from collections.abc import Callable

from network.clock import Clock

CHUNK_TIME = 0.005  # at most this much goes to the pty at once
CATCH_UP = 0.05  # real seconds; so much of a late wake-up is made good at once
RATE_TOLERANCE = 0.03  # a UART samples ten bits per start edge; 3 % off is still read well
OUTPUT_LIMIT = 1 << 16  # bytes waiting to be sent; more are lost
READ_SIZE = 4096
FIFO = 128  # bytes that an ESP32's UART holds while nobody reads it
GARBAGE_LIMIT = 4096  # bytes that one read or write may become where the rates differ
HUNG_UP_RATE = 9600.0  # what the kernel makes of B0 (serial_core), beside dropping DTR
DTR_TIME = 0.05  # real seconds from one look at the DTE's DTR to the next

TCGETS2 = 0x802C542A  # like tcgetattr, but with rates as numbers, also odd ones (BOTHER)
TERMIOS2 = struct.Struct("=4I20B2I")


class Damage:
    """Bytes lost, doubled or with one bit flipped on the way, each with its share (0 to 1).

    `noise`: share with a bit flipped only while the line is faster than `noise_above` baud. `unread()`: the receiver
    does not take its bytes for a while; what its FIFO does not hold is lost, `overrun` bytes so far.
    """

    def __init__(self, seed: int = 800):
        self.random = random.Random(seed)
        self.rates = {"drop": 0.0, "double": 0.0, "flip": 0.0}
        self.drop_next = 0
        self.noise_above, self.noise = 0, 0.0
        self.overrun = 0
        self._unread_until, self._room = 0.0, 0
        self._clock: Clock | None = None
        self._again: asyncio.TimerHandle | None = None

    def unread(self, clock: Clock, seconds: float, every: float = 0.0) -> None:
        """From now on, for so long; and so again `every` so many seconds, if that is not 0."""
        if self._again is not None:
            self._again.cancel()
        self._clock, self._room = clock, FIFO
        self._unread_until = clock.now() + seconds
        self._again = (
            clock.call_later(every, self.unread, clock, seconds, every) if every else None
        )

    def stop(self) -> None:
        """The line is gone."""
        if self._again is not None:
            self._again.cancel()

    def apply(self, data: bytes, baud: float) -> bytes:
        if self._clock is not None and self._clock.now() < self._unread_until:
            held, self._room = data[: self._room], max(0, self._room - len(data))
            self.overrun += len(data) - len(held)
            data = held
        if self.drop_next:
            lost = min(self.drop_next, len(data))
            self.drop_next -= lost
            data = data[lost:]
        flip = self.rates["flip"] + (self.noise if baud > self.noise_above else 0.0)
        if not any((*self.rates.values(), flip)):
            return data
        out = bytearray()
        for byte in data:
            if self.random.random() < self.rates["drop"]:
                continue
            if self.random.random() < flip:
                byte ^= 1 << self.random.randrange(8)  # noqa: PLW2901
            out.append(byte)
            if self.random.random() < self.rates["double"]:
                out.append(byte)
        return bytes(out)


def same_rate(a: float, b: float) -> bool:
    return abs(a - b) <= RATE_TOLERANCE * b


def garble(data: bytes, sender: float, receiver: float) -> bytes:
    """What an 8N1 receiver at `receiver` baud makes of `data` sent at `sender` baud.

    The sender's levels are sampled at the receiver's rate from each falling edge; a
    byte with a low stop bit (framing error) is handed on like any other, as UARTs do.
    At most GARBAGE_LIMIT bytes: a sender of 1 baud would make millions.
    """
    bits = []
    for byte in data:
        bits.append(0)
        bits.extend(byte >> n & 1 for n in range(8))
        bits.append(1)
    step = sender / receiver
    end = len(bits)
    out = bytearray()
    at = 0.0
    while at < end and len(out) < GARBAGE_LIMIT:
        if bits[int(at)]:
            at = int(at) + 1.0
            continue
        value = 0
        for n in range(8):
            sample = int(at + (n + 1.5) * step)
            if sample >= end or bits[sample]:
                value |= 1 << n
        out.append(value)
        at += 9.5 * step
    return bytes(out)


class Line:
    """One serial line. The other side (the DTE) opens `path` as its serial port.

    `rate` is the modem's baud rate, or None while it does not know one (autobauding):
    then received bytes are handed on as sent, with `dte_rate()` to judge them, and
    nothing can be sent. `on_data(bytes)` is called with what the modem's UART receives.
    `on_hang_up()` is called when the DTE sets its rate to B0, which drops DTR (termios(3)).
    `dead` makes the modem's UART deaf and mute (no power). `rate_told` is False where the DTE's program does
    not set the pty's rate: then whatever rate the modem has is taken for the DTE's as well.
    """

    def __init__(self, clock: Clock, symlink: str | None = None):
        self.clock = clock
        self.symlink = symlink
        self.rate: int | None = 115200
        self.dead = True
        self.rate_told = True
        self.on_data: Callable[[bytes], None] = lambda data: None
        self.on_hang_up: Callable[[], None] = lambda: None
        self.to_dte = Damage(800)
        self.from_dte = Damage(801)
        self.sent = 0  # bytes that left the modem
        self.received = 0
        self.written = self.read = 0  # bytes that went to the pty, and came from it
        self.lost = 0  # bytes given up because nobody took them or too many waited
        self._output = bytearray()
        self._next = 0.0  # when the line is free again
        self._timer: asyncio.TimerHandle | None = None
        self._dtr_timer: asyncio.TimerHandle | None = None
        self._hung_up = False
        self._changes: list[tuple[int, int | None]] = []  # (bytes still to go, then this rate)
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)

    def start(self) -> None:
        """Begin to listen; needs a running asyncio loop. Makes the link, if one is named."""
        if self.symlink:
            if os.path.lexists(self.symlink) and not os.path.islink(self.symlink):
                raise FileExistsError(f"{self.symlink} exists and is no link: name another path")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.symlink)
            os.symlink(self.path, self.symlink)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        self._look_at_dtr()

    def stop(self) -> None:
        if self._master < 0:
            return
        self.drop()
        self.to_dte.stop()
        if self._dtr_timer is not None:
            self._dtr_timer.cancel()
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self._master)
        # the slave is kept open here as well: else each close by the DTE would end the pty
        os.close(self._slave)
        os.close(self._master)
        self._master = -1
        if (
            self.symlink
            and os.path.islink(self.symlink)
            and os.readlink(self.symlink) == self.path
        ):
            os.unlink(self.symlink)

    def _look_at_dtr(self) -> None:
        """A pty tells nobody of B0: it has to be looked at."""
        was, self._hung_up = self._hung_up, self._termios_rate() == 0
        if self._hung_up and not was:
            self.on_hang_up()
        self._dtr_timer = asyncio.get_running_loop().call_later(DTR_TIME, self._look_at_dtr)

    def _termios_rate(self) -> float:
        raw = fcntl.ioctl(self._master, TCGETS2, bytes(TERMIOS2.size))
        return float(TERMIOS2.unpack(raw)[-1])

    def dte_rate(self) -> float:
        """The rate the DTE's side of the pty is set to, in baud; B0 leaves a UART of Linux at 9600."""
        if not self.rate_told:
            return float(self.rate or 115200)
        return self._termios_rate() or HUNG_UP_RATE

    @property
    def pending(self) -> int:
        """Bytes that wait to be sent."""
        return len(self._output)

    def send(self, data: bytes) -> None:
        """Queue bytes for the DTE; they leave at `rate`."""
        if self.dead or self.rate is None or self._master < 0:
            return
        room = OUTPUT_LIMIT - len(self._output)
        if len(data) > room:
            self.lost += len(data) - room
            data = data[:room]
        if not self._output:
            self._next = max(self._next, self.clock.now())
        self._output += data
        if self._timer is None:
            self._pump()

    def change_rate(self, rate: int | None) -> None:
        """Switch to another rate once everything queued so far is out."""
        if self._output:
            self._changes.append((len(self._output), rate))
        else:
            self.rate = rate

    def drop(self) -> None:
        """Forget what is not sent yet: the modem was reset."""
        self._output.clear()
        self._changes.clear()
        self._next = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        self._timer = None
        if not self._output or self.rate is None:
            return
        now = self.clock.now()
        late = now - self._next
        if late > CATCH_UP * self.clock.speed:
            self._next = now - CATCH_UP * self.clock.speed
        if self._next > now:
            self._timer = self.clock.call_later(self._next - now, self._pump)
            return
        byte_time = 10 / self.rate
        count = max(1, int((now + CHUNK_TIME - self._next) / byte_time))
        if self._changes:
            count = min(count, self._changes[0][0])
        chunk = bytes(self._output[:count])
        del self._output[:count]
        self._next += len(chunk) * byte_time
        self._write(chunk)
        if self._changes:
            self._changes = [(left - len(chunk), rate) for left, rate in self._changes]
            if self._changes[0][0] == 0:
                # the last byte is still on the wire; nothing is sent before it is through
                self.rate = self._changes.pop(0)[1]
        if self._output:
            self._timer = self.clock.call_later(self._next - self.clock.now(), self._pump)

    def _write(self, chunk: bytes) -> None:
        self.sent += len(chunk)
        dte = self.dte_rate()
        chunk = self.to_dte.apply(chunk, self.rate)
        if not same_rate(dte, self.rate):
            chunk = garble(chunk, self.rate, dte)
        try:
            written = os.write(self._master, chunk) if chunk else 0
        except BlockingIOError:
            written = 0  # nobody reads: a wire does not wait
        self.written += written
        self.lost += len(chunk) - written

    def _readable(self) -> None:
        try:
            data = os.read(self._master, READ_SIZE)
        except (BlockingIOError, OSError):
            return
        self.read += len(data)
        dte = self.dte_rate()
        if self.dead or not data:
            return
        self.received += len(data)
        data = self.from_dte.apply(data, dte)
        if self.rate is not None and not same_rate(dte, self.rate):
            data = garble(data, dte, self.rate)
        if data:
            self.on_data(data)
