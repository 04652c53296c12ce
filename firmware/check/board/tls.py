connect()
tell(**visit())
with nic.command_mode() as modem:
    tell(battery=modem.battery().mv)
WIRE.flush()
