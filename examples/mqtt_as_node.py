# MQTT with asyncio: readings out, commands in, over one connection that mqtt_as keeps through every outage.
# Wants mqtt_as.py on the board, too: https://github.com/peterhinch/micropython-mqtt, its mqtt_as/__init__.py as it is.
import asyncio
import gc
import json
import sys

import machine
from ppp_sim800 import aio

APN = "internet"  # your operator's
BROKER = "mqtt.example"
USER, PASSWORD = "", ""
TOPIC = b"hives/hive-1/data.json"
COMMANDS = b"hives/hive-1/set"
EVERY_S = 60

wdt = machine.WDT(timeout=60_000)  # fed by the task that keeps the link up
nic = aio.PPP(APN)


class Network:
    # What mqtt_as asks of Wi-Fi. It may not touch the link, which is kept up by kept_up(): it waits until there is one.
    STA_IF = STAT_IDLE = STAT_CONNECTING = 0

    def WLAN(self, _):
        return self

    def isconnected(self):
        return nic.isconnected()

    def active(self, *_):
        return True

    def status(self):
        return self.STAT_IDLE

    def connect(self, *_):
        pass

    disconnect = connect


sys.modules["network"] = Network()
from mqtt_as import MQTTClient, config  # noqa: E402

del sys.modules["network"]


def measure():
    return {"uptime": machine.RTC().datetime()[4:7], "free": gc.mem_free()}  # your sensors here


async def receive(client):
    async for topic, message, _ in client.queue:
        print(topic.decode(), "says", message.decode())


async def subscribe(client):
    while True:  # after each connect
        await client.up.wait()
        client.up.clear()
        await client.subscribe(COMMANDS, 1)


async def send(client):
    while True:
        await client.publish(
            TOPIC, json.dumps(measure()).encode(), qos=1
        )  # waits through an outage
        print("published")
        await asyncio.sleep(EVERY_S)


async def main():
    # The handshake is done bit by bit (do_handshake), so that it does not hold up the other tasks.
    config.update(
        server=BROKER,
        user=USER,
        password=PASSWORD,
        ssl=True,
        ssl_params={"server_hostname": BROKER, "do_handshake": False},
        keepalive=240,  # it pings each quarter of that
        response_time=30,
        queue_len=4,
    )
    async with nic.kept_up(wdt=wdt):
        client = MQTTClient(config)
        while True:
            try:
                await client.connect(quick=True)
                break
            except Exception as error:  # of the network, the broker: later ones mqtt_as sees to
                print(type(error).__name__, error)
                await asyncio.sleep(10)
        await asyncio.gather(receive(client), subscribe(client), send(client))


asyncio.run(main())
