"""Scripts written for Pythings' driver, unchanged, on the simulated T-Call."""

import json

import pytest
from sim800.scenario import APN, Event, Modem, Operator, Radio

TRUST = """
import tls
from pythings_sim800 import Modem, GenericATError
Modem.ssl_context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
with open("root.der", "rb") as file:
    Modem.ssl_context.load_verify_locations(file.read())

def show(name, call, *args, **kwargs):
    try:
        print("%s=%r" % (name, call(*args, **kwargs)))
    except Exception as error:
        print("%s=%s: %s" % (name, type(error).__name__, error))
"""

MODEM = (
    TRUST
    + """
modem = Modem(
    MODEM_PWKEY_PIN=4, MODEM_RST_PIN=5, MODEM_POWER_ON_PIN=23, MODEM_TX_PIN=26, MODEM_RX_PIN=27
)
"""
)

UP = (
    MODEM
    + """
modem.initialize()
modem.connect(apn="internet")
"""
)


@pytest.mark.parametrize("profile", ["R13.08", "R14.18"])
def test_the_usual_script(play, profile):
    played = play(
        """
import json
from SIM800L import Modem
"""
        + MODEM
        + """
print("before=%r,%r,%r" % (modem.initialized, modem.modem_info, modem.uart))
show("early", modem.connect, apn="internet")
show("initialize", modem.initialize)
print("after=%r,%r,%r" % (modem.initialized, modem.modem_info, modem.ssl_available))
show("offline", modem.http_request, "https://telemetry.example/ip", "GET")
show("connect", modem.connect, apn="internet", user="", pwd="")
show("again", modem.connect, "internet")
print("address=" + modem.get_ip_addr())
reply = modem.http_request("http://plain.example/ip", "GET")
print("get=%r,%r" % (reply.status_code, reply.content))
text = json.dumps({"who": "Bienenstöcke", "weight": 42.7})
reply = modem.http_request("https://telemetry.example/post", "POST", text, "application/json")
print("post=%r" % reply.status_code)
print("echoed=" + reply.content.strip())
reply = modem.http_request("https://telemetry.example/upload", "POST", b"\\x00\\xff", "image/png")
print("bytes=" + reply.content.strip())
reply = modem.http_request("https://telemetry.example/status/503")
print("unavailable=%r,%r" % (reply.status_code, reply.content))
show("disconnect", modem.disconnect)
print("gone=%r" % modem.get_ip_addr())
show("closed", modem.http_request, "http://plain.example/ip")
""",
        modem=Modem(profile=profile),
    )
    assert played.value("before") == "False,None,None"
    assert played.value("early") == "Exception: Modem is not initialized, cannot connect"
    assert played.value("after") == f"True,'SIM800 {profile}',True"
    assert played.value("offline") == "Exception: Error, modem is not connected"
    for name in ("initialize", "connect", "again", "disconnect"):
        assert played.value(name) == "None"
    assert played.value("address") == "10.64.64.64"
    assert played.value("get").startswith('200,\'{"origin": ')
    assert played.value("post") == "200"
    echoed = json.loads(played.value("echoed"))
    assert echoed["json"] == {"who": "Bienenstöcke", "weight": 42.7}
    assert echoed["headers"]["Content-Type"] == "application/json"
    assert json.loads(played.value("bytes"))["length"] == 2
    assert played.value("unavailable") == "503,''"
    assert played.value("gone") == "None"
    assert played.value("closed") == "Exception: Error, modem is not connected"
    assert not played.journal.seen("at", "> AT+HTTPINIT")


def test_certificates_are_checked(play):
    played = play(
        UP
        + """
show("stranger", modem.http_request, "https://unknownca.example/ip")
Modem.ssl_context = None
show("nobody", modem.http_request, "https://telemetry.example/ip")
"""
    )
    assert played.value("stranger").startswith("HTTPError: GET to unknownca.example failed: ")
    assert "not correctly signed" in played.value("stranger")
    assert played.value("nobody").startswith("TLSError: ")
    assert '"Test Root", which is not trusted here' in played.value("nobody")


def test_without_certificate_checks_there_is_no_https(play):
    """requests as it comes with other firmware takes no ssl_context, and checks nothing."""
    played = play(
        UP
        + """
import requests
def request(method, url, data=None, json=None, headers={}, stream=None, auth=None, timeout=None, parse_headers=True):
    raise OSError("asked without a check")
requests.request = request
show("https", modem.http_request, "https://telemetry.example/ip")
"""
    )
    assert played.value("https").startswith(
        "ConfigError: this firmware's requests module checks no cert"
    )


def test_queries(play):
    script = (
        MODEM
        + """
modem.initialize()
time.sleep(8)
for name in ("get_info", "battery_status", "get_current_network", "get_signal_strength"):
    show(name, getattr(modem, name))
show("scan", modem.scan_networks)
"""
    )
    operators = (
        Operator("Telekom, D", "TDG", "26201", 2),
        Operator("vodafone", "voda IT", "22210", 3),
    )
    played = play(script, radio=Radio(csq=(18, 0), operators=operators))
    assert played.value("get_info") == "'SIM800 R14.18'"
    assert played.value("battery_status").startswith("'+CBC: ")
    assert played.value("get_current_network") == "'Telekom, D'"
    assert played.value("get_signal_strength") == "0.6"
    assert eval(played.value("scan")) == [
        {"name": "Telekom, D", "shortname": "TDG", "id": "26201"},
        {"name": "vodafone", "shortname": "voda IT", "id": "22210"},
    ]


@pytest.mark.parametrize(("rssi", "ratio"), [(0, "0.0"), (30, "1.0"), (99, "0.0")])
def test_signal(play, rssi, ratio):
    played = play(
        MODEM + "modem.initialize()\nshow('signal', modem.get_signal_strength)",
        modem=Modem(start="command", latency=0),
        radio=Radio(csq=(rssi, 0)),
    )
    assert played.value("signal") == ratio


def test_without_a_network(play):
    played = play(
        MODEM
        + """
modem.initialize()
show("network", modem.get_current_network)
show("address", modem.get_ip_addr)
""",
        radio=Radio(registration=((0.3, 2), (400.0, 1))),
    )
    assert played.value("network") == "None"
    assert played.value("address") == "None"


@pytest.mark.parametrize("multiplexed", [True, False])
def test_queries_between_requests(play, multiplexed):
    """They are asked beside PPP; it waits for them where the modem has no multiplexer."""
    played = play(
        UP
        + """
timed("query", modem.battery_status)
show("signal", modem.get_signal_strength)
show("battery", modem.battery_status)
show("address", modem.get_ip_addr)
show("first", lambda: modem.http_request("http://plain.example/ip").status_code)
show("network", modem.get_current_network)
show("second", lambda: modem.http_request("http://plain.example/ip").status_code)
""",
        modem=Modem(cmux=multiplexed),
    )
    assert played.value("signal") == "0.6"
    assert played.value("battery").startswith("'+CBC: ")
    assert played.value("address") == "'10.64.64.64'"
    assert played.value("network") == "'Telekom.de'"
    assert (played.value("first"), played.value("second")) == ("200", "200")
    assert len(played.journal.seen("at", "> ATD")) == 1
    assert (int(played.value("query_ms")) < 1000) is multiplexed
    assert len(played.journal.seen("at", "> ATO")) == (0 if multiplexed else 4)


def test_a_lost_link_comes_back(play):
    played = play(
        UP
        + """
do("lcp_terminate")
time.sleep(3)
show("get", lambda: modem.http_request("http://plain.example/ip").status_code)
"""
    )
    assert played.value("get") == "200"


BY_HAND = """
at = modem.execute_at_command
for key, data in (
    ("closehttp", None), ("inithttp", None), ("sethttp", None), ("initurl", "http://plain.example/post"),
    ("setcontent", "application/json"), ("postlen", len(text)), ("dumpdata", text), ("dopost", None),
):
    show(key, at, key, data)
show("getdata", at, "getdata", clean_output=False)
show("initurl", at, "initurl", "http://plain.example/ip")
show("doget", at, "doget")
show("getdata2", at, "getdata", None, False)
show("end", at, "closehttp")
"""


def test_http_by_hand_on_the_modems_own_bearer(play):
    played = play(
        MODEM
        + """
modem.initialize()
time.sleep(8)
text = '{"who": "Bienenstöcke"}'
at = modem.execute_at_command
show("early", at, "inithttp")
show("again", at, "inithttp")
at("closehttp")
for key, data in (
    ("initgprs", None), ("setapn", "internet"), ("setuser", ""), ("setpwd", "h0ney"), ("opengprs", None),
    ("getbear", None), ("checkreg", None), ("fwrevision", None), ("checkssl", None),
):
    show(key, at, key, data)
show("address", modem.get_ip_addr)
"""
        + BY_HAND
        + """
show("over", lambda: modem.http_request("https://telemetry.example/ip").status_code)
show("disconnect", modem.disconnect)
show("closebear", at, "closebear")
"""
    )
    assert played.value("early") == "''"
    assert played.value("again") == "GenericATError: Got generic AT error (+CME ERROR: 3)"
    for key in ("initgprs", "setapn", "setuser", "setpwd", "opengprs", "inithttp", "sethttp"):
        assert played.value(key) == "''"
    assert played.value("getbear") == "'+SAPBR: 1,1,\"10.64.64.64\"'"
    assert played.value("checkreg").startswith("'+CREG: 2,1")
    assert played.value("fwrevision") == "'Revision:1418B05SIM800L24'"
    assert played.value("checkssl") == "'+CIPSSL: (0-1)'"
    assert played.value("address") == "'10.64.64.64'"
    assert played.value("dumpdata") == "''"
    assert played.value("dopost").startswith("'OK+HTTPACTION: 1,200,")
    answer = json.loads(eval(played.value("getdata")))
    assert answer["json"] == {"who": "Bienenstöcke"}
    assert played.value("doget").startswith("'OK+HTTPACTION: 0,200,")
    assert "origin" in played.value("getdata2")
    assert played.value("over") == "200"  # by PPP, with the APN set by hand
    assert played.value("disconnect") == "None"
    assert played.value("closebear").startswith("GenericATError: ")
    assert "h0ney" not in "\n".join(map(str, played.journal.entries))


def test_http_by_hand_after_connect(play):
    played = play(
        UP
        + """
text = '{"a": 1}'
show("getbear", modem.execute_at_command, "getbear")
"""
        + BY_HAND
        + """
show("address", modem.get_ip_addr)
show("over", lambda: modem.http_request("https://telemetry.example/ip").status_code)
show("close", modem.execute_at_command, "closebear")
show("gone", modem.get_ip_addr)
"""
    )
    assert played.value("getbear") == "'+SAPBR: 1,1,\"10.64.64.64\"'"
    assert played.value("dopost").startswith("'OK+HTTPACTION: 1,200,")
    assert json.loads(eval(played.value("getdata")))["json"] == {"a": 1}
    assert played.value("address") == "'10.64.64.64'"
    assert played.value("over") == "200"
    assert played.value("close") == "''"
    assert played.value("gone") == "None"


def test_errors(play):
    played = play(
        MODEM
        + """
modem.initialize()
show("unknown", modem.execute_at_command, "dance")
show("ftp", modem.http_request, "ftp://plain.example/")
show("quote", modem.execute_at_command, "setapn", 'inter"net')
modem.connect("internet")
show("mode", modem.http_request, "http://plain.example/", "PUT")
show("data", modem.http_request, "http://plain.example/post", "POST", {"a": 1})
show("name", modem.http_request, "http://nowhere.example/")
show("port", modem.http_request, "http://plain.example:81/")
show("broken", modem.http_request, "http://plain.example/close")
show("binary", lambda: len(modem.http_request("http://plain.example/bytes/900").content))
"""
    )
    assert played.value("unknown") == 'Exception: Unknown command "dance"'
    assert played.value("ftp").startswith(
        "AssertionError: Unable to handle communication protocol"
    )
    assert played.value("quote").startswith("ConfigError: setapn must be")
    assert played.value("mode") == 'Exception: Unknown mode "PUT"'
    assert played.value("data").startswith("ConfigError: data must be str or bytes")
    assert played.value("name").startswith('NameNotFound: cannot resolve "nowhere.example"')
    assert played.value("port").startswith("HTTPError: GET to plain.example:81 failed")
    assert "broke off" in played.value("broken")
    assert played.value("binary") == "900"


def test_timeout_and_urcs(play):
    played = play(
        MODEM
        + """
modem.initialize()
do("undervoltage_warning")
show("signal", modem.execute_at_command, "signal")
do("silent")
show("late", modem.execute_at_command, "battery")
""",
        modem=Modem(start="command", latency=0),
        radio=Radio(csq=(7, 0)),
    )
    assert played.value("signal") == "'+CSQ: 7,0'"
    assert played.value("late") == 'Exception: Timeout for command "battery" (timeout=5)'


def test_own_uart_and_no_pins(play):
    played = play(
        TRUST
        + """
from machine import UART, Pin
uart = UART(1, 9600, timeout=1000, tx=27, rx=26)
modem = Modem(uart=uart)
print("info=" + modem.execute_at_command("modeminfo"))
print("same=%r" % (modem.uart is uart))
modem.initialize()
modem.connect("internet")
show("get", lambda: modem.http_request("https://telemetry.example/ip").status_code)
""",
        modem=Modem(start="command"),
    )
    assert played.value("info") == "SIM800 R14.18"
    assert played.value("same") == "True"
    assert played.value("get") == "200"
    assert not played.journal.seen("pin", "PWRKEY")


def test_no_arguments_on_a_known_board(play):
    played = play(TRUST + "modem = Modem()\nmodem.initialize()\nprint('info=' + modem.modem_info)")
    assert played.value("info") == "SIM800 R14.18"


def test_power_key_is_pressed_not_held(play):
    played = play(
        MODEM
        + "modem.initialize()\nmodem.connect('internet')\ntime.sleep(40)\nprint('address=' + modem.get_ip_addr())"
    )
    (press,) = played.journal.seen("pin", "PWRKEY high")
    assert 1.0 <= press.fields["width"] <= 1.4
    assert played.value("address") == "10.64.64.64"


def test_modem_that_is_silent(play):
    played = play(
        MODEM
        + "show('initialize', modem.initialize)\nprint('initialized=%r' % modem.initialized)",
        events=(Event("dead"),),
    )
    assert played.value("initialize").startswith("ModemSilent: ")
    assert played.value("initialized") == "False"


def test_user_and_password(play):
    played = play(
        MODEM
        + """
modem.initialize()
show("wrong", modem.connect, "internet")
show("right", modem.connect, apn="internet", user="bee", pwd="honey")
""",
        radio=Radio(apns={"internet": APN("pap", "bee", "honey")}),
    )
    assert played.value("wrong").startswith("AuthRefused: ")
    assert played.value("right") == "None"


def test_answers_put_in_its_place(play):
    """Tests of scripts replace execute_at_command and look at what is made of its answers."""
    played = play(
        TRUST
        + """
modem = Modem(MODEM_PWKEY_PIN=None, MODEM_RST_PIN=None, MODEM_POWER_ON_PIN=None, MODEM_TX_PIN=None, MODEM_RX_PIN=None)
def answer(text):
    Modem.execute_at_command = lambda self, command, data=None, clean_output=True: text
answer('+COPS: (2,"Net One","One","00101"),(3,"Net Two","Two","00102"),,(0-4),(0-2)')
show("scan", modem.scan_networks)
answer('+SAPBR: 1,3,"0.0.0.0"')
show("none", modem.get_ip_addr)
answer('+HTTPACTION: 1,200,94+SAPBR: 1,1,"1.2.3.45"')
show("behind", modem.get_ip_addr)
answer("rubbish")
show("rubbish", modem.get_ip_addr)
"""
    )
    assert eval(played.value("scan")) == [
        {"name": "Net One", "shortname": "One", "id": "00101"},
        {"name": "Net Two", "shortname": "Two", "id": "00102"},
    ]
    assert played.value("none") == "None"
    assert played.value("behind") == "'1.2.3.45'"
    assert played.value("rubbish") == 'Exception: Cannot parse "rubbish" to get an IP address'
