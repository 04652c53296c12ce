"""What somebody sends who is not on the way, to a board on the link: he has to guess ports, numbers and sequences."""

import itertools
import socket
import struct

import dnslib
import pytest
from network import ip
from scapy.layers.inet import IP, TCP, UDP
from scapy.utils import RawPcapReader
from sim800.scenario import Operator, Radio

HONEST, FORGED = "203.0.113.11", "203.0.113.66"
BOARD = "10.64.64.64"


def sent(pcap) -> list[IP]:
    """The IP packets of the board in a capture of the line."""
    found = []
    for frame, _ in RawPcapReader(str(pcap)):
        packet = frame[1:].removeprefix(b"\xff\x03").lstrip(b"\0")
        if packet[:1] == b"\x21" and (data := IP(packet[1:])).src == BOARD:
            found.append(data)
    return found


def cannot_be_foreseen(values):
    values = list(values)
    assert len(values) >= 12
    steps = [b - a for a, b in itertools.pairwise(values)]
    assert len(set(steps)) == len(steps)
    assert max(values) - min(values) > 4000
    assert max(map(abs, steps)) > 1000


def answer(question, address):
    """The payload of the answer to `question`, a packet with a question to a name server."""
    reply = dnslib.DNSRecord.parse(question.payload[8:]).reply()
    reply.add_answer(dnslib.RR(reply.q.qname, rdata=dnslib.A(address), ttl=60))
    return reply.pack()


def test_an_answer_of_another_host_or_port_is_none(play):
    """He knows the question, its number and the port it came from, and is first."""

    def answers(packet):
        def say(address, **sender):
            return ip.udp_answer(packet, answer(packet, address), **sender)

        yield say(FORGED, host=socket.inet_aton("198.51.100.66"))
        yield say(FORGED, port=5353)
        yield say(
            FORGED, host=socket.inet_aton("10.64.0.2")
        )  # a name server, but not the one asked
        yield say(HONEST)

    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
print("address=" + nic.resolve("www.example"))
""",
        names={"www.example": answers},
    )
    assert played.value("address") == HONEST
    assert len(played.journal.seen("dns", "www.example")) == 1


def test_an_empty_datagram_ends_no_wait(play):
    """It comes first; the answer comes to the same socket when the second server has been asked, and is silent."""
    asked = []

    def answers(packet):
        asked.append(packet)
        if len(asked) == 1:
            return [ip.udp_answer(packet, b"")]
        return [ip.udp_answer(asked[0], answer(asked[0], HONEST))] if len(asked) == 2 else ()

    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
print("address=" + nic.resolve("www.example"))
""",
        names={"www.example": answers},
    )
    assert played.value("address") == HONEST
    assert len(asked) == 2


def test_an_answer_that_is_late_counts(play):
    """The first server is slow: its answer comes when the second one has been asked, and is silent."""
    late = []

    def answers(packet):
        late.append(ip.udp_answer(packet, answer(packet, HONEST)))
        return late[:1] if len(late) == 2 else ()

    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
timed("resolve", nic.resolve, "www.example")
""",
        names={"www.example": answers},
    )
    assert played.value("resolve") == "ok"
    assert len(late) == 2


def test_ports_numbers_and_sequences(play, tmp_path):
    pcap = tmp_path / "line.pcap"
    play(
        """
import socket
from nettime import ntp
nic = ppp_sim800.PPP("internet")
nic.connect()
for i in range(12):
    for call in (lambda: nic.resolve("n%d.example" % i), lambda: ntp.query("time.example")):
        try:
            call()
        except OSError:
            pass
    sock = socket.socket()
    try:
        sock.connect(("203.0.113.11", 1))
    except OSError:
        pass
    sock.close()
""",
        pcap=pcap,
    )
    packets = sent(pcap)
    questions = [p for p in packets if UDP in p and p[UDP].dport == 53]
    cannot_be_foreseen(p[UDP].sport for p in questions)
    cannot_be_foreseen(struct.unpack("!H", bytes(p[UDP].payload)[:2])[0] for p in questions)
    cannot_be_foreseen(p[UDP].sport for p in packets if UDP in p and p[UDP].dport == 123)
    begun = [p for p in packets if TCP in p and p[TCP].flags == "S"]
    cannot_be_foreseen(p[TCP].sport for p in begun)
    cannot_be_foreseen(p[TCP].seq for p in begun)


def test_ipv6_is_refused_in_words(play):
    played = play(
        """
import socket
nic = ppp_sim800.PPP("internet")
nic.connect()
for family in (socket.AF_INET6, socket.AF_INET, 0):
    timed("f", socket.getaddrinfo, "plain.example", 80, family, socket.SOCK_STREAM)
"""
    )
    told = [line for line in played.lines if line.startswith("f=")]
    assert told == [
        'f=NameNotFound: cannot resolve "plain.example": only IPv4 can be used here, AF_INET',
        "f=ok",
        "f=ok",
    ]


@pytest.mark.parametrize(
    "name",
    [
        'Evil"\r\nERROR\r\n',
        'Evil"\r\n\r\nOK\r\n+CMTI: "SM",9\r\nRING\r\n"',
        'Evil"\r\n\r\nOK\r\n\r\nRDY\r\n"',
        "Ev\r\nOK\r\nil",
        'a"b',
    ],
)
def test_a_name_of_a_network_is_no_result_and_no_event(play, name):
    """A forged cell chooses it."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
m = nic.modem
m.radio.register()
while nic.event(): pass
print("name=" + repr(m.radio.operator()))
print("csq=" + m.at("AT+CSQ")[-1])
print("hand=" + m.at("AT+COPS?")[-1])
print("numbers=%s" % [row[2] for row in m.radio.scan()])
print("csq=" + m.at("AT+CSQ")[-1])
events = []
while event := nic.event(500):
    events.append(event)
print("events=%s" % events)
""",
        radio=Radio(operators=(Operator(name, "E", "26201", 2),)),
    )
    assert played.value("name")[1:].startswith(name[:2])
    assert [line for line in played.lines if line.startswith(("csq", "hand"))] == [
        "csq=OK",
        "hand=OK",
        "csq=OK",
    ]
    assert played.value("events") == "[]"
    if not name.startswith("Evil"):  # of the others the beginning is left
        assert "26201" in played.value("numbers")
