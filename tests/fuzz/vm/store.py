# The file of TLS sessions, to ssl.sessions, and what is in it, to tls.SSLSession. The first byte: 0: the rest is the
# file as it is, 1: its digest is right, else it is one session.
import hashlib
import os
import sys

import tls
from host import words
from nettime import rtc

FILE = "ppp_sim800.tls"
KEY = b"k" * 16

rtc.set(1790000100)  # of 2026, as the seeds are


def feed(data):
    if not data:
        return ""
    if data[0] > 1:
        try:
            session = tls.SSLSession(data[1:])
        except ValueError as error:
            return words(error)
        assert session.to_bytes() == data[1:] and session.tag == data[2 : 2 + data[1]]
        return "session"
    body = data[1:]
    if data[0]:
        body = hashlib.sha256(sys.version.encode() + body).digest()[:16] + body
    with open(FILE, "wb") as file:
        file.write(body)
    # As after a reset
    sys.modules.pop("ssl.sessions", None)
    from ssl import sessions

    found = sessions.offer(KEY)
    address = sessions.address(KEY, False)
    assert address is None or len(bytes(map(int, address.split(".")))) == 4
    sessions.clear()
    assert sessions.offer(KEY) is None and FILE not in os.listdir()
    return f"{found and len(found.tag) > 0} {address is None}"
