"""Every fault word there is, by the part it strikes: what can go wrong, or just happen, in the simulator.

`python -m faults` lists them (docs/faults.md is the same). They are written in a scenario's events, in
SIM800.inject(), on the standard input of `python -m sim800`, in tests/playing.py's do() and in tests/data/faults.toml,
everywhere in the way that vocabulary.py says. What is said of "from now on" holds for later data calls, too.
"""

import re
import sys
from dataclasses import replace

from network.dns import RCODES
from network.internet import NOBODY
from network.ntp import PORT as NTP_PORT
from sim800 import cmux
from sim800.errors import CMS_TEXT
from sim800.scenario import USSD
from vocabulary import (
    BAUD,
    BITRATE,
    BYTES,
    CODE,
    COUNT,
    DEGREES,
    MILLIVOLTS,
    OFFSET,
    PERCENT,
    SECONDS,
    SHARE,
    SWITCH,
    TEXT,
    Kind,
    Vocabulary,
)

WAY = Kind("way", words=("to_modem", "to_host", "both"))
LINK_WAY = Kind("way", words=("up", "down", "both"))
HEX = Kind("hex")
PPP_MOMENT = Kind("moment", words=("begin", "lcp", "ip"))
N1 = Kind("bytes", int, 1, 255)
STAT = Kind("stat", int, 0, 5)
CMS_CODE = Kind("code", int, words=tuple(CMS_TEXT))
RCODE = Kind("rcode", words=tuple(RCODES))
CLASS = Kind("class", int, 0, 3)
CHARGING = Kind("code", int, 0, 2)
WRONG_ADDRESS = "198.51.100.9"  # nobody is there


class Board:
    """the ESP32 and its console"""

    def interrupt(board, seconds: SECONDS = 0):
        """Ctrl-C on the console, after so long"""
        board.clock.call_later(seconds, board.interrupt)


class Power:
    """the modem's supply"""

    def supply_cut(modem, seconds: SECONDS = None):
        """VBAT is gone at once (for so long, or until the board switches it again)"""
        modem.supply(False)
        if seconds is not None:
            modem.clock.call_later(seconds, modem.supply, True)

    def brown_out(modem):
        """a dip of the supply: the modem dies and boots again, its clock lost"""
        if modem.power.state == "on":
            modem.rtc.lose()
            modem.power.restart("brown-out")

    def battery(
        modem, charging: CHARGING = 0, percent: PERCENT = 50, millivolts: MILLIVOLTS = 3700
    ):
        """what AT+CBC says from now on (charging: 1 it is, 2 it is full), with the warnings that voltage brings"""
        modem.battery.set(charging, percent, round(millivolts))

    def battery_falls(modem, millivolts: MILLIVOLTS = 1.0):
        """the voltage falls by so much each second (0: no longer)"""
        modem.battery.fall(millivolts)

    def undervoltage_warning(modem):
        """UNDER-VOLTAGE WARNNING"""
        modem.urc("UNDER-VOLTAGE WARNNING")

    def undervoltage_off(modem):
        """UNDER-VOLTAGE POWER DOWN, then off, as with AT+CBATCHK=1"""
        modem.power_down_with("UNDER-VOLTAGE POWER DOWN")

    def overvoltage_warning(modem):
        """OVER-VOLTAGE WARNNING"""
        modem.urc("OVER-VOLTAGE WARNNING")

    def overvoltage_off(modem):
        """OVER-VOLTAGE POWER DOWN, then off, as with AT+CBATCHK=1"""
        modem.power_down_with("OVER-VOLTAGE POWER DOWN")


class Modem:
    """the modem's firmware"""

    def modem_reset(modem):
        """the firmware crashes and boots again"""
        if modem.power.state == "on":
            modem.power.restart("crash")

    def silent(modem):
        """the firmware hangs: neither hears nor says anything until reset or power off"""
        modem.hang()

    def dead(modem, on: SWITCH = True):
        """from now on the modem takes power and keys, and never says a byte (on=0: it does again)"""
        modem.dead = on
        modem.line.dead = on or modem.mode in ("off", "booting")

    def late_answers(modem, seconds: SECONDS):
        """every answer comes so much later (0: no longer)"""
        modem.interpreter.extra_latency = seconds
        if modem.mux is not None:
            for port in modem.mux.ports.values():
                port.interpreter.extra_latency = seconds

    def command_echo(modem, on: SWITCH = True):
        """command echo is on, as after an unseen reset of the profile (on=0: off, as somebody else's leaves it)"""
        modem.settings["E"] = int(on)

    def left_at_prompt(modem):
        """somebody begins a message and goes away: what comes is its text, until ESC or Ctrl-Z"""
        if modem.mode == "command" and not modem.interpreter.busy:
            modem.interpreter.reader.reset()
            number = '"+491701234567"' if modem.settings["+CMGF"] else "20"
            modem.interpreter.receive(f"AT+CMGS={number}\r".encode())

    def urc(modem, text: TEXT, with_answer: SWITCH = False):
        """the modem says `text` unasked (with_answer: between the lines of its next answer)"""
        modem.urc(text, with_answer)

    def clock_says(modem, text: TEXT = "80/01/06,00:00:00+00"):
        """AT+CCLK? says that from now on, whatever the time is (text='': what its clock has)"""
        modem.rtc.says = text

    def http_ends(modem, code: CODE = 604):
        """the next AT+HTTPACTION ends with this status (as 602, no memory), and sends nothing"""
        modem.http_code = code

    def location_ends(modem, code: CODE = 404):
        """the next +CIPGSMLOC says this code (404, 408, 601 to 604), +CLBS what is like it"""
        modem.location_code = code


class Line:
    """the serial line"""

    def other_rate(modem, baud: BAUD):
        """the modem is at another baud rate all of a sudden"""
        modem.line.change_rate(baud)

    def drop_bytes(modem, count: BYTES = 0, rate: SHARE = 0.0, way: WAY = "both"):
        """the next `count` bytes are lost, and from then on a share of `rate`"""
        for damage in _ways(modem, way):
            damage.drop_next += count
            damage.rates["drop"] = rate

    def flip_bits(modem, rate: SHARE, way: WAY = "both"):
        """a share of `rate` of the bytes has one bit wrong (0: no longer)"""
        for damage in _ways(modem, way):
            damage.rates["flip"] = rate

    def double_bytes(modem, rate: SHARE, way: WAY = "both"):
        """a share of `rate` of the bytes arrives twice (0: no longer)"""
        for damage in _ways(modem, way):
            damage.rates["double"] = rate

    def flash_erased(modem, seconds: SECONDS = 0.05, every: SECONDS = 0):
        """the host does not read its UART for so long, as while its flash is erased: what does not fit into 128 bytes is lost (every: again so often; 0: once, or no longer)"""
        modem.line.to_dte.unread(modem.clock, seconds, every)

    def rate_noise(modem, above: BAUD = 230400, rate: SHARE = 0.02, way: WAY = "both"):
        """while the line is faster than `above`, a share of `rate` of the bytes has one bit wrong"""
        for damage in _ways(modem, way):
            damage.noise_above, damage.noise = above, rate


def _ways(modem, way):
    return {
        "to_modem": [modem.line.from_dte],
        "to_host": [modem.line.to_dte],
        "both": [modem.line.from_dte, modem.line.to_dte],
    }[way]


class Multiplexer:
    """AT+CMUX; the last five do nothing where the modem does not multiplex"""

    def cmux_refuse_once(modem):
        """the next AT+CMUX ends with an error"""
        modem.refuse_cmux_once = True

    def cmux_lose_ua(modem, count: COUNT = 1):
        """the next `count` UA of the multiplexer do not reach the host"""
        modem.ua_lost = count

    def cmux_lose_sabm(modem, count: COUNT = 1):
        """the next `count` SABM that come while the modem waits for the answer to its MSC are lost"""
        modem.sabm_lost = count

    def cmux_otherwise(modem, longest: N1 = None, baud: BAUD = None):
        """from now on OK to AT+CMUX, and then another N1 (`longest`) than asked for, or another baud rate (neither: as asked for)"""
        modem.mux_otherwise = (longest, baud)

    def cmux_fcoff(modem, on: SWITCH = True):
        """the multiplexer says FCoff and takes no more data, for ever (on=0: FCon, it does again)"""
        if modem.mux is not None:
            modem.mux.deaf = on
            modem.mux.ask(cmux.FCOFF if on else cmux.FCON)

    def cmux_stop(modem, dlci: COUNT = 1, on: SWITCH = True):
        """MSC with FC for one DLCI: it wants no more data (on=0: it does again)"""
        if modem.mux is not None:
            signals = cmux.SIGNALS | (cmux.FC if on else 0)
            modem.mux.ask(cmux.MSC, bytes((dlci << 2 | 3, signals)))

    def cmux_disc(modem, dlci: COUNT = 1):
        """the modem closes one DLCI"""
        if modem.mux is not None:
            modem.mux.disconnect(dlci)

    def cmux_cld(modem):
        """the modem closes the multiplexer and is back at AT commands"""
        if modem.mux is not None:
            modem.mux.ask(cmux.CLD)


class SIM:
    """the SIM card"""

    def sim_removed(modem):
        """the card is pulled out"""
        modem.card.inserted = False
        modem.card.power(False)
        modem.deactivate_contexts("SIM removed")
        modem.radio.stop()
        modem.urc("+CPIN: NOT INSERTED")
        if modem.settings["+CSMINS"]:
            modem.urc("+CSMINS: 1,0")

    def sim_inserted(modem):
        """the card is there again; a modem notices when it starts"""
        modem.card.power(False)
        modem.card.inserted = True
        if modem.settings["+CSMINS"]:
            modem.urc("+CSMINS: 1,1")


class Radio:
    """registration, cell and signal"""

    def registration_lost(modem, stat: STAT = 2):
        """+CREG and +CGREG fall to `stat` (0 not searching, 2 searching, 3 denied, 4 unknown, 5 abroad)"""
        modem.radio.lose(stat)

    def registration_back(modem):
        """registered again, as the scenario's registration ends"""
        modem.radio.settle()

    def no_network(modem, on: SWITCH = True, stat: STAT = 2):
        """there is no network any more (stat=3: none that takes this SIM; 5: one abroad), until on=0"""
        modem.radio.gone = stat if on else None
        modem.radio.settle()

    def network_time(modem):
        """the network tells its time once, whatever the scenario's `nitz` says (only when asked with AT+CLTS=1)"""
        modem.take_network_time()

    def cell_change(modem, lac: TEXT = "1A2B", cell: TEXT = "3C4E"):
        """the modem moves to another cell"""
        modem.radio.move(lac, cell)

    def position(modem, longitude: DEGREES = 0.0, latitude: DEGREES = 0.0):
        """another place, for +CIPGSMLOC and +CLBS"""
        modem.radio.position = (longitude, latitude)

    def signal(modem, rssi: CODE, ber: CODE = 0):
        """another signal strength for AT+CSQ"""
        modem.radio.csq = (rssi, ber)


class Services:
    """calls, messages and USSD"""

    def ring(modem, number: TEXT = "+491709876543", count: COUNT = 5):
        """a voice call rings `count` times (number='': it is withheld)"""
        modem.calls.ring(number, count)

    def call_ended(modem):
        """the other side hangs up, or gives up ringing: NO CARRIER"""
        modem.calls.end("NO CARRIER")

    def tone_heard(modem, key: TEXT, ms: COUNT = 160):
        """the other side presses a key, for so many milliseconds: +DTMF, if AT+DDET asks for it"""
        modem.calls.tone(key, ms)

    def sms_received(
        modem,
        number: TEXT = "+491709876543",
        text: TEXT = "Hello",
        kind: CLASS = None,
        backwards: SWITCH = False,
        without: COUNT = 0,
    ):
        """somebody writes to the modem (`kind`: message class); long ones may come `backwards` or `without` a part"""
        modem.messages.center.send(number, text, kind, backwards, without)

    def sms_pdu_received(modem, tpdu: TEXT):
        """the same, with any SMS-DELIVER in hex, without a service centre before it"""
        modem.messages.center.send_pdu(bytes.fromhex(tpdu))

    def sms_refused_once(modem, code: CMS_CODE = 38, seconds: SECONDS = 0):
        """the network refuses the next message with this +CMS ERROR, after so long (332, 60: its timeout)"""
        modem.messages.center.refusal = (code, seconds)

    def ussd_received(modem, text: TEXT = "Hello", menu: SWITCH = False):
        """the network sends USSD by itself (menu: and waits for an answer)"""
        if modem.radio.registered:
            modem.ussd.say(USSD(text, replies={} if menu else None))


class Bearer:
    """attach, PDP contexts and the data call"""

    def carrier_lost(modem, no_carrier_after: SECONDS = None):
        """the bearer dies without a word, and PPP with it (NO CARRIER so much later, or never)"""
        modem.lose_carrier(no_carrier_after)

    def bearer_silent(modem):
        """the bearer dies without a word; the modem's PPP lives on and answers echo, but nothing gets through"""
        if modem.ppp is not None:
            modem.ppp.cut = True

    def no_data(modem, on: SWITCH = True):
        """from now on the network carries no data, over any call (on=0: it does again)"""
        modem.set_ppp("cut", on)

    def no_carrier(modem):
        """the network ends the data call: NO CARRIER"""
        modem.hang_up("fault")

    def call_refuse_once(modem):
        """the next data call gets NO CARRIER, for no reason the modem would tell"""
        modem.refuse_call_once = True

    def apn_refused(modem, on: SWITCH = True):
        """from now on the network knows no APN (on=0: it does again)"""
        modem.radio.refuse_apns = on

    def pdp_silent(modem, on: SWITCH = True):
        """the network answers neither +CIICR nor +SAPBR=1: an error after 85 s (on=0: it does again)"""
        modem.radio.pdp_silent = on

    def pdp_deact(modem):
        """the network deactivates all PDP contexts: +PDP: DEACT, NO CARRIER"""
        modem.deactivate_contexts("PDP deactivated")

    def gprs_detach(modem):
        """the network detaches the modem from GPRS: all contexts end"""
        modem.deactivate_contexts("GPRS detach")
        modem.radio.set("cgreg", 0)


class PPP:
    """the modem's PPP end: LCP, authentication, IPCP"""

    def ppp_silent(modem, on: SWITCH = True, no_carrier_after: SECONDS = None):
        """from now on CONNECT, then never a PPP byte (NO CARRIER so much later, or never; on=0: it speaks again)"""
        modem.silent_calls = (no_carrier_after,) if on else ()

    def ppp_loopback(modem, on: SWITCH = True):
        """from now on PPP's bytes come back as they went, as from a modem that echoes (on=0: no longer)"""
        modem.set_ppp("loopback", on)

    def ppp_damaged(modem, rate: SHARE = 0.1):
        """from now on a share of `rate` of the frames from the modem has a wrong FCS (0: no longer)"""
        modem.set_ppp("bad_fcs", rate)

    def ppp_input_fails(modem, seconds: SECONDS = None):
        """the host takes in no more of this call's PPP, while the modem hears the host (for so long, or to the call's end)"""
        if modem.ppp is not None:
            modem.ppp.unheard = True
            if seconds is not None:
                modem.clock.call_later(seconds, setattr, modem.ppp, "unheard", False)

    def false_connect(modem, on: SWITCH = True):
        """from now on CONNECT, and the modem stays in command mode: it echoes PPP, if command echo is on (on=0: no longer)"""
        modem.false_connects = on

    def lcp_naks(modem, on: SWITCH = True):
        """from now on the modem's PPP agrees to no LCP Configure-Request (on=0: it does again)"""
        modem.set_ppp("nak_forever", on)

    def lcp_terminate(modem):
        """the modem's PPP sends an LCP Terminate-Request, then NO CARRIER"""
        if modem.ppp is not None:
            modem.ppp.terminate()

    def echo_stops(modem):
        """this call's PPP answers LCP Echo-Requests no more, all else goes on"""
        if modem.ppp is not None:
            modem.ppp.echo_replies = False

    def echo_late(modem, seconds: SECONDS):
        """from now on LCP Echo-Replies come so much later (0: at once)"""
        modem.set_ppp("echo_delay", seconds)

    def pap_refuse_once(modem):
        """the next PPP session's authentication is refused, whatever is offered"""
        modem.refuse_pap_once = True

    def ppp_rejects_codes(modem, on: SWITCH = True):
        """from now on the modem's PPP knows no packet: each gets a Code-Reject (on=0: no longer)"""
        modem.set_ppp("reject_codes", on)

    def ppp_says(modem, protocol: HEX, packet: HEX = "", when: PPP_MOMENT = "begin"):
        """from now on each call's PPP says this packet beside its own, as it begins or comes up (hex; ?? is the identifier heard last; packet='': no longer)"""
        number, said = int(protocol, 16), modem.ppp_faults.get("says", ())
        byte = [None if pair == "??" else int(pair, 16) for pair in re.findall("..", packet)]
        kept = tuple(row for row in said if byte or row[1] != number)
        modem.set_ppp("says", (*kept, (when, number, byte)) if byte else kept)

    def ipcp_no_dns(modem, on: SWITCH = True):
        """from now on IPCP tells no name servers: it rejects the options (on=0: it tells them again)"""
        modem.set_ppp("name_servers", not on)


class Air:
    """the radio link's packets, both ways"""

    def air(
        internet,
        down: BITRATE = None,
        up: BITRATE = None,
        rtt: SECONDS = None,
        jitter: SECONDS = None,
        loss: SHARE = None,
    ):
        """another rate, round trip, jitter or share of packets lost; what is not said stays"""
        given = {"down": down, "up": up, "rtt": rtt, "jitter": jitter, "loss": loss}
        internet.air = replace(internet.air, **{k: v for k, v in given.items() if v is not None})

    def packets_over_vanish(internet, size: BYTES, way: LINK_WAY = "both"):
        """IP packets of more than `size` bytes vanish, as in a black hole of path MTU discovery (0: no longer)"""
        for name, pipe in (("up", internet.up), ("down", internet.down)):
            if way in (name, "both"):
                pipe.set_air(replace(pipe.air, largest=size or None))

    def ping(internet, on: SWITCH = True, cut: BYTES = None):
        """on=0: no ICMP echo is answered any more, as by an operator's filter; cut: answers have so many bytes of data at most"""
        internet.ping, internet.ping_cut = on, cut


class DNS:
    """the network's name servers"""

    def dns(internet, delay: SECONDS = 0.0, dead: COUNT = 0, wrong: SWITCH = False):
        """they answer late, the first `dead` (the operator's, then public ones) not at all, or all with a wrong address (without arguments: all is well)"""
        internet.dns_delay, internet.dns_dead = delay, dead
        internet.wrong_address = WRONG_ADDRESS if wrong else None

    def dns_refuses(internet, count: COUNT = 1, rcode: RCODE = "SERVFAIL"):
        """the next `count` questions are answered with an error"""
        internet.dns_refusals = (count, rcode)


class Servers:
    """the servers in the internet"""

    def servers_silent(internet, on: SWITCH = True):
        """the servers answer nothing any more; name servers do (on=0: they are back)"""
        internet.reroute(None, NOBODY if on else None)

    def ntp_silent(internet, on: SWITCH = True):
        """no NTP server answers (on=0: they do again)"""
        internet.reroute(NTP_PORT, NOBODY if on else None)

    def ntp_wrong(internet, seconds: OFFSET = 86400):
        """the NTP servers' time is so far ahead, or behind where it is below 0 (0: it is right again)"""
        internet.offset_ntp(seconds)


WORDS = Vocabulary(
    Board, Power, Modem, Line, Multiplexer, SIM, Radio, Services, Bearer, PPP, Air, DNS, Servers
)

PAGE = """\
# Faults and events

<!-- Made by `PYTHONPATH=simulator python -m faults --markdown`; tests/simulator/test_fault_words.py compares. -->

Every word the simulator has for what can go wrong or just happen, by the part it strikes. In a test's script
`do("WORD NAME=VALUE ...")`, on the standard input of `python -m sim800` `inject WORD ...`, in a scenario
`Event("WORD ...", when="connect", after=5)`, in the [fault table](../tests/data/faults.toml) `do = ["WORD ..."]`.
`later 10 WORD ...` strikes ten seconds later. What stands in brackets may be left out; the value shown is then taken.
Times are simulated seconds. `python -m sim800` alone has no board.
"""

if __name__ == "__main__":
    sys.stdout.write(PAGE + WORDS.markdown() if "--markdown" in sys.argv else WORDS.listing())
