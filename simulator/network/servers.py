"""Servers on this machine's loopback that stand in for the world: HTTP, HTTPS, bulk TCP, NTP.

HTTP and HTTPS answer
    /ip             {"origin": the client's address}
    /post           (POST, PUT) what came: {"json": ..., "data": ..., "headers": {...}}
    /bytes/N        N bytes, the same each time: `pattern`
    /upload         (POST, PUT) {"length": ..., "sha256": ...} of the body
    /status/N       an empty answer with that status
    /delay/S        {"delay": S} after S simulated seconds
    /redirect/N?URL an empty answer with that status that sends the client to the URL, or without it here again
    /close          an answer that breaks off half-way
    /vanish         no answer: the connection ends
    /goodbye        an empty answer, then an end of the connection that was not announced
    /hang-up        an empty answer, then an end when the connection's next request has come
    /forget         an empty answer; the server's TLS sessions, tickets included, are then void
The bulk server takes one line, "GET N" (it sends N bytes of the pattern) or "PUT N" (it takes N
bytes, then answers "OK N sha256").
"""

import asyncio
import contextlib
import hashlib
import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from random import Random

from . import certificates
from .ntp import MANNERS, NTPServer
from .rogues import ROGUES, Rogue
from .tls import behaviour, server_context

MAX_BYTES = 1 << 30  # of /bytes and GET
MAX_DELAY = 600.0
MAX_ECHO = 1 << 20  # of /post
_BLOCK = 65536
_PATTERN = Random(800).randbytes(_BLOCK)


def pattern(length: int) -> Iterator[bytes]:
    """`length` bytes in blocks, the same each time, as mixed as compressed data is."""
    for at in range(0, length, _BLOCK):
        yield _PATTERN[: length - at]


class _BadRequest(Exception):
    """What the client did wrong; answered with status 400 and this sentence."""


class _HTTP(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = _BLOCK  # head and body in one segment where they fit
    timeout = 120
    hung_up = False

    def _get(self) -> None:
        path, _, query = self.path.partition("?")
        kind, _, number = path.strip("/").partition("/")
        if path == "/ip":
            self._answer({"origin": self.server.owner.client or self.client_address[0]})
        elif kind == "bytes":
            self._send_bytes(self._number(number, int, MAX_BYTES))
        elif kind == "status":
            self._answer(None, self._number(number, int, 599))
        elif kind == "delay":
            delay = self._number(number, float, MAX_DELAY)
            time.sleep(delay / self.server.owner.speed)
            self._answer({"delay": delay})
        elif path == "/forget":
            self.server.renew_context()
            self._answer(None)
        elif kind == "redirect":
            self._answer(None, self._number(number, int, 399), location=query or self.path)
        elif path == "/vanish":
            self.close_connection = True
        elif path in ("/goodbye", "/hang-up"):
            self._answer(None)
            self.close_connection = path == "/goodbye"
            self.hung_up = True
        elif path == "/close":
            self._head(200, 1000, "application/octet-stream")
            self.wfile.write(_PATTERN[:500])
            self.close_connection = True
        else:
            self._answer({"error": f"there is no {path} here"}, 404)

    def _post(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/upload":
            digest, length = hashlib.sha256(), 0
            for block in self._body():
                digest.update(block)
                length += len(block)
            self._answer({"length": length, "sha256": digest.hexdigest()})
        elif path == "/post":
            data = b""
            for block in self._body():
                data += block
                if len(data) > MAX_ECHO:
                    self.close_connection = True
                    self._answer({"error": f"a body above {MAX_ECHO} bytes is not echoed"}, 413)
                    return
            try:
                value = json.loads(data) if data else None
            except ValueError:
                value = None
            text = data.decode("utf-8", "replace")
            self._answer({"json": value, "data": text, "headers": dict(self.headers.items())})
        else:
            for _ in self._body():
                pass
            self._get()

    def _try(self, method) -> None:
        if self.hung_up:
            self.close_connection = True
            return
        try:
            method()
        except _BadRequest as error:
            self.close_connection = True
            self._answer({"error": str(error)}, 400)

    def do_GET(self) -> None:
        self._try(self._get)

    def do_POST(self) -> None:
        self._try(self._post)

    do_HEAD = do_GET
    do_PUT = do_DELETE = do_POST

    def _number(self, text: str, kind, most):
        try:
            number = kind(text)
        except ValueError:
            number = -1
        if not 0 <= number <= most:  # also not a number at all
            raise _BadRequest(f"{self.path}: the last part must be a number from 0 to {most}")
        return number

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := self._chunk_size():
                yield self.rfile.read(size)
                self.rfile.readline(100)
            while self.rfile.readline(1000).strip():
                pass  # trailers
            return
        try:
            left = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            raise _BadRequest("Content-Length is not a number") from None
        while left > 0 and (block := self.rfile.read(min(left, _BLOCK))):
            left -= len(block)
            yield block
        if left > 0:
            raise _BadRequest(f"the body ended {left} bytes early")

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline(100).partition(b";")[0], 16)
        except ValueError:
            raise _BadRequest("a chunk's size is not a hexadecimal number") from None

    def _head(self, status: int, length: int, kind: str, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("location", location)  # not every server writes it with a capital
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _answer(self, value, status: int = 200, location: str = "") -> None:
        body = b"" if value is None else json.dumps(value).encode() + b"\n"
        if status < 200 or status in (204, 304):
            self.send_response(status)
            self.end_headers()
            return
        self._head(status, len(body), "application/json", location)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_bytes(self, length: int) -> None:
        self._head(200, length, "application/octet-stream")
        if self.command != "HEAD":
            for block in pattern(length):
                self.wfile.write(block)

    def version_string(self) -> str:
        return "simulated-world"

    def log_message(self, format: str, *args) -> None:
        self.server.log(format % args)


class _Bulk(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    timeout = 120

    def handle(self) -> None:
        line = self.rfile.readline(100).decode("ascii", "replace").strip()
        command, _, number = line.partition(" ")
        if command not in ("GET", "PUT") or not number.isdigit() or int(number) > MAX_BYTES:
            self.wfile.write(b'ERROR say "GET N" or "PUT N"\n')
            return
        length = int(number)
        self.server.log(line)
        if command == "GET":
            for block in pattern(length):
                self.wfile.write(block)
            return
        digest, left = hashlib.sha256(), length
        while left and (block := self.rfile.read1(min(left, _BLOCK))):
            digest.update(block)
            left -= len(block)
        self.wfile.write(f"OK {length - left} {digest.hexdigest()}\n".encode())


@dataclass(frozen=True)
class Handshake:
    """How one with a TLS server ended; failure: in OpenSSL's words, "" if it did not fail."""

    server: str
    resumed: bool = False
    cipher: str = ""
    failure: str = ""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(
        self,
        owner: "Servers",
        name: str,
        handler,
        make_context: Callable[[], ssl.SSLContext] | None,
    ):
        super().__init__(("127.0.0.1", 0), handler)
        self.owner = owner
        self.name = name
        self._make_context = make_context
        self._context = make_context and make_context()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def finish_request(self, request, client_address) -> None:
        # Runs in the connection's own thread, so that a slow handshake keeps nobody waiting.
        if self._context:
            request.settimeout(120)
            tls = self._context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
            with self._lock:
                self._open.discard(request)  # wrap_socket took the descriptor over
                self._open.add(tls)
            try:
                tls.do_handshake()
            except (OSError, ValueError) as error:
                reason = getattr(error, "reason", None) or str(error)
                self.log(f"TLS handshake failed: {reason}")
                self.owner.handshakes.append(Handshake(self.name, failure=reason))
                self._linger(tls)
                return
            self.owner.handshakes.append(Handshake(self.name, tls.session_reused, tls.cipher()[0]))
            if behaviour(self.name).sessions == "none":
                self.renew_context()
            try:
                super().finish_request(tls, client_address)
                # Say goodbye so that the client can tell an end from a cut.
                with contextlib.suppress(OSError, ValueError):
                    tls.settimeout(1)
                    tls.unwrap()
            finally:
                with self._lock:
                    self._open.discard(tls)
                tls.close()
        else:
            super().finish_request(request, client_address)

    def _linger(self, tls: ssl.SSLSocket) -> None:
        """Hang up so that the client can read the alert: a close with unread data would reset it away."""
        with contextlib.suppress(OSError, ValueError):
            tls.settimeout(1)
            tls.shutdown(socket.SHUT_WR)  # also ends TLS: what comes now is read as it is
            while tls.recv(_BLOCK):
                pass
        with self._lock:
            self._open.discard(tls)
        tls.close()

    def renew_context(self) -> None:
        """As after a restart of the server: no session of before is known."""
        if self._make_context:
            self._context = self._make_context()

    def process_request(self, request, client_address) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address) -> None:
        pass  # a client that went away is no news; what was asked is in the log

    def log(self, what: str) -> None:
        self.owner.log(self.name, what)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Servers:
    """All of them, each on a free port of 127.0.0.1, in threads of their own.

    directory: where the certificates are or will be made; journal: gets an entry with source
    "http" for each request, in its own event loop if there is one; client: what /ip says, None:
    the address the connection comes from; speed: simulated seconds in a real one; now: the time NTP tells,
    seconds since 1970.

    `ports` after start(): "http", "bulk", HTTPS for each of certificates.LEAVES, those of
    rogues.ROGUES and (UDP) of ntp.MANNERS. `handshakes`: all that have ended, in order.
    """

    def __init__(
        self,
        directory: str | Path,
        journal=None,
        *,
        client: str | None = None,
        speed: float = 1.0,
        now: Callable[[], float] = time.time,
    ):
        self.ports: dict[str, int] = {}
        self.handshakes: list[Handshake] = []
        self.client = client
        self.speed = speed
        self.now = now
        self.journal = journal
        self._directory = Path(directory)
        self._servers: list[_Server | NTPServer] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        certificates.make(self._directory)
        self._add("http", _HTTP, None)
        self._add("bulk", _Bulk, None)
        for name in certificates.LEAVES:
            self._add(name, _HTTP, partial(server_context, self._directory, name))
        for name, script in ROGUES.items():
            self._add(name, partial(Rogue, script), None)
        for name, manner in MANNERS.items():
            server = NTPServer(manner, self.now, partial(self.log, name))
            self._servers.append(server)
            self.ports[name] = server.port

    def _add(self, name: str, handler, make_context) -> None:
        server = _Server(self, name, handler, make_context)
        self._servers.append(server)
        self.ports[name] = server.server_address[1]
        threading.Thread(
            target=server.serve_forever, args=(0.02,), name=f"server {name}", daemon=True
        ).start()

    def stop(self) -> None:
        for server in self._servers:
            server.stop()
        self._servers.clear()
        self.ports.clear()

    def __enter__(self) -> "Servers":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def log(self, name: str, what: str) -> None:
        if self.journal is None:
            return
        if self._loop and self._loop.is_running():
            self._loop.call_soon_threadsafe(lambda: self.journal.add("http", what, server=name))
        else:
            self.journal.add("http", what, server=name)
