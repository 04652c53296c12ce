"""python-gsmmodem-new at work, in the environment that has it: what it did, a line each.

usage: foreign_gsmmodem.py PORT
"""

import sys
import threading

from gsmmodem.modem import GsmModem

received, rang = threading.Event(), threading.Event()


def sms(message):
    print("sms", message.number, message.text)
    received.set()


def call(incoming):
    print("call", incoming.ringCount)
    incoming.hangup()
    rang.set()


modem = GsmModem(sys.argv[1], 115200, smsReceivedCallbackFunc=sms, incomingCallCallbackFunc=call)
modem.connect(waitingForModemToStartInSeconds=2)
print("modem", modem.manufacturer, modem.model, modem.imei, modem.imsi)
print("network", modem.networkName, modem.signalStrength, modem.waitForNetworkCoverage(10))
print("number", modem.ownNumber)
print("smsc", modem.smsc)
sent = modem.sendSms("+49151123", "Hello there", waitForDeliveryReport=True, deliveryTimeout=30)
print("report", sent.report.deliveryStatus)
modem.smsTextMode = True
modem.sendSms("+49151123", "In text mode")
modem.smsTextMode = False
modem.sendSms("+49151123", "Grüße " * 40 + "Ж")
modem.write('AT+CSCS="GSM"')  # it left UCS2, and does not write codes so
print("ussd", modem.sendUssd("*100#").message)
print("ready", flush=True)
assert received.wait(20)
assert rang.wait(20)
print("stored", [m.text for m in modem.listStoredSms()])
modem.close()
print("done")
