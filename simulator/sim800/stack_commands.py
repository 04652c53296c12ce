"""Connections of the own TCP/IP stack: AT+CIPSTART, +CIPSEND, +CIPRXGET and what belongs to them (chapter 8)."""

from .commands import Args, command
from .entry import PROMPT
from .errors import CME, ITSELF, BadValue
from .stack import CONNECTED, CONNECTING, INITIAL, LARGEST, LINKS, REMOTE_CLOSING, Link, Stack
from .stack_settings import bring_up

NUMBERS = range(LINKS)
HEX_LARGEST = LARGEST // 2  # bytes that AT+CIPRXGET=3 gives at once
BEARER = 0


def _link(modem, args: Args) -> tuple[Link, int]:
    """The connection a command means, and where its other parameters begin."""
    stack = modem.stack
    if not stack.multiple:
        return stack.links[0], 0
    return stack.links[args.number(0, NUMBERS)], 1


def _link_and_number(modem, c, allowed) -> tuple[Link, int]:
    """The connection a command means, and its one parameter: 0 for a command that stands alone, as a single connection's
    may, and where several leave it out.
    """
    stack = modem.stack
    if c.op == "":
        if stack.multiple:
            raise CME(3)
        return stack.links[0], 0
    args = Args(c)
    link, at = _link(modem, args)
    args.most(1 + at)
    return link, args.number(at, allowed, 0 if at else None)


def _form(modem, single: str, multiple: str) -> None:
    modem.info(multiple if modem.stack.multiple else single)


# ---- connecting and sending -----------------------------------------------------------------


def _start_test(modem, c):
    _form(
        modem,
        '+CIPSTART: ("TCP","UDP"),("(0-255).(0-255).(0-255).(0-255)"),(1-65535)\r\n'
        '+CIPSTART: ("TCP","UDP"),("DOMAIN NAME"),(1-65535)',
        '+CIPSTART: (0-5),("TCP","UDP"),("(0-255).(0-255).(0-255).(0-255)"),(1-65535)\r\n'
        '+CIPSTART: (0-5),("TCP","UDP"),("DOMAIN NAME"),(1-65535)',
    )


@command("+CIPSTART", "=", latency=0.02, limit=160.0, test=_start_test, needs="full sim")
def start(modem, c):
    """Page 221: OK at once, how it went later. What the state forbids is error 3."""
    stack, args = modem.stack, Args(c)
    link, at = _link(modem, args)
    args.most(3 + at)
    kind = args.quoted(at).upper()
    if kind not in ("TCP", "UDP"):
        raise BadValue
    host, port = args.quoted(at + 1, longest=255), args.text(at + 2)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadValue
    if link.busy:
        modem.then(lambda: link.say("ALREADY CONNECT"))
        raise CME(3)
    allowed = ("IP STATUS", "IP PROCESSING") if stack.multiple else ("IP INITIAL", "IP STATUS")
    if stack.shown not in allowed or modem.ppp is not None:
        raise CME(3)
    if stack.multiple:
        stack.phase = "IP PROCESSING"
    modem.then(lambda: link.start(kind, host, int(port), lambda: _context(modem)))


async def _context(modem) -> None:
    """A single connection may begin without AT+CSTT, +CIICR and +CIFSR."""
    stack = modem.stack
    if stack.phase != "IP INITIAL":
        return
    try:
        await bring_up(modem)
    except CME as error:
        raise Stack.Failed(error.text) from None
    stack.phase = "IP STATUS"


def _send_test(modem, c):
    _form(modem, "+CIPSEND: <length>", "+CIPSEND: (0-5),<length>")


@command("+CIPSEND", "", "?", "=", latency=0.01, limit=645.0, test=_send_test)
async def send(modem, c):
    """Page 223: so many bytes, or a text up to Ctrl-Z."""
    stack = modem.stack
    if c.op == "?":
        if stack.multiple:
            modem.info(*(f"+CIPSEND: {n},{LARGEST}" for n in NUMBERS))
        else:
            modem.info(f"+CIPSEND: {LARGEST}")
        return None
    link, length = _link_and_number(modem, c, range(1, LARGEST + 1))
    if link.state != CONNECTED:
        raise CME(3)
    data = await _taken(modem, length)
    if data is None:
        return None
    return await _sent(modem, link, data)


async def _taken(modem, length: int) -> bytes | None:
    """The data after the prompt; None: it was given up."""
    values = modem.stack.values
    prompt = PROMPT if values["+CIPSPRT"] == 1 else b""
    if not length:
        text = await modem.interpreter.enter(LARGEST, prompt)
        return None if text is None else text.encode("latin-1")
    timed, seconds = values["+CIPATS"]
    return await modem.interpreter.data(length, seconds if timed else None, prompt, echo=True)


async def _sent(modem, link: Link, data: bytes) -> str:
    stack = modem.stack
    quick = stack.values["+CIPQSEND"] == 1
    number = f"{link.number}," if stack.multiple else ""
    modem.journal.add("modem", "data to send", link=link.number, bytes=len(data))
    if not data or not await link.take(data, wait=not quick):
        modem.info(f"{number and number + ' '}SEND FAIL")
    elif quick:
        modem.info(f"DATA ACCEPT:{number}{len(data)}")
    elif stack.values["+CIPSPRT"] != 2:
        modem.info(f"{number and number + ' '}SEND OK")
    return ITSELF


@command("+CIPACK", "", "=", test="")
def acknowledged(modem, c):
    """Page 226: sent, confirmed, not confirmed."""
    stack = modem.stack
    if stack.multiple != (c.op == "="):
        raise CME(3)
    args = Args(c).most(1)
    link = _link(modem, args)[0] if stack.multiple else stack.links[0]
    if link.state != CONNECTED:
        raise CME(3)
    left = link.unacknowledged
    modem.info(f"+CIPACK: {link.sent},{link.sent - left},{left}")


@command("+CIPCLOSE", "", "=", latency=0.05, test="")
async def close(modem, c):
    """Page 227: 0 slow, 1 quick."""
    link, quick = _link_and_number(modem, c, (0, 1))
    if link.state not in (CONNECTING, CONNECTED):
        if c.op == "":
            return "ERROR"
        raise CME(3)
    await link.close(bool(quick))
    modem.info(f"{link.number}, CLOSE OK" if modem.stack.multiple else "CLOSE OK")
    return ITSELF


# ---- what came -----------------------------------------------------------------------------


def _receive_test(modem, c):
    _form(modem, "+CIPRXGET: (0-4),(1-1460)", "+CIPRXGET: (0-4),(0-5),(1-1460)")


@command("+CIPRXGET", "?", "=", latency=0.01, test=_receive_test)
def receive(modem, c):
    """Page 245. 0 and 1 choose, before a connection is made; 2 gives data, 3 as hex; 4 tells how much there is.

    The numbers are the bytes given and those that are left, as seen on real ones.
    """
    stack = modem.stack
    if c.op == "?":
        modem.info(f"+CIPRXGET: {int(stack.manual)}")
        return
    args = Args(c)
    mode = args.number(0, range(5))
    if mode < 2:
        args.most(1)
        if any(link.busy for link in stack.links):
            raise CME(3)
        stack.manual = bool(mode)
        return
    rest = Args.of(args.values[1:])
    link, at = _link(modem, rest)
    number = f"{link.number}," if stack.multiple else ""
    if mode == 4:
        rest.most(at)
        _readable(stack, link)
        modem.info(f"+CIPRXGET: 4,{number}{len(link.received)}")
        return
    rest.most(at + 1)
    count = rest.number(at, range(1, (HEX_LARGEST if mode == 3 else LARGEST) + 1))
    _readable(stack, link)
    data = link.read(count)
    modem.info(f"+CIPRXGET: {mode},{number}{len(data)},{len(link.received)}")
    modem.output.send(data.hex().upper().encode() if mode == 3 else data)


def _readable(stack, link: Link) -> None:
    if not stack.manual or link.state not in (CONNECTED, REMOTE_CLOSING):
        raise CME(3)


# ---- how it is -----------------------------------------------------------------------------


def _line(link: Link) -> str:
    if link.state == INITIAL or not link.kind:
        return f'{link.number},,"","","","INITIAL"'
    place = f'"{link.kind}","{link.address}","{link.port}"'
    return f'{link.number},{BEARER},{place},"{link.state}"'


@command("+CIPSTATUS", "", "=", latency=0.01, test="")
def status(modem, c):
    """Page 231: the OK comes first."""
    stack = modem.stack
    if c.op == "=":
        if not stack.multiple:
            raise CME(3)
        link, _ = _link(modem, Args(c).most(1))
        modem.info(f"+CIPSTATUS: {_line(link)}")
        return None
    modem.result("OK")
    modem.info(f"STATE: {stack.shown}")
    if stack.multiple:
        modem.info(*(f"C: {_line(link)}" for link in stack.links))
    return ITSELF
