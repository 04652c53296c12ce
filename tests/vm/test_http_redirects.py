"""Redirects as RFC 9110 has them, and CPython's requests: where they lead, with what method, and with whose secrets."""

import pytest
from http_peer import HOST, KEEP, OTHER, answer, client, result, with_all

pytestmark = pytest.mark.real_time

END = [answer(b"end"), KEEP]
SECRETS = {
    "Authorization": "Bearer secret",
    "Cookie": "id=secret",
    "X-Api-Key": "secret",
    "X-Serial": "TC-0042",
    "Accept": "text/plain",
    "User-Agent": "hive/1",
}


def to(status: int, location: str) -> list:
    return [answer(b"moved", f"{status} Moved", f"location: {location}"), KEEP]


@with_all()
def test_where_they_lead(board, peer, entry, scheme):
    """Location may be whole or relative, of any case, with an anchor, or without a place of its own."""
    here = f"{scheme}://{HOST}"
    leads = {
        "/a/whole": (f"{here}/end", "/end"),
        "/a/path": ("/end", "/end"),
        "/a/beside": ("end", "/a/end"),
        "/a/b/above": ("../end?x=1", "/a/end?x=1"),
        "/a/b/dots": ("./../../end/.", "/end/"),
        "/a/root": ("../../../end", "/end"),
        "/a/query": ("?again", "/a/query?again"),
        "/a/same-scheme": (f"//{HOST}/end", "/end"),
        "/a/anchor": ("/end#there", "/end"),
        "/a/space": ("/an end", "/an%20end"),
        "/a/umlaut": ("/\xc3\xa4", "/%C3%A4"),  # as a server writes UTF-8
        "/a/url-in-query": ("/end?to=http://x/", "/end?to=http://x/"),
    }  # fmt: skip
    peer.paths = {path: to(302, location) for path, (location, _) in leads.items()}
    for path, (location, _) in leads.items():
        peer.paths[path] = [
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLOCATION: "
            + location.encode("latin-1")
            + b"\r\n\r\n",
            KEEP,
        ]
    peer.paths |= {end: END for _, end in leads.values()}
    played = board(
        client(entry) + f"for path in {list(leads)!r}:\n    told(path, 'GET', '{here}' + path)\n"
    )
    for path, (_, end) in leads.items():
        assert result(played, path).get("body") == "end", (path, result(played, path))
        at = next(i for i, request in enumerate(peer.seen) if request.target == path)
        assert peer.seen[at + 1].target == end, path


# (status, method) -> the method that follows; as CPython's requests
METHODS = {
    **dict.fromkeys([(301, "POST"), (302, "POST"), (303, "POST"), (302, "PUT"), (303, "PUT"), (303, "DELETE")], "GET"),
    **{(status, "HEAD"): "HEAD" for status in (301, 302, 303, 307, 308)},
    **{(status, method): method for status in (307, 308) for method in ("POST", "PUT", "DELETE")},
    **{(301, method): method for method in ("PUT", "DELETE", "PATCH")},
}  # fmt: skip


@with_all("requests", "session", "aiohttp")
def test_methods(board, peer, entry, scheme):
    """What stays as it was goes with its body, what becomes a GET without it and its description."""
    peer.paths = {f"/{status}/{method}": to(status, "/end") for status, method in METHODS} | {
        "/end": END
    }
    played = board(
        client(entry)
        + f"""
for status, method in {list(METHODS)!r}:
    path = "/%d/%s" % (status, method)
    body = {{}} if method == "HEAD" else {{"json": {{"kg": 42.75}}}}
    told(path, method, "{scheme}://{HOST}" + path, **body)
"""
    )
    for i, ((status, method), follows) in enumerate(METHODS.items()):
        path = f"/{status}/{method}"
        assert result(played, path)["status"] == 200, result(played, path)
        first, second = peer.seen[2 * i : 2 * i + 2]
        assert (first.target, second.target, second.method) == (path, "/end", follows)
        same = follows == method != "HEAD"
        assert second.body == (b'{"kg": 42.75}' if same else b"")
        assert ("content-type" in second.names) is same
        assert second.names.get("content-length") == ("13" if same else None)


@with_all("requests", "session", "aiohttp")
def test_secrets_stay_with_their_origin(board, peer, other, entry, scheme):
    """Another host, port or scheme is told nothing that was meant for this one, whatever the header is named."""
    peer.paths = {
        "/path": to(307, "/end"),
        "/host": to(307, f"{scheme}://{OTHER}/end"),
        "/port": to(307, f"http://{HOST}:8080/end") if scheme == "http" else to(307, "/end"),
        "/end": END,
    }
    other.paths = {"/end": END}
    played = board(
        client(entry)
        + f"""
for path in ("/path", "/host", "/port"):
    told(path, "POST", "{scheme}://{HOST}" + path, json={{}}, headers={SECRETS!r})
    told(path + "-auth", "POST", "{scheme}://{HOST}" + path, data=b"", auth=("bee", "honey"))
"""
    )
    assert all(result(played, path)["status"] == 200 for path in ("/path", "/host", "/port"))
    stays = [request for request in peer.seen if request.target == "/end"]
    assert (
        stays[0].names.items() >= {name.lower(): value for name, value in SECRETS.items()}.items()
    )
    assert stays[1].names["authorization"].startswith("Basic ")
    leaves = other.seen + (stays[2:] if scheme == "http" else [])
    assert len(leaves) == (4 if scheme == "http" else 2)
    for request in leaves:
        allowed = {"host", "accept", "user-agent", "content-type", "content-length", "connection"}
        assert set(request.names) <= allowed, request
        assert request.names["host"] == (OTHER if request in other.seen else f"{HOST}:8080")
    assert (
        leaves[0].names["accept"] == "text/plain"
        and leaves[0].names["content-type"] == "application/json"
    )


def test_a_secret_goes_along_to_https(board, peer):
    peer.paths = {"/up": to(307, f"https://{HOST}/end"), "/end": END}
    board(client("requests") + f"told('up', 'GET', 'http://{HOST}/up', headers={SECRETS!r})\n")
    assert peer.seen[1].names["x-api-key"] == "secret"


@with_all()
def test_what_is_not_followed(board, peer, entry, scheme):
    peer.paths = {
        "/circle": to(302, "/circle"),
        "/429": to(429, "/end"),
        "/201": to(201, "/end"),
        "/304": [b"HTTP/1.1 304 Not Modified\r\nLocation: /end\r\n\r\n", KEEP],
        "/nowhere": [answer(b"moved", "302 Found"), KEEP],
        "/ftp": to(302, "ftp://plain.example/"),
        "/evil": to(302, "http://plain.example .evil/"),
    }
    played = board(
        client(entry)
        + f"for path in {list(peer.paths)!r}:\n    told(path, 'GET', '{scheme}://{HOST}' + path)\n"
    )
    assert "more than 5 redirects" in result(played, "/circle")["text"]
    assert len([request for request in peer.seen if request.target == "/circle"]) == 6
    for path, status in (("/429", 429), ("/201", 201), ("/304", 304), ("/nowhere", 302)):
        assert result(played, path)["status"] == status
    for path in ("/ftp", "/evil"):
        assert "redirected to where nobody can go" in result(played, path)["text"]
    for path in ("/circle", "/ftp", "/evil"):
        assert result(played, path)["fate"] == "refused for good"
    assert not [request for request in peer.seen if request.target == "/end"]


@pytest.mark.parametrize("data", ["open('reading.bin', 'rb')", "io.BytesIO(b'x' * 3000)"])
def test_a_file_is_sent_again(board, peer, data):
    peer.paths = {"/post": to(308, "/end"), "/end": END}
    played = board(
        client("requests")
        + f"import io\ntold('post', 'POST', 'http://{HOST}/post', data={data})\n",
        files={"reading.bin": b"x" * 3000},
    )
    assert result(played, "post")["status"] == 200
    assert [len(request.body) for request in peer.seen] == [3000, 3000]


def test_history_and_its_end(board, peer):
    peer.paths = {"/1": to(302, "/2"), "/2": to(303, "/end"), "/end": END}
    played = board(
        client("requests")
        + f"""
reply = requests.get("http://{HOST}/1")
print("url=%s %s" % (reply.url, [(r.status_code, r.url) for r in reply.history]))
reply = requests.get("http://{HOST}/1", allow_redirects=False)
print("first=%d %s" % (reply.status_code, reply.headers["Location"]))
try:
    requests.get("http://{HOST}/1", max_redirects=1)
except requests.TooManyRedirects as error:
    print("many=%s" % error.response.status)
"""
    )
    assert played.value("url") == (
        f"http://{HOST}/end [(302, 'http://{HOST}/1'), (303, 'http://{HOST}/2')]"
    )
    assert played.value("first") == "302 /2"
    assert played.value("many") == "303"
