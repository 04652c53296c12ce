"""The PPP link: the way up and down through the states of states.py, and what is true of it meanwhile."""

import os
import time

import network
from micropython import const
from nettime import rtc

from .errors import (
    ATTimeout,
    AuthRefused,
    LinkBusy,
    ModemSilent,
    NegotiationFailed,
    NoCarrier,
    SIM800Error,
)
from .line import OFF, UNKNOWN
from .lock import NOBODY, OTHERS, OWNER
from .modem import Modem
from .pdp import dial
from .run import Deadline, Interrupted, since, sleep_ms, watched
from .states import CARRYING, State, is_passing, limit_ms
from .stats import LOST, REASONS, Counters, word_for

# network.PPP.status()
_CONNECTING = const(3)
_CONNECTED = const(4)
_AUTHFAIL = const(-7)
_PEERDEAD = const(-9)

_TERMINATE_MS = const(3000)
# How long PPP is waited for before the modem is asked whether the call has ended.
_LOOK_MS = const(3000)
_BUSY_MS = const(300000)  # how long one task waits for another's connect()
_LEAVE_MS = const(30000)  # ... to take the link down
_NOTICE_MS = const(1000)
# Looks at the modem's clock: the network's time comes within 3 s after registration, or not at all
_NITZ_TIMES = const(10)
_ROOTS_LAST = const(34560000)  # seconds: 400 days

_NO_ADDRESS = "0.0.0.0"
_MTU_FILE = const("ppp_sim800.mtu")  # packets.FILE: not loaded as long as it is not there

_users = {}  # board (by its id): the Link that last had its modem

# lwIP may take 12 s to give up a link that is not up; until then it uses the object's memory.
_closing = []


def roots_are_old():
    """Whether the root certificates in the firmware are older than 400 days, by a clock that is set."""
    try:
        from trust import roots_date
    except ImportError:  # firmware without them
        return False
    return rtc.is_set() and rtc.now() - rtc.unix(*roots_date()) > _ROOTS_LAST


class Link:
    """PPP over a Modem on `board`. `settings`: a settings.Settings. Who has `modem.line.lock` may change it.

    `wanted`: whether it was last asked for to be up.
    """

    def __init__(self, settings, board, trace, baudrate, multiplex):
        self.settings = settings
        self.modem = Modem(board, trace, baudrate)
        self.line = self.modem.line
        self.state = State(self.modem.events, trace)
        self.ppp = None
        self.counters = Counters(self._carried)
        self._looked = time.ticks_ms()
        self.rules = None  # limits.Rules
        self.restrict(None, None)
        self.wanted = False
        self._multiplex = multiplex
        self.feed = None  # feeds the watchdog that ensure() or keep_up() were given last
        self._timekeeper = None
        self.modem.serve(self._before_switch, self._of_bearer, self.counters)
        self._packets = None
        self._agreed = 0  # the MTU that PPP has negotiated; 0: firmware that cannot change it

    @property
    def timekeeper(self):
        """Asks for the time; loaded when the clock cannot be relied on first."""
        if self._timekeeper is None:
            from .timekeeper import Timekeeper

            self._timekeeper = Timekeeper(self.modem.clock, self.name_servers)
        return self._timekeeper

    @property
    def packets(self):
        """Finds out how large packets may be; loaded when there is a reason first."""
        if self._packets is None:
            from .packets import Packets

            self._packets = Packets(self)
        return self._packets

    # Whose it is

    async def exclusive(self, procedure, what, timeout=_BUSY_MS, gives_way=OWNER, urgent=False):
        """Await `procedure` with the line's lock held, see Line.exclusive(). Raises LinkBusy."""
        begun = self._settled(procedure)
        return await self.line.exclusive(begun, what, timeout, gives_way, urgent)

    def leave(self, procedure, what):
        """Awaitable: `procedure` that takes the link down; what runs gives way. Raises LinkBusy."""
        return self.exclusive(procedure, what, _LEAVE_MS, NOBODY, True)

    async def enter_command_mode(self):
        """Take the lock, and the line from PPP where AT commands need that. Returns a Hold, for leave_command_mode()."""
        hold = await self.line.lock.acquire("command_mode()", _BUSY_MS)
        try:
            await self._settled()
            if self.line.mode == UNKNOWN:
                await self.modem.start()
            if self.ppp and self.state.name not in CARRYING:
                await self.take_down()  # what is left of it would have the line
            elif self.state.name == "up" and not self.line.multiplexed:
                if not await self.line.suspend(self.ppp):
                    raise ModemSilent(
                        "the modem does not leave data mode: the link goes on, try again, or disconnect() first"
                    )
                self.state.enter("suspended")
        except BaseException:
            self.line.lock.release(hold)
            raise
        return hold

    async def leave_command_mode(self, hold):
        """Give both back."""
        if hold.lost:
            return
        try:
            await self._resume()
        finally:
            self.line.lock.release(hold)

    async def _resume(self):
        if self.state.name == "suspended":
            await self.modem.look()  # else nobody can before the link is down
            if self._has_address() and await self.line.resume(self.ppp):
                self.state.enter("up")
            else:
                self.lose("call ended")

    async def _settled(self, procedure=None):
        # Before `procedure` is awaited what others have left is brought in order. A second object takes the modem
        # over from one that nobody uses.
        board = id(self.line.board)
        other = _users.get(board, self)
        if other is not self:
            lock = other.line.lock
            if lock.is_held() and lock.hold.gives_way != OTHERS:
                raise LinkBusy(
                    "another PPP object uses this modem ({}): go on with that one, or wait for its end".format(
                        lock.hold.what
                    )
                )
            await other.leave(other.hand_over(), "another PPP object")
            self.counters.take(other.counters)
            self.line.lose()
        _users[board] = self
        self._correct()
        await self._resume()
        if procedure:
            return await procedure

    async def hand_over(self):
        """Leave the modem to another Link."""
        self.wanted = False
        await self.go_down()
        self.line.off()
        self.state.enter("off", "another PPP object took the modem over")

    async def _before_switch(self):
        # The script switches the modem by itself.
        await self._settled()
        if self.state.name in CARRYING:
            self.lose("modem switched")
        await self.take_down()

    # What is true

    def notice(self):
        """Correct the state where nobody did: a loss, an attempt that was left alone."""
        if self.line.lock.is_held():
            if self.state.name == "up" and not self._has_address():
                self.lose(self.lost_by())
        else:
            self._correct()
            if self.state.name in CARRYING and since(self._looked) >= _NOTICE_MS:
                self._looked = time.ticks_ms()
                self.counters.save()
                if self.rules and (error := self.rules.forbidden()):
                    self.rules.end(error)
                    self.ppp.config(stream=None)  # taken down by whoever uses it next

    def _correct(self):
        name = self.state.name
        if self.line.mode == OFF:
            if name != "off":
                reason = (
                    self.state.reason
                    if name == "failed"
                    else LOST[REASONS.index("modem switched")]
                )
                self.state.enter("off", self.line.off_reason or reason)
        elif is_passing(name) or (name == "off" and self.line.mode == UNKNOWN):
            self.state.enter("failed", "the attempt was cut short: connect() again")
        elif name == "off":
            self.state.enter("on")
        elif name == "up" and not self._has_address():
            self.lose(self.lost_by())

    def lose(self, word):
        """The link is not up any more, for `word` of stats.REASONS."""
        up = self.seconds_up()
        self.state.enter("lost", LOST[REASONS.index(word)])
        self.counters.add(up=up)
        self.counters.blame(word)

    def isconnected(self):
        """Whether PPP is up, or suspended, and has an IPv4 address."""
        return self.state.name in CARRYING and self._has_address()

    def _has_address(self):
        ppp = self.ppp
        try:
            return (
                ppp is not None
                and ppp.isconnected()
                and ppp.ipconfig("addr4")[0] != _NO_ADDRESS
                and not self.line.call_ended
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

    def packets_seen(self):
        """(bytes of the largest IP packet that came, of the largest that was sent, how often a TCP connection was given up
        on which nothing new had come for 8 s). What came is told of the time since the last but one of these."""
        try:
            return self.ppp.config("packets")
        except (AttributeError, ValueError):  # no PPP; firmware without it
            return 0, 0, 0

    def are_packets_good(self):
        """Whether there is no reason to have `packets` look into it. Asks nobody."""
        if not self._agreed or (not self._packets and not self.packets_seen()[2]):
            return True
        try:
            return self.packets.is_good()
        except MemoryError:
            return True

    def suspect_packets(self):
        """What was sent gets no answer, although small packets do."""
        try:
            self.packets.suspect()
        except MemoryError:
            pass

    def mtu(self):
        """Bytes of the largest IP packet that is sent."""
        return self.ppp.config("mtu") if self._agreed else 0

    def set_mtu(self, mtu=None):
        """Send IP packets of at most `mtu` bytes, and have servers send no larger ones; 0: as PPP has negotiated; None: as
        config(mtu=) says, else what is remembered of this access point."""
        if mtu is None:
            mtu = self.settings.mtu
            if mtu is None:
                try:
                    os.stat(_MTU_FILE)
                    mtu = self.packets.remembered()
                except (OSError, MemoryError):
                    pass
        if self._agreed:
            self.ppp.config(mtu=min(mtu or self._agreed, self._agreed))

    def name_servers(self):
        """Whom to ask for names, in this order (tuple of dotted str): those the network told PPP of, twice, then the first
        of config(dns=); these alone where it told of none.
        """
        try:
            own = self.ppp.config("dns")
        except AttributeError:  # no PPP
            return ()
        except ValueError:  # firmware without it; it is ended
            server = network.ipconfig("dns")
            own = () if server == _NO_ADDRESS else (server,)
        spare = self.settings.dns
        return (own + own)[:2] + spare[:1] if own else spare

    def stats(self):
        """What it has carried and suffered since power came: stats.Stats."""
        if _users.get(id(self.line.board)) is self:  # else another one writes the file
            self.notice()
            self.counters.save()
        return self.counters.told()

    def _carried(self):
        rx, tx, _, _, _ = self.traffic()
        return rx, tx, self.seconds_up()

    def seconds_up(self):
        """Seconds since the link came up, 0 if it is not up."""
        return max(0, self.age()) // 1000

    def pause(self, paused):
        """Keep PPP from the line during a voice call: LCP echo does not count then."""
        self.ppp.config(stream=None if paused else self.line.stream)

    # What may be spent, and where

    def restrict(self, day, month):
        """Bytes that may be carried in a day and in a month, None for no limit; and what roaming is for, by `settings`."""
        if self.rules or day or month or self.settings.roaming != "allowed":
            from .limits import Rules

            if self.rules and self.state.reason == self.rules.reason:
                self.state.reason = None
            self.rules = Rules(self, day, month)

    def _of_bearer(self):
        # For the modem's own applications, which count as well.
        rules = self.rules
        if rules and (error := rules.forbidden() or rules.refusal()):
            raise error
        return self.settings.of_bearer()

    # The way up

    async def bring_up(self, timeout, pay=None):
        """From wherever it is; `timeout`: milliseconds for the network to be found; `pay` is called before it dials.
        Raises SIM800Error."""
        if self.rules:
            await self.rules.obey()
        if self.isconnected():
            return
        if self.ppp:
            await self.take_down()
        within, enter, modem = self._within, self.state.enter, self.modem
        try:
            await within("booting", modem.start())
            await within("waiting for SIM", modem.sim.ready(self.settings.pin, 0))
            enter("searching")
            await modem.radio.register(timeout)
            await modem.sim.subscribe()
            # One that is set is corrected, too: it may have drifted in deep sleep, or have been told a wrong time.
            await within("registered", modem.clock.correct(_NITZ_TIMES))
            if self.rules:
                await self.rules.obey(True)
            if pay:
                pay()
            await within("dialling", dial(modem, self.settings.apn, self._multiplex))
            enter("negotiating")
            await self._negotiate()
            try:
                self._agreed = self.ppp.config("mtu")
            except ValueError:  # firmware without it
                self._agreed = 0
            self.set_mtu()
        except BaseException as error:
            await self._fail(error)
            raise
        enter("up")
        self.counters.add(connects=1)
        self.counters.save(True)
        rtc.link = self
        if not rtc.is_fresh():
            await self.timekeeper.restore()  # only now there is a link to ask over
        if roots_are_old():
            modem.events.put("roots", "old")

    async def switch_on(self):
        """The modem only."""
        if self.state.name not in ("off", "failed"):
            return
        try:
            await self._within("booting", self.modem.start())
        except BaseException as error:
            await self._fail(error)
            raise
        self.state.enter("on")

    async def _within(self, name, procedure):
        # Enter a state, and do what it is for, for as long as the table lets it last.
        self.state.enter(name)
        limit = Deadline(limit_ms(name))

        def check():
            if not limit.left():
                raise Interrupted

        try:
            return await watched(procedure, check)
        except Interrupted:
            if limit.left():
                raise  # it was somebody else's
            raise ATTimeout(name, limit_ms(name))

    async def _fail(self, error):
        if self.line.lock.hold.lost:
            return  # whoever has it now does it
        if self.state.name in ("dialling", "negotiating"):
            await self.take_down()
        reason = str(error)
        if isinstance(error, SIM800Error):
            self.counters.blame(word_for(error))
        else:
            reason = "the attempt was cut short ({}): connect() again".format(
                reason or type(error).__name__
            )
        self.state.enter("failed", reason)

    async def _negotiate(self):
        ppp = self.ppp = network.PPP(self.line.stream)
        try:
            ppp.connect(**self.settings.login())
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
                        self.settings.apn
                    )
                )
            late = status < 0 or not deadline.left()
            if late or self.line.call_ended or not look.left():
                # A modem that has given up the call: that is worth telling apart.
                if await self.line.has_ended(ppp):
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
            await sleep_ms(10)

    # The way down

    async def go_down(self):
        """LCP Terminate, hang up; the modem stays on and registered."""
        # First the state: whoever looks meanwhile must not take it for a loss.
        up = self.seconds_up()
        if self.state.name != "off":
            self.state.enter("on")
        self.counters.add(up=up)
        try:
            await self.take_down()
        finally:
            self.counters.save(True)
        if self.line.mode == UNKNOWN and self.state.name == "on":
            self.state.enter("failed", "the modem did not answer: connect() looks for it")

    async def switch_off(self):
        """The modem, too."""
        await self.go_down()
        self.state.enter("off")
        await self.modem.stop()

    async def take_down(self):
        """PPP and the data call; the line is in command mode then, or of unknown mode."""
        await self.modem.take_back(await self._stop_ppp())

    async def _stop_ppp(self):
        # End PPP and take the line away from it, so that it can write no more. True if it was terminated
        # in good order.
        ppp = self.ppp
        if ppp is None:
            return False
        # From now on, whatever memory runs out for: the object must outlive lwIP's use of it.
        if ppp not in _closing:
            _closing.append(ppp)
        carries = self.line.carries_ppp
        if not carries:
            ppp.config(stream=None)  # the modem would take a Terminate for a command
        was_up = ppp.isconnected()
        ppp.disconnect()
        deadline = Deadline(_TERMINATE_MS if carries else 0)
        while ppp.status() in (_CONNECTING, _CONNECTED) and deadline.left():
            await sleep_ms(10)
        ended = was_up and ppp.status() >= 0 and deadline.left() > 0
        rx, tx, _, _, _ = self.traffic()
        self.ppp = None
        self.counters.add(rx=rx, tx=tx)
        ppp.config(stream=None)
        ppp.active(False)
        busy = (_CONNECTING, _CONNECTED)
        _closing[:] = [old for old in _closing if old is ppp or old.status() in busy]
        return ended
