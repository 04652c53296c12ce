"""The radio: registration, operators, signal, cell, attachment to GPRS."""

from micropython import const

from ..at.text import fields, text
from ..errors import (
    ATError,
    ATTimeout,
    ConfigError,
    NoNetwork,
    RegistrationDenied,
    RegistrationError,
)
from ..run import Deadline, wait
from . import Role

_DENIED_MS = const(10000)  # "denied" may pass while the modem tries the next network

# +CREG and +CGREG: <stat>
_STAT = ("off", "home", "searching", "denied", "unknown", "roaming")
REGISTERED = ("home", "roaming")


class Radio(Role):
    """The radio of `modem`."""

    _abroad = 0  # a bit each for +CREG and +CGREG

    async def on(self):
        """Switch the radio on (M 104). It then looks for a network by itself."""
        await self._line.command("AT+CFUN=1")

    async def off(self):
        """Switch the radio off: no network, no data, a tenth of the current; SIM and AT go on (M 104)."""
        await self._line.command("AT+CFUN=4")
        self._abroad = 0

    async def is_on(self):
        """Whether it is on."""
        return await self._line.ask("AT+CFUN?", "+CFUN:", read=_is_one)

    async def _report(self, command):
        # (stat, lac, cell) of AT+CREG? or AT+CGREG?. The answer has two fields or more, the second one digit; a
        # URC of the same name has its area there (four digits), or nothing.
        prefix = command[2:] + ":"

        def is_answer(line):
            line = text(line)
            return line.startswith(prefix) and len((fields(line) + ["", ""])[1]) == 1

        answer = await self._line.ask(command + "?", is_answer)
        _, stat, lac, cell = (fields(answer) + ["", ""])[:4]
        stat = stat_word(stat)
        self.note(command == "AT+CGREG", stat)
        return stat, lac, cell

    def note(self, gprs, stat):
        """What the modem said of its registration, for calls or for GPRS."""
        bit = 1 << gprs
        self._abroad = self._abroad & ~bit | bit * (stat == "roaming")

    def is_roaming(self):
        """Whether it was "roaming" when it was last told: after register(), and by what comes unasked."""
        return bool(self._abroad)

    async def registration(self):
        """Registration as a word (M 82): "home", "roaming", "searching", "denied", "off", "unknown"."""
        stat, _, _ = await self._report("AT+CREG")
        return stat

    async def cell(self):
        """Where the modem is: (location area code, cell id), each an int; None if not registered (M 82)."""
        stat, lac, cell = await self._report("AT+CREG")
        if stat not in REGISTERED or not lac or not cell:
            return None
        try:
            return int(lac, 16), int(cell, 16)
        except ValueError:  # damaged on its way
            raise ATError("AT+CREG?", "{}, {}".format(lac, cell))

    async def register(self, timeout=120000):
        """Wait until the network has taken the modem, for calls and for GPRS, at most `timeout` milliseconds.

        Raises NoNetwork, RegistrationDenied, RegistrationError.
        """
        deadline = Deadline(timeout)
        for command, what in (("AT+CREG", "the network"), ("AT+CGREG", "GPRS")):
            denied = None
            while (stat := (await self._report(command))[0]) not in REGISTERED:
                if stat == "off" and what == "GPRS":  # detached: by us, or by the network
                    try:
                        await self._line.command("AT+CGATT=1")
                        await wait(min(700, deadline.left()))
                    except (ATError, ATTimeout):
                        pass
                if stat != "denied":
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
                    signal = await self.signal()
                    raise NoNetwork(
                        "no registration to {} within {} s (state: {}, signal: {}): check the antenna and that "
                        "there is 2G coverage".format(
                            what,
                            timeout // 1000,
                            stat,
                            "none" if signal is None else "{} dBm".format(signal),
                        )
                    )
                await wait(min(300, deadline.left() + 1))
        await self.attach(deadline.left())

    async def attach(self, timeout=30000):
        """Attach to GPRS (M 213), trying again for `timeout` milliseconds. Raises RegistrationError."""
        deadline = Deadline(timeout)
        while not await self._line.ask("AT+CGATT?", "+CGATT:", read=_is_one):
            try:
                await self._line.command("AT+CGATT=1")
                return
            except (ATError, ATTimeout) as error:
                if not deadline.left():
                    raise RegistrationError(
                        "the modem is registered but cannot use GPRS ({}): does the SIM's plan include data?".format(
                            error
                        )
                    )
            await wait(1000)

    async def detach(self):
        """Detach from GPRS: no data until attach() or connect(); calls and messages go on (M 213)."""
        await self._line.command("AT+CGATT=0")

    async def _rssi(self):
        rssi = await self._line.ask("AT+CSQ", "+CSQ:", read=read_number)
        return rssi if 0 <= rssi <= 31 else None

    async def signal(self):
        """Signal strength in dBm (-115 to -52), None where it is not known (M 83)."""
        rssi = await self._rssi()
        return None if rssi is None else -115 if rssi == 0 else -114 + 2 * rssi + (rssi == 1)

    async def signal_percent(self):
        """Signal strength in percent of the best the modem tells (0 to 100), None where it is not known."""
        rssi = await self._rssi()
        return None if rssi is None else rssi * 100 // 31

    async def operator(self):
        """Name of the operator the modem is registered with, None if with none (M 80). At most 45 s."""
        await self._line.command("AT+COPS=3,0", timeout=10000)
        answer = await self._line.ask("AT+COPS?", "+COPS:", 45000)
        return operator_name(answer)

    async def scan(self):
        """Search for operators, up to 45 s and more (M 80).

        Returns a list of (name, short name, number, status): status 0 unknown, 1 available, 2 current,
        3 forbidden; number is country and network, e.g. "26201".
        """
        return await self._line.ask("AT+COPS=?", "+COPS:", read=parse_operators)

    async def choose(self, number=None):
        """Use one operator and no other, e.g. "26201", or with None the one the SIM likes best (M 80).

        Returns when the modem has it; registration follows, see register(). At most 2 minutes.
        Raises RegistrationDenied, NoNetwork.
        """
        if number is None:
            command = "AT+COPS=0"
        elif isinstance(number, str) and number.isdigit() and 5 <= len(number) <= 6:
            command = 'AT+COPS=1,2,"{}"'.format(number)
        else:
            raise ConfigError(
                'an operator is a str of 5 or 6 digits such as "26201" (see scan()), or None'
            )
        try:
            await self._line.command(command)
        except ATError as error:
            if error.code == 32:
                raise RegistrationDenied(
                    "operator {} does not take this SIM: choose another, or None".format(number)
                )
            if error.code == 30:
                raise NoNetwork(
                    "operator {} is not available here: scan() lists operators".format(number)
                )
            raise


def _is_one(line):
    return fields(line)[0] == "1"


def read_number(line):
    return int(fields(line)[0])


def stat_word(stat):
    """The word for a <stat> (str) of +CREG or +CGREG."""
    return _STAT[int(stat)] if stat.isdigit() and int(stat) < len(_STAT) else "unknown"


def operator_name(answer):
    """The name in `+COPS: <mode>,<format>,"<name>",...`, None without one. It may have quotes."""
    return '"'.join(answer.split('"')[1:-1]) or None


def parse_operators(answer):
    """`+COPS: (<stat>,"<long>","<short>","<number>"),...,,(<modes>),(<formats>)` as a list of tuples."""
    # Names may have quotes.
    operators = []
    for part in answer.split("),("):
        head, _, rest = part.partition(',"')
        *name, short, number = ["", ""] + rest.split('","')
        status = head.split("(")[-1]
        number = number.split('"')[0]
        if status.isdigit() and number.isdigit():
            operators.append(('","'.join(name[2:]), short, number, int(status)))
    return operators
