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
    ConfigError,
    ModemRestarted,
    ModemSilent,
    NameNotFound,
    NegotiationFailed,
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
    TLSError,
)
from .link import PPP
from .modem import Modem
