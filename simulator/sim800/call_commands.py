"""Commands about voice calls (manual chapters 2, 3 and 16)."""

import asyncio
import re

from . import at
from .commands import Args, command, require, setting
from .errors import CME, BadValue
from .masking import code

_IGNORED = str.maketrans("", "", " ,TtPp!Ww@-()")  # modifiers without effect (page 30)
_NUMBER = re.compile(r"(\+?[0-9*#A-C]+)([IiGg]*)")
_SERVICE = re.compile(r"[*#][0-9*#]*#")
_TONE = re.compile(r"\s*(?:([0-9A-D#*])|\{\s*([0-9A-D#*])\s*,\s*(\d{1,3})\s*\})\s*(?:,|$)")
MAX_DIGITS = 40
MAX_TONES = 20  # characters of +VTS's string

setting("+CRC", range(2), test="+CRC: (0-1)")
setting("+COLP", range(2), test="+COLP: (0-1)", limit=15.0, needs="!sim")
setting("+VTD", range(1, 256), test="+VTD: (1-255)")
setting("+MORING", range(2), test="+MORING: (0,1)")


def _line_identification(name: str, modes: int, offered: int) -> None:
    """Page 75 and 76; `offered` is what is told of the network's side where there is one."""

    @command(name, "?", "=", test=f"{name}: (0-{modes - 1})", limit=15.0)
    def handler(modem, c):
        if c.op == "?":
            modem.info(
                f"{name}: {modem.settings[name]},{offered if modem.radio.registered else 2}"
            )
        else:
            modem.settings[name] = Args(c).most(1).number(0, range(modes))


_line_identification("+CLIP", 2, 1)
_line_identification("+CLIR", 3, 4)


async def dial(modem, number):
    """A dial string that is no data call's (page 29).

    With AT+COLP=0 the answer OK comes as soon as the number is dialled; BUSY, NO ANSWER and
    NO CARRIER follow unasked. With AT+COLP=1 it waits until the call is answered, or not.
    """
    if not number.endswith(";"):
        # a circuit-switched data call: no network offers them any more
        require(modem, "full sim")
        await modem.wait_abortable(0.5, "NO CARRIER")
        return "NO CARRIER"
    match = _NUMBER.fullmatch(number[:-1].translate(_IGNORED))
    if match is None:
        raise CME(3)
    digits, modifiers = match.groups()
    if len(digits) > MAX_DIGITS:
        raise CME(26)
    require(modem, "full sim registration")
    if _SERVICE.fullmatch(digits):
        modem.ussd.request(digits)
        return "OK"
    calls = modem.calls
    if calls.state:
        raise CME(3)  # a second one would put the first on hold; that is not modelled
    await modem.wait_abortable(1.0, "NO CARRIER")
    require(modem, "registration")
    if calls.state:
        return "NO CARRIER"  # one came in meanwhile
    hidden = modem.settings["+CLIR"] == 1 or "I" in modifiers
    modem.journal.add("call", "dialled", number=code(digits), hidden=hidden)
    calls.dial(digits)
    if not modem.settings["+COLP"]:
        return "OK"
    return await _connected(modem)


async def _connected(modem):
    """Wait for the call's fate; a character given meanwhile ends it."""
    calls = modem.calls
    calls.outcome = asyncio.get_running_loop().create_future()
    modem.interpreter.abortable("NO CARRIER")
    try:
        result = await calls.outcome
    except asyncio.CancelledError:
        calls.outcome = None
        calls.end()
        raise
    modem.interpreter.abortable(None)
    if result == "OK":
        kind = 145 if calls.number.startswith("+") else 129
        modem.info(f'+COLP: "{calls.number}",{kind},"",0,""')
    return result


@command("A", latency=0.2, limit=20.0)
def answer(modem, c):
    if not modem.calls.ringing:
        return "NO CARRIER"
    modem.calls.answer()
    return "OK"


@command("+CHLD", "=", latency=0.2, limit=20.0, test="+CHLD: (0,1)")
def hold(modem, c):
    """Of call holding only this: 0 turns a ringing call away, 1 ends the active one."""
    calls = modem.calls
    wanted = "active" if Args(c).most(1).number(0, (0, 1)) else "incoming"
    if calls.state != wanted:
        raise CME(3)
    calls.end()


@command("+CLCC", "", "?", "=", latency=0.01, test="+CLCC: (0-1)")
def list_calls(modem, c):
    """Page 72; with AT+CLCC=1 each change is told."""
    if c.op == "=":
        modem.settings["+CLCC"] = Args(c).most(1).number(0, range(2))
    elif c.op == "?":
        modem.info(f"+CLCC: {modem.settings['+CLCC']}")
    elif modem.calls.state:
        modem.info(modem.calls.line())


@command("+CPAS", latency=0.01, test="+CPAS: (0,2,3,4)")
def activity(modem, c):
    calls = modem.calls
    busy = 4 if calls.state or modem.ppp is not None else 0
    modem.info(f"+CPAS: {3 if calls.ringing else busy}")


# ---- tones ---------------------------------------------------------------------------------


@command("+VTS", "=", latency=0.1, test="+VTS: (0-9,*,#,A,B,C,D),(1-255)")
async def send_tones(modem, c):
    """Page 94: a character, or a quoted list of characters and of {character,duration}."""
    (value,) = at.arguments(c.args) if '"' in c.args else (c.args,)
    if len(value) > MAX_TONES or (not isinstance(value, at.Quoted) and len(value) != 1):
        raise BadValue
    tones, place = "", 0
    seconds = 0.0
    while place < len(value):
        match = _TONE.match(value, place)
        if match is None:
            raise BadValue
        plain, other, duration = match.groups()
        tones += plain or other
        tenths = int(duration) if duration else modem.settings["+VTD"]
        if not 1 <= tenths <= 255:
            raise BadValue
        seconds += tenths / 10
        place = match.end()
    if not tones or value.rstrip().endswith(","):
        raise BadValue
    if modem.calls.state != "active":
        raise CME(3)
    await modem.wait(seconds)
    if modem.calls.state != "active":
        raise CME(3)
    modem.calls.send_tones(tones)


@command("+DDET", "?", "=", test="+DDET: (0,1),(0-10000),(0,1),(0,1)")
def detect_tones(modem, c):
    """Page 333. Only the mode is stored by AT&W."""
    settings = modem.settings
    if c.op == "?":
        modem.info("+DDET: {},{},{},{}".format(settings["+DDET"], *settings["DDET how"]))
        return
    args = Args(c).most(4)
    interval, report, single = settings["DDET how"]
    settings["+DDET"] = args.number(0, range(2))
    settings["DDET how"] = (
        args.number(1, range(10001), interval),
        args.number(2, range(2), report),
        args.number(3, range(2), single),
    )
