"""The modem's own TCP/IP stack: names, TCP and UDP over the air, without the board's PPP.

Real connections to the servers a scenario routes to, on this machine's loopback; what goes either
way crosses pipes like those of Internet. TCP is there in effect, not in segments: bytes come
in order and complete, what the air loses comes later.
"""

import asyncio
import contextlib
import ipaddress
import ssl
import warnings
from collections import deque
from collections.abc import Callable
from functools import partial

from .air import Pipe
from .internet import NOBODY, PUBLIC_DNS

HEADERS = 40  # bytes of IP and TCP in front of the data
SEGMENT = 1360  # data bytes of a packet at most
WINDOW = 6  # packets under way at once, each way
RESEND_TIME = 1.0  # seconds until a lost packet is missed, and its round trip
STALL_TIME = 0.25  # how often a stack without a bearer looks whether it has one again
DNS_TIME = 30.0  # seconds until a name server that does not answer is given up
DNS_SIZE = 60  # bytes of a packet with a question, about
READ_SIZE = 65536
UNREAD = 8 * SEGMENT  # bytes of a connection that may wait to be read; then the far end has to
DATAGRAMS = 16  # that may wait to be read; one more is lost


class NoName(Exception):
    """The name server does not know the name, or does not answer."""


class TLSError(Exception):
    """TLS was not established; `alert`: the server said why not."""

    def __init__(self, error: Exception):
        super().__init__(str(error))
        self.alert = "alert" in str(getattr(error, "reason", "") or "").lower()


class _Way:
    """One direction of the air: packets, and what is to happen when each arrives."""

    def __init__(self, sockets: "Sockets", direction: str):
        self._sockets = sockets
        self.pipe = Pipe(sockets.clock, sockets.internet.air, direction, self._arrived)
        self._arrivals: deque[Callable[[], None]] = deque()
        self._room = asyncio.Semaphore(WINDOW)

    async def carry(self, data: bytes, arrived: Callable[[], None], again: bool = True) -> None:
        """Send `data` as a packet, and, if `again`, once more when it is lost; `arrived()` is called at the far end."""
        sockets, packet = self._sockets, bytes(HEADERS) + data
        await self._room.acquire()
        try:
            while True:
                while not sockets.alive():
                    await sockets.clock.sleep(STALL_TIME)
                if self.pipe.air is not sockets.internet.air:
                    self.pipe.set_air(sockets.internet.air)
                self._arrivals.append(arrived)
                if self.pipe.send(packet) is not None:
                    return
                self._arrivals.pop()
                if not again:
                    self._room.release()
                    return
                await sockets.clock.sleep(RESEND_TIME + self.pipe.air.rtt)
        except BaseException:
            self._room.release()
            raise

    async def trip(self, data: bytes) -> None:
        """Send `data` and wait until it is there."""
        there = asyncio.Event()
        await self.carry(data, there.set)
        await there.wait()

    def stop(self) -> None:
        self.pipe.stop()
        self._arrivals.clear()
        self._room = asyncio.Semaphore(WINDOW)

    def _arrived(self, packet: bytes) -> None:
        self._room.release()
        self._arrivals.popleft()()


class Connection:
    """A TCP connection: `read`, `write`, and `close`, which must be called.

    `sent` and `arrived` count bytes: what write() was given, and what of it the server has.
    """

    def __init__(self, sockets: "Sockets", reader, writer):
        self._sockets = sockets
        self._reader, self._writer = reader, writer
        self._received: asyncio.Queue[bytes | OSError] = asyncio.Queue()
        self._unread = 0
        self._room = asyncio.Event()
        self.sent = self.arrived = 0
        self._all_there = asyncio.Event()
        self._pump = asyncio.get_running_loop().create_task(self._receive())

    async def write(self, data: bytes) -> None:
        """Send all of `data`. Raises OSError."""
        self.sent += len(data)
        for at in range(0, len(data), SEGMENT):
            piece = data[at : at + SEGMENT]
            self._all_there.clear()
            await self._sockets.up.carry(piece, partial(self._there, piece))
            await self._writer.drain()

    def _there(self, piece: bytes) -> None:
        self._writer.write(piece)
        self._sockets.clock.outside(self, asked=True)
        self.arrived += len(piece)
        if self.arrived == self.sent:
            self._all_there.set()

    async def acknowledged(self) -> None:
        """Wait until the server has all of what was written, and has said so."""
        while self.arrived < self.sent:
            await self._all_there.wait()
        await self._sockets.down.trip(b"")

    async def read(self) -> bytes:
        """What has come, at least a byte; b"" at the end. Raises OSError."""
        piece = await self._received.get()
        if isinstance(piece, OSError):
            raise piece
        self._unread -= len(piece)
        self._room.set()
        return piece

    def close(self) -> None:
        self._pump.cancel()
        self._writer.close()
        self._sockets.clock.outside(self, asked=False)

    async def _receive(self) -> None:
        """What the server sends, over the air; not more than has room here."""
        piece = None
        while piece != b"":
            error = None
            while self._unread > UNREAD:
                self._room.clear()
                await self._room.wait()
            try:
                piece = await self._reader.read(SEGMENT)
            except OSError as problem:
                piece, error = b"", problem
            self._unread += len(piece)
            self._sockets.clock.outside(self, asked=False)
            await self._sockets.down.carry(
                piece, partial(self._received.put_nowait, error or piece)
            )


class Datagrams:
    """UDP with one place: `write` sends a datagram, `read` gets the next. What the air loses is lost.

    `close` must be called. `sent` and `arrived` as Connection's.
    """

    def __init__(self, sockets: "Sockets"):
        self._sockets = sockets
        self._received: asyncio.Queue[bytes] = asyncio.Queue(DATAGRAMS)
        self._coming: set[asyncio.Task] = set()
        self._transport: asyncio.DatagramTransport | None = None
        self.sent = self.arrived = 0

    async def open(self, server: int | None) -> None:
        """`server`: its port on the loopback; None: nobody is there."""
        if server:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Listener(self._came), remote_addr=("127.0.0.1", server)
            )

    async def write(self, data: bytes) -> None:
        self.sent += len(data)
        self.arrived += len(data)  # nobody says so, nobody asks
        await self._sockets.up.carry(data, partial(self._there, data), again=False)

    def _there(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(data)

    async def acknowledged(self) -> None:
        """Nobody acknowledges a datagram."""

    async def read(self) -> bytes:
        return await self._received.get()

    def close(self) -> None:
        for task in self._coming:
            task.cancel()
        if self._transport is not None:
            self._transport.close()

    def _came(self, data: bytes) -> None:
        if len(self._coming) < DATAGRAMS:
            task = asyncio.get_running_loop().create_task(
                self._sockets.down.carry(data, partial(self._keep, data), again=False)
            )
            self._coming.add(task)
            task.add_done_callback(self._coming.discard)

    def _keep(self, data: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._received.put_nowait(data)


class TLS:
    """TLS 1.0 on a connection, as the SIM800's stack speaks it: no newer version, no server name,
    and the server's certificate is not looked at. `open()` first."""

    def __init__(self, connection: Connection):
        self._connection = connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        only_tls10(context)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out)

    async def open(self) -> None:
        """Shake hands. Raises TLSError, OSError."""
        try:
            await self._do(self._tls.do_handshake)
        except (ssl.SSLError, EOFError) as error:
            raise TLSError(error) from error

    async def write(self, data: bytes) -> None:
        """Raises OSError."""
        await self._do(partial(self._tls.write, data))

    async def read(self) -> bytes:
        """As Connection.read."""
        try:
            return await self._do(partial(self._tls.read, READ_SIZE))
        except (ssl.SSLZeroReturnError, EOFError):
            return b""

    async def acknowledged(self) -> None:
        """As Connection.acknowledged."""
        await self._connection.acknowledged()

    def close(self) -> None:
        self._connection.close()

    async def _do(self, step: Callable):
        """Do a step of TLS, with what it wants to send or to hear."""
        while True:
            try:
                value = step()
            except ssl.SSLWantReadError:
                await self._connection.write(self._out.read())
                data = await self._connection.read()
                if not data:
                    raise EOFError("the server closed the connection") from None
                self._in.write(data)
                continue
            await self._connection.write(self._out.read())
            return value


def only_tls10(context: ssl.SSLContext) -> None:
    """TLS 1.0 and nothing else, with the ciphers it has, which OpenSSL 3 no longer offers by itself."""
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1


class Sockets:
    """Names, TCP and UDP for what runs inside a modem.

    internet: has air, names and routes as Internet has (a Scenario does, too), and perhaps
    dns_delay. `alive()`: whether the bearer carries packets now; while not, all stands still.
    `up` and `down` have a `pipe` each, with the counters of network.air.Pipe.
    """

    def __init__(self, clock, internet, journal, alive: Callable[[], bool]):
        self.clock, self.internet, self.alive = clock, internet, alive
        self._journal = journal
        self.up, self.down = _Way(self, "up"), _Way(self, "down")

    async def resolve(self, host: str, servers: tuple[str, ...] = ()) -> str:
        """The IPv4 address of a name, or of an address itself, from the network's name servers or one of
        `servers`. Raises NoName."""
        with contextlib.suppress(ValueError):
            return str(ipaddress.IPv4Address(host))
        names = {name.rstrip(".").lower(): where for name, where in self.internet.names.items()}
        address = names.get(host.rstrip(".").lower())
        left, rcode = getattr(self.internet, "dns_refusals", (0, ""))
        if left:
            self.internet.dns_refusals = (left - 1, rcode)
            address = None
        await self.up.trip(bytes(DNS_SIZE))
        if address == "" or (servers and not self._name_servers().intersection(servers)):
            address = ""
            await self.clock.sleep(DNS_TIME)
        else:
            await self.clock.sleep(getattr(self.internet, "dns_delay", 0.0))
            await self.down.trip(bytes(DNS_SIZE))
        self._journal.add("dns", f"{host}: {address or 'no such name'}", by="modem")
        if not address:
            raise NoName(host)
        return address

    def _name_servers(self) -> set[str]:
        """Those that answer."""
        operator = getattr(self.internet, "dns", None) or self.internet.ppp.dns
        return {*(*operator, *PUBLIC_DNS)[getattr(self.internet, "dns_dead", 0) :]}

    async def datagrams(self, address: str, port: int) -> Datagrams:
        """UDP with that place; whether anybody is there does not show."""
        self._journal.add("modem", f"UDP {address}:{port}")
        datagrams = Datagrams(self)
        await datagrams.open(self.internet.routes.get((address, port)) or None)
        return datagrams

    async def connect(self, address: str, port: int) -> Connection:
        """Raises OSError: refused, or the network's end. Where nobody answers it waits for ever."""
        server = self.internet.routes.get((address, port))
        self._journal.add("modem", f"connect {address}:{port}")
        await self.up.trip(b"")
        if server == NOBODY:
            await asyncio.Event().wait()
        await self.down.trip(b"")
        if server is None:
            raise ConnectionRefusedError(f"nothing at {address}:{port}")
        self.clock.outside(server, asked=True)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server)
        finally:
            self.clock.outside(server, asked=False)
        return Connection(self, reader, writer)

    async def ask(self, address: str, port: int, question: bytes) -> bytes:
        """Send a datagram, return the first that comes back. Waits for ever where none comes.

        Raises ConnectionRefusedError where nothing is.
        """
        server = self.internet.routes.get((address, port))
        await self.up.trip(question)
        if server is None:
            await self.down.trip(b"")
            raise ConnectionRefusedError(f"nothing at {address}:{port}")
        answered = asyncio.get_running_loop().create_future()
        if server == NOBODY:
            return await answered
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Asker(answered), remote_addr=("127.0.0.1", server)
        )
        try:
            transport.sendto(question)
            self.clock.outside(answered, asked=True)
            answer = await answered
        finally:
            self.clock.outside(answered, asked=False)
            transport.close()
        await self.down.trip(answer)
        return answer

    def stop(self) -> None:
        """Forget what is under way."""
        self.up.stop()
        self.down.stop()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, came: Callable[[bytes], None]):
        self._came = came

    def datagram_received(self, data: bytes, address) -> None:
        self._came(data)


class _Asker(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future):
        self._answered = answered

    def datagram_received(self, data: bytes, address) -> None:
        if not self._answered.done():
            self._answered.set_result(data)

    def error_received(self, error: OSError) -> None:
        if not self._answered.done():
            self._answered.set_exception(error)
