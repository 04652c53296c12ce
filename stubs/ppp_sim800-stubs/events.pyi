"""What happens by itself: a SIM800's unsolicited lines (URCs), and what becomes of the link."""

from typing import Any, NamedTuple

class Event(NamedTuple):
    """name: a word; detail: see event_of(), and PPP.event() for "link", "day limit" and "month limit". Compare with a plain
    tuple: nic.event() == ("link", "down")."""

    name: str
    detail: Any
