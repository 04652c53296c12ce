"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link."""

from typing import Any, NamedTuple

class Event(NamedTuple):
    """name: a word; detail: see event_of(). Compare with a plain tuple: nic.event() == ("link", "down")."""

    name: str
    detail: Any
