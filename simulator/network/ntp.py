"""NTP packets of a client and a server (RFC 5905), as far as SNTP needs them."""

import datetime
import struct

PORT = 123
_PACKET = struct.Struct("!BBbb11I")
_EPOCH = datetime.datetime(1900, 1, 1)
_ERA = 1 << 32  # seconds; era 1 begins in February 2036
CLIENT, SERVER = 3, 4
VERSION = 4
UNSYNCHRONIZED = 3  # leap indicator


class BadAnswer(ValueError):
    """No answer of a server that knows the time."""


def _stamp(utc: datetime.datetime) -> tuple[int, int]:
    passed = utc - _EPOCH
    seconds = passed.days * 86400 + passed.seconds
    return seconds % _ERA, passed.microseconds * (1 << 32) // 1_000_000


def request() -> bytes:
    """What a client asks; it tells no time of its own."""
    return _PACKET.pack(VERSION << 3 | CLIENT, *[0] * 14)


def answer(question: bytes, utc: datetime.datetime, stratum: int = 2) -> bytes | None:
    """The answer to a client's packet at `utc` (no zone in it); None to anything else.

    Stratum 0 is a refusal (kiss of death), 16 a server that does not know the time.
    """
    if len(question) < _PACKET.size or question[0] & 7 != CLIENT:
        return None
    fields = _PACKET.unpack(question[: _PACKET.size])
    leap = 0 if 0 < stratum < 16 else UNSYNCHRONIZED
    now = _stamp(utc)
    first = leap << 6 | (question[0] & 0x38) | SERVER
    # precision 2^-20 s; origin is what the client sent, then received and sent
    return _PACKET.pack(
        first, stratum, fields[2], -20, 0, 0, 0x4C4F434C, *now, *fields[13:15], *now, *now
    )


def time_of(packet: bytes) -> datetime.datetime:
    """The UTC in a server's answer. Raises BadAnswer."""
    if len(packet) < _PACKET.size:
        raise BadAnswer(f"{len(packet)} bytes")
    first, stratum, *rest = _PACKET.unpack(packet[: _PACKET.size])
    if first & 7 != SERVER or first >> 6 == UNSYNCHRONIZED or not 0 < stratum < 16:
        raise BadAnswer(f"mode {first & 7}, stratum {stratum}")
    seconds, fraction = rest[-2:]
    if not seconds:
        raise BadAnswer("no time")
    if seconds < 1 << 31:
        seconds += _ERA
    return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=fraction * 10**6 >> 32)
