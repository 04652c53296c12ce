"""The T-Call's copper: what the ESP32's pins reach on the four revisions of the board.

bus.py    the door: a unix socket on which the VM drives pins, talks I2C and asks for UARTs
tcall.py  BOARDS, the revisions as data, and TCall: from pins to the modem's keys and rails
chips.py  the power chips IP5306 and AXP192 as I2C register devices

Knows no AT command; of the modem it needs supply(), pwrkey(), reset(), dtr(), on_ri and line.path.
"""
