"""What the network's tests talk with: a clock to wind by hand, and a far PPP end.

The far end is written apart from the simulator's: framing by the letter of RFC 1662, control
packets by scapy.
"""

import heapq
import itertools
from types import SimpleNamespace

from network.journal import Journal
from network.ppp import PPPEnd
from scapy.layers.ppp import (
    HDLC,
    PPP_CHAP,
    PPP_IPCP,
    PPP_LCP,
    PPP_PAP,
    PPP_IPCP_Option_DNS1,
    PPP_IPCP_Option_DNS2,
    PPP_IPCP_Option_IPAddress,
    PPP_LCP_ACCM_Option,
    PPP_LCP_Configure,
    PPP_LCP_Magic_Number_Option,
    PPP_LCP_Option,
    PPP_PAP_Request,
)

LCP, PAP, CHAP, IPCP, IP = 0xC021, 0xC023, 0xC223, 0x8021, 0x0021
_LAYERS = {LCP: PPP_LCP, PAP: PPP_PAP, CHAP: PPP_CHAP, IPCP: PPP_IPCP}


class HandClock:
    """Clock whose time passes only in run()."""

    def __init__(self):
        self.time = 0.0
        self._due = []
        self._order = itertools.count()

    def now(self) -> float:
        return self.time

    def call_later(self, seconds, callback, *args):
        handle = SimpleNamespace(cancelled=False)
        handle.cancel = lambda: setattr(handle, "cancelled", True)
        entry = (self.time + seconds, next(self._order), handle, callback, args)
        heapq.heappush(self._due, entry)
        return handle

    def run(self, seconds: float) -> None:
        until = self.time + seconds
        while self._due and self._due[0][0] <= until:
            self.time, _, handle, callback, args = heapq.heappop(self._due)
            if not handle.cancelled:
                callback(*args)
        self.time = until


def config(**changes) -> SimpleNamespace:
    """A PPPEnd's configuration with the scenario's defaults."""
    values = {
        "asyncmap": 0x000A0000,
        "local": "192.168.254.254",
        "remote": "10.64.64.64",
        "dns": ("10.64.0.1", "10.64.0.2"),
        "retries": 5,
        "retry_time": 3.0,
        "auth": "pap",
        "user": None,
        "password": None,
    }
    return SimpleNamespace(**values | changes)


def slow_fcs(data: bytes) -> int:
    """FCS-16 bit by bit, from its definition (RFC 1662 C.1)."""
    fcs = 0xFFFF
    for byte in data:
        fcs ^= byte
        for _ in range(8):
            fcs = fcs >> 1 ^ (0x8408 if fcs & 1 else 0)
    return fcs ^ 0xFFFF


def slow_enclose(content: bytes, escaped: set[int]) -> bytes:
    out = bytearray(b"\x7e")
    for byte in content + slow_fcs(content).to_bytes(2, "little"):
        if byte in escaped or byte in (0x7D, 0x7E):
            out += bytes([0x7D, byte ^ 0x20])
        else:
            out.append(byte)
    return bytes(out + b"\x7e")


def slow_frames(line: bytes) -> list[bytes]:
    """The contents of a line's frames; a wrong FCS or a flag missing is an error here."""
    assert not line or (line[0] == line[-1] == 0x7E)
    contents, frame, escape = [], bytearray(), False
    for byte in line:
        if byte == 0x7E:
            if frame:
                assert slow_fcs(frame[:-2]).to_bytes(2, "little") == frame[-2:], frame.hex()
                contents.append(bytes(frame[:-2]))
            frame = bytearray()
        elif byte == 0x7D:
            escape = True
        else:
            frame.append(byte ^ 0x20 if escape else byte)
            escape = False
    return contents


class Peer:
    """A board's PPP, moved by hand: say() sends a control packet, heard holds what came back as
    (protocol, scapy packet or bytes)."""

    def __init__(self, clock=None, **changes):
        self.clock = clock or HandClock()
        self.journal = Journal(self.clock)
        self.line = bytearray()  # what the PPPEnd sent
        self.ended: list[str] = []
        self.ups = 0
        self.packets: list[bytes] = []  # the internet's side: IP packets from the board
        self.address = None
        self.deliver = None
        self.escaped = set(range(32))
        self._ident = 0
        self._requests = {}  # the last Configure-Request heard of each protocol
        self.end = PPPEnd(
            self.clock,
            config(**changes),
            self.line.extend,
            self.ended.append,
            self._count_up,
            internet=self,
            journal=self.journal,
        )

    def _count_up(self):
        self.ups += 1

    # The internet's interface.

    def attach(self, address, deliver):
        self.address, self.deliver = address, deliver

    def detach(self):
        self.address = self.deliver = None

    def send(self, packet):
        self.packets.append(packet)

    # Both ways.

    def hear(self) -> list[tuple[int, object]]:
        """All frames that came since the last time, as (protocol, packet)."""
        contents = slow_frames(bytes(self.line))
        self.line.clear()
        heard = []
        for content in contents:
            body = content[2:] if content[:2] == b"\xff\x03" else content
            size = 1 if body[0] & 1 else 2
            protocol, data = int.from_bytes(body[:size], "big"), body[size:]
            layer = _LAYERS.get(protocol)
            heard.append((protocol, layer(data) if layer else data))
            if protocol in (LCP, IPCP) and data[0] == 1:
                self._requests[protocol] = heard[-1][1]
        return heard

    def put(self, content: bytes) -> None:
        self.end.receive(slow_enclose(content, self.escaped))

    def ack(self, protocol: int) -> None:
        """Acknowledge the last Configure-Request heard."""
        request = self._requests[protocol].copy()
        request.code = 2
        self.say(protocol, request)

    def say(self, protocol: int, packet) -> None:
        self.put(bytes(HDLC()) + protocol.to_bytes(2, "big") + bytes(packet))

    def start(self):
        self.end.start()
        return self.hear()

    # A board's part in coming up, as lwIP does it.

    def configure(self, *options, code=1, ident=None, protocol=LCP):
        self._ident += 1
        ident = self._ident if ident is None else ident
        layer = PPP_LCP_Configure if protocol == LCP else PPP_IPCP
        self.say(protocol, layer(code=code, id=ident, options=list(options)))

    def bring_lcp_up(self, *options) -> list:
        """LCP to Opened; options default to what a board asks for once its asyncmap was naked."""
        options = options or (
            PPP_LCP_ACCM_Option(accm=0x000A0000),
            PPP_LCP_Magic_Number_Option(magic_number=0x12345678),
            PPP_LCP_Option(type=7),
            PPP_LCP_Option(type=8),
        )
        self.ack(LCP)
        self.configure(*options)
        return self.hear()

    def bring_up(self, user=b"", password=b"") -> None:
        """All the way to IPCP."""
        self.start()
        self.bring_lcp_up()
        if self.end.config.auth == "pap":
            self.say(PAP, PPP_PAP_Request(id=1, username=user, password=password))
        self.hear()
        self.ack(IPCP)
        self.configure(
            PPP_IPCP_Option_IPAddress(data="10.64.64.64"),
            PPP_IPCP_Option_DNS1(data="10.64.0.1"),
            PPP_IPCP_Option_DNS2(data="10.64.0.2"),
            protocol=IPCP,
        )
        self.hear()
        assert self.end.up and self.ups == 1

    def seen(self, prefix="") -> list[str]:
        return [entry.what for entry in self.journal.seen("ppp", prefix)]
