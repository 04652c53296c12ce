"""USSD: codes, menus, answers in either alphabet, and what the network says by itself."""

import pytest
from sim800.scenario import USSD
from sim800_rig import Rig, modem_test, run, scenario

MENU = USSD(
    "1 Balance\n2 Data",
    after=2.0,
    replies={"1": USSD("3.75 €"), "2": USSD("More?", replies={"1": USSD("No.")})},
)
PLAIN = scenario(
    modem={"echo": False, "ipr": 115200},
    ussd={
        "*100#": USSD("Votre crédit: 3.75 [EUR]"),
        "*101#": USSD("Баланс 5"),
        "*102#": MENU,
        "*103#": USSD("slow", after=20.0),
    },
)
OK = b"\r\nOK\r\n"


async def ussd(rig, command, wait=3.0):
    """AT+CUSD=..., its OK, and what comes later."""
    said = await rig.say(f"AT+CUSD={command}\r", 0.1)
    assert said == OK, said
    return (await rig.say("", wait)).decode("latin-1").strip("\r\n")


@modem_test(PLAIN)
async def test_a_code_is_answered_later(rig):
    assert await rig.say('AT+CUSD=1,"*100#",15\r', 1) == OK
    await rig.wait(1)
    answer = '\r\n+CUSD: 0, "Votre crédit: 3.75 [EUR]", 15\r\n'
    assert rig.take() == answer.encode("latin-1")
    assert await ussd(rig, '1,"*100#"') == answer.strip()
    assert [e.fields["text"] for e in rig.journal.seen("ussd", "request")] == ["*100#"] * 2


@modem_test(scenario(PLAIN, modem={"profile": "R13.08"}))
async def test_the_older_firmware_leaves_no_blanks(rig):
    assert await ussd(rig, '1,"*100#"') == '+CUSD: 0,"Votre crédit: 3.75 [EUR]",15'


@modem_test(PLAIN)
async def test_what_the_gsm_alphabet_lacks_comes_in_ucs2(rig):
    said = await ussd(rig, '1,"*101#"')
    assert said == f'+CUSD: 0, "{"Баланс 5".encode("utf-16-be").hex().upper()}", 72'


@pytest.mark.parametrize(
    ("charset", "code", "answer"),
    [
        ("GSM", "*100#", "Votre cr\x05dit: 3.75 \x1b<EUR\x1b>"),
        (
            "UCS2",
            "002A0031003000300023",
            "Votre crédit: 3.75 [EUR]".encode("utf-16-be").hex().upper(),
        ),
        ("HEX", "2A31303023", "566F747265206372056469743A20332E3735201B3C4555521B3E"),
    ],
)
def test_character_sets(charset, code, answer):
    async def body():
        async with Rig(PLAIN) as rig:
            await rig.say(f'AT+CSCS="{charset}"\r')
            assert await ussd(rig, f'1,"{code}",15') == f'+CUSD: 0, "{answer}", 15'
            if charset != "GSM":  # a code that is no hex there
                assert await ussd(rig, '1,"*100#",15') == "+CUSD: 2"

    run(body)


@modem_test(PLAIN)
async def test_a_code_in_ucs2(rig):
    said = await ussd(rig, '1,"002A0031003000300023",72')
    assert said == '+CUSD: 0, "Votre crédit: 3.75 [EUR]", 15'


@modem_test(PLAIN)
async def test_a_menu(rig):
    assert await ussd(rig, '1,"*102#"', 1.5) == ""
    assert await ussd(rig, "1", 1) == '+CUSD: 1, "1 Balance\n2 Data", 15'
    assert await ussd(rig, '1,"2"') == '+CUSD: 1, "More?", 15'
    assert await ussd(rig, '1,"1"') == '+CUSD: 0, "No.", 15'
    assert await ussd(rig, '1,"1"') == "+CUSD: 4"  # the menu is over
    await ussd(rig, '1,"*102#"')
    assert await ussd(rig, '1,"7"') == "+CUSD: 4"
    await ussd(rig, '1,"*102#"')
    assert (
        await ussd(rig, '1,"*100#"') == "+CUSD: 4"
    )  # in a menu it is a choice, and none of these


@modem_test(PLAIN, limit=200)
async def test_a_menu_does_not_stay_open(rig):
    await ussd(rig, '1,"*102#"')
    assert await rig.say("", 58) == b""
    await rig.wait(3)
    assert rig.take() == b"\r\n+CUSD: 2\r\n"
    assert await ussd(rig, '1,"1"') == "+CUSD: 4"


@modem_test(PLAIN)
async def test_cancelling(rig):
    await ussd(rig, '1,"*102#"')
    assert await ussd(rig, "2") == ""
    assert await ussd(rig, '1,"1"') == "+CUSD: 4"
    await rig.say('AT+CUSD=1,"*103#"\r')
    assert await rig.say("AT+CUSD=2\r") == OK
    assert await rig.say("", 30) == b""
    assert await ussd(rig, '1,"*100#"') != ""
    assert await rig.say("AT+CUSD?\r") == b"\r\n+CUSD: 1\r\n" + OK  # 2 is no setting


@modem_test(PLAIN)
async def test_presentation_off(rig):
    assert await ussd(rig, '0,"*100#"') == ""
    assert await rig.say("AT+CUSD?\r") == b"\r\n+CUSD: 0\r\n" + OK
    assert await rig.say("ATD*100#;\r", 3) == OK
    await rig.say("AT+CUSD=1\r")
    assert (await rig.say("ATD*100#;\r", 3)).startswith(OK + b"\r\n+CUSD: 0, ")


@modem_test(PLAIN)
async def test_one_at_a_time(rig):
    await rig.say('AT+CMEE=1;+CUSD=1,"*103#"\r')
    assert await rig.say('AT+CUSD=1,"*100#"\r') == b"\r\n+CME ERROR: 3\r\n"
    await rig.wait(21)
    assert rig.take() == b'\r\n+CUSD: 0, "slow", 15\r\n'


@modem_test(PLAIN)
async def test_unknown_codes(rig):
    assert await ussd(rig, '1,"*999#"') == "+CUSD: 4"


@modem_test(PLAIN)
async def test_without_a_network(rig):
    await rig.say("AT+CMEE=1\r")
    for bad in ("3", '1,"*100#",256', '1,"*100#",15,1', "1,*100#", '1,""', '1,"*100#'):
        assert await rig.say(f"AT+CUSD={bad}\r") == b"\r\n+CME ERROR: 765\r\n", bad
    await ussd(rig, '1,"*102#"')
    rig.modem.inject("registration_lost")
    assert rig.take() == b"\r\n+CUSD: 2\r\n"
    assert await rig.say('AT+CUSD=1,"*100#"\r') == b"\r\n+CME ERROR: 30\r\n"
    rig.modem.inject("sim_removed")
    rig.take()
    assert await rig.say('AT+CUSD=1,"*100#"\r') == b"\r\n+CME ERROR: 10\r\n"


@modem_test(PLAIN)
async def test_the_network_begins(rig):
    rig.modem.inject("ussd_received", text="Welcome")
    assert rig.take() == b""  # not asked for
    await rig.say("AT+CUSD=1\r")
    rig.modem.inject("ussd_received", text="Welcome")
    assert rig.take() == b'\r\n+CUSD: 0, "Welcome", 15\r\n'
    rig.modem.inject("ussd_received", text="Agree?", menu=True)
    assert rig.take() == b'\r\n+CUSD: 1, "Agree?", 15\r\n'
    assert await ussd(rig, '1,"1"') == "+CUSD: 4"
    rig.modem.inject("registration_lost")
    rig.modem.inject("ussd_received")
    assert rig.take() == b""


@modem_test(PLAIN)
async def test_answers_wait_for_command_mode_and_die_with_the_modem(rig):
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    await rig.say('AT+CUSD=1,"*103#"\r')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"~hello~")
    assert await rig.say("", 25) == b""
    assert await rig.say("+++", 1.2) == OK + b'\r\n+CUSD: 0, "slow", 15\r\n'
    await rig.say("ATH\r")
    await rig.say('AT+CUSD=1,"*103#"\r')
    rig.modem.inject("modem_reset")
    await rig.wait(30)
    assert b"CUSD" not in rig.take()
    assert await rig.say("AT+CUSD?\r") == b"\r\n+CUSD: 0\r\n" + OK
    assert await rig.say("AT+CUSD=?\r") == b"\r\n+CUSD: (0-2)\r\n" + OK
