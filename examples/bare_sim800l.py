# A bare SIM800L module on another board: HTTPS over PPP, with the server's certificate checked.
#
# Supply: 3.4 to 4.4 V that bear bursts of 2 A (a LiPo cell, or a converter and 1000 uF), not the board's 3.3 V.
# The small red module has no PWRKEY pin and starts by itself; where yours has one, wire it and name it.
# ESP32: this project's firmware; on another with network.PPP `mpremote mip install package.json` from a checkout.
# Pico W and other RP2 boards: MicroPython built with MICROPY_PY_NETWORK_PPP_LWIP, then mpremote as above.
import socket

import ppp_sim800
import tls
from machine import UART, Pin

UART_ID = 1  # RP2: 0 with the pins below
TX, RX = 27, 26  # to the module's RXD, from its TXD; RP2: 0, 1
RST = 5  # to the module's RST, or None
PWRKEY = None
APN = "internet"
HOST = "telemetry.example"
ROOT = "root.der"  # the certificate that HOST's is signed with


class Board:
    PRESS_ON_MS = 1200
    PRESS_OFF_MS = 2000

    def __init__(self):
        # Open drain: the modem pulls them up to its own 2.8 V.
        self._rst, self._key = [
            None if pin is None else Pin(pin, Pin.OPEN_DRAIN, value=1) for pin in (RST, PWRKEY)
        ]
        self._uart = None

    def uart(self, baudrate):
        if self._uart is None:
            self._uart = UART(
                UART_ID, baudrate, tx=Pin(TX), rx=Pin(RX), timeout=0, rxbuf=8192, txbuf=4096
            )
        else:
            self._uart.init(baudrate=baudrate)
        return self._uart

    def supply(self, on):
        pass  # always on

    def pwrkey(self, pressed):
        if self._key:
            self._key.value(0 if pressed else 1)

    def reset(self, pressed):
        if self._rst is None:
            return False
        self._rst.value(0 if pressed else 1)
        return True


nic = ppp_sim800.PPP(APN, board=Board())
nic.connect()
print("address", nic.ifconfig()[0])

context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
with open(ROOT, "rb") as file:
    context.load_verify_locations(file.read())
s = socket.socket()
s.settimeout(60)
s.connect((nic.resolve(HOST), 443))
s = context.wrap_socket(s, server_hostname=HOST)
s.write(b"GET /ip HTTP/1.0\r\nHost: %s\r\n\r\n" % HOST)
print(str(s.read(), "utf-8"))
s.close()
nic.disconnect()
