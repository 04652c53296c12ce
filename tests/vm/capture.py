"""What went over the line, from a capture of it."""

from scapy.layers.inet import IP, TCP
from scapy.utils import RawPcapReader


def segments(pcap) -> list[IP]:
    """The TCP segments in a capture of the line."""
    found = []
    for frame, _ in RawPcapReader(str(pcap)):
        packet = frame[1:].removeprefix(b"\xff\x03")  # without direction, address and control
        if packet.lstrip(b"\0")[:1] == b"\x21":
            ip = IP(packet.lstrip(b"\0")[1:])
            if TCP in ip:
                found.append(ip)
    return found


def up(ip: IP) -> bool:
    return ip.src == "10.64.64.64"
