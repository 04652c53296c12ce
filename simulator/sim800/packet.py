"""Commands about GPRS: contexts, dialling, the line's data mode, bearers."""

import ipaddress
import re

from . import call_commands
from .bearer import CIDS
from .commands import Args, command, require
from .errors import CME, BadValue
from .masking import code

# mode, subset, port speed, N1, T1, N2, T2, T3, k (page 96): what is allowed, and the default; mode has none
CMUX_PARAMS = (
    ((0,),),
    ((0,), 0),
    (range(1, 8), 5),
    (range(1, 256), 127),
    (range(1, 256), 10),
    (range(101), 3),
    (range(2, 256), 30),
    (range(1, 256), 10),
    (range(1, 8), 2),
)
PDP_TIME = 85.0  # until a network that does not answer +CIICR or +SAPBR=1 is given up
_PPP_DIAL = re.compile(r"\*99(?:\*\*\*([1-9]))?(?:\*\*\*)?#")


def _context(modem, cid):
    """A defined PDP context; CID 1 undefined is one with the subscription's (blank) APN."""
    if cid not in modem.contexts:
        if cid != 1:
            return None
        modem.contexts[1] = {"type": "IP", "apn": "", "active": False}
    return modem.contexts[cid]


def _stack_up(modem) -> bool:
    return modem.stack.up or any(b.open for b in modem.bearers.values())


# ---- chapter 7 -----------------------------------------------------------------------------


@command("+CGATT", "?", "=", latency=0.02, limit=10.0, test="+CGATT: (0,1)", needs="!full sim")
async def attach(modem, c):
    net = modem.radio
    if c.op == "?":
        modem.info(f"+CGATT: {int(net.attached)}")
        return
    state = Args(c).most(1).number(0, (0, 1))
    if state == int(net.attached):
        return
    await modem.wait(0.4)
    if state:
        net.attach(True)
        if not net.attached:
            raise CME(100)  # seen on a real modem before +CGREG: 1
    else:
        modem.deactivate_contexts("AT+CGATT=0")
        net.attach(False)


@command("+CGDCONT", "?", "=", latency=0.01, test='+CGDCONT: (1-3),"IP",,,(0-2),(0-3)')
def define_context(modem, c):
    if c.op == "?":
        lines = [
            f'+CGDCONT: {cid},"{ctx["type"]}","{ctx["apn"]}","0.0.0.0",0,0'
            for cid, ctx in sorted(modem.contexts.items())
        ]
        modem.info(*lines)
        return
    args = Args(c).most(6)
    cid = args.number(0, CIDS)
    old = modem.contexts.get(cid)
    if old and old["active"]:
        raise CME(3)
    if len(args) == 1:
        modem.contexts.pop(cid, None)
        return
    if args.quoted(1) != "IP":
        raise BadValue
    modem.contexts[cid] = {"type": "IP", "apn": args.quoted(2, "", 50), "active": False}


@command("+CGACT", "?", "=", latency=0.02, limit=150.0, test="+CGACT: (0,1)", needs="!full sim")
async def activate(modem, c):
    if c.op == "?":
        lines = [f"+CGACT: {n},{int(x['active'])}" for n, x in sorted(modem.contexts.items())]
        modem.info(*lines)
        return
    args = Args(c).most(2)
    state = args.number(0, (0, 1))
    cid = args.number(1, CIDS, 1)
    context = _context(modem, cid)
    if context is None:
        raise CME(3)
    if context["active"] == bool(state):
        return
    await modem.wait(0.6)
    if not state:
        if modem.ppp_cid == cid:
            modem.hang_up("AT+CGACT=0")
        context["active"] = False
        return
    await activate_context(modem, context)


async def activate_context(modem, context) -> None:
    """Attach if need be and activate the context. Raises CME 30, 107 or 148."""
    net = modem.radio
    if not net.registered:
        raise CME(30)
    if not net.attached:
        net.attach(True)
        await modem.wait(0.4)
        if not net.attached:
            raise CME(107)
    if not context["active"] and not net.knows(context["apn"]):
        modem.journal.add("modem", "APN refused", apn=context["apn"])
        raise CME(148)  # cause 27, missing or unknown APN, has no code of its own
    context["active"] = True


@command("+CGPADDR", "=", latency=0.01, test="", needs="sim")
def address(modem, c):
    cid = Args(c).most(1).number(0, CIDS)
    context = modem.contexts.get(cid)
    if context is None:
        raise CME(3)
    modem.info(f'+CGPADDR: {cid},"{own_address(modem) if context["active"] else "0.0.0.0"}"')


async def activate_own(modem, apn: str, user: str, password: str) -> None:
    """A context for what runs in the modem itself. Raises CME, 149 for a wrong user or password."""
    if modem.radio.pdp_silent:
        await modem.clock.sleep(PDP_TIME)
        raise CME(148)
    await activate_context(modem, {"apn": apn, "active": False})
    known = modem.scenario.radio.apns.get(apn)
    if known and known.user is not None and (user, password) != (known.user, known.password or ""):
        raise CME(149)
    modem.bearer_dead = False


def own_address(modem) -> str:
    return str(ipaddress.ip_address(modem.scenario.ppp.remote))


@command("+CGCLASS", "?", "=", latency=0.01, test='+CGCLASS: ("B","CG","CC")')
def mobile_class(modem, c):
    if c.op == "?":
        modem.info(f'+CGCLASS: "{modem.gprs_class}"')
        return
    new = Args(c).most(1).quoted(0)
    if new not in ("B", "CG", "CC"):
        raise BadValue
    modem.gprs_class = new


# ---- dialling ------------------------------------------------------------------------------


@command("D", latency=0.0, limit=60.0)
async def dial(modem, c):
    """Page 29. Data: `*99#`, `*99***<cid>#`, `*99***1#`; anything else is a voice call."""
    if c.args[:1] in (">", "L", "l"):
        raise modem.not_modelled("D>" if c.args[0] == ">" else "DL")
    match = _PPP_DIAL.fullmatch(c.args.lstrip("TtPp").strip())
    modem.journal.add("modem", "dial", number=code(c.args))
    modem.moment("dial")
    if match is None:
        return await call_commands.dial(modem, c.args)
    return await _start_ppp(modem, int(match.group(1) or 1))


async def _start_ppp(modem, cid):
    """Refused like a call, NO CARRIER; what SIM or +CFUN forbid has an error of its own."""
    require(modem, "full sim")
    if modem.calls.state:
        return "NO CARRIER"  # class B: the one or the other
    if modem.ppp is not None or _stack_up(modem):
        return "ERROR"
    context = _context(modem, cid) if cid in CIDS else None
    if context is None:
        return "ERROR"
    await modem.wait_abortable(0.6, "NO CARRIER")
    try:
        if modem.refuse_call_once:
            modem.refuse_call_once = False
            raise CME(148)
        await activate_context(modem, context)
    except CME as error:
        # the network's no takes about as long as its yes
        await modem.wait_abortable(0.6, "NO CARRIER")
        modem.journal.add("modem", "no carrier", why=error.text)
        return "NO CARRIER"
    modem.then(lambda: modem.enter_data(cid))
    return modem.connect_text()


@command("+CGDATA", "=", latency=0.0, limit=60.0, test='+CGDATA: ("PPP")')
async def enter_data(modem, c):
    """Page 214: attaches and activates by itself."""
    args = Args(c).most(2)
    if args.quoted(0).upper() != "PPP":
        raise BadValue
    cid = args.number(1, CIDS, 1)
    modem.journal.add("modem", "dial", number=code(c.args))
    modem.moment("dial")
    result = await _start_ppp(modem, cid)
    # seen on a real one: without the rate that ATD tells
    return "CONNECT" if result.startswith("CONNECT") else result


def _multiplexer_test(modem, c):
    require(modem, "multiplexer")
    modem.info("+CMUX: (0)")


@command("+CMUX", "?", "=", latency=0.02, test=_multiplexer_test, needs="multiplexer")
def multiplexer(modem, c):
    """Page 96: from the OK on the line carries frames of 27.010, until CLD."""
    if c.op == "?":
        if modem.mux is None:
            return "ERROR"
        modem.info("+CMUX: " + ",".join(map(str, modem.mux.params)))
        return None
    args = Args(c).most(9)
    params = tuple(args.number(i, *spec) for i, spec in enumerate(CMUX_PARAMS))
    if params[6] <= params[4]:
        raise BadValue  # T2 must be longer than T1 (27.010 5.7.5)
    refused, modem.refuse_cmux_once = modem.refuse_cmux_once, False
    if refused or modem.mux is not None or modem.ppp is not None:
        raise CME(3)
    modem.then(lambda: modem.multiplex(params))
    return None


@command("O", latency=0.05)
def resume(modem, c):
    if c.args not in ("", "0") or modem.ppp is None or modem.ppp_side is not modem:
        raise BadValue
    modem.then(modem.resume_data)
    return modem.connect_text()


@command("H", latency=0.0, limit=20.0)
async def hang_up(modem, c):
    if c.args not in ("", "0"):
        raise BadValue
    if modem.calls.state:
        await modem.wait(0.2)
        modem.calls.end()
    if modem.ppp is not None and modem.ppp_side is modem:
        await modem.wait(0.4)
        modem.drop_call("ATH")


# ---- bearers of the modem's own applications (IP application note) --------------------------

# parameter: its longest value; RATE alone is a number
_BEARER_TEXTS = {"CONTYPE": 4, "PHONENUM": 40, "APN": 64, "USER": 32, "PWD": 32}


@command(
    "+SAPBR",
    "=",
    latency=0.01,
    limit=85.0,
    test='+SAPBR: (0-5),(1-3),"(CONTYPE,PHONENUM,APN,USER,PWD,RATE)"',
)
async def bearer_settings(modem, c):
    """0 closes, 1 opens, 2 asks, 3 sets a parameter, 4 shows them, 5 keeps them in flash."""
    args = Args(c)
    what, cid = args.number(0, range(6)), args.number(1, CIDS)
    args.most(4 if what == 3 else 2)
    profile = modem.bearers[cid]
    if what == 0:
        if not profile.open:
            raise CME(3)
        await modem.wait(0.5)
        profile.close()
    elif what == 1:
        await _open_bearer(modem, profile)
    elif what == 2:
        address = own_address(modem) if profile.open else "0.0.0.0"
        modem.info(f'+SAPBR: {cid},{1 if profile.open else 3},"{address}"')
    elif what == 3:
        _set_bearer(profile, args)
    elif what == 4:
        modem.info("+SAPBR:", *(f"{tag}: {value}" for tag, value in profile.values.items()))
    else:
        modem.stored_bearers[cid] = dict(profile.values)


def _set_bearer(profile, args: Args) -> None:
    tag = args.quoted(2).upper()
    if tag in _BEARER_TEXTS:
        value = args.quoted(3, longest=_BEARER_TEXTS[tag])
        if tag == "CONTYPE":
            value = value.upper()
            if value not in ("GPRS", "CSD"):
                raise BadValue
    elif tag == "RATE":
        value = args.number(3, range(4))
    else:
        raise BadValue
    if profile.open:
        raise CME(3)
    profile.values[tag] = value


async def _open_bearer(modem, profile) -> None:
    """Raises CME: open already, PPP in the way, or what the network says."""
    require(modem, "full sim")
    if profile.open or modem.ppp is not None:
        raise CME(3)
    values = profile.values
    await modem.wait(1.2)
    if values["CONTYPE"] != "GPRS":
        raise CME(148)  # no network offers data calls any more
    await activate_own(modem, values["APN"], values["USER"], values["PWD"])
    profile.open = True
