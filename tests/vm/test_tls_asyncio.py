"""TLS with asyncio."""

from network.air import PROFILES
from stand_in import TLS_SERVERS
from tls_board import BAD, UP, digest

ASYNC = """
import asyncio
async def fetch(host, context=True):
    reader, writer = await asyncio.open_connection(host, 443, ssl=context)
    writer.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])
"""


def test_asyncio_verifies_and_resumes(board, internet):
    begin = len(internet.servers.handshakes)
    hosts = {name: TLS_SERVERS[name] for name in ("https", "wronghost", "expired", "unknownca")}
    hosts |= {name: TLS_SERVERS[name] for name in ("closes", "tls11", "mutual")}
    played = board(
        UP
        + ASYNC
        + f"""
for name, host in {hosts}.items():
    tell(name, asyncio.run, fetch(host))
tell("again", asyncio.run, fetch("telemetry.example"))
tell("unverified", asyncio.run, fetch("selfsigned.example", ssl._create_unverified_context()))
pinned = ssl.create_default_context()
pinned.pin_keys({digest("p256")!r})
tell("pinned", asyncio.run, fetch("p256.example", pinned))
tell("wrong_pin", asyncio.run, fetch("telemetry.example", pinned))
"""
    )
    for name in hosts:
        assert played.value(name).startswith(BAD[name] + "|" if name in BAD else "ok|200"), name
    assert played.value("again") == "ok|200"
    assert [h.resumed for h in internet.servers.handshakes[begin:] if h.server == "https"][:2] == [
        False,
        True,
    ]
    assert played.value("unverified") == "ok|200"
    assert played.value("pinned") == "ok|200"
    assert played.value("wrong_pin").startswith("wrong key|")


def test_asyncio_does_several_handshakes_at_once(board):
    played = board(
        UP
        + ASYNC
        + f"""
context = ssl.create_default_context()
context.pin_keys({digest("intermediate")!r})
hosts = ("telemetry.example", "p256.example", "mqtt.example", "expired.example", "p384.example", "ids.example")
async def main():
    ticks = 0
    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep_ms(20)
    task = asyncio.create_task(tick())
    results = await asyncio.gather(*(fetch(host, context) for host in hosts), return_exceptions=True)
    task.cancel()
    for host, result in zip(hosts, results):
        print(host + "=%s" % getattr(result, "reason", result))
    print("ticks=%d" % ticks)
asyncio.run(main())
""",
        air=PROFILES["gprs"],
    )
    assert played.value("telemetry.example") == "200"
    assert played.value("mqtt.example") == "200"
    assert played.value("ids.example") == "200"
    assert played.value("p256.example") == "wrong key"
    assert played.value("p384.example") == "wrong key"
    assert played.value("expired.example") == "expired"
    assert int(played.value("ticks")) > 50


def test_asyncio_closes_the_socket_of_a_handshake_that_is_cancelled(board):
    played = board(
        UP
        + ASYNC
        + """
async def main():
    for i in range(12):  # more than there are sockets
        try:
            await asyncio.wait_for_ms(fetch("silent.example"), 500)
        except asyncio.TimeoutError:
            pass
    print("after=%d" % await fetch("telemetry.example"))
asyncio.run(main())
"""
    )
    assert played.value("after") == "200"


def test_each_of_many_handshakes_at_once_is_told_what_was_wrong(board):
    played = board(
        UP
        + ASYNC
        + """
async def main(context, host):
    results = await asyncio.gather(*(fetch(host, context) for _ in range(12)), return_exceptions=True)
    for result in results:
        print("%s=%s|%s" % (host, type(result).__name__, result))
context = ssl.create_default_context()
asyncio.run(main(context, "expired.example"))
asyncio.run(main(context, "telemetry.example"))
"""
    )
    lines = played.result.stdout.splitlines()
    expired = [line for line in lines if line.startswith("expired.example=")]
    assert len(expired) == 12
    assert all(
        "TLSError|the certificate of expired.example is expired" in line for line in expired
    )
    assert lines.count("telemetry.example=int|200") == 12


def test_a_wrong_key_is_not_told_of_another_connection(board):
    played = board(
        UP
        + f"""
context = ssl.create_default_context()
context.pin_keys({digest("intermediate")!r})

def begin(host):
    plain = socket.socket()
    plain.connect(socket.getaddrinfo(host, 443)[0][-1])
    plain.setblocking(False)
    return context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)

def finish(secure):
    while not context.continue_handshake(secure):
        time.sleep_ms(20)

names = ("mutual", "closes", "p256", "telemetry", "expired")
begun = [begin(name + ".example") for name in names]
for name, secure in reversed(list(zip(names, begun))):
    tell(name, finish, secure)
"""
    )
    assert played.value("expired").startswith("expired|")
    assert played.value("telemetry") == "ok|None"
    assert played.value("p256").startswith("wrong key|p256.example ")
    assert played.value("closes").startswith("closed|closes.example ")
    assert played.value("mutual").startswith("refused|mutual.example wants a client certificate")


def test_a_server_without_a_name_is_called_the_server(board):
    played = board(
        UP
        + """
def bare(host, at_once):
    context = ssl._create_unverified_context()
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect(socket.getaddrinfo(host, 443)[0][-1])
    secure = context.wrap_socket(plain, do_handshake_on_connect=at_once)
    while not at_once and not context.continue_handshake(secure):
        pass
    return secure.close()
for at_once in (True, False):
    tell("good%d" % at_once, bare, "telemetry.example", at_once)
    tell("closes%d" % at_once, bare, "closes.example", at_once)
"""
    )
    for at_once in "10":
        assert played.value("good" + at_once) == "ok|None"
        assert played.value("closes" + at_once).startswith(
            "closed|the server closed the connection"
        )
