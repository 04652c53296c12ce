"""What is behind the modem: the air, name servers, and the few hosts a scenario knows of.

Packets from the board go through the air to the far side. There DNS and ping are answered here,
TCP and UDP to a routed (address, port) go through passt to a server on this machine's loopback,
and everything else is refused here: nothing ever leaves the machine.

passt runs in real time whatever the clock's speed: it sends again what was not acknowledged for two
real seconds, and gives a connection up after three times. At a high speed a lost segment therefore
costs many simulated seconds; a round trip near six real seconds breaks connections.
"""

import itertools
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from . import dns as name_server
from . import ip, ntp
from .air import Air, Pipe
from .passt import GATEWAY, GUEST, Passt

DNS_PORT = 53
NOBODY = 0  # as the port of a route: packets vanish there, as with a server that is down
FLOWS = 4096  # remembered; beyond, the one not used for the longest time is forgotten
COPIES = 64  # segments of a flow remembered, more than a window of lwIP's has
ANSWER_TIME = 0.5  # seconds a board may take from a segment's arrival to its acknowledgement
OPERATOR = socket.inet_aton("10.64.0.254")  # the router that reports hosts that are not there


@dataclass
class _Flow:
    """A conversation of the board through passt.

    key: (protocol, board's port, address and port the board talks to); port: what passt takes for
    the board's port; server: port of the server on the loopback. For TCP, of its SYN: `syn` the
    sequence number, `scaling` whether it asked for window scaling, `answer` what it got; `copies`
    when each segment, by (sequence number, length), arrived at the board the last time.
    """

    key: tuple[int, int, tuple[bytes, int]]
    port: int
    server: int
    syn: int | None = None
    scaling: bool = False
    shift: int = 0
    answer: bytes | None = None
    copies: OrderedDict[tuple[int, int], float] = field(default_factory=OrderedDict)

    def unscaled(self, packet: ip.Packet) -> ip.Packet:
        """passt scales windows also for those who did not ask for it (against RFC 7323 2.2), and
        lwIP then sees windows of 256 bytes; so take scaling out of its packets."""
        if self.scaling:
            return packet
        if not ip.is_syn(packet):
            return ip.with_window_shifted(packet, self.shift) if self.shift else packet
        if option := ip.window_scale(packet):
            at, self.shift = option
            return ip.without_window_scale(packet, at)
        return packet


PUBLIC_DNS = ("9.9.9.9", "1.1.1.1", "8.8.8.8", "8.8.4.4")  # anybody may ask them


class Internet:
    """One modem's internet.

    clock: network.clock.Clock. air: network.air.Air, may be replaced while running.
    names: name -> address, None (no such name) or "" (no answer), see dns.answer; or what gives the packets that answer a
    question's packet (ip.Packet).
    routes: (address, port) -> port of a server on 127.0.0.1, for TCP and UDP; NOBODY: no answer.
    dns: addresses of the operator's DNS servers, that answer besides PUBLIC_DNS. All of these may change while running.
    journal: network.journal.Journal, sources "dns" and "air".
    passt: the program that carries TCP and UDP.

    `up` and `down` are the links with their counters packets, bytes, dropped, lost; `bad` counts
    packets from the board that were damaged, `refused` those to where nothing is.

    Faults, each to be set at any time: `dns_delay` (seconds a DNS server takes to answer), `dns_dead` (the first
    so many DNS servers are silent, the operator's, then PUBLIC_DNS), `wrong_address` (what they say of every name they
    know), `dns_refusals` (how many questions get which error, a name in dns.RCODES), `ping` (False: nobody's answer to an
    ICMP echo comes back, as where an operator filters it), `ping_cut` (bytes of data that an answer to an ICMP echo brings
    back at most).
    """

    def __init__(self, clock, air: Air, names, routes, dns, journal=None, passt: str = "passt"):
        self._names = names
        self.routes = self._straight = routes
        self._detours: dict[int | None, int] = {}  # port -> port of a server; None: any port
        self._ntp: ntp.NTPServer | None = None  # with a time of its own
        self.dns = tuple(dns)
        self.dns_delay = 0.0
        self.dns_dead = 0
        self.dns_refusals = (0, "")
        self.wrong_address: str | None = None
        self.ping = True
        self.ping_cut: int | None = None
        self.bad = self.refused = 0
        self.up = Pipe(clock, air, "up", self._far_side)
        self.down = Pipe(clock, air, "down", self._near_side)
        self._clock = clock
        self._journal = journal
        self._address = b""
        self._deliver: Callable[[bytes], None] | None = None
        self._passt = Passt(self._from_passt, self._passt_ended, passt)
        self._fragments = ip.Fragments()
        self._flows: OrderedDict[tuple, _Flow] = OrderedDict()  # by their key
        self._free_port = itertools.cycle(range(1024, 0x10000))
        self._ports: dict[tuple[int, int, int], _Flow] = {}  # by protocol, server and port

    @property
    def air(self) -> Air:
        return self.up.air

    @air.setter
    def air(self, air: Air) -> None:
        self.set_air(air)

    def set_air(self, air: Air) -> None:
        self._log("air", f"air is {air.name}")
        self.up.set_air(air)
        self.down.set_air(air)

    @property
    def names(self) -> dict[str, str | None]:
        return (
            dict.fromkeys(self._names, self.wrong_address) if self.wrong_address else self._names
        )

    @names.setter
    def names(self, names: dict[str, str | None]) -> None:
        self._names = names

    def reroute(self, port: int | None, server: int | None) -> None:
        """Whoever asks for `port` (None: for any) gets the server at this port of the loopback, NOBODY that of
        none; None: the one that is routed."""
        self._detours.pop(port, None)
        if server is not None:
            self._detours[port] = server
        self.routes = {
            place: self._detours.get(None, self._detours.get(place[1], straight))
            for place, straight in self._straight.items()
        }

    def offset_ntp(self, seconds: float) -> None:
        """The NTP servers' time is so far ahead; 0: they are right."""
        self._stop_ntp()
        if seconds:
            self._ntp = ntp.NTPServer(
                ntp.Manner(), lambda: time.time() + seconds, lambda said: None
            )
        self.reroute(ntp.PORT, self._ntp and self._ntp.port)

    def _stop_ntp(self) -> None:
        if self._ntp:
            self._ntp.stop()
            self._ntp = None

    async def start(self) -> None:
        """Start passt. Raises passt.PasstError with a sentence that says what to do."""
        await self._passt.start()

    async def stop(self) -> None:
        self.detach()
        self.up.stop()
        self.down.stop()
        self._stop_ntp()
        await self._passt.stop()

    def attach(self, address: str, deliver: Callable[[bytes], None]) -> None:
        """The board is online as `address`; deliver(packet) brings it IPv4 packets."""
        self._address = socket.inet_aton(address)
        self._deliver = deliver

    def detach(self) -> None:
        """The board is offline: what is on its way to it is lost."""
        self._deliver = None

    def send(self, packet: bytes) -> None:
        """An IPv4 packet from the board."""
        self.up.send(packet)

    # The near side: to the board.

    def _near_side(self, packet: bytes) -> None:
        if self._deliver and packet[16:20] == self._address:
            self._deliver(packet)

    # The far side: from the board.

    def _far_side(self, piece: bytes) -> None:
        if (data := self._fragments.whole(piece)) is None:
            return
        try:
            packet = ip.parse(data)
        except ip.BadPacket as error:
            self._bad(str(error))
            return
        if packet.source != self._address:
            self._bad(f"from {socket.inet_ntoa(packet.source)}, which is not the board's address")
            return
        host = socket.inet_ntoa(packet.destination)
        known = host in (*self.dns, *PUBLIC_DNS) or any(there == host for there, _ in self.routes)
        if packet.protocol == ip.ICMP and known:
            silent = not self.ping or host in (*self.dns, *PUBLIC_DNS)[: self.dns_dead]
            if (answer := ip.echo_answer(packet, self.ping_cut)) and not silent:
                self.down.send(answer)
            return
        if (
            packet.protocol == ip.UDP
            and packet.ports[1] == DNS_PORT
            and (host, 53) not in self.routes
        ):
            self._ask_dns(packet, host)
            return
        if packet.protocol in (ip.TCP, ip.UDP):
            here, port = packet.ports
            server = self.routes.get((host, port))
            if server == NOBODY:
                self._log("air", f"no answer from {host}:{port}")
                return
            if server:
                self._to_passt(packet, here, server)
                return
        self._refuse(packet, host, known)

    def _bad(self, why: str) -> None:
        self.bad += 1
        self._log("air", f"packet from the board dropped: {why}")

    def _refuse(self, packet: ip.Packet, host: str, known: bool) -> None:
        self.refused += 1
        protocol = {ip.ICMP: "icmp", ip.TCP: "tcp", ip.UDP: "udp"}.get(packet.protocol, "ip")
        port = f":{packet.ports[1]}" if protocol in ("tcp", "udp") else ""
        self._log("air", f"refused {protocol} {host}{port}")
        if answer := ip.refusal(packet, OPERATOR, known):
            self.down.send(answer)

    def _ask_dns(self, packet: ip.Packet, host: str) -> None:
        if host not in (*self.dns, *PUBLIC_DNS)[self.dns_dead :]:
            self._log("dns", f"no DNS server at {host}")
            return
        left, rcode = self.dns_refusals
        if left:
            self.dns_refusals = (left - 1, rcode)
        answers = {
            name: None if callable(address) else address for name, address in self.names.items()
        }
        answer, name, said = name_server.answer(packet.payload[8:], answers, rcode if left else "")
        self._log("dns", f"{name}: {said}", server=host)
        if callable(forger := self.names.get(name)):
            for forged in forger(packet):
                self.down.send(forged)
            return
        if answer is None:
            return
        answer = ip.udp_answer(packet, answer)
        if self.dns_delay:
            self._clock.call_later(self.dns_delay, self.down.send, answer)
        else:
            self.down.send(answer)

    # passt and back.

    def _to_passt(self, packet: ip.Packet, here: int, server: int) -> None:
        key = (packet.protocol, here, (packet.destination, packet.ports[1]))
        flow = self._flows.get(key)
        if flow and packet.protocol == ip.UDP and flow.server != server:
            self._forget(flow)  # rerouted
            flow = None
        if packet.protocol == ip.TCP and ip.is_syn(packet):
            syn = ip.sequence(packet)
            if flow and flow.syn == syn and flow.answer:
                # passt resets a connection whose SYN comes again, as it does when the answer is
                # lost or late: it gets the answer here, and passt nothing.
                self.down.send(flow.answer)
                return
            if flow:
                # The board was reset and knows nothing of its old connection, or passt has
                # overlooked the first SYN. Either way it is a new connection for passt.
                self._forget(flow)
            flow = self._remember(key, server)
            flow.syn, flow.scaling = syn, bool(ip.window_scale(packet))
        elif flow is None:
            flow = self._remember(key, server)
        self._flows.move_to_end(key)
        self._send_passt(packet, flow)

    def _remember(self, key, server: int) -> _Flow:
        protocol = key[0]
        # Always another port, as passt may still have a conversation that is forgotten here.
        while (protocol, server, port := next(self._free_port)) in self._ports:
            pass
        flow = self._flows[key] = self._ports[protocol, server, port] = _Flow(key, port, server)
        if len(self._flows) > FLOWS:
            self._forget(next(iter(self._flows.values())))
        return flow

    def _forget(self, flow: _Flow) -> None:
        del self._flows[flow.key]
        del self._ports[flow.key[0], flow.server, flow.port]

    def _send_passt(self, packet: ip.Packet, flow: _Flow) -> None:
        self._clock.outside(flow.key, asked=ip.wants_answer(packet) or None)
        self._passt.send(ip.readdress(packet, (GUEST, flow.port), (GATEWAY, flow.server)))

    def _from_passt(self, data: bytes) -> None:
        try:
            packet = ip.parse(data)
        except ip.BadPacket as error:
            self._log("air", f"packet from passt dropped: {error}")
            return
        if packet.protocol not in (ip.TCP, ip.UDP):
            return
        flow = self._ports.get((packet.protocol, *packet.ports))
        if flow is None:
            return
        self._clock.outside(flow.key, asked=False if ip.wants_answer(packet) else None)
        _, here, there = flow.key
        if packet.protocol == ip.UDP:
            self.down.send(ip.readdress(packet, there, (self._address, here)))
            return
        segment = ip.readdress(flow.unscaled(packet), there, (self._address, here))
        if ip.is_syn(packet):
            flow.answer = segment
        self._send_segment(flow, packet, segment)

    def _send_segment(self, flow: _Flow, packet: ip.Packet, segment: bytes) -> None:
        """To the board, unless passt repeats what the board cannot have acknowledged yet.

        passt's timer knows nothing of the air, and a single doubled acknowledgement makes it send
        its whole window again, which the board then acknowledges twice, and so on.
        """
        if not ip.data_length(packet):
            self.down.send(segment)
            return
        now = self._clock.now()
        name = (ip.sequence(packet), ip.data_length(packet))
        if now < flow.copies.get(name, -1.0) + self.air.rtt / 2 + ANSWER_TIME:
            return
        if (arrival := self.down.send(segment)) is not None:
            flow.copies[name] = arrival
            flow.copies.move_to_end(name)
            if len(flow.copies) > COPIES:
                flow.copies.popitem(last=False)

    def _passt_ended(self) -> None:
        self._log("air", "passt ended: TCP and UDP go nowhere from now on")

    def _log(self, source: str, what: str, **fields) -> None:
        if self._journal:
            self._journal.add(source, what, **fields)
