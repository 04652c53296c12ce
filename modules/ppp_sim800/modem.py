"""What a SIM800 can do, one method per ability.

Sources are given as pages of the SIM800 Series AT Command Manual V1.09 ("M") and sections of the
SIM800L Hardware Design V1.02 ("HW"). Waiting times are the manual's maximum response times.
"""

import time

from micropython import const

from .at import DIAL_FAILED, Channel, fields
from .errors import (
    APNRefused,
    ATError,
    ATTimeout,
    ConfigError,
    ModemRestarted,
    ModemSilent,
    NoCarrier,
    NoNetwork,
    PINRequired,
    PINWrong,
    PUKRequired,
    RegistrationDenied,
    RegistrationError,
    SIMAbsent,
    SIMError,
)
from .run import Deadline, blocking, wait

BAUDRATE = const(115200)
_OTHER_RATES = (9600, 57600, 38400, 19200, 460800, 230400)

_NO_CARRIER_MS = const(1000)

_PIN_TRIES = const(3)  # a fresh SIM's
_DENIED_MS = const(10000)  # "denied" may pass while the modem tries the next network

# +CREG and +CGREG: <stat>
_DENIED = const(3)
_REGISTERED = (1, 5)  # at home, roaming

_STAT = ("not searching", "registered", "searching", "denied", "unknown", "registered, roaming")


def _digits(line):
    return line.isdigit()


def _quoted(value, what, length):
    # A string that is to stand between quotes on a command line.
    if not isinstance(value, str):
        raise ConfigError("{} must be a str, not {}".format(what, type(value).__name__))
    if len(value) > length or any(not 32 <= ord(c) < 127 or c == '"' for c in value):
        raise ConfigError(
            "{} must be at most {} printable ASCII characters without quotes".format(what, length)
        )
    return value


class Modem:
    """A SIM800 behind a board: its power, its SIM, its radio.

    board: says how the modem is wired, see docs/board.md for what it must have.
    trace: called with (">" or "<", line) for each line of the AT dialogue; secrets are masked.
    """

    def __init__(self, board, trace=None):
        self.board = board
        self.on_urc = None  # called with each unsolicited line (str)
        self._trace = trace
        self._at = None
        self._settled = False  # up and quiet: from now on a boot message means a restart
        self.data_mode = False  # the line carries PPP, not AT

    # The line

    @property
    def uart(self):
        """The machine.UART to the modem, None before the first power-up."""
        return self._at.uart if self._at else None

    def _open(self, baudrate):
        uart = self.board.uart(baudrate)
        if self._at is None:
            self._at = Channel(uart, self._unsolicited)
            self._at.trace = self._trace
        else:
            self._at.uart = uart

    def _unsolicited(self, line):
        if self.on_urc:
            self.on_urc(line)
        if self._settled and (line == "RDY" or line.endswith("POWER DOWN")):
            self._settled = False
            return ModemRestarted(
                'the modem said "{}" by itself: check its supply (bursts of 2 A), then connect again'.format(
                    line
                )
            )
        return None

    def _command(self, command, prefix=None, timeout=5000, **kwargs):
        if self._at is None:
            raise ModemSilent(
                "the modem has not been switched on: call active(True) or on() first"
            )
        if self.data_mode:
            raise ConfigError("the line carries PPP: disconnect() before sending AT commands")
        result = yield from self._at.command(command, prefix, timeout, **kwargs)
        return result

    def _ask(self, command, prefix, timeout=5000):
        # The first line of an answer that must have one.
        lines = yield from self._command(command, prefix, timeout)
        if len(lines) < 2:
            raise ATError(command, "nothing but " + lines[-1])
        return lines[0]

    def _at_command(self, command, timeout=5000):
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

    at = blocking(_at_command)

    # Power

    def _on(self):
        """Switch the modem on, or find it on, and agree on a baud rate. At most 30 s.

        A modem that answers is left as it is. One that does not gets a press of PWRKEY (HW 3.2.1), which
        starts it if it was off and is too short to switch it off if it was on. Then it is looked for at
        other baud rates and in data mode, reset if the board can, and its key pressed once more.
        Raises ModemSilent.
        """
        self._settled = False
        self.data_mode = False
        self.board.supply(True)
        self._open(BAUDRATE)
        if not (yield from self._at.sync(2)):
            yield from self._press(self.board.PRESS_ON_MS)
            yield from self._find()
        yield from self._command("AT+CMEE=1")
        yield from self._command("AT+CREG=0;+CGREG=0")
        answer = yield from self._ask("AT+CFUN?", "+CFUN:", 10000)
        if fields(answer)[0] != "1":  # somebody switched the radio off (M 104)
            yield from self._command("AT+CFUN=1", timeout=10000)
        yield from self._want_time()
        self._settled = True

    def _press(self, ms):
        self.board.pwrkey(True)
        try:
            yield from wait(ms)
        finally:
            self.board.pwrkey(False)

    def _find(self):
        if (yield from self._at.sync(15)):  # boots, about 3 s (HW 3.2.1)
            return
        if (yield from self._leave_call()):
            return
        for baudrate in _OTHER_RATES:
            self._open(baudrate)
            if (yield from self._at.sync(2, 200)):
                yield from self._use_baudrate(BAUDRATE)
                return
        self._open(BAUDRATE)
        if self.board.reset(True):
            yield from wait(150)  # > 105 ms (HW 3.2.4)
            self.board.reset(False)
            if (yield from self._at.sync(15)):
                return
        yield from self._press(self.board.PRESS_ON_MS)  # the first press may have switched it off
        if (yield from self._at.sync(15)):
            return
        raise ModemSilent(
            "no answer from the modem at {} baud or any other rate: check its supply (3.4 to 4.4 V, bursts of "
            "2 A), that TX and RX are not swapped, and that PWRKEY is wired".format(BAUDRATE)
        )

    def _use_baudrate(self, baudrate):
        yield from self._command(
            "AT+IPR={}".format(baudrate)
        )  # the OK still comes at the old rate (M 55)
        self._open(baudrate)
        if not (yield from self._at.sync(5)):
            raise ModemSilent(
                "the modem was lost while changing to {} baud: try again".format(baudrate)
            )

    def _want_time(self):
        # The network's time (NITZ) is passed on only if asked for, and after a restart (M 152).
        try:
            answer = yield from self._ask("AT+CLTS?", "+CLTS:")
            if fields(answer)[0] == "0":
                yield from self._command("AT+CLTS=1;&W")
        except ATError:
            pass  # firmware without it

    def _resync(self):
        # Back to command mode, whatever an interrupted data call left. True if the modem answers.
        self.data_mode = False
        result = (yield from self._at.sync(1)) or (yield from self._leave_call())
        return result

    def _call_ended(self):
        # PPP has been terminated: the modem says NO CARRIER and is in command mode. True if so.
        if (yield from self._at.await_end(b"NO CARRIER", _NO_CARRIER_MS)):
            self.data_mode = False
        return not self.data_mode

    def _leave_call(self):
        # Leave data mode and hang up. True if the modem answers.
        yield from self._at.escape()
        if not (yield from self._at.sync(3)):
            return False
        try:
            yield from self._command("ATH", timeout=20000)
        except ATError:
            pass  # there was no call
        return True

    def _off(self):
        """Switch the modem off: by command, else by its key, then cut its supply. At most 12 s."""
        settled, self._settled = self._settled, False
        if self._at is None:
            self.board.supply(False)
            return
        if self.data_mode:
            yield from self._resync()
        try:
            if settled:
                yield from self._command("AT+CPOWD=1", timeout=5000, ok=(b"NORMAL POWER DOWN",))
            elif (yield from self._at.sync(2)):
                yield from self._press(self.board.PRESS_OFF_MS)
                yield from wait(2000)  # logs off the network (HW 3.2.3)
        except (ATError, ATTimeout):
            yield from self._press(self.board.PRESS_OFF_MS)
            yield from wait(2000)
        self.board.supply(False)
        yield from wait(800)  # least time between off and on (HW 3.2.3)

    on = blocking(_on)
    off = blocking(_off)

    # Identity

    def _info(self):
        """What the modem says it is (ATI), e.g. "SIM800 R14.18"."""
        result = yield from self._ask("ATI", lambda line: line.startswith(b"SIM"))
        return result

    def _firmware(self):
        """Firmware revision as a tuple of numbers, e.g. (14, 18); () if ATI does not tell."""
        info = yield from self._info()
        for word in info.split():
            if word.startswith("R") and word[1:].replace(".", "").isdigit():
                return tuple(int(number) for number in word[1:].split("."))
        return ()

    def _imei(self):
        """IMEI, a str of 15 digits (M 71)."""
        result = yield from self._ask("AT+GSN", _digits)
        return result

    def _imsi(self):
        """IMSI of the SIM, a str of digits (M 77). Raises SIMError."""
        result = yield from self._sim_ask("AT+CIMI", 20000)
        return result

    def _iccid(self):
        """Serial number of the SIM, a str of 19 or 20 digits (M 159). Raises SIMError."""
        result = yield from self._sim_ask("AT+CCID", 2000)
        return result

    def _sim_ask(self, command, timeout):
        try:
            result = yield from self._ask(command, lambda line: line[:10].isdigit(), timeout)
        except ATError as error:
            raise _sim_error(error)
        return result

    info = blocking(_info)
    firmware = blocking(_firmware)
    imei = blocking(_imei)
    imsi = blocking(_imsi)
    iccid = blocking(_iccid)

    # SIM

    def _sim_state(self):
        """What the SIM waits for (M 78): "READY", "SIM PIN", "SIM PUK" ...; "NOT INSERTED" without one."""
        deadline = Deadline(10000)
        while True:
            try:
                answer = yield from self._ask("AT+CPIN?", "+CPIN:")
                state = fields(answer)[0]
                if state != "NOT READY" or not deadline.left():
                    return state
            except ATError as error:
                if error.code == 10:
                    return "NOT INSERTED"
                if (
                    error.code != 14 or not deadline.left()
                ):  # 14: SIM busy, it has just been switched on
                    raise _sim_error(error)
            yield from wait(300)

    def _pin_tries(self):
        """How often a wrong PIN may still be entered, None if the firmware does not tell (M 157)."""
        try:
            answer = yield from self._ask("AT+SPIC", "+SPIC:")
            return int(fields(answer)[0])
        except (ATError, ValueError):
            return None

    def _unlock(self, pin):
        """Enter the PIN (str of 4 to 8 digits), once. Raises PINWrong, PUKRequired, SIMError."""
        if not isinstance(pin, str) or not 4 <= len(pin) <= 8 or not pin.isdigit():
            raise ConfigError("the PIN must be a str of 4 to 8 digits")
        try:
            yield from self._command("AT+CPIN=" + pin, timeout=5000, show="AT+CPIN=****")
        except ATError as error:
            if error.code in (11, 12, 16):
                tries = yield from self._pin_tries()
                if error.code == 12 or tries == 0:
                    raise _puk_required()
                raise PINWrong(
                    "the SIM refused the PIN, {} tries left: correct it before you try again".format(
                        "unknown" if tries is None else tries
                    ),
                    tries,
                )
            raise _sim_error(error)

    def _sim_ready(self, pin):
        # Bring the SIM to READY. A PIN is entered by itself only while no wrong one has been: a script
        # that runs at every boot would else block the card.
        state = yield from self._sim_state()
        if state == "SIM PIN":
            if pin is None:
                raise PINRequired(
                    'the SIM asks for its PIN: pass pin="1234", or switch the PIN off in a phone'
                )
            tries = yield from self._pin_tries()
            if tries is not None and tries < _PIN_TRIES:
                raise PINWrong(
                    "a wrong PIN has been entered before, {} tries left: it is not tried again by itself; "
                    "call modem.unlock(pin) with the right one".format(tries),
                    tries,
                )
            yield from self._unlock(pin)
            deadline = Deadline(10000)
            while (state := (yield from self._sim_state())) == "SIM PIN" and deadline.left():
                yield from wait(200)
        if state == "READY":
            return
        if state == "NOT INSERTED":
            raise _sim_absent()
        if state == "SIM PUK":
            raise _puk_required()
        raise SIMError("the SIM is not ready, it says {}: try the card in a phone".format(state))

    sim_state = blocking(_sim_state)
    pin_tries = blocking(_pin_tries)
    unlock = blocking(_unlock)

    # Radio

    def _stat(self, command):
        # <stat> of +CREG or +CGREG. The answer has two fields or more, a URC of the same name has
        # its cell (in quotes) in the second, or none.
        prefix = command[2:] + ":"
        lines = yield from self._command(command + "?", prefix)
        for line in reversed(lines[:-1]):
            parts = line[len(prefix) :].strip().split(",")
            if len(parts) > 1 and parts[1].isdigit():
                return int(parts[1])
        raise ATError(command + "?", "nothing but " + lines[-1])

    def _registration(self):
        """Registration as a number (M 82): 1 home, 5 roaming, 2 searching, 3 denied, 0 not searching."""
        result = yield from self._stat("AT+CREG")
        return result

    def _register(self, timeout=120000):
        """Wait until the network has taken the modem, for calls and for GPRS, at most `timeout` milliseconds.

        Raises NoNetwork, RegistrationDenied, RegistrationError.
        """
        deadline = Deadline(timeout)
        denied = None
        command = "AT+CREG"
        while True:
            stat = yield from self._stat(command)
            if stat in _REGISTERED:
                if command == "AT+CGREG":
                    break
                command = "AT+CGREG"
                denied = None
                continue
            what = "the network" if command == "AT+CREG" else "GPRS"
            if stat != _DENIED:
                denied = None
            elif denied is None:
                denied = Deadline(_DENIED_MS)
            elif not denied.left():
                raise RegistrationDenied(
                    "{} refuses this SIM: check that it is activated, paid for, and may use 2G here".format(
                        what
                    )
                )
            if not deadline.left():
                signal = yield from self._signal()
                raise NoNetwork(
                    "no registration to {} within {} s (state: {}, signal: {}): check the antenna and that there is "
                    "2G coverage".format(
                        what,
                        timeout // 1000,
                        _STAT[stat] if stat < len(_STAT) else stat,
                        "none" if signal is None else "{} dBm".format(signal),
                    )
                )
            yield from wait(min(300, deadline.left() + 1))
        yield from self._attach(deadline)

    def _attach(self, deadline):
        answer = yield from self._ask("AT+CGATT?", "+CGATT:", 10000)
        while fields(answer)[0] != "1":
            try:
                yield from self._command("AT+CGATT=1", timeout=10000)
                return
            except (ATError, ATTimeout) as error:
                if not deadline.left():
                    raise RegistrationError(
                        "the modem is registered but cannot use GPRS ({}): does the SIM's plan include data?".format(
                            error
                        )
                    )
            yield from wait(1000)

    def _signal(self):
        """Signal strength in dBm (-115 to -52), None where it is not known (M 83)."""
        answer = yield from self._ask("AT+CSQ", "+CSQ:")
        rssi = int(fields(answer)[0])
        return None if rssi == 99 else -115 if rssi == 0 else -114 + 2 * rssi + (rssi == 1)

    def _operator(self):
        """Name of the operator the modem is registered with, None if with none (M 80). At most 45 s."""
        yield from self._command("AT+COPS=3,0", timeout=10000)
        answer = yield from self._ask("AT+COPS?", "+COPS:", 45000)
        parts = fields(answer)
        return parts[2] if len(parts) > 2 else None

    def _scan(self):
        """Search for operators, up to 45 s and more (M 80).

        Returns a list of (name, short name, number, status): status 0 unknown, 1 available, 2 current,
        3 forbidden; number is country and network, e.g. "26201".
        """
        answer = yield from self._ask("AT+COPS=?", "+COPS:", 120000)
        return parse_operators(answer)

    registration = blocking(_registration)
    register = blocking(_register)
    signal = blocking(_signal)
    operator = blocking(_operator)
    scan = blocking(_scan)

    # Time

    def _time(self):
        """UTC as the network told the modem (M 151), as (year, month, day, hour, minute, second).

        None if it does not know: its clock starts at 2000 or 2004, and only some networks tell the time.
        """
        answer = yield from self._ask("AT+CCLK?", "+CCLK:")
        return parse_cclk(fields(answer)[0])

    time = blocking(_time)

    # Data call

    def _set_apn(self, apn):
        define = 'AT+CGDCONT=1,"IP","{}"'.format(apn)
        try:
            yield from self._command(define)
        except ATError:
            # An active context cannot be defined; an earlier call may have left it so.
            yield from self._command("AT+CGACT=0,1", timeout=150000)
            yield from self._command(define)

    def _dial(self, apn):
        # Enter data mode; nothing that comes behind CONNECT is taken from the UART.
        for attempt in (1, 2):
            try:
                yield from self._command(
                    "ATD*99***1#", timeout=60000, ok=(b"CONNECT",), failed=DIAL_FAILED, limit=1
                )
                self.data_mode = True
                return
            except ATError as error:
                if attempt == 1 and error.result == "ERROR":
                    # The modem's own IP stack holds the PDP context: take it away (M 224).
                    yield from self._command("AT+CIPSHUT", timeout=65000, ok=(b"SHUT OK",))
                    continue
                reason = error
            yield from self._explain_dial(apn, reason)

    def _explain_dial(self, apn, reason):
        # NO CARRIER has no reason; activating the context without dialling has one.
        try:
            yield from self._command("AT+CGACT=1,1", timeout=150000)
            yield from self._command("AT+CGACT=0,1", timeout=150000)
        except ATError as error:
            if error.code in (148, 149) or (error.code and 132 <= error.code <= 134):
                raise APNRefused(
                    'the network refuses APN "{}" ({}): check the name with your operator'.format(
                        apn, error.result
                    )
                )
            reason = error
        raise NoCarrier(
            "the data call was refused ({}): try again, then check APN and coverage".format(
                reason.result
            )
        )


def parse_operators(answer):
    """`+COPS: (<stat>,"<long>","<short>","<number>"),...,,(<modes>),(<formats>)` as a list of tuples."""
    operators = []
    parts = answer.split('"')  # names may hold anything but quotes
    for i in range(1, len(parts) - 4, 6):
        status = parts[i - 1].split("(")[-1].rstrip(",")
        if status.isdigit():
            operators.append((parts[i], parts[i + 2], parts[i + 4], int(status)))
    return operators


def parse_cclk(value):
    """`yy/MM/dd,hh:mm:ss±zz`, local time and its offset in quarters of an hour, as a UTC tuple, or None."""
    if len(value) != 20 or value[17] not in "+-":
        return None
    try:
        year, month, day, hour, minute, second, zone = [
            int(value[i : i + 2]) for i in range(0, 20, 3)
        ]
    except ValueError:
        return None
    if year < 24 or not (
        1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
    ):
        return None
    minutes = minute - zone * 15 if value[17] == "+" else minute + zone * 15
    return time.gmtime(time.mktime((2000 + year, month, day, hour, minutes, second, 0, 0)))[:6]


def _anything(line):
    return True


def _sim_absent():
    return SIMAbsent(
        "no SIM card: insert it (contacts down, until it clicks) and switch the modem on again"
    )


def _puk_required():
    return PUKRequired("the SIM is blocked by wrong PINs: enter its PUK and a new PIN in a phone")


def _sim_error(error):
    if error.code == 10:
        return _sim_absent()
    if error.code == 11:
        return PINRequired('the SIM asks for its PIN: pass pin="1234"')
    if error.code == 12:
        return _puk_required()
    return SIMError(
        "the SIM cannot be used ({}): clean its contacts, try it in a phone".format(error.result)
    )
