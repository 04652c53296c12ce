"""`requests` as the firmware has it: what patches/micropython-lib change beside TLS."""

from tls_board import UP

REDIRECTS = (
    UP
    + """
def echo(reply):
    answer = reply.json()
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    return answer["data"], headers

def visit(method, url, **kwargs):
    return requests.request(method, url, timeout=15, **kwargs)
"""
)


def test_headers_are_the_callers(board):
    played = board(
        UP
        + """
mine = {"X-Serial": "TC-0042"}
for weight in (9.5, 42.75):
    reply = requests.post("http://plain.example/post", json={"kg": weight}, headers=mine)
    print("kg=%s" % reply.json()["json"])
print("mine=%s" % mine)
"""
    )
    assert [line for line in played.lines if line.startswith("kg=")] == [
        "kg={'kg': 9.5}",
        "kg={'kg': 42.75}",
    ]
    assert played.value("mine") == "{'X-Serial': 'TC-0042'}"


def test_a_post_is_redirected_to_a_get(board):
    """As Google's Apps Script answers: the result is at another host, for a GET without a body."""
    played = board(
        REDIRECTS
        + """
for code in (301, 302, 303):
    reply = visit("POST", "http://plain.example/redirect/%d?https://telemetry.example/ip" % code, json={"kg": 42.75})
    print("%d=%d %s" % (code, reply.status_code, sorted(reply.json())))
"""
    )
    assert [played.value(code) for code in ("301", "302", "303")] == ["200 ['origin']"] * 3


def test_a_post_is_redirected_as_it_is(board):
    played = board(
        REDIRECTS
        + """
for name, body in (("json", {"json": {"kg": 42.75}}), ("data", {"data": b"kg=42.75"})):
    data, headers = echo(visit("POST", "http://plain.example/redirect/307?/post", **body))
    print("%s=%s %s" % (name, data, headers["content-length"]))
tell("generator", visit, "POST", "http://plain.example/redirect/308?/post", data=(b"x" for _ in range(2)))
"""
    )
    assert played.value("json") == '{"kg": 42.75} 13'
    assert played.value("data") == "kg=42.75 8"
    assert played.value("generator").startswith("ValueError|")


def test_a_password_stays_with_its_server(board):
    played = board(
        REDIRECTS
        + """
secret = {"auth": ("bee", "honey"), "json": {}, "headers": {"X-Serial": "TC-0042"}}
for name, to in (
    ("path", "/post"),
    ("same", "https://telemetry.example/post"),
    ("host", "https://p256.example/post"),
):
    _, headers = echo(visit("POST", "https://telemetry.example/redirect/307?" + to, **secret))
    print("%s=%s %s %s" % (name, headers["host"], "authorization" in headers, "x-serial" in headers))
_, headers = echo(visit("POST", "http://plain.example/redirect/307?http://plain.example.org/post", **secret))
print("longer=%s %s" % (headers["host"], "authorization" in headers))
""",
        names={"plain.example.org": "203.0.113.11"},
    )
    assert played.value("path") == "telemetry.example True True"
    assert played.value("same") == "telemetry.example True True"
    assert played.value("host") == "p256.example False True"
    assert played.value("longer") == "plain.example.org False"


def test_a_redirect_leaves_https_never(board):
    """It would be an answer that nobody has verified, and nobody has asked for."""
    played = board(
        REDIRECTS
        + """
tell("down", visit, "GET", "https://telemetry.example/redirect/302?http://plain.example/ip")
tell("up", lambda: visit("GET", "http://plain.example/redirect/302?https://telemetry.example/ip").status_code)
"""
    )
    assert played.value("down") == "ValueError|Redirected from https to http://plain.example/ip"
    assert played.value("up") == "ok|200"
