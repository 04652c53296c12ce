"""The line capture: what tshark reads from it, and that no secret is in it."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import hdlc
from network.pcap import Writer, mask
from network_peers import CHAP, LCP, PAP, HandClock, Peer
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.ppp import PPP_PAP_Request
from scapy.utils import RawPcapReader


@pytest.fixture
def capture(tmp_path):
    """A session from first LCP to a TCP packet, in a file."""
    path = tmp_path / "line.pcap"
    peer = Peer(user="me", password="Geheim!!")
    with Writer(path, peer.clock) as writer:
        peer.end._pcap = writer
        peer.clock.run(2.5)
        peer.bring_up(b"me", b"Geheim!!")
        peer.put(b"\x21" + bytes(IP(src="10.64.64.64", dst="203.0.113.10") / TCP(dport=443)))
        peer.deliver(bytes(IP(src="203.0.113.10", dst="10.64.64.64") / ICMP()))
        peer.clock.run(7.25)
        peer.end.terminate()
    return path


def test_frames_times_and_directions(capture):
    records = list(RawPcapReader(str(capture)))
    assert records[0][0][:5] == b"\x00\xff\x03\xc0\x21"  # by the modem
    times = [head.sec + head.usec / 1e6 for _, head in records]
    assert [round(at - times[0], 3) for at in times] == [0.0] * 12 + [7.25]
    assert [content[0] for content, _ in records] == [0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0, 0]


def test_no_password_in_it(capture):
    assert b"Geheim" not in capture.read_bytes()
    assert b"********" in capture.read_bytes()


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_reads_all_of_it(capture):
    def tshark(*options):
        command = ["tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    columns = ("frame.p2p_dir", "_ws.col.Protocol", "_ws.col.Info")
    fields = [word for column in columns for word in ("-e", column)]
    lines = tshark("-Tfields", "-E", "separator=,", *fields).splitlines()
    assert lines == [
        "1,PPP LCP,Configuration Request",
        "0,PPP LCP,Configuration Ack",
        "0,PPP LCP,Configuration Request",
        "1,PPP LCP,Configuration Ack",
        "0,PPP PAP,Authenticate-Request (Peer-ID='me', Password='********')",
        "1,PPP PAP,Authenticate-Ack (Message='')",
        "1,PPP IPCP,Configuration Request",
        "0,PPP IPCP,Configuration Ack",
        "0,PPP IPCP,Configuration Request",
        "1,PPP IPCP,Configuration Ack",
        "0,TCP,20 → 443 [SYN] Seq=0 Win=8192 Len=0",
        "1,ICMP,Echo (ping) request  id=0x0000, seq=0/0, ttl=64",
        "1,PPP LCP,Termination Request",
    ]
    assert "Malformed" not in tshark("-V")


def pap(user, password):
    return bytes(PPP_PAP_Request(id=7, username=user, password=password))


@pytest.mark.parametrize(
    ("protocol", "payload", "masked"),
    [
        (PAP, pap(b"me", b"secret"), pap(b"me", b"********")),
        (PAP, pap(b"", b""), pap(b"", b"")),
        (PAP, pap(b"me", b""), pap(b"me", b"")),
        (PAP, b"\x01\x07\x00\x0c\x02me\x09secret", b"\x01\x07\x00\x04"),  # lengths do not fit
        (PAP, b"\x02\x07\x00\x05\x00", b"\x02\x07\x00\x05\x00"),
        (
            CHAP,
            b"\x02\x07\x00\x17\x10" + b"0123456789abcdef" + b"me",
            b"\x02\x07\x00\x17\x10" + b"*" * 16 + b"me",
        ),
        (CHAP, b"\x02\x07\x00\x08\x03abc", b"\x02\x07\x00\x04"),
        (CHAP, b"\x01\x07\x00\x08\x03abc", b"\x01\x07\x00\x08\x03abc"),
        (
            LCP,
            b"\x08\x01\x00\x16\xc0\x23" + pap(b"me", b"secret"),
            b"\x08\x01\x00\x16\xc0\x23" + pap(b"me", b"********"),
        ),
    ],
)
def test_mask(protocol, payload, masked):
    assert mask(protocol, payload) == masked


@given(st.sampled_from([PAP, CHAP, LCP]), st.binary(max_size=40))
def test_mask_survives_anything(protocol, payload):
    mask(protocol, payload)


def captured(path, password, headers):
    with Writer(path, HandClock()) as writer:
        writer.write(True, hdlc.pack(PAP, pap(b"", password), *headers))
    return path.read_bytes()[32:]  # behind the time stamp


@given(
    st.binary(min_size=1, max_size=30),
    st.sampled_from([(False, False), (True, False), (True, True), (False, True)]),
)
def test_no_password_reaches_the_file_whatever_the_headers(tmp_path_factory, password, headers):
    path = tmp_path_factory.getbasetemp() / "masked.pcap"
    assert captured(path, password, headers) == captured(path, b"another", headers)
