"""What the package takes: bytecode in flash, memory that lasts."""

from world import ROOT

FROZEN = ROOT / "build" / "vm" / "frozen_mpy" / "ppp_sim800"
BYTECODE = 40_000


def test_bytecode(vm):
    sizes = {file.name: file.stat().st_size for file in FROZEN.rglob("*.mpy")}
    assert sizes
    assert sum(sizes.values()) <= BYTECODE, sizes


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
