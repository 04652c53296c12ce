# Runs on the board: the whole way from a modem without power to HTTPS, step by step.
import ssl
import time

import ppp_sim800
import requests

DEVICE = "beehive 7"

nic = ppp_sim800.PPP("internet")
modem = nic.modem

print("== power")
nic.active(True)
print("modem: {}, IMEI {}".format(modem.info(), modem.imei()))
if modem.firmware() < (14, 0):
    print("this firmware has no TLS of its own")

print("== network")
print("SIM: {}, ICCID {}".format(modem.sim.state(), modem.sim.iccid()))
modem.radio.register()
for name, short, number, status in modem.radio.scan():
    print(
        "scan: {} {} ({})".format(number, name, ("?", "available", "current", "forbidden")[status])
    )
print("registered with {}, signal {} dBm".format(modem.radio.operator(), modem.radio.signal()))

print("== link")
nic.connect()
address, mask, peer, dns = nic.ifconfig()
print("address {} mask {} peer {} name server {}".format(address, mask, peer, dns))
print("clock: {:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC".format(*time.gmtime()[:6]))

print("== dns")
print("telemetry.example is {}".format(nic.resolve("telemetry.example")))

# Without a context requests trusts the roots in the firmware, Mozilla's. The servers of this simulated internet
# have certificates of its own root, so that alone is trusted here. mbedTLS checks signature, name and dates.
context = ssl.create_default_context(cafile="root.der")

print("== get")
reply = requests.get("https://telemetry.example/ip", ssl_context=context)
print("GET  {} {}".format(reply.status_code, reply.json()))

print("== post")
reading = {"device": DEVICE, "weight": 42.7, "humidity": 61}
reply = requests.post("https://telemetry.example/post", json=reading, ssl_context=context)
echoed = reply.json()["json"]
print("POST {} {}".format(reply.status_code, echoed))
if echoed != reading:
    raise SystemExit("the server echoed something else than was sent")

print("== refuse")
for host in ("unknownca.example", "wronghost.example", "expired.example"):
    try:
        requests.get("https://{}/ip".format(host), ssl_context=context)
    except ppp_sim800.TLSError as error:
        print("{} refused: {}".format(host, error))
    else:
        raise SystemExit("{} was trusted".format(host))

print("== off")
nic.disconnect()
nic.active(False)
print("modem off")
