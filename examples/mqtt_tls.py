# Every ten minutes a reading goes out over MQTT, by TLS, and the broker acknowledges it.
import json
import time

import machine
import ppp_sim800
from umqtt.simple import MQTTClient

APN = "internet"  # your operator's
BROKER = "mqtt.example"
USER, PASSWORD = None, None
TOPIC = b"hives/hive-1/data.json"
EVERY_S = 600

wdt = machine.WDT(timeout=180_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)


def measure():
    # Your sensors here. This is what the modem can tell of the board: its battery, and how well it hears the network.
    with nic.command_mode() as modem:
        return {"battery": modem.battery().mv, "signal": modem.radio.signal()}


def publish(reading):
    wdt.feed()
    # Port 8883, and the broker's certificate is checked.
    client = MQTTClient(machine.unique_id().hex(), BROKER, user=USER, password=PASSWORD, ssl=True)
    try:
        client.connect(timeout=30)
        client.publish(TOPIC, json.dumps(reading).encode(), qos=1)
        print("published")
        client.disconnect()
    finally:
        if client.sock:
            client.sock.close()


while True:
    try:
        nic.ensure(wdt=wdt)
        publish(measure())
    except Exception as error:  # of the modem, the network, the broker, a sensor: next time, then
        print(type(error).__name__, error)
    for _ in range(EVERY_S):
        wdt.feed()
        time.sleep(1)
