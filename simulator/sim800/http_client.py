"""HTTP/1.1 as the SIM800's own client speaks it, on an open connection. Knows no AT command."""

import re
from collections.abc import Callable
from dataclasses import dataclass

BODY_LIMIT = 319488  # bytes of a body, sent or received (manual, AT+HTTPDATA and +HTTPREAD)
HEAD_LIMIT = 8192
LINE_LIMIT = 1024  # of a chunk's size
AGENT = "SIMCOM_MODULE"

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]*)?\r\n")


class NotHTTP(Exception):
    """What the server sent is no HTTP."""


class TooBig(Exception):
    """The body does not fit into the modem."""


class BadURL(ValueError):
    """Not a URL."""


@dataclass(frozen=True)
class URL:
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        return self.host if self.port in (80, 443) else f"{self.host}:{self.port}"


def parse_url(text: str, tls: bool) -> URL:
    """`[http://]host[:port][/path]`. Raises BadURL.

    Without TLS the client does not know `https://`: a real one answers DNS error, so the host is
    then "https".
    """
    scheme, mark, rest = text.partition("://")
    if not mark:
        rest = text
    elif scheme.lower() == "https" and not tls:
        return URL("https", 80, "/")
    elif scheme.lower() not in ("http", "https"):
        raise BadURL(text)
    match = re.fullmatch(r"([\w.-]+)(?::(\d{1,5}))?(?:([/?].*))?", rest, re.ASCII)
    if match is None:
        raise BadURL(text)
    host, port, path = match.groups()
    port = int(port or (443 if tls else 80))
    if not 0 < port < 65536:
        raise BadURL(text)
    path = path or "/"
    return URL(host, port, path if path.startswith("/") else f"/{path}")


def request(method: str, target: str, host: str, headers: list[str], body: bytes | None) -> bytes:
    """The bytes of a request; `headers` are whole lines."""
    lines = [f"{method} {target} HTTP/1.1", "Accept: */*", "Connection: Keep-Alive"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"Host: {host}", *headers]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + (body or b"")


@dataclass(frozen=True)
class Response:
    """`head` is the status line and the headers as received, with the blank line behind them."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        return _header(self.head, name)


def _header(head: bytes, name: str) -> str | None:
    match = re.search(
        rb"\r\n" + re.escape(name.encode()) + rb":[ \t]*([^\r\n]*?)[ \t]*\r\n", head, re.IGNORECASE
    )
    return match[1].decode("latin-1") if match else None


class Reader:
    """Reads one response from a connection, something with `async read() -> bytes`.

    `progress(bytes received, bytes to come)` is called as the body comes.
    """

    def __init__(self, connection, progress: Callable[[int, int], None]):
        self._connection, self._progress = connection, progress
        self._got = bytearray()

    async def response(self, method: str) -> Response:
        """Raises NotHTTP, TooBig; ConnectionError when it breaks off; what read() raises."""
        while True:
            head = await self._head()
            status = int(_STATUS.match(head)[1])
            if status >= 200:
                break
        if method == "HEAD" or status in (204, 304):
            return Response(status, head, b"")
        return Response(status, head, await self._body(head))

    async def _more(self) -> bool:
        data = await self._connection.read()
        self._got += data
        return bool(data)

    async def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._got:
            if self._got[:5] != b"HTTP/"[: len(self._got)] or len(self._got) > HEAD_LIMIT:
                raise NotHTTP
            if not await self._more():
                raise NotHTTP if self._got else ConnectionError("no answer")
        head = self._split_off(self._got.index(b"\r\n\r\n") + 4)
        if not _STATUS.match(head):
            raise NotHTTP
        return head

    def _split_off(self, count: int) -> bytes:
        taken = bytes(self._got[:count])
        del self._got[:count]
        return taken

    async def _body(self, head: bytes) -> bytes:
        if (_header(head, "Transfer-Encoding") or "").lower() == "chunked":
            return await self._chunks()
        length = _header(head, "Content-Length")
        if length is not None:
            if not length.isdigit():
                raise NotHTTP
            return await self._exactly(int(length), int(length), 0)
        while await self._more():
            self._fits(len(self._got))
            self._progress(len(self._got), 0)
        return self._split_off(len(self._got))

    @staticmethod
    def _fits(size: int) -> None:
        if size > BODY_LIMIT:
            raise TooBig

    async def _exactly(self, count: int, whole: int, before: int) -> bytes:
        """`count` bytes more of a body of `whole` bytes (0: not known), after `before`."""
        self._fits(before + count)
        while len(self._got) < count:
            if not await self._more():
                raise ConnectionError("the body broke off")
            done = before + min(count, len(self._got))
            self._progress(done, max(0, whole - done))
        return self._split_off(count)

    async def _chunks(self) -> bytes:
        body = b""
        while size := await self._chunk_size():
            body += await self._exactly(size, 0, len(body))
            if await self._line() != b"":
                raise NotHTTP
        while await self._line() != b"":
            pass  # trailers
        return body

    async def _chunk_size(self) -> int:
        try:
            return int((await self._line()).partition(b";")[0], 16)
        except ValueError:
            raise NotHTTP from None

    async def _line(self) -> bytes:
        while b"\r\n" not in self._got:
            if len(self._got) > LINE_LIMIT:
                raise NotHTTP
            if not await self._more():
                raise ConnectionError("the body broke off")
        return self._split_off(self._got.index(b"\r\n") + 2)[:-2]
