"""The network interface, used as network.WLAN is. What is awaited here blocks in `ppp_sim800.PPP`.

What can be set for ensure() and keep_up() is in supervisor.py, what it has carried in stats.py.
"""

import network
from micropython import const

from .at.text import check_timeout, quoted
from .blocking import blocking_class
from .errors import ConfigError, NoCarrier
from .link import Link, roots_are_old
from .profile import FAST
from .roles.sim import check_code
from .run import Async, Deadline

_default = []  # the board that is used where none is given: there is but one

_READABLE = const(("apn", "user", "dns", "mtu", "roaming"))  # settings that are no secrets
_ROAMING = const(("allowed", "home data", "refused"))
_OLD_ROOTS = const(
    "the root certificates are older than 400 days (ssl.ROOTS_DATE): update the firmware"
)


class Settings:
    """What the operator gives: access point, user, password, PIN, name servers, and what roaming is for; all checked.
    Raises ConfigError."""

    def __init__(self, apn, user, password, auth, pin, roaming):
        # For an access point that names no server: Quad9 and Cloudflare.
        self.dns = ("9.9.9.9", "1.1.1.1")
        self.mtu = None
        if auth not in ("pap", "chap", None):
            raise ConfigError('auth must be "pap", "chap" or None')
        self._auth = auth
        self.set("apn", apn)
        self.set("user", user)
        self.set("password", password)
        self.set("pin", pin)
        self.set("roaming", roaming)

    def set(self, name, value):
        """Change one of them. False if there is none of that name."""
        if name == "apn":
            self.apn = _check_apn(value)
        elif name == "user":
            self.user = quoted(value, name, 127)
        elif name == "password":
            self._password = quoted(value, name, 127)
        elif name == "pin":
            if value is not None:
                check_code(value, "the PIN")
            self.pin = value
        elif name == "dns":
            self.dns = _check_servers(value)
        elif name == "roaming":
            if value not in _ROAMING:
                raise ConfigError(
                    'roaming must be "allowed", "home data" or "refused", not {!r}'.format(value)
                )
            self.roaming = value
        elif name == "mtu":
            self.mtu = _check_mtu(value)
        else:
            return False
        return True

    def login(self):
        """As network.PPP.connect() takes it."""
        if self._auth is None:
            return {}
        security = network.PPP.SEC_PAP if self._auth == "pap" else network.PPP.SEC_CHAP
        return {"security": security, "user": self.user, "key": self._password}

    def of_bearer(self):
        """(APN, user, password)."""
        return self.apn, self.user, self._password


def _check_apn(apn):
    if not isinstance(apn, str):
        raise ConfigError(
            'the APN must be a str such as "internet", not {}'.format(type(apn).__name__)
        )
    if not apn:
        raise ConfigError("the APN is empty: ask your operator for its name")
    quoted(apn, "the APN", 99)
    if " " in apn:
        raise ConfigError("the APN must not contain blanks")
    return apn


def _check_servers(servers):
    if servers is None:
        return ()
    from hostname import is_address

    servers = tuple(servers) if isinstance(servers, (tuple, list)) else (servers,)
    for server in servers:
        if not is_address(server):
            raise ConfigError(
                'dns must be IPv4 addresses such as "9.9.9.9", or None, not {!r}'.format(server)
            )
    return servers


def _check_mtu(mtu):
    if mtu is not None and (type(mtu) is not int or not 576 <= mtu <= 1500):
        raise ConfigError("mtu must be 576 to 1500 bytes, or None, not {!r}".format(mtu))
    return mtu


def _default_board():
    """What the frozen module `board` knows."""
    try:
        from board import Board
    except ImportError:
        raise ConfigError("no board is known to this firmware: pass board=, see docs/board.md")
    if not _default:
        _default.append(Board())
    return _default[0]


class PPP(Async):
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

    Raises ConfigError when an argument cannot be used. Nothing is switched on yet.
    """

    def __init__(
        self,
        apn,
        user="",
        password="",
        *,
        auth="pap",
        pin=None,
        board=None,
        baudrate=FAST,
        multiplex=True,
        roaming="allowed",
        trace=None,
    ):
        settings = Settings(apn, user, password, auth, pin, roaming)
        if not isinstance(multiplex, bool):
            raise ConfigError("multiplex must be True or False")
        if board is None:
            board = _default_board()
        self.link = Link(settings, board, trace, baudrate, multiplex)
        self.modem = self.link.modem
        self._supervisor = None

    def __repr__(self):
        return "<PPP {} {}>".format(self.link.settings.apn, self.status())

    @property
    def supervisor(self):
        """What ensure() and keep_up() do; loaded when first asked for."""
        if self._supervisor is None:
            from .supervisor import Supervisor

            self._supervisor = Supervisor(self.link)
        return self._supervisor

    async def active(self, is_active=None):
        """Switch the modem on or off (bool), or tell whether it is on. Raises ModemSilent."""
        link = self.link
        if is_active is None:
            return self.status() != "off"
        if is_active:
            await link.exclusive(link.switch_on(), "active(True)")
        else:
            link.wanted = False
            await link.leave(link.switch_off(), "active(False)")
        return bool(is_active)

    async def connect(self, apn=None, timeout=120000):
        """Bring the link up: modem on, SIM, network, data call, PPP. Returns when there is an address.

        apn: another access point than before. timeout: milliseconds for the network to be found; the other
        steps have limits of their own, see docs/link.md.
        Does nothing if the link is up. Sets the machine's clock if it has not been set: by the network's time, else
        by NTP once the link is up, which takes 22 s at most if nobody answers. A clock that is set is corrected
        by the network's time, and by NTP where that has not come for a day, see docs/tls.md.
        Where the day's or the month's limit is used up it raises BudgetSpent, and the modem stays as it is; abroad it
        raises RoamingRefused where roaming= does not allow data.
        Raises SIM800Error: the class says which step failed, the message what to try; the modem is then on and
        in command mode if it answers at all, and connect() may be called again.
        """
        check_timeout(timeout)
        link = self.link
        if apn is not None:
            link.settings.set("apn", apn)
        link.wanted = True
        await link.exclusive(link.bring_up(timeout), "connect()")

    async def disconnect(self):
        """Take the link down: LCP Terminate, hang up. The modem stays on and registered. At most 30 s.

        connect(), ensure() and keep_up() of other tasks give way.
        """
        link = self.link
        link.wanted = False
        await link.leave(link.go_down(), "disconnect()")

    async def event(self, timeout=0):
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), None if nothing did.

        timeout: milliseconds to wait for one. What there is: events.py; ("link", "up", "down", "recovering" or "failed");
        ("names", "time" or "packets"; "broken" or "restored"), see docs/link.md; ("day limit" or "month limit", 80 or 100),
        in percent; ("roots", "old") after connect(), where the root certificates are older than 400 days. While a link is up that is not multiplexed the modem keeps what it has to say; command_mode() lets it.
        """
        deadline = Deadline(timeout)
        while True:
            self.link.notice()
            event = await self.modem.event(min(100, deadline.left()))
            if event or not deadline.left():
                return event

    async def ensure(self, timeout=300000, wdt=None):
        """See to it that the link is up: at once where it can be relied on, else by recovering it.

        timeout: milliseconds after which no further attempt is begun; one that runs ends within its own
        limits. wdt: a machine.WDT to feed at every wait; it must stand 5 s.
        Costs nothing where something came from the network within the last minute, else one small question,
        see config(probe=). Asks for the time, too, where the clock is not set or has been contradicted.
        Raises the error of the last attempt; PINRequired, PINWrong and PUKRequired at once; NoAnswer;
        BudgetSpent; that of a limit and RoamingRefused at once, and a link that is up is taken down.
        """
        await self.supervisor.ensure(timeout, wdt)

    async def keep_up(self, wdt=None):
        """Keep the link up, for ever: for a task of its own (asyncio), or a thread.

        After disconnect() or active(False) it does nothing until connect() or ensure().
        wdt: as for ensure(). Goes on after all errors but PINRequired, PINWrong and PUKRequired.
        """
        await self.supervisor.keep_up(wdt)

    def command_mode(self):
        """`with nic.command_mode() as modem:` AT commands while the link is up; `async with` in asyncio.

        No other task or thread takes the link up or down meanwhile. Where it is multiplexed that is all, and
        commands need no command_mode(). Else PPP stands still (about 2.5 s and what the commands take), TCP
        connections survive, and what the modem kept to itself comes as events. If the call has ended meanwhile
        the link is "lost" afterwards, and connect() or ensure() bring it back.
        Raises ModemSilent if the modem does not leave data mode (the link then goes on), LinkBusy.
        """
        from .contexts import CommandMode

        return CommandMode(self.link)

    def kept_up(self, wdt=None):
        """`async with nic.kept_up():` the link is up, and a task keeps it up until the block ends.

        What ends keep_up() ends the block, too, and is raised by it.
        """
        from .contexts import KeptUp

        return KeptUp(self, wdt)

    async def resolve(self, host):
        """IPv4 address (str) of a host name, within 12 s. Raises NameNotFound, NoCarrier."""
        from .dns import resolve

        self._up()
        return await resolve(host)

    # As network.WLAN

    def isconnected(self):
        """True while PPP is up, or suspended, and has an IPv4 address."""
        return self.link.isconnected()

    def stats(self):
        """What the link has carried and suffered: stats.Stats. Kept over resets and the loss of power, see stats.py."""
        return self.link.stats()

    def status(self, what=None):
        """The link's state as a word, see states.py: "off", "on", "booting", "waiting for SIM", "searching",
        "registered", "dialling", "negotiating", "up", "suspended", "lost", "recovering", "failed".

        what: "reason": a sentence why, None where all is as asked for. "rssi": signal strength in dBm, as
        network.WLAN has it (while a link is up that is not multiplexed only in command_mode()); in asyncio
        `await nic.modem.radio.signal()`.
        """
        if what == "rssi":
            raise ConfigError(
                'status("rssi") would hold up the event loop: await nic.modem.radio.signal()'
            )
        if what not in (None, "reason"):
            raise ConfigError('status() knows "reason" and "rssi", not {!r}'.format(what))
        self.link.notice()
        state = self.link.state
        if what and not state.reason and roots_are_old():
            return _OLD_ROOTS
        return state.reason if what else state.name

    def ipconfig(self, what):
        """One of "addr4": (address, netmask), "gw4": the peer's address, "dns": the first name server, "mtu": bytes of the
        largest IP packet that is sent.
        """
        if what == "dns":
            return (self.link.name_servers() or ("0.0.0.0",))[0]
        ppp = self._up()
        return self.link.mtu() if what == "mtu" else ppp.ipconfig(what)

    def ifconfig(self):
        """(address, netmask, peer, name server), as str."""
        ppp = self._up()
        address, mask = ppp.ipconfig("addr4")
        return address, mask, ppp.ipconfig("gw4"), self.ipconfig("dns")

    def _up(self):
        if not self.isconnected():
            raise NoCarrier("not connected: call connect() first")
        return self.link.ppp

    def config(self, *args, **kwargs):
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
            reset_board: whether the ladder's last rung is machine.reset() (False).
        """
        settings, supervisor = self.link.settings, self.supervisor
        if args:
            if len(args) == 1 and not kwargs:
                if args[0] in _READABLE:
                    return getattr(settings, args[0])
                if args[0] in supervisor.settings:
                    return supervisor.settings[args[0]]
            raise ConfigError(
                "config() can read {}, and what ensure() has, one at a time; it does not give secrets".format(
                    ", ".join(_READABLE)
                )
            )
        for name, value in kwargs.items():
            if name in supervisor.settings:
                supervisor.set(name, value)
            elif not settings.set(name, value):
                raise ConfigError(
                    "config() can set password, pin, {}, not {}".format(
                        ", ".join(_READABLE + tuple(sorted(supervisor.settings))), name
                    )
                )
            if name == "roaming":
                supervisor.restrict()
            elif name == "mtu" and self.isconnected():
                self.link.set_mtu()
        return None


def _status(self, what=None):
    return self.modem.radio.signal() if what == "rssi" else self.aio.status(what)


blocking_class(PPP).status = _status
