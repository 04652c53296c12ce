"""What servers answer, well and badly, by each of the image's HTTP clients, plain and over TLS."""

import pytest
from http_peer import HOLD, HOST, KEEP, RESET, answer, client, result, with_all

pytestmark = pytest.mark.real_time

HEAD = b"HTTP/1.1 200 OK\r\n"
TEXT = b'{"kg": 42.75}'
CHUNKS = b"6\r\n" + TEXT[:6] + b"\r\n7;a=b\r\n" + TEXT[6:] + b"\r\n0\r\nX-Sum: 1\r\n\r\n"

# path -> what the server does; the answer is TEXT with status 200.
GOOD = {
    "/length": [answer(TEXT)],
    "/chunked": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS],
    "/chunked-lower": [HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS],
    "/chunked-capitals": [HEAD + b"TRANSFER-ENCODING: Chunked\r\n\r\n" + CHUNKS],
    "/chunked-in-pieces": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n6", 0.3, CHUNKS[1:9], 0.3, CHUNKS[9:]],
    "/chunked-and-length": [HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS],
    "/until-closed": [HEAD + b"\r\n" + TEXT],
    "/http10": [b"HTTP/1.0 200 OK\r\n\r\n" + TEXT],
    "/continue": [b"HTTP/1.1 100 Continue\r\n\r\n" + answer(TEXT)],
    "/hints": [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.3, answer(TEXT)],
    "/kept-open": [answer(TEXT), KEEP],
    "/chunked-kept-open": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS, KEEP],
    "/lf-only": [b"HTTP/1.1 200 OK\nContent-Length: 13\n\n" + TEXT],
    "/no-reason": [b"HTTP/1.1 200\r\nContent-Length: 13\r\n\r\n" + TEXT],
    "/no-colon": [HEAD + b"this is no header\r\nContent-Length: 13\r\n\r\n" + TEXT],
    "/latin-1": [answer(TEXT, "200 OK", "X-Name: x")[:-15].replace(b"X-Name: x", b"X-Name: B\xe4r") + b"\r\n" + TEXT],
    "/folded": [answer(TEXT, "200 OK", "X-Long: one,\r\n two")],
    "/twice": [answer(TEXT, "200 OK", "X-Two: 1", "x-two: 2")],
    "/same-length-twice": [answer(TEXT, "200 OK", "Content-Length: 13")],
    "/long-line": [answer(TEXT, "200 OK", "Content-Security-Policy: " + "x" * 6000)],
    "/many": [answer(TEXT, "200 OK", *(f"X-{i}: {i}" for i in range(95)))],
    "/slowly": [piece for byte in HEAD for piece in (bytes((byte,)), 0.1)] + [answer(TEXT)[len(HEAD) :]],
}  # fmt: skip

# path -> what the server does, and a part of what the error says.
BAD = {
    "/cut-at-23": ([answer(b"x" * 1000)[:-977]], "23 bytes of 1000"),
    "/cut-at-500": ([answer(b"x" * 1000)[:-500]], "500 bytes of 1000"),
    "/cut-head": ([HEAD + b"Content-Le"], "closed the connection too early"),
    "/cut-chunk": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[:7]], "after 4 bytes"),
    "/cut-chunks": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKS[:11]], "after 6 bytes"),
    "/cut-by-reset": ([answer(b"x" * 1000)[:-500], 0.5, RESET], "after 500 bytes of 1000"),
    "/negative": ([answer(TEXT).replace(b": 13", b": -5")], "length that cannot be: -5"),
    "/20-digits": ([answer(TEXT).replace(b": 13", b": 12345678901234567890")], "cannot be: 12345"),
    "/words": ([answer(TEXT).replace(b": 13", b": many")], "length that cannot be: many"),
    "/two-lengths": ([answer(TEXT, "200 OK", "Content-Length: 12")], "two lengths: 13, 12"),
    "/chunk-negative": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n"], "cannot be: -5"),
    "/chunk-huge": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n"], "cannot be: fff"),
    "/chunk-longer": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"], "a chunk"),
    "/gzip-chunked": ([HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS], "encoding"),
    "/no-http": ([b"SSH-2.0-OpenSSH_9.2p1\r\n"], "none of HTTP/1: it begins with b'SSH-2.0"),
    "/no-status": ([b"HTTP/1.1 OK\r\n\r\n"], "none of HTTP/1"),
    "/http2": ([b"HTTP/2 200\r\n\r\n"], "none of HTTP/1"),
    "/endless-line": ([HEAD + b"X-Long: "] + [b"x" * 1000] * 100, "header line above 8192 bytes"),
    "/endless-headers": ([HEAD] + [b"X-One: 1\r\n" * 50] * 50, "more than 100 headers"),
    "/wide-headers": ([HEAD] + [b"X: " + b"y" * 8000 + b"\r\n"] * 20, "or 32 kB of them"),
    "/endless-hints": ([b"HTTP/1.1 103 Early Hints\r\n\r\n" * 30], "20 others before it"),
}  # fmt: skip


@with_all()
def test_good_answers(board, peer, entry, scheme):
    peer.paths = GOOD
    paths = list(GOOD)
    played = board(
        client(entry)
        + f"for path in {paths!r}:\n    told(path, 'GET', '{scheme}://{HOST}' + path)\n"
    )
    for path in paths:
        found = result(played, path)
        assert (found.get("status"), found.get("body")) == (200, TEXT.decode()), (path, found)
        assert found["ms"] < (12_000 if path == "/slowly" else 5000), path
    if entry != "pythings":  # which shows no headers
        assert result(played, "/latin-1")["headers"]["X-Name"] == "Bär"
        assert result(played, "/twice")["headers"]["X-Two"] == "1, 2"
        assert result(played, "/folded")["headers"]["X-Long"] == "one, two"


@with_all()
def test_bad_answers(board, peer, entry, scheme):
    """Each an error in words, none of them a body that is taken for whole."""
    peer.paths = {path: steps for path, (steps, _) in BAD.items()}
    played = board(
        client(entry)
        + f"for path in {list(BAD)!r}:\n    told(path, 'GET', '{scheme}://{HOST}' + path)\n"
    )
    for path, (_, words) in BAD.items():
        found = result(played, path)
        assert words in found.get("text", ""), (path, found)
        assert found["oserror"] and found["fate"] == "answered in part", (path, found)
        assert (found["error"] == "HTTPError") is (entry == "pythings"), (
            path,
            found,
        )  # its old contract


@with_all("requests", "session", "aiohttp")
def test_an_answer_has_its_time(board, peer, entry, scheme):
    """A byte each 0.1 s, whatever it is of: with timeout=3 a head has 3 s, all together 30."""
    drip = [step for _ in range(1000) for step in (b"x", 0.1)]
    peer.paths = {
        "/head": [HEAD + b"X-Long: ", *drip],
        "/silent": [HOLD],
        "/body": [HEAD + b"Content-Length: 5000\r\n\r\n", *drip],
        "/stalls": [HEAD + b"Content-Length: 5000\r\n\r\nxxx", HOLD],
    }
    played = board(
        client(entry)
        + f"""
for path in ("/head", "/silent", "/body", "/stalls"):
    told(path, "GET", "{scheme}://{HOST}" + path, timeout=3{", total=12" if entry != "session" else ""})
"""
    )
    for path, fate, seconds in (
        ("/head", "answered in part", 3),
        ("/silent", "may have arrived", 3),
        ("/body", "answered in part", 30 if entry == "session" else 12),
        ("/stalls", "answered in part", 3),
    ):
        found = result(played, path)
        assert found["error"] == "Timeout" and found["fate"] == fate, (path, found)
        assert f"did not answer within {seconds} s" in found["text"], found
        assert seconds * 1000 <= found["ms"] < seconds * 1000 + 3000, (path, found)


def test_a_body_has_an_end(board, peer):
    """What is longer than max_body is refused before it is read, or as soon as it is; streamed, it has no limit."""
    peer.paths = {
        "/long": [answer(b"x" * 30_000)],
        "/endless": [HEAD + b"\r\n"] + [b"x" * 1000] * 30,
        "/claims": [HEAD + b"Content-Length: 9999999999\r\n\r\nx", HOLD],
    }
    played = board(
        client("requests")
        + f"""
requests.max_body = 20_000
for path in ("/long", "/endless", "/claims"):
    told(path, "GET", "http://{HOST}" + path)
    with requests.get("http://{HOST}" + path, stream=True) as reply:
        print("%s stream=%d" % (path, len(reply.raw.read(1)) if path == "/claims" else sum(map(len, reply.iter_content(700)))))
"""
    )
    for path in ("/long", "/endless", "/claims"):
        found = result(played, path)
        assert "more than 20000 bytes: read it with stream=True" in found["text"], found
        assert found["ms"] < 5000
    assert played.value("/long stream") == played.value("/endless stream") == "30000"
    assert played.value("/claims stream") == "1"


def test_a_body_that_does_not_fit_is_no_memory_error(board, peer):
    peer.paths = {"/long": [answer(b"x" * 900_000)]}
    played = board(
        client("requests")
        + f"""
import gc
hold = []
try:
    while True:
        hold.append(bytearray(10_000))
except MemoryError:
    del hold[-10:]
gc.collect()
told("long", "GET", "http://{HOST}/long")
""",
        speed=40,
    )
    found = result(played, "long")
    assert "does not fit into the memory" in found["text"] and found["fate"] == "answered in part"


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_answers_without_a_body(board, peer, method):
    """Whatever length they speak of."""
    peer.paths = {
        f"/{status}": [
            answer(b"", f"{status} Text", f"X-Length: {status}").replace(b": 0", b": 10"),
            HOLD,
        ]
        for status in ((200, 404) if method == "HEAD" else (204, 304))
    }
    played = board(
        client("requests")
        + f"for path in {list(peer.paths)!r}:\n    told(path, {method!r}, 'http://{HOST}' + path)\n"
    )
    for path in peer.paths:
        found = result(played, path)
        assert (found["status"], found["body"]) == (int(path[1:]), ""), found
        assert found["ms"] < 3000


def test_gzip_only_if_asked_for(board, peer):
    import gzip

    packed = gzip.compress(TEXT * 100)
    bomb = gzip.compress(bytes(5_000_000))
    gzipped = "Content-Encoding: gzip"

    def by_request(request):
        if "gzip" in request.names.get("accept-encoding", ""):
            return [answer(packed, "200 OK", gzipped)]
        return [answer(TEXT * 100)]

    peer.paths = {
        "/": by_request,
        "/bomb": [answer(bomb, "200 OK", gzipped)],
        "/damaged": [answer(packed[:-20], "200 OK", gzipped)],
    }
    for entry in ("requests", "aiohttp"):
        played = board(
            client(entry)
            + f"""
told("plain", "GET", "http://{HOST}/")
told("packed", "GET", "http://{HOST}/", headers={{"Accept-Encoding": "gzip"}})
told("bomb", "GET", "http://{HOST}/bomb")
told("damaged", "GET", "http://{HOST}/damaged")
with requests.get("http://{HOST}/", headers={{"Accept-Encoding": "gzip"}}, stream=True) as reply:
    print("stream=%d" % sum(map(len, reply.iter_content(100))))
"""
        )
        assert (
            result(played, "plain")["body"]
            == result(played, "packed")["body"]
            == (TEXT * 100).decode()
        )
        assert "Accept-Encoding" not in dict(peer.seen[0].headers)
        assert "more than 1000000 bytes" in result(played, "bomb")["text"]
        assert "damaged" in result(played, "damaged")["text"]
        assert played.value("stream") == "1300"
