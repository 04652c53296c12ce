"""The AT line discipline and parser: bytes to commands. Knows no command's meaning."""

import re
from dataclasses import dataclass

LINE_LIMIT = 556  # characters without the prefix (manual 1.4.4, page 24)

CR, LF, BACKSPACE = 13, 10, 8


class LineReader:
    """Finds command lines in received bytes: prefix, backspace, limit, `A/` (V.250 5.2).

    The prefix is "AT" or "at", never "At" or "aT" (manual page 23); what comes before
    it is ignored. S3 and S5 cannot be changed on a SIM800, so they are constants here.
    """

    def __init__(self):
        self.reset()
        self.last = ""  # what A/ repeats

    def reset(self) -> None:
        self._previous = 0
        self._line: bytearray | None = None  # None: no prefix seen yet

    @property
    def partial(self) -> bool:
        """A line has begun and is not ended."""
        return self._line is not None or self._previous != 0

    def feed(self, byte: int) -> str | None:
        """Take a byte; returns a whole command line without its prefix, else None.

        A line over the limit comes back with LINE_LIMIT + 1 characters, for the caller
        to refuse.
        """
        if self._line is None:
            return self._prefix(byte)
        if byte == CR:
            line = self._line.decode("latin-1")
            self.reset()
            if len(line) <= LINE_LIMIT:
                self.last = line
            return line
        if byte == BACKSPACE:
            if len(self._line) <= LINE_LIMIT:
                del self._line[-1:]
        elif byte >= 32 and len(self._line) <= LINE_LIMIT:
            self._line.append(byte)
        return None

    def _prefix(self, byte: int) -> str | None:
        pair = bytes((self._previous, byte))
        if pair in (b"AT", b"at"):
            self._previous = 0
            self._line = bytearray()
            return None
        if pair in (b"A/", b"a/"):
            self._previous = 0
            return self.last
        self._previous = byte if byte in b"Aa" else 0
        return None


@dataclass(frozen=True)
class Command:
    """One command of a line. `op` is "" (execute), "?" (read), "=?" (test) or "=" (write)."""

    name: str
    op: str = ""
    args: str = ""

    def __str__(self) -> str:
        return self.name + self.op + self.args


class Quoted(str):
    """A parameter that was given in quotation marks."""


class SyntaxFault(Exception):
    """A command line that cannot be read."""


_EXTENDED = re.compile(r"[+*^][A-Za-z][A-Za-z0-9]*")
_S_REGISTER = re.compile(r"[Ss](\d{1,3})(?:=(\d*)|(\?))?")
_BASIC = re.compile(r"(&?[A-Za-z])(\d*)")


def _until_semicolon(text: str, start: int) -> int:
    """The index of the next `;` outside quotation marks, or the end."""
    quoted = False
    for index in range(start, len(text)):
        if text[index] == '"':
            quoted = not quoted
        elif text[index] == ";" and not quoted:
            return index
    return len(text)


def split(line: str) -> list[Command]:
    """The commands of one line (without AT), in order.

    Raises SyntaxFault where the line stops making sense; its `args` are the commands
    read before that place.
    """
    commands = []
    at = 0
    while at < len(line):
        if line[at] in " ;":
            at += 1
            continue
        if match := _EXTENDED.match(line, at):
            end = _until_semicolon(line, at)
            rest = line[match.end() : end].strip()
            name = match.group().upper()
            if rest == "":
                commands.append(Command(name))
            elif rest == "?":
                commands.append(Command(name, "?"))
            elif rest == "=?":
                commands.append(Command(name, "=?"))
            elif rest[0] == "=":
                commands.append(Command(name, "=", rest[1:]))
            else:
                raise SyntaxFault(commands)
            at = end + 1
        elif line[at] in "Dd":
            # a dial string is all the rest; a voice call's own `;` belongs to it
            commands.append(Command("D", "", line[at + 1 :].strip()))
            at = len(line)
        elif match := _S_REGISTER.match(line, at):
            number, value, read = match.groups()
            op = "?" if read else "" if value is None else "="
            commands.append(Command("S" + str(int(number)), op, value or ""))
            at = match.end()
        elif match := _BASIC.match(line, at):
            commands.append(Command(match.group(1).upper(), "", match.group(2)))
            at = match.end()
        else:
            raise SyntaxFault(commands)
    return commands


def arguments(text: str) -> list[str | None]:
    """Comma-separated parameters: Quoted, plain text, or None for one left out.

    Raises SyntaxFault for an unclosed quotation mark or text beside a quoted one.
    """
    values: list[str | None] = []
    at = 0
    while True:
        while at < len(text) and text[at] == " ":
            at += 1
        if at < len(text) and text[at] == '"':
            end = text.find('"', at + 1)
            if end < 0:
                raise SyntaxFault([])
            values.append(Quoted(text[at + 1 : end]))
            at = end + 1
            while at < len(text) and text[at] == " ":
                at += 1
            if at < len(text) and text[at] != ",":
                raise SyntaxFault([])
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            values.append(text[at:end].strip() or None)
            at = end
        if at >= len(text):
            return values
        at += 1
