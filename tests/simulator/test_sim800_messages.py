"""Short messages: sending, storing, reading, deleting, and how new ones are told of."""

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim800 import pdu
from sim800.scenario import Phone
from sim800_rig import Rig, modem_test, run, scenario

PLAIN = scenario(modem={"echo": False, "ipr": 115200}, clock="2026-06-15T10:00:00")
CENTER = "0791947101670000"  # +491710760000
OK = b"\r\nOK\r\n"
Z, ESC = "\x1a", "\x1b"
OTHER = "+4915112345"


async def ask(rig, command, wait=0.05):
    """What a command answers, without the blank lines around and a last OK."""
    text = (await rig.say(f"AT{command}\r", wait)).decode("latin-1")
    assert text.startswith("\r\n") and text.endswith("\r\n"), text
    return text.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


async def enter(rig, command, text, wait=0.05):
    """A command with a prompt, and what is entered there."""
    assert await rig.say(f"AT{command}\r") == b"\r\n> "
    answer = (await rig.say(text, wait)).decode("latin-1")
    return answer.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


async def arrive(rig, text="Hello", number=OTHER, **more):
    """A message comes in, all of its parts; returns what the modem said."""
    rig.modem.inject("sms_received", number=number, text=text, **more)
    await rig.wait(5)
    return rig.take().decode("latin-1")


async def online(rig):
    await ask(rig, '+CGDCONT=1,"IP","internet"')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"~hello~")
    return rig.ppps[-1]


def sent(rig):
    return [(s.number, s.text, s.parts) for s in rig.modem.messages.sent]


# -- sending in text mode ---------------------------------------------------------------------


@modem_test(PLAIN)
async def test_a_text_is_sent(rig):
    await ask(rig, "+CMGF=1")
    assert await enter(rig, f'+CMGS="{OTHER}"', "Hello [you]" + Z) == "+CMGS: 1"
    assert await enter(rig, '+CMGS="0170123",129', "again" + Z) == "+CMGS: 2"
    assert sent(rig) == [(OTHER, "Hello [you]", 1), ("0170123", "again", 1)]
    seen = rig.journal.seen("sms", "sent")
    assert seen[0].fields == {"number": OTHER, "text": "Hello [you]", "parts": 1}
    first, second = rig.modem.messages.center.submitted
    assert (first.first, first.validity, first.kind) == (17, b"\xa7", 145)
    assert (second.kind, second.reference) == (129, 2)


@modem_test(scenario(PLAIN, modem={"latency": 1}))
async def test_sending_takes_its_time(rig):
    await ask(rig, "+CMGF=1", 1)
    await rig.say('AT+CMGS="123"\r', 1)
    assert await rig.say("x" + Z, 2) == b"" and not sent(rig)
    await rig.wait(1)
    assert rig.take() == b"\r\n+CMGS: 1\r\n" + OK and sent(rig)


@modem_test(PLAIN)
async def test_escape_gives_up(rig):
    await ask(rig, "+CMGF=1")
    assert await rig.say('AT+CMGS="123"\r') == b"\r\n> "
    assert await rig.say("never mind" + ESC) == OK
    assert not sent(rig) and await rig.say("AT\r") == OK


@modem_test(scenario(PLAIN, modem={"echo": True}))
async def test_what_is_entered_is_echoed(rig):
    await rig.say("AT+CMGF=1\r")
    assert await rig.say('AT+CMGS="123"\r') == b'AT+CMGS="123"\r\r\n> '
    assert await rig.say("ab\rcx\b") == b"ab\r\r\n> cx\b"
    assert await rig.say(Z) == b"\x1a\r\n+CMGS: 1\r\n" + OK
    assert sent(rig)[0][1] == "ab\rc"


@modem_test(PLAIN)
async def test_commands_at_the_prompt_are_text(rig):
    await ask(rig, "+CMGF=1")
    await rig.say('AT+CMGS="123"\r')
    assert await rig.say("AT+CSQ\r") == b"\r\n> "
    assert await rig.say("ATH\r\n" + Z) == b"\r\n> \r\n+CMGS: 1\r\n" + OK
    assert sent(rig)[0][1] == "AT+CSQ\rATH\r\n"


@modem_test(PLAIN)
async def test_what_comes_before_the_prompt_is_lost(rig):
    await ask(rig, "+CMGF=1")
    await rig.say('AT+CMGS="123"\rlost')
    assert await rig.say("kept" + Z + "AT\r") == b"\r\n+CMGS: 1\r\n" + OK + OK
    assert sent(rig)[0][1] == "kept"


@modem_test(PLAIN, limit=1000)
async def test_the_prompt_waits_and_holds_urcs_back(rig):
    await ask(rig, "+CMGF=1;+CREG=1")
    await rig.say('AT+CMGS="123"\r')
    rig.modem.inject("cell_change")
    rig.modem.inject("sms_received")
    await rig.wait(300)
    assert rig.take() == b""
    said = await rig.say("x" + Z)
    assert said == b'\r\n+CMGS: 1\r\n\r\n+CREG: 1\r\n\r\n+CMTI: "SM",1\r\n' + OK


@modem_test(PLAIN)
async def test_a_reset_at_the_prompt(rig):
    await ask(rig, "+CMGF=1")
    await rig.say('AT+CMGS="123"\r')
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    assert b"SMS Ready" in rig.take()
    assert await rig.say("x" + Z + "AT\r") == OK and not sent(rig)


@pytest.mark.parametrize(
    ("size", "answer"), [(0, "+CMGS: 1"), (160, "+CMGS: 1"), (161, "+CMS ERROR: 305")]
)
def test_length_of_a_text(size, answer):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, "+CMGF=1")
            assert await enter(rig, '+CMGS="123"', "x" * size + Z) == answer
            assert len(sent(rig)) == (size <= 160)
            # brackets take two septets
            assert await enter(rig, '+CMGS="123"', "[" * 81 + Z) == "+CMS ERROR: 305"

    run(body)


@pytest.mark.parametrize(
    "parameter",
    ['""', '"12 3"', '"abx"', '"1+2"', "123", '"123",7', '"123",145,1', '"' + "1" * 21 + '"', '"'],
)
def test_impossible_numbers(parameter):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, "+CMGF=1")
            assert await ask(rig, f"+CMGS={parameter}") == "+CMS ERROR: 305"
            assert await rig.say("AT\r") == OK

    run(body)


@modem_test(PLAIN)
async def test_parameters_of_text_mode(rig):
    await ask(rig, "+CMGF=1")
    assert await ask(rig, "+CSMP?") == "+CSMP: 17,167,0,0"
    assert await ask(rig, "+CSMP=49,255,64,8") == "OK"
    assert await ask(rig, "+CSMP?") == "+CSMP: 49,255,64,8"
    assert await enter(rig, '+CMGS="123"', "04160020" + Z) == "+CMGS: 1"
    submit = rig.modem.messages.center.submitted[0]
    assert (submit.first, submit.validity, submit.pid) == (49, b"\xff", 64)
    assert sent(rig) == [("123", "Ж ", 1)]
    assert await enter(rig, '+CMGS="123"', "no hex" + Z) == "+CMS ERROR: 305"
    assert await ask(rig, '+CSMP=25,"26/12/31,23:59:58-22"') == "OK"
    assert await ask(rig, "+CSMP?") == '+CSMP: 25,"26/12/31,23:59:58-22",64,8'
    assert await enter(rig, '+CMGS="123"', "0041" + Z) == "+CMGS: 2"
    validity = rig.modem.messages.center.submitted[1].validity
    assert pdu.decode_time(validity) == "26/12/31,23:59:58-22"
    for bad in ("16", "17,256", '17,"26/12/31,23:59:58-22"', "25,1", '25,"x"', "17,1,2,3,4"):
        assert await ask(rig, f"+CSMP={bad}") == "+CMS ERROR: 305", bad


@modem_test(PLAIN)
async def test_a_header_in_text_mode_is_hex(rig):
    await ask(rig, "+CMGF=1;+CSMP=81,167,0,8")
    for n, text in ((2, "0044"), (1, "0043")):
        assert (await enter(rig, '+CMGS="123"', f"0500037F020{n}{text}" + Z)).startswith("+CMGS")
    assert sent(rig) == [("123", "CD", 2)]


# -- sending in PDU mode ----------------------------------------------------------------------


def submits(text, number=OTHER, reference=9):
    return [pdu.Submit(number, part).encode() for part in pdu.split(text, reference)]


@modem_test(PLAIN)
async def test_a_published_pdu_is_sent(rig):
    tpdu = "11000B916407281553F80000AA0AE8329BFD4697D9EC37"
    assert await enter(rig, "+CMGS=23", "00" + tpdu + Z) == "+CMGS: 1"
    assert sent(rig) == [("+46708251358", "hellohello", 1)]


@given(
    st.one_of(st.text(alphabet="ab€[\n", max_size=400), st.text(alphabet="ж😀a", max_size=200)),
    st.randoms(),
)
@settings(max_examples=30, deadline=None)
def test_long_texts_arrive_whole_whatever_the_order(text, random):
    async def body():
        async with Rig(PLAIN) as rig:
            tpdus = submits(text)
            random.shuffle(tpdus)
            for n, tpdu in enumerate(tpdus, 1):
                entered = CENTER + tpdu.hex().upper() + Z
                assert await enter(rig, f"+CMGS={len(tpdu)}", entered) == f"+CMGS: {n}"
                assert len(sent(rig)) == (n == len(tpdus))
            assert sent(rig) == [(OTHER, text, len(tpdus))]

    run(body)


@modem_test(PLAIN)
async def test_parts_of_two_messages_do_not_mix(rig):
    first, second = submits("a" * 200, reference=1), submits("b" * 200, reference=2)
    for tpdu in (first[0], second[0], first[0], second[1], first[1]):
        await enter(rig, f"+CMGS={len(tpdu)}", "00" + tpdu.hex() + Z)
    assert sent(rig) == [(OTHER, "b" * 200, 2), (OTHER, "a" * 200, 2)]


@pytest.mark.parametrize(
    ("length", "entered"),
    [
        (24, "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"),  # one octet less than told
        (22, "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"),
        (23, "0011000B916407281553F80000AA0AE8329BFD4697D9EC3"),  # half an octet
        (23, "0011000B916407281553F80000AA0AE8329BFD4697D9ECXX"),
        (23, "0010000B916407281553F80000AA0AE8329BFD4697D9EC37"),  # a DELIVER
        (23, "0011000B916407281553F80000AA0BE8329BFD4697D9EC37FF"),
        (1, ""),
        (1, "0001"),
        (23, "0911"),
    ],
)
def test_malformed_pdus(length, entered):
    async def body():
        async with Rig(PLAIN) as rig:
            assert await enter(rig, f"+CMGS={length}", entered + Z) == "+CMS ERROR: 304"
            assert rig.journal.seen("sms", "PDU refused")[0].fields["why"]
            assert not sent(rig)

    run(body)


@modem_test(PLAIN)
async def test_impossible_lengths(rig):
    for bad in ("0", "165", '"123"', "", "20,1", "x"):
        assert await ask(rig, f"+CMGS={bad}") == "+CMS ERROR: 304", bad


# -- what can be wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "error"),
    [
        ({"sim": {"inserted": False}}, 310),
        ({"sim": {"pin": "1234"}}, 311),
        ({"sim": {"locked": "PUK"}}, 316),
    ],
)
def test_without_a_usable_card(parts, error):
    async def body():
        base = scenario(PLAIN, modem={"start": "off"})
        async with Rig(scenario(base, **parts)) as rig:
            await rig.power_up()
            await rig.wait(5)
            rig.take()
            for command in (
                "+CMGS=20",
                "+CMGR=1",
                "+CMGL",
                "+CMGD=1",
                "+CPMS?",
                "+CSCA?",
                "+CSMP?",
            ):
                assert await ask(rig, command) == f"+CMS ERROR: {error}"

    run(body)


@modem_test(scenario(PLAIN, modem={"start": "off"}))
async def test_before_sms_ready(rig):
    await rig.power_up()
    await rig.wait(1)
    rig.take()
    assert await ask(rig, "+CMGR=1") == "+CMS ERROR: 314"
    await rig.wait(5)
    assert b"SMS Ready" in rig.take()
    assert await ask(rig, "+CMGL=4") == "OK"


@modem_test(PLAIN, limit=1000)
async def test_network_says_no(rig):
    await ask(rig, "+CMGF=1;+CMEE=2")
    rig.modem.inject("registration_lost")
    no_network = "+CMS ERROR: no network service"
    assert await enter(rig, '+CMGS="123"', "x" + Z) == no_network
    rig.modem.inject("registration_back")
    await ask(rig, "+CFUN=4")
    assert await enter(rig, '+CMGS="123"', "x" + Z) == no_network
    await ask(rig, "+CFUN=1", 5)
    rig.take()
    rig.modem.inject("sms_refused_once", code=21)
    refused = "+CMS ERROR: short message transfer rejected"
    assert await enter(rig, '+CMGS="123"', "x" + Z) == refused
    rig.modem.inject("sms_refused_once", code=332, seconds=60)
    await rig.say('AT+CMGS="123"\r')
    assert await rig.say("x" + Z, 59.9) == b""
    await rig.wait(0.2)
    assert rig.take() == b"\r\n+CMS ERROR: network timeout\r\n"
    assert not sent(rig)
    assert await enter(rig, '+CMGS="123"', "x" + Z) == "+CMGS: 1"
    with pytest.raises(ValueError, match="code is 7; use one of"):
        rig.modem.inject("sms_refused_once", code=7)


@modem_test(PLAIN)
async def test_service_center(rig):
    await ask(rig, "+CMGF=1")
    assert await ask(rig, "+CSCA?") == '+CSCA: "+491710760000",145'
    assert await ask(rig, '+CSCA="49171",145') == "OK"
    assert await ask(rig, "+CSCA?") == '+CSCA: "+49171",145'
    assert await ask(rig, '+CSCA=""') == "OK"
    assert await enter(rig, '+CMGS="123"', "x" + Z) == "+CMS ERROR: 330"
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    rig.take()
    assert await ask(rig, "+CSCA?") == '+CSCA: "",129'  # it is on the card
    await ask(rig, "+CMGF=0")
    tpdu = submits("x")[0]
    assert await enter(rig, f"+CMGS={len(tpdu)}", "00" + tpdu.hex() + Z) == "+CMS ERROR: 330"
    assert await enter(rig, f"+CMGS={len(tpdu)}", CENTER + tpdu.hex() + Z) == "+CMGS: 1"


@modem_test(PLAIN)
async def test_to_oneself(rig):
    await ask(rig, "+CMGF=1")
    await enter(rig, '+CMGS="+491701234567"', "me" + Z)
    await rig.wait(1)
    head, text = (await ask(rig, "+CMGR=1")).split("\r\n")
    assert head == '+CMGR: "REC UNREAD","+491701234567","","26/06/15,12:00:00+08"' and text == "me"


# -- character sets ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "number", "entered", "arrives"),
    [
        ("IRA", "123", "a@[x]~$_", "a@[x]~$_"),
        ("IRA", "123", "\xe4", "?"),
        ("GSM", "123", "a\x00\x02\x11{", "a@$_ä"),  # codes of the alphabet: 7B is an ä
        ("HEX", "313233", "61001102", "a@_$"),
        ("UCS2", "003100320033", "006100E420AC0416", "aä€?"),
        ("8859-1", "123", "\xe4\xf6@\xa3", "äö@£"),
        ("PCCP", "123", "\x84", "ä"),
        ("PCDN", "123", "\x9b", "ø"),
    ],
)
def test_character_sets_of_texts(charset, number, entered, arrives):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, f'+CMGF=1;+CSCS="{charset}"')
            assert (await enter(rig, f'+CMGS="{number}"', entered + Z)).startswith("+CMGS")
            assert sent(rig) == [("123", arrives, 1)]
            if "?" not in arrives:  # and back the same way
                await arrive(rig, arrives, "123")
                head, shown = (await ask(rig, "+CMGR=1")).split("\r\n")
                assert f'"{number}"' in head and shown.upper() == entered.upper()

    run(body)


@modem_test(PLAIN)
async def test_hex_that_is_none(rig):
    await ask(rig, '+CMGF=1;+CSCS="UCS2"')
    assert await ask(rig, '+CMGS="123"') == "+CMS ERROR: 305"
    assert await enter(rig, '+CMGS="0031"', "hi" + Z) == "+CMS ERROR: 305"
    await ask(rig, '+CSCS="HEX"')
    assert await enter(rig, '+CMGS="31"', "E4" + Z) == "+CMS ERROR: 305"


# -- receiving --------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_a_message_is_told_of_stored_and_read(rig):
    assert await arrive(rig, "Hello\nyou") == '\r\n+CMTI: "SM",1\r\n'
    await ask(rig, "+CMGF=1")
    head = '"+4915112345","","26/06/15,12:00:00+08"'
    assert await ask(rig, "+CMGR=1,1") == f'+CMGR: "REC UNREAD",{head}\r\nHello\nyou'
    assert await ask(rig, "+CMGR=1") == f'+CMGR: "REC UNREAD",{head}\r\nHello\nyou'
    assert await ask(rig, "+CMGR=1") == f'+CMGR: "REC READ",{head}\r\nHello\nyou'
    await ask(rig, "+CSDH=1")
    more = ',145,4,0,0,"+491710760000",145,9'
    assert await ask(rig, "+CMGR=1") == f'+CMGR: "REC READ",{head}{more}\r\nHello\nyou'
    assert await ask(rig, '+CMGL="ALL"') == f'+CMGL: 1,"REC READ",{head},145,9\r\nHello\nyou'
    await ask(rig, "+CMGF=0")
    # 04 DELIVER, 10 digits +4915112345, PID 0, DCS 0, 2026-06-15 12:00:00+2h, 9 septets
    tpdu = "040A9194511132540000" + "62605121000080" + "09C8329BFD56E4DF75"
    assert await ask(rig, "+CMGR=1") == f'+CMGR: 1,"",{len(tpdu) // 2}\r\n{CENTER}{tpdu}'
    assert await ask(rig, "+CMGL=4") == f'+CMGL: 1,1,"",{len(tpdu) // 2}\r\n{CENTER}{tpdu}'


@modem_test(PLAIN)
async def test_places(rig):
    assert await ask(rig, "+CMGR=1") == "OK"  # an empty place
    for bad in ("0", "21"):
        assert await ask(rig, f"+CMGR={bad}") == "+CMS ERROR: 321"
        assert await ask(rig, f"+CMGD={bad}") == "+CMS ERROR: 321"
        assert await ask(rig, f"+CMSS={bad}") == "+CMS ERROR: 321"
    for bad in ("", "x", "1,2", '"1"'):
        assert await ask(rig, f"+CMGR={bad}") == "+CMS ERROR: 304"
    assert await ask(rig, "+CMGD=20") == "OK"


@modem_test(PLAIN)
async def test_free_places_are_used_again(rig):
    for _ in range(3):
        await arrive(rig)
    await ask(rig, "+CMGD=2")
    assert await arrive(rig, "new") == '\r\n+CMTI: "SM",2\r\n'
    assert await arrive(rig, "new") == '\r\n+CMTI: "SM",4\r\n'


@pytest.mark.parametrize(
    ("text", "dcs"), [("x" * 161, 0), ("€" * 100, 0), ("ж" * 71, 8), ("a😀" * 40, 8)]
)
def test_long_texts_come_in_parts(text, dcs):
    async def body():
        async with Rig(PLAIN) as rig:
            said = await arrive(rig, text)
            assert said == '\r\n+CMTI: "SM",1\r\n\r\n+CMTI: "SM",2\r\n'
            parts = []
            for index in (1, 2):
                line = (await ask(rig, f"+CMGR={index}")).split("\r\n")[1]
                reader = pdu.Reader(bytes.fromhex(line))
                assert pdu.decode_center(reader)[0] == "+491710760000"
                found = pdu.Deliver.decode(reader.rest())
                assert found.data.dcs == dcs and found.first & pdu.UDHI
                assert found.data.concatenation == (1, 2, index)
                parts.append(found.data.text)
            assert "".join(parts) == text
            # in text mode parts are shown as octets, header and all (manual page 118)
            await ask(rig, "+CMGF=1")
            assert (await ask(rig, "+CMGR=1")).split("\r\n")[1].startswith("050003010201")

    run(body)


@modem_test(PLAIN)
async def test_unicode_and_names_in_text_mode(rig):
    await ask(rig, "+CMGF=1")
    await arrive(rig, "Ж€", "Bank")
    head, text = (await ask(rig, "+CMGR=1")).split("\r\n")
    assert head.startswith('+CMGR: "REC UNREAD","Bank","",') and text == "041620AC"


@modem_test(PLAIN)
async def test_lists(rig):
    await ask(rig, "+CMGF=1")
    assert await ask(rig, '+CMGL="ALL"') == "OK"
    for text in "abc":
        await arrive(rig, text)
    await ask(rig, "+CMGR=2")
    assert await enter(rig, '+CMGW="123"', "d" + Z) == "+CMGW: 4"
    assert await enter(rig, '+CMGW="123",129,"STO SENT"', "e" + Z) == "+CMGW: 5"
    stamp = {n: f'"+4915112345","","26/06/15,12:00:{n}+08"' for n in ("00", "05", "10")}
    unread = [
        f'+CMGL: 1,"REC UNREAD",{stamp["00"]}',
        "a",
        f'+CMGL: 3,"REC UNREAD",{stamp["10"]}',
        "c",
    ]
    for command in ('="REC UNREAD",1', ""):
        assert (await ask(rig, "+CMGL" + command)).split("\r\n") == unread
    assert await ask(rig, "+CMGL") == "OK"  # they are read now
    read = await ask(rig, '+CMGL="REC READ"')
    assert [x[7] for x in read.split("\r\n")[::2]] == ["1", "2", "3"]
    assert await ask(rig, '+CMGL="STO UNSENT"') == '+CMGL: 4,"STO UNSENT","123","",\r\nd'
    assert await ask(rig, '+CMGL="STO SENT"') == '+CMGL: 5,"STO SENT","123","",\r\ne'
    assert len((await ask(rig, '+CMGL="ALL"')).split("\r\n")) == 10
    for bad in ("4", '"NONE"', '"ALL",2'):
        assert await ask(rig, f"+CMGL={bad}") == "+CMS ERROR: 305"
    await ask(rig, "+CMGF=0")
    for status, indices in (("0", ""), ("1", "123"), ("2", "4"), ("3", "5"), ("4", "12345")):
        lines = (await ask(rig, f"+CMGL={status}")).split("\r\n")[::2]
        assert [x[7] for x in lines if x != "OK"] == list(indices)
    for bad in ("5", '"ALL"'):
        assert await ask(rig, f"+CMGL={bad}") == "+CMS ERROR: 304"


KINDS = {1: "REC READ", 2: "REC UNREAD", 3: "STO UNSENT", 4: "STO SENT"}


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("+CMGD=2", "134"),
        ("+CMGD=2,0", "134"),
        ("+CMGD=2,1", "234"),
        ("+CMGD=2,2", "23"),
        ("+CMGD=2,3", "2"),
        ("+CMGD=99,4", ""),
        ('+CMGDA="DEL READ"', "234"),
        ('+CMGDA="DEL UNREAD"', "134"),
        ('+CMGDA="DEL SENT"', "123"),
        ('+CMGDA="DEL UNSENT"', "124"),
        ('+CMGDA="DEL INBOX"', "34"),
        ('+CMGDA="DEL ALL"', ""),
        ("+CMGF=0;+CMGDA=1", "234"),
        ("+CMGF=0;+CMGDA=4", "124"),
        ("+CMGF=0;+CMGDA=5", "34"),
        ("+CMGF=0;+CMGDA=6", ""),
    ],
)
def test_deleting(command, left):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, "+CMGF=1")
            await arrive(rig)
            await ask(rig, "+CMGR=1")
            await arrive(rig)
            await enter(rig, '+CMGW="1"', "x" + Z)
            await enter(rig, '+CMGW="1",129,"STO SENT"', "x" + Z)
            assert await ask(rig, command) == "OK"
            lines = (await ask(rig, '+CMGF=1;+CMGL="ALL"')).split("\r\n")[::2]
            found = {int(x[7]): x.split('"')[1] for x in lines if x != "OK"}
            assert found == {int(n): KINDS[int(n)] for n in left}

    run(body)


@modem_test(PLAIN)
async def test_deleting_needs_the_right_words(rig):
    for bad in ("+CMGD=1,5", "+CMGD=", "+CMGDA=0", "+CMGDA=7", '+CMGDA="DEL ALL"'):
        assert await ask(rig, bad) == "+CMS ERROR: 304", bad
    await ask(rig, "+CMGF=1")
    for bad in ("+CMGDA=6", '+CMGDA="ALL"', "+CMGDA=DEL ALL"):
        assert await ask(rig, bad) == "+CMS ERROR: 305", bad


@modem_test(PLAIN)
async def test_what_the_forms_are(rig):
    assert await ask(rig, "+CMGF=?") == "+CMGF: (0-1)"
    assert await ask(rig, "+CMGD=?") == "+CMGD: (1-20),(0-4)"
    assert await ask(rig, "+CMGL=?") == "+CMGL: (0-4)"
    assert await ask(rig, "+CMGDA=?") == "+CMGDA: (1-6)"
    assert await ask(rig, "+CPMS=?") == '+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")'
    assert await ask(rig, "+CNMI=?") == "+CNMI: (0-3),(0-3),(0,2),(0,1),(0,1)"
    assert await ask(rig, "+CSMS?") == "+CSMS: 0,1,1,1"
    assert await ask(rig, "+CSMS=0") == "+CSMS: 1,1,1"
    assert await ask(rig, "+CSMS=1") == "+CMS ERROR: 303"
    for command in ("+CMGS", "+CMGR", "+CMGW", "+CMSS", "+CSCA"):
        assert await ask(rig, f"{command}=?") == "OK"


# -- writing and sending what is written ------------------------------------------------------


@modem_test(PLAIN)
async def test_stored_messages_are_sent(rig):
    await ask(rig, "+CMGF=1")
    await enter(rig, f'+CMGW="{OTHER}"', "later" + Z)
    assert await ask(rig, "+CMSS=1") == "+CMSS: 1"
    assert await ask(rig, '+CMSS=1,"123"') == "+CMSS: 2"
    assert sent(rig) == [(OTHER, "later", 1), ("123", "later", 1)]
    await ask(rig, "+CSDH=1")
    told = '145,17,0,0,167,"+491710760000",145,5'
    assert await ask(rig, "+CMGR=1") == f'+CMGR: "STO SENT","{OTHER}","",{told}\r\nlater'
    assert await ask(rig, '+CMGW="1",129,"REC READ"') == "+CMS ERROR: 305"
    await ask(rig, "+CMGF=0")
    deliver = "040A9194511132540000" + "62605121000080" + "0131"
    length = len(deliver) // 2
    assert await enter(rig, f"+CMGW={length},1", "00" + deliver + Z) == "+CMGW: 2"
    assert await enter(rig, f"+CMGW={length}", "00" + deliver + Z) == "+CMS ERROR: 304"
    assert await ask(rig, "+CMSS=2") == "+CMS ERROR: 302"
    assert await ask(rig, "+CMSS=3") == "+CMS ERROR: 321"


# -- storages ---------------------------------------------------------------------------------

SMALL = scenario(PLAIN, sim={"message_places": 2}, modem={"message_places": 3})


@modem_test(SMALL)
async def test_storages(rig):
    assert await ask(rig, "+CPMS?") == '+CPMS: "SM",0,2,"SM",0,2,"SM",0,2'
    await arrive(rig)
    assert await ask(rig, '+CPMS="SM","ME","ME"') == "+CPMS: 1,2,0,3,0,3"
    assert await arrive(rig) == '\r\n+CMTI: "ME",1\r\n'
    assert await ask(rig, '+CPMS="ME"') == "+CPMS: 1,3,1,3,1,3"
    assert (await ask(rig, "+CMGR=1")).startswith("+CMGR: 0,")
    assert await ask(rig, "+CMGR=3") == "OK"
    assert await ask(rig, "+CMGD=1,4") == "OK"
    assert await ask(rig, "+CPMS?") == '+CPMS: "ME",0,3,"ME",0,3,"ME",0,3'
    assert await ask(rig, '+CPMS="SM"') == "+CPMS: 1,2,0,3,0,3"
    for bad in ('"XX"', "SM", '"SM","SM","SM","SM"', ""):
        assert await ask(rig, f"+CPMS={bad}") == "+CMS ERROR: 304", bad


@modem_test(SMALL, limit=1000)
async def test_a_full_storage_keeps_messages_in_the_network(rig):
    for text in ("one", "two", "three", "four"):
        rig.modem.inject("sms_received", number=OTHER, text=text)
    await rig.wait(100)
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n\r\n+CMTI: "SM",2\r\n'
    assert await ask(rig, "+CPMS?") == '+CPMS: "SM",2,2,"SM",2,2,"SM",2,2'
    tpdu = submits("x")[0]
    full = await enter(rig, f"+CMGW={len(tpdu)}", "00" + tpdu.hex() + Z)
    assert full == "+CMS ERROR: 322"
    await ask(rig, "+CMGD=1")
    await rig.wait(5)
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n'
    await ask(rig, '+CPMS="SM","SM","ME"')
    await rig.wait(5)
    assert rig.take() == b'\r\n+CMTI: "ME",1\r\n'
    await ask(rig, "+CMGF=1")
    assert (await ask(rig, "+CMGR=1")).endswith("\r\nthree")


@modem_test(scenario(PLAIN, modem={"start": "off"}))
async def test_what_survives(rig):
    async def on():
        rig.modem.supply(True)
        await rig.key(1.2, 8)
        return rig.take()

    rig.modem.inject("sms_received", text="while off")
    assert (await on()).endswith(b'\r\nSMS Ready\r\n\r\n+CMTI: "SM",1\r\n')
    await ask(rig, '+CMGF=1;+CSDH=1;+CSMP=17,1,0,0;+CNMI=2,2;+CSCS="GSM";&W')
    await ask(rig, '+CPMS="SM","ME","SM"')
    await ask(rig, "+CNMI=1,0;+CMGF=0")
    await ask(rig, "+CMGR=1")
    rig.modem.supply(False)
    await rig.wait(1)
    await on()
    assert await ask(rig, "+CMGF?") == "+CMGF: 1"  # AT&W has it
    assert await ask(rig, "+CNMI?") == "+CNMI: 2,2,0,0,0"
    assert await ask(rig, "+CSCS?") == '+CSCS: "GSM"'
    assert await ask(rig, "+CSDH?") == "+CSDH: 0"  # never stored
    assert await ask(rig, "+CSMP?") == "+CSMP: 17,167,0,0"
    assert (await ask(rig, "+CPMS?")).startswith('+CPMS: "SM",1,20,"ME",0,50')
    assert (await ask(rig, "+CMGR=1")).startswith('+CMGR: "REC READ",')


# -- indications ------------------------------------------------------------------------------


@modem_test(PLAIN)
async def test_direct_messages(rig):
    await ask(rig, "+CNMI=2,2")
    tpdu = "040A9194511132540000" + "62605121000080" + "05C8329BFD06"
    assert await arrive(rig) == f'\r\n+CMT: "",{len(tpdu) // 2}\r\n{CENTER}{tpdu}\r\n'
    await ask(rig, "+CMGF=1")
    head = '"+4915112345","","26/06/15,12:00:05+08"'
    assert await arrive(rig) == f"\r\n+CMT: {head}\r\nHello\r\n"
    await ask(rig, "+CSDH=1")
    more = ',145,4,0,0,"+491710760000",145,5'
    assert await arrive(rig) == f"\r\n+CMT: {head.replace(':05', ':10')}{more}\r\nHello\r\n"
    assert await ask(rig, '+CMGL="ALL"') == "OK"  # they are not stored


@pytest.mark.parametrize(
    ("mt", "kind", "says"),
    [
        (0, None, ""),
        (1, None, "+CMTI"),
        (2, None, "+CMT:"),
        (3, None, "+CMTI"),
        (2, 0, "+CMT:"),
        (2, 2, "+CMTI"),
        (3, 3, "+CMT:"),
        (3, 1, "+CMTI"),
        (0, 3, ""),
    ],
)
def test_routes_by_class(mt, kind, says):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, f"+CNMI=2,{mt}")
            said = await arrive(rig, kind=kind)
            assert said.startswith("\r\n" + says) if says else said == ""
            stored = not says or says == "+CMTI"
            assert (await ask(rig, "+CMGR=1") != "OK") == stored

    run(body)


@modem_test(PLAIN)
async def test_class_two_goes_to_the_card(rig):
    await ask(rig, '+CPMS="SM","SM","ME"')
    assert await arrive(rig, kind=2) == '\r\n+CMTI: "SM",1\r\n'
    assert await arrive(rig) == '\r\n+CMTI: "ME",1\r\n'


@modem_test(PLAIN)
async def test_mode_0_holds_back(rig):
    await ask(rig, "+CNMI=0,1")
    assert await arrive(rig) == ""
    assert await rig.say("AT+CNMI=2\r") == OK + b'\r\n+CMTI: "SM",1\r\n'
    await ask(rig, "+CNMI=0")
    assert await arrive(rig) == ""
    assert await rig.say("AT+CNMI=2,1,0,0,1\r") == OK  # forgotten
    assert await ask(rig, "+CNMI=4") == "ERROR"


@pytest.mark.parametrize(
    ("mode", "mt", "after"),
    [
        (1, 1, ""),  # the indication is lost, the message is stored
        (2, 1, '\r\n+CMTI: "SM",1\r\n'),
        (3, 1, '\r\n+CMTI: "SM",1\r\n'),
        (1, 2, "\r\n+CMT: "),  # refused while in data mode, so the network has it still
        (2, 2, "\r\n+CMT: "),
    ],
)
def test_in_data_mode(mode, mt, after):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, f"+CNMI={mode},{mt}")
            await online(rig)
            assert await arrive(rig) == ""
            said = (await rig.say("+++", 5)).decode().removeprefix("\r\nOK\r\n")
            assert said.startswith(after) and bool(said) == bool(after)
            assert (await ask(rig, "+CMGR=1") != "OK") == (mt == 1)

    run(body)


@modem_test(PLAIN)
async def test_arrival_pulses_ri(rig):
    levels = []
    rig.modem.on_ri = lambda high: levels.append((high, rig.clock.now()))
    await online(rig)
    await arrive(rig)
    (low, start), (high, end) = levels
    assert (low, high) == (False, True) and end - start == pytest.approx(0.12)


@modem_test(PLAIN)
async def test_half_a_line_holds_the_indication_back(rig):
    await rig.say("AT+CS")
    rig.modem.inject("sms_received")
    assert await rig.say("", 0.5) == b""
    assert await rig.say("Q\r") == b'\r\n+CSQ: 18,0\r\n\r\n+CMTI: "SM",1\r\n' + OK


@modem_test(PLAIN)
async def test_messages_wait_for_the_network(rig):
    rig.modem.inject("registration_lost")
    assert await arrive(rig) == ""
    rig.modem.inject("registration_back")
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n'


@modem_test(scenario(PLAIN, modem={"start": "off"}))
async def test_messages_survive_a_reset_between_their_parts(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 8)
    rig.take()
    rig.modem.inject("sms_received", text="x" * 400)
    await rig.wait(0.4)
    rig.modem.inject("modem_reset")
    await rig.wait(10)
    assert rig.take().count(b"+CMTI") == 3
    assert (await ask(rig, "+CPMS?")).startswith('+CPMS: "SM",3,20')


# -- status reports ---------------------------------------------------------------------------

REPORTS = scenario(
    PLAIN,
    phones={
        "123": Phone(reports=7.0),
        "124": Phone(reports=7.0, reachable=False),
        "125": Phone(reports=None),
    },
)


@modem_test(REPORTS)
async def test_status_reports(rig):
    await ask(rig, "+CMGF=1;+CSMP=49,167,0,0;+CNMI=2,1,0,1")
    for number in ("123", "124", "125"):
        await enter(rig, f'+CMGS="{number}"', "x" + Z)
    assert await rig.say("", 6.5) == b""
    await rig.wait(1)
    lines = [x for x in rig.take().decode().split("\r\n") if x]
    times = '"26/06/15,12:00:00+08","26/06/15,12:00:07+08"'
    assert lines == [f'+CDS: 6,1,"123",129,{times},0', f'+CDS: 6,2,"124",129,{times},70']
    await ask(rig, "+CMGF=0")
    tpdu = pdu.Submit("123", pdu.UserData(0, b"x"), first=pdu.SUBMIT | pdu.SRR).encode()
    await enter(rig, f"+CMGS={len(tpdu)}", "00" + tpdu.hex() + Z)
    head, line = (await rig.say("", 8)).decode().strip().split("\r\n")
    reader = pdu.Reader(bytes.fromhex(line))
    assert pdu.decode_center(reader)[0] == "+491710760000"
    assert head == f"+CDS: {len(reader.rest())}"
    report = pdu.StatusReport.decode(reader.rest())
    assert (report.number, report.reference, report.status) == ("123", 4, 0)
    await ask(rig, "+CNMI=2,1,0,0")
    await enter(rig, f"+CMGS={len(tpdu)}", "00" + tpdu.hex() + Z)
    assert await rig.say("", 8) == b""
    assert await ask(rig, "+CMGL=4") == "OK"


@modem_test(REPORTS)
async def test_no_report_unless_asked_for(rig):
    await ask(rig, "+CMGF=1;+CNMI=2,1,0,1")
    await enter(rig, '+CMGS="123"', "x" + Z)
    assert await rig.say("", 20) == b""


# -- properties -------------------------------------------------------------------------------


@given(st.binary(max_size=400), st.booleans(), st.sampled_from(["IRA", "GSM", "UCS2", "HEX"]))
@settings(max_examples=100, deadline=None)
def test_whatever_is_entered_ends_the_command(data, text_mode, charset):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, f'+CMGF={int(text_mode)};+CSCS="{charset}"')
            number = {"UCS2": '"0031"', "HEX": '"31"'}.get(charset, '"1"') if text_mode else "20"
            assert await rig.say(f"AT+CMGS={number}\r") == b"\r\n> "
            said = await rig.say(data.translate(None, b"\x1a\x1b") + b"\x1a", 1)
            answer = said.replace(b"\r\n> ", b"")
            assert answer.startswith((b"\r\n+CMGS: 1\r\n\r\nOK", b"\r\n+CMS ERROR: 30"))
            assert answer.startswith(b"\r\n+CMGS") == (
                len(rig.modem.messages.center.submitted) == 1
            )
            assert await rig.say("AT\r") == OK

    run(body)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=250))
@settings(max_examples=50, deadline=None)
def test_what_is_delivered_is_what_was_written(text):
    async def body():
        async with Rig(PLAIN) as rig:
            await arrive(rig, text)
            lines = (await ask(rig, "+CMGL=4")).split("\r\n")
            parts = []
            for head, line in zip(lines[::2], lines[1::2], strict=True):
                reader = pdu.Reader(bytes.fromhex(line))
                pdu.decode_center(reader)
                assert head.endswith(f",{len(reader.rest())}")
                parts.append(pdu.Deliver.decode(reader.rest()).data.text)
            assert "".join(parts) == text

    run(body)


def test_a_zone_west_of_greenwich():
    async def body():
        async with Rig(scenario(PLAIN, radio={"zone": -22})) as rig:
            await arrive(rig)
            await ask(rig, "+CMGF=1")
            assert '"26/06/15,04:30:00-22"' in await ask(rig, "+CMGR=1")

    run(body)


def test_stamp_is_local_time():
    local = datetime.datetime(2026, 6, 15, 12, 0, 0)
    assert pdu.decode_time(pdu.encode_time(local, 8)) == "26/06/15,12:00:00+08"
