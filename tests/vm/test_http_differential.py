"""Generated answers, told apart as CPython's requests does, or h11: same status, headers and body, or an error for both.

Some are right, the others damaged: cut, or with lengths, chunks and lines that are none (with --slow others each time). The reference runs in a
virtual environment of its own (`ci/setup.sh peers`), against the same server.
"""

import json
import random
import subprocess

import pytest
from http_peer import ADDRESS, HOST, Peer, client
from network import jumps
from world import ROOT

PYTHON = ROOT / "build" / "venv-peers" / "bin" / "python"
COUNT = 500
NAMES = ("X-One", "x-two", "Server", "ETag", "Set-Cookie", "Content-Type", "Vary")
VALUES = (
    "1",
    "a, b",
    "  padded\t",
    "",
    "text/html; charset=utf-8",
    "x" * 200,
    "na\xefve",
    'W/"1:2"',
)
INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")

REFERENCE = """
import json, sys, requests, h11
from urllib.parse import urljoin

def by_requests(url, method):
    try:
        reply = requests.request(method, url, timeout=5, headers={"Accept-Encoding": "identity"})
        return told(reply.status_code, reply.headers.items(), reply.content)
    except requests.RequestException as error:
        return {"error": str(error)}

def by_h11(raw, method):
    connection = h11.Connection(our_role=h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(raw)
    connection.receive_data(b"")
    status, headers, body = None, (), b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
                headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in event.headers.raw_items()]
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return told(status, headers, body)
            elif not isinstance(event, h11.InformationalResponse):
                return {"error": repr(event)}
    except h11.RemoteProtocolError as error:
        return {"error": str(error)}

def told(status, headers, body):
    found = {}
    for name, value in headers:
        name = name.lower()
        found[name] = found[name] + ", " + value.strip(" \t") if name in found else value.strip(" \t")
    return {"status": status, "headers": found, "body": body.decode("latin-1")}

base, cases = json.loads(sys.stdin.read())
print(json.dumps([
    (by_requests(base + path, method), by_h11(raw.encode("latin-1"), method) if raw else None)
    for path, method, raw in cases
]))
"""


def chunked(rng, body: bytes) -> bytes:
    out = b""
    while body:
        size = rng.randint(1, len(body))
        extension = rng.choice((b"", b"", b";a=b", b"; a"))
        out += (
            rng.choice((b"%x", b"%X", b"0%x")) % size + extension + b"\r\n" + body[:size] + b"\r\n"
        )
        body = body[size:]
    return out + b"0\r\n" + rng.choice((b"", b"X-Sum: 1\r\n")) + b"\r\n"


def generate(rng) -> tuple[str, bytes]:
    """A method, and the whole of what the server says to it."""
    method = rng.choice(("GET", "GET", "GET", "HEAD", "POST"))
    version = rng.choice(("1.1", "1.1", "1.1", "1.0"))
    status = rng.choice((200, 200, 200, 201, 202, 204, 206, 304, 400, 404, 429, 500, 503))
    reason = rng.choice(("OK", "Not OK", ""))
    lines = [
        f"HTTP/{version} {status} {reason}".rstrip()
        if rng.random() < 0.2
        else f"HTTP/{version} {status} {reason}"
    ]
    lines += [
        f"{rng.choice(NAMES)}:{rng.choice((' ', ''))}{rng.choice(VALUES)}"
        for _ in range(rng.randrange(5))
    ]
    body = bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 2, 17, 300, 3000))))
    framing = rng.choice(("length", "length", "chunked", "close", "both", "two", "strange"))
    if framing == "chunked" and version == "1.0":
        framing = "length"  # who does that?
    if status in (204, 304) or method == "HEAD":
        framing, body = rng.choice(("close", "length")), b""
    if framing in ("length", "both"):
        lines.append(f"{rng.choice(('Content-Length', 'content-length'))}: {len(body)}")
    if framing in ("chunked", "both"):
        lines.append(
            f"{rng.choice(('Transfer-Encoding', 'transfer-encoding'))}: {rng.choice(('chunked', 'Chunked'))}"
        )
        body = chunked(rng, body)
    if framing == "two":
        lines += [f"Content-Length: {len(body)}", f"Content-Length: {rng.choice((len(body), 3))}"]
    if framing == "strange":
        lines.append(
            f"Content-Length: {rng.choice(('-5', 'abc', '1e3', '', '9' * 20, '0x10', '5 5'))}"
        )
    rng.shuffle(rest := lines[1:])
    raw = "\r\n".join([lines[0], *rest]).encode("latin-1") + b"\r\n\r\n" + body
    interim = b"".join(rng.choice(INTERIM) for _ in range(rng.choice((0, 0, 0, 1, 2))))
    if interim:  # of which CPython knows one kind only
        return method, interim + raw
    damage = rng.random()
    if damage < 0.2:
        raw = raw[: rng.randrange(len(raw))]
    elif damage < 0.3:
        at = rng.randrange(len(raw))
        raw = raw[:at] + bytes((rng.randrange(256),)) + raw[at + 1 :]
    return method, raw


def pieces(rng, raw: bytes) -> list:
    """It comes as it likes."""
    if rng.random() < 0.7 or len(raw) < 2:
        return [raw] if raw else []
    at = rng.randrange(1, len(raw))
    return [raw[:at], 0.05, raw[at:]]


SCRIPT = """
import json
with open("cases.json") as file:
    cases = json.load(file)
for path, method in cases:
    try:
        with requests.request(method, "http://" + HOST + path, timeout=60) as reply:
            found = {}
            for name, value in reply.headers.items():
                found[name.lower()] = value
            told = {"status": reply.status_code, "headers": found, "body": "".join(map(chr, reply.content))}
    except requests.RequestException as error:
        told = {"error": str(error)}
    print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def compared(vm, internet, request):
    """Each case with what came of it: (method, what the server says, ours, CPython's requests', h11's)."""
    if not PYTHON.exists():
        pytest.skip("CPython's requests is not here: run `ci/setup.sh peers`")
    seed = random.randrange(1 << 30) if request.config.getoption("--slow") else 1
    rng = random.Random(seed)
    peer = Peer(speed=20.0)
    cases = [generate(rng) for _ in range(COUNT)]
    peer.paths = {f"/{i}": pieces(rng, raw) for i, (_, raw) in enumerate(cases)}
    asked = [(f"/{i}", method) for i, (method, _) in enumerate(cases)]
    reference = subprocess.Popen(
        [PYTHON, "-c", REFERENCE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    given = [
        (path, method, raw.decode("latin-1"))
        for (path, method), (_, raw) in zip(asked, cases, strict=True)
    ]
    try:
        ours = play(internet, peer, asked)
        text, _ = reference.communicate(
            json.dumps([f"http://127.0.0.1:{peer.ports[False]}", given]), timeout=120
        )
    finally:
        reference.kill()
        peer.stop()
    theirs = json.loads(text)
    return seed, [
        (method, raw, mine, *others)
        for (method, raw), mine, others in zip(cases, ours, theirs, strict=True)
    ]


def play(internet, peer, asked) -> list[dict]:
    from sim800.scenario import Scenario
    from world import World

    async def go():
        names = {**internet.names, HOST: ADDRESS}
        routes = {**internet.routes, (ADDRESS, 80): peer.ports[False]}
        async with World(Scenario(names=names, routes=routes), speed=20.0) as world:
            await world.put("cases.json", json.dumps(asked).encode())
            script = (
                "import ppp_sim800, time\n" + client("requests") + f"HOST = {HOST!r}\n" + SCRIPT
            )
            result = await world.run(script, timeout=120)
        assert result.code == 0, result.stderr
        return [json.loads(line) for line in result.stdout.split("\n")]

    return jumps.run(go())


def fields(told: dict) -> dict:
    # What frames a body is proven by the body; h11 has those in a form of its own.
    return {
        name: value
        for name, value in told["headers"].items()
        if name not in ("transfer-encoding", "content-length")
    }


def same(ours: dict, theirs: dict | None) -> bool:
    if theirs is None or "error" in ours or "error" in theirs:
        return theirs is not None and "error" in ours and "error" in theirs
    return (ours["status"], ours["body"], fields(ours)) == (
        theirs["status"],
        theirs["body"],
        fields(theirs),
    )


def without_colon(raw: bytes) -> bool:
    """A line that is no header: CPython loses all headers behind it, h11 refuses it, ours loses that line."""
    head = raw.rpartition(b"HTTP/1")[2].partition(b"\r\n\r\n")[0]
    return any(b":" not in line for line in head.split(b"\n")[1:])


def test_answers_mean_the_same(compared):
    seed, cases = compared
    wrong = [
        (method, raw, mine, requests, h11)
        for method, raw, mine, requests, h11 in cases
        if not same(mine, requests) and not same(mine, h11) and not without_colon(raw)
    ]
    for case in wrong:
        print(*case, sep="\n  ")
    assert not wrong, f"seed {seed}: {len(wrong)} of {len(cases)}, the first: {wrong[0]}"


def test_the_answers_are_of_all_kinds(compared):
    _, cases = compared
    errors = sum("error" in mine for _, _, mine, _, _ in cases)
    assert COUNT // 10 < errors < COUNT // 2
    assert len({mine.get("status") for _, _, mine, _, _ in cases}) > 10
