"""TLS sessions of earlier connections, to be resumed: a tenth of the bytes, one round trip less.

A few are kept in RAM, and in a file (FILE) for after a reset or deep sleep. A session belongs to one host, one
port and one set of trust settings; its key is a digest of all three. In the session itself is its tag: that key, when
it was made, and when the first certificate expires by which the server has proved itself then. It is dropped with the
first doubt: after a day, with that certificate, if the clock went back, if a handshake with it failed, if the file is
damaged. With it goes the address at which
the server has proved itself: it need not be asked for again (RFC 8767), as it must prove itself again.

The file holds secrets of the sessions in it, as that of a client certificate's key does.
"""

import hashlib
import os
import struct
import sys

import tls
from micropython import const
from nettime import rtc

FILE = "ppp_sim800.tls"

_MOST = const(4)  # sessions
# Bytes of one: some servers put their whole chain of certificates into a ticket
_LONGEST = const(1024)
_LIFE = const(86400)  # seconds (RFC 5077 5.6 recommends no more)
# Times in a row that a server may refuse before its sessions no longer wear out flash
_PATIENCE = const(3)
_DIGEST = const(16)  # bytes of one
# Of a session: key, when it was made, until when it may be resumed (Unix seconds)
_TAG = const(">16sII")
_TAG_SIZE = const(24)
EVER = const(0xFFFFFFFF)
# Of an entry in the file: tag, how often refused, IPv4 address (0: not known), length
_HEAD = const(">24sB4sH")
_HEAD_SIZE = const(31)

_sessions = None  # [[tag, refused, address, bytes]], the one used last at the end


def key(identity, host, port):
    """The key of a server's sessions. identity: digest (bytes) of the settings it is trusted by."""
    return hashlib.sha256(identity + "{}:{}".format(host, port).encode()).digest()[:_DIGEST]


def tag(key, ends):
    """The tag of a session that is made now. ends: Unix seconds when the certificates expire."""
    return struct.pack(_TAG, key, rtc.now(), ends)


def is_of(tag, key):
    """Whether a session with this tag belongs to that key."""
    return len(tag) == _TAG_SIZE and tag[:_DIGEST] == key


def is_good(tag):
    """Whether a session with this tag may be resumed now."""
    _, made, ends = struct.unpack(_TAG, tag)
    return made <= rtc.now() < min(made + _LIFE, ends)


def offer(key):
    """The tls.SSLSession to offer to a server, or None."""
    entry = _find(key)
    try:
        if entry and is_good(entry[0]):
            return tls.SSLSession(entry[3])
    except ValueError:
        pass
    return drop(key)  # None


def address(key, gone):
    """The IPv4 address (dotted str) at which this server proved itself last, None if that is not known. gone: it does not
    any more; the next one is kept."""
    entry = _find(key)
    if not entry or not is_good(entry[0]):
        return None
    if gone:
        entry[2] = b""
    return ".".join(map(str, entry[2])) if any(entry[2]) else None


def keep(key, session, offered, reused, address):
    """After a handshake: keep its session for the next one.

    session: of this connection, None if the server does not resume; offered: the one it began with, or None;
    reused: whether the server took that; address: dotted str, 0.0.0.0: not known.
    Of several that a name has one is kept, so that the others do not wear out flash either.
    """
    data = session.to_bytes() if session else b""
    if not 0 < len(data) <= _LONGEST:
        return drop(key)
    refused = 0
    address = bytes(map(int, address.split(".")))
    entry = _find(key)
    if entry:
        _sessions.remove(entry)
        if reused:
            address = entry[2] or address
        elif offered:
            refused = min(entry[1] + 1, 255)
    _sessions.append([session.tag, refused, address, data])
    del _sessions[:-_MOST]
    # The one in the file still does if it was reused, so that a new ticket each time does not wear out flash.
    if refused < _PATIENCE and not (entry and reused and entry[2]):
        _write()


def drop(key):
    """Forget a server's session."""
    entry = _find(key)
    if entry:
        _sessions.remove(entry)
        _write()


def clear():
    """Forget all sessions, in the file too."""
    global _sessions
    _sessions = []
    _write()


def _find(key):
    global _sessions
    if _sessions is None:
        try:
            _sessions = _read()
        except (OSError, ValueError):
            _sessions = []
    for entry in _sessions:
        if entry[0][:_DIGEST] == key:
            return entry
    return None


def _digest(data):
    # The version is in it: another firmware may read the sessions otherwise, or trust others.
    return hashlib.sha256(sys.version.encode() + data).digest()[:_DIGEST]


def _read():
    with open(FILE, "rb") as file:
        data = file.read(_DIGEST + _MOST * (_HEAD_SIZE + _LONGEST))
    at = _DIGEST
    entries = []
    if _digest(data[at:]) == data[:at]:
        while at < len(data):
            *entry, length = struct.unpack_from(_HEAD, data, at)
            at += _HEAD_SIZE + length
            entries.append(entry + [data[at - length : at]])
    return entries


def _write():
    body = b"".join(
        struct.pack(_HEAD, tag, refused, address, len(data)) + data
        for tag, refused, address, data in _sessions
        if refused < _PATIENCE
    )
    try:
        if body:
            with open(FILE, "wb") as file:
                file.write(_digest(body) + body)
        else:
            os.remove(FILE)
    except OSError:
        pass  # a full or absent file system: the next start begins with a full handshake
