"""Short messages: sending in text and PDU mode, what goes wrong, character sets, status reports."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim800 import charset, gsm7, pdu
from sim800.scenario import Phone
from sim800_rig import Rig, modem_test, run, scenario
from sms_rig import CENTER, ESC, OK, OTHER, PLAIN, Z, arrive, ask, enter, sent, submits

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
    assert await rig.say('AT+CMGS="123"\rATI\r') == b"\r\n> "
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


@modem_test(PLAIN)
async def test_what_is_entered_is_bounded(rig):
    await ask(rig, "+CMGF=1")
    await rig.say('AT+CMGS="123"\r')
    for _ in range(100):
        await rig.say("x" * 1000)
    assert await rig.say(Z) == b"\r\n+CMS ERROR: 305\r\n"
    (seen,) = rig.journal.seen("at", "> 'xxx")
    assert len(seen.what) < 1100


@pytest.mark.parametrize(
    "parameter",
    ['""', '"12 3"', '"abx"', '"1+2"', "123", '"123",7', '"123",145,1', '"' + "1" * 21 + '"', '"'],
)
def test_impossible_numbers(parameter):
    async def body():
        async with Rig(PLAIN) as rig:
            await ask(rig, "+CMGF=1")
            assert await ask(rig, f"+CMGS={parameter}") == "+CMS ERROR: 325"
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
        assert await ask(rig, f"+CSMP={bad}") == "+CMS ERROR: 325", bad


@modem_test(PLAIN)
async def test_a_header_in_text_mode_is_hex(rig):
    await ask(rig, "+CMGF=1;+CSMP=81,167,0,8")
    for n, text in ((2, "0044"), (1, "0043")):
        assert (await enter(rig, '+CMGS="123"', f"0500037F020{n}{text}" + Z)).startswith("+CMGS")
    assert sent(rig) == [("123", "CD", 2)]


# -- sending in PDU mode ----------------------------------------------------------------------


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
        assert await ask(rig, f"+CMGS={bad}") == "+CMS ERROR: 325", bad


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
    assert await ask(rig, '+CMGS="123"') == "+CMS ERROR: 325"
    assert await enter(rig, '+CMGS="0031"', "hi" + Z) == "+CMS ERROR: 305"
    await ask(rig, '+CSCS="HEX"')
    assert await enter(rig, '+CMGS="31"', "E4" + Z) == "+CMS ERROR: 305"


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
    assert await ask(rig, '+CMGW="1",129,"REC READ"') == "+CMS ERROR: 325"
    await ask(rig, "+CMGF=0")
    deliver = "040A9194511132540000" + "62605121000080" + "0131"
    length = len(deliver) // 2
    assert await enter(rig, f"+CMGW={length},1", "00" + deliver + Z) == "+CMGW: 2"
    assert await enter(rig, f"+CMGW={length}", "00" + deliver + Z) == "+CMS ERROR: 304"
    assert await ask(rig, "+CMSS=2") == "+CMS ERROR: 302"
    assert await ask(rig, "+CMSS=3") == "+CMS ERROR: 321"


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


@given(st.text(alphabet=gsm7.BASIC.replace("\x1b", "") + "[]{}€^", max_size=40), st.data())
def test_strings_come_back_as_they_went(text, data):
    name = data.draw(st.sampled_from(["GSM", "HEX", "UCS2"]))
    assert charset.read(charset.show(text, name), name) == text
    for name in charset.NAMES:  # the others lack some, but what they show they can read
        shown = charset.show(text, name)
        again = charset.read(shown, name)
        assert len(again) == len(text) and all(
            a in (b, "?") for a, b in zip(again, text, strict=True)
        )


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
