"""MicroPython's sockets. A name without an address is an error in words, and asyncio need not wait for a name server.

`usocket` is the same without both.
"""

import errno
import os
import time

from micropython import const
from usocket import *  # noqa: F403
from usocket import AF_INET, SOCK_DGRAM, socket
from usocket import getaddrinfo as _getaddrinfo

_PORT = const(53)
_TRIES = const(3)
_TRY_MS = const(4000)
_LOOK_MS = const(20)

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
    labels = [label.encode() for label in host.rstrip(".").split(".")]
    if not all(0 < len(label) < 64 for label in labels):
        raise _no_address(host)
    # RFC 1035: an identification, recursion desired, one question: the name, A, IN.
    name = b"".join([bytes((len(label),)) + label for label in labels])
    asked = os.urandom(2) + b"\x01\0\0\x01\0\0\0\0\0\0" + name + b"\0\0\x01\0\x01"
    answer = await _ask(server, asked)
    address = answer and _address(answer, len(asked))
    if not address:
        raise _no_address(host)
    return address


async def _ask(server, asked):
    from asyncio import sleep_ms

    sock = socket(AF_INET, SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for _ in range(_TRIES):
            try:
                sock.sendto(asked, (server, _PORT))
            except OSError:
                pass  # no way out now
            start = time.ticks_ms()
            while time.ticks_diff(time.ticks_ms(), start) < _TRY_MS:
                try:
                    answer, sender = sock.recvfrom(512)
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        break
                    await sleep_ms(_LOOK_MS)
                    continue
                # Of that server, an answer, and to what was asked.
                if (
                    sender[0] == server
                    and len(answer) > 12
                    and answer[:2] == asked[:2]
                    and answer[2] & 0x80
                    and answer[12 : len(asked)].lower() == asked[12:].lower()
                ):
                    return answer
    finally:
        sock.close()


def _address(answer, at):
    # The first address in an answer, whose records begin at `at`, or None.
    try:
        for _ in range(answer[6] << 8 | answer[7]):
            while 0 < answer[at] < 0xC0:
                at += answer[at] + 1
            at += 2 if answer[at] else 1  # a pointer, or the root
            size = answer[at + 8] << 8 | answer[at + 9]
            if answer[at] == 0 and answer[at + 1] == 1 and size == 4:
                return "{}.{}.{}.{}".format(*answer[at + 10 : at + 14])
            at += size + 10
    except IndexError:
        pass  # cut short
