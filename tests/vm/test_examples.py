"""The scripts in examples/, run on the simulated board as they are but for what a user fills in."""

import re
from pathlib import Path

import pytest
from sim800.scenario import Modem

EXAMPLES = Path(__file__).parents[2] / "examples"

# The T-Call's wires, to a modem whose supply nobody switches.
WIRES = {"TX, RX": "27, 26", "RST": "5", "PWRKEY": "4"}
SUPPLIED = "from machine import Pin\nPin(23, Pin.OUT, value=1)\n"


def script(name: str, **filled_in: str) -> str:
    """The example with its constants filled in."""
    text = (EXAMPLES / name).read_text()
    for constant, value in {**WIRES, **filled_in}.items():
        text, count = re.subn(
            rf"^{constant} = [^#\n]*", f"{constant} = {value}  ", text, flags=re.MULTILINE
        )
        assert count == 1, constant
    return SUPPLIED + text


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("bare_sim800l.py", {}),
        # PPP and names as on a port with its own lwIP, without this project's patches for the ESP32
        ("bare_sim800l_pico.py", {"SIM_PPP_INPUT": "scheduler", "SIM_BLOCKING": "poll"}),
    ],
)
@pytest.mark.parametrize("start", ["off", "command", "data"])
def test_bare_module(play, name, env, start):
    text = re.sub(r"UART\(\s*0,", "UART(1,", script(name))
    played = play(text, modem=Modem(start=start), env=env)
    assert "address 10.64.64.64" in played.lines
    assert '{"origin": "198.51.100.7"}' in played.lines


def test_bare_module_without_a_key(play):
    """As the small red ones are: on as soon as they are supplied."""
    played = play(script("bare_sim800l.py", PWRKEY="None"), modem=Modem(start="command"))
    assert '{"origin": "198.51.100.7"}' in played.lines
