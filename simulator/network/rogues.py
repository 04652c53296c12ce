"""Servers that break the TLS protocol: each sends what no honest one would, then hangs up.

What they answer is written out here, as no TLS library can be made to speak SSL 3.0 or RC4 any more.
"""

import contextlib
import itertools
import select
import socketserver
import struct
import time
from collections.abc import Iterable

MAX_HELLO = 4096
PATIENCE = 120.0  # seconds, then a rogue that keeps a client waiting hangs up
PAUSE = b""


def record(kind: int, body: bytes, version: int = 0x0303) -> bytes:
    """A TLS record (RFC 5246 6.2.1)."""
    return struct.pack("!BHH", kind, version, len(body)) + body


def hello(version: int = 0x0303, cipher: int = 0xC02F) -> bytes:
    """A ServerHello (RFC 5246 7.4.1.3) with renegotiation_info (RFC 5746 3.6), which clients insist on."""
    body = struct.pack("!H", version) + bytes(range(32)) + b"\0" + struct.pack("!HB", cipher, 0)
    body += bytes.fromhex("0005 ff01 0001 00")
    return record(22, b"\x02" + len(body).to_bytes(3, "big") + body, version)


def alert(description: int) -> bytes:
    """A fatal alert (RFC 5246 7.2)."""
    return record(21, bytes([2, description]))


def _dribble(data: bytes) -> Iterable[bytes]:
    for at in range(len(data)):
        yield data[at : at + 1]
        yield PAUSE
    yield from itertools.repeat(PAUSE)


# name -> what it sends after the ClientHello, piece by piece; PAUSE is a tenth of a second
ROGUES = {
    "closes": lambda: [],
    "halfway": lambda: [hello()[:20]],
    "refuses": lambda: [alert(40)],  # handshake_failure
    "sslv3": lambda: [hello(version=0x0300)],
    "rc4": lambda: [hello(cipher=0x0005)],
    "tripledes": lambda: [hello(cipher=0x000A)],
    "export": lambda: [hello(cipher=0x0003)],
    "anonymous": lambda: [hello(cipher=0xC018)],
    "dh512": lambda: [hello(cipher=0x009E)],
    "garbage": lambda: [hello(), record(22, b"\x0b\xff\xff\xff" + bytes(range(200)))],
    "notls": lambda: [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"],
    "slow": lambda: _dribble(hello()),
    "silent": lambda: itertools.repeat(PAUSE),
}


class Rogue(socketserver.BaseRequestHandler):
    """Hears the ClientHello and plays `script`."""

    def __init__(self, script, *args):
        self._script = script
        super().__init__(*args)

    def handle(self) -> None:
        end = time.monotonic() + PATIENCE
        self.request.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            self.request.recv(MAX_HELLO)
            for piece in self._script():
                if piece:
                    self.request.sendall(piece)
                elif time.monotonic() > end or self._hung_up():
                    return

    def _hung_up(self) -> bool:
        readable, _, _ = select.select([self.request], [], [], 0.1)
        return bool(readable) and not self.request.recv(MAX_HELLO)
