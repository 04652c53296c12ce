"""Commands about short messages (manual chapter 4)."""

import inspect

from . import pdu
from .at import SyntaxFault
from .commands import Args, command, setting
from .errors import CMS, BadValue
from .messages import MEMORIES, READ, SENT, STATUS, UNREAD, UNSENT, Stored

SEND_TIME = 2.5  # until the network has taken a message

setting("+CMGF", range(2), test="+CMGF: (0-1)", needs="messages")
setting("+CSDH", range(2), test="+CSDH: (0-1)", needs="messages")


def message(name, *ops, **spec):
    """Like commands.command: needs the card, and bad parameters get +CMS ERROR 325, as seen."""

    def add(handler):
        @command(name, *ops, **spec)
        async def guarded(modem, c):
            modem.messages.require()
            try:
                answer = handler(modem, c)
                return await answer if inspect.isawaitable(answer) else answer
            except (BadValue, SyntaxFault):
                raise CMS(325) from None

        return guarded

    return add


# ---- settings ------------------------------------------------------------------------------


@command("+CNMI", "?", "=", test="+CNMI: (0-3),(0-3),(0,2),(0,1),(0,1)", needs="messages")
def new_message_indication(modem, c):
    if c.op == "?":
        modem.info(f"+CNMI: {modem.settings['+CNMI']}")
        return
    args = Args(c).most(5)
    old = modem.settings["+CNMI"].split(",")
    allowed = (range(4), range(4), (0, 2), (0, 1), (0, 1))
    new = [args.number(i, allowed[i], int(old[i])) for i in range(5)]
    modem.settings["+CNMI"] = ",".join(map(str, new))
    if new[0]:
        modem.then(lambda: modem.messages.release(tell=new[4] == 0))


@message("+CSCA", "?", "=", latency=0.02, limit=5.0, test="")
def service_center(modem, c):
    messages = modem.messages
    if c.op == "?":
        number = messages.center_number
        kind = pdu.number_type(number)
        modem.info(f"+CSCA: {messages.string(number)},{kind}")
        return
    args = Args(c).most(2)
    raw, kind = args.quoted(0), args.number(1, (129, 145, 161, 177), 0)
    messages.center_number = _with_type(messages.number(raw), kind) if raw else ""


def _with_type(number: str, kind: int) -> str:
    """A service centre's number is international by its + alone."""
    return "+" + number.removeprefix("+") if kind == pdu.INTERNATIONAL else number


@message("+CSMP", "?", "=", test="+CSMP: (1-255),(0-255),(0-255),(0-255)")
def text_mode_parameters(modem, c):
    if c.op == "?":
        first, vp, pid, dcs = modem.settings["+CSMP"]
        shown = f'"{vp}"' if isinstance(vp, str) else vp
        modem.info(f"+CSMP: {first},{shown},{pid},{dcs}")
        return
    args = Args(c).most(4)
    first, vp, pid, dcs = modem.settings["+CSMP"]
    first = args.number(0, range(256), first)
    if first & 3 != pdu.SUBMIT:
        raise BadValue
    given = args.values[1] if len(args) > 1 else None
    if given is not None:
        vp = args.quoted(1) if first & 0x18 == 0x18 else args.number(1, range(256))
    modem.messages.validity(first, vp)
    modem.settings["+CSMP"] = (
        first,
        vp,
        args.number(2, range(256), pid),
        args.number(3, range(256), dcs),
    )


def _storages(modem, names=False) -> str:
    messages = modem.messages
    stores = [(name, messages.stores[name]) for name in messages.memories]
    return ",".join(
        (f'"{name}",' if names else "") + f"{len(store.places)},{store.capacity}"
        for name, store in stores
    )


_ALL = '("SM","ME")'


@message("+CPMS", "?", "=", latency=0.02, test=f"+CPMS: {_ALL},{_ALL},{_ALL}")
def preferred_storage(modem, c):
    messages = modem.messages
    if c.op == "?":
        modem.info(f"+CPMS: {_storages(modem, names=True)}")
        return
    args = Args(c).most(3)
    new = [args.quoted(n, None if n == 0 else messages.memories[n]) for n in range(3)]
    if not set(new) <= set(MEMORIES):
        raise BadValue
    messages.memories = new
    modem.info(f"+CPMS: {_storages(modem)}")
    messages.center.retry()


@command("+CSMS", "?", "=", test="+CSMS: (0)")
def select_service(modem, c):
    if c.op == "=" and Args(c).most(1).number(0, (0, 1)) == 1:
        raise CMS(303)  # +CNMA is not modelled
    modem.info("+CSMS: 0,1,1,1" if c.op == "?" else "+CSMS: 1,1,1")


@command("+CGSMS", "?", "=", test="+CGSMS: (0-3)")
def message_service(modem, c):
    if c.op == "?":
        modem.info(f"+CGSMS: {modem.cgsms}")
    else:
        modem.cgsms = Args(c).most(1).number(0, range(4))


# ---- reading and deleting ------------------------------------------------------------------


@message("+CMGR", "=", latency=0.02, limit=5.0, test="")
def read_message(modem, c):
    """Page 117. An empty place answers a bare OK."""
    args = Args(c).most(2)
    index, keep = args.number(0, range(1000)), args.number(1, (0, 1), 0)
    found = modem.messages.place(0, index)[1]
    if found is None:
        return
    head, data = modem.messages.show(found)
    modem.info(f"+CMGR: {head}", data)
    if not keep and found.status == UNREAD:
        found.status = READ


def _wanted(modem, args) -> tuple[int, ...]:
    """The statuses that +CMGL's parameter names."""
    if not modem.messages.text_mode:
        status = args.number(0, range(5), UNREAD)
        return range(4) if status == 4 else (status,)
    name = args.quoted(0, STATUS[UNREAD])
    if name == "ALL":
        return range(4)
    if name not in STATUS:
        raise BadValue
    return (STATUS.index(name),)


def _list_test(modem, c):
    names = '"REC UNREAD","REC READ","STO UNSENT","STO SENT","ALL"'
    modem.info(f"+CMGL: ({names if modem.messages.text_mode else '0-4'})")


@message("+CMGL", "", "=", latency=0.1, limit=20.0, test=_list_test)
def list_messages(modem, c):
    """Page 115; what is listed becomes read, unless the mode is 1."""
    args = Args(c).most(2)
    wanted, keep = _wanted(modem, args), args.number(1, (0, 1), 0)
    messages = modem.messages
    for index, found in sorted(messages.stores[messages.memories[0]].places.items()):
        if found.status not in wanted:
            continue
        head, data = messages.show(found, index)
        modem.info(f"+CMGL: {head}", data)
        if not keep and found.status == UNREAD:
            found.status = READ


def _delete(modem, statuses) -> None:
    messages = modem.messages
    store = messages.stores[messages.memories[0]]
    store.places = {n: m for n, m in store.places.items() if m.status not in statuses}
    messages.center.retry()


def _delete_test(modem, c):
    messages = modem.messages
    modem.info(f"+CMGD: (1-{messages.stores[messages.memories[0]].capacity}),(0-4)")


@message("+CMGD", "=", latency=0.1, limit=25.0, test=_delete_test)
def delete_message(modem, c):
    """With a flag the index counts for nothing (27.005 3.5.4). An empty place is no error."""
    args = Args(c).most(2)
    index, flag = args.number(0, range(1000)), args.number(1, range(5), 0)
    if flag == 0:
        modem.messages.place(0, index)[0].places.pop(index, None)
        modem.messages.center.retry()
        return
    _delete(modem, ((READ,), (READ, SENT), (READ, SENT, UNSENT), range(4))[flag - 1])


_GROUPS = {
    "DEL READ": (READ,),
    "DEL UNREAD": (UNREAD,),
    "DEL SENT": (SENT,),
    "DEL UNSENT": (UNSENT,),
    "DEL INBOX": (UNREAD, READ),
    "DEL ALL": range(4),
}


def _delete_all_test(modem, c):
    names = ",".join(f'"{name}"' for name in _GROUPS)
    modem.info(f"+CMGDA: ({names if modem.messages.text_mode else '1-6'})")


@message("+CMGDA", "=", latency=0.3, limit=25.0, test=_delete_all_test)
def delete_all(modem, c):
    args = Args(c).most(1)
    if modem.messages.text_mode:
        name = args.quoted(0)
        if name not in _GROUPS:
            raise BadValue
        _delete(modem, _GROUPS[name])
    else:
        _delete(modem, list(_GROUPS.values())[args.number(0, range(1, 7)) - 1])


# ---- sending and writing -------------------------------------------------------------------


async def _entered(modem, c, most, status=UNSENT) -> tuple[Stored, pdu.Submit] | None:
    """The message of +CMGS or +CMGW, entered after the prompt; None if it was given up."""
    messages, args = modem.messages, Args(c).most(most)
    if messages.text_mode:
        number = messages.number(args.quoted(0))
        kind = args.number(1, (129, 145, 161, 177), pdu.number_type(number))
    else:
        length = args.number(0, range(1, pdu.MAX_TPDU + 1))
    entered = await modem.interpreter.enter()
    if entered is None:
        return None
    if not messages.text_mode:
        return messages.parse(entered, length, status)
    submit = messages.compose(number, kind, entered)
    center = pdu.encode_center(messages.center_number)
    return Stored(status, center, submit.encode()), submit


async def _send(modem, stored: Stored, submit: pdu.Submit) -> int:
    """Hand a message to the network; returns its reference. Raises CMS 330, 331 or the network's."""
    if stored.center == b"\0":
        raise CMS(330)
    messages = modem.messages
    if modem.radio.registered and modem.cfun == 1:
        await modem.wait(SEND_TIME)
        refusal, messages.center.refusal = messages.center.refusal, None
        if refusal is not None:
            code, seconds = refusal
            await modem.clock.sleep(seconds)
            raise CMS(code)
    if not modem.radio.registered:
        raise CMS(331)
    reference = messages.next_reference()
    messages.center.receive(submit.numbered(reference))
    return reference


@message("+CMGS", "=", latency=0.0, limit=60.0, test="")
async def send_message(modem, c):
    """Page 119. In text mode the number, in PDU mode the TPDU's length; then the prompt."""
    found = await _entered(modem, c, 2 if modem.messages.text_mode else 1)
    if found is not None:
        modem.info(f"+CMGS: {await _send(modem, *found)}")


@message("+CMGW", "=", latency=0.0, limit=5.0, test="")
async def write_message(modem, c):
    """Page 121. The status is the third parameter in text mode, the second in PDU mode."""
    args, messages = Args(c), modem.messages
    if messages.text_mode:
        name = args.quoted(2, STATUS[UNSENT])
        if name not in (STATUS[UNSENT], STATUS[SENT]):
            raise BadValue
        status = STATUS.index(name)
    else:
        status = args.number(1, range(4), UNSENT)
    found = await _entered(modem, c, 3 if messages.text_mode else 2, status)
    if found is not None:
        index = messages.stores[messages.memories[1]].add(found[0])
        modem.info(f"+CMGW: {index}")


@message("+CMSS", "=", latency=0.0, limit=60.0, test="")
async def send_stored(modem, c):
    args, messages = Args(c).most(3), modem.messages
    stored = messages.place(1, args.number(0, range(1000)))[1]
    if stored is None:
        raise CMS(321)
    if stored.tpdu[0] & 3 != pdu.SUBMIT:
        raise CMS(302)
    submit = pdu.Submit.decode(stored.tpdu)
    if len(args) > 1:
        number = messages.number(args.quoted(1))
        kind = args.number(2, (129, 145, 161, 177), pdu.number_type(number))
        submit = submit.addressed(number, kind)
    reference = await _send(modem, stored, submit)
    stored.status = SENT
    modem.info(f"+CMSS: {reference}")
