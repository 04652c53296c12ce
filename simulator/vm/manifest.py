# What the simulated T-Call's MicroPython freezes: asyncio, which is the port's own part, and by the same
# file as in the firmware all that is the board's.
include("$(MPY_DIR)/extmod/asyncio")
include("../../boards/TCALL_SIM800/modules")
