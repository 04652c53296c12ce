"""Voice calls: dialled, taken, ended, and their keys."""

from collections import namedtuple

from micropython import const

from ..at.digest import DIAL_FAILED
from ..at.text import check_timeout, fields
from ..errors import ATError, ConfigError, ModemRestarted, SIM800Error
from ..run import Deadline, wait
from . import Role
from .sms import check_number

_POLL_MS = const(500)
_REASON_MS = const(1000)  # a call that is gone says why soon, or never
_VOICE = "0"

# +CLCC: <stat>
_STATES = ("active", "held", "dialling", "ringing", "incoming", "waiting")
_REASONS = {
    "BUSY": "the number is busy: try again later",
    "NO ANSWER": "nobody answers: try again later",
    "NO DIALTONE": "the modem cannot call now: register() first",
    "NO CARRIER": "the call was refused or ended: check number, credit and registration",
}

# state: a word, see Calls.state(); number: of the far end (str), "" if hidden; incoming: bool.
Call = namedtuple("Call", ("state", "number", "incoming"))


class CallError(SIM800Error):
    """A voice call did not come about.

    `reason` is the modem's word: "BUSY", "NO ANSWER", "NO CARRIER" ..., None if it had none.
    """

    def __init__(self, message, reason=None):
        super().__init__(message)
        self.reason = reason


class Calls(Role):
    """The voice calls of `modem`, which must be registered. What comes by itself are the events "ring",
    "caller", "dtmf" and "call ended"."""

    likely = False  # there is one, as far as is known

    async def dial(self, number, timeout=60000):
        """Call a number, and return when it answers.

        number: str of digits, with "+" and country code or not; "*" and "#" may be among them.
        timeout: milliseconds it may take; then the call is ended. 0: do not wait, state() tells how it
        goes ("dialling", "ringing", "active") and the event "call ended" that it did not.
        Raises ConfigError, CallError (its `reason` is "BUSY", "NO ANSWER", "NO CARRIER" ...).
        """
        check_number(number, "*#")
        check_timeout(timeout)
        line = self._line
        on = True  # a call that nobody else would end
        try:
            if timeout:
                for word in _REASONS:
                    line.expect(word)
            try:
                await line.command("ATD{};".format(number), None, 20000, failed=DIAL_FAILED)
            except ATError as error:
                on = False  # what call there may be is another one
                raise _call_error(error.result)
            self.likely = True
            if timeout:
                await self._await_answer(Deadline(timeout))
            on = False
        except ModemRestarted:
            on = False
            raise
        finally:
            for word in _REASONS:
                line.expect(word, False)
            if on:
                await self.hang_up()

    async def _await_answer(self, deadline):
        # The modem says OK to ATD at once; how the call goes on it tells when asked.
        gone = None
        while True:
            for word in _REASONS:
                if self._line.came(word):
                    raise _call_error(word)
            state = await self.state()
            if state == "active":
                return
            if state != "idle":
                gone = None
            elif gone is None:
                gone = Deadline(_REASON_MS)
            elif not gone.left():
                raise _call_error("NO CARRIER")
            if not deadline.left():
                raise CallError("nobody answered in the given time: try again later", None)
            await wait(min(_POLL_MS, deadline.left() + 1))

    async def answer(self):
        """Take the call that rings (M 2.2.2). Raises CallError if there is none, or no longer."""
        await _told(
            self._line.command("ATA", failed=DIAL_FAILED),
            "there is no call to answer: the caller may have given up",
        )
        self.likely = True

    async def hang_up(self):
        """End all calls, or refuse the one that rings. Does nothing if there is none."""
        await self._line.command("ATH")

    async def list(self):
        """The calls there are (M 72), a list of Call(state, number, incoming)."""
        lines = await self._line.command("AT+CLCC", "+CLCC:")
        calls = []
        for line in lines[:-1]:
            parts = fields(line)
            if len(parts) < 5 or parts[3] != _VOICE or not parts[2].isdigit():
                continue
            state = int(parts[2])
            if state < len(_STATES):
                number = parts[5] if len(parts) > 5 else ""
                calls.append(Call(_STATES[state], number, parts[1] == "1"))
        self.likely = bool(calls)
        return calls

    async def state(self):
        """What the call does, a word: "idle" without one, "dialling", "ringing" (at the far end), "active",
        "held", "incoming", "waiting" (beside another one)."""
        calls = await self.list()
        return calls[0].state if calls else "idle"

    async def send_keys(self, keys):
        """Send DTMF tones in the call that is active (M 94).

        keys: str of 0 to 9, *, #, A to D. Raises ConfigError, CallError.
        """
        if not isinstance(keys, str) or not keys or keys.strip("0123456789*#ABCD"):
            raise ConfigError(
                "keys must be a str of 0 to 9, *, # and A to D, not {!r}".format(keys)
            )
        for key in keys:
            await _told(
                self._line.command("AT+VTS=" + key),
                "the key {} was not sent: is a call active?".format(key),
            )

    async def hear_keys(self, on=True):
        """Make an event "dtmf" of each key pressed at the far end, or no longer (M 333)."""
        await self._line.command("AT+DDET={:d}".format(bool(on)))


def _call_error(result):
    other = "the call cannot be made ({}): register() first, hang_up() others".format(result)
    return CallError(_REASONS.get(result, other), result)


async def _told(procedure, what):
    # What goes wrong with it is a CallError.
    try:
        await procedure
    except ATError as error:
        raise CallError(what, error.result)
