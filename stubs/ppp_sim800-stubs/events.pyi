"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link.

Pages are those of the SIM800 Series AT Command Manual V1.09 ("M")."""

from typing import Any, NamedTuple

class Event(NamedTuple):
    """name: a word; detail: see event_of(). Compare with a plain tuple: nic.event() == ("link", "down")."""

    name: str
    detail: Any
