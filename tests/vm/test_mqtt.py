"""MQTT to real brokers, Debian's mosquitto and PyPI's amqtt: with packets written out, and with umqtt."""

import pytest
from capture import segments, up
from real_servers import MQTT_ADDRESS, MQTT_HOST, MQTT_PASSWORD, MQTT_USER
from scapy.layers.inet import TCP
from stand_in import CERTIFICATES

pytestmark = pytest.mark.real_time

HOST = MQTT_HOST

# MQTT 3.1.1: CONNECT, PUBLISH with QoS 1, DISCONNECT
TALK = f"""
import socket, ssl
nic = ppp_sim800.PPP("internet")
nic.connect()

def publish(context, port, payload, client=b"board-1"):
    plain = socket.socket()
    plain.settimeout(20)
    try:
        plain.connect(socket.getaddrinfo({HOST!r}, port)[0][-1])
        s = context.wrap_socket(plain, server_hostname={HOST!r})
        s.write(bytes((0x10, 12 + len(client), 0, 4)) + b"MQTT" + bytes((4, 2, 0, 60, 0, len(client))) + client)
        answer = s.read(4)
        s.write(bytes((0x32, 8 + len(payload), 0, 4)) + b"hive" + bytes((0, 1)) + payload)
        answer += s.read(4)
        s.write(b"\\xe0\\0")
        return answer.hex(), s.session_reused
    finally:
        plain.close()

def tell(name, call, *args, **kwargs):
    try:
        print("%s=%s" % (name, call(*args, **kwargs)))
    except ppp_sim800.SIM800Error as error:
        print("%s=%s" % (name, getattr(error, "reason", error)))
"""
UMQTT = (
    TALK
    + f"""
from umqtt.simple import MQTTClient
HOST = {HOST!r}

def send(payload, host=HOST, **kwargs):
    client = MQTTClient(b"board-2", host, **kwargs)
    client.connect(timeout=20)
    client.publish(b"hive", payload, qos=1)
    reused = client.sock.session_reused
    client.disconnect()
    return reused
"""
)
CONNACK, PUBACK = "20020000", "40020001"
APPLICATION_DATA = b"\x17\x03\x03"  # how a TLS record with data begins


@pytest.fixture
def board(play, broker):
    def board(script, **options):
        env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
        return play(script, env=env, names={"other.example": MQTT_ADDRESS}, **options)

    return board


def test_publish_and_resume(board, broker):
    played = board(
        TALK
        + """
context = ssl.create_default_context()
tell("first", publish, context, 8883, b"42.7")
tell("second", publish, context, 8883, b"42.8")
"""
    )
    assert played.value("first") == f"('{CONNACK}{PUBACK}', False)"
    assert played.value("second") == f"('{CONNACK}{PUBACK}', True)"
    assert broker.log().count("Received PUBLISH from board-1 (d0, q1, r0, m1, 'hive'") == 2


def test_a_broker_that_knows_its_clients(board, broker):
    client = (CERTIFICATES / "client.pem").read_bytes()
    unknown = (CERTIFICATES / "client-unknown.pem").read_bytes()
    played = board(
        TALK
        + f"""
context = ssl.create_default_context()
tell("none", publish, context, 8884, b"1")
context.load_cert_chain({unknown!r})
tell("unknown", publish, context, 8884, b"2")
context = ssl.create_default_context()
context.load_cert_chain({client!r})
tell("known", publish, context, 8884, b"3")
"""
    )
    # mosquitto hangs up at once, so that its alert may be lost.
    assert played.value("none") in ("refused", "closed")
    assert played.value("unknown") in ("refused", "closed")
    assert played.value("known") == f"('{CONNACK}{PUBACK}', False)"
    assert "u'board-1'" in broker.log()
    assert broker.log().count("Received PUBLISH") == 1


def test_umqtt_verifies_by_default(board, broker):
    played = board(
        UMQTT
        + """
tell("first", send, b"1", ssl=True)
tell("second", send, b"2", ssl=True)
tell("context", send, b"3", ssl=ssl.create_default_context())
tell("wrong_host", send, b"4", "other.example", ssl=True)
own = ssl.create_default_context(cafile="root.der")
tell("own", send, b"5", ssl=own)
tell("unverified", send, b"6", "other.example", ssl=ssl._create_unverified_context())
"""
    )
    assert played.value("first") == "False"
    assert played.value("second") == "True"
    assert played.value("context") == "True"  # the same settings
    for name in ("own", "unverified"):  # other settings, other sessions
        assert played.value(name) == "False"
    assert played.value("wrong_host") == "wrong host"
    assert broker.log().count("Received PUBLISH from board-2") == 5


def test_bytes_of_a_message(play, broker, tmp_path):
    """Each MQTT packet is one TLS record in a segment of its own; a long message may follow its head."""
    pcap = tmp_path / "line.pcap"
    played = play(
        UMQTT
        + """
heard = []
client = MQTTClient("board-4", HOST, ssl=True, user="hive", password="h0ney")
client.set_last_will("hive/gone", b"1")
client.set_callback(lambda topic, message: heard.append((topic, message)))
client.connect(timeout=20)
client.subscribe("hive/#", qos=1)
client.publish("hive/Stöcke", "Größe 42.7", qos=1)
client.publish(b"hive/sound", bytearray(b"y" * 3000), qos=1)
while len(heard) < 2:
    client.wait_msg()
client.disconnect()
print("heard=%s" % [(topic, len(message)) for topic, message in heard])
""",
        env={"SIM_ROOTS": str(CERTIFICATES / "root.roots")},
        pcap=pcap,
    )
    assert played.value("heard") == "[(b'hive/St\\xc3\\xb6cke', 12), (b'hive/sound', 3000)]"
    assert "Received SUBSCRIBE from board-4" in broker.log()
    assert "Will message specified (1 bytes) (r0, q0)" in broker.log()  # what CONNECT said
    sent = [bytes(ip[TCP].payload) for ip in segments(pcap) if up(ip) and ip[TCP].payload]
    first = next(n for n, data in enumerate(sent) if data.startswith(APPLICATION_DATA))
    for data in sent[first : first + 3]:  # CONNECT, SUBSCRIBE, PUBLISH
        assert data.startswith(APPLICATION_DATA)
        assert int.from_bytes(data[3:5]) == len(data) - 5


def test_umqtts_timeout_lasts(board, broker):
    played = board(
        UMQTT
        + """
client = MQTTClient(b"board-2", HOST, ssl=True)
client.connect(timeout=5)
client.publish(b"hive", b"1", qos=1)
do("air loss=1.0")
start = time.ticks_ms()
try:
    client.publish(b"hive", b"2", qos=1)
except OSError as error:
    print("error=%s" % error)
print("seconds=%d" % (time.ticks_diff(time.ticks_ms(), start) // 1000))
"""
    )
    assert "ETIMEDOUT" in played.value("error")
    assert 5 <= int(played.value("seconds")) < 15


def test_umqtt_robust_connects_again(board, broker):
    played = board(
        UMQTT
        + """
from umqtt import robust
client = robust.MQTTClient(b"board-3", HOST, ssl=True)
client.connect(timeout=20)
client.sock.close()
client.publish(b"hive", b"1", qos=1)
print("reused=%s" % client.sock.session_reused)
# That connection has the timeout of the first: what hangs is found out.
do("air loss=1.0")
start = time.ticks_ms()
def reconnect():
    raise ValueError("found out")
client.reconnect = reconnect
try:
    client.publish(b"hive", b"2", qos=1)
except ValueError as error:
    print("error=%s" % error)
print("seconds=%d" % (time.ticks_diff(time.ticks_ms(), start) // 1000))
"""
    )
    assert played.value("reused") == "True"
    assert played.value("error") == "found out"
    assert 20 <= int(played.value("seconds")) < 30
    assert broker.log().count("Received PUBLISH from board-3 (d0, q1, r0, ") == 1


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", ["broker", "amqtt"], ids=["mosquitto", "amqtt"])
def test_letters_and_lengths(board, request, kind, tls):
    """What goes out comes back the same: umlauts everywhere, topics and messages around and over all limits."""
    request.getfixturevalue(kind)
    played = board(
        UMQTT
        + f"""
heard = []
client = MQTTClient("Böttcher", HOST, ssl={tls}, keepalive=60)
client.set_last_will("hive/Göttin", "Ä, gone")
client.set_callback(lambda topic, message: heard.append((topic, message)))
client.connect(timeout=20)
client.subscribe("hive/#", qos=1)
sent = []
for topic, message in (
    ("hive/Stöcke/漢字", "Größe 42.7"),
    ("hive/" + "ä" * 59, b""),  # 123 bytes
    ("hive/" + "x" * 118, bytearray(range(256))),
    ("hive/" + "x" * 30000, "Ö" * 10000),
):
    for qos in (0, 1):
        client.publish(topic, message, qos=qos)
        sent.append((topic.encode(), message.encode() if isinstance(message, str) else bytes(message)))
        while len(heard) < len(sent):
            client.wait_msg()
print("same=%s" % (heard == sent))
client.ping()
print("pong=%s" % client.wait_msg())
client.unsubscribe("hive/#")
client.publish("hive/x", "unheard", qos=1)
print("nothing=%s" % client.check_msg())
client.disconnect()
"""
    )
    assert played.value("same") == "True"
    assert played.value("pong") == played.value("nothing") == "None"


def test_who_may_do_what(board, broker):
    """A user and a password with umlauts; refusals, told apart."""
    played = board(
        UMQTT
        + f"""
def visit(**kwargs):
    client = MQTTClient("board-5", HOST, 1884, **kwargs)
    try:
        client.connect(timeout=20)
    except OSError as error:
        return "%s|%s" % (type(error).__name__, error.code)
    client.set_callback(print)
    client.publish("hive/a", "b", qos=1)
    try:
        client.subscribe("secret/#")
    except OSError as error:
        return "in, but %s|%s" % (type(error).__name__, error.code)

print("known=%s" % visit(user={MQTT_USER!r}, password={MQTT_PASSWORD!r}))
print("bytes=%s" % visit(user={MQTT_USER.encode()!r}, password={MQTT_PASSWORD.encode()!r}))
print("wrong=%s" % visit(user={MQTT_USER!r}, password="wrong"))
print("no_password=%s" % visit(user={MQTT_USER!r}))
print("nobody=%s" % visit())
"""
    )
    # mosquitto 2.0 takes each subscription, and sends nothing of what one may not read.
    assert played.value("known") == played.value("bytes")
    for name in ("wrong", "no_password", "nobody"):
        assert played.value(name) == "MQTTException|5"
    assert broker.log().count(f"u'{MQTT_USER}'") >= 2


def test_ssl_params(board, broker):
    """As users write them: the host's name is umqtt's to know."""
    client = (CERTIFICATES / "client.pem").read_text()
    key = client[
        client.index("-----BEGIN PRIVATE")
        if "-----BEGIN PRIVATE" in client
        else client.index("-----BEGIN EC") :
    ]
    root = (CERTIFICATES / "root.pem").read_text()
    played = board(
        UMQTT
        + f"""
cert, key, root = {client!r}, {key!r}, {root!r}
tell("side", send, b"1", ssl=True, ssl_params={{"server_side": False}})
tell("name", send, b"2", ssl=True, ssl_params={{"server_hostname": HOST}})
tell("wrong_name", send, b"-", "other.example", ssl=True, ssl_params={{"server_side": False}})
tell("another_name", send, b"3", "other.example", ssl=True, ssl_params={{"server_hostname": HOST}})
for name, kind in (("bytes", str.encode), ("text", str)):
    params = {{"key": kind(key), "cert": kind(cert), "cadata": kind(root), "server_side": False}}
    tell(name, send, name, ssl=True, ssl_params=params, port=8884)
tell("no_key", send, b"-", ssl=True, ssl_params={{"server_side": False}}, port=8884)
tell("none", send, b"6", ssl=True, ssl_params=None)
import ssl
tell("verifies_nothing", send, b"7", "other.example", ssl=True, ssl_params={{"cert_reqs": ssl.CERT_NONE}})
"""
    )
    for name in ("side", "name", "another_name", "bytes", "text", "none", "verifies_nothing"):
        assert played.value(name) in ("True", "False"), (name, played.value(name))
    assert played.value("wrong_name") == "wrong host"
    assert played.value("no_key") in ("refused", "closed")
    assert broker.log().count("Received PUBLISH from board-2") == 7


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_flow_that_the_network_forgets(board, broker, tls):
    """As a NAT does it: nobody says so, and both ends go on. It is noticed within 1.5 times the keepalive."""
    played = board(
        UMQTT
        + f"""
client = MQTTClient("board-6", HOST, ssl={tls}, keepalive=40)
client.set_callback(print)
client.connect(timeout=30)
client.subscribe("hive/#")
start = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), start) < 120000:  # a live one is kept
    client.check_msg()
    time.sleep(1)
do("air loss=1.0")
start = time.ticks_ms()
try:
    while True:
        client.check_msg()
        time.sleep(1)
except OSError as error:
    print("error=%s" % error)
print("seconds=%d" % (time.ticks_diff(time.ticks_ms(), start) // 1000))
""",
        speed=30.0,
    )
    assert "has not answered a ping within 30 s: the connection is dead" in played.value("error")
    assert int(played.value("seconds")) <= 61
    assert "exceeded timeout" not in broker.log()


def test_a_lost_link(board, broker):
    """It is an error in words, after which ensure() and connect() go on; umqtt.robust does the latter itself."""
    played = board(
        UMQTT
        + """
from umqtt import robust
client = MQTTClient("board-7", HOST, ssl=True)
client.connect(timeout=20)
do("lcp_terminate")
time.sleep(1)
for name in ("publish", "connect"):
    try:
        client.publish("hive", "1", qos=1) if name == "publish" else client.connect()
    except OSError as error:
        print("%s=%s" % (name, error))
nic.ensure()
client.connect()
client.publish("hive", "2", qos=1)

client = robust.MQTTClient("board-7", HOST, ssl=True)
client.connect(timeout=20)
do("lcp_terminate")
time.sleep(1)
client.delay = lambda i: nic.ensure()
client.publish("hive", "3", qos=1)
print("link=%s" % nic.status())
"""
    )
    for name in ("publish", "connect"):
        words = played.value(name)
        assert "mqtt.example" in words and "check" in words
    assert played.value("link") == "up"
    assert broker.log().count("Received PUBLISH from board-7") == 2
