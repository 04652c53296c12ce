# All that this firmware freezes besides the port's own modules: firmware and simulator include this file.
import os

include("../../../modules")
module("board.py")
module("tcall.py")
# Whose updates the image accepts; firmware/image.py names a folder with another one.
module("update_trust.py", base_path=os.environ.get("UPDATE_TRUST") or ".")
