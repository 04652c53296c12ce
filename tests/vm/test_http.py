"""The modem's own HTTP, on the simulated SIM800 to a real server."""

import hashlib
import json

import pytest
from network.air import GPRS
from network.servers import pattern
from sim800.scenario import APN, Event, Modem, Radio

pytestmark = pytest.mark.real_time

ON = """
nic = ppp_sim800.PPP("internet")
nic.active(True)
http = nic.modem.http

def show(name, call, *args, **kwargs):
    try:
        print("%s=%r" % (name, call(*args, **kwargs)))
    except ppp_sim800.SIM800Error as error:
        print("%s=%s: %s" % (name, type(error).__name__, error))
"""


def test_get(play):
    played = play(
        ON
        + """
reply = http.request("GET", "http://plain.example/ip")
print("status=%d" % reply.status_code)
print("type=" + reply.headers["Content-Type"])
print("length=%d" % reply.length)
print("content=%r" % reply.content)
print("again=%r" % (reply.content is reply.content))
print("end=%r" % reply.read(10))
"""
    )
    assert played.value("status") == "200"
    assert played.value("type") == "application/json"
    assert played.value("content") == repr(
        b'{"origin": "127.0.0.1"}\n'
    ) or "origin" in played.value("content")
    assert int(played.value("length")) == len(eval(played.value("content")))
    assert played.value("again") == "True"
    assert played.value("end") == "b''"
    assert played.journal.seen("at", "> AT+HTTPTERM")


def test_post(play):
    played = play(
        ON
        + """
text = '{"who": "Bienenstöcke"}'
reply = http.request(
    "POST", "http://plain.example/post", data=text, content_type="application/json",
    headers={"X-Key": "h0ney", "X-Hive": "7", "User-Agent": "hive"},
)
print("answer=%s" % str(reply.content, "utf-8"))
for data in (b"\\x00\\xff\\r\\nOK\\r\\n", bytearray(b"array"), ""):
    reply = http.request("POST", "http://plain.example/upload", data=data)
    print("upload=%s" % str(reply.content, "utf-8").strip())
"""
    )
    answer = json.loads(played.value("answer"))
    assert answer["json"] == {"who": "Bienenstöcke"}
    headers = answer["headers"]
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == "hive"
    assert (headers["X-Key"], headers["X-Hive"]) == ("h0ney", "7")
    lengths = [json.loads(line[7:])["length"] for line in played.lines if "upload=" in line]
    assert lengths == [8, 5, 0]
    assert "h0ney" not in "\n".join(map(str, played.journal.entries))


def test_head_and_status(play):
    played = play(
        ON
        + """
reply = http.request("HEAD", "http://plain.example/bytes/700")
print("head=%d,%s,%r" % (reply.status_code, reply.headers["Content-Length"], reply.content))
reply = http.request("GET", "http://plain.example/status/404")
print("missing=%d,%r" % (reply.status_code, reply.content))
"""
    )
    assert played.value("head") == "200,700,b''"
    assert played.value("missing") == "404,b''"


def test_body_in_pieces(play):
    played = play(
        ON
        + """
import hashlib, binascii, gc
def hexed(what):
    return str(binascii.hexlify(what.digest()), "ascii")
def get():
    return http.request("GET", "http://plain.example/bytes/20011"), hashlib.sha256()

reply, what = get()
for piece in reply:
    assert 0 < len(piece) <= 512
    what.update(piece)
print("loop=" + hexed(what))

reply, what = get()
buffer = bytearray(4000)
while count := reply.readinto(buffer):
    what.update(memoryview(buffer)[:count])
print("readinto=" + hexed(what))

reply, what = get()
what.update(reply.read(3))
what.update(reply.read(5000))
what.update(reply.content)
print("read=" + hexed(what))
""",
        modem=Modem(profile="R13.08"),
    )
    digest = hashlib.sha256(b"".join(pattern(20011))).hexdigest()
    for name in ("loop", "readinto", "read"):
        assert played.value(name) == digest


def test_a_file_is_sent_in_pieces(play):
    played = play(
        ON
        + """
with open("image", "wb") as file:
    for at in range(100):
        file.write(bytes([at]) * 301)
with open("image", "rb") as file:
    file.seek(100)
    reply = http.request("POST", "http://plain.example/upload", data=file)
print("answer=%s" % str(reply.content, "utf-8"))
""",
        timeout=90,
    )
    body = b"".join(bytes([at]) * 301 for at in range(100))[100:]
    answer = json.loads(played.value("answer"))
    assert answer == {"length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_apn_is_the_links_or_given(play):
    script = """
modem = ppp_sim800.PPP("internet").modem
modem = ppp_sim800.Modem(modem.line.board, trace=lambda *line: said.append(line))
said = []
modem.on()
def show(name, call, *args):
    try:
        print("%s=%r" % (name, call(*args)))
    except ppp_sim800.SIM800Error as error:
        print("%s=%s: %s" % (name, type(error).__name__, error))
show("none", modem.http.request, "GET", "http://plain.example/ip")
show("wrong", modem.bearer.open, "nowhere")
show("closed", modem.bearer.address)
show("user", modem.bearer.open, "own", "bee", "h0ney")
show("open", modem.bearer.address)
show("again", modem.bearer.open, "own")
show("get", lambda: modem.http.request("GET", "http://plain.example/ip").status_code)
show("close", modem.bearer.close)
show("twice", modem.bearer.close)
show("off", modem.bearer.address)
print("secret=%s" % ("h0ney" in str(said)))
"""
    played = play(script, radio=Radio(apns={"own": APN("pap", "bee", "h0ney")}))
    assert played.value("none").startswith("ConfigError: no APN is known")
    assert played.value("wrong").startswith(
        'NoCarrier: the modem cannot open a bearer to APN "nowhere"'
    )
    assert played.value("closed") == "None"
    assert played.value("user") == "None"
    assert played.value("open") == "'10.64.64.64'"
    assert played.value("again") == "None"
    assert played.value("get") == "200"
    assert (played.value("close"), played.value("twice")) == ("None", "None")
    assert played.value("off") == "None"
    assert played.value("secret") == "False"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://nowhere.example/", "(603): there is no such host"),
        ("http://plain.example:81/", "(601): the network failed"),
        ("http://plain.example/close", "(601): the network failed"),
        ("http://bulk.example:9/", "(600): what the server sent is no HTTP"),
        ("http://plain.example/bytes/400000", "(602): the answer is longer"),
    ],
)
def test_failures_in_words(play, url, error):
    played = play(
        ON
        + f"""
show("error", http.request, "GET", "{url}")
show("after", lambda: http.request("GET", "http://plain.example/ip").status_code)
"""
    )
    assert played.value("error").startswith("HTTPError: the request failed " + error)
    assert played.value("after") == "200"


@pytest.mark.parametrize(
    ("code", "words"),
    [(604, "still busy"), (605, "handshake"), (606, "refused"), (703, "no reason")],
)
def test_code(play, code, words):
    played = play(
        ON
        + """
try:
    http.request("GET", "http://plain.example/ip")
except ppp_sim800.HTTPError as error:
    print("code=%d" % error.code)
    print("words=%s" % error)
""",
        events=(Event("http_ends", "registered", args={"code": code}),),
    )
    assert played.value("code") == str(code)
    assert words in played.value("words")


def test_https_is_refused_unless_the_caller_insists(play):
    played = play(
        ON
        + """
show("refused", http.request, "GET", "https://tls10.example/ip")
show("insists", lambda: http.request("GET", "https://tls10.example/ip", unverified_tls=True).status_code)
show("modern", http.request, "GET", "https://telemetry.example/ip", unverified_tls=True)
show("plain", lambda: http.request("GET", "http://plain.example/ip").status_code)
"""
    )
    assert played.value("refused").startswith(
        "ConfigError: https is not for the modem: it speaks SSL 2"
    )
    assert played.value("insists") == "200"
    assert played.value("modern").startswith("HTTPError: the request failed (60")
    assert played.value("plain") == "200"


def test_https_without_tls_in_the_firmware(play):
    played = play(
        ON + 'show("get", http.request, "GET", "https://tls10.example/ip", unverified_tls=True)',
        modem=Modem(profile="R13.08"),
    )
    assert played.value("get").startswith("HTTPError: this modem's firmware has no TLS")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("'PUT', 'http://a/'", "GET, POST and HEAD"),
        ("'GET', 7", "the URL must be a str"),
        ("'GET', 'ftp://a/'", 'begins with "http://"'),
        ("'GET', 'http://a/ b'", "blanks"),
        ("'GET', 'http://a/\"'", "without quotes"),
        ("'GET', 'http://a/' + 'x' * 520", "at most 512"),
        ("'GET', 'http://a/', data='x'", "only POST"),
        ("'POST', 'http://a/', data=7", "data must be"),
        ("'POST', 'http://a/', data=bytes(319489)", "more than the modem takes"),
        ("'GET', 'http://a/', headers={'A': 7}", "header A must be a str"),
        ("'GET', 'http://a/', headers={'A': 'b\\\\r\\\\nC: d'}", "backslashes"),
        ("'GET', 'http://a/', headers={'A': 'x' * 300, 'B': 'x' * 300}", "all headers together"),
        ("'GET', 'http://a/', timeout=-1", "milliseconds"),
    ],
)
def test_bad_arguments(play, arguments, words):
    played = play(
        ON + f'show("error", http.request, {arguments})', modem=Modem(start="command", latency=0)
    )
    assert played.value("error").startswith("ConfigError: ")
    assert words in played.value("error")
    assert not played.journal.seen("at", "> AT+HTTP")


def test_only_without_ppp_and_ppp_only_without_it(play):
    played = play(
        ON
        + """
nic.connect()
show("up", http.request, "GET", "http://plain.example/ip")
nic.disconnect()
show("down", lambda: http.request("GET", "http://plain.example/ip").status_code)
show("open", nic.modem.bearer.address)
nic.connect()
print("address=" + nic.resolve("plain.example"))
"""
    )
    assert played.value("up").startswith("ConfigError: the link is up: disconnect()")
    assert played.value("down") == "200"
    assert played.value("open") == "'10.64.64.64'"
    assert played.value("address") == "203.0.113.11"


def test_a_silent_server_costs_the_time_given(play):
    played = play(
        ON
        + """
timed("late", http.request, "GET", "http://plain.example/delay/60", timeout=4000)
show("after", lambda: http.request("GET", "http://plain.example/ip").status_code)
"""
    )
    assert played.value("late") == "HTTPError: no answer from the server within 4 s"
    assert int(played.value("late_ms")) < 25000
    assert played.value("after") == "200"


def test_a_new_request_ends_the_last_response(play):
    played = play(
        ON
        + """
first = http.request("GET", "http://plain.example/bytes/2000")
first.read(10)
second = http.request("GET", "http://plain.example/bytes/20")
show("first", first.read)
show("second", lambda: len(second.content))
third = http.request("GET", "http://plain.example/bytes/2000")
third.close()
show("third", third.read)
"""
    )
    assert played.value("first").startswith("HTTPError: the response was closed")
    assert played.value("second") == "20"
    assert played.value("third").startswith("HTTPError: the response was closed")


def test_modem_that_restarts_is_told(play):
    played = play(
        ON
        + """
reply = http.request("GET", "http://plain.example/bytes/2000")
reply.read(10)
do("modem_reset")
time.sleep(8)
show("rest", reply.read)
nic.active(False)
nic.active(True)
show("after", lambda: http.request("GET", "http://plain.example/ip").status_code)
"""
    )
    assert played.value("rest").startswith(("ModemRestarted: ", "HTTPError: "))
    assert played.value("after") == "200"


@pytest.mark.parametrize("fault", ["drop_bytes rate=0.0003", "double_bytes rate=0.0003"])
def test_on_real_air_with_a_bad_line(play, fault):
    played = play(
        ON
        + f"""
import hashlib, binascii
reply = http.request("GET", "http://plain.example/bytes/6000")
do("{fault}")
what = hashlib.sha256(reply.content)
do("{fault.split()[0]} rate=0")
print("digest=" + str(binascii.hexlify(what.digest()), "ascii"))
""",
        air=GPRS,
        timeout=120,
    )
    assert played.journal.seen("at", "> AT+HTTPREAD=0,1024")
    assert played.value("digest") == hashlib.sha256(b"".join(pattern(6000))).hexdigest()


@pytest.mark.parametrize(
    ("happens", "error"),
    [
        ('do("drop_bytes count=1")', "HTTPError: the body did not reach the modem whole"),
        ("self.size = 0", "ConfigError: the file has become shorter: 700 bytes are missing"),
    ],
)
def test_a_body_that_does_not_arrive_is_not_sent(play, happens, error):
    played = play(
        ON
        + f"""
class File:
    size = 700
    def seek(self, offset, whence=0):
        return offset + self.size if whence == 2 else 0
    def readinto(self, buffer):
        {happens}
        return min(self.size, len(buffer))

show("error", http.request, "POST", "http://plain.example/upload", data=File())
show("after", lambda: http.request("GET", "http://plain.example/ip").status_code)
"""
    )
    assert played.value("error").startswith(error)
    assert played.value("after") == "200"
    assert not played.journal.seen("http", "POST")


def test_to_await(play):
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    await nic.active(True)
    reply = await nic.modem.http.request("GET", "http://plain.example/bytes/2000")
    print("status=%d" % reply.status_code)
    total = len(await reply.read(100))
    async for piece in reply:
        total += len(piece)
    print("total=%d" % total)
    await reply.close()
    reply = await nic.modem.http.request("POST", "http://plain.example/upload", data="x" * 3000)
    print("content=%s" % (await reply.content()))
    two = await asyncio.gather(*(nic.modem.http.request("GET", "http://plain.example/ip") for _ in range(2)))
    print("two=%d,%d" % tuple(reply.status_code for reply in two))
    print("bearer=%s" % await nic.modem.bearer.address())

asyncio.run(main())
"""
    )
    assert played.value("status") == "200"
    assert played.value("total") == "2000"
    assert '"length": 3000' in played.value("content")
    assert played.value("two") == "200,200"
    assert played.value("bearer") == "10.64.64.64"
