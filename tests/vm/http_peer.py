"""A web server that says what a test wants, byte by byte, and remembers what it heard; and the image's HTTP clients."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

import pytest
from network.certificates import LEAVES
from stand_in import CERTIFICATES
from tls_board import UP

HOST = LEAVES["https"].host
ADDRESS = "203.0.113.90"
OTHER = LEAVES["p256"].host  # another origin, with a certificate of its own
OTHER_ADDRESS = "203.0.113.91"
SPEED = 10.0

HOLD = "hold"  # keep the connection, whatever the client does, until it closes
KEEP = "keep"  # go on with the connection's next request
RESET = "reset"  # end it without a word


@dataclass
class Seen:
    """A request as it came."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    whole: bool = True
    names: dict[str, str] = field(init=False)

    def __post_init__(self):
        self.names = {name.lower(): value for name, value in self.headers}


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Peer:
    """Serves plain HTTP at `ports[False]`, HTTPS at `ports[True]`, until `stop()`.

    paths: what to answer to a target, a list of steps: bytes to send, seconds (float, simulated) to wait, HOLD, KEEP, RESET;
    behind the last the connection is closed. A function is given the request and returns such a list. `seen`: the requests.
    """

    def __init__(self, leaf="https", speed=SPEED):
        self.paths = {}
        self.early = {}  # steps before a request's body is read; behind them, unless it is 1xx, the connection ends
        self.seen: list[Seen] = []
        self.connections = 0
        self.speed = speed
        self.ports = {}
        self._lock = threading.Lock()
        self._sockets = []
        self.context = context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{leaf}.pem")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        for tls in (False, True):
            server = socket.create_server(("127.0.0.1", 0), backlog=64)
            self._sockets.append(server)
            self.ports[tls] = server.getsockname()[1]
            threading.Thread(
                target=self._accept, args=(server, context if tls else None), daemon=True
            ).start()

    def stop(self):
        for server in self._sockets:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()

    def _accept(self, server, context):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, context), daemon=True).start()

    def _serve(self, connection, context):
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            connection.settimeout(20)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            with self._lock:
                self.connections += 1
                number = self.connections
            stream = connection.makefile("rb")
            while (request := self._read(connection, stream, number)) is not None:
                with self._lock:
                    self.seen.append(request)
                if not request.whole or not self._play(connection, stream, request):
                    break
            if context:
                connection.settimeout(1)
                connection.unwrap().close()

    def _read(self, connection, stream, number) -> Seen | None:
        line = stream.readline()
        headers = []
        while (text := stream.readline()) != b"\r\n":
            if not text.endswith(b"\r\n"):
                return None  # cut
            name, _, value = text.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        method, target, _ = line.decode().split()
        request = Seen(method, target, headers, b"", number)
        if steps := self.early.get(target):
            self._play(connection, stream, request, steps)
            if not steps[0].startswith(b"HTTP/1.1 1" if isinstance(steps[0], bytes) else " "):
                return None
        if request.names.get("transfer-encoding") == "chunked":
            while size := int(stream.readline() or b"0", 16):
                request.body += stream.read(size)
                stream.readline()
            request.whole = stream.readline() == b"\r\n"
        else:
            length = int(request.names.get("content-length", 0))
            request.body = stream.read(length)
            request.whole = len(request.body) == length
        return request

    def _play(self, connection, stream, request, steps=None) -> bool:
        if steps is None:
            steps = self.paths.get(request.target, [answer(b"nothing here", "404 Not Found")])
        if callable(steps):
            steps = steps(request)
        for step in steps:
            if step == HOLD:
                stream.read()
                return False
            if step == KEEP:
                return True
            if step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.socket.close(connection)
                return False
            if isinstance(step, bytes):
                connection.sendall(step)
            else:
                time.sleep(step / self.speed)
        return False


@pytest.fixture
def peer(internet, monkeypatch):
    """A Peer as HOST, both by http and https."""
    peer = Peer()
    _name(internet, monkeypatch, HOST, ADDRESS, peer)
    yield peer
    peer.stop()


@pytest.fixture
def other(internet, monkeypatch):
    """A Peer as OTHER."""
    peer = Peer("p256")
    _name(internet, monkeypatch, OTHER, OTHER_ADDRESS, peer)
    yield peer
    peer.stop()


def _name(internet, monkeypatch, host, address, peer):
    monkeypatch.setitem(internet.names, host, address)
    for port, tls in ((80, False), (443, True), (8080, False)):
        monkeypatch.setitem(internet.routes, (address, port), peer.ports[tls])


# ask(method, url, **options) -> (status, headers, body) by each of the image's entry points.
ASK = {
    "requests": """
def ask(method, url, **options):
    options.setdefault("timeout", 15)
    with requests.request(method, url, **options) as reply:
        return reply.status_code, reply.headers, reply.content
""",
    "session": """
session = requests.Session()
def ask(method, url, **options):
    options.setdefault("timeout", 15)
    with session.request(method, url, **options) as reply:
        return reply.status_code, reply.headers, reply.content
""",
    "aiohttp": """
import aiohttp, asyncio
async def go(method, url, options):
    options.setdefault("timeout", 15)
    async with aiohttp.ClientSession() as session:
        async with session.request(method, url, **options) as reply:
            return reply.status, reply.headers, await reply.read()

def ask(method, url, **options):
    return asyncio.run(go(method, url, options))
""",
    "pythings": """
from pythings_sim800 import Modem
modem = Modem()
modem.nic, modem.initialized, modem._apn, modem._online = nic, True, "internet", True
def ask(method, url, data=None, **options):
    reply = modem.http_request(url, method, data)
    return reply.status_code, {}, reply.content.encode()
""",
}

TOLD = """
import json as _json
def told(name, method, url, **options):
    # What came of it, as JSON: [status, body, headers], or the error's class, sentence and fields.
    start = time.ticks_ms()
    try:
        status, headers, body = ask(method, url, **options)
        result = {"status": status, "body": "".join(map(chr, body)), "headers": dict(headers.items())}
    except Exception as error:
        result = {"error": type(error).__name__, "text": str(error)}
        for name_ in ("fate", "errno", "status_code", "received", "retry_after"):
            result[name_] = getattr(error, name_, None)
        result["oserror"] = isinstance(error, OSError)
    result["ms"] = time.ticks_diff(time.ticks_ms(), start)
    print(name + "=" + _json.dumps(result))
"""


def client(name: str) -> str:
    return UP + ASK[name] + TOLD


def result(played, name: str) -> dict:
    # Bodies may have what other programs take for a line's end.
    for line in played.result.stdout.split("\n"):
        if line.startswith(name + "="):
            return json.loads(line[len(name) + 1 :])
    raise AssertionError(f"the script did not print {name}=\n{played.result}")


ENTRIES = tuple(ASK)
SCHEMES = ("http", "https")


def with_all(*entries):
    """Parametrises a test by entry point and scheme."""

    def mark(function):
        function = pytest.mark.parametrize("scheme", SCHEMES)(function)
        return pytest.mark.parametrize("entry", entries or ENTRIES)(function)

    return mark
