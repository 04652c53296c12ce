"""The simulated modem's multiplexer against 27.010 and the trace of a real SIM800."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim800 import cmux
from sim800_rig import READY, modem_test, scenario

# A SIM800 after AT+CMUX=0 (micropython-lib, esp_modem's issue 140).
SABM0, UA0 = bytes.fromhex("f9033f011cf9"), bytes.fromhex("f9037301d7f9")
MSC1 = bytes.fromhex("f901ef09e305070d9af9")
CLD = bytes.fromhex("f903ef05c301f2f9")
# 27.010 annex B.3.5: the first bytes of its table.
TABLE = [0x00, 0x91, 0xE3, 0x72, 0x07, 0x96, 0xE4, 0x75]


def checksum(data):
    """By long division of polynomials, lowest bit first, as clause 5.2.1.6 puts it."""
    bits = [byte >> n & 1 for byte in data for n in range(8)] + [0] * 8
    for i in range(8):
        bits[i] ^= 1
    for i in range(len(bits) - 8):
        if bits[i]:
            for k, term in enumerate((1, 0, 0, 0, 0, 0, 1, 1, 1)):
                bits[i + k] ^= term
    return sum((1 - bit) << n for n, bit in enumerate(bits[-8:]))


def frame(dlci, control, info=b"", cr=1):
    head = bytes((dlci << 2 | cr << 1 | 1, control))
    head += (
        bytes((len(info) << 1 | 1,))
        if len(info) < 128
        else bytes((len(info) << 1 & 255, len(info) >> 7))
    )
    covered = head if control & 0xEF == 0xEF else head + info
    return b"\xf9" + head + info + bytes((checksum(covered),)) + b"\xf9"


def uih(dlci, info, cr=1):
    return frame(dlci, 0xEF, info, cr)


def sabm(dlci):
    return frame(dlci, 0x3F)


def ua(dlci):
    return frame(dlci, 0x73)


def dm(dlci):
    return frame(dlci, 0x1F)


def frames(data):
    """(dlci, control, info) of each frame; anything else is an error here."""
    found = []
    while data:
        assert data[0] == 0xF9 and data[1] & 1
        head = 3 if data[3] & 1 else 4
        count = data[3] >> 1 | (data[4] << 7 if head == 4 else 0)
        body = data[1 : 1 + head + count]
        covered = body[:head] if data[2] == 0xEF else body
        assert data[1 + head + count] == checksum(covered) and data[2 + head + count] == 0xF9
        found.append((data[1] >> 2, data[2], body[head:]))
        data = data[3 + head + count :]
    return found


def text(data, dlci):
    return b"".join(info for d, control, info in frames(data) if d == dlci and control == 0xEF)


async def enter(rig, command="AT+CMUX=0\r", opened=(1, 2)):
    """Into the multiplexer, the DLCIs opened, all that the modem asks answered."""
    answer = await rig.say(command, 0.1)
    assert answer.endswith(b"\r\nOK\r\n"), answer
    assert await rig.say(SABM0) == UA0
    for dlci in opened:
        assert await rig.say(sabm(dlci)) == ua(dlci) + uih(
            0, bytes((0xE3, 5, dlci << 2 | 3, 13)), 0
        )
        assert await rig.say(uih(0, bytes((0xE1, 5, dlci << 2 | 3, 13)))) == b""
        assert await rig.say(uih(0, bytes((0xE3, 5, dlci << 2 | 3, 0x8D)))) == uih(
            0, bytes((0xE1, 5, dlci << 2 | 3, 0x8D)), 0
        )


async def at(rig, dlci, command, wait=0.2):
    return text(await rig.say(uih(dlci, command.encode() + b"\r"), wait), dlci)


def test_frames_of_the_trace():
    assert sabm(0) == SABM0 and ua(0) == UA0 and uih(0, b"\xc3\x01") == CLD
    assert cmux.frame(0, True, cmux.UA | cmux.PF) == UA0
    assert cmux.frame(0, False, cmux.UIH, bytes.fromhex("e305070d")) == MSC1


def test_checksum_is_the_standards():
    # the table holds what a byte does to a checksum of 0
    assert [0xFF - cmux.fcs(bytes((n ^ 0xFF,))) for n in range(8)] == TABLE


@given(st.binary(max_size=300))
def test_checksum_is_a_division(data):
    assert cmux.fcs(data) == checksum(data)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 63), st.sampled_from([0x2F, 0x3F, 0xEF, 0x03]), st.binary(max_size=200)
        )
    ),
    st.data(),
)
def test_deframer_finds_frames_cut_anywhere(sent, data):
    line = b"".join(frame(*one) for one in sent)
    deframer, got = cmux.Deframer(200), []
    while line:
        cut = data.draw(st.integers(1, len(line)))
        got += deframer.feed(line[:cut])
        line = line[cut:]
    assert [(d, c | (0x10 if pf else 0), info) for d, _, pf, c, info in got] == sent
    assert deframer.bad == 0


@given(st.binary(max_size=60), st.integers(0, 70))
def test_deframer_finds_a_frame_behind_noise(noise, lost):
    """A byte lost costs its own frame, not the one behind it."""
    damaged = bytearray(uih(1, b"x" * 65))
    del damaged[min(lost, len(damaged) - 1)]
    deframer = cmux.Deframer(127)
    got = deframer.feed(noise.replace(b"\xf9", b"") + damaged + uih(2, b"good"))
    got += deframer.feed(b"\xf9" * 200)
    assert (2, True, False, cmux.UIH, b"good") in got


@pytest.mark.parametrize("args", ["1", "0,1", "0,0,0", "0,0,8", "0,0,5,0", "0,0,5,256", "0,0,5,127,0",
                                  "0,0,5,127,10,101", "0,0,5,127,10,3,10", "0,0,5,127,10,3,30,0",
                                  "0,0,5,127,10,3,30,10,8", "0,0,5,127,10,3,30,10,2,1", "", "x"])  # fmt: skip
def test_wrong_parameters(args):
    @modem_test()
    async def body(rig):
        await rig.say("ATE0+CMEE=1\r")
        assert await rig.say(f"AT+CMUX={args}\r", 0.1) == b"\r\n+CME ERROR: 765\r\n"
        assert await rig.say("AT\r") == b"\r\nOK\r\n"

    body()


@modem_test()
async def test_reading_the_parameters(rig):
    assert await rig.say("ATE0+CMUX=?\r", 0.1) == b"ATE0+CMUX=?\r\r\n+CMUX: (0)\r\n\r\nOK\r\n"
    assert await rig.say("AT+CMUX?\r", 0.1) == b"\r\nERROR\r\n"
    await enter(rig, "AT+CMUX=0,0,5,64,,2\r")
    assert b"\r\n+CMUX: 0,0,5,64,10,2,30,10,2\r\n" in await at(rig, 1, "AT+CMUX?")
    assert b"\r\nERROR\r\n" in await at(rig, 1, "AT+CMUX=0")


@modem_test(scenario(modem={"cmux": False}))
async def test_modem_without_it(rig):
    for command in ("AT+CMUX=0\r", "AT+CMUX?\r", "AT+CMUX=?\r"):
        assert (await rig.say(command, 0.1)).endswith(b"\r\nERROR\r\n")


@modem_test()
async def test_trace(rig):
    await enter(rig)
    assert await at(rig, 1, "AT") == b"AT\r\r\nOK\r\n"
    assert await rig.say(CLD) == uih(0, b"\xc1\x01", 0)
    assert (await rig.say("AT\r")).endswith(b"\r\nOK\r\n")


@modem_test()
async def test_settings_are_each_dlcis_own(rig):
    await rig.say("ATE0\r")
    await enter(rig, opened=(1, 2, 3, 4))
    assert await at(rig, 1, "AT") == b"AT\r\r\nOK\r\n"  # as stored, not as the line had it
    assert await at(rig, 1, "ATE0+CMGF=1") == b"ATE0+CMGF=1\r\r\nOK\r\n"
    assert await at(rig, 2, "AT+CMGF?") == b"AT+CMGF?\r\r\n+CMGF: 0\r\n\r\nOK\r\n"
    assert await at(rig, 1, "AT+CMGF?") == b"\r\n+CMGF: 1\r\n\r\nOK\r\n"
    await rig.say(CLD)
    assert await rig.say("AT+CMGF?\r", 0.1) == b"\r\n+CMGF: 0\r\n\r\nOK\r\n"


@modem_test()
async def test_at_w_stores_for_all(rig):
    await enter(rig)
    await at(rig, 2, "AT+CMGF=1;&W")
    await at(rig, 1, "ATZ")
    assert b"+CMGF: 1" in await at(rig, 1, "AT+CMGF?")


@modem_test()
async def test_commands_on_two_dlcis_at_once(rig):
    await enter(rig)
    rig.line.feed(uih(1, b"AT+COPS=?\r"))
    assert await at(rig, 2, "AT+CSQ", 1) == b"AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\nOK\r\n"


@modem_test()
async def test_unasked_comes_on_dlci_1(rig):
    await enter(rig)
    await at(rig, 1, "AT+CREG=1")
    rig.modem.inject("urc", text="+HELLO")
    assert await rig.say(b"", 0.1) == uih(1, b"\r\n+HELLO\r\n", 0)
    rig.modem.inject("registration_lost")
    assert b"+CREG: 2" in text(await rig.say(b"", 0.1), 1)


@modem_test()
async def test_data_call_beside_commands(rig):
    await enter(rig)
    await at(rig, 1, 'AT+CGDCONT=1,"IP","internet"')
    assert await at(rig, 2, "ATE0D*99#", 2) == b"ATE0D*99#\r\r\nCONNECT 115200\r\n~hello~"
    assert b"\r\nOK\r\n" in await at(rig, 1, "AT")
    await rig.say(uih(2, b"~to ppp~"))
    assert rig.ppps[-1].heard == b"~to ppp~"
    assert b"ERROR" in await at(rig, 1, "ATO")  # it is not DLCI 1's
    rig.modem.inject("no_carrier")
    assert text(await rig.say(b"", 0.1), 2) == b"\r\nNO CARRIER\r\n"
    assert b"\r\nOK\r\n" in await at(rig, 2, "AT")


@modem_test()
async def test_escape_and_back_on_a_dlci(rig):
    await enter(rig)
    await at(rig, 2, 'ATE0+CGDCONT=1,"IP","internet"')
    await at(rig, 2, "ATD*99#", 2)
    await rig.wait(1.1)
    assert text(await rig.say(uih(2, b"+++"), 1.1), 2) == b"\r\nOK\r\n"
    assert await at(rig, 2, "ATO") == b"\r\nCONNECT 115200\r\n"
    # DTR falls: RTC in MSC, as AT&D1 has it
    answer = await rig.say(uih(0, b"\xe3\x05\x0b\x89"), 0.1)
    assert text(answer, 2) == b"\r\nOK\r\n"


@modem_test()
async def test_disc_ends_a_dlci_and_its_call(rig):
    await enter(rig)
    await at(rig, 2, 'AT+CGDCONT=1,"IP","internet"')
    await at(rig, 2, "ATD*99#", 2)
    assert await rig.say(frame(2, 0x53)) == ua(2)
    assert rig.ppps[-1].closed
    assert await rig.say(frame(2, 0x53)) == dm(2)
    assert await rig.say(uih(2, b"AT\r")) == dm(2)
    assert b"OK" in await at(rig, 1, "AT")


@modem_test()
async def test_only_cld_leads_back(rig):
    await enter(rig)
    assert await rig.say(frame(0, 0x53)) == ua(0)
    assert await rig.say("AT\r", 1) == b""
    assert await rig.say(sabm(1)) == dm(1)  # DLCI 0 first
    assert await rig.say(SABM0) == UA0
    assert await rig.say(CLD) == uih(0, b"\xc1\x01", 0)
    assert b"OK" in await rig.say("AT\r")


@modem_test()
async def test_what_breaks_the_rules_is_not_done(rig):
    await rig.say("ATE0+CMUX=0\r", 0.1)
    assert await rig.say(sabm(1)) == dm(1)
    assert await rig.say(frame(0, 0x3F, cr=0)) == b""
    assert await rig.say(frame(0, 0x2F)) == b""  # no P bit
    bad = bytearray(SABM0)
    bad[4] ^= 1
    assert await rig.say(bytes(bad)) == b""
    assert await rig.say(SABM0) == UA0
    assert await rig.say(sabm(5)) == dm(5)
    assert (await rig.say(sabm(1))).startswith(ua(1))
    assert await rig.say(frame(1, 0x03, b"AT\r"), 0.1) == b""  # UI
    assert await rig.say(frame(1, 0xEF, b"AT\r", cr=0), 0.1) == b""
    assert text(await rig.say(uih(1, b"AT" + b" " * 125 + b"\r"), 0.1), 1) == b""  # above N1
    assert await rig.say(uih(0, b"\x83\x11" + b"x" * 8)) == uih(0, b"\x11\x03\x83", 0)  # PN


@modem_test()
async def test_control_commands(rig):
    await enter(rig)
    assert await rig.say(uih(0, b"\x23\x07abc")) == uih(0, b"\x21\x07abc", 0)
    assert await rig.say(uih(0, b"\x43\x01")) == uih(0, b"\x41\x01", 0)
    assert await rig.say(uih(0, b"\x63\x01")) == uih(0, b"\x61\x01", 0)  # FCoff
    assert await rig.say(uih(1, b"AT\r"), 0.1) == b""
    answer = frames(await rig.say(uih(0, b"\xa3\x01"), 0.1))
    assert answer == [(0, 0xEF, b"\xa1\x01"), (1, 0xEF, b"AT\r\r\nOK\r\n")]


@modem_test()
async def test_msc_stops_one_dlci(rig):
    await enter(rig)
    await rig.say(uih(0, b"\xe3\x05\x07\x8f"))
    assert await rig.say(uih(1, b"AT\r"), 0.1) == b""
    assert await at(rig, 2, "AT") == b"AT\r\r\nOK\r\n"
    assert b"OK" in text(await rig.say(uih(0, b"\xe3\x05\x07\x8d")), 1)


@modem_test()
async def test_long_answers_are_cut_at_n1(rig):
    await enter(rig, "AT+CMUX=0,0,5,20\r")
    got = frames(await rig.say(uih(1, b"AT+CGMR\r"), 1))
    assert max(len(info) for _, _, info in got) == 20
    assert b"".join(info for _, _, info in got).endswith(b"\r\nOK\r\n")


@modem_test()
async def test_commands_are_repeated_until_answered(rig):
    await rig.say("ATE0+CMUX=0,0,5,127,10,2,30\r", 0.1)
    await rig.say(SABM0)
    assert await rig.say(sabm(1), 0.1) == ua(1) + MSC1
    assert await rig.say(b"", 0.3) == MSC1
    assert await rig.say(b"", 0.3) == MSC1
    assert await rig.say(b"", 5) == b""


@modem_test()
async def test_faults(rig):
    rig.modem.inject("cmux_cld")
    assert b"OK" in await rig.say("AT\r")
    rig.modem.inject("cmux_refuse_once")
    assert b"ERROR" in await rig.say("AT+CMUX=0\r")
    rig.modem.inject("cmux_lose_ua")
    await rig.say("ATE0+CMUX=0\r", 0.1)
    assert await rig.say(SABM0) == b""
    assert await rig.say(SABM0) == UA0
    await rig.say(sabm(1), 2)
    rig.modem.inject("cmux_fcoff")
    assert await rig.say(b"") == uih(0, b"\x63\x01", 0)
    await rig.say(uih(0, b"\x61\x01"))
    assert await rig.say(uih(1, b"AT\r"), 1) == b""
    rig.modem.inject("cmux_fcoff", on=False)
    await rig.say(uih(0, b"\xa1\x01"))
    assert b"OK" in await at(rig, 1, "AT")
    rig.modem.inject("cmux_stop", dlci=1)
    assert await rig.say(uih(0, b"\xe1\x05\x07\x0f")) == uih(0, b"\xe3\x05\x07\x0f", 0)
    rig.modem.inject("cmux_disc", dlci=1)
    assert await rig.say(b"") == frame(1, 0x53, cr=0)
    rig.modem.inject("cmux_cld")
    assert await rig.say(b"") == uih(0, b"\xc3\x01", 0)
    assert await rig.say(uih(0, b"\xc1\x01")) == b""
    assert b"OK" in await rig.say("AT\r")


@modem_test(scenario(modem={"start": "cmux"}))
async def test_met_multiplexing(rig):
    assert await rig.say("AT\r", 1) == b""
    # the flags end whatever frame was begun before the restart
    assert await rig.say(b"\xf9" * 140 + CLD) == uih(0, b"\xc1\x01", 0)
    assert b"OK" in await rig.say("AT\r")


@modem_test()
async def test_a_frame_that_stops_halfway_is_given_up(rig):
    await enter(rig)
    await rig.say(uih(1, b"lost" * 20)[:30], 0.5)
    assert b"OK" in await at(rig, 1, "AT")


@modem_test(replace(READY, modem=replace(READY.modem, start="off", ipr=115200)))
async def test_reset_leads_back(rig):
    await rig.power_up()
    await rig.wait(5)
    rig.take()
    await enter(rig)
    rig.modem.reset(True)
    await rig.wait(0.2)
    rig.modem.reset(False)
    assert b"\r\nRDY\r\n" in await rig.say(b"", 4)
    assert b"OK" in await rig.say("AT\r")
