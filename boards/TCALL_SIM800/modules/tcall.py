"""LilyGO/TTGO T-Call: pins, rails and power chip of all its revisions. Knows no AT.

Source: the vendor's utilities.h and schematics; HW is SIM800L Hardware Design V1.02.
"""

from machine import I2C, UART, Pin
from micropython import const

UART_ID = const(1)
TX = const(27)  # to the modem
RX = const(26)  # from the modem
PWRKEY = const(4)  # low: key pressed
RST = const(5)  # low: key pressed; not wired on the SIM800C
DTR = const(32)  # low: the modem is to be awake
RI = const(33)  # low: it rings, or has a message
SDA = const(21)
SCL = const(22)

# The modem's supply switch: 23 with an IP5306 and on the SIM800L with an AXP192, 25 on the SIM800C with
# an AXP192. Which of the last two it is cannot be seen from the chip; the other pin is not wired there.
SUPPLY_IP5306 = (23,)
SUPPLY_AXP192 = (23, 25)

_IP5306 = const(0x75)
_IP5306_SYS_CTL0 = const(0x00)
_IP5306_BOOST_KEEP = const(0x02)  # stay on below 45 mA, instead of switching off after 32 s
_AXP192 = const(0x34)


class TCall:
    """A T-Call as ppp_sim800 wants a board.

    supply: pin number (or several) of the modem's supply switch; None: by the power chip found.
    dtr: True if DTR and RI are wired, as on the v1.4 with an IP5306 (not on its v1.3, and they look alike from
        inside); None: by the power chip found.
    """

    # Long enough to start the modem (1 s, HW 3.2.1), too short to switch off a running one (1.5 s, HW 3.2.3).
    PRESS_ON_MS = const(1200)
    PRESS_OFF_MS = const(2000)

    def __init__(self, supply=None, dtr=None):
        self.power_chip = self._prepare_power_chip()
        if supply is None:
            supply = SUPPLY_AXP192 if self.power_chip == "AXP192" else SUPPLY_IP5306
        elif isinstance(supply, int):
            supply = (supply,)
        # The supply is not touched yet: after a reset of the ESP32 the modem may still be on.
        self._supply = [Pin(number) for number in supply]
        self._pwrkey = Pin(PWRKEY, Pin.OUT, value=1)
        self._rst = Pin(RST, Pin.OUT, value=1)
        self._dtr = self._ri = None
        self._rang = False
        if self.power_chip == "AXP192" if dtr is None else dtr:
            self._dtr = Pin(DTR, Pin.OUT, value=0)
            self._ri = Pin(RI, Pin.IN, Pin.PULL_UP)
            self._ri.irq(self._on_ri, Pin.IRQ_FALLING)
        self._uart = None

    def _on_ri(self, pin):
        self._rang = True

    def _prepare_power_chip(self):
        i2c = I2C(0, scl=Pin(SCL), sda=Pin(SDA), freq=100_000)
        try:
            control = i2c.readfrom_mem(_IP5306, _IP5306_SYS_CTL0, 1)[0]
            if not control & _IP5306_BOOST_KEEP:
                i2c.writeto_mem(_IP5306, _IP5306_SYS_CTL0, bytes([control | _IP5306_BOOST_KEEP]))
            return "IP5306"
        except OSError:
            pass
        try:
            i2c.readfrom_mem(_AXP192, 0, 1)
            return "AXP192"
        except OSError:
            return None

    def supply(self, on):
        """Switch the modem's supply."""
        for pin in self._supply:
            pin.init(Pin.OUT, value=1 if on else 0)

    def pwrkey(self, pressed):
        """Press or release the modem's power key."""
        self._pwrkey.value(0 if pressed else 1)

    def reset(self, pressed):
        """Press or release the modem's reset key. Returns False where it is not wired (it may not be)."""
        self._rst.value(0 if pressed else 1)
        return True

    def dtr(self, active):
        """Hold DTR active (low): the modem stays awake. Returns False where it is not wired (then no DTR)."""
        if self._dtr is None:
            return False
        self._dtr.value(0 if active else 1)
        return True

    def ring(self):
        """True if the ring indicator went active since the last time this was asked."""
        rang, self._rang = self._rang, False
        return rang

    def uart(self, baudrate):
        """The machine.UART to the modem at `baudrate`. Buffers hold 0.7 s and 0.35 s at 115200 baud."""
        if self._uart is None:
            self._uart = UART(
                UART_ID, baudrate, tx=Pin(TX), rx=Pin(RX), timeout=0, rxbuf=8192, txbuf=4096
            )
        else:
            self._uart.init(baudrate=baudrate)
        return self._uart
