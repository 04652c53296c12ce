if nic is not None:
    stats = nic.stats()
    tell(rx=stats.rx, tx=stats.tx, connects=stats.connects)
    events = []
    for _ in range(20):
        event = nic.event()
        if event is None:
            break
        events.append(event.name)
    tell(events=events)
    nic.active(False)
else:
    modem = ppp_sim800.Modem(BOARD, baudrate=FIRST)
    modem.on()
    modem.off()
WIRE.flush()
