"""HTTP clients of the image against servers that others have written."""

import hashlib
import json

import pytest
from http_peer import HOST, client, result
from http_servers import Apache, Caddy, Gunicorn, Python, Uvicorn, web  # noqa: F401

pytestmark = pytest.mark.real_time

TEXT = b"".join(b"HIVE %05d\n" % number for number in range(2000))
FILES = {
    "whole": "'GET', HERE + '/day.txt'",
    "head": "'HEAD', HERE + '/day.txt'",
    "none": "'GET', HERE + '/none'",
    "space": "'GET', HERE + '/a b.txt'",
    "folder": "'GET', HERE + '/folder'",
    "empty": "'GET', HERE + '/empty.txt'",
    "post": "'POST', HERE + '/none', data=b'x' * 300",
    "again": "'GET', HERE + '/day.txt'",
    "packed": "'GET', HERE + '/day.txt', headers={'Accept-Encoding': 'gzip'}",
}


@pytest.mark.parametrize("entry", ["requests", "session", "aiohttp"])
@pytest.mark.parametrize(
    ("web", "scheme"),
    [(Apache, "http"), (Apache, "https"), (Caddy, "http"), (Caddy, "https"), (Python, "http")],
    indirect=["web"],
)
def test_files(board, web, scheme, entry):  # noqa: F811
    (web.www / "day.txt").write_bytes(TEXT)
    (web.www / "a b.txt").write_bytes(b"with a space")
    (web.www / "empty.txt").write_bytes(b"")
    (web.www / "folder" / "index.html").write_bytes(b"<p>folder")
    played = board(
        client(entry)
        + f"HERE = '{scheme}://{HOST}'\n"
        + "".join(f"told({name!r}, {arguments})\n" for name, arguments in FILES.items())
        + """
with requests.get(HERE + "/day.txt", stream=True, timeout=20) as reply:
    import hashlib
    digest = hashlib.sha256()
    for block in reply.iter_content(1000):
        digest.update(block)
    print("stream=" + digest.digest().hex())
"""
    )
    for name in ("whole", "again", "packed"):
        assert result(played, name).get("body") == TEXT.decode(), (name, result(played, name))
    head = result(played, "head")
    assert (head["status"], head["body"]) == (200, "")
    assert result(played, "none")["status"] == 404
    assert result(played, "space")["body"] == "with a space"
    assert result(played, "folder").get("body") == "<p>folder", result(played, "folder")
    assert result(played, "empty")["body"] == ""
    assert result(played, "post").get("status") in (404, 405, 501), result(played, "post")
    assert played.value("stream") == hashlib.sha256(TEXT).hexdigest()
    if not isinstance(web, Python):
        packed = {
            name.lower(): value for name, value in result(played, "packed")["headers"].items()
        }
        assert packed["content-encoding"] == "gzip"


# name -> (arguments, a check of the status and what came)
BIN = {
    "get": ("'GET', HERE + '/get', params={'a': '1', 'b': 'c d'}", lambda s, b: b["args"] == {"a": "1", "b": "c d"}),
    "post": ("'POST', HERE + '/post', data={'a': '1', 'b': '\\xe4'}", lambda s, b: b["form"] == {"a": "1", "b": "ä"}),
    "json": ("'POST', HERE + '/post', json={'kg': 42.75}", lambda s, b: b["json"] == {"kg": 42.75}),
    "put": ("'PUT', HERE + '/put', data=b'abc'", lambda s, b: b["data"] == "abc"),
    "patch": ("'PATCH', HERE + '/patch', data='abc'", lambda s, b: b["data"] == "abc"),
    "delete": ("'DELETE', HERE + '/delete'", lambda s, b: b["data"] == ""),
    "large": ("'POST', HERE + '/anything', data=b'x' * 20000", lambda s, b: len(b["data"]) == 20000),
    "chunks": ("'POST', HERE + '/anything', data=(b'x' * 100 for _ in range(30))", lambda s, b: len(b["data"]) == 3000),
    "headers": ("'GET', HERE + '/headers', headers={'X-Serial': 7}", lambda s, b: b["headers"]["X-Serial"] == "7"),
    "basic": ("'GET', HERE + '/basic-auth/bee/h%C3%B6ney', auth=('bee', 'h\\xf6ney')", lambda s, b: b["authenticated"]),
    "basic-wrong": ("'GET', HERE + '/basic-auth/bee/honey', auth=('bee', 'wax')", lambda s, b: s == 401),
    "bearer": ("'GET', HERE + '/bearer', headers={'Authorization': 'Bearer abc'}", lambda s, b: b["token"] == "abc"),
    "redirect": ("'GET', HERE + '/redirect/4'", lambda s, b: b["url"].endswith("/get")),
    "relative": ("'GET', HERE + '/relative-redirect/2'", lambda s, b: b["url"].endswith("/get")),
    "absolute": ("'GET', HERE + '/absolute-redirect/2'", lambda s, b: b["url"].endswith("/get")),
    "many": ("'GET', HERE + '/redirect/9'", lambda s, b: s is None),
    "post-303": ("'POST', HERE + '/redirect-to?url=/get&status_code=303', data=b'x'", lambda s, b: "args" in b),
    "post-307": ("'POST', HERE + '/redirect-to?url=/post&status_code=307', data=b'x'", lambda s, b: b["data"] == "x"),
    "cookies": ("'GET', HERE + '/cookies/set?a=1'", lambda s, b: b["cookies"] == {}),
    "gzip": ("'GET', HERE + '/gzip', headers={'Accept-Encoding': 'gzip'}", lambda s, b: b["gzipped"]),
    "deflate": ("'GET', HERE + '/deflate'", lambda s, b: b["deflated"]),
    "stream": ("'GET', HERE + '/stream/5'", lambda s, b: b.count('"id"') == 5),
    "stream-bytes": ("'GET', HERE + '/stream-bytes/5000?seed=1&chunk_size=700'", lambda s, b: len(b) == 5000),
    "bytes": ("'GET', HERE + '/bytes/3000'", lambda s, b: len(b) == 3000),
    "range": ("'GET', HERE + '/range/1000', headers={'Range': 'bytes=10-19'}", lambda s, b: s == 206 and len(b) == 10),
    "drip": ("'GET', HERE + '/drip?numbytes=20&duration=1&delay=0'", lambda s, b: b == "*" * 20),
    "delay": ("'GET', HERE + '/delay/1'", lambda s, b: s == 200),
    "utf8": ("'GET', HERE + '/encoding/utf8'", lambda s, b: "\xe2\x88\xae E\xe2\x8b\x85da" in b),
    "png": ("'GET', HERE + '/image/png'", lambda s, b: b.startswith("\x89PNG")),
    "etag": ("'GET', HERE + '/etag/abc', headers={'If-None-Match': 'abc'}", lambda s, b: s == 304 and not b),
    "response-headers": ("'GET', HERE + '/response-headers?X-One=1&X-One=2'", lambda s, b: b["X-One"] == ["1", "2"]),
    "anything": ("'GET', HERE + '/anything/%41 b?x=%2f'", lambda s, b: b["args"] == {"x": "/"}),
    **{
        f"status-{status}": (f"'GET', HERE + '/status/{status}'", lambda s, b, status=status: s == status)
        for status in (200, 201, 204, 304, 400, 404, 418, 429, 500, 503)
    },
}  # fmt: skip


@pytest.mark.parametrize("entry", ["requests", "session", "aiohttp"])
@pytest.mark.parametrize(
    ("web", "scheme"), [(Gunicorn, "http"), (Uvicorn, "https")], indirect=["web"]
)
def test_httpbin(board, web, scheme, entry):  # noqa: F811
    """Its paths are a test of their own."""
    played = board(
        client(entry)
        + f"HERE = '{scheme}://{HOST}'\n"
        + "".join(
            # its waits are real ones
            f"told({name!r}, {arguments}, timeout=60)\n"
            for name, (arguments, _) in BIN.items()
        ),
        timeout=120,
    )
    wrong = {}
    for name, (_, check) in BIN.items():
        found = result(played, name)
        body = found.get("body", "")
        try:
            good = check(
                found.get("status"),
                json.loads(body) if body[:1] == "{" and name != "stream" else body,
            )
        except (KeyError, TypeError, ValueError):
            good = False
        # httpbin takes chunks from gunicorn alone.
        good = good or (name == "chunks" and isinstance(web, Uvicorn) and found["status"] == 501)
        if not good:
            wrong[name] = found
    assert not wrong
