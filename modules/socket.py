"""MicroPython's sockets. Names are looked up by ppp_sim800.dns, which asks several name servers, keeps what they say for
as long as it holds, and says in words why there is no address; asyncio need not wait for it.

`usocket` is the same by lwIP alone.
"""

from usocket import *  # noqa: F403
from usocket import getaddrinfo as _getaddrinfo


def getaddrinfo(host, port, *args):
    """As MicroPython's; a name takes 12 s at most. Raises ppp_sim800.NameNotFound, an OSError, where a name has no IPv4
    address, for another family than AF_INET, and while the link is down; ValueError for what cannot be a name."""
    if args and args[0] not in (0, AF_INET):  # noqa: F405
        from ppp_sim800.errors import NameNotFound

        raise NameNotFound('cannot resolve "{}": only IPv4 can be used here, AF_INET'.format(host))
    if host:
        from ppp_sim800.dns import resolve_now

        host = resolve_now(host)
    return _getaddrinfo(host, port, *args)


def explain(error, host, port):
    """The exception in words for an OSError that a socket's connect() to `host` and `port` raised."""
    from http1.errors import explain

    return explain(error, "{}:{}".format(host, port), "not sent")


async def resolve(host):
    """The IPv4 address (dotted str) of a name, within 12 s, while other tasks run. Raises NameNotFound."""
    from ppp_sim800.dns import resolve

    return await resolve(host)
