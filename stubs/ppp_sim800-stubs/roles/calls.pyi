"""Voice calls: dialled, taken, ended, and their keys."""

import builtins
from typing import NamedTuple

class Call(NamedTuple):
    """state: a word, see Calls.state(); number: of the far end (str), "" if hidden; incoming: bool."""

    state: str
    number: str
    incoming: bool

class Calls:
    """The voice calls of `modem`, which must be registered. What comes by itself are the events "ring",
    "caller", "dtmf" and "call ended"."""

    async def dial(self, number: str, timeout: int = 60000) -> None:
        """Call a number, and return when it answers.

        number: str of digits, with "+" and country code or not; "*" and "#" may be among them.
        timeout: milliseconds it may take; then the call is ended. 0: do not wait, state() tells how it
        goes ("dialling", "ringing", "active") and the event "call ended" that it did not.
        Raises ConfigError, CallError (its `reason` is "BUSY", "NO ANSWER", "NO CARRIER" ...)."""

    async def answer(self) -> None:
        """Take the call that rings (M 2.2.2). Raises CallError if there is none, or no longer."""

    async def hang_up(self) -> None:
        """End all calls, or refuse the one that rings. Does nothing if there is none."""

    async def list(self) -> builtins.list[Call]:
        """The calls there are (M 72), a list of Call(state, number, incoming)."""

    async def state(self) -> str:
        """What the call does, a word: "idle" without one, "dialling", "ringing" (at the far end), "active",
        "held", "incoming", "waiting" (beside another one)."""

    async def send_keys(self, keys: str) -> None:
        """Send DTMF tones in the call that is active (M 94).

        keys: str of 0 to 9, *, #, A to D. Raises ConfigError, CallError."""

    async def hear_keys(self, on: bool = True) -> None:
        """Make an event "dtmf" of each key pressed at the far end, or no longer (M 333)."""
