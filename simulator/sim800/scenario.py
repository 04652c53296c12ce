"""A scenario as plain data: which modem, what SIM, what network, what happens when.

Nothing here does anything. Tests, the demo, the benchmark and `python -m sim800` share these
classes; a scenario is made with keyword arguments and varied with `dataclasses.replace`.
Times are simulated seconds, rates bits per second.
"""

from dataclasses import dataclass, field

from network.air import IDEAL, Air


@dataclass(frozen=True)
class Modem:
    """The SIM800 itself."""

    profile: str = "R14.18"  # firmware: a name in profiles.PROFILES; "R13.08" has no SSL commands
    start: str = "off"  # "off", "command" (already booted), "data" (left in a PPP session nobody owns), "cmux" (left multiplexing)
    ipr: int = 0  # stored baud rate; 0 is autobauding, the factory default
    echo: bool = True
    boot_time: float = 2.6  # end of the PWRKEY pulse until the UART answers
    sim_time: float = 0.6  # UART up until +CPIN
    ready_time: float = 2.0  # UART up until Call Ready / SMS Ready
    autobaud_lost: int = (
        1  # autobauding: so many first "AT" only train the rate, unanswered (unverified)
    )
    latency: float = 1.0  # factor on every command's documented typical latency; 0 answers at once
    imei: str = "861234567890123"
    battery: tuple[int, int, int] = (0, 87, 4012)  # +CBC: charging, percent, mV
    message_places: int = 50  # short messages that fit into the modem's own memory, "ME"
    missed_call: bool = False  # says MISSED_CALL of a call nobody answered, as some firmware does
    escape_dead: bool = True  # +++ also works on a dead bearer (unverified)
    cmux: bool = True  # knows AT+CMUX


@dataclass(frozen=True)
class SIM:
    inserted: bool = True
    pin: str | None = None  # None: no PIN asked
    pin_tries: int = 3
    puk: str = "12345678"
    puk_tries: int = 10
    locked: str = ""  # "PUK": blocked from the start
    imsi: str = "262011234567890"
    iccid: str = "89490200001234567890"
    number: str = "+491701234567"
    provider: str = "Telekom.de"  # who gave out the card, +CSPN
    contacts: tuple[tuple[str, str], ...] = ()  # (number, name) in its phonebook, "SM"
    message_places: int = 20  # short messages that fit on the card, "SM"
    service_center: str = "+491710760000"


@dataclass(frozen=True)
class Operator:
    name: str
    short: str
    plmn: str
    status: int = 1  # 0 unknown, 1 available, 2 current, 3 forbidden


@dataclass(frozen=True)
class Cell:
    """A cell of the network, as AT+CENG tells of it; `rxl` is its strength, 0 to 63."""

    lac: str
    cell: str
    rxl: int = 30
    arfcn: int = 44
    bsic: int = 21


@dataclass(frozen=True)
class APN:
    """An access point the network knows, and what its PPP wants."""

    auth: str = "pap"  # "none", "pap" or "chap": what the modem's LCP asks for
    user: str | None = None  # None: any user, also a blank one, is let in
    password: str | None = None


@dataclass(frozen=True)
class Radio:
    # (seconds after the radio is on and the SIM ready, +CREG stat), in order; the last one stays
    registration: tuple[tuple[float, int], ...] = ((0.3, 2), (1.2, 1))
    gprs_registration: tuple[tuple[float, int], ...] | None = None  # +CGREG; None: as registration
    csq: tuple[int, int] = (18, 0)  # rssi, ber; (99, 99) is unknown
    lac: str = "1A2B"
    cell: str = "3C4D"
    neighbours: tuple[Cell, ...] = (
        Cell("1A2B", "3C4E", 22, 57, 30),
        Cell("1A2B", "01F0", 14, 71, 8),
    )
    operators: tuple[Operator, ...] = (
        Operator("Telekom.de", "TDG", "26201", 2),
        Operator("vodafone.de", "Voda", "26202", 1),
        Operator("o2 - de", "o2", "26203", 3),
    )
    apns: dict[str, APN] = field(default_factory=lambda: {"internet": APN()})
    # longitude, latitude in degrees, what +CIPGSMLOC and +CLBS say; None: the cells are not known
    position: tuple[float, float] | None = (13.404954, 52.520008)
    zone: int = 8  # local time, quarter hours east of UTC, summer time included
    dst: int = 1  # hours of summer time in it
    nitz: bool = True  # the network tells the time (only when asked with AT+CLTS=1)


@dataclass(frozen=True)
class Phone:
    """Another subscriber, as the modem meets him when it calls or writes."""

    rings: float = 2.0  # after dialling until his phone rings, or the network says why not
    answers: float | None = 5.0  # he takes the call when it has rung so long; None: never
    talks: float | None = None  # he hangs up after so long; None: never
    busy: bool = False
    reachable: bool = True  # False: calls get NO CARRIER, messages are not delivered
    reports: float | None = 3.0  # until the status report of a message to him; None: never


@dataclass(frozen=True)
class USSD:
    """The network's answer to a USSD code or to a choice from a menu."""

    text: str | None  # None: it ends the session without a word
    after: float = 1.5
    replies: dict[str, "USSD"] | None = None  # not None: a menu, and what each choice leads to


@dataclass(frozen=True)
class PPP:
    """The modem's PPP end, as seen on real modems unless changed."""

    asyncmap: int = 0x000A0000
    local: str = "192.168.254.254"
    remote: str = "10.64.64.64"  # the address the board is given
    dns: tuple[str, str] = ("10.64.0.1", "10.64.0.2")
    retries: int = 5
    retry_time: float = 3.0


@dataclass(frozen=True)
class Event:
    """Something that happens by itself: `do` (a word of faults.py, with its arguments as they are written there,
    or in `args`) `after` seconds from the moment `when` first comes: "start", "power", "boot", "ready",
    "registered", "dial", "connect" (data phase begins), "ip" (IPCP is up)."""

    do: str
    when: str = "start"
    after: float = 0.0
    args: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    modem: Modem = Modem()
    sim: SIM = SIM()
    radio: Radio = Radio()
    ppp: PPP = PPP()
    phones: dict[str, Phone] = field(default_factory=dict)  # by number; others are a Phone()
    ussd: dict[str, USSD] = field(default_factory=dict)  # by code, as dialled
    air: Air = IDEAL
    board: str = "SIM800L_IP5306_20200811"  # wiring: a name in board.tcall.BOARDS
    # name -> address; None: the DNS says there is no such name; "" : the DNS does not answer
    names: dict[str, str | None] = field(default_factory=dict)
    # (address, port) -> port of a server on this machine's loopback; nothing else is reachable
    routes: dict[tuple[str, int], int] = field(default_factory=dict)
    # UTC told by the network at the start, "2026-06-15T12:00:00"; None: the real one
    utc: str | None = None
    events: tuple[Event, ...] = ()
