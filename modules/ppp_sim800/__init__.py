"""Internet over a SIM800 modem, with the microcontroller's own TCP/IP and TLS.

import ppp_sim800
nic = ppp_sim800.PPP("internet")
nic.connect()
"""

from . import errors

_HOME = {
    "Battery": "modem",
    "Event": "events",
    "Location": "roles.location",
}
_BLOCKING = {"PPP": "interface", "Modem": "modem"}  # the classes that `aio` has, blocking
# Modules: without them here `from ppp_sim800 import rtc` would not find what is not loaded yet.
_MODULES = ("aio", "ntp", "rtc")


def __getattr__(name):
    # Loaded when first asked for, as asyncio does it: who only catches errors pays for no more.
    if hasattr(errors, name):  # all of them are the package's own names
        value = getattr(errors, name)
    elif name in _MODULES:
        value = __import__(name, None, None, True, 1)
    elif name == "tls_sessions":  # part of `ssl`, which only the firmware has
        from ssl import sessions as value
    elif name in _HOME:
        value = getattr(__import__(_HOME[name], None, None, True, 1), name)
    elif name in _BLOCKING:
        from .blocking import blocking_class

        value = blocking_class(getattr(__import__(_BLOCKING[name], None, None, True, 1), name))
    else:
        raise AttributeError(name)
    globals()[name] = value
    return value
