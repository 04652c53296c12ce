"""The checks: which script is run for them on the board, what is expected by which source, and what follows.

HW is SIM800L Hardware Design V1.02, M the AT Command Manual V1.09 (page), D the AXP192's data sheet 1.1.
A judge gets what its script told, and all that was told before: it returns (verdict, what was seen). What a judge does
not find there was not measured, as its script did not come so far.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BOARD = Path(__file__).with_name("board")
OK, DIFFERS, NOT_TESTABLE = "ok", "differs", "not testable"

SLEEP_MS = 3000
NITZ_TOLERANCE = 600  # seconds; a wrong zone makes 900 or more


@dataclass(frozen=True)
class Script:
    """A script for the board, board/NAME.py. `seconds`: it may take; `needs`: what an earlier one must have found
    ("modem", "network", "link"); `start`: how the modem is met ("boot", "command", "": nobody knows); `replay`: what
    passes on the line can be told to another modem."""

    name: str
    seconds: float
    needs: tuple[str, ...] = ()
    start: str = "command"
    replay: bool = True

    @property
    def text(self) -> str:
        return (BOARD / f"{self.name}.py").read_text(encoding="utf-8")


SCRIPTS = {
    script.name: script
    for script in (
        Script("firmware", 60, replay=False),
        Script("power_chip", 30, replay=False),
        Script("power_on", 120, start="boot"),
        Script("first_at", 50, ("modem",), start="boot"),
        Script("power_key", 90, ("modem",)),
        Script("reset_key", 60, ("modem",)),
        Script("identity", 120, ("modem",)),
        Script("fast_rate", 360, ("modem",)),
        Script("multiplexer", 90, ("modem",)),
        Script("sleep_dtr", 60, ("modem",)),
        Script("sleep_uart", 60, ("modem",)),
        Script("currents", 60, ("modem",), replay=False),
        Script("network_time", 150, ("modem",)),
        Script("ppp_by_hand", 180, ("modem", "network")),
        Script("connect", 240, ("modem", "network"), start="", replay=False),
        Script("tls", 240, ("link",), start="", replay=False),
        Script("tls_again", 240, ("link",), start="", replay=False),
        Script("wifi", 240, ("link",), start="", replay=False),
        Script("before_reset", 240, ("link",), start="", replay=False),
        Script("after_reset", 240, ("link",), start="", replay=False),
        Script("before_sleep", 240, ("link",), start="", replay=False),
        Script("after_sleep", 240, ("link",), start="", replay=False),
        Script("finish", 90, start="", replay=False),
    )
}


@dataclass(frozen=True)
class Check:
    name: str
    title: str
    script: str
    expected: str
    source: str
    judge: Callable[[dict, dict], tuple[str, str]]


CHECKS: list[Check] = []


def check(title: str, script: str, expected: str, source: str):
    def register(judge):
        CHECKS.append(
            Check(judge.__name__.removesuffix("_"), title, script, expected, source, judge)
        )
        return judge

    return register


def _verdict(good: bool) -> str:
    return OK if good else DIFFERS


def _seconds(ms: float | None) -> str:
    if ms is None:
        return "never"
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\r", "\n").split("\n") if line.strip()]


# --- the board ------------------------------------------------------------------------------


@check("Firmware", "firmware", "this project's, roots not older than 400 days", "docs/tls.md")
def firmware(told, _):
    board = "TCALL" in told["machine"].upper() or "T-CALL" in told["machine"].upper()
    return _verdict(board), f"{told['machine']}; {told['release']}; roots of {told['roots']}"


@check(
    "Power chip",
    "power_chip",
    "IP5306 at 0x75 that stays on below 45 mA (bit 1 of 0x00), or AXP192 at 0x34 with DCDC3 on",
    "vendor's utilities.h; D 9.11",
)
def power_chip(told, _):
    addresses = ", ".join(f"0x{address:02x}" for address in told["addresses"]) or "nobody"
    if told["chip"] == "IP5306":
        control = told["sys_ctl0"]
        return _verdict(control & 2), f"IP5306 (I2C: {addresses}), SYS_CTL0 0x{control:02x}"
    if told["chip"] == "AXP192":
        outputs = told["outputs"]
        return _verdict(outputs & 2), f"AXP192 (I2C: {addresses}), outputs 0x{outputs:02x}"
    return DIFFERS, f"neither answers at pins 21 and 22 (I2C: {addresses})"


@check(
    "PWRKEY to first answer",
    "power_on",
    "1 to 5 s after a press of 1.2 s (about 3 s; 115200 baud or autobauding)",
    "HW 3.2.1",
)
def boot_time(told, _):
    if "boot_ms" not in told:
        if "silent" in told:
            return DIFFERS, f"no answer: {told['silent']}"
        return (
            DIFFERS,
            f"not within 20 s at 115200 baud; found in another way ({_seconds(told['found_ms'])})",
        )
    return _verdict(
        1000 <= told["boot_ms"] <= 5000
    ), f"{_seconds(told['boot_ms'])} after its release"


@check(
    "What a start says",
    "power_on",
    "Call Ready and SMS Ready within 20 s of the first answer, where AT+CIURC=1 is stored",
    "M 352",
)
def start_words(told, _):
    said = [line for line in _lines(told["later"]) if not line.startswith(("AT", "OK", "+CIURC"))]
    said = list(dict.fromkeys(said))
    if any(line.startswith("+CPIN:") and "READY" not in line for line in said):
        return NOT_TESTABLE, f"first the card: {', '.join(said)}"
    if "+CIURC: 0" in told["later"]:
        return NOT_TESTABLE, "AT+CIURC=0 is stored"
    good = "Call Ready" in said and "SMS Ready" in said
    return _verdict(good), f"{', '.join(said) or 'nothing'} within {_seconds(told['later_ms'])}"


def _rate(told, all_told) -> str:
    lines = all_told.get("power_on", {}).get("stored_rate") or told.get("stored_rate") or [""]
    return lines[0].removeprefix("+IPR:").strip()


@check(
    "Supply switch",
    "first_at",
    "without its supply the modem does not answer",
    "vendor's utilities.h",
)
def supply(told, _):
    good = told["deaf_without_supply"]
    return _verdict(good), "silent without supply" if good else "it answers without its supply"


@check(
    "First AT",
    "first_at",
    "while autobauding nothing is said before it, and one AT alone is lost",
    "M 55, 352",
)
def first_at(told, all_told):
    said, lost, rate = _lines(told["unasked"]), told["lost"], _rate(told, all_told)
    seen = f"{lost} AT lost, before it {', '.join(said) or 'nothing'}, AT+IPR {rate or 'unknown'}"
    if rate not in ("", "0"):
        good = lost == 0 and "RDY" in said
    else:
        good = lost <= 1 and not said
    return _verdict(good), seen


@check(
    "PWRKEY 1.2 s on a running modem",
    "power_key",
    "a SIM800L goes on (off from 1.5 s); a SIM800C goes off (from 1 s)",
    "HW 3.2.3",
)
def short_press(told, all_told):
    stays = told["stays_on"]
    is_c = "SIM800C" in "".join(_told(all_told, "identity", "AT+CGMM"))
    seen = (
        "it goes on"
        if stays
        else f"it goes off, saying {', '.join(_lines(told['short_said'])) or 'nothing'}"
    )
    return _verdict(stays or is_c), seen


def _told(all_told, script: str, name: str) -> list[str]:
    return _lines(all_told.get(script, {}).get(name, ""))


@check(
    "PWRKEY 2.0 s on a running modem",
    "power_key",
    "NORMAL POWER DOWN within 4 s of the press's begin, then silence",
    "HW 3.2.3; M 146",
)
def long_press(told, _):
    said = ", ".join(_lines(told["off_said"])) or "nothing"
    good = (
        told["is_off"]
        and told["on_again"]
        and "NORMAL POWER DOWN" in said
        and told["off_ms"] <= 4000
    )
    state = "off" if told["is_off"] else "still on"
    again = "" if told["on_again"] else ", does not start again"
    return _verdict(good), f"says {said} after {_seconds(told['off_ms'])}, then {state}{again}"


@check(
    "RESET pin",
    "reset_key",
    "150 ms restart the modem (from 105 ms); a SIM800C has no wire there, some v1.4 lack a resistor",
    "HW 3.2.4; vendor's utilities.h",
)
def reset_key(told, _):
    is_c = "SIM800C" in (told["model"] or "")
    if told["took_ms"] is None:
        return DIFFERS, "no answer after it"
    if told["kept"]:
        return _verdict(is_c), "no effect" + (", as on a SIM800C" if is_c else "")
    return OK, f"restarts, answers after {_seconds(told['took_ms'])}"


@check(
    "Autobauding at 57600",
    "reset_key",
    "found at another rate than 115200 after a restart, where AT+IPR is 0",
    "M 54",
)
def autobaud(told, all_told):
    rate = (told["stored_rate"] or [""])[0].removeprefix("+IPR:").strip()
    if rate not in ("0", "", "115200") or told["kept"]:
        why = "no restart by the RESET pin" if told["kept"] else f"AT+IPR={rate} is stored"
        return NOT_TESTABLE, why
    if rate == "115200" and not told["trained"]:
        return NOT_TESTABLE, "AT+IPR=115200 is set, perhaps stored"
    return _verdict(told["trained"]), "found" if told["trained"] else "not found at 57600 baud"


@check(
    "Identity",
    "identity",
    "SIM800 R13.08 or R14.18 (others are not known to the simulator)",
    "M 72",
)
def identity(told, _):
    names = [*_answer(told["ATI"]), *_answer(told["AT+CGMM"]), *_answer(told["AT+CGMR"])]
    good = any(name in ("SIM800 R13.08", "SIM800 R14.18") for name in names)
    return _verdict(good), "; ".join(names) or "nothing"


def _answer(text: str) -> list[str]:
    """An answer's own lines."""
    return [line for line in _lines(text)[1:] if line != "OK"]


@check(
    "Frame of an answer",
    "identity",
    "echo, CR, blank line, answer, blank line, OK; unknown commands: +CME ERROR and ERROR",
    "M 24, 343",
)
def framing(told, _):
    answer = told["ATI"]
    lines = _answer(answer)
    good = bool(lines) and answer == f"ATI\r\r\n{lines[0]}\r\n\r\nOK\r\n"
    unknown = [*_lines(told["AT+NONSENSE"])[1:], *_lines(told["ATNONSENSE"])[1:]]
    good = good and unknown in (["+CME ERROR: 100", "ERROR"], ["ERROR", "ERROR"])
    return _verdict(good), f"{answer!r}; unknown: {', '.join(unknown) or 'nothing'}"


@check("Longest line", "identity", "554 characters are taken", "M 24")
def longest_line(told, _):
    return _verdict(told["longest"]), "taken" if told["longest"] else "not taken"


@check(
    "460800 baud without loss",
    "fast_rate",
    "what is echoed and answered comes back whole, 10 MB of it (270 s at most)",
    "M 54",
)
def fast_rate(told, _):
    if not told["alive"]:
        answer = "OK, then silence" if told["accepted"] else "refused"
        return DIFFERS, f"AT+IPR=460800: {answer}"
    if not told["reference"]:
        return DIFFERS, "no answer comes twice alike, at any rate"
    rate = told["back"] / max(1, told["ms"])
    seen = (
        f"{told['back'] / 1e6:.1f} MB back, {told['sent'] / 1e6:.1f} MB there, {rate:.0f} kB/s; "
    )
    if told["bad"]:
        return (
            DIFFERS,
            seen
            + f"{told['bad']} of {told['blocks']} answers damaged, {told['short']} bytes lost",
        )
    return OK, seen + "none lost"


def _multiplexer(seen) -> tuple[str, str]:
    """How far it came, and what was seen of it."""
    if "open0" not in seen:
        return "refused", f"answered {_lines(seen['answer'])[-1:] or ['nothing']}"
    for dlci in (0, 1):
        if not seen.get(f"open{dlci}"):
            return "silent", f"OK, then no answer to SABM {dlci}"
        if seen[f"open{dlci}"][0] != "UA":
            return "silent", f"OK, then {seen[f'open{dlci}'][0]} to SABM {dlci}"
    return (
        "",
        f"UA after {seen['open0'][1]} and {seen['open1'][1]} ms, MSC after {_seconds(seen['msc_ms'])}",
    )


@check(
    "CMUX with parameters",
    "multiplexer",
    "AT+CMUX=0,0,5,127 is taken; UA, then MSC by itself; an AT answer on DLCI 1",
    "M 96; 27.010 5.3",
)
def cmux_asked(told, _):
    fault, seen = _multiplexer(told["asked"])
    if fault:
        return DIFFERS, seen
    return _verdict(told["asked"]["answered"]), seen + (
        "" if told["asked"]["answered"] else ", no answer to AT"
    )


@check("CMUX without", "multiplexer", "the same for AT+CMUX=0", "M 96; esp_modem's target test")
def cmux_default(told, _):
    fault, seen = _multiplexer(told["default"])
    if fault:
        return DIFFERS, seen
    return _verdict(told["default"]["answered"]), seen


@check(
    "CMUX: N1",
    "multiplexer",
    "frames of 127 bytes at most, taken as well; as asked, and as the manual says where not",
    "M 96; 27.010 5.7.2",
)
def cmux_n1(told, _):
    good, seen = True, []
    for name in ("asked", "default"):
        one = told[name]
        if _multiplexer(one)[0]:
            seen.append(f"{name}: none")
            continue
        takes = "" if one["hears_long"] else ", a frame of 126 bytes is not heard"
        seen.append(f"{name}: longest {one['longest']} bytes{takes}")
        good = good and one["longest"] == 127 and one["hears_long"]
    if seen == ["asked: none", "default: none"]:
        return NOT_TESTABLE, "no multiplexer"
    return _verdict(good), "; ".join(seen)


@check(
    "CMUX: the way out", "multiplexer", "CLD is answered, AT commands follow", "27.010 5.4.6.3.3"
)
def cmux_close(told, _):
    seen = []
    good = True
    for name in ("asked", "default"):
        one = told[name]
        if _multiplexer(one)[0]:
            continue
        good = good and one["plain_again"]
        state = "AT again" if one["plain_again"] else "no answer to AT"
        seen.append(f"CLD answered after {_seconds(one['closed_ms'])}, {state}")
    return (_verdict(good), "; ".join(seen)) if seen else (NOT_TESTABLE, "no multiplexer")


@check(
    "Sleep by DTR (AT+CSCLK=1)",
    "sleep_dtr",
    "deaf while DTR is high, hears 50 ms after it is low; wired with an AXP192 and on a v1.4",
    "M 162; HW 3.4",
)
def sleep_dtr(told, all_told):
    if not told["taken"]:
        return DIFFERS, "AT+CSCLK=1 is refused"
    known = told["known"]  # the package uses it
    if not told["hears_low"]:
        seen = "DTR (pin 32) is not wired: the modem sleeps whatever it does"
        return _verdict(not known), seen
    if not told["deaf_high"]:
        return DIFFERS, "it stays awake with DTR high"
    if not told["woke"]:
        return DIFFERS, "it wakes late" if told["woke_later"] else "it does not wake"
    return OK, "sleeps and wakes" + ("" if known else ": wired, use TCall(dtr=True)")


@check(
    "Sleep by silence (AT+CSCLK=2)",
    "sleep_uart",
    "asleep after 5 s without a byte; the first AT wakes it and is lost, the next is answered",
    "M 162; HW 3.4",
)
def sleep_uart(told, _):
    if not told["taken"]:
        return DIFFERS, "AT+CSCLK=2 is refused"
    seen = [
        "hears at once" if told["hears_at_once"] else "deaf at once",
        f"after 7 s the first AT is {'answered' if told['first'] else 'lost'}",
        f"the second {'answered' if told['second'] else 'lost'}",
    ]
    good = told["hears_at_once"] and not told["first"] and told["second"]
    return _verdict(good), ", ".join(seen)


@check(
    "Currents",
    "currents",
    "less with the modem asleep than awake, least with it off (about 1.5 mA asleep)",
    "HW 3.4; D 9.11",
)
def currents(told, _):
    if told["chip"] != "AXP192":
        return NOT_TESTABLE, f"{told['chip'] or 'no power chip'}: it measures no current"
    rows = {name: told[name] for name in ("awake", "asleep", "off")}
    # from USB where that feeds the board
    from_usb = rows["awake"][3] > rows["awake"][1]
    flows = [row[3] - row[2] if from_usb else row[1] for row in rows.values()]
    seen = "awake {} mA, asleep {} mA, off {} mA".format(*flows)
    seen += " from USB" if from_usb else f" at {rows['awake'][0]} mV"
    spare = 5  # what the ESP32 itself takes more or less
    return _verdict(flows[0] + spare >= flows[1] and flows[1] + spare >= flows[2]), seen


@check("Restart by command", "network_time", "AT+CFUN=1,1: OK, then it starts anew", "M 104")
def restart(told, _):
    took = told["restart_ms"]
    return _verdict(took is not None and took > 1500), f"answers after {_seconds(took)}"


@check("Network", "network_time", "+CREG: 1 or 5 within 80 s", "M 82")
def network(told, _):
    stat, at = told["stat"], told["registered_ms"]
    seen = f"+CREG {stat} after {_seconds(at)} from the restart, {', '.join(told.get('signal') or ())}"
    return _verdict(stat in (1, 5) and at <= 80000), seen


@check(
    "Network time (NITZ)",
    "network_time",
    "*PSUTTZ within 12 s after registration, AT+CCLK? right to 10 minutes with its zone",
    "M 151, 152",
)
def network_time(told, _):
    if told["stat"] not in (1, 5):
        return NOT_TESTABLE, "no network"
    if told["told_ms"] is None:
        return DIFFERS, f"the network tells no time; clock {told['clock']}"
    after = max(0, told["told_ms"] - told["registered_ms"])
    off = told["clock_off"]
    wrong = "not readable" if off is None else f"{abs(off):.0f} s off"
    good = off is not None and abs(off) <= NITZ_TOLERANCE
    return _verdict(good), f"told within {_seconds(after + 250)} of registration, clock {wrong}"


# --- the data call --------------------------------------------------------------------------


@check("Data call", "ppp_by_hand", "ATD*99***1#: CONNECT within 60 s", "M 29")
def dial(told, _):
    return _verdict(
        "CONNECT" in told["dialled"]
    ), f"{told['dialled']} after {_seconds(told['dial_ms'])}"


@check(
    "LCP of the modem",
    "ppp_by_hand",
    "asks for asyncmap 000a0000, PAP (c023), compression of protocol and address; takes ours",
    "esp-idf#5184",
)
def lcp(told, _):
    asked = told.get("request", [])
    begins = "" if told["begins"] else "; waits for us to begin"
    good = told["opened"] and asked == ["2:000a0000", "3:c023", "7:", "8:"]
    return (
        _verdict(good),
        f"{', '.join(asked) or 'nothing asked'}{begins}, {'opened' if told['opened'] else 'not opened'}",
    )


@check(
    "LCP echo's owner",
    "ppp_by_hand",
    "the modem itself: an answer in less than 150 ms",
    "docs/link.md",
)
def echo_owner(told, _):
    times = [ms for ms in told["echo_ms"] if ms is not None]
    if not times:
        return DIFFERS, "nobody answers"
    owner = "the modem" if min(times) < 150 else "the network"  # whose air takes 300 and more
    lost = len(told["echo_ms"]) - len(times)
    return _verdict(owner == "the modem" and not lost), (
        f"{owner}: {', '.join(map(str, times))} ms" + (f", {lost} not answered" if lost else "")
    )


@check(
    "+++",
    "ppp_by_hand",
    "OK within 2.5 s of it (after a second of silence), and AT is answered",
    "M 36",
)
def escape(told, _):
    if not told["escaped"]:
        return DIFFERS, "no OK: the modem stays in data mode"
    return _verdict(
        told["hears"] and told["escape_ms"] <= 2500
    ), f"OK after {_seconds(told['escape_ms'])}"


@check("ATO", "ppp_by_hand", "CONNECT within 10 s, PPP goes on", "M 37")
def resume(told, _):
    if not told["escaped"]:
        return NOT_TESTABLE, "no way into command mode"
    goes_on = told["echo_after_ms"] is not None
    word = "CONNECT" if told["resumed"] else "no CONNECT"
    state = "PPP goes on" if goes_on else "PPP does not answer any more"
    return _verdict(
        told["resumed"] and goes_on
    ), f"{word} after {_seconds(told['resume_ms'])}, {state}"


@check(
    "End of PPP",
    "ppp_by_hand",
    "LCP Terminate-Ack, then NO CARRIER within 1 s, then command mode",
    "esp-idf#3506, #5737",
)
def terminate(told, _):
    ack, end = told["ack_ms"], told["no_carrier_ms"]
    seen = f"Terminate-Ack {'after ' + _seconds(ack) if ack is not None else 'never'}"
    seen += f", NO CARRIER {'after ' + _seconds(end) if end is not None else 'never'}"
    seen += ", command mode" if told["command_mode"] else ", no answer to AT"
    good = ack is not None and end is not None and end - ack <= 1000 and told["command_mode"]
    return _verdict(good), seen


@check(
    "PPP by the package",
    "connect",
    "up within 90 s, at 460800 baud, multiplexed, AT beside it answered within 1 s",
    "docs/link.md",
)
def link(told, _):
    good = (
        told["multiplexed"]
        and told["rate"] == 460800
        and told["connect_ms"] <= 90000
        and told["asked_ms"] <= 1000
        and told["still_up"]
    )
    how = "multiplexed" if told["multiplexed"] else "not multiplexed"
    return _verdict(good), (
        f"up after {_seconds(told['connect_ms'])}, {told['rate']} baud, {how}, MTU {told['mtu']}, "
        f"AT beside it {_seconds(told['asked_ms'])}, {told['signal']} dBm"
    )


def _visit(told) -> str:
    return (
        f"name {_seconds(told['name_ms'])}, TCP {_seconds(told['tcp_ms'])}, TLS {_seconds(told['tls_ms'])}, "
        f"answer {told['answer']!r} {_seconds(told['answer_ms'])}"
    )


@check("TLS to HOST", "tls", "a verified server answers HTTP, within 30 s", "docs/tls.md")
def tls(told, _):
    good = told["answer"].startswith("HTTP/1.") and told["tls_ms"] <= 30000
    return _verdict(good), _visit(told)


@check("Supply while sending", "tls", "the modem sees 3.5 to 4.3 V", "M 83; HW: 3.4 to 4.4 V")
def supply_voltage(told, _):
    return _verdict(3500 <= told["battery"] <= 4300), f"{told['battery']} mV"


@check(
    "TLS, resumed",
    "tls_again",
    "the second connection resumes the session",
    "docs/tls.md; RFC 5077",
)
def tls_again(told, _):
    how = "resumed" if told["reused"] else "not resumed: a full handshake again"
    return _verdict(told["reused"]), f"{how}; {_visit(told)}"


@check(
    "Wi-Fi beside PPP", "wifi", "a scan, and HOST is reached over PPP meanwhile", "network.WLAN"
)
def wifi(told, _):
    if not told["there"]:
        return NOT_TESTABLE, "no Wi-Fi in this firmware"
    good = told["up"] and told["up_after"] and told["reached_ms"] <= 20000
    return _verdict(good), (
        f"{told['networks']} networks, HOST reached after {_seconds(told['reached_ms'])}, "
        f"{'link up' if told['up_after'] else 'link lost'}, {told['free'] // 1000} kB free"
    )


@check(
    "Soft reset with the link up",
    "after_reset",
    "up again within 40 s, names are found",
    "docs/link.md",
)
def soft_reset(told, _):
    good = told["up"] and told["name"] and told["back_ms"] <= 40000
    return _verdict(good), f"up again after {_seconds(told['back_ms'])}"


@check(
    "Deep sleep and back",
    "after_sleep",
    "it wakes, the clock goes on, up within 90 s, the TLS session is resumed",
    "ESP32 data sheet; docs/tls.md",
)
def deep_sleep(told, _):
    clock = "clock kept" if told["clock"] else "clock lost"
    resumed = "session resumed" if told["reused"] else "full handshake"
    good = told["cause"] and told["clock"] and told["back_ms"] <= 90000 and told["reused"]
    return _verdict(good), f"up again after {_seconds(told['back_ms'])}, {clock}, {resumed}"


@check("Restarts by itself", "finish", "none (a weak supply makes them)", "LilyGO's issue 87")
def restarts(told, all_told):
    before = all_told.get("connect", {})
    if "rx" not in told or "rx_before" not in before:
        return NOT_TESTABLE, "there was no link"
    spent = told["rx"] + told["tx"] - before["rx_before"] - before["tx_before"]
    seen = [name for name in told["events"] if name in ("restarted", "voltage", "switched off")]
    return _verdict(
        not seen
    ), f"{', '.join(seen) or 'none'}; {spent / 1000:.0f} kB were carried in all"


def markdown() -> str:
    """The checks as rows of the table in docs/check.md."""
    return "".join(
        f"| {check.title} | `{check.name}` | {check.expected} | {check.source} |\n"
        for check in CHECKS
    )


if __name__ == "__main__":
    print(markdown(), end="")
