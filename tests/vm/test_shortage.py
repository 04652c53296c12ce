"""Memory that runs out anywhere on the way: nothing is left in a state that memory set free would not mend."""

import pytest
from sim800.scenario import Modem

FILL = """
import gc

def filled(left):
    # All of the heap but `left` bytes in one piece; what is returned holds it.
    gc.collect()
    spare = bytearray(left)
    held = None
    size = 1 << 17
    while size >= 32:
        try:
            held = (held, bytearray(size))
        except MemoryError:
            size //= 2
    spare = None
    gc.collect()
    return held

def told(call, *args):
    try:
        call(*args)
        return "ok"
    except BaseException as error:
        return type(error).__name__

"""


LEFT = (300, 600, 1000, 2000, 3000, 4000, 6000, 8000, 9000, 9500, 10000, 10500, 12000)


@pytest.mark.parametrize("left", LEFT)
def test_connect_without_memory(play, left):
    played = play(
        FILL
        + f"""
nic = ppp_sim800.PPP("internet")
held = filled({left})
short = told(nic.connect)
held = None
gc.collect()
print("short=" + short)
print("status=" + nic.status())
timed("again", nic.connect)
print("address=" + nic.ifconfig()[0])
timed("last", nic.disconnect)
timed("at", nic.modem.at, "AT")
""",
        modem=Modem(start="command"),
        speed=5,
    )
    assert played.value("short") in ("ok", "MemoryError", "NegotiationFailed", "OSError")
    assert played.value("again") == "ok"
    assert played.value("address") == "10.64.64.64"
    assert played.value("last") == "ok"
    assert played.value("at") == "ok"


@pytest.mark.parametrize("left", [300, 600, 1000, 2000, 3000, 4000])
@pytest.mark.parametrize("fault", ["", "no_carrier", "modem_reset"])
def test_link_is_lost_without_memory(play, left, fault):
    played = play(
        FILL
        + f"""
nic = ppp_sim800.PPP("internet")
nic.connect()
import socket
def look():
    with nic.command_mode() as modem:
        modem.radio.signal()
if {fault!r}:
    do({fault!r})
    time.sleep(12)
held = filled({left})
short = [told(nic.ensure), told(look), told(nic.disconnect)]
held = None
gc.collect()
print("short=" + " ".join(short))
timed("again", nic.ensure)
print("address=" + nic.ifconfig()[0])
timed("look", look)
timed("last", nic.disconnect)
timed("at", nic.modem.at, "AT")
""",
        modem=Modem(start="command"),
        speed=5,
    )
    for what in ("again", "look", "last", "at"):
        assert played.value(what) == "ok"
    assert played.value("address") == "10.64.64.64"


def test_the_task_that_keeps_the_link_up_survives_it(play):
    played = play(
        FILL
        + """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        do("no_carrier")
        held = filled(1500)
        await asyncio.sleep(20)
        held = None
        gc.collect()
        await asyncio.sleep(60)
        print("status=" + nic.status())

asyncio.run(main())
""",
        modem=Modem(start="command"),
        speed=5,
    )
    assert played.value("status") == "up"


TEXTS = """
import gc, smspdu

def each(text):
    for char in text:
        pass

def index(text):
    for i in range(len(text)):
        text[i]

def fill(round):
    # Twenty messages of 70 characters that nobody has sent before
    for message in range(20):
        first = 0x4E00 + 70 * (20 * round + message)
        data = b"".join([code.to_bytes(2, "big") for code in range(first, first + 70)])
        text = smspdu.decode(data, smspdu.UCS2)
        assert len(text) == 70 and ord(text[69]) == first + 69, text
        each(text)
        index(text)
        assert text[5:6] == text[5] == chr(first + 5) and {text[5]: 1}[chr(first + 5)] == 1

used = []
for round in range(6):
    fill(round)
    gc.collect()
    used.append(gc.mem_alloc())
print("grown={}".format(used[-1] - used[0]))
"""


def test_text_from_outside_keeps_no_memory(play):
    """Whoever sends messages of ever other characters takes none of it for good: each was kept once, as a qstr."""
    assert int(play(TEXTS).value("grown")) < 500
