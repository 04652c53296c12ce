# From a restart by command to the network, its time, and what AT+CCLK? makes of it.
ready()
WIRE.said = b""
began = time.ticks_ms()
WIRE.ask("AT+CFUN=1,1", 11000)
time.sleep_ms(1000)
took = wait_alive(20000)
tell(restart_ms=took and since(began))
WIRE.ask("ATE1V1Q0;+CMEE=1;+CREG=2")
pin = as_text(WIRE.ask("AT+CPIN?", 6000))
for _ in range(20):
    if "+CPIN" in pin:
        break
    time.sleep_ms(500)
    pin = as_text(WIRE.ask("AT+CPIN?", 6000))
tell(card=pin)
if "SIM PIN" in pin:
    cut()
    modem = ppp_sim800.Modem(BOARD, baudrate=FIRST, trace=_trace)
    modem.on()
    modem.sim.ready(PIN)
    modem.event()  # hears what is there
stat = registration()
at = since(began) if stat in (1, 5) else None
told_at = None
asked = time.ticks_ms()
while since(began) < 90000:
    WIRE.hear(250)
    if at is None:
        for number in (1, 5):
            if b"+CREG: %d" % number in WIRE.said:
                stat, at = number, since(began)
        if since(asked) > 10000:
            asked = time.ticks_ms()
            stat = registration()
            at = since(began) if stat in (1, 5) else None
    if told_at is None and b"*PSUTTZ" in WIRE.said:
        told_at = since(began)
    if at is not None and (told_at is not None or since(began) - at > 12000):
        break
WIRE.hear(1000)
tell(stat=stat, registered_ms=at, told_ms=told_at, said=as_text(WIRE.said))
clock = WIRE.own("AT+CCLK?")
tell(clock=clock and clock[0])
WIRE.ask("AT+COPS?")
tell(signal=WIRE.own("AT+CSQ"), attached=WIRE.own("AT+CGATT?"))
