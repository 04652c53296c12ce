"""A SIM800: its line, its power, what it is. What it can do is in one file per role: sim, radio, ...

Sources are given as pages of the SIM800 Series AT Command Manual V1.09 ("M") and sections of the
SIM800L Hardware Design V1.02 ("HW"). Waiting times are the manual's maximum response times.
"""

import time
from collections import namedtuple

import machine
from micropython import const

from .at import Channel, fields
from .clock import Clock
from .datacall import DataCall
from .errors import ATError, ATTimeout, ConfigError, ModemRestarted, ModemSilent, SIM800Error
from .events import Events
from .radio import REGISTERED, Radio
from .run import Deadline, Procedures, blocking, wait
from .sim import SIM

BAUDRATE = const(115200)  # the highest a modem finds by itself
FAST = const(460800)  # the highest it can
_LIKELY_RATES = (BAUDRATE, FAST)
_OTHER_RATES = (230400, 19200, 38400, 57600, 9600)

# Closes a multiplexer in basic mode: CLD on DLCI 0 (3GPP TS 27.010 5.4.6.3.3). Noise to any other modem.
_CLOSE_DOWN = b"\xf9\x03\xef\x05\xc3\x01\xf2\xf9"
_FLAGS = const(264)  # end whatever frame was begun
_GUARD_MS = const(750)  # after sync()'s last wait, to a silence of 1 s before +++ (M 36)
_ESCAPE_MS = const(1050)  # the OK comes after another one
_TAIL = const(8)  # bytes of what came last that are looked at
_PROOFS = const(4)  # times 600 characters without a fault, to trust the faster rate

_RESTART_MS = const(800)  # from the OK of AT+CFUN=1,1 until it is deaf

Battery = namedtuple("Battery", ("mv", "percent", "charging"))


def _digits(line):
    return line.isdigit()


def _anything(line):
    return True


def _read_battery(line):
    charging, percent, mv = fields(line)
    return Battery(int(mv), int(percent), charging == "1")


class Modem(Procedures):
    """A SIM800 behind a board.

    board: says how the modem is wired, see docs/board.md for what it must have.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.
    baudrate: 460800 raises the line's rate once it has proved clean; 115200 leaves it there.

    Its roles: `sim`, `radio`, `clock`, `sms`, `calls`, `http` over `bearer`.
    """

    def __init__(self, board, trace=None, baudrate=FAST):
        if baudrate not in (BAUDRATE, FAST):
            raise ConfigError("baudrate must be 115200 or 460800, not {!r}".format(baudrate))
        self.board = board
        self.uart = None  # the machine.UART to the modem, None before the first power-up
        self.data_mode = False  # the line carries PPP, not AT
        self.events = Events()
        self.unregistered = None  # since when (ticks), as far as the modem said so
        self.sim = SIM(self)
        self.radio = Radio(self)
        self.clock = Clock(self)
        self.datacall = DataCall(self)
        # How a procedure that switches the modem is done; where there is a link it is first taken down.
        self.switching = lambda procedure: procedure
        self.access = None  # gives (APN, user, password) for `bearer`, where a PPP object has them
        self._sms = self._calls = self._bearer = self._http = None
        self._trace = trace
        self._channel = None
        self._wanted_rate = baudrate
        self._rate = BAUDRATE
        self._noisy = False  # the faster rate was tried, and did not prove clean
        self._settled = False  # up and quiet: from now on a boot message means a restart
        self._dozing = False
        # After deep sleep, too: it lets go of the supply's switch, unless that was held.
        self._presumed_off = machine.reset_cause() in (
            machine.PWRON_RESET,
            machine.DEEPSLEEP_RESET,
        )
        self._rest = Deadline(0)  # least time between off and on
        self._expected = {}  # beginning of a line somebody waits for: the line, None until it came

    # The line

    @property
    def baudrate(self):
        """The line's rate in baud."""
        return self._rate

    def _open(self, baudrate):
        self.uart = self.board.uart(baudrate)
        self._rate = baudrate
        if self._channel is None:
            self._channel = Channel(self.uart, self._unsolicited, self._trace)
        else:
            self._channel.uart = self.uart

    def _unsolicited(self, line):
        if line in ("+CDRIND: 2", "+PDP: DEACT"):  # M 155
            self.datacall.told_over()
            return None
        for expected in self._expected:
            if line.startswith(expected) and self._expected[expected] is None:
                self._expected[expected] = line
                return None
        event = self.events.of(line)
        if event is None:
            return None
        if event[0] in ("restarted", "switched off"):
            # Not while it boots, or was told to.
            return self._has_restarted(line) if self._settled else None
        if event[0] in ("registration", "gprs"):
            self.unregistered = None if event[1] in REGISTERED else time.ticks_ms()
        self.events.put(*event)
        return None

    def _has_restarted(self, said):
        self._settled = self._dozing = False
        self.datacall.told_over()
        self.events.put("switched off" if said.endswith("DOWN") else "restarted", said)
        return ModemRestarted(
            'the modem said "{}" by itself: check its supply (bursts of 2 A), then connect again'.format(
                said
            )
        )

    def _command(self, command, prefix=None, timeout=5000, **kwargs):
        if self._channel is None:
            raise ModemSilent(
                "the modem has not been switched on: call active(True) or on() first"
            )
        if self.data_mode:
            raise ConfigError(
                "the line carries PPP: send AT commands in `with nic.command_mode():`, or disconnect() first"
            )
        if self._dozing:
            yield from self._wake()
        try:
            result = yield from self._channel.command(command, prefix, timeout, **kwargs)
        except ATTimeout:
            if (yield from self._has_fallen_back()):
                raise self._has_restarted("AT at its first rate")
            raise
        return result

    def _has_fallen_back(self):
        # A restart ends the faster rate; RDY is noise then.
        if self._rate != FAST or not self._settled or self.datacall.multiplexed:
            return False
        if (yield from self._listens_at(BAUDRATE, 3)):
            return True
        self._open(FAST)
        return False

    def _ask(self, command, prefix, timeout=5000, read=None):
        # The first line of an answer that must have one, or what `read` makes of it.
        lines = yield from self._command(command, prefix, timeout)
        if len(lines) < 2:
            raise ATError(command, "nothing but " + lines[-1])
        try:
            return read(lines[0]) if read else lines[0]
        except ValueError:  # damaged on its way
            raise ATError(command, lines[0])

    def _command_and_urc(self, command, urc, timeout, **kwargs):
        # A command whose outcome comes later, unsolicited, in a line that begins with `urc`: that line.
        deadline = Deadline(timeout)
        while urc in self._expected:  # another task waits for the same
            if not deadline.left():
                raise ATTimeout(command, timeout)
            yield 50
        self._expected[urc] = None
        try:
            yield from self._command(command, timeout=timeout, **kwargs)
            while self._expected[urc] is None:
                if not deadline.left():
                    raise ATTimeout(command, timeout)
                yield 20
                self._channel.poll()
            return self._expected[urc]
        finally:
            del self._expected[urc]

    def _set_up(self):
        yield from self._command("AT+CMEE=1")
        yield from self._command("AT+CREG=2;+CGREG=2")

    def _subscribe(self):
        # Have the modem say when messages, their reports, calls and USSD come (M 75, 109, 125); it takes that
        # once the SIM is ready.
        try:
            yield from self._command("AT+CNMI=2,1,0,1,0;+CLIP=1;+CUSD=1", timeout=15000)
        except ATError:
            pass  # it has no voice, or no messages

    def _at(self, command, timeout=5000):
        """Send any AT command.

        command: str, e.g. "AT+CADC?"; timeout: milliseconds to its final result.
        Returns its answer's lines (list of str), the final result last. Lines that belong to no
        command (URCs) may be among them: only the caller knows.
        Raises ATError, ATTimeout.
        """
        if not isinstance(command, str) or not command[:2].upper() == "AT" or "\r" in command:
            raise ConfigError('a command is a str beginning with "AT" on one line')
        result = yield from self._command(command, _anything, timeout)
        return result

    def _event(self, timeout=0):
        """The oldest thing that happened and was not asked for yet, as Event(name, detail), see events.py.

        Waits for one, at most `timeout` milliseconds; then None. While the line carries PPP the modem keeps
        what it has to say.
        """
        deadline = Deadline(timeout)
        while True:
            try:
                if self.data_mode:
                    if hasattr(self.board, "ring") and self.board.ring():
                        self.events.put("ri")
                elif self._channel:
                    self._channel.poll()
            except ModemRestarted:
                pass  # it is among the events
            event = self.events.take()
            if event or not deadline.left():
                return event
            yield min(50, deadline.left())

    at = blocking(_at)
    event = blocking(_event)

    def _in_call(self):
        # A voice call of the script's. GPRS stands still meanwhile: a SIM800 is of class B.
        calls = self._calls
        try:
            return calls is not None and calls._perhaps and bool((yield from calls._list()))
        except SIM800Error:
            return False

    # Roles that cost memory only where they are used

    @property
    def sms(self):
        """Short messages, see sms.py."""
        if self._sms is None:
            from .sms import SMS

            self._sms = SMS(self)
        return self._sms

    @property
    def calls(self):
        """Voice calls, see calls.py."""
        if self._calls is None:
            from .calls import Calls

            self._calls = Calls(self)
        return self._calls

    @property
    def bearer(self):
        """The bearer of the modem's own applications."""
        if self._bearer is None:
            from .bearer import Bearer

            self._bearer = Bearer(self)
        return self._bearer

    @property
    def http(self):
        """The modem's own HTTP."""
        if self._http is None:
            from .http import HTTP

            self._http = HTTP(self)
        return self._http

    def _ussd(self, code, timeout=60000):
        """Send a USSD code such as "*100#", or a choice from the menu it led to; returns the network's answer.

        code: str of 1 to 160 characters; None ends a menu without a choice.
        timeout: milliseconds for the answer; other commands wait for it. A str, with its line ends.
        Raises ConfigError, USSDError. What the network sends by itself is the event "ussd" (M 109).
        """
        from .ussd import ask

        result = yield from ask(self, code, timeout)
        return result

    ussd = blocking(_ussd)

    def _location(self, timeout=60000):
        """Where the cells say the modem is, as Location(lon, lat, time): degrees east and north, UTC.

        Asks SIMCom's server, over `bearer`; PPP must be down. timeout: milliseconds for its answer.
        Raises LocationError, and what Bearer.open() raises.
        """
        from .location import locate

        result = yield from locate(self, timeout)
        return result

    location = blocking(_location)

    # Power

    def _on(self):
        """Switch the modem on, or find it on, and agree on a baud rate. At most 40 s.

        A modem that answers is left as it is. One that does not is looked for in data mode, in a multiplexer
        and at other baud rates, and its key is pressed (HW 3.2.1): 15 s without its reset key. That comes
        next, where the board has it, and the key once more. Where power has just come the key is first.
        Raises ModemSilent.
        """
        return self.switching(self._power_on())

    def _power_on(self):
        if self.datacall.multiplexed:
            yield from self.datacall._unshare()
        self._settled = self._dozing = False
        self.data_mode = False
        yield from wait(self._rest.left())
        self.board.supply(True)
        self._hold_dtr(True)
        self._open(self._rate)
        if not (yield from self._channel.sync(2)):
            yield from self._find()
        yield from self._set_up()
        if not (yield from self.radio._is_on()):  # somebody switched it off (M 104)
            yield from self.radio._on()
        if self._rate not in (BAUDRATE, FAST):
            yield from self._use_rate(BAUDRATE)
        yield from self.clock._want_time()  # stores the profile: before the faster rate
        if self._wanted_rate == FAST and not self._noisy:
            yield from self._quicken()
        elif self._rate == FAST:
            yield from self._slow_down()
        self._settled = True

    def _press(self, ms):
        self.board.pwrkey(True)
        try:
            yield from wait(ms)
        finally:
            self.board.pwrkey(False)

    def _listens_at(self, baudrate, tries):
        self._open(baudrate)
        result = yield from self._channel.sync(tries)
        return result

    def _find(self):
        # What a modem can have been left in, the likeliest and the harmless first: without RST about 15 s.
        for baudrate in _LIKELY_RATES:
            if baudrate != self._rate and (yield from self._listens_at(baudrate, 1)):
                return
        press = self._presumed_off
        self._presumed_off = False
        if (yield from self._fetch_back(_LIKELY_RATES, press)):
            return
        for baudrate in _LIKELY_RATES:
            self._open(baudrate)
            if (yield from self._close_down()):
                return
        if press and (yield from self._listens_at(BAUDRATE, 5)):
            return
        # One that does not echo only learns to here; then +++ comes back.
        if (yield from self._listens_at_any(_OTHER_RATES, 1)):
            return
        if (yield from self._fetch_back(_OTHER_RATES, not press)):
            return
        if (yield from self._listens_at_any(_LIKELY_RATES + _OTHER_RATES, 1)):
            return
        if (yield from self._press_reset()) and (yield from self._listens_at(BAUDRATE, 10)):
            return
        # The key may have switched it off.
        yield from self._press(self.board.PRESS_ON_MS)
        if (yield from self._listens_at(BAUDRATE, 10)):
            return
        if (yield from self._listens_at_any(_OTHER_RATES + _LIKELY_RATES, 2)):
            return
        raise ModemSilent(
            "no answer from the modem at {} baud or any other rate: check its supply (3.4 to 4.4 V, bursts of "
            "2 A), that TX and RX are not swapped, and that PWRKEY is wired".format(BAUDRATE)
        )

    def _listens_at_any(self, rates, tries):
        for baudrate in rates:
            if (yield from self._listens_at(baudrate, tries)):
                return True
        return False

    def _fetch_back(self, rates, press):
        # Out of data mode. The silence before +++ need be kept but once: to a modem at another rate what was
        # sent is noise, and the time after it silence again. To press its key takes as long, too short to switch
        # off one that is on (but a SIM800C); one that was off boots in about 3 s meanwhile (HW 3.2.1).
        if press:
            yield from self._press(self.board.PRESS_ON_MS)
        else:
            yield _GUARD_MS
        for baudrate in rates:
            self._open(baudrate)
            if (yield from self._escape()):
                return True
        return False

    def _escape(self):
        # True if the modem was in data mode, or in command mode and sends back what it gets.
        self._channel.clear()
        self.uart.write(b"+++")
        deadline = Deadline(_ESCAPE_MS)
        heard = b""
        while deadline.left():
            yield 20
            heard = (heard + (self.uart.read() or b""))[-_TAIL:]
            if b"OK" in heard or b"+++" in heard:
                if not (yield from self._channel.sync(2)):
                    return False
                yield from self.datacall._hang_up()
                return True
        return False

    def _close_down(self):
        # Out of a multiplexer. True if the modem answers.
        self._channel.write(b"\xf9" * _FLAGS + _CLOSE_DOWN)
        yield 100
        result = yield from self._channel.sync(1)
        return result

    def _press_reset(self):
        # False where the board has no wire to it.
        self._settled = False
        if not self.board.reset(True):
            return False
        yield from wait(150)  # > 105 ms (HW 3.2.4)
        self.board.reset(False)
        return True

    def _use_rate(self, baudrate):
        yield from self._command(
            "AT+IPR={}".format(baudrate)
        )  # the OK still comes at the old rate (M 55)
        if not (yield from self._listens_at(baudrate, 5)):
            raise ModemSilent(
                "the modem was lost while changing to {} baud: try again".format(baudrate)
            )

    def _quicken(self):
        # Four times the rate if the line carries it, else not again before the modem has been off. It is not
        # stored, so a restart of the modem ends it.
        if self._rate != FAST:
            try:
                yield from self._command("AT+IPR={}".format(FAST))
            except ATError:
                return
        if not ((yield from self._listens_at(FAST, 3)) and (yield from self._is_clean())):
            self._noisy = True
            yield from self._slow_down()

    def _slow_down(self):
        for _ in range(10):  # noise may garble it on the way
            self.uart.write(b"\rAT+IPR=%d\r" % BAUDRATE)
            yield 100
            if (yield from self._listens_at(BAUDRATE, 2)):
                return
            self._open(FAST)
        yield from self._find()

    def _is_clean(self):
        # What is echoed must come back as it went.
        try:
            for _ in range(_PROOFS):
                lines = yield from self._command(
                    "AT" + "+GSN;" * 29 + "+GSN", _digits, timeout=3000
                )
                if len(lines) != 31 or len(set(lines[:-1])) != 1:
                    return False
        except (ATError, ATTimeout):
            return False
        return True

    def _off(self):
        """Switch the modem off: by command, else by its key, then cut its supply. At most 12 s."""
        return self.switching(self._power_off())

    def _power_off(self):
        settled, self._settled = self._settled, False
        if self._channel is None:
            self.board.supply(False)
            return
        yield from self.datacall._end()
        try:
            if settled:
                yield from self._command("AT+CPOWD=1", timeout=5000, ok=(b"NORMAL POWER DOWN",))
            elif (yield from self._channel.sync(2)):
                yield from self._press_off()
        except (ATError, ATTimeout):
            yield from self._press_off()
        self.board.supply(False)
        self._dozing = False
        self._rate = BAUDRATE
        self._noisy = False
        self._presumed_off = True
        self._rest = Deadline(800)  # HW 3.2.3

    def _press_off(self):
        yield from self._press(self.board.PRESS_OFF_MS)
        yield from wait(2000)  # logs off the network (HW 3.2.3)

    def _reset(self):
        """Restart the modem: by command (M 104), else by its reset key, else by its power. At most 60 s.

        Raises ModemSilent.
        """
        return self.switching(self._restart())

    def _restart(self):
        self._settled = False
        yield from self.datacall._end()
        try:
            yield from self._command("AT+CFUN=1,1", timeout=10000)
        except (ATError, ATTimeout, ModemSilent):
            if not (yield from self._press_reset()):
                yield from self._power_off()
        self._rate = BAUDRATE
        yield from wait(_RESTART_MS)
        yield from self._power_on()

    on = blocking(_on)
    off = blocking(_off)
    reset = blocking(_reset)

    def _forbid_while_up(self, what):
        if self.datacall.multiplexed:
            raise ConfigError("the link is up: disconnect() before " + what)

    # Slow clock

    def _sleep(self):
        """Let the modem doze: about 1 mA, still registered; calls and messages come in (M 162, HW 3.4).

        The next command wakes it. By DTR where the board has it wired, else the modem falls asleep after 5 s
        without a byte on the line.
        """
        self._forbid_while_up("sleep()")
        by_pin = self._hold_dtr(True)
        yield from self._command("AT+CSCLK={}".format(1 if by_pin else 2))
        self._dozing = True
        self._hold_dtr(False)

    def _wake(self):
        """End sleep(). Raises ModemSilent."""
        self._dozing = False
        if not self._hold_dtr(True):
            self.uart.write(b"A")  # lost; it wakes
        yield from wait(120)  # > 50 ms by DTR, > 100 ms by a character
        if not (yield from self._channel.sync(5)):
            raise ModemSilent("the modem did not wake up: reset() it, check DTR if it is wired")
        yield from self._command("AT+CSCLK=0")

    def _hold_dtr(self, active):
        # False where it is not wired; a board need not know of it.
        return hasattr(self.board, "dtr") and self.board.dtr(active)

    sleep = blocking(_sleep)
    wake = blocking(_wake)

    # What it is

    def _info(self):
        """What the modem says it is (ATI), e.g. "SIM800 R14.18"."""
        result = yield from self._ask("ATI", lambda line: line.startswith(b"SIM"))
        return result

    def _model(self):
        """Its model (M 72), e.g. "SIMCOM_SIM800L"."""
        result = yield from self._ask("AT+CGMM", lambda line: line.startswith(b"SIM"))
        return result

    def _firmware(self):
        """Firmware revision as a tuple of numbers, e.g. (14, 18); () if ATI does not tell."""
        info = yield from self._info()
        for word in info.split():
            numbers = word[1:].split(".")
            if word.startswith("R") and all(number.isdigit() for number in numbers):
                return tuple(int(number) for number in numbers)
        return ()

    def _revision(self):
        """Firmware revision in the maker's words (M 72), e.g. "1418B05SIM800L24"."""
        answer = yield from self._ask("AT+CGMR", "Revision:")
        return answer[9:].strip()

    def _imei(self):
        """IMEI, a str of 15 digits (M 71)."""
        result = yield from self._ask("AT+GSN", _digits)
        return result

    def _battery(self):
        """The modem's supply (M 83) as Battery(mv, percent, charging): millivolts, 0 to 100, bool."""
        result = yield from self._ask("AT+CBC", "+CBC:", read=_read_battery)
        return result

    info = blocking(_info)
    model = blocking(_model)
    firmware = blocking(_firmware)
    revision = blocking(_revision)
    imei = blocking(_imei)
    battery = blocking(_battery)
