"""PWRKEY, RESET and the supply: what pulses of which width do (hardware design 3.2, 3.4)."""

import pytest
from sim800.scenario import Event
from sim800_rig import Rig, modem_test, run, scenario

OFF = scenario(modem={"start": "off", "ipr": 115200})
RUNNING = scenario(modem={"ipr": 115200})
BOOT_URCS = b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"


def effects(rig, pin="PWRKEY"):
    return [e.fields["effect"] for e in rig.journal.seen("pin", f"{pin} high")]


@modem_test(OFF)
async def test_pulse_of_a_second_starts_it(rig):
    rig.modem.supply(True)
    await rig.key(1.0, 2.59)
    assert rig.take() == b""
    await rig.wait(0.02)
    assert rig.take() == BOOT_URCS
    await rig.wait(3)
    assert rig.take() == b"\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n"
    assert effects(rig) == ["power on"]


@modem_test(OFF)
async def test_short_pulse_does_nothing_and_is_told(rig):
    rig.modem.supply(True)
    await rig.key(0.9, 10)
    assert rig.take() == b""
    entry = rig.journal.seen("pin", "PWRKEY high")[0]
    assert entry.fields == {"width": 0.9, "effect": "none: shorter than 1 s"}
    assert rig.modem.power.state == "off"


@modem_test(OFF)
async def test_key_without_supply_does_nothing(rig):
    await rig.key(2, 5)
    assert rig.take() == b"" and effects(rig) == ["none: no supply"]


@modem_test(OFF)
async def test_supply_alone_does_nothing(rig):
    rig.modem.supply(True)
    await rig.wait(20)
    assert rig.take() == b"" and rig.modem.power.state == "off"


@modem_test(OFF, limit=200)
async def test_key_held_low_boots_once(rig):
    rig.modem.pwrkey(True)
    await rig.wait(5)
    rig.modem.supply(True)
    await rig.wait(3.7)
    assert rig.take().startswith(BOOT_URCS)
    await rig.wait(100)
    assert b"RDY" not in rig.take()
    assert await rig.say("AT+CPOWD=1\r", 60) == b"AT+CPOWD=1\r\r\nNORMAL POWER DOWN\r\n"
    assert rig.modem.power.state == "off"


@pytest.mark.parametrize(
    ("board", "width", "off"),
    [
        ("SIM800L_IP5306_20200811", 1.2, False),
        ("SIM800L_IP5306_20200811", 1.4, False),
        ("SIM800L_IP5306_20200811", 1.5, True),
        ("SIM800L_IP5306_20200811", 30, True),
        ("SIM800C_AXP192_20200609", 0.9, False),
        ("SIM800C_AXP192_20200609", 1.0, True),
    ],
)
def test_key_toggles_a_running_one_off(board, width, off):
    async def body():
        async with Rig(scenario(RUNNING, board=board)) as rig:
            await rig.key(width)
            if not off:
                assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"
                return
            assert rig.take() == b"\r\nNORMAL POWER DOWN\r\n"
            assert await rig.say("AT\r", 1.9) == b""  # deaf while it leaves
            assert rig.modem.power.state == "powering down"
            await rig.wait(0.2)
            assert rig.modem.power.state == "off"
            assert await rig.say("AT\r", 1) == b""

    run(body)


@modem_test(RUNNING, limit=100)
async def test_key_over_33_seconds_restarts(rig):
    rig.modem.pwrkey(True)
    await rig.wait(32.9)
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"
    await rig.wait(3)
    assert rig.take() == BOOT_URCS
    rig.modem.pwrkey(False)
    await rig.wait(1)
    assert await rig.say("AT\r") == b"\r\n+CPIN: READY\r\nAT\r\r\nOK\r\n"


@modem_test(RUNNING)
async def test_on_again_needs_a_rest_of_800_ms(rig):
    await rig.say("AT+CPOWD=1\r", 2.1)
    await rig.key(1.2, 5)  # the press begins 0.1 s after off
    assert rig.take() == b"" and effects(rig) == ["none: too soon after power off"]
    await rig.key(1.2, 2.7)
    assert rig.take() == BOOT_URCS


@modem_test(RUNNING)
async def test_key_while_it_leaves_counts_for_nothing(rig):
    await rig.say("AT+CPOWD=1\r", 1.0)
    await rig.key(3.0, 5)
    assert rig.take() == b"" and rig.modem.power.state == "off"


@pytest.mark.parametrize(
    ("width", "resets"), [(0.05, False), (0.09, False), (0.11, True), (1, True)]
)
def test_reset_wants_105_ms(width, resets):
    async def body():
        async with Rig(RUNNING) as rig:
            rig.modem.reset(True)
            await rig.wait(width)
            rig.modem.reset(False)
            assert effects(rig, "RESET")[0].startswith("reset" if resets else "none")
            answer = await rig.say("AT\r", 1)
            assert answer == (b"" if resets else b"AT\r\r\nOK\r\n")
            await rig.wait(1.7)
            assert rig.take() == (BOOT_URCS if resets else b"")

    run(body)


@modem_test(RUNNING)
async def test_press_during_which_it_went_off_does_not_start_it(rig):
    rig.modem.pwrkey(True)
    await rig.say("AT+CPOWD=0\r", 1.4)
    rig.modem.pwrkey(False)
    await rig.wait(5)
    assert rig.modem.power.state == "off" and effects(rig)[0].startswith("none")


@modem_test(OFF)
async def test_reset_does_not_start_one_that_is_off(rig):
    rig.modem.supply(True)
    rig.modem.reset(True)
    await rig.wait(1)
    rig.modem.reset(False)
    await rig.wait(5)
    assert rig.take() == b"" and effects(rig, "RESET") == ["none: not running"]


@modem_test(RUNNING)
async def test_supply_cut_kills_without_a_word(rig):
    ppp = await rig.dial()
    rig.modem.supply(False)
    await rig.wait(5)
    assert rig.take() == b"" and ppp.closed
    rig.modem.supply(True)
    assert await rig.say("AT\r", 5) == b""
    await rig.key(1.2, 2.7)
    assert rig.take() == BOOT_URCS


@modem_test(RUNNING)
async def test_cpowd(rig):
    assert await rig.say("AT+CPOWD=0\r", 5) == b"AT+CPOWD=0\r"
    assert rig.modem.power.state == "off"
    await rig.key(1.2, 2.7)
    assert rig.take() == BOOT_URCS


@modem_test(scenario(OFF, modem={"boot_time": 2.6}))
async def test_booting_time_counts_from_the_end_of_the_pulse(rig):
    rig.modem.supply(True)
    await rig.key(1.8, 2.5)
    assert rig.take() == b""
    await rig.wait(0.2)
    assert rig.take() == BOOT_URCS


@modem_test(RUNNING)
async def test_soft_reset(rig):
    assert await rig.say("AT+CFUN=1,1\r", 3.5) == b"AT+CFUN=1,1\r\r\nOK\r\n" + BOOT_URCS + (
        b"\r\n+CPIN: READY\r\n"
    )


@modem_test(scenario(OFF, events=(Event("dead"),)))
async def test_dead_modem_takes_keys_and_says_nothing(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 10)
    assert effects(rig) == ["power on"]
    assert await rig.say("AT\rAT\r", 5) == b""


@modem_test(RUNNING)
async def test_stored_profile_survives_power_the_rest_does_not(rig):
    await rig.say("ATE0\r")
    await rig.say("AT+CLTS=1;+CMEE=2;&W\r")
    await rig.say("AT+CREG=2\r")
    rig.modem.supply(False)
    rig.modem.supply(True)
    await rig.key(1.2, 6)
    rig.take()
    assert await rig.say("AT+CLTS?;+CMEE?;+CREG?\r") == (
        b"\r\n+CLTS: 1\r\n\r\n+CMEE: 2\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n"
    )


@modem_test(OFF)
async def test_no_sim_boot(rig):
    rig.modem.inject("sim_removed")
    rig.modem.supply(True)
    await rig.key(1.2, 10)
    assert rig.take() == BOOT_URCS + b"\r\n+CPIN: NOT INSERTED\r\n"


@modem_test(scenario(OFF, sim={"pin": "1234"}))
async def test_pin_boot(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 10)
    assert rig.take() == BOOT_URCS + b"\r\n+CPIN: SIM PIN\r\n"
    assert await rig.say('AT+CPIN="1234"\r', 5) == (
        b'AT+CPIN="1234"\r\r\nOK\r\n\r\n+CPIN: READY\r\n\r\nCall Ready\r\n\r\nSMS Ready\r\n'
    )


@modem_test(OFF)
async def test_call_ready_wants_ciurc(rig):
    rig.modem.supply(True)
    await rig.key(1.2, 4)
    await rig.say("AT+CIURC=0;&W\r", 3)
    await rig.say("AT+CFUN=1,1\r", 0.5)
    rig.take()
    await rig.wait(8)
    assert rig.take() == BOOT_URCS + b"\r\n+CPIN: READY\r\n"
