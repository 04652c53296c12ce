"""Internet over a SIM800 modem, with the microcontroller's own TCP/IP and TLS.

import ppp_sim800
nic = ppp_sim800.PPP("internet")
nic.connect()

In this package "M 36" is a page of the SIM800 Series AT Command Manual V1.09, "HW 3.2.1" a section of the SIM800L
Hardware Design V1.02.
"""

from . import errors

# Tuples stay in flash: name, its module.
_HOME = (
    ("Battery", "ppp_sim800.modem"),
    ("Event", "ppp_sim800.events"),
    ("Location", "ppp_sim800.roles.location"),
)
_BLOCKING = (
    ("PPP", "ppp_sim800.interface"),
    ("Modem", "ppp_sim800.modem"),
)  # the classes that `aio` has, blocking
# Modules: without them here `from ppp_sim800 import rtc` would not find what is not loaded yet.
_MODULES = (
    ("aio", "ppp_sim800.aio"),
    ("ntp", "nettime.ntp"),
    ("rtc", "nettime.rtc"),
    ("tls_sessions", "ssl.sessions"),  # only the firmware has it
)


def __getattr__(name):
    # Loaded when first asked for, as asyncio does it: who only catches errors pays for no more.
    if hasattr(errors, name):  # all of them are the package's own names
        value = getattr(errors, name)
    elif module := errors.load(_HOME, name):
        value = getattr(module, name)
    elif module := errors.load(_BLOCKING, name):
        from .blocking import blocking_class

        value = blocking_class(getattr(module, name))
    else:
        try:  # `from . import profile`, too
            value = errors.load(_MODULES, name) or __import__(
                "ppp_sim800." + name, None, None, True
            )
        except ImportError:
            raise AttributeError(name)
    globals()[name] = value
    return value
