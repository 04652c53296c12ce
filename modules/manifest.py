# Frozen on every board, and in the simulator's VM by the same route. Included before anything else that
# requires "ssl" or "requests", so that ours are found first.
add_library("ppp-sim800", ".", prepend=True)
require("ssl")
require("ntptime")
require("requests")
require("aiohttp")
require("urequests")
package("http1")
module("socket.py")
module("ussl.py")
package("ppp_sim800")
module("pythings_sim800.py")
module("SIM800L.py")
