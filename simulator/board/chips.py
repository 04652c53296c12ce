"""The T-Call's power chips as I2C register devices.

Sources: D = AXP192 datasheet revision 1.1 (section 9.11, registers); R = IP5306 register file
V1.21 as drivers quote it; V = the board's vendor (his examples and his library for the AXP192).
What none of them says is marked "assumed". One register pointer that a write sets and every byte
moves on (D figure 9-2; assumed for the IP5306, whose register file shows single bytes only).
"""

from collections.abc import Callable
from dataclasses import dataclass

from network.clock import Clock


@dataclass(frozen=True)
class Battery:
    """The cell and the USB socket. `milliamps` flow into the cell (charging) or out of it."""

    percent: int = 87
    millivolts: int = 4012
    milliamps: float = 90.0
    charging: bool = False
    full: bool = False
    usb: bool = False
    present: bool = True

    @classmethod
    def from_cbc(cls, cbc: tuple[int, int, int]) -> "Battery":
        """The battery that AT+CBC tells of: (0 discharging, 1 charging, 2 full; percent; mV)."""
        state, percent, millivolts = cbc
        return cls(percent, millivolts, charging=state == 1, full=state == 2, usb=state > 0)


class Chip:
    """An I2C register device.

    `RESET` holds {register: value after reset}, `WRITABLE` {register: mask of bits a write
    changes}, `CLEARED` {register: mask of bits that writing a 1 clears}. Other bits keep their
    value; other registers read as 0 and ignore writes (assumed).
    `on_off(reason)` is called when the chip takes the board's supply away.
    """

    ADDRESS = 0
    RESET: dict[int, int] = {}  # noqa: RUF012
    WRITABLE: dict[int, int] = {}  # noqa: RUF012
    CLEARED: dict[int, int] = {}  # noqa: RUF012

    def __init__(self, clock: Clock, battery: Battery, on_off: Callable[[str], None]):
        self.clock = clock
        self.on_off = on_off
        self.registers = dict(self.RESET)
        self.load = 90.0  # mA the board draws from the chip
        self._pointer = 0
        self._battery = battery

    @property
    def battery(self) -> Battery:
        return self._battery

    @battery.setter
    def battery(self, battery: Battery) -> None:
        self.settle()
        self._battery = battery
        self.judge()

    def set_load(self, milliamps: float) -> None:
        """The board now draws this much."""
        self.load = milliamps
        self.judge()

    def power_on(self) -> None:
        """After the supply was gone: all registers at their reset values."""
        self.registers = dict(self.RESET)
        self.judge()

    def transfer(self, write: bytes, count: int) -> bytes:
        """One transaction: bytes written (register, values ...), then `count` bytes read."""
        self.settle()
        if write:
            self._pointer = write[0]
            for value in write[1:]:
                self._write(self._pointer, value)
                self._pointer = (self._pointer + 1) & 0xFF
        answer = bytearray()
        for _ in range(count):
            answer.append(self.read(self._pointer))
            self._pointer = (self._pointer + 1) & 0xFF
        if len(write) > 1:
            self.judge()
        return bytes(answer)

    def _write(self, register: int, value: int) -> None:
        old = self.registers.get(register, 0)
        mask = self.WRITABLE.get(register, 0)
        new = (old & ~mask) | (value & mask)
        self.registers[register] = new & ~(value & self.CLEARED.get(register, 0))
        self.written(register)

    def read(self, register: int) -> int:
        """What a register reads as now."""
        return self.registers.get(register, 0)

    def written(self, register: int) -> None:
        """Called after a write to `register`."""

    def settle(self) -> None:
        """Brings what grows with time up to now."""

    def judge(self) -> None:
        """Decides whether the board keeps its supply; called when anything changed."""

    def stop(self) -> None:
        """Forget timers."""


def split(value: float, step: float, low_bits: int) -> tuple[int, int]:
    """An ADC result as its two registers: the high 8 bits, then the low ones (D 9.7, 9.11.4)."""
    raw = max(0, min(round(value / step), (1 << 8 + low_bits) - 1))
    return raw >> low_bits, raw & (1 << low_bits) - 1


class IP5306(Chip):
    """Charger and 5 V boost converter (R).

    Below 45 mA for the time in SYS_CTL2 it switches the boost off, unless SYS_CTL0 bit 1 keeps it
    on or USB is plugged in; the whole board then is without supply until RESET is pressed (board
    issues #121, #40). The battery's level is known in quarters only; the thresholds are assumed.
    """

    ADDRESS = 0x75
    SYS_CTL0, SYS_CTL1, SYS_CTL2 = 0x00, 0x01, 0x02
    READ0, READ1, READ2, READ3, LEVEL = 0x70, 0x71, 0x72, 0x77, 0x78
    BOOST, CHARGER, KEEP = 0x20, 0x10, 0x02
    LIGHT_LOAD = 45.0  # mA
    SHUTDOWN_TIMES = (8.0, 32.0, 16.0, 64.0)  # by SYS_CTL2 bits 3:2
    RESET = {  # noqa: RUF012
        SYS_CTL0: 0x37,  # V
        SYS_CTL1: 0x1D,  # V: boost on when VIN goes, off when the battery is low
        SYS_CTL2: 0x04,  # 32 s (#121)
        0x20: 0x02,  # charging ends at 4.17 V
        0x21: 0x54,  # ... at 400 mA; output held above 4.7 V
        0x22: 0x01,  # cell of 4.2 V, raised by 14 mV
        0x23: 0x20,  # the current is controlled at the input
        0x24: 0x16,  # 2250 mA (assumed)
        READ3: 0x00,
    }
    WRITABLE = {  # noqa: RUF012
        SYS_CTL0: 0x37,
        SYS_CTL1: 0xE5,
        SYS_CTL2: 0x0C,
        0x20: 0x03,
        0x21: 0xDC,
        0x22: 0x0F,
        0x23: 0x20,
        0x24: 0x1F,
    }
    CLEARED = {READ3: 0x07}  # noqa: RUF012

    _timer = None

    def read(self, register: int) -> int:
        battery = self.battery
        charging = battery.usb and battery.present and self.registers[0] & self.CHARGER
        if register == self.READ0:
            return 0x08 if charging else 0x00
        if register == self.READ1:
            return 0x08 if charging and battery.full else 0x00
        if register == self.READ2:
            return 0x04 if self.load < self.LIGHT_LOAD else 0x00
        if register == self.LEVEL:
            # one bit per dark LED of four, from the top
            for above, level in ((75, 0x00), (50, 0x80), (25, 0xC0), (0, 0xE0)):
                if battery.percent > above:
                    return level
            return 0xF0
        return super().read(register)

    def judge(self) -> None:
        control = self.registers[self.SYS_CTL0]
        if self.battery.usb:
            self.stop()
        elif not control & self.BOOST:
            self.stop()
            self.on_off("the IP5306's boost was switched off (SYS_CTL0 bit 5)")
        elif control & self.KEEP or self.load >= self.LIGHT_LOAD:
            self.stop()
        elif self._timer is None:
            seconds = self.SHUTDOWN_TIMES[self.registers[self.SYS_CTL2] >> 2 & 3]
            self._timer = self.clock.call_later(seconds, self._light_load_over, seconds)

    def _light_load_over(self, seconds: float) -> None:
        self._timer = None
        self.on_off(
            f"the IP5306 saw less than {self.LIGHT_LOAD:g} mA for {seconds:g} s and may switch "
            "off (SYS_CTL0 bit 1 is 0)"
        )

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class AXP192(Chip):
    """Charger and converters; DCDC3 feeds the ESP32 (D; V for registers 0x03, 0x0A, 0x0B, the
    mirrored bits of 0x12 and the coulomb counters' unit).

    An ADC that is not enabled reads as 0 (assumed). Registers 0x70-0x72 (battery power), the
    GPIOs' and TS pin's ADCs and the timer read as 0; no interrupt is raised.
    """

    ADDRESS = 0x34
    EXTEN_DCDC2, OUTPUTS, VOFF, OFF, CHARGE1 = 0x10, 0x12, 0x31, 0x32, 0x33
    ADC1, ADC2, ADC_RATE, COULOMB = 0x82, 0x83, 0x84, 0xB8
    DCDC1, DCDC3, LDO2, LDO3, DCDC2, EXTEN = 0x01, 0x02, 0x04, 0x08, 0x10, 0x40  # in OUTPUTS
    RESET = {  # noqa: RUF012
        0x03: 0x03,
        0x06: 0xF0,
        0x07: 0x0F,
        0x08: 0x00,
        0x09: 0xFF,
        EXTEN_DCDC2: 0x05,
        OUTPUTS: 0x5F,
        0x23: 0x16,
        0x25: 0x00,
        0x26: 0x68,  # DCDC1 3.3 V
        0x27: 0x68,  # DCDC3 3.3 V, else the ESP32 would not run; 0x48 (2.5 V) in D
        0x28: 0xCF,
        0x30: 0x60,
        VOFF: 0x03,  # 2.9 V
        OFF: 0x46,
        CHARGE1: 0xC8,  # on, 4.2 V, 780 mA
        0x34: 0x41,
        0x35: 0x22,
        0x36: 0x5D,
        0x37: 0x08,
        0x38: 0xA5,
        0x39: 0x1F,
        0x3A: 0x68,
        0x3B: 0x5F,
        0x3C: 0xFC,
        0x3D: 0x16,
        0x40: 0xD8,
        0x41: 0xFF,
        0x42: 0x3B,
        0x43: 0xC1,
        0x80: 0xE0,
        ADC1: 0x83,
        ADC2: 0x80,
        ADC_RATE: 0x32,
        0x90: 0x07,
        0x91: 0xA0,
        0x92: 0x07,
        0x93: 0x07,
        0x99: 0x16,
        0x9A: 0x08,
        0x9C: 0x16,
        0x9D: 0x0B,
        0x9E: 0x20,
    }
    WRITABLE = {  # noqa: RUF012
        **dict.fromkeys(range(0x06, 0x0C), 0xFF),
        EXTEN_DCDC2: 0x05,
        OUTPUTS: 0x5F,
        0x23: 0x3F,
        0x25: 0x05,
        0x26: 0x7F,
        0x27: 0x7F,
        0x28: 0xFF,
        0x30: 0xFB,
        VOFF: 0x07,
        OFF: 0xFB,
        CHARGE1: 0xFF,
        **dict.fromkeys((0x34, 0x35, 0x36, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D), 0xFF),
        0x37: 0x0F,
        **dict.fromkeys((0x40, 0x41, 0x42, 0x43, 0x4A), 0xFF),
        0x80: 0x0E,
        ADC1: 0xFF,
        ADC2: 0x8F,
        ADC_RATE: 0xF7,
        0x85: 0x0F,
        0x8B: 0x3F,
        0x8F: 0x04,
        0x90: 0x07,
        0x91: 0xF0,
        0x92: 0x07,
        0x93: 0x07,
        0x94: 0x07,
        0x95: 0x0F,
        0x96: 0x03,
        0x97: 0x07,
        **dict.fromkeys(range(0x98, 0x9E), 0xFF),
        0x9E: 0xE0,
        COULOMB: 0xC0,
    }
    CLEARED = dict.fromkeys((0x44, 0x45, 0x46, 0x47, 0x4D), 0xFF)
    SAMPLE_STEP = 0.5  # mA per bit of a current
    COUNTER_SAMPLES = 65536  # a counter steps when this many bits of current were sampled (V)

    def __init__(self, clock: Clock, battery: Battery, on_off: Callable[[str], None]):
        super().__init__(clock, battery, on_off)
        self._counted = {True: 0.0, False: 0.0}  # counter steps: charged, discharged
        self._since = clock.now()

    def power_on(self) -> None:
        # The data buffer survives as long as a battery is there (D 9.11.8).
        kept = {n: self.registers.get(n, 0) for n in range(0x06, 0x0C) if self.battery.present}
        self._counted = {True: 0.0, False: 0.0}
        super().power_on()
        self.registers |= kept

    @property
    def _charging(self) -> bool:
        """Whether the cell is being charged now."""
        battery = self.battery
        wanted = battery.charging and battery.usb and battery.present
        return wanted and bool(self.registers[self.CHARGE1] & 0x80)

    @property
    def _currents(self) -> tuple[float, float]:
        """mA into and out of the cell."""
        battery = self.battery
        if self._charging:
            return battery.milliamps, 0.0
        return 0.0, battery.milliamps if battery.present and not battery.usb else 0.0

    def read(self, register: int) -> int:
        battery = self.battery
        if register == 0x00:
            # present, usable, above VHOLD; current direction; switched on by it
            return (0x39 if battery.usb else 0x00) | (0x04 if self._charging else 0x00)
        if register == 0x01:
            return (0x40 if self._charging else 0x00) | (0x20 if battery.present else 0x00)
        if 0xB0 <= register <= 0xB7:
            count = int(self._counted[register < 0xB4]) & 0xFFFFFFFF
            return count >> 8 * (3 - (register - 0xB0) % 4) & 0xFF
        if 0x56 <= register <= 0x5F or 0x78 <= register <= 0x7F:
            return self._adc(register)
        return super().read(register)

    def _adc(self, register: int) -> int:
        battery = self.battery
        charge, discharge = self._currents
        cell = battery.millivolts if battery.present else 0
        system = 5000 if battery.usb else cell
        # register of the high part: (enabled by, mask, value, step, bits of the low part)
        channels = {
            0x5A: (self.ADC1, 0x08, 5000 if battery.usb else 0, 1.7, 4),
            0x5C: (self.ADC1, 0x04, self.load if battery.usb else 0, 0.375, 4),
            0x5E: (self.ADC2, 0x80, 144.7 + 30.0, 0.1, 4),
            0x78: (self.ADC1, 0x80, cell, 1.1, 4),
            0x7A: (self.ADC1, 0x40, charge, self.SAMPLE_STEP, 5),
            0x7C: (self.ADC1, 0x40, discharge, self.SAMPLE_STEP, 5),
            0x7E: (self.ADC1, 0x02, system, 1.4, 4),
        }
        if register & ~1 not in channels:  # ACIN is not wired
            return 0
        enable, mask, value, step, low_bits = channels[register & ~1]
        if not self.registers[enable] & mask:
            return 0
        return split(value, step, low_bits)[register & 1]

    def written(self, register: int) -> None:
        outputs, separate = self.registers[self.OUTPUTS], self.registers[self.EXTEN_DCDC2]
        # The same two switches in two registers (V).
        if register == self.EXTEN_DCDC2:
            outputs &= ~(self.EXTEN | self.DCDC2)
            outputs |= (self.EXTEN if separate & 0x04 else 0) | (
                self.DCDC2 if separate & 0x01 else 0
            )
            self.registers[self.OUTPUTS] = outputs
        elif register == self.OUTPUTS:
            separate = (0x04 if outputs & self.EXTEN else 0) | (
                0x01 if outputs & self.DCDC2 else 0
            )
            self.registers[self.EXTEN_DCDC2] = separate

    def _write(self, register: int, value: int) -> None:
        super()._write(register, value)
        if register == self.COULOMB and value & 0x20:  # clears itself
            self._counted = {True: 0.0, False: 0.0}

    def settle(self) -> None:
        now = self.clock.now()
        seconds, self._since = now - self._since, now
        if self.registers.get(self.COULOMB, 0) & 0xC0 != 0x80:  # off or paused
            return
        rate = 25 << (self.registers[self.ADC_RATE] >> 6)  # Hz
        for charged, current in zip((True, False), self._currents, strict=True):
            samples = current / self.SAMPLE_STEP * rate * seconds
            self._counted[charged] += samples / self.COUNTER_SAMPLES

    def judge(self) -> None:
        if self.registers[self.OFF] & 0x80:
            self.on_off("the AXP192 was told to switch everything off (register 0x32 bit 7)")
        elif not self.registers[self.OUTPUTS] & self.DCDC3:
            self.on_off("the AXP192's DCDC3, which feeds the ESP32, was switched off (0x12 bit 1)")
        elif not self.battery.usb:
            limit = 2600 + 100 * (self.registers[self.VOFF] & 7)
            if not self.battery.present or self.battery.millivolts < limit:
                self.on_off(f"the battery is below the AXP192's limit of {limit} mV")


CHIPS = {"IP5306": IP5306, "AXP192": AXP192}
