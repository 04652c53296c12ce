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
_NAME = const(254)  # ... of a name
_ALIASES = const(16)  # in a row
_A = b"\0\x01\0\x01"  # and IN
_CNAME = b"\0\x05\0\x01"

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
    What is not the answer of the server that was asked, to the question with its number, does not count.
    Returns (the answer (bytes), True for something else that was heard, False for nothing, None where there is no
    socket to ask by; bytes on the air).
    """
    global silent, _preferred
    used = 0
    refused = False  # or the answer that said so
    server, life = _preferred
    if server in hosts and life.left():
        hosts = (server,) + hosts
    asked = []  # (socket, server, message): an answer that is late is one, too
    try:
        for i in range(_TRIES if hosts else 0):
            server = hosts[i % len(hosts)]
            if question or not asked:
                try:
                    used += _send(asked, (server, port), question)
                except OSError:  # the script has all sockets
                    if not asked:
                        return None, 0
            said = False
            deadline = Deadline(_TRY_MS)
            while deadline.left():
                for sock, server, message in asked:
                    try:
                        answer = sock.recv(512)
                    except OSError:
                        continue  # not yet
                    used += _UDP_BYTES + len(answer)
                    if not _is_answer(answer, message):
                        continue  # somebody else's
                    silent = False
                    if heard or _rcode(answer) in (0, _NXDOMAIN):
                        if server != hosts[0]:
                            _preferred = server, Deadline(_PREFER_MS)
                        return answer, used
                    refused, said = answer, True
                if said:
                    break
                if heard and heard():
                    return True, used
                await sleep_ms(_POLL_MS)
            if refused and i + 1 >= len(hosts):
                await sleep_ms(_AGAIN_MS)
    finally:
        for sock, _, _ in asked:
            sock.close()
    if not heard and not refused and (not rtc.link or rtc.link.state.name == "up"):
        silent = True
    return refused, used


def _send(asked, address, question):
    # A question by a socket of its own, with a port and an identification that nobody can know (RFC 5452 9.2); lwIP lets
    # through what `address` sends to it, and nobody else. Returns bytes on the air.
    message = os.urandom(2) + (question or b"")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if question else socket.SOCK_STREAM)
    asked.append((sock, address[0], message))
    try:
        sock.setblocking(False)
        sock.connect(address)
        if question:
            sock.send(message)
            return _UDP_BYTES + len(message)
    except OSError:
        if question:
            return 0  # no way out: as if it were lost
    return _TCP_BYTES


def _is_answer(answer, asked):
    # An answer (QR) to a query (opcode 0), to the one question that was asked, whose name has no capitals (RFC 5452 9.1).
    return (
        len(answer) >= _LEAST
        and answer[:2] + answer[4:6] == asked[:2] + asked[4:6]
        and answer[2] & 0xF8 == 0x80
        and answer[12 : len(asked)].lower() == asked[12:]
    )


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
            address, seconds = _address(answer, len(question) + 2, name)
            if address:
                _remember(host, address, seconds)
                return address
            why = "it has no IPv4 address, and no other can be used here"
            if answer[2] & 2:  # TC
                why = "the answer does not fit into a datagram: use a name with fewer addresses or aliases"
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


def _address(answer, at, name):
    # (the first address of `name` (labels, without the root) in an answer whose records begin at `at`, or of what it is
    # an alias of, None without one; seconds for which that holds). What is of other names counts for nothing.
    known = {}  # name: (address (str) or the name that it is an alias of (bytes), seconds)
    try:
        for _ in range(answer[6] << 8 | answer[7]):
            owner, at = _name(answer, at)
            kind = answer[at : at + 4]
            seconds = int.from_bytes(answer[at + 4 : at + 8], "big")
            size = answer[at + 8] << 8 | answer[at + 9]
            at += 10
            if seconds >> 31:  # RFC 2181 8
                seconds = 0
            if kind == _A and size == 4 and owner not in known and _is_host(answer[at]):
                known[owner] = "{}.{}.{}.{}".format(*answer[at : at + 4]), seconds
            elif kind == _CNAME and owner not in known:
                known[owner] = _name(answer, at)[0], seconds
            at += size
    except IndexError:
        pass  # cut short, or damaged
    seconds = _DAY
    for _ in range(_ALIASES):
        if name not in known:
            break
        name, holds = known[name]
        seconds = min(seconds, holds)
        if isinstance(name, str):
            return name, seconds
    return None, 0


def _is_host(first):
    # Whether addresses with this first byte are of hosts elsewhere: not of this one, of none, of many.
    return 0 < first < 224 and first != 127


def _name(answer, at):
    # (the labels of the name at `at`, in small letters, without the root; where what follows it begins) (RFC 1035 4.1.4).
    # Raises IndexError.
    labels = b""
    first, after = at, None
    while size := answer[at]:
        if size < 64:
            labels += answer[at : at + 1 + size]
            at += 1 + size
        else:
            after = after or at + 2
            at = (size & 63) << 8 | answer[at + 1]
            if size < 0xC0 or at >= first:  # a pointer goes back, else it may go round
                raise IndexError
            first = at
        if len(labels) > _NAME:
            raise IndexError
    return labels.lower(), after or at + 1
