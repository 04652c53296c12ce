"""The board's serial console, on which mpremote speaks the raw REPL."""

import re
import time

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

POLL = 0.1  # seconds
INTERRUPT = b"\r\x03\x03"


class NoAnswer(Exception):
    """The board does not do what is asked of it; one sentence."""


class Board:
    """MicroPython at a serial port. Raises NoAnswer where it does not answer."""

    def __init__(self, port: str):
        self.port = port
        try:
            self._transport = SerialTransport(port, timeout=POLL)
        except (TransportError, OSError, ValueError) as error:
            raise NoAnswer(
                f"{port} cannot be opened ({error}): is another program using it"
            ) from None
        self._serial = self._transport.serial
        self._heard = b""  # what has come and was not used yet

    def close(self) -> None:
        try:
            self._transport.exit_raw_repl()
            self._transport.close()
        except (OSError, serial.SerialException):
            pass  # it is gone

    def _read(self) -> bytes:
        try:
            data = self._serial.read(1)
            return data + self._serial.read(self._serial.in_waiting) if data else data
        except (OSError, serial.SerialException) as error:
            raise NoAnswer(f"{self.port} is gone ({error}): look at the cable") from None

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except (OSError, serial.SerialException) as error:
            raise NoAnswer(f"{self.port} is gone ({error}): look at the cable") from None

    def _until(self, ending: bytes, seconds: float) -> bool:
        """Wait for `ending`, at most `seconds`; what comes before it is forgotten."""
        end = time.monotonic() + seconds
        while ending not in self._heard:
            if time.monotonic() > end:
                return False
            self._heard += self._read()
        self._heard = self._heard.split(ending, 1)[1]
        return True

    def enter(self, seconds: float = 10.0) -> None:
        """To the raw REPL, from whatever it does; what it was running ends."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._write(INTERRUPT)
            time.sleep(POLL)
            while self._read():
                pass
            self._heard = b""
            self._write(b"\r\x01")
            if self._until(b"raw REPL; CTRL-B to exit\r\n>", 1.5):
                return
        raise NoAnswer(
            f"nothing at {self.port} answers as MicroPython does: press RESET and try again; "
            "with FLASH=1 the firmware is written first"
        )

    def soft_reset(self, seconds: float = 30.0) -> None:
        """A new heap; the hardware stays as it was. main.py does not run."""
        self.enter()
        self._write(b"\x04")
        if not self._until(b"raw REPL; CTRL-B to exit\r\n>", seconds):
            raise NoAnswer(f"the board at {self.port} does not come back after a soft reset")

    def reset(self) -> None:
        """machine.reset(): boot.py and main.py run."""
        self.enter()
        self._send("import machine\nmachine.reset()")

    def _take(self, count: int, seconds: float = 10.0) -> bytes:
        """The next bytes, `count` of them. Raises NoAnswer."""
        end = time.monotonic() + seconds
        while len(self._heard) < count:
            if time.monotonic() > end:
                raise NoAnswer(f"the board at {self.port} does not take a script")
            self._heard += self._read()
        data, self._heard = self._heard[:count], self._heard[count:]
        return data

    def _send(self, text: str) -> None:
        """Have the board run a script: by raw paste, so that it loses nothing of it. Bounded, unlike mpremote's own."""
        data = text.encode()
        self._write(b"\x05A\x01")
        if self._take(2) != b"R\x01":
            raise NoAnswer(f"the MicroPython at {self.port} is too old: it has no raw paste mode")
        window = int.from_bytes(self._take(2), "little")
        room = window
        while data:
            while not room or self._heard:
                sign = self._take(1)
                if sign == b"\x04":  # it has given up, and says why
                    self._write(b"\x04")
                    return
                room += window
            self._write(data[:room])
            data, room = data[room:], max(0, room - len(data))
            if data:
                self._heard += self._read()
        self._write(b"\x04")
        while self._take(1) != b"\x04":
            pass  # more room

    def run(self, text: str, seconds: float, on_line) -> str:
        """Run a script to its end; `on_line` gets each line it prints. Returns the traceback, "" if there is none.

        Where `on_line` returns True nothing more is waited for: the script will reset the board.
        Raises TimeoutError after `seconds`, with the script interrupted; NoAnswer where the board goes away.
        """
        self.enter()
        self._send(text)
        end = time.monotonic() + seconds
        traceback = None  # None: the script still runs
        while True:
            found = re.search(rb"[\n\x04]", self._heard)
            if not found:
                if time.monotonic() > end:
                    self._write(INTERRUPT)
                    raise TimeoutError(f"it took more than {seconds:.0f} s")
                self._heard += self._read()
                continue
            line, stop = self._heard[: found.start()], found[0]
            self._heard = self._heard[found.end() :]
            if traceback is not None:
                traceback += line + stop
                if stop == b"\x04":
                    return traceback[:-1].decode(errors="replace").replace("\r\n", "\n").strip()
                continue
            if line.strip() and on_line(line.decode(errors="replace").rstrip("\r")):
                return ""
            if stop == b"\x04":
                traceback = b""
