"""active(True) finds the modem whatever it was left in, within 15 s and without its reset pin."""

import pytest
from sim800.scenario import Modem

LIMIT_MS = 17_000  # a busy machine takes its part
RATES = (115200, 460800, 9600, 57600, 38400, 19200, 230400)
POWER_ON, HARD_RESET = 1, 2  # of the ESP32, as machine.reset_cause() has it

FIND = """
nic = ppp_sim800.PPP("internet")
timed("found", nic.active, True)
print("imei=" + nic.modem.imei())
timed("connect", nic.connect)
"""


def check(played, limit=LIMIT_MS):
    assert played.value("found") == "ok"
    assert int(played.value("found_ms")) <= limit
    assert played.value("imei") == "861234567890123"
    assert played.value("connect") == "ok"
    assert not played.journal.seen("board", "RST low")


@pytest.mark.parametrize(
    ("rate", "cause"),
    [(rate, HARD_RESET) for rate in RATES]
    + [(rate, POWER_ON) for rate in (115200, 460800, 57600)],
)
def test_in_data_mode(play, rate, cause):
    check(
        play(
            FIND,
            modem=Modem(start="data", ipr=rate),
            env={"SIM_RESET_CAUSE": str(cause)},
            speed=2,
        )
    )


@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("rate", RATES)
def test_in_command_mode(play, rate, echo):
    check(
        play(
            FIND,
            modem=Modem(start="command", ipr=rate, echo=echo),
            env={"SIM_RESET_CAUSE": str(HARD_RESET)},
            speed=2,
        )
    )


@pytest.mark.parametrize("cause", [POWER_ON, HARD_RESET])
@pytest.mark.parametrize("rate", [115200, 460800])
def test_multiplexing(play, rate, cause):
    check(
        play(
            FIND,
            modem=Modem(start="cmux", ipr=rate),
            env={"SIM_RESET_CAUSE": str(cause)},
            speed=2,
        )
    )


@pytest.mark.parametrize("cause", [POWER_ON, HARD_RESET])
@pytest.mark.parametrize("rate", [0, 9600, 460800])
def test_switched_off(play, rate, cause):
    check(play(FIND, modem=Modem(ipr=rate), env={"SIM_RESET_CAUSE": str(cause)}, speed=2))


def test_asleep(play):
    """By 5 s without a byte (AT+CSCLK=2): the first character only wakes it."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.modem.sleep()
time.sleep(8)
nic = ppp_sim800.PPP("internet")
timed("found", nic.active, True)
print("imei=" + nic.modem.imei())
timed("connect", nic.connect)
""",
        speed=2,
    )
    check(played)
