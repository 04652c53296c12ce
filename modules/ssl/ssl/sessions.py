"""TLS sessions of earlier connections, to be resumed: a tenth of the bytes, one round trip less.

A few are kept in RAM, and in a file (FILE) for after a reset or deep sleep. A session belongs to one host, one
port and one set of trust settings; its key is a digest of all three. It is dropped with the first doubt: after
a day, if the clock went back, if a handshake with it failed, if the file is damaged.

The file holds secrets of the sessions in it, as that of a client certificate's key does.
"""

import hashlib
import os
import sys

import tls
from micropython import const
from ppp_sim800 import rtc

FILE = "ppp_sim800.tls"

_MOST = const(4)  # sessions
_LONGEST = const(
    1024
)  # bytes of one: some servers put their whole chain of certificates into a ticket
_LIFE = const(86400)  # seconds (RFC 5077 5.6 recommends no more)
_PATIENCE = const(
    3
)  # times in a row that a server may refuse before its sessions no longer wear out flash
_CHECK = const(16)  # bytes of a digest
_KEY = const(16)
_HEAD = const(23)  # key, when it was made, how often refused, length

_sessions = None  # [[key, made, refused, bytes]], the one used last at the end


def key(identity, host, port):
    """The key of a server's sessions. identity: digest (bytes) of the settings it is trusted by."""
    return hashlib.sha256(identity + "{}:{}".format(host, port).encode()).digest()[:_KEY]


def offer(key):
    """The tls.SSLSession to offer to a server, or None."""
    entry = _find(key)
    if not entry:
        return None
    if 0 <= rtc.now() - entry[1] < _LIFE:
        try:
            return tls.SSLSession(entry[3])
        except ValueError:
            pass
    drop(key)
    return None


def keep(key, session, offered, reused):
    """After a handshake: keep its session for the next one.

    session: of this connection, None if the server does not resume; offered: the one it began with, or None;
    reused: whether the server took that.
    """
    entry = _find(key)
    if entry:
        _sessions.remove(entry)
    if session is None:
        if entry:
            _write()
        return
    data = session.to_bytes()
    if len(data) > _LONGEST:
        return
    refused = 0
    if entry and reused:
        # The one in the file still does, so that a new ticket each time does not wear out flash.
        _sessions.append([key, entry[1], 0, data])
        return
    if entry and offered:
        refused = min(entry[2] + 1, 255)
    _sessions.append([key, rtc.now(), refused, data])
    del _sessions[:-_MOST]
    if refused < _PATIENCE:
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
    try:
        os.remove(FILE)
    except OSError:
        pass


def _find(key):
    global _sessions
    if _sessions is None:
        try:
            _sessions = _read()
        except (OSError, ValueError, IndexError):
            _sessions = []
    for entry in _sessions:
        if entry[0] == key:
            return entry
    return None


def _digest(data):
    # The version is in it: another firmware may read the sessions otherwise, or trust others.
    return hashlib.sha256(sys.version.encode() + data).digest()[:_CHECK]


def _read():
    with open(FILE, "rb") as file:
        data = file.read(_CHECK + _MOST * (_HEAD + _LONGEST) + 1)
    body = data[_CHECK:]
    if len(body) > _MOST * (_HEAD + _LONGEST) or _digest(body) != data[:_CHECK]:
        return []
    entries = []
    while body:
        made = int.from_bytes(body[_KEY : _KEY + 4], "big")
        length = int.from_bytes(body[_KEY + 5 : _HEAD], "big")
        entries.append([body[:_KEY], made, body[_KEY + 4], body[_HEAD : _HEAD + length]])
        body = body[_HEAD + length :]
    return entries


def _write():
    body = b"".join(
        key + made.to_bytes(4, "big") + bytes((refused,)) + len(data).to_bytes(2, "big") + data
        for key, made, refused, data in _sessions
        if refused < _PATIENCE
    )
    try:
        if not body:
            os.remove(FILE)
            return
        with open(FILE, "wb") as file:
            file.write(_digest(body) + body)
    except OSError:
        pass  # a full or absent file system: the next start begins with a full handshake
