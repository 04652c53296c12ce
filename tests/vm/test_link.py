"""The package on the board, from a modem without power to HTTPS, and what can go wrong on the way."""

import datetime

import pytest
from board.tcall import BOARDS
from network.dns import RCODES
from sim800.scenario import APN, SIM, Event, Modem, Radio

UP = """
nic = ppp_sim800.PPP("internet")
nic.connect()
"""

TLS = """
import requests, tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(open("root.der", "rb").read())
"""


def test_https_get_and_post(play):
    played = play(
        UP
        + TLS
        + """
import json
reply = requests.get("https://telemetry.example/ip", ssl_context=context)
print("get=%d" % reply.status_code)
reading = {"weight": 42.7, "who": "Bienenstöcke"}
reply = requests.post("https://telemetry.example/post", json=reading, ssl_context=context)
print("post=%d" % reply.status_code)
print("same=%s" % (reply.json()["json"] == reading))
print("address=" + ",".join(nic.ifconfig()))
print("status=" + nic.status())
nic.disconnect()
print("after=%s,%s" % (nic.isconnected(), nic.status()))
"""
    )
    assert played.value("get") == "200"
    assert played.value("post") == "200"
    assert played.value("same") == "True"
    assert played.value("address") == "10.64.64.64,255.255.255.255,192.168.254.254,10.64.0.1"
    assert played.value("status") == "up"
    assert played.value("after") == "False,on"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("unknownca", "not correctly signed by the trusted CA"),
        ("wronghost", "does not match with the expected CN"),
        ("expired", "validity has expired"),
    ],
)
def test_bad_certificate_is_refused(play, host, reason):
    played = play(
        UP
        + TLS
        + f"""
try:
    requests.get("https://{host}.example/ip", ssl_context=context)
    print("error=none")
except (OSError, ValueError) as error:
    print("error=" + str(error).strip())
"""
    )
    assert reason in played.value("error")


def test_https_is_checked_by_default(play):
    played = play(
        UP
        + """
import requests
try:
    requests.get("https://telemetry.example/ip")
    print("error=none")
except (OSError, ValueError) as error:
    print("error=" + str(error).strip())
"""
    )
    assert '"Test Root", which is not trusted' in played.value("error")


def test_clock_is_set_from_the_network(play):
    script = """
print("before=%d" % time.gmtime()[0])
nic = ppp_sim800.PPP("internet")
nic.connect()
print("after=%04d-%02d-%02d %02d:%02d" % time.gmtime()[:5])
"""
    played = play(script, utc="2027-02-28T23:59:30")
    assert played.value("before") == "2000"
    assert played.value("after") in [f"2027-0{d} 00:0{m}" for d in ("3-01",) for m in range(3)] + [
        "2027-02-28 23:59"
    ]


YEAR = """
nic = ppp_sim800.PPP("internet")
start = time.ticks_ms()
nic.connect()
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
print("status=%s,%d" % (nic.status(), time.gmtime()[0]))
"""


def test_without_network_time_ntp_sets_the_clock(play):
    played = play(YEAR, radio=Radio(nitz=False))
    assert played.value("status") == f"up,{datetime.datetime.now(datetime.UTC).year}"


@pytest.mark.parametrize("who", ["silentntp.example", "oldntp.example", None, ""])
def test_without_any_time_the_clock_stays_and_the_link_is_up(play, internet, who):
    names = dict.fromkeys(("pool.ntp.org", "1.pool.ntp.org"), internet.names.get(who, who))
    played = play(YEAR, radio=Radio(nitz=False), names=names)
    assert played.value("status") == "up,2000"


def test_silent_name_servers_do_not_hold_up_all_else(play):
    played = play(
        """
from machine import WDT
do("dns dead=4")
nic = ppp_sim800.PPP("internet")
nic.ensure(wdt=WDT(timeout=6000))
print("status=%s,%d" % (nic.status(), time.gmtime()[0]))
""",
        radio=Radio(nitz=False),
    )
    assert played.value("status") == "up,2000"


def test_power_key_is_pressed_as_the_manual_says(play):
    played = play(UP + "nic.active(False)")
    (press,) = played.journal.seen("pin", "PWRKEY high")
    assert 1.0 <= press.fields["width"] <= 1.4
    assert played.journal.seen("at", "> AT+CPOWD=1")
    assert played.journal.seen("pin", "supply off")


def test_modem_that_is_on_is_not_pressed(play):
    played = play(UP, modem=Modem(start="command"), speed=3)
    assert not played.journal.seen("pin", "PWRKEY low")


@pytest.mark.parametrize("ipr", [9600, 57600, 460800])
def test_modem_at_another_baud_rate_is_found(play, ipr):
    played = play(UP + 'print("status=" + nic.status())', modem=Modem(ipr=ipr))
    assert played.value("status") == "up"


def test_modem_left_in_data_mode_is_found(play):
    played = play(UP + 'print("status=" + nic.status())', modem=Modem(start="data"))
    assert played.value("status") == "up"


def test_commands_while_online_are_refused_in_words(play):
    """In plain data mode; over the multiplexer they are done, see test_multiplexed.py."""
    up = UP.replace('"internet"', '"internet", multiplex=False')
    played = play(up + 'timed("signal", nic.modem.radio.signal)')
    assert played.value("signal").startswith("ConfigError: the line carries PPP")


def test_connect_disconnect_again_and_again(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
for _ in range(5):
    nic.connect()
    nic.connect()
    print("up=" + nic.resolve("telemetry.example"))
    nic.disconnect()
    nic.disconnect()
"""
    )
    assert played.lines.count("up=203.0.113.10") == 5


# What can go wrong: scenario, the error, words of its sentence, what the script does about it, and whether
# the next connect() is then expected to succeed. `limit` is in simulated seconds.

DENIED = ((0.3, 3), (30.0, 1))
NOT_YET = ((0.3, 2), (40.0, 1))

FAILURES = {
    "silent": ({"events": (Event("dead"),)}, "ModemSilent", "supply", "", None, 40),
    "no SIM": ({"sim": SIM(inserted=False)}, "SIMAbsent", "insert", "", None, 30),
    "PIN missing": (
        {"sim": SIM(pin="4711")}, "PINRequired", 'pin="1234"', 'nic.config(pin="4711")', "ok", 30,
    ),
    "PIN wrong": (
        {"sim": SIM(pin="1111")}, "PINWrong", "2 tries left", 'nic.modem.sim.unlock("1111")', "ok", 30,
    ),
    "PIN wrong before": (
        {"sim": SIM(pin="4711", pin_tries=2)}, "PINWrong", "not tried again by itself", "", "PINWrong", 30,
    ),
    "PUK": ({"sim": SIM(pin="4711", locked="PUK")}, "PUKRequired", "PUK", "", "PUKRequired", 30),
    "denied": (
        {"radio": Radio(registration=DENIED)}, "RegistrationDenied", "2G", 'do("registration_back")', "ok", 40,
    ),
    "no network": (
        {"radio": Radio(registration=NOT_YET)}, "NoNetwork", "antenna", 'do("registration_back")', "ok", 50,
    ),
    "GPRS denied": (
        {"radio": Radio(gprs_registration=DENIED)}, "RegistrationDenied", "GPRS refuses", "", None, 50,
    ),
    "APN unknown": (
        {"radio": Radio(apns={"iot.example": APN()})}, "APNRefused", '"internet"', 'nic.config(apn="iot.example")', "ok", 60,
    ),
    "auth": (
        {"radio": Radio(apns={"internet": APN("pap", "bee", "honey")})},
        "AuthRefused", "user and password", 'nic.config(user="bee", password="honey")', "ok", 60,
    ),
    "no carrier before CONNECT": (
        {"events": (Event("call_refuse_once"),)}, "NoCarrier", "try again", "", "ok", 90,
    ),
    "no carrier after CONNECT": (
        {"events": (Event("ppp_silent no_carrier_after=0.5"),)}, "NoCarrier", "before PPP was up", "", "NoCarrier", 100,
    ),
    "PPP silent": ({"events": (Event("ppp_silent"),)}, "NegotiationFailed", "did not come up", "", "NegotiationFailed", 100),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_failure(play, name):
    scenario, error, words, remedy, again, limit = FAILURES[name]
    played = play(
        f"""
nic = ppp_sim800.PPP("internet", pin={'"9999"' if "wrong" in name else None})
timed("first", nic.connect, timeout=20000)
print("status=" + nic.status())
{remedy}
if {again is not None}:
    timed("second", nic.connect, timeout=30000)
    timed("third", nic.disconnect)
    timed("at", nic.modem.at, "AT")
""",
        **scenario,
    )
    assert played.value("first").startswith(error + ": ")
    assert words in played.value("first")
    assert int(played.value("first_ms")) < limit * 1000
    assert played.value("status") == "failed"
    if again:
        assert played.value("second").startswith(again)
        assert played.value("at") == "ok"


def test_wrong_pin_is_sent_once(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet", pin="9999")
for attempt in range(3):
    timed("try", nic.connect)
timed("again", ppp_sim800.PPP("internet", pin="9999").connect)
""",
        sim=SIM(pin="1111"),
    )
    assert len(played.journal.seen("at", "> AT+CPIN=")) == 1
    assert "2 tries left" in played.value("again")


def test_secrets_are_in_no_trace(play):
    played = play(
        """
trace = []
nic = ppp_sim800.PPP("internet", "bee", "h0ney", pin="4711", trace=lambda *line: trace.append(line))
nic.connect()
print(trace, nic, repr(nic), nic.config("user"))
""",
        sim=SIM(pin="4711"),
        radio=Radio(apns={"internet": APN("pap", "bee", "h0ney")}),
    )
    told = played.result.stdout + "".join(str(entry) for entry in played.journal.entries)
    assert "AT+CPIN=****" in told
    assert "4711" not in told
    assert "h0ney" not in told


@pytest.mark.parametrize("auth", ["pap", "chap"])
def test_authentication(play, auth):
    played = play(
        f"""
nic = ppp_sim800.PPP("internet", "bee", "honey", auth="{auth}")
nic.connect()
print("status=" + nic.status())
""",
        radio=Radio(apns={"internet": APN(auth, "bee", "honey")}),
    )
    assert played.value("status") == "up"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("7", "must be a str"),
        ("None", "must be a str"),
        ("''", "empty"),
        ("'a b'", "blanks"),
        ("'a\"b'", "without quotes"),
        ("'x' * 100", "at most 99"),
        ("'internet', 5", "user must be a str"),
        ("'internet', 'a', b'b'", "password must be a str"),
        ("'internet', auth='mschap'", "auth must be"),
        ("'internet', pin=1234", "PIN must be"),
        ("'internet', pin='12'", "PIN must be"),
    ],
)
def test_bad_argument(play, arguments, words):
    played = play(f'timed("made", lambda: ppp_sim800.PPP({arguments}))')
    assert played.value("made").startswith("ConfigError: ")
    assert words in played.value("made")
    assert not played.journal.seen("at")


def test_resolve(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
timed("offline", nic.resolve, "telemetry.example")
nic.connect()
print("address=" + nic.resolve("telemetry.example"))
timed("unknown", nic.resolve, "nobody.example")
timed("silent", nic.resolve, "silent.example")
print("status=" + nic.status())
""",
        names={"nobody.example": None, "silent.example": ""},
    )
    assert played.value("offline").startswith("NoCarrier: not connected")
    assert played.value("address") == "203.0.113.10"
    assert played.value("unknown").startswith("NameNotFound: ")
    assert "no such name" in played.value("unknown")
    assert played.value("silent").startswith("NameNotFound: ")
    assert "no name server answered" in played.value("silent")
    assert int(played.value("silent_ms")) < 20_000
    assert played.value("status") == "up"


def test_what_a_name_server_says_is_told_apart(play):
    """RCODEs (RFC 1035 4.1.1), names without an IPv4 address, what is no address: each has its sentence."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
for rcode in ("SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"):
    do("dns_refuses count=1 rcode=" + rcode)
    print(rcode + "_once=" + nic.resolve(rcode + ".example"))
    do("dns_refuses count=9 rcode=" + rcode)
    timed(rcode, nic.resolve, "nothing.example")
    do("dns_refuses count=0")
timed("six", nic.resolve, "six.example")
for host in ("999.1.1.1", "1.2.3", "1.2.3.4.5", "1..2.3", "...", "", "x..example", "y" * 64 + ".example"):
    try:
        nic.resolve(host)
    except ValueError as error:
        print("no_address=%s" % error)
print("address=" + nic.resolve("192.0.2.1"))
print("dot=" + nic.resolve("telemetry.example."))
print("letters=" + nic.resolve("TELEMETRY.example"))
""",
        names={
            "six.example": "2001:db8::1",
            **{f"{rcode}.example": "203.0.113.10" for rcode in RCODES[:4]},
        },
    )
    for rcode in RCODES[:4]:
        assert played.value(f"{rcode}_once") == "203.0.113.10"
        assert played.value(rcode).endswith(
            f"the name server does not answer this question ({rcode}): try again later, or another name"
        )
        assert int(played.value(f"{rcode}_ms")) < 6_000
    assert "it has no IPv4 address" in played.value("six")
    told = [line for line in played.lines if line.startswith("no_address=")]
    assert len(told) == 8
    assert all('" is no host: ' in line for line in told), told
    assert played.value("address") == "192.0.2.1"
    assert played.value("dot") == played.value("letters") == "203.0.113.10"


def test_an_answer_is_known_for_as_long_as_it_says(play):
    """The simulator's name servers say 60 s; four names at once."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
names = ["telemetry.example", "plain.example", "p256.example", "ids.example", "expired.example"]
for name in names[:4] * 2 + names[4:] + names[:1]:
    nic.resolve(name)
time.sleep(61)
print("address=" + nic.resolve("plain.example"))
"""
    )
    assert played.value("address").startswith("203.0.113.")
    asked = [entry.what.split(":")[0] for entry in played.journal.seen("dns")]
    names = ["telemetry", "plain", "p256", "ids", "expired", "telemetry", "plain"]
    assert [name for name in asked if "ntp" not in name] == [f"{name}.example" for name in names]


def test_an_access_point_without_name_servers(play):
    """Public ones are asked then, by the package and by lwIP, unless the script says whom to ask, or nobody."""
    played = play(
        """
import socket
do("ipcp_no_dns")
nic = ppp_sim800.PPP("internet")
nic.connect()
print("address=" + nic.resolve("telemetry.example"))
print("lwip=" + socket.getaddrinfo("telemetry.example", 80)[0][-1][0])
print("dns=%s" % (nic.config("dns"),))
nic.disconnect()
nic.config(dns="1.1.1.1")
nic.connect()
print("own=%s %s" % (nic.ipconfig("dns"), nic.resolve("p256.example")))
nic.disconnect()
nic.config(dns=None)
nic.connect()
timed("nobody", nic.resolve, "ids.example")
for value in ("dns.example", "8.8.8.08", "1.2.3", ("9.9.9.9", 5), 5, b"9.9.9.9"):
    timed("wrong", nic.config, dns=value)
print("kept=%s" % (nic.config("dns"),))
"""
    )
    assert played.value("address") == played.value("lwip") == "203.0.113.10"
    assert played.value("dns") == "('9.9.9.9', '1.1.1.1')"
    assert played.value("own").startswith("1.1.1.1 198.51.100.")
    assert played.value("nobody").endswith('set one by config(dns="9.9.9.9")')
    told = [line for line in played.lines if line.startswith("wrong=")]
    assert len(told) == 6
    assert all(line.startswith("wrong=ConfigError: dns must be IPv4") for line in told), told
    assert played.value("kept") == "()"


def test_modem_restart_while_talking_is_told(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
do("modem_reset")
start = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), start) < 8000:
    timed("signal", nic.modem.radio.signal)
    time.sleep_ms(100)
timed("again", nic.connect)
""",
        modem=Modem(ipr=115200),
    )
    told = [line for line in played.lines if line.startswith("signal=")]
    assert any("ModemRestarted" in line for line in told)
    assert played.value("again") == "ok"


def test_carrier_lost_is_noticed_and_mended(play):
    played = play(
        UP
        + """
do("carrier_lost")
start = time.ticks_ms()
while nic.isconnected() and time.ticks_diff(time.ticks_ms(), start) < 60000:
    time.sleep_ms(100)
print("noticed=%d" % time.ticks_diff(time.ticks_ms(), start))
print("status=" + nic.status())
timed("again", nic.connect)
print("address=" + nic.resolve("telemetry.example"))
"""
    )
    assert int(played.value("noticed")) <= 40_000
    assert played.value("status") == "lost"
    assert played.value("again") == "ok"
    assert played.value("address") == "203.0.113.10"


@pytest.mark.parametrize("after", [0.2, 1.0, 3.0, 4.6, 5.5, 6.2, 6.9])
def test_interrupted_connect_leaves_the_modem_usable(play, after):
    played = play(
        f"""
nic = ppp_sim800.PPP("internet")
print("@interrupt {after}")
try:
    nic.connect()
    print("ended=up")
except KeyboardInterrupt:
    print("ended=interrupted")
timed("again", nic.connect)
print("address=" + nic.resolve("telemetry.example"))
"""
    )
    assert played.value("ended") == "interrupted"
    assert played.value("again") == "ok"
    assert played.value("address") == "203.0.113.10"


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_revision(play, board):
    played = play(UP + 'print("address=" + nic.resolve("telemetry.example"))', board=board)
    assert played.value("address") == "203.0.113.10"


def test_boost_of_the_ip5306_is_kept(play):
    played = play(
        """
from machine import I2C, Pin
i2c = I2C(0, scl=Pin(22), sda=Pin(21))
before = i2c.readfrom_mem(0x75, 0, 1)[0] & ~2
i2c.writeto_mem(0x75, 0, bytes([before]))
ppp_sim800.PPP("internet")
print("after=%d" % (i2c.readfrom_mem(0x75, 0, 1)[0] == before | 2))
"""
    )
    assert played.value("after") == "1"


def test_swapped_wires_are_named(play):
    played = play(
        """
import machine, tcall
class Swapped(tcall.TCall):
    def uart(self, baudrate):
        return machine.UART(1, baudrate, tx=tcall.RX, rx=tcall.TX, timeout=0, rxbuf=4096, txbuf=2048)
timed("swapped", ppp_sim800.PPP("internet", board=Swapped()).connect)
"""
    )
    assert played.value("swapped").startswith("ModemSilent: ")
    assert "swapped" in played.value("swapped")
    assert int(played.value("swapped_ms")) < 35_000
