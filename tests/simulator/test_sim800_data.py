"""Dialling, data mode, the escape sequence, ATO, ATH, DTR; what refuses to dial."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim800.escape import Escape
from sim800.scenario import Event
from sim800_rig import Rig, modem_test, run, scenario

PLAIN = scenario(modem={"echo": False})


async def context(rig, apn="internet", cid=1):
    assert await rig.say(f'AT+CGDCONT={cid},"IP","{apn}"\r') == b"\r\nOK\r\n"


@pytest.mark.parametrize(
    ("command", "cid"),
    [
        ("ATD*99#", 1),
        ("ATDT*99#", 1),
        ("atd*99***1#", 1),
        ("ATD*99***2#", 2),
        ('AT+CGDATA="PPP",1', 1),
        ('AT+CGDATA="PPP"', 1),
        ('AT+CGDATA="PPP",3', 3),
    ],
)
def test_ways_to_dial(command, cid):
    async def body():
        async with Rig(PLAIN) as rig:
            await context(rig, cid=cid)
            rate = b"" if "CGDATA" in command else b" 115200"
            assert await rig.say(f"{command}\r") == b"\r\nCONNECT" + rate + b"\r\n~hello~"
            assert rig.modem.ppp_cid == cid and rig.modem.contexts[cid]["active"]
            assert rig.ppps[0].config.auth == rig.modem.scenario.radio.apns["internet"].auth

    run(body)


@pytest.mark.parametrize(
    ("level", "text"), [("X0", b"CONNECT"), ("X1", b"CONNECT 115200"), ("X4", b"CONNECT 115200")]
)
def test_connect_text_follows_x(level, text):
    async def body():
        async with Rig(PLAIN) as rig:
            assert await rig.say(f"AT{level}D*99#\r") == b"\r\n" + text + b"\r\n~hello~"

    run(body)


@modem_test(PLAIN)
async def test_numeric_connect_and_no_carrier(rig):
    assert await rig.say("ATV0D*99#\r") == b"1\r~hello~"
    rig.modem.inject("no_carrier")
    assert rig.take() == b"3\r"


@modem_test(scenario(PLAIN, radio={"apns": {"internet": scenario().radio.apns["internet"]}}))
async def test_unknown_apn_is_refused(rig):
    assert await rig.say("ATD*99#\r") == b"\r\nNO CARRIER\r\n"  # no context: the blank APN
    await context(rig, "nowhere")
    assert await rig.say("ATD*99#\r") == b"\r\nNO CARRIER\r\n"
    assert await rig.say('AT+CGDATA="PPP",1\r') == b"\r\nNO CARRIER\r\n"
    assert await rig.say("AT+CMEE=2;+CGACT=1,1\r") == b"\r\n+CME ERROR: unspecified GPRS error\r\n"
    assert len(rig.journal.seen("modem", "APN refused")) == 4
    await context(rig)
    rig.modem.inject("apn_refused")
    assert await rig.say("ATD*99#\r") == b"\r\nNO CARRIER\r\n"
    rig.modem.inject("apn_refused", on=False)
    rig.modem.inject("call_refuse_once")
    assert await rig.say("ATD*99#\r") == b"\r\nNO CARRIER\r\n"
    assert await rig.say("ATD*99#\r") == b"\r\nCONNECT 115200\r\n~hello~"


@modem_test(scenario(PLAIN, radio={"registration": ((0, 2),)}))
async def test_dial_before_registration(rig):
    assert await rig.say("ATD*99#\r") == b"\r\nNO CARRIER\r\n"
    assert await rig.say("AT+CMEE=1;+CGACT=1,1\r") == b"\r\n+CME ERROR: 30\r\n"


@modem_test(PLAIN)
async def test_undefined_context_and_nonsense(rig):
    assert await rig.say("ATD*99***2#\r") == b"\r\nERROR\r\n"
    assert await rig.say("ATD*99***9#\r") == b"\r\nERROR\r\n"
    assert await rig.say('AT+CGDATA="M-PPP",1\r') == b"\r\nERROR\r\n"
    assert await rig.say("ATD12345\r") == b"\r\nNO CARRIER\r\n"  # CSD: no network has it
    assert await rig.say("ATD+4912345;\r", 2) == b"\r\nOK\r\n"
    assert await rig.say("ATH\r") == b"\r\nOK\r\n"


@modem_test(scenario(PLAIN, modem={"latency": 1}))
async def test_any_character_aborts_dialling_but_a_line_feed_in_time(rig):
    assert await rig.say("ATD*99#\r\n", 0.3) == b""
    assert await rig.say(" ", 1) == b"\r\nNO CARRIER\r\n"
    assert not rig.ppps and await rig.say("AT\r") == b"\r\nOK\r\n"
    assert await rig.say("ATD*99#\r\n", 3) == b"\r\nCONNECT 115200\r\n~hello~"
    # what waited while it dialled belongs to PPP
    assert rig.ppps[0].heard == b"\n"


# -- data mode --------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_data_is_data(rig):
    await context(rig)
    await rig.say("ATD*99#\r")
    ppp = rig.ppps[0]
    everything = bytes(range(256)) + b"AT+CSQ\rATH\r+++AT\r++++"
    assert await rig.say(everything) == b""
    assert ppp.heard == everything
    ppp.send(everything)
    assert rig.take() == everything


@modem_test(PLAIN)
async def test_end_of_ppp_is_no_carrier(rig):
    for reason in ("terminated", "retries", "auth"):
        await context(rig)
        await rig.say("ATD*99#\r")
        rig.ppps[-1].on_end(reason)
        assert rig.take() == b"\r\nNO CARRIER\r\n"
        assert await rig.say("AT\r") == b"\r\nOK\r\n"
        assert await rig.say("ATO\r") == b"\r\nERROR\r\n"
        assert await rig.say("AT+CGACT?\r") == b"\r\n+CGACT: 1,0\r\n\r\nOK\r\n"


@modem_test(PLAIN)
async def test_cdrind(rig):
    await rig.say("AT+CDRIND=1\r")
    await rig.say("ATD*99#\r")
    rig.ppps[0].on_end("terminated")
    assert rig.take() == b"\r\nNO CARRIER\r\n\r\n+CDRIND: 2\r\n"


async def escaped(before, gaps, after):
    """Send + with the given gaps after `before` seconds of silence; what came, what PPP heard."""
    async with Rig(PLAIN) as rig:
        await context(rig)
        await rig.say("ATD*99#\r")
        await rig.say(b"x", before)
        out = b""
        for gap in gaps:
            out += await rig.say(b"+", gap)
        out += await rig.say(b"", after)
        return out, bytes(rig.ppps[0].heard)


@pytest.mark.parametrize(
    ("before", "gaps", "after", "works"),
    [
        (1.001, (0.0, 0.0), 1.001, True),
        (1.001, (0.3, 0.3), 1.001, True),
        (5.0, (0.499, 0.499), 1.001, True),
        (0.999, (0.0, 0.0), 2.0, False),  # no silence before
        (0.0, (0.0, 0.0), 2.0, False),
        (1.001, (0.6, 0.6), 2.0, False),  # too slow
        (1.001, (0.0, 1.1), 2.0, False),
        (1.001, (0.0,), 2.0, False),  # only two
        (1.001, (0.0, 0.0, 0.0), 2.0, False),  # four
    ],
)
def test_guard_times(before, gaps, after, works):
    out, heard = run(escaped, before, (*gaps, 0.0), after)
    assert out == (b"\r\nOK\r\n" if works else b"")
    assert heard == (b"x" if works else b"x" + b"+" * (len(gaps) + 1))


@modem_test(PLAIN)
async def test_silence_after_the_escape_is_wanted_too(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    assert await rig.say("+++", 0.999) == b""
    assert await rig.say("y", 3) == b""
    assert rig.ppps[0].heard == b"+++y"
    # the next one, done right, works
    assert await rig.say("+++", 0.999) == b""
    assert await rig.say("", 0.002) == b"\r\nOK\r\n"


@modem_test(PLAIN)
async def test_escape_in_one_go_with_data_is_data(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    for piece in (b"a+++", b"+++b", b"++++"):
        await rig.say(piece, 3)
    assert rig.ppps[0].heard == b"a++++++b++++" and rig.take() == b""


@modem_test(PLAIN)
async def test_ppp_stands_still_in_online_command_mode_and_goes_on(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    ppp = rig.ppps[0]
    assert await rig.say("+++", 1.1) == b"\r\nOK\r\n"
    ppp.send(b"~one~")
    assert await rig.say("AT+CSQ\r") == b"\r\n+CSQ: 18,0\r\n\r\nOK\r\n"
    assert await rig.say("ATD*99#\r") == b"\r\nERROR\r\n"  # there is a call already
    ppp.send(b"~two~")
    assert await rig.say("ATO\r") == b"\r\nCONNECT 115200\r\n~one~~two~"
    await rig.say("~three~")
    assert ppp.heard == b"~three~" and not ppp.closed
    await rig.wait(2)
    await rig.say("+++", 1.1)
    ppp.send(b"z" * 100_000)
    assert await rig.say("ATO\r") == b"\r\nCONNECT 115200\r\n" + b"z" * (1 << 16)  # bounded


@modem_test(scenario(PLAIN, modem={"latency": 1}))
async def test_ath_ends_the_call_quietly(rig):
    await rig.say("ATD*99#\r", 3)
    await rig.say("+++", 1.1)
    assert await rig.say("ATH\r", 0.3) == b""
    assert await rig.say("", 0.2) == b"\r\nOK\r\n"
    assert rig.ppps[0].closed and await rig.say("ATO\r", 0.1) == b"\r\nERROR\r\n"


@modem_test(PLAIN)
async def test_ppp_ends_in_online_command_mode(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    await rig.say("+++", 1.1)
    rig.ppps[0].on_end("terminated")
    assert rig.take() == b"\r\nNO CARRIER\r\n"
    assert await rig.say("ATO\r") == b"\r\nERROR\r\n"


@modem_test(PLAIN)
async def test_cgact_0_ends_the_call(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    await rig.say("+++", 1.1)
    assert await rig.say("AT+CGACT=0,1\r") == b"\r\nNO CARRIER\r\n\r\nOK\r\n"


@modem_test(PLAIN)
async def test_urcs_wait_for_command_mode(rig):
    await context(rig)
    await rig.say("ATD*99#\r", 2)
    rig.modem.inject("sms_received")
    await rig.wait(2)
    assert rig.take() == b""
    assert await rig.say("+++", 1.1) == b'\r\nOK\r\n\r\n+CMTI: "SM",1\r\n'


@pytest.mark.parametrize(
    ("d", "answer"), [(0, b""), (1, b"\r\nOK\r\n"), (2, b"\r\nNO CARRIER\r\n")]
)
def test_dtr(d, answer):
    async def body():
        async with Rig(PLAIN) as rig:
            rig.modem.dtr(False)
            await rig.say(f"AT&D{d}D*99#\r", 2)
            rig.modem.dtr(True)
            await rig.wait(0.1)
            assert rig.take() == answer
            assert rig.ppps[0].closed == (d == 2)
            if d == 1:
                assert await rig.say("ATO\r") == b"\r\nCONNECT 115200\r\n"

    run(body)


@modem_test()
async def test_ppp_bytes_in_command_mode_are_echoed(rig):
    frame = bytes.fromhex("7eff7d23c0217d217d217d207d2a7d227d267d207d2a7d207d20d3b17e")
    assert await rig.say(frame, 3) == frame  # a driver's LCP hears itself
    await rig.say("ATE0\r")
    rig.take()
    assert await rig.say(frame, 3) == b""
    assert await rig.say("\r") == b""
    assert await rig.say("AT\r") == b"\r\nOK\r\n"


@modem_test(scenario(PLAIN, events=(Event("ppp_silent"),)))
async def test_silent_ppp(rig):
    assert await rig.say("ATD*99#\r", 50) == b"\r\nCONNECT 115200\r\n"
    assert rig.ppps[0].muted and not rig.ppps[0].started


@modem_test(scenario(PLAIN, events=(Event("ppp_silent no_carrier_after=4"),)))
async def test_no_carrier_without_a_word_of_ppp(rig):
    assert await rig.say("ATD*99#\r", 3.9) == b"\r\nCONNECT 115200\r\n"
    assert await rig.say("", 0.2) == b"\r\nNO CARRIER\r\n"


@modem_test(scenario(PLAIN, modem={"start": "data"}))
async def test_found_in_data_mode(rig):
    assert rig.ppps[0].started
    assert await rig.say("AT\r", 2) == b""  # data
    assert rig.ppps[0].heard == b"AT\r"
    assert await rig.say("+++", 1.1) == b"\r\nOK\r\n"
    assert await rig.say("ATH\r") == b"\r\nOK\r\n"


@modem_test(PLAIN, limit=300)
async def test_dialling_again_and_again_leaves_nothing_behind(rig):
    await context(rig)
    for _ in range(20):
        await rig.say("ATD*99#\r", 1.5)
        await rig.say("+++", 1.1)
        assert await rig.say("ATH\r") == b"\r\nOK\r\n"
    assert len(rig.ppps) == 20 and all(ppp.closed for ppp in rig.ppps)
    assert len(rig.modem._timers) < 100


@given(st.lists(st.tuples(st.sampled_from([b"+", b"++", b"+++", b"a", b"a+"]), st.floats(0, 3))))
@settings(max_examples=100, deadline=None)
def test_escape_loses_nothing_but_proper_escapes(pieces):
    async def body():
        from sim800_rig import VirtualClock, asyncio

        heard, escapes = bytearray(), []
        detector = Escape(VirtualClock(), heard.extend, lambda: escapes.append(1))
        detector.start()
        for piece, gap in pieces:
            detector.feed(piece)
            await asyncio.sleep(gap)
        await asyncio.sleep(3)
        sent = b"".join(piece for piece, _ in pieces)
        assert len(sent) == len(heard) + 3 * len(escapes)
        assert sent.replace(b"+", b"") == bytes(heard).replace(b"+", b"")

    run(body, limit=10_000)


# -- sleep ------------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_slow_clock_by_dtr(rig):
    assert await rig.say("AT+CSCLK=1\r") == b"\r\nOK\r\n"
    assert await rig.say("AT\r", 1) == b""  # DTR is high: asleep
    rig.modem.dtr(False)
    assert await rig.say("AT\r", 0.03) == b""  # not yet awake
    await rig.wait(0.03)
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    rig.modem.dtr(True)
    assert await rig.say("AT\r", 1) == b""


@modem_test(PLAIN)
async def test_slow_clock_by_itself(rig):
    await rig.say("AT+CSCLK=2\r")
    await rig.wait(4.9)
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    await rig.wait(5.1)
    assert await rig.say("AT\r", 0.05) == b""  # wakes it, lost
    assert await rig.say("AT\r", 0.06) == b""  # still waking
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    await rig.wait(6)
    rig.modem.urc("RING")
    assert rig.take() == b"\r\nRING\r\n"
