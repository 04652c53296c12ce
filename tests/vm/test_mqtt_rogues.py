"""umqtt and brokers that refuse, lie, drip and fall silent: every wait ends, every error is a sentence."""

import contextlib
import errno
import random
import re
import socket
import threading
import time

import pytest
from mqtt_rogues import drip, message
from real_servers import MQTT_ADDRESS, MQTT_HOST, wait_for

pytestmark = pytest.mark.real_time

HOST = MQTT_HOST
UP = f"""
from umqtt.simple import MQTTClient, MQTTException
from umqtt import robust
import gc
HOST = {HOST!r}
nic = ppp_sim800.PPP("internet")
nic.connect()
heard = []

def hear(topic, message):
    heard.append((topic, message))

def client(kind=MQTTClient, timeout=5, **options):
    c = kind("board", HOST, **options)
    c.set_callback(hear)
    c.connect(timeout=timeout)
    return c

def tell(name, call, *args, **kwargs):
    start = time.ticks_ms()
    try:
        result = "ok|%r" % (call(*args, **kwargs),)
    except OSError as error:
        result = "%s|%s|%s" % (type(error).__name__, getattr(error, "code", error.errno), error)
    except Exception as error:
        result = "%s||%s" % (type(error).__name__, error)
    print(name + "=" + result)
    print(name + "_s=%.1f" % (time.ticks_diff(time.ticks_ms(), start) / 1000))
"""
TIMEDOUT, RESET = f"OSError|{errno.ETIMEDOUT}|", f"OSError|{errno.ECONNRESET}|"
WRONG = f"MQTTException|None|{HOST} sends what is no MQTT"


def seconds(played, name) -> float:
    return float(played.value(name + "_s"))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"\x20\x02\x00\x01", f"MQTTException|1|{HOST} does not take MQTT 3.1.1"),
        (b"\x20\x02\x00\x02", f"MQTTException|2|{HOST} does not take the client id"),
        (b"\x20\x02\x00\x03", f"MQTTException|3|{HOST} is not available now"),
        (b"\x20\x02\x00\x04", f"MQTTException|4|{HOST} refuses user or password"),
        (b"\x20\x02\x00\x05", f"MQTTException|5|{HOST} does not authorise this client"),
        (b"\x20\x02\x00\x77", f"MQTTException|119|{HOST} refuses this client (119)"),
        (b"\x20\x02\x00", RESET),  # cut short
        (b"\x20\x02", RESET),
        (b"\x20", RESET),
        (b"", RESET + f"[Errno {errno.ECONNRESET}] ECONNRESET: {HOST} closed the connection"),
        (b"\x20\x01\x00", WRONG),
        (b"\x20\x03\x00\x00\x00", WRONG),
        (b"\x21\x02\x00\x00", WRONG),
        (b"\x20\xff\xff\xff\xff\x7f", WRONG + " (a length without an end)"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", WRONG),
        (b"\xff" * 1000, WRONG),
    ],
)
def test_connack(play, rogue, answer, said):
    def serve(broker, connection, _):
        broker.take(connection)
        connection.sendall(answer)

    rogue(serve)
    played = play(UP + 'tell("connect", client)')
    assert played.value("connect").startswith(said)
    assert seconds(played, "connect") < 5


def test_no_broker(play, rogue, internet, monkeypatch):
    """Nobody, nobody at that port, a silent one, one that drips, no such name, no link."""
    monkeypatch.setitem(internet.names, HOST, MQTT_ADDRESS)

    def serve(broker, connection, number):
        broker.take(connection)
        if number:
            drip(connection, b"\x20" + b"\x82" * 3 + b"\x00" * 100, 0.2)
        broker.hold()

    rogue(serve)
    played = play(
        UP
        + """
tell("silent", client)
tell("drips", client)
tell("refused", client, port=1)
c = MQTTClient("board", "no-such-name.example")
tell("name", c.connect, timeout=5)
nic.disconnect()
c = MQTTClient("board", HOST)
tell("down", c.connect, timeout=5)
tell("unconnected", c.publish, "a", "b")
tell("unasked", c.check_msg)
"""
    )
    silent = f"OSError|{errno.ETIMEDOUT}|[Errno {errno.ETIMEDOUT}] ETIMEDOUT: {HOST} "
    assert played.value("silent").startswith(silent + "does not answer CONNECT within 5 s")
    assert played.value("drips").startswith(
        silent + "has not sent the rest of a packet within 5 s"
    )
    for name in ("silent", "drips"):
        assert 5 <= seconds(played, name) < 12
    assert HOST in played.value("refused") and "check" in played.value("refused")
    assert played.value("name").startswith(
        'NameNotFound|None|cannot resolve "no-such-name.example": there is no such name'
    )
    assert "check" in played.value("down") and "|None|" not in played.value("down")
    for name in ("unconnected", "unasked"):
        assert f"not connected to {HOST}: call connect() first" in played.value(name)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        # Each comes behind a message that is good.
        (b"\x30\xff\xff\xff\xff", WRONG + " (a length without an end)"),
        (b"\x30\x80\x80\x80\x80\x01", WRONG + " (a length without an end)"),
        (b"\x30\x04\x00\x10ab", WRONG + " (a topic that is longer than its packet)"),
        (b"\x32\x05\x00\x02abc", WRONG + " (a topic that is longer than its packet)"),
        (b"\x30\x01\x00", WRONG + " (a message without a topic)"),
        (b"\x30\x00", WRONG + " (a message without a topic)"),
        (b"\x34\x05\x00\x01a\x00\x01", WRONG + " (a message with QoS 2"),
        (b"\x36\x05\x00\x01a\x00\x01", WRONG + " (a message with QoS 3"),
        (b"\x40\x01\x00", WRONG + " (type 0x40 with 1 bytes)"),
        (b"\x90\xff\xff\xff\x7f", WRONG + " (type 0x90 with 268435455 bytes)"),
        (b"\xd0\x01\x00", WRONG + " (type 0xd0 with 1 bytes)"),
        (b"\xe0\x00", WRONG + " (type 0xe0 with 0 bytes)"),
        (b"\x00\x00", WRONG),
        (b"\x30\x40\x00\x01ab", RESET),  # hangs up in the middle
        (b"\x30", RESET),
    ],
)
def test_what_breaks_the_protocol(play, rogue, sent, said):
    def serve(broker, connection, _):
        broker.greet(connection)
        connection.sendall(message(b"a", b"good") + sent)

    rogue(serve)
    played = play(
        UP
        + """
c = client()
tell("good", c.wait_msg)
tell("bad", c.wait_msg)
tell("after", c.wait_msg)
print("heard=%s" % heard)
"""
    )
    assert played.value("good") == "ok|48"
    assert played.value("bad").startswith(said)
    assert "call connect() first" in played.value("after")
    assert played.value("heard") == "[(b'a', b'good')]"
    assert seconds(played, "bad") < 5


def test_a_dripping_broker_is_left(play, rogue):
    """A byte now and then is no life: a packet as a whole has its time, and one more ms for each byte of it."""

    def serve(broker, connection, number):
        broker.greet(connection)
        if number == 0:
            drip(connection, message(b"topic", b"x" * 1000), 0.1)
        else:
            broker.take(connection)
            while True:  # anything but the answer
                connection.sendall(message(b"a", b"b"))
                time.sleep(0.02)

    rogue(serve)
    played = play(
        UP
        + """
c = client()
tell("wait", c.wait_msg)
c = client()
tell("publish", c.publish, b"a", b"b", qos=1)
print("heard=%d" % len(heard))
"""
    )
    assert played.value("wait").startswith(TIMEDOUT) and "rest of a packet" in played.value("wait")
    assert 6 <= seconds(played, "wait") < 12
    assert "has not acknowledged a message within 5 s: it may have" in played.value("publish")
    assert 5 <= seconds(played, "publish") < 8
    assert int(played.value("heard")) > 5


def test_a_broker_that_takes_nothing(play, rogue):
    """It reads no more, so that TCP's windows fill up."""

    def serve(broker, connection, _):
        broker.greet(connection)
        broker.hold()

    rogue(serve)
    played = play(
        UP
        + """
c = client()
tell("publish", c.publish, b"a", bytes(400000))
""",
        env={"SIM_HEAP": "8M"},
        timeout=120,
        speed=40.0,
    )
    assert played.value("publish").startswith("OSError|")
    assert "connect again" in played.value("publish")


def test_messages_that_are_too_long_are_skipped(play, rogue):
    """Acknowledged and told, without MemoryError, and the connection goes on."""
    sizes = (65536 - 8, 65536, 300_000)

    def serve(broker, connection, _):
        broker.greet(connection)
        for number, size in enumerate(sizes):
            ident = bytes((0, number + 1))
            connection.sendall(message(b"hive", b"x" * size, 0x32, ident))
            broker.take(connection)
        connection.sendall(message(b"hive", b"small"))
        # The same while an answer is awaited.
        publish = broker.take(connection)
        connection.sendall(message(b"Gr\xc3\xb6\xc3\x9fe", b"x" * 70_000))
        connection.sendall(b"\x40\x02" + publish[5:7])
        publish = broker.take(connection)
        connection.sendall(b"\x40\x02" + publish[5:7] + message(b"hive", b"x" * 900_000))
        broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + """
c = client(timeout=30)
tell("fits", c.wait_msg)
tell("too_long", c.wait_msg)
tell("much_too_long", c.wait_msg)
tell("small", c.wait_msg)
tell("publish", c.publish, b"ab", b"", qos=1)
tell("during", c.check_msg)
tell("over", c.check_msg)
c.MAX_SIZE = 10000000
tell("publish", c.publish, b"ab", b"", qos=1)
tell("no_memory", c.wait_msg)
print("heard=%s" % [(t, len(m)) for t, m in heard])
""",
        env={"SIM_HEAP": "1M"},
        speed=20.0,
    )
    assert played.value("fits") == "ok|50"
    for name, length in (
        ("too_long", 65536 + 8),
        ("much_too_long", 300_008),
        ("no_memory", 900_006),
    ):
        said = f"MQTTException|None|a message of {length} bytes was skipped, topic b'hive': it is longer"
        assert played.value(name).startswith(said)
    assert played.value("small") == "ok|48"
    assert played.value("publish") == "ok|None"
    assert r"topic b'Gr\xc3\xb6\xc3\x9fe': it is longer than MAX_SIZE" in played.value("during")
    assert played.value("over") == "ok|None"
    assert played.value("heard") == "[(b'hive', 65528), (b'hive', 5)]"
    assert [packet for packet in broker.packets if packet[0] == 0x40] == [
        bytes((0x40, 0, number)) for number in (1, 2, 3)
    ]


def test_no_memory_for_a_message(play, rogue):
    def serve(broker, connection, _):
        broker.greet(connection)
        connection.sendall(message(b"hive", b"x" * 200_000, 0x32, b"\0\1") + message(b"a", b"b"))
        broker.take(connection)
        broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + """
c = client(timeout=30)
c.MAX_SIZE = 1000000
tell("long", c.wait_msg)
tell("small", c.wait_msg)
""",
        env={"SIM_HEAP": "200k"},
    )
    assert "bytes was skipped, topic b'hive'" in played.value("long")
    assert played.value("small") == "ok|48"
    wait_for(lambda: broker.packets[-1] == b"\x40\0\1", lambda: broker.packets)


@pytest.mark.parametrize("answer", ["right", "other first", "wrong type", "none"])
def test_acknowledgements_belong_to_their_packets(play, rogue, answer):
    def serve(broker, connection, _):
        broker.greet(connection)
        publish = broker.take(connection)
        ident = publish[5:7]
        if answer == "other first":
            connection.sendall(b"\x40\x02\x77\x77" + b"\xb0\x02" + ident)
            time.sleep(0.1)
        if answer == "wrong type":
            connection.sendall(b"\xb0\x02" + ident)
        elif answer != "none":
            connection.sendall(b"\x40\x02" + ident)
        broker.hold()

    rogue(serve)
    played = play(UP + 'c = client()\ntell("publish", c.publish, b"ab", b"c", qos=1)')
    if answer in ("right", "other first"):
        assert played.value("publish") == "ok|None"
    else:
        assert played.value("publish").startswith(TIMEDOUT)
        assert 5 <= seconds(played, "publish") < 7


def test_a_callback_may_publish_and_take_its_time(play, rogue):
    """What it does while an acknowledgement is awaited neither loses that nor counts as the broker's time."""

    def serve(broker, connection, _):
        broker.greet(connection)
        outer = broker.take(connection)
        connection.sendall(message(b"a", b"b"))
        inner = broker.take(connection)
        connection.sendall(b"\x40\x02" + outer[5:7])
        time.sleep(0.05)
        connection.sendall(b"\x40\x02" + inner[5:7])
        broker.hold()

    rogue(serve)
    played = play(
        UP
        + """
c = client()

def answer(topic, message):
    tell("inner", c.publish, b"ab", b"inner", qos=1)
    time.sleep(8)
c.set_callback(answer)
tell("outer", c.publish, b"ab", b"outer", qos=1)
"""
    )
    assert played.value("inner") == played.value("outer") == "ok|None"


def test_subscriptions(play, rogue):
    def serve(broker, connection, _):
        broker.greet(connection)
        for code in (1, 0x80):
            subscribe = broker.take(connection)
            connection.sendall(b"\x90\x03" + subscribe[1:3] + bytes((code,)))
        unsubscribe = broker.take(connection)
        connection.sendall(b"\xb0\x02" + unsubscribe[1:3])
        broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + """
c = client()
long = "\\u00e4" * 30000 + "/#"
tell("taken", c.subscribe, long, qos=1)
tell("refused", c.subscribe, "secret/#")
tell("unsubscribe", c.unsubscribe, long)
c.cb = None
tell("no_callback", c.subscribe, "a")
tell("qos", c.publish, "a", "b", qos=2)
tell("wildcard", c.publish, "a/#", "b")
tell("empty", c.publish, "", "b")
tell("too_long", c.publish, "a" * 65536, "b")
"""
    )
    assert played.value("taken") == played.value("unsubscribe") == "ok|None"
    assert played.value("refused").startswith(
        f"MQTTException|128|{HOST} refuses a subscription to 'secret/#'"
    )
    long = "ä".encode() * 30000 + b"/#"
    first, _, third = broker.packets[1:]
    assert first[0] == 0x82 and first[3:] == len(long).to_bytes(2) + long + b"\x01"
    assert third[0] == 0xA2 and third[3:] == len(long).to_bytes(2) + long
    for name in ("no_callback", "qos", "wildcard", "empty", "too_long"):
        assert played.value(name).startswith("ValueError||")


def test_noise(play, rogue):
    """Whatever comes, it ends soon, as an error in words."""
    chance = random.Random(20261130)

    def noise() -> bytes:
        data = bytearray(
            message(b"hive", b"x" * chance.randrange(200), chance.choice((0x30, 0x32)), b"\0\1")
        )
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data) if chance.random() < 0.7 else chance.randbytes(chance.randrange(1, 300))

    def serve(broker, connection, _):
        broker.greet(connection)
        connection.sendall(noise() + noise())

    rogue(serve)
    played = play(
        UP
        + """
for number in range(60):
    c = client(robust.MQTTClient if number % 10 == 9 else MQTTClient)
    c.RETRY = c.DELAY = 0
    def use():
        for _ in range(20):
            c.wait_msg()
    tell("noise%d" % number, use)
    c.sock.close()
""",
        speed=20.0,
    )
    for number in range(60):
        kind, _, words = played.value(f"noise{number}").split("|", 2)
        assert (kind in ("OSError", "MQTTException") and HOST in words) or "was skipped" in words
        assert seconds(played, f"noise{number}") < 40


# --- flows that have died -----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["check_msg", "wait_msg", "ping"])
def test_a_dead_flow_is_noticed(play, rogue, how):
    """As a NAT forgets it: nothing comes any more, and TCP does not say so."""

    def serve(broker, connection, _):
        broker.greet(connection)
        broker.take(connection)
        broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + f"""
c = client(timeout=30, keepalive=40)
def use():
    while True:
        c.{how}()
        time.sleep(1)
tell("use", use)
"""
    )
    assert played.value("use").startswith(TIMEDOUT)
    assert "has not answered a ping within 30 s: the connection is dead" in played.value("use")
    assert 29 <= seconds(played, "use") <= 62
    assert broker.packets[0][9:11] == b"\0\x28"  # the keepalive
    assert broker.packets[1] == b"\xc0"


def test_a_dead_flow_without_keepalive(play, rogue):
    def serve(broker, connection, _):
        broker.greet(connection)
        broker.hold()

    rogue(serve)
    played = play(
        UP
        + """
c = client(timeout=20)
def use():
    while True:
        c.check_msg()
        time.sleep(5)
tell("use", use)
""",
        speed=60.0,
    )
    assert played.value("use").startswith(TIMEDOUT)
    assert 300 <= seconds(played, "use") <= 340


def test_a_live_flow_is_kept(play, rogue):
    """The keepalive is honoured while there is nothing to say, or only the broker talks."""
    gaps = []

    def serve(broker, connection, number):
        broker.greet(connection)
        connection.settimeout(0.05)
        last = time.monotonic()
        while True:
            if number:
                connection.sendall(message(b"a", b"b"))
            try:
                if broker.take(connection) == b"\xc0":
                    gaps.append(time.monotonic() - last)
                    last = time.monotonic()
                    connection.sendall(b"\xd0\0")
            except TimeoutError:
                pass

    rogue(serve)
    played = play(
        UP
        + """
for name in ("silence", "talk"):
    c = client(keepalive=12)
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 60000:
        c.check_msg()
        time.sleep_ms(100)
    print(name + "=alive")
    c.disconnect()
""",
        speed=10.0,
    )
    assert played.value("silence") == played.value("talk") == "alive"
    assert len(gaps) >= 10
    assert max(gaps) * 10 < 12


# --- umqtt.robust -------------------------------------------------------------------------------


def test_robust_sends_again_as_duplicates(play, rogue):
    """The first acknowledgement is lost; the second connection is at once; the third is good."""

    def serve(broker, connection, number):
        broker.greet(connection)
        publish = broker.take(connection)
        if number == 1:
            return  # hangs up
        if number == 2:
            connection.sendall(b"\x40\x02" + publish[5:7])
        broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + """
c = client(robust.MQTTClient)
c.DELAY = 0
tell("publish", c.publish, "ab", "once", qos=1)
"""
    )
    assert played.value("publish") == "ok|None"
    published = [packet for packet in broker.packets if packet[0] & 0xF0 == 0x30]
    assert [packet[0] for packet in published] == [0x32, 0x3A, 0x3A]
    assert len({packet[1:] for packet in published}) == 1  # the same packet id, too
    assert [packet[8] & 2 for packet in broker.packets if packet[0] == 0x10] == [2, 0, 0]


def test_robust_ends(play, rogue):
    """A broker that hangs up on each message, one that goes for good, one that refuses."""
    serves = []

    def serve(broker, connection, number):
        serves[-1](broker, connection)

    def hang_up(broker, connection):
        broker.greet(connection)
        broker.take(connection)

    def refuse(broker, connection):
        broker.take(connection)
        connection.sendall(b"\x20\x02\x00\x05")

    def later(line, world):
        if line.startswith("hangs_up="):
            serves.append(lambda broker, connection: None)
        if line.startswith("gone="):
            serves.append(refuse)

    serves.append(hang_up)
    broker = rogue(serve)
    played = play(
        UP
        + """
c = client(robust.MQTTClient)
c.DELAY = 1
c.RETRY = 30
tell("hangs_up", c.publish, "a", "b", qos=1)
tell("gone", c.publish, "a", "b", qos=1)
tell("refused", c.publish, "a", "b", qos=1)
""",
        watch=later,
    )
    assert played.value("hangs_up").startswith(RESET)
    assert played.value("gone").startswith(RESET)
    assert 30 <= seconds(played, "gone") < 50
    assert played.value("refused").startswith("MQTTException|5|")
    assert seconds(played, "refused") < 3
    assert broker.connections < 30


def test_robust_subscribes_again(play, rogue):
    """All that was subscribed to, unless the broker has kept the session; wait_msg() and check_msg() go on."""

    def serve(broker, connection, number):
        broker.take(connection)
        connection.sendall(b"\x20\x02" + (b"\x01" if number == 2 else b"\x00") + b"\0")
        for _ in range((4, 2, 0, 2)[number]):
            packet = broker.take(connection)
            code = (
                b"\x90\x03" + packet[1:3] + b"\1"
                if packet[0] == 0x82
                else b"\xb0\x02" + packet[1:3]
            )
            connection.sendall(code)
        time.sleep(0.05)
        connection.sendall(message(b"hive", str(number).encode()))
        if number == 3:
            broker.hold()

    broker = rogue(serve)
    played = play(
        UP
        + """
c = client(robust.MQTTClient)
c.subscribe("hive/#", qos=1)
c.subscribe("other")
c.subscribe(b"hive")
c.unsubscribe("other")
for name in ("first", "second", "third"):
    tell(name, c.wait_msg)
while len(heard) < 4:
    c.check_msg()
print("heard=%s" % [m for _, m in heard])
""",
    )
    assert played.value("heard") == "[b'0', b'1', b'2', b'3']"
    again = [packet[3:] for packet in broker.packets if packet[0] == 0x82]
    assert again[:3] == [b"\0\6hive/#\1", b"\0\5other\0", b"\0\4hive\0"]
    assert sorted(again[3:]) == sorted([b"\0\6hive/#\1", b"\0\4hive\0"] * 2)


def test_each_reading_arrives_through_cuts(play, rogue, broker):
    """Connections to mosquitto that are cut at random bytes, either way: a reading that comes twice is marked as such."""
    chance = random.Random(20261130)

    def forward(source, sink, left):
        try:
            while left > 0 and (data := source.recv(min(left, 50))):
                sink.sendall(data)
                left -= len(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve(_, connection, number):
        there = socket.create_connection(("127.0.0.1", broker.plain))
        with there:
            up = threading.Thread(
                target=forward, args=(connection, there, chance.randrange(20, 700))
            )
            up.start()
            forward(there, connection, chance.randrange(4, 60))
            up.join()

    cut = rogue(serve)
    played = play(
        UP
        + """
c = client(robust.MQTTClient, timeout=10)
c.DELAY = 0
c.TRIES = 20
for number in range(100):
    c.publish("hive/%d" % number, "42.%d" % number, qos=1)
print("done=done")
""",
        speed=20.0,
        timeout=120,
    )
    assert played.value("done") == "done"
    assert cut.connections > 5
    received = re.findall(
        r"Received PUBLISH from board \(d(\d), q1, r0, m\d+, 'hive/(\d+)'", broker.log()
    )
    for number in range(100):
        marks = [mark for mark, topic in received if topic == str(number)]
        assert marks, number
        assert set(marks[1:]) <= {"1"}, (number, marks)
    assert any(mark == "1" for mark, _ in received)
