"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link.

Pages are those of the SIM800 Series AT Command Manual V1.09 ("M").
"""

from collections import deque, namedtuple

from micropython import const

from .at import fields
from .radio import stat_word

_LIMIT = const(16)  # events kept for a script that does not ask; then the oldest is dropped

# name: a word; detail: see event_of(). Compare with a plain tuple: nic.event() == ("link", "down").
Event = namedtuple("Event", ("name", "detail"))


class Events:
    """A bounded queue of Event."""

    def __init__(self):
        self._queue = deque((), _LIMIT)
        self.dropped = 0

    def put(self, name, detail=None):
        """Add one; when there are too many the oldest is dropped, and counted in `dropped`."""
        if len(self._queue) == _LIMIT:
            self.dropped += 1
        self._queue.append(Event(name, detail))

    def take(self):
        """The oldest, or None."""
        return self._queue.popleft() if self._queue else None


def event_of(line):
    """(name, detail) of an unsolicited line (str), None for one that means nothing to a script.

    "sms": index of the message in the SIM's memory (int), for modem.sms.read() (M 126)
    "ring": None; "caller": who rings (str), "" if hidden (M 70)
    "call ended": why, e.g. "NO CARRIER", "BUSY"
    "dtmf": the key pressed at the far end (str), once modem.calls.hear_keys() asked for them
    "ussd": text the network sent by itself
    "registration", "gprs": a word as modem.radio.registration() has it (M 82)
    "sim": what the card waits for, as modem.sim.state() has it
    "voltage": "low" or "high": switches off if it goes on so (HW 3.1.4)
    "ri": None; not a line but the ring indicator, where the board has it: a call or a message while the line
        carries PPP (HW 3.7)
    "restarted", "switched off": what the modem said; it did so by itself
    """
    if line.startswith("+CREG: "):
        return "registration", stat_word(fields(line)[0])
    if line.startswith("+CGREG: "):
        return "gprs", stat_word(fields(line)[0])
    if line.startswith("+CMTI: "):
        index = fields(line)[-1]
        return ("sms", int(index)) if index.isdigit() else None
    if line == "RING":
        return "ring", None
    if line.startswith("+CLIP: "):
        return "caller", fields(line)[0]
    if line in ("NO CARRIER", "BUSY", "NO ANSWER"):
        return "call ended", line
    if line.startswith("+DTMF: "):
        return "dtmf", line[7:].strip()
    if line.startswith("+CUSD: "):
        parts = fields(line)
        return ("ussd", parts[1]) if len(parts) > 1 else None
    if line.startswith("+CPIN: "):
        return "sim", fields(line)[0]
    if line.endswith("-VOLTAGE WARNNING"):  # sic
        return "voltage", "low" if line.startswith("UNDER") else "high"
    if line == "RDY":
        return "restarted", line
    if line.endswith("POWER DOWN"):
        return "switched off", line
    return None
