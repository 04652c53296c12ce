tell(back_ms=connect(), up=nic.isconnected(), name=bool(nic.resolve(HOST or "pool.ntp.org")))
WIRE.flush()
