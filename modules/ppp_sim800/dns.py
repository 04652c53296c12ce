"""Questions to name servers (RFC 1035), and by them to the network: is anybody there, beyond the modem?

lwIP's getaddrinfo() holds up all else meanwhile; nothing here blocks: sockets of its own, looked at now and then.
socket.getaddrinfo() asks here, too.
"""

import os
import socket

import network
from hostname import is_address, to_ascii
from micropython import const
from nettime import rtc

from .errors import NameNotFound
from .run import Deadline, run, sleep_ms, watched

_PORT = const(53)
_TRIES = const(3)
_TRY_MS = const(4000)  # the first answer may take longer: an RTT of 5 s has been seen
_POLL_MS = const(50)
_UDP_BYTES = const(28)  # headers of IP and UDP
_TCP_BYTES = const(84)  # SYN and the answer to it
_AGAIN_MS = const(1000)  # before a server that could not answer is asked again
_PREFER_MS = const(600000)  # a server that answered where the first did not is the first so long
_LEAST = const(12)  # bytes of an answer (RFC 1035 4.1.1)

# RCODE (RFC 1035 4.1.1)
_NXDOMAIN = const(3)
_RCODES = const(("no error", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"))

# Recursion desired, one question; then the name; then A, IN.
_HEAD = b"\x01\0\0\x01\0\0\0\0\0\0"
_TAIL = b"\0\0\x01\0\x01"
# A name server knows it itself (RFC 6761 6.3). Any answer will do.
_DAY = const(86400)
_MOST = const(4)

_known = []  # (host, address, Deadline), the latest last
_preferred = (None, None)  # name server, Deadline
silent = False  # no name server answered when a name was looked up last

_LOCALHOST = _HEAD + b"\x09localhost" + _TAIL


async def ask(hosts, heard, question=_LOCALHOST, port=_PORT):
    """Ask the servers `hosts` (tuple of dotted str), one after another; 12 s at most.

    heard: called with nothing; True ends the waiting: something came from the network. None: only an answer does,
        that there is no such name too; after any other error the next server is asked.
    question: the message without its first two bytes; by default something name servers know by themselves. None:
        begin a TCP connection to `port`; a refusal is an answer, too.
    Returns (the answer (bytes), True for something else that was heard, False for nothing, None where there is no
    socket to ask by; bytes on the air).
    """
    global silent, _preferred
    used = 0
    refused = False  # or the answer that said so
    server, life = _preferred
    if server in hosts and life.left():
        hosts = (server,) + hosts
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if question else socket.SOCK_STREAM)
    except OSError:  # the script has them all
        return None, 0
    try:
        sock.setblocking(False)
        asked = os.urandom(2) + (
            question or b""
        )  # the same for all: an answer that is late is one, too
        for i in range(_TRIES if hosts else 0):
            try:
                address = (hosts[i % len(hosts)], port)
                if question:
                    sock.sendto(asked, address)
                    used += _UDP_BYTES + len(asked)
                elif not used:
                    used = _TCP_BYTES
                    sock.connect(address)
            except OSError:
                pass  # no way out: as if it were lost; or the connection is in progress
            deadline = Deadline(_TRY_MS)
            while deadline.left():
                try:
                    answer, sender = sock.recvfrom(512)
                    used += _UDP_BYTES + len(answer)
                    # Of a server, with its identification, an answer (QR), and to this question.
                    if (
                        sender[0] in hosts
                        and sender[1] == port
                        and len(answer) >= _LEAST
                        and answer[:2] == asked[:2]
                        and answer[2:3] > b"\x7f"
                        and answer[12 : len(asked)].lower() == asked[12:].lower()
                    ):
                        silent = False
                        if heard or _rcode(answer) in (0, _NXDOMAIN):
                            if sender[0] != hosts[0]:
                                _preferred = sender[0], Deadline(_PREFER_MS)
                            return answer, used
                        refused = answer
                        break
                except OSError:
                    pass  # not yet
                if heard and heard():
                    return True, used
                await sleep_ms(_POLL_MS)
            if refused and i + 1 >= len(hosts):
                await sleep_ms(_AGAIN_MS)
    finally:
        sock.close()
    if not heard and not refused and (not rtc.link or rtc.link.state.name == "up"):
        silent = True
    return refused, used


def _servers():
    # Of the link that is up, else of another network interface.
    link = rtc.link
    if link and link.isconnected():
        return link.name_servers()
    try:
        server = network.ipconfig("dns")
    except (AttributeError, ValueError):
        server = "0.0.0.0"
    return () if server == "0.0.0.0" else (server,)


def resolve_now(host):
    """The same, and blocks; the watchdog that ensure() or keep_up() were given last is fed meanwhile."""
    return run(watched(resolve(host), rtc.link and rtc.link.feed))


async def resolve(host):
    """The IPv4 address (dotted str) of a host name, by the name servers of the network interface that is up, within 12 s.

    Raises NameNotFound; ValueError for what cannot be a name.
    """
    host = to_ascii(host)
    servers = _servers()
    if is_address(host):
        return host
    for known, address, life in _known:
        if known == host and life.left():
            return address
    why = "there is no such name: check the spelling"
    if not servers:
        link = rtc.link
        if link and not link.isconnected():
            why = "the link is down: connect first"
        else:
            why = 'the network names no name server: set one by config(dns="9.9.9.9")'
    else:
        name = b"".join([bytes((len(label),)) + label.encode() for label in host.split(".")])
        question = _HEAD + name + _TAIL
        answer, _ = await ask(servers, None, question)
        code = _rcode(answer) if answer else None
        if code == 0:
            address, seconds = _address(answer, len(question) + 2)
            if address:
                _remember(host, address, seconds)
                return address
            why = "it has no IPv4 address, and no other can be used here"
        elif not answer:
            why = "no name server answered: check that the SIM has data left, then connect again"
        elif code != _NXDOMAIN:
            why = "the name server does not answer this question ({}): try again later, or another name".format(
                _RCODES[code] if code < len(_RCODES) else code
            )
    raise NameNotFound('cannot resolve "{}": {}'.format(host, why))


def _remember(host, address, seconds):
    # For as long as the answer says; a day at most, and in RAM.
    _known[:] = [entry for entry in _known if entry[0] != host][1 - _MOST :]
    _known.append((host, address, Deadline(min(seconds, _DAY) * 1000)))


def _rcode(answer):
    return answer[3] & 15


def _address(answer, at):
    # (the first address in an answer, whose records begin at `at`, or None; seconds for which it holds).
    seconds = _DAY
    try:
        for _ in range(answer[6] << 8 | answer[7]):
            while 0 < answer[at] < 0xC0:
                at += answer[at] + 1
            at += 2 if answer[at] else 1  # a pointer, or the root
            size = answer[at + 8] << 8 | answer[at + 9]
            seconds = min(seconds, int.from_bytes(answer[at + 4 : at + 8], "big"))
            if answer[at] == 0 and answer[at + 1] == 1 and size == 4:
                return "{}.{}.{}.{}".format(*answer[at + 10 : at + 14]), seconds
            at += size + 10
    except IndexError:
        pass  # cut short
    return None, 0
