include("modules")
include("$(PORT_DIR)/boards/manifest.py")
