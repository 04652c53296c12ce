"""Servers that others have written, at the far end: Debian's mosquitto, on free ports of the loopback."""

import socket
import subprocess
import time

import pytest
from network.certificates import LEAVES
from stand_in import CERTIFICATES

MOSQUITTO = "/usr/sbin/mosquitto"

MQTT_HOST = LEAVES["mqtt"].host
MQTT_ADDRESS = "203.0.113.88"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Broker:
    """mosquitto on free ports of the loopback: `open` for everybody, `mutual` for known clients, and one for
    each of `servers`, by its name in `ports`, with its certificate."""

    def __init__(self, folder, servers=()):
        self.open, self.mutual = (free_port() for _ in range(2))
        self.ports = {name: free_port() for name in servers}
        certificate = CERTIFICATES / "mqtt.pem"
        tls = f"certfile {certificate}\nkeyfile {certificate}\ntls_version tlsv1.2\n"
        self._log = folder / "mosquitto.log"
        (folder / "mosquitto.conf").write_text(
            f"user root\nlog_type all\nlog_dest file {self._log}\nper_listener_settings true\n"
            f"listener {self.open} 127.0.0.1\nallow_anonymous true\n{tls}"
            f"listener {self.mutual} 127.0.0.1\nallow_anonymous false\n{tls}"
            f"cafile {CERTIFICATES / 'client-root.pem'}\nrequire_certificate true\n"
            "use_identity_as_username true\n"
            + "".join(
                f"listener {port} 127.0.0.1\nallow_anonymous true\ntls_version tlsv1.2\n"
                f"certfile {CERTIFICATES / name}.pem\nkeyfile {CERTIFICATES / name}.pem\n"
                for name, port in self.ports.items()
            )
        )
        command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)

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
    """mosquitto as MQTT_HOST: port 8883 for everybody, 8884 for known clients."""
    broker = Broker(tmp_path)
    monkeypatch.setitem(internet.names, MQTT_HOST, MQTT_ADDRESS)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 8883), broker.open)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 8884), broker.mutual)
    try:
        broker.wait_until_up()
        yield broker
    finally:
        broker.stop()
