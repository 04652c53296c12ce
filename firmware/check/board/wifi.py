import network

if not hasattr(network, "WLAN"):
    tell(there=False)
else:
    connect()
    tell(there=True)
    wlan = network.WLAN(getattr(network.WLAN, "IF_STA", 0))
    was = wlan.active()
    wlan.active(True)
    # How many networks there are, and no name of any.
    tell(networks=len(wlan.scan()), up=nic.isconnected())
    began = time.ticks_ms()
    plain = socket.socket()
    plain.settimeout(20)
    try:
        plain.connect((nic.resolve(HOST), 443))
        tell(reached_ms=since(began))
    finally:
        plain.close()
    wlan.active(was)
    tell(up_after=nic.isconnected(), free=gc.mem_free())
WIRE.flush()
