# Every ten minutes a reading goes out as JSON over HTTPS. What cannot be sent waits in flash until it can.
# Wants outbox.py on the board, too.
import gc
import time

import machine
import ppp_sim800
import requests
from outbox import Outbox

APN = "internet"  # your operator's
URL = "https://telemetry.example/post"  # gets a list of readings
EVERY_S = 600
MOST = 20  # readings in a request

wdt = machine.WDT(timeout=180_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)
outbox = Outbox()


def measure():
    # Your sensors here; until then, what every board can tell.
    return {"uptime": time.ticks_ms() // 1000, "memory": gc.mem_free()}


def send():
    nic.ensure(wdt=wdt)
    with requests.Session() as session:  # one connection, however much waits
        while readings := outbox.first(MOST):
            wdt.feed()
            reply = session.post(URL, json=readings, timeout=30)
            print(len(readings), "sent:", reply.status_code)
            if not 200 <= reply.status_code < 300:
                break  # they stay
            outbox.remove(len(readings))


while True:
    try:
        outbox.put(measure())
        send()
    except Exception as error:  # of the modem, the network, the server, a sensor: next time, then
        print(type(error).__name__, error)
    for _ in range(EVERY_S):
        wdt.feed()
        time.sleep(1)
