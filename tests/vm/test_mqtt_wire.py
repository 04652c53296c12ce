"""What umqtt puts on the wire, read by another's parser (amqtt's): the same values, whatever their length and letters."""

import asyncio
import json
import random
import threading

import pytest
from amqtt.adapters import StreamReaderAdapter
from amqtt.mqtt import packet_class
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from real_servers import MQTT_ADDRESS, MQTT_HOST

pytestmark = pytest.mark.real_time

SEED = 20261130
CASES = 60

SCRIPT = f"""
import gc, json
from umqtt.simple import MQTTClient
nic = ppp_sim800.PPP("internet")
nic.connect()

def encoded(text, as_bytes):
    return text.encode() if as_bytes and text is not None else text

with open("cases.json") as file:
    for line in file:
        case = json.loads(line)
        b = case["bytes"]
        c = MQTTClient(
            encoded(case["client_id"], b), {MQTT_HOST!r}, user=encoded(case["user"], b),
            password=encoded(case["password"], b), keepalive=case["keepalive"]
        )
        if case["will_topic"]:
            c.set_last_will(encoded(case["will_topic"], b), encoded(case["will"], not b), case["retain"], case["qos"])
        c.set_callback(print)
        c.pid = case["pid"]
        c.connect(clean_session=case["clean"], timeout=30)
        c.publish(encoded(case["topic"], b), encoded(case["payload"], not b), case["retain"], case["qos"])
        c.publish(encoded(case["topic"], b), bytearray(case["zeros"]), qos=case["qos"])
        c.subscribe(encoded(case["filter"], b), case["qos"])
        c.unsubscribe(encoded(case["filter"], b))
        c.ping()
        c.disconnect()
        gc.collect()
time.sleep(1)
print("done=done")
"""

# Where the length of a length, or of its bytes, changes
EDGES = (0, 1, 118, 119, 120, 121, 122, 123, 127, 128, 129, 255, 256, 16379, 16383, 16384, 65535)
LETTERS = "abcXYZ019/-_ äöüßñéЖ漢字€\U0001f41d\U0001f36f"


def text(chance: random.Random, least: int = 0, most: int = 65535) -> str:
    """Of a length in bytes that is often an edge."""
    length = max(least, min(most, chance.choice((chance.choice(EDGES), chance.randrange(300)))))
    letters: list[str] = []
    size = 0
    while size < length:
        letter = chance.choice(LETTERS)
        room = length - size
        letter = letter if len(letter.encode()) <= room else "x"
        letters.append(letter)
        size += len(letter.encode())
    return "".join(letters)


def case(chance: random.Random) -> dict:
    user = chance.choice((None, "", text(chance, 1)))
    return {
        "bytes": chance.random() < 0.5,
        "client_id": text(chance, 1),
        "user": user,
        "password": text(chance) if user and chance.random() < 0.7 else None,
        "keepalive": chance.choice((0, 1, 60, 255, 256, 65535)),
        "will_topic": chance.choice((None, text(chance, 1))),
        "will": text(chance),
        "clean": chance.random() < 0.5,
        "topic": text(chance, 1),
        "payload": text(chance),
        "zeros": chance.choice((0, 1, 1024, 1025, chance.randrange(5000), 70000)),
        "filter": text(chance, 1, 65533) + chance.choice(("", "/#", "/+")),
        "retain": chance.random() < 0.5,
        "qos": chance.choice((0, 1)),
        "pid": chance.choice((0, 255, 65534, 65535, chance.randrange(65536))),
    }


class Reader:
    """Answers as a broker does, and keeps what amqtt's parser has made of each connection's packets."""

    def __init__(self):
        self.connections: list[list] = []
        self.errors: list[Exception] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader, writer) -> None:
        packets: list = []
        self.connections.append(packets)
        stream = StreamReaderAdapter(reader)
        try:
            while head := await MQTTFixedHeader.from_stream(stream):
                packet = await packet_class(head).from_stream(stream, fixed_header=head)
                packets.append(packet)
                ident = getattr(packet.variable_header, "packet_id", None)
                if isinstance(packet, ConnectPacket):
                    writer.write(b"\x20\x02\0\0")
                elif isinstance(packet, PublishPacket) and packet.qos:
                    writer.write(b"\x40\x02" + ident.to_bytes(2))
                elif isinstance(packet, SubscribePacket):
                    writer.write(
                        b"\x90\x03" + ident.to_bytes(2) + bytes((packet.payload.topics[0][1],))
                    )
                elif isinstance(packet, UnsubscribePacket):
                    writer.write(b"\xb0\x02" + ident.to_bytes(2))
                elif isinstance(packet, PingReqPacket):
                    writer.write(b"\xd0\0")
                elif isinstance(packet, DisconnectPacket):
                    return
        except Exception as error:
            self.errors.append(error)
        finally:
            writer.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@pytest.fixture
def reader(internet, monkeypatch):
    reader = Reader()
    monkeypatch.setitem(internet.names, MQTT_HOST, MQTT_ADDRESS)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 1883), reader.port)
    yield reader
    reader.stop()


def check(case: dict, packets: list) -> None:
    connect, first, second, subscribe, unsubscribe, ping, disconnect = packets
    assert (connect.proto_name, connect.proto_level) == ("MQTT", 4)
    assert connect.client_id == case["client_id"]
    assert connect.clean_session_flag == case["clean"]
    assert connect.keep_alive == case["keepalive"]
    assert not connect.reserved_flag
    assert connect.username == (case["user"] or None)
    assert connect.password == (case["password"] if case["user"] else None)
    assert connect.will_flag == bool(case["will_topic"])
    if case["will_topic"]:
        assert connect.will_topic == case["will_topic"]
        assert bytes(connect.will_message) == case["will"].encode()
        assert (connect.will_qos, connect.will_retain_flag) == (case["qos"], case["retain"])
    for publish, payload, retain in (
        (first, case["payload"].encode(), case["retain"]),
        (second, bytes(case["zeros"]), False),
    ):
        assert publish.topic_name == case["topic"]
        assert bytes(publish.data) == payload
        assert (publish.qos, publish.retain_flag, publish.dup_flag) == (case["qos"], retain, False)
    assert subscribe.payload.topics == [(case["filter"], case["qos"])]
    assert unsubscribe.payload.topics == [case["filter"]]
    numbered = [subscribe, unsubscribe]
    if case["qos"]:
        numbered = [first, second, *numbered]
    pid = case["pid"]
    for packet in numbered:  # 1 to 65535, then 1 again
        pid = pid % 65535 + 1
        assert packet.variable_header.packet_id == pid
    assert isinstance(ping, PingReqPacket)
    assert isinstance(disconnect, DisconnectPacket)


def test_packets_are_read_as_they_were_meant(play, reader):
    chance = random.Random(SEED)
    cases = [case(chance) for _ in range(CASES)]
    lines = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
    played = play(
        SCRIPT,
        files={"cases.json": lines.encode()},
        env={"SIM_HEAP": "8M"},
        speed=40.0,
        timeout=300,
    )
    assert played.value("done") == "done"
    assert not reader.errors
    # A SYN that was sent again, as the machine was busy, may have made a connection of its own.
    connections = [packets for packets in reader.connections if packets]
    for number, (wanted, packets) in enumerate(zip(cases, connections, strict=True)):
        try:
            check(wanted, packets)
        except AssertionError as error:
            raise AssertionError(f"case {number} of seed {SEED}: {wanted}") from error
