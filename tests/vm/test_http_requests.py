"""What the image's HTTP clients send: heads, bodies of every kind, and what they refuse to send."""

import json
from urllib.parse import parse_qsl

import pytest
from capture import segments, up
from http_peer import HOST, KEEP, RESET, answer, client, result, with_all
from network.air import PROFILES
from scapy.layers.inet import TCP

pytestmark = pytest.mark.real_time

OK = {"/": [answer(b"{}"), KEEP]}
ALL = """
for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    told(method, method, URL)
"""


def url(scheme: str, path: str = "/") -> str:
    return f"URL = '{scheme}://{HOST}{path}'\n"


@with_all("requests", "session", "aiohttp")
def test_heads(board, peer, entry, scheme):
    """HTTP/1.1; without a body a length of 0 where a body could be; Host first."""
    peer.paths = OK
    board(client(entry) + url(scheme) + ALL)
    assert [request.method for request in peer.seen] == [
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
    ]
    for request in peer.seen:
        length = request.names.get("content-length")
        assert length == (None if request.method in ("GET", "HEAD") else "0"), request
        assert request.headers[0] == ("Host", HOST)
        keeps = entry in ("session", "aiohttp")
        assert request.names.get("connection") == (None if keeps else "close")


def test_an_empty_post_by_the_old_api(board, peer):
    peer.paths = OK
    played = board(
        client("pythings")
        + url("http")
        + "told('post', 'POST', URL, data='')\ntold('none', 'POST', URL)\n"
    )
    assert result(played, "post")["status"] == result(played, "none")["status"] == 200
    assert [request.names["content-length"] for request in peer.seen] == ["0", "0"]


# name -> (options as source, method, what must arrive: body, header)
BODIES = {
    "bytes": ("data=b'\\x00\\xff'", b"\x00\xff", None),
    "bytearray": ("data=bytearray(b'ab')", b"ab", None),
    "memoryview": ("data=memoryview(b'abc')[1:]", b"bc", None),
    "text": ("data='Bienenst\\xf6cke'", "Bienenstöcke".encode(), None),
    "json": ("json={'kg': 42.75, 'name': '\\xe4'}", None, "application/json"),
    "json-none": ("json=None", b"", None),
    "json-empty": ("json=[]", b"[]", "application/json"),
    "own-type": ("json={}, headers={'content-type': 'text/x'}", b"{}", "text/x"),
    "form": ("data={'a b': '1&2', '\\xe4': ['x', 'y'], 'n': None, 'i': 7}", None, "application/x-www-form-urlencoded"),
    "pairs": ("data=[('a', 1), ('a', 2)]", b"a=1&a=2", "application/x-www-form-urlencoded"),
    "generator": ("data=(b'x' * n for n in (3, 0, 2000, 1))", b"x" * 2004, None),
    "generator-binary": ("data=iter([bytes(range(256)), bytearray(b'\\0%s'), memoryview(b'%x')])",
        bytes(range(256)) + b"\0%s%x", None),
    "generator-text": ("data=iter(['\\xe4', 'b'])", "äb".encode(), None),
    "generator-length": ("data=iter([b'ab', b'c']), headers={'Content-Length': 3}", b"abc", None),
    "file": ("data=open('reading.bin', 'rb')", bytes(range(256)) * 20, None),
    "stream": ("data=io.BytesIO(b'y' * 5000)", b"y" * 5000, None),
    "long": ("data=b'z' * 20000", b"z" * 20000, None),
}  # fmt: skip


@with_all("requests", "session", "aiohttp")
def test_bodies(board, peer, entry, scheme):
    peer.paths = {"/" + name: [answer(b"{}"), KEEP] for name in BODIES}
    played = board(
        client(entry)
        + "import io\n"
        + "".join(
            f"told({name!r}, 'POST', '{scheme}://{HOST}/{name}', {options})\n"
            for name, (options, _, _) in BODIES.items()
        ),
        files={"reading.bin": bytes(range(256)) * 20},
    )
    seen = {request.target[1:]: request for request in peer.seen}
    for name, (_, body, kind) in BODIES.items():
        assert result(played, name).get("status") == 200, (name, result(played, name))
        request = seen[name]
        assert request.whole
        assert request.names.get("content-type") == kind, name
        if body is not None:
            assert request.body == body, name
        chunked = name in ("generator", "generator-binary", "generator-text")
        assert (request.names.get("transfer-encoding") == "chunked") is chunked, name
        assert chunked or request.names["content-length"] == str(len(request.body)), name
    assert json.loads(seen["json"].body) == {"kg": 42.75, "name": "ä"}
    form = parse_qsl(seen["form"].body.decode())
    assert sorted(form) == [("a b", "1&2"), ("i", "7"), ("ä", "x"), ("ä", "y")]


def test_addresses(board, peer):
    """Spaces, umlauts, anchors, ports and users in an address; params."""
    peer.paths = {}
    addresses = {
        "/a%20b": "http://{}/a b",
        "/%C3%A4?q=%C3%B6": "http://{}/\xe4?q=\xf6",
        "/": "http://{}",
        "/?a=1": "http://{}?a=1",
        "/x": "http://{}/x#anchor",
        "/%41%2f": "http://{}/%41%2f",
        "/port": "HTTP://{}:80/port",
        "/user": "http://us%er:pa%3as%40s@{}/user",
        "/only-user": "http://bee@{}/only-user",
        "/p?a=1&b=%C3%BC&c=x&c=y+z": "http://{}/p?a=1",
        "/8080": "http://{}:8080/8080",
        "/dot": "http://{}./dot",
    }
    played = board(
        client("requests")
        + f"""
for i, url in enumerate({[text.format(HOST) for text in addresses.values()]!r}):
    params = [("b", "\\xfc"), ("c", ["x", "y z"]), ("d", None)] if "?a=1" in url and "/p" in url[8:] else None
    told(str(i), "GET", url, params=params)
"""
    )
    assert [request.target for request in peer.seen] == list(addresses), played.lines
    by_target = {request.target: request.names for request in peer.seen}
    assert by_target["/port"]["host"] == by_target["/dot"]["host"] == HOST
    assert by_target["/8080"]["host"] == f"{HOST}:8080"
    assert by_target["/user"]["authorization"] == "Basic dXMlZXI6cGE6c0Bz"
    assert by_target["/only-user"]["authorization"] == "Basic YmVlOg=="


@with_all("requests", "session", "aiohttp")
def test_header_values(board, peer, entry, scheme):
    """Of any sensible type; None takes one away."""
    peer.paths = OK
    values = {"X-Int": 7, "X-Float": 2.5, "X-Bytes": b"ab", "X-Text": "\xe4", "X-None": None}
    played = board(
        client(entry)
        + url(scheme)
        + f"told('get', 'GET', URL, headers={values!r}, auth=('bee', 'h\\xf6ney'))\n"
    )
    assert result(played, "get")["status"] == 200
    names = peer.seen[0].names
    assert (names["x-int"], names["x-float"], names["x-bytes"]) == ("7", "2.5", "ab")
    assert names["x-text"].encode("latin-1").decode() == "ä"
    assert "x-none" not in names
    assert names["authorization"] == "Basic YmVlOmjDtm5leQ=="


# What would be a header, or another request, on the wire
INJECTIONS = {
    "url": "method, URL + 'a\\r\\nX-Evil: 1'",
    "url-host": "method, 'http://plain.example\\r\\nX-Evil: 1/'",
    "url-space": "method, 'http://plain.example /'",
    "url-tab": "method, URL + 'a\\tb'",
    "method": "'GET / HTTP/1.1\\r\\nX-Evil: 1\\r\\n\\r\\nGET', URL",
    "method-space": "'GET /x', URL",
    "name": "method, URL, headers={'X-A: b\\r\\nX-Evil': '1'}",
    "name-space": "method, URL, headers={'X A': '1'}",
    "name-empty": "method, URL, headers={'': '1'}",
    "value": "method, URL, headers={'X-A': 'b\\r\\nX-Evil: 1'}",
    "value-lf": "method, URL, headers={'X-A': 'b\\nX-Evil: 1'}",
    "value-bytes": "method, URL, headers={'X-A': b'b\\rX-Evil: 1'}",
    "value-nul": "method, URL, headers={'X-A': 'b\\0'}",
    "params": "method, URL, params='a=1\\r\\nX-Evil: 1'",
    "host": "method, URL, headers={'Host': 'a\\r\\nX-Evil: 1'}",
    "no-scheme": "method, 'telemetry.example/'",
    "scheme": "method, 'ftp://telemetry.example/'",
    "no-host": "method, 'http:///x'",
    "port": "method, 'http://telemetry.example:99999/'",
    "port-text": "method, 'http://telemetry.example:http/'",
}  # fmt: skip


@with_all("requests", "session", "aiohttp")
def test_what_cannot_be_asked_is_not(board, peer, entry, scheme):
    peer.paths = OK
    played = board(
        client(entry)
        + url(scheme)
        + "method = 'GET'\n"
        + "".join(f"told({name!r}, {arguments})\n" for name, arguments in INJECTIONS.items())
    )
    for name in INJECTIONS:
        found = result(played, name)
        assert found.get("error") == "ValueError" and found["text"], (name, found)
    assert not peer.seen


@pytest.mark.parametrize("what", ["shorter", "longer", "raises"])
def test_data_that_is_not_as_announced(board, peer, what):
    """The request does not go out whole, and no other one goes behind it on that connection."""
    peer.paths = {"/": [answer(b"{}"), KEEP]}
    played = board(
        client("session")
        + url("http")
        + f"""
def pieces():
    yield b"ab"
    if {what!r} == "raises":
        raise KeyError("sensor")
    if {what!r} == "longer":
        yield b"cd"
told("first", "POST", URL, data=pieces(), headers={{"Content-Length": 3}})
told("next", "POST", URL, data=b"ok")
"""
    )
    first = result(played, "first")
    assert first["error"] == ("KeyError" if what == "raises" else "ValueError")
    assert result(played, "next")["status"] == 200
    assert [request.body for request in peer.seen if request.whole] == [b"ok"]


def test_an_answer_before_the_bodys_end(board, peer):
    """A server that does not want it says so at once, and is heard; what is interim does not end the upload."""

    def refuse(request):
        raise AssertionError("it is not read to its end")

    peer.early = {
        "/refused": [answer(b"too large", "413 Content Too Large"), 5.0],
        "/continue": [b"HTTP/1.1 100 Continue\r\n\r\n"],
    }
    peer.paths = {"/continue": [answer(b"taken")], "/refused": refuse}
    played = board(
        client("requests")
        + f"""
def pieces():
    for _ in range(100):
        yield b"x" * 1000
        time.sleep_ms(50)
for path in ("/refused", "/continue"):
    told(path, "POST", "http://{HOST}" + path, data=pieces())
    told(path + "-bytes", "POST", "http://{HOST}" + path, data=b"x" * 100_000)
"""
    )
    for name in ("/refused", "/refused-bytes"):
        found = result(played, name)
        assert (found.get("status"), found.get("body")) == (413, "too large"), found
        assert found["ms"] < 3000
    for name in ("/continue", "/continue-bytes"):
        assert result(played, name).get("body") == "taken", result(played, name)
    assert [len(request.body) for request in peer.seen] == [100_000] * 2


def test_a_server_that_hangs_up_in_an_upload(board, peer):
    """It cannot have the whole: the error says so."""
    peer.early = {"/": [RESET]}
    played = board(
        client("requests") + url("http") + "told('post', 'POST', URL, data=b'x' * 100_000)\n"
    )
    found = result(played, "post")
    assert found["fate"] == "not sent" and "the request was not sent" in found["text"], found


def test_cost_of_a_request(board, internet, tmp_path):
    """Bytes of IP both ways on gprs air, and round trips; micropython-lib's client with its patches took 691,
    1488, 1706 and 447 bytes (with some acknowledgements more), and as many trips."""
    pcap = tmp_path / "line.pcap"
    played = board(
        client("requests")
        + """
for host in ("plain.example", "telemetry.example"):
    socket.getaddrinfo(host, 80)
requests.get("https://telemetry.example/ip")
session = requests.Session()
session.get("https://telemetry.example/ip")
for name, call in (
    ("http", lambda: requests.get("http://plain.example/ip")),
    ("https", lambda: requests.get("https://telemetry.example/ip")),
    ("post", lambda: requests.post("https://telemetry.example/post", json={"kg": 42.75})),
    ("kept", lambda: session.get("https://telemetry.example/ip")),
):
    time.sleep(6)
    start = time.ticks_ms()
    call().content
    print("%s=%d" % (name, time.ticks_diff(time.ticks_ms(), start)))
time.sleep(6)
""",
        air=PROFILES["gprs"],
        speed=5.0,
        pcap=pcap,
    )
    # Without what a busy machine makes both ends send again.
    once = {
        (
            up(ip),
            ip[TCP].sport,
            ip[TCP].dport,
            ip[TCP].seq,
            len(ip[TCP].payload),
            ip[TCP].ack * (not ip[TCP].payload),
        ): ip
        for ip in segments(pcap)
    }
    talk = [(ip[TCP].sport if up(ip) else ip[TCP].dport, ip.len) for ip in once.values()]
    full, session, *ports = dict.fromkeys(port for port, _ in talk)
    costs = {
        name: sum(length for port, length in talk if port == its)
        for name, its in zip(("http", "https", "post"), ports, strict=True)
    }
    later = max(i for i, (port, _) in enumerate(talk) if port == ports[-1])
    costs["kept"] = sum(length for port, length in talk[later:] if port == session)
    assert full not in ports
    limits = {"http": 691, "https": 1488, "post": 1706, "kept": 447}
    assert all(cost <= limits[name] for name, cost in costs.items()), costs
    # A round trip is 0.7 s of air and some jitter: two of them by http, three by a resumed https, one on a kept connection.
    for name, trips in (("http", 2), ("https", 3), ("kept", 1)):
        assert int(played.value(name)) < (trips + 1) * 950, (name, played.lines)
