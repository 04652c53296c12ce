"""Good and bad servers, through each library of the image that does TLS."""

import pytest
from stand_in import TLS_SERVERS
from tls_board import BAD, GOOD, TELL, UP

# visit(host): returns the status a server answers with.
CLIENTS = {
    "requests": UP + "visit = get\n",
    "asyncio": UP
    + """
import asyncio

async def fetch(host):
    reader, writer = await asyncio.open_connection(host, 443, ssl=True)
    writer.write(b"GET /ip HTTP/1.0\\r\\n\\r\\n")
    await writer.drain()
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(line.split()[1])

def visit(host):
    return asyncio.run(asyncio.wait_for(fetch(host), 8))
""",
    "pythings": TELL
    + """
from pythings_sim800 import Modem
modem = Modem()
modem.initialize()
modem.connect("internet")

def visit(host):
    return modem.http_request("https://" + host + "/ip").status_code
""",
}

# asyncio waits as long as its caller does, so that it is the caller's timeout that ends it.
OWN_REASONS = {"asyncio": dict.fromkeys(("slow", "silent"), "TimeoutError")}


def hosts(names) -> str:
    return f"for name, host in {({name: TLS_SERVERS[name] for name in names})}.items():\n"


def test_no_server_was_forgotten():
    assert set(GOOD) | set(BAD) == set(TLS_SERVERS)
    assert len(BAD) >= 25


@pytest.mark.parametrize("client", CLIENTS)
def test_good_servers_are_accepted(board, client):
    played = board(CLIENTS[client] + hosts(GOOD) + "    tell(name, visit, host)")
    assert {name: played.value(name) for name in GOOD} == dict.fromkeys(GOOD, "ok|200")


@pytest.mark.parametrize("client", CLIENTS)
def test_bad_servers_are_refused_each_for_its_reason(board, client):
    played = board(CLIENTS[client] + hosts(BAD) + "    tell(name, visit, host)", timeout=180)
    reasons = {name: played.value(name).partition("|")[0] for name in BAD}
    own = OWN_REASONS.get(client, {})
    assert reasons == BAD | own
    for name in set(BAD) - set(own):
        assert TLS_SERVERS[name] in played.value(name)  # which server it is about
