"What blocks, made of what is awaited: `ppp_sim800.PPP` and `Modem`. No such module is on the board."

import builtins
from typing import Literal, overload

from machine import UART

from . import interface, modem
from ._types import UTC, Board, Bytes, File, Roaming, Trace, Watchdog
from .contexts import CommandMode, KeptUp
from .events import Event
from .modem import Battery
from .roles.calls import Call
from .roles.location import Location
from .roles.sms import Message
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

    aio: interface.PPP
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
    def active(self, is_active: bool | None = None) -> bool:
        """Switch the modem on or off (bool), or tell whether it is on. Raises ModemSilent."""

    def connect(self, apn: str | None = None, timeout: int = 120000) -> None:
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

    def disconnect(self) -> None:
        """Take the link down: LCP Terminate, hang up. The modem stays on and registered. At most 30 s.

        connect(), ensure() and keep_up() of other tasks give way."""

    def event(self, timeout: int = 0) -> Event | None:
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), None if nothing did.

        timeout: milliseconds to wait for one. What there is: events.py; ("link", "up", "down", "recovering" or "failed");
        ("names", "time" or "packets"; "broken" or "restored"), see docs/link.md; ("day limit" or "month limit", 80 or 100),
        in percent; ("roots", "old") after connect(), where the root certificates are older than 400 days. While a link is up that is not multiplexed the modem keeps what it has to say; command_mode() lets it."""

    def ensure(self, timeout: int = 300000, wdt: Watchdog | None = None) -> None:
        """See to it that the link is up: at once where it can be relied on, else by recovering it.

        timeout: milliseconds after which no further attempt is begun; one that runs ends within its own
        limits. wdt: a machine.WDT to feed at every wait; it must stand 5 s.
        Costs nothing where something came from the network within the last minute, else one small question,
        see config(probe=). Asks for the time, too, where the clock is not set or has been contradicted.
        Raises the error of the last attempt; PINRequired, PINWrong and PUKRequired at once; NoAnswer;
        BudgetSpent; that of a limit and RoamingRefused at once, and a link that is up is taken down."""

    def keep_up(self, wdt: Watchdog | None = None) -> None:
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
    def status(self, what: Literal["rssi"]) -> int | None: ...
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
    def resolve(self, host: str) -> str:
        """IPv4 address (str) of a host name, within 12 s. Raises NameNotFound, NoCarrier."""

class Modem:
    """A SIM800 behind a board.

    board: says how the modem is wired, see docs/board.md for what it must have.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.

    Its roles: `sim`, `radio`, `clock`, `sms`, `calls`, `http` over `bearer`."""

    aio: modem.Modem
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

    def at(self, command: str, timeout: int = 5000) -> list[str]:
        """Send any AT command.

        command: str, e.g. "AT+CADC?"; timeout: milliseconds to its final result.
        Returns its answer's lines (list of str), the final result last. Lines that belong to no
        command (URCs) may be among them: only the caller knows.
        Raises ATError, ATTimeout, ConfigError where the command asks for data."""

    def event(self, timeout: int = 0) -> Event | None:
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

    def ussd(self, code: str | None, timeout: int = 60000) -> str:
        """Send a USSD code such as "*100#", or a choice from the menu it led to; returns the network's answer.

        code: str of 1 to 160 characters; None ends a menu without a choice.
        timeout: milliseconds for the answer; other commands wait for it. A str, with its line ends.
        Raises ConfigError, USSDError. What the network sends by itself is the event "ussd" (M 109)."""

    def location(self, timeout: int = 60000) -> Location:
        """Where the cells say the modem is, as Location(lon, lat, time): degrees east and north, UTC.

        Asks SIMCom's server, over `bearer`; PPP must be down. timeout: milliseconds for its answer.
        Raises LocationError, and what Bearer.open() raises."""

    def on(self) -> None:
        """Switch the modem on, or find it on, and agree on a baud rate. At most 40 s.

        A modem that answers is left as it is. One that does not is looked for in data mode, in a multiplexer
        and at other baud rates, and its key is pressed (HW 3.2.1): 15 s without its reset key. That comes
        next, where the board has it, and the key once more. Where power has just come the key is first.
        Raises ModemSilent."""

    def off(self) -> None:
        """Switch the modem off: by command, else by its key, then cut its supply. At most 12 s."""

    def reset(self) -> None:
        """Restart the modem: by command (M 104), else by its reset key, else by its power. At most 60 s.

        Raises ModemSilent."""

    def sleep(self) -> None:
        """Let the modem doze: about 1 mA, still registered; calls and messages come in (M 162, HW 3.4).

        The next command wakes it. By DTR where the board has it wired, else the modem falls asleep after 5 s
        without a byte on the line."""

    def wake(self) -> None:
        """End sleep(); does nothing if the modem is awake. Raises ModemSilent."""

    def info(self) -> str:
        """What the modem says it is (ATI), e.g. "SIM800 R14.18"."""

    def model(self) -> str:
        """Its model (M 72), e.g. "SIMCOM_SIM800L"."""

    def firmware(self) -> tuple[int, ...]:
        """Firmware revision as a tuple of numbers, e.g. (14, 18); () if ATI does not tell."""

    def revision(self) -> str:
        """Firmware revision in the maker's words (M 72), e.g. "1418B05SIM800L24"."""

    def imei(self) -> str:
        """IMEI, a str of 15 digits (M 71)."""

    def battery(self) -> Battery:
        """The modem's supply (M 83) as Battery(mv, percent, charging): millivolts, 0 to 100, bool."""

class SIM:
    """The card in `modem`."""

    def state(self) -> str:
        """What the card waits for (M 78): "READY", "SIM PIN", "SIM PUK" ...; "NOT INSERTED" without one."""

    def tries(self) -> int | None:
        """How often a wrong PIN may still be entered, None if the firmware does not tell (M 157)."""

    def unlock(self, pin: str) -> None:
        """Enter the PIN (str of 4 to 8 digits), once. Raises PINWrong, PUKRequired, SIMError."""

    def unblock(self, puk: str, pin: str) -> None:
        """Enter the PUK (str of 8 digits) of a blocked card, and its new PIN. Once: ten wrong ones end the card.

        Raises PINWrong, SIMError."""

    def change_pin(self, old: str, new: str) -> None:
        """Change the PIN (str of 4 to 8 digits each). The card must ask for its PIN, see ask_pin() (M 95).

        Raises PINWrong, PUKRequired, SIMError."""

    def ask_pin(self, on: bool, pin: str) -> None:
        """Let the card ask for its PIN at each start (on=True), or not (M 74). Does nothing if it is so already.

        Raises PINWrong, PUKRequired, SIMError."""

    def ready(self, pin: str | None = None, settle: int = 10000) -> None:
        """Bring the card to READY, with its PIN if it asks for one. At most 30 s.

        settle: milliseconds to wait then, at most, while the modem still reads the card and refuses what needs it.

        The PIN is entered only while no wrong one has been: a script that runs at every boot would else
        block the card. Raises SIMAbsent, PINRequired, PINWrong, PUKRequired, SIMError."""

    def imsi(self) -> str:
        """IMSI, a str of digits (M 77). Raises SIMError."""

    def iccid(self) -> str:
        """Serial number of the card, a str of 19 or 20 digits (M 159). Raises SIMError."""

    def number(self) -> str | None:
        """Telephone number (str) as the card knows it, None if it does not (M 89). Raises SIMError."""

class Radio:
    """The radio of `modem`."""

    def on(self) -> None:
        """Switch the radio on (M 104). It then looks for a network by itself."""

    def off(self) -> None:
        """Switch the radio off: no network, no data, a tenth of the current; SIM and AT go on (M 104)."""

    def registration(self) -> str:
        """Registration as a word (M 82): "home", "roaming", "searching", "denied", "off", "unknown"."""

    def cell(self) -> tuple[int, int] | None:
        """Where the modem is: (location area code, cell id), each an int; None if not registered (M 82)."""

    def register(self, timeout: int = 120000) -> None:
        """Wait until the network has taken the modem, for calls and for GPRS, at most `timeout` milliseconds.

        Raises NoNetwork, RegistrationDenied, RegistrationError."""

    def attach(self, timeout: int = 30000) -> None:
        """Attach to GPRS (M 213), trying again for `timeout` milliseconds. Raises RegistrationError."""

    def detach(self) -> None:
        """Detach from GPRS: no data until attach() or connect(); calls and messages go on (M 213)."""

    def signal(self) -> int | None:
        """Signal strength in dBm (-115 to -52), None where it is not known (M 83)."""

    def signal_percent(self) -> int | None:
        """Signal strength in percent of the best the modem tells (0 to 100), None where it is not known."""

    def operator(self) -> str | None:
        """Name of the operator the modem is registered with, None if with none (M 80). At most 45 s."""

    def scan(self) -> list[tuple[str, str, str, int]]:
        """Search for operators, up to 45 s and more (M 80).

        Returns a list of (name, short name, number, status): status 0 unknown, 1 available, 2 current,
        3 forbidden; number is country and network, e.g. "26201"."""

    def choose(self, number: str | None = None) -> None:
        """Use one operator and no other, e.g. "26201", or with None the one the SIM likes best (M 80).

        Returns when the modem has it; registration follows, see register(). At most 2 minutes.
        Raises RegistrationDenied, NoNetwork."""

class Clock:
    """The real-time clock of `modem`."""

    @overload
    def now(self, local: Literal[True]) -> tuple[UTC, int] | None:
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        local: True for local time and its zone: ((year, month, day, hour, minute, second), minutes that it is ahead of
        UTC, summer time included); after set() it is UTC.
        None if the modem does not know: its clock starts at 1970, 1980, 2000 or 2004, and only some networks tell the
        time."""

    @overload
    def now(self, local: Literal[False] = False) -> UTC | None: ...
    def set(self, utc: UTC) -> None:
        """Set the modem's clock to `utc`: (year, month, day, hour, minute, second), years 2024 to 2099.

        now() gives it back if it can be right, see ppp_sim800.rtc."""

class SMS:
    """The short messages of `modem`. It must be registered to send; to read, the SIM must be ready."""

    def send(
        self,
        number: str,
        text: str,
        *,
        report: bool = False,
        parts: int = 10,
        timeout: int = 60000,
    ) -> tuple[int | None, ...]:
        """Send a message, a long one in parts that phones show as one.

        number: str of digits, with "+" and country code or as it is dialled at home.
        text: str of any characters; a part holds 160 or, with one that GSM has not, 70 (of long ones 153, 67).
        report: ask for the event "sms report", one for each part, when it has been delivered.
        parts: how many it may cost, at most 255. timeout: milliseconds for each.
        Returns the references the network gave the parts, a tuple of int.
        Raises ConfigError, SMSError (its `sent` says how many parts went), ATTimeout (the part may have gone)."""

    def room(self) -> tuple[int, int]:
        """How many messages (long ones: parts) the card holds, and can hold: (used, total) (M 4.2.9).

        When it is full the network keeps new ones until some are deleted. Raises SMSError, SIMError."""

    def list(self, unread: bool = False) -> builtins.list[Message]:
        """All messages on the card and in the modem's own memory, a list of Message, the parts of long ones joined;
        they count as read from now on. unread: only those that have not been read or listed before.

        Raises SMSError, SIMError."""

    def read(self, index: int) -> Message | None:
        """The message at `index`, as the event "sms" told it, None if there is none.

        It counts as read from now on. Of a long message any part's index gives the whole, as far as it has
        come. Raises SMSError, SIMError."""

    def delete(self, which: Message | int) -> None:
        """Delete a Message with all its parts, or what is at an index (int). An empty place is no error.

        Of a Message only places that still have its parts are emptied, so it may be tried again after an error, whatever has
        come meanwhile. Raises SMSError, SIMError."""

    def delete_all(self, unread: bool = False) -> None:
        """Delete all messages that have been read, and all that were sent from the card (M 4.2.1).

        unread: the unread ones, too. Raises SMSError, SIMError."""

    def service_center(self, number: str | None = None) -> str:
        """Number (str) of the service centre messages go through, "" if there is none (M 4.2.12).

        number: one to use from now on; the card keeps it. Raises SMSError, SIMError."""

class Calls:
    """The voice calls of `modem`, which must be registered. What comes by itself are the events "ring",
    "caller", "dtmf" and "call ended"."""

    def dial(self, number: str, timeout: int = 60000) -> None:
        """Call a number, and return when it answers.

        number: str of digits, with "+" and country code or not; "*" and "#" may be among them.
        timeout: milliseconds it may take; then the call is ended. 0: do not wait, state() tells how it
        goes ("dialling", "ringing", "active") and the event "call ended" that it did not.
        Raises ConfigError, CallError (its `reason` is "BUSY", "NO ANSWER", "NO CARRIER" ...)."""

    def answer(self) -> None:
        """Take the call that rings (M 2.2.2). Raises CallError if there is none, or no longer."""

    def hang_up(self) -> None:
        """End all calls, or refuse the one that rings. Does nothing if there is none."""

    def list(self) -> builtins.list[Call]:
        """The calls there are (M 72), a list of Call(state, number, incoming)."""

    def state(self) -> str:
        """What the call does, a word: "idle" without one, "dialling", "ringing" (at the far end), "active",
        "held", "incoming", "waiting" (beside another one)."""

    def send_keys(self, keys: str) -> None:
        """Send DTMF tones in the call that is active (M 94).

        keys: str of 0 to 9, *, #, A to D. Raises ConfigError, CallError."""

    def hear_keys(self, on: bool = True) -> None:
        """Make an event "dtmf" of each key pressed at the far end, or no longer (M 333)."""

class HTTP:
    """The HTTP client of `modem`. Its bearer is opened when it is needed, see Bearer.open()."""

    def request(
        self,
        method: Literal["GET", "POST", "HEAD"],
        url: str,
        *,
        data: str | Bytes | File | None = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/octet-stream",
        timeout: int = 120000,
        unverified_tls: bool = False,
    ) -> Response:
        """Ask a server; PPP must be down. One request at a time: it ends the response before it.

        method: "GET", "POST" or "HEAD". url: "http://...", ASCII, at most 512 characters.
        data: for POST: str, bytes or an open file, at most 319488 bytes.
        headers: dict of str, at most 512 characters in all. content_type: of `data`.
        timeout: milliseconds for the server's whole answer.
        unverified_tls: True lets the modem do "https://...": anybody on the way can read and answer it.
        Returns a Response. Redirections are not followed.
        Raises HTTPError, and what Bearer.open() raises."""

class Response:
    """A server's answer: `status_code`, `headers` (dict), `length` of the body in bytes.

    The modem holds the body until close() or the next request; read it in pieces, in a loop over the
    response, or whole by `content`. What the line has lost is read again, by its count; AT has no checksum."""

    status_code: int
    headers: dict[str, str]
    length: int

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into `buffer`, at most 1024 bytes at once. Returns their number, 0 at the end. Raises HTTPError."""

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end, or all that is left."""

    def close(self) -> None:
        """Let the modem forget the body."""

    @property
    def content(self) -> bytes:
        """All of the body that was not read before, kept; the modem is then free of it."""

    def __iter__(self) -> Response: ...
    def __next__(self) -> bytes: ...

class Bearer:
    """Bearer profile 1 of `modem` (M chapter 9)."""

    def address(self) -> str | None:
        """Its IP address (str), None while it is closed."""

    def open(
        self, apn: str | None = None, user: str = "", password: str = "", timeout: int = 120000
    ) -> None:
        """Open it; does nothing if it is open. HTTP and location do so by themselves where a PPP object knows the APN.

        apn, user, password: as for PPP, None: what the PPP object has. timeout: milliseconds for the network
        to be found; opening takes at most 85 s more. It stays open until close() or PPP's connect().
        Raises RegistrationError, NoCarrier; BudgetSpent and RoamingRefused as PPP's connect()."""

    def close(self) -> None:
        """Close it; does nothing if it is closed. At most 65 s."""
