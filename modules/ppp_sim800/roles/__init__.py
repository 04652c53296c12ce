"""What the modem does, a file for each role."""

from ..run import Async as Role  # noqa: F401
