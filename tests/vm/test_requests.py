"""`requests` as the firmware has it: headers, redirects, sessions."""

import pytest
from capture import segments, up
from network.air import PROFILES
from real_servers import HTTPS_HOST
from scapy.layers.inet import TCP
from tls_board import UP

pytestmark = pytest.mark.real_time

REDIRECTS = (
    UP
    + """
def echo(reply):
    answer = reply.json()
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return answer["data"], headers

def visit(method, url, **kwargs):
    return requests.request(method, url, timeout=15, **kwargs)
"""
)


def test_headers_are_the_callers(board):
    played = board(
        UP
        + """
mine = {"X-Serial": "TC-0042"}
for weight in (9.5, 42.75):
    reply = requests.post("http://plain.example/post", json={"kg": weight}, headers=mine)
    print("kg=%s" % reply.json()["json"])
print("mine=%s" % mine)
"""
    )
    assert [line for line in played.lines if line.startswith("kg=")] == [
        "kg={'kg': 9.5}",
        "kg={'kg': 42.75}",
    ]
    assert played.value("mine") == "{'X-Serial': 'TC-0042'}"


def test_a_post_is_redirected_to_a_get(board):
    """As Google's Apps Script answers: the result is at another host, for a GET without a body."""
    played = board(
        REDIRECTS
        + """
for code in (301, 302, 303):
    reply = visit("POST", "http://plain.example/redirect/%d?https://telemetry.example/ip" % code, json={"kg": 42.75})
    print("%d=%d %s" % (code, reply.status_code, sorted(reply.json())))
"""
    )
    assert [played.value(code) for code in ("301", "302", "303")] == ["200 ['origin']"] * 3


def test_a_post_is_redirected_as_it_is(board):
    played = board(
        REDIRECTS
        + """
for name, body in (("json", {"json": {"kg": 42.75}}), ("data", {"data": b"kg=42.75"})):
    data, headers = echo(visit("POST", "http://plain.example/redirect/307?/post", **body))
    print("%s=%s %s" % (name, data, headers["content-length"]))
tell("generator", visit, "POST", "http://plain.example/redirect/308?/post", data=(b"x" for _ in range(2)))
"""
    )
    assert played.value("json") == '{"kg": 42.75} 13'
    assert played.value("data") == "kg=42.75 8"
    assert "give bytes, or a file" in played.value("generator")


def test_a_password_stays_with_its_server(board):
    played = board(
        REDIRECTS
        + """
secret = {"auth": ("bee", "honey"), "json": {}, "headers": {"X-Serial": "TC-0042"}}
for name, to in (
    ("path", "/post"),
    ("same", "https://telemetry.example/post"),
    ("host", "https://p256.example/post"),
):
    _, headers = echo(visit("POST", "https://telemetry.example/redirect/307?" + to, **secret))
    print("%s=%s %s %s" % (name, headers["host"], "authorization" in headers, "x-serial" in headers))
_, headers = echo(visit("POST", "http://plain.example/redirect/307?http://plain.example.org/post", **secret))
print("longer=%s %s" % (headers["host"], "authorization" in headers))
""",
        names={"plain.example.org": "203.0.113.11"},
    )
    assert played.value("path") == "telemetry.example True True"
    assert played.value("same") == "telemetry.example True True"
    assert played.value("host") == "p256.example False False"
    assert played.value("longer") == "plain.example.org False"


def test_a_redirect_leaves_https_never(board):
    """It would be an answer that nobody has verified, and nobody has asked for."""
    played = board(
        REDIRECTS
        + """
tell("down", visit, "GET", "https://telemetry.example/redirect/302?http://plain.example/ip")
tell("up", lambda: visit("GET", "http://plain.example/redirect/302?https://telemetry.example/ip").status_code)
"""
    )
    assert played.value("down") == (
        "RequestException|telemetry.example redirects from https to http, which nobody can trust: not followed"
    )
    assert played.value("up") == "ok|200"


def test_a_server_that_does_not_answer_is_no_bad_value(board):
    """What catches OSError for all that the network does catches this too."""
    played = board(
        UP
        + """
tell("plain", requests.get, "http://plain.example/vanish")
tell("tls", requests.get, "https://telemetry.example/vanish")
"""
    )
    for name in ("plain", "tls"):
        assert played.value(name).startswith("ConnectionError|")
        assert (
            "closed the connection too early: the request was sent, and may have arrived"
            in played.value(name)
        )


# Sessions

KEPT = (
    UP
    + """
session = requests.Session()

def ask(method, host, path, **kwargs):
    reply = session.request(method, "https://" + host + path, timeout=15, **kwargs)
    return "%d %d" % (reply.status_code, len(reply.content))
"""
)


def connections(internet, begin):
    return [h.server for h in internet.servers.handshakes[begin:]]


def test_a_session_keeps_its_connection(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + """
tell("get", ask, "GET", "telemetry.example", "/bytes/5000")
tell("post", ask, "POST", "telemetry.example", "/post", json={"kg": 42.75})
tell("head", ask, "HEAD", "telemetry.example", "/bytes/5000")
tell("none", ask, "GET", "telemetry.example", "/status/204")
tell("refused", ask, "GET", "telemetry.example", "/status/503")
tell("again", ask, "GET", "telemetry.example", "/bytes/1")
tell("other", ask, "GET", "p256.example", "/bytes/1")
session.close()
tell("closed", ask, "GET", "p256.example", "/bytes/1")
with session:
    pass
"""
    )
    assert played.value("get") == "ok|200 5000"
    assert played.value("post").startswith("ok|200 ")
    assert played.value("head") == "ok|200 0"
    assert played.value("none") == "ok|204 0"
    assert played.value("refused") == "ok|503 0"
    assert played.value("again") == played.value("other") == "ok|200 1"
    assert played.value("closed") == "ok|200 1"
    assert connections(internet, begin) == ["https", "p256", "p256"]


def test_what_a_session_shares(board, internet):
    """Its headers; a connection only among requests with the same trust."""
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + """
session.headers["X-Serial"] = "TC-0042"
own = ssl.create_default_context(cafile="root.der")
for name, kwargs in (("every", {}), ("one", {"headers": {"X-Serial": "7"}}), ("own", {"ssl_context": own})):
    reply = session.post("https://telemetry.example/post", json={}, timeout=15, **kwargs)
    print("%s=%s" % (name, reply.json()["headers"]["X-Serial"]))
"""
    )
    assert [played.value(name) for name in ("every", "one", "own")] == ["TC-0042", "7", "TC-0042"]
    assert connections(internet, begin) == ["https", "https"]


def test_a_session_with_stream_keeps_what_is_read(board, internet):
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + """
reply = session.get("https://telemetry.example/bytes/5000", stream=True, timeout=15)
print("first=%d rest=%d" % (len(reply.raw.read(1000)), len(reply.raw.read())))
reply.close()
tell("next", ask, "GET", "telemetry.example", "/bytes/1")
with session.get("https://telemetry.example/bytes/5000", stream=True, timeout=15) as reply:
    reply.raw.read(1000)
tell("last", ask, "GET", "telemetry.example", "/bytes/1")
"""
    )
    assert played.value("first") == "1000 rest=4000"
    assert played.value("next") == played.value("last") == "ok|200 1"
    assert connections(internet, begin) == ["https", "https"]


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_a_server_that_ended_the_connection_is_noticed(board, internet, method):
    """Its end has come before the next request: that goes on a new connection, whatever it is."""
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + f"""
tell("first", ask, "GET", "telemetry.example", "/goodbye")
time.sleep(1)
tell("second", ask, {method!r}, "telemetry.example", "/bytes/1", data=b"x")
"""
    )
    assert played.value("first") == "ok|200 0"
    assert played.value("second") == "ok|200 1"
    assert connections(internet, begin) == ["https", "https"]


@pytest.mark.parametrize(
    ("method", "data", "again"),
    [("GET", None, True), ("PUT", b"x", True), ("DELETE", None, True), ("POST", b"x", False)],
)
def test_a_server_that_ends_the_connection_at_a_request(board, internet, method, data, again):
    """It may have done what was asked: only what may be done twice is asked again, the rest is an error."""
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + f"""
tell("first", ask, "GET", "telemetry.example", "/hang-up")
tell("second", ask, {method!r}, "telemetry.example", "/bytes/1", data={data!r})
tell("third", ask, "POST", "telemetry.example", "/bytes/1", data=b"x")
"""
    )
    assert played.value("first") == "ok|200 0"
    if again:
        assert played.value("second") == "ok|200 1"
    else:
        assert played.value("second").startswith("ConnectionError|")
        assert "the request was sent, and may have arrived" in played.value("second")
    assert played.value("third") == "ok|200 1"
    assert connections(internet, begin) == ["https", "https"]


def test_an_answer_that_is_cut_short(board):
    played = board(
        KEPT
        + """
tell("cut", ask, "GET", "telemetry.example", "/close")
tell("next", ask, "GET", "telemetry.example", "/bytes/1")
"""
    )
    assert "its answer broke off after 500 bytes of 1000" in played.value("cut")
    assert played.value("next") == "ok|200 1"


def test_a_session_over_a_new_link(board, internet):
    """The address is another one then: the old connection is dead, and the next request takes a new one."""
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + """
tell("first", ask, "POST", "telemetry.example", "/bytes/1", data=b"x")
nic.disconnect()
nic.connect()
tell("second", ask, "POST", "telemetry.example", "/bytes/1", data=b"x")
"""
    )
    assert played.value("first") == played.value("second") == "ok|200 1"
    assert connections(internet, begin) == ["https", "https"]


def test_a_connection_that_was_idle_for_long_is_not_trusted(board, internet):
    """A provider's NAT may have forgotten it without a word."""
    begin = len(internet.servers.handshakes)
    played = board(
        KEPT
        + """
tell("first", ask, "GET", "telemetry.example", "/bytes/1")
time.sleep(50)
tell("second", ask, "GET", "telemetry.example", "/bytes/1")
time.sleep(61)
tell("third", ask, "GET", "telemetry.example", "/bytes/1")
""",
        speed=20,
    )
    assert [played.value(name) for name in ("first", "second", "third")] == ["ok|200 1"] * 3
    assert connections(internet, begin) == ["https", "https"]


def test_nginx_keeps_a_connection(board, nginx):
    (nginx.www / "day.txt").write_bytes(b"HIVE\n" * 400)
    played = board(
        KEPT
        + f"""
for path in ("/ip", "/day.txt", "/chunked/day.txt", "/none", "/ip"):
    tell(path, ask, "GET", {HTTPS_HOST!r}, path)
reply = session.post("https://{HTTPS_HOST}/post", json={{"kg": 42.75}}, timeout=15)
print("post=%s" % reply.json()["json"])
"""
    )
    assert played.value("/day.txt") == played.value("/chunked/day.txt") == "ok|200 2000"
    assert played.value("/none").startswith("ok|404 ")
    assert played.value("post") == "{'kg': 42.75}"
    assert [request["requests"] for request in nginx.requests()] == [1, 2, 3, 4, 5, 6]


def test_cost_of_a_message_on_a_kept_connection(board, tmp_path, internet):
    """Beside a full handshake, in one run, on gprs air: a quarter of the time, a seventh of the bytes."""
    begin, pcap = len(internet.servers.handshakes), tmp_path / "line.pcap"
    played = board(
        UP
        + """
reading = {"serial": "TC-0042", "at": "2026-11-22T23:00:00Z", "weight": 42.75, "temperature": [18.5, 18.25, 34.0],
    "humidity": 63.5, "battery": 3980, "signal": -77, "note": "0123456789abcdef0123456789abcdef"}
socket.getaddrinfo("threechain.example", 443)
session = requests.Session()
for name in ("full", "kept", "third"):
    start = time.ticks_ms()
    session.post("https://threechain.example/upload", json=reading, timeout=30)
    print("%s=%d" % (name, time.ticks_diff(time.ticks_ms(), start)))
""",
        pcap=pcap,
        air=PROFILES["gprs"],
    )
    assert connections(internet, begin) == ["threechain"]
    assert int(played.value("kept")) <= 0.55 * int(played.value("full"))
    # Bytes of IP, both ways: all until the second request, from there to the third.
    totals = [0]
    for ip in segments(pcap):
        asks = up(ip) and bytes(ip[TCP].payload).startswith(b"\x17\x03\x03")  # application data
        totals += [0] * asks
        totals[-1] += ip.len
    full, kept = totals[0] + totals[1], totals[2]
    assert kept <= 0.35 * full, (kept, full)
