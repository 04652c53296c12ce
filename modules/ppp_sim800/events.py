"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link."""

from collections import namedtuple

from micropython import const

from .at.text import fields
from .roles.radio import stat_word

_LIMIT = const(16)  # events kept for a script that does not ask
# Of these, but "link", the newest says all: each has one place. They give way where there are too many.
_STATES = const(
    (
        "registration",
        "gprs",
        "sim",
        "voltage",
        "card full",
        "ri",
        "ring",
        "link",
        "names",
        "time",
        "packets",
        "roots",
        "restarted",
        "switched off",
    )
)

# name: a word; detail: see event_of(), and PPP.event() for "link", "day limit" and "month limit". Compare with a plain
# tuple: nic.event() == ("link", "down").
Event = namedtuple("Event", ("name", "detail"))


class Events:
    """A bounded queue of Event, and the messages to tell of, which are on the card and take no room in it.

    messages: indexes of those that were found. look: 1 where some may have come that nobody heard of, 2 where the modem
        said that one has.
    """

    def __init__(self):
        self._queue = []
        self.messages = []
        self.look = 0
        self.dropped = 0

    def put(self, name, detail=None):
        """Add one. When there are too many one is dropped, and counted in `dropped`: a state if there is one, else the
        oldest."""
        event = Event(name, detail)
        queue = self._queue
        is_state = name in _STATES
        for other in queue:
            if other == event if name == "caller" else other[0] == name != "link" and is_state:
                queue.remove(other)
                break
        if len(queue) >= _LIMIT:
            self.dropped += 1
            for other in queue:
                if other[0] in _STATES:
                    break
            else:
                if is_state:
                    return
                other = queue[0]
            queue.remove(other)
        queue.append(event)

    def take(self):
        """The oldest, or None."""
        if self._queue:
            return self._queue.pop(0)
        return Event("sms", self.messages.pop(0)) if self.messages else None


def event_of(line):
    """(name, detail) of an unsolicited line (str), None for one that means nothing to a script.

    "sms": index (int) of a message for modem.sms.read(), that is whole and was not read: 1 to 255 on the card, 257 to
        511 in the modem's own memory (M 126). Each is told once, whenever it came; again after a restart of the
        ESP32 as long as it is not read
    "card full": its places (int), told whenever it is looked at; the network keeps new messages until some are deleted
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

            text = text_of(line)
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
