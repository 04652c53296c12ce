"""The own TCP/IP stack's context and settings: AT+CSTT to AT+CIFSR, names, how data is shown (chapter 8)."""

import ipaddress

from network.sockets import NoName

from .commands import Args, command
from .errors import CME, ITSELF, BadValue
from .packet import activate_own, own_address

DNS_FAILED, DNS_NETWORK = 8, 3  # what +CDNSGIP: 0 says
MOST = (1 << 31) - 1

# command: what each of its numbers may be; the first must be given
NUMBERS = {
    "+CIPHEAD": ((0, 1),),
    "+CIPSPRT": (range(3),),
    "+CIPSRIP": ((0, 1),),
    "+CIPSHOWTP": ((0, 1),),
    "+CIPQSEND": ((0, 1),),
    "+CIPSGTXT": ((0, 1),),
    "+CIPATS": ((0, 1), range(1, 101)),
    "+CIPDPDP": ((0, 1), range(1, 181), range(1, 11)),
    "+CIPTKA": ((0, 1), range(30, 7201), range(30, 601), range(1, 10)),
}


def _numbers(name: str, allowed: tuple) -> None:
    shown = ",".join(
        f"({','.join(map(str, some))})" if isinstance(some, tuple) else f"({some[0]}-{some[-1]})"
        for some in allowed
    )

    @command(name, "?", "=", test=f"{name}: {shown}")
    def handler(modem, c):
        values = modem.stack.values
        old = values[name] if isinstance(values[name], tuple) else (values[name],)
        if c.op == "?":
            modem.info(f"{name}: {','.join(map(str, old))}")
            return
        args = Args(c).most(len(allowed))
        new = tuple(args.number(n, some, old[n] if n else None) for n, some in enumerate(allowed))
        values[name] = new if len(new) > 1 else new[0]


for _name, _allowed in NUMBERS.items():
    _numbers(_name, _allowed)


@command("+CIPMUX", "?", "=", test="+CIPMUX: (0,1)")
def multi_connection(modem, c):
    stack = modem.stack
    if c.op == "?":
        modem.info(f"+CIPMUX: {int(stack.multiple)}")
        return
    multiple = bool(Args(c).most(1).number(0, (0, 1)))
    if stack.shown != "IP INITIAL" or (multiple and stack.values["+CIPMODE"]):
        raise CME(3)
    stack.multiple = multiple


@command("+CIPMODE", "?", "=", test="+CIPMODE: (0-1)")
def transparent(modem, c):
    """Page 240. The transparent mode is not modelled."""
    if c.op == "?":
        modem.info(f"+CIPMODE: {modem.stack.values['+CIPMODE']}")
    elif Args(c).most(1).number(0, (0, 1)):
        raise CME(4)


@command("+CIPSSL", "?", "=", test="+CIPSSL: (0-1)", ssl=True)
def secure(modem, c):
    """SSL application note: counts for connections that begin afterwards."""
    if c.op == "?":
        modem.info(f"+CIPSSL: {modem.stack.values['+CIPSSL']}")
    else:
        modem.stack.values["+CIPSSL"] = Args(c).most(1).number(0, (0, 1))


# ---- the context ---------------------------------------------------------------------------


@command("+CSTT", "?", "=", latency=0.01, test='+CSTT: "APN","USER","PWD"', needs="!full sim")
def start_task(modem, c):
    stack = modem.stack
    if c.op == "?":
        modem.info(f'+CSTT: "{stack.apn}","",""')
        return None
    if stack.shown != "IP INITIAL":
        return "ERROR"
    args = Args(c).most(3)
    apn, user, password = (
        args.quoted(0, longest=50),
        args.quoted(1, "", 50),
        args.quoted(2, "", 50),
    )
    stack.apn, stack.user, stack.password = apn, user, password
    stack.phase = "IP START"
    return None


@command(
    "+CIPCSGP",
    "?",
    "=",
    test="+CIPCSGP: 0-CSD,DIALNUMBER,USER NAME,PASSWORD,RATE(0-3)\r\n+CIPCSGP: 1-GPRS,APN,USER NAME,PASSWORD",
)
def connection_mode(modem, c):
    """Whose context AT+CIPSTART opens by itself. No network offers data calls (mode 0) any more."""
    stack = modem.stack
    if c.op == "?":
        modem.info(f'+CIPCSGP: 1,"{stack.apn}","",""')
        return
    args = Args(c)
    if args.number(0, (0, 1)) == 0:
        raise CME(4)
    args.most(4)
    if stack.shown != "IP INITIAL":
        raise CME(3)
    stack.apn = args.quoted(1, stack.apn, 50)
    stack.user, stack.password = args.quoted(2, "", 50), args.quoted(3, "", 50)


@command("+CIICR", latency=0.02, limit=85.0, test="", needs="full sim")
async def start_stack(modem, c):
    if modem.stack.phase != "IP START" or modem.ppp is not None:
        return "ERROR"
    await bring_up(modem)
    return None


async def bring_up(modem) -> None:
    """To IP GPRSACT. Raises CME, and then it is PDP DEACT."""
    stack = modem.stack
    stack.phase = "IP CONFIG"
    try:
        await modem.wait(1.2)
        await activate_own(modem, stack.apn, stack.user, stack.password)
    except BaseException:
        stack.phase = "PDP DEACT"
        raise
    stack.phase = "IP GPRSACT"


@command("+CIFSR", latency=0.01, test="")
def local_address(modem, c):
    """Answers the bare address, no OK (page 231)."""
    stack = modem.stack
    if not stack.up or stack.phase == "PDP DEACT":
        return "ERROR"
    if stack.phase == "IP GPRSACT":
        stack.phase = "IP STATUS"
    modem.info(own_address(modem))
    return ITSELF


@command("+CIPSHUT", latency=0.3, limit=65.0, test="")
def shut(modem, c):
    modem.stack.shut()
    modem.info("SHUT OK")
    return ITSELF


# ---- names and ports -----------------------------------------------------------------------


@command("+CDNSCFG", "?", "=", test='+CDNSCFG: ("Primary DNS"),("Secondary DNS")')
def name_servers(modem, c):
    """Page 232: whom names are asked of from now on; whoever is no name server does not answer."""
    stack = modem.stack
    if c.op == "?":
        servers = (*(stack.name_servers or modem.scenario.ppp.dns), "0.0.0.0")[:2]
        modem.info(f"PrimaryDns: {servers[0]}", f"SecondaryDns: {servers[1]}")
        return
    args = Args(c).most(2)
    texts = [args.quoted(0), *([args.quoted(1)] if len(args) > 1 else [])]
    try:
        stack.name_servers = tuple(str(ipaddress.IPv4Address(text)) for text in texts)
    except ValueError:
        raise BadValue from None


@command("+CDNSGIP", "=", latency=0.01, limit=10.0, test="")
def resolve_name(modem, c):
    """Page 233: OK at once, the answer unasked."""
    name = Args(c).most(1).quoted(0, longest=255)
    stack = modem.stack
    if not name or not stack.up:
        raise CME(3)
    modem.then(lambda: modem.background(_resolve(modem, name)))


async def _resolve(modem, name: str) -> None:
    if modem.stack.phase == "PDP DEACT":
        modem.urc(f"+CDNSGIP: 0,{DNS_NETWORK}")
        return
    try:
        address = await modem.sockets.resolve(name, modem.stack.name_servers)
        modem.urc(f'+CDNSGIP: 1,"{name}","{address}"')
    except NoName:
        modem.urc(f"+CDNSGIP: 0,{DNS_FAILED}")


@command("+CLPORT", "?", "=", test='+CLPORT: ("TCP","UDP"),(0-65535)')
def local_port(modem, c):
    """Page 228: taken and shown; no host sees it, there is the operator's NAT between."""
    ports = modem.stack.local_ports
    if c.op == "?":
        modem.info(f"TCP: {ports['TCP']}", f"UDP: {ports['UDP']}")
        return
    args = Args(c)
    shift = int(modem.stack.multiple)
    if shift:
        args.number(0, range(6))
    args.most(2 + shift)
    kind = args.quoted(shift).upper()
    if kind not in ports:
        raise BadValue
    ports[kind] = args.number(1 + shift, range(65536))
