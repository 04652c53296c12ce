tell(back_ms=connect(), up=nic.isconnected(), name=bool(nic.resolve(HOST)))
WIRE.flush()
