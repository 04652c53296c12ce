"""A request: what is asked, in what form it goes out, and what becomes of it at a redirect."""

from micropython import const

from .errors import REFUSED, RequestException
from .message import Headers, authority, head, join, read_head, split, target, unquote, urlencode

_BLOCK = const(1024)  # what is short enough to go with the head
_WRITE = const(4096)  # as much as a TLS record holds here
_GOES_ALONG = ("content-type", "content-encoding", "user-agent", "range")  # to another server


class Asked:
    """A request, and what becomes of it at a redirect."""

    def __init__(self, method, url, params, data, json, headers, auth):
        self.method = str(method, "utf-8") if isinstance(method, bytes) else method.upper()
        self._locate(url)
        if params:
            params = target(params) if isinstance(params, str) else urlencode(params)
            self.target += ("&" if "?" in self.target else "?") + params
        self.headers = Headers()
        for name, value in headers.items() if headers else ():
            if value is not None:
                self.headers[str(name, "utf-8") if isinstance(name, bytes) else name] = value
        kind = None
        if not data and json is not None:
            from json import dumps

            data, kind = dumps(json), "application/json"
        elif isinstance(data, (dict, list, tuple)):
            data, kind = urlencode(data), "application/x-www-form-urlencoded"
        if kind and "content-type" not in self.headers:
            self.headers["Content-Type"] = kind
        if isinstance(data, str):
            data = data.encode()
        self.data = data
        self._measure()
        if auth is None and self._user:
            user, _, password = self._user.partition(":")
            auth = unquote(user), unquote(password)
        if auth:
            from binascii import b2a_base64

            user, password = [part if isinstance(part, bytes) else part.encode() for part in auth]
            self.headers["Authorization"] = b"Basic " + b2a_base64(user + b":" + password).strip()

    def _locate(self, url):
        self.scheme, self._user, self.host, self.port, self.target = split(url)
        self.url = "{}://{}{}".format(
            self.scheme, authority(self.scheme, self.host, self.port), self.target
        )

    def _measure(self):
        # length: of the body, None where only its end will tell.
        data, self.start = self.data, None
        self.begun = False  # an iterator gives its pieces once
        try:
            self.data = memoryview(data or b"")
            self.length = len(self.data)
            return
        except TypeError:
            self.length = None
        if hasattr(data, "read"):
            try:
                self.start = data.tell()
                self.length = data.seek(0, 2) - self.start
                data.seek(self.start)
            except (AttributeError, OSError):
                self.start = None
        elif (length := self.headers.get("content-length")) is not None:
            self.length = int(length)

    @property
    def streamed(self):
        return not isinstance(self.data, memoryview)

    def rewind(self):
        """Whether the body can be sent again, from its beginning."""
        if self.start is not None:
            self.data.seek(self.start)
        return self.start is not None or not self.begun

    def _pieces(self):
        # The body in blocks.
        data = self.data
        if not self.streamed:
            for at in range(0, self.length, _WRITE):
                yield data[at : at + _WRITE]
            return
        self.begun = True
        if hasattr(data, "read"):
            while piece := data.read(_BLOCK):
                yield piece
        else:
            yield from data

    async def send(self, stream, persistent):
        """Send it. Returns the head of an answer that came too early, else None."""
        headers = Headers()
        for name, value in self.headers.items():
            headers[name] = value
        host = headers.pop("host") or authority(self.scheme, self.host, self.port)
        chunked = self.length is None
        headers.pop("transfer-encoding")
        headers.pop("content-length")
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif self.length or self.method not in ("GET", "HEAD"):
            headers["Content-Length"] = self.length
        if not persistent and "connection" not in headers:
            headers["Connection"] = "close"
        start = head(self.method, self.target, host, headers)
        if not self.streamed and self.length <= _BLOCK:
            await stream.write(start + bytes(self.data))
        else:
            await stream.write(start)
            if (early := await self._send_body(stream, chunked)) is not None:
                return early
        stream.sent = True

    async def _send_body(self, stream, chunked):
        left = self.length
        for some in self._pieces():
            piece = some.encode() if isinstance(some, str) else some
            if not piece:
                continue  # as a chunk it would be the end
            if left is not None:
                left -= len(piece)
                if left < 0:
                    break
            if chunked:
                piece = b"%x\r\n" % len(piece) + bytes(piece) + b"\r\n"
            await stream.write(piece)
            if stream.answers():
                status = await read_head(stream)
                if status[0] >= 200:
                    return status
                stream.heard = False  # an interim answer says nothing
        if left:
            raise ValueError("the data is not as long as its Content-Length says")
        if chunked:
            await stream.write(b"0\r\n\r\n")

    def redirect(self, status, location):
        """Turn to where an answer with this status sends it."""
        where = (self.scheme, self.host, self.port)
        location = str(bytes([ord(char) for char in location]), "utf-8")
        url = join(*where, self.target, location)
        self._locate(url)
        if where[0] == "https" and self.scheme != "https":
            raise RequestException(
                "{} redirects from https to http, which nobody can trust: not followed".format(
                    where[1]
                ),
                REFUSED,
            )
        self.headers.pop("host")
        upgraded = (where, self.port) == (("http", self.host, 80), 443)
        if where != (self.scheme, self.host, self.port) and not upgraded:
            # What a header says is for the server it was given for.
            for name in list(self.headers):
                if name.lower() not in _GOES_ALONG and not name.lower().startswith("accept"):
                    self.headers.pop(name)
        method = self.method
        if (status in (302, 303) and method != "HEAD") or (status == 301 and method == "POST"):
            self.method, self.data = "GET", None
            for name in ("content-type", "content-encoding", "content-length"):
                self.headers.pop(name)
            self._measure()
        elif not self.rewind():
            raise RequestException(
                "{} redirects to another place, but the data cannot be read a second time: give bytes, or a "
                "file".format(where[1]),
                REFUSED,
            )
