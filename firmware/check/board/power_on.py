# From no supply to the first answer, asked all the time.
WIRE.open(FIRST)
WIRE.shown = False
tell(was_on=WIRE.alive(2, 300))
plug_out()
BOARD.supply(True)
BOARD.dtr(True)
time.sleep_ms(800)
WIRE.shown = True
press(BOARD.PRESS_ON_MS)
WIRE.said = b""
WIRE.note(">", b"")  # from now on it boots
took = wait_alive(20000)
if took is None:
    cut()
    # At another rate, or in a state of its own: the package looks everywhere.
    began = time.ticks_ms()
    try:
        ready()
        tell(found_ms=since(began))
    except ppp_sim800.SIM800Error as error:
        tell(silent=str(error))
else:
    tell(boot_ms=took)
    # What it says of its own accord, now that it knows the rate.
    began = time.ticks_ms()
    WIRE.ask("AT+CIURC?")
    while b"SMS Ready" not in WIRE.said and since(began) < 20000:
        WIRE.hear(100)
    tell(later=as_text(WIRE.said), later_ms=since(began))
    ready()
    tell(stored_rate=WIRE.own("AT+IPR?"))
    # The network's time is told after a start, if that is stored: as the package has it, and before the rate is changed.
    told = WIRE.own("AT+CLTS?")
    if told and told[0].endswith("0"):
        WIRE.ask("AT+CLTS=1;&W")
