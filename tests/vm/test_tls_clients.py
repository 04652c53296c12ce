"""Good and bad servers, through each library of the image that does TLS."""

import pytest
from real_servers import Broker
from stand_in import TLS_SERVERS
from tls_board import BAD, GOOD, TELL, UP, digest
from world import ROOT

MIP = ROOT / "build/src/micropython/lib/micropython-lib/python-ecosys/mip"

# visit(host, context): returns the status a server answers with. Without a context, by the library's own settings.
CLIENTS = {
    "requests": UP + "visit = get\n",
    "asyncio": UP
    + """
import asyncio

async def fetch(host, context):
    reader, writer = await asyncio.open_connection(host, 443, ssl=context)
    writer.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])

def visit(host, context=True):
    return asyncio.run(asyncio.wait_for(fetch(host, context), 15))
""",
    "pythings": TELL
    + """
from pythings_sim800 import Modem
modem = Modem()
modem.initialize()
modem.connect("internet")

def visit(host, context=None):
    Modem.ssl_context = context
    return modem.http_request("https://" + host + "/ip").status_code
""",
    # It takes no context.
    "mip": UP
    + f"""
import os, sys
sys.path.append({str(MIP)!r})
import mip

def visit(host):
    mip.install("https://" + host + "/ip?.py", target=".")
    os.remove("ip?.py")
    return 200
""",
    "umqtt": UP
    + """
from umqtt.simple import MQTTClient

def visit(host, context=True, port=443):
    client = MQTTClient(b"board", host, port, ssl=context)
    client.connect(timeout=15)
    client.publish(b"hive", host.encode(), qos=1)
    client.disconnect()
    return 200
""",
}

# asyncio waits as long as its caller does, so that it is the caller's timeout that ends it.
OWN_REASONS = {"asyncio": dict.fromkeys(("slow", "silent"), "TimeoutError")}


def hosts(names) -> str:
    return f"for name, host in { ({name: TLS_SERVERS[name] for name in names}) }.items():\n"


def test_no_server_was_forgotten():
    assert set(GOOD) | set(BAD) == set(TLS_SERVERS)
    assert len(BAD) >= 25


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "umqtt"])
def test_good_servers_are_accepted(board, client):
    played = board(CLIENTS[client] + hosts(GOOD) + "    tell(name, visit, host)")
    assert {name: played.value(name) for name in GOOD} == dict.fromkeys(GOOD, "ok|200")


@pytest.fixture
def brokers(internet, tmp_path, monkeypatch):
    """mosquitto at port 8883 of all good servers, with the certificate of each."""
    broker = Broker(tmp_path, GOOD)
    for name, port in broker.ports.items():
        address = internet.names[TLS_SERVERS[name]]
        monkeypatch.setitem(internet.routes, (address, 8883), port)
    try:
        broker.wait_until_up()
        yield broker
    finally:
        broker.stop()


def test_good_brokers_are_accepted(board, brokers):
    played = board(CLIENTS["umqtt"] + hosts(GOOD) + "    tell(name, visit, host, port=8883)")
    assert {name: played.value(name) for name in GOOD} == dict.fromkeys(GOOD, "ok|200")
    assert brokers.log().count("Received PUBLISH") == len(GOOD)


@pytest.mark.parametrize("client", CLIENTS)
def test_bad_servers_are_refused_each_for_its_reason(board, client):
    # These wait for a minute, whatever their caller wants.
    speed = 40.0 if client in ("pythings", "mip") else 10.0
    played = board(CLIENTS[client] + hosts(BAD) + "    tell(name, visit, host)", speed=speed)
    reasons = {name: played.value(name).partition("|")[0] for name in BAD}
    own = OWN_REASONS.get(client, {})
    assert reasons == BAD | own
    for name in set(BAD) - set(own):
        assert TLS_SERVERS[name] in played.value(name)  # which server it is about


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "mip"])
def test_a_server_whose_key_is_not_pinned_is_refused(board, client):
    played = board(
        CLIENTS[client]
        + f"""
import ssl
context = ssl.create_default_context()
context.pin_keys({digest("p256")!r}, {digest("client-root")!r})
tell("revoked", visit, "telemetry.example", context)
tell("impostor", visit, "impostor.example", context)
"""
    )
    assert played.value("revoked").startswith("wrong key|telemetry.example has none of the pinned")
    assert played.value("impostor").startswith("wrong key|impostor.example has none of the pinned")
