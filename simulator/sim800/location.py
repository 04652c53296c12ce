"""Where the cells say the modem is: AT+CIPGSMLOC (manual), AT+CLBS (GSM location note V1.02).

SIMCom's server is a part of the network here: it knows the scenario's position and time.
"""

from .bearer import CIDS, Lost
from .commands import Args, command

QUESTION, ANSWER = 160, 90  # bytes there and back
SERVER_TIME = 0.8  # seconds until it has found the cells
LIMIT = 60.0
ACCURACY = 550  # metres, as AT+CLBS says
FOUND, NOT_FOUND, TIMEOUT, NETWORK = 0, 404, 408, 601
CLBS_CODES = {NOT_FOUND: 3, TIMEOUT: 4, NETWORK: 3}  # location failed, query timeout


async def _find(modem, cid: int) -> tuple[int, str]:
    """The code of AT+CIPGSMLOC, and "longitude,latitude" if it is 0."""
    try:
        async with modem.clock.timeout(LIMIT):
            await modem.bearers[cid].carry(_ask(modem))
    except Lost:
        return NETWORK, ""
    except TimeoutError:
        return TIMEOUT, ""
    if modem.location_code:
        code, modem.location_code = modem.location_code, 0
        return code, ""
    if modem.radio.position is None:
        return NOT_FOUND, ""
    return FOUND, "{:.6f},{:.6f}".format(*modem.radio.position)


async def _ask(modem) -> None:
    await modem.sockets.up.trip(bytes(QUESTION))
    await modem.wait(SERVER_TIME)
    await modem.sockets.down.trip(bytes(ANSWER))


def _now(modem) -> str:
    return f"{modem.rtc.utc():%Y/%m/%d,%H:%M:%S}"


@command("+CIPGSMLOC", "=", latency=0.01, limit=60.0, test="+CIPGSMLOC: (1-2),(1-3)", needs="full")
async def gsm_location(modem, c):
    """1: place and time; 2: time alone. Errors are a code in the answer, which ends with OK."""
    args = Args(c).most(2)
    kind, cid = args.number(0, (1, 2)), args.number(1, CIDS)
    code, place = await _find(modem, cid)
    if code:
        modem.info(f"+CIPGSMLOC: {code}")
    elif kind == 1:
        modem.info(f"+CIPGSMLOC: 0,{place},{_now(modem)}")
    else:
        modem.info(f"+CIPGSMLOC: 0,{_now(modem)}")


@command("+CLBS", "=", latency=0.01, limit=60.0, test="+CLBS: (1,4),(1-3)", needs="full", lbs=True)
async def location(modem, c):
    """1: place and accuracy; 4: and time."""
    args = Args(c).most(2)
    kind, cid = args.number(0, (1, 4)), args.number(1, CIDS)
    code, place = await _find(modem, cid)
    if code:
        modem.info(f"+CLBS: {CLBS_CODES.get(code, code)}")
    else:
        modem.info(f"+CLBS: 0,{place},{ACCURACY}" + (f",{_now(modem)}" if kind == 4 else ""))
