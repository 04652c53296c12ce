"""What can go wrong or just happen, by name: for scenario events and SIM800.inject()."""

import inspect

from . import cmux

ACTIONS = {}

WAYS = ("to_modem", "to_host", "both")


def action(function):
    ACTIONS[function.__name__] = function
    return function


def check(name: str, args: dict) -> None:
    """Raises ValueError if there is no such action, or it does not take these arguments."""
    check_name(name)
    signature = inspect.signature(ACTIONS[name])
    try:
        signature.bind(None, **args)
    except TypeError as error:
        takes = ", ".join(list(signature.parameters)[1:]) or "no arguments"
        raise ValueError(f"action {name!r}: {error}; it takes {takes}") from None
    if args.get("way", "both") not in WAYS:
        raise ValueError(f"action {name!r}: way is {args['way']!r}; use one of {WAYS}")
    for share in ("rate",):
        value = args.get(share)
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"action {name!r}: {share} is {value}; use 0 to 1")


def parameters(name: str) -> list[str]:
    """The names of an action's arguments. Raises ValueError if there is no such action."""
    check_name(name)
    return list(inspect.signature(ACTIONS[name]).parameters)[1:]


def check_name(name: str) -> None:
    """Raises ValueError listing the actions there are."""
    if name not in ACTIONS:
        raise ValueError(f"no action {name!r}; known are {', '.join(sorted(ACTIONS))}")


def help_lines() -> list[str]:
    """One line for each action: how it is called and what it does."""
    lines = []
    for name in sorted(ACTIONS):
        parameters = list(inspect.signature(ACTIONS[name]).parameters.values())[1:]
        shown = " ".join(
            p.name if p.default is p.empty else f"[{p.name}={p.default}]" for p in parameters
        )
        lines.append(f"{name} {shown}".strip() + f": {ACTIONS[name].__doc__}")
    return lines


def _line_faults(modem, way):
    return {
        "to_modem": [modem.line.from_dte],
        "to_host": [modem.line.to_dte],
        "both": [modem.line.from_dte, modem.line.to_dte],
    }[way]


# ---- the bearer ----------------------------------------------------------------------------


@action
def carrier_lost(modem, no_carrier_after=None):
    """the bearer dies without a word, and PPP with it (NO CARRIER so many seconds later, or never)"""
    modem.bearer_dead = True
    if modem.ppp is not None:
        modem.ppp.muted = True
    modem.journal.add("modem", "carrier lost")
    if no_carrier_after is not None:
        modem.later(no_carrier_after, modem.hang_up, "carrier lost")


@action
def no_carrier(modem):
    """the network ends the data call: NO CARRIER"""
    modem.hang_up("fault")


@action
def lcp_terminate(modem):
    """the modem's PPP sends an LCP Terminate-Request, then NO CARRIER"""
    if modem.ppp is not None:
        modem.ppp.terminate()


@action
def pap_refuse_once(modem):
    """the next PPP session's authentication is refused, whatever is offered"""
    modem.refuse_pap_once = True


@action
def call_refuse_once(modem):
    """the next data call gets NO CARRIER, for no reason the modem would tell"""
    modem.refuse_call_once = True


@action
def apn_refused(modem, on=True):
    """from now on the network knows no APN (on=False: it does again)"""
    modem.network.refuse_apns = on


@action
def gprs_detach(modem):
    """the network detaches the modem from GPRS: all contexts end"""
    modem.packet_lost("GPRS detach")
    modem.network.set("cgreg", 0)


@action
def pdp_deact(modem):
    """the network deactivates all PDP contexts: +PDP: DEACT, NO CARRIER"""
    modem.packet_lost("PDP deactivated")


# ---- radio and SIM -------------------------------------------------------------------------


@action
def registration_lost(modem, stat=2):
    """+CREG and +CGREG fall to `stat` (0 not searching, 2 searching, 3 denied, 4 unknown)"""
    modem.network.lose(stat)


@action
def registration_back(modem):
    """registered again, as the scenario's registration ends"""
    modem.network.settle()


@action
def cell_change(modem, lac="1A2B", cell="3C4E"):
    """the modem moves to another cell"""
    modem.network.move(lac, cell)


@action
def signal(modem, rssi, ber=0):
    """another signal strength for AT+CSQ"""
    modem.network.csq = (rssi, ber)


@action
def sim_removed(modem):
    """the SIM card is pulled out"""
    modem.card.inserted = False
    modem.card.power(False)
    modem.packet_lost("SIM removed")
    modem.network.stop()
    modem.urc("+CPIN: NOT INSERTED")


@action
def ring(modem, number="+491709876543", count=5):
    """a voice call rings `count` times"""
    modem.ring(number, count)


@action
def sms_arrived(modem, index=1):
    """a short message arrives: +CMTI, RI low for 120 ms"""
    modem.message_arrived(index)


@action
def urc(modem, text, with_answer=False):
    """the modem says `text` unasked (with_answer: between the lines of its next answer)"""
    modem.urc(text, with_answer)


# ---- power ---------------------------------------------------------------------------------


@action
def modem_reset(modem):
    """the firmware crashes and boots again"""
    if modem.power.state == "on":
        modem.power.restart("crash")


@action
def brown_out(modem):
    """a dip of the supply: the modem dies and boots again, its clock lost"""
    if modem.power.state == "on":
        modem.rtc.lose()
        modem.power.restart("brown-out")


@action
def supply_cut(modem, seconds=None):
    """VBAT is gone at once (for `seconds`, or until the board switches it again)"""
    modem.supply(False)
    if seconds is not None:
        modem.clock.call_later(seconds, modem.supply, True)


@action
def undervoltage_warning(modem):
    """UNDER-VOLTAGE WARNNING"""
    modem.urc("UNDER-VOLTAGE WARNNING")


@action
def undervoltage_off(modem):
    """UNDER-VOLTAGE POWER DOWN, then off"""
    modem.power_down_with("UNDER-VOLTAGE POWER DOWN")


@action
def overvoltage_warning(modem):
    """OVER-VOLTAGE WARNNING"""
    modem.urc("OVER-VOLTAGE WARNNING")


@action
def overvoltage_off(modem):
    """OVER-VOLTAGE POWER DOWN, then off"""
    modem.power_down_with("OVER-VOLTAGE POWER DOWN")


# ---- the modem itself and its line ---------------------------------------------------------


@action
def silent(modem):
    """the firmware hangs: neither hears nor says anything until reset or power off"""
    modem.hang()


@action
def echo_on(modem):
    """command echo is on again, as after an unseen reset of the profile"""
    modem.settings["E"] = 1


@action
def late_answers(modem, seconds):
    """every answer comes `seconds` later (0: no longer)"""
    modem.interpreter.extra_latency = seconds
    if modem.mux is not None:
        for port in modem.mux.ports.values():
            port.interpreter.extra_latency = seconds


@action
def drop_bytes(modem, count=0, rate=0.0, way="both"):
    """the next `count` bytes are lost, and from then on a share of `rate`"""
    for fault in _line_faults(modem, way):
        fault.drop_next += count
        fault.rates["drop"] = rate


@action
def flip_bits(modem, rate, way="both"):
    """a share of `rate` of the bytes has one bit wrong (0: no longer)"""
    for fault in _line_faults(modem, way):
        fault.rates["flip"] = rate


@action
def double_bytes(modem, rate, way="both"):
    """a share of `rate` of the bytes arrives twice (0: no longer)"""
    for fault in _line_faults(modem, way):
        fault.rates["double"] = rate


# ---- the multiplexer (nothing where the modem does not multiplex) --------------------------


@action
def cmux_lose_ua(modem, count=1):
    """the next `count` UA of the multiplexer do not reach the host"""
    if modem.mux is not None:
        modem.mux.drop_ua = count


@action
def cmux_fcoff(modem, on=True):
    """the multiplexer says FCoff and takes no more data, for ever (on=False: FCon, it does again)"""
    if modem.mux is not None:
        modem.mux.deaf = on
        modem.mux.ask(cmux.FCOFF if on else cmux.FCON)


@action
def cmux_stop(modem, dlci=1, on=True):
    """MSC with FC for one DLCI: it wants no more data (on=False: it does again)"""
    if modem.mux is not None:
        signals = cmux.SIGNALS | (cmux.FC if on else 0)
        modem.mux.ask(cmux.MSC, bytes((int(dlci) << 2 | 3, signals)))


@action
def cmux_disc(modem, dlci=1):
    """the modem closes one DLCI"""
    if modem.mux is not None:
        modem.mux.disconnect(int(dlci))


@action
def cmux_cld(modem):
    """the modem closes the multiplexer and is back at AT commands"""
    if modem.mux is not None:
        modem.mux.ask(cmux.CLD)
