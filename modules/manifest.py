# Frozen on every board, and in the simulator's VM by the same route. Included before anything else that
# requires "ssl" or "umqtt.simple", so that ours are found first.
add_library("ppp-sim800", ".", prepend=True)
require("ssl")
require("ntptime")
require("umqtt.robust")
package("ppp_sim800")
package("nettime")
module("pythings_sim800.py")
module("SIM800L.py")
