"""Commands that need neither SIM nor network: V.25ter, serial line, identity, power, clock."""

import datetime

from .autobaud import AUTO_RATES, FIXED_RATES
from .commands import Args, command, setting
from .errors import CME, BadValue
from .settings import PROFILE_DEFAULTS

# ---- V.25ter (chapter 2) -------------------------------------------------------------------


def _digit(c, allowed, default=0) -> int:
    """The number behind a basic command's letter."""
    if len(c.args) > 3:
        raise BadValue
    value = int(c.args or default)
    if value not in allowed:
        raise BadValue
    return value


def _basic(letter, allowed, default=0):
    @command(letter)
    def handler(modem, c):
        modem.settings[letter] = _digit(c, allowed, default)


_basic("E", (0, 1))
_basic("V", (0, 1))
_basic("Q", (0, 1))
_basic("X", range(5))
_basic("&C", (0, 1), 1)
_basic("&D", range(3))

for _name in ("L", "M"):  # loudspeaker: taken, without effect

    @command(_name)
    def _speaker(modem, c):
        _digit(c, range(10))


for _name in ("P", "T"):  # pulse or tone dialling: taken, without effect

    @command(_name)
    def _dialling(modem, c):
        _digit(c, (0,))


@command("I")
def identification(modem, c):
    _digit(c, range(10))  # all answer alike
    modem.info(modem.profile.name)


@command("Z", latency=0.02)
def reset_profile(modem, c):
    _digit(c, (0, 1))
    modem.settings.reset()
    modem.drop_call("ATZ")


@command("&F", latency=0.02)
def factory_profile(modem, c):
    _digit(c, (0,))
    modem.settings.factory()


@command("&W", latency=0.05)
def write_profile(modem, c):
    _digit(c, (0, 1))
    modem.settings.store()


@command("&V", latency=0.02)
def view_profiles(modem, c):
    _digit(c, (0,))
    lines = []
    for title, values in (
        ("DEFAULT PROFILE", PROFILE_DEFAULTS),
        ("USER PROFILE", modem.settings.stored),
        ("ACTIVE PROFILE", modem.settings),
    ):
        lines += [title, *(f"{name}: {values[name]}" for name in PROFILE_DEFAULTS), ""]
    modem.info(*lines[:-1])


_REGISTERS = {  # name: what may be written (pages 38-42)
    "S0": range(256),
    "S3": (13,),
    "S4": (10,),
    "S5": (8,),
    "S6": range(2, 11),
    "S7": range(1, 256),
    "S8": range(256),
    "S10": range(1, 255),
}


def _register(name, allowed):
    @command(name, "?", "=")
    def handler(modem, c):
        if c.op == "?":
            modem.info(f"{modem.settings[name]:03d}")
        elif not c.args or int(c.args) not in allowed:
            raise BadValue
        else:
            modem.settings[name] = int(c.args)


for _name, _allowed in _REGISTERS.items():
    _register(_name, _allowed)


# ---- identity ------------------------------------------------------------------------------


def _fixed(name, answer, test=""):
    @command(name, test=test)
    def handler(modem, c):
        modem.info(answer(modem))


_fixed("+GMI", lambda m: "SIMCOM_Ltd")
_fixed("+CGMI", lambda m: "SIMCOM_Ltd")
_fixed("+GMM", lambda m: m.profile.model)
_fixed("+CGMM", lambda m: m.profile.model)
_fixed("+GMR", lambda m: f"Revision:{m.profile.revision}")
_fixed("+CGMR", lambda m: f"Revision:{m.profile.revision}")
_fixed("+GSN", lambda m: m.scenario.modem.imei)
_fixed("+CGSN", lambda m: m.scenario.modem.imei)


@command("+GSV")
def versions(modem, c):
    modem.info("SIMCOM_Ltd", modem.profile.model, f"Revision:{modem.profile.revision}")


@command("+GCAP", test="")
def capabilities(modem, c):
    modem.info("+GCAP: +CGSM")


# ---- the serial line -----------------------------------------------------------------------


@command(
    "+IPR",
    "?",
    "=",
    test=f"+IPR: ({','.join(map(str, AUTO_RATES))}),({','.join(map(str, (0, *FIXED_RATES)))})",
)
def fixed_rate(modem, c):
    """Page 54: the rate follows the result code; 0 (autobauding) takes effect after a reset."""
    if c.op == "?":
        modem.info(f"+IPR: {modem.settings['+IPR']}")
        return
    rate = Args(c).most(1).number(0, (0, *FIXED_RATES))
    modem.settings["+IPR"] = rate
    if rate:
        modem.then(lambda: modem.line.change_rate(rate))


@command("+IFC", "?", "=", test="+IFC: (0-2),(0-2)")
def flow_control(modem, c):
    # taken and shown; the T-Call has no RTS/CTS, and PPP's asyncmap keeps XON/XOFF apart
    if c.op == "?":
        modem.info(f"+IFC: {modem.settings['+IFC']}")
        return
    args = Args(c).most(2)
    sender = args.number(0, range(3))
    modem.settings["+IFC"] = f"{sender},{args.number(1, range(3), sender)}"


@command("+ICF", "?", "=", test="+ICF: (1-6),(0-3)")
def framing(modem, c):
    # a pty carries bytes, not bits: only 8N1, the factory setting, is possible here
    if c.op == "?":
        modem.info(f"+ICF: {modem.settings['+ICF']}")
        return
    args = Args(c).most(2)
    if args.number(0, range(1, 7)) != 3:
        raise CME(4)
    modem.settings["+ICF"] = f"3,{args.number(1, range(4), 3)}"


setting("+CSCLK", range(3), test="+CSCLK: (0-2)")
setting("+CMEE", range(3), test="+CMEE: (0-2)")
setting("+CIURC", range(2), test="+CIURC: (0,1)")
setting("+CFGRI", range(3), test="+CFGRI: (0-2)")
setting("+CLTS", range(2), test="+CLTS: (0,1)")
setting("+CBATCHK", range(2), test="+CBATCHK: (0,1)")
setting("+CDRIND", range(2), test="+CDRIND: (0,1)")


@command(
    "+CSCS",
    "?",
    "=",
    test='+CSCS: ("IRA","GSM","UCS2","HEX","PCCP","PCDN","8859-1")',
    needs="idle-card",
)
def character_set(modem, c):
    if c.op == "?":
        modem.info(f"+CSCS: {modem.settings['+CSCS']}")
        return
    name = Args(c).most(1).quoted(0)
    if name not in ("IRA", "GSM", "UCS2", "HEX", "PCCP", "PCDN", "8859-1"):
        raise BadValue
    modem.settings["+CSCS"] = f'"{name}"'


# ---- power and battery ---------------------------------------------------------------------


@command("+CPOWD", "=")
def power_down(modem, c):
    """Page 146: 1 says NORMAL POWER DOWN and takes its time, 0 is at once and silent."""
    if Args(c).most(1).number(0, (0, 1)):
        modem.then(modem.power.switch_off)
    else:
        modem.then(lambda: modem.power.cut("AT+CPOWD=0"))
    return ""


@command("+CFUN", "?", "=", latency=0.8, limit=10.0, test="+CFUN: (0,1,4),(0,1)")
async def functionality(modem, c):
    if c.op == "?":
        modem.info(f"+CFUN: {modem.cfun}")
        return
    args = Args(c).most(2)
    new = args.number(0, (0, 1, 4))
    if args.number(1, (0, 1), 0):
        # a reset is always into full functionality
        if new != 1:
            raise BadValue
        # the OK is out by then
        modem.then(lambda: modem.later(0.2, modem.power.restart, "AT+CFUN=1,1"))
        return
    if {new, modem.cfun} == {0, 4}:
        raise CME(3)
    if new == modem.cfun:
        return
    old, modem.cfun = modem.cfun, new
    if new == 1:
        if old == 0:
            modem.start_card()
        else:
            modem.start_radio()
        return
    modem.deactivate_contexts(f"AT+CFUN={new}")
    modem.radio.stop()
    if new == 0:
        modem.card.power(False)
        if modem.card.inserted:
            modem.urc("+CPIN: NOT READY")


@command("+CBC", latency=0.01, test="+CBC: (0-2),(1-100),(voltage)", limit=2.0)
def battery(modem, c):
    modem.info("+CBC: {},{},{}".format(*modem.battery.cbc))


@command("+CADC", "?", test="+CADC: (0,1),(0-2800)", limit=2.0)
def adc(modem, c):
    modem.info("+CADC: 1,0")


# ---- clock ---------------------------------------------------------------------------------


@command("+CCLK", "?", "=", test="")
def clock(modem, c):
    if c.op == "?":
        local, zone = modem.rtc.read()
        says = modem.rtc.says or f"{local:%y/%m/%d,%H:%M:%S}{zone:+03d}"
        modem.info(f'+CCLK: "{says}"')
        return
    text = Args(c).most(1).quoted(0)
    try:
        local = datetime.datetime.strptime(text[:17], "%y/%m/%d,%H:%M:%S")
    except ValueError:
        raise CME(3) from None
    # strptime reads 69-99 as 19xx and takes single digits; the modem means 20xx and wants two
    if len(text) != 20 or f"{local:%y/%m/%d,%H:%M:%S}" != text[:17] or text[17] not in "+-":
        raise CME(3)
    if not text[18:].isdigit():
        raise CME(3)
    zone = int(text[17:])
    if not -47 <= zone <= 48:
        raise CME(3)
    modem.rtc.set(local.replace(year=2000 + local.year % 100), zone)
