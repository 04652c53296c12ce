"""What a real modem was told and said, told to the simulated one: where does it say something else?

    differences = replay(records, scenario)

A transcript is a list of records in the order in which they came, as JSON has them:

    {"t": 12.5, "sent": "AT+CSQ\\r"}
    {"t": 12.6, "received": "AT+CSQ\\r\\r\\n+CSQ: 18,0\\r\\n\\r\\nOK\\r\\n"}

`sent` is what the modem was told, `received` what it said then, each character a byte. `t` is in seconds, from
anywhere, and may be left out. Two forms are understood, also mixed:

* bytes, as above: echo, blank lines and line ends are compared as well;
* lines, as a driver's trace has them: {"sent": "AT+CSQ"}, {"received": "+CSQ: 18,0"}, {"received": "OK"}. A text
  without any control character is a line: it is sent with its CR, and neither echo nor blank lines count.

What is sent and has no `received` before the next `sent` is not compared: it prepares, or nobody knows. Nothing at
all was said: {"received": ""}. A PIN that was hidden, `AT+CPIN=****`, is sent as the scenario has it.

What cannot be alike from one modem, card, place or day to the other is compared by its form alone, see RULES.
"""

import asyncio
import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from network.journal import Journal
from network.ppp import PPPEnd

from . import virtual
from .modem import SIM800
from .scenario import Scenario

LIMIT = 180.0  # seconds for the last line of an answer
SETTLE = 0.5  # seconds without a word after which there is no more to come
CUT = 0.05  # ... at the transcript's end: who wrote it down may have stopped there
KEY_TIME = 1.2  # seconds that PWRKEY is pressed
STEP = 0.02


@dataclass(frozen=True)
class Rule:
    """Of what `pattern` finds in a line, the groups count by being there only: `name` is put for each. `why`: the
    reason."""

    name: str
    pattern: re.Pattern
    why: str


def _rule(name: str, pattern: str, why: str) -> Rule:
    return Rule(name, re.compile(pattern), why)


_DIGIT = r"[\dX*]"  # also masked
RULES = (
    _rule("pin", r"^(?:AT|at)\+(?:CPIN|cpin)=(.*)$", "it is secret"),
    _rule("signal", r"^\+CSQ: (\d+),(\d+)$", "the aerial's place decides"),
    _rule("battery", r"^\+CBC: ([012]),(\d+),(\d+)$", "the board's supply decides"),
    _rule("voltage", r"^\+CADC: \d,(\d+)$", "what is wired to the pin decides"),
    _rule("digits", rf"^({_DIGIT}{{15}})$", "IMEI and IMSI are each modem's and each card's own"),
    _rule("iccid", rf"^({_DIGIT}{{18,20}}[fF]?)$", "each card's own"),
    _rule(
        "address",
        rf"(?<![\d.])({_DIGIT}{{1,3}}(?:\.{_DIGIT}{{1,3}}){{3}})(?![\d.])",
        "the network gives it",
    ),
    _rule("cell", r'^\+CG?REG:.*?("[0-9A-F*X]{4,8}","[0-9A-F*X]{4,8}")', "the place decides"),
    _rule("time", r'("\d\d/\d\d/\d\d,\d\d:\d\d:\d\d[+-]\d\d")', "the day decides"),
    _rule("time", r"^\*PSUTTZ: (.*)$", "the day and the country decide"),
    _rule("zone", r"^DST: (\d)$", "the country decides"),
    _rule("zone", r"^\+CTZV: (.*)$", "the country decides"),
    _rule("operator", r'^\+CIEV: 10,(".*"), 0, 0$', "the operator's number and names"),
    _rule("operator", r'^\+COPS: \d,\d,(".*?")', "the operator's number or name"),
    _rule(
        "place",
        r"^\+CIPGSMLOC: 0,(-?\d+\.\d+),(-?\d+\.\d+),([\d/]+),([\d:]+)$",
        "the place and the day decide",
    ),
    _rule("number", r'("\+?[\dX*]{3,}")', "telephone numbers are each one's own"),
    _rule("place", r"^\+CMGL: (\d+),", "the card's free places"),
    _rule("reference", r"^\+CMGS: (\d+)$", "the card counts the messages it sent"),
    _rule("rate", r"^CONNECT (\d+)$", "as the line was set"),
)

# What a modem says unasked, as long as the command was not about it.
_UNASKED = re.compile(
    r"(RDY|Call Ready|SMS Ready|RING|MISSED_CALL|NORMAL POWER DOWN|\+CFUN: \d$|\+CPIN: |\+CREG: \d(?:$|,\")|"
    r"\+CGREG: \d(?:$|,\")|\*PSUTTZ|\*PSNWID|\+CTZV|DST:|\+CIEV|\+CMTI|\+CLIP|\+CRING|\+CDRIND|\+PDP|"
    r"\+SAPBR \d|UNDER-VOLTAGE|OVER-VOLTAGE|\+CUSD)"
)
_FRAME = re.compile(r"~[^~]+~")  # PPP
_PIN = re.compile(r'(\+CPIN=)"?\*+"?', re.IGNORECASE)


@dataclass(frozen=True)
class Difference:
    """After `sent`, at `t` seconds (None: not told), the real modem said the lines `expected` and the simulated one
    `got`, both masked."""

    t: float | None
    sent: str
    expected: tuple[str, ...]
    got: tuple[str, ...]

    def __str__(self) -> str:
        when = "" if self.t is None else f"{self.t:.1f} s: "
        after = f"after {self.sent}" if self.sent else "unasked"
        return f"{when}{after}: the real modem said {_said(self.expected)}, the simulated one {_said(self.got)}"


def _said(lines: Iterable[str]) -> str:
    return ", ".join(map(repr, lines)) or "nothing"


@dataclass
class _Exchange:
    """What was sent (None: nothing) and what came then (None: nobody knows)."""

    t: float | None
    sent: str | None
    received: str | None = None
    exact: bool = field(default=False)  # bytes, not lines


def masked(line: str) -> str:
    """A line with what RULES say put as `<name>`."""
    end = "\r" if line.endswith("\r") else ""
    line = line.removesuffix("\r")
    for rule in RULES:

        def hide(match: re.Match, name=rule.name) -> str:
            text, offset = match[0], match.start()
            for number in range(match.re.groups, 0, -1):
                first, last = match.span(number)
                text = text[: first - offset] + f"<{name}>" + text[last - offset :]
            return text

        line = rule.pattern.sub(hide, line)
    return line + end


def _is_line(text: str) -> bool:
    return bool(text) and text.isprintable() and text != "+++"


def _exchanges(records: Iterable[dict], frame: bool) -> list[_Exchange]:
    """Raises ValueError for what is no transcript."""
    found: list[_Exchange] = []
    for number, record in enumerate(records):
        kinds = {"sent", "received"} & set(record)
        if len(kinds) != 1 or not isinstance(record[kind := kinds.pop()], str):
            raise ValueError(f'record {number} has no "sent" or "received" text: {record}')
        text, t = record[kind], record.get("t")
        if kind == "sent":
            found.append(_Exchange(t, text + "\r" if _is_line(text) else text))
            continue
        if not found:
            found.append(_Exchange(t, None))
        last = found[-1]
        last.exact = last.exact or (frame and "\r" in text)
        last.received = (last.received or "") + (text + "\r\n" if _is_line(text) else text)
    return found


def replay(
    records: Iterable[dict], scenario: Scenario, *, anywhere: bool = False, frame: bool = True
) -> list[Difference]:
    """Tell the simulated modem what a real one was told, and compare what it says.

    records: the transcript, see above. Where it has times the modem is told at those times, counted from the first
    record; else each as soon as the last was answered.
    scenario: what modem, card and network the transcript was made with. With `start="off"` the modem gets power and its
    key is pressed; the first record that is sent then comes as soon as the UART listens.
    frame: False for a log that has lost the echo and the blank lines of its bytes.
    anywhere: what is said unasked may come after another command than it did; only whether it comes is compared.

    Takes no real time to speak of: simulated time jumps. There is no internet behind the modem.
    Returns the differences in their order, [] if there are none. Raises ValueError for records that are no transcript.
    """
    exchanges = _exchanges(records, frame)
    last = [e.t for e in exchanges if e.t is not None][-1:] or [0.0]
    limit = last[0] + (LIMIT + 60) * (len(exchanges) + 1)
    said = virtual.run(_play(exchanges, scenario), limit)
    return _compare(exchanges, said, anywhere)


async def _play(exchanges: list[_Exchange], scenario: Scenario) -> list[str]:
    """What the simulated modem says in each exchange."""
    clock = virtual.VirtualClock()
    journal, line = Journal(clock), virtual.MemoryLine()

    def make_ppp(config, send, on_end, on_up):
        return PPPEnd(clock, config, send, on_end, on_up, journal=journal)

    modem = SIM800(clock, scenario, line, make_ppp, journal)
    await modem.start()
    try:
        if scenario.modem.start == "off":
            modem.supply(True)
            modem.pwrkey(True)
            await asyncio.sleep(KEY_TIME)
            modem.pwrkey(False)
        else:
            line.output.clear()  # it ran before anybody listened
        begin = None
        said = []
        for exchange in exchanges:
            if exchange.sent is not None and begin is None:
                while modem.mode == "booting":
                    await asyncio.sleep(STEP)
            if exchange.t is not None:
                begin = clock.now() - exchange.t if begin is None else begin
                await asyncio.sleep(max(0.0, begin + exchange.t - clock.now()))
            settle = CUT if exchange is exchanges[-1] else SETTLE
            said.append(await _exchange(modem, line, exchange, settle))
        return said
    finally:
        await modem.stop()


async def _exchange(
    modem: SIM800, line: virtual.MemoryLine, exchange: _Exchange, settle: float
) -> str:
    if exchange.sent:
        exchange.sent = _PIN.sub(rf'\g<1>"{modem.card.pin}"', exchange.sent)
        line.feed(exchange.sent.encode("latin-1", "replace"))
    wanted = len(_lines(exchange.received or "", False))
    if exchange.exact or exchange.received is None:
        echo = 0
    else:
        echo = modem.settings["E"]
    quiet, size, waited = 0.0, -1, 0.0
    while waited < LIMIT:
        await asyncio.sleep(STEP)
        waited += STEP
        if len(line.output) != size:
            quiet, size = 0.0, len(line.output)
            continue
        quiet += STEP
        done = len(_lines(line.output.decode("latin-1"), False)) >= wanted + echo
        if quiet >= settle and done and not modem.interpreter.busy:
            break
        if quiet >= settle and exchange.received is not None and _ends_at_prompt(line.output):
            break
    said = line.output.decode("latin-1")
    line.output.clear()
    if line.rate is not None:
        line.dte = line.rate  # whoever changes the rate goes along
    return said


def _ends_at_prompt(output: bytearray) -> bool:
    return output.endswith(b"\n> ")


def _lines(text: str, exact: bool) -> list[str]:
    text = text.replace("\x1a", "")  # the echo of Ctrl-Z, which logs do not show
    if exact:
        return text.split("\r\n")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _compare(exchanges: list[_Exchange], said: list[str], anywhere: bool) -> list[Difference]:
    differences = []
    unasked: dict[str, Counter] = {"expected": Counter(), "got": Counter()}
    for exchange, answer in zip(exchanges, said, strict=True):
        sent = (exchange.sent or "").rstrip("\r")
        expected, got = exchange.received, answer
        if expected is None:
            if anywhere:
                unasked["got"].update(
                    masked(x) for x in _lines(got, False) if _is_unasked(x, sent)
                )
            continue
        if "~" not in expected:
            got = _FRAME.sub("", got)
        sides = {}
        for name, text in (("expected", expected), ("got", got)):
            lines = _lines(text, exchange.exact)
            if not exchange.exact:
                lines = [line for line in lines if line != sent]
            if anywhere:
                unasked[name].update(masked(x) for x in lines if _is_unasked(x, sent))
                lines = [line for line in lines if not _is_unasked(line, sent)]
            sides[name] = [masked(line) for line in lines]
        if exchange is exchanges[-1]:
            _cut(sides["got"], len(sides["expected"]))
        matcher = difflib.SequenceMatcher(None, sides["expected"], sides["got"], autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind != "equal":
                parts = tuple(sides["expected"][a:b]), tuple(sides["got"][c:d])
                differences.append(Difference(exchange.t, masked(sent), *parts))
    missing, more = unasked["expected"] - unasked["got"], unasked["got"] - unasked["expected"]
    differences += [Difference(None, "", (text,), ()) for text in missing.elements()]
    differences += [Difference(None, "", (), (text,)) for text in more.elements()]
    return differences


def _cut(lines: list[str], count: int) -> None:
    """Drop what is said unasked behind a transcript's last line: who wrote it down stopped there."""
    while len(lines) > count and (not lines[-1] or _UNASKED.match(lines[-1])):
        del lines[-1]


def _is_unasked(line: str, sent: str) -> bool:
    found = _UNASKED.match(line)
    if found is None:
        return False
    name = found[1].partition(":")[0]
    return not name.startswith("+") or name not in sent.upper()
