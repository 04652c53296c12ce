"""Where the cells say the modem is, as far as SIMCom's server knows them. Precise to some hundred metres.

Sources: SIM800 Series AT Command Manual V1.09, 8.2.27 (AT+CIPGSMLOC); GSM Location Application Note V1.02 (AT+CLBS).
"""

from collections import namedtuple

from .at import fields
from .errors import ATError, ATTimeout, LocationError

# Degrees east and north, and UTC as (year, month, day, hour, minute, second).
Location = namedtuple("Location", ("lon", "lat", "time"))

_NOT_KNOWN = "the server does not know the cells here"
_TOO_LATE = "the server did not answer: try again"
_NETWORK = "the network failed: try again"

_CIPGSMLOC = {
    404: _NOT_KNOWN,
    408: _TOO_LATE,
    601: _NETWORK,
    602: "the modem is out of memory: reset() it",
    603: "the server's name cannot be resolved: try again",
    604: "the modem is still busy: try again",
}
_CLBS = {
    1: "a parameter is wrong",
    2: "another error",
    3: _NOT_KNOWN,
    4: _TOO_LATE,
    5: "the server refuses this modem",
    6: "the server failed",
    7: "the server failed",
}


def locate(modem, timeout):
    """Procedure: the modem's place, as Location. See Modem.location()."""
    yield from modem.bearer._open()
    try:
        try:
            answer = yield from modem._ask("AT+CIPGSMLOC=1,1", "+CIPGSMLOC:", timeout)
            words = _CIPGSMLOC
        except ATError as error:
            try:
                answer = yield from modem._ask("AT+CLBS=4,1", "+CLBS:", timeout)
                words = _CLBS
            except ATError:
                raise LocationError(
                    "the modem cannot tell where it is ({})".format(error.result), None
                )
    except ATTimeout:
        raise LocationError("{} ({} s)".format(_TOO_LATE, timeout // 1000), None)
    return parse_location(answer, words)


def parse_location(answer, words=_CIPGSMLOC):
    """`+CIPGSMLOC: 0,<lon>,<lat>,<date>,<time>`, or with +CLBS the accuracy between <lat> and <date>, as Location.

    words: of the codes that are not 0. Raises LocationError.
    """
    values = fields(answer)
    code = values[0]
    if code != "0":
        code = int(code) if code.isdigit() else None
        raise LocationError(
            "no location ({}): {}".format(values[0], words.get(code, _NETWORK)), code
        )
    try:
        year, month, day = [int(part) for part in values[-2].split("/")]
        hour, minute, second = [int(part) for part in values[-1].split(":")]
        time = (year if year > 99 else 2000 + year, month, day, hour, minute, second)
        return Location(float(values[1]), float(values[2]), time)
    except (ValueError, IndexError):
        raise LocationError('the modem\'s "{}" cannot be read: try again'.format(answer), None)
