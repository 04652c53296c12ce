"""The modem's own HTTP: for plain http and small bodies, without PPP.

Its TLS is SSL 2, SSL 3 or TLS 1.0 and looks at no certificate; https belongs on PPP, with the
microcontroller's own TLS."""

from typing import Literal

from .._types import Bytes, File

class HTTP:
    """The HTTP client of `modem`. Its bearer is opened when it is needed, see Bearer.open()."""

    async def request(
        self,
        method: Literal["GET", "POST", "HEAD"],
        url: str,
        *,
        data: str | Bytes | File | None = None,
        headers: dict[str, str] | None = None,
        content_type: str = "application/octet-stream",
        timeout: int = 120000,
        unverified_tls: bool = False,
    ) -> Response:
        """Ask a server; PPP must be down. One request at a time: it ends the response before it.

        method: "GET", "POST" or "HEAD". url: "http://...", ASCII, at most 512 characters.
        data: for POST: str, bytes or an open file, at most 319488 bytes.
        headers: dict of str, at most 512 characters in all. content_type: of `data`.
        timeout: milliseconds for the server's whole answer.
        unverified_tls: True lets the modem do "https://...": anybody on the way can read and answer it.
        Returns a Response. Redirections are not followed.
        Raises HTTPError, and what Bearer.open() raises."""

class Response:
    """A server's answer: `status_code`, `headers` (dict), `length` of the body in bytes.

    The modem holds the body until close() or the next request; read it in pieces, in a loop over the
    response, or whole by `content`. What the line has lost is read again, by its count; AT has no checksum."""

    status_code: int
    headers: dict[str, str]
    length: int

    async def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into `buffer`, at most 1024 bytes at once. Returns their number, 0 at the end. Raises HTTPError."""

    async def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer at the end, or all that is left."""

    async def close(self) -> None:
        """Let the modem forget the body."""

    async def content(self) -> bytes:
        """All of the body that was not read before, kept; the modem is then free of it."""

    def __aiter__(self) -> Response: ...
    async def __anext__(self) -> bytes: ...
