"""Phonebooks: the card's, the modem's own, the lists of calls (manual pages 82 to 86), and the subscriber's number."""

import re
from dataclasses import dataclass

from . import charset
from .commands import Args, command
from .errors import CME, BadValue
from .pdu import number_type

NUMBER_LENGTH, TEXT_LENGTH = 40, 14
# name: places; whether AT+CPBW writes there, or only deletes
BOOKS = {
    "SM": (250, True),
    "ME": (100, True),
    "ON": (4, True),
    "DC": (20, False),
    "LD": (10, False),
    "MC": (20, False),
    "RC": (20, False),
}
_NUMBER = re.compile(r"\+?[0-9*#pPwW]*")
_ESCAPED = re.compile(r"\\([0-9A-Fa-f]{2})")


@dataclass
class Entry:
    number: str
    kind: int  # 145 is international
    text: str = ""


class Phonebook:
    """All books, kept without power; `name` is the one AT+CPBS chose."""

    def __init__(self, modem):
        self.modem = modem
        self.books: dict[str, dict[int, Entry]] = {name: {} for name in BOOKS}
        sim = modem.scenario.sim
        for index, (number, text) in enumerate(sim.contacts, 1):
            self.books["SM"][index] = Entry(number, number_type(number), text)
        if sim.number:
            self.books["ON"][1] = Entry(sim.number, number_type(sim.number))
        self.reset()

    def reset(self) -> None:
        """The modem starts anew."""
        self.name = "SM"

    @property
    def places(self) -> int:
        return BOOKS[self.name][0]

    @property
    def book(self) -> dict[int, Entry]:
        return self.books[self.name]

    def remember(self, name: str, number: str) -> None:
        """A call: first in its list; the last one falls out."""
        old = [self.books[name][n] for n in sorted(self.books[name])]
        entries = [Entry(number, number_type(number)), *old][: BOOKS[name][0]]
        self.books[name] = dict(enumerate(entries, 1))

    def set_text(self, raw: str) -> str:
        """A text as the terminal gave it. Raises BadValue."""
        name = self.modem.messages.charset
        try:
            if name == "UCS2":
                return bytes.fromhex(raw).decode("utf-16-be")
            plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), raw)
            return charset.read(plain, name)
        except ValueError:
            raise BadValue from None

    def show_text(self, text: str) -> str:
        """A text for the terminal."""
        name = self.modem.messages.charset
        if name == "UCS2":
            return text.encode("utf-16-be").hex().upper()
        return charset.show(text, name).replace("\\", "\\5C").replace('"', "\\22")

    def line(self, name: str, index: int) -> str:
        entry = self.book[index]
        return f'{name}: {index},"{entry.number}",{entry.kind},"{self.show_text(entry.text)}"'


def _ready(modem) -> Phonebook:
    """The books can be used once "Call Ready" was said. Raises CME 14."""
    if not modem.messages.ready:
        raise CME(14)
    return modem.phonebook


def _select_test(modem, c):
    names = ",".join(f'"{name}"' for name in BOOKS)
    modem.info(f"+CPBS: ({names})")


@command("+CPBS", "?", "=", latency=0.02, limit=3.0, test=_select_test, needs="sim")
def select(modem, c):
    books = _ready(modem)
    if c.op == "?":
        modem.info(f'+CPBS: "{books.name}",{len(books.book)},{books.places}')
        return
    name = Args(c).most(1).quoted(0)
    if name not in BOOKS:
        raise BadValue
    books.name = name


def _read_test(modem, c):
    books = _ready(modem)
    modem.info(f"+CPBR: (1-{books.places}),{NUMBER_LENGTH},{TEXT_LENGTH}")


@command("+CPBR", "=", latency=0.05, limit=3.0, test=_read_test, needs="sim")
def read(modem, c):
    """From one place to another; what is empty is left out (27.007 8.12)."""
    books, args = _ready(modem), Args(c).most(2)
    first = args.number(0, range(1 << 16))
    last = args.number(1, range(1 << 16), first)
    if not 1 <= first <= last <= books.places:
        raise CME(21)
    lines = [books.line("+CPBR", n) for n in sorted(books.book) if first <= n <= last]
    modem.info(*lines)


@command(
    "+CPBF",
    "=",
    latency=0.1,
    limit=3.0,
    test=f"+CPBF: {NUMBER_LENGTH},{TEXT_LENGTH}",
    needs="sim",
)
def find(modem, c):
    """Texts that begin so, whatever the case. Error 22: there are none."""
    books = _ready(modem)
    wanted = books.set_text(Args(c).most(1).quoted(0)).lower()
    found = [n for n, entry in sorted(books.book.items()) if entry.text.lower().startswith(wanted)]
    if not found:
        raise CME(22)
    modem.info(*(books.line("+CPBF", n) for n in found))


def _write_test(modem, c):
    books = _ready(modem)
    modem.info(f"+CPBW: (1-{books.places}),{NUMBER_LENGTH},(129,145),{TEXT_LENGTH}")


@command("+CPBW", "", "=", latency=0.1, limit=3.0, test=_write_test, needs="sim")
def write(modem, c):
    """With a place alone it is deleted; without a place the first free one is taken."""
    books, args = _ready(modem), Args(c).most(4)
    index = None
    if args.values[0] is not None:
        index = args.number(0, range(1 << 16))
        if not 1 <= index <= books.places:
            raise CME(21)
    if len(args) == 1:
        if index is None:
            raise BadValue
        books.book.pop(index, None)
        return
    if not BOOKS[books.name][1]:
        raise CME(3)
    number = args.quoted(1, longest=NUMBER_LENGTH + 100)
    if not _NUMBER.fullmatch(number):
        raise CME(27)
    if len(number.lstrip("+")) > NUMBER_LENGTH:
        raise CME(26)
    kind = args.number(2, (129, 145), number_type(number))
    text = books.set_text(args.quoted(3, "", 4 * TEXT_LENGTH + 100))
    if len(text) > TEXT_LENGTH:
        raise CME(24)
    if index is None:
        free = (n for n in range(1, books.places + 1) if n not in books.book)
        index = next(free, None)
        if index is None:
            raise CME(20)
    if kind == 145:
        number = "+" + number.removeprefix("+")
    books.book[index] = Entry(number, kind, text)


@command("+CNUM", latency=0.1, limit=1.0, test="", needs="sim")
def own_number(modem, c):
    """What the card's book "ON" has."""
    books = modem.phonebook
    own = [entry for _, entry in sorted(books.books["ON"].items())]
    modem.info(*(f'+CNUM: "{books.show_text(e.text)}","{e.number}",{e.kind},7,4' for e in own))
