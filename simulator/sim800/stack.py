"""The modem's own TCP/IP stack: its state, its connections and what they received (manual chapter 8).

Knows no command's form; stack_commands.py and stack_settings.py are that.
"""

import asyncio
import contextlib

from network.sockets import TLS, NoName, TLSError

from .output import Raw

LINKS = 6
BUFFER = 5840  # bytes received that wait for AT+CIPRXGET; then the far end has to
OUTGOING = 5 * 1460  # bytes of AT+CIPSEND that wait for the air
LARGEST = 1460  # bytes of one AT+CIPSEND, and of one piece that is shown
CONNECT_TIME = 75.0  # seconds until a connection is given up
CLOSE_TIME = 10.0  # until a slow close is a quick one
SEND_TIME = 645.0  # until data that nobody acknowledged ends it
LOOK_TIME = 0.05  # from one look whether the line took what was said to the next

UP = (
    "IP GPRSACT",
    "IP STATUS",
    "IP PROCESSING",
)  # there is a PDP context; so while there is a connection
INITIAL, CONNECTING, CONNECTED = "INITIAL", "CONNECTING", "CONNECTED"
REMOTE_CLOSING, CLOSING, CLOSED = "REMOTE CLOSING", "CLOSING", "CLOSED"
# what AT+CIPSTATUS says of the only connection
SINGLE = {
    CONNECTING: "{} CONNECTING",
    CONNECTED: "CONNECT OK",
    CLOSING: "{} CLOSING",
    REMOTE_CLOSING: "{} CLOSED",
    CLOSED: "{} CLOSED",
}

# the settings that are numbers, by command: none outlives the power
DEFAULTS = {
    "+CIPHEAD": 0,
    "+CIPSPRT": 1,
    "+CIPSRIP": 0,
    "+CIPSHOWTP": 0,
    "+CIPQSEND": 0,
    "+CIPMODE": 0,
    "+CIPSGTXT": 0,
    "+CIPATS": (0, 0),
    "+CIPDPDP": (1, 10, 3),
    "+CIPTKA": (1, 7200, 75, 9),
    "+CIPSSL": 0,
}


class Link:
    """A connection. `state` is as AT+CIPSTATUS=<n> says it."""

    def __init__(self, stack: "Stack", number: int):
        self.stack, self.number = stack, number
        self.task: asyncio.Task | None = None
        self._forget()

    def _forget(self) -> None:
        self.state, self.kind, self.address, self.port = INITIAL, "", "", 0
        self.received = bytearray()
        self.sent = 0  # bytes that AT+CIPSEND took
        self._connection = self._counted = None
        self._outgoing = bytearray()
        self._ready = asyncio.Event()  # there is something to send
        self._moved = asyncio.Event()  # something of it is gone, or all is over
        self._room = asyncio.Event()  # something of what was received was read

    @property
    def busy(self) -> bool:
        return self.state in (CONNECTING, CONNECTED)

    @property
    def unacknowledged(self) -> int:
        """Bytes that the other side has not confirmed."""
        way = self._counted.sent - self._counted.arrived if self._counted else 0
        return min(self.sent, len(self._outgoing) + way)

    # -- its life ------------------------------------------------------------------------

    def start(self, kind: str, host: str, port: int, before) -> None:
        """Connect, after `before()`, and tell how that went."""
        self._forget()
        self.state, self.kind, self.address, self.port = CONNECTING, kind, host, port
        self.task = self.stack.modem.background(self._live(host, before))

    def stop(self, state: str) -> None:
        """It is over, and nothing is said of that."""
        if self.task is not None:
            self.task.cancel()
            self.task = None
        self._close()
        if self.busy or self.state == CLOSING:
            self.stack.modem.journal.add("modem", "connection closed", link=self.number)
        self.state = state
        self.received.clear()
        self._moved.set()

    async def close(self, quick: bool) -> None:
        """End it from here; unless `quick`, what is outgoing is sent first."""
        if not quick and self.state == CONNECTED:
            self.state = CLOSING
            with contextlib.suppress(TimeoutError):
                async with self.stack.modem.clock.timeout(CLOSE_TIME):
                    while self.state == CLOSING and self._outgoing:
                        await self._more()
                    if self.state == CLOSING:
                        await self._connection.acknowledged()
        self.stop(CLOSED)

    async def _live(self, host: str, before) -> None:
        stack, modem = self.stack, self.stack.modem
        try:
            async with modem.clock.timeout(CONNECT_TIME):
                await before()
                await self._connect(host)
        except (NoName, TLSError, OSError, TimeoutError, stack.Failed) as error:
            self.state = CLOSED
            self._close()
            modem.journal.add("modem", "not connected", link=self.number, why=type(error).__name__)
            if not stack.multiple:
                modem.urc(f"STATE: {stack.shown}")
            self.say("CONNECT FAIL")
            return
        self.state = CONNECTED
        self.say("CONNECT OK")
        connection = self._connection
        sender = modem.background(self._send(connection))
        try:
            await self._receive(connection)
        except OSError as error:
            modem.journal.add("modem", "connection lost", link=self.number, why=str(error))
        finally:
            sender.cancel()
            connection.close()
        self._over()

    def _over(self) -> None:
        """The other side closed it."""
        self.state = REMOTE_CLOSING if self.received else CLOSED
        self.task = None
        self._moved.set()
        self.say("CLOSED")

    async def _connect(self, host: str) -> None:
        stack, sockets = self.stack, self.stack.modem.sockets
        self.address = await sockets.resolve(host, stack.name_servers)
        if self.kind == "UDP":
            self._connection = self._counted = await sockets.datagrams(self.address, self.port)
            return
        self._connection = self._counted = await sockets.connect(self.address, self.port)
        if stack.values["+CIPSSL"]:
            self._connection = TLS(self._counted)
            try:
                await self._connection.open()
            except BaseException:
                self._counted.close()
                raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def say(self, what: str) -> None:
        self.stack.modem.urc(f"{self.number}, {what}" if self.stack.multiple else what)

    # -- sending -------------------------------------------------------------------------

    async def take(self, data: bytes, wait: bool) -> bool:
        """Send `data`; with `wait` return when the other side has it. False: it came to nothing."""
        modem = self.stack.modem
        try:
            async with modem.clock.timeout(SEND_TIME):
                while self.state == CONNECTED and len(self._outgoing) + len(data) > OUTGOING:
                    await self._more()
                if self.state != CONNECTED:
                    return False
                self._outgoing += data
                self.sent += len(data)
                self._ready.set()
                while wait and self.state == CONNECTED and self._outgoing:
                    await self._more()
                if wait and self.state == CONNECTED:
                    await self._connection.acknowledged()
        except TimeoutError:
            self.stop(CLOSED)
            self.say("CLOSED")
            return False
        return self.state == CONNECTED

    async def _more(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    async def _send(self, connection) -> None:
        """What is outgoing, as the air takes it."""
        while True:
            await self._ready.wait()
            piece = bytes(self._outgoing[:LARGEST])
            try:
                await connection.write(piece)
            except OSError:
                self.task.cancel()
                connection.close()
                self._over()
                return
            del self._outgoing[: len(piece)]
            if not self._outgoing:
                self._ready.clear()
            self._moved.set()

    # -- receiving -----------------------------------------------------------------------

    async def _receive(self, connection) -> None:
        stack = self.stack
        while data := await connection.read():
            if stack.manual:
                while len(self.received) + len(data) > BUFFER and self.received:
                    self._room.clear()
                    await self._room.wait()
                first = not self.received
                self.received += data
                if first:
                    stack.modem.urc(
                        f"+CIPRXGET: 1,{self.number}" if stack.multiple else "+CIPRXGET: 1"
                    )
            else:
                for at in range(0, len(data), LARGEST):
                    await self._show(data[at : at + LARGEST])

    def read(self, count: int) -> bytes:
        """Up to `count` bytes of what was received."""
        data = bytes(self.received[:count])
        del self.received[:count]
        self._room.set()
        if self.state == REMOTE_CLOSING and not self.received:
            self.state = CLOSED
        return data

    async def _show(self, data: bytes) -> None:
        """Say what came, once the line has taken what was said before."""
        stack, modem = self.stack, self.stack.modem
        while not stack.line_free():
            await modem.clock.sleep(LOOK_TIME)
        if stack.values["+CIPSRIP"]:
            modem.urc(f"RECV FROM:{self.address}:{self.port}")
        head = ""
        protocol = f"{self.kind}," if stack.values["+CIPSHOWTP"] else ""
        if stack.multiple:
            head = f"\r\n+RECEIVE,{self.number},{len(data)}:\r\n"
        elif stack.values["+CIPHEAD"]:
            head = f"\r\n+IPD,{protocol}{len(data)}:"
        modem.urc(Raw(head + data.decode("latin-1")))


class Stack:
    """All of it. `phase` is the state but for the only connection's; `shown` is the whole."""

    class Failed(Exception):
        """The network gave no PDP context."""

    def __init__(self, modem):
        self.modem = modem
        self.reset()

    def reset(self) -> None:
        """The modem starts anew."""
        self.phase = "IP INITIAL"
        self.apn, self.user, self.password = "CMNET", "", ""
        self.multiple = False
        self.manual = False
        self.name_servers: tuple[str, ...] = ()
        self.local_ports = {"TCP": 0, "UDP": 0}
        self.values = dict(DEFAULTS)
        self.links = [Link(self, number) for number in range(LINKS)]

    @property
    def up(self) -> bool:
        """There is a PDP context, or was until the network took it."""
        return self.phase in (*UP, "PDP DEACT")

    @property
    def shown(self) -> str:
        """What AT+CIPSTATUS says."""
        link = self.links[0]
        if self.multiple or self.phase != "IP STATUS" or link.state == INITIAL:
            return self.phase
        return SINGLE[link.state].format(link.kind)

    def shut(self) -> None:
        """AT+CIPSHUT: no connection, no context."""
        self._end("IP INITIAL")

    def deactivated(self) -> None:
        """The network, or a command, took the context away."""
        if self.phase in UP:
            self._end("PDP DEACT")
            self.modem.urc("+PDP: DEACT")

    def _end(self, phase: str) -> None:
        for link in self.links:
            link.stop(INITIAL)
            link._forget()
        self.phase = phase

    def line_free(self) -> bool:
        """What was said is out: received data may follow."""
        modem = self.modem
        output = modem.output if modem.mux is None else modem.mux.ports[1].output
        return not output.held and output.line.pending < LARGEST
