"""HTTP and HTTPS requests, with the names of CPython's requests.

import requests
reply = requests.post("https://example.org/", json={"kg": 42.75})
reply.raise_for_status()

What can be given, and how it differs from CPython's: docs/http.md.
"""

import errno
import io
import select
import socket

from http1 import client
from http1 import errors as exceptions
from http1.errors import (  # noqa: F401  (for those who import this)
    LATER,
    NOT_SENT,
    PARTIAL,
    REFUSED,
    UNKNOWN,
    ConnectionError,
    HTTPError,
    RequestException,
    Timeout,
    TooManyRedirects,
)
from http1.message import Headers, latin1, unpack, unpacked

max_body = 1_000_000  # bytes of an answer that is not streamed; more are an error


class _Blocking:
    """How scripts without asyncio wait, see http1.client."""

    polite = False

    async def wait(self, sock, flag, ms):
        poll = select.poll()
        poll.register(sock, flag)
        if not poll.poll(-1 if ms is None else ms):
            raise OSError(errno.ETIMEDOUT)

    async def connect(self, stream, host, port):
        info = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        sock = socket.socket(info[0], socket.SOCK_STREAM, info[2])
        try:
            sock.settimeout(stream.seconds)
            sock.connect(info[-1])
            sock.setblocking(False)
        except BaseException:
            sock.close()
            raise
        return sock


_blocking = _Blocking()


def _run(coroutine):
    # What it awaits blocks, so that it never stops in between.
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value


class _Raw(io.IOBase):
    """A body as a stream, which json.load() and deflate.DeflateIO take, too."""

    def __init__(self, answer):
        self._answer = answer

    def readinto(self, buffer):
        return _run(self._answer.readinto(buffer))

    def read(self, size=-1):
        if size is None or size < 0:
            return _run(self._answer.read(1 << 30))
        buffer = bytearray(size)
        view, at = memoryview(buffer), 0
        while at < size and (got := self.readinto(view[at:])):
            at += got
        return bytes(view[:at])

    def close(self):
        self._answer.close()

    def ioctl(self, request, _):
        if request == 4:  # MP_STREAM_CLOSE
            self.close()
            return 0
        return -1


class Response:
    """A server's answer.

    status_code (int), reason (str), headers (a dict that knows no capitals), url (str, of the last redirect), history
    (a list of the answers before it), raw (a stream of the body), encoding (str, of `text`).
    """

    def __init__(self, answer):
        self._answer = answer
        self._content = None
        self.status_code = answer.status
        self.reason = answer.reason
        self.headers = answer.headers
        self.url = answer.url
        self.history = [Response(before) for before in answer.history]
        self.encoding = "utf-8"
        self.raw = _Raw(answer)

    @property
    def content(self):
        """The body (bytes). Raises RequestException if it did not come whole, or has more than requests.max_body."""
        self._load()
        return self._content

    def _load(self):
        if self._content is None:
            content = _run(self._answer.read(max_body))
            self._content = unpack(content, self.headers, max_body)
            self.raw = io.BytesIO(content)

    @property
    def text(self):
        """The body as str: what is not UTF-8, or not to be read as such, has a character for each byte."""
        if self.encoding.lower() == "utf-8":
            try:
                return str(self.content, "utf-8")
            except UnicodeError:
                pass
        return latin1(self.content)

    def json(self):
        """What the body means as JSON. Raises ValueError."""
        import json

        return json.loads(self.content)

    def iter_content(self, chunk_size=1024):
        """The body in blocks (bytes) of this size, the last one shorter."""
        stream = unpacked(self.raw, self.headers)
        while block := stream.read(chunk_size):
            yield block

    @property
    def ok(self):
        return self.status_code < 400

    def raise_for_status(self):
        """Raises HTTPError for a status of 400 to 599: `fate` says whether to ask again, `retry_after` when."""
        exceptions.check(self)

    def close(self):
        self._answer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _ask(
    pool,
    method,
    url,
    data=None,
    json=None,
    headers=None,
    stream=None,
    auth=None,
    timeout=60,
    parse_headers=True,
    ssl_context=None,
    max_redirects=5,
    params=None,
    allow_redirects=True,
    total=None,
):
    answer = client.fetch(
        _blocking,
        pool,
        method,
        url,
        data,
        json,
        headers,
        stream,
        auth,
        timeout,
        params,
        ssl_context,
        total,
        max_redirects if allow_redirects else 0,
    )
    reply = Response(_run(answer))
    if callable(parse_headers):  # micropython-lib's way
        found = {}
        for name, value in reply.headers.items():
            parse_headers("{}: {}\r\n".format(name, value).encode(), found)
        reply.headers = found
    if not stream:
        reply._load()
    return reply


def request(method, url, *args, **options):
    """Ask a server; returns its Response, with the body read unless `stream`.

    data: bytes, str, a dict or pairs (a form), a file, what gives blocks one after the other. json: instead of it.
    headers: a dict. auth: (user, password). params: a dict or pairs for the URL. ssl_context: whom https trusts.
    timeout: seconds for each step, or (for a connection, for the others), None: for ever; total: for all together,
    None: ten times as much unless a body is streamed. Raises RequestException, NameNotFound, TLSError, all of them
    OSErrors with `fate`; ValueError for what cannot be asked.
    """
    return _ask(None, method, url, *args, **options)


class Session:
    """Keeps the connection to a server for the next request to it, which then takes one round trip.

    headers: those of every request. auth: (user, password) of every request. What is streamed is to be read, or
    closed, before the next request.
    """

    def __init__(self):
        self.headers = Headers()
        self.auth = None
        self._pool = client.Pool()

    def request(self, method, url, data=None, json=None, headers=None, **options):
        """As request() of the module."""
        every = Headers()
        for some in (self.headers, headers or {}):
            for name, value in some.items():
                every[name] = value
        options.setdefault("auth", self.auth)
        return _ask(self._pool, method, url, data, json, every, **options)

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **options)

    def post(self, url, data=None, json=None, **options):
        return self.request("POST", url, data, json, **options)

    def put(self, url, data=None, **options):
        return self.request("PUT", url, data, **options)

    def patch(self, url, data=None, **options):
        return self.request("PATCH", url, data, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    def close(self):
        """Close the connection; the next request makes a new one."""
        self._pool.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def get(url, **options):
    return request("GET", url, **options)


def head(url, **options):
    return request("HEAD", url, **options)


def post(url, data=None, json=None, **options):
    return request("POST", url, data, json, **options)


def put(url, data=None, **options):
    return request("PUT", url, data, **options)


def patch(url, data=None, **options):
    return request("PATCH", url, data, **options)


def delete(url, **options):
    return request("DELETE", url, **options)


def options(url, **options):
    return request("OPTIONS", url, **options)
