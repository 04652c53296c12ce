# All that this firmware freezes besides the port's own modules: firmware and simulator include this file.
include("../../../modules")
module("board.py")
module("tcall.py")
