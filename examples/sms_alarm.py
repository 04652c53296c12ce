# Guards a T-Call's battery: writes to PHONE when it runs low, and answers a message "status" from there.
# Needs a SIM that may send messages, and no data. Ctrl-C ends it.

import time

import ppp_sim800
from board import Board

PHONE = "+491709876543"
LOW_MV = 3600
EVERY_MS = 600000

modem = ppp_sim800.Modem(Board())
warned = False


def report():
    battery = modem.battery()
    return "Battery {} mV, {} %. Signal {} dBm.".format(
        battery.mv, battery.percent, modem.radio.signal()
    )


def guard(warned):
    low = modem.battery().mv < LOW_MV
    if low and not warned:
        modem.sms.send(PHONE, "Low! " + report())
    return low


def answer():
    # All that is unread, not only what an event told of: some may have come before the start.
    for message in modem.sms.list(unread=True):
        if not message.complete:
            continue  # its other parts are on their way
        print(message)
        if message.number == PHONE and message.text.strip().lower() == "status":
            modem.sms.send(PHONE, report())
        modem.sms.delete(message)  # else the card fills up


while True:
    try:
        modem.on()
        modem.sim.ready()
        modem.radio.register()
        event = None
        while not event or event.name not in ("restarted", "switched off"):
            warned = guard(warned)
            answer()
            event = modem.event(EVERY_MS)
            print(event)
    except ppp_sim800.SIM800Error as error:
        print(error)
        time.sleep(10)
