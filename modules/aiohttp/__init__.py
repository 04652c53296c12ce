"""HTTP and HTTPS for asyncio, with the names of micropython-lib's aiohttp. It never holds up the loop.

import aiohttp
async with aiohttp.ClientSession() as session:
    async with session.get("https://example.org/") as response:
        print(response.status, await response.text())

How it differs from CPython's: docs/http.md.
"""

import asyncio
import errno
import select
import socket
from asyncio import core

from http1 import client
from http1.errors import RequestException, check
from http1.message import Headers, latin1, unpack

ClientError = RequestException  # CPython's name
HttpVersion10 = "HTTP/1.0"
HttpVersion11 = "HTTP/1.1"

max_body = 1_000_000  # bytes that read() gives at once; more are an error


async def _ready(sock, flag):
    # asyncio's own, which takes sockets of any kind.
    if flag == select.POLLIN:
        yield core._io_queue.queue_read(sock)
    else:
        yield core._io_queue.queue_write(sock)


class _Asynchronous:
    """How asyncio waits, see http1.client."""

    polite = True

    async def wait(self, sock, flag, ms):
        try:
            await asyncio.wait_for_ms(_ready(sock, flag), ms)
        except asyncio.TimeoutError:
            raise OSError(errno.ETIMEDOUT)

    async def connect(self, stream, host, port):
        address = await socket.resolve(host)
        sock = stream.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            try:
                sock.connect(socket.getaddrinfo(address, port)[0][-1])
            except OSError as error:
                if error.errno != errno.EINPROGRESS:
                    raise
            await stream.wait(select.POLLOUT)
        except BaseException:
            stream.close()
            raise
        return sock


_asynchronous = _Asynchronous()


class _Content:
    """An answer's body as it comes."""

    def __init__(self, answer):
        self._answer = answer

    async def read(self, size=-1):
        """`size` bytes at most, b"" at the end; without a size all that comes."""
        if size < 0:
            return await self._answer.read(max_body)
        buffer = bytearray(size)
        got = await self._answer.readinto(buffer)
        return bytes(memoryview(buffer)[:got])

    async def readexactly(self, size):
        """`size` bytes. Raises EOFError."""
        buffer = memoryview(bytearray(size))
        at = 0
        while at < size:
            got = await self._answer.readinto(buffer[at:])
            if not got:
                raise EOFError
            at += got
        return bytes(buffer)

    def iter_chunked(self, size):
        """For `async for`: blocks of `size` bytes at most."""
        return _Blocks(self, size)


class _Blocks:
    def __init__(self, content, size):
        self._content, self._size = content, size

    def __aiter__(self):
        return self

    async def __anext__(self):
        block = await self._content.read(self._size)
        if not block:
            raise StopAsyncIteration
        return block


class ClientResponse:
    """A server's answer: status (int), reason, headers, url, content (a stream of the body), history."""

    def __init__(self, answer):
        self._answer = answer
        self._body = None
        self.status = self.status_code = answer.status
        self.reason = answer.reason
        self.headers = answer.headers
        self.url = answer.url
        self.history = answer.history
        self.content = _Content(answer)

    async def read(self, size=-1):
        """The body (bytes), or `size` bytes of it as they come. Raises RequestException."""
        if size >= 0:
            return await self.content.read(size)
        if self._body is None:
            self._body = unpack(await self._answer.read(max_body), self.headers, max_body)
        return self._body

    async def text(self, encoding="utf-8"):
        """The body as str: what is not UTF-8, or not to be read as such, has a character for each byte."""
        body = await self.read()
        if encoding.lower() == "utf-8":
            try:
                return str(body, "utf-8")
            except UnicodeError:
                pass
        return latin1(body)

    async def json(self):
        """What the body means as JSON. Raises ValueError."""
        import json

        return json.loads(await self.read())

    @property
    def ok(self):
        return self.status < 400

    def raise_for_status(self):
        """Raises HTTPError for a status of 400 to 599: `fate` says whether to ask again, `retry_after` when."""
        check(self)

    def close(self):
        self._answer.close()

    def __repr__(self):
        return "<ClientResponse {}>".format(self.status)  # headers have secrets


class _Request:
    # For `async with`, and for await.

    def __init__(self, coroutine):
        self._coroutine = coroutine

    async def __aenter__(self):
        self._response = await self._coroutine
        return self._response

    async def __aexit__(self, *_):
        self._response.close()

    def __await__(self):
        return self._coroutine

    __iter__ = __await__


class ClientSession:
    """Requests that share headers, and a connection for as long as one server is asked.

    base_url: what comes before each URL. headers: those of every request. timeout, total: see requests.request().
    """

    def __init__(
        self,
        base_url="",
        headers=None,
        version=HttpVersion11,
        *,
        auth=None,
        timeout=60,
        total=None,
    ):
        self._base_url = base_url
        self._defaults = {"auth": auth, "timeout": timeout, "total": total}
        self.headers = Headers()
        for name, value in headers.items() if headers else ():
            self.headers[name] = value
        self._pool = client.Pool()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def close(self):
        """Close the connection."""
        self._pool.close()

    def request(
        self, method, url, data=None, json=None, ssl=None, params=None, headers=None, **options
    ):
        """For `async with`: a ClientResponse. ssl: an ssl.SSLContext, False: verify nothing; else as requests.request()."""
        return _Request(self._request(method, url, data, json, ssl, params, headers, options))

    async def _request(self, method, url, data, json, ssl, params, headers, options):
        every = Headers()
        for some in (self.headers, headers or {}):
            for name, value in some.items():
                every[name] = value
        if ssl is False:
            from ssl import _create_unverified_context

            ssl = _create_unverified_context()
        for name, value in self._defaults.items():
            options.setdefault(name, value)
        redirects = options.pop("max_redirects", 5)
        if not options.pop("allow_redirects", True):
            redirects = 0
        return ClientResponse(
            await client.fetch(
                _asynchronous,
                self._pool,
                method,
                self._base_url + url,
                data,
                json,
                every,
                True,
                params=params,
                context=None if ssl is True else ssl,
                redirects=redirects,
                **options,
            )
        )

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **options)

    def post(self, url, **options):
        return self.request("POST", url, **options)

    def put(self, url, **options):
        return self.request("PUT", url, **options)

    def patch(self, url, **options):
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)
