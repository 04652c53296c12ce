"""Voice calls: dialling and what comes of it, ringing, tones, and PPP meanwhile."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim800.scenario import Phone
from sim800_rig import Rig, modem_test, run, scenario

PLAIN = scenario(modem={"echo": False, "ipr": 115200})
PHONES = scenario(
    PLAIN,
    phones={
        "+49111": Phone(rings=2, answers=5, talks=10),
        "112": Phone(rings=1, answers=None),
        "113": Phone(rings=3, busy=True),
        "114": Phone(rings=3, reachable=False),
    },
)
OK = b"\r\nOK\r\n"
NO_CARRIER = b"\r\nNO CARRIER\r\n"
BOB = "+491709876543"


async def online(rig):
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"~hello~")
    return rig.ppps[-1]


async def state(rig):
    said = (await rig.say("AT+CLCC\r")).decode()
    return said.split(",")[2] if "+CLCC" in said else ""


# -- dialling ---------------------------------------------------------------------------------


@modem_test(PHONES)
async def test_a_call_that_is_answered(rig):
    assert await rig.say("ATD+49111;\r") == OK  # at once: AT+COLP=0 (page 30)
    assert await rig.say("AT+CLCC\r") == b'\r\n+CLCC: 1,0,2,0,0,"+49111",145,""\r\n' + OK
    assert await rig.say("AT+CPAS\r") == b"\r\n+CPAS: 4\r\n" + OK
    await rig.wait(2)
    assert await state(rig) == "3"
    await rig.wait(5)
    assert await state(rig) == "0"
    assert await rig.say("", 9.5) == b""
    await rig.wait(1)
    assert rig.take() == NO_CARRIER  # he hangs up
    assert await rig.say("AT+CLCC\r") == OK
    seen = [e.what for e in rig.journal.seen("call")]
    assert seen == ["dialled", "dialling", "alerting", "active", "ended"]


@modem_test(scenario(PHONES, modem={"latency": 1}))
async def test_dialling_takes_its_time(rig):
    assert await rig.say("ATD+49111;\r", 0.9) == b""
    await rig.wait(0.3)
    assert rig.take() == OK
    await rig.say("ATH\r", 1)
    rig.take()
    await rig.say("ATD+49111;\r", 0.5)
    assert await rig.say("x", 0.1) == NO_CARRIER  # any character gives up (page 29)
    assert not rig.modem.calls.state


@pytest.mark.parametrize(
    ("number", "x", "after", "says"),
    [
        ("113", 4, 3, b"\r\nBUSY\r\n"),
        ("113", 3, 3, b"\r\nBUSY\r\n"),
        ("113", 2, 3, NO_CARRIER),
        ("114", 4, 3, NO_CARRIER),
        ("112", 4, 46, b"\r\nNO ANSWER\r\n"),
    ],
)
def test_calls_that_come_to_nothing(number, x, after, says):
    async def body():
        async with Rig(PHONES) as rig:
            assert await rig.say(f"ATX{x}D{number};\r") == OK
            assert await rig.say("", after - 0.1) == b""
            await rig.wait(0.2)
            assert rig.take() == says and await state(rig) == ""
            # and with AT+COLP=1 the command waits for it
            await rig.say("AT+COLP=1\r")
            assert await rig.say(f"ATD{number};\r", after - 0.1) == b""
            await rig.wait(0.2)
            assert rig.take() == says and await state(rig) == ""

    run(body, limit=200)


@modem_test(PHONES)
async def test_connected_line(rig):
    await rig.say("AT+COLP=1\r")
    assert await rig.say("ATD+49111;\r", 6.9) == b""
    await rig.wait(0.2)
    assert rig.take() == b'\r\n+COLP: "+49111",145,"",0,""\r\n' + OK
    assert await state(rig) == "0"
    assert await rig.say("ATH\r") == OK
    await rig.say("ATD+49111;\r", 3)
    assert await rig.say("\r") == NO_CARRIER and await state(rig) == ""
    await rig.say("ATD+49111;\r", 3)
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    assert b"RDY" in rig.take() and not rig.modem.calls.state


@modem_test(PHONES)
async def test_call_states_unasked(rig):
    await rig.say("AT+CLCC=1;+MORING=1\r")
    said = await rig.say("ATD+49111;\r", 20)
    lines = [x for x in said.decode().split("\r\n") if x]
    told = '0,0,"+49111",145,""'
    assert lines == [
        f"+CLCC: 1,0,2,{told}",
        "OK",
        f"+CLCC: 1,0,3,{told}",
        "MO RING",
        f"+CLCC: 1,0,0,{told}",
        "MO CONNECTED",
        f"+CLCC: 1,0,6,{told}",
        "NO CARRIER",
    ]


@modem_test(PHONES, limit=300)
async def test_hanging_up(rig):
    for wait in (0, 3, 8):
        await rig.say("ATD+49111;\r", wait)
        rig.take()
        assert await rig.say("ATH\r") == OK
        assert await rig.say("", 60) == b""
    assert len(rig.journal.seen("call", "ended")) == 3


@pytest.mark.parametrize(
    ("dial", "number", "hidden"),
    [
        ("T0171 12-34;", "01711234", False),
        ("+49111;", "+49111", False),
        ("123I;", "123", True),
        ("123i;", "123", False),
        ("123G;", "123", False),
        ("1,2W3@;", "123", False),
    ],
)
def test_dial_strings(dial, number, hidden):
    async def body():
        async with Rig(PLAIN) as rig:
            assert await rig.say(f"ATD{dial}\r") == OK
            fields = rig.journal.seen("call", "dialled")[0].fields
            assert fields == {"number": number, "hidden": hidden}
            await rig.say("ATH\r")
            await rig.say("AT+CLIR=1\r")
            await rig.say(f"ATD{dial}\r")
            assert rig.journal.seen("call", "dialled")[1].fields["hidden"]

    run(body)


@modem_test(PLAIN)
async def test_what_cannot_be_dialled(rig):
    await rig.say("AT+CMEE=1\r")
    for bad in (";", "Bob;", "+;+", "12+3;", "x;"):
        said = await rig.say(f"ATD{bad}\r", 2)
        assert said in (b"\r\n+CME ERROR: 3\r\n", NO_CARRIER), bad
    assert await rig.say(f"ATD{'1' * 41};\r") == b"\r\n+CME ERROR: 26\r\n"
    await rig.say("ATD123;\r")
    assert await rig.say("ATD124;\r") == b"\r\n+CME ERROR: 3\r\n"  # one at a time
    await rig.say("ATH\r")
    rig.modem.inject("registration_lost")
    assert await rig.say("ATD123;\r") == b"\r\n+CME ERROR: 30\r\n"
    rig.modem.inject("sim_removed")
    rig.take()
    assert await rig.say("ATD123;\r") == b"\r\n+CME ERROR: 10\r\n"


@pytest.mark.parametrize("fault", ["registration_lost", "sim_removed", "call_ended"])
def test_calls_end_with_the_network(fault):
    async def body():
        async with Rig(PHONES) as rig:
            await rig.say("ATD+49111;\r", 8)
            rig.take()
            rig.modem.inject(fault)
            assert rig.take().startswith(NO_CARRIER)
            assert await state(rig) == ""

    run(body)


@modem_test(scenario(PHONES, modem={"echo": False}))
async def test_cdrind_tells_of_the_end(rig):
    await rig.say("AT+CDRIND=1\r")
    await rig.say("ATD113;\r")
    assert await rig.say("", 4) == b"\r\nBUSY\r\n\r\n+CDRIND: 0\r\n"


# -- incoming ---------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_it_rings_until_the_caller_gives_up(rig):
    levels = []
    rig.modem.on_ri = levels.append
    await rig.say("AT+CLIP=1\r")
    rig.modem.inject("ring", number=BOB, count=3)
    assert (
        await rig.say("AT+CLCC;+CPAS\r")
        == (
            f'\r\nRING\r\n\r\n+CLIP: "{BOB}",145,"",0,"",0\r\n'
            f'\r\n+CLCC: 1,1,4,0,0,"{BOB}",145,""\r\n\r\n+CPAS: 3\r\n\r\nOK\r\n'
        ).encode()
    )
    await rig.wait(11.9)
    assert rig.take().count(b"RING") == 2 and levels == [False]
    await rig.wait(0.2)
    assert rig.take() == NO_CARRIER and levels == [False, True]


@modem_test(PLAIN)
async def test_answering(rig):
    levels = []
    rig.modem.on_ri = levels.append
    rig.modem.inject("ring")
    assert await rig.say("ATA\r") == b"\r\nRING\r\n" + OK
    assert levels == [False, True] and await state(rig) == "0"
    assert await rig.say("", 30) == b""
    rig.modem.inject("ring", number="+1")  # a second one finds the line busy
    assert await rig.say("", 10) == b"" and await state(rig) == "0"
    assert rig.journal.seen("call", "not put through")
    rig.modem.inject("call_ended")
    assert rig.take() == NO_CARRIER
    assert await rig.say("ATA\r") == NO_CARRIER


@pytest.mark.parametrize("command", ["ATH", "AT+CHLD=0"])
def test_turning_a_call_away(command):
    async def body():
        async with Rig(PLAIN) as rig:
            levels = []
            rig.modem.on_ri = levels.append
            rig.modem.inject("ring")
            rig.take()
            assert await rig.say(f"{command}\r") == OK
            assert await rig.say("", 20) == b"" and levels == [False, True]

    run(body)


@modem_test(PLAIN)
async def test_only_what_there_is_can_be_ended(rig):
    await rig.say("AT+CMEE=1\r")
    assert await rig.say("AT+CHLD=1\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+CHLD=0\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+CHLD=2\r") == b"\r\n+CME ERROR: 765\r\n"
    await rig.say("ATD123;\r", 10)
    assert await rig.say("AT+CHLD=0\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+CHLD=1\r") == OK and await state(rig) == ""


@modem_test(PLAIN)
async def test_answering_by_itself(rig):
    await rig.say("ATS0=2\r")
    rig.modem.inject("ring")
    await rig.wait(3.9)
    assert await state(rig) == "4"
    await rig.wait(0.2)
    assert await state(rig) == "0"
    assert rig.take() == b""


@modem_test(PLAIN)
async def test_withheld_numbers_and_cring(rig):
    await rig.say("AT+CRC=1;+CLIP=1\r")
    rig.modem.inject("ring", number="", count=1)
    said = b'\r\n+CRING: VOICE\r\n\r\n+CLIP: "",128,"",0,"",1\r\n'
    assert rig.take() == said
    await rig.wait(5)
    assert rig.take() == NO_CARRIER


@modem_test(scenario(PLAIN, utc="2026-06-15T12:05:00", modem={"missed_call": True}))
async def test_missed_calls(rig):
    rig.modem.inject("ring", number=BOB, count=1)
    await rig.wait(5)
    assert (
        rig.take()
        == b"\r\nRING\r\n\r\nMISSED_CALL: 02:05PM " + BOB.encode() + b"\r\n" + NO_CARRIER
    )
    rig.modem.inject("ring")
    await rig.say("ATA\r")
    rig.modem.inject("call_ended")
    assert rig.take() == NO_CARRIER  # that one was not missed


@modem_test(scenario(PLAIN, modem={"start": "off"}))
async def test_nobody_gets_through_to_a_modem_that_is_off(rig):
    rig.modem.inject("ring")
    assert rig.journal.seen("call", "not put through")
    await rig.power_up()
    assert await state(rig) == ""


@modem_test(PLAIN)
async def test_a_reset_while_it_rings(rig):
    levels = []
    rig.modem.on_ri = levels.append
    rig.modem.inject("ring", count=50)
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    assert levels == [False, True] and b"RING\r\nRING" not in rig.take()
    assert await state(rig) == ""


@modem_test(PLAIN)
async def test_clip_is_lost_with_the_power(rig):
    await rig.say("AT+CLIP=1;&W\r")
    assert await rig.say("AT+CLIP?\r") == b"\r\n+CLIP: 1,1\r\n" + OK
    await rig.say("ATZ\r")
    assert await rig.say("AT+CLIP?\r") == b"\r\n+CLIP: 1,1\r\n" + OK
    await rig.say("AT+CLCC=1;+MORING=1;+VTD=3;&W;+CLIR=2\r")
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    rig.take()
    for command, told in (
        ("CLIP", "0,1"),
        ("CLCC", "1"),
        ("MORING", "1"),
        ("VTD", "3"),
        ("CLIR", "0,4"),
    ):
        assert (
            await rig.say(f"AT+{command}?\r") == f"\r\n+{command}: {told}\r\n\r\nOK\r\n".encode()
        )


# -- together with PPP ------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_ppp_stands_still_during_a_call(rig):
    levels = []
    rig.modem.on_ri = levels.append
    ppp = await online(rig)
    rig.modem.inject("ring", count=3)
    await rig.wait(1)
    assert ppp.muted and levels == [False]
    assert rig.take() == b""  # in data mode only RI tells of it
    await rig.wait(20)
    assert not ppp.muted and levels == [False, True] and rig.take() == b""
    assert rig.modem.mode == "data"
    rig.modem.inject("ring")
    assert await rig.say("+++", 1.2) == OK
    await rig.wait(4)
    assert rig.take() == b"\r\nRING\r\n"
    assert await rig.say("ATA\r") == OK and ppp.muted
    assert await rig.say("AT+CHLD=1\r") == OK  # ATH would end PPP, too
    assert not ppp.muted
    assert await rig.say("ATO\r") == b"\r\nCONNECT 115200\r\n"
    assert not ppp.closed


@modem_test(PLAIN)
async def test_ppp_does_not_begin_during_a_call(rig):
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    await rig.say("ATD123;\r", 10)
    assert await rig.say("ATD*99#\r", 2) == NO_CARRIER
    assert await state(rig) == "0"
    await rig.say("ATH\r")
    await online(rig)


@modem_test(PLAIN)
async def test_ath_ends_both(rig):
    ppp = await online(rig)
    await rig.say("+++", 1.2)
    rig.modem.inject("ring")
    rig.take()
    assert await rig.say("ATH\r") == OK
    assert ppp.closed and not rig.modem.calls.state


@modem_test(PLAIN)
async def test_a_dead_bearer_stays_dead(rig):
    ppp = await online(rig)
    rig.modem.inject("carrier_lost")
    rig.modem.inject("ring", count=1)
    await rig.wait(10)
    assert ppp.muted


STEPS = st.sampled_from(
    [
        *(
            f"AT{c}\r"
            for c in ("D+49111;", "D113;", "A", "H", "+CHLD=0", "+CHLD=1", "+COLP=1", "+COLP=0")
        ),
        *("+++", "ATO\r", "ATD*99#\r", "ATS0=1\r", "ATS0=0\r"),
        *("!ring", "!call_ended", "!registration_lost", "!registration_back", "!sms_received"),
        *("!no_carrier", "!modem_reset"),
        *(0.05, 1.3, 5.0, 15.0),
    ]
)


@given(st.lists(STEPS, max_size=25))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_call_and_its_signs_agree(steps):
    errors, levels = [], [True]

    async def body():
        asyncio.get_running_loop().set_exception_handler(lambda loop, what: errors.append(what))
        async with Rig(PHONES) as rig:
            rig.modem.on_ri = levels.append
            await rig.say('AT+CGDCONT=1,"IP","internet"\r')
            for step in steps:
                if isinstance(step, float):
                    await rig.wait(step)
                elif step[0] == "!":
                    rig.modem.inject(step[1:])
                else:
                    await rig.say(step, 0.2)
                calls, ppp = rig.modem.calls, rig.modem.ppp
                assert calls.state in ("", "dialling", "alerting", "incoming", "active")
                if ppp is not None and not ppp.closed:
                    assert ppp.muted == (calls.on_channel or not rig.modem.radio.attached)
                assert (calls.outcome is None) or calls.state in ("dialling", "alerting")
            await rig.wait(120)  # nobody rings or waits for ever
            assert rig.modem.calls.state in ("", "active") and levels[-1]
            assert len(rig.modem._timers) < 200

    run(body, limit=2000)
    assert not errors


# -- tones ------------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_sending_tones(rig):
    await rig.say("AT+CMEE=1\r")
    assert await rig.say("AT+VTS=1\r") == b"\r\n+CME ERROR: 3\r\n"  # no call
    await rig.say("ATD123;\r", 10)
    for value in ("1", "#", '"*"', '"1,2,3,A"', '"{5,20},6"', '"{1,2}"'):
        assert await rig.say(f"AT+VTS={value}\r") == OK, value
    assert rig.modem.calls.heard == "1#*123A561"
    for bad in (
        "",
        '""',
        "12",
        '"12"',
        "E",
        "a",
        '"1,"',
        '"1,,2"',
        '"{1,0}"',
        '"{1,256}"',
        '"{1}"',
        '"',
        f'"{"1," * 10}1"',
    ):
        assert await rig.say(f"AT+VTS={bad}\r") == b"\r\n+CME ERROR: 765\r\n", bad
    assert [e.fields["digits"] for e in rig.journal.seen("call", "tones")][3] == "123A"


@modem_test(scenario(PLAIN, modem={"latency": 1}))
async def test_tones_last(rig):
    await rig.say("AT+VTD=5\r", 1)
    await rig.say("ATD123;\r", 12)
    rig.take()
    assert await rig.say('AT+VTS="1,2,{3,10}"\r', 2.0) == b""
    await rig.wait(0.2)
    assert rig.take() == OK


@modem_test(PLAIN)
async def test_hearing_tones(rig):
    async def hear(key, **more):
        rig.modem.inject("tone_heard", key=key, **more)
        return rig.take()

    await rig.say("ATD123;\r", 10)
    rig.take()
    assert await hear("1") == b""  # not asked for
    assert await rig.say("AT+DDET=1\r") == OK
    assert await hear("1") == b"\r\n+DTMF: 1\r\n"
    assert await hear("1") == b"\r\n+DTMF: 1\r\n"
    assert await hear("#") == b"\r\n+DTMF: #\r\n"
    assert await hear("1400") == b""
    await rig.say("AT+DDET=1,1000,1,1\r")
    assert await rig.say("AT+DDET?\r") == b"\r\n+DDET: 1,1000,1,1\r\n" + OK
    assert await hear("5", ms=300) == b"\r\n+DTMF: 5,300\r\n"
    assert await hear("5") == b""  # the same too soon
    assert await hear("6") == b"\r\n+DTMF: 6,160\r\n"
    await rig.wait(1)
    assert await hear("6") == b"\r\n+DTMF: 6,160\r\n"
    assert await hear("2300") == b"\r\n+DTMF: 2300,160\r\n"
    for bad in ("2", "1,10001", "1,0,2", "1,0,0,2", "1,0,0,0,0"):
        assert await rig.say(f"AT+DDET={bad}\r") == b"\r\nERROR\r\n"
    await rig.say("ATH\r")
    assert await hear("1") == b""
    await rig.say("AT&W\r")
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    rig.take()
    assert await rig.say("AT+DDET?\r") == b"\r\n+DDET: 1,0,0,0\r\n" + OK


@modem_test(PLAIN)
async def test_what_the_forms_are(rig):
    for command, told in (
        ("CLIP", "(0-1)"),
        ("CLIR", "(0-2)"),
        ("COLP", "(0-1)"),
        ("CLCC", "(0-1)"),
        ("VTD", "(1-255)"),
        ("VTS", "(0-9,*,#,A,B,C,D),(1-255)"),
        ("DDET", "(0,1),(0-10000),(0,1),(0,1)"),
        ("MORING", "(0,1)"),
    ):
        assert (
            await rig.say(f"AT+{command}=?\r") == f"\r\n+{command}: {told}\r\n\r\nOK\r\n".encode()
        )
