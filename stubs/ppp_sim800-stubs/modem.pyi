"""A SIM800: its power, what it is. What it can do is in one file per role, in roles/; the line to it is line.py."""

from typing import Literal, NamedTuple

from machine import UART

from ._types import Board, Trace
from .events import Event
from .roles.bearer import Bearer
from .roles.calls import Calls
from .roles.clock import Clock
from .roles.http import HTTP
from .roles.location import Location
from .roles.radio import Radio
from .roles.sim import SIM
from .roles.sms import SMS

class Battery(NamedTuple):
    mv: int
    percent: int
    charging: bool

class Modem:
    """A SIM800 behind a board.

    board: says how the modem is wired, see docs/board.md for what it must have.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.

    Its roles: `sim`, `radio`, `clock`, `sms`, `calls`, `http` over `bearer`."""

    sim: SIM
    radio: Radio
    clock: Clock

    @property
    def uart(self) -> UART | None:
        """The machine.UART to the modem, None before the first power-up."""

    def __init__(
        self, board: Board, trace: Trace | None = None, baudrate: Literal[115200, 460800] = 460800
    ) -> None: ...
    @property
    def baudrate(self) -> int:
        """The line's rate in baud."""

    async def at(self, command: str, timeout: int = 5000) -> list[str]:
        """Send any AT command.

        command: str, e.g. "AT+CADC?"; timeout: milliseconds to its final result.
        Returns its answer's lines (list of str), the final result last. Lines that belong to no
        command (URCs) may be among them: only the caller knows.
        Raises ATError, ATTimeout, ConfigError where the command asks for data."""

    async def event(self, timeout: int = 0) -> Event | None:
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), see events.py.

        Waits for one, at most `timeout` milliseconds; then None. While the line carries PPP the modem keeps
        what it has to say. To tell of a message it looks at the card, which takes a moment more."""

    @property
    def sms(self) -> SMS:
        """Short messages, see roles/sms.py."""

    @property
    def calls(self) -> Calls:
        """Voice calls, see roles/calls.py."""

    @property
    def bearer(self) -> Bearer:
        """The bearer of the modem's own applications."""

    @property
    def http(self) -> HTTP:
        """The modem's own HTTP."""

    async def ussd(self, code: str | None, timeout: int = 60000) -> str:
        """Send a USSD code such as "*100#", or a choice from the menu it led to; returns the network's answer.

        code: str of 1 to 160 characters; None ends a menu without a choice.
        timeout: milliseconds for the answer; other commands wait for it. A str, with its line ends.
        Raises ConfigError, USSDError. What the network sends by itself is the event "ussd" (M 109)."""

    async def location(self, timeout: int = 60000) -> Location:
        """Where the cells say the modem is, as Location(lon, lat, time): degrees east and north, UTC.

        Asks SIMCom's server, over `bearer`; PPP must be down. timeout: milliseconds for its answer.
        Raises LocationError, and what Bearer.open() raises."""

    async def on(self) -> None:
        """Switch the modem on, or find it on, and agree on a baud rate. At most 40 s.

        A modem that answers is left as it is. One that does not is looked for in data mode, in a multiplexer
        and at other baud rates, and its key is pressed (HW 3.2.1): 15 s without its reset key. That comes
        next, where the board has it, and the key once more. Where power has just come the key is first.
        Raises ModemSilent."""

    async def off(self) -> None:
        """Switch the modem off: by command, else by its key, then cut its supply. At most 12 s."""

    async def reset(self) -> None:
        """Restart the modem: by command (M 104), else by its reset key, else by its power. At most 60 s.

        Raises ModemSilent."""

    async def sleep(self) -> None:
        """Let the modem doze: about 1 mA, still registered; calls and messages come in (M 162, HW 3.4).

        The next command wakes it. By DTR where the board has it wired, else the modem falls asleep after 5 s
        without a byte on the line."""

    async def wake(self) -> None:
        """End sleep(); does nothing if the modem is awake. Raises ModemSilent."""

    async def info(self) -> str:
        """What the modem says it is (ATI), e.g. "SIM800 R14.18"."""

    async def model(self) -> str:
        """Its model (M 72), e.g. "SIMCOM_SIM800L"."""

    async def firmware(self) -> tuple[int, ...]:
        """Firmware revision as a tuple of numbers, e.g. (14, 18); () if ATI does not tell."""

    async def revision(self) -> str:
        """Firmware revision in the maker's words (M 72), e.g. "1418B05SIM800L24"."""

    async def imei(self) -> str:
        """IMEI, a str of 15 digits (M 71)."""

    async def battery(self) -> Battery:
        """The modem's supply (M 83) as Battery(mv, percent, charging): millivolts, 0 to 100, bool."""
