"""What the package takes: bytecode in flash, memory that lasts."""

import re

import pytest
from world import ROOT

FROZEN = ROOT / "build" / "vm" / "frozen_content.c"
# Bytes of bytecode: the package, and what stands beside it because it knows no modem. umqtt was 2_250 without bounds,
# pings and words.
BYTECODE = {
    **{"ppp_sim800": 50_100, "ssl": 5_320, "nettime": 2_650, "umqtt": 5_100, "smspdu": 2_400},
    "signed_update": 3_400,
}


@pytest.mark.parametrize("module", BYTECODE)
def test_bytecode(vm, module):
    """As mpy-tool froze it; names are shared with all else that is frozen."""
    sizes = re.findall(rf"const byte fun_data_{module}_\w+\[(\d+)\]", FROZEN.read_text())
    assert len(sizes) > 10
    assert sum(map(int, sizes)) <= BYTECODE[module]


def test_bytecode_of_the_http_clients(vm):
    """requests, aiohttp and what they share; micropython-lib's requests with its patches alone had 2,740."""
    modules = "http1|requests|aiohttp|socket|urequests|ussl|hostname|alabel|printable"
    names = rf"const byte fun_data_(?:{modules})_\w+\[(\d+)\]"
    sizes = re.findall(names, FROZEN.read_text())
    assert len(sizes) > 50
    assert sum(map(int, sizes)) <= 14_220


def test_a_command_allocates_nothing_that_lasts(play):
    played = play(
        """
import gc
nic = ppp_sim800.PPP("internet")
nic.active(True)
modem = nic.modem
modem.sim.ready()
modem.radio.register()
time.sleep_ms(3000)

def many(count):
    for _ in range(count):
        modem.imei()
    while nic.event():
        pass
    gc.collect()
    return gc.mem_alloc()

many(10)
before = many(10)
print("lasts=%d" % (many(1000) - before))
"""
    )
    # The least that could last is a block of 16 bytes a command; what the stack happens to hold is less.
    assert int(played.value("lasts")) < 1000
