"""Bytes from the modem into lines, and what each line is. No I/O, no time."""

from micropython import const

ECHO = const(0)
RESULT = const(1)  # final, success
FAILURE = const(2)  # final
OWN = const(3)  # a line of the answer
OTHER = const(4)  # unsolicited (URC)

OK = (b"OK",)
DIAL_FAILED = (b"NO CARRIER", b"BUSY", b"NO ANSWER", b"NO DIALTONE")

_USUAL = const(384)  # a short message as a PDU has at most 352 hex digits


class Lines:
    """Cuts bytes into lines of at most `size` bytes. The buffer grows once, for the first line that is long."""

    def __init__(self, size):
        self._size = size
        self._use(bytearray(min(size, _USUAL)))
        self._start = self._end = 0
        self._overlong = False  # inside a line that did not fit: drop it up to its end

    def _use(self, buf):
        self._buf = buf
        self._view = memoryview(buf)

    def _grow(self):
        if len(self._buf) == self._size:
            return False
        try:
            self._use(bytearray(self._size))
        except MemoryError:  # the line is lost, no more
            return False
        return True

    def clear(self):
        """Forget all bytes."""
        self._start = self._end = 0
        self._overlong = False

    def room(self, limit):
        """Where the next bytes go: a memoryview of at most `limit` bytes; then call filled()."""
        size = len(self._buf)
        if self._start == self._end:
            self._start = self._end = 0
            if limit >= size:
                return self._view  # most often, and takes no memory
        elif self._end == size:
            rest = bytes(self._view[self._start : size])
            if self._start == 0 and not self._grow():
                self._overlong = True
                rest = b""
            self._start = 0
            self._end = len(rest)
            self._buf[: self._end] = rest
        return self._view[self._end : min(len(self._buf), self._end + limit)]

    def filled(self, count):
        """`count` bytes have been put there."""
        self._end += count

    def next(self, doubt=0):
        """The next line with something in it, as bytes without its ends; None if none is complete.

        Text in quotes has line ends of its own, and is not cut at them. doubt: 1 where nothing has come behind it for
        long, so a quote is missing, or one too many: then it goes up to an end as +CUSD has it, else (2) to the first
        line end.
        """
        at = self._start
        while (end := self._buf.find(b"\n", at, self._end)) >= 0:
            start, at = self._start, end + 1
            # Ends and blanks are passed over here, as a copy without them takes memory.
            while end > start and self._buf[end - 1] <= 32:
                end -= 1
            line = end > start and bytes(self._view[start:end]).strip()
            if line and _is_open(line, doubt):
                continue
            self._start = at
            if self._overlong:
                self._overlong = False
            elif line:
                return line
        if at > self._start and (doubt or self._end - self._start == self._size):
            return self.next(doubt + 1)
        return None

    def take_prompt(self):
        """Take the "> " that asks for data: it stands at a line's start and has no end. False if it is not there."""
        end = self._end
        if end - self._start < 2 or self._buf[end - 2] != 0x3E or self._buf[end - 1] != 0x20:
            return False  # most often, and takes no memory
        if bytes(self._view[self._start : end]).strip() != b">":
            return False
        self._start = self._end
        return True

    def take(self, into, count):
        """Take up to `count` bytes that are no line; `into` gets those it has room for. Returns how many."""
        count = min(self._end - self._start, count)
        fits = min(count, len(into))
        into[:fits] = self._view[self._start : self._start + fits]
        self._start += count
        return count


def _is_open(line, doubt):
    # Whether the text in quotes with which a line ends may go on behind it, see Lines.next().
    if doubt > 1 or line[:1] not in b"+*":
        return False
    *quotes, rest = line.split(b'"')
    if (
        quotes
        and line[:5] in (b"+CUSD", b"*PSNW", b"+CIEV")
        and (rest[:1] != b"," or rest.strip(b", 0123456789"))
    ):
        return True  # its texts may have quotes, too
    return not doubt and len(quotes) & 1


def kind(line, sent, echoed, prefix, ok, failed):
    """What `line` is, behind the command `sent`: ECHO, RESULT, FAILURE, OWN or OTHER.

    echoed: the command's echo has come. prefix: how the answer's own lines begin (bytes), or a function that tells
    them, None: it has none. ok, failed: final results besides ERROR, +CME ERROR and +CMS ERROR.
    """
    if not echoed and line.endswith(sent):  # noise may stand before it
        return ECHO
    if _is_one_of(line, ok):
        return RESULT
    if is_error(line) or _is_one_of(line, failed):
        return FAILURE
    if prefix and (prefix(line) if callable(prefix) else line.startswith(prefix)):
        return OWN
    return OTHER


def _is_one_of(line, results):
    for result in results:
        if line == result or (line.startswith(result) and line[len(result)] == 32):
            return True
    return False


def is_error(line):
    """Whether it is a final result that means failure, whatever the command."""
    return line == b"ERROR" or (line.startswith(b"+CM") and line[4:12] == b" ERROR: ")
