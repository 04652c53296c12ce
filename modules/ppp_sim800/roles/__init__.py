"""What the modem does, a file for each role."""

from ..run import Async


class Role(Async):
    """Base class: does it over `line`."""

    def __init__(self, line):
        self._line = line
