connect()
tell(**visit())
tell(battery=nic.modem.battery().mv)
WIRE.flush()
