# In place of micropython-lib's, for all that requires "urequests".
metadata(description="The old name of requests.", version="1.0.0")
module("urequests.py")
