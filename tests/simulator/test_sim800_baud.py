"""Baud rates: autobauding, AT+IPR, and what a wrong rate makes of bytes."""

import asyncio
import termios

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim800.autobaud import AUTO_RATES, FIXED_RATES, Trainer
from sim800.serial import garble
from sim800_rig import PtyRig, Rig, modem_test, run, scenario

AUTO = scenario(modem={"start": "off", "ipr": 0})
FIXED = scenario(modem={"ipr": 9600})


async def boot(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 2.7)


@modem_test(AUTO)
async def test_autobauding_says_nothing_before_the_first_at(rig):
    await boot(rig)
    await rig.wait(20)
    assert rig.take() == b""
    for junk in ("\r\n", "At\r", "aT\r", "+++", "hello\r"):
        assert await rig.say(junk, 0.5) == b""
    assert await rig.say("AT\r", 0.5) == b""  # trains, and is lost
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"
    assert await rig.say("AT+IPR?\r") == b"AT+IPR?\r\r\n+IPR: 0\r\n\r\nOK\r\n"


@modem_test(scenario(AUTO, modem={"autobaud_lost": 0}))
async def test_first_at_may_be_answered(rig):
    await boot(rig)
    assert await rig.say("at\r") == b"at\r\r\nOK\r\n"


@modem_test(scenario(AUTO, modem={"autobaud_lost": 3}))
async def test_or_several_lost(rig):
    await boot(rig)
    for _ in range(3):
        assert await rig.say("AT\r", 0.3) == b""
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"


@modem_test(AUTO)
async def test_ready_comes_when_the_rate_was_found_in_time(rig):
    await boot(rig)
    await rig.say("AT\r")
    assert await rig.say("", 5) == b"\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n"


@pytest.mark.parametrize("rate", AUTO_RATES)
def test_autobauding_finds(rate):
    async def body():
        async with Rig(AUTO) as rig:
            rig.line.dte = rate
            await boot(rig)
            await rig.say("AT\r")
            assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"
            assert rig.line.rate == rate

    run(body)


@pytest.mark.parametrize("rate", [300, 14400, 230400, 460800])
def test_autobauding_does_not_find(rate):
    async def body():
        async with Rig(AUTO) as rig:
            rig.line.dte = rate
            await boot(rig)
            for _ in range(5):
                assert await rig.say("AT\r", 0.3) == b""
            assert rig.line.rate is None

    run(body)


@modem_test(AUTO)
async def test_rate_once_found_stays_until_reset(rig):
    await rig.power_up()
    rig.line.dte = 9600
    assert b"OK" not in await rig.say("AT\rAT\r", 1)
    rig.line.dte = 115200
    await rig.say("\r")
    assert (await rig.say("AT\r")).endswith(b"\r\nOK\r\n")


@modem_test(FIXED)
async def test_ipr_answers_at_the_old_rate_then_switches(rig):
    rig.line.dte = 9600
    assert await rig.say("AT+IPR=57600\r") == b"AT+IPR=57600\r\r\nOK\r\n"
    assert rig.line.rate == 57600
    assert b"OK" not in await rig.say("AT\r")
    rig.line.dte = 57600
    await rig.say("\r")
    assert (await rig.say("AT+IPR?\r")).endswith(b"\r\n+IPR: 57600\r\n\r\nOK\r\n")


@modem_test(FIXED)
async def test_ipr_is_kept_only_by_w(rig):
    rig.line.dte = 9600
    await rig.say("AT+IPR=57600\r")
    rig.modem.power.restart("test")
    await rig.wait(4)
    assert rig.line.rate == 9600
    rig.take()
    await rig.say("AT+IPR=57600;&W\r")
    rig.modem.power.restart("test")
    await rig.wait(4)
    assert rig.line.rate == 57600


@modem_test(FIXED)
async def test_ipr_0_takes_effect_after_a_reset(rig):
    rig.line.dte = 9600
    assert await rig.say("AT+IPR=0;&W\r") == b"AT+IPR=0;&W\r\r\nOK\r\n"
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"
    rig.line.dte = 115200
    rig.modem.power.restart("test")
    await rig.wait(5)
    assert rig.take() == b""
    await rig.say("AT\r")
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"


@pytest.mark.parametrize("rate", [300, 14400, 921600, "x", "", '"9600"', "-1", "9600,1"])
def test_ipr_refuses(rate):
    async def body():
        async with Rig() as rig:
            assert (await rig.say(f"AT+IPR={rate}\r")).endswith(b"\r\nERROR\r\n")

    run(body)


@modem_test(FIXED)
async def test_serial_settings_survive_z_and_f(rig):
    rig.line.dte = 9600
    await rig.say("ATE0\r")
    await rig.say("AT+IFC=2,2;+CMEE=1\r")
    await rig.say("AT&F\r")
    assert await rig.say("ATE0+IFC?;+CMEE?;+IPR?\r") == (
        b"ATE0+IFC?;+CMEE?;+IPR?\r\r\n+IFC: 2,2\r\n\r\n+CMEE: 0\r\n\r\n+IPR: 9600\r\n\r\nOK\r\n"
    )


def test_the_rates_the_manual_lists():
    assert FIXED_RATES == (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800)


def paced(rate, constant, count):
    async def body():
        async with PtyRig(scenario(modem={"ipr": rate, "echo": False}), baud=constant) as rig:
            start = rig.clock.now()
            rig.line.send(b"x" * count)
            while len(rig.got) < count:
                await asyncio.sleep(0.001)
                # never more than the wire has carried, and 10 ms under way
                assert len(rig.got) <= (rig.clock.now() - start + 0.01) * rate / 10
            rig.take()
            rig.write(b"AT+IPR?\r")
            assert await rig.until(b"OK\r\n") == b"\r\n+IPR: %d\r\n\r\nOK\r\n" % rate

    asyncio.run(asyncio.wait_for(body(), 20))


def test_the_fastest_rate_is_paced_and_works():
    paced(460800, termios.B460800, 23040)  # half a second


def test_raising_the_rate_to_the_fastest():
    async def body():
        async with PtyRig(scenario(modem={"ipr": 115200, "echo": False})) as rig:
            rig.write(b"AT+IPR=460800\r")
            assert await rig.until(b"OK\r\n") == b"\r\nOK\r\n"
            rig.set_baud(termios.B460800)
            await asyncio.sleep(0.05)
            rig.write(b"AT\r")
            await rig.until(b"\r\nOK\r\n")
            assert rig.line.rate == 460800

    asyncio.run(asyncio.wait_for(body(), 20))


@pytest.mark.parametrize(
    ("rate", "constant", "clean"),
    [
        (115200, termios.B115200, True),
        (230400, termios.B230400, True),
        (460800, termios.B460800, False),
    ],
)
def test_noise_above_a_rate(rate, constant, clean):
    async def body():
        async with PtyRig(scenario(modem={"ipr": rate}), baud=constant) as rig:
            rig.modem.inject("rate_noise", above=230400, rate=0.02)
            sent = bytes(range(32, 127)) * 40
            rig.line.send(sent)
            while len(rig.got) < len(sent):
                await asyncio.sleep(0.001)
            heard = rig.take()
            wrong = [(a, b) for a, b in zip(sent, heard, strict=True) if a != b]
            assert all((a ^ b).bit_count() == 1 for a, b in wrong)
            assert not wrong if clean else len(sent) * 0.01 < len(wrong) < len(sent) * 0.03
            # and towards the modem as well: its echo shows
            received = []
            rig.line.on_data = received.append
            rig.write(sent[:2000])
            while sum(map(len, received)) < 2000:
                await asyncio.sleep(0.001)
            assert (b"".join(received) == sent[:2000]) == clean

    asyncio.run(asyncio.wait_for(body(), 20))


@pytest.mark.parametrize("way", ["to_modem", "to_host"])
def test_noise_one_way_and_its_end(way):
    async def body():
        async with PtyRig(scenario(modem={"ipr": 115200})) as rig:
            rig.modem.inject("rate_noise", above=9600, rate=1, way=way)
            fault = rig.line.from_dte if way == "to_modem" else rig.line.to_dte
            other = rig.line.to_dte if way == "to_modem" else rig.line.from_dte
            assert fault.apply(b"abc", 115200) != b"abc" == other.apply(b"abc", 115200)
            assert fault.apply(b"abc", 9600) == b"abc"
            rig.modem.inject("rate_noise", rate=0)
            assert fault.apply(b"abc", 460800) == b"abc"

    asyncio.run(asyncio.wait_for(body(), 20))


# -- garbage ----------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.sampled_from(FIXED_RATES))
def test_equal_rates_change_nothing(data, rate):
    assert garble(data, rate, rate) == data


@given(st.binary(max_size=200), st.sampled_from(FIXED_RATES))
def test_small_error_of_the_rate_changes_nothing(data, rate):
    assert garble(data, rate, rate * 1.02) == data
    assert garble(data, rate * 1.02, rate) == data


@given(st.binary(max_size=100), st.sampled_from(FIXED_RATES), st.sampled_from(FIXED_RATES))
def test_garbage_is_bounded(data, sender, receiver):
    out = garble(data, sender, receiver)
    assert len(out) <= 1 + len(data) * max(1, 10 * receiver / sender)


@pytest.mark.parametrize("sender", FIXED_RATES)
@pytest.mark.parametrize("receiver", FIXED_RATES)
def test_no_at_gets_through_a_wrong_rate(sender, receiver):
    if sender != receiver:
        assert b"AT" not in garble(b"AT\rAT\rAT\r", sender, receiver)


def test_half_rate_as_on_the_scope():
    # "A" (0x41) at 9600 read at 19200: each bit twice, start bit low low, then bits 1 0 ..
    assert garble(b"A", 9600, 19200)[0] == 0b00000110


@given(st.lists(st.binary(max_size=8), max_size=20), st.integers(0, 3))
def test_trainer_is_indifferent_to_splits(pieces, lost):
    data = b"".join(pieces)
    whole, split = Trainer(lost), Trainer(lost)
    expected = whole.feed(data, 9600)
    rate, rest, skip = None, b"", False
    for piece in pieces:
        if rate is not None:
            rest += piece
        else:
            rate, rest, skip = split.feed(piece, 9600)
    assert (rate, rest, skip) == expected
