"""The commands: a table from name to handler, typical time, forms and needs.

Handlers are plain or async functions of (modem, command); they send information lines
with `modem.info`, return None for OK or another result code ("" for none), and raise
errors. Page numbers are those of the SIM800 Series AT Command Manual V1.09.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import at
from .errors import CME, BadValue


@dataclass(frozen=True)
class Spec:
    """One command. `latency` is its typical time and `limit` the manual's maximum, in seconds;
    `ops` its forms; `test` the answer to `=?` ("" is a bare OK, or a handler); for `needs` see
    require(); `ssl`, `lbs`: only in a firmware with
    TLS, with AT+CLBS."""

    handler: Callable
    latency: float
    limit: float
    ops: tuple[str, ...]
    test: str | Callable
    needs: str
    ssl: bool
    lbs: bool


_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)

TABLE: dict[str, Spec] = {}


def command(name, *ops, latency=0.005, limit=5.0, test=None, needs="", ssl=False, lbs=False):
    """Decorator: put a handler in the table. `test` None: has no test form."""

    def add(handler):
        forms = (*(ops or ("",)), *(() if test is None else ("=?",)))
        TABLE[name] = Spec(handler, latency, limit, forms, test or "", needs, ssl, lbs)
        return handler

    return add


def require(modem, needs: str, op: str = "") -> None:
    """Raises the CME error of the first need not met.

    `needs` is a list of words: "full" (radio on), "sim", "registration", "messages", "idle-card"
    (for setting something: the modem does not read the card just now); with "!"
    before them they do not hold for reading.
    """
    if needs.startswith("!"):
        if op == "?":
            return
        needs = needs[1:]
    for need in needs.split():
        if need == "multiplexer" and not modem.scenario.modem.cmux:
            raise CME(100)
        if need == "full" and modem.cfun != 1:
            raise CME(3)
        if need == "sim":
            modem.card.require()
        if need == "registration" and not modem.radio.registered:
            raise CME(30)
        if need == "messages" and op == "=" and modem.card_busy:
            raise CME(3)  # seen
        if need == "idle-card" and op == "=" and modem.card_busy:
            raise CME(14)  # seen just after the PIN


class Args:
    """The parameters of a write command, taken by position."""

    def __init__(self, command: at.Command):
        self.values = at.arguments(command.args)

    @classmethod
    def of(cls, values: list) -> "Args":
        """Some of another's."""
        some = cls(at.Command(""))
        some.values = values
        return some

    def __len__(self) -> int:
        return len(self.values)

    def most(self, count: int) -> "Args":
        """Raises BadValue for more than `count` of them."""
        if len(self.values) > count:
            raise BadValue
        return self

    def number(self, index: int, allowed, default: int | None = None) -> int:
        """An unquoted whole number in `allowed`. Raises BadValue."""
        value = self.values[index] if index < len(self.values) else None
        if value is None:
            if default is None:
                raise BadValue
            return default
        if isinstance(value, at.Quoted) or not _NUMBER.fullmatch(value):
            raise BadValue
        if int(value) not in allowed or (value[0] == "-" and min(allowed) >= 0):
            raise BadValue
        return int(value)

    def text(self, index: int, default: str | None = None, longest: int = 100) -> str:
        """A string, quoted or not. Raises BadValue."""
        value = self.values[index] if index < len(self.values) else None
        if value is None:
            if default is None:
                raise BadValue
            return default
        if len(value) > longest:
            raise BadValue
        return str(value)

    def quoted(self, index: int, default: str | None = None, longest: int = 100) -> str:
        """A string that must be in quotation marks. Raises BadValue."""
        value = self.values[index] if index < len(self.values) else None
        if value is not None and not isinstance(value, at.Quoted):
            raise BadValue
        return self.text(index, default, longest)


def setting(name, allowed, *, test, latency=0.005, limit=5.0, needs=""):
    """A command that only reads and writes one number of the profile."""

    @command(name, "?", "=", test=test, latency=latency, limit=limit, needs=needs)
    def handler(modem, c):
        if c.op == "?":
            modem.info(f"{name}: {modem.settings[name]}")
        else:
            modem.settings[name] = Args(c).most(1).number(0, allowed)


from . import (  # noqa: E402  (they fill the table)
    call_commands,  # noqa: F401
    general,  # noqa: F401
    handset,  # noqa: F401
    http,  # noqa: F401
    location,  # noqa: F401
    message_commands,  # noqa: F401
    mobile,  # noqa: F401
    ntp,  # noqa: F401
    packet,  # noqa: F401
    phonebook,  # noqa: F401
    stack_commands,  # noqa: F401
    stack_settings,  # noqa: F401
    ussd,  # noqa: F401
)
