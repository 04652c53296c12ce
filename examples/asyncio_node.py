# Several things at once, with asyncio: a sample every ten seconds, their mean uploaded every ten minutes, a LED that
# tells the link's state, and a task that keeps the link up.
import asyncio
import gc
import json

import machine
from ppp_sim800 import aio

APN = "internet"  # your operator's
HOST, PATH = "telemetry.example", "/post"
SAMPLE_S = 10
EVERY_S = 600
LED = 13  # the T-Call's; on most of its revisions

wdt = machine.WDT(timeout=60_000)  # fed by the task that keeps the link up
nic = aio.PPP(APN)
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


async def post(reading):
    # requests would hold up all other tasks while it waits; this does not. The certificate is checked.
    body = json.dumps(reading)
    reader, writer = await asyncio.open_connection(HOST, 443, ssl=True)
    try:
        writer.write(
            "POST {} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n"
            "Content-Length: {}\r\n\r\n{}".format(PATH, HOST, len(body), body).encode()
        )
        await writer.drain()
        return int((await reader.readline()).split()[1])
    finally:
        writer.close()
        await writer.wait_closed()


async def upload():
    while True:
        await asyncio.sleep(EVERY_S)
        if samples:
            count, mean = len(samples), sum(samples) / len(samples)
            status = await asyncio.wait_for(post({"mean": mean, "samples": count}), 90)
            print(count, "samples uploaded:", status)
            if 200 <= status < 300:
                del samples[:count]


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
