# In place of micropython-lib's, for all that requires "umqtt.simple".
metadata(description="MQTT 3.1.1 with micropython-lib's names.", version="2.0.0")
require("ssl")
package("umqtt", files=("simple.py",), base_path="../..")
