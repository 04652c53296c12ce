"""Short messages that come in: how they are told of, kept, shown and deleted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sim800 import pdu
from sim800_rig import Rig, modem_test, run, scenario
from sms_rig import CENTER, OK, OTHER, PLAIN, Z, arrive, ask, enter, online, submits

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
        assert await ask(rig, f"+CMGR={bad}") == "+CMS ERROR: 325"
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


@pytest.mark.parametrize(
    ("more", "numbers"),
    [({}, [1, 2, 3]), ({"backwards": True}, [3, 2, 1]), ({"without": 2}, [1, 3])],
)
def test_parts_may_come_otherwise(more, numbers):
    async def body():
        async with Rig(PLAIN) as rig:
            await arrive(rig, "x" * 400, **more)
            lines = (await ask(rig, "+CMGL=4")).replace("\r\n\r\n", "\r\n").split("\r\n")[1::2]
            found = [pdu.Deliver.decode(bytes.fromhex(x)[8:]).data for x in lines]
            assert [data.concatenation for data in found] == [(1, 3, n) for n in numbers]

    run(body)


@modem_test(PLAIN)
async def test_any_pdu(rig):
    tpdu = "040A9194511132540004" + "62605121000080" + "03DEAD00"  # 8-bit data
    rig.modem.inject("sms_pdu_received", tpdu=tpdu)
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n'
    assert await ask(rig, "+CMGR=1") == f'+CMGR: 0,"",{len(tpdu) // 2}\r\n{CENTER}{tpdu}'
    assert (await ask(rig, "+CMGF=1;+CMGR=1")).endswith("\r\nDEAD00")
    with pytest.raises(ValueError, match="ends within its address"):
        rig.modem.inject("sms_pdu_received", tpdu="04")


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
        assert (await ask(rig, "+CMGL" + command)).replace("\r\n\r\n", "\r\n").split(
            "\r\n"
        ) == unread
    assert await ask(rig, "+CMGL") == "OK"  # they are read now
    read = await ask(rig, '+CMGL="REC READ"')
    assert [x[7] for x in read.replace("\r\n\r\n", "\r\n").split("\r\n")[::2]] == ["1", "2", "3"]
    assert await ask(rig, '+CMGL="STO UNSENT"') == '+CMGL: 4,"STO UNSENT","123","",\r\nd'
    assert await ask(rig, '+CMGL="STO SENT"') == '+CMGL: 5,"STO SENT","123","",\r\ne'
    assert len((await ask(rig, '+CMGL="ALL"')).replace("\r\n\r\n", "\r\n").split("\r\n")) == 10
    for bad in ("4", '"NONE"', '"ALL",2'):
        assert await ask(rig, f"+CMGL={bad}") == "+CMS ERROR: 325"
    await ask(rig, "+CMGF=0")
    for status, indices in (("0", ""), ("1", "123"), ("2", "4"), ("3", "5"), ("4", "12345")):
        lines = (await ask(rig, f"+CMGL={status}")).replace("\r\n\r\n", "\r\n").split("\r\n")[::2]
        assert [x[7] for x in lines if x != "OK"] == list(indices)
    for bad in ("5", '"ALL"'):
        assert await ask(rig, f"+CMGL={bad}") == "+CMS ERROR: 325"


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
            lines = (
                (await ask(rig, '+CMGF=1;+CMGL="ALL"'))
                .replace("\r\n\r\n", "\r\n")
                .split("\r\n")[::2]
            )
            found = {int(x[7]): x.split('"')[1] for x in lines if x != "OK"}
            assert found == {int(n): KINDS[int(n)] for n in left}

    run(body)


@modem_test(PLAIN)
async def test_deleting_needs_the_right_words(rig):
    for bad in ("+CMGD=1,5", "+CMGD=", "+CMGDA=0", "+CMGDA=7", '+CMGDA="DEL ALL"'):
        assert await ask(rig, bad) == "+CMS ERROR: 325", bad
    await ask(rig, "+CMGF=1")
    for bad in ("+CMGDA=6", '+CMGDA="ALL"', "+CMGDA=DEL ALL"):
        assert await ask(rig, bad) == "+CMS ERROR: 325", bad


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
        assert await ask(rig, f"+CPMS={bad}") == "+CMS ERROR: 325", bad


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


@modem_test(scenario(PLAIN, modem={"latency": 1}))
async def test_a_message_while_a_command_runs(rig):
    await rig.say("AT+COPS=?\r", 3)
    rig.modem.inject("sms_received")
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n'
    assert (await rig.say("", 4)).startswith(b"\r\n+COPS: (2,")


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


# -- properties -------------------------------------------------------------------------------


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=250))
@settings(max_examples=50, deadline=None)
def test_what_is_delivered_is_what_was_written(text):
    async def body():
        async with Rig(PLAIN) as rig:
            await arrive(rig, text)
            lines = (await ask(rig, "+CMGL=4")).replace("\r\n\r\n", "\r\n").split("\r\n")
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
