"""The network interface, used as network.WLAN is. What is awaited here blocks in `ppp_sim800.PPP`.

What can be set for ensure() and keep_up() is in supervisor.py, what it has carried in stats.py."""

from typing import Literal, overload

from ._types import Board, Roaming, Trace, Watchdog
from .contexts import CommandMode, KeptUp
from .events import Event
from .modem import Modem
from .stats import Stats

class PPP:
    """Internet over a SIM800.

    apn: access point name of the SIM's operator, 1 to 99 characters.
    user, password: for the access point; most want none.
    auth: "pap", "chap" or None: what to offer when the modem asks.
    pin: the SIM's PIN, if it asks for one.
    board: how the modem is wired; None: the frozen module `board` knows.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.
    multiplex: False has PPP and AT commands take turns on the line; True lets them share it, where the modem can.
    roaming: "allowed"; "home data": abroad the modem is registered, for messages and calls, and has no data; "refused":
        abroad its radio is switched off.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.

    Raises ConfigError when an argument cannot be used. Nothing is switched on yet."""

    modem: Modem

    def __init__(
        self,
        apn: str,
        user: str = "",
        password: str = "",
        *,
        auth: Literal["pap", "chap"] | None = "pap",
        pin: str | None = None,
        board: Board | None = None,
        baudrate: Literal[115200, 460800] = 460800,
        multiplex: bool = True,
        roaming: Roaming = "allowed",
        trace: Trace | None = None,
    ) -> None: ...
    async def active(self, is_active: bool | None = None) -> bool:
        """Switch the modem on or off (bool), or tell whether it is on. Raises ModemSilent."""

    async def connect(self, apn: str | None = None, timeout: int = 120000) -> None:
        """Bring the link up: modem on, SIM, network, data call, PPP. Returns when there is an address.

        apn: another access point than before. timeout: milliseconds for the network to be found; the other
        steps have limits of their own, see docs/link.md.
        Does nothing if the link is up. Sets the machine's clock if it has not been set: by the network's time, else
        by NTP once the link is up, which takes 22 s at most if nobody answers. A clock that is set is corrected
        by the network's time, and by NTP where that has not come for a day, see docs/tls.md.
        Where the day's or the month's limit is used up it raises BudgetSpent, and the modem stays as it is; abroad it
        raises RoamingRefused where roaming= does not allow data.
        Raises SIM800Error: the class says which step failed, the message what to try; the modem is then on and
        in command mode if it answers at all, and connect() may be called again."""

    async def disconnect(self) -> None:
        """Take the link down: LCP Terminate, hang up. The modem stays on and registered. At most 30 s.

        connect(), ensure() and keep_up() of other tasks give way."""

    async def event(self, timeout: int = 0) -> Event | None:
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), None if nothing did.

        timeout: milliseconds to wait for one. What there is: events.py; ("link", "up", "down", "recovering" or "failed");
        ("names", "time" or "packets"; "broken" or "restored"), see docs/link.md; ("day limit" or "month limit", 80 or 100),
        in percent; ("roots", "old") after connect(), where the root certificates are older than 400 days. While a link is up that is not multiplexed the modem keeps what it has to say; command_mode() lets it."""

    async def ensure(self, timeout: int = 300000, wdt: Watchdog | None = None) -> None:
        """See to it that the link is up: at once where it can be relied on, else by recovering it.

        timeout: milliseconds after which no further attempt is begun; one that runs ends within its own
        limits. wdt: a machine.WDT to feed at every wait; it must stand 5 s.
        Costs nothing where something came from the network within the last minute, else one small question,
        see config(probe=). Asks for the time, too, where the clock is not set or has been contradicted.
        Raises the error of the last attempt; PINRequired, PINWrong and PUKRequired at once; NoAnswer;
        BudgetSpent; that of a limit and RoamingRefused at once, and a link that is up is taken down."""

    async def keep_up(self, wdt: Watchdog | None = None) -> None:
        """Keep the link up, for ever: for a task of its own (asyncio), or a thread.

        After disconnect() or active(False) it does nothing until connect() or ensure().
        wdt: as for ensure(). Goes on after all errors but PINRequired, PINWrong and PUKRequired."""

    def command_mode(self) -> CommandMode:
        """`with nic.command_mode() as modem:` AT commands while the link is up; `async with` in asyncio.

        No other task or thread takes the link up or down meanwhile. Where it is multiplexed that is all, and
        commands need no command_mode(). Else PPP stands still (about 2.5 s and what the commands take), TCP
        connections survive, and what the modem kept to itself comes as events. If the call has ended meanwhile
        the link is "lost" afterwards, and connect() or ensure() bring it back.
        Raises ModemSilent if the modem does not leave data mode (the link then goes on), LinkBusy."""

    def kept_up(self, wdt: Watchdog | None = None) -> KeptUp:
        """`async with nic.kept_up():` the link is up, and a task keeps it up until the block ends.

        What ends keep_up() ends the block, too, and is raised by it."""

    def isconnected(self) -> bool:
        """True while PPP is up, or suspended, and has an IPv4 address."""

    def stats(self) -> Stats:
        """What the link has carried and suffered: stats.Stats. Kept over resets and the loss of power, see stats.py."""

    @overload
    def status(self, what: None = None) -> str:
        """The link's state as a word, see states.py: "off", "on", "booting", "waiting for SIM", "searching",
        "registered", "dialling", "negotiating", "up", "suspended", "lost", "recovering", "failed".

        what: "reason": a sentence why, None where all is as asked for. "rssi": signal strength in dBm, as
        network.WLAN has it (while a link is up that is not multiplexed only in command_mode()); in asyncio
        `await nic.modem.radio.signal()`."""

    @overload
    def status(self, what: Literal["reason"]) -> str | None: ...
    @overload
    def ipconfig(self, what: Literal["addr4"]) -> tuple[str, str]:
        """One of "addr4": (address, netmask), "gw4": the peer's address, "dns": the first name server, "mtu": bytes of the
        largest IP packet that is sent."""

    @overload
    def ipconfig(self, what: Literal["gw4", "dns"]) -> str: ...
    @overload
    def ipconfig(self, what: Literal["mtu"]) -> int: ...
    def ifconfig(self) -> tuple[str, str, str, str]:
        """(address, netmask, peer, name server), as str."""

    @overload
    def config(self, what: Literal["apn", "user"], /) -> str:
        """Read one setting, or set some.

        day_limit, month_limit: bytes that may be carried in a day and in a month (UTC), None for no limit. All that the
            operator bills counts: see docs/link.md. Events tell of 80 and of 100 percent; then there is no data before the
            period ends, or the limit is raised.
        roaming: as for PPP().
        For the next connect(): apn=, user=, password=, pin= (the last two cannot be read); dns=, name servers (IPv4
            address, or a tuple of them) for an access point that names none, or whose own do not answer,
            ("9.9.9.9", "1.1.1.1") by default; None: nobody.
        mtu: bytes of the largest IP packet, 576 to 1500, at once and for each link; None: as PPP negotiates, and less where
            larger ones turn out to vanish (None).
        cclk_utc: True where what the operator has the modem say by AT+CCLK? is UTC, whatever zone stands behind it
            (False).
        For ensure() and keep_up():
            probe: who is asked whether the link carries: "dns" (the network's name server), (address, port)
                for a TCP connection, None for nobody.
            silence: milliseconds without an answer to what was sent that make it doubtful (10 s).
            fresh: milliseconds since something came for which ensure() relies on it (1 minute).
            idle_probe: milliseconds of silence after which keep_up() asks, 0 for never.
            hour_budget, day_budget: bytes that recovering may cost (100 kB, 1 MB).
            reset_board: whether the ladder's last rung is machine.reset() (False)."""

    @overload
    def config(self, what: Literal["dns"], /) -> tuple[str, ...]: ...
    @overload
    def config(
        self, what: Literal["silence", "fresh", "idle_probe", "hour_budget", "day_budget"], /
    ) -> int: ...
    @overload
    def config(self, what: Literal["mtu", "day_limit", "month_limit"], /) -> int | None: ...
    @overload
    def config(self, what: Literal["roaming"], /) -> Roaming: ...
    @overload
    def config(self, what: Literal["reset_board", "cclk_utc"], /) -> bool: ...
    @overload
    def config(self, what: Literal["probe"], /) -> Literal["dns"] | tuple[str, int] | None: ...
    @overload
    def config(
        self,
        *,
        apn: str = ...,
        user: str = ...,
        password: str = ...,
        pin: str | None = ...,
        dns: str | tuple[str, ...] | None = ...,
        mtu: int | None = ...,
        roaming: Roaming = ...,
        day_limit: int | None = ...,
        month_limit: int | None = ...,
        cclk_utc: bool = ...,
        probe: Literal["dns"] | tuple[str, int] | None = ...,
        silence: int = ...,
        fresh: int = ...,
        idle_probe: int = ...,
        hour_budget: int = ...,
        day_budget: int = ...,
        reset_board: bool = ...,
    ) -> None: ...
    async def resolve(self, host: str) -> str:
        """IPv4 address (str) of a host name, within 12 s. Raises NameNotFound, NoCarrier."""
