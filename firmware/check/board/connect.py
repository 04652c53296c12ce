cut()
nic = ppp_sim800.PPP(APN, USER, PASSWORD, pin=PIN, board=BOARD, trace=_trace)
before = nic.stats()
tell(rx_before=before.rx, tx_before=before.tx)
took = connect()
began = time.ticks_ms()
with nic.command_mode() as modem:  # which is nothing where the line is multiplexed
    signal = modem.radio.signal()
asked = since(began)
tell(
    connect_ms=took,
    rate=nic.modem.baudrate,
    multiplexed=nic.link.line.multiplexed,
    mtu=nic.ipconfig("mtu"),
    signal=signal,
    asked_ms=asked,
    still_up=nic.isconnected(),
)
WIRE.flush()
