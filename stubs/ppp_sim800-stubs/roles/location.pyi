"""Where the cells say the modem is, as far as SIMCom's server knows them. Precise to some hundred metres.

Sources: SIM800 Series AT Command Manual V1.09, 8.2.27 (AT+CIPGSMLOC); GSM Location Application Note V1.02 (AT+CLBS)."""

from typing import NamedTuple

from .._types import UTC

class Location(NamedTuple):
    """Degrees east and north, and UTC as (year, month, day, hour, minute, second)."""

    lon: float
    lat: float
    time: UTC
