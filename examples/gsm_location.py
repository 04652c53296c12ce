# Once a day the board asks where it is, by the cells it hears, and uploads that: for hives that travel, or vanish.
# Precise to some hundred metres, where SIMCom's server knows the cells. In between modem and board sleep.
import time

import machine
import ppp_sim800
import requests

APN = "internet"  # your operator's
URL = "https://telemetry.example/post"
EVERY_S = 86400

if machine.reset_cause() != machine.DEEPSLEEP_RESET:
    time.sleep(5)  # Ctrl-C now keeps the board awake, for you to change something

wdt = machine.WDT(timeout=300_000)  # restarts the board if all else hangs
nic = ppp_sim800.PPP(APN)


def locate():
    # The modem asks by itself, over a bearer of its own: before PPP is up.
    nic.active(True)
    nic.modem.sim.ready()  # a SIM with a PIN wants it here
    wdt.feed()
    nic.modem.radio.register()
    wdt.feed()
    return nic.modem.location()


def upload(place):
    nic.ensure(timeout=120_000, wdt=wdt)
    wdt.feed()
    reply = requests.post(URL, json={"lat": place.lat, "lon": place.lon}, timeout=30)
    reply.close()
    print("uploaded:", reply.status_code)


try:
    upload(locate())
except Exception as error:  # LocationError where the cells are not known
    print(type(error).__name__, error)
wdt.feed()
try:
    nic.active(False)
except ppp_sim800.SIM800Error as error:
    print(error)  # it loses its supply in the sleep anyhow
machine.deepsleep(EVERY_S * 1000)
