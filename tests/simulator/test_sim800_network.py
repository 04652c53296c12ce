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
    assert rig.modem.network.attached


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
    await ask(rig, "+CREG=2")
    rig.modem.inject("cell_change", lac="AAAA", cell="BBBB")
    assert rig.take() == b'\r\n+CREG: 1,"AAAA","BBBB"\r\n'


# -- time -------------------------------------------------------------------------------------

NITZ = scenario(QUIET, clock="2026-06-15T12:00:00", radio={"zone": 8, "dst": 1})


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
            Rig(scenario(clock=bad))
