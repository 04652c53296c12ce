tell(before_ms=connect(), up=nic.isconnected())
WIRE.flush()
