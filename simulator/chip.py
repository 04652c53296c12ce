"""A chip with MicroPython behind a serial console, on which mpremote speaks the raw REPL: emulated, or a board's."""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path

from mpremote.transport_serial import SerialTransport
from world import Result

BOOT_TIME = 60.0  # seconds; it takes two, but the machine may be busy and the first boot formats a filesystem

# What the chip says when it has gone wrong. The first reset banner after power-up is none of them.
PANIC = re.compile(
    rb"Guru Meditation Error[^\r\n]*|abort\(\) was called[^\r\n]*|assert failed:[^\r\n]*"
    rb"|CORRUPT HEAP[^\r\n]*|[Ss]tack smashing[^\r\n]*|[Ss]tack overflow[^\r\n]*|Rebooting\.\.\."
    rb"|rst:0x[0-9a-f]+ \([A-Z0-9_]+\)|\nE \(\d+\) task_wdt[^\r\n]*"
)

# A script is run by exec(), so that SystemExit does not take the REPL with it.
WRAPPED = """\
try:
    exec({!r})
except SystemExit as e:
    if e.args and e.args[0]:
        raise RuntimeError("the script ended itself: {{}}".format(e.args[0]))
"""


class Panic(Exception):
    """The chip crashed or was reset by itself; the message is what it said on the console."""


class Console:
    """A chip's console as mpremote wants it (pyserial's few methods), remembering all that was said.

    said: path of the file that gets what the chip says. write: sends bytes to the chip. gone: tells whether it is.
    These are what pytest-embedded makes of a QEMU and of a serial port. Reading raises Panic as soon as the chip
    has said that it crashed, `stopped` if that is set, and ConnectionError when the chip is gone.
    """

    def __init__(self, said: str | Path, write: Callable[[bytes], object], gone=lambda: False):
        self._said = open(said, "rb", buffering=0)  # noqa: SIM115  (close() does)
        self._gone = gone
        self._buffer = bytearray()
        self._forgiven = (
            0  # so much of the log holds no panic: the banner of the reset at power-up
        )
        self.write = write
        self.log = bytearray()
        self.stopped: Exception | None = None

    def inWaiting(self) -> int:
        if self.stopped:
            raise self.stopped
        if not self._buffer:
            self.receive()
        return len(self._buffer)

    def receive(self) -> None:
        """Take what has come. Raises Panic, ConnectionError."""
        gone = self._gone()  # before the last look at what it said
        data = self._said.read()
        self.log += data
        self._buffer += data
        if self._buffer and (panic := self.panic()):
            raise Panic(panic)
        if gone and not data:
            raise ConnectionError("the chip is gone")

    def read(self, count: int = 1) -> bytes:
        while self.inWaiting() < count:
            time.sleep(0.002)
            self.receive()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def close(self) -> None:
        self._said.close()

    def panic(self) -> str | None:
        """What the chip said about its crash, once it has said all; None if it has not crashed."""
        found = PANIC.search(self.log, self._forgiven)
        if not found or not re.search(rb"rst:0x|[Rr]eboot", self.log[found.end() :] + found[0]):
            return None
        return self.log[found.start() :].decode(errors="replace")[:2000]

    def forgive(self) -> None:
        """What was said until now is no panic."""
        self._forgiven = len(self.log)


class Transport(SerialTransport):
    """mpremote's raw REPL over a Console."""

    def __init__(self, console: Console):
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = "console"
        self.mounted = False
        self.is_pty = False
        self.serial = console


class Lines:
    """Makes lines of the bytes a script prints. `on_line` is called with each; what it returns is typed."""

    def __init__(self, console: Console, on_line: Callable[[str], str | None] | None):
        self.lines: list[str] = []
        self._console = console
        self._on_line = on_line
        self._part = bytearray()
        self._echo: str | None = None

    def take(self, data: bytes) -> None:
        self._part += data.replace(b"\x04", b"")
        if self._part.endswith(b"\n"):
            self.end()

    def end(self) -> None:
        if not self._part:
            return
        line = self._part.decode(errors="replace").rstrip("\r\n")
        self._part.clear()
        if self._echo is not None and line == self._echo:  # input() shows what is typed
            self._echo = None
            return
        self.lines.append(line)
        if self._on_line and (typed := self._on_line(line)) is not None:
            self._echo = typed
            self._console.write(typed.encode() + b"\r")


class Chip:
    """A chip with MicroPython behind a console. `console` is set by whoever starts it."""

    console: Console | None = None
    resets = 0  # soft resets done

    def attach(self, console: Console) -> None:
        self.console = console
        self._transport = Transport(console)

    async def _in_thread(self, timeout: float, call: Callable, *args):
        # mpremote blocks. The thread ends before this does, at `timeout` real seconds at the latest.
        task = asyncio.create_task(asyncio.to_thread(call, *args))
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.shield(task)
        except BaseException as error:
            self.console.stopped = TimeoutError("stopped")
            with contextlib.suppress(Exception):
                await task
            self.console.stopped = None
            self._transport.in_raw_repl = False
            if isinstance(error, TimeoutError):
                said = self.console.log[-1500:].decode(errors="replace")
                raise TimeoutError(
                    f"the chip was not done within {timeout:g} s; its console:\n{said}"
                ) from None
            raise

    def _enter(self, soft_reset: bool) -> None:
        if soft_reset or not self._transport.in_raw_repl:
            self._transport.enter_raw_repl(soft_reset=soft_reset, timeout_overall=BOOT_TIME)

    def _boot(self) -> None:
        while b"\n>>> " not in self.console.log:
            try:
                self.console.receive()
            except Panic:
                if self.console.log.count(b"rst:0x") > 1:
                    raise
                self.console.forgive()
            time.sleep(0.02)
        self._enter(False)

    async def run(
        self,
        script: str | Path,
        *,
        timeout: float = 60.0,
        on_line: Callable[[str], str | None] | None = None,
    ) -> Result:
        """Run a script (its text, or its path) on the chip until it ends. Names it binds stay for the next.

        `timeout` is in real seconds; past it TimeoutError says what had been printed.
        `on_line` gets each line it prints as it comes; what it returns is typed in for input().
        Raises Panic if the chip crashes.
        """
        text = script if isinstance(script, str) else script.read_text()
        loop = asyncio.get_running_loop()

        def in_loop(line: str) -> str | None:
            async def call():
                return on_line(line)

            return asyncio.run_coroutine_threadsafe(call(), loop).result()

        lines = Lines(self.console, in_loop if on_line else None)

        def go() -> bytes:
            self._enter(False)
            self._transport.exec_raw_no_follow(WRAPPED.format(text))
            return self._transport.follow(None, lines.take)[1]

        started = time.monotonic()
        stderr = await self._in_thread(timeout, go)
        lines.end()
        return Result(
            1 if stderr else 0,
            "\n".join(lines.lines),
            stderr.decode(errors="replace").replace("\r\n", "\n"),
            time.monotonic() - started,
        )

    async def put(self, name: str, data: bytes) -> None:
        """Write a file to where scripts run."""

        def go() -> None:
            self._enter(False)
            self._transport.fs_writefile(name, data, chunk_size=1024)

        await self._in_thread(60 + len(data) / 1000, go)

    async def soft_reset(self, timeout: float = 20.0) -> None:
        """Ctrl-D at the prompt: a new heap, the hardware as it was. Raises Panic, TimeoutError."""
        self.resets += 1
        await self._in_thread(timeout, self._enter, True)

    async def restart(self, timeout: float = BOOT_TIME) -> None:
        """machine.reset(): bootloader, boot.py, the prompt. Raises TimeoutError."""
        self.resets += 1

        def go() -> None:
            self._enter(False)
            before = len(self.console.log)
            self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            self._transport.in_raw_repl = False
            self._prompt(before)

        await self._in_thread(timeout, go)

    async def was_reset(self, timeout: float = BOOT_TIME) -> None:
        """Wait for the prompt of a chip that was reset before it was attached. Raises TimeoutError."""
        await self._in_thread(timeout, self._prompt, 0)

    def _prompt(self, start: int) -> None:
        while b"\n>>> " not in self.console.log[start:]:
            # What it says of the reset is no panic.
            with contextlib.suppress(Panic):
                self.console.receive()
            self.console.forgive()
            time.sleep(0.02)
        self._enter(False)

    def interrupt(self) -> None:
        """Ctrl-C to the running script."""
        self.console.write(b"\x03")
