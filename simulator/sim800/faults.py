"""What can go wrong or just happen, by name: for scenario events and SIM800.inject()."""

import contextlib
import inspect

from . import cmux
from .errors import CMS_TEXT
from .scenario import USSD

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
    if name == "sms_refused_once" and args.get("code", 38) not in CMS_TEXT:
        raise ValueError(f"action {name!r}: code is {args['code']}; use one of {list(CMS_TEXT)}")
    for share in ("rate",):
        value = args.get(share)
        if value is not None and not 0 <= value <= 1:
            raise ValueError(f"action {name!r}: {share} is {value}; use 0 to 1")


def value(name: str, parameter: str, text: str):
    """An argument written down: a number, True, False or a string, as the action wants it.

    Raises ValueError if there is no such action.
    """
    check_name(name)
    wanted = inspect.signature(ACTIONS[name]).parameters.get(parameter)
    if wanted is not None and wanted.annotation is str:
        return text
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return {"true": True, "false": False}.get(text.lower(), text)


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
def bearer_silent(modem):
    """the bearer dies without a word; the modem's PPP lives on and answers echo, but nothing gets through"""
    if modem.ppp is not None:
        modem.ppp.cut = True
    modem.journal.add("modem", "bearer silent")


@action
def no_data(modem, on=True):
    """from now on the network carries no data, over any call (on=False: it does again)"""
    modem.no_data = bool(on)
    if modem.ppp is not None:
        modem.ppp.cut = modem.no_data


@action
def echo_stops(modem):
    """the modem's PPP answers LCP echo no more, all else goes on"""
    if modem.ppp is not None:
        modem.ppp.config.echo_replies = False


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
def pdp_silent(modem, on=True):
    """the network answers neither +CIICR nor +SAPBR=1: an error after 85 s (on=False: it does again)"""
    modem.network.pdp_silent = on


@action
def http_ends(modem, code=604):
    """the next AT+HTTPACTION ends with this status (as 602, no memory), and sends nothing"""
    modem.http_code = code


@action
def location_ends(modem, code=404):
    """the next +CIPGSMLOC says this code (404, 408, 601 to 604), +CLBS what is like it"""
    modem.location_code = code


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
def no_network(modem, on=True, stat=2):
    """there is no network any more (stat=3: none that takes this SIM), until on=False"""
    modem.network.gone = int(stat) if on else None
    modem.network.settle()


@action
def registration_back(modem):
    """registered again, as the scenario's registration ends"""
    modem.network.settle()


@action
def cell_change(modem, lac="1A2B", cell="3C4E"):
    """the modem moves to another cell"""
    modem.network.move(lac, cell)


@action
def position(modem, longitude=0.0, latitude=0.0):
    """another place, for +CIPGSMLOC and +CLBS"""
    modem.network.position = (longitude, latitude)


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
def sim_inserted(modem):
    """the SIM card is there again; a modem notices when it starts"""
    modem.card.power(False)
    modem.card.inserted = True


@action
def ring(modem, number: str = "+491709876543", count=5):
    """a voice call rings `count` times (number="": it is withheld)"""
    modem.calls.ring(number, count)


@action
def call_ended(modem):
    """the other side hangs up, or gives up ringing: NO CARRIER"""
    modem.calls.end("NO CARRIER")


@action
def tone_heard(modem, key: str, ms=160):
    """the other side presses a key, for so many milliseconds: +DTMF, if AT+DDET asks for it"""
    modem.calls.tone(str(key), ms)


@action
def sms_received(
    modem,
    number: str = "+491709876543",
    text: str = "Hello",
    kind=None,
    backwards=False,
    without=0,
):
    """somebody writes to the modem (`kind`: message class 0 to 3); long ones may come `backwards` or `without` a part"""
    modem.messages.center.send(number, text, kind, backwards, without)


@action
def sms_pdu_received(modem, tpdu: str):
    """the same, with any SMS-DELIVER in hex, without a service centre before it"""
    modem.messages.center.send_pdu(bytes.fromhex(tpdu))


@action
def sms_refused_once(modem, code=38, seconds=0):
    """the network refuses the next message with this +CMS ERROR, after so long (332, 60: its timeout)"""
    modem.messages.center.refusal = (code, seconds)


@action
def ussd_received(modem, text: str = "Hello", menu=False):
    """the network sends USSD by itself (menu: and waits for an answer)"""
    if modem.network.registered:
        modem.ussd.say(USSD(text, replies={} if menu else None))


@action
def urc(modem, text: str, with_answer=False):
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
def battery(modem, charging=0, percent=50, millivolts=3700):
    """what AT+CBC says from now on (charging: 1 it is, 2 it is full), with the warnings that voltage brings"""
    modem.battery.set(charging, percent, millivolts)


@action
def battery_falls(modem, millivolts=1.0):
    """the voltage falls by so much each second (0: no longer)"""
    modem.battery.fall(millivolts)


@action
def undervoltage_warning(modem):
    """UNDER-VOLTAGE WARNNING"""
    modem.urc("UNDER-VOLTAGE WARNNING")


@action
def undervoltage_off(modem):
    """UNDER-VOLTAGE POWER DOWN, then off, as with AT+CBATCHK=1"""
    modem.power_down_with("UNDER-VOLTAGE POWER DOWN")


@action
def overvoltage_warning(modem):
    """OVER-VOLTAGE WARNNING"""
    modem.urc("OVER-VOLTAGE WARNNING")


@action
def overvoltage_off(modem):
    """OVER-VOLTAGE POWER DOWN, then off, as with AT+CBATCHK=1"""
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
def echo_off(modem):
    """command echo is off, as a profile of somebody else's leaves it"""
    modem.settings["E"] = 0


@action
def other_rate(modem, baud):
    """the modem is at another baud rate all of a sudden"""
    modem.line.change_rate(int(baud))


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


@action
def rate_noise(modem, above=230400, rate=0.02, way="both"):
    """while the line is faster than `above` baud, a share of `rate` of the bytes has one bit wrong"""
    for fault in _line_faults(modem, way):
        fault.noise_above, fault.noise = above, rate


# ---- the multiplexer (the last four do nothing where the modem does not multiplex) ----------


@action
def cmux_refuse_once(modem):
    """the next AT+CMUX ends with an error"""
    modem.refuse_cmux_once = True


@action
def cmux_lose_ua(modem, count=1):
    """the next `count` UA of the multiplexer do not reach the host"""
    modem.ua_lost = count


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
