# Frozen on every board, and in the simulator's VM by the same route.
package("ppp_sim800")
module("pythings_sim800.py")
module("SIM800L.py")
