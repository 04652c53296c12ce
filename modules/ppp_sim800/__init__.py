"""Internet over a SIM800 modem, with the microcontroller's own TCP/IP and TLS.

import ppp_sim800
nic = ppp_sim800.PPP("internet")
nic.connect()
"""

from .errors import (
    APNRefused,
    ATError,
    ATTimeout,
    AuthRefused,
    BudgetSpent,
    CallError,
    ConfigError,
    HTTPError,
    LinkBusy,
    LocationError,
    ModemRestarted,
    ModemSilent,
    NameNotFound,
    NegotiationFailed,
    NoAnswer,
    NoCarrier,
    NoNetwork,
    PINRequired,
    PINWrong,
    PPPError,
    PUKRequired,
    RegistrationDenied,
    RegistrationError,
    SIM800Error,
    SIMAbsent,
    SIMError,
    SMSError,
    USSDError,
)

_HOME = {
    "PPP": "link",
    "Modem": "modem",
    "Battery": "modem",
    "Event": "events",
    "Location": "location",
    "aio": "aio",
}


def __getattr__(name):
    # Loaded when first asked for, as asyncio does it: who only catches errors pays for no more.
    if name not in _HOME:
        raise AttributeError(name)
    value = __import__(_HOME[name], None, None, True, 1)
    if name != "aio":
        value = getattr(value, name)
    globals()[name] = value
    return value
