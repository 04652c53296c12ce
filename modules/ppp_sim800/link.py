"""The PPP link as a network interface, used as network.WLAN is.

What can be set for it is in access.py and supervisor.py, what it has carried in stats.py.
"""

import _thread

import network
from micropython import const

from . import rtc
from .access import Access, default_board
from .at import check_timeout
from .errors import (
    ATTimeout,
    AuthRefused,
    ConfigError,
    LinkBusy,
    ModemSilent,
    NegotiationFailed,
    NoCarrier,
    SIM800Error,
)
from .modem import FAST, Modem
from .online import CommandMode, KeptUp
from .probe import name_servers
from .run import Deadline, GiveWay, Procedures, blocking, fed, wait
from .states import CARRYING, State, limit_ms
from .stats import LOST, Counters
from .supervisor import Supervisor, word_for

# network.PPP.status()
_CONNECTING = const(3)
_CONNECTED = const(4)
_AUTHFAIL = const(-7)
_PEERDEAD = const(-9)

_TERMINATE_MS = const(3000)
# How long PPP is waited for before the modem is asked whether the call has ended.
_LOOK_MS = const(3000)
_BUSY_MS = const(300000)  # how long one task waits for another's connect()
_COMMANDED_MS = const(60000)  # ... and for its command_mode()

_NITZ_MS = const(3000)  # the network's time comes soon after registration, or not at all
_NTP_MS = const(10000)

_holders = {}  # board (by its id): the PPP that last had its modem

# lwIP may take 12 s to give up a link that is not up; until then it uses the object's memory.
_leaving = []

_NO_ADDRESS = "0.0.0.0"


class PPP(Procedures):
    """Internet over a SIM800.

    apn: access point name of the SIM's operator, 1 to 99 characters.
    user, password: for the access point; most want none.
    auth: "pap", "chap" or None: what to offer when the modem asks.
    pin: the SIM's PIN, if it asks for one.
    board: how the modem is wired; None: the frozen module `board` knows.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.
    multiplex: False has PPP and AT commands take turns on the line; True lets them share it, where the modem can.
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
        trace=None,
    ):
        self.access = Access(apn, user, password, auth, pin)
        if not isinstance(multiplex, bool):
            raise ConfigError("multiplex must be True or False")
        self.modem = Modem(default_board() if board is None else board, trace, baudrate)
        self.modem.access = self.access.of_bearer
        self.modem.switching = self._switching
        self.datacall = self.modem.datacall
        self.datacall.multiplex = multiplex
        self.state = State(self.modem.events, trace)
        self.counters = Counters()
        self.supervisor = Supervisor(self)
        self.ppp = None
        self.dialled = False  # the last attempt came so far
        self.commanded = False  # a command_mode() has the lock
        self.wanted = False  # asked for last: to be up, or not
        self.leaving = 0  # how many wait for the lock to take it down
        self._lock = _thread.allocate_lock()

    def __repr__(self):
        return "<PPP {} {}>".format(self.access.apn, self.status())

    # Procedures

    def _take(self):
        # A second object would take the line from under the first.
        other = _holders.get(id(self.modem.board), self)
        if other is not self and (other.isconnected() or other._lock.locked()):
            raise LinkBusy(
                "another PPP object uses this modem ({}): go on with that one, or disconnect() it first".format(
                    other.state.name
                )
            )
        _holders[id(self.modem.board)] = self
        # One task or thread at a time. Who waits is not kept for ever: it may wait for itself.
        deadline = Deadline(_BUSY_MS)
        commanded = Deadline(_COMMANDED_MS)
        while not self._lock.acquire(False):
            if not deadline.left() or (self.commanded and not commanded.left()):
                raise LinkBusy(
                    "another task or thread has the link ({}), or a command_mode() around this call: wait for "
                    "its end".format(self.state.name)
                )
            yield 20

    def _alone(self, procedure):
        # A procedure that has not begun needs no closing.
        yield from self._take()
        try:
            result = yield from procedure
        finally:
            self._lock.release()
        return result

    def _alone_and_first(self, procedure):
        # Who recovers the link gives way.
        self.leaving += 1
        try:
            yield from self._alone(procedure)
        finally:
            self.leaving -= 1

    def _switch_on(self):
        try:
            yield from self._within("booting", self.modem._power_on())
        except BaseException as error:
            self._fail(error)
            raise
        self.state.enter("on")

    def _switch_off(self):
        yield from self._leave()
        self.state.enter("off")
        yield from self.modem._power_off()

    def _switching(self, procedure):
        # The script switches the modem by itself. A command_mode() has the line already.
        return procedure if self.commanded else self._alone_and_first(self._switch(procedure))

    def _switch(self, procedure):
        self._notice()
        if self.state.name == "up":
            self.lose("modem switched")
        yield from self._take_down()
        yield from procedure

    def _connect(self, apn=None, timeout=120000):
        """Bring the link up: modem on, SIM, network, data call, PPP. Returns when there is an address.

        apn: another access point than before. timeout: milliseconds for the network to be found; the other
        steps have limits of their own, see docs/link.md.
        Does nothing if the link is up. Sets the machine's clock if it has not been set: by the network's time, else
        by NTP once the link is up, which takes 22 s at most if nobody answers. A clock that is set is corrected
        by the network's time, and by NTP where that has not come for a day.
        Raises SIM800Error: the class says which step failed, the message what to try; the modem is then on and
        in command mode if it answers at all, and connect() may be called again.
        """
        check_timeout(timeout)
        if apn is not None:
            self.access.set("apn", apn)
        self.wanted = True
        yield from self._alone(self._bring_up(timeout))

    def _bring_up(self, timeout):
        if self.isconnected():
            return
        self._notice()
        if self.ppp or self.modem.data_mode or self.datacall.multiplexed:
            yield from self._take_down()
        within, enter = self._within, self.state.enter
        self.dialled = False
        try:
            yield from within("booting", self.modem._power_on())
            yield from within("waiting for SIM", self.modem.sim._ready(self.access.pin))
            enter("searching")
            yield from self.modem.radio._register(timeout)
            told = yield from within(
                "registered", self._set_clock(0 if rtc.is_set() else _NITZ_MS)
            )
            self.dialled = True
            yield from within("dialling", self.datacall._dial(self.access.apn))
            enter("negotiating")
            yield from self._negotiate()
        except BaseException as error:
            if self.state.name in ("dialling", "negotiating"):
                if self.ppp is None:
                    # CONNECT may have come a moment too late to be seen.
                    self.modem.data_mode = True
                yield from self._take_down()
            self._fail(error)
            raise
        enter("up")
        self.counters.add(connects=1)
        yield from self._ask_time(told)

    def _within(self, name, procedure):
        # Enter a state, and do what it is for, for as long as the table lets it last.
        self.state.enter(name)
        limit = Deadline(limit_ms(name))
        try:
            return (yield from fed(procedure, None, lambda: not limit.left()))
        except GiveWay:
            if limit.left():
                raise  # it was somebody else's
            raise ATTimeout(name, limit_ms(name))

    def _fail(self, error):
        reason = str(error)
        if isinstance(error, SIM800Error):
            self.counters.blame(word_for(error))
        else:
            reason = "the attempt was cut short ({}): connect() again".format(
                reason or type(error).__name__
            )
        self.state.enter("failed", reason)

    def _notice(self):
        # A loss nobody has seen yet.
        if self.state.name == "up" and not self._has_address():
            self.lose(self.lost_by())

    def lose(self, word):
        """The link is not up any more, for `word` of stats.REASONS."""
        self._count_up()
        self.counters.blame(word)
        self.state.enter("lost", LOST[word])

    def _negotiate(self):
        ppp = self.ppp = network.PPP(self.datacall.stream)
        try:
            ppp.connect(**self.access.login())
        except OSError as error:
            raise NegotiationFailed(
                "PPP cannot be started ({}): free some memory, then try again".format(error)
            )
        deadline = Deadline(limit_ms("negotiating"))
        look = Deadline(_LOOK_MS)
        while not self._has_address():
            status = ppp.status()
            if status == _AUTHFAIL:
                raise AuthRefused(
                    'user and password were refused for APN "{}": check both with your operator, many want none'.format(
                        self.access.apn
                    )
                )
            late = status < 0 or not deadline.left()
            if late or self.datacall.over or not look.left():
                # A modem that has given up the call: that is worth telling apart.
                if (yield from self.datacall._has_ended(ppp)):
                    raise NoCarrier(
                        "the modem ended the data call before PPP was up: try again, then check APN, user and password"
                    )
                look = Deadline(_LOOK_MS * 2)
            if late:
                raise NegotiationFailed(
                    "CONNECT, but PPP did not come up within {} s (status {}): try again, then restart the modem".format(
                        limit_ms("negotiating") // 1000, status
                    )
                )
            yield 10

    def _stop_ppp(self):
        # End PPP and take the line away from it, so that it can write no more. True if it was terminated
        # in good order.
        ppp = self.ppp
        if ppp is None:
            return False
        carries = self.datacall.carries
        if not carries:
            ppp.config(stream=None)  # the modem would take a Terminate for a command
        was_up = ppp.isconnected()
        ppp.disconnect()
        deadline = Deadline(_TERMINATE_MS if carries else 0)
        while ppp.status() in (_CONNECTING, _CONNECTED) and deadline.left():
            yield 10
        ended = was_up and ppp.status() >= 0 and deadline.left() > 0
        self._count()
        self.ppp = None
        ppp.config(stream=None)
        ppp.active(False)
        _leaving[:] = [old for old in _leaving if old.status() in (_CONNECTING, _CONNECTED)]
        _leaving.append(ppp)
        return ended

    def _count(self):
        rx, tx, _, _, _ = self.traffic()
        self.counters.add(rx=rx, tx=tx)
        self.counters.save(True)

    def _count_up(self):
        self.counters.add(up=max(0, self.age()) // 1000)

    def _disconnect(self):
        """Take the link down: LCP Terminate, hang up. The modem stays on and registered. At most 30 s.

        ensure() and keep_up() of other tasks give way.
        """
        self.wanted = False
        yield from self._alone_and_first(self._leave())

    def _leave(self):
        # First the state: whoever looks meanwhile must not take it for a loss.
        self._count_up()
        if self.state.name != "off":
            self.state.enter("on")
        yield from self._take_down()

    def _take_down(self):
        terminated = yield from self._stop_ppp()
        if not (yield from self.datacall._end(terminated)):
            self.modem._settled = False  # connect() will look for it from the start

    def _set_clock(self, timeout):
        # By the network's time, which the modem has soon after registration or not at all. A clock that is set
        # is corrected, too: it may have drifted in deep sleep, or have been told a wrong time.
        deadline = Deadline(timeout)
        while True:
            now = yield from self.modem.clock._now()
            if now and rtc.set(rtc.unix(*now)):
                return True
            if not deadline.left():
                return False
            yield from wait(300)

    def _ask_time(self, told):
        # Only now, when there is a link to ask over.
        try:
            if not told and self.datacall.multiplexed:
                yield from self._set_clock(0)
            servers = name_servers(self.ppp)
            if servers and not rtc.is_fresh():
                from . import ntp

                yield from ntp._set_clock(timeout=_NTP_MS, servers=servers)
        except SIM800Error:
            pass  # of the modem; the link is up all the same

    def _active(self, is_active=None):
        """Switch the modem on or off (bool), or tell whether it is on. Raises ModemSilent."""
        if is_active is None:
            return self.state.name != "off"
        if not is_active:
            self.wanted = False
            yield from self._alone_and_first(self._switch_off())
        elif self.state.name in ("off", "failed"):
            yield from self._alone(self._switch_on())
        return bool(is_active)

    def _event(self, timeout=0):
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), None if nothing did.

        timeout: milliseconds to wait for one. What there is: events.py, and ("link", "up", "down", "recovering"
        or "failed"). While a link is up that is not multiplexed the modem keeps what it has to say; command_mode()
        lets it.
        """
        deadline = Deadline(timeout)
        while True:
            self._notice()
            event = yield from self.modem._event(min(100, deadline.left()))
            if event or not deadline.left():
                return event

    def _ensure(self, timeout=300000, wdt=None):
        """See to it that the link is up: at once where it can be relied on, else by recovering it.

        timeout: milliseconds after which no further attempt is begun; one that runs ends within its own
        limits. wdt: a machine.WDT to feed at every wait; it must stand 5 s.
        Costs nothing where something came from the network within the last minute, else one small question,
        see config(probe=).
        Raises the error of the last attempt; PINRequired, PINWrong and PUKRequired at once; NoAnswer;
        BudgetSpent.
        """
        self.wanted = True
        return self.supervisor._ensure(timeout, wdt)

    def _keep_up(self, wdt=None):
        """Keep the link up, for ever: for a task of its own (asyncio), or a thread.

        After disconnect() or active(False) it does nothing until connect() or ensure().
        wdt: as for ensure(). Goes on after all errors but PINRequired, PINWrong and PUKRequired.
        """
        return self.supervisor._keep_up(wdt)

    def command_mode(self):
        """`with nic.command_mode() as modem:` AT commands while the link is up; `async with` in asyncio.

        No other task or thread takes the link up or down meanwhile. Where it is multiplexed that is all, and
        commands need no command_mode(). Else PPP stands still (about 2.5 s and what the commands take), TCP
        connections survive, and what the modem kept to itself comes as events. If the call has ended meanwhile
        the link is "lost" afterwards, and connect() or ensure() bring it back.
        Raises ModemSilent if the modem does not leave data mode (the link then goes on), LinkBusy.
        """
        return CommandMode(self)

    def kept_up(self, wdt=None):
        """`async with nic.kept_up():` the link is up, and a task keeps it up until the block ends.

        What ends keep_up() ends the block, too, and is raised by it.
        """
        return KeptUp(self, wdt)

    def _suspend(self):
        self._notice()
        if self.state.name == "lost":
            yield from self._take_down()  # what is left of it would have the line
        elif self.state.name != "up" or self.datacall.multiplexed:
            return
        elif (yield from self.datacall._suspend(self.ppp)):
            self.state.enter("suspended")
        else:
            raise ModemSilent(
                "the modem does not leave data mode: the link goes on, try again, or disconnect() first"
            )

    def _resume(self):
        if self.state.name == "suspended":
            if self._has_address() and (yield from self.datacall._resume(self.ppp)):
                self.state.enter("up")
            else:
                self.lose("call ended")

    active = blocking(_active)
    connect = blocking(_connect)
    disconnect = blocking(_disconnect)
    event = blocking(_event)
    ensure = blocking(_ensure)
    keep_up = blocking(_keep_up)

    # As network.WLAN

    def isconnected(self):
        """True while PPP is up, or suspended, and has an IPv4 address."""
        return self.state.name in CARRYING and self._has_address()

    def _has_address(self):
        ppp = self.ppp
        try:
            return (
                ppp is not None
                and ppp.isconnected()
                and ppp.ipconfig("addr4")[0] != _NO_ADDRESS
                and not self.datacall.over
            )
        except ValueError:  # it ended between the two
            return False

    def age(self):
        """Milliseconds since the link came up, -1 if it is not up."""
        return self.state.lasted() if self.state.name in CARRYING else -1

    def lost_by(self):
        """Why PPP does not carry any more, as a word of stats.REASONS; None while it does, "" if it never did."""
        if self.state.name not in CARRYING:
            return ""
        if self._has_address():
            return None
        if self.ppp and self.ppp.isconnected():
            return "call ended"
        return "modem silent" if self.ppp and self.ppp.status() == _PEERDEAD else "terminated"

    def traffic(self):
        """(bytes received, bytes sent, ms since something came from the network, ms since something was sent
        that nothing came after, LCP echoes not answered); None for "never"."""
        try:
            return self.ppp.config("traffic")
        except (AttributeError, ValueError):  # no PPP; firmware without it
            return 0, 0, None, None, 0

    def stats(self):
        """What the link has carried and suffered since power came: stats.Stats. Kept over resets, see stats.py."""
        rx, tx, _, _, _ = self.traffic()
        return self.counters.told(rx, tx, max(0, self.age()) // 1000)

    def status(self, what=None):
        """The link's state as a word, see states.py: "off", "on", "booting", "waiting for SIM", "searching",
        "registered", "dialling", "negotiating", "up", "suspended", "lost", "recovering", "failed".

        what: "reason": a sentence why, None where all is as asked for. "rssi": signal strength in dBm, as
        network.WLAN has it (while a link is up that is not multiplexed only in command_mode()).
        """
        if what == "rssi":
            return self.modem.radio.signal()
        if what not in (None, "reason"):
            raise ConfigError('status() knows "reason" and "rssi", not {!r}'.format(what))
        self._notice()
        return self.state.reason if what else self.state.name

    def ipconfig(self, what):
        """One address: "addr4" gives (address, netmask), "gw4" the peer's address, "dns" a name server."""
        if what == "dns":
            return network.ipconfig("dns")
        return self._linked().ipconfig(what)

    def ifconfig(self):
        """(address, netmask, peer, name server), as str."""
        ppp = self._linked()
        address, mask = ppp.ipconfig("addr4")
        return address, mask, ppp.ipconfig("gw4"), network.ipconfig("dns")

    def _linked(self):
        if not self.isconnected():
            raise NoCarrier("not connected: call connect() first")
        return self.ppp

    def config(self, *args, **kwargs):
        """Read one setting, or set some.

        For the next connect(): apn=, user=, password=, pin= (the last two cannot be read).
        For ensure() and keep_up():
            probe: who is asked whether the link carries: "dns" (the network's name server), (address, port)
                for a TCP connection, None for nobody.
            silence: milliseconds without an answer to what was sent that make it doubtful (10 s).
            fresh: milliseconds since something came for which ensure() relies on it (1 minute).
            idle_probe: milliseconds of silence after which keep_up() asks, 0 for never.
            hour_budget, day_budget: bytes that recovering may cost (100 kB, 1 MB).
            reset_board: whether the ladder's last rung is machine.reset() (False).
        """
        settings = self.supervisor.settings
        if args:
            if len(args) == 1 and not kwargs:
                if args[0] in ("apn", "user"):
                    return getattr(self.access, args[0])
                if args[0] in settings:
                    return settings[args[0]]
            raise ConfigError(
                'config() can read "apn", "user" and what ensure() has, one at a time; it does not give secrets'
            )
        for name, value in kwargs.items():
            if name in settings:
                self.supervisor.set(name, value)
            elif not self.access.set(name, value):
                raise ConfigError(
                    "config() can set apn, user, password, pin, {}, not {}".format(
                        ", ".join(sorted(settings)), name
                    )
                )
        return None

    def _resolve(self, host):
        """IPv4 address (str) of a host name, within 12 s. Raises NameNotFound, NoCarrier."""
        from .names import lookup

        return (yield from lookup(name_servers(self._linked()), host))

    resolve = blocking(_resolve)
