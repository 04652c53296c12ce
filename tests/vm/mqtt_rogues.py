"""Brokers that break MQTT, fall silent or drip, each a function of the connection it gets, in threads of the test."""

import contextlib
import socket
import threading
import time

import pytest
from real_servers import MQTT_ADDRESS, MQTT_HOST

CONNACK = b"\x20\x02\x00\x00"


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError
        data += part
    return data


def packet(connection: socket.socket) -> bytes:
    """The next packet: its type and flags, and what comes behind its length."""
    head, length, shift = exactly(connection, 1), 0, 0
    while True:
        (byte,) = exactly(connection, 1)
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return head + exactly(connection, length)


def message(topic: bytes, payload: bytes, head: int = 0x30, ident: bytes = b"") -> bytes:
    body = len(topic).to_bytes(2) + topic + ident + payload
    length, rest = b"", len(body)
    while rest > 0x7F:
        length += bytes((rest & 0x7F | 0x80,))
        rest >>= 7
    return bytes((head,)) + length + bytes((rest,)) + body


def drip(connection: socket.socket, data: bytes, pause: float) -> None:
    for byte in data:
        connection.sendall(bytes((byte,)))
        time.sleep(pause)


class Rogue:
    """Serves each connection by `serve(connection, number)`, until it returns; `packets` are what `packet()` read there
    by `take()`."""

    def __init__(self, serve):
        self._serve = serve
        self.packets: list[bytes] = []
        self.connections = 0
        self._ended = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        number, self.connections = self.connections, self.connections + 1
        with connection, contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serve(self, connection, number)

    def take(self, connection: socket.socket) -> bytes:
        self.packets.append(packet(connection))
        return self.packets[-1]

    def greet(self, connection: socket.socket) -> None:
        """Take CONNECT, answer it."""
        self.take(connection)
        connection.sendall(CONNACK)

    def hold(self) -> None:
        """Say nothing more, and do not hang up."""
        self._ended.wait(60)

    def stop(self) -> None:
        self._ended.set()
        self._server.close()


@pytest.fixture
def rogue(internet, monkeypatch):
    """rogue(serve): a Rogue as MQTT_HOST, port 1883 (plain MQTT)."""
    rogues = []

    def start(serve, port=1883) -> Rogue:
        rogues.append(Rogue(serve))
        monkeypatch.setitem(internet.names, MQTT_HOST, MQTT_ADDRESS)
        monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, port), rogues[-1].port)
        return rogues[-1]

    yield start
    for each in rogues:
        each.stop()
