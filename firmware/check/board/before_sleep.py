import machine

connect()
nic.active(False)
WIRE.flush()
from nettime import rtc

tell(asleep=True, clock=rtc.is_set())
time.sleep_ms(200)  # for the console
machine.deepsleep(SLEEP_MS)
