"""AT channel: one command at a time over one UART or DLCI. Knows no command's meaning.

Echo is on: it tells an answer from what an earlier command has left.
Source: SIM800 Series AT Command Manual V1.09, section 1.4 (syntax) and 1.6 (definitions).
"""

from micropython import const
from printable import printable

from ..errors import ATError, ATTimeout, ConfigError, NoCarrier
from ..lock import Lock
from ..run import Deadline, since, sleep_ms
from .digest import ECHO, FAILURE, OK, OWN, RESULT, Lines, is_error, kind
from .text import text

_SIZE = const(1024)  # longest line kept: AT+COPS=? with some twenty operators
_POLL_MS = const(5)
_DATA_MS = const(5000)  # until the modem prompts for data, or has taken a piece of it
_GRACE_MS = const(300)  # how long a result without its echo is kept waiting for it
_TEXT_MS = const(300)  # ... and a line with an open quote for the other one
_TURN_MS = const(180000)  # the longest command takes 150 s
_OPEN = const(2)  # cmux.OPEN
_PIECE = const(256)  # bytes of data handed to the UART at once
_REVEALS = const(3)  # characters of a secret in a row that are not shown
_FINAL = (RESULT, FAILURE)
_DATA = const(2)
_ESC = b"\x1b"


class Channel:
    """One AT command at a time over `uart`: a machine.UART with timeout=0, or a cmux.Channel.

    on_line: called with every unsolicited line (str), and whether the modem was in step when it came: else it may be a
        data call's; None: it may be a part of a text. If it returns an exception, the command in flight ends with it.
    trace: called with (direction, line) for all traffic, secrets masked. size: the longest line kept, in bytes.
    allow: called when a command's turn has come; False ends it, with None. It may raise, too.
    """

    def __init__(self, uart, on_line=None, trace=None, size=_SIZE, allow=None):
        self.uart = uart
        self.turn = Lock()
        self.timeouts = 0  # commands in a row without a final result
        self.held = 0  # ... that the modem did not even take: flow control
        self._on_line = on_line
        self._trace = trace
        self._allow = allow
        self._lines = Lines(size)
        self._heard = since(0)  # when a byte last came
        self._in_step = True  # False while sync() looks for the modem
        self._stale = False  # the answer to an earlier command may still come
        self._unfinished = False  # a command is in flight, or was cut short; _DATA: at a prompt
        self._secret = b""  # what may not be shown, of a command whose echo may still come

    def move(self, uart):
        """Go on over another UART or DLCI; a command in flight ends with NoCarrier."""
        self.uart = uart
        self.held = self.timeouts = 0
        self._unfinished = False
        self._lines.clear()

    def write(self, data):
        """Write bytes; returns how many were taken, None if the modem wants none now. Raises NoCarrier."""
        try:
            return self.uart.write(data)
        except OSError:
            raise _closed()

    async def alone(self, procedure, what="AT"):
        """Await `procedure` while no command is in flight."""
        hold = await self.turn.acquire(what, _TURN_MS)
        try:
            return await procedure
        finally:
            self.turn.release(hold)

    async def preempt(self, timeout):
        """Wait for the command in flight, `timeout` milliseconds at most; then it ends with NoCarrier."""
        deadline = Deadline(timeout)
        while self.turn.is_held() and not self.turn.is_mine():
            if not deadline.left():
                self.turn.release(self.turn.take_over("the end of the data call"))
                self._stale = True
            await sleep_ms(_POLL_MS * 2)

    def clear(self):
        """Forget all input that has arrived."""
        self._lines.clear()
        while self.uart.any():
            self.uart.readinto(self._lines.room(_SIZE))

    def _fill(self, limit):
        # Take what the UART has, at most `limit` bytes. False if there was nothing.
        if not self.uart.any():
            return False
        count = self.uart.readinto(self._lines.room(limit))
        self._lines.filled(count or 0)
        self._heard = since(0)
        return bool(count)

    def _read_line(self, limit=_SIZE):
        # With a limit of 1 nothing behind the line is taken from the UART.
        while not (line := self._lines.next()) and self._fill(limit):
            pass
        return line or (self._lines.next(1) if since(self._heard) > _TEXT_MS else None)

    def _show(self, direction, line):
        if self._trace:
            self._trace(direction, printable(line))

    def _may_be_secret(self, line):
        # Whether it may be what noise has left of a secret command's echo.
        secret = self._secret
        for i in range(len(secret) + 1 - _REVEALS):
            if secret[i : i + _REVEALS] in line:
                return True
        return secret and b"AT" in line

    def _unsolicited(self, line, doubt=False):
        if self._may_be_secret(line):
            self._show("<", "****")
            return
        line = text(line)
        if self._in_step:  # else it may be a password that PPP sent
            self._show("<", line)
        if self._on_line:
            error = self._on_line(line, None if doubt else self._in_step)
            if error:
                raise error

    def poll(self):
        """Take in the lines that arrived while no command was in flight; nothing while one is. Raises what
        `on_line` returns."""
        if not self.turn.is_held():
            self._take_idle()

    def _take_idle(self):
        while line := self._read_line():
            if line in OK or is_error(line):
                self._show("<", text(line))  # a late answer
            else:
                self._unsolicited(line)
        if self._lines.take_prompt():
            self._end_prompt()

    def _end_prompt(self):
        # Whoever wanted to send data has gone: the modem would take the next command for it.
        self.write(_ESC)

    async def command(self, command, *args, **kwargs):
        """As converse(), when no other command is in flight."""
        what = "an AT command"
        hold = self.turn.try_acquire(what) or await self.turn.acquire(what, _TURN_MS)
        try:
            if self._allow and not self._allow():
                return None
            if self._unfinished:
                # The modem may be at it still, or take the next byte for its end.
                await self._sync(3, 300)
            return await self.converse(command, *args, hold=hold, **kwargs)
        finally:
            self.turn.release(hold)

    async def converse(
        self,
        command,
        prefix=None,
        timeout=5000,
        ok=OK,
        failed=(),
        data=None,
        prompt=None,
        into=None,
        show=None,
        limit=_SIZE,
        doubt=False,
        hold=None,
    ):
        """Send a command and collect its answer.

        command: str, without the line's end, e.g. "AT+CSQ".
        prefix: how the answer's own lines begin (str), or a function that tells them (bytes -> bool);
            None: it has none. All other lines are unsolicited.
        timeout: milliseconds from the command's last byte, or the data's, to its final result.
        ok, failed: final results (bytes) that mean success (the line, or its beginning up to a blank), and
            failure besides ERROR, +CME ERROR and +CMS ERROR.
        data: bytes, or an iterable of them, to send when the modem asks for it, 5 s at most.
        prompt: the line (bytes) it asks with; None: "> ".
        into: buffer for the bytes that follow a line with `prefix` which ends in their number; what it has
            no room for is dropped. What the modem did not hear right then counts as damaged.
        doubt: its lines may hold anybody's text, with quotes and results in it. Then the answer ends with the last result
            before 0.3 s of silence.
        show: what logs and errors see in place of the command, for one that carries a secret.
        hold: of `turn`; the command ends with NoCarrier if it is lost.
        Returns the list of the answer's lines (str), the final result last.
        Raises ATError, ATTimeout, NoCarrier, and what `on_line` returns.
        """
        self._take_idle()  # cannot be the answer to what is sent now
        show = show or command
        unsent = (command + "\r").encode()
        sent = unsent[:-1]
        if show != command:
            self._secret = sent[show.find("*") :]
        self._show(">", show)
        if isinstance(prefix, str):
            prefix = prefix.encode()
        uart = self.uart
        echoed = needs_data = False
        lines = []
        # A final result that came before the echo, and how long it is kept.
        early = grace = None
        deadline = Deadline(timeout if data is None else _DATA_MS)
        if data is not None and not prompt:
            self._unfinished = _DATA
        elif not self._unfinished:
            self._unfinished = True
        try:
            while True:
                if self.uart is not uart or (hold and hold.lost):
                    raise _closed()
                if unsent:
                    unsent = unsent[self.write(unsent) or 0 :]
                line = self._read_line(limit)
                if prompt and data is not None:
                    asked = line == prompt
                else:
                    asked = line is None and self._lines.take_prompt()
                if asked:
                    if line:
                        self._show("<", text(line))
                    if data is None or not (echoed or prompt):
                        self._end_prompt()
                        needs_data = echoed
                    else:
                        await self._send(data, show)
                        data = None
                        deadline = Deadline(timeout)
                    continue
                if line is None:
                    if (
                        early
                        and not unsent
                        and (not grace.left() or (doubt and not deadline.left()))
                    ):
                        if lines[-1:] == [text(early[0])]:
                            lines.pop()
                        return self._end_with(*early, show, lines)
                    if not deadline.left():
                        self.timeouts += 1
                        self.held += bool(unsent)
                        if self._unfinished != _DATA:
                            self._unfinished = False
                        raise ATTimeout(show, timeout if data is None else _DATA_MS, unsent)
                    if hasattr(uart, "state") and uart.state() != _OPEN:
                        raise _closed()
                    await sleep_ms(_POLL_MS)
                    continue
                what = kind(line, sent, echoed, prefix, ok, failed)
                if doubt and early:
                    grace = Deadline(_GRACE_MS)
                if what == ECHO:
                    echoed = True
                    self._secret = b""
                    early = None
                    del lines[:]
                elif what in _FINAL:
                    if needs_data:
                        self._stale = self._unfinished = False
                        raise ConfigError(
                            "{} asks for data, which at() cannot send: use the role's method".format(
                                show
                            )
                        )
                    # Behind CONNECT nothing more may be read.
                    if doubt and lines and echoed:
                        lines.append(text(line))
                        early, grace = (line, what), Deadline(_GRACE_MS)
                    elif echoed or (what == RESULT and limit == 1):
                        return self._end_with(line, what, show, lines)
                    # A late answer to an earlier command, if the echo follows; else the echo was off, or lost, and
                    # it counts. After a timeout only the echo tells.
                    elif self._stale:
                        self._show("<", text(line))
                    else:
                        early, grace = (line, what), Deadline(_GRACE_MS)
                elif what == OWN and not self._may_be_secret(line):
                    told = text(line)
                    self._show("<", told)
                    # One that is repeated, as where the line is proved, takes no more memory.
                    lines.append(lines[-1] if lines and lines[-1] == told else told)
                    # A command that was not echoed as it went may have asked for other bytes.
                    if into is not None and not (
                        await self._take_bytes(line, into, deadline) and echoed
                    ):
                        self._unfinished = False
                        self._stale = True
                        raise ATError(show, "something damaged")
                else:
                    self._unsolicited(line, doubt and lines)
        except (ATError, ConfigError):
            raise
        except BaseException:
            self._stale = True
            raise

    async def _send(self, data, show):
        # No faster than the line takes it, so that nothing else waits.
        for piece in (data,) if isinstance(data, bytes) else data:
            view = piece if len(piece) <= _PIECE else memoryview(piece)
            sent = 0
            deadline = Deadline(_DATA_MS)
            while sent < len(view) or not self.uart.txdone():
                count = self.uart.txdone() and self.write(view[sent : sent + _PIECE])
                if count:
                    sent += count
                    deadline = Deadline(_DATA_MS)
                elif deadline.left():
                    await sleep_ms(_POLL_MS)
                else:
                    raise ATTimeout(show, _DATA_MS)

    async def _take_bytes(self, line, into, deadline):
        count = line[line.find(b":") + 1 :].strip()
        end = bytearray(2)
        if count.isdigit() and await self._take(memoryview(into), int(count), deadline):
            await self._take(memoryview(end), 2, deadline)
        return end == b"\r\n"

    async def _take(self, into, count, deadline):
        # False if they did not all come in time.
        taken = 0
        while taken < count:
            here = self._lines.take(into[taken:], count - taken)
            taken += here
            if not here and not self._fill(_SIZE):
                if not deadline.left():
                    return False
                await sleep_ms(_POLL_MS)
        return True

    def _end_with(self, line, what, show, lines):
        self._stale = self._unfinished = False
        self.held = self.timeouts = 0
        result = text(line)
        self._show("<", result)
        if what == FAILURE:
            code = result.split(": ")[-1] if ": " in result else ""
            raise ATError(show, result, int(code) if code.isdigit() else None)
        lines.append(result)
        return lines

    async def sync(self, tries, interval=300):
        """Find out whether a modem in command mode listens at this baud rate.

        Sends `AT` (which also trains a modem that waits with autobauding, manual p. 55) and `ATE1Q0V1`, at
        most `tries` times, `interval` ms apart, and is content only with an OK that follows the echo: what
        else is in the line cannot be taken for it. Returns True or False.
        """
        return await self.alone(self._sync(tries, interval))

    async def _sync(self, tries, interval):
        if self._unfinished == _DATA:
            self._end_prompt()
        self._in_step = False
        try:
            for attempt in range(tries):
                try:
                    self._take_idle()
                    self.write(b"AT\r")
                    await sleep_ms(60)
                    self._stale = True
                    # Whatever ATQ1 or ATV0 somebody has stored.
                    await self.converse("ATE1Q0V1", timeout=interval)
                    self._stale = attempt > 0  # the same answer may come once more
                    return True
                except OSError:  # SIM800Error, too
                    pass
            return False
        finally:
            self._in_step = True

    async def escape(self):
        """Leave data mode with +++ and its guard times of 1 s (manual p. 36).

        Returns True if the modem said so. Where it was in command mode already, nothing is lost.
        """
        deadline = Deadline(_DATA_MS)
        while not self.uart.txdone() and deadline.left():
            await sleep_ms(_POLL_MS)
        await sleep_ms(1100)
        self.clear()
        self.write(b"+++")
        return await self.await_end(b"OK", 2500)

    async def await_end(self, ending, timeout):
        """Wait for a line that ends with `ending` (bytes), at most `timeout` milliseconds.

        For the way out of data mode, where the rest of a frame may stand before it. True if it came.
        """
        deadline = Deadline(timeout)
        while deadline.left():
            line = self._read_line()
            if line is None:
                await sleep_ms(_POLL_MS)
            elif line.endswith(ending):
                self._show("<", text(ending))
                return True
        return False


def _closed():
    return NoCarrier(
        "the line was closed, by the modem or another task, and the data call with it: connect() again"
    )
