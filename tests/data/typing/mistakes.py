# Mistakes that a type checker must find, each where its line says so. Not run.
import ssl

import ppp_sim800
from ppp_sim800 import aio

nic = ppp_sim800.PPP()  # error: call-arg
nic = ppp_sim800.PPP("internet", pin=1234)  # error: arg-type
nic = ppp_sim800.PPP("internet", baudrate=9600)  # error: arg-type
nic = ppp_sim800.PPP("internet", auth="mschap")  # error: arg-type
nic = ppp_sim800.PPP("internet", board=26)  # error: arg-type
nic.dial()  # error: attr-defined
nic.connect("internet", "user")  # error: arg-type
nic.connect(timeout="10 s")  # error: arg-type
nic.connect(seconds=10)  # error: call-arg
nic.status("signal")  # error: call-overload
nic.config(password=1)  # error: call-overload
nic.config("password")  # error: call-overload
print(nic.event().name)  # error: union-attr
nic.modem.radio.signal() + 1  # error: operator
nic.modem.sms.send(491701234567, "hello")  # error: arg-type
nic.modem.sms.send("+491701234567", "hello", True)  # error: call-arg
nic.modem.sim.unlock(1234)  # error: arg-type
nic.modem.clock.set((2026, 12, 31))  # error: arg-type
nic.modem.http.request("PUT", "http://example.org/")  # error: arg-type
print(nic.modem.battery().volts)  # error: attr-defined
with nic.command_mode() as modem:
    modem.connect()  # error: attr-defined
context = ssl.create_default_context("root.pem")  # error: call-arg
context.pin_keys(1)  # error: arg-type
print(ppp_sim800.NoSuchError)  # error: attr-defined


async def main() -> None:
    link = aio.PPP("internet")
    link.connect()  # error: unused-coroutine
    print(link.modem.radio.signal() + 1)  # error: operator
    await link.isconnected()  # error: misc
    link.status("rssi")  # error: call-overload
    nic.aio.connect()  # error: unused-coroutine
    await nic.active(True)  # error: misc
