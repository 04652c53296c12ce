"""Commands about SIM, registration and operators."""

from .commands import Args, command, require
from .errors import CME, BadValue
from .scenario import Cell

# ---- SIM -----------------------------------------------------------------------------------


@command("+CPIN", "?", "=", latency=0.3, limit=5.0, test="")
def pin(modem, c):
    """Page 86."""
    card = modem.card
    if modem.cfun == 0:
        raise CME(14)
    if c.op == "?":
        state = card.state()
        if state in ("NOT INSERTED", "NOT READY") or (state == "SIM PUK" and not card.puk_tries):
            card.require()
        modem.info(f"+CPIN: {state}")
        return
    args = Args(c).most(2)
    code, new = args.text(0), args.text(1, "")
    state = card.state()
    if state == "READY":
        raise CME(3)
    if state in ("NOT INSERTED", "NOT READY"):
        card.require()
    try:
        if state == "SIM PUK":
            if not new:
                raise CME(12 if card.puk_tries else 13)
            card.unblock(code, new)
        else:
            if new:
                raise BadValue
            card.verify(code)
    except CME:
        _refused(modem)
        raise
    modem.journal.add("modem", "SIM unlocked")
    modem.then(modem.card_answers)


def _refused(modem):
    card = modem.card
    if card.state() == "SIM PUK" and modem.radio.registered:
        modem.deactivate_contexts("SIM blocked")
        modem.radio.stop()
    modem.journal.add(
        "modem", "SIM code refused", pin_tries=card.pin_tries, puk_tries=card.puk_tries
    )


@command("+SPIC", latency=0.02, test="")
def tries_left(modem, c):
    card = modem.card
    if not card.inserted:
        raise CME(10)
    modem.info(f"+SPIC: {card.pin_tries},{card.pin2_tries},{card.puk_tries},{card.puk2_tries}")


@command("+CLCK", "=", latency=0.2, limit=15.0, test='+CLCK: ("SC")', needs="sim")
def lock(modem, c):
    """Only the SIM's PIN ("SC") is modelled; other facilities are not supported."""
    args = Args(c).most(4)
    if args.quoted(0).upper() != "SC":
        raise CME(4)
    mode = args.number(1, (0, 1, 2))
    args.number(3, range(1, 256), 7)  # of which service, which the SIM's lock does not have
    card = modem.card
    if mode == 2:
        modem.info(f"+CLCK: {int(card.pin_enabled)}")
        return
    code = args.quoted(2)
    if card.pin_enabled == bool(mode):
        raise CME(3)
    try:
        card.verify(code)
    except CME:
        _refused(modem)
        raise
    card.pin_enabled = bool(mode)


@command("+CPWD", "=", latency=0.2, limit=15.0, test='+CPWD: ("SC",8)', needs="sim")
def change_password(modem, c):
    args = Args(c).most(3)
    if args.quoted(0).upper() != "SC":
        raise CME(4)
    old, new = args.quoted(1), args.quoted(2)
    card = modem.card
    if not card.pin_enabled:
        raise CME(3)
    if not (new.isascii() and new.isdigit() and 4 <= len(new) <= 8):
        raise CME(16)
    try:
        card.verify(old)
    except CME:
        _refused(modem)
        raise
    card.pin = new


@command("+CIMI", latency=0.05, limit=20.0, test="", needs="sim")
def imsi(modem, c):
    modem.info(modem.card.imsi)


@command("+CCID", latency=0.05, limit=2.0, test="")
def iccid(modem, c):
    # readable without the PIN
    if not modem.card.inserted:
        raise CME(10)
    if not modem.card.powered:
        raise CME(14)
    modem.info(modem.card.iccid)


# ---- registration --------------------------------------------------------------------------


def _registration(name, kind):
    @command(name, "?", "=", latency=0.01, test=f"{name}: (0-2)")
    def handler(modem, c):
        if c.op == "=":
            modem.settings[name] = Args(c).most(1).number(0, range(3))
            return
        n, net = modem.settings[name], modem.radio
        where = f',"{net.lac}","{net.cell}"' if n == 2 and net.registered else ""
        modem.info(f"{name}: {n},{getattr(net, kind)}{where}")


_registration("+CREG", "creg")
_registration("+CGREG", "cgreg")


@command("+CSQ", latency=0.01, limit=2.0, test="+CSQ: (0-31,99),(0-7,99)")
def signal(modem, c):
    rssi, ber = modem.radio.csq if modem.cfun == 1 else (99, 99)
    modem.info(f"+CSQ: {rssi},{ber}")


async def _scan(modem, c):
    """Page 81: takes up to 45 s; any character ends it (27.007 7.3), here with ERROR."""
    require(modem, "full sim", "=?")
    await modem.wait_abortable(6.0, "ERROR")
    found = [
        f'({o.status},"{o.name}","{o.short}","{o.plmn}")' for o in modem.scenario.radio.operators
    ]
    modem.info(f"+COPS: {','.join(found)},,(0-4),(0-2)")


@command("+COPS", "?", "=", latency=0.02, limit=120.0, test=_scan, needs="!full sim")
async def operator(modem, c):
    net = modem.radio
    if c.op == "?":
        current = net.operator
        if current is None:
            modem.info(f"+COPS: {modem.cops_mode}")
            return
        name = (current.name, current.short, current.plmn)[modem.cops_format]
        modem.info(f'+COPS: {modem.cops_mode},{modem.cops_format},"{name}"')
        return
    args = Args(c).most(3)
    mode = args.number(0, range(5))
    if mode == 3:
        modem.cops_format = args.number(1, range(3))
        return
    if mode == 2:
        await modem.wait_abortable(0.5, "ERROR")
        modem.cops_mode = 2
        modem.deactivate_contexts("AT+COPS=2")
        net.stop()
        return
    chosen = None
    if mode in (1, 4):
        form = args.number(1, range(3))
        wanted = args.quoted(2)
        for candidate in modem.scenario.radio.operators:
            if (candidate.name, candidate.short, candidate.plmn)[form] == wanted:
                chosen = candidate
        if mode == 1:
            await modem.wait_abortable(2.0, "ERROR")
            if chosen is None or chosen.status == 3:
                # no other network is taken instead (27.007 7.3)
                modem.cops_mode, modem.cops_format = 1, form
                modem.deactivate_contexts(
                    "no such network" if chosen is None else "network not allowed"
                )
                net.lose(0 if chosen is None else 3)
                raise CME(30 if chosen is None else 32)
        modem.cops_format = form
    if mode == 0 and modem.cops_mode != 2 and net.registered and net.chosen is None:
        modem.cops_mode = 0
        return
    if mode == 1 and net.operator == chosen:
        modem.cops_mode = 1
        return
    await modem.wait_abortable(0.5, "ERROR")
    modem.deactivate_contexts("AT+COPS")
    modem.cops_mode = mode
    net.chosen = chosen
    modem.start_radio()


_CENG_TEST = "+CENG: (0-4),(0-1)"


@command("+CENG", "?", "=", latency=0.02, test=_CENG_TEST, needs="!full sim")
def engineering_mode(modem, c):
    """Mode 1 tells all of the serving cell, 3 what names a cell; mode 2 and 4 tell by
    themselves and are not modelled."""
    if c.op == "=":
        args = Args(c).most(2)
        mode, numbered = args.number(0, range(5)), args.number(1, (0, 1), 0)
        if mode in (2, 4):
            raise CME(4)
        modem.ceng = (mode, numbered)
        return
    mode, numbered = modem.ceng
    lines = [f"+CENG: {mode},{numbered}"]
    if mode and modem.radio.operator:
        lines += _cells(modem.radio, mode)
    modem.info(*lines)


def _cells(net, mode):
    """The serving cell and its neighbours; `rxl` as AT+CSQ, or the neighbour's."""
    plmn = net.operator.plmn
    mcc, mnc = plmn[:3], plmn[3:]
    serving = Cell(net.lac, net.cell, 0 if net.csq[0] == 99 else 2 * net.csq[0])
    for number, cell in enumerate((serving, *net.radio.neighbours[:6])):
        lac, name, rxl = cell.lac.lower(), cell.cell.lower(), cell.rxl
        if mode == 3:
            text = f"{mcc},{mnc},{lac},{name},{cell.bsic:02d},{rxl:02d}"
        elif number == 0:
            text = (
                f"{cell.arfcn:04d},{rxl:02d},00,{mcc},{mnc},{cell.bsic:02d},{name},00,05,{lac},255"
            )
        else:
            text = f"{cell.arfcn:04d},{rxl:02d},{cell.bsic:02d},{name},{mcc},{mnc},{lac}"
        yield f'+CENG: {number},"{text}"'


@command("+COPN", latency=0.05, test="")
def operator_names(modem, c):
    modem.info(*(f'+COPN: "{o.plmn}","{o.name}"' for o in modem.scenario.radio.operators))
