"""Command mode: received bytes become command lines, and these are done one after the other."""

import asyncio
import inspect
from collections.abc import Callable

from . import at, manual
from .commands import TABLE, require
from .entry import LIMIT as TEXT_LIMIT
from .entry import PROMPT, Entry
from .errors import CME, CMS, ITSELF, BadValue, Final, failed
from .masking import Mask

ABORT_AFTER = 0.125  # V.250 5.6.1: what follows the line sooner (a line feed) does not abort it
PARSE_TIME = 0.003  # seconds that any line takes
INPUT_LIMIT = 1024  # bytes kept while a command runs; more are lost
LINE_AGE = 2.0  # seconds that a half-typed line keeps URCs back


class Data:
    """Bytes for a command instead of a command line, up to `count`; `echo()` gets what it takes."""

    def __init__(self, count: int, echo: Callable[[bytes], None] = lambda taken: None):
        self.left, self.echo = count, echo
        self.got = bytearray()
        self.complete = asyncio.Event()
        self.feed(b"")

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to it; returns the rest."""
        self.got += data[: self.left]
        self.echo(data[: self.left])
        rest, self.left = data[self.left :], max(0, self.left - len(data))
        if not self.left:
            self.complete.set()
        return rest


class Interpreter:
    """Reads lines and runs their commands on `modem`, a SIM800."""

    def __init__(self, modem):
        self.modem = modem
        self.mask = Mask()
        self.task: asyncio.Task | None = None
        self.reader = at.LineReader()
        self.reset()

    def reset(self) -> None:
        """Forget everything but what A/ repeats; a running command ends without a word."""
        if self.task is not None:
            self.task.cancel()
            self.task = None
        self.after_line: Callable[[], None] | None = None
        self.skip_line = False  # the rest of a line that is lost
        self.extra_latency = 0.0  # seconds added to every answer, by a fault
        self.reader.reset()
        self._waiting = bytearray()
        self._data: Data | None = None  # what the running command takes itself
        self._abortable: str | None = None  # what the running command ends with if aborted
        self._line_began = 0.0
        self._line_ended = 0.0
        self._entry: Entry | None = None  # what is being entered after a prompt

    @property
    def busy(self) -> bool:
        return self.task is not None

    def urc_wait(self) -> float | None:
        """Seconds until a URC would not fall into a half-typed line; None: not before the line's end."""
        if self._entry is not None:
            return None
        if self.busy or not self.reader.partial:
            return 0.0
        left = self._line_began + LINE_AGE - self.modem.clock.now()
        return left if left > 0.001 else 0.0

    def receive(self, data: bytes) -> None:
        if not self.busy:
            self._read(data)
            return
        if self._entry is not None:
            data = self._enter(data)
        since = self.modem.clock.now() - self._line_ended
        if self._abortable is not None and since >= ABORT_AFTER:
            self.modem.journal.add("modem", "command aborted")
            result, self._abortable = self._abortable, None
            self.task.cancel()
            # the character that aborts is swallowed (V.250 5.6.1)
            self._waiting = bytearray(data[1:][:INPUT_LIMIT])
            self._finish(result)
            return
        if self._data is not None:
            data = self._data.feed(data)
        # the manual wants the answer awaited (1.4.5): what comes sooner waits, echo included
        self._waiting += data[: INPUT_LIMIT - len(self._waiting)]

    def _read(self, data: bytes) -> None:
        modem = self.modem
        echo = bytearray()
        for index, byte in enumerate(data):
            if self.skip_line:
                self.skip_line = byte != at.CR
                continue
            if not self.reader.partial:
                self._line_began = modem.clock.now()
            if modem.settings["E"]:
                echo.append(byte)
            line = self.reader.feed(byte)
            if line is not None:
                modem.output.send(bytes(echo))
                self._waiting += data[index + 1 :][:INPUT_LIMIT]
                self._line_ended = modem.clock.now()
                self.task = asyncio.get_running_loop().create_task(self._run(line))
                return
        modem.output.send(bytes(echo))
        modem.output.flush()

    async def _run(self, line: str) -> None:
        """Do the commands of one line and give its result."""
        masked, secrets = self.mask(line)
        self.modem.journal.add("at", f"> AT{masked}", **({"secrets": secrets} if secrets else {}))
        try:
            await self.wait(PARSE_TIME, self.extra_latency)
            result = await self._commands(line)
        except CME as error:
            result = self._error(error)
        except Final as final:
            result = final.result
        except Exception:
            self._finish("ERROR")  # our own fault: tell the loop, but go on
            raise
        self._finish(result)

    async def _commands(self, line: str) -> str:
        if len(line) > at.LINE_LIMIT:
            return "ERROR"
        result, commands, broken = "OK", [], False
        try:
            commands = at.split(line)
        except at.SyntaxFault as fault:
            # what stands before the fault is done (V.250 5.4.1)
            commands, broken = fault.args[0], True
        for command in commands:
            result = await self._command(command)
            if result == ITSELF:
                result = ""
            elif result != "OK":
                return result
            self.modem.output.flush()
        return "ERROR" if broken else result

    async def _command(self, command: at.Command) -> str:
        """Do one command; returns its result code. Raises Final."""
        modem = self.modem
        extended = command.name[0] in "+*^"
        spec = TABLE.get(command.name)
        if manual.is_missing(command.name):
            raise modem.not_modelled(command.name)
        if spec is None or not modem.profile.has(spec):
            # V.25ter commands know only ERROR; extended ones answer as AT+CMEE wants
            raise CME(100) if extended else failed()
        if command.op not in spec.ops:
            # without a card that is said first, as seen of AT+CGATT
            require(modem, spec.needs, command.op)
            raise CME(3) if extended else failed()
        if command.op == "=?" and not callable(spec.test):
            await self.wait(min(spec.latency, 0.01))
            if spec.test:
                modem.output.info(spec.test)
            return "OK"
        if command.op != "=?" and spec.needs:
            require(modem, spec.needs, command.op)
        await self.wait(spec.latency if command.op in ("", "=") else min(spec.latency, 0.02))
        try:
            answer = (spec.test if command.op == "=?" else spec.handler)(modem, command)
            if inspect.isawaitable(answer):
                answer = await answer
        except (at.SyntaxFault, BadValue):
            raise CME(765) if extended else failed() from None
        return "OK" if answer is None else answer

    async def enter(self, limit: int = TEXT_LIMIT, prompt: bytes = PROMPT) -> str | None:
        """Prompt for a text of up to `limit` characters and wait for it; None if that was given up with ESC.

        What came before the prompt was out is lost.
        """
        self._waiting.clear()
        self._entry = entry = Entry(limit, prompt)
        self.modem.output.send(prompt)
        try:
            text = await entry.done
        finally:
            self._entry = None
        shown = repr(text) if prompt and limit == TEXT_LIMIT else f"({len(text or '')} bytes)"
        self.modem.journal.add("at", "> ESC" if text is None else f"> {shown} Ctrl-Z")
        return text

    def _enter(self, data: bytes) -> bytes:
        """Give bytes to the entry; returns what comes after its end."""
        entered, rest = self._entry.feed(data)
        # every line is prompted for anew (27.005 3.5.1)
        prompt = self._entry.prompt
        if self.modem.settings["E"]:
            self.modem.output.send(entered.replace(b"\r", b"\r" + prompt))
        else:
            self.modem.output.send(prompt * entered.count(b"\r"))
        if self._entry.done.done():
            self._entry = None
        return rest

    async def wait(self, seconds: float, extra: float = 0.0) -> None:
        """Take a command's typical time, as the scenario stretches it."""
        seconds = seconds * self.modem.scenario.modem.latency + extra
        if seconds > 0:
            await self.modem.clock.sleep(seconds)

    async def wait_abortable(self, seconds: float, result: str) -> None:
        """The same for a command that any character aborts; it then ends with `result`."""
        self.abortable(result)
        await self.wait(seconds)
        self.abortable(None)

    def abortable(self, result: str | None) -> None:
        """From now on any character ends the command with `result`; None: no longer."""
        self._abortable = result

    async def data(
        self, count: int, seconds: float | None, prompt: bytes = b"", echo: bool = False
    ) -> bytes:
        """The next `count` bytes as they come, for the running command; fewer when time is up (None: never).

        `echo`: as ATE wants. What came before this call is lost: the prompt was not out.
        """
        self._waiting.clear()
        output = self.modem.output
        self._data = Data(count, output.send) if echo and self.modem.settings["E"] else Data(count)
        output.send(prompt)
        timer = None
        if seconds is not None:
            timer = self.modem.clock.call_later(seconds, self._data.complete.set)
        try:
            await self._data.complete.wait()
            return bytes(self._data.got)
        finally:
            if timer:
                timer.cancel()
            self._data = None

    def _error(self, error: CME) -> str:
        level = self.modem.settings["+CMEE"]
        if level == 0 and not isinstance(error, CMS):
            return "ERROR"
        # +CMS ERROR has no plain form (3GPP 27.005 3.2.5)
        return f"+{error.kind} ERROR: {error.text if level == 2 else error.code}"

    def _finish(self, result: str) -> None:
        """The line is done: its result, then what had to wait for it."""
        self.task = None
        if result:
            self.modem.output.result(result)
        after, self.after_line = self.after_line, None
        if after is not None:
            after()
        self.modem.output.flush()
        waiting, self._waiting = bytes(self._waiting), bytearray()
        if waiting:
            self.modem.receive(waiting)
