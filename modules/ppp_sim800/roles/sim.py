"""The SIM card: its state, its codes, what is written on it."""

from micropython import const

from ..at.text import fields
from ..errors import ATError, ConfigError, PINRequired, PINWrong, PUKRequired, SIMAbsent, SIMError
from ..profile import SUBSCRIBE
from ..run import Deadline, wait
from . import Role
from .radio import read_number

_PIN_TRIES = const(3)  # a fresh SIM's

# +CME ERROR (M 343)
_ABSENT = const(10)
_PIN = const(11)
_PUK = const(12)
_BUSY = const(14)  # it has just been switched on
_WRONG = const(16)


class SIM(Role):
    """The card in `modem`."""

    _refused = 0  # why the modem did not take SUBSCRIBE; 0: it did

    async def state(self):
        """What the card waits for (M 78): "READY", "SIM PIN", "SIM PUK" ...; "NOT INSERTED" without one."""
        deadline = Deadline(10000)
        while True:
            try:
                answer = await self._line.ask("AT+CPIN?", "+CPIN:")
                state = fields(answer)[0]
                if state != "NOT READY" or not deadline.left():
                    return state
            except ATError as error:
                if error.code == _ABSENT:
                    return "NOT INSERTED"
                damaged = error.code is None and error.result != "ERROR"  # on its way
                if not (damaged or error.code == _BUSY) or not deadline.left():
                    raise sim_error(error.code, error.result)
            await wait(300)

    async def tries(self):
        """How often a wrong PIN may still be entered, None if the firmware does not tell (M 157)."""
        try:
            return await self._line.ask("AT+SPIC", "+SPIC:", read=read_number)
        except ATError:
            return None

    async def unlock(self, pin):
        """Enter the PIN (str of 4 to 8 digits), once. Raises PINWrong, PUKRequired, SIMError."""
        check_code(pin, "the PIN")
        return await self._enter("AT+CPIN=" + pin)

    async def unblock(self, puk, pin):
        """Enter the PUK (str of 8 digits) of a blocked card, and its new PIN. Once: ten wrong ones end the card.

        Raises PINWrong, SIMError.
        """
        if not isinstance(puk, str) or len(puk) != 8 or not puk.isdigit():
            raise ConfigError("the PUK must be a str of 8 digits")
        check_code(pin, "the new PIN")
        try:
            await self._line.command('AT+CPIN="{}","{}"'.format(puk, pin))
        except ATError as error:
            if error.code in (_PUK, _WRONG):
                raise PINWrong("the SIM refused the PUK: compare it with the operator's letter")
            raise sim_error(error.code, error.result)

    async def change_pin(self, old, new):
        """Change the PIN (str of 4 to 8 digits each). The card must ask for its PIN, see ask_pin() (M 95).

        Raises PINWrong, PUKRequired, SIMError.
        """
        check_code(old, "the old PIN")
        check_code(new, "the new PIN")
        return await self._enter('AT+CPWD="SC","{}","{}"'.format(old, new))

    async def ask_pin(self, on, pin):
        """Let the card ask for its PIN at each start (on=True), or not (M 74). Does nothing if it is so already.

        Raises PINWrong, PUKRequired, SIMError.
        """
        check_code(pin, "the PIN")
        asked = self._line.ask('AT+CLCK="SC",2', "+CLCK:", read=read_number)
        if await _told(asked) != on:
            await self._enter('AT+CLCK="SC",{:d},"{}"'.format(on, pin))

    async def _enter(self, command):
        # A command that carries a PIN; tells a wrong one from all else.
        try:
            await self._line.command(command)
        except ATError as error:
            if error.code not in (_PIN, _PUK, _WRONG):
                raise sim_error(error.code, error.result)
            tries = await self.tries()
            if error.code == _PUK or tries == 0:
                raise sim_error(_PUK)
            raise PINWrong(
                "the SIM refused the PIN, {} tries left: correct it before you try again".format(
                    "unknown" if tries is None else tries
                ),
                tries,
            )

    async def ready(self, pin=None, settle=10000):
        """Bring the card to READY, with its PIN if it asks for one. At most 30 s.

        settle: milliseconds to wait then, at most, while the modem still reads the card and refuses what needs it.

        The PIN is entered only while no wrong one has been: a script that runs at every boot would else
        block the card. Raises SIMAbsent, PINRequired, PINWrong, PUKRequired, SIMError.
        """
        state = await self.state()
        if state == "SIM PIN":
            if pin is None:
                raise sim_error(_PIN)
            tries = await self.tries()
            if tries is not None and tries < _PIN_TRIES:
                raise PINWrong(
                    "a wrong PIN has been entered before, {} tries left: it is not tried again by itself; "
                    "call modem.sim.unlock(pin) with the right one".format(tries),
                    tries,
                )
            await self.unlock(pin)
            deadline = Deadline(10000)
            while (state := await self.state()) == "SIM PIN" and deadline.left():
                await wait(200)
        if state == "READY":
            deadline = Deadline(settle)
            await self.subscribe(True)
            while self._refused == _BUSY and deadline.left():
                await wait(300)
                await self.subscribe()
            return
        if state == "NOT INSERTED":
            raise sim_error(_ABSENT)
        if state == "SIM PUK":
            raise sim_error(_PUK)
        raise SIMError("the SIM is not ready, it says {}: try the card in a phone".format(state))

    async def subscribe(self, anew=False):
        """Have messages, calls and USSD told, and texts as they are. anew: also if that was taken the last time.

        A modem that still reads the card refuses it for some seconds after READY: so it is asked for again later.
        A card may have no voice, or no messages.
        """
        if anew or self._refused:
            try:
                await self._line.command(SUBSCRIBE)
                self._refused = 0
            except ATError as error:
                self._refused = error.code or 1

    async def imsi(self):
        """IMSI, a str of digits (M 77). Raises SIMError."""
        return await self._number_of("AT+CIMI")

    async def iccid(self):
        """Serial number of the card, a str of 19 or 20 digits (M 159). Raises SIMError."""
        result = await self._number_of("AT+CCID")
        return result.rstrip("fF")  # fills up one of 19

    async def _number_of(self, command):
        return await _told(self._line.ask(command, lambda line: line[:10].isdigit()))

    async def number(self):
        """Telephone number (str) as the card knows it, None if it does not (M 89). Raises SIMError."""
        lines = await _told(self._line.command("AT+CNUM", "+CNUM:"))
        for line in lines[:-1]:
            parts = fields(line)
            if len(parts) > 1 and parts[1]:
                return parts[1]
        return None


def read_places(line):
    """(used, total) places for messages on the card, then in the modem's own memory, in the answer to profile.STORES."""
    used, total, others, places = map(int, fields(line)[:4])
    return used, total, others, places


def check_code(code, what):
    """Raise ConfigError if `code` cannot be a PIN; it is not shown."""
    if not isinstance(code, str) or not 4 <= len(code) <= 8 or not code.isdigit():
        raise ConfigError("{} must be a str of 4 to 8 digits".format(what))


def sim_error(code, result=None):
    """The SIMError for what +CME ERROR says of the card: `code` (int or None), in the modem's words `result`."""
    if code == _ABSENT:
        return SIMAbsent(
            "no SIM card: insert it (contacts down, until it clicks) and switch the modem on again"
        )
    if code == _PIN:
        return PINRequired(
            'the SIM asks for its PIN: pass pin="1234", or switch the PIN off in a phone'
        )
    if code == _PUK:
        return PUKRequired(
            "the SIM is blocked by wrong PINs: modem.sim.unblock(puk, new_pin) frees it, or a phone"
        )
    return SIMError(
        "the SIM cannot be used ({}): clean its contacts, try it in a phone".format(result)
    )


async def _told(procedure):
    # What goes wrong with it is a SIMError.
    try:
        return await procedure
    except ATError as error:
        raise sim_error(error.code, error.result)
