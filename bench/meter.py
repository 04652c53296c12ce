"""What a wake of a board costs: seconds, bytes, round trips and charge, seen from outside the board."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from network import hdlc
from network.air import Pipe
from network.journal import Entry
from scapy.layers.inet import ICMP, IP, TCP
from scapy.utils import RawPcapReader
from sim800.surroundings import Surroundings

SIM800L = "SIM800H & SIM800L Hardware Design V2.02, table 49, EGSM900"
ESP32 = "ESP32 Series Datasheet, power consumption by power modes"

# What is drawn (mA), and who says so. Good to compare ways of doing the same, no replacement for an ammeter.
CURRENTS = {
    "ESP32 awake": (49.0, f"{ESP32}: modem-sleep, two cores at 240 MHz, 30 to 68 mA; the middle"),
    "ESP32 in deep sleep": (0.01, f"{ESP32}: RTC timer and RTC memory"),
    "board asleep": (0.5, "seen on T-Calls in deep sleep (LilyGO's issues 40 and 134)"),
    "modem searching": (70.0, "assumed, no document tells: from power on to registration"),
    "modem with a packet in the air": (249.85, f"{SIM800L}: GPRS, 4 slots down, 1 up, full power"),
    "modem registered, nothing in the air": (17.38, f"{SIM800L}: idle"),
    "modem dozing": (1.04, f"{SIM800L}: sleep mode, registered, BS-PA-MFRMS=9"),
    "modem off": (0.0, "the T-Call cuts its supply"),
}


def charge(seconds: dict[str, float]) -> float:
    """mAh of so many seconds of each of CURRENTS."""
    return sum(CURRENTS[name][0] * time for name, time in seconds.items()) / 3600


@dataclass(frozen=True)
class Wake:
    """One wake of the board. Bytes are those of both ways together.

    seconds: awake. serial: bytes on the UART, AT commands included; ppp: bytes of PPP frames, without flags,
    escapes and checksum; ip: bytes of IP packets in the air. trips: round trips through the air that were waited
    for (questions of DNS and NTP, SYN, data of TCP; no bare acknowledgement), None where that cannot be seen.
    air: seconds with a packet in the air; searching, registered: seconds of the modem.
    """

    seconds: float
    serial: int
    ppp: int
    ip: int
    trips: int | None
    air: float
    searching: float
    registered: float

    @property
    def mah(self) -> float:
        """Charge of the wake by CURRENTS, in mAh."""
        return charge(
            {
                "ESP32 awake": self.seconds,
                "modem searching": self.searching,
                "modem with a packet in the air": self.air,
                "modem registered, nothing in the air": self.registered - self.air,
            }
        )

    def hour(self, modem: str) -> float:
        """mAh of an hour with one such wake, the modem being `modem` (of CURRENTS) the rest of it."""
        rest = 3600 - self.seconds
        return self.mah + charge(
            dict.fromkeys(("ESP32 in deep sleep", "board asleep", modem), rest)
        )

    def told(self) -> dict:
        return {**asdict(self), "mah": self.mah}


def union(spans: list[tuple[float, float]], begin: float, end: float) -> float:
    """Seconds between begin and end that lie in one of the spans at least."""
    total, at = 0.0, begin
    for since, until in sorted(spans):
        total += max(0.0, min(until, end) - max(since, at))
        at = max(at, min(until, end))
    return total


class Meter:
    """Watches `world` from its start on; pcap: the file that world captures PPP into.

    `wake()` and `sleep()` are told when the board does so; `wakes` has what each took.
    """

    def __init__(self, world: Surroundings, pcap: Path):
        self.wakes: list[Wake] = []
        self.air: list[tuple[float, float]] = []  # when a packet was sent, when it arrived
        self._world, self._pcap = world, pcap
        self._ip = 0
        self._began: tuple[float, int, int, int] | None = None
        own = world.modem.sockets  # the modem's own TCP/IP
        for pipe in (own.up.pipe, own.down.pipe):
            self._listen(pipe, lambda: True)
        for pipe in (world.internet.up, world.internet.down):
            self._listen(pipe, self._online)

    def _online(self) -> bool:
        # To a board that is not, the network forwards and counts nothing.
        ppp = self._world.modem.ppp
        return ppp is not None and ppp.up

    def _listen(self, pipe: Pipe, counts: Callable[[], bool]) -> None:
        send = pipe.send

        def listened(packet: bytes) -> float | None:
            now, arrival = self._world.clock.now(), send(packet)
            if counts():
                self._ip += len(packet)
                self.air.append((now, now if arrival is None else arrival))
            return arrival

        pipe.send = listened

    def _counts(self) -> tuple[int, int, int]:
        line = self._world.line
        return line.sent + line.received, self._ip, len(self.frames())

    def frames(self) -> list[tuple[bool, bytes]]:
        """(from the board, content) of each PPP frame so far."""
        return [(data[0] == 1, data[1:]) for data, _ in RawPcapReader(str(self._pcap))]

    def wake(self) -> None:
        self._began = (self._world.clock.now(), *self._counts())

    def sleep(self) -> None:
        began, serial, ip, first = self._began
        now = self._world.clock.now()
        frames = self.frames()[first:]
        searching, registered = modem_seconds(self._world.journal.entries, began, now)
        self.wakes.append(
            Wake(
                seconds=now - began,
                serial=self._counts()[0] - serial,
                ppp=sum(len(content) for _, content in frames),
                ip=self._ip - ip,
                trips=trips(frames) if frames else None,
                air=union(self.air, began, now),
                searching=searching,
                registered=registered,
            )
        )


def modem_seconds(entries: list[Entry], begin: float, end: float) -> tuple[float, float]:
    """Seconds between begin and end in which the modem was on and not registered, and in which it was."""
    spans: dict[str, list[tuple[float, float]]] = {"searching": [], "registered": []}
    state, since = None, 0.0
    for entry in entries:
        if entry.source != "modem":
            continue
        after = {"power on": "searching", "registered": "registered", "off": None}
        if entry.what in after:
            if state:
                spans[state].append((since, entry.time))
            state, since = after[entry.what], entry.time
    if state:
        spans[state].append((since, end))
    return union(spans["searching"], begin, end), union(spans["registered"], begin, end)


def packets(frames: list[tuple[bool, bytes]]) -> list[tuple[bool, IP]]:
    """(from the board, IP packet) of the frames that carry one."""
    found = []
    for up, content in frames:
        unpacked = hdlc.unpack(content, acfc=True, pfc=True)
        if unpacked and unpacked[0] == 0x0021:
            found.append((up, IP(unpacked[1])))
    return found


def trips(frames: list[tuple[bool, bytes]]) -> int:
    """How often the board asked something of the network after it had got its last answer."""
    count, asking = 0, False
    for up, packet in packets(frames):
        if ICMP in packet:
            continue
        if TCP in packet and not packet[TCP].payload and "S" not in packet[TCP].flags:
            continue  # an acknowledgement, or the end
        count += up and not asking
        asking = up
    return count
