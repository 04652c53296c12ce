"""The servers that stand in for the world, by the standard library's clients."""

import asyncio
import hashlib
import http.client
import json
import socket
import ssl
import threading
import time

import pytest
from network.clock import Clock
from network.journal import Journal
from network.servers import Servers, pattern


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("pki") / "certificates"


@pytest.fixture(scope="module")
def servers(certificates):
    with Servers(certificates, speed=10) as servers:
        yield servers


@pytest.fixture
def trust(servers, certificates):
    return ssl.create_default_context(cafile=certificates / "root.pem")


class To(http.client.HTTPSConnection):
    """HTTPS to a local port under the host's name."""

    def __init__(self, host, port, context):
        super().__init__(host, port, context=context, timeout=10)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)


@pytest.fixture(params=["http", "https"])
def connection(request, servers, trust):
    port = servers.ports[request.param]
    if request.param == "http":
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    else:
        client = To("telemetry.example", port, trust)
    yield client
    client.close()


def ask(connection, method, path, body=None, headers=None, **options):
    connection.request(method, path, body, headers or {}, **options)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_ip(connection):
    status, body = ask(connection, "GET", "/ip")
    assert (status, json.loads(body)) == (200, {"origin": "127.0.0.1"})


def test_post_echoes(connection):
    reading = {"device": "hive-7", "weight": 42.7}
    headers = {"X-Trace": "abc", "Content-Type": "application/json"}
    status, body = ask(connection, "POST", "/post", json.dumps(reading), headers)
    echoed = json.loads(body)
    assert status == 200 and echoed["json"] == reading
    assert json.loads(echoed["data"]) == reading and echoed["headers"]["X-Trace"] == "abc"
    _, body = ask(connection, "POST", "/post", b"no json \xff")
    assert json.loads(body)["json"] is None


def test_a_body_in_chunks(connection):
    chunks = [b"a" * 10, b"b" * 70000, b"c"]
    status, body = ask(connection, "POST", "/upload", iter(chunks), encode_chunked=True)
    whole = b"".join(chunks)
    expected = {"length": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}
    assert (status, json.loads(body)) == (200, expected)


@pytest.mark.parametrize("length", [0, 1, 65536, 200_001])
def test_bytes_are_the_pattern(connection, length):
    status, body = ask(connection, "GET", f"/bytes/{length}")
    assert status == 200 and body == b"".join(pattern(length)) and len(body) == length


def test_upload(connection):
    data = b"".join(pattern(100_000))
    status, body = ask(connection, "POST", "/upload", data)
    expected = {"length": 100_000, "sha256": hashlib.sha256(data).hexdigest()}
    assert (status, json.loads(body)) == (200, expected)


def test_several_requests_on_one_connection(connection):
    for status in (204, 404, 500, 200):
        assert ask(connection, "GET", f"/status/{status}")[0] == status
    connection.request("HEAD", "/bytes/1000")
    answer = connection.getresponse()
    assert (answer.headers["Content-Length"], answer.read()) == ("1000", b"")
    assert ask(connection, "GET", "/ip")[0] == 200


def test_delay_is_in_simulated_seconds(connection):
    start = time.monotonic()
    assert json.loads(ask(connection, "GET", "/delay/1")[1]) == {"delay": 1.0}
    assert 0.1 <= time.monotonic() - start < 0.9


def test_close_breaks_off(connection):
    connection.request("GET", "/close")
    answer = connection.getresponse()
    with pytest.raises(http.client.IncompleteRead) as error:
        answer.read()
    assert len(error.value.partial) == 500


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/bytes/x", 400),
        ("/bytes/-1", 400),
        ("/status/nan", 400),
        ("/delay/", 400),
    ],
)
def test_mistakes_get_a_sentence(connection, path, status):
    got, body = ask(connection, "GET", path)
    assert got == status and path in json.loads(body)["error"]


def test_a_body_too_big_to_echo_is_refused(connection):
    status, body = ask(connection, "POST", "/post", bytes((1 << 20) + 1))
    assert status == 413 and "not echoed" in json.loads(body)["error"]


def raw(port, request):
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(request)
        data = b""
        while block := client.recv(65536):
            data += block
    return data


def test_http_1_0_closes_after_the_answer(servers):
    answer = raw(servers.ports["http"], b"GET /bytes/10 HTTP/1.0\r\nHost: x\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"200 OK" in head and b"Connection: close" in head
    assert body == b"".join(pattern(10))


def test_rubbish_gets_400(servers):
    assert b"400" in raw(servers.ports["http"], b"\x16\x03\x01 rubbish\r\n\r\n")


@pytest.mark.parametrize(
    ("server", "host", "why"),
    [
        ("wronghost", "wronghost.example", "Hostname mismatch"),
        ("expired", "expired.example", "certificate has expired"),
        ("unknownca", "unknownca.example", "unable to get local issuer"),
    ],
)
def test_the_bad_ones_are_refused_by_a_careful_client(servers, trust, server, host, why):
    with pytest.raises(ssl.SSLCertVerificationError, match=why):
        To(host, servers.ports[server], trust).connect()
    careless = ssl._create_unverified_context()
    client = To(host, servers.ports[server], careless)
    assert ask(client, "GET", "/ip")[0] == 200
    client.close()


def test_nothing_below_tls_1_2(servers):
    context = ssl._create_unverified_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.raises(ssl.SSLError):
        To("telemetry.example", servers.ports["https"], context).connect()


def resume(servers, trust, server, between=lambda: None):
    """Whether a second connection takes up the first one's session, as client and server see it."""
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    trust.check_hostname = False
    ports, seen, session = servers.ports, [], None
    for _ in range(2):
        with (
            socket.create_connection(("127.0.0.1", ports[server]), timeout=10) as plain,
            trust.wrap_socket(plain, session=session) as tls,
        ):
            tls.sendall(b"GET /ip HTTP/1.0\r\n\r\n")
            assert tls.recv(100).startswith(b"HTTP/1.1 200")
            session = tls.session
            seen.append(tls.session_reused)
        between()
    assert [h.resumed for h in servers.handshakes if h.server == server and h.cipher][-2:] == seen
    return seen


@pytest.mark.parametrize(
    ("server", "resumes"), [("p256", True), ("ids", True), ("nosession", False)]
)
def test_sessions(servers, trust, server, resumes):
    assert resume(servers, trust, server) == [False, resumes]


def test_a_server_forgets_its_sessions(servers, trust):
    def forget():
        client = To("p384.example", servers.ports["p384"], ssl._create_unverified_context())
        assert ask(client, "GET", "/forget")[0] == 200
        client.close()

    assert resume(servers, trust, "p384") == [False, True]
    assert resume(servers, trust, "p384", between=forget) == [False, False]


def test_mutual_tls_wants_a_certificate(servers, trust, certificates):
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
        To("mutual.example", servers.ports["mutual"], trust).connect()
    until = time.monotonic() + 5
    while servers.handshakes[-1].server != "mutual" and time.monotonic() < until:
        time.sleep(0.01)
    assert servers.handshakes[-1].failure == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    trust.load_cert_chain(certificates / "client-unknown.pem")
    with pytest.raises(ssl.SSLError, match="UNKNOWN_CA"):
        To("mutual.example", servers.ports["mutual"], trust).connect()
    trust.load_cert_chain(certificates / "client.pem")
    client = To("mutual.example", servers.ports["mutual"], trust)
    assert ask(client, "GET", "/ip")[0] == 200
    client.close()


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("closes", "UNEXPECTED_EOF|EOF occurred"),
        ("halfway", "UNEXPECTED_EOF|EOF occurred"),
        ("refuses", "HANDSHAKE_FAILURE"),
        ("sslv3", "PROTOCOL"),
        ("rc4", "CIPHER"),
        ("tripledes", "CIPHER"),
        ("export", "CIPHER"),
        ("anonymous", "CIPHER"),
        ("dh512", "BAD_EXTENSION|CIPHER|LENGTH|EOF"),
        ("garbage", "LENGTH|EXCESSIVE|BAD"),
        ("notls", "WRONG_VERSION_NUMBER"),
        ("slow", "timed out"),
        ("silent", "timed out"),
    ],
)
def test_rogues(servers, server, why):
    context = ssl._create_unverified_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", servers.ports[server]), timeout=1) as plain,
        pytest.raises(OSError, match=why),
    ):
        context.wrap_socket(plain)


def test_bulk(servers):
    port = servers.ports["bulk"]
    assert raw(port, b"GET 100000\n") == b"".join(pattern(100_000))
    data = b"".join(pattern(70_000))
    digest = hashlib.sha256(data).hexdigest()
    assert raw(port, b"PUT 70000\n" + data) == f"OK 70000 {digest}\n".encode()
    assert raw(port, b"PUT 0\n").startswith(b"OK 0 ")
    for mistake in (b"HELLO\n", b"GET\n", b"GET -5\n", b"PUT 99999999999999\n"):
        assert raw(port, mistake).startswith(b"ERROR")


def test_a_client_that_says_nothing_keeps_nobody_waiting(servers, trust):
    with socket.create_connection(("127.0.0.1", servers.ports["https"])):
        client = To("telemetry.example", servers.ports["https"], trust)
        assert ask(client, "GET", "/ip")[0] == 200
        client.close()


def test_stop_closes_everything_at_once(certificates):
    before = threading.active_count()
    servers = Servers(certificates)
    servers.start()
    ports = dict(servers.ports)
    with socket.create_connection(("127.0.0.1", ports["http"])) as idle:
        idle.settimeout(5)
        idle.sendall(b"GET /ip HTTP/1.1\r\n\r\n")
        assert idle.recv(5000)
        start = time.monotonic()
        servers.stop()
        assert time.monotonic() - start < 1.5
        assert idle.recv(1) == b""
    for name in ("http", "https", "bulk", "silent"):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", ports[name]))
    until = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_requests_and_failed_handshakes_are_journaled(certificates):
    async def main():
        journal = Journal(Clock())
        trust = ssl.create_default_context()
        with Servers(certificates, journal, client="10.64.64.64") as servers:

            def talk():
                with pytest.raises(ssl.SSLCertVerificationError):
                    To("telemetry.example", servers.ports["https"], trust).connect()
                client = http.client.HTTPConnection("127.0.0.1", servers.ports["http"])
                origin = json.loads(ask(client, "GET", "/ip")[1])
                client.close()
                return origin

            assert await asyncio.to_thread(talk) == {"origin": "10.64.64.64"}
            async with asyncio.timeout(5):
                while len(journal.entries) < 2:
                    await asyncio.sleep(0.01)
            seen = {(e.fields["server"], e.what.split(":")[0]) for e in journal.seen("http")}
            assert seen == {
                ("https", "TLS handshake failed"),
                ("http", '"GET /ip HTTP/1.1" 200 -'),
            }

    asyncio.run(main())
