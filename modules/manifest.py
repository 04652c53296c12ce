# Frozen on every board, and in the simulator's VM by the same route. Included before anything else that
# requires "ssl", so that ours is found first.
add_library("ppp-sim800", ".", prepend=True)
require("ssl")
require("ntptime")
package("ppp_sim800")
package("nettime")
module("pythings_sim800.py")
module("SIM800L.py")
