"""Is anybody there, beyond the modem? The smallest question to a name server, or a TCP connection.

Neither blocks: sockets of their own, looked at now and then.
"""

import os
import socket

import network
from micropython import const

from .run import Deadline

_DNS_PORT = const(53)
_TRIES = const(3)
_TRY_MS = const(4000)  # the first answer may take longer: an RTT of 5 s has been seen
_POLL_MS = const(50)
_UDP_BYTES = const(28)  # headers of IP and UDP
_TCP_BYTES = const(84)  # SYN and the answer to it

# "localhost", A, IN: a name server knows it itself (RFC 6761 6.3). Any answer will do.
_QUESTION = b"\x01\x00\0\x01\0\0\0\0\0\0\x09localhost\0\0\x01\0\x01"


def name_servers(ppp):
    """Those the network told `ppp` (a network.PPP) of, the first first: a tuple of dotted str, perhaps empty."""
    try:
        return ppp.config("dns")
    except ValueError:  # firmware without it; it is ended
        server = network.ipconfig("dns")
        return () if server == "0.0.0.0" else (server,)


def _socket(kind):
    try:
        return socket.socket(socket.AF_INET, kind)
    except OSError:  # the script has them all
        return None


def ask_dns(servers, heard):
    """Procedure: ask the name servers `servers` (dotted str), one after another, something they know by
    themselves.

    heard: called with nothing; True ends the waiting: something came from the network.
    Returns (answered, bytes on the air); answered is None where there is no socket to ask by.
    """
    used = 0
    sock = _socket(socket.SOCK_DGRAM)
    if not sock:
        return None, 0
    try:
        sock.setblocking(False)
        for i in range(_TRIES):
            ident = os.urandom(2)
            try:
                sock.sendto(ident + _QUESTION, (servers[i % len(servers)], _DNS_PORT))
                used += _UDP_BYTES + 2 + len(_QUESTION)
            except OSError:
                pass  # no way out: as if it were lost
            deadline = Deadline(_TRY_MS)
            while deadline.left():
                try:
                    answer = sock.recv(128)
                    used += _UDP_BYTES + len(answer)
                    if answer[:2] == ident:
                        return True, used
                except OSError:
                    pass  # not yet
                if heard():
                    return True, used
                yield _POLL_MS
    finally:
        sock.close()
    return False, used


def knock(host, port, heard):
    """Procedure: begin a TCP connection to `host` (dotted str); also a refusal is an answer. As ask_dns()."""
    sock = _socket(socket.SOCK_STREAM)
    if not sock:
        return None, 0
    try:
        sock.setblocking(False)
        try:
            sock.connect(socket.getaddrinfo(host, port)[0][-1])
        except OSError:
            pass  # in progress
        deadline = Deadline(_TRIES * _TRY_MS)
        while deadline.left():
            if heard():
                return True, _TCP_BYTES
            yield _POLL_MS
    finally:
        sock.close()
    return False, _TCP_BYTES
