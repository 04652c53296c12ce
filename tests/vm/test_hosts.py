"""Host names: all that take one refuse the same ones, send the same form of the others, and show none raw."""

import datetime

import pytest
from http_peer import HOST as WEB
from http_peer import KEEP, answer
from tls_board import TELL
from tls_peer import ADDRESS, HOST, UP, party

BAD = (
    "device.example\0.evil.example",
    "device.example\n",
    "device .example",
    "device..example",
    "\u202edevice.example",
    "d" * 64 + ".example",
    ".".join(["d" * 60] * 5),
    "1.2.3",
    "::1",
)
READY = """
import asyncio, requests, aiohttp, socket, ssl
from nettime import ntp
from umqtt.simple import MQTTClient
async def visit(url):
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as reply:
            await reply.read()
class Stream:  # that nobody may use
    def read(self): pass
    def readinto(self): pass
    def write(self): pass
    def ioctl(self): pass
    def setblocking(self): pass
secure = ssl.create_default_context()
"""


def test_what_is_no_host_is_refused_before_anything_is_sent(play, roots, bundle):
    takers = {
        "getaddrinfo": "socket.getaddrinfo(host, 80)",
        "resolve": "nic.resolve(host)",
        "await": "asyncio.run(socket.resolve(host))",
        "stream": "asyncio.run(asyncio.open_connection(host, 80))",
        "requests": 'requests.get("http://" + host + "/")',
        "https": 'requests.get("https://" + host + "/")',
        "aiohttp": 'asyncio.run(visit("http://" + host + "/"))',
        "mqtt": 'MQTTClient("id", host).connect()',
        "ntp": "ntp.query(host)",
        "ssl": "secure.wrap_socket(socket.socket(), server_hostname=host)",
        "raw": "context.wrap_socket(socket.socket(), server_hostname=host)",
    }
    calls = "\n".join(
        f"    refused({name!r}, lambda: {call})" for name, call in takers.items() if name != "raw"
    )
    played = play(
        UP
        + READY
        + f"""
def refused(name, call):
    before = nic.stats().tx
    try:
        call()
        print("%s|ok" % name)
    except Exception as error:
        print("%s|%s|%d|%s" % (name, type(error).__name__, nic.stats().tx - before, error))
for host in {BAD!r}:
{calls}
try:
    {takers["raw"].replace("host)", repr(BAD[0]) + ")")}
except Exception as error:
    print("raw=%r" % error)
""",
        env=bundle,
    )
    told = [line.split("|", 3) for line in played.lines if "|" in line]
    assert len(told) == len(BAD) * (len(takers) - 1)
    for name, kind, sent, words in told:
        assert (kind, sent) == ("ValueError", "0"), (name, words)
        assert words.isascii() and words.isprintable()
        if "host, or" not in words and "port" not in words:  # in a URL "::1" is something else
            assert '" is no host: ' in words, words
    assert played.value("raw") == "ValueError('NUL in server_hostname',)"


def test_a_name_that_is_not_ascii(play, roots, bundle, serve, peer, internet):
    """Asked for, shown to the server, and checked in its certificate as an A-label."""
    name = "xn--bcher-kva.example"
    seen = []
    server = serve(party(name, roots["known"]), port=8443)
    server.context.sni_callback = lambda _, host, __: seen.append(host)
    peer.paths = {"/": [answer(b"ok"), KEEP]}
    played = play(
        UP
        + READY
        + f"""
print("http=" + requests.get("http://b\\xfccher.example/").url)
asyncio.run(visit("http://B\\xdcCHER.example./"))
plain = socket.socket()
plain.connect(socket.getaddrinfo("b\\xfccher.example", 80)[0][-1])
plain.close()
plain = socket.socket()
plain.connect(({ADDRESS!r}, 8443))
tls = secure.wrap_socket(plain, server_hostname="B\\xfccher.example")
tls.write(b"hello\\n")
print("tls=" + tls.readline().decode())
""",
        env=bundle,
        names={**internet.names, name: internet.names[WEB]},
    )
    assert played.value("http") == f"http://{name}/"
    assert played.value("tls") == "full"
    assert [request.names["host"] for request in peer.seen] == [name, name]
    assert seen == [name]
    assert played.journal.seen("dns", name)


ENDED = datetime.datetime(2024, 2, 1, tzinfo=datetime.UTC)
HOSTILE = 'a\nOK\x1b[31m\x7f"\\'


@pytest.mark.parametrize("where", ["names", "issuer", "signer"])
def test_a_certificate_writes_nothing_of_its_own(play, roots, bundle, serve, where):
    """What it says comes in the error's sentence, with what could pretend, hide or colour escaped."""
    subject = HOSTILE + "\u202e\xfc"
    if where == "names":
        chain = [party(HOST, roots["known"], names=(HOSTILE, "other.example"))]
    elif where == "issuer":
        chain = [party(HOST, party(subject, ca=True))]
    else:
        signer = party(subject, roots["known"], ca=True, until=ENDED)
        chain = [party(HOST, signer), signer]
    serve(*chain, port=1)
    played = play(
        UP
        + TELL
        + """
import ssl
context = ssl.create_default_context()
try:
    open_tls(1, context)
except ssl.SSLError as error:
    print("repr=%r" % error)
    print("text=" + str(error))
    print("fields=%r" % ((error.names, error.issuer),))
""",
        env=bundle,
    )
    lines = played.result.stdout.split("\n")
    (text,) = [line for line in lines if line.startswith("text=")]
    assert text.isascii() and text.isprintable()
    assert "\\n" in text or where != "names"
    assert "OK" in text
    assert not any(line.startswith("OK") for line in lines)
