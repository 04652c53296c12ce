"""A bench for the VM alone: a board bus and a serial line held by the test itself."""

import os
import pty
import select
import signal
import socket
import subprocess
import tempfile
import termios
import threading
import time
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VM = Path(os.environ.get("SIM_VM", ROOT / "build" / "vm" / "micropython"))


class Bench:
    """Runs MicroPython scripts and plays the board they talk to.

    folder: where the bus's socket goes. `requests` lists (real seconds, line) of all requests;
    `levels` has what pins read that nobody drives; `i2c` is called with (address, written
    bytes, number of bytes to read) and returns bytes, or None for no answer; `wired` are the
    (tx, rx) the serial line is connected to, `device` is the pty it is.
    """

    def __init__(self, folder: Path):
        self.requests: list[tuple[float, str]] = []
        self.levels: dict[int, int] = {}
        self.driven: dict[int, int] = {}
        self.i2c = lambda address, data, count: None
        self.wired = {(27, 26)}
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self.path = tempfile.mktemp(prefix="bus", dir=folder)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self.path)
        self._server.listen()
        self._connection: socket.socket | None = None
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        self._server.close()
        os.close(self.master)
        os.close(self._slave)

    # The VM.

    def start(self, script: str, *, speed=1.0, board=True, **env: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [VM, "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"SIM_SPEED": str(speed), **({"SIM_BOARD": self.path} if board else {}), **env},
        )
        self._processes.append(process)
        return process

    def run(self, script: str, *, timeout=20.0, code=0, **options) -> str:
        """Runs a script to its end; its output."""
        process = self.start(script, **options)
        output, _ = process.communicate(timeout=timeout)
        assert process.returncode == code, output
        return output

    def run_until(self, process: subprocess.Popen, word: str, timeout=10.0) -> str:
        """The process's output up to the line that begins with `word`."""
        lines = []
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            lines.append(process.stdout.readline())
            if lines[-1].startswith(word):
                return "".join(lines)
            if not lines[-1]:
                break
        raise AssertionError(f"no {word!r} in: {''.join(lines)}")

    def interrupt(self, process: subprocess.Popen) -> str:
        """Ctrl-C; the rest of the output."""
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=5)[0]

    # The board.

    def event(self, pin: int, level: int) -> None:
        self.levels[pin] = level
        self._send(f"!pin {pin} {level}")

    def names(self, kind: str) -> list[str]:
        return [line for _, line in self.requests if line.startswith(kind)]

    def _send(self, line: str) -> None:
        with self._lock:
            self._connection.sendall(line.encode() + b"\n")

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connection = connection
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    request = line.decode().rstrip("\n")
                    self.requests.append((time.monotonic(), request))
                    self._send(self._answer(*request.split(" ")))

    def _answer(self, name: str, *words: str) -> str:
        match name, *words:
            case ("hello",):
                return "ok bench"
            case "pin", pin, "out", level:
                self.driven[int(pin)] = int(level)
                return "ok"
            case "pin", pin, "in", _:
                self.driven.pop(int(pin), None)
                return f"ok {self.levels.get(int(pin), 0)}"
            case "pin", pin, "read":
                level = self.driven.get(int(pin), self.levels.get(int(pin), 0))
                return f"ok {level}"
            case "i2c", _, _, address, data, count:
                data = b"" if data == "-" else bytes.fromhex(data)
                answer = self.i2c(int(address), data, int(count))
                return "error nack" if answer is None else f"ok {answer.hex() or '-'}"
            case "uart", _, tx, rx:
                wired = (int(tx), int(rx)) in self.wired
                return f"ok {self.device if wired else '-'}"
            case "reset", _:
                self.driven.clear()
                return "ok"
        return f"error {name} is not known here"

    # The far side of the serial line.

    def baud(self) -> int:
        return termios.tcgetattr(self.master)[5]

    def receive(self, count: int, timeout=10.0) -> tuple[bytes, list[tuple[float, int]]]:
        """The next `count` bytes the VM sends, and when (real seconds) how many had come."""
        data, arrivals = b"", []
        end = time.monotonic() + timeout
        while (
            len(data) < count and select.select([self.master], [], [], end - time.monotonic())[0]
        ):
            data += os.read(self.master, 4096)
            arrivals.append((time.monotonic(), len(data)))
        return data, arrivals

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.master, data) :]
