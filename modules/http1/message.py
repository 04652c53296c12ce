"""Requests to bytes, answers from bytes, as RFC 9112 has them. No sockets here.

What reads takes a `stream` with two coroutines: line() gives the next line with its end (bytes; an OSError where
there is none), readinto(buffer) the number of bytes it has read, 0 at the end.
"""

import errno
import io

from hostname import to_ascii
from micropython import const

from .errors import PARTIAL, RequestException

_LINE = const(8192)  # bytes of a line
_FIELDS = const(100)  # header lines in an answer
_HEAD = const(32768)  # bytes in them
_DIGITS = const(10)  # of a length
_MARKS = "!#$%&'*+-.^_`|~"  # in a token (RFC 9110 5.6.2)


def latin1(data):
    """Text of bytes that are in no known encoding: a character for each."""
    if not data or max(data) < 128:
        return str(data, "utf-8")
    return "".join([chr(byte) for byte in data])


class Headers(dict):
    """Header fields, whose names are the same in capitals and small letters."""

    def _key(self, name):
        name = name.lower()
        for key in self:
            if key.lower() == name:
                return key

    def __getitem__(self, name):
        return super().__getitem__(self._key(name) or name)

    def __setitem__(self, name, value):
        super().__setitem__(self._key(name) or name, value)

    def __contains__(self, name):
        return self._key(name) is not None

    def get(self, name, default=None):
        return super().get(self._key(name), default)

    def pop(self, name, default=None):
        return super().pop(self._key(name), default)


# Requests


def _plain(char, marks):
    return char < "\x7f" and (char.isalpha() or char.isdigit() or char in marks)


def quote(text, marks, space="%20"):
    """`text` (str, bytes, or what str() makes one of) with all but letters, digits and `marks` as %XX of UTF-8."""
    if not isinstance(text, (bytes, bytearray)):
        text = str(text).encode()
    return "".join(
        [
            chr(byte)
            if _plain(chr(byte), marks)
            else space
            if byte == 32
            else "%{:02X}".format(byte)
            for byte in text
        ]
    )


def unquote(text):
    """What quote() has made of a text (bytes). What is no %XX stays."""
    first, *parts = text.split("%")
    found = first.encode()
    for part in parts:
        try:
            found += bytes((int(part[:2], 16),)) + part[2:].encode()
        except ValueError:
            found += b"%" + part.encode()
    return found


def urlencode(pairs):
    """A form's fields: a dict or pairs; a list as value stands for several, None for none."""
    if hasattr(pairs, "items"):
        pairs = pairs.items()
    found = []
    for name, values in pairs:
        for value in values if isinstance(values, (list, tuple)) else (values,):
            if value is not None:
                found.append(quote(name, "-._~", "+") + "=" + quote(value, "-._~", "+"))
    return "&".join(found)


def target(text):
    """Path and query as they go into a request: what may not be there is quoted. Raises ValueError."""
    if any(byte < 32 or byte == 127 for byte in text.encode()):
        raise ValueError("the URL has a control character, such as a line's end")
    return quote(text, "!$%&'()*+,/:;=?@[]~-._")


def split(url):
    """(scheme, user and password or "", host, port, target) of an http or https URL. Raises ValueError."""
    if not isinstance(url, str):
        url = str(url, "utf-8")
    url = url.strip(" ")
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        raise ValueError("the URL must begin with http:// or https://")
    rest = rest.partition("#")[0]
    end = len(rest)
    for mark in "/?":
        at = rest.find(mark)
        if 0 <= at < end:
            end = at
    user, _, host = rest[:end].rpartition("@")
    host, _, port = host.partition(":")
    host = to_ascii(host)
    if not port:
        port = "443" if scheme == "https" else "80"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("the URL's port is no number from 1 to 65535")
    path = target(rest[end:])
    return scheme, user, host, int(port), path if path.startswith("/") else "/" + path


def authority(scheme, host, port):
    """host:port as in a URL: without the port if it is the scheme's own."""
    return host if port == (443 if scheme == "https" else 80) else "{}:{}".format(host, port)


def join(scheme, host, port, target, location):
    """The URL that `location`, which may be relative, means in an answer from this one (RFC 3986 5.2)."""
    if "://" in location.partition("?")[0]:
        return location
    if location.startswith("//"):
        return scheme + ":" + location
    path, mark, query = location.partition("?")
    base = target.partition("?")[0]
    if not path:
        path = base
    elif not path.startswith("/"):
        path = base[: base.rfind("/") + 1] + path
    parts = []
    for part in path.split("/")[1:]:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    if part in (".", ".."):
        parts.append("")
    return "{}://{}/{}{}{}".format(
        scheme, authority(scheme, host, port), "/".join(parts), mark, query
    )


def _token(text):
    return text and all(_plain(char, _MARKS) for char in text)


def _bytes(value):
    return bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode()


def head(method, target, host, headers):
    """A request's head (bytes). headers: a dict of str, bytes, or what str() makes one of. Raises ValueError."""
    if not _token(method):
        raise ValueError("the method has characters that no method has")
    lines = [method.encode() + b" " + target.encode() + b" HTTP/1.1\r\n"]
    fields = [("Host", host)]
    fields.extend(headers.items())
    for name, some in fields:
        value = _bytes(some)
        if not _token(name):
            raise ValueError("a header's name has characters that no name has")
        if any(end in value for end in (b"\r", b"\n", b"\0")):
            raise ValueError("the value of the header {} has a line's end in it".format(name))
        lines.append(name.encode() + b": " + value.strip() + b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


# Answers


def _wrong(text):
    return RequestException(text, PARTIAL)


async def _line(stream):
    line = await stream.line(_LINE)
    if len(line) >= _LINE:
        raise _wrong("the answer has a header line above 8192 bytes")
    return line


async def read_head(stream):
    """The next head: (status, reason, Headers, whether it is of HTTP/1.1). Raises RequestException, OSError."""
    line = await _line(stream)
    version, _, rest = line.strip().partition(b" ")
    code, _, reason = rest.strip().partition(b" ")
    if not version.startswith(b"HTTP/1.") or len(code) != 3 or not code.isdigit() or code < b"100":
        raise _wrong("the answer is none of HTTP/1: it begins with {}".format(repr(line[:32])))
    headers = Headers()
    name, size = None, 0
    for _ in range(_FIELDS + 1):
        line = await _line(stream)
        text = latin1(line.strip())
        if "\r" in text or "\0" in text:  # a line's end for some, and not for others
            raise _wrong("the answer has a control character in a header")
        if not text:
            return int(code), latin1(reason), headers, version != b"HTTP/1.0"
        size += len(line)
        if size > _HEAD:
            break
        if line[0] in b" \t":  # goes on with the line before
            if name:
                headers[name] += " " + text
            continue
        name, colon, value = text.partition(":")
        name = name.strip()
        value = value.strip()
        if not colon:  # CPython's requests bears that, too
            name = None
        elif not _token(name):
            raise _wrong(
                "the answer has a header with a name that cannot be: {}".format(repr(name[:24]))
            )
        elif name in headers:
            headers[name] += ", " + value
        else:
            headers[name] = value
    raise _wrong("the answer has more than 100 headers, or 32 kB of them")


def _number(text, digits):
    # A length of a body or chunk.
    if not text or len(text) > _DIGITS or not all(char in digits for char in text.lower()):
        raise _wrong("the answer has a length that cannot be: {}".format(text[:24]))
    return int(text, len(digits))


class Body:
    """An answer's body. left: bytes that still come (of the chunk); None: until the connection ends.

    last: whether the connection can be of no further use.
    """

    def __init__(self, stream, method, status, headers, persistent):
        self._stream = stream
        self.received = 0
        self.length = None  # as announced
        self._chunked = False
        coding = headers.get("transfer-encoding", "identity").lower()
        lengths = headers.get("content-length")
        options = headers.get("connection", "").lower()
        self.last = "close" in options or not (persistent or "keep-alive" in options)
        if method == "HEAD" or status < 200 or status in (204, 304):
            self.left = 0
        elif coding == "chunked":
            self._chunked = True
            self.left = -1  # the next chunk's size comes first
            self.last = self.last or lengths is not None
        elif coding != "identity":
            raise _wrong(
                "the answer has an encoding that is not known here: {}".format(coding[:24])
            )
        elif lengths is not None:
            found = {_number(text.strip(), "0123456789") for text in lengths.split(",")}
            if len(found) > 1:
                raise _wrong("the answer has two lengths: {}".format(lengths[:24]))
            self.left = self.length = found.pop()
        else:
            self.left = None
            self.last = True

    async def readinto(self, buffer):
        """Read some; 0 at the end. Raises RequestException, OSError."""
        left = self.left
        if left is not None and left < 0:
            left = await self._chunk()
        if left == 0:
            return 0
        if left is not None and len(buffer) > left:
            buffer = memoryview(buffer)[:left]
        got = await self._stream.readinto(buffer)
        self.received += got
        if left is not None:
            if not got:
                raise OSError(errno.ECONNRESET)
            self.left = left - got
            if self._chunked and not self.left:
                if (await _line(self._stream)).strip():
                    raise _wrong("the answer has a chunk that does not end where it should")
                self.left = -1
        elif not got:
            self.left = 0
        return got

    async def _chunk(self):
        line = await _line(self._stream)
        self.left = _number(latin1(line.partition(b";")[0].strip()), "0123456789abcdef")
        if not self.left:
            for _ in range(_FIELDS + 1):  # trailers, which nobody here wants
                if not (await _line(self._stream)).strip():
                    return 0
            raise _wrong("the answer has more than 100 headers, or 32 kB of them")
        return self.left


def unpacked(stream, headers):
    """A stream of what the one of a body means, by its Content-Encoding. Its errors are OSErrors without words."""
    coding = headers.get("content-encoding", "").lower()
    if coding not in ("gzip", "deflate"):
        return stream
    import deflate

    return deflate.DeflateIO(stream, deflate.GZIP if coding == "gzip" else deflate.ZLIB, 15)


def unpack(content, headers, most):
    """What a body means, by its Content-Encoding: `most` bytes of it, else RequestException."""
    stream = unpacked(io.BytesIO(content), headers) if content else None
    if not stream or isinstance(stream, io.BytesIO):
        return content
    blocks, total = [], 0
    try:
        while total <= most and (block := stream.read(1024)):
            blocks.append(block)
            total += len(block)
    except (OSError, EOFError):
        raise _wrong("the answer is packed, and damaged: ask without Accept-Encoding")
    if total > most:
        raise _wrong("the answer has more than {} bytes: read it with stream=True".format(most))
    return b"".join(blocks)
