"""The revisions of the T-Call as data, and a board wired as one of them.

Levels: a pin the ESP32 does not drive leaves the line to the board: the keys PWRKEY and RST and
DTR are pulled up inside the modem (released), the modem's supply is off (the vendor keeps it
on in deep sleep with a held pin only, board issue #102; that it is a pull-down is assumed).
"""

from collections.abc import Callable
from dataclasses import dataclass

from network.clock import Clock
from network.journal import Journal

from .chips import CHIPS, Battery


@dataclass(frozen=True)
class Wiring:
    """A revision: ESP32 pin numbers, None where nothing is wired."""

    name: str
    modem: str
    chip: str  # a name in chips.CHIPS
    supply: int  # high: the modem's supply is on
    tx: int = 27  # to the modem's RX
    rx: int = 26  # from the modem's TX
    pwrkey: int = 4
    rst: int | None = 5
    dtr: int | None = 32
    ri: int | None = 33
    led: int = 13
    led_active_low: bool = False
    sda: int = 21
    scl: int = 22
    irq: int | None = None  # of the power chip


BOARDS = {
    wiring.name: wiring
    for wiring in (
        Wiring("SIM800L_IP5306_20190610", "SIM800L", "IP5306", supply=23, dtr=None, ri=None),
        Wiring("SIM800L_IP5306_20200811", "SIM800L", "IP5306", supply=23),
        Wiring("SIM800L_AXP192_20200327", "SIM800L", "AXP192", supply=23, irq=35),
        Wiring(
            "SIM800C_AXP192_20200609",
            "SIM800C",
            "AXP192",
            supply=25,
            rst=None,
            led=12,
            led_active_low=True,
            irq=35,
        ),
    )
}

FLASH = range(6, 12)
PSRAM = (16, 17)
INPUT_ONLY = range(34, 40)
PINS = frozenset({*range(24), 25, 26, 27, *range(32, 40)}) - {*FLASH, *PSRAM}


class BoardError(Exception):
    """A request the board cannot fulfil, as one sentence."""


class Nack(BoardError):
    """Nobody answers at an I2C address."""

    def __init__(self):
        super().__init__("nack")


@dataclass
class Pin:
    """What the ESP32 does with a pin. `held` is the level its pad is frozen at (gpio_hold_en)."""

    driven: int | None = None
    pull: str = "none"
    held: int | None = None

    @property
    def level(self) -> int | None:
        """The level the pad drives, None if it drives none."""
        return self.driven if self.held is None else self.held


@dataclass
class Net:
    """A line the ESP32 drives: `idle` is its level when undriven; `act(level)` tells its end."""

    name: str
    pin: int
    idle: int
    act: Callable[[int], None]
    words: tuple[str, str] = ("low", "high")
    level: int | None = None
    since: float = 0.0


class TCall:
    """A board: from pins to the modem's supply and keys, and back.

    Arguments: `wiring` a value of BOARDS; `modem` has supply(on), pwrkey(low), reset(low),
    dtr(high), an attribute on_ri and line.path; `battery` what the power chip measures.
    The journal gets, from source "board": "supply on", "PWRKEY low", "PWRKEY high" and so on with
    `pin` and `width`, the seconds the level before lasted; resets; half-wired UARTs; power off.
    `on_event(text)` is called with what the ESP32 should hear unasked: "pin <n> <level>", "off".
    `on_off(reason)` is called when the board has lost its supply.
    """

    def __init__(
        self,
        clock: Clock,
        wiring: Wiring,
        modem,
        journal: Journal,
        battery: Battery | None = None,
    ):
        self.clock, self.wiring, self.modem, self.journal = clock, wiring, modem, journal
        self.name = wiring.name
        self.on_event: Callable[[str], None] = lambda text: None
        self.on_off: Callable[[str], None] = lambda reason: None
        self.off = ""  # why the board has no supply, empty if it has
        self.chip = CHIPS[wiring.chip](clock, battery or Battery(), self._power_off)
        self._pins = {number: Pin() for number in PINS}
        self._watched: dict[int, int] = {}  # inputs and the level last told
        self._ri = 1  # the idle level, until the modem says otherwise
        led_off = int(wiring.led_active_low)
        # The supply's level is unknown until it is first driven: a scenario may begin with a
        # modem that is on.
        nets = [
            Net(
                "supply", wiring.supply, 0, lambda level: modem.supply(bool(level)), ("off", "on")
            ),
            Net("PWRKEY", wiring.pwrkey, 1, lambda level: modem.pwrkey(not level), level=1),
            Net("RST", wiring.rst, 1, lambda level: modem.reset(not level), level=1),
            Net("DTR", wiring.dtr, 1, lambda level: modem.dtr(bool(level)), level=1),
            Net(
                "LED",
                wiring.led,
                led_off,
                lambda level: None,
                ("on", "off") if wiring.led_active_low else ("off", "on"),
                level=led_off,
            ),
        ]
        self._nets = {net.pin: net for net in nets if net.pin is not None}
        self._idle = dict.fromkeys((wiring.rx, wiring.sda, wiring.scl, wiring.irq), 1)
        self._idle |= {net.pin: net.idle for net in self._nets.values()}
        if wiring.ri is not None:
            modem.on_ri = self._ri_changed

    # --- what the ESP32 does ---

    def drive(self, number: int, level: int) -> None:
        """Make a pin an output at `level`. Raises BoardError."""
        pin = self._pin(number)
        if number in INPUT_ONLY:
            raise BoardError(f"pin {number} is an input only: 34 to 39 cannot drive")
        self._watched.pop(number, None)
        pin.driven = level
        self._update(number)

    def listen(self, number: int, pull: str) -> int:
        """Make a pin an input (pull "none", "up" or "down") whose changes are told.

        Returns its level. Raises BoardError.
        """
        pin = self._pin(number)
        pin.driven, pin.pull = None, pull
        self._update(number)
        self._watched[number] = self._level(number)
        return self._watched[number]

    def read(self, number: int) -> int:
        """The level at a pin. Raises BoardError."""
        self._pin(number)
        return self._level(number)

    def hold(self, number: int, on: bool) -> None:
        """Freeze a pin's output (gpio_hold_en), also through resets, or let it go.

        Raises BoardError.
        """
        pin = self._pin(number)
        pin.held = pin.driven if on else None
        self._update(number)

    def i2c(self, scl: int, sda: int, address: int, write: bytes, count: int) -> bytes:
        """Write, then read `count` bytes. Raises Nack where nobody answers, BoardError."""
        self._pin(scl)
        self._pin(sda)
        if (scl, sda) != (self.wiring.scl, self.wiring.sda) or address != self.chip.ADDRESS:
            raise Nack
        return self.chip.transfer(write, count)

    def uart(self, number: int, tx: int, rx: int) -> str | None:
        """The path of the serial line at these pins, None if nothing is wired to them.

        A line wired in one direction only counts as none. Raises BoardError.
        """
        if number not in (0, 1, 2):
            raise BoardError(f"there is no UART {number}: the ESP32 has 0, 1 and 2")
        self._pin(tx)
        self._pin(rx)
        if tx in INPUT_ONLY:
            raise BoardError(f"pin {tx} is an input only and cannot be a UART's TX")
        right = (tx == self.wiring.tx, rx == self.wiring.rx)
        if all(right):
            return self.modem.line.path
        crossed = (tx, rx) == (self.wiring.rx, self.wiring.tx)
        if any(right) or crossed:
            self.journal.add(
                "board",
                f"UART {number} {'has TX and RX swapped' if crossed else 'is half wired'}",
                tx=tx,
                rx=rx,
                wanted=f"tx={self.wiring.tx} rx={self.wiring.rx}",
            )
        return None

    def reset(self, cause: str) -> None:
        """The ESP32 was reset, or sleeps deeply: its pins are inputs, except those held.

        A cause that begins with "power" ends holds too.
        """
        self.journal.add("board", f"reset {cause}")
        self._watched.clear()
        for number, pin in self._pins.items():
            pin.driven, pin.pull = None, "none"
            if cause.startswith("power"):
                pin.held = None
            self._update(number)

    # --- what happens to the board ---

    def press_reset(self) -> None:
        """The RESET button: brings a board back whose power chip had switched it off."""
        if self.off:
            self.off = ""
            self.chip.power_on()
        if not self.off:
            self.reset("power on")

    def stop(self) -> None:
        """Forget timers."""
        self.chip.stop()

    def _power_off(self, reason: str) -> None:
        if self.off:
            return
        self.off = reason
        self.chip.stop()
        self.journal.add("board", f"power off: {reason}")
        self.reset("power off")
        if self._nets[self.wiring.supply].level is None:
            self._set(self._nets[self.wiring.supply], 0)
        self.on_event("off")
        self.on_off(reason)

    def _ri_changed(self, high: bool) -> None:
        self._ri = int(high)
        self._tell_changes()

    # --- lines ---

    def _pin(self, number: int) -> Pin:
        if self.off:
            raise BoardError(f"the board is off ({self.off}): press RESET")
        if number in self._pins:
            return self._pins[number]
        if number in FLASH:
            raise BoardError(f"pin {number} belongs to the flash: 6 to 11 cannot be used")
        if number in PSRAM:
            raise BoardError(f"pin {number} belongs to the PSRAM: 16 and 17 cannot be used")
        raise BoardError(f"there is no pin {number} on an ESP32")

    def _level(self, number: int) -> int:
        pin = self._pins[number]
        if pin.level is not None:
            return pin.level
        if number == self.wiring.ri:
            return self._ri
        if number in self._idle:
            return self._idle[number]
        return int(pin.pull == "up" and number not in INPUT_ONLY)

    def _update(self, number: int) -> None:
        net = self._nets.get(number)
        if net:
            level = self._pins[number].level
            if level is not None:
                self._set(net, level)
            elif net.level is not None:
                self._set(net, net.idle)
        self._tell_changes()

    def _set(self, net: Net, level: int) -> None:
        if level == net.level:
            return
        now = self.clock.now()
        fields = {} if net.level is None else {"width": round(now - net.since, 4)}
        net.level, net.since = level, now
        self.journal.add("board", f"{net.name} {net.words[level]}", pin=net.pin, **fields)
        net.act(level)

    def _tell_changes(self) -> None:
        for number, told in list(self._watched.items()):
            level = self._level(number)
            if level != told:
                self._watched[number] = level
                self.on_event(f"pin {number} {level}")
