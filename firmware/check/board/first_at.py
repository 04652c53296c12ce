# From no supply to a first AT that comes late: what was said before it, and how many are lost.
WIRE.shown = False
ready()
plug_out()
WIRE.open(FIRST)
tell(deaf_without_supply=not WIRE.alive(2, 1000))  # one that ran
BOARD.supply(True)
BOARD.dtr(True)
time.sleep_ms(800)
WIRE.hear(20)
WIRE.shown = True
press(BOARD.PRESS_ON_MS)
WIRE.note(">", b"")  # from now on it boots
heard = WIRE.hear(6000)
tell(unasked=as_text(heard))
lost = 0
while lost < 20 and b"\r\nOK\r\n" not in WIRE.ask("AT", 500):
    lost += 1
tell(lost=lost)
ready()
