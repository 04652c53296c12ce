"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link."""

from collections import deque, namedtuple

from micropython import const

from .at.text import fields
from .roles.radio import stat_word

_LIMIT = const(16)  # events kept for a script that does not ask; then the oldest is dropped
_USSD_SIZE = const(200)  # a line of +CUSD; its text has at most 182 characters

# name: a word; detail: see event_of(). Compare with a plain tuple: nic.event() == ("link", "down").
Event = namedtuple("Event", ("name", "detail"))


class Events:
    """A bounded queue of Event."""

    def __init__(self):
        self._queue = deque((), _LIMIT)
        self._begun = None  # the first lines of a USSD text
        self.dropped = 0

    def put(self, name, detail=None):
        """Add one; when there are too many the oldest is dropped, and counted in `dropped`."""
        if len(self._queue) == _LIMIT:
            self.dropped += 1
        self._queue.append(Event(name, detail))

    def take(self):
        """The oldest, or None."""
        return self._queue.popleft() if self._queue else None

    def of(self, line):
        """As event_of(), but what is said in several lines (a USSD text has line ends of its own) is one event,
        when it is whole or cannot become so."""
        begun, self._begun = self._begun, None
        event = event_of(line)
        if begun and event is None:
            line = begun + "\n" + line
            event = event_of(line)
        elif begun and (cut := event_of(begun)):
            self.put(*cut)
        if line.startswith("+CUSD: ") and line.count('"') == 1 and len(line) < _USSD_SIZE:
            self._begun = line
            return None
        return event


def event_of(line):
    """(name, detail) of an unsolicited line (str), None for one that means nothing to a script.

    "sms": index of the message in the SIM's memory (int), for modem.sms.read() (M 126)
    "sms report": (reference, outcome) of a message sent with report=True: an int as modem.sms.send() returned
        it, and "delivered", "waiting" (the network tries on) or "failed"
    "ring": None; "caller": who rings (str), "" if hidden (M 70)
    "call ended": why, e.g. "NO CARRIER", "BUSY"
    "dtmf": the key pressed at the far end (str), once modem.calls.hear_keys() asked for them
    "ussd": text the network sent by itself (M 109)
    "registration", "gprs": a word as modem.radio.registration() has it (M 82)
    "sim": what the card waits for, as modem.sim.state() has it
    "voltage": "low" or "high": switches off if it goes on so (HW 3.1.4)
    "ri": None; not a line but the ring indicator, where the board has it: a call or a message while the line
        carries PPP (HW 3.7)
    "restarted", "switched off": what the modem said; it did so by itself
    """
    if line.startswith("+"):
        name = line.split(":")[0]
        values = fields(line)
        first = values[0]
        if name == "+CREG":
            return "registration", stat_word(first)
        if name == "+CGREG":
            return "gprs", stat_word(first)
        if name == "+CMTI" and len(values) > 1 and values[1].isdigit():
            return "sms", int(values[1])
        if name == "+CLIP":
            return "caller", first
        if name == "+DTMF":
            return "dtmf", first  # with its time behind it where asked for (M 334)
        if name == "+CUSD":
            from .roles.ussd import text_of

            text = text_of(values)
            return None if text is None else ("ussd", text)
        if name == "+CPIN":
            return "sim", first
    if len(line) > 48 and line.startswith("0"):
        return _report(line)  # the second line of +CDS (M 125)
    if line == "RING":
        return "ring", None
    if line in ("NO CARRIER", "BUSY", "NO ANSWER"):
        return "call ended", line
    if line.endswith("-VOLTAGE WARNNING"):  # sic
        return "voltage", "low" if line.startswith("UNDER") else "high"
    if line == "RDY":
        return "restarted", line
    if line.endswith("POWER DOWN"):
        return "switched off", line
    return None


def _report(line):
    from smspdu import STATUS_REPORT, parse

    try:
        part = parse(line)
    except ValueError:
        return None
    if part.kind != STATUS_REPORT:
        return None
    status = part.place  # 23.040 9.2.3.15
    outcome = "delivered" if status < 32 else "waiting" if status < 64 else "failed"
    return "sms report", (part.reference, outcome)
