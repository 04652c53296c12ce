"""Servers that others have written, at the far end: Debian's mosquitto and nginx, PyPI's amqtt, on free ports of the
loopback."""

import contextlib
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from network.certificates import LEAVES
from stand_in import CERTIFICATES

MOSQUITTO = "/usr/sbin/mosquitto"
MOSQUITTO_SUB = "/usr/bin/mosquitto_sub"
MOSQUITTO_PUB = "/usr/bin/mosquitto_pub"
MOSQUITTO_PASSWD = "/usr/bin/mosquitto_passwd"
NGINX = "/usr/sbin/nginx"

MQTT_HOST = LEAVES["mqtt"].host
MQTT_ADDRESS = "203.0.113.88"
MQTT_USER, MQTT_PASSWORD = "Jürgen", "Grüße, 漢字"
HTTPS_HOST = LEAVES["https"].host
HTTPS_ADDRESS = "203.0.113.89"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(condition, explain) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, explain()
        time.sleep(0.02)


class Server:
    """A program that serves until `stop()`; `ready()` tells whether it does."""

    def __init__(self, *command):
        self._command = command
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)

    def ready(self) -> bool:
        raise NotImplementedError

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def wait_until_up(self) -> None:
        wait_for(lambda: self.ready() or self._process.poll() is not None, self.log)
        assert self.ready(), self.log()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class Broker(Server):
    """mosquitto on free ports of the loopback: `open` for everybody, `mutual` for known clients, and one for
    each of `servers`, by its name in `ports`, with its certificate; `plain` without TLS for everybody, `known` for
    MQTT_USER alone, who may read and write what begins with "hive"."""

    def __init__(self, folder, servers=()):
        self.open, self.mutual, self.plain, self.known = (free_port() for _ in range(4))
        self.ports = {name: free_port() for name in servers}
        certificate = CERTIFICATES / "mqtt.pem"
        tls = f"certfile {certificate}\nkeyfile {certificate}\ntls_version tlsv1.2\n"
        self._log = folder / "mosquitto.log"
        passwords, rights = folder / "mosquitto.passwords", folder / "mosquitto.rights"
        passwords.touch(0o600)
        rights.touch(0o600)
        rights.write_text(f"user {MQTT_USER}\ntopic readwrite hive/#\n")
        command = [MOSQUITTO_PASSWD, "-b", passwords, MQTT_USER, MQTT_PASSWORD]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        (folder / "mosquitto.conf").write_text(
            f"user root\nlog_type all\nlog_dest file {self._log}\nper_listener_settings true\n"
            f"listener {self.open} 127.0.0.1\nallow_anonymous true\n{tls}"
            f"listener {self.plain} 127.0.0.1\nallow_anonymous true\n"
            f"listener {self.known} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            f"acl_file {rights}\n"
            f"listener {self.mutual} 127.0.0.1\nallow_anonymous false\n{tls}"
            f"cafile {CERTIFICATES / 'client-root.pem'}\nrequire_certificate true\n"
            "use_identity_as_username true\n"
            + "".join(
                f"listener {port} 127.0.0.1\nallow_anonymous true\ntls_version tlsv1.2\n"
                f"certfile {CERTIFICATES / name}.pem\nkeyfile {CERTIFICATES / name}.pem\n"
                for name, port in self.ports.items()
            )
        )
        super().__init__(MOSQUITTO, "-c", folder / "mosquitto.conf")

    def ready(self) -> bool:
        return " running" in self.log()

    def restart(self) -> None:
        """As if its machine had: all connections end."""
        self.stop()
        self._log.unlink()
        self.start()
        self.wait_until_up()

    def publish(self, topic: str, payload: str) -> None:
        command = [MOSQUITTO_PUB, "-h", "127.0.0.1", "-p", str(self.plain), "-i", "talker"]
        subprocess.run([*command, "-q", "1", "-t", topic, "-m", payload], check=True)

    @contextlib.contextmanager
    def subscriber(self, topic: str, count: int):
        """mosquitto_sub while the `with` block runs; a call gives the `count` lines "topic payload" it hears."""
        command = [
            MOSQUITTO_SUB,
            "-h",
            "127.0.0.1",
            "-p",
            str(self.open),
            "-i",
            "listener",
            "-q",
            "1",
        ]
        command += ["--cafile", CERTIFICATES / "root.pem", "--insecure"]  # not the host's name
        command += ["-t", topic, "-C", str(count), "-v"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:

            def heard() -> list[str]:
                return process.communicate(timeout=10)[0].splitlines()

            try:
                wait_for(lambda: "Received SUBSCRIBE from listener" in self.log(), self.log)
                yield heard
            finally:
                process.kill()


@pytest.fixture
def broker(internet, tmp_path, monkeypatch):
    """mosquitto as MQTT_HOST: port 8883 for everybody, 8884 for known clients; without TLS 1883 for everybody, 1884
    for MQTT_USER."""
    broker = Broker(tmp_path)
    monkeypatch.setitem(internet.names, MQTT_HOST, MQTT_ADDRESS)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 8883), broker.open)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 8884), broker.mutual)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 1883), broker.plain)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 1884), broker.known)
    try:
        broker.wait_until_up()
        yield broker
    finally:
        broker.stop()


class Amqtt(Server):
    """PyPI's amqtt on free ports of the loopback, for everybody: `plain`, and `open` with TLS."""

    def __init__(self, folder):
        self.open, self.plain = (free_port() for _ in range(2))
        certificate = str(CERTIFICATES / "mqtt.pem")
        listener = {"type": "tcp", "bind": f"127.0.0.1:{self.plain}"}
        secure = {"bind": f"127.0.0.1:{self.open}", "ssl": True}
        secure |= {"certfile": certificate, "keyfile": certificate}
        anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        settings = {"listeners": {"default": listener, "tls": secure}, "plugins": anonymous}
        (folder / "amqtt.yaml").write_text(json.dumps(settings))  # which is YAML
        super().__init__(Path(sys.executable).with_name("amqtt"), "-c", folder / "amqtt.yaml")

    def ready(self) -> bool:
        for port in (self.open, self.plain):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return False
        return True

    def log(self) -> str:
        return "amqtt does not listen"


@pytest.fixture
def amqtt(internet, tmp_path, monkeypatch):
    """amqtt as MQTT_HOST: port 8883 with TLS, 1883 without."""
    broker = Amqtt(tmp_path)
    monkeypatch.setitem(internet.names, MQTT_HOST, MQTT_ADDRESS)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 8883), broker.open)
    monkeypatch.setitem(internet.routes, (MQTT_ADDRESS, 1883), broker.plain)
    try:
        broker.wait_until_up()
        yield broker
    finally:
        broker.stop()


CONF = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{}}
http {{
    log_format tests escape=json '{{"method":"$request_method","uri":"$request_uri","status":$status,"reused":"$ssl_session_reused",'
        '"tls":"$ssl_protocol","requests":$connection_requests,"body":"$request_body"}}';
    access_log {folder}/access.log tests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        root {folder}/www;
        location = /ip {{ default_type application/json; return 200 '{{"origin": "$remote_addr"}}'; }}
        location /chunked/ {{  # a body that a filter may change has no length beforehand
            alias {folder}/www/;
            sub_filter_types *;
            sub_filter HIVE hive;
            sub_filter_once off;
        }}
        location /put/ {{ dav_methods PUT; create_full_put_path on; }}
        location = /post {{ proxy_pass http://127.0.0.1:{behind}; }}
        location /api/ {{ rewrite ^ /post break; proxy_pass http://127.0.0.1:{behind}; }}
    }}
}}
"""


class Nginx(Server):
    """nginx with TLS on a free port: /ip, files of `www`, which /chunked/ sends in chunks, PUT to /put/, and /post
    and below /api/
    as a proxy of the server on port `behind`."""

    def __init__(self, folder, behind: int):
        self.port = free_port()
        self.www = folder / "www"
        self.www.mkdir()
        self._folder = folder
        self._log = folder / "error.log"
        conf = CONF.format(
            folder=folder, port=self.port, behind=behind, certificate=CERTIFICATES / "https.pem"
        )
        (folder / "nginx.conf").write_text(conf)
        super().__init__(NGINX, "-c", folder / "nginx.conf", "-e", self._log)

    def ready(self) -> bool:
        return (self._folder / "pid").exists()

    def requests(self) -> list[dict]:
        """One for each that came, with the fields of the log_format above; `body` where it went on to `behind`."""
        lines = (self._folder / "access.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def bodies(self, uri: str) -> list[str]:
        """What was posted there."""
        return [request["body"] for request in self.requests() if request["uri"] == uri]


@pytest.fixture
def nginx(internet, tmp_path, monkeypatch):
    """nginx as HTTPS_HOST, in place of the HTTPS server of the project's own."""
    nginx = Nginx(tmp_path, internet.servers.ports["http"])
    monkeypatch.setitem(internet.names, HTTPS_HOST, HTTPS_ADDRESS)
    monkeypatch.setitem(internet.routes, (HTTPS_ADDRESS, 443), nginx.port)
    try:
        nginx.wait_until_up()
        yield nginx
    finally:
        nginx.stop()
