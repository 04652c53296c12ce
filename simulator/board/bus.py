"""The board bus: what the MicroPython VM asks of the board, as ASCII lines on a unix socket.

Each request line gets one answer line, "ok [value]" or "error <sentence>"; lines that begin with
"!" are events and come at any time.

    hello                                ok <board name>
    pin <n> out <0|1>                    ok             drive a pin
    pin <n> in <none|up|down>            ok <level>     from then on "!pin <n> <level>" on changes
    pin <n> read                         ok <level>
    pin <n> hold <0|1>                   ok             freeze the output, also through resets
    i2c <scl> <sda> <addr> <hex|-> <n>   ok <hex|->     write, then read n bytes; "error nack"
    uart <id> <tx> <rx>                  ok <path|->    "-": nothing is wired there
    reset <cause>                        ok             all pins are inputs, events end

Numbers are decimal, an I2C address may be 0x... as well. The event "!off" says that the board has
lost its supply: the ESP32 is dead.
"""

import asyncio
import contextlib
import re
from pathlib import Path

from network.clock import Clock

from .tcall import BoardError, TCall

LINE_LIMIT = 4096  # bytes of a request
READ_LIMIT = 1024  # bytes of an I2C read
WAITING_LIMIT = 1 << 20  # bytes the VM has not taken; more, and it is cut off
PATH_LIMIT = 107  # sun_path

_NUMBER = re.compile(r"\d{1,5}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_WORD = re.compile(r"[\w.-]{1,40}", re.ASCII)

# How each request looks, for complaints, and how many words follow its name
_REQUESTS = {
    "hello": ("hello", (0,)),
    "pin": (
        "pin <n> out <0|1>, pin <n> in <none|up|down>, pin <n> read or pin <n> hold <0|1>",
        (2, 3),
    ),
    "i2c": ("i2c <scl> <sda> <addr> <hex|-> <n>", (5,)),
    "uart": ("uart <id> <tx> <rx>", (3,)),
    "reset": ("reset <cause>", (1,)),
}


def _number(text: str, what: str, limit: int | None = None) -> int:
    if not _NUMBER.fullmatch(text):
        raise BoardError(f"{what} is {text!r} and should be a number")
    value = int(text)
    if limit is not None and value > limit:
        raise BoardError(f"{what} is {value} and may be {limit} at most")
    return value


def _address(text: str) -> int:
    if re.fullmatch(r"0x[0-9a-fA-F]{1,2}", text):
        text = str(int(text, 16))
    return _number(text, "the I2C address", 127)


class Bus:
    """The server of one board; one VM at a time, a new connection takes over as after a reset.

    Raises ValueError if `path` is too long for a socket.
    """

    def __init__(self, clock: Clock, path: Path | str, board: TCall):
        self.clock = clock
        self.path = str(path)
        self.board = board
        self._server: asyncio.Server | None = None
        self._connection: _Connection | None = None
        if len(self.path.encode()) > PATH_LIMIT:
            raise ValueError(
                f"{self.path} is longer than the {PATH_LIMIT} bytes of a socket's path"
            )

    async def start(self) -> None:
        """Listen at `path`."""
        self.board.on_event = self._event
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(lambda: _Connection(self), self.path)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        if self._connection:
            self._connection.transport.abort()
        await self._server.wait_closed()
        self._server = None
        with contextlib.suppress(FileNotFoundError):
            Path(self.path).unlink()
        self.board.stop()

    def answer(self, line: bytes) -> str:
        """The answer to a request line (without its end)."""
        try:
            text = line.decode("ascii")
        except UnicodeDecodeError:
            return "error the request has bytes that are not ASCII"
        if not text.isprintable():
            return "error the request has control characters: end lines with a newline alone"
        name, *words = text.split(" ")
        if name not in _REQUESTS:
            return f"error there is no request {name[:20]!r}: use {', '.join(_REQUESTS)}"
        usage, counts = _REQUESTS[name]
        try:
            if len(words) not in counts:
                raise BoardError(f"{text[:60]!r} should be {usage}")
            value = getattr(self, f"_do_{name}")(*words)
        except BoardError as error:
            return f"error {error}"
        return "ok" if value is None else f"ok {value}"

    def _do_hello(self) -> str:
        return self.board.name

    def _do_pin(self, *words: str) -> int | None:
        match words:
            case (pin, "out", "0" | "1" as level):
                return self.board.drive(_number(pin, "the pin"), int(level))
            case (pin, "in", "none" | "up" | "down" as pull):
                return self.board.listen(_number(pin, "the pin"), pull)
            case (pin, "read"):
                return self.board.read(_number(pin, "the pin"))
            case (pin, "hold", "0" | "1" as on):
                return self.board.hold(_number(pin, "the pin"), on == "1")
        raise BoardError(f"{' '.join(['pin', *words])[:60]!r} should be {_REQUESTS['pin'][0]}")

    def _do_i2c(self, scl: str, sda: str, address: str, write: str, count: str) -> str:
        if write != "-" and not _HEX.fullmatch(write):
            raise BoardError(f"the bytes to write are {write[:20]!r} and should be hex or -")
        answer = self.board.i2c(
            _number(scl, "SCL's pin"),
            _number(sda, "SDA's pin"),
            _address(address),
            b"" if write == "-" else bytes.fromhex(write),
            _number(count, "the number of bytes to read", READ_LIMIT),
        )
        return answer.hex() or "-"

    def _do_uart(self, number: str, tx: str, rx: str) -> str:
        pins = _number(tx, "TX's pin"), _number(rx, "RX's pin")
        return self.board.uart(_number(number, "the UART"), *pins) or "-"

    def _do_reset(self, cause: str) -> None:
        if not _WORD.fullmatch(cause):
            raise BoardError(f"the cause of the reset is {cause[:60]!r} and should be a word")
        self.board.reset(cause)

    def _event(self, text: str) -> None:
        if self._connection:
            self._connection.send(f"!{text}")

    def _connected(self, connection: "_Connection") -> None:
        if self._connection:
            self._connection.transport.abort()
        self._connection = None  # what happens now is the business of neither
        self.board.reset("connection")
        self._connection = connection

    def _disconnected(self, connection: "_Connection") -> None:
        if self._connection is connection:
            self._connection = None


class _Connection(asyncio.Protocol):
    """A VM. Requests are answered as they arrive, so that widths of pulses are right."""

    def __init__(self, bus: Bus):
        self._bus = bus
        self._line = b""
        self._too_long = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._bus._connected(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._bus._disconnected(self)

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._line + data).split(b"\n")
        for line in lines:
            if self.transport.is_closing():
                return
            if self._too_long or len(line) > LINE_LIMIT:
                self._too_long = False
                self.send(f"error the request is longer than {LINE_LIMIT} bytes")
            else:
                self.send(self._bus.answer(line))
        if len(rest) > LINE_LIMIT:
            self._too_long = True
            rest = b""
        self._line = rest

    def send(self, line: str) -> None:
        self.transport.write(line.encode() + b"\n")
        if self.transport.get_write_buffer_size() > WAITING_LIMIT:
            self.transport.abort()
