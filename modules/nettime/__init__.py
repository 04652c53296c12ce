"""The machine's clock (rtc.py) and the time from the network (ntp.py). Knows no modem."""
