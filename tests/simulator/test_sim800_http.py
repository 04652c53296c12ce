"""The modem's own HTTP client over AT+SAPBR, to real servers on the loopback, in scaled real time."""

import asyncio
import hashlib
import itertools
import ssl
import termios
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network.air import GPRS, Air
from network.certificates import make
from network.servers import Servers, pattern
from network.sockets import only_tls10
from sim800.http_client import (
    BODY_LIMIT,
    BadURL,
    NotHTTP,
    Reader,
    Response,
    TooBig,
    parse_url,
    request,
)
from sim800.scenario import APN
from sim800_rig import LiveRig, PtyRig, modem_test, scenario
from stand_in import CERTIFICATES

HOST = "203.0.113.5"
READY = scenario(modem={"echo": False, "ipr": 115200})


class Server:
    """Answers each request with what `replies` has for its path; keeps the requests."""

    def __init__(self, replies, context=None):
        self.replies, self.context = replies, context
        self.requests = []
        self.writers = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self.context, limit=1 << 20
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader, writer):
        self.writers.append(writer)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:] if line)
            body = await reader.readexactly(int(headers.get("Content-Length", 0)))
        except (asyncio.IncompleteReadError, OSError):
            return
        method, path, _ = lines[0].split(" ")
        self.requests.append((method, path, headers, body))
        reply = self.replies.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        if reply is None:
            return  # silence
        writer.write(reply)
        writer.close()


@asynccontextmanager
async def served(replies=None, setup=READY, speed=20.0, context=None, port=80):
    """A modem with an open bearer and AT+HTTPINIT done, and the server web.example it can reach."""
    async with Server(replies or {}, context) as server:
        setup = scenario(
            setup,
            names={"web.example": HOST, "dark.example": "", **setup.names},
            routes={(HOST, port): server.port, (HOST, 9): 0, **setup.routes},
        )
        async with LiveRig(setup, speed) as rig:
            await prepare(rig)
            yield rig, server


async def prepare(rig):
    assert await rig.ask("+CMEE=1") == "OK"
    assert await rig.ask('+SAPBR=3,1,"APN","internet";+SAPBR=1,1') == "OK"
    assert await rig.ask('+HTTPINIT;+HTTPPARA="CID",1') == "OK"


async def get(rig, url, method=0):
    """Do AT+HTTPACTION; returns status and length of its URC."""
    assert await rig.ask(f'+HTTPPARA="URL","{url}"') == "OK"
    assert await rig.ask(f"+HTTPACTION={method}") == "OK"
    return await done(rig, method)


async def done(rig, method=0):
    await rig.until(f"\r\n+HTTPACTION: {method},".encode())
    return tuple(map(int, (await rig.until(b"\r\n")).decode().split(",")))


async def content(rig, command="+HTTPREAD"):
    """What AT+HTTPREAD gives."""
    rig.line.feed(f"AT{command}\r".encode())
    name = command.split("=")[0]
    assert await rig.until(f"\r\n{name}: ".encode()) == f"\r\n{name}: ".encode()
    size = int(await rig.until(b"\r\n"))
    while len(rig.line.output) < size + 6:
        await asyncio.sleep(0.001)
    answer = rig.take()
    assert answer[size:] == b"\r\nOK\r\n"
    return answer[:size]


def answer(body=b"", status="200 OK", **headers):
    headers.setdefault("Content_Length", len(body))
    lines = [f"{k.replace('_', '-')}: {v}" for k, v in headers.items() if v is not None]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def live(function):
    def test():
        asyncio.run(asyncio.wait_for(function(), 60))

    test.__name__, test.__doc__ = function.__name__, function.__doc__
    return test


# -- the order of commands --------------------------------------------------------------------


@modem_test(READY)
async def test_everything_needs_httpinit(rig):
    await rig.say("AT+CMEE=1\r")
    for command in (
        '+HTTPPARA="CID",1',
        "+HTTPPARA?",
        "+HTTPDATA=1,1000",
        "+HTTPACTION=0",
        "+HTTPREAD",
        "+HTTPREAD=0,1",
        "+HTTPHEAD",
        "+HTTPSTATUS?",
        "+HTTPSSL=1",
        "+HTTPSSL?",
        "+HTTPTERM",
    ):
        assert await rig.say(f"AT{command}\r") == b"\r\n+CME ERROR: 3\r\n", command
    assert await rig.say("AT+HTTPINIT\r") == b"\r\nOK\r\n"
    assert await rig.say("AT+HTTPINIT\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+HTTPTERM\r") == b"\r\nOK\r\n"
    assert await rig.say("AT+HTTPTERM\r") == b"\r\n+CME ERROR: 3\r\n"
    assert await rig.say("AT+HTTPINIT\r") == b"\r\nOK\r\n"


@modem_test(READY)
async def test_parameters(rig):
    await rig.say("AT+HTTPINIT\r")
    for command in (
        '"CID",1',
        '"URL","www.sim.com/x?y=1"',
        '"ua","mine"',
        '"PROIP","10.0.0.172"',
        '"PROPORT",8080',
        '"REDIR",1',
        '"BREAK",5',
        '"BREAKEND",10',
        '"TIMEOUT",30',
        '"CONTENT","text/plain"',
        '"USERDATA","X-Key: hush"',
    ):
        assert await rig.say(f"AT+HTTPPARA={command}\r") == b"\r\nOK\r\n", command
    assert await rig.say("AT+HTTPPARA?\r") == (
        b"\r\n+HTTPPARA:\r\nCID: 1\r\nURL: www.sim.com/x?y=1\r\nUA: mine\r\nPROIP: 10.0.0.172\r\n"
        b"PROPORT: 8080\r\nREDIR: 1\r\nBREAK: 5\r\nBREAKEND: 10\r\nTIMEOUT: 30\r\n"
        b"CONTENT: text/plain\r\nUSERDATA: X-Key: hush\r\n\r\nOK\r\n"
    )
    assert "hush" not in "\n".join(map(str, rig.journal.entries))
    for command in (
        '"CID",0',
        '"CID",4',
        '"CID","1"',
        "CID,1",
        '"URL",www.sim.com',
        '"URL"',
        '"TIMEOUT",29',
        '"TIMEOUT",1001',
        '"REDIR",2',
        '"COLOUR","red"',
        '"URL","a","b"',
    ):
        assert await rig.say(f"AT+HTTPPARA={command}\r") == b"\r\nERROR\r\n", command
    await rig.say("AT+HTTPTERM\r")
    await rig.say("AT+HTTPINIT\r")
    assert b"URL: \r\nUA: SIMCOM_MODULE\r\n" in await rig.say("AT+HTTPPARA?\r")


@modem_test(READY)
async def test_test_forms(rig):
    for command, form in (
        ("+HTTPINIT", b""),
        ("+HTTPPARA", b'\r\n+HTTPPARA: "HTTPParamTag","HTTPParaValue"\r\n'),
        ("+HTTPDATA", b"\r\n+HTTPDATA: (0-319488),(1000-120000)\r\n"),
        ("+HTTPACTION", b"\r\n+HTTPACTION: (0-2)\r\n"),
        ("+HTTPREAD", b"\r\n+HTTPREAD: (0-319488),(1-319488)\r\n"),
        ("+HTTPSSL", b"\r\n+HTTPSSL: (0-1)\r\n"),
        ("+CIPSSL", b"\r\n+CIPSSL: (0-1)\r\n"),
    ):
        assert await rig.say(f"AT{command}=?\r") == form + b"\r\nOK\r\n", command


@modem_test(scenario(READY, modem={"profile": "R13.08"}))
async def test_old_firmware_has_no_tls(rig):
    await rig.say("AT+CMEE=1;+HTTPINIT\r")
    for command in ("+HTTPSSL=1", "+HTTPSSL=?", "+CIPSSL=?"):
        assert await rig.say(f"AT{command}\r") == b"\r\n+CME ERROR: 100\r\n"


@modem_test(READY)
async def test_action_wants_url_and_cid(rig):
    await rig.say("AT+CMEE=1;+HTTPINIT\r")
    assert await rig.say("AT+HTTPACTION=0\r") == b"\r\n+CME ERROR: 3\r\n"
    await rig.say('AT+HTTPPARA="URL","web.example"\r')
    assert await rig.say("AT+HTTPACTION=0\r") == b"\r\n+CME ERROR: 3\r\n"
    await rig.say('AT+HTTPPARA="CID",1\r')
    assert await rig.say("AT+HTTPACTION=3\r") == b"\r\n+CME ERROR: 765\r\n"
    # the bearer is not open
    assert await rig.say("AT+HTTPACTION=0\r", 1) == b"\r\nOK\r\n\r\n+HTTPACTION: 0,601,0\r\n"
    assert await rig.say("AT+HTTPREAD\r") == b"\r\nOK\r\n"
    assert await rig.say("AT+HTTPHEAD\r") == b"\r\nOK\r\n"


# -- AT+HTTPDATA ------------------------------------------------------------------------------


@modem_test(scenario(READY, modem={"echo": True}))
async def test_data_counts_bytes(rig):
    await rig.say("AT+HTTPINIT\r")
    command = "AT+HTTPDATA=5,5000\r"
    assert await rig.say(command + "\n") == command.encode() + b"\r\nDOWNLOAD\r\n"
    # neither the line feed before the prompt counts, nor does anything end it early, nor is it echoed
    assert await rig.say(b"\x1a\r\nA", 1) == b""
    assert await rig.say(b"TAT\r") == b"\r\nOK\r\nAT\r\r\nOK\r\n"
    assert rig.modem.http.data == b"\x1a\r\nAT"


@modem_test(READY)
async def test_data_not_sent_in_time(rig):
    await rig.say("AT+HTTPINIT\r")
    assert await rig.say("AT+HTTPDATA=5,1000\r", 0.5) == b"\r\nDOWNLOAD\r\n"
    assert await rig.say("abc", 0.4) == b""
    assert await rig.say("", 0.2) == b"\r\nOK\r\n"
    assert rig.modem.http.data == b"abc"
    assert await rig.say("AT\r") == b"\r\nOK\r\n"


@modem_test(READY)
async def test_data_limits(rig):
    await rig.say("AT+HTTPINIT\r")
    for bad in ("319489,1000", "1,999", "1,120001", "1", "", "-1,1000", '"1",1000', "1,1000,1"):
        assert await rig.say(f"AT+HTTPDATA={bad}\r") == b"\r\nERROR\r\n", bad
    assert await rig.say("AT+HTTPDATA=0,1000\r") == b"\r\nDOWNLOAD\r\n\r\nOK\r\n"
    await rig.say("AT+HTTPDATA=319488,120000\r")
    assert await rig.say(bytes(319487), 1) == b""
    assert await rig.say(b"x") == b"\r\nOK\r\n"


@modem_test(READY)
async def test_reset_while_data_is_awaited(rig):
    await rig.say("AT+HTTPINIT\r")
    await rig.say("AT+HTTPDATA=5,5000\r")
    rig.modem.inject("modem_reset")
    assert b"OK" not in await rig.say("abcde", 10)
    assert rig.modem.http is None


# -- requests and answers ---------------------------------------------------------------------


@live
async def test_get():
    body = bytes(range(256)) * 3
    async with served({"/x?y=1": answer(body, Content_Type="image/png")}) as (rig, server):
        assert await get(rig, "http://web.example/x?y=1") == (200, 768)
        assert await content(rig) == body
        assert await content(rig, "+HTTPREAD=10,20") == body[10:30]
        assert await content(rig, "+HTTPREAD=760,20") == body[760:]
        assert await rig.ask("+HTTPREAD=768,1") == "OK"
        assert await rig.ask("+HTTPREAD=0,0") == "+CME ERROR: 765"
        assert await content(rig, "+HTTPHEAD") == (
            b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 768\r\n\r\n"
        )
        assert await rig.ask("+HTTPSTATUS?") == "+HTTPSTATUS: GET,0,0,0"
        assert server.requests == [
            (
                "GET",
                "/x?y=1",
                {
                    "Accept": "*/*",
                    "Connection": "Keep-Alive",
                    "Host": "web.example",
                    "User-Agent": "SIMCOM_MODULE",
                },
                b"",
            )
        ]
        assert await get(rig, "web.example") == (404, 0)  # what was read is gone
        assert await rig.ask("+HTTPREAD") == "OK"


@live
async def test_post():
    async with served({"/in": answer(b"taken", "201 Created")}) as (rig, server):
        await rig.ask('+HTTPPARA="CONTENT","application/json"')
        await rig.ask(r'+HTTPPARA="USERDATA","X-A: 1\r\nX-B: 2"')
        rig.line.feed(b"AT+HTTPDATA=7,5000\r")
        await rig.until(b"DOWNLOAD\r\n")
        rig.line.feed(b'{"a":1}')
        await rig.until(b"\r\nOK\r\n")
        assert await get(rig, "web.example/in", 1) == (201, 5)
        assert await content(rig) == b"taken"
        method, _, headers, body = server.requests[0]
        assert (method, body) == ("POST", b'{"a":1}')
        assert headers["Content-Type"] == "application/json"
        assert (headers["X-A"], headers["X-B"]) == ("1", "2")


@live
async def test_head():
    async with served({"/x": answer(Content_Length=1000)}) as (rig, server):
        assert await get(rig, "web.example/x", 2) == (200, 0)
        assert server.requests[0][0] == "HEAD"
        assert (await content(rig, "+HTTPHEAD")).endswith(b"Content-Length: 1000\r\n\r\n")
        assert await rig.ask("+HTTPREAD") == "OK"


@live
async def test_redirect_only_if_wanted():
    replies = {
        "/old": answer(b"moved", "301 Moved", Location="http://web.example/new"),
        "/new": answer(b"", "302 Found", Location="/newest"),
        "/newest": answer(b"here"),
        "/round": answer(b"r", "302 Found", Location="/round"),
    }
    async with served(replies) as (rig, server):
        assert await get(rig, "web.example/old") == (301, 5)
        await rig.ask('+HTTPPARA="REDIR",1')
        assert await get(rig, "web.example/old") == (200, 4)
        assert await content(rig) == b"here"
        assert await get(rig, "web.example/round") == (302, 1)
        assert [path for _, path, *_ in server.requests].count("/round") == 6


@live
async def test_answers_without_length():
    replies = {
        "/chunks": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
        b"\r\n5\r\nhello\r\n6;x=y\r\n, you!\r\n0\r\nX: y\r\n\r\n",
        "/close": b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    }
    async with served(replies) as (rig, _):
        assert await get(rig, "web.example/chunks") == (200, 11)
        assert await content(rig) == b"hello, you!"
        assert await get(rig, "web.example/close") == (200, 13)
        assert await content(rig) == b"until the end"
        assert await get(rig, "web.example/none") == (204, 0)


@live
async def test_range_and_proxy():
    async with served({"/": answer(b"ok"), "http://far.example:81/": answer(b"by proxy")}) as (
        rig,
        server,
    ):
        for start, end, wanted in ((5, 9, "bytes=5-9"), (5, 0, "bytes=5-"), (9, 5, "bytes=9-")):
            await rig.ask(f'+HTTPPARA="BREAK",{start};+HTTPPARA="BREAKEND",{end}')
            await get(rig, "web.example/")
            assert server.requests[-1][2]["Range"] == wanted
        await rig.ask('+HTTPPARA="BREAK",0;+HTTPPARA="BREAKEND",0')
        await rig.ask('+HTTPPARA="PROIP","web.example";+HTTPPARA="PROPORT",80')
        assert await get(rig, "http://far.example:81/") == (200, 8)
        assert server.requests[-1][2]["Host"] == "far.example:81"


@live
async def test_a_real_server_and_a_big_body():
    with Servers(CERTIFICATES) as servers:
        setup = scenario(READY, routes={(HOST, 81): servers.ports["http"]})
        async with served(setup=setup) as (rig, _):
            assert await get(rig, f"web.example:81/bytes/{BODY_LIMIT}") == (200, BODY_LIMIT)
            size = 30000
            pieces = [
                await content(rig, f"+HTTPREAD={at},{size}") for at in range(0, BODY_LIMIT, size)
            ]
            assert b"".join(pieces) == b"".join(pattern(BODY_LIMIT))
            assert await get(rig, f"web.example:81/bytes/{BODY_LIMIT + 1}") == (602, 0)
            assert await rig.ask("+HTTPREAD") == "OK"
            rig.line.feed(f"AT+HTTPDATA={BODY_LIMIT},120000\r".encode())
            await rig.until(b"DOWNLOAD\r\n")
            data = b"".join(pattern(BODY_LIMIT))
            rig.line.feed(data)
            await rig.until(b"\r\nOK\r\n")
            await get(rig, "web.example:81/upload", 1)
            assert hashlib.sha256(data).hexdigest().encode() in await content(rig)


def test_a_body_bigger_than_the_lines_buffer():
    body = b"".join(pattern(100_000))

    async def go():
        setup = scenario(READY, modem={"ipr": 460800})
        async with PtyRig(setup, baud=termios.B460800) as rig:
            rig.write(b"AT+HTTPINIT\r")
            await rig.until(b"OK\r\n")
            rig.modem.http.response = Response(200, b"", body)
            rig.write(b"AT+HTTPREAD\r")
            assert await rig.until(b"\r\n", 20) == b"\r\n"
            assert await rig.until(b"\r\n", 20) == b"+HTTPREAD: 100000\r\n"
            while len(rig.got) < len(body) + 6:
                await asyncio.sleep(0.001)
            assert rig.take() == body + b"\r\nOK\r\n"

    asyncio.run(asyncio.wait_for(go(), 60))


# -- what goes wrong --------------------------------------------------------------------------


@live
async def test_codes_of_failures():
    replies = {
        "/junk": b"SSH-2.0-OpenSSH\r\n",
        "/empty": b"",
        "/half": answer(b"half", Content_Length=1000),
        "/badchunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "/endless": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20000,
        "/more": b"HTTP/1.1 200 OK\r\n\r\n" + bytes(BODY_LIMIT + 1),
    }
    async with served(replies) as (rig, server):
        for url, code in (
            ("web.example/junk", 600),
            ("web.example/badchunk", 600),
            ("web.example/endless", 600),
            ("web.example/empty", 601),
            ("web.example/half", 601),
            ("web.example:82/", 601),  # nobody there
            ("web.example/more", 602),
            ("nowhere.example/", 603),
            ("https://web.example/", 603),  # without AT+HTTPSSL=1
            ("ftp://web.example/", 601),
        ):
            assert await get(rig, url) == (code, 0), url
            assert await rig.ask("+HTTPREAD") == "OK"
        assert len(server.requests) == 6


@live
async def test_no_answer_until_the_timeout():
    async with served({"/": None}, speed=100) as (rig, _):
        await rig.ask('+HTTPPARA="TIMEOUT",30')
        for url in ("web.example/", "web.example:9/"):
            start = rig.clock.now()
            assert await get(rig, url) == (601, 0)
            assert 29 < rig.clock.now() - start < 45
        start = rig.clock.now()
        await rig.ask('+HTTPPARA="TIMEOUT",1000')
        assert await get(rig, "dark.example/") == (603, 0)
        assert 29 < rig.clock.now() - start < 45


@live
async def test_busy_status_and_term():
    async with served({"/": None}) as (rig, server):
        await rig.ask('+HTTPPARA="URL","web.example/"')
        assert await rig.ask("+HTTPACTION=0") == "OK"
        while not server.requests:
            await asyncio.sleep(0.001)
        assert await rig.ask("+HTTPSTATUS?") == "+HTTPSTATUS: GET,1,0,0"
        assert await rig.ask("+HTTPPARA?") == "+CME ERROR: 3"
        assert await rig.ask("+HTTPDATA=1,1000") == "+CME ERROR: 3"
        assert await rig.ask("+HTTPREAD") == "OK"  # nothing yet, as seen
        assert await rig.ask("+HTTPACTION=2") == "OK"
        assert await done(rig, 2) == (604, 0)
        assert await rig.ask("+HTTPTERM") == "OK"
        await rig.clock.sleep(130)
        assert rig.take() == b""  # nothing more of it


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("pdp_deact", b"\r\n+SAPBR 1: DEACT\r\n\r\n+HTTPACTION: 0,601,0\r\n"),
        ("gprs_detach", b"\r\n+SAPBR 1: DEACT\r\n\r\n+HTTPACTION: 0,601,0\r\n"),
        ("carrier_lost", b"\r\n+HTTPACTION: 0,601,0\r\n"),
        ("undervoltage_off", b"\r\nUNDER-VOLTAGE POWER DOWN\r\n"),
    ],
)
def test_the_network_ends_it(fault, said):
    @live
    async def test():
        async with served({"/": None}, speed=50) as (rig, server):
            await rig.ask('+HTTPPARA="TIMEOUT",30;+HTTPPARA="URL","web.example/"')
            await rig.ask("+HTTPACTION=0")
            while not server.requests:
                await asyncio.sleep(0.001)
            rig.modem.inject(fault)
            await rig.clock.sleep(40)
            assert rig.take() == said

    test()


@live
async def test_closing_the_bearer_ends_it():
    async with served({"/": None}) as (rig, _):
        await rig.ask('+HTTPPARA="URL","web.example/"')
        await rig.ask("+HTTPACTION=0")
        assert await rig.ask("+SAPBR=0,1") == "OK"
        assert await done(rig) == (601, 0)


@live
async def test_a_lost_network_only_delays():
    async with served({"/": answer(b"late")}, speed=50) as (rig, _):
        await rig.ask('+HTTPPARA="URL","web.example/"')
        rig.modem.inject("registration_lost")
        await rig.ask("+HTTPACTION=0")
        await rig.clock.sleep(20)
        assert rig.take() == b""
        rig.modem.inject("registration_back")
        assert await done(rig) == (200, 4)


@live
async def test_a_status_by_fault():
    async with served({"/": answer(b"fine")}) as (rig, server):
        rig.modem.inject("http_ends", code=602)
        assert await get(rig, "web.example/") == (602, 0)
        assert not server.requests
        assert await get(rig, "web.example/") == (200, 4)


# -- the air ----------------------------------------------------------------------------------


@live
async def test_rates_delays_and_counts():
    body = bytes(20000)
    async with served({"/": answer(body)}, scenario(READY, air=GPRS), speed=30) as (rig, _):
        start = rig.clock.now()
        assert await get(rig, "web.example/") == (200, 20000)
        # name, connection and request are a round trip each; 20 KB at 40 kbit/s last 4 s
        assert 3 * 0.7 + 4 < rig.clock.now() - start < 15
        up, down = rig.modem.sockets.up.pipe, rig.modem.sockets.down.pipe
        assert 20000 < down.bytes < 22000
        assert 200 < up.bytes < 500 and up.packets == 3


@live
async def test_a_lossy_air_loses_time_only():
    air = Air("lossy", down=100_000, up=100_000, rtt=0.2, loss=0.2)
    body = b"".join(pattern(30000))
    async with served({"/": answer(body)}, scenario(READY, air=air), speed=50) as (rig, _):
        assert await get(rig, "web.example/") == (200, 30000)
        assert await content(rig) == body
        assert rig.modem.sockets.down.pipe.lost > 0


# -- TLS --------------------------------------------------------------------------------------


def old_tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make(CERTIFICATES) / "https.pem")
    only_tls10(context)
    return context


@live
async def test_tls_1_0_and_no_look_at_the_certificate():
    body = b"".join(pattern(40000))
    async with served({"/": answer(body)}, context=old_tls(), port=443) as (rig, server):
        assert await rig.ask("+HTTPSSL=1;+HTTPSSL?") == "+HTTPSSL: 1"
        for url in ("https://web.example/", "http://web.example/", "web.example"):
            assert await get(rig, url) == (200, 40000)
        assert await content(rig) == body
        assert server.requests[0][2]["Host"] == "web.example"


@live
async def test_a_modern_server_refuses_with_an_alert():
    with Servers(CERTIFICATES) as servers:
        ports = servers.ports
        setup = scenario(READY, routes={(HOST, 443): ports["https"], (HOST, 444): ports["tls10"]})
        async with served(setup=setup) as (rig, _):
            await rig.ask("+HTTPSSL=1")
            assert await get(rig, "https://web.example/ip") == (606, 0)
            assert await get(rig, "https://web.example:444/bytes/9") == (200, 9)


@live
async def test_tls_with_who_does_not_speak_it():
    async def talk(reader, writer):
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        setup = scenario(READY, routes={(HOST, 25): server.sockets[0].getsockname()[1]})
        async with served(setup=setup) as (rig, _):
            await rig.ask("+HTTPSSL=1")
            assert await get(rig, "web.example:25/") == (605, 0)


@live
async def test_plain_http_to_a_tls_server():
    async with served(context=old_tls(), port=443) as (rig, _):
        assert (await get(rig, "web.example:443/"))[0] in (600, 601)


# -- the bearer -------------------------------------------------------------------------------


@modem_test(READY)
async def test_bearer_parameters(rig):
    await rig.say('AT+SAPBR=3,2,"APN","internet"\r')
    await rig.say('AT+SAPBR=3,2,"USER","me"\r')
    assert await rig.say('AT+SAPBR=3,2,"PWD","hush"\r') == b"\r\nOK\r\n"
    assert await rig.say('AT+SAPBR=3,2,"RATE",3\r') == b"\r\nOK\r\n"
    assert await rig.say("AT+SAPBR=4,2\r") == (
        b"\r\n+SAPBR:\r\nCONTYPE: GPRS\r\nAPN: internet\r\nPHONENUM: \r\nUSER: me\r\nPWD: hush\r\n"
        b"RATE: 3\r\n\r\nOK\r\n"
    )
    assert "hush" not in "\n".join(map(str, rig.journal.entries))
    for bad in (
        '3,1,"APN"',
        "3,1,APN,internet",
        '3,1,"APN",internet',
        f'3,1,"APN","{65 * "a"}"',
        f'3,1,"USER","{33 * "a"}"',
        '3,1,"CONTYPE","LTE"',
        '3,1,"RATE",4',
        '3,1,"RATE","3"',
        '3,4,"APN","x"',
        "6,1",
        "2",
        "2,0",
        "2,1,1",
        "1,1,1",
    ):
        assert await rig.say(f"AT+SAPBR={bad}\r") == b"\r\nERROR\r\n", bad
    # all that is kept over a reset is what 5 stored
    await rig.say('AT+SAPBR=5,2;+SAPBR=3,2,"APN","other"\r')
    rig.modem.power.restart("test")
    await rig.wait(6)
    rig.take()
    assert b"APN: internet\r\n" in await rig.say("AT+SAPBR=4,2\r")


@modem_test(READY)
async def test_bearer_states(rig):
    closed, opened = b'"0.0.0.0"', b'"10.64.64.64"'
    assert await rig.say("AT+SAPBR=2,1\r") == b"\r\n+SAPBR: 1,3," + closed + b"\r\n\r\nOK\r\n"
    assert await rig.say("AT+SAPBR=0,1\r") == b"\r\nERROR\r\n"
    assert await rig.say('AT+SAPBR=3,1,"APN","internet";+SAPBR=1,1\r') == b"\r\nOK\r\n"
    assert await rig.say("AT+SAPBR=2,1\r") == b"\r\n+SAPBR: 1,1," + opened + b"\r\n\r\nOK\r\n"
    assert await rig.say("AT+SAPBR=2,2\r") == b"\r\n+SAPBR: 2,3," + closed + b"\r\n\r\nOK\r\n"
    assert await rig.say('AT+SAPBR=3,1,"APN","x"\r') == b"\r\nERROR\r\n"
    assert await rig.say("ATD*99#\r") == b"\r\nERROR\r\n"
    assert await rig.say("AT+SAPBR=1,1\r") == b"\r\nERROR\r\n"
    rig.modem.inject("pdp_deact")
    assert rig.take() == b"\r\n+SAPBR 1: DEACT\r\n"
    assert await rig.say("AT+SAPBR=2,1\r") == b"\r\n+SAPBR: 1,3," + closed + b"\r\n\r\nOK\r\n"
    await rig.say("AT+SAPBR=1,1\r")
    assert await rig.say("AT+CGATT=0\r") == b"\r\n+SAPBR 1: DEACT\r\n\r\nOK\r\n"


@modem_test(READY)
async def test_no_bearer_beside_ppp(rig):
    await rig.say('AT+SAPBR=3,1,"APN","internet"\r')
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    await rig.say("ATD*99#\r", 2)
    await rig.wait(1)
    await rig.say("+++", 1.2)
    assert await rig.say("AT+SAPBR=1,1\r") == b"\r\nERROR\r\n"
    await rig.say("ATH\r")
    assert await rig.say("AT+SAPBR=1,1\r") == b"\r\nOK\r\n"


def test_bearer_refused():
    radio = {"apns": {"internet": APN(user="me", password="open")}}

    @modem_test(scenario(READY, radio=radio), limit=200)
    async def test(rig):
        await rig.say("AT+CMEE=1\r")
        await rig.say('AT+SAPBR=3,1,"APN","unknown"\r')
        assert await rig.say("AT+SAPBR=1,1\r") == b"\r\n+CME ERROR: 148\r\n"
        await rig.say('AT+SAPBR=3,1,"APN","internet"\r')
        assert await rig.say("AT+SAPBR=1,1\r") == b"\r\n+CME ERROR: 149\r\n"
        await rig.say('AT+SAPBR=3,1,"USER","me";+SAPBR=3,1,"PWD","open"\r')
        rig.modem.inject("pdp_silent")
        assert await rig.say("AT+SAPBR=1,1\r", 84.9) == b""
        assert await rig.say("", 0.2) == b"\r\n+CME ERROR: 148\r\n"
        rig.modem.inject("pdp_silent", on=False)
        rig.modem.inject("registration_lost")
        assert await rig.say("AT+SAPBR=1,1\r") == b"\r\n+CME ERROR: 30\r\n"
        rig.modem.inject("registration_back")
        assert await rig.say("AT+SAPBR=1,1\r") == b"\r\nOK\r\n"

    test()


# -- the client's own parts -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tls", "expected"),
    [
        ("a.b", False, ("a.b", 80, "/")),
        ("http://a.b:81", False, ("a.b", 81, "/")),
        ("HTTP://a.b/c?d", False, ("a.b", 80, "/c?d")),
        ("a.b?d", True, ("a.b", 443, "/?d")),
        ("https://a.b/c:d@e", True, ("a.b", 443, "/c:d@e")),
        ("https://a.b/", False, ("https", 80, "/")),
    ],
)
def test_urls(text, tls, expected):
    url = parse_url(text, tls)
    assert (url.host, url.port, url.path) == expected


@pytest.mark.parametrize("text", ["", "/", "http://", "a:b", "a:0", "a:99999", "u:p@h/", "a b/c"])
def test_no_urls(text):
    with pytest.raises(BadURL):
        parse_url(text, False)


class Pieces:
    def __init__(self, data, sizes):
        self.data, self.sizes = data, itertools.cycle(sizes)

    async def read(self):
        size = next(self.sizes)
        piece, self.data = self.data[:size], self.data[size:]
        return piece


def read(data, sizes=(1000,), method="GET"):
    return asyncio.run(Reader(Pieces(data, sizes), lambda *_: None).response(method))


@given(
    st.binary(max_size=3000),
    st.sampled_from(["length", "chunks", "close"]),
    st.lists(st.integers(1, 700), min_size=1, max_size=9),
)
def test_a_body_survives_any_pieces(body, kind, sizes):
    if kind == "length":
        data = answer(body)
    elif kind == "close":
        data = answer(body, Content_Length=None)
    else:
        pieces = [body[at : at + sizes[0]] for at in range(0, len(body), sizes[0])]
        data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
        data += b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in [*pieces, b""])
    assert read(data, sizes).body == body


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_any_bytes_end_in_an_answer_or_an_error(data, sizes):
    for prefix in (b"", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with suppress(NotHTTP, TooBig, ConnectionError):
            read(prefix + data, sizes)


def test_a_request_is_one():
    assert request("POST", "/x", "h", ["A: b"], b"body") == (
        b"POST /x HTTP/1.1\r\nAccept: */*\r\nConnection: Keep-Alive\r\nContent-Length: 4\r\n"
        b"Host: h\r\nA: b\r\n\r\nbody"
    )
