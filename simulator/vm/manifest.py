# What the simulated T-Call's MicroPython freezes: asyncio, which is the port's own part, by the same
# file as in the firmware all that is the board's, and umqtt, which the ESP32's port has by itself.
include("$(MPY_DIR)/extmod/asyncio")
include("../../boards/TCALL_SIM800/modules")
require("umqtt.simple")
require("umqtt.robust")
