"""HTTPS through PPP to a server that is not ours: Debian's nginx."""

import hashlib
import json

import pytest
from real_servers import HTTPS_HOST
from tls_board import UP

pytestmark = pytest.mark.real_time

UP += f"HOST = {HTTPS_HOST!r}\n"


def test_get_and_post(board, nginx):
    played = board(
        UP
        + """
import json
tell("get", get, HOST)
for i in range(2):
    with_json = requests.post("https://" + HOST + "/post", json={"mv": 4012 + i}, timeout=8)
    print("post=%s" % with_json.text)
reply = requests.put("https://" + HOST + "/put/a/b.bin", data=bytes(range(256)) * 12, timeout=8)
print("put=%d" % reply.status_code)
reply = requests.get("https://" + HOST + "/none", timeout=8)
print("none=%d" % reply.status_code)
"""
    )
    assert played.value("get") == "ok|200"
    posts = [json.loads(line[5:])["json"] for line in played.lines if line.startswith("post=")]
    assert posts == [{"mv": 4012}, {"mv": 4013}]
    assert played.value("put") == "201"
    assert (nginx.www / "put/a/b.bin").read_bytes() == bytes(range(256)) * 12
    assert played.value("none") == "404"
    # The first handshake in full, then with nginx's ticket.
    assert [request["reused"] for request in nginx.requests()] == [".", "r", "r", "r", "r"]
    assert {request["tls"] for request in nginx.requests()} == {"TLSv1.2"}
    assert [json.loads(body) for body in nginx.bodies("/post")] == posts


def test_answers_on_one_connection(board, nginx):
    """HTTP/1.1 as nginx speaks it: kept alive, with a length, and in chunks."""
    text = b"".join(b"HIVE %05d\n" % number for number in range(3000))
    (nginx.www / "day.txt").write_bytes(text)
    played = board(
        UP
        + """
import hashlib
plain = socket.socket()
plain.settimeout(20)
plain.connect(socket.getaddrinfo(HOST, 443)[0][-1])
s = ssl.create_default_context().wrap_socket(plain, server_hostname=HOST)

def take(count, body):
    while count:
        block = s.read(min(count, 1024))
        body.update(block)
        count -= len(block)

def ask(path):
    s.write(b"GET %s HTTP/1.1\\r\\nHost: %s\\r\\n\\r\\n" % (path.encode(), HOST.encode()))
    head = []
    while not head or head[-1]:
        head.append(s.readline().strip().lower())
    body = hashlib.sha256()
    length = [line for line in head if line.startswith(b"content-length:")]
    if length:
        take(int(length[0].split()[1]), body)
    else:
        assert b"transfer-encoding: chunked" in head
        size = -1
        while size:
            size = int(s.readline(), 16)
            take(size, body)
            assert s.readline() == b"\\r\\n"
    print("%s=%s %s" % (path, "length" if length else "chunks", body.digest().hex()))

ask("/day.txt")
ask("/chunked/day.txt")
ask("/ip")
s.close()
"""
    )
    replaced = text.replace(b"HIVE", b"hive")
    assert played.value("/day.txt") == f"length {hashlib.sha256(text).hexdigest()}"
    assert played.value("/chunked/day.txt") == f"chunks {hashlib.sha256(replaced).hexdigest()}"
    assert [request["requests"] for request in nginx.requests()] == [1, 2, 3]
