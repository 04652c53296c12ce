"""What the package takes of the chip's memory."""

IMPORT = 6_000  # bytes of the heap, frozen

SCRIPT = """
import gc
import collections, errno, machine, network, socket

def used():
    gc.collect()
    return gc.mem_alloc()

before = used()
import ppp_sim800
print("import=%d" % (used() - before))
nic = ppp_sim800.PPP("internet")
nic.connect()
print("up=%d" % (used() - before))
print("status=%s" % nic.status())
"""


def test_memory(bench):
    async def body(chip):
        await chip.soft_reset()
        return (await chip.run(SCRIPT)).lines

    values = dict(line.split("=") for line in bench(body))
    assert 1_000 < int(values["import"]) <= IMPORT
    assert int(values["up"]) < 27_000  # with its buffers, the multiplexer's too
    assert values["status"] == "up"
