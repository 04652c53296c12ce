"""The PPP link as a network interface, used as network.WLAN is.

Owns the line: AT goes to it while `modem` talks, PPP while the link is up, never both.
"""

import socket
import time

import machine
import network
from micropython import const

from .at import quoted
from .errors import (
    AuthRefused,
    ConfigError,
    NameNotFound,
    NegotiationFailed,
    NoCarrier,
)
from .modem import FAST, Modem
from .run import Deadline, Procedures, blocking, wait
from .sim import check_code

# network.PPP.status()
_CONNECTING = const(3)
_CONNECTED = const(4)
_AUTHFAIL = const(-7)

_SECURITY = {"pap": network.PPP.SEC_PAP, "chap": network.PPP.SEC_CHAP, None: network.PPP.SEC_NONE}

_TERMINATE_MS = const(3000)
_DNS_MS = const(5000)  # an answer that came sooner was an answer, not silence

_NITZ_MS = const(3000)  # the network's time comes soon after registration, or not at all

# lwIP may take 12 s to give up a link that is not up; until then it uses the object's memory.
_leaving = []

_NO_ADDRESS = "0.0.0.0"

_SINCE_2024 = const(2024)


class PPP(Procedures):
    """Internet over a SIM800.

    apn: access point name of the SIM's operator, 1 to 99 characters.
    user, password: for the access point; most want none.
    auth: "pap", "chap" or None: what to offer when the modem asks.
    pin: the SIM's PIN, if it asks for one.
    board: how the modem is wired; None: the frozen module `board` knows.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.
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
        trace=None,
    ):
        self._apn = _check_apn(apn)
        self._user = quoted(user, "user", 127)
        self._password = quoted(password, "password", 127)
        if auth not in ("pap", "chap", None):
            raise ConfigError('auth must be "pap", "chap" or None')
        self._security = _SECURITY[auth]
        self._pin = _check_pin(pin)
        if board is None:
            board = _default_board()
        self.modem = Modem(board, trace, baudrate)
        self.modem.access = lambda: (self._apn, self._user, self._password)
        self._ppp = None
        self._state = "off"
        self._was_up = False

    def __repr__(self):
        return "<PPP {} {}>".format(self._apn, self.status())

    # Procedures

    def _switch_on(self):
        yield from self.modem._on()
        self._state = "on"

    def _switch_off(self):
        yield from self._disconnect()
        self._state = "off"
        yield from self.modem._off()

    def _connect(self, apn=None, timeout=120000):
        """Bring the link up: modem on, SIM, network, data call, PPP. Returns when there is an address.

        apn: another access point than before. timeout: milliseconds for the network to be found; the other
        steps have limits of their own (modem 30 s, data call 60 s, PPP 40 s).
        Does nothing if the link is up. Sets the machine's clock if it has not been set and the network tells
        the time. Raises SIM800Error: the class says which step failed, the message what to try; the modem
        is then on and in command mode if it answers at all, and connect() may be called again.
        """
        if not isinstance(timeout, int) or timeout < 0:
            raise ConfigError("timeout must be milliseconds, an int of 0 or more")
        if apn is not None:
            self._apn = _check_apn(apn)
        if self.isconnected():
            return
        if self._ppp or self.modem.data_mode:
            yield from self._disconnect()
        self._state = "booting"
        try:
            yield from self._switch_on()
            self._state = "waiting for SIM"
            yield from self.modem.sim._ready(self._pin)
            self._state = "searching"
            yield from self.modem.radio._register(timeout)
            yield from self._set_clock()
            self._state = "dialling"
            yield from self.modem.datacall._dial(self._apn)
            self._state = "negotiating"
            yield from self._negotiate()
            self._state = "up"
            self._notice()
        finally:
            if self._state != "up":
                reached, self._state = self._state, "failed"
                if reached in ("dialling", "negotiating"):
                    # CONNECT may have come a moment too late to be seen.
                    self.modem.data_mode = True
                    yield from self._disconnect()
                    self._state = "failed"

    def _negotiate(self):
        ppp = self._ppp = network.PPP(self.modem.uart)
        try:
            if self._security == network.PPP.SEC_NONE:
                ppp.connect()
            else:
                ppp.connect(security=self._security, user=self._user, key=self._password)
        except OSError as error:
            raise NegotiationFailed(
                "PPP cannot be started ({}): free some memory, then try again".format(error)
            )
        deadline = Deadline(40000)
        while not self._has_address():
            status = ppp.status()
            if status == _AUTHFAIL:
                raise AuthRefused(
                    'user and password were refused for APN "{}": check both with your operator, many want none'.format(
                        self._apn
                    )
                )
            if status < 0 or not deadline.left():
                yield from self._why_not(status)
            yield 10

    def _why_not(self, status):
        # A modem that is back in command mode has given up the call: that is worth telling apart.
        yield from self._stop_ppp()
        if (yield from self.modem.datacall._listens(2)):
            raise NoCarrier(
                "the modem ended the data call before PPP was up: try again, then check APN, user and password"
            )
        self.modem.data_mode = True
        raise NegotiationFailed(
            "CONNECT, but PPP did not come up within 40 s (status {}): try again, then restart the modem".format(
                status
            )
        )

    def _stop_ppp(self):
        # End PPP and take the line away from it, so that it can write no more. True if it was terminated
        # in good order.
        ppp = self._ppp
        if ppp is None:
            return False
        was_up = ppp.isconnected()
        ppp.disconnect()
        deadline = Deadline(_TERMINATE_MS)
        while ppp.status() in (_CONNECTING, _CONNECTED) and deadline.left():
            yield 10
        ended = was_up and ppp.status() >= 0 and deadline.left() > 0
        ppp.config(stream=None)
        ppp.active(False)
        _leaving[:] = [old for old in _leaving if old.status() in (_CONNECTING, _CONNECTED)]
        _leaving.append(ppp)
        self._ppp = None
        return ended

    def _disconnect(self):
        """Take the link down: LCP Terminate, hang up. The modem stays on and registered. At most 30 s."""
        modem = self.modem
        if (yield from self._stop_ppp()):
            yield from modem.datacall._ended()
        if modem.data_mode and not (yield from modem.datacall._resync()):
            modem._settled = False  # connect() will look for it from the start
        if self._state != "off":
            self._state = "on"
        self._notice()

    def _set_clock(self):
        if time.gmtime()[0] >= _SINCE_2024:
            return
        deadline = Deadline(_NITZ_MS)
        while deadline.left():
            now = yield from self.modem.clock._now()
            if now:
                machine.RTC().datetime(now[:3] + (0,) + now[3:] + (0,))
                return
            yield from wait(300)

    def _active(self, is_active=None):
        """Switch the modem on or off (bool), or tell whether it is on. Raises ModemSilent."""
        if is_active is None:
            return self._state != "off"
        if not is_active:
            yield from self._switch_off()
        elif self._state in ("off", "failed"):
            yield from self._switch_on()
        return bool(is_active)

    def _event(self, timeout=0):
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), None if nothing did.

        timeout: milliseconds to wait for one. What there is: events.py, and ("link", "up" or "down").
        While the link is up the modem keeps what it has to say until it is down.
        """
        deadline = Deadline(timeout)
        while True:
            self._notice()
            event = yield from self.modem._event(min(100, deadline.left()))
            if event or not deadline.left():
                return event

    def _notice(self):
        # What became of the link, for those who wait for events.
        up = self.isconnected()
        if up != self._was_up:
            self._was_up = up
            self.modem.events.put("link", "up" if up else "down")

    active = blocking(_active)
    connect = blocking(_connect)
    disconnect = blocking(_disconnect)
    event = blocking(_event)

    # As network.WLAN

    def isconnected(self):
        """True while PPP is up and has an IPv4 address."""
        return self._state == "up" and self._has_address()

    def _has_address(self):
        ppp = self._ppp
        try:
            return (
                ppp is not None and ppp.isconnected() and ppp.ipconfig("addr4")[0] != _NO_ADDRESS
            )
        except ValueError:  # it ended between the two
            return False

    def status(self, what=None):
        """The link's state as a word: "off", "on", "booting", "waiting for SIM", "searching", "dialling",
        "negotiating", "up", "failed", "lost".

        what: "rssi": signal strength in dBm (only while not connected), as network.WLAN has it.
        """
        if what == "rssi":
            return self.modem.radio.signal()
        if what is not None:
            raise ConfigError('status() knows "rssi", not {!r}'.format(what))
        if self._state == "up" and not self._has_address():
            return "lost"
        return self._state

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
        return self._ppp

    def config(self, *args, **kwargs):
        """Read one setting ("apn", "user") or set some (apn=, user=, password=, pin=) for the next connect()."""
        if args:
            if len(args) == 1 and not kwargs and args[0] in ("apn", "user"):
                return self._apn if args[0] == "apn" else self._user
            raise ConfigError(
                'config() can read "apn" or "user", one at a time; it does not give secrets'
            )
        for name, value in kwargs.items():
            if name == "apn":
                self._apn = _check_apn(value)
            elif name == "user":
                self._user = quoted(value, "user", 127)
            elif name == "password":
                self._password = quoted(value, "password", 127)
            elif name == "pin":
                self._pin = _check_pin(value)
            else:
                raise ConfigError(
                    "config() can set apn, user, password and pin, not {}".format(name)
                )
        return None

    def resolve(self, host):
        """IPv4 address (str) of a host name. Raises NameNotFound, NoCarrier."""
        self._linked()
        started = time.ticks_ms()
        try:
            return socket.getaddrinfo(host, 0, socket.AF_INET)[0][-1][0]
        except OSError as error:
            if time.ticks_diff(time.ticks_ms(), started) < _DNS_MS:
                why = "there is no such name: check the spelling"
            else:
                why = (
                    "no name server answered: check that the SIM has data left, then connect again"
                )
            raise NameNotFound('cannot resolve "{}" ({}): {}'.format(host, error.errno, why))


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


def _check_pin(pin):
    if pin is not None:
        check_code(pin, "the PIN")
    return pin


def _default_board():
    try:
        from board import Board
    except ImportError:
        raise ConfigError("no board is known to this firmware: pass board=, see docs/board.md")
    return Board()
