"""Many messages at random moments of connects, recoveries and resets: each is told once, none twice.

SIM_MESSAGES=1000 has so many, SIM_SEED another course of things.
"""

import os
import re

import pytest
from sim800.scenario import Modem

MESSAGES = int(os.environ.get("SIM_MESSAGES", "60"))
SEED = int(os.environ.get("SIM_SEED", "1"))

SCRIPT = """
import asyncio, random
from ppp_sim800 import aio

random.seed(SEED)
nic = aio.PPP("internet", multiplex=MULTIPLEX)
nic.config(hour_budget=100_000_000, day_budget=1_000_000_000)
sms = nic.modem.sms
told = 0

async def take(index):
    # Read and deleted, whatever the modem does meanwhile.
    global told
    message = None
    while True:
        try:
            if not message:
                message = await sms.read(index)
                if message is None:
                    return
                told += 1
                print("told=%d,%d,%s" % (int(message.text.split()[0]), len(message.text), message.complete))
            await sms.delete(message)
            return
        except ppp_sim800.SIM800Error:
            await asyncio.sleep(1)

async def hear():
    while True:
        event = await nic.event(1000)
        if event and event.name == "sms":
            await take(event.detail)

async def ensure():
    while not nic.isconnected():
        try:
            await nic.ensure()
        except ppp_sim800.SIM800Error:
            await asyncio.sleep(1)

async def connect():
    await nic.connect()

async def disconnect():
    await nic.disconnect()

async def reset():
    await nic.modem.reset()

async def off():
    await nic.active(False)

async def command_mode():
    if nic.isconnected():
        async with nic.command_mode():
            await asyncio.sleep(3)

def fault(word):
    async def strike():
        do(word)
        await asyncio.sleep(random.uniform(0, 8))
        await ensure()
    return strike

ACTS = (
    connect, disconnect, reset, off, command_mode, ensure, connect, command_mode,
    fault("modem_reset"), fault("no_carrier"), fault("pdp_deact"), fault("cmux_cld"),
    fault("undervoltage_off"), fault("registration_lost"),
)

async def main():
    hearing = asyncio.create_task(hear())
    sent = 0
    while sent < MESSAGES:
        for _ in range(min(MESSAGES - sent, random.randrange(6))):
            text = "%d %s" % (sent, "x" * random.choice((5, 5, 5, 150, 300)))
            do("later %.2f sms_received text='%s'" % (random.uniform(0, 12), text))
            sent += 1
        try:
            await random.choice(ACTS)()
        except ppp_sim800.SIM800Error as error:
            print("error=%s" % error)
        do("registration_back")
        await asyncio.sleep(random.uniform(0, 4))
    await nic.active(False)
    await connect()
    await disconnect()
    # In turns with PPP the card fills up, and the network waits: as long as more come.
    before = -1
    while told > before:
        before = told
        await asyncio.sleep(40)
    hearing.cancel()
    print("left=%r" % [m.text for m in await sms.list()])

asyncio.run(main())
"""


@pytest.mark.parametrize("multiplex", [True, False])
@pytest.mark.parametrize("rate", [0, 115200])
def test_each_is_told_once(play, multiplex, rate):
    """rate: what the modem has stored; with one it says RDY when it restarts."""
    script = SCRIPT.replace("MESSAGES", str(MESSAGES)).replace("MULTIPLEX", str(multiplex))
    played = play(
        script.replace("SEED", str(SEED)),
        modem=Modem(start="command", ipr=rate),
        speed=20,
        timeout=120 + 3 * MESSAGES,
    )
    told = [eval(line[5:]) for line in played.lines if line.startswith("told=")]
    sent = {
        int(text.split()[0]): len(text)
        for text in re.findall(r"sms_received text='([^']*)'", played.result.stdout)
    }
    assert len(sent) == MESSAGES
    numbers = [number for number, _, _ in told]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    assert twice == []
    assert sorted(numbers) == sorted(sent)
    assert {number: length for number, length, _ in told} == sent
    assert all(whole for _, _, whole in told)
    assert played.value("left") == "[]"
