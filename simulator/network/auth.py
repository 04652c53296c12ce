"""The authenticator's side of PAP (RFC 1334) and CHAP with MD5 (RFC 1994)."""

import hashlib
from collections.abc import Callable

CHALLENGE_NAME = b"network"


def build(code: int, ident: int, data: bytes) -> bytes:
    return bytes([code, ident]) + (len(data) + 4).to_bytes(2, "big") + data


def parse(packet: bytes) -> tuple[int, int, bytes] | None:
    """(code, identifier, data) of a PAP or CHAP packet, or None when its length does not fit."""
    length = int.from_bytes(packet[2:4], "big")
    if len(packet) < 4 or not 4 <= length <= len(packet):
        return None
    return packet[0], packet[1], packet[4:length]


class PAP:
    """Waits for the far end's Authenticate-Request.

    check(user, password) says whether it is right; done(ok, user) is called after the first
    answer. A request repeated because our answer was lost gets the same answer again.
    """

    name = "PAP"
    protocol = 0xC023

    def __init__(self, transmit, check: Callable[[bytes, bytes], bool], done):
        self._transmit = transmit
        self._check = check
        self._done = done
        self._verdict: bool | None = None

    def start(self) -> None: ...

    def repeat(self) -> None: ...

    def receive(self, packet: bytes) -> None:
        parsed = parse(packet)
        if parsed is None or parsed[0] != 1:
            return
        _, ident, data = parsed
        user, rest = data[1 : 1 + data[0]] if data else b"", data[1 + data[0] :] if data else b""
        if not rest or len(rest) < 1 + rest[0]:
            return
        first = self._verdict is None
        if first:
            self._verdict = self._check(user, rest[1 : 1 + rest[0]])
        self._transmit(build(2 if self._verdict else 3, ident, b"\x00"))  # an empty message
        if first:
            self._done(self._verdict, user)


class CHAP:
    """Sends a challenge and judges the response; otherwise as PAP.

    check(user, matches) is handed a function that tells whether a password fits the response.
    """

    name = "CHAP"
    protocol = 0xC223

    def __init__(self, transmit, check, done, challenge: bytes):
        self._transmit = transmit
        self._check = check
        self._done = done
        self._challenge = challenge
        self._ident = challenge[0]
        self._verdict: bool | None = None

    def start(self) -> None:
        value = bytes([len(self._challenge)]) + self._challenge + CHALLENGE_NAME
        self._transmit(build(1, self._ident, value))

    def repeat(self) -> None:
        self.start()

    def receive(self, packet: bytes) -> None:
        parsed = parse(packet)
        if parsed is None or parsed[:2] != (2, self._ident):
            return
        data = parsed[2]
        if not data or data[0] != 16 or len(data) < 17:
            return
        response, user = data[1:17], data[17:]

        def matches(password: bytes) -> bool:
            whole = bytes([self._ident]) + password + self._challenge
            return hashlib.md5(whole, usedforsecurity=False).digest() == response

        first = self._verdict is None
        if first:
            self._verdict = self._check(user, matches)
        self._transmit(build(3 if self._verdict else 4, self._ident, b""))
        if first:
            self._done(self._verdict, user)
