"""SIM, PIN and PUK; registration over time, operators, time of the network."""

import pytest
from sim800_rig import Rig, modem_test, run, scenario

QUIET = scenario(modem={"start": "off", "ipr": 115200, "echo": False})
PIN = scenario(QUIET, sim={"pin": "1234"})


async def boot(rig, seconds=6.0):
    rig.modem.supply(True)
    await rig.key(1.2, seconds)
    return rig.take()


async def ask(rig, command, wait=0.05):
    """The answer's own text: OK, ERROR, +CME ..., or the information before OK."""
    text = (await rig.say(f"AT{command}\r", wait)).decode()
    assert text.startswith("\r\n") and text.endswith("\r\n"), text
    return text.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


# -- SIM --------------------------------------------------------------------------------------


@modem_test(PIN)
async def test_wrong_pin_counts_down_to_puk(rig):
    await boot(rig)
    await ask(rig, "+CMEE=1")
    assert await ask(rig, "+CPIN?") == "+CPIN: SIM PIN"
    for left, answer in ((2, "16"), (1, "16"), (0, "12")):
        assert await ask(rig, '+CPIN="9999"') == f"+CME ERROR: {answer}"
        assert await ask(rig, "+SPIC") == f"+SPIC: {left},3,10,10"
    assert await ask(rig, "+CPIN?") == "+CPIN: SIM PUK"
    assert await ask(rig, '+CPIN="1234"') == "+CME ERROR: 12"  # the right PIN no longer helps
    assert await ask(rig, '+CPIN="11111111","4321"') == "+CME ERROR: 16"
    assert await ask(rig, "+SPIC") == "+SPIC: 0,3,9,10"
    assert await ask(rig, '+CPIN="12345678","4321"', 5) == (
        "OK\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready"
    )
    assert await ask(rig, "+SPIC") == "+SPIC: 3,3,10,10"
    # and the new PIN counts after a power cycle
    rig.modem.power.restart("test")
    await rig.wait(6)
    rig.take()
    assert await ask(rig, '+CPIN="1234"') == "ERROR"
    assert (await ask(rig, "+CPIN=4321")).startswith("OK")


@modem_test(PIN)
async def test_right_pin_restores_the_tries_also_over_power_cycles(rig):
    await boot(rig)
    await ask(rig, '+CPIN="0000"')
    rig.modem.supply(False)
    await rig.wait(1)
    await boot(rig)
    assert await ask(rig, "+SPIC") == "+SPIC: 2,3,10,10"
    assert (await ask(rig, '+CPIN="1234"')).startswith("OK")
    assert await ask(rig, "+SPIC") == "+SPIC: 3,3,10,10"


@modem_test(QUIET)
async def test_card_is_busy_until_it_has_said_cpin(rig):
    await boot(rig, 2.7)
    await ask(rig, "+CMEE=1")
    assert await ask(rig, "+CPIN?") == "+CME ERROR: 14"
    assert await ask(rig, "+CIMI") == "+CME ERROR: 14"
    await rig.wait(0.6)
    assert rig.take() == b"\r\n+CPIN: READY\r\n"
    assert await ask(rig, "+CPIN?") == "+CPIN: READY"


@modem_test(PIN)
async def test_malformed_pin_costs_no_try(rig):
    await boot(rig)
    for bad in ('""', '"12"', '"123456789"', '"12a4"', "", '"1234","5678"'):
        assert await ask(rig, f"+CPIN={bad}") == "ERROR"
    assert await ask(rig, "+SPIC") == "+SPIC: 3,3,10,10"


@modem_test(scenario(PIN, sim={"locked": "PUK"}))
async def test_puk_used_up(rig):
    assert (await boot(rig)).endswith(b"\r\n+CPIN: SIM PUK\r\n")
    await ask(rig, "+CMEE=2")
    for _ in range(9):
        assert await ask(rig, '+CPIN="00000000","1234"') == "+CME ERROR: incorrect password"
    assert await ask(rig, '+CPIN="00000000","1234"') == "+CME ERROR: SIM failure"
    assert await ask(rig, '+CPIN="12345678","1234"') == "+CME ERROR: SIM failure"
    assert await ask(rig, "+CPIN?") == "+CME ERROR: SIM failure"


@modem_test(PIN)
async def test_what_works_without_the_pin(rig):
    await boot(rig)
    await ask(rig, "+CMEE=1")
    for command in ("+CIMI", "+CNUM", "+COPS=?", "+CGATT=1", "+CGACT=1,1", "D*99#", "+CIICR"):
        assert await ask(rig, command) == "+CME ERROR: 11", command
    assert await ask(rig, "+CCID") == "89490200001234567890"
    assert await ask(rig, "+CREG?") == "+CREG: 0,0"
    assert await ask(rig, "+CSCA?") == "+CMS ERROR: 311"


@modem_test(scenario(sim={"pin": "1234"}, modem={"echo": False}))
async def test_lock_and_password(rig):
    await ask(rig, "+CMEE=1")
    assert await ask(rig, '+CLCK="SC",2') == "+CLCK: 1"
    assert await ask(rig, '+CPWD="SC","1111","2222"') == "+CME ERROR: 16"
    assert await ask(rig, '+CPWD="SC","1234","22"') == "+CME ERROR: 16"
    assert await ask(rig, "+SPIC") == "+SPIC: 2,3,10,10"  # the bad new one cost no try
    assert await ask(rig, '+CPWD="SC","1234","2222"') == "OK"
    assert await ask(rig, '+CLCK="SC",0,"2222"') == "OK"
    assert await ask(rig, '+CLCK="SC",2') == "+CLCK: 0"
    assert await ask(rig, '+CLCK="SC",0,"2222"') == "+CME ERROR: 3"
    assert await ask(rig, '+CPWD="SC","2222","3333"') == "+CME ERROR: 3"
    assert await ask(rig, '+CLCK="SC",1,"2222"') == "OK"
    assert await ask(rig, '+CLCK="AO",2') == "+CME ERROR: 4"
    assert await ask(rig, '+CPIN="2222"') == "+CME ERROR: 3"  # not asked for now


@modem_test(scenario(sim={"pin": "1234"}, modem={"echo": False}))
async def test_blocking_the_card_ends_all(rig):
    await ask(rig, "+CMEE=1;+CREG=1")
    ppp = await dial(rig)
    await rig.wait(1.1)
    await rig.say("+++", 1.2)
    for answer in ("16", "16"):
        assert await ask(rig, '+CPWD="SC","1111","2222"') == f"+CME ERROR: {answer}"
    said = await ask(rig, '+CLCK="SC",0,"1111"')
    assert said == "NO CARRIER\r\n\r\n+CREG: 0\r\n\r\n+CME ERROR: 12"
    assert ppp.closed
    assert await ask(rig, "+CPIN?") == "+CPIN: SIM PUK"
    assert await ask(rig, "+CIMI") == "+CME ERROR: 12"
    assert "+CPIN: READY" in await ask(rig, "+CPIN=12345678,4321", 5)
    assert await ask(rig, "+CREG?") == "+CREG: 1,1"


@modem_test(scenario(sim={"pin": "1234"}, modem={"echo": False}))
async def test_lock_wants_its_codes_quoted(rig):
    for bad in (
        '+CLCK="SC",0,1234',
        '+CLCK="SC",0',
        "+CLCK=SC,2",
        '+CLCK="SC",3',
        '+CLCK="SC",0,"1234",0',
        '+CPWD="SC",1234,"4321"',
        '+CPWD="SC","1234"',
        '+CPWD=SC,"1234","4321"',
    ):
        assert await ask(rig, bad) == "ERROR", bad
    assert await ask(rig, "+SPIC") == "+SPIC: 3,3,10,10"


@modem_test(PIN)
async def test_codes_never_reach_the_journal_but_are_told_apart(rig):
    await boot(rig)
    for pin in ("5670", "5671", "5670"):
        await ask(rig, f'+CPIN="{pin}"')
    await ask(rig, '+CPIN="12345678","8642"', 5)
    await ask(rig, '+CPWD="SC","8642","9753"')
    await ask(rig, '+CLCK="SC",0,"9753"')
    await ask(rig, '+CSTT="internet","me","hush1"')
    await ask(rig, '+SAPBR=3,1,"PWD","hush2"')
    log = "\n".join(map(str, rig.journal.entries))
    for secret in ("5670", "5671", "12345678", "8642", "9753", "hush"):
        assert secret not in log
    tried = [e.fields["secrets"] for e in rig.journal.seen("at", "> AT+CPIN=****")]
    assert tried == [(1,), (2,), (1,), (3, 4)]
    assert rig.journal.seen("at", '> AT+CPWD="SC",****')[0].fields["secrets"] == (4, 5)
    assert rig.journal.seen("at", '> AT+CSTT="internet","me",****')
    assert rig.journal.seen("at", '> AT+SAPBR=3,1,"PWD",****')
    refused = rig.journal.seen("modem", "SIM code refused")
    assert [e.fields["pin_tries"] for e in refused] == [2, 1, 0]


@modem_test(scenario(modem={"echo": False}))
async def test_sim_pulled_out(rig):
    await ask(rig, "+CREG=1")
    ppp = await dial(rig)
    rig.modem.inject("sim_removed")
    assert rig.take() == b"\r\nNO CARRIER\r\n\r\n+CREG: 0\r\n\r\n+CPIN: NOT INSERTED\r\n"
    assert ppp.closed
    assert await ask(rig, "+CPIN?") == "ERROR"
    assert await ask(rig, "D*99#", 2) == "ERROR"


async def dial(rig):
    await ask(rig, '+CGDCONT=1,"IP","internet"')
    assert (await rig.say("ATD*99#\r", 2)).startswith(b"\r\nCONNECT")
    return rig.ppps[-1]


# -- registration -----------------------------------------------------------------------------


@modem_test(scenario(QUIET, radio={"registration": ((1, 2), (3, 3), (5, 5))}))
async def test_registration_follows_the_scenario(rig):
    await boot(rig, 2.7)
    await ask(rig, "+CREG=2;+CGREG=1")
    await rig.wait(10)
    lines = [x for x in rig.take().decode().split("\r\n") if "REG" in x]
    assert lines == [
        "+CREG: 2",
        "+CGREG: 2",
        "+CREG: 3",
        "+CGREG: 3",
        '+CREG: 5,"1A2B","3C4D"',
        "+CGREG: 5",
    ]
    seen = [e.time for e in rig.journal.seen("modem", "+CREG")]
    assert [round(b - seen[0], 6) for b in seen] == [0, 2, 4]
    assert await ask(rig, "+CREG?") == '+CREG: 2,5,"1A2B","3C4D"'
    assert await ask(rig, "+CREG=0;+CREG?") == "+CREG: 0,5"
    assert await ask(rig, "+CGATT?") == "+CGATT: 1"


@modem_test(scenario(QUIET, radio={"gprs_registration": ((0.3, 2), (2, 3))}))
async def test_gprs_denied_while_gsm_is_fine(rig):
    await boot(rig, 9)
    await ask(rig, "+CMEE=1")
    assert await ask(rig, "+CREG?;+CGREG?;+CGATT?") == (
        "+CREG: 0,1\r\n\r\n+CGREG: 0,3\r\n\r\n+CGATT: 0"
    )
    assert await ask(rig, "+CGATT=1") == "+CME ERROR: 100"
    assert await ask(rig, '+CGDCONT=1,"IP","internet";+CGACT=1,1') == "+CME ERROR: 107"
    assert await ask(rig, "D*99#", 3) == "NO CARRIER"


@modem_test(scenario(modem={"echo": False}))
async def test_detach_and_attach(rig):
    await ask(rig, "+CGREG=1")
    assert await ask(rig, "+CGATT=0") == "+CGREG: 0"
    assert await ask(rig, "+CGATT?") == "+CGATT: 0"
    assert await ask(rig, "+CGATT=1") == "+CGREG: 1"


@modem_test(scenario(modem={"echo": False}))
async def test_dialling_attaches_by_itself(rig):
    await ask(rig, "+CGATT=0")
    await dial(rig)
    assert rig.modem.radio.attached


@modem_test(scenario(modem={"echo": False}))
async def test_airplane_mode_and_back(rig):
    await ask(rig, "+CREG=1")
    assert await ask(rig, "+CFUN=4") == "+CREG: 0"
    assert await ask(rig, "+COPS?") == "+COPS: 0"
    assert await ask(rig, "D*99#") == "ERROR"
    assert await ask(rig, "+CPIN?") == "+CPIN: READY"
    assert await ask(rig, "+CFUN=1", 5) == "OK\r\n\r\n+CREG: 2\r\n\r\n+CREG: 1"


@modem_test(scenario(modem={"echo": False}))
async def test_minimum_functionality_and_back(rig):
    assert await ask(rig, "+CFUN=0") == "+CPIN: NOT READY"
    assert await ask(rig, "+CPIN?") == "ERROR"
    assert await ask(rig, "+CFUN=1", 5) == (
        "OK\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready"
    )


@modem_test(scenario(modem={"echo": False}))
async def test_manual_operator(rig):
    assert await ask(rig, '+COPS=1,0,"vodafone.de"', 3) == "OK"
    assert await ask(rig, "+COPS?") == '+COPS: 1,0,"vodafone.de"'
    assert await ask(rig, "+COPS=0", 3) == "OK"
    assert await ask(rig, "+COPS?") == '+COPS: 0,0,"Telekom.de"'


@modem_test(scenario(modem={"echo": False}))
async def test_operator_by_number_sets_the_format_too(rig):
    assert await ask(rig, '+COPS=1,2,"26202"', 3) == "OK"
    assert await ask(rig, "+COPS?") == '+COPS: 1,2,"26202"'
    assert await ask(rig, "+COPS=3,1;+COPS?") == '+COPS: 1,1,"Voda"'
    assert await ask(rig, '+COPS=4,1,"nobody"', 3) == "OK"  # automatic, if there is none such
    assert await ask(rig, "+COPS?") == '+COPS: 4,1,"TDG"'
    for bad in ("1", "1,2", '1,3,"26202"', "1,2,26202", "5", "3", "", '0,0,"x",1,1'):
        assert await ask(rig, f"+COPS={bad}", 3) == "ERROR", bad


@modem_test(scenario(modem={"echo": False}))
async def test_an_operator_that_is_not_there_leaves_none(rig):
    await ask(rig, "+CREG=1;+CMEE=1")
    assert await ask(rig, '+COPS=1,2,"99999"', 3) == "+CREG: 0\r\n\r\n+CME ERROR: 30"
    assert await ask(rig, "+COPS?") == "+COPS: 1"
    assert await ask(rig, '+COPS=1,2,"26203"', 3) == "+CREG: 3\r\n\r\n+CME ERROR: 32"
    assert await ask(rig, "+COPS=0", 3) == "+CREG: 0\r\n\r\nOK\r\n\r\n+CREG: 2\r\n\r\n+CREG: 1"
    assert await ask(rig, "+COPS=2", 3) == "+CREG: 0"
    assert await ask(rig, "+COPS?") == "+COPS: 2"


@modem_test(scenario(modem={"echo": False, "latency": 1}))
async def test_search_for_operators_is_aborted_by_a_character(rig):
    await rig.say("AT+COPS=?\r", 3)
    assert await rig.say("x", 1) == b"\r\nERROR\r\n"
    found = await rig.say("AT+COPS=?\r", 8)
    assert found == (
        b'\r\n+COPS: (2,"Telekom.de","TDG","26201"),(1,"vodafone.de","Voda","26202"),'
        b'(3,"o2 - de","o2","26203"),,(0-4),(0-2)\r\n\r\nOK\r\n'
    )


@modem_test(scenario(modem={"echo": False}))
async def test_cells(rig):
    assert await ask(rig, "+CENG?") == "+CENG: 0,0"
    assert await ask(rig, "+CENG=3,1;+CENG?") == (
        '+CENG: 3,1\r\n+CENG: 0,"262,01,1a2b,3c4d,21,36"\r\n+CENG: 1,"262,01,1a2b,3c4e,30,22"\r\n'
        '+CENG: 2,"262,01,1a2b,01f0,08,14"'
    )
    assert await ask(rig, "+CENG=1,0;+CENG?") == (
        '+CENG: 1,0\r\n+CENG: 0,"0044,36,00,262,01,21,3c4d,00,05,1a2b,255"\r\n'
        '+CENG: 1,"0057,22,30,3c4e,262,01,1a2b"\r\n+CENG: 2,"0071,14,08,01f0,262,01,1a2b"'
    )
    rig.modem.inject("cell_change", lac="AAAA", cell="BBBB")
    assert '0,"0044,36,00,262,01,21,bbbb,00,05,aaaa,255"' in await ask(rig, "+CENG?")
    rig.modem.inject("registration_lost")
    assert await ask(rig, "+CENG?") == "+CENG: 1,0"
    for bad in ("5", "2", "1,2", "", '"1"'):
        assert await ask(rig, f"+CENG={bad}") == "ERROR", bad


@modem_test(scenario(modem={"echo": False}))
async def test_own_number(rig):
    assert await ask(rig, "+CNUM") == '+CNUM: "","+491701234567",145,7,4'
    rig.modem.phonebook.books["ON"].clear()
    assert await ask(rig, "+CNUM") == "OK"


@modem_test(scenario(modem={"echo": False}))
async def test_radio_off(rig):
    await ask(rig, "+CMEE=1")
    assert await ask(rig, "+CFUN=4;+CFUN?") == "+CFUN: 4"
    assert await ask(rig, "+CSQ") == "+CSQ: 99,99"
    for command in ("+COPS=?", "+COPS=0", "+CGATT=1", "+CENG=3", "+CIPGSMLOC=1,1", "+SAPBR=1,1"):
        assert await ask(rig, command) == "+CME ERROR: 3", command
    assert await ask(rig, "+CFUN=0") == "+CME ERROR: 3"  # not directly
    for bad in ("2", "", "0,1", "1,2", "1,1,1"):
        assert await ask(rig, f"+CFUN={bad}") == "+CME ERROR: 765", bad


@modem_test(scenario(modem={"echo": False}))
async def test_losing_and_finding_the_network(rig):
    await ask(rig, "+CREG=1")
    ppp = await dial(rig)
    rig.modem.inject("registration_lost", stat=4)
    assert rig.take() == b"" and ppp.muted  # data mode: URCs wait, the bearer stalls
    rig.modem.inject("registration_back")
    assert not ppp.muted
    await rig.wait(1.5)
    assert await rig.say("+++", 1.1) == b"\r\nOK\r\n\r\n+CREG: 4\r\n\r\n+CREG: 1\r\n"


@modem_test(scenario(modem={"echo": False}))
async def test_cell_change(rig):
    await ask(rig, "+CREG=2;+CGREG=2")
    rig.modem.inject("cell_change", lac="AAAA", cell="BBBB")
    assert rig.take() == (b'\r\n+CREG: 1,"AAAA","BBBB"\r\n\r\n+CGREG: 1,"AAAA","BBBB"\r\n')
    assert await ask(rig, "+CREG?") == '+CREG: 2,1,"AAAA","BBBB"'
    assert await ask(rig, "+CREG=1;+CREG?") == "+CREG: 1,1"


# -- time -------------------------------------------------------------------------------------

NITZ = scenario(QUIET, utc="2026-06-15T12:00:00", radio={"zone": 8, "dst": 1})


@pytest.mark.parametrize("profile", ["R13.08", "R14.18"])
def test_network_time(profile):
    async def body():
        async with Rig(scenario(NITZ, modem={"profile": profile})) as rig:
            await boot(rig, 2.7)
            await ask(rig, "+CLTS=1")
            await rig.wait(5)
            lines = rig.take().decode().split("\r\n")
            time = ["+CTZV: +8,1", '*PSUTTZ: 2026,6,15,12,0,5,"+8",1', "DST: 1"]
            if profile == "R13.08":
                time = ['*PSNWID: "262","01","Telekom.de",0,"TDG",0', *time]
            else:
                time = [*time, '+CIEV: 10,"26201","Telekom.de","TDG", 0, 0']
            first = lines.index(time[0])
            assert [x for x in lines[first:] if x][: len(time)] == time
            assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "26/06/15,14:00:')
            assert (await ask(rig, "+CCLK?")).endswith('+08"')

    run(body)


@modem_test(NITZ)
async def test_no_network_time_unless_asked_for(rig):
    await boot(rig, 10)
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "04/01/01,00:00:')


@modem_test(scenario(NITZ, radio={"nitz": False}))
async def test_network_time_that_comes_late(rig):
    await boot(rig, 10)
    await ask(rig, "+CLTS=0")
    rig.modem.inject("network_time")
    assert rig.take() == b""
    await ask(rig, "+CLTS=1")
    rig.modem.inject("network_time")
    assert b"*PSUTTZ: 2026,6,15,12,0," in rig.take()
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "26/06/15,14:00:')
    rig.modem.inject("registration_lost")
    rig.take()
    rig.modem.inject("network_time")
    assert rig.take() == b""


@modem_test(NITZ)
async def test_a_clock_that_says_what_it_likes(rig):
    await boot(rig, 2.7)
    rig.modem.inject("clock_says", text="26/02/30,12:00:00+00")
    assert await ask(rig, "+CCLK?") == '+CCLK: "26/02/30,12:00:00+00"'
    rig.modem.inject("clock_says", text="")
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "04/01/01,00:00:')


@modem_test(scenario(NITZ, radio={"nitz": False}))
async def test_no_network_time_where_there_is_none(rig):
    await boot(rig, 2.7)
    await ask(rig, "+CLTS=1", 10)
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "04/01/01,00:00:')


@modem_test(NITZ)
async def test_clock_runs_through_resets_but_not_without_supply(rig):
    await boot(rig)
    await ask(rig, '+CCLK="30/01/01,00:00:00+00"')
    rig.modem.power.restart("test")
    await rig.wait(10)
    rig.take()
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "30/01/01,00:00:10')
    rig.modem.supply(False)
    await boot(rig)
    assert (await ask(rig, "+CCLK?")).startswith('+CCLK: "04/01/01,00:00:00')


def test_a_scenarios_clock_must_be_utc():
    for bad in ("yesterday", "2026-06-15T12:00:00+02:00"):
        with pytest.raises(ValueError, match=r"write UTC like"):
            Rig(scenario(utc=bad))
