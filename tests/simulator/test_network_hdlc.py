"""RFC 1662 framing, against its definition written out byte by byte."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import hdlc
from network_peers import slow_enclose, slow_fcs, slow_frames

asyncmaps = st.sampled_from([0, 0x000A0000, 0xFFFFFFFF, 0x00000011])


def bits(asyncmap):
    return {i for i in range(32) if asyncmap >> i & 1}


def receive(deframer, *pieces):
    return [content for piece in pieces for content in deframer.feed(piece)]


def test_fcs_check_value():
    # CRC-16/X-25, which is FCS-16, of "123456789".
    assert hdlc.fcs16(b"123456789") == 0x906E


@given(st.binary(max_size=300))
def test_fcs_is_its_definition(data):
    assert hdlc.fcs16(data) == slow_fcs(data)


def test_a_sim800_configure_request_byte_for_byte():
    payload = bytes.fromhex("010100140206000a00000304c02307020802")
    line = hdlc.frame(0xC021, payload)
    assert line[:8] == bytes.fromhex("7eff7d23c0217d21")
    assert line == slow_enclose(b"\xff\x03\xc0\x21" + payload, set(range(32)))


@given(st.binary(min_size=2, max_size=1500), asyncmaps, st.booleans(), st.booleans())
def test_frame_is_the_rfcs_and_reads_back(payload, asyncmap, acfc, pfc):
    line = hdlc.frame(0x21, payload, asyncmap, acfc, pfc)
    content = (b"" if acfc else b"\xff\x03") + (b"\x21" if pfc else b"\x00\x21") + payload
    assert line == slow_enclose(content, bits(asyncmap))
    assert slow_frames(line) == [content]
    deframer = hdlc.Deframer()
    deframer.asyncmap = asyncmap
    assert receive(deframer, line) == [content]
    assert hdlc.unpack(content, acfc, pfc) == (0x21, payload)


@given(st.lists(st.binary(min_size=2, max_size=60), max_size=5), asyncmaps, st.data())
def test_any_split_gives_the_same(payloads, asyncmap, data):
    line = b"".join(hdlc.frame(0xC021, payload, asyncmap) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=20)))
    pieces = [line[a:b] for a, b in zip([0, *cuts], [*cuts, len(line)], strict=True)]
    deframer = hdlc.Deframer()
    deframer.asyncmap = asyncmap
    assert receive(deframer, *pieces) == [b"\xff\x03\xc0\x21" + p for p in payloads]
    assert (deframer.frames, deframer.bad_fcs) == (len(payloads), 0)


@given(st.lists(st.binary(max_size=5000), max_size=10))
def test_random_bytes_are_bounded_and_then_a_frame_gets_through(pieces):
    deframer = hdlc.Deframer(limit=500)
    for piece in pieces:
        for content in deframer.feed(piece):
            assert 2 <= len(content) <= 500
        assert len(deframer._part) <= 1004
    # A flag ends whatever the rubbish began.
    assert b"\xff\x03\xc0\x21good" in receive(deframer, b"~" + hdlc.frame(0xC021, b"good"))


def test_garbage_before_the_first_flag_is_no_frame():
    deframer = hdlc.Deframer()
    assert receive(deframer, b"\r\nCONNECT\r\n", hdlc.frame(0xC021, b"abcd")) == [
        b"\xff\x03\xc0\x21abcd"
    ]
    assert (deframer.frames, deframer.bad_fcs) == (1, 0)


@pytest.mark.parametrize(
    ("line", "counter"),
    [
        (b"~\xff\x03\xc0\x21\x01\x02\x03~", "bad_fcs"),
        (b"~ab~", "bad_fcs"),
        (b"~\xff\x7d\x23\xc0\x21abcdef}~", "aborts"),
        (b"~" + b"x" * 600 + b"~", "oversize"),
        (b"~" + b"x" * 6000 + b"~", "oversize"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10000])
def test_what_is_no_frame_is_counted_and_the_next_one_comes(line, counter, step):
    deframer = hdlc.Deframer(limit=500)
    line += hdlc.frame(0xC021, b"next")[1:]
    contents = receive(deframer, *(line[i : i + step] for i in range(0, len(line), step)))
    assert contents == [b"\xff\x03\xc0\x21next"]
    counts = {name: getattr(deframer, name) for name in ("bad_fcs", "aborts", "oversize")}
    assert counts == dict.fromkeys(counts, 0) | {counter: 1}


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_wrong_bit_never_passes_unchanged(payload, data):
    line = bytearray(hdlc.frame(0xC021, payload, 0))
    at = data.draw(st.integers(1, len(line) - 2))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    deframer = hdlc.Deframer()
    deframer.asyncmap = 0
    assert b"\xff\x03\xc0\x21" + payload not in receive(deframer, bytes(line))


def test_bare_control_characters_that_should_be_escaped_are_taken_out():
    line = hdlc.frame(0x21, bytes(range(64)), 0x000A0000)
    noisy = line[:9] + b"\x11\x13" + line[9:30] + b"\x13" + line[30:]
    deframer = hdlc.Deframer()
    deframer.asyncmap = 0x000A0000
    assert receive(deframer, noisy) == [b"\xff\x03\x00\x21" + bytes(range(64))]
    deframer.asyncmap = 0
    assert receive(deframer, noisy) == []


def test_asyncmap_may_change_between_two_frames_that_came_together():
    deframer = hdlc.Deframer()
    contents = deframer.feed(hdlc.frame(0xC021, b"ack") + hdlc.frame(0xC023, b"\x01\x02", 0))
    assert next(contents) == b"\xff\x03\xc0\x21ack"
    deframer.asyncmap = 0
    assert next(contents) == b"\xff\x03\xc0\x23\x01\x02"


@pytest.mark.parametrize(
    ("content", "acfc", "pfc", "result"),
    [
        ("ff03c0210101", False, False, (0xC021, b"\x01\x01")),
        ("c0210101", True, False, (0xC021, b"\x01\x01")),
        ("c0210101", False, False, None),
        ("214500", True, True, (0x21, b"\x45\x00")),
        ("214500", True, False, None),
        ("ff03214500", False, True, (0x21, b"\x45\x00")),
        ("ff03", True, True, None),
        ("", True, True, None),
        ("ff03c0", True, True, None),
        ("ff03c020", True, True, None),  # protocol numbers are odd
    ],
)
def test_unpack_takes_only_what_was_agreed_on(content, acfc, pfc, result):
    assert hdlc.unpack(bytes.fromhex(content), acfc, pfc) == result


def test_fast_enough_for_460800_baud():
    # 46 kB a second must be little work. Ten times as fast as needed, on a busy machine.
    payload = bytes(range(256)) * 6
    start = time.process_time()
    deframer = hdlc.Deframer()
    for _ in range(300):
        line = hdlc.frame(0x21, payload)
        for at in range(0, len(line), 64):
            for _ in deframer.feed(line[at : at + 64]):
                pass
    took = time.process_time() - start
    assert deframer.frames == 300
    assert 300 * len(payload) / took > 460_000
