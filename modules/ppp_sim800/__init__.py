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
    ConfigError,
    LinkBusy,
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
)
from .events import Event
from .link import PPP
from .modem import Battery, Modem
