# Guards a T-Call's battery: writes to PHONE when it runs low, and answers a message "status" from there.
# Needs a SIM that may send messages, and no data.
import os

import machine
import ppp_sim800
from board import Board

PHONE = "+491709876543"
LOW_MV = 3600
OK_MV = 3700  # only from here on is the battery no longer low: it swings, and each message costs
EVERY_S = 600
WARNED = "warned"  # a file that is there while PHONE knows: a low battery may restart the board

wdt = machine.WDT(timeout=300_000)  # restarts the board if all else hangs
modem = ppp_sim800.Modem(Board())
asked = False  # for a report that could not be sent yet


def report():
    battery = modem.battery()
    return "Battery {} mV, {} %. Signal {} dBm.".format(
        battery.mv, battery.percent, modem.radio.signal()
    )


def guard():
    mv = modem.battery().mv
    warned = WARNED in os.listdir()
    if mv < LOW_MV and not warned:
        modem.sms.send(PHONE, "Low! " + report())
        open(WARNED, "w").close()
    elif mv >= OK_MV and warned:
        os.remove(WARNED)


def is_asked():
    # True if a message asks for the report. All there are, not only what an event told of: some may have come before
    # the start.
    asked = False
    for message in modem.sms.list():
        wdt.feed()
        if not message.complete:
            continue  # its other parts are on their way
        print(message)
        modem.sms.delete(message)  # whether or not the answer can be sent: else the card fills up
        if message.number == PHONE and message.text.strip().lower() == "status":
            asked = True
    used, places = modem.sms.room()
    if used > places // 2:
        modem.sms.delete_all()  # parts whose others never came
    return asked


def wait():
    # EVERY_S, or until something happens.
    for _ in range(EVERY_S):
        wdt.feed()
        if event := modem.event(1000):
            print(event)
            break


while True:
    try:
        modem.on()  # also after it has restarted by itself; else it stays as it is
        wdt.feed()
        modem.sim.ready()
        modem.radio.register()
        asked = is_asked() or asked
        wdt.feed()
        guard()
        if asked:
            wdt.feed()
            modem.sms.send(PHONE, report())
            asked = False
    except Exception as error:  # of the modem, the network, PHONE: next time, then
        print(type(error).__name__, error)
    wait()
