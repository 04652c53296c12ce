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


def ask_dns(servers, heard, question=_QUESTION):
    """Procedure: ask the name servers `servers` (dotted str), one after another; 12 s at most.

    heard: called with nothing; True ends the waiting: something came from the network. question: the message
    without its first two bytes; by default something they know by themselves.
    Returns (the answer (bytes), True for something else that was heard, False for nothing, None where there is no
    socket to ask by; bytes on the air).
    """
    return _ask(socket.SOCK_DGRAM, servers, _DNS_PORT, heard, question)


def knock(host, port, heard):
    """Procedure: begin a TCP connection to `host` (dotted str); also a refusal is an answer. As ask_dns()."""
    return _ask(socket.SOCK_STREAM, (host,), port, heard, None)


def _ask(kind, hosts, port, heard, question):
    used = 0
    try:
        sock = socket.socket(socket.AF_INET, kind)
    except OSError:  # the script has them all
        return None, 0
    try:
        sock.setblocking(False)
        ident = os.urandom(2)  # the same for all: an answer that is late is one, too
        for i in range(_TRIES if hosts else 0):
            try:
                address = (hosts[i % len(hosts)], port)
                if kind == socket.SOCK_DGRAM:
                    sock.sendto(ident + question, address)
                    used += _UDP_BYTES + 2 + len(question)
                elif not used:
                    used = _TCP_BYTES
                    sock.connect(address)
            except OSError:
                pass  # no way out: as if it were lost; or the connection is in progress
            deadline = Deadline(_TRY_MS)
            while deadline.left():
                try:
                    answer = sock.recv(512)
                    used += _UDP_BYTES + len(answer)
                    if answer[:2] == ident:
                        return answer, used
                except OSError:
                    pass  # not yet
                if heard():
                    return True, used
                yield _POLL_MS
    finally:
        sock.close()
    return False, used
