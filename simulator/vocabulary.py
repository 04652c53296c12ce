"""What a fault word is, how it is written down, listed and injected. The words themselves are in faults.py.

A word is written `WORD NAME=VALUE ...`, as a shell would take it (`NAME='two words'`). What has no NAME= is all of
it the first parameter: `interrupt 20`, `urc +CREG: 2`. `later SECONDS WORD ...` is the same, after so long.
"""

import inspect
import math
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

MOMENTS = ("start", "power", "boot", "ready", "registered", "dial", "connect", "ip")
UNITS = ("s", "baud", "bit/s", "bytes", "mV", "%", "degrees")
_SWITCH = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
_NAMED = re.compile(r"[a-z_]+=.*", re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """What a parameter may be. unit: as it is shown, one of UNITS or what else it is; of: int, float, str or bool; low, high: its bounds;
    words: nothing else is allowed."""

    unit: str
    of: type = str
    low: float = -math.inf
    high: float = math.inf
    words: tuple = ()

    def take(self, value):
        """The value, given as it is or written down. Raises ValueError with what is allowed."""
        try:
            if self.of is bool:
                return _SWITCH[str(value).lower()]
            taken = self.of(value)
        except (KeyError, TypeError, ValueError):
            raise ValueError(self.allowed) from None
        if self.of is not str and not self.low <= taken <= self.high:
            raise ValueError(self.allowed)
        if self.words and taken not in self.words:
            raise ValueError(self.allowed)
        return taken

    @property
    def allowed(self) -> str:
        """Half a sentence, for errors."""
        if self.of is bool:
            return "use 0 or 1"
        if self.words:
            return "use one of " + ", ".join(map(str, self.words))
        if self.high < math.inf:
            return f"use {self.low:g} to {self.high:g}"
        return f"use {'a whole number' if self.of is int else 'a number'} from {self.low:g} up"


SECONDS = Kind("s", float, 0)
OFFSET = Kind("s", float, -1e10, 1e10)
SHARE = Kind("share", float, 0, 1)
COUNT = Kind("number", int, 0)
BYTES = Kind("bytes", int, 0)
BAUD = Kind("baud", int, 1)
BITRATE = Kind("bit/s", float, 1)
MILLIVOLTS = Kind("mV", float, 0)
PERCENT = Kind("%", int, 0, 100)
DEGREES = Kind("degrees", float, -180, 180)
CODE = Kind("code", int, 0)
SWITCH = Kind("0 or 1", bool)
TEXT = Kind("text", str)


@dataclass(frozen=True)
class Word:
    """A fault or event: what it is called, the part it strikes, and the function that does it."""

    name: str
    part: str
    strike: Callable

    @cached_property
    def _signature(self) -> tuple[inspect.Parameter, ...]:
        return tuple(inspect.signature(self.strike).parameters.values())

    @property
    def target(self) -> str:
        """What is handed to it: "modem", "internet" or "board"."""
        return self._signature[0].name

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        return {parameter.name: parameter for parameter in self._signature[1:]}

    @property
    def summary(self) -> str:
        return self.strike.__doc__

    @property
    def usage(self) -> str:
        """The word and its parameters, with units or defaults; those in brackets may be left out."""
        shown = [self.name]
        for name, parameter in self.parameters.items():
            kind, default = parameter.annotation, parameter.default
            if default is inspect.Parameter.empty:
                shown.append(f"{name}={kind.unit}")
            elif default is None:
                shown.append(f"[{name}={kind.unit}]")
            elif kind.of is str:
                others = [f" or {word}" for word in kind.words if word != default]
                shown.append(f"[{name}={default or repr(default)}{''.join(others)}]")
            else:
                shown.append(
                    f"[{name}={default:g}{' ' + kind.unit if kind.unit in UNITS else ''}]"
                )
        return " ".join(shown)

    def arguments(self, given: dict) -> dict:
        """What is given, each as its parameter wants it. Raises ValueError."""
        known = self.parameters
        takes = f"it takes {', '.join(known) or 'no arguments'}"
        for name in given:
            if name not in known:
                raise ValueError(f"fault {self.name!r} has no {name}: {takes}")
        for name, parameter in known.items():
            if name not in given and parameter.default is inspect.Parameter.empty:
                raise ValueError(f"fault {self.name!r} wants {name}: {takes}")
        taken = {}
        for name, value in given.items():
            kind = known[name].annotation
            try:
                taken[name] = None if value is known[name].default is None else kind.take(value)
            except ValueError as error:
                raise ValueError(f"fault {self.name!r}: {name} is {value!r}; {error}") from None
        return taken

    def written(self, text: str) -> dict:
        """The arguments that are written down. Raises ValueError."""
        try:
            words = shlex.split(text)
        except ValueError:  # an open quotation mark
            words = [text]
        if all(_NAMED.fullmatch(word) for word in words):
            return self.arguments(dict(word.split("=", 1) for word in words))
        names = list(self.parameters)
        if not names:
            raise ValueError(f"fault {self.name!r} takes no arguments")
        return self.arguments({names[0]: words[0] if len(words) == 1 else text})


class Vocabulary(dict):
    """Words by name, from classes: each is a part, its functions without a _ are the words that strike it. A
    function's first parameter names what it is handed, the others have a Kind each; its docstring is the summary."""

    def __init__(self, *parts: type):
        self.parts = {part.__name__.lower(): part.__doc__ for part in parts}
        super().__init__(
            (name, Word(name, part.__name__.lower(), function))
            for part in parts
            for name, function in vars(part).items()
            if inspect.isfunction(function) and name[0] != "_"
        )

    def find(self, name: str) -> Word:
        """Raises ValueError listing what there is."""
        if name not in self:
            raise ValueError(f"no fault {name!r}; known are {', '.join(sorted(self))}")
        return self[name]

    def read(self, text: str) -> tuple[Word, dict]:
        """A word and its arguments, from `WORD NAME=VALUE ...`. Raises ValueError."""
        name, _, rest = text.strip().partition(" ")
        word = self.find(name)
        return word, word.written(rest.strip())

    def listing(self, targets: tuple[str, ...] = ("modem", "internet", "board")) -> str:
        """For a terminal: each part, and how its words are written."""
        lines = []
        for part, title in self.parts.items():
            words = [w for w in self.values() if w.part == part and w.target in targets]
            if words:
                lines += ["", f"{part}: {title}"]
            for word in words:
                lines += [f"  {word.usage}", f"      {word.summary}"]
        return "\n".join(lines[1:]) + "\n"

    def markdown(self) -> str:
        """The same as tables."""
        text = ""
        for part, title in self.parts.items():
            text += f"\n## {part}\n\n{title[0].upper()}{title[1:]}.\n\n| word | what it does |\n|---|---|\n"
            for word in self.values():
                if word.part == part:
                    text += f"| `{word.usage}` | {word.summary} |\n"
        return text


class Injector:
    """Makes faults happen: those injected, and a scenario's events when their moment comes.

    parts: what the words are handed, by name: modem, internet, board. More may be added before start().
    Raises ValueError for an event that could never happen.
    """

    def __init__(self, vocabulary: Vocabulary, clock, journal, events, **parts):
        self.vocabulary, self.parts = vocabulary, parts
        self._clock, self._journal = clock, journal
        self._events = [(event, *self._read(event)) for event in events]
        self._timers: list = []
        self._passed: set[str] = set()

    def _read(self, event) -> tuple[Word, dict]:
        if event.when not in MOMENTS:
            raise ValueError(f"event {event.do!r}: when is {event.when!r}; use one of {MOMENTS}")
        if not event.args:
            return self.vocabulary.read(event.do)
        word = self.vocabulary.find(event.do)
        return word, word.arguments(event.args)

    def start(self) -> None:
        """The scenario begins. Raises ValueError for an event that strikes what is not there."""
        for _, word, _ in self._events:
            self._target(word)
        self.moment("start")

    def stop(self) -> None:
        """What has not happened yet does not happen any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def inject(self, name: str, **args) -> None:
        """Make a fault or event happen now. Raises ValueError for a wrong one."""
        word = self.vocabulary.find(name)
        self._strike(word, word.arguments(args))

    def obey(self, text: str) -> None:
        """The same for one that is written down, perhaps `later SECONDS WORD ...`. Raises ValueError."""
        first, _, rest = text.strip().partition(" ")
        if first == "later":
            seconds, _, rest = rest.strip().partition(" ")
            try:
                after = SECONDS.take(seconds)
            except ValueError as error:
                raise ValueError(f"later wants seconds, not {seconds!r}; {error}") from None
            self._later(after, *self.vocabulary.read(rest))
        else:
            self._strike(*self.vocabulary.read(text))

    def moment(self, name: str) -> None:
        """`name` (scenario.Event.when) has come; the first time its events are scheduled."""
        if name in self._passed:
            return
        self._passed.add(name)
        for event, word, args in self._events:
            if event.when != name:
                continue
            if name == "start" and not event.after:
                self._strike(word, args)  # it has always been so
            else:
                self._later(event.after, word, args)

    def _later(self, seconds: float, word: Word, args: dict) -> None:
        self._timers.append(self._clock.call_later(seconds, self._strike, word, args))

    def _target(self, word: Word):
        if self.parts.get(word.target) is None:
            raise ValueError(f"fault {word.name!r} strikes the {word.target}: there is none here")
        return self.parts[word.target]

    def _strike(self, word: Word, args: dict) -> None:
        target = self._target(word)
        self._journal.add("fault", word.name, **args)
        word.strike(target, **args)
