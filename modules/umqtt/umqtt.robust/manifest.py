# In place of micropython-lib's, for all that requires "umqtt.robust".
metadata(description="umqtt.simple that connects again by itself.", version="2.0.0")
require("umqtt.simple")
package("umqtt", files=("robust.py",), base_path="../..")
