"""Phonebooks, and what else a telephone has beside its radio."""

import pytest
from sim800.scenario import Phone
from sim800_rig import modem_test, scenario
from sms_rig import ask

PLAIN = scenario(
    modem={"echo": False, "ipr": 115200},
    sim={"contacts": (("+4915112345", "Anna"), ("030123", "Bäcker"))},
)
BAD = "+CME ERROR: {}"


async def prepared(rig):
    await ask(rig, '+CMEE=1;+CSCS="8859-1"')


@modem_test(PLAIN)
async def test_read(rig):
    await prepared(rig)
    assert await ask(rig, "+CPBS?") == '+CPBS: "SM",2,250'
    assert await ask(rig, "+CPBS=?") == '+CPBS: ("SM","ME","ON","DC","LD","MC","RC")'
    assert await ask(rig, "+CPBR=?") == "+CPBR: (1-250),40,14"
    assert await ask(rig, "+CPBR=1") == '+CPBR: 1,"+4915112345",145,"Anna"'
    assert await ask(rig, "+CPBR=1,250") == (
        '+CPBR: 1,"+4915112345",145,"Anna"\r\n+CPBR: 2,"030123",129,"B\xe4cker"'
    )
    assert await ask(rig, "+CPBR=3") == "OK"
    assert await ask(rig, '+CSCS="UCS2";+CPBR=2') == (
        '+CPBR: 2,"030123",129,"004200E40063006B00650072"'
    )
    for wrong, code in (
        ("0", 21),
        ("251", 21),
        ("2,1", 21),
        ("1,251", 21),
        ("", 765),
        ('"1"', 765),
    ):
        assert await ask(rig, f"+CPBR={wrong}") == BAD.format(code), wrong


@modem_test(PLAIN)
async def test_write_find_and_delete(rig):
    await prepared(rig)
    assert await ask(rig, "+CPBW=?") == "+CPBW: (1-250),40,(129,145),14"
    assert await ask(rig, '+CPBW=,"0401",129,"Anton"') == "OK"
    assert await ask(rig, '+CPBW=9,"49301",145,"say \\22hi\\22"') == "OK"
    assert await ask(rig, "+CPBR=3,250") == (
        '+CPBR: 3,"0401",129,"Anton"\r\n+CPBR: 9,"+49301",145,"say \\22hi\\22"'
    )
    assert await ask(rig, '+CPBF="an"') == (
        '+CPBF: 1,"+4915112345",145,"Anna"\r\n+CPBF: 3,"0401",129,"Anton"'
    )
    assert await ask(rig, '+CPBF="x"') == BAD.format(22)
    assert await ask(rig, "+CPBW=3") == "OK"
    assert await ask(rig, "+CPBW=3") == "OK"
    assert await ask(rig, '+CPBF="ant"') == BAD.format(22)
    assert await ask(rig, '+CSCS="UCS2";+CPBW=4,"1",129,"04160438"') == "OK"
    assert await ask(rig, "+CPBR=4") == '+CPBR: 4,"1",129,"04160438"'
    for wrong, code in (
        ('251,"1"', 21),
        ('5,"1x"', 27),
        (f'5,"{"1" * 41}"', 26),
        ('5,"1",129,"' + "0041" * 15 + '"', 24),
        ('5,"1",128', 765),
        ('5,"1",129,"xyz"', 765),
        ("", 765),
    ):
        assert await ask(rig, f"+CPBW={wrong}") == BAD.format(code), wrong
    assert await ask(rig, '+CPBS="ON";+CPBW=1,"+49170",145,"0041";+CNUM') == (
        '+CNUM: "0041","+49170",145,7,4'
    )
    assert await ask(rig, '+CPBS="XX"') == BAD.format(765)


@modem_test(scenario(PLAIN, sim={"contacts": tuple((str(n), "x") for n in range(250))}))
async def test_full(rig):
    await prepared(rig)
    assert await ask(rig, '+CPBW=,"1"') == BAD.format(20)
    assert await ask(rig, '+CPBS="ME";+CPBW=,"1"') == "OK"
    assert await ask(rig, "+CPBR=1,100") == '+CPBR: 1,"1",129,""'


@modem_test(scenario(PLAIN, phones={"0301": Phone(busy=True)}))
async def test_calls_are_remembered(rig):
    await prepared(rig)
    await rig.say("ATD0301;\r", 5)
    rig.modem.inject("ring", number="+49170", count=2)
    await rig.wait(15)
    rig.modem.inject("ring", number="+49171", count=2)
    await rig.wait(1)
    await rig.say("ATA\r", 1)
    await rig.say("ATH\r", 1)
    for book, entry in (("DC", "0301"), ("LD", "0301"), ("MC", "+49170"), ("RC", "+49171")):
        assert await ask(rig, f'+CPBS="{book}"') == "OK"
        kind = 145 if entry[0] == "+" else 129
        assert await ask(rig, "+CPBR=1,10") == f'+CPBR: 1,"{entry}",{kind},""'
        assert await ask(rig, '+CPBW=2,"1"') == BAD.format(3)
    assert await ask(rig, "+CPBW=1;+CPBR=1") == "OK"


@modem_test(scenario(modem={"start": "off", "echo": False, "ipr": 115200, "latency": 0.0}))
async def test_not_before_call_ready(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 2.7)
    await rig.wait(1)
    await ask(rig, "+CMEE=1;E0")
    assert await ask(rig, "+CPBS?") == BAD.format(14)
    assert await ask(rig, "+CPBR=?") == BAD.format(14)
    await rig.wait(2)
    rig.take()
    assert await ask(rig, "+CPBS?") == '+CPBS: "SM",0,250'


@modem_test(scenario(PLAIN, sim={"inserted": False}))
async def test_without_a_card(rig):
    await prepared(rig)
    for command in ("+CPBS?", "+CPBR=1", '+CPBF="a"', "+CPBW=1", "+CNUM", "+CSPN?"):
        assert await ask(rig, command) == BAD.format(10), command
    assert await ask(rig, "+CSMINS?") == "+CSMINS: 0,0"


@modem_test(PLAIN)
async def test_a_card_that_comes_and_goes(rig):
    assert await ask(rig, "+CSMINS=1;+CSMINS?") == "+CSMINS: 1,1"
    rig.modem.inject("sim_removed")
    await rig.wait(0.1)
    assert b"\r\n+CSMINS: 1,0\r\n" in rig.take()
    rig.modem.inject("sim_inserted")
    await rig.wait(0.1)
    assert b"\r\n+CSMINS: 1,1\r\n" in rig.take()


@pytest.mark.parametrize(
    ("name", "shown", "good", "bad"),
    [
        ("+CLVL", "60", "100", "101"),
        ("+CRSL", "100", "0", "-1"),
        ("+CALM", "0", "1", "2"),
        ("+CHFA", "0", "4", "5"),
        ("+CNETLIGHT", "1", "0", "2"),
        ("+GSMBUSY", "0", "2", "3"),
        ("+CMIC", "(0,10),(1,8),(2,3),(3,6)", "1,15", "4,1"),
    ],
)
def test_settings(name, shown, good, bad):
    @modem_test(PLAIN)
    async def body(rig):
        await prepared(rig)
        assert await ask(rig, f"{name}?") == f"{name}: {shown}"
        assert await ask(rig, f"{name}={bad}") == BAD.format(765)
        assert await ask(rig, f"{name}={good}") == "OK"
        expected = good if name != "+CMIC" else "(0,10),(1,15),(2,3),(3,6)"
        assert await ask(rig, f"{name}?") == f"{name}: {expected}"

    body()


@modem_test(PLAIN)
async def test_provider(rig):
    assert await ask(rig, "+CSPN?") == '+CSPN: "Telekom.de",1'


@modem_test(PLAIN)
async def test_mute_only_during_a_call(rig):
    await prepared(rig)
    assert await ask(rig, "+CMUT=1") == BAD.format(3)
    await rig.say("ATD0301;\r", 10)
    assert await ask(rig, "+CMUT=1;+CMUT?") == "+CMUT: 1"


@modem_test(PLAIN)
async def test_calls_turned_away(rig):
    assert await ask(rig, "+GSMBUSY=1") == "OK"
    rig.modem.inject("ring", number="+49170", count=2)
    assert await rig.say("", 5) == b""
    assert await ask(rig, "+GSMBUSY=0") == "OK"
    rig.modem.inject("ring", number="+49170", count=1)
    assert b"RING" in await rig.say("", 1)
