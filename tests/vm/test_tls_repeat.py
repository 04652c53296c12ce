"""Repeat connections: sessions, when they are dropped, and what TLS costs on the line."""

import datetime
import errno

import pytest
from capture import segments, up
from network.air import PROFILES
from network.internet import NOBODY
from scapy.layers.inet import TCP
from sim800.scenario import Radio
from tls_board import UP
from tls_peer import ADDRESS, HOST, party
from tls_peer import UP as UP_PEER


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


FOREIGN = """
def connect(context, host, session=None, port=0):
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect(socket.getaddrinfo(host, 443)[0][-1])
    try:
        secure = context.wrap_socket(plain, server_hostname=host, session=session, server_port=port)
        print("resumed=%s" % secure.session_reused)
        return secure.session
    finally:
        plain.close()
"""


def test_a_session_of_another_connection_is_refused(board, internet):
    played = board(
        UP
        + FOREIGN
        + """
from ppp_sim800 import tls_sessions
with open("root.der", "rb") as file:
    root = file.read()
default = ssl.create_default_context()
own = ssl.create_default_context(cadata=root)
pinned = ssl.create_default_context()
pinned.pin_keys(bytes(32))
loose = ssl._create_unverified_context()

session = connect(own, "telemetry.example")
for name, context, host, port in (
    ("settings", default, "telemetry.example", 0),
    ("host", own, "p256.example", 0),
    ("port", own, "telemetry.example", 8443),
    ("pins", pinned, "telemetry.example", 0),
):
    tell(name, connect, context, host, session, port)
    tell(name + "_bytes", connect, context, host, ssl.SSLSession(session.to_bytes()), port)
tell("unverified", connect, default, "selfsigned.example", connect(loose, "selfsigned.example"))
tell("selfsigned", get, "selfsigned.example", default)

tls_sessions.clear()
tell("same", connect, ssl.create_default_context(cadata=root), "telemetry.example", session)
tls_sessions.clear()
tell("woken", connect, own, "telemetry.example", ssl.SSLSession(session.to_bytes()))
"""
    )
    for name in ("settings", "host", "port", "pins"):
        assert played.value(name).startswith("ValueError|the session is of another host, port or")
        assert played.value(name + "_bytes") == played.value(name)
    assert played.value("unverified").startswith("ValueError|")
    assert played.value("selfsigned").startswith("unknown issuer|")
    assert played.value("same") == played.value("woken") == "ok|<SSLSession>"
    # The first, the unverified one, and the two for which it was right
    assert [line for line in played.lines if line.startswith("resumed=")] == [
        *("resumed=False", "resumed=False", "resumed=True", "resumed=True")
    ]


def test_a_session_is_as_old_as_the_proof(play, serve, roots, bundle):
    """Of the server's identity, wherever the session was meanwhile: a day, and no certificate of the chain has ended."""
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
    middle = party("middle", roots["known"], ca=True, until=soon)
    serve(party(HOST, roots["known"]), port=1)
    serve(party(HOST, middle), middle, port=2)
    played = play(
        UP_PEER
        + """
import ssl
from nettime import rtc
from ppp_sim800 import tls_sessions
context = ssl.create_default_context()
begin = rtc.now()
taken = {}

def go(name, hours, port, session=None):
    t = time.gmtime(begin - rtc._EPOCH + hours * 3600)
    machine.RTC().datetime((t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0))
    if session:
        tls_sessions.clear()
        session = ssl.SSLSession(taken[session])
    try:
        secure = open_tls(port, context, session=session)
    except OSError as error:
        print("%s=%s" % (name, error.reason))
        return
    secure.write(b"x\\n")
    secure.readline()
    print("%s=%s" % (name, secure.session_reused))
    taken[name] = secure.session.to_bytes()
    secure.close()

go("first", 0, 1)
go("kept", 19, 1)
go("explicit", 20, 1, "first")
go("of_a_resumed_one", 23, 1, "explicit")
go("kept_older", 25, 1)
go("older", 25, 1, "first")
go("older_of_a_resumed_one", 26, 1, "of_a_resumed_one")
go("renewed", 27, 1, "older")
go("from_the_future", 1, 1, "older")
go("soon", 0, 2)
go("still", 11, 2, "soon")
go("ended", 13, 2, "still")
""",
        env=bundle,
    )
    for name in ("kept", "explicit", "of_a_resumed_one", "renewed", "still"):
        assert played.value(name) == "True", name
    for name in (
        "first",
        "kept_older",
        "older",
        "older_of_a_resumed_one",
        "from_the_future",
        "soon",
    ):
        assert played.value(name) == "False", name
    # By a full handshake, in which that is seen
    assert played.value("ended") in ("expired", "clock corrected")


def test_each_port_of_a_host_has_its_session(play, serve, roots, bundle):
    for port in (1, 2):
        serve(party(HOST, roots["known"]), port=port)
    played = play(
        UP_PEER
        + """
import asyncio, ssl
from ppp_sim800 import tls_sessions
context = ssl.create_default_context()
plain = socket.socket()
try:
    print("unconnected=%s" % plain.getpeername())
except OSError as error:
    print("unconnected=%d" % error.errno)
plain.connect((ADDRESS, 1))
print("peer=%s:%d" % plain.getpeername())
plain.close()
for name in ("new", "again"):
    for port in (1, 2):
        attempt("%s%d" % (name, port), port, context)
print("kept=%d" % len(tls_sessions._sessions))

async def talk(port):
    reader, writer = await asyncio.open_connection(ADDRESS, port, ssl=context, server_hostname=HOST)
    writer.write(b"x\\n")
    await writer.drain()
    print("asyncio%d=%s" % (port, (await reader.readline()).decode().strip()))
    writer.close()
for port in (1, 2):
    asyncio.run(talk(port))
attempt("explicit", 1, context, server_port=1)
""".replace("ADDRESS", repr(ADDRESS)).replace("HOST", repr(HOST)),
        env=bundle,
    )
    assert int(played.value("unconnected")) == errno.ENOTCONN
    assert played.value("peer") == f"{ADDRESS}:1"
    assert played.value("new1") == played.value("new2") == "full"
    assert played.value("again1") == played.value("again2") == "resumed"
    assert played.value("asyncio1") == played.value("asyncio2") == "resumed"
    assert played.value("explicit") == "resumed"
    assert played.value("kept") == "2"


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


WAKE = """
tell("get", get, "telemetry.example")
print("woken=%d" % (machine.reset_cause() == machine.DEEPSLEEP_RESET))
if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    machine.deepsleep(1000)
tell("again", get, "telemetry.example")
tell("own", get, "telemetry.example", ssl.create_default_context(cafile="root.der"))
"""


# What the gets of WAKE say, the first in both boots.
WOKEN = ["get=ok|200", "get=ok|200", "again=ok|200", "own=ok|200"]


def questions(played, name="telemetry.example"):
    """When its address was asked for."""
    return [e for e in played.journal.seen("dns") if name in str(e)]


def test_the_last_address_outlives_deep_sleep(board, internet):
    """RFC 8767: where the server has proved itself it is looked for first. What trusts others asks for itself."""
    played = board(SLEEP + UP + WAKE)
    assert [line for line in played.lines if "=ok|200" in line] == WOKEN
    # Of the first boot, and of another context in the second.
    assert len(questions(played)) == 2


@pytest.mark.parametrize("now", ["silent", "refusing", "another's"])
def test_a_server_that_has_moved_is_asked_for_anew(board, internet, now):
    """It costs one failed connection, and then the new address is the last one."""
    old = internet.names["telemetry.example"]
    new = "203.0.113.77"

    def move(line, world):
        if line == "woken=0":
            routes = dict(world.internet.routes)
            routes[new, 443] = routes[old, 443]
            if now == "silent":
                routes[old, 443] = NOBODY
            elif now == "refusing":
                del routes[old, 443]
            else:
                routes[old, 443] = routes[internet.names["wronghost.example"], 443]
            world.internet.routes = routes
            world.internet.names = {**world.internet.names, "telemetry.example": new}

    played = board(
        SLEEP
        + UP
        + WAKE.replace("tell(", "start = time.ticks_ms()\ntell(", 1)
        + 'print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))\n'
        + "tell('new', ssl.create_default_context().last_address, 'telemetry.example', 443)\n",
        watch=move,
    )
    assert [line for line in played.lines if "=ok|200" in line] == WOKEN
    assert played.value("new") == f"ok|{new}"
    assert len(questions(played)) == 2
    assert int(played.value("ms")) < 30_000


def test_an_address_is_not_kept_where_nobody_proves_himself(board):
    played = board(
        UP
        + """
for context in (ssl.create_default_context(), ssl._create_unverified_context()):
    tell("before", context.last_address, "telemetry.example", 443)
    tell("get", get, "telemetry.example", context)
    tell("after", context.last_address, "telemetry.example", 443)
    tell("port", context.last_address, "telemetry.example", 444)
    tell("host", context.last_address, "p256.example", 443)
from nettime import rtc
rtc.set(rtc.now() + 2 * 86400)
tell("old", ssl.create_default_context().last_address, "telemetry.example", 443)
"""
    )
    told = [line.split("|")[-1] for line in played.lines if "=ok|" in line]
    assert told == [
        *["None", "200", "203.0.113.10", "None", "None"],
        *["None", "200", "None", "None", "None"],
        "None",
    ]


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
""",
        radio=Radio(nitz=False),  # or the clock is right again after the reset
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


def test_flash_is_not_worn_out_by_a_name_with_several_addresses(board, internet):
    """What asks for the name each time comes to another one each time; any of them will do."""
    old = internet.names["telemetry.example"]
    other = "203.0.113.78"

    def route(line, world):
        world.internet.routes = {
            **world.internet.routes,
            (other, 443): world.internet.routes[old, 443],
        }

    played = board(
        SLEEP
        + UP
        + f"""
print("route=1")
context = ssl.create_default_context()
writes, before = 0, stored()
for i in range(8):
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect((("{old}", "{other}")[i % 2], 443))
    context.wrap_socket(plain, server_hostname="telemetry.example").close()
    writes += stored() != before
    before = stored()
print("writes=%d" % writes)
print("last=" + context.last_address("telemetry.example", 443))
""",
        watch=lambda line, world: route(line, world) if line == "route=1" else None,
    )
    assert played.value("writes") == "1"
    assert played.value("last") == old


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
    assert sent[0].startswith(b"POST /upload HTTP/1.1\r\n")
    assert sent[0].endswith(b"\r\n\r\n" + b"x" * 200)
