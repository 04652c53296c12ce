"""AT commands (SIM800 Series AT Command Manual V1.09, 1.4): text.py has fields, digest.py cuts bytes into lines and
tells what each is, channel.py sends one command at a time."""
