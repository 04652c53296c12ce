# A server's answer, to http1, as requests and aiohttp have it read. The first byte: method, size of the pieces that
# come, whether the connection ends. A redirect leads to the rest.
import errno

from host import Wire, words
from http1.client import fetch
from http1.errors import RequestException
from http1.message import unpack

METHODS = ("GET", "HEAD", "POST", "GET")
PIECES = (1 << 30, 1, 3, 100)
MOST = 30000


class Io:
    polite = False

    def __init__(self, wire):
        self.wire = wire

    async def wait(self, sock, flag, ms):
        raise OSError(errno.ETIMEDOUT)  # nothing more comes

    async def connect(self, stream, host, port):
        return self.wire


async def ask(how, data):
    io = Io(Wire(data, PIECES[how >> 2 & 3], not how & 16))
    body = b"x" * 10 if how & 3 == 2 else None
    answer = await fetch(io, None, METHODS[how & 3], "http://example.org/a/b?c", body)
    content = unpack(await answer.read(MOST), answer.headers, MOST)
    assert len(content) <= MOST and (how & 3 != 1 or not content), len(content)
    return f"{answer.status // 100} {len(answer.headers) > 3} {min(len(content), 3)} {len(answer.history)}"


def feed(data):
    if not data:
        return ""
    try:
        ask(data[0], data[1:]).send(None)
    except StopIteration as end:
        return end.value
    except RequestException as error:
        return words(error)
    raise RuntimeError("it waits for something else than the network")
