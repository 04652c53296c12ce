# Uses the API as scripts do; a type checker must have nothing to say. Not run.
import asyncio
import ssl
import time
from typing import Any, assert_type

import cmux
import ppp_sim800
import requests
import SIM800L
from board import Board
from machine import UART, WDT, Pin
from ppp_sim800 import aio, ntp, rtc, tls_sessions
from tcall import TCall


class Bare:
    PRESS_ON_MS = 1200
    PRESS_OFF_MS = 2000

    def __init__(self) -> None:
        self._uart = UART(1, 115200, tx=27, rx=26)
        self._key = Pin(4, Pin.OUT, value=1)

    def uart(self, baudrate: int) -> UART:
        return self._uart

    def supply(self, on: bool) -> None:
        pass

    def pwrkey(self, pressed: bool) -> None:
        self._key.value(0 if pressed else 1)

    def reset(self, pressed: bool) -> bool:
        return False


nic = ppp_sim800.PPP("internet", auth=None, board=Bare(), trace=print)
nic = ppp_sim800.PPP(
    "internet", "user", "secret", pin="1234", board=TCall(dtr=True), baudrate=115200
)
assert_type(nic.active(True), bool)
nic.connect(timeout=300000)
nic.ensure(wdt=WDT(timeout=8000))
nic.config(apn="other", probe=("203.0.113.10", 443), hour_budget=50_000)
assert_type(nic.config("hour_budget"), int)
nic.config(day_limit=500_000, month_limit=None, roaming="home data")
assert_type(nic.stats().day, int)
assert_type(nic.ifconfig()[0], str)
assert_type(nic.ipconfig("addr4"), tuple[str, str])
assert_type(nic.status(), str)
assert_type(nic.status("rssi"), int | None)
assert_type(nic.stats().reasons["terminated"], int)
assert_type(nic.resolve("example.org"), str)
if event := nic.event(1000):
    assert_type(event.name, str)
    assert_type(event.detail, Any)

with nic.command_mode() as modem:
    assert_type(modem, ppp_sim800.Modem)
    assert_type(modem.radio.signal(), int | None)
    assert_type(modem.battery().mv, int)
    for message in modem.sms.list(unread=True):
        print(message.number, message.text, message.time)
        modem.sms.delete(message)
    assert_type(modem.sms.send("+491701234567", "hello", parts=2), tuple[int | None, ...])
    modem.sim.unlock("1234")
    assert_type(modem.radio.scan()[0][2], str)
    modem.calls.dial("+491701234567", timeout=20000)
    modem.calls.send_keys("12#")
    assert_type(modem.ussd("*100#"), str)
    place = modem.location()
    print(place.lon, place.lat, place.time[0])
    assert_type(modem.firmware(), tuple[int, ...])
    modem.clock.set((2026, 12, 31, 23, 59, 59))
    modem.sleep()
response = modem.http.request("POST", "http://example.org/", data=b"1", headers={"X": "1"})
assert_type(response.content, bytes)
for piece in response:
    assert_type(piece, bytes)

context = ssl.create_default_context(cafile="root.pem")
context.pin_keys(ssl.public_key_digest(b""), "00" * 32)
context.max_fragment_length = None
requests.get("https://example.org/", ssl_context=context)
tls_sessions.clear()
assert_type(ntp.set_clock(), bool)
assert_type(rtc.text(rtc.now()), str)

try:
    nic.connect()
except ppp_sim800.PINWrong as error:
    assert_type(error.tries, int | None)
except ppp_sim800.ATError as error:
    print(error.command, error.result, error.code)
except ssl.SSLError as error:
    assert_type(error.reason, str)
except ppp_sim800.SIM800Error as error:
    print(str(error))


async def main() -> None:
    link = aio.PPP("internet", board=Board())
    await link.connect()
    async with link.command_mode() as modem:
        assert_type(await modem.radio.signal(), int | None)
        for call in await modem.calls.list():
            print(call.state)
    async with link.kept_up() as kept:
        assert_type(kept.isconnected(), bool)
        event = await kept.event(1000)
        assert_type(event, ppp_sim800.Event | None)
    answer = await link.modem.http.request("GET", "http://example.org/")
    assert_type(await answer.content(), bytes)
    async for piece in answer:
        assert_type(piece, bytes)
    await nic.aio.connect()
    assert_type(await nic.modem.aio.imei(), str)
    task = asyncio.create_task(link.keep_up())
    task.cancel()


asyncio.run(main())

old = SIM800L.Modem(MODEM_PWKEY_PIN=4, MODEM_TX_PIN=26, MODEM_RX_PIN=27)
old.initialize()
old.connect(apn="internet")
assert_type(old.http_request("https://example.org/", "POST", "{}").content, str)

mux = cmux.CMUX(UART(1), t1=500)
channel = mux.open(1)
while channel.state() != cmux.OPEN:
    time.sleep_ms(10)
channel.write(b"AT\r")
