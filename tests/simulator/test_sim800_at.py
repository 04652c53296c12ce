"""The AT line: framing to the byte, limits, error modes, several commands on a line, URCs."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sim800 import at
from sim800.commands import TABLE
from sim800_rig import Rig, modem_test, run, scenario

R13 = scenario(modem={"profile": "R13.08"})
NO_SIM = scenario(sim={"inserted": False})

# (sent, received to the byte), each on a fresh modem with echo off
TRANSCRIPTS = {
    "at": [("AT\r", "\r\nOK\r\n")],
    "echo": [("ATE1\r", "\r\nOK\r\n"), ("AT\r", "AT\r\r\nOK\r\n"), ("ATE0\r", "ATE0\r\r\nOK\r\n")],
    "lf after cr": [("AT\r\n", "\r\nOK\r\n"), ("AT\r\n", "\r\nOK\r\n")],
    "lower case": [("at+csq\r", "\r\n+CSQ: 18,0\r\n\r\nOK\r\n")],
    "mixed prefix": [("At\r", ""), ("aT\r", ""), ("AT\r", "\r\nOK\r\n")],
    "no prefix": [("hello\r", ""), ("\r\r", ""), ("xxAT\r", "\r\nOK\r\n")],
    "backspace": [
        ("ATX\b\b\bE0\r", "\r\nOK\r\n"),
        ("AT+CXX\b\bSQ\r", "\r\n+CSQ: 18,0\r\n\r\nOK\r\n"),
    ],
    "again": [
        ("AT+CSQ\r", "\r\n+CSQ: 18,0\r\n\r\nOK\r\n"),
        ("A/", "\r\n+CSQ: 18,0\r\n\r\nOK\r\n"),
    ],
    "manual page 24": [
        ("ATE0Q0S0=1S3=13V1X4;+IFC=0,0;+IPR=115200;&W\r", "\r\nOK\r\n"),
        ("ATS0?\r", "\r\n001\r\n\r\nOK\r\n"),
    ],
    "numeric": [
        ("ATV0\r", "0\r"),
        ("AT+CSQ\r", "+CSQ: 18,0\r\n0\r"),
        ("AT+XYZ\r", "4\r"),
        ("ATA\r", "3\r"),
        ("ATV1\r", "\r\nOK\r\n"),
    ],
    "quiet": [("ATQ1\r", ""), ("AT+CSQ\r", "\r\n+CSQ: 18,0\r\n"), ("ATQ0\r", "\r\nOK\r\n")],
    "unknown": [
        ("AT+XYZ\r", "\r\nERROR\r\n"),
        ("AT+CMEE=1\r", "\r\nOK\r\n"),
        ("AT+XYZ\r", "\r\n+CME ERROR: 100\r\n"),
        ("AT+CMEE=2\r", "\r\nOK\r\n"),
        ("AT+XYZ\r", "\r\n+CME ERROR: unknown\r\n"),
        ("ATG\r", "\r\nERROR\r\n"),
    ],
    "joined": [
        (
            "AT+CREG?;+CGREG?;+CSQ\r",
            "\r\n+CREG: 0,1\r\n\r\n+CGREG: 0,1\r\n\r\n+CSQ: 18,0\r\n\r\nOK\r\n",
        ),
        ("AT+CSQ;+XYZ;+CSQ\r", "\r\n+CSQ: 18,0\r\n\r\nERROR\r\n"),
        ("AT+CSQ;;+CSQ\r", "\r\n+CSQ: 18,0\r\n\r\n+CSQ: 18,0\r\n\r\nOK\r\n"),
        ("AT+CSQ;)\r", "\r\n+CSQ: 18,0\r\n\r\nERROR\r\n"),
    ],
    "identity": [
        ("ATI\r", "\r\nSIM800 R14.18\r\n\r\nOK\r\n"),
        ("ATI4\r", "\r\nSIM800 R14.18\r\n\r\nOK\r\n"),
        (
            "AT+GSV\r",
            "\r\nSIMCOM_Ltd\r\nSIMCOM_SIM800L\r\nRevision:1418B05SIM800L24\r\n\r\nOK\r\n",
        ),
        ("AT+CGMI\r", "\r\nSIMCOM_Ltd\r\n\r\nOK\r\n"),
        ("AT+GMM\r", "\r\nSIMCOM_SIM800L\r\n\r\nOK\r\n"),
        ("AT+CGMR\r", "\r\nRevision:1418B05SIM800L24\r\n\r\nOK\r\n"),
        ("AT+GSN\r", "\r\n861234567890123\r\n\r\nOK\r\n"),
        ("AT+CGSN=?\r", "\r\nOK\r\n"),
        ("AT+CIMI\r", "\r\n262011234567890\r\n\r\nOK\r\n"),
        ("AT+CCID\r", "\r\n89490200001234567890\r\n\r\nOK\r\n"),
        ("AT+CNUM\r", '\r\n+CNUM: "","+491701234567",145,7,4\r\n\r\nOK\r\n'),
    ],
    "s registers": [
        ("ATS3?\r", "\r\n013\r\n\r\nOK\r\n"),
        ("ATS3=13S4=10S5=8\r", "\r\nOK\r\n"),
        ("ATS3=10\r", "\r\nERROR\r\n"),
        ("ATS7=30\r", "\r\nOK\r\n"),
        ("ATS7?\r", "\r\n030\r\n\r\nOK\r\n"),
        ("ATS7=0\r", "\r\nERROR\r\n"),
        ("ATS99?\r", "\r\nERROR\r\n"),
    ],
    "functionality": [
        ("AT+CFUN?\r", "\r\n+CFUN: 1\r\n\r\nOK\r\n"),
        ("AT+CFUN=?\r", "\r\n+CFUN: (0,1,4),(0,1)\r\n\r\nOK\r\n"),
        ("AT+CFUN=4\r", "\r\nOK\r\n"),
        ("AT+CFUN=0\r", "\r\nERROR\r\n"),
        ("AT+CSQ\r", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"),
        ("AT+CFUN=2\r", "\r\nERROR\r\n"),
        ("AT+CFUN=1\r", "\r\nOK\r\n"),
        ("AT+CFUN=0\r", "\r\n+CPIN: NOT READY\r\n\r\nOK\r\n"),
        ("AT+CFUN=4\r", "\r\nERROR\r\n"),
        ("AT+CIMI\r", "\r\nERROR\r\n"),
    ],
    "queries": [
        ("AT+CBC\r", "\r\n+CBC: 0,87,4012\r\n\r\nOK\r\n"),
        ("AT+CPIN?\r", "\r\n+CPIN: READY\r\n\r\nOK\r\n"),
        ("AT+SPIC\r", "\r\n+SPIC: 3,3,10,10\r\n\r\nOK\r\n"),
        ("AT+CSCLK?\r", "\r\n+CSCLK: 0\r\n\r\nOK\r\n"),
        ("AT+CSCLK=3\r", "\r\nERROR\r\n"),
        ("AT+CMEE=?\r", "\r\n+CMEE: (0-2)\r\n\r\nOK\r\n"),
        ("AT+CGCLASS?\r", '\r\n+CGCLASS: "B"\r\n\r\nOK\r\n'),
        ("AT+CPAS\r", "\r\n+CPAS: 0\r\n\r\nOK\r\n"),
        ("ATH\r", "\r\nOK\r\n"),
        ("ATA\r", "\r\nNO CARRIER\r\n"),
        ("ATO\r", "\r\nERROR\r\n"),
    ],
    "contexts": [
        ("AT+CGDCONT?\r", "\r\nOK\r\n"),
        ('AT+CGDCONT=1,"IP","internet"\r', "\r\nOK\r\n"),
        ('AT+CGDCONT=2,"IP","a;b"\r', "\r\nOK\r\n"),
        (
            "AT+CGDCONT?\r",
            '\r\n+CGDCONT: 1,"IP","internet","0.0.0.0",0,0\r\n'
            '+CGDCONT: 2,"IP","a;b","0.0.0.0",0,0\r\n\r\nOK\r\n',
        ),
        ("AT+CGACT?\r", "\r\n+CGACT: 1,0\r\n+CGACT: 2,0\r\n\r\nOK\r\n"),
        ("AT+CGDCONT=2\r", "\r\nOK\r\n"),
        ("AT+CGACT=1,1\r", "\r\nOK\r\n"),
        ("AT+CGPADDR=1\r", '\r\n+CGPADDR: 1,"10.64.64.64"\r\n\r\nOK\r\n'),
        ('AT+CGDCONT=1,"IP","other"\r', "\r\nERROR\r\n"),  # active: not to be changed
        ("AT+CGACT=0,1\r", "\r\nOK\r\n"),
        ("AT+CGPADDR=1\r", '\r\n+CGPADDR: 1,"0.0.0.0"\r\n\r\nOK\r\n'),
        ('AT+CGDCONT=4,"IP","x"\r', "\r\nERROR\r\n"),
        ('AT+CGDCONT=1,"PPP","x"\r', "\r\nERROR\r\n"),
        ('AT+CGDCONT=1,"IP",internet\r', "\r\nERROR\r\n"),
        ('AT+CGDCONT=1,"IP","internet\r', "\r\nERROR\r\n"),
        ('AT+CGDCONT=1,"IP","nowhere"\r', "\r\nOK\r\n"),
        ("AT+CMEE=1;+CGACT=1,1\r", "\r\n+CME ERROR: 148\r\n"),
        ("AT+CMEE=2;+CGACT=1,3\r", "\r\n+CME ERROR: operation not allowed\r\n"),
    ],
    "internal stack": [
        ("AT+CIPSTATUS\r", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n"),
        ("AT+CIFSR\r", "\r\nERROR\r\n"),
        ("AT+CIICR\r", "\r\nERROR\r\n"),
        ('AT+CSTT="internet","",""\r', "\r\nOK\r\n"),
        ("AT+CIPSTATUS\r", "\r\nOK\r\n\r\nSTATE: IP START\r\n"),
        ("AT+CIICR\r", "\r\nOK\r\n"),
        ("AT+CIFSR\r", "\r\n10.64.64.64\r\n"),
        ("AT+CIPSTATUS\r", "\r\nOK\r\n\r\nSTATE: IP STATUS\r\n"),
        ("ATD*99#\r", "\r\nERROR\r\n"),
        ("AT+CIPSHUT\r", "\r\nSHUT OK\r\n"),
        ("ATD*99#\r", "\r\nCONNECT 115200\r\n~hello~"),
    ],
    "bearer": [
        ("AT+SAPBR=2,1\r", '\r\n+SAPBR: 1,3,"0.0.0.0"\r\n\r\nOK\r\n'),
        ("AT+SAPBR=0,1\r", "\r\nERROR\r\n"),
        ('AT+SAPBR=3,1,"CONTYPE","GPRS"\r', "\r\nOK\r\n"),
        ('AT+SAPBR=3,1,"APN","internet"\r', "\r\nOK\r\n"),
        ('AT+SAPBR=3,1,"COLOUR","red"\r', "\r\nERROR\r\n"),
        ("AT+SAPBR=1,1\r", "\r\nOK\r\n"),
        ("AT+SAPBR=2,1\r", '\r\n+SAPBR: 1,1,"10.64.64.64"\r\n\r\nOK\r\n'),
        ("AT+SAPBR=1,1\r", "\r\nERROR\r\n"),
        ("ATD*99***1#\r", "\r\nERROR\r\n"),
        ("AT+SAPBR=0,1\r", "\r\nOK\r\n"),
        ("ATD*99***1#\r", "\r\nCONNECT 115200\r\n~hello~"),
    ],
    "clock": [
        ('AT+CCLK="26/06/15,12:00:00+08"\r', "\r\nOK\r\n"),
        ("AT+CCLK?\r", '\r\n+CCLK: "26/06/15,12:00:00+08"\r\n\r\nOK\r\n'),
        ('AT+CCLK="26/02/30,12:00:00+08"\r', "\r\nERROR\r\n"),
        ('AT+CCLK="26/6/15,12:00:00+08"\r', "\r\nERROR\r\n"),
        ('AT+CCLK="26/06/15,12:00:00+99"\r', "\r\nERROR\r\n"),
        ('AT+CCLK="99/12/31,23:59:59-47"\r', "\r\nOK\r\n"),
        ("AT+CCLK?\r", '\r\n+CCLK: "99/12/31,23:59:59-47"\r\n\r\nOK\r\n'),
    ],
    "messages": [
        ("AT+CMGF=1\r", "\r\nOK\r\n"),
        ("AT+CMGF=2\r", "\r\nERROR\r\n"),
        ("AT+CNMI?\r", "\r\n+CNMI: 2,1,0,0,0\r\n\r\nOK\r\n"),
        ("AT+CNMI=2,2\r", "\r\nOK\r\n"),
        ("AT+CNMI?\r", "\r\n+CNMI: 2,2,0,0,0\r\n\r\nOK\r\n"),
        ('AT+CSCA="+491"\r', "\r\nOK\r\n"),
        ("AT+CSCA?\r", '\r\n+CSCA: "+491",145\r\n\r\nOK\r\n'),
    ],
    "tls": [
        ("AT+CIPSSL=?\r", "\r\n+CIPSSL: (0-1)\r\n\r\nOK\r\n"),
        ("AT+HTTPSSL=?\r", "\r\n+HTTPSSL: (0-1)\r\n\r\nOK\r\n"),
    ],
    "operators": [
        ("AT+COPS?\r", '\r\n+COPS: 0,0,"Telekom.de"\r\n\r\nOK\r\n'),
        ("AT+COPS=3,2;+COPS?\r", '\r\n+COPS: 0,2,"26201"\r\n\r\nOK\r\n'),
        (
            "AT+COPS=?\r",
            '\r\n+COPS: (2,"Telekom.de","TDG","26201"),(1,"vodafone.de","Voda","26202"),'
            '(3,"o2 - de","o2","26203"),,(0-4),(0-2)\r\n\r\nOK\r\n',
        ),
        ("AT+COPS=2\r", "\r\nOK\r\n"),
        ("AT+COPS?\r", "\r\n+COPS: 2\r\n\r\nOK\r\n"),
        ("AT+CREG?\r", "\r\n+CREG: 0,0\r\n\r\nOK\r\n"),
        ("AT+CMEE=1\r", "\r\nOK\r\n"),
        ('AT+COPS=1,2,"99999"\r', "\r\n+CME ERROR: 30\r\n"),
        ('AT+COPS=1,2,"26203"\r', "\r\n+CME ERROR: 32\r\n"),
        ("AT+CREG?\r", "\r\n+CREG: 0,3\r\n\r\nOK\r\n"),
        ("AT+COPS=5\r", "\r\n+CME ERROR: 765\r\n"),
    ],
}


async def play(rig, steps):
    for sent, expected in steps:
        assert await rig.say(sent) == expected.encode(), sent


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_transcript(name):
    async def body():
        async with Rig(scenario(modem={"echo": False})) as rig:
            await play(rig, TRANSCRIPTS[name])

    run(body)


@modem_test(scenario(R13, modem={"echo": False}))
async def test_r13_has_no_tls(rig):
    await play(
        rig,
        [
            ("ATI\r", "\r\nSIM800 R13.08\r\n\r\nOK\r\n"),
            ("AT+CIPSSL=?\r", "\r\nERROR\r\n"),
            ("AT+HTTPSSL=?\r", "\r\nERROR\r\n"),
            ("AT+CIPSSL=1\r", "\r\nERROR\r\n"),
            ("AT+CGMR\r", "\r\nRevision:1308B08SIM800L16\r\n\r\nOK\r\n"),
        ],
    )


@modem_test(scenario(NO_SIM, modem={"echo": False}))
async def test_without_a_sim(rig):
    await play(rig, [("AT+CMEE=1\r", "\r\nOK\r\n")])
    for command in ("+CPIN?", "+CIMI", "+CCID", "+CNUM", "+SPIC", "+COPS=?", "D*99#", "+CGATT=1"):
        await play(rig, [(f"AT{command}\r", "\r\n+CME ERROR: 10\r\n")])
    await play(
        rig,
        [
            ("AT+CREG?\r", "\r\n+CREG: 0,0\r\n\r\nOK\r\n"),
            ("AT+CMEE=2\r", "\r\nOK\r\n"),
            ("AT+CPIN?\r", "\r\n+CME ERROR: SIM not inserted\r\n"),
            ("AT+CSCA?\r", "\r\n+CMS ERROR: SIM not inserted\r\n"),
            ("AT+CMEE=0\r", "\r\nOK\r\n"),
            ("AT+CPIN?\r", "\r\nERROR\r\n"),
        ],
    )


@modem_test()
async def test_view_shows_three_profiles(rig):
    await rig.say("ATE0&D2+CMEE=1\r")
    text = (await rig.say("AT&V\r")).decode()
    parts = re.split(r"(?:DEFAULT|USER|ACTIVE) PROFILE\r\n", text)
    assert len(parts) == 4 and text.endswith("\r\n\r\nOK\r\n")
    for part, value in zip(parts[1:], ("E: 1", "E: 1", "E: 0"), strict=True):
        assert value in part.split("\r\n")
    assert "+CMEE: 1" in parts[3] and "+IPR: 0" in parts[1]


@pytest.mark.parametrize(("size", "ok"), [(555, True), (556, True), (557, False), (5000, False)])
def test_line_limit_is_556(size, ok):
    async def body():
        async with Rig() as rig:
            line = ("E0" + "Q0" * 3000)[: size - size % 2] + " " * (size % 2)
            answer = await rig.say(f"AT{line}\r")
            assert answer.endswith(b"\r\nOK\r\n" if ok else b"\r\nERROR\r\n")
            # none of a line too long is done: echo is still on
            after = await rig.say("AT\r")
            assert after == (b"\r\nOK\r\n" if ok else b"AT\r\r\nOK\r\n")

    run(body)


@modem_test(scenario(modem={"latency": 1, "echo": True}))
async def test_input_during_a_command_waits_with_its_echo(rig):
    got = await rig.say("AT+CPIN?\rAT+CSQ\rATI\r", 1)
    assert got == (
        b"AT+CPIN?\r\r\n+CPIN: READY\r\n\r\nOK\r\n"
        b"AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\nOK\r\n"
        b"ATI\r\r\nSIM800 R14.18\r\n\r\nOK\r\n"
    )


@modem_test(scenario(modem={"latency": 1, "echo": False}))
async def test_scan_is_aborted_by_a_character(rig):
    assert await rig.say("AT+COPS=?\r", 0.12) == b""
    assert await rig.say("\n", 1) == b""  # a line feed in time does not abort
    assert await rig.say("A", 0.1) == b"\r\nERROR\r\n"
    assert await rig.say("AT\r", 0.1) == b"\r\nOK\r\n"
    assert (await rig.say("AT+COPS=?\r", 20)).endswith(b"(0-4),(0-2)\r\n\r\nOK\r\n")


@modem_test(scenario(modem={"echo": False}))
async def test_input_kept_during_a_command_is_bounded(rig):
    rig.modem.inject("late_answers", seconds=0.5)
    rig.line.feed(b"AT\r")
    await rig.wait(0.1)
    for _ in range(100):
        rig.line.feed(b"AT\r" * 50)
    rig.modem.inject("late_answers", seconds=0)
    await rig.wait(10)
    assert rig.take() == b"\r\nOK\r\n" * (1 + 1024 // 3)
    await rig.say("\r")
    assert await rig.say("AT\r") == b"\r\nOK\r\n"


@modem_test(scenario(modem={"latency": 1, "echo": False}))
async def test_latency_and_its_factor(rig):
    assert await rig.say("AT+COPS=?\r", 5.9) == b""
    assert (await rig.say("", 0.2)).startswith(b"\r\n+COPS: (2,")
    rig.modem.inject("late_answers", seconds=3)
    assert await rig.say("AT\r", 2.9) == b""
    assert await rig.say("", 0.2) == b"\r\nOK\r\n"
    rig.modem.inject("late_answers", seconds=0)
    assert await rig.say("AT\r", 0.05) == b"\r\nOK\r\n"


def test_typical_times_are_below_the_documented_limits():
    for name, spec in TABLE.items():
        assert 0 <= spec.latency <= spec.limit, name


def test_every_command_with_a_test_form_answers_it():
    async def body():
        async with Rig(scenario(modem={"echo": False})) as rig:
            for name, spec in TABLE.items():
                answer = await rig.say(f"AT{name}=?\r")
                if "=?" in spec.ops:
                    assert answer.endswith(b"\r\nOK\r\n"), name
                elif name[0] == "+":
                    assert answer == b"\r\nERROR\r\n", name
                else:
                    await rig.say("ATZE0V1Q0\r")  # "V" was V0, then an error

    run(body)


# -- URCs -------------------------------------------------------------------------------------


@modem_test(scenario(modem={"latency": 1}))
async def test_urc_falls_between_echo_and_answer(rig):
    rig.line.feed(b"AT+CPIN?\r")
    rig.modem.urc('+CMTI: "SM",1')
    await rig.wait(1)
    assert rig.take() == b'AT+CPIN?\r\r\n+CMTI: "SM",1\r\n\r\n+CPIN: READY\r\n\r\nOK\r\n'


@modem_test()
async def test_urc_between_the_lines_of_an_answer(rig):
    await rig.say('ATE0+CGDCONT=1,"IP","a";+CGDCONT=2,"IP","b"\r')
    rig.modem.inject("urc", text="RING", with_answer=True)
    assert rig.take() == b""
    assert await rig.say("AT+CGACT?\r") == (
        b"\r\n+CGACT: 1,0\r\n\r\nRING\r\n+CGACT: 2,0\r\n\r\nOK\r\n"
    )


@modem_test()
async def test_urc_never_inside_a_line_being_typed(rig):
    assert await rig.say("AT+C", 0.5) == b"AT+C"
    rig.modem.urc("RING")
    assert await rig.say("SQ", 0.5) == b"SQ"
    assert await rig.say("\r") == b"\r\r\n+CSQ: 18,0\r\n\r\nRING\r\n\r\nOK\r\n"


@modem_test()
async def test_line_left_half_typed_keeps_urcs_for_two_seconds(rig):
    await rig.say("AT+C")
    rig.modem.urc("RING")
    await rig.wait(1.9)
    assert rig.take() == b""
    await rig.wait(0.2)
    assert rig.take() == b"\r\nRING\r\n"


@modem_test(scenario(modem={"echo": False}))
async def test_urc_flood_is_bounded(rig):
    await rig.say("AT+")
    for n in range(1000):
        rig.modem.urc(f"+X: {n}")
    await rig.wait(3)
    assert rig.take().count(b"+X:") == 64


@given(
    st.lists(
        st.sampled_from(["+CSQ", "+CREG?", '+CGDCONT=1,"IP","x"', "+CGDCONT?", "I", "+XYZ", "&V"]),
        max_size=6,
    ),
    st.data(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_urc_at_any_time_changes_no_other_line(commands, data):
    lines = [f"AT{c}\r" for c in commands]
    times = data.draw(st.lists(st.floats(0, 0.5), max_size=8))

    async def session(urcs):
        async with Rig(scenario(modem={"latency": 1})) as rig:
            for when in urcs:
                rig.clock.call_later(when, rig.modem.urc, "+URC: 1")
            out = b""
            for line in lines:
                for n in range(len(line)):
                    out += await rig.say(line[n], 0.003)
                out += await rig.say("", 0.1)
            await rig.wait(3)
            return out + rig.take()

    disturbed = run(session, times)
    assert disturbed.count(b"\r\n+URC: 1\r\n") == len(times)
    assert disturbed.replace(b"\r\n+URC: 1\r\n", b"") == run(session, [])


# -- properties -------------------------------------------------------------------------------

SESSION = (
    b'AT\rATE1\rat+csq\r\nAT+CREG?;+CGREG?\rxxAT+CMEE=2\r\nA/AT+FOO\rAT+CGDCONT=1,"IP","a"\rATX\b'
    b"E0\rAT&V\rATS7=30S7?\rATV0\rAT+CPIN?\rATV1\rATQ1\rATI\rATQ0\r" + b"AT" + b"Q0" * 300 + b"\r"
)


@given(st.lists(st.integers(0, len(SESSION)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_split_of_the_input_gives_the_same_output(cuts):
    async def session(places):
        async with Rig() as rig:
            start = 0
            out = b""
            for place in [*sorted(places), len(SESSION)]:
                out += await rig.say(SESSION[start:place], 0.01)
                start = place
            return out

    assert run(session, cuts) == run(session, [])


TOKENS = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [b"AT", b"A/", b"\r", b"\n", b"+++", b"=?", b"?", b"=", b",", b'"', b";", b"\b"]
    ),
    st.sampled_from(
        [n.encode() for n in TABLE if n not in ("+CPOWD", "+CFUN", "+IPR", "D", "+CGDATA")]
    ),
    st.integers(0, 99999).map(lambda n: str(n).encode()),
)


@given(st.lists(TOKENS, max_size=60).map(b"".join))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_bytes_never_hang_it(data):
    faults = []

    async def body():
        from sim800_rig import asyncio

        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: faults.append(context)
        )
        async with Rig() as rig:
            await rig.say(data, 30)
            assert len(rig.modem.interpreter._waiting) <= 1024
            await rig.say(b"\x1b", 30)  # out of a message's text
            rig.modem.settings.update({"+CSCLK": 0})
            await rig.say("\r", 30)
            answer = await rig.say("ATQ0V1E0\r", 1)
            assert answer.endswith(b"\r\nOK\r\n"), answer
            assert await rig.say("AT\r", 1) == b"\r\nOK\r\n"
            assert len(rig.modem._timers) < 200

    run(body, limit=1000)
    assert not faults


@given(st.text(alphabet='AT+CSQDE=?;,"0129#*& \x08', max_size=600))
@settings(max_examples=300, deadline=None)
def test_the_parser_ends_and_keeps_all_it_understood(text):
    try:
        commands = at.split(text)
    except at.SyntaxFault as fault:
        commands = fault.args[0]
    for command in commands:
        assert command.name and command.op in ("", "?", "=?", "=")
        if command.op == "=":
            try:
                values = at.arguments(command.args)
            except at.SyntaxFault:
                continue
            assert len(values) <= command.args.count(",") + 1


def test_arguments():
    assert at.arguments('1,"IP","a,b",,x') == ["1", "IP", "a,b", None, "x"]
    assert isinstance(at.arguments('"1"')[0], at.Quoted)
    assert at.arguments("") == [None]
    for bad in ('"a', '"a"b', '"a" b,c'):
        with pytest.raises(at.SyntaxFault):
            at.arguments(bad)


def test_reader_is_bounded():
    reader = at.LineReader()
    for byte in b"AT" + b"x" * 100_000:
        assert reader.feed(byte) is None
    assert len(reader.feed(13)) == at.LINE_LIMIT + 1
