"""Takes a firmware image or a set of files that its owner has signed, and nothing else.

A manifest says what the parts of an update are, for which board, and its version; it ends with a signature (ECDSA,
P-256, SHA-256), which has to be by one of the keys that are pinned in the image (update_trust). Parts are
streamed: an image to the slot that is not running, files beside those they replace. What has another size or
digest than was signed is never activated, nor is a version that this board has had. docs/firmware.md has the format.

There is one place for what is received, so one Update has it, the latest; to those before it write() and activate()
are refused. Digests are those of what is in flash. A slot that is set to start is not written."""

from collections.abc import Callable
from typing import Literal, Protocol

class _Stream(Protocol):
    def readinto(self, buf: memoryview, /) -> int | None: ...
    def close(self) -> None: ...

class UpdateError(Exception):
    """The update is refused, or not complete; its text says why."""

def confirm() -> None:
    """Keep the running image: it is not replaced by the former one at the next reset, and no older one is accepted any more.

    For main.py of every image, once it has proved what matters. With one slot it only takes note of the version."""

def finish() -> None:
    """Put the files of an accepted set in place, if a power cut was in between. The firmware does so when it starts.

    What waits with a damaged manifest is removed: that set may come again."""

class Update:
    """An update that is being received.

    manifest: bytes. offset: of an image, how many of its bytes an Update of the same manifest has already written, for
    example before a reset; whole blocks of 4096 of them are not wanted again.
    kind: "image" or "files". version: an integer. parts: [(name, bytes, SHA-256)].

    Raises UpdateError: the signature is by no pinned key, it is for another board, not newer than what the board has
    had, there is no place for it, or an image is set to start. Nothing is written then."""

    kind: Literal["image", "files"]
    version: int
    parts: list[tuple[str, int, bytes]]

    def __init__(self, manifest: bytes | bytearray | memoryview, offset: int = 0) -> None: ...
    def wanted(self) -> tuple[str, int, int] | None:
        """(name, offset, bytes left) of the part to go on with; None: all are there."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes of the part that is wanted.

        Raises UpdateError when it has more bytes than were signed, or another digest: then it is wanted from its
        beginning again; and when another Update was made meanwhile. Raises OSError where they cannot be written."""

    def receive(self, source: Callable[[str, int], _Stream]) -> None:
        """Read all that is wanted, then activate().

        source: source(name, offset) returns a stream of that part from that byte on, such as a socket or file, which is
        closed here. Raises UpdateError, OSError; after either call it again: it goes on where it was."""

    def activate(self) -> None:
        """Have the image start at the next reset, on trial until confirm(); or put all files in place.

        Raises UpdateError if not all parts are there and as they were signed, by what is in flash; OSError."""
