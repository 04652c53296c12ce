import machine
from nettime import rtc

tell(cause=machine.reset_cause() == machine.DEEPSLEEP_RESET, clock=rtc.is_set())
tell(back_ms=connect())
tell(**visit())
WIRE.flush()
