"""Where the cells say the modem is, as far as SIMCom's server knows them. Precise to some hundred metres.

Sources: SIM800 Series AT Command Manual V1.09, 8.2.27 (AT+CIPGSMLOC); GSM Location Application Note V1.02 (AT+CLBS).
"""

from collections import namedtuple

from micropython import const

from ..at.text import fields
from ..errors import ATError, ATTimeout, SIM800Error

# Degrees east and north, and UTC as (year, month, day, hour, minute, second).
Location = namedtuple("Location", ("lon", "lat", "time"))

# <code> of +CLBS and of +CIPGSMLOC
_REASONS = (
    (1, "a parameter is wrong"),
    (2, "another error"),
    (3, "the server does not know the cells here"),
    (4, "the server did not answer: try again"),
    (5, "the server refuses this modem"),
    (6, "the server failed"),
    (7, "the server failed"),
    (404, "the server does not know the cells here"),
    (408, "the server did not answer: try again"),
    (601, "the network failed: try again"),
    (602, "the modem is out of memory: reset() it"),
    (603, "the server's name cannot be resolved: try again"),
    (604, "the modem is still busy: try again"),
)


_BYTES = const(1000)  # of a question with its answer, about


class LocationError(SIM800Error):
    """The modem's place could not be had. `code`: of +CIPGSMLOC or +CLBS, or None."""


async def locate(line, bearer, timeout):
    """The modem's place, as Location. See Modem.location()."""
    await bearer.open()
    bearer.count(_BYTES)
    try:
        try:
            answer = await line.ask("AT+CIPGSMLOC=1,1", "+CIPGSMLOC:", timeout)
        except ATError as error:
            try:
                answer = await line.ask("AT+CLBS=4,1", "+CLBS:", timeout)
            except ATError:
                raise LocationError("the modem cannot tell where it is ({})".format(error.result))
    except ATTimeout:
        raise LocationError("the server did not answer: try again ({} s)".format(timeout // 1000))
    return parse_location(answer)


def parse_location(answer):
    """`+CIPGSMLOC: 0,<lon>,<lat>,<date>,<time>`, or with +CLBS the accuracy between <lat> and <date>, as Location.

    Raises LocationError.
    """
    values = fields(answer)
    code = values[0]
    if code != "0":
        code = int(code) if code.isdigit() else None
        why = dict(_REASONS).get(code, "the network failed: try again")
        raise LocationError("no location ({}): {}".format(values[0], why), code)
    try:
        when = values[-2].split("/") + values[-1].split(":")
        year, month, day, hour, minute, second = map(int, when)
        time = (year if year > 99 else 2000 + year, month, day, hour, minute, second)
        return Location(float(values[1]), float(values[2]), time)
    except (ValueError, IndexError):
        raise LocationError('the modem\'s "{}" cannot be read: try again'.format(answer))
