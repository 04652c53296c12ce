# Who may update this image: nobody. `make firmware UPDATE_KEYS=…` freezes another file in place of this one.
BOARD = "TCALL_SIM800"
VERSION = 0
KEYS = ()
