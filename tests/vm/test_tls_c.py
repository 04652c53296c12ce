"""What patches/extmod adds to `tls`, below all Python: against OpenSSL, over the simulated line."""

import ast
import datetime
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "device.example"
ADDRESS = "203.0.113.80"
SINCE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2039, 1, 1, tzinfo=datetime.UTC)

UP = f"""
import socket, tls
nic = ppp_sim800.PPP("internet")
nic.connect()
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)

def open_tls(port, context, host={HOST!r}, **options):
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect(({ADDRESS!r}, port))
    try:
        return context.wrap_socket(plain, server_hostname=host, **options)
    except Exception:
        plain.close()
        raise

def attempt(name, port, context, **options):
    try:
        secure = open_tls(port, context, **options)
        secure.write(b"hello\\n")
        print(name + "=" + secure.readline().decode().strip())
        secure.close()
    except (OSError, ValueError) as error:
        print(name + "=" + repr(error))
"""


@dataclass
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def party(
    name: str,
    issuer: Party | None = None,
    *,
    ca=False,
    key=None,
    since=SINCE,
    until=UNTIL,
    names=(),
    usage=ExtendedKeyUsageOID.SERVER_AUTH,
    digest=None,
    extra=None,
) -> Party:
    """A certificate for `name`, signed by `issuer` or by itself."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    if not ca:
        alternatives = [x509.DNSName(n) if isinstance(n, str) else n for n in names or (name,)]
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if extra:
        builder = builder.add_extension(*extra)
    return Party(builder.sign(issuer.key if issuer else key, digest or hashes.SHA256()), key)


@dataclass
class Server:
    """OpenSSL on a port: it answers a line with how the handshake went.

    `chain`: the certificates it sends, its own first. `bytes_in`: what each connection has sent it.
    """

    chain: list[Party]
    folder: Path
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        pem = b"".join(p.pem for p in self.chain) + self.chain[0].key_pem
        file = self.folder / f"{id(self)}.pem"
        file.write_bytes(pem)
        self.context.load_cert_chain(file)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(plain,), daemon=True).start()

    def _talk(self, plain):
        plain.settimeout(60)
        try:
            with self.context.wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            ) as secure:
                try:
                    secure.do_handshake()
                except OSError:
                    # A close with unread data would reset the alert away.
                    secure.settimeout(1)
                    secure.shutdown(socket.SHUT_WR)
                    while secure.recv(4096):
                        pass
                    return
                line = secure.recv(4096)
                while line and not line.endswith(b"\n"):
                    line = secure.recv(4096)
                secure.sendall(self.answer(secure))
                secure.unwrap()  # without goodbye OpenSSL forgets the session
        except OSError:
            plain.close()

    def answer(self, secure: ssl.SSLSocket) -> bytes:
        return b"resumed\n" if secure.session_reused else b"full\n"

    def close(self):
        self.listener.close()


@pytest.fixture(scope="module")
def roots():
    return {name: party(f"{name} root", ca=True) for name in ("known", "own", "old", "unknown")}


@pytest.fixture
def serve(internet, tmp_path, monkeypatch):
    """serve(*chain, port=…) puts a server there; returns it."""
    servers = []

    def serve(*chain: Party, port: int) -> Server:
        server = Server(list(chain), tmp_path)
        servers.append(server)
        monkeypatch.setitem(internet.routes, (ADDRESS, port), server.port)
        return server

    yield serve
    for server in servers:
        server.close()


@pytest.fixture
def bundle(roots, tmp_path):
    """The environment of a VM that trusts the root "known" alone."""
    file = tmp_path / "bundle.pem"
    file.write_bytes(roots["known"].pem)
    return {"SIM_CA_BUNDLE": str(file)}


def test_default_certs(play, serve, roots, bundle, tmp_path):
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, port=1)
    serve(leaf, middle, roots["known"], port=2)  # the root as well
    # The root signed by an older one that nobody knows any more.
    cross = party("known root", roots["old"], ca=True, key=roots["known"].key)
    serve(leaf, middle, cross, port=3)
    serve(leaf, middle, cross, roots["old"], port=4)
    serve(party(HOST, roots["known"]), port=5)
    serve(leaf, port=6)  # the intermediate is missing
    serve(party(HOST, roots["unknown"]), roots["unknown"], port=7)
    # One that has the root's name but not its key.
    fake = party("known root", ca=True)
    serve(party(HOST, fake), fake, port=8)
    serve(party(HOST, fake), roots["known"], port=9)
    serve(party(HOST, roots["known"], until=datetime.datetime(2024, 2, 1)), port=10)
    serve(party("other.example", roots["known"]), port=11)
    played = play(
        UP
        + """
context.load_default_certs()
context.load_default_certs()
for port in range(1, 12):
    attempt(str(port), port, context)
""",
        env=bundle,
    )
    for port in range(1, 6):
        assert played.value(str(port)) == "full", port
    for port in range(6, 10):
        assert "not correctly signed by the trusted CA" in played.value(str(port)), port
    assert "expired" in played.value("10")
    assert "not correctly" not in played.value("10")
    assert "does not match" in played.value("11")


def test_own_ca_besides_the_default_certs(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1)
    serve(party(HOST, roots["own"]), port=2)
    serve(party(HOST, roots["unknown"]), port=3)
    own = roots["own"].pem.decode()
    played = play(
        UP
        + f"""
def seen(certificate, depth):
    print("seen=%d,%d" % (depth, len(certificate)))
    return 0
context.load_verify_locations({own!r})
attempt("own1", 1, context)
attempt("own2", 2, context)
both = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
both.load_default_certs()
both.load_verify_locations({own!r})
both.verify_callback = seen
for port in (1, 2, 3):
    attempt("both%d" % port, port, both)
""",
        env=bundle,
    )
    assert "not correctly signed" in played.value("own1")
    assert played.value("own2") == "full"
    assert played.value("both1") == "full"
    assert played.value("both2") == "full"
    assert "not correctly signed" in played.value("both3")
    assert played.value("seen").startswith("0,")


def test_debians_certs_are_the_default(play, serve, roots):
    serve(party(HOST, roots["known"]), port=1)
    played = play(UP + 'context.load_default_certs()\nattempt("reply", 1, context)')
    assert "not correctly signed by the trusted CA" in played.value("reply")


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_no_default_certs(play, tmp_path, content):
    file = tmp_path / "bundle.pem"
    if content is not None:
        file.write_bytes(content)
    played = play(
        """
import tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
try:
    context.load_default_certs()
except OSError as error:
    print("error=" + str(error))
""",
        env={"SIM_CA_BUNDLE": str(file)},
    )
    assert "no root certificates: " + str(file) in played.value("error")


SESSIONS = """
import io

class Counted(io.IOBase):
    '''A socket that counts what the handshake takes.'''
    def __init__(self, plain):
        self.plain = plain
        self.bytes = 0
    def readinto(self, data):
        count = self.plain.readinto(data)
        self.bytes += count or 0
        return count
    def write(self, data):
        count = self.plain.write(data)
        self.bytes += count or 0
        return count
    def ioctl(self, request, argument):
        if request == 4:
            self.plain.close()
        return 0

class Closed(io.IOBase):
    '''A stream that has ended.'''
    def readinto(self, data):
        return 0
    def write(self, data):
        return len(data)
    def ioctl(self, request, argument):
        return 0

def connect(name, port, session=None, context=context):
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect((ADDRESS, port))
    counted = Counted(plain)
    try:
        secure = context.wrap_socket(counted, server_hostname="device.example", session=session)
    except Exception:
        plain.close()
        raise
    print("%s_bytes=%d" % (name, counted.bytes))
    secure.write(b"hello\\n")
    print("%s=%s,%s" % (name, secure.readline().decode().strip(), secure.session_reused))
    session = secure.session
    secure.close()
    print("%s_closed=%s,%s" % (name, secure.session, secure.session_reused))
    return session
""".replace("ADDRESS", repr(ADDRESS))


def test_session_is_resumed(play, serve, roots, bundle):
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, port=1)
    serve(leaf, middle, port=2).context.options |= ssl.OP_NO_TICKET  # session ids instead
    played = play(
        UP
        + SESSIONS
        + """
context.load_default_certs()
for port in (1, 2):
    session = connect("full%d" % port, port)
    print("repr%d=%r" % (port, session))
    again = connect("again%d" % port, port, session)
    third = connect("third%d" % port, port, again)
    blob = third.to_bytes()
    print("blob%d=%d" % (port, len(blob)))
    other = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    other.load_default_certs()
    connect("woken%d" % port, port, tls.SSLSession(bytearray(blob)), other)
    # What the server does not know gets a full handshake.
    new = connect("declined%d" % port, 3 - port, session)
    connect("renewed%d" % port, 3 - port, new)
""",
        env=bundle,
    )
    for port in "12":
        assert played.value("full" + port) == "full,False"
        assert played.value("again" + port) == "resumed,True"
        assert played.value("third" + port) == "resumed,True"
        assert played.value("woken" + port) == "resumed,True"
        assert played.value("declined" + port) == "full,False"
        assert played.value("renewed" + port) == "resumed,True"
        assert played.value("full" + port + "_closed") == "None,False"
        assert played.value("repr" + port) == "<SSLSession>"
        assert int(played.value("blob" + port)) < 400
    full, again = int(played.value("full2_bytes")), int(played.value("again2_bytes"))
    assert again < 0.3 * full, (full, again)


def test_session_is_kept_from_where_it_does_not_belong(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1)
    serve(party(HOST, roots["unknown"]), port=2)
    played = play(
        UP
        + SESSIONS
        + """
context.load_default_certs()
loose = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
loose.verify_mode = tls.CERT_NONE
optional = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
optional.load_default_certs()
optional.verify_mode = tls.CERT_OPTIONAL
unverified = connect("loose", 2, None, loose)
doubtful = connect("optional", 2, None, optional)
verified = connect("good", 1)
connect("loose_again", 2, unverified, loose)

# The mode is that of the handshake, not that of the moment the session is taken.
secure = open_tls(2, loose)
loose.verify_mode = tls.CERT_REQUIRED
late = secure.session
secure.close()
loose.verify_mode = tls.CERT_NONE

# A verified session that the server declined: the new one is not verified.
declined = connect("declined", 2, verified, loose)

# One that was verified and resumed stays verified.
resumed = connect("resumed", 1, verified, loose)
connect("resumed_again", 1, resumed)

def refused(name, call):
    try:
        call()
        print(name + "=accepted")
    except (OSError, ValueError, TypeError) as error:
        print(name + "=" + repr(error))

for name, session in (("u", unverified), ("d", doubtful), ("l", late), ("c", declined)):
    refused(name + "1", lambda: connect(name, 1, session))
    refused(name + "2", lambda: connect(name, 2, tls.SSLSession(session.to_bytes())))
refused("bytes", lambda: connect("bytes", 1, verified.to_bytes()))
refused("server", lambda: tls.SSLContext(tls.PROTOCOL_TLS_SERVER).wrap_socket(
    socket.socket(), server_side=True, session=verified))

blob = verified.to_bytes()
wrong = 0
for data in [b"", b"x", blob[:-1], blob + b"x", bytes(len(blob))]:
    try:
        tls.SSLSession(data)
    except ValueError as error:
        wrong += 1
        words = str(error)
print("wrong=%d,%s" % (wrong, words))
refused("number", lambda: tls.SSLSession(1))
# Any byte of it wrong: refused, or harmless.
for at in range(len(blob)):
    for bits in (1, 0xff):
        damaged = bytearray(blob)
        damaged[at] ^= bits
        try:
            damaged = tls.SSLSession(damaged)
        except ValueError:
            continue
        try:
            secure = context.wrap_socket(Closed(), server_hostname="x", session=damaged)
        except (OSError, ValueError):
            pass
print("damaged=done")
""",
        env=bundle,
    )
    assert played.value("good") == "full,False"
    assert played.value("loose_again") == "resumed,True"
    assert played.value("declined") == "full,False"
    assert played.value("resumed") == "resumed,True"
    assert played.value("resumed_again") == "resumed,True"
    for name in ("u1", "u2", "d1", "d2", "l1", "l2", "c1", "c2"):
        assert "was not verified" in played.value(name)
    assert "must be an SSLSession" in played.value("bytes")
    assert "client mode" in played.value("server")
    assert played.value("wrong") == "5,not a TLS session of this firmware"
    assert "TypeError" in played.value("number")
    assert played.value("damaged") == "done"


def test_refused_certificate_is_described(play, serve, roots, bundle):
    known = roots["known"]
    middle = party("middle", known, ca=True, until=datetime.datetime(2024, 3, 1, 12, 30, 15))
    serve(party(HOST, middle), middle, port=1)
    later = datetime.datetime(2038, 1, 2, 3, 4, 5)
    serve(party(HOST, known, since=later), port=2)
    serve(party("a.example", known, names=("a.example", "b.example")), port=3)
    serve(party("many", known, names=[f"host{n}.example" for n in range(40)]), port=4)
    serve(party(HOST, roots["unknown"]), port=5)
    lost = party("lost", roots["unknown"], ca=True)
    serve(party(HOST, lost, until=datetime.datetime(2024, 3, 1)), lost, port=6)
    serve(party(HOST, known, usage=ExtendedKeyUsageOID.CLIENT_AUTH), port=7)
    serve(party(HOST, known, digest=hashes.SHA224()), port=8)
    # Also behind a certificate that nobody knows, but above which nobody needs to look.
    cross = party("known root", roots["old"], ca=True, key=known.key)
    serve(party("a.example", known), cross, port=9)
    serve(
        party("x" * 60, known, names=[x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]), port=10
    )
    played = play(
        UP
        + """
context.load_default_certs()
def describe(port, **options):
    try:
        secure = open_tls(port, context, **options)
        secure.write(b"x\\n")
        print("%d=accepted" % port)
    except ValueError as error:
        assert type(error) is tls.SSLCertVerificationError, error
        assert error.verify_message == str(error) == error.args[0]
        print("%d=%r" % (port, (error.verify_code, error.certs)))
        print("text%d=%r" % (port, str(error)))
for port in range(1, 11):
    describe(port)
describe(3, do_handshake_on_connect=False)
error = tls.SSLCertVerificationError()
print("empty=%r,%s,%s,%s" % (error, error, error.verify_code, error.certs))
""",
        env=bundle,
    )

    def described(port):
        return ast.literal_eval(played.value(str(port)))

    expired, mismatch, untrusted, bad_use, future, bad_md = 1, 4, 8, 0x1000, 0x200, 0x4000
    since, until = (2024, 1, 1, 0, 0, 0), (2039, 1, 1, 0, 0, 0)
    host = "CN=" + HOST
    assert described(1) == (
        expired,
        ((1, expired, "CN=middle", "CN=known root", since, (2024, 3, 1, 12, 30, 15), ()),),
    )
    assert described(2) == (
        future,
        ((0, future, host, "CN=known root", (2038, 1, 2, 3, 4, 5), until, ()),),
    )
    names = ("a.example", "b.example")
    assert described(3) == (
        mismatch,
        ((0, mismatch, "CN=a.example", "CN=known root", since, until, names),),
    )
    assert described(4)[1][0][-1] == tuple(f"host{n}.example" for n in range(8))
    assert described(5) == (
        untrusted,
        ((0, untrusted, host, "CN=unknown root", since, until, ()),),
    )
    assert described(6) == (
        untrusted | expired,
        (
            (1, untrusted, "CN=lost", "CN=unknown root", since, until, ()),
            (0, expired, host, "CN=lost", since, (2024, 3, 1, 0, 0, 0), ()),
        ),
    )
    assert described(7) == (bad_use, ())
    assert described(8) == (
        bad_md,
        ((0, bad_md, host, "CN=known root", since, until, ()),),
    )
    assert described(9)[0] == mismatch
    assert [cert[:2] for cert in described(9)[1]] == [(0, mismatch)]
    assert described(10)[1][0][-1] == (b"\xc0\x00\x02\x07",)
    assert "expired" in played.value("text1")
    assert played.value("empty") == "SSLCertVerificationError(),,None,None"


def test_alert_is_told(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1).context.set_ciphers("DHE-RSA-AES256-SHA256")
    old = serve(party(HOST, roots["known"]), port=2).context
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_3
    picky = serve(party(HOST, roots["known"]), port=3).context
    picky.verify_mode = ssl.CERT_REQUIRED
    played = play(
        UP
        + """
context.load_default_certs()
for port in (1, 2, 3):
    attempt(str(port), port, context)
    attempt("late" + str(port), port, context, do_handshake_on_connect=False)
""",
        env=bundle,
    )
    for prefix in ("", "late"):
        # handshake_failure (40), protocol_version (70)
        for port, alert in ((1, 40), (2, 70), (3, 40)):
            assert f"(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE', {alert})" in played.value(
                prefix + str(port)
            )


def test_client_hello(play, monkeypatch, internet):
    """What is offered, byte by byte (RFC 5246, 7.4.1.2), and what a server's silence is called."""
    hellos = []
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setitem(internet.routes, (ADDRESS, 1), listener.getsockname()[1])

    def listen():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                hellos.append(plain.recv(4096))

    threading.Thread(target=listen, daemon=True).start()
    played = play(
        UP
        + """
context.verify_mode = tls.CERT_NONE
attempt("closed", 1, context)
context.max_fragment_length = 4096
attempt("closed", 1, context, do_handshake_on_connect=False)
"""
    )
    listener.close()
    assert "MBEDTLS_ERR_SSL_CONN_EOF" in played.value("closed")
    plain, short = (client_hello(hello) for hello in hellos)
    assert plain.version == short.version == 0x0303
    # ECDHE-ECDSA, then ECDHE-RSA, with AES-128-GCM, then AES-256-GCM; 00ff says no renegotiation.
    assert plain.suites == [0xC02B, 0xC02C, 0xC02F, 0xC030, 0x00FF]
    sha1, md5 = 2, 1
    algorithms = plain.extensions[13]
    assert {algorithms[at] for at in range(2, len(algorithms), 2)} & {sha1, md5} == set()
    groups = plain.extensions[10]
    weakest = min(int.from_bytes(groups[at : at + 2]) for at in range(2, len(groups), 2))
    assert weakest >= 23  # secp256r1
    assert 1 not in plain.extensions
    assert short.extensions[1] == b"\x04"


@dataclass
class Hello:
    version: int
    suites: list[int]
    extensions: dict[int, bytes]


def client_hello(record: bytes) -> Hello:
    body = record[9:]
    session = body[34]
    at = 35 + session
    length = int.from_bytes(body[at : at + 2])
    suites = body[at + 2 : at + 2 + length]
    at += 2 + length
    at += 1 + body[at] + 2
    extensions = {}
    while at < len(body):
        kind, size = int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4])
        extensions[kind] = body[at + 4 : at + 4 + size]
        at += 4 + size
    pairs = [int.from_bytes(suites[n : n + 2]) for n in range(0, length, 2)]
    return Hello(int.from_bytes(body[:2]), pairs, extensions)


def test_max_fragment_length(play, serve, roots, bundle):
    server = serve(party(HOST, roots["known"]), port=1)
    server.answer = lambda secure: bytes(30_000) + b"\n"
    played = play(
        UP
        + """
context.load_default_certs()

print("default=%s" % context.max_fragment_length)
for length in (0, 511, 8192, -1, 1 << 40, "x"):
    try:
        context.max_fragment_length = length
        print("wrong=%s" % length)
    except (TypeError, ValueError, OverflowError) as error:
        print("refused=" + str(error))
for length in (512, 1024, 2048, 4096, None):
    context.max_fragment_length = length
    assert context.max_fragment_length == length
    secure = open_tls(1, context)
    secure.write(b"x" * 3000 + b"\\n")
    total = 0
    while total < 30001:
        total += len(secure.read(min(1000, 30001 - total)))
    session = secure.session
    secure.close()
    secure = open_tls(1, context, session=session)
    secure.write(b"x\\n")
    print("%s=%d,%d,%s" % (length, total, len(secure.read(30001)), secure.session_reused))
    secure.close()
""",
        env=bundle,
    )
    assert played.value("default") == "None"
    assert "wrong=" not in played.result.stdout
    assert "512, 1024, 2048, 4096 or None" in played.value("refused")
    for length in ("512", "1024", "2048", "4096", "None"):
        assert played.value(length) == "30001,30001,True"


def test_client_certificate(play, serve, roots, bundle, tmp_path):
    server = serve(party(HOST, roots["known"]), port=1)
    authority = party("device root", ca=True)
    (tmp_path / "devices.pem").write_bytes(authority.pem)
    server.context.load_verify_locations(tmp_path / "devices.pem")
    server.context.verify_mode = ssl.CERT_REQUIRED
    server.answer = lambda secure: (
        secure.getpeercert()["subject"][0][0][1].encode()
        + (b",resumed\n" if secure.session_reused else b",full\n")
    )
    device = party("device 7", authority, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    stranger = party("stranger")
    played = play(
        UP
        + f"""
context.load_default_certs()
attempt("none", 1, context)
context.load_cert_chain({device.pem!r}, {device.key_pem!r})
secure = open_tls(1, context)
secure.write(b"x\\n")
print("first=" + secure.readline().decode().strip())
print("peer=%d" % len(secure.getpeercert(True)))
session = secure.session
secure.close()
secure = open_tls(1, context, session=session)
secure.write(b"x\\n")
print("again=" + secure.readline().decode().strip())
print("peer_again=%s" % secure.getpeercert(True))
secure.close()
other = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
other.load_default_certs()
other.load_cert_chain({stranger.pem!r}, {stranger.key_pem!r})
attempt("stranger", 1, other)
""",
        env=bundle,
    )
    assert played.value("first") == "device 7,full"
    assert played.value("again") == "device 7,resumed"
    certificate = server.chain[0].certificate.public_bytes(serialization.Encoding.DER)
    assert played.value("peer") == str(len(certificate))
    assert played.value("peer_again") == "None"
    for name, alert in (("none", 40), ("stranger", 48)):  # handshake_failure, unknown_ca
        assert f"FATAL_ALERT_MESSAGE', {alert})" in played.value(name)


def test_callback_raises(play, serve, roots, bundle):
    middle = party("middle", roots["known"], ca=True)
    serve(party(HOST, middle), middle, port=1)
    played = play(
        UP
        + """
context.load_default_certs()
class Pin(Exception):
    pass
def check(certificate, depth):
    if depth == at:
        raise Pin("depth %d, %d bytes" % (depth, len(certificate)))
    return 0
context.verify_callback = check
def go(**options):
    try:
        secure = open_tls(1, context, **options)
        secure.write(b"x\\n")
        secure.close()
        return "accepted"
    except Pin as error:
        return "Pin " + str(error)
for at in (0, 1, 2):
    print("%d=%s" % (at, go()))
    print("late%d=%s" % (at, go(do_handshake_on_connect=False)))
context.verify_callback = lambda certificate, depth: None
try:
    open_tls(1, context)
except TypeError as error:
    print("none=%r" % error)
context.verify_callback = lambda certificate, depth: -1
try:
    open_tls(1, context)
except (OSError, ValueError) as error:
    print("code=%r" % error)
""",
        env=bundle,
    )
    for prefix in ("", "late"):
        assert played.value(prefix + "0").startswith("Pin depth 0, ")
        assert played.value(prefix + "1").startswith("Pin depth 1, ")
        assert played.value(prefix + "2") == "accepted"
    assert "TypeError" in played.value("none")
    assert "OSError(1" in played.value("code")


def test_name_constraints(play, serve, roots, bundle):
    def dns(*names):
        return [x509.DNSName(name) for name in names] or None

    network = [x509.IPAddress(ipaddress.ip_network("198.51.100.0/24"))]
    cases = [  # critical, permitted, excluded: is it allowed to vouch for device.example?
        (False, dns("example"), None, True),
        (False, dns("other.test", "DEVICE.example"), None, True),
        (False, dns(".example"), None, True),
        (False, dns(""), None, True),
        (False, network, None, True),
        (False, None, dns("other.test", "vice.example", "x.device.example"), True),
        (False, dns("other.test"), None, False),
        (False, dns("vice.example"), None, False),
        (False, dns(".device.example"), None, False),
        (False, None, dns("example"), False),
        (False, dns("example"), dns("device.example"), False),
        (True, dns("example"), None, None),
    ]
    for port, (critical, permitted, excluded, _) in enumerate(cases):
        extension = x509.NameConstraints(permitted, excluded)
        middle = party("middle", roots["known"], ca=True, extra=(extension, critical))
        serve(party(HOST, middle), middle, port=port + 1)
    middle = party(
        "middle", roots["known"], ca=True, extra=(x509.NameConstraints(network, None), False)
    )
    serve(
        party(HOST, middle, names=[x509.IPAddress(ipaddress.ip_address(ADDRESS))]), middle, port=99
    )
    played = play(
        UP
        + f"""
context.load_default_certs()
for port in range({len(cases)}):
    attempt(str(port), port + 1, context)
attempt("address", 99, context, host={ADDRESS!r})
""",
        env=bundle,
    )
    for port, case in enumerate(cases):
        reply = played.value(str(port))
        if case[-1] is None:
            assert "INVALID_EXTENSIONS" in reply
        else:
            assert (reply == "full") == case[-1], case
            assert (reply == "full") != ("SSLCertVerificationError" in reply)
    assert "SSLCertVerificationError" in played.value("address")
