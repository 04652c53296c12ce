import tcall
from machine import I2C, Pin

tell(chip=BOARD.power_chip)
bus = I2C(0, scl=Pin(tcall.SCL), sda=Pin(tcall.SDA), freq=100_000)
tell(addresses=bus.scan())
if BOARD.power_chip == "IP5306":
    tell(sys_ctl0=bus.readfrom_mem(0x75, 0x00, 1)[0])
elif BOARD.power_chip == "AXP192":
    tell(outputs=bus.readfrom_mem(0x34, 0x12, 1)[0])
