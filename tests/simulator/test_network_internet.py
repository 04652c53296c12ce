"""The air, the name servers, and TCP and UDP through a real passt, with packets made by scapy."""

import asyncio
import datetime
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import pytest
from faults import WORDS
from hypothesis import given
from hypothesis import strategies as st
from network import ip, ntp
from network.air import GPRS, IDEAL, QUEUE, Air, Pipe
from network.clock import Clock
from network.dns import answer
from network.internet import NOBODY, Internet
from network.journal import Journal
from network.passt import Passt, PasstError
from network_peers import HandClock
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from vocabulary import Injector

BOARD, WEB, DNS1, DNS2 = "10.64.64.64", "203.0.113.10", "10.64.0.1", "10.64.0.2"
NAMES = {"Web.Example": WEB, "gone.example": None, "silent.example": ""}


# Link


class Far:
    """A pipe with its far end: what arrived, and when."""

    def __init__(self, air, direction="down"):
        self.clock = HandClock()
        self.arrived = []
        self.pipe = Pipe(self.clock, air, direction, self.take)

    def take(self, packet):
        self.arrived.append((self.clock.now(), packet))

    @property
    def times(self):
        return [at for at, _ in self.arrived]


def test_an_ideal_air_delivers_at_once():
    far = Far(IDEAL)
    far.pipe.send(b"x")
    assert far.arrived == [(0.0, b"x")]


@pytest.mark.parametrize(("direction", "rate"), [("down", 40_000), ("up", 20_000)])
def test_rate_and_round_trip_are_exact(direction, rate):
    far = Far(replace(GPRS, jitter=0), direction)
    for _ in range(10):
        far.pipe.send(bytes(1500))
    far.clock.run(100)
    expected = [0.35 + (i + 1) * 1500 * 8 / rate for i in range(10)]
    assert far.times == pytest.approx(expected, abs=1e-9)
    assert (far.pipe.packets, far.pipe.bytes) == (10, 15000)


def test_an_idle_transmitter_saves_nothing_up():
    far = Far(Air(down=8000))
    far.pipe.send(bytes(1000))
    far.clock.run(10)
    far.pipe.send(bytes(1000))
    far.clock.run(10)
    assert far.times == pytest.approx([1.0, 11.0])


def test_a_full_queue_drops_the_newest():
    far = Far(Air(down=8000))
    for number in range(QUEUE + 5):
        far.pipe.send(bytes([number]) * 100)
    assert far.pipe.dropped == 4  # one being sent, 32 waiting
    assert far.pipe.send(b"x") is None
    far.clock.run(100)
    assert [packet[0] for _, packet in far.arrived] == list(range(QUEUE + 1))
    assert far.pipe.send(b"x") == pytest.approx(100.001)
    assert far.pipe.dropped == 5


@given(st.integers(0, 2**32), st.lists(st.tuples(st.floats(0, 0.5), st.integers(20, 1500))))
def test_jitter_never_reorders_or_loses(seed, sends):
    far = Far(Air(down=1e6, rtt=0.3, jitter=0.2, seed=seed))
    told = []
    for number, (pause, size) in enumerate(sends):
        far.clock.run(pause)
        told.append(far.pipe.send(number.to_bytes(2, "big") + bytes(size)))
    far.clock.run(100)
    assert far.times == pytest.approx([at for at in told if at is not None], abs=2e-6)
    numbers = [int.from_bytes(packet[:2], "big") for _, packet in far.arrived]
    assert numbers == sorted(numbers)
    assert len(numbers) + far.pipe.dropped == len(sends)


def test_loss_is_its_share_and_repeatable():
    def run(seed):
        far = Far(Air(loss=0.1, seed=seed))
        for number in range(5000):
            far.pipe.send(number.to_bytes(2, "big"))
        return far.pipe.lost, [packet for _, packet in far.arrived]

    lost, arrived = run(1)
    assert 400 < lost < 600 and len(arrived) == 5000 - lost
    assert run(1) == (lost, arrived)
    assert run(2)[1] != arrived


def test_the_air_may_change_and_what_is_under_way_still_comes_first():
    far = Far(Air(down=8000, rtt=2))
    far.pipe.send(b"a" * 1000)
    far.pipe.set_air(IDEAL)
    far.pipe.send(b"b")
    far.clock.run(10)
    assert [packet[:1] for _, packet in far.arrived] == [b"a", b"b"]
    assert far.times == pytest.approx([2.0, 2.0])


# IP


@given(st.binary(max_size=301))
def test_checksum_is_its_definition(data):
    total = 0
    padded = data + b"\x00" * (len(data) % 2)
    for at in range(0, len(padded), 2):
        total += padded[at] << 8 | padded[at + 1]
        total = (total & 0xFFFF) + (total >> 16)
    assert ip.checksum(data) == total ^ 0xFFFF


@given(st.binary(max_size=100), st.sampled_from([TCP, UDP]))
def test_a_readdressed_packet_has_right_checksums(data, layer):
    packet = ip.parse(bytes(IP(src=BOARD, dst=WEB) / layer(sport=1024, dport=443) / data))
    moved = IP(ip.readdress(packet, (b"\x0a\x00\x02\x0f", 7), (b"\x0a\x00\x02\x02", 8)))
    again = moved.copy()
    del again[IP].chksum, again[layer].chksum
    assert bytes(again) == bytes(moved)
    assert (moved.src, moved.dst, moved.sport, moved.dport) == ("10.0.2.15", "10.0.2.2", 7, 8)
    assert bytes(moved[layer].payload) == data


@given(st.binary(max_size=80))
def test_random_bytes_are_no_packet(data):
    with pytest.raises(ip.BadPacket):
        ip.parse(data)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"chksum": 1}, "header checksum"),
        ({"len": 500}, "length"),
        ({"flags": "MF"}, "fragment"),
        ({"version": 6}, "IPv4"),
    ],
)
def test_bad_packets_are_named(change, why):
    with pytest.raises(ip.BadPacket, match=why):
        ip.parse(bytes(IP(src=BOARD, dst=WEB, **change) / TCP()))


# DNS


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "data"),
    [
        ("web.example", "A", 0, [WEB]),
        ("WEB.EXAMPLE", "A", 0, [WEB]),
        ("web.example", "AAAA", 0, []),
        ("gone.example", "A", 3, []),
        ("unheard.example", "A", 3, []),
        ("unheard.example", "AAAA", 3, []),
    ],
)
def test_dns(name, kind, rcode, data):
    request = DNS(id=77, rd=1, qd=DNSQR(qname=name, qtype=kind))
    reply, asked, _ = answer(bytes(request), NAMES)
    reply = DNS(reply)
    assert (reply.id, reply.qr, reply.rcode) == (77, 1, rcode)
    assert reply.qd[0].qname.lower().decode() == name.lower() + "."
    assert [record.rdata for record in reply.an] == data
    assert asked == name.lower()


def test_dns_is_silent_where_told_and_about_nonsense():
    request = DNS(qd=DNSQR(qname="silent.example"))
    assert answer(bytes(request), NAMES)[0] is None
    assert answer(b"", NAMES)[0] is None
    assert answer(b"rubbish of some length", NAMES)[0] is None
    assert answer(bytes(DNS(qr=1, qd=DNSQR(qname="web.example"))), NAMES)[0] is None


@given(st.binary(max_size=80))
def test_dns_survives_anything(data):
    answer(data, NAMES)


# Internet


class Board:
    """A board on an Internet: packets made and taken apart by scapy."""

    def __init__(self, internet, journal):
        self.internet = internet
        self.journal = journal
        self.inject = Injector(WORDS, internet._clock, journal, (), internet=internet).inject
        self.heard = asyncio.Queue()
        self.attach()

    def attach(self):
        self.internet.attach(BOARD, lambda packet: self.heard.put_nowait(IP(packet)))

    def send(self, packet, to=WEB, **fields):
        self.internet.send(bytes(IP(src=BOARD, dst=to, **fields) / packet))

    async def hear(self):
        async with asyncio.timeout(5):
            packet = await self.heard.get()
        checked = packet.copy()
        del checked[IP].chksum
        for layer in (TCP, UDP, ICMP):
            if layer in checked and not checked.haslayer("IPerror"):
                del checked[layer].chksum
        assert bytes(checked) == bytes(packet)  # both checksums right
        return packet

    async def ask(self, packet, to=WEB, **fields):
        self.send(packet, to, **fields)
        return await self.hear()


@contextmanager
def listening(kind):
    with socket.socket(socket.AF_INET, kind) as server:
        server.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            server.listen()
        server.setblocking(False)
        yield server, server.getsockname()[1]


@asynccontextmanager
async def online(routes=None, air=IDEAL, speed=1.0, dns=(DNS1,), **options):
    clock = Clock(speed)
    journal = Journal(clock)
    internet = Internet(clock, air, NAMES, routes or {}, dns, journal, **options)
    await internet.start()
    try:
        yield Board(internet, journal)
    finally:
        await internet.stop()


def query(name="web.example"):
    return UDP(sport=4000, dport=53) / DNS(id=5, qd=DNSQR(qname=name))


def test_dns_of_the_servers_that_answer_only():
    async def main():
        async with online() as board:
            reply = await board.ask(query(), DNS1)
            assert (reply.src, reply.dport, reply[DNS].an[0].rdata) == (DNS1, 4000, WEB)
            board.send(query(), DNS2)
            board.send(query("silent.example"), DNS1)
            board.send(query("gone.example"), DNS1)
            assert (await board.hear())[DNS].rcode == 3
            board.internet.dns = (DNS1, DNS2)
            assert (await board.ask(query(), DNS2)).src == DNS2
            assert [e.what for e in board.journal.seen("dns")] == [
                "web.example: A 203.0.113.10",
                "no DNS server at 10.64.0.2",
                "silent.example: A silence",
                "gone.example: A no such name",
                "web.example: A 203.0.113.10",
            ]

    asyncio.run(main())


def test_a_slow_name_server():
    async def main():
        async with online(speed=100) as board:
            board.internet.dns_delay = 5.0
            start = board.internet._clock.now()
            await board.ask(query(), DNS1)
            assert board.internet._clock.now() - start >= 5.0

    asyncio.run(main())


def test_ping_of_what_is_there_and_what_is_not():
    async def main():
        async with online({(WEB, 80): 1}) as board:
            for host in (WEB, DNS1):
                reply = await board.ask(ICMP(id=3, seq=4) / b"data", host)
                assert (reply.src, reply[ICMP].type, reply[ICMP].id) == (host, 0, 3)
                assert bytes(reply[ICMP].payload) == b"data"
            reply = await board.ask(ICMP(), "198.51.100.1")
            assert (reply[ICMP].type, reply[ICMP].code) == (3, 1)

    asyncio.run(main())


def test_public_name_servers_answer_a_ping_and_dead_ones_do_not():
    async def main():
        async with online(dns=(DNS1, DNS2)) as board:
            assert (await board.ask(ICMP() / bytes(1472), "9.9.9.9"))[ICMP].type == 0
            board.inject("dns", dead=1)
            board.send(ICMP(), DNS1)
            assert (await board.ask(ICMP(), DNS2)).src == DNS2

    asyncio.run(main())


def test_the_word_ping():
    async def main():
        async with online() as board:
            board.inject("ping", on=False)
            board.send(ICMP(), DNS1)
            board.send(ICMP(), "9.9.9.9")
            reply = await board.ask(query(), DNS1)
            assert DNS in reply  # and nothing before it
            board.inject("ping", cut=64)
            for size in (40, 64, 65, 1472):
                reply = await board.ask(ICMP(seq=size) / bytes(size), DNS1)
                assert (reply[ICMP].type, len(reply[ICMP].payload)) == (0, min(size, 64))
            board.inject("ping")
            assert len((await board.ask(ICMP() / bytes(1472), DNS1))[ICMP].payload) == 1472

    asyncio.run(main())


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_fragments_are_put_together(order):
    async def main():
        async with online() as board:
            packet = IP(src=BOARD, dst=DNS1, id=7) / ICMP(seq=9) / bytes(range(200))
            pieces = packet.fragment(80)
            for at in order:
                assert board.heard.empty()
                board.internet.send(bytes(pieces[at]))
            reply = await board.hear()
            assert (reply[ICMP].type, bytes(reply[ICMP].payload)) == (0, bytes(range(200)))

    asyncio.run(main())


def test_fragments_of_many_packets_are_forgotten():
    pieces = [bytes((IP(id=n) / UDP() / bytes(40)).fragment(24)[0]) for n in range(99)]
    fragments = ip.Fragments()
    assert not any(map(fragments.whole, pieces))
    assert len(fragments._pieces) == fragments.KEPT


@given(st.binary(max_size=80), st.integers(0, 0x3FFF))
def test_any_bytes_are_a_packet_or_a_fragment(data, flags):
    whole = ip.Fragments().whole(data)
    assert whole == data
    damaged = bytes(IP(flags=flags >> 13, frag=flags & 0x1FFF, len=4) / data)
    ip.Fragments().whole(damaged)


def test_nothing_but_routes_is_reached():
    """The deny rule, with a server that listens on every port asked for: it must not be reached."""

    async def main():
        with listening(socket.SOCK_STREAM) as (server, port):
            async with online({(WEB, 80): port}) as board:
                # the machine itself, by its names in the NAT, and a neighbour of the route
                targets = ["10.0.2.2", "127.0.0.1", "10.0.2.15", "203.0.113.11", WEB]
                for number, host in enumerate(targets):
                    syn = TCP(sport=2000 + number, dport=port, seq=9, flags="S")
                    reply = await board.ask(syn, host)
                    assert (reply.src, reply[TCP].flags) == (host, "RA")
                    assert (reply[TCP].ack, reply.dport) == (10, 2000 + number)
                reply = await board.ask(UDP(sport=7, dport=port) / b"x", "127.0.0.1")
                assert (reply[ICMP].type, reply[ICMP].code) == (3, 1)
                reply = await board.ask(UDP(sport=7, dport=81) / b"x")
                assert (reply.src, reply[ICMP].type, reply[ICMP].code) == (WEB, 3, 3)
                assert bytes(reply[ICMP].payload)[-8:] == bytes(UDP(bytes(reply[ICMP])[-8:]))
                board.send(TCP(sport=1, dport=1, flags="R"))  # no reset for a reset
                reply = await board.ask(b"", proto=50)
                assert (reply[ICMP].type, reply[ICMP].code) == (3, 2)
                assert board.heard.empty()
                assert board.internet.refused == 9
            with pytest.raises(BlockingIOError):
                server.accept()

    asyncio.run(main())


def test_an_ack_out_of_nowhere_is_reset_with_its_number():
    async def main():
        async with online() as board:
            reply = await board.ask(TCP(sport=5, dport=6, seq=100, ack=555, flags="A"))
            assert (reply[TCP].flags, reply[TCP].seq) == ("R", 555)

    asyncio.run(main())


def test_damaged_and_foreign_packets_are_dropped():
    async def main():
        async with online() as board:
            board.send(query()[UDP].copy() / b"", DNS1, chksum=1)
            board.internet.send(bytes(IP(src="10.64.64.65", dst=DNS1) / query()))
            board.internet.send(b"rubbish")
            assert board.internet.bad == 3
            assert board.heard.empty()

    asyncio.run(main())


class Client:
    """The least TCP client that reads an answer in order."""

    def __init__(self, board, port, sport=5000, options=(("MSS", 1460),)):
        self.board = board
        self.ports = {"sport": sport, "dport": port}
        self.options = list(options)
        self.seq = 1000
        self.ack = 0
        self.acks = 1  # how often each segment is acknowledged

    def say(self, flags, data=b"", **fields):
        segment = TCP(**self.ports, seq=self.seq, ack=self.ack, flags=flags, window=5760, **fields)
        self.board.send(segment / data)
        self.seq += len(data) + ("S" in flags) + ("F" in flags)

    async def connect(self):
        self.say("S", options=self.options)
        reply = await self.board.hear()
        self.ack = reply[TCP].seq + 1
        if reply[TCP].flags == "SA":
            self.say("A")
        return reply

    async def read_all(self):
        data = b""
        while True:
            segment = (await self.board.hear())[TCP]
            assert segment.window == 65535
            if not segment.payload and "F" not in segment.flags:
                continue  # an acknowledgement is not acknowledged
            if segment.seq == self.ack:
                body = bytes(segment.payload)
                data += body
                self.ack += len(body)
                if "F" in segment.flags:
                    self.ack += 1
                    self.say("FA")
                    return data
            for _ in range(self.acks):
                self.say("A")


async def serve(data):
    """A server that takes a line and answers with it and `data`."""

    async def talk(reader, writer):
        writer.write(await reader.readline() + data)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


def test_tcp_through_passt():
    async def main():
        data = os.urandom(20000)
        server, port = await serve(data)
        async with server, online({(WEB, 443): port}) as board:
            client = Client(board, 443)
            reply = await client.connect()
            assert (reply.src, reply.sport, reply[TCP].flags) == (WEB, 443, "SA")
            # lwIP asked for no window scaling: there must be none, in options and windows.
            assert "WScale" not in dict(reply[TCP].options)
            client.say("PA", b"hello\n")
            assert await client.read_all() == b"hello\n" + data
            assert board.internet.down.bytes > 20000 and board.internet.up.packets > 5

    asyncio.run(main())


def test_window_scaling_stays_for_those_who_ask():
    async def main():
        server, port = await serve(b"")
        async with server, online({(WEB, 443): port}) as board:
            options = [("MSS", 1460), ("NOP", None), ("WScale", 2)]
            reply = await Client(board, 443, options=options).connect()
            assert dict(reply[TCP].options)["WScale"] > 0

    asyncio.run(main())


def test_a_syn_sent_again_gets_the_answer_again():
    """Its answer was lost or late; passt alone would reset the connection."""

    async def main():
        server, port = await serve(b"bye")
        async with server, online({(WEB, 443): port}) as board:
            client = Client(board, 443)
            client.say("S", options=client.options)
            answer = None
            for _ in range(3):  # the first of them before passt can have answered
                client.seq = 1000
                client.say("S", options=client.options)
                reply = await board.hear()
                assert answer in (None, bytes(reply))
                answer = bytes(reply)
            assert board.heard.empty()
            client.ack = reply[TCP].seq + 1
            client.say("A")
            client.say("PA", b"hi\n")
            assert await client.read_all() == b"hi\nbye"

    asyncio.run(main())


def test_a_board_that_was_reset_may_use_its_ports_again():
    async def main():
        server, port = await serve(b"bye")
        async with server, online({(WEB, 443): port}) as board:
            old = Client(board, 443)
            await old.connect()
            new = Client(board, 443)
            new.seq = 777777
            reply = await new.connect()
            assert (reply[TCP].flags, reply[TCP].ack) == ("SA", 777778)
            new.say("PA", b"hi\n")
            assert await new.read_all() == b"hi\nbye"

    asyncio.run(main())


def test_a_server_that_is_down_says_nothing():
    async def main():
        async with online({(WEB, 443): NOBODY}) as board:
            board.send(TCP(sport=1, dport=443, flags="S"))
            board.send(UDP(sport=1, dport=443) / b"x")
            assert await board.ask(query(), DNS1)
            assert board.heard.empty()
            assert len(board.journal.seen("air", "no answer from 203.0.113.10:443")) == 2

    asyncio.run(main())


def test_two_hosts_on_one_server_are_told_apart():
    async def main():
        server, port = await serve(b"bye")
        async with server, online({(WEB, 443): port, ("203.0.113.11", 80): port}) as board:
            client = Client(board, 443, sport=6000)
            assert (await client.connect()).src == WEB
            board.send(TCP(sport=6000, dport=80, flags="S", seq=5), "203.0.113.11")
            reply = await board.hear()
            assert (reply.src, reply.sport, reply[TCP].flags) == ("203.0.113.11", 80, "SA")
            assert reply.dport == 6000 and reply[TCP].ack == 6
            client.say("PA", b"hi\n")
            assert await client.read_all() == b"hi\nbye"


def test_doubled_acknowledgements_do_not_multiply():
    async def main():
        data = os.urandom(20000)
        server, port = await serve(data)
        async with server, online({(WEB, 443): port}) as board:
            client = Client(board, 443)
            client.acks = 3
            await client.connect()
            client.say("PA", b"hello\n")
            assert await client.read_all() == b"hello\n" + data
            assert board.internet.down.packets < 40

    asyncio.run(main())


def test_a_routed_port_where_nobody_listens_refuses():
    async def main():
        with listening(socket.SOCK_STREAM) as (_, port):
            pass
        async with online({(WEB, 443): port}) as board:
            reply = await Client(board, 443).connect()
            assert (reply.src, "R" in reply[TCP].flags) == (WEB, True)

    asyncio.run(main())


def test_udp_through_passt():
    async def main():
        with listening(socket.SOCK_DGRAM) as (server, port):
            async with online({(WEB, 123): port}) as board:
                loop = asyncio.get_running_loop()
                board.send(UDP(sport=4321, dport=123) / b"what time is it")
                async with asyncio.timeout(5):
                    data, sender = await loop.sock_recvfrom(server, 100)
                assert data == b"what time is it"
                server.sendto(b"late", sender)
                reply = await board.hear()
                assert (reply.src, reply.sport, reply.dport) == (WEB, 123, 4321)
                assert bytes(reply[UDP].payload) == b"late"

    asyncio.run(main())


# The fault words of the air, the name servers and the servers


def test_the_word_air_changes_what_it_is_told():
    async def main():
        async with online(air=GPRS) as board:
            board.inject("air", rtt=0.1, loss=0.5)
            assert board.internet.air == replace(GPRS, rtt=0.1, loss=0.5)
            board.inject("air", loss=1)
            board.send(query(), DNS1)
            assert board.internet.up.lost == 1

    asyncio.run(main())


def test_packets_over_a_size_vanish_both_ways():
    async def main():
        async with online({(WEB, 80): 1}) as board:
            board.inject("packets_over_vanish", size=576)
            await board.ask(ICMP() / bytes(576 - 28))
            board.send(ICMP() / bytes(577 - 28))
            assert board.internet.up.lost == 1
            board.internet.down.send(bytes(577))
            assert board.internet.down.lost == 1
            board.inject("packets_over_vanish", size=0)
            await board.ask(ICMP() / bytes(1472))

    asyncio.run(main())


@pytest.mark.parametrize(("way", "lost"), [("up", (1, 0)), ("down", (0, 1))])
def test_packets_over_a_size_vanish_one_way(way, lost):
    async def main():
        async with online({(WEB, 80): 1}) as board:
            board.inject("packets_over_vanish", size=576, way=way)
            board.send(ICMP() / bytes(577 - 28))
            assert (board.internet.up.lost, board.internet.down.lost) == lost

    asyncio.run(main())


def test_the_word_dns():
    async def main():
        async with online(dns=(DNS1, DNS2), speed=100) as board:
            board.inject("dns", dead=1, delay=5, wrong=True)
            board.send(query(), DNS1)
            start = board.internet._clock.now()
            reply = await board.ask(query(), DNS2)
            assert (reply.src, reply[DNS].an[0].rdata) == (DNS2, "198.51.100.9")
            assert board.internet._clock.now() - start >= 5
            board.inject("dns")
            assert (await board.ask(query(), DNS1))[DNS].an[0].rdata == WEB

    asyncio.run(main())


@pytest.mark.parametrize(("rcode", "number"), [("SERVFAIL", 2), ("NXDOMAIN", 3), ("REFUSED", 5)])
def test_name_servers_refuse_so_many_questions(rcode, number):
    async def main():
        async with online() as board:
            board.inject("dns_refuses", count=2, rcode=rcode)
            for _ in range(2):
                reply = await board.ask(query(), DNS1)
                assert (reply[DNS].id, reply[DNS].rcode, reply[DNS].ancount) == (5, number, 0)
            assert (await board.ask(query(), DNS1))[DNS].rcode == 0

    asyncio.run(main())


def test_servers_that_are_silent_and_back():
    async def main():
        async with online({(WEB, 443): 9}) as board:
            board.inject("servers_silent")
            board.send(TCP(sport=1, dport=443, flags="S"))
            await board.ask(query(), DNS1)  # nothing came before its answer
            assert board.journal.seen("air", "no answer from 203.0.113.10:443")
            board.inject("servers_silent", on=False)
            assert board.internet.routes == {(WEB, 443): 9}

    asyncio.run(main())


def test_time_servers_that_are_silent_or_wrong():
    async def now(board):
        reply = await board.ask(UDP(sport=5, dport=ntp.PORT) / ntp.request())
        told = ntp.time_of(bytes(reply[UDP].payload)).replace(tzinfo=datetime.UTC)
        return told.timestamp() - time.time()

    async def main():
        server = ntp.NTPServer(ntp.Manner(), time.time, lambda said: None)
        try:
            async with online({(WEB, ntp.PORT): server.port}) as board:
                assert abs(await now(board)) < 5
                board.inject("ntp_wrong", seconds=-3600)
                assert abs(await now(board) + 3600) < 5
                board.inject("ntp_wrong", seconds=0)
                assert abs(await now(board)) < 5
                board.inject("ntp_silent")
                board.send(UDP(sport=5, dport=ntp.PORT) / ntp.request())
                await board.ask(query(), DNS1)
                assert board.journal.seen("air", "no answer from")
                board.inject("ntp_silent", on=False)
                assert abs(await now(board)) < 5
        finally:
            server.stop()

    asyncio.run(main())


def test_the_air_is_between():
    async def main():
        async with online(air=GPRS, speed=20) as board:
            start = board.internet._clock.now()
            await board.ask(query(), DNS1)
            took = board.internet._clock.now() - start
            assert 0.5 < took < 2.5
            board.internet.air = IDEAL
            assert board.internet.air is IDEAL
            assert board.internet.down.air is IDEAL

    asyncio.run(main())


def test_nothing_reaches_a_board_that_is_offline():
    async def main():
        async with online(air=Air(rtt=0.2), speed=10) as board:
            board.send(query(), DNS1)
            board.internet.detach()
            await board.internet._clock.sleep(0.5)
            assert board.internet.down.packets == 1
            assert board.heard.empty()
            board.attach()
            assert await board.ask(query(), DNS1)

    asyncio.run(main())


# passt


def test_passt_not_installed_is_one_sentence():
    async def main():
        with pytest.raises(PasstError, match=r"'no-such-passt' is not installed.*apt-get install"):
            await Passt(print, print, "no-such-passt").start()

    asyncio.run(main())


def test_passt_that_does_not_start_is_one_sentence():
    async def main():
        with pytest.raises(PasstError, match=r"'false', which carries TCP .*, did not start"):
            await Passt(print, print, "false").start()

    asyncio.run(main())


def gone(pid, seconds=5.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def test_passt_ends_when_stopped():
    async def main():
        async with online() as board:
            pid = board.internet._passt.pid
            assert not gone(pid, 0)
        assert gone(pid)

    asyncio.run(main())


def test_passt_dying_is_told():
    async def main():
        async with online({(WEB, 1): 1}) as board:
            os.kill(board.internet._passt.pid, signal.SIGKILL)
            async with asyncio.timeout(5):
                while not board.journal.seen("air", "passt ended"):
                    await asyncio.sleep(0.01)
            board.send(TCP(sport=1, dport=1))  # must not raise

    asyncio.run(main())


ORPHAN = """
import asyncio
from network.passt import Passt
async def main():
    passt = Passt(print, print)
    await passt.start()
    print(passt.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_passt_ends_when_we_are_killed():
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        pid = int(process.stdout.readline())
        assert not gone(pid, 0)
        process.kill()
    assert gone(pid)
