"""LilyGO/TTGO T-Call: pins, rails and power chip of all its revisions. Knows no AT.

Source: the vendor's utilities.h and schematics; HW is SIM800L Hardware Design V1.02."""

from typing import Final

from machine import UART

UART_ID: Final = 1
TX: Final = 27
RX: Final = 26
PWRKEY: Final = 4
RST: Final = 5
DTR: Final = 32
RI: Final = 33
SDA: Final = 21
SCL: Final = 22
SUPPLY_IP5306: Final = (23,)
SUPPLY_AXP192: Final = (23, 25)

class TCall:
    """A T-Call as ppp_sim800 wants a board.

    supply: pin number (or several) of the modem's supply switch; None: by the power chip found.
    dtr: True if DTR and RI are wired, as on the v1.4 with an IP5306 (not on its v1.3, and they look alike from
        inside); None: by the power chip found."""

    PRESS_ON_MS: int
    PRESS_OFF_MS: int
    power_chip: str | None

    def __init__(
        self, supply: int | tuple[int, ...] | None = None, dtr: bool | None = None
    ) -> None: ...
    def supply(self, on: bool) -> None:
        """Switch the modem's supply."""

    def pwrkey(self, pressed: bool) -> None:
        """Press or release the modem's power key."""

    def reset(self, pressed: bool) -> bool:
        """Press or release the modem's reset key. Returns False where it is not wired (it may not be)."""

    def dtr(self, active: bool) -> bool:
        """Hold DTR active (low): the modem stays awake. Returns False where it is not wired (then no DTR)."""

    def ring(self) -> bool:
        """True if the ring indicator went active since the last time this was asked."""

    def uart(self, baudrate: int) -> UART:
        """The machine.UART to the modem at `baudrate`. Buffers hold 0.7 s and 0.35 s at 115200 baud."""
