"""The modem's own HTTP: for plain http and small bodies, without PPP.

Its TLS is SSL 2, SSL 3 or TLS 1.0 and looks at no certificate; https belongs on PPP, with the
microcontroller's own TLS.
"""

from micropython import const

from ..at.text import check_timeout, fields, quoted
from ..errors import ATError, ATTimeout, ConfigError, SIM800Error
from ..lock import Lock
from ..run import Async, wait
from . import Role

_METHODS = ("GET", "POST", "HEAD")  # as AT+HTTPACTION numbers them
_MOST = const(319488)  # bytes of a body (M 11.2.3)
_READ = const(1024)  # bytes of one AT+HTTPREAD
_PIECE = const(512)  # bytes of one step of a loop over a response
_HEAD = const(2048)  # bytes of headers that are looked at
_EXCHANGE = const(600)  # bytes of a request besides URL and bodies, about: heads, TCP, IP
_TRIES = const(3)  # for bytes that were lost on the line

# +HTTPACTION: <status> above those of HTTP (M 11.2.4)
_FAILURES = (
    (600, "what the server sent is no HTTP"),
    (
        601,
        "the network failed, or the server did not answer: check its address and port, try again",
    ),
    (602, "the answer is longer than the modem can hold (319488 bytes)"),
    (603, "there is no such host: check the spelling"),
    (604, "the modem is still busy: try again"),
    (605, "the TLS handshake failed: use PPP and the microcontroller's TLS"),
    (606, "the server refused the modem's TLS: use PPP and the microcontroller's TLS"),
)


class HTTPError(SIM800Error):
    """The modem's own HTTP, or a request by the old API, failed. `code`: of +HTTPACTION (600 and above), or None."""


class HTTP(Role):
    """The HTTP client of `modem`. Its bearer is opened when it is needed, see Bearer.open()."""

    def __init__(self, line, bearer):
        super().__init__(line)
        self._bearer = bearer
        self._response = None  # the one whose body the modem holds
        self._turn = Lock()

    async def request(
        self,
        method,
        url,
        *,
        data=None,
        headers=None,
        content_type="application/octet-stream",
        timeout=120000,
        unverified_tls=False,
    ):
        """Ask a server; PPP must be down. One request at a time: it ends the response before it.

        method: "GET", "POST" or "HEAD". url: "http://...", ASCII, at most 512 characters.
        data: for POST: str, bytes or an open file, at most 319488 bytes.
        headers: dict of str, at most 512 characters in all. content_type: of `data`.
        timeout: milliseconds for the server's whole answer.
        unverified_tls: True lets the modem do "https://...": anybody on the way can read and answer it.
        Returns a Response. Redirections are not followed.
        Raises HTTPError, and what Bearer.open() raises.
        """
        secure = _check(method, url, data, unverified_tls)
        check_timeout(timeout)
        length, pieces = _body(data)
        parameters = _parameters(url, headers, content_type if length else None)
        parameters["TIMEOUT"] = min(1000, max(30, timeout // 1000 + 1))
        hold = await self._turn.acquire("an HTTP request", 2 * timeout)
        try:
            await self._bearer.open()
            await self.release()
            response = None
            try:
                response = await self._ask(
                    _METHODS.index(method), parameters, length, pieces, secure, timeout
                )
            finally:
                if response is None:
                    await self.release()
            self._response = response
            return response
        finally:
            self._turn.release(hold)

    async def release(self, response=None):
        """Let the modem forget request and body; with `response` only if it is of that one."""
        if response not in (None, self._response):
            return
        self._response = None
        try:
            await self._line.try_command("AT+HTTPTERM")  # nothing was begun, or there is worse
        except ATTimeout:
            pass

    async def read_body(self, response, at, into):
        """Have the modem send a part of the body into a buffer, from `at`. False if it was damaged."""
        if self._response is not response:
            raise HTTPError("the response was closed before its body was read")
        command = "AT+HTTPREAD={},{}".format(at, len(into))
        try:
            lines = await self._line.command(command, "+HTTPREAD:", into=into, doubt=False)
            return len(lines) > 1 and fields(lines[0])[0] == str(len(into))
        except (ATError, ATTimeout):
            return False

    async def _ask(self, action, parameters, length, pieces, secure, timeout):
        line = self._line
        await line.command("AT+HTTPINIT")
        for name, value in parameters.items():
            form = 'AT+HTTPPARA="{}",{}' if isinstance(value, int) else 'AT+HTTPPARA="{}","{}"'
            await line.command(form.format(name, value))
        if secure:
            try:
                await line.command("AT+HTTPSSL=1")
            except ATError:
                raise HTTPError("this modem's firmware has no TLS for HTTP: use PPP")
        if length:
            await self._upload(length, pieces)
        self._count(_EXCHANGE + len(str(parameters)) + length)
        try:
            urc = await line.command_and_urc(
                "AT+HTTPACTION={}".format(action), "+HTTPACTION: {},".format(action), timeout
            )
        except ATTimeout:
            raise HTTPError("no answer from the server within {} s".format(timeout // 1000))
        try:
            _, status, length = map(int, fields(urc))
        except ValueError:
            raise HTTPError('the modem\'s "{}" cannot be read: try again'.format(urc))
        if status >= 600:
            why = dict(_FAILURES).get(status, "the modem gives no reason: try again")
            raise HTTPError("the request failed ({}): {}".format(status, why), status)
        self._count(length)
        headers = await self._headers()
        return Response(self, status, headers, length)

    def _count(self, count):
        self._bearer.count(count * 21 // 20)  # a packet in 1400 bytes, and its acknowledgement

    async def _upload(self, length, pieces):
        # The modem takes it in for twice the time the line needs (M 11.2.3). Where bytes were lost it would wait for
        # them to the end, then say OK all the same.
        time = min(120000, 5000 + length * 20000 // self._line.rate)
        try:
            await self._line.command(
                "AT+HTTPDATA={},{}".format(length, time),
                timeout=3000,
                data=pieces,
                prompt=b"DOWNLOAD",
            )
        except (ATTimeout, ConfigError) as error:
            await wait(time)  # until then it takes commands for data
            if isinstance(error, ConfigError):
                raise
            raise HTTPError("the body did not reach the modem whole: try again")

    async def _headers(self):
        head = bytearray(_HEAD)
        try:
            lines = await self._line.command("AT+HTTPHEAD", "+HTTPHEAD:", into=head, doubt=False)
        except (ATError, ATTimeout):
            return {}  # firmware without it, or damaged
        if len(lines) < 2:
            return {}
        return parse_headers(head[: int(fields(lines[0])[0])])


class Response(Async):
    """A server's answer: `status_code`, `headers` (dict), `length` of the body in bytes.

    The modem holds the body until close() or the next request; read it in pieces, in a loop over the
    response, or whole by `content`. What the line has lost is read again, by its count; AT has no checksum.
    """

    PROPERTIES = ("content",)  # where it blocks

    def __init__(self, http, status_code, headers, length):
        self._http = http
        self.status_code = status_code
        self.headers = headers
        self.length = length
        self._at = 0
        self._whole = None

    async def readinto(self, buffer):
        """Read into `buffer`, at most 1024 bytes at once. Returns their number, 0 at the end. Raises HTTPError."""
        count = min(len(buffer), self.length - self._at, _READ)
        if count <= 0:
            return 0
        into = memoryview(buffer)[:count]
        for _ in range(_TRIES):
            if await self._http.read_body(self, self._at, into):
                self._at += count
                return count
        raise HTTPError("the modem does not give the rest of the body: ask the server again")

    async def read(self, size=-1):
        """The next `size` bytes, fewer at the end, or all that is left."""
        left = self.length - self._at
        data = bytearray(left if size is None or size < 0 else min(size, left))
        view = memoryview(data)
        while view:
            view = view[await self.readinto(view) :]
        return bytes(data)

    async def content(self):
        """All of the body that was not read before, kept; the modem is then free of it."""
        if self._whole is None:
            self._whole = await self.read()
            await self.close()
        return self._whole

    async def close(self):
        """Let the modem forget the body."""
        await self._http.release(self)

    def __aiter__(self):
        return self

    async def __anext__(self):
        piece = await self.read(_PIECE)
        if not piece:
            raise StopAsyncIteration
        return piece


def _check(method, url, data, unverified_tls):
    if method not in _METHODS:
        raise ConfigError("the modem can GET, POST and HEAD, not {!r}".format(method))
    if data is not None and method != "POST":
        raise ConfigError("only POST takes data")
    quoted(url, "the URL", 512)
    if " " in url:
        raise ConfigError("a URL must not contain blanks: write %20")
    if url.startswith("https://"):
        if unverified_tls is not True:
            raise ConfigError(
                "https is not for the modem: it speaks SSL 2, SSL 3 or TLS 1.0, which servers refuse, and checks "
                "no certificate. connect() and use requests; unverified_tls=True insists"
            )
        return True
    if not url.startswith("http://"):
        raise ConfigError('a URL begins with "http://"')
    return False


def _parameters(url, headers, content_type):
    # What AT+HTTPPARA is given.
    parameters = {"CID": 1, "URL": url}
    lines = []
    for name, value in (headers or {}).items():
        quoted(name, "a header's name", 100)
        quoted(value, "header " + name, 512)
        if "\\" in name + value or ":" in name:  # the modem takes \r\n for a line's end
            raise ConfigError(
                "header {} must be without backslashes, its name without ':'".format(name)
            )
        if name.lower() == "content-type":
            content_type = content_type and value
        elif name.lower() == "user-agent":
            parameters["UA"] = quoted(value, "User-Agent", 100)
        else:
            lines.append("{}: {}".format(name, value))
    if lines:
        parameters["USERDATA"] = quoted("\\r\\n".join(lines), "all headers together", 512)
    if content_type:
        parameters["CONTENT"] = quoted(content_type, "content_type", 100)
    return parameters


def _body(data):
    # Its length in bytes, and its pieces.
    if data is None:
        return 0, ()
    if isinstance(data, str):
        data = data.encode()
    if isinstance(data, (bytes, bytearray, memoryview)):
        length, pieces = len(data), (data,)
    elif hasattr(data, "readinto") and hasattr(data, "seek"):
        start = data.seek(0, 1)
        length = data.seek(0, 2) - start
        data.seek(start)
        pieces = _pieces(data, length)
    else:
        raise ConfigError(
            "data must be str, bytes or an open file, not {}".format(type(data).__name__)
        )
    if length > _MOST:
        raise ConfigError("{} bytes are more than the modem takes ({})".format(length, _MOST))
    return length, pieces


def _pieces(file, length):
    buffer = memoryview(bytearray(_PIECE))
    while length:
        count = file.readinto(buffer[: min(length, _PIECE)])
        if not count:
            raise ConfigError("the file has become shorter: {} bytes are missing".format(length))
        yield buffer[:count]
        length -= count


def parse_headers(head):
    """The lines `Name: value` of a response's head (bytes) as a dict."""
    headers = {}
    for line in bytes(head).split(b"\r\n")[1:-1]:
        colon = line.find(b":")
        if colon > 0:
            try:
                headers[str(line[:colon], "utf-8")] = str(line[colon + 1 :].strip(), "utf-8")
            except UnicodeError:
                pass
    return headers
