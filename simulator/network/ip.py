"""IPv4 packets: taken apart, put together, rewritten, and the answers of a host that is not there.

Addresses are 4 bytes, ports integers. RFC 791, 792 (ICMP), 768 (UDP), 9293 (TCP).
"""

import struct
from collections import OrderedDict
from dataclasses import dataclass, replace

ICMP, TCP, UDP = 1, 6, 17
HOST_UNREACHABLE, PROTOCOL_UNREACHABLE, PORT_UNREACHABLE = 1, 2, 3  # ICMP type 3 codes

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP: 2}
_MINIMUM = {TCP: 20, UDP: 8, ICMP: 8}


class BadPacket(ValueError):
    """What came is no IPv4 packet we can use; the message says why."""


def checksum(*parts: bytes) -> int:
    """The internet checksum (RFC 1071) of byte strings of even length, the last may be odd."""
    data = b"".join(parts)
    if len(data) % 2:
        data += b"\x00"
    # One's complement addition of 16-bit words is arithmetic modulo 0xFFFF, as 2**16 leaves 1.
    total = int.from_bytes(data, "big")
    return 0xFFFF - (total % 0xFFFF or (0xFFFF if total else 0))


@dataclass(frozen=True)
class Packet:
    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    head: bytes  # the IP header as it came, for ICMP to quote

    @property
    def ports(self) -> tuple[int, int]:
        """(source, destination) port; TCP and UDP only."""
        return struct.unpack_from("!HH", self.payload)


def parse(data: bytes) -> Packet:
    """Take a packet apart. Raises BadPacket: wrong length or checksum, a fragment."""
    if len(data) < 20 or data[0] >> 4 != 4:
        raise BadPacket("not an IPv4 packet")
    head_length = (data[0] & 15) * 4
    length = int.from_bytes(data[2:4], "big")
    if not 20 <= head_length <= length <= len(data):
        raise BadPacket("wrong length")
    if checksum(data[:head_length]):
        raise BadPacket("wrong header checksum")
    if int.from_bytes(data[6:8], "big") & 0x3FFF:
        raise BadPacket("a fragment")
    protocol, payload = data[9], data[head_length:length]
    packet = Packet(data[12:16], data[16:20], protocol, payload, data[:head_length])
    if len(payload) < _MINIMUM.get(protocol, 0):
        raise BadPacket("too short for its protocol")
    if protocol == UDP:
        if int.from_bytes(payload[4:6], "big") != len(payload):
            raise BadPacket("wrong UDP length")
        if payload[6:8] == b"\x00\x00":  # sent without a checksum
            return packet
    if protocol in _CHECKSUM_AT and checksum(_pseudo(packet), payload):
        raise BadPacket("wrong checksum")
    return packet


class Fragments:
    """Makes packets whole that came in fragments (RFC 791 3.2). Of those that are not complete the latest `KEPT` are kept."""

    KEPT = 16

    def __init__(self):
        self._pieces: OrderedDict[bytes, dict[int, tuple[bytes, bool]]] = OrderedDict()

    def whole(self, data: bytes) -> bytes | None:
        """The packet itself if it is no fragment, the whole one if nothing else is missing of it, None if more must come."""
        flags = int.from_bytes(data[6:8], "big")
        if len(data) < 20 or data[0] != 0x45 or not flags & 0x3FFF:
            return data
        length = int.from_bytes(data[2:4], "big")
        if checksum(data[:20]) or not 20 < length <= len(data):
            return data  # damaged: parse() says how
        name = data[4:6] + data[9:10] + data[12:20]
        pieces = self._pieces.setdefault(name, {})
        pieces[(flags & 0x1FFF) * 8] = data[20:length], bool(flags & 0x2000)
        if len(self._pieces) > self.KEPT:
            self._pieces.popitem(last=False)
        payload, more = b"", True
        while more and (piece := pieces.get(len(payload))):
            payload, more = payload + piece[0], piece[1]
        if more:
            return None
        self._pieces.pop(name, None)
        return build(data[12:16], data[16:20], data[9], payload, data[8])


def build(
    source: bytes, destination: bytes, protocol: int, payload: bytes, ttl: int = 64
) -> bytes:
    """A packet with both checksums filled in; the payload's own checksum field is overwritten."""
    head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(payload), 0, 0x4000, ttl, protocol)
    addresses = source + destination
    head += checksum(head, addresses).to_bytes(2, "big") + addresses
    if (at := _CHECKSUM_AT.get(protocol)) is not None:
        payload = payload[:at] + b"\x00\x00" + payload[at + 2 :]
        value = checksum(_pseudo(Packet(source, destination, protocol, payload, b"")), payload)
        if protocol == UDP:
            value = value or 0xFFFF
        payload = payload[:at] + value.to_bytes(2, "big") + payload[at + 2 :]
    return head + payload


def _pseudo(packet: Packet) -> bytes:
    if packet.protocol == ICMP:
        return b""
    tail = struct.pack("!BBH", 0, packet.protocol, len(packet.payload))
    return packet.source + packet.destination + tail


def readdress(packet: Packet, source: tuple[bytes, int], destination: tuple[bytes, int]) -> bytes:
    """The same TCP or UDP packet between other (address, port) ends."""
    ports = struct.pack("!HH", source[1], destination[1])
    return build(source[0], destination[0], packet.protocol, ports + packet.payload[4:])


def is_syn(packet: Packet) -> bool:
    """Whether a TCP packet has SYN set, with or without ACK."""
    return bool(packet.payload[13] & _SYN)


def sequence(packet: Packet) -> int:
    """A TCP packet's sequence number."""
    return int.from_bytes(packet.payload[4:8], "big")


def data_length(packet: Packet) -> int:
    """How many bytes of data a TCP packet carries."""
    return len(packet.payload) - (packet.payload[12] >> 4) * 4


def wants_answer(packet: Packet) -> bool:
    """Whether a UDP or TCP packet has anything to which the other side may say something, not only an acknowledgement."""
    return (
        packet.protocol == UDP
        or bool(packet.payload[13] & (_SYN | _FIN))
        or data_length(packet) > 0
    )


def window_scale(packet: Packet) -> tuple[int, int] | None:
    """(where in the payload, shift) of a TCP packet's window scale option (RFC 7323), or None."""
    at, end = 20, min((packet.payload[12] >> 4) * 4, len(packet.payload))
    while at < end and (kind := packet.payload[at]):
        if kind == 1:
            at += 1
            continue
        length = packet.payload[at + 1] if at + 1 < end else 0
        if length < 2 or at + length > end:
            break
        if kind == 3 and length == 3:
            return at, packet.payload[at + 2]
        at += length
    return None


def without_window_scale(packet: Packet, at: int) -> Packet:
    """The packet with the option at `at` of its payload made into padding."""
    payload = packet.payload
    return replace(packet, payload=payload[:at] + b"\x01\x01\x01" + payload[at + 3 :])


def with_window_shifted(packet: Packet, shift: int) -> Packet:
    """The packet with its TCP window as it is without window scaling."""
    window = min(int.from_bytes(packet.payload[14:16], "big") << shift, 0xFFFF)
    payload = packet.payload
    return replace(packet, payload=payload[:14] + window.to_bytes(2, "big") + payload[16:])


def udp_answer(packet: Packet, data: bytes, host: bytes = b"", port: int = 0) -> bytes:
    """A UDP packet back to where `packet` came from; by another host, or from another port, that pretends to be meant."""
    here, there = port or packet.ports[1], packet.ports[0]
    head = struct.pack("!HHHH", here, there, 8 + len(data), 0)
    return build(host or packet.destination, packet.source, UDP, head + data)


def echo_answer(packet: Packet, cut: int | None = None) -> bytes | None:
    """The echo reply to an ICMP echo request, None for any other ICMP. cut: bytes of data at most, None: all."""
    if packet.payload[0] != 8:
        return None
    reply = b"\x00" + packet.payload[1 : None if cut is None else 8 + cut]
    return build(packet.destination, packet.source, ICMP, reply)


def refusal(packet: Packet, gateway: bytes, host_known: bool) -> bytes | None:
    """What a packet gets that nobody takes: a TCP reset, or ICMP unreachable, or nothing.

    gateway: who reports that there is no such host; host_known: the host is there, the port not.
    """
    if packet.protocol == TCP:
        return _reset(packet)
    if packet.protocol == ICMP and packet.payload[0] != 8:
        return None  # no errors about errors (RFC 1122 3.2.2)
    if packet.destination[0] >= 224:
        return None
    known = PORT_UNREACHABLE if packet.protocol == UDP else PROTOCOL_UNREACHABLE
    head = struct.pack("!BBHL", 3, known if host_known else HOST_UNREACHABLE, 0, 0)
    source = packet.destination if host_known else gateway
    return build(source, packet.source, ICMP, head + packet.head + packet.payload[:8])


def _reset(packet: Packet) -> bytes | None:
    source, destination, seq, ack, offset, flags = struct.unpack_from("!HHLLBB", packet.payload)
    if flags & _RST:
        return None
    if flags & _ACK:
        answer = (ack, 0, _RST)
    else:
        length = len(packet.payload) - (offset >> 4) * 4 + bool(flags & _SYN) + bool(flags & _FIN)
        answer = (0, (seq + length) & 0xFFFFFFFF, _RST | _ACK)
    segment = struct.pack("!HHLLBBHHH", destination, source, *answer[:2], 0x50, answer[2], 0, 0, 0)
    return build(packet.destination, packet.source, TCP, segment)
