"""One exchange after the other with servers: connections, redirects, what is sent again and what is not.

Written once for scripts that block and for asyncio. What differs is `io`, which the caller hands in:
    wait(sock, flag, ms): a coroutine that ends when poll() has `flag` (select.POLLIN or POLLOUT) for the socket; None
        ms: for ever; raises OSError(ETIMEDOUT).
    connect(stream, host, port): a coroutine that gives a connected socket that does not block.
    polite: whether wait() comes before each read and write, also where there is no need to.
"""

import errno
import select
import time

from micropython import const

from .asked import Asked
from .errors import (
    NOT_SENT,
    PARTIAL,
    REFUSED,
    UNKNOWN,
    RequestException,
    TooManyRedirects,
    explain,
)
from .message import Body, read_head

_SHORT = const(1024)  # what is worth reading for a connection's sake
_READ = const(4096)
_PIECE = const(256)
_INTERIM = const(20)  # answers 1xx before the answer
_LAST_S = const(15)  # for a connection to where the server was last
_IDLE_MS = const(60_000)  # no longer: a provider's NAT forgets a connection without a word
_LONGEST_S = const(400_000)  # that ticks_ms() can tell
_TWICE = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")  # may be done twice (RFC 9110 9.2.2)


def ticks_after(seconds):
    return time.ticks_add(time.ticks_ms(), int(min(seconds, _LONGEST_S) * 1000))


class Stream:
    """A connection's bytes. Each wait has an end, so has the step that is under way, and perhaps all together."""

    def __init__(self, io, key):
        self.io = io
        self.key = key  # what another request must have in common to use it
        self.peer = "{}:{}".format(key[1], key[2])
        self.sock = None
        self.error = None  # what a read or write has raised
        self.idle = None  # since then (ticks)

    def begin(self, connect, each, total, end):
        """A request begins. connect, each, total: seconds for a connection, a step, all; end: ticks when all is over."""
        self.connect_s, self.each_s, self._total_s, self._end = connect, each, total, end
        self.sent = self.heard = False
        self._part = None  # of a line that came early
        self.step(connect)

    def step(self, seconds):
        """Another step begins, with so many seconds for it (None: any time)."""
        self.seconds = seconds
        self._until = None if seconds is None else ticks_after(seconds)

    async def wait(self, flag):
        ms, now = None, time.ticks_ms()
        if self._until is not None:
            ms = time.ticks_diff(self._until, now)
        if self._end is not None:
            left = time.ticks_diff(self._end, now)
            if ms is None or left < ms:
                ms, self.seconds = left, self._total_s
        if ms is not None and ms <= 0:
            raise OSError(errno.ETIMEDOUT)
        await self.io.wait(self.sock, flag, ms)

    async def _do(self, flag, call, argument):
        try:
            if self.io.polite:
                await self.wait(flag)
            while (result := call(argument)) is None:
                await self.wait(flag)
            return result
        except ValueError as error:  # a context without continue_handshake() does not believe it
            self.error = RequestException("{} {}".format(self.peer, str(error).strip()))
        except OSError as error:
            self.error = error
        raise self.error

    async def open(self, context):
        scheme, host, port, _ = self.key
        last = None
        if scheme == "https":
            if context is None:
                import ssl

                context = ssl.create_default_context()
            # Where the server proved itself last, or else where its name leads.
            if hasattr(context, "last_address"):
                last = context.last_address(host, port)
        if last and last != host:
            self.step(_LAST_S if self.connect_s is None else min(_LAST_S, self.connect_s))
            try:
                return await self._open(last, port, context)
            except OSError:
                self.close()
                context.last_address(host, port, True)
                self.error = None
                self.step(self.connect_s)
        try:
            await self._open(host, port, context)
        except OSError as error:
            self.error = error
            raise

    async def _open(self, host, port, context):
        self.sock = plain = await self.io.connect(self, host, port)
        if self.key[0] == "https":
            self.step(self.connect_s)
            await self._secure(plain, context)

    async def _secure(self, plain, context):
        self.sock = secure = context.wrap_socket(
            plain, server_hostname=self.key[1], do_handshake_on_connect=False
        )
        secure.setblocking(False)
        # Without it the first write does the handshake.
        if go_on := getattr(context, "continue_handshake", None):
            try:
                while not go_on(secure):
                    await self.wait(select.POLLIN)
            except OSError as error:
                raise context.handshake_failed(secure, error)

    async def write(self, data):
        data = memoryview(data)
        while data:
            self.step(self.each_s)
            data = data[await self._do(select.POLLOUT, self.sock.write, data) :]

    async def line(self, most):
        line = self._part or b""
        self._part = None
        while not line.endswith(b"\n") and len(line) < most:
            piece = await self._do(select.POLLIN, self.sock.readline, _PIECE)
            if not piece:
                self.error = OSError(errno.ECONNRESET)
                raise self.error
            self.heard = True
            line += piece
        return line

    async def readinto(self, buffer):
        self.step(self.each_s)
        return await self._do(select.POLLIN, self.sock.readinto, buffer)

    def readable(self):
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))

    def answers(self):
        """Whether an answer has begun before the request's end. Does not wait."""
        try:
            if self.readable():
                self._part = self.sock.readline(_PIECE)
        except OSError as error:
            self.error = error
            raise
        self.heard = bool(self._part)
        return self.heard

    def close(self):
        if self.sock:
            self.sock.close()
            self.sock = None


class Pool:
    """The one connection that a session keeps."""

    def __init__(self):
        self._kept = None

    def take(self, key):
        kept, self._kept = self._kept, None
        if kept:
            fresh = time.ticks_diff(time.ticks_ms(), kept.idle) < _IDLE_MS
            try:
                # What can be read now is the server's goodbye.
                if kept.key == key and fresh and not kept.readable():
                    return kept
            except OSError:
                pass
            kept.close()

    def give(self, stream):
        self.close()
        stream.idle = time.ticks_ms()
        self._kept = stream

    def close(self):
        if self._kept:
            self._kept.close()
            self._kept = None


class Answer:
    """A server's answer: its head, and a body to be read."""

    def __init__(self, asked, stream, status, pool):
        self.status, self.reason, self.headers, persistent = status
        self.url = asked.url
        self.history = []
        self._stream = stream
        self._pool = pool
        self._whole = stream.sent
        self.body = Body(stream, asked.method, self.status, self.headers, persistent)
        if self.body.left == 0:
            self.close()

    async def readinto(self, buffer):
        """Read some of the body; 0 at the end, when the connection is given back. Raises RequestException."""
        if not self._stream:
            return 0
        try:
            got = await self.body.readinto(buffer)
        except OSError as error:
            raise self._broken(error)
        except BaseException:
            self._drop()
            raise
        if not got and len(buffer):
            self.close()
        return got

    async def read(self, most):
        """The whole body, or its rest; RequestException if that has more than `most` bytes, or does not fit."""
        blocks, total = [], 0
        try:
            while self._stream:
                if (self.body.length or 0) > most or total > most:
                    raise RequestException(
                        "the answer has more than {} bytes: read it with stream=True".format(most),
                        PARTIAL,
                    )
                block = memoryview(bytearray(min(_READ, self.body.length or _READ)))
                at = 0
                while at < len(block) and (got := await self.readinto(block[at:])):
                    at += got
                blocks.append(bytes(block[:at]))
                total += at
            return b"".join(blocks)
        except MemoryError:
            blocks = None
            raise self._broken(
                RequestException("the answer does not fit into the memory", PARTIAL)
            )

    def _broken(self, error):
        stream = self._stream
        self._drop()
        if not stream:
            return error
        return explain(error, stream.peer, PARTIAL, stream.seconds, self, self.body.received)

    @property
    def status_code(self):
        return self.status

    def _drop(self):
        if self._stream:
            self._stream.close()
            self._stream = None

    def close(self):
        """Give the connection back if the body is read and it can be of use, else close it."""
        stream, body = self._stream, self.body
        if stream and self._pool and self._whole and body.left == 0 and not body.last:
            self._pool.give(stream)
            self._stream = None
        self._drop()


async def _exchange(io, pool, asked, context, times):
    # One request and its answer's head.
    stream = pool and pool.take((asked.scheme, asked.host, asked.port, context))
    while True:
        kept = bool(stream)
        if not kept:
            stream = Stream(io, (asked.scheme, asked.host, asked.port, context))
        stream.begin(*times)
        try:
            if not kept:
                await stream.open(context)
            stream.step(stream.each_s)
            try:
                status = await asked.send(stream, pool)
            except OSError as error:
                # It may have said why before it hung up.
                if error is not stream.error or error.errno == errno.ETIMEDOUT:
                    raise
                try:
                    status = await read_head(stream)
                except OSError:
                    stream.error = error
                    raise error
            stream.step(stream.each_s)
            for _ in range(_INTERIM):
                if status and (status[0] >= 200 or status[0] == 101):
                    return Answer(asked, stream, status, pool)
                stream.heard = False  # an interim answer says nothing
                status = await read_head(stream)
            raise RequestException("the answer has more than 20 others before it", PARTIAL)
        except OSError as error:
            stream.close()
            if error is not stream.error and not isinstance(error, RequestException):
                raise  # the data's own
            # A kept connection may have ended unseen. What is not sent, or may be done twice, goes on a new one.
            if (
                kept
                and not stream.heard
                and error.errno != errno.ETIMEDOUT
                and (not stream.sent or asked.method in _TWICE)
                and asked.rewind()
            ):
                stream = None
                continue
            fate = PARTIAL if stream.heard else UNKNOWN if stream.sent else NOT_SENT
            raise explain(error, stream.peer, fate, stream.seconds)
        except BaseException:
            stream.close()
            raise


async def fetch(
    io,
    pool,
    method,
    url,
    data=None,
    json=None,
    headers=None,
    stream=False,
    auth=None,
    timeout=60,
    params=None,
    context=None,
    total=None,
    redirects=5,
):
    """Ask a server; returns its Answer, after at most so many redirects.

    io: see above; pool: a Pool, None: no connection is kept. timeout: seconds for each step (a connection, a
    handshake, some of the data to be taken, the whole head of an answer, some of its body), or (for the connection,
    for each other step); None: for ever. total: for all steps together, None: ten times as much, but for a body that
    is streamed. Raises RequestException; ValueError for what cannot be asked.
    """
    asked = Asked(method, url, params, data, json, headers, auth)
    connect, each = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if total is None and each is not None and not stream and not asked.streamed:
        total = 10 * each
    end = None
    if total is not None:
        end = ticks_after(total)
    history = []
    while True:
        answer = await _exchange(io, pool, asked, context, (connect, each, total, end))
        location = answer.headers.get("location")
        if not redirects or not location or answer.status not in (301, 302, 303, 307, 308):
            break
        if len(history) >= redirects:
            answer.close()
            raise TooManyRedirects(
                "more than {} redirects, the last from {}".format(
                    redirects, answer.url.partition("?")[0]
                ),
                REFUSED,
                None,
                answer,
            )
        if answer.body.length and answer.body.length <= _SHORT and not answer.body.last:
            await answer.read(_SHORT)  # so that the connection can be used again
        answer.close()
        history.append(answer)
        try:
            asked.redirect(answer.status, location)
        except ValueError as error:
            raise RequestException("redirected to where nobody can go: {}".format(error), REFUSED)
    answer.history = history
    return answer
