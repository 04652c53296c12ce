connect()
tell(**visit())
WIRE.flush()
