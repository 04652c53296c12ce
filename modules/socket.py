"""MicroPython's sockets. A name without an address is an error in words, and asyncio need not wait for a name server.

`usocket` is the same without both.
"""

from usocket import *  # noqa: F403
from usocket import getaddrinfo as _getaddrinfo

# A coroutine function that gives a name's address (dotted str), such as nic.resolve of a ppp_sim800.aio.PPP. None: the
# name server of the network interface is asked here.
resolver = None


def _no_address(host, number=None):
    from http1.errors import name_error

    error = name_error(host)
    error.errno = number
    return error


def _is_address(host):
    # lwIP takes 1.2.3 for 1.2.0.3.
    if not isinstance(host, str) or not host.replace(".", "").isdigit():
        return False
    parts = [part for part in host.split(".") if part]
    if len(parts) != 4 or max(map(int, parts)) > 255:
        raise _no_address(host)
    return True


def getaddrinfo(host, port, *args):
    """As MicroPython's. Raises NameNotFound where ppp_sim800 is in use, else another OSError in words."""
    _is_address(host)
    try:
        return _getaddrinfo(host, port, *args)
    except OSError as error:
        raise _no_address(host, error.errno)


def explain(error, host, port):
    """The exception in words for an OSError that a socket's connect() to `host` and `port` raised."""
    from http1.errors import explain

    return explain(error, "{}:{}".format(host, port), "not sent")


async def resolve(host):
    """The IPv4 address (dotted str) of a name, within 12 s, while other tasks run. Errors as of getaddrinfo()."""
    if _is_address(host):
        return host
    if resolver:
        return await resolver(host)
    import network

    try:
        server = network.ipconfig("dns")
    except (AttributeError, ValueError):
        server = "0.0.0.0"
    if server == "0.0.0.0":  # nobody to ask, or nobody known here
        return getaddrinfo(host, 0)[0][-1][0]
    from ppp_sim800.dns import lookup

    return await lookup((server,), host)
