# In place of micropython-lib's, for all that requires "ntptime".
metadata(
    description="NTP that believes no time of the past, with micropython-lib's names.",
    version="1.0.0",
)
module("ntptime.py")
