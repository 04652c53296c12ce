# Once a day the board asks where it is, by the cells it hears, and uploads that: for hives that travel, or vanish.
# Precise to some hundred metres, where SIMCom's server knows the cells.
import time

import machine
import ppp_sim800
import requests

APN = "internet"  # your operator's
URL = "https://telemetry.example/post"
EVERY_S = 86400

wdt = machine.WDT(timeout=300_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)


def locate():
    # The modem asks by itself, over a bearer of its own: PPP must be down meanwhile.
    nic.active(True)
    nic.disconnect()
    nic.modem.sim.ready()  # a SIM with a PIN wants it here
    return nic.modem.location()


def upload(place):
    nic.ensure(wdt=wdt)
    wdt.feed()
    reply = requests.post(URL, json={"lat": place.lat, "lon": place.lon}, timeout=30)
    reply.close()
    print("uploaded:", reply.status_code)


while True:
    try:
        upload(locate())
    except Exception as error:  # LocationError where the cells are not known
        print(type(error).__name__, error)
    for _ in range(EVERY_S):
        wdt.feed()
        time.sleep(1)
