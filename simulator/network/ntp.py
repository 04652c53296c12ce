"""NTP (RFC 5905), as far as SNTP needs it: packets of a client and a server, and servers, good and bad."""

import datetime
import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

PORT = 123
SIZE = 48
CLIENT, SERVER = 3, 4  # modes
VERSION = 4
UNSYNCHRONIZED = 3  # leap indicator
_PACKET = struct.Struct("!BBbbII4s8s8s8s8s")
_EPOCH = datetime.datetime(1900, 1, 1)
_ERA = 1 << 32  # seconds; era 1 begins in February 2036


class BadAnswer(ValueError):
    """No answer of a server that knows the time."""


@dataclass(frozen=True)
class Manner:
    """How a server answers. now: UTC that it tells, None: the right one; drop: how many questions it lets
    pass unanswered first; echo: whether it gives the question's time stamp back; empty: tells no time; cut:
    bytes of the answer; again: how often it sends the answer. Stratum 0 is a refusal (kiss of death), 16 a
    server that does not know the time; dispersion in seconds."""

    now: datetime.datetime | None = None
    leap: int = 0
    mode: int = SERVER
    stratum: int = 2
    reference: bytes = b"GPS\0"
    dispersion: float = 0.01
    echo: bool = True
    empty: bool = False
    cut: int = SIZE
    drop: int = 0
    again: int = 1


# name -> its manner; the host's name is this and ".example"
MANNERS = {
    "ntp": Manner(),
    "lossyntp": Manner(drop=1),
    "silentntp": Manner(drop=1 << 30),
    "doublentp": Manner(again=3),
    "kissntp": Manner(stratum=0, reference=b"RATE"),
    "lostntp": Manner(leap=UNSYNCHRONIZED, stratum=16),
    "unsurentp": Manner(dispersion=3.0),
    "forgedntp": Manner(echo=False),
    "shortntp": Manner(cut=40),
    "emptyntp": Manner(empty=True),
    "clientntp": Manner(mode=CLIENT),
    "oldntp": Manner(now=datetime.datetime(2004, 11, 9, 11, 33, 20)),
    "era1ntp": Manner(now=datetime.datetime(2036, 7, 18, 13, 20)),  # 32 bits have wrapped
}


def _stamp(utc: datetime.datetime) -> bytes:
    passed = utc - _EPOCH
    seconds = passed.days * 86400 + passed.seconds
    return struct.pack("!II", seconds % _ERA, passed.microseconds * _ERA // 1_000_000)


def request() -> bytes:
    """What a client asks; it tells no time of its own."""
    return bytes([VERSION << 3 | CLIENT]) + bytes(SIZE - 1)


def answer(question: bytes, utc: datetime.datetime, manner: Manner | None = None) -> bytes | None:
    """The server's answer to a client's packet at `utc` (no zone in it); None to anything else."""
    if len(question) < SIZE or question[0] & 7 != CLIENT:
        return None
    manner = manner or MANNERS["ntp"]
    fields = _PACKET.unpack(question[:SIZE])
    now = _stamp(manner.now or utc)
    return _PACKET.pack(
        manner.leap << 6 | (fields[0] & 0x38) | manner.mode,
        manner.stratum,
        fields[2],
        -20,  # precision: 2^-20 s
        0x200,
        int(manner.dispersion * 0x10000),
        manner.reference,
        now,
        fields[10] if manner.echo else os.urandom(8),  # origin: what the client sent
        now,
        bytes(8) if manner.empty else now,
    )[: manner.cut]


def time_of(packet: bytes) -> datetime.datetime:
    """The UTC in a server's answer. Raises BadAnswer."""
    if len(packet) < SIZE:
        raise BadAnswer(f"{len(packet)} bytes")
    first, stratum = packet[:2]
    if first & 7 != SERVER or first >> 6 == UNSYNCHRONIZED or not 0 < stratum < 16:
        raise BadAnswer(f"mode {first & 7}, stratum {stratum}")
    seconds, fraction = struct.unpack_from("!II", packet, 40)
    if not seconds:
        raise BadAnswer("no time")
    if seconds < 1 << 31:
        seconds += _ERA
    return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=fraction * 10**6 >> 32)


class NTPServer:
    """One server on a free UDP port of 127.0.0.1, in a thread of its own.

    now: tells the time, seconds since 1970; log: called with what it says. `asked` counts questions.
    """

    def __init__(self, manner: Manner, now: Callable[[], float], log: Callable[[str], None]):
        self.asked = 0
        self._manner = manner
        self._now = now
        self._log = log
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="server ntp", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(512)
            if not question:
                return
            utc = datetime.datetime.fromtimestamp(self._now(), datetime.UTC).replace(tzinfo=None)
            told = answer(question, utc, self._manner)
            if told is None:
                continue
            self.asked += 1
            if self.asked > self._manner.drop:
                self._log(f"it is {self._manner.now or utc}")
                for _ in range(self._manner.again):
                    self._socket.sendto(told, client)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()
