# From a restart by command to the network, its time, and what AT+CCLK? makes of it.
settled()
WIRE.said = b""
began = time.ticks_ms()
WIRE.ask("AT+CFUN=1,1", 11000)
time.sleep_ms(1000)
took = wait_alive(20000)
tell(restart_ms=took and since(began))
WIRE.ask("ATE1V1Q0;+CMEE=1;+CREG=2")
stat = at = told_at = None
unlocked = False
asked = time.ticks_ms()
while since(began) < 90000:
    WIRE.hear(250)
    for number in (1, 5):
        if at is None and b"+CREG: %d" % number in WIRE.said:
            stat, at = number, since(began)
    if at is None and since(asked) > 4000:
        # It may have been said before it was asked for.
        asked = time.ticks_ms()
        WIRE.shown = False
        stat = registration()
        at = since(began) if stat in (1, 5) else None
        locked = b"SIM PIN" in WIRE.ask("AT+CPIN?", 6000)
        WIRE.shown = True
        if locked and not unlocked:
            unlocked = True
            cut()
            modem = ppp_sim800.Modem(BOARD, baudrate=FIRST, trace=_trace)
            modem.on()
            modem.sim.ready(PIN)
            modem.event()  # hears what is there
    if told_at is None and b"*PSUTTZ" in WIRE.said:
        told_at = since(began)
    if at is not None and (told_at is not None or since(began) - at > 12000):
        break
WIRE.hear(3000)
tell(stat=stat, registered_ms=at, told_ms=told_at, said=as_text(WIRE.said))
clock = WIRE.own("AT+CCLK?")
tell(clock=clock and clock[0])
WIRE.ask("AT+COPS?")
tell(signal=WIRE.own("AT+CSQ"), attached=WIRE.own("AT+CGATT?"))
