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
    NoTime,
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
    TLSError,
    USSDError,
)

_HOME = {
    "PPP": "link",
    "Modem": "modem",
    "Battery": "modem",
    "Event": "events",
    "Location": "location",
}
# Modules: without them here `from ppp_sim800 import rtc` would not find what is not loaded yet.
_MODULES = ("aio", "ntp", "rtc", "tls_errors", "tls_sessions", "x509")


def __getattr__(name):
    # Loaded when first asked for, as asyncio does it: who only catches errors pays for no more.
    if name in _MODULES:
        value = __import__(name, None, None, True, 1)
    elif name in _HOME:
        value = getattr(__import__(_HOME[name], None, None, True, 1), name)
    else:
        raise AttributeError(name)
    globals()[name] = value
    return value
