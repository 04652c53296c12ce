"""The modem's clock set by NTP: AT+CNTPCID and AT+CNTP."""

import asyncio
import datetime

from network import ntp
from network.sockets import NoName

from .bearer import CIDS, Lost
from .commands import Args, command
from .errors import CME, BadValue

ANSWER_TIME = 15.0  # seconds a server may take
OK, NETWORK, DNS, CONNECT, BAD_ANSWER, NO_ANSWER = 1, 61, 62, 63, 64, 65


class Service:
    """What AT+CNTPCID and AT+CNTP set; `task` while the time is being asked for."""

    def __init__(self):
        self.cid = 0
        self.server = ""
        self.zone = 0
        self.task: asyncio.Task | None = None


@command("+CNTPCID", "?", "=", test="+CNTPCID: (1-3)")
def profile(modem, c):
    if c.op == "?":
        modem.info(f"+CNTPCID: {modem.ntp.cid}")
    else:
        modem.ntp.cid = Args(c).most(1).number(0, CIDS)


@command("+CNTP", "", "?", "=", latency=0.01, limit=10.0, test="+CNTP: (64),(-47-48)")
def synchronize(modem, c):
    service = modem.ntp
    if c.op == "?":
        modem.info(f'+CNTP: "{service.server}",{service.zone}')
    elif c.op == "=":
        args = Args(c).most(2)
        server = args.quoted(0, longest=64)
        zone = args.number(1, range(-47, 49), 0)
        if not server:
            raise BadValue
        service.server, service.zone = server, zone
    else:
        if not service.server or (service.task and not service.task.done()):
            raise CME(3)
        modem.then(lambda: _begin(modem, service))


def _begin(modem, service: Service) -> None:
    service.task = modem.background(_act(modem, service))


async def _act(modem, service: Service) -> None:
    try:
        if not service.cid:
            raise Lost
        utc = ntp.time_of(await modem.bearers[service.cid].carry(_ask(modem, service.server)))
        # the air's delay is not made good: the manual promises a second at best
        zone = service.zone
        modem.rtc.set(utc + datetime.timedelta(minutes=15 * zone), zone)
        code = OK
    except Lost:
        code = NETWORK
    except NoName:
        code = DNS
    except TimeoutError:  # is an OSError, too
        code = NO_ANSWER
    except OSError:
        code = CONNECT
    except ntp.BadAnswer:
        code = BAD_ANSWER
    modem.journal.add("modem", "NTP", code=code)
    modem.urc(f"+CNTP: {code}")


async def _ask(modem, server: str) -> bytes:
    address = await modem.sockets.resolve(server)
    async with modem.clock.timeout(ANSWER_TIME):
        return await modem.sockets.ask(address, ntp.PORT, ntp.request())
