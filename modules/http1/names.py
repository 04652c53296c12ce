"""Host names to addresses without holding up asyncio's loop."""

import socket

from .errors import name_error

# A coroutine function that gives a name's address (dotted str): nic.resolve of a ppp_sim800.aio.PPP, or of any other
# interface that has one. None: the network stack is asked, which holds up the loop meanwhile.
resolver = None


async def resolve(host):
    """The IPv4 address (dotted str) of `host`, by `resolver`. Raises NameNotFound or RequestException."""
    if host.replace(".", "").isdigit():
        return host
    if resolver:
        return await resolver(host)
    try:
        return socket.getaddrinfo(host, 0)[0][-1][0]
    except OSError:
        raise name_error(host)
