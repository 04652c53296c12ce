"""The modem's PPP end against a far end of scapy's packets, and against itself over a bad line."""

import hashlib
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from network import automaton, hdlc
from network.ppp import PPPEnd
from network_peers import CHAP, IP, IPCP, LCP, PAP, HandClock, Peer, config
from scapy.layers.ppp import (
    PPP_CHAP_ChallengeResponse,
    PPP_IPCP_Option,
    PPP_IPCP_Option_DNS1,
    PPP_IPCP_Option_DNS2,
    PPP_IPCP_Option_IPAddress,
    PPP_IPCP_Option_NBNS1,
    PPP_LCP_ACCM_Option,
    PPP_LCP_Auth_Protocol_Option,
    PPP_LCP_Discard_Request,
    PPP_LCP_Echo,
    PPP_LCP_Magic_Number_Option,
    PPP_LCP_MRU_Option,
    PPP_LCP_Option,
    PPP_LCP_Terminate,
    PPP_PAP_Request,
)

REQ, ACK, NAK, REJ, TERM, TERM_ACK, CODE_REJ, PROTO_REJ, ECHO, ECHO_REPLY = range(1, 11)


def options(packet):
    return [(option.type, bytes(option)[2:]) for option in packet.options]


def only(heard, protocol, code):
    """The one packet of that kind among what was heard."""
    [packet] = [p for proto, p in heard if proto == protocol and p.code == code]
    return packet


# LCP


def test_first_request_is_a_sim800s():
    [(protocol, request)] = Peer().start()
    assert (protocol, request.code) == (LCP, REQ)
    assert options(request) == [
        (2, bytes.fromhex("000a0000")),
        (3, b"\xc0\x23"),
        (7, b""),
        (8, b""),
    ]


@pytest.mark.parametrize(("auth", "value"), [("none", None), ("chap", b"\xc2\x23\x05")])
def test_auth_protocol_is_the_apns(auth, value):
    [(_, request)] = Peer(auth=auth).start()
    assert dict(options(request)).get(3) == value


def test_asyncmap_0_is_naked_with_ours_and_the_whole_asked_again_is_acked():
    peer = Peer()
    peer.start()
    magic = PPP_LCP_Magic_Number_Option(magic_number=77)
    peer.configure(PPP_LCP_ACCM_Option(accm=0), magic, ident=9)
    nak = only(peer.hear(), LCP, NAK)
    assert (nak.id, options(nak)) == (9, [(2, bytes.fromhex("000a0000"))])
    peer.configure(PPP_LCP_ACCM_Option(accm=0x000A0000), magic, ident=10)
    ack = only(peer.hear(), LCP, ACK)
    assert (ack.id, options(ack)) == (10, [(2, bytes.fromhex("000a0000")), (5, b"\0\0\0\x4d")])


def test_asyncmap_with_more_than_ours_is_acked_and_less_is_naked_with_both():
    peer = Peer()
    peer.start()
    peer.configure(PPP_LCP_ACCM_Option(accm=0xFFFFFFFF))
    assert only(peer.hear(), LCP, ACK)
    peer.configure(PPP_LCP_ACCM_Option(accm=0x00080001))
    assert options(only(peer.hear(), LCP, NAK)) == [(2, bytes.fromhex("000a0001"))]


def test_unknown_options_and_auth_are_rejected_before_anything_is_naked():
    peer = Peer()
    peer.start()
    peer.configure(
        PPP_LCP_ACCM_Option(accm=0),
        PPP_LCP_Auth_Protocol_Option(),
        PPP_LCP_Option(type=13, data=b"\x06"),
        PPP_LCP_MRU_Option(max_recv_unit=1500),
    )
    assert [kind for kind, _ in options(only(peer.hear(), LCP, REJ))] == [3, 13]


def test_mru_below_what_packets_need_is_naked():
    peer = Peer()
    peer.start()
    peer.configure(PPP_LCP_MRU_Option(max_recv_unit=64))
    assert options(only(peer.hear(), LCP, NAK)) == [(1, b"\x00\x80")]


def test_after_five_naks_what_is_asked_is_rejected():
    peer = Peer()
    peer.start()
    for _ in range(5):
        peer.configure(PPP_LCP_ACCM_Option(accm=0))
        assert only(peer.hear(), LCP, NAK)
    peer.configure(PPP_LCP_ACCM_Option(accm=0))
    assert options(only(peer.hear(), LCP, REJ)) == [(2, bytes(4))]


def test_a_reject_of_ours_is_heeded_and_its_headers_stay_long():
    peer = Peer(auth="none")
    peer.start()
    peer.clock.run(1)
    peer.configure(PPP_LCP_Option(type=8), code=REJ, ident=1)
    request = only(peer.hear(), LCP, REQ)
    assert (request.id, [kind for kind, _ in options(request)]) == (2, [2, 7])
    peer.configure(*request.options, code=ACK, ident=2)
    peer.configure()
    peer.hear()
    peer.put(bytes([0x21, 0x45]))  # compressed though it may not be
    assert peer.end.discarded == 1


def test_what_was_rejected_is_asked_for_again_by_the_next_negotiation():
    peer = Peer(auth="none")
    peer.start()
    peer.configure(PPP_LCP_Option(type=8), code=REJ, ident=1)
    peer.hear()
    peer.bring_lcp_up()
    peer.configure()
    request = only(peer.hear(), LCP, REQ)
    assert [kind for kind, _ in options(request)] == [2, 7, 8]


def test_a_nak_adds_to_our_asyncmap():
    peer = Peer()
    peer.start()
    peer.configure(PPP_LCP_ACCM_Option(accm=0x1), code=NAK, ident=1)
    assert options(only(peer.hear(), LCP, REQ))[0] == (2, bytes.fromhex("000a0001"))


@pytest.mark.parametrize("ident", [0, 2, 255])
def test_answers_to_other_requests_do_nothing(ident):
    peer = Peer()
    [(_, request)] = peer.start()
    request.code, request.id = ACK, ident
    peer.say(LCP, request)
    peer.configure(code=NAK, ident=ident)
    peer.configure(code=REJ, ident=ident)
    assert peer.hear() == []
    assert peer.end._lcp.state == automaton.REQ_SENT


def test_an_ack_that_is_not_what_was_asked_does_nothing():
    peer = Peer()
    peer.start()
    peer.configure(PPP_LCP_ACCM_Option(accm=0), code=ACK, ident=1)
    assert peer.end._lcp.state == automaton.REQ_SENT


def test_no_answer_ends_after_five_retries():
    peer = Peer()
    sent = [len(peer.start())]
    for _ in range(8):
        peer.clock.run(3)
        sent.append(len(peer.hear()))
    assert sent == [1, 1, 1, 1, 1, 1, 0, 0, 0]
    assert peer.ended == ["retries"]
    assert peer.seen()[-1] == "gave up"


def test_retries_and_their_time_are_the_scenarios():
    peer = Peer(retries=2, retry_time=1.5)
    peer.start()
    peer.clock.run(4.4)
    assert len(peer.hear()) == 2 and peer.ended == []
    peer.clock.run(0.2)
    assert peer.ended == ["retries"]


def test_unknown_codes_are_rejected_with_the_packet():
    peer = Peer()
    peer.start()
    peer.say(LCP, bytes.fromhex("0e05000a112233445566"))
    reject = only(peer.hear(), LCP, CODE_REJ)
    assert bytes(reject)[4:] == bytes.fromhex("0e05000a112233445566")


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "01",
        "010500",
        "01050003",  # length below a header
        "01050009aa",  # length beyond the packet
        "010500060206",  # option beyond the packet
        "010500050200",  # option of length 0
        "0105000501",  # half an option
    ],
)
def test_malformed_packets_are_silently_discarded(packet):
    peer = Peer()
    peer.start()
    peer.say(LCP, bytes.fromhex(packet))
    assert peer.hear() == []
    assert peer.end._lcp.discarded == 1


def test_padding_after_a_packet_is_ignored():
    peer = Peer()
    peer.start()
    peer.say(LCP, bytes.fromhex("01070004") + b"padding")
    assert bytes(only(peer.hear(), LCP, ACK)) == bytes.fromhex("02070004")


# Once LCP is up


def test_echo_is_answered_with_its_data_and_no_magic_number():
    peer = Peer()
    peer.bring_up()
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=42, magic_number=0x12345678, data=b"abc"))
    reply = only(peer.hear(), LCP, ECHO_REPLY)
    assert (reply.id, reply.magic_number, bytes(reply)[8:]) == (42, 0, b"abc")
    assert peer.seen("echo") == ["echo"]


def test_echo_is_not_answered_before_lcp_is_up_or_when_told_not_to():
    peer = Peer()
    peer.start()
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
    assert peer.hear() == []
    peer = Peer()
    peer.bring_up()
    peer.end.echo_replies = False
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
    assert peer.hear() == []
    assert peer.end.up


def test_echo_is_answered_late():
    peer = Peer()
    peer.bring_up()
    peer.end.echo_delay = 7.0
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=9))
    peer.clock.run(6.9)
    assert peer.hear() == []
    peer.clock.run(0.2)
    assert only(peer.hear(), LCP, ECHO_REPLY).id == 9
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=10))
    peer.end.close()
    peer.clock.run(10)
    assert peer.hear() == []  # the session it was asked in is over


def test_discard_request_is_discarded():
    peer = Peer()
    peer.bring_up()
    peer.say(LCP, PPP_LCP_Discard_Request(id=1, data=b"x"))
    assert peer.hear() == []
    assert peer.end.up


@pytest.mark.parametrize("protocol", [0x8057, 0x80FD, 0x002D])  # IPv6CP, CCP, VJ
def test_protocols_it_does_not_speak_are_rejected_with_the_packet(protocol):
    peer = Peer()
    peer.bring_up()
    peer.say(protocol, b"\x01\x01\x00\x04")
    [(_, reject)] = peer.hear()
    assert (reject.code, reject.rejected_protocol) == (PROTO_REJ, protocol)
    assert bytes(reject)[6:] == b"\x01\x01\x00\x04"


def test_terminate_is_acked_then_it_is_over():
    peer = Peer()
    peer.bring_up()
    peer.say(LCP, PPP_LCP_Terminate(code=TERM, id=8))
    assert only(peer.hear(), LCP, TERM_ACK).id == 8
    assert peer.address is None
    peer.clock.run(0.2)
    assert peer.ended == ["terminated"]
    assert peer.seen()[-1] == "terminated"


def test_terminating_says_so_and_ends_with_the_ack():
    peer = Peer()
    peer.bring_up()
    peer.end.terminate()
    request = only(peer.hear(), LCP, TERM)
    assert peer.ended == []
    peer.say(LCP, PPP_LCP_Terminate(code=TERM_ACK, id=request.id))
    assert peer.ended == ["terminated"]


def test_terminating_ends_without_an_ack_too():
    peer = Peer()
    peer.bring_up()
    peer.end.terminate()
    peer.clock.run(10)
    assert [p.code for _, p in peer.hear()] == [TERM, TERM]
    assert peer.ended == ["terminated"]


def test_close_is_silent_and_final():
    peer = Peer()
    peer.bring_up()
    peer.end.close()
    assert peer.address is None
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
    peer.clock.run(100)
    assert (peer.hear(), peer.ended) == ([], [])


def test_a_board_that_starts_again_comes_up_again():
    peer = Peer()
    peer.bring_up()
    peer.configure(PPP_LCP_ACCM_Option(accm=0x000A0000))
    assert [p.code for _, p in peer.hear()] == [REQ, ACK]
    assert not peer.end.up and peer.address is None
    peer.ack(LCP)
    assert peer.end._lcp.state == automaton.OPENED


def test_a_doubled_ack_does_not_take_lcp_down():
    peer = Peer(auth="none")
    [(_, request)] = peer.start()
    peer.ack(LCP)
    peer.configure()
    peer.hear()
    request.code = ACK
    peer.say(LCP, request)
    assert peer.hear() == []
    assert peer.end._lcp.state == automaton.OPENED


# Authentication


def test_blank_credentials_are_let_in_and_a_repeated_request_is_acked_again():
    peer = Peer()
    peer.start()
    peer.bring_lcp_up()
    for ident in (1, 2):
        peer.say(PAP, PPP_PAP_Request(id=ident, username=b"", password=b""))
        ack = only(peer.hear(), PAP, ACK)
        assert (ack.id, ack.msg_len) == (ident, 0)
    assert peer.seen("PAP") == ["PAP ok for user ''"]


@pytest.mark.parametrize(
    ("user", "password", "known"),
    [("me", "secret", True), ("me", "wrong", False), ("you", "secret", False), ("", "", False)],
)
def test_pap_judges_user_and_password_and_never_tells(user, password, known):
    peer = Peer(user="me", password="secret")
    peer.start()
    peer.bring_lcp_up()
    peer.say(PAP, PPP_PAP_Request(id=5, username=user.encode(), password=password.encode()))
    heard = peer.hear()
    if known:
        assert only(heard, PAP, ACK)
        assert only(heard, IPCP, REQ)
    else:
        assert only(heard, PAP, NAK)
        request = only(heard, LCP, TERM)
        peer.say(LCP, PPP_LCP_Terminate(code=TERM_ACK, id=request.id))
        assert peer.ended == ["auth"]
    assert f"for user {user!r}" in peer.seen("PAP")[0]
    assert not any("secret" in str(e) or "wrong" in str(e) for e in peer.journal.entries)


@pytest.mark.parametrize("packet", ["0101000a05616263", "01010004", "0101000600", "01010006ff61"])
def test_malformed_pap_is_discarded(packet):
    peer = Peer()
    peer.start()
    peer.bring_lcp_up()
    peer.say(PAP, bytes.fromhex(packet))
    assert peer.hear() == []
    assert not peer.end._authenticated


def test_refuse_auth_once():
    peer = Peer()
    peer.end.refuse_auth = True
    peer.start()
    peer.bring_lcp_up()
    peer.say(PAP, PPP_PAP_Request(id=5, username=b"", password=b""))
    assert only(peer.hear(), PAP, NAK)
    assert peer.end.refuse_auth is False
    peer.clock.run(10)
    assert peer.ended == ["auth"]


def test_pap_that_never_comes_ends_it():
    peer = Peer()
    peer.start()
    peer.bring_lcp_up()
    peer.clock.run(17)
    assert peer.ended == []
    peer.clock.run(8)
    assert peer.ended == ["retries"]


def test_a_far_end_that_rejects_authentication_is_refused():
    peer = Peer()
    peer.start()
    peer.configure(PPP_LCP_Auth_Protocol_Option(), code=REJ, ident=1)
    request = only(peer.hear(), LCP, TERM)
    peer.say(LCP, PPP_LCP_Terminate(code=TERM_ACK, id=request.id))
    assert peer.ended == ["auth"]


@pytest.mark.parametrize(("password", "known"), [(b"secret", True), (b"wrong", False)])
def test_chap(password, known):
    peer = Peer(auth="chap", user="me", password="secret")
    peer.start()
    challenge = only(peer.bring_lcp_up(), CHAP, 1)
    digest = hashlib.md5(bytes([challenge.id]) + password + challenge.value).digest()
    response = PPP_CHAP_ChallengeResponse(
        code=2, id=challenge.id, value=digest, optional_name=b"me"
    )
    peer.say(CHAP, response)
    heard = peer.hear()
    assert only(heard, CHAP, 3 if known else 4).id == challenge.id
    assert bool([p for proto, p in heard if proto == IPCP]) is known
    assert peer.seen("CHAP") == [f"CHAP {'ok' if known else 'refused'} for user 'me'"]


def test_chap_challenge_is_repeated_and_gives_up():
    peer = Peer(auth="chap")
    peer.start()
    first = only(peer.bring_lcp_up(), CHAP, 1)
    peer.clock.run(16)
    assert [bytes(p) for proto, p in peer.hear() if proto == CHAP] == [bytes(first)] * 5
    peer.clock.run(10)
    assert peer.ended == ["retries"]


def test_nothing_but_authentication_counts_before_it():
    peer = Peer()
    peer.start()
    peer.bring_lcp_up()
    peer.configure(PPP_IPCP_Option_IPAddress(data="0.0.0.0"), protocol=IPCP)
    peer.say(IP, b"\x45" + bytes(30))
    peer.say(0x8057, b"\x01\x01\x00\x04")
    assert (peer.hear(), peer.packets, peer.end.discarded) == ([], [], 3)


# IPCP and data


def admitted():
    peer = Peer()
    peer.start()
    peer.bring_lcp_up()
    peer.say(PAP, PPP_PAP_Request(id=1, username=b"", password=b""))
    heard = peer.hear()
    return peer, only(heard, IPCP, REQ)


def test_its_address_is_the_sim800s():
    _, request = admitted()
    assert options(request) == [(3, bytes([192, 168, 254, 254]))]


def test_addresses_are_given_by_nak():
    peer, _ = admitted()
    wanted = (PPP_IPCP_Option_IPAddress, PPP_IPCP_Option_DNS1, PPP_IPCP_Option_DNS2)
    peer.configure(*(option(data="0.0.0.0") for option in wanted), protocol=IPCP)
    nak = only(peer.hear(), IPCP, NAK)
    addresses = [option.data for option in nak.options]
    assert addresses == ["10.64.64.64", "10.64.0.1", "10.64.0.2"]
    peer.configure(
        *(option(data=address) for option, address in zip(wanted, addresses, strict=True)),
        protocol=IPCP,
    )
    assert only(peer.hear(), IPCP, ACK)


def test_vj_compression_and_nbns_are_rejected():
    peer, _ = admitted()
    peer.configure(
        PPP_IPCP_Option(type=2, data=bytes.fromhex("002d0f01")),
        PPP_IPCP_Option_IPAddress(data="0.0.0.0"),
        PPP_IPCP_Option_NBNS1(data="0.0.0.0"),
        protocol=IPCP,
    )
    assert [kind for kind, _ in options(only(peer.hear(), IPCP, REJ))] == [2, 130]


def test_a_board_that_asks_for_no_address_is_told_one():
    peer, _ = admitted()
    peer.configure(protocol=IPCP)
    assert options(only(peer.hear(), IPCP, NAK)) == [(3, bytes([10, 64, 64, 64]))]


def test_up_and_packets_both_ways_with_short_headers():
    peer = Peer()
    peer.bring_up()
    assert peer.address == "10.64.64.64"
    assert [what for what in peer.seen() if what.endswith("up")] == ["LCP up", "IPCP up"]
    peer.escaped = {0x11, 0x13}
    packet = b"\x45\x00" + bytes(range(60))
    for content in (b"\x21", b"\x00\x21", b"\xff\x03\x21", b"\xff\x03\x00\x21"):
        peer.put(content + packet)
    assert peer.packets == [packet] * 4
    peer.deliver(packet)
    line = bytes(peer.line)
    assert line.startswith(b"\x7e\x21\x45")
    # Of the control characters only those the board named are escaped.
    assert b"}1" in line and b"\x12" in line
    assert peer.hear() == [(IP, packet)]


def test_packets_above_the_boards_mru_are_dropped():
    peer = Peer(auth="none")
    peer.start()
    peer.bring_lcp_up(PPP_LCP_MRU_Option(max_recv_unit=576))
    peer.end.ipcp_up()
    peer.deliver(bytes(576))
    peer.deliver(bytes(577))
    assert [len(p) for _, p in peer.hear()] == [576]


def test_packets_before_ipcp_is_up_go_nowhere():
    peer, _ = admitted()
    peer.say(IP, b"\x45" + bytes(30))
    assert peer.packets == []


def test_ipcp_never_agreed_on_ends_it():
    peer, _ = admitted()
    peer.clock.run(40)
    assert peer.ended == ["retries"]


def test_a_protocol_reject_of_ipcp_ends_it():
    peer = Peer()
    peer.bring_up()
    peer.say(LCP, bytes.fromhex("08010006") + b"\x80\x21")
    peer.clock.run(20)
    assert peer.ended == ["terminated"]


# Faults


def test_muted_takes_everything_says_nothing_and_waits():
    peer = Peer()
    peer.bring_up()
    peer.end.muted = True
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
    peer.say(IP, b"\x45" + bytes(30))
    peer.deliver(b"\x45" + bytes(30))
    peer.clock.run(1000)
    assert (peer.hear(), peer.packets, peer.ended) == ([], [], [])
    peer.end.muted = False
    peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
    assert only(peer.hear(), LCP, ECHO_REPLY)


def test_muted_while_negotiating_goes_on_afterwards():
    peer = Peer()
    peer.end.muted = True
    assert peer.start() == []
    peer.clock.run(60)
    peer.end.muted = False
    peer.clock.run(3)
    assert only(peer.hear(), LCP, REQ)
    assert peer.ended == []


def test_silent_never_says_a_byte():
    peer = Peer()
    peer.end.muted = True
    assert peer.start() == []
    peer.configure()
    peer.clock.run(1000)
    assert (peer.hear(), peer.ended) == ([], [])


def test_loopback_gives_back_what_it_gets():
    peer = Peer()
    peer.end.loopback = True
    peer.start()
    peer.configure(PPP_LCP_Magic_Number_Option(magic_number=5))
    [(protocol, packet)] = peer.hear()
    assert (protocol, packet.code, options(packet)) == (LCP, REQ, [(5, b"\0\0\0\5")])


def test_nak_forever_never_agrees():
    peer = Peer()
    peer.end.nak_forever = True
    peer.start()
    for _ in range(30):
        peer.configure(PPP_LCP_ACCM_Option(accm=0xFFFFFFFF))
        assert only(peer.hear(), LCP, NAK)
        peer.ack(LCP)
        peer.clock.run(1.6)
    assert peer.clock.now() < 50
    assert peer.ended == ["retries"]


def test_says_what_it_is_told_to_at_its_moment():
    peer = Peer(auth="none")
    moments = [("begin", 1), ("lcp", 2), ("ip", 3)]
    peer.end.says = tuple((when, 0xC021, [ECHO, None, 0, 8, 0, 0, 0, n]) for when, n in moments)
    heard = peer.start()
    assert [packet.code for _, packet in heard] == [REQ]
    peer.configure(ident=77)
    echo = only(peer.hear(), LCP, ECHO)
    assert (echo.id, echo.magic_number) == (77, 1)
    peer.ack(LCP)
    assert only(peer.hear(), LCP, ECHO).magic_number == 2


def test_knows_no_packet_when_told_so():
    peer = Peer()
    peer.start()
    peer.end.reject_codes = True
    peer.configure(ident=9)
    assert bytes(only(peer.hear(), LCP, CODE_REJ))[4:8] == bytes([REQ, 9, 0, 4])


def test_a_far_end_that_acks_but_asks_for_nothing_is_left():
    peer = Peer()
    peer.start()
    for _ in range(60):
        peer.ack(LCP)
        peer.clock.run(1)
        peer.hear()
    assert peer.ended == ["retries"]
    assert peer.journal.seen("ppp", "gave up")[0].time < 50


def test_a_far_end_that_naks_forever_is_left():
    peer = Peer()
    heard = peer.start()
    for _ in range(200):
        for _, request in heard:
            if request.code == REQ:
                peer.configure(PPP_LCP_MRU_Option(max_recv_unit=500), code=NAK, ident=request.id)
        peer.clock.run(1)
        heard = peer.hear()
    assert peer.ended == ["retries"]


def test_share_of_frames_with_wrong_fcs():
    peer = Peer()
    peer.bring_up()
    peer.end.bad_fcs = 0.25
    for _ in range(1000):
        peer.deliver(b"\x45" + bytes(30))
    deframer = hdlc.Deframer()
    deframer.asyncmap = 0
    assert len(list(deframer.feed(bytes(peer.line)))) + deframer.bad_fcs == 1000
    assert 200 < deframer.bad_fcs < 300


def test_damaged_frames_are_journaled():
    peer = Peer()
    peer.start()
    peer.end.receive(b"~\xff\x03\xc0\x21rubbish~")
    assert peer.seen("damaged") == ["damaged frame"]


# Properties


class Pair:
    """Two PPPEnds with a line between them that loses, doubles and damages frames until `good`."""

    def __init__(self, seed, loss, doubled, damaged):
        self.clock = HandClock()
        self.chance = Random(seed)
        self.rates = (loss, doubled, damaged)
        self.good = False
        self.ended = []
        self.packets = {0: [], 1: []}
        self.deliver = {}
        addresses = ("192.168.254.254", "10.64.64.64")
        self.ends = [
            PPPEnd(
                self.clock,
                config(auth="none", local=addresses[side], remote=addresses[1 - side]),
                lambda data, to=1 - side: self.carry(data, to),
                lambda reason, side=side: self.ended.append((side, self.clock.now())),
                internet=self.internet(side),
            )
            for side in (0, 1)
        ]

    def internet(self, side):
        pair = self

        class Net:
            def attach(self, address, deliver):
                pair.deliver[side] = deliver

            def detach(self):
                pair.deliver.pop(side)

            def send(self, packet):
                pair.packets[side].append(packet)

        return Net()

    def carry(self, data, to):
        loss, doubled, damaged = (0, 0, 0) if self.good else self.rates
        copies = 2 if self.chance.random() < doubled else 1
        if self.chance.random() < loss:
            return
        if self.chance.random() < damaged:
            data = bytearray(data)
            data[self.chance.randrange(len(data))] ^= 1 << self.chance.randrange(8)
        for _ in range(copies):
            self.clock.call_later(0.05, self.ends[to].receive, bytes(data))


TERMINATE_TIME = 2 * 3.0  # two Terminate-Requests, each with its wait for an answer


@given(
    st.integers(0, 2**32),
    st.floats(0, 0.6),
    st.floats(0, 0.6),
    st.floats(0, 0.6),
    st.floats(0, 30),
)
@example(86216, 0.375, 0.0, 0.1875, 28.0)  # both Terminate-Requests are lost
@settings(max_examples=150, deadline=None)
def test_two_ends_over_a_bad_line_come_up_or_end_within_bounds(seed, loss, doubled, damaged, bad):
    pair = Pair(seed, loss, doubled, damaged)
    for end in pair.ends:
        end.start()
    pair.clock.run(bad)
    pair.good = True
    pair.clock.run(60)
    if pair.ended:
        # One side gave up or was told to: then both are over, unless the line ate all that was to tell the other.
        sides = {side for side, _ in pair.ended}
        assert len(pair.ended) == len(sides)
        if len(sides) == 1:
            [(side, when)] = pair.ended
            began = when - TERMINATE_TIME
            assert began < bad and not pair.ends[side].up
        else:
            assert not any(end.up for end in pair.ends)
    else:
        assert all(end.up for end in pair.ends)
        pair.deliver[0](b"\x45to the other")
        pair.clock.run(1)
        assert pair.packets[1][-1] == b"\x45to the other"


control = st.builds(
    lambda protocol, code, ident, body, extra: (
        protocol,
        bytes([code, ident]) + (4 + len(body) + extra).to_bytes(2, "big", signed=False) + body,
    ),
    st.sampled_from([LCP, PAP, CHAP, IPCP, IP, 0x8057]),
    st.integers(0, 16),
    st.integers(0, 4),
    st.binary(max_size=24),
    st.sampled_from([0, 0, 0, 0, 1]),
)


@given(
    st.lists(st.one_of(control, st.binary(max_size=40), st.sampled_from([0.1, 3.1])), max_size=40),
    st.sampled_from(["none", "pap", "chap"]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_random_frames_never_break_it(events, auth, from_up):
    peer = Peer(auth=auth)
    if from_up and auth != "chap":
        peer.bring_up()
    else:
        peer.start()
    for event in events:
        if isinstance(event, float):
            peer.clock.run(event)
        elif isinstance(event, bytes):
            peer.end.receive(event)
        else:
            peer.say(*event)
    up = peer.end.up
    assert (peer.address is not None) is up
    peer.line.clear()
    peer.clock.run(300)  # left alone, it stays up, or ends, once
    if peer.end.up:
        assert up and not peer.ended
    else:
        assert len(peer.ended) == 1
        peer.line.clear()
        peer.clock.run(300)
        peer.say(LCP, PPP_LCP_Echo(code=ECHO, id=1))
        assert not peer.line


# What is no PPP


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b'AT+CGDCONT=1,"IP","internet"\r', ["AT+CGDCONT"]),
        (b"ATD*99#\r", ["ATD*99#"]),
        (b"at+csq\r", ["at+csq"]),
        (b"AT\r", []),  # is PPP over?
        (b"+++", []),
    ],
)
@pytest.mark.parametrize("behind", [b"~", b"~AB\x01~", b""])
def test_an_at_command_among_the_frames_is_told(sent, told, behind):
    peer = Peer()
    peer.bring_up()
    peer.end.receive(sent[:2])
    peer.end.receive(sent[2:] + behind)
    peer.end.close()
    assert [e.fields["command"] for e in peer.journal.seen("ppp", "AT command")] == told


def test_an_at_command_before_the_first_frame_is_told():
    peer = Peer()
    peer.start()
    peer.end.receive(b"\0" * 1000 + b"AT+CSQ\r")
    peer.configure()
    assert [e.fields["command"] for e in peer.journal.seen("ppp", "AT command")] == ["AT+CSQ"]


def test_an_at_command_that_is_a_frames_content_is_none():
    peer = Peer()
    peer.bring_up()
    peer.put(b"\xff\x03\x00\x21AT+CSQ\r")
    peer.end.close()
    assert not peer.journal.seen("ppp", "AT command")
