# Telemetry as the Hiveeyes platform and others that run Kotori take it, and as the Terkin datalogger sends it: JSON,
# by MQTT or by HTTPS, to a channel named realm/network/gateway/node. Both ways lead to the same place.
# Wants outbox.py on the board, too.
import gc
import json
import time

import machine
import ppp_sim800
import requests
from outbox import Outbox
from umqtt.simple import MQTTClient

APN = "internet"  # your operator's
TRANSPORT = "mqtt"  # or "https"
BROKER = "mqtt.example"
API = "https://telemetry.example/api"
USER, PASSWORD = None, None  # of the broker
CHANNEL = (
    "hiveeyes/testdrive/area-42/node-1"  # realm, network (owner), gateway (site), node (hive)
)
EVERY_S = 900

wdt = machine.WDT(timeout=180_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)
outbox = Outbox()


def measure():
    # Your sensors here, named as Hiveeyes has it: "weight", "temperature.inside", "humidity.outside", ...
    return {"system.memfree": gc.mem_free()}


def send_mqtt(readings):
    wdt.feed()
    client = MQTTClient(machine.unique_id().hex(), BROKER, user=USER, password=PASSWORD, ssl=True)
    try:
        client.connect(timeout=30)
        for reading in readings:
            client.publish(CHANNEL + "/data.json", json.dumps(reading).encode(), qos=1)
            wdt.feed()
        client.disconnect()
    finally:
        if client.sock:
            client.sock.close()


def send():
    nic.ensure(wdt=wdt)
    if TRANSPORT == "mqtt":
        sent = outbox.deliver(send_mqtt, 10)
    else:
        with requests.Session() as session:  # one connection for all

            def post(readings):
                wdt.feed()
                reply = session.post(
                    "{}/{}/data".format(API, CHANNEL), json=readings[0], timeout=30
                )
                reply.raise_for_status()

            sent = outbox.deliver(post, 1)
    print(sent, "sent by", TRANSPORT)


while True:
    try:
        outbox.put(measure())
        send()
    except Exception as error:  # of the modem, the network, the server, a sensor: next time, then
        print(type(error).__name__, error)
    for _ in range(EVERY_S):
        wdt.feed()
        time.sleep(1)
