# Several things at once, with asyncio: a sample every ten seconds, their mean uploaded every ten minutes, a LED that
# tells the link's state, and a task that keeps the link up.
import asyncio
import gc
import socket

import aiohttp
import machine
from ppp_sim800 import aio

APN = "internet"  # your operator's
URL = "https://telemetry.example/post"
SAMPLE_S = 10
EVERY_S = 600
LED = 13  # the T-Call's; on most of its revisions

wdt = machine.WDT(timeout=60_000)  # fed by the task that keeps the link up
nic = aio.PPP(APN)
socket.resolver = nic.resolve  # asks both of the network's name servers
samples = []


def read_sensor():
    return gc.mem_free()  # your sensor here


async def sample():
    while True:
        samples.append(read_sensor())
        del samples[:-1000]
        await asyncio.sleep(SAMPLE_S)


async def blink():
    led = machine.Pin(LED, machine.Pin.OUT)
    while True:  # slowly while the link is up, else fast
        led.value(not led.value())
        await asyncio.sleep_ms(1000 if nic.isconnected() else 200)


async def upload():
    while True:
        await asyncio.sleep(EVERY_S)
        if samples:
            count, mean = len(samples), sum(samples) / len(samples)
            # requests would hold up all other tasks while it waits; this does not. The certificate is checked.
            session = aiohttp.ClientSession(timeout=30)
            async with session, session.post(URL, json={"mean": mean, "samples": count}) as reply:
                if reply.ok:
                    del samples[:count]
            print(count, "samples uploaded:", reply.status)


async def go_online():
    while True:
        try:
            async with nic.kept_up(wdt):
                await upload()
        except Exception as error:  # of the modem, the network, the server: begin again
            print(type(error).__name__, error)
            await asyncio.sleep(10)


async def main():
    await asyncio.gather(sample(), blink(), go_online())


asyncio.run(main())
