"""Host names to addresses."""

import socket
import time

from micropython import const

from .errors import NameNotFound

_DNS_MS = const(5000)  # an answer that came sooner was an answer, not silence


def resolve(host):
    """See link.PPP.resolve()."""
    started = time.ticks_ms()
    try:
        return socket.getaddrinfo(host, 0, socket.AF_INET)[0][-1][0]
    except OSError as error:
        if time.ticks_diff(time.ticks_ms(), started) < _DNS_MS:
            why = "there is no such name: check the spelling"
        else:
            why = "no name server answered: check that the SIM has data left, then connect again"
        raise NameNotFound('cannot resolve "{}" ({}): {}'.format(host, error.errno, why))
