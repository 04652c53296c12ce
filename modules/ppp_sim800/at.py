"""AT channel: commands out, lines in, over one UART or DLCI. Knows no command's meaning.

Lines are taken from a fixed buffer. What a line is follows from the command in flight: its echo, a
final result, one of its own lines (by the prefix the caller names), anything else is unsolicited.
Source: SIM800 Series AT Command Manual V1.09, section 1.4 (syntax) and 1.6 (definitions).
"""

from _thread import allocate_lock

from micropython import const

from .errors import ATError, ATTimeout, ConfigError, NoCarrier
from .run import Deadline

_SIZE = const(1024)  # longest line kept: AT+COPS=? with some twenty operators
_POLL_MS = const(5)
_DATA_MS = const(5000)  # until the modem prompts for data, or has taken a piece of it
_GRACE_MS = const(300)  # how long a result without its echo is kept waiting for it
_OPEN = const(2)  # cmux.OPEN
_PIECE = const(256)  # bytes of data handed to the UART at once
_REVEALS = const(3)  # characters of a secret in a row that are not shown

_OK = (b"OK",)
_NONE = ()
DIAL_FAILED = (b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE")


def text(line):
    """Bytes from the line as str; what is not ASCII becomes "?" (a wrong baud rate sends anything)."""
    try:
        result = str(line, "utf-8")
        if len(result) == len(line):
            return result
    except UnicodeError:
        pass
    return "".join(chr(b) if b < 128 else "?" for b in line)


def fields(line):
    """Split `+CMD: a,"b,c", d` into ["a", "b,c", "d"]; without a prefix the whole line is split."""
    colon = line.find(":")
    if colon >= 0 and line.startswith("+"):
        line = line[colon + 1 :]
    out = []
    for i, part in enumerate(line.split('"')):
        if i % 2:  # between quotes
            out[-1] += part
        else:
            first, *rest = [field.strip() for field in part.split(",")]
            if out:
                out[-1] += first
            else:
                out.append(first)
            out += rest
    return out


def quoted(value, what, length):
    """`value` if it can stand between quotes on a command line, else ConfigError with `what` it is."""
    if not isinstance(value, str):
        raise ConfigError("{} must be a str, not {}".format(what, type(value).__name__))
    if len(value) > length or any(not 32 <= ord(c) < 127 or c == '"' for c in value):
        raise ConfigError(
            "{} must be at most {} printable ASCII characters without quotes".format(what, length)
        )
    return value


def check_timeout(timeout):
    """Raise ConfigError if `timeout` cannot be milliseconds."""
    if not isinstance(timeout, int) or timeout < 0:
        raise ConfigError(
            "timeout must be milliseconds, an int of 0 or more, not {!r}".format(timeout)
        )


class Channel:
    """One AT command at a time over `uart`: a machine.UART with timeout=0, or a cmux.Channel.

    `size`: the longest line kept, in bytes. `on_line(line: str)` is called for every unsolicited line; if it
    returns an exception, the command in flight ends with it. `trace(direction: str, line: str)` sees all
    traffic, secrets masked.
    """

    def __init__(self, uart, on_line=None, trace=None, size=_SIZE):
        self.uart = uart
        self.on_line = on_line
        self.trace = trace
        self._size = size
        self._buf = bytearray(size)
        self._view = memoryview(self._buf)
        self._start = self._end = 0
        self._overlong = False  # inside a line that did not fit: drop it up to its end
        self._stale = False  # a timeout left an answer that may still come
        self.held = 0  # commands in a row that the modem did not take: flow control
        self._secret = b""  # what may not be shown, of a command whose echo may still come
        self._turn = allocate_lock()

    def move(self, uart):
        """Go on over another UART or DLCI; a command in flight ends with NoCarrier."""
        self.uart = uart
        self._start = self._end = self.held = 0
        self._overlong = False

    def busy(self):
        """Whether a command is in flight."""
        return self._turn.locked()

    def write(self, data):
        """Write bytes; returns how many were taken, None if the modem wants none now. Raises NoCarrier."""
        try:
            return self.uart.write(data)
        except OSError:
            raise _closed()

    def alone(self, procedure):
        """Procedure: do another one while no command is in flight."""
        while not self._turn.acquire(False):
            yield _POLL_MS
        try:
            result = yield from procedure
        finally:
            self._turn.release()
        return result

    def clear(self):
        """Forget all input that has arrived."""
        self.move(self.uart)
        while self.uart.any():
            self.uart.readinto(self._buf)

    def _fill(self, limit):
        # Take what the UART has, at most `limit` bytes; how many, None or 0 if there was nothing.
        if not self.uart.any():
            return 0
        size = self._size
        if self._end in (self._start, size):
            rest = bytes(self._view[self._start : self._end])
            if len(rest) == size:
                self._overlong = True
                rest = b""
            self._start = 0
            self._end = len(rest)
            self._buf[: self._end] = rest
        count = self.uart.readinto(self._view[self._end : min(size, self._end + limit)])
        self._end += count or 0
        return count

    def read_line(self, limit=_SIZE):
        """The next line with something in it, as bytes without its ends, or None if none is complete.

        `limit`: how many bytes may be taken from the UART at once; with 1 nothing behind the line is taken.
        """
        while True:
            end = self._buf.find(b"\n", self._start, self._end)
            if end < 0:
                if not self._fill(limit):
                    return None
                continue
            line = bytes(self._view[self._start : end]).strip()
            self._start = end + 1
            if self._overlong:
                self._overlong = False
            elif line:
                return line

    def _at_prompt(self):
        # The "> " that asks for data stands at a line's start and has no end of its own.
        return bytes(self._view[self._start : self._end]).lstrip() == b"> "

    def _show(self, direction, line):
        if self.trace:
            self.trace(direction, line)

    def _betrays(self, line):
        # Whether it may be what noise has left of a secret command's echo.
        secret = self._secret
        for i in range(len(secret) + 1 - _REVEALS):
            if secret[i : i + _REVEALS] in line:
                return True
        return secret and b"AT" in line

    def _unsolicited(self, line):
        if self._betrays(line):
            self._show("<", "****")
            return
        line = text(line)
        self._show("<", line)
        if self.on_line:
            error = self.on_line(line)
            if error:
                raise error

    def poll(self):
        """Take in the lines that arrived while no command was in flight; nothing while one is. Raises what
        `on_line` returns."""
        if self._turn.acquire(False):
            try:
                self._take_idle()
            finally:
                self._turn.release()

    def _take_idle(self):
        while True:
            line = self.read_line()
            if line is None:
                return
            if line in _OK or _is_error(line):
                self._show("<", text(line))  # a late answer
            else:
                self._unsolicited(line)

    def command(self, command, *args, **kwargs):
        """Procedure: as converse(), when no other command is in flight."""
        return self.alone(self.converse(command, *args, **kwargs))

    def converse(
        self,
        command,
        prefix=None,
        timeout=5000,
        ok=_OK,
        failed=_NONE,
        data=None,
        prompt=None,
        into=None,
        show=None,
        limit=_SIZE,
    ):
        """Procedure: send a command and collect its answer.

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
        show: what logs and errors see in place of the command, for one that carries a secret.
        Returns the list of the answer's lines (str), the final result last.
        Raises ATError, ATTimeout, NoCarrier, and what `on_line` returns.
        """
        self._take_idle()  # cannot be the answer to what is sent now
        sent = command.encode()
        show = show or command
        if show != command:
            self._secret = sent[show.find("*") :]
        self._show(">", show)
        uart = self.uart
        unsent = sent + b"\r"
        if isinstance(prefix, str):
            prefix = prefix.encode()
        echoed = False
        lines = []
        # A final result that came before the echo, and how long it is kept.
        early = grace = None
        deadline = Deadline(timeout if data is None else _DATA_MS)
        while True:
            if self.uart is not uart:
                raise _closed()
            if unsent:
                unsent = unsent[self.write(unsent) or 0 :]
            line = self.read_line(limit)
            if data is not None and (
                line == prompt if prompt else line is None and self._at_prompt()
            ):
                if line:
                    self._show("<", text(line))
                else:
                    self._start = self._end
                yield from self._send(data, show)
                data = None
                deadline = Deadline(timeout)
            elif line is None:
                if early and not unsent and not grace.left():
                    return self._end_with(early, show, lines, ok)
                elif not deadline.left():
                    self._stale = True  # the answer may still come
                    self.held += bool(unsent)
                    raise ATTimeout(show, timeout if data is None else _DATA_MS, unsent)
                elif hasattr(uart, "state") and uart.state() != _OPEN:
                    raise _closed()
                else:
                    yield _POLL_MS
            elif not echoed and line.endswith(sent):  # noise may stand before it
                echoed = True
                self._secret = b""
                early = None
                del lines[:]
            elif (good := _is_one_of(line, ok)) or _is_error(line) or _is_one_of(line, failed):
                # Behind CONNECT nothing more may be read.
                if echoed or (good and limit == 1):
                    return self._end_with(line, show, lines, ok)
                early, grace = self._before_echo(line)
            elif (
                prefix
                and not self._betrays(line)
                and (prefix(line) if callable(prefix) else line.startswith(prefix))
            ):
                self._show("<", text(line))
                lines.append(text(line))
                # A command that was not echoed as it went may have asked for other bytes.
                if into is not None and not (
                    (yield from self._take_bytes(line, into, deadline)) and echoed
                ):
                    self._stale = True
                    raise ATError(show, "something damaged")
            else:
                self._unsolicited(line)

    def _send(self, data, show):
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
                    yield _POLL_MS
                else:
                    self._stale = True
                    raise ATTimeout(show, _DATA_MS)

    def _take_bytes(self, line, into, deadline):
        count = line[line.find(b":") + 1 :].strip()
        end = bytearray(2)
        if count.isdigit() and (yield from self._take(memoryview(into), int(count), deadline)):
            yield from self._take(end, 2, deadline)
        return end == b"\r\n"

    def _take(self, into, count, deadline):
        # False if they did not all come in time.
        taken = 0
        while taken < count:
            here = min(self._end - self._start, count - taken)
            if here:
                fits = max(0, min(here, len(into) - taken))
                into[taken : taken + fits] = self._view[self._start : self._start + fits]
                self._start += here
                taken += here
            elif not self._fill(_SIZE):
                if not deadline.left():
                    return False
                yield _POLL_MS
        return True

    def _before_echo(self, line):
        # A late answer to an earlier command, if the echo follows; else the echo was off, or lost, and it
        # counts. After a timeout only the echo tells.
        if self._stale:
            self._show("<", text(line))
            return None, None
        return line, Deadline(_GRACE_MS)

    def _end_with(self, line, show, lines, ok):
        self._stale = False
        self.held = 0
        result = text(line)
        self._show("<", result)
        if not _is_one_of(line, ok):
            raise _at_error(show, result)
        lines.append(result)
        return lines

    def sync(self, tries, interval=300):
        """Procedure: find out whether a modem in command mode listens at this baud rate.

        Sends `AT` (which also trains a modem that waits with autobauding, manual p. 55) and `ATE1`, at
        most `tries` times, `interval` ms apart, and is content only with an OK that follows the echo: what
        else is in the line cannot be taken for it. Returns True or False.
        """
        return self.alone(self._sync(tries, interval))

    def _sync(self, tries, interval):
        for attempt in range(tries):
            try:
                self.clear()
                self.write(b"AT\r")
                yield 60
                self.clear()
                self._stale = True
                yield from self.converse("ATE1", timeout=interval)
                self._stale = attempt > 0  # the same answer may come once more
                return True
            except OSError:  # SIM800Error, too
                pass
        return False

    def escape(self):
        """Procedure: leave data mode with +++ and its guard times of 1 s (manual p. 36).

        Returns True if the modem said so. Where it was in command mode already, nothing is lost.
        """
        while not self.uart.txdone():
            yield _POLL_MS
        yield 1100
        self.clear()
        self.write(b"+++")
        result = yield from self.await_end(b"OK", 2500)
        return result

    def await_end(self, ending, timeout):
        """Procedure: wait for a line that ends with `ending` (bytes), at most `timeout` milliseconds.

        For the way out of data mode, where the rest of a frame may stand before it. True if it came.
        """
        deadline = Deadline(timeout)
        while deadline.left():
            line = self.read_line()
            if line is None:
                yield _POLL_MS
            elif line.endswith(ending):
                self._show("<", text(ending))
                return True
        return False


def _closed():
    return NoCarrier(
        "the line was closed, by the modem or another task, and the data call with it: connect() again"
    )


def _is_one_of(line, results):
    for result in results:
        if line == result or (line.startswith(result) and line[len(result)] == 32):
            return True
    return False


def _is_error(line):
    return line == b"ERROR" or (line.startswith(b"+CM") and b" ERROR: " in line)


def _at_error(show, result):
    code = result.split(": ")[-1] if ": " in result else ""
    return ATError(show, result, int(code) if code.isdigit() else None)
