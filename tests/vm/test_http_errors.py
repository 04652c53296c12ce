"""What became of a request: every way it can fail, by each of the image's HTTP clients, with the words and the fields."""

import pytest
from http_peer import ADDRESS, HOLD, HOST, KEEP, RESET, answer, client, result, with_all
from network.internet import NOBODY

pytestmark = pytest.mark.real_time

SILENT = "203.0.113.92"
REFUSING = "203.0.113.93"


@pytest.fixture
def world(peer, internet, monkeypatch):
    """Hosts that nobody has, that are down, that refuse."""
    monkeypatch.setitem(internet.names, "silent.place", SILENT)
    monkeypatch.setitem(internet.names, "refusing.place", REFUSING)
    for port in (80, 443):
        monkeypatch.setitem(internet.routes, (SILENT, port), NOBODY)
    peer.paths = {
        "/": [answer(b"{}"), KEEP],
        "/vanish": [],
        "/reset": [RESET],
        "/silent": [HOLD],
        "/cut": [answer(b"x" * 1000)[:-500]],
    }
    return peer


@with_all()
def test_fates(board, world, entry, scheme):
    """Name, connection, answer, body: the sentence says what happened to the request, `fate` says it to a script."""
    places = {
        "name": "nowhere.example/",
        "unreachable": "refusing.place/",
        "down": "silent.place/",
        "vanish": f"{HOST}/vanish",
        "reset": f"{HOST}/reset",
        "silent": f"{HOST}/silent",
        "cut": f"{HOST}/cut",
    }
    timeout = "" if entry == "pythings" else ", timeout=5"
    played = board(
        client(entry)
        + f"for name, place in {list(places.items())!r}:\n"
        + f"    told(name, 'POST', '{scheme}://' + place, data=b'x'{timeout})\n",
        speed=40.0 if entry == "pythings" else 10.0,
    )
    fates = {
        "name": ("not sent", 'cannot resolve "nowhere.example"'),
        "unreachable": ("not sent", "refusing.place"),
        "down": ("not sent", "else try later" if entry == "pythings" else "did not answer within"),
        "vanish": ("may have arrived", "closed the connection too early: the request was sent, and may have arrived"),
        "reset": ("may have arrived", "closed the connection too early: the request was sent, and may have arrived"),
        "silent": ("may have arrived", "s: the request was sent, and may have arrived"),
        "cut": ("answered in part", "closed the connection too early: its answer broke off after 500 bytes of 1000"),
    }  # fmt: skip
    for name, (fate, words) in fates.items():
        found = result(played, name)
        if (name, entry) != ("name", "pythings"):  # asked anew for its sentence
            assert found["fate"] == fate, (name, found)
        assert words in found["text"], (name, found)
        assert found["oserror"], (name, found)
        assert places[name].partition("/")[0] in found["text"]
        assert not found["text"].startswith("[Errno"), (name, found)
    assert result(played, "name")["error"] == "NameNotFound"
    if entry != "pythings":
        assert result(played, "down")["error"] == "Timeout"
        assert result(played, "silent")["errno"] == result(played, "down")["errno"]
        assert (result(played, "cut")["status_code"], result(played, "cut")["received"]) == (
            200,
            500,
        )


@with_all("requests", "session", "aiohttp")
def test_statuses(board, peer, entry, scheme):
    """raise_for_status(): which refusals pass, which do not, and when to ask again."""
    date = "Date: Wed, 21 Oct 2026 07:27:00 GMT"
    refusals = {
        400: ("refused for good", None),
        401: ("refused for good", None),
        404: ("refused for good", None),
        408: ("refused for now", None),
        413: ("refused for good", None),
        422: ("refused for good", None),
        429: ("refused for now", 30, "Retry-After: 30"),
        500: ("refused for now", None),
        501: ("refused for good", None),
        502: ("refused for now", None, "Retry-After: soon"),
        503: ("refused for now", 60, "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", date),
        504: ("refused for now", 0, "Retry-After: Wed, 21 Oct 2026 07:26:00 GMT", date),
    }  # fmt: skip
    peer.paths = {
        f"/{status}": [answer(b"no", f"{status} Words", *headers), KEEP]
        for status, (_, _, *headers) in refusals.items()
    } | {"/200": [answer(b"yes"), KEEP]}
    raising = {
        "aiohttp": """
async def go(method, url, options):
    async with aiohttp.ClientSession() as session:
        async with session.request(method, url, **options) as reply:
            reply.raise_for_status()
            return reply.status, reply.headers, await reply.read()
""",
    }.get(
        entry,
        f"""
def ask(method, url, **options):
    reply = {"session" if entry == "session" else "requests"}.request(method, url, **options)
    reply.raise_for_status()
    return reply.status_code, reply.headers, reply.content
""",
    )
    played = board(
        client(entry)
        + raising
        + f"for path in {list(peer.paths)!r}:\n    told(path, 'GET', '{scheme}://u:secret@{HOST}' + path)\n"
    )
    for status, (fate, after, *_) in refusals.items():
        found = result(played, f"/{status}")
        assert (found["error"], found["fate"]) == ("HTTPError", fate), found
        assert found["retry_after"] == after, found
        assert found["status_code"] == status
        assert f"{HOST} answered {status} Words: " in found["text"], found
        assert "secret" not in found["text"]
    assert result(played, "/200")["status"] == 200


LOST = """
do("lcp_terminate")
time.sleep(2)
print("link=%r" % nic.isconnected())
"""


@with_all("requests", "session", "aiohttp")
def test_a_lost_link(board, world, entry, scheme):
    """Before the name is known, and when it is."""
    played = board(
        client(entry)
        + f"told('first', 'GET', '{scheme}://{HOST}/')\n"
        + LOST
        + f"told('name', 'POST', '{scheme}://silent.place/', data=b'x', timeout=5)\n"
        + f"told('address', 'POST', '{scheme}://{ADDRESS}/', data=b'x', timeout=5)\n"
    )
    assert result(played, "first")["status"] == 200
    assert played.value("link") == "False"
    for name in ("name", "address"):
        found = result(played, name)
        assert found["fate"] == "not sent", found
        assert found["oserror"] and not found["text"].startswith("[Errno"), found
    assert "cannot resolve" in result(played, "name")["text"]
    assert "bring the link up again" in result(played, "address")["text"], result(
        played, "address"
    )


def test_a_link_lost_while_waiting(board, world):
    """The server has the request; nobody is told what came of it."""
    played = board(
        client("requests")
        + f"""
do("later 2 lcp_terminate")
told("post", "POST", "http://{HOST}/silent", data=b"x", timeout=20)
"""
    )
    found = result(played, "post")
    assert found["fate"] == "may have arrived", found
    assert found["ms"] < 12_000 and "bring the link up again" in found["text"], found


def test_the_exceptions_of_cpythons_requests(play):
    played = play(
        """
import requests
from requests.exceptions import RequestException, ConnectionError, Timeout, HTTPError, TooManyRedirects
assert all(issubclass(kind, RequestException) for kind in (ConnectionError, Timeout, HTTPError, TooManyRedirects))
assert requests.exceptions.Timeout is requests.Timeout is Timeout
print("os=%r" % issubclass(RequestException, OSError))
"""
    )
    assert played.value("os") == "True"
