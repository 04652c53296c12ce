"""NTP servers (RFC 5905) on this machine's loopback, good and bad."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

ERA_0 = 2208988800  # seconds from 1900 to 1970
SIZE = 48
SERVER = 4  # mode
NTP_PORT = 123


@dataclass(frozen=True)
class Manner:
    """How a server answers. now: Unix time that it tells, None: the real one; drop: how many questions it
    lets pass unanswered first; echo: whether it gives the question's time stamp back; cut: bytes of the answer;
    again: how often it sends the answer."""

    now: float | None = None
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
    "lostntp": Manner(leap=3, stratum=16),
    "unsurentp": Manner(dispersion=3.0),
    "forgedntp": Manner(echo=False),
    "shortntp": Manner(cut=40),
    "emptyntp": Manner(empty=True),
    "clientntp": Manner(mode=3),
    "oldntp": Manner(now=1_100_000_000.0),  # November 2004
    "era1ntp": Manner(now=2_100_000_000.0),  # July 2036, after the 32 bits have wrapped
}


def answer(question: bytes, manner: Manner, now: float) -> bytes:
    """The server's packet to a client's, at the Unix time `now`."""
    now = manner.now if manner.now is not None else now
    seconds = (int(now) + ERA_0) & 0xFFFFFFFF
    stamp = struct.pack("!II", seconds, int(now % 1 * (1 << 32)))
    version = question[0] >> 3 & 7
    head = struct.pack(
        "!BBbbiI4s",
        manner.leap << 6 | version << 3 | manner.mode,
        manner.stratum,
        question[2] if question[2] < 128 else 0,
        -20,
        0x200,
        int(manner.dispersion * 0x10000),
        manner.reference,
    )
    origin = question[40:48] if manner.echo else os.urandom(8)
    last = bytes(8) if manner.empty else stamp
    return (head + stamp + origin + stamp + last)[: manner.cut]


class NTPServer:
    """One server on a free UDP port of 127.0.0.1, in a thread of its own; `asked` counts questions."""

    def __init__(self, manner: Manner, now: Callable[[], float] = time.time):
        self.asked = 0
        self._manner = manner
        self._now = now
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
            if len(question) < SIZE or question[0] & 7 != 3:
                continue
            self.asked += 1
            if self.asked > self._manner.drop:
                for _ in range(self._manner.again):
                    self._socket.sendto(answer(question, self._manner, self._now()), client)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()
