"""MQTT over TLS to a real broker, Debian's mosquitto: with packets written out, and with umqtt where it is."""

import shutil
import socket
import subprocess
import time

import pytest
from network.certificates import LEAVES
from stand_in import CERTIFICATES
from world import ROOT

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
# Only micropython-lib itself has it, not what Debian has of it.
UMQTT = ROOT / "build/src/micropython/lib/micropython-lib/micropython/umqtt.simple/umqtt/simple.py"

ADDRESS = "203.0.113.88"
HOST = LEAVES["mqtt"].host

pytestmark = pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is not installed")

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
CONNACK, PUBACK = "20020000", "40020001"


class Broker:
    """mosquitto on two free ports of the loopback: `open` for everybody, `mutual` for known clients."""

    def __init__(self, folder):
        self.open, self.mutual = (self._free_port() for _ in range(2))
        certificate = CERTIFICATES / "mqtt.pem"
        tls = f"certfile {certificate}\nkeyfile {certificate}\ntls_version tlsv1.2\n"
        self._log = folder / "mosquitto.log"
        (folder / "mosquitto.conf").write_text(
            f"user root\nlog_type all\nlog_dest file {self._log}\nper_listener_settings true\n"
            f"listener {self.open} 127.0.0.1\nallow_anonymous true\n{tls}"
            f"listener {self.mutual} 127.0.0.1\nallow_anonymous false\n{tls}"
            f"cafile {CERTIFICATES / 'client-root.pem'}\nrequire_certificate true\n"
            "use_identity_as_username true\n"
        )
        command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    @staticmethod
    def _free_port() -> int:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def wait_until_up(self) -> None:
        end = time.monotonic() + 10
        while " running" not in self.log():
            assert self._process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def broker(internet, tmp_path, monkeypatch):
    broker = Broker(tmp_path)
    monkeypatch.setitem(internet.routes, (ADDRESS, 8883), broker.open)
    monkeypatch.setitem(internet.routes, (ADDRESS, 8884), broker.mutual)
    try:
        broker.wait_until_up()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def board(play, broker):
    def board(script):
        env = {"SIM_CA_BUNDLE": str(CERTIFICATES / "root.pem")}
        return play(script, env=env, names={HOST: ADDRESS, "other.example": ADDRESS})

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


@pytest.mark.skipif(not UMQTT.exists(), reason="these sources have no umqtt, see docs/tls.md")
def test_umqtt_verifies_by_default(board, broker):
    played = board(
        TALK
        + f"""
import os, sys
sys.path.append(os.getcwd())
os.mkdir("umqtt")
with open("umqtt/simple.py", "w") as file:
    file.write({UMQTT.read_text() if UMQTT.exists() else ""!r})
from umqtt.simple import MQTTClient

def send(payload, host={HOST!r}, **kwargs):
    client = MQTTClient(b"board-2", host, **kwargs)
    client.connect(timeout=20)
    client.publish(b"hive", payload, qos=1)
    reused = client.sock.session_reused
    client.disconnect()
    return reused

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
    for name in ("context", "own", "unverified"):  # other settings, other sessions
        assert played.value(name) == "False"
    assert played.value("wrong_host") == "wrong host"
    assert broker.log().count("Received PUBLISH from board-2") == 5
