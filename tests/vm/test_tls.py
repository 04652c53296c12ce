"""TLS on the board, through `ssl` and what is built on it: whom it believes, what it says, what it costs."""

import datetime
import hashlib
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from network.air import PROFILES
from network.certificates import CLIENTS
from scapy.layers.inet import IP, TCP
from scapy.utils import RawPcapReader
from sim800.scenario import Radio
from stand_in import CERTIFICATES, TLS_SERVERS

UP = """
import requests, socket, ssl
nic = ppp_sim800.PPP("internet")
nic.connect()

def tell(name, call, *args, **kwargs):
    # What came of a call, in a line; what it returned, in the end.
    try:
        result = call(*args, **kwargs)
    except ppp_sim800.TLSError as error:
        print("%s=%s|%s" % (name, error.reason, error))
        return error
    except Exception as error:
        print("%s=%s|%s" % (name, type(error).__name__, error))
        return error
    print("%s=ok|%s" % (name, result))
    return result

def get(host, context=None, path="/ip", **kwargs):
    reply = requests.get("https://" + host + path, ssl_context=context, timeout=8, **kwargs)
    reply.close()
    return reply.status_code
"""

GOOD = [
    "https",
    "p256",
    "p384",
    "wildcard",
    "address",
    "longchain",
    "threechain",
    "ids",
    "nosession",
    "mqtt",
]

BAD = {
    "wronghost": "wrong host",
    "deepwildcard": "wrong host",
    "topwildcard": "wrong host",
    "expired": "expired",
    "notyet": "not yet valid",
    "selfsigned": "unknown issuer",
    "unknownca": "unknown issuer",
    "unknownroot": "unknown issuer",
    "missing": "unknown issuer",
    "broken": "unknown issuer",
    "noauthority": "unknown issuer",
    "weakkey": "weak key",
    "sha1": "weak signature",
    "md5": "weak signature",
    "restricted": "bad certificate",
    "usage": "wrong purpose",
    "oversized": "protocol",
    "mutual": "refused",
    "tls10": "no shared cipher or version",
    "tls11": "no shared cipher or version",
    "tls13only": "no shared cipher or version",
    "nullcipher": "no shared cipher or version",
    "sslv3": "no shared cipher or version",
    "refuses": "no shared cipher or version",
    "rc4": "protocol",
    "tripledes": "protocol",
    "export": "protocol",
    "anonymous": "protocol",
    "dh512": "protocol",
    "garbage": "closed",
    "closes": "closed",
    "halfway": "closed",
    "notls": "protocol",
    "slow": "timeout",
    "silent": "timeout",
}


@pytest.fixture
def board(play, internet):
    """As `play`, with the test's root certificate as the only one in the firmware, and a clock that is set."""

    def board(script, **kwargs):
        env = {"SIM_CA_BUNDLE": str(CERTIFICATES / "root.pem"), **kwargs.pop("env", {})}
        return play(script, env=env, **kwargs)

    return board


def pem(name: str) -> str:
    return (CERTIFICATES / f"{name}.pem").read_text()


# Whom it believes


def test_no_server_was_forgotten():
    assert set(GOOD) | set(BAD) == set(TLS_SERVERS)
    assert len(BAD) >= 25


def test_good_servers_are_accepted(board):
    hosts = {name: TLS_SERVERS[name] for name in GOOD}
    played = board(UP + f"for name, host in {hosts}.items():\n    tell(name, get, host)")
    assert {name: played.value(name) for name in GOOD} == dict.fromkeys(GOOD, "ok|200")


@pytest.mark.parametrize("part", range(3))
def test_bad_servers_are_refused_each_for_its_reason(board, part):
    names = sorted(BAD)[part::3]
    hosts = {name: TLS_SERVERS[name] for name in names}
    played = board(UP + f"for name, host in {hosts}.items():\n    tell(name, get, host)")
    reasons = {name: played.value(name).partition("|")[0] for name in names}
    assert reasons == {name: BAD[name] for name in names}
    for name in names:
        assert TLS_SERVERS[name] in played.value(name)  # which server it is about


def test_the_words_name_what_was_wrong(board):
    played = board(
        UP
        + """
error = tell("wronghost", get, "wronghost.example")
print("names=%s" % (error.names,))
error = tell("unknownca", get, "unknownca.example")
print("issuer=%s" % error.issuer)
error = tell("missing", get, "missing.example")
print("missing_issuer=%s" % error.issuer)
error = tell("expired", get, "expired.example")
print("dates=%s %s" % (error.since, error.until))
error = tell("notyet", get, "notyet.example")
print("coming=%s" % error.since)
print("family=%s,%s" % (isinstance(error, OSError), isinstance(error, ssl.SSLError)))
print("code=%d" % tell("tls10", get, "tls10.example").code)
"""
    )
    assert played.value("names") == "('another.example',)"
    assert "is for another.example: check the name" in played.value("wronghost")
    assert played.value("issuer") == "Test Unknown Root"
    assert 'signed by "Test Unknown Root", which is not trusted' in played.value("unknownca")
    assert played.value("missing_issuer") == "Test Intermediate"
    assert played.value("dates") == "2024-01-01T00:00:00Z 2024-03-31T00:00:00Z"
    assert "from 2024-01-01T00:00:00Z to 2024-03-31T00:00:00Z" in played.value("expired")
    assert re.search(r"now is 20\d\d-\d\d-\d\d \d\d:\d\d UTC", played.value("expired"))
    assert datetime.datetime.fromisoformat(played.value("coming")) > datetime.datetime.now(
        datetime.UTC
    )
    assert played.value("family") == "True,True"
    assert int(played.value("code")) == -0x7780


def test_own_ca_instead_and_besides(board):
    other = pem("unknown-root")
    played = board(
        UP
        + f"""
with open("other.pem", "w") as file:
    file.write({other!r})
instead = ssl.create_default_context(cafile="other.pem")
tell("instead_known", get, "telemetry.example", instead)
tell("instead_own", get, "unknownca.example", instead)
besides = ssl.create_default_context()
besides.load_verify_locations(cadata={other!r})
tell("besides_known", get, "telemetry.example", besides)
tell("besides_own", get, "unknownca.example", besides)
nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
tell("nobody", get, "telemetry.example", nobody)
der = ssl.create_default_context(cafile="root.der")
tell("der", get, "telemetry.example", der)
tell("unverified", get, "selfsigned.example", ssl._create_unverified_context())
tell("default", get, "selfsigned.example")
"""
    )
    assert played.value("instead_known").startswith("unknown issuer|")
    assert played.value("instead_own") == "ok|200"
    assert played.value("besides_known") == "ok|200"
    assert played.value("besides_own") == "ok|200"
    assert not played.value("nobody").startswith("ok")
    assert played.value("der") == "ok|200"
    assert played.value("unverified") == "ok|200"
    assert played.value("default").startswith("unknown issuer|")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('create_default_context(cafile="none.pem")', "cafile none.pem cannot be read (2)"),
        ('create_default_context(cadata="rubbish")', "cadata is no certificate"),
        ("SSLContext().load_verify_locations()", "needs cafile or cadata"),
        ('SSLContext().load_cert_chain("none.pem")', "certfile none.pem cannot be read (2)"),
        ('SSLContext().load_cert_chain(b"x", b"y")', "load_cert_chain(): invalid key"),
        ('SSLContext().pin_keys("12")', "pin_keys() needs SHA-256 digests"),
        ("SSLContext().pin_keys()", "pin_keys() needs SHA-256 digests"),
        ('SSLContext().pin_keys("no hex")', "pin_keys() needs SHA-256 digests"),
        ("SSLContext().wrap_socket(None)", "server_hostname is needed"),
    ],
)
def test_wrong_settings(play, call, words):
    played = play(
        f"""
import ssl
try:
    ssl.{call}
except ppp_sim800.ConfigError as error:
    print("error=" + str(error))
"""
    )
    assert words in played.value("error")


def digest(name: str) -> str:
    """SHA-256 of the first certificate's public key in a file, as `openssl` users make it."""
    certificate = x509.load_pem_x509_certificates((CERTIFICATES / f"{name}.pem").read_bytes())[0]
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def test_pinned_keys(board):
    played = board(
        UP
        + f"""
def pinned(*digests):
    context = ssl.create_default_context()
    context.pin_keys(*digests)
    return context
tell("leaf", get, "p256.example", pinned({digest("p256")!r}))
tell("spare", get, "p256.example", pinned({"0" * 64!r}, bytes.fromhex({digest("p256")!r})))
tell("above", get, "telemetry.example", pinned({digest("intermediate")!r}))
tell("other", get, "telemetry.example", pinned({digest("p256")!r}))
tell("besides", get, "selfsigned.example", pinned({digest("selfsigned")!r}))
tell("again", get, "telemetry.example")
"""
    )
    assert played.value("leaf") == played.value("spare") == played.value("above") == "ok|200"
    assert played.value("other").startswith("wrong key|telemetry.example has none of the pinned")
    assert played.value("besides").startswith("unknown issuer|")  # a pin is no reason to trust
    assert played.value("again") == "ok|200"


def test_client_certificate(board):
    files = {name: (CERTIFICATES / name).read_bytes() for name in ("client.der", "client-key.der")}
    played = board(
        UP
        + f"""
for name, data in {files}.items():
    with open(name, "wb") as file:
        file.write(data)
context = ssl.create_default_context()
context.load_cert_chain("client.der", "client-key.der")
tell("known", get, "mutual.example", context)
tell("known_again", get, "mutual.example", context)
pem = ssl.create_default_context()
pem.load_cert_chain({pem("client").encode()!r})
tell("pem", get, "mutual.example", pem)
unknown = ssl.create_default_context()
unknown.load_cert_chain({pem("client-unknown").encode()!r})
tell("unknown", get, "mutual.example", unknown)
tell("none", get, "mutual.example")
"""
    )
    assert set(CLIENTS) == {"client", "client-unknown"}
    assert played.value("known") == played.value("known_again") == "ok|200"
    assert played.value("pem") == "ok|200"
    assert played.value("unknown").startswith("refused|mutual.example wants a client certificate")
    assert played.value("none").startswith("refused|mutual.example wants a client certificate")


def test_a_silent_server_does_not_hang_the_board(board):
    played = board(
        UP
        + """
start = time.ticks_ms()
tell("silent", requests.get, "https://silent.example/")
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
"""
    )
    assert played.value("silent").startswith("timeout|silent.example stopped answering")
    assert 55_000 < int(played.value("ms")) < 75_000


# The clock


def test_without_a_clock_nothing_is_believed(board):
    played = board(
        UP
        + """
import machine
from ppp_sim800 import ntp, rtc
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
error = tell("unset", get, "telemetry.example")
tell("even_expired", get, "expired.example")
tell("unverified", get, "telemetry.example", ssl._create_unverified_context())
print("ntp=%s" % ntp.set_clock())
tell("set", get, "telemetry.example")
print("floor=%s" % (rtc.now() - rtc.floor() < 600))
""",
        radio=Radio(nitz=False),
    )
    assert played.value("unset").startswith(
        "clock not set|the clock is not set (it says 2000-01-01"
    )
    assert played.value("even_expired").startswith("clock not set|")
    assert played.value("unverified") == "ok|200"
    assert played.value("ntp") == "True"
    assert played.value("set") == "ok|200"
    assert played.value("floor") == "True"  # a server has proved itself at that time


def test_a_refused_or_unverified_server_confirms_no_time(board):
    played = board(
        UP
        + """
from ppp_sim800 import rtc
before = rtc.floor()
tell("expired", get, "expired.example")
tell("unverified", get, "selfsigned.example", ssl._create_unverified_context())
print("same=%s" % (rtc.floor() == before))
"""
    )
    assert played.value("unverified") == "ok|200"
    assert played.value("same") == "True"


# Sessions


def test_a_repeat_connection_is_resumed(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        UP
        + """
own = ssl.create_default_context(cafile="root.der")
for host in ("telemetry.example", "p256.example", "ids.example", "nosession.example"):
    for i in range(3):
        tell("get", get, host)
tell("get", get, "telemetry.example", own)
tell("get", get, "telemetry.example", own)
tell("get", get, "telemetry.example", ssl._create_unverified_context())
"""
    )
    assert all(line == "get=ok|200" for line in played.lines)
    seen = [(h.server, h.resumed) for h in internet.servers.handshakes[begin:]]
    assert seen == [
        *(("https", False), ("https", True), ("https", True)),
        *(("p256", False), ("p256", True), ("p256", True)),
        *(("ids", False), ("ids", True), ("ids", True)),
        *(("nosession", False), ("nosession", False), ("nosession", False)),
        *(("https", False), ("https", True)),  # other trust, other session
        ("https", False),
    ]


def test_a_session_the_server_has_forgotten_is_replaced(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        UP
        + """
for i in range(2):
    tell("get", get, "telemetry.example")
tell("forget", get, "telemetry.example", path="/forget")
for i in range(2):
    tell("get", get, "telemetry.example")
"""
    )
    assert all(line.endswith("=ok|200") for line in played.lines)
    seen = [h.resumed for h in internet.servers.handshakes[begin:]]
    assert seen == [False, True, True, False, True]


SLEEP = """
import machine, os
from ppp_sim800 import tls_sessions

def stored():
    try:
        with open(tls_sessions.FILE, "rb") as file:
            return file.read()
    except OSError:
        return b""
"""


def test_a_session_outlives_deep_sleep(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        SLEEP
        + UP
        + """
tell("get", get, "telemetry.example")
print("size=%d" % len(stored()))
if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    machine.deepsleep(1000)
"""
    )
    assert [h.resumed for h in internet.servers.handshakes[begin:]] == [False, True]
    assert 0 < int(played.value("size")) < 700


@pytest.mark.parametrize(
    "doubt",
    [
        "data = bytearray(stored()); data[-1] ^= 1; write(data)",
        "write(stored()[:-1])",
        "write(b'')",
        "write(bytes(5000))",
        "os.remove(tls_sessions.FILE)",
        "rtc.set(rtc.now() + 2 * 86400)",
        "tls_sessions.clear()",
    ],
)
def test_a_session_is_dropped_with_the_first_doubt(board, internet, doubt):
    begin = len(internet.servers.handshakes)
    played = board(
        SLEEP
        + UP
        + f"""
from ppp_sim800 import rtc
def write(data):
    with open(tls_sessions.FILE, "wb") as file:
        file.write(data)
tell("get", get, "telemetry.example")
if machine.reset_cause() == machine.PWRON_RESET:
    {doubt}
    machine.reset()
"""
    )
    assert all(line == "get=ok|200" for line in played.lines)
    assert [h.resumed for h in internet.servers.handshakes[begin:]] == [False, False]


def test_a_session_from_the_future_is_dropped(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        UP
        + """
from ppp_sim800 import rtc
start = rtc.now()
get("p256.example")
rtc.set(start + 20 * 3600)
tell("get", get, "telemetry.example")
rtc.set(start + 3600)
tell("get", get, "telemetry.example")
tell("get", get, "p256.example")
"""
    )
    assert all(line == "get=ok|200" for line in played.lines)
    assert [h.resumed for h in internet.servers.handshakes[begin:]] == [False, False, False, True]


def test_flash_is_not_worn_out(board):
    """It is written for a new session, not for each connection; and not for a server that never resumes."""
    played = board(
        SLEEP
        + UP
        + """
def count(host):
    writes, before = 0, stored()
    for i in range(8):
        get(host)
        writes += stored() != before
        before = stored()
    return writes
print("tickets=%d" % count("telemetry.example"))
print("never=%d" % count("nosession.example"))
"""
    )
    assert int(played.value("tickets")) == 1
    assert int(played.value("never")) <= 4


def test_few_sessions_are_kept(board, internet):
    begin = len(internet.servers.handshakes)
    board(
        SLEEP
        + UP
        + """
hosts = ("telemetry", "p256", "p384", "longchain", "ids")
for host in hosts + hosts[1:] + hosts[:1]:
    get(host + ".example")
"""
    )
    seen = [h.resumed for h in internet.servers.handshakes[begin:]]
    assert seen == [False] * 5 + [True] * 4 + [False]


# What it costs


def segments(pcap) -> list[IP]:
    """The TCP segments in a capture of the line."""
    found = []
    for frame, _ in RawPcapReader(str(pcap)):
        packet = frame[1:].removeprefix(b"\xff\x03")  # without direction, address and control
        if packet.lstrip(b"\0")[:1] == b"\x21":
            ip = IP(packet.lstrip(b"\0")[1:])
            if TCP in ip:
                found.append(ip)
    return found


def up(ip: IP) -> bool:
    return ip.src == "10.64.64.64"


def talked(pcap) -> list[tuple[int, int]]:
    """Bytes of IP (to the board, from it) of each TCP connection in a capture, in the order they began."""
    totals: dict[int, list[int]] = {}
    for ip in segments(pcap):
        port = ip[TCP].sport if up(ip) else ip[TCP].dport
        totals.setdefault(port, [0, 0])[up(ip)] += ip.len
    return [(down, up) for down, up in totals.values()]


def handshakes(pcap) -> list[int]:
    """Bytes of TLS until the first application data, of each connection, both ways."""
    totals: dict[int, int] = {}
    talking = set()
    for ip in segments(pcap):
        port, data = ip[TCP].sport if up(ip) else ip[TCP].dport, bytes(ip[TCP].payload)
        totals.setdefault(port, 0)
        # The board's Finished may come in one segment with its request.
        at = data.find(b"\x17\x03\x03") if up(ip) and port not in talking else -1
        totals[port] += 0 if port in talking else (at if at >= 0 else len(data))
        if at >= 0:
            talking.add(port)
    return list(totals.values())


def longest_records(pcap) -> list[int]:
    """The length of the longest TLS record to the board, of each connection."""
    streams: dict[int, dict[int, bytes]] = {}
    for ip in segments(pcap):
        if not up(ip) and ip[TCP].payload:
            streams.setdefault(ip[TCP].dport, {})[ip[TCP].seq] = bytes(ip[TCP].payload)
    longest = []
    for stream in streams.values():
        data, at, lengths = b"".join(stream[seq] for seq in sorted(stream)), 0, []
        while at + 5 <= len(data):
            lengths.append(int.from_bytes(data[at + 3 : at + 5], "big"))
            at += 5 + lengths[-1]
        longest.append(max(lengths))
    return longest


def test_cost_of_a_repeat_connection(board, tmp_path, internet):
    """Full and resumed, side by side, against a chain of three RSA certificates."""
    begin, pcap = len(internet.servers.handshakes), tmp_path / "line.pcap"
    played = board(
        UP
        + """
reading = {"serial": "TC-0042", "at": "2026-11-22T23:00:00Z", "weight": 42.75, "temperature": [18.5, 18.25, 34.0],
    "humidity": 63.5, "battery": 3980, "signal": -77, "note": "0123456789abcdef0123456789abcdef"}
import json
print("body=%d" % len(json.dumps(reading)))
socket.getaddrinfo("threechain.example", 443)
for name in ("full", "again"):
    start = time.ticks_ms()
    reply = requests.post("https://threechain.example/upload", json=reading, timeout=30)
    reply.close()
    print(name + "=%d" % time.ticks_diff(time.ticks_ms(), start))
""",
        pcap=pcap,
        air=PROFILES["gprs"],
    )
    assert [h.resumed for h in internet.servers.handshakes[begin:]] == [False, True]
    full, again = (sum(both) for both in talked(pcap))
    assert again <= 0.35 * full, (again, full)
    full, again = handshakes(pcap)
    assert again <= 0.20 * full, (again, full)
    # Each waits for an answer: ClientHello, the rest of the handshake, the request.
    ports = [ip[TCP].sport for ip in segments(pcap) if up(ip) and ip[TCP].payload]
    assert [ports.count(port) for port in dict.fromkeys(ports)] == [3, 2]
    assert int(played.value("again")) < int(played.value("full"))


def test_records_are_short_enough_for_a_slow_line(board, tmp_path):
    pcap = tmp_path / "line.pcap"
    played = board(
        UP
        + """
tell("get", lambda: len(requests.get("https://telemetry.example/bytes/20000").content))
context = ssl.create_default_context()
context.max_fragment_length = None
tell("unlimited", lambda: len(requests.get("https://telemetry.example/bytes/20000", ssl_context=context).content))
tell("wrong", setattr, context, "max_fragment_length", 1000)
""",
        pcap=pcap,
    )
    assert played.value("get") == played.value("unlimited") == "ok|20000"
    assert played.value("wrong").startswith("ValueError|")
    limited, unlimited = longest_records(pcap)
    assert limited <= 4096 + 24 < unlimited


def test_bytes_of_a_request(board, tmp_path):
    """The head and a short body of a request are one record: one segment with data from the board."""
    pcap = tmp_path / "line.pcap"
    played = board(
        """
import requests
nic = ppp_sim800.PPP("internet")
nic.connect()
reply = requests.post("http://plain.example/upload", data=b"x" * 200, headers={"X-Serial": "TC-0042"})
print("length=%d" % reply.json()["length"])
reply = requests.post("http://plain.example/upload", data=b"x" * 3000)
print("long=%d" % reply.json()["length"])
reply = requests.post("http://plain.example/upload", data=(b"y" * 100 for _ in range(5)))
print("chunked=%d" % reply.json()["length"])
""",
        pcap=pcap,
    )
    assert played.value("length") == "200"
    assert played.value("long") == "3000"
    assert played.value("chunked") == "500"
    sent = [bytes(ip[TCP].payload) for ip in segments(pcap) if up(ip) and ip[TCP].payload]
    assert sent[0].startswith(b"POST /upload HTTP/1.0\r\n")
    assert sent[0].endswith(b"\r\n\r\n" + b"x" * 200)


# asyncio, mip, MQTT

ASYNC = """
import asyncio
async def fetch(host, context=True):
    reader, writer = await asyncio.open_connection(host, 443, ssl=context)
    writer.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
"""


def test_asyncio_verifies_and_resumes(board, internet):
    begin = len(internet.servers.handshakes)
    hosts = {name: TLS_SERVERS[name] for name in ("https", "wronghost", "expired", "unknownca")}
    hosts |= {name: TLS_SERVERS[name] for name in ("closes", "tls11", "mutual")}
    played = board(
        UP
        + ASYNC
        + f"""
for name, host in {hosts}.items():
    tell(name, asyncio.run, fetch(host))
tell("again", asyncio.run, fetch("telemetry.example"))
tell("unverified", asyncio.run, fetch("selfsigned.example", ssl._create_unverified_context()))
pinned = ssl.create_default_context()
pinned.pin_keys({digest("p256")!r})
tell("pinned", asyncio.run, fetch("p256.example", pinned))
tell("wrong_pin", asyncio.run, fetch("telemetry.example", pinned))
"""
    )
    for name in hosts:
        assert played.value(name).startswith(BAD[name] + "|" if name in BAD else "ok|200"), name
    assert played.value("again") == "ok|200"
    assert [h.resumed for h in internet.servers.handshakes[begin:] if h.server == "https"][:2] == [
        False,
        True,
    ]
    assert played.value("unverified") == "ok|200"
    assert played.value("pinned") == "ok|200"
    assert played.value("wrong_pin").startswith("wrong key|")


def test_asyncio_does_several_handshakes_at_once(board):
    played = board(
        UP
        + ASYNC
        + f"""
context = ssl.create_default_context()
context.pin_keys({digest("intermediate")!r})
hosts = ("telemetry.example", "p256.example", "mqtt.example", "expired.example", "p384.example", "ids.example")
async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep_ms(20)
    task = asyncio.create_task(tick())
    results = await asyncio.gather(*(fetch(host, context) for host in hosts), return_exceptions=True)
    task.cancel()
    for host, result in zip(hosts, results):
        print(host + "=%s" % getattr(result, "reason", result))
    print("ticks=%d" % ticks)
asyncio.run(main())
""",
        air=PROFILES["gprs"],
    )
    assert played.value("telemetry.example") == "200"
    assert played.value("mqtt.example") == "200"
    assert played.value("ids.example") == "200"
    assert played.value("p256.example") == "wrong key"
    assert played.value("p384.example") == "wrong key"
    assert played.value("expired.example") == "expired"
    assert int(played.value("ticks")) > 50


def test_asyncio_closes_the_socket_of_a_handshake_that_is_cancelled(board):
    played = board(
        UP
        + ASYNC
        + """
async def main():
    for i in range(12):  # more than there are sockets
        try:
            await asyncio.wait_for_ms(fetch("silent.example"), 500)
        except asyncio.TimeoutError:
            pass
    print("after=%d" % await fetch("telemetry.example"))
asyncio.run(main())
"""
    )
    assert played.value("after") == "200"
