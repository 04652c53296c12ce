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
LONGEST_S = 6 * 3600  # between two tries at a server that refuses for now

wdt = machine.WDT(timeout=180_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)
outbox = Outbox()


def measure(number):
    # Your sensors here; until then, what every board can tell.
    return {"number": number, "memory": gc.mem_free()}


def send():
    nic.ensure(wdt=wdt)
    with requests.Session() as session:  # one connection, however much waits

        def post(readings):
            wdt.feed()
            reply = session.post(URL, json=readings, timeout=30)
            print(len(readings), "sent:", reply.status_code)
            reply.raise_for_status()

        outbox.deliver(post, MOST)


number = pause_s = refusals = 0
while True:
    try:
        number += 1
        outbox.put(measure(number))
        if pause_s <= 0:
            send()
            refusals = 0
    except Exception as error:  # of the modem, the network, the server, a sensor: next time, then
        print(type(error).__name__, error)
        if getattr(error, "fate", None) == "refused for now":  # later, and later each time
            pause_s = error.retry_after or min(EVERY_S * 2**refusals, LONGEST_S)
            refusals += 1
    pause_s -= EVERY_S
    for _ in range(EVERY_S):
        wdt.feed()
        time.sleep(1)
