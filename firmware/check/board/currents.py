import tcall
from machine import I2C, Pin

if BOARD.power_chip != "AXP192":
    tell(chip=BOARD.power_chip)
else:
    bus = I2C(0, scl=Pin(tcall.SCL), sda=Pin(tcall.SDA), freq=100_000)
    adc = bus.readfrom_mem(0x34, 0x82, 1)[0]
    bus.writeto_mem(0x34, 0x82, bytes([adc | 0xCC]))  # battery and VBUS, voltage and current

    def value(register, bits):
        high, low = bus.readfrom_mem(0x34, register, 2)
        return high << (bits - 8) | low & (1 << (bits - 8)) - 1

    def measure():
        """Means of two seconds: (mV of the battery, mA out of it, mA into it, mA from USB)."""
        time.sleep_ms(1000)
        sums = [0, 0, 0, 0]
        for _ in range(40):
            sums[0] += value(0x78, 12) * 1.1
            sums[1] += value(0x7C, 13) * 0.5
            sums[2] += value(0x7A, 13) * 0.5
            sums[3] += value(0x5C, 12) * 0.375
            time.sleep_ms(50)
        return [round(number / 40) for number in sums]

    ready()
    time.sleep_ms(2000)
    awake = measure()
    WIRE.ask("AT+CSCLK=2")
    time.sleep_ms(6000)
    asleep = measure()
    WIRE.alive(4)
    WIRE.ask("AT+CSCLK=0")
    WIRE.ask("AT+CPOWD=1", 3000)
    time.sleep_ms(3000)
    off = measure()
    BOARD.supply(False)
    bus.writeto_mem(0x34, 0x82, bytes([adc]))
    tell(chip="AXP192", awake=awake, asleep=asleep, off=off)
    WIRE.shown = False
    plug_out()
    start()
    WIRE.shown = True
