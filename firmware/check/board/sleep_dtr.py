import tcall
from machine import Pin

ready()
cut()
pin = Pin(tcall.DTR, Pin.OUT, value=0)
time.sleep_ms(100)
tell(known=BOARD.dtr(True), taken=b"\r\nOK\r\n" in WIRE.ask("AT+CSCLK=1"))
tell(hears_low=WIRE.alive(3))
pin.value(1)
time.sleep_ms(2000)
tell(deaf_high=not WIRE.alive(2, 1000))
pin.value(0)
time.sleep_ms(60)
WIRE.hear(20)
tell(woke=WIRE.alive(1), woke_later=WIRE.alive(3))
if b"\r\nOK\r\n" not in WIRE.ask("AT+CSCLK=0"):
    # Asleep for good: only its supply brings it back.
    WIRE.shown = False
    plug_out()
    tell(recovered=start())
ready()
