# For a battery: wakes every hour, measures, sends, switches the modem off and sleeps deeply until the next.
# Wants outbox.py on the board, too.
#
# The clock (RTC), the link's counters and the TLS sessions (flash) outlive the sleep: no time server is asked
# again, and the server resumes the session instead of proving itself anew.
import gc
import time

import machine
import ppp_sim800
import requests
from outbox import Outbox

APN = "internet"  # your operator's
URL = "https://telemetry.example/post"  # gets a list of readings
EVERY_S = 3600
LOW_MV = 3500  # below it the modem is not asked to send: its bursts would pull the battery down
LOW_EVERY_S = 6 * 3600  # meanwhile: to ask the modem for the voltage costs some, too
MOST = 20  # readings in a request

if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    time.sleep(5)  # Ctrl-C now keeps the board awake, for you to change something

wdt = machine.WDT(timeout=300_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)
outbox = Outbox()


def measure():
    # Your sensors here; until then, what every board can tell.
    return {"memory": gc.mem_free()}


def send():
    nic.ensure(timeout=120_000, wdt=wdt)  # no network within two minutes: next time
    with requests.Session() as session:  # one connection, however much waits

        def post(readings):
            wdt.feed()
            reply = session.post(URL, json=readings, timeout=30)
            print(len(readings), "sent:", reply.status_code)
            reply.raise_for_status()

        outbox.deliver(post, MOST)


sleep_s = EVERY_S
try:
    reading = measure()
    try:
        nic.active(True)
        reading["battery"] = nic.modem.battery().mv
    finally:
        outbox.put(reading)  # whatever the modem does
    if reading["battery"] >= LOW_MV:
        send()
    else:
        print("battery low, not sent:", reading["battery"], "mV")
        sleep_s = LOW_EVERY_S
except Exception as error:  # of the modem, the network, the server, a sensor: next time, then
    print(type(error).__name__, error)
    # A server that refuses for now may say for how long; no longer than a day.
    sleep_s = max(sleep_s, min(getattr(error, "retry_after", None) or 0, 86400))
try:
    nic.active(False)
except ppp_sim800.SIM800Error as error:
    print(error)  # it loses its supply in the sleep anyhow
machine.deepsleep(sleep_s * 1000)
