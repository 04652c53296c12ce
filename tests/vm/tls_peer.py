"""OpenSSL servers with certificates of all kinds, and what a script needs to meet them."""

import datetime
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
from network.certificates import packed_roots

HOST = "device.example"
ADDRESS = "203.0.113.80"
SINCE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2039, 1, 1, tzinfo=datetime.UTC)

UP = f"""
import machine, socket, tls
machine.RTC().datetime((2030, 1, 1, 1, 0, 0, 0, 0))  # the network may tell the time later
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
    file = tmp_path / "bundle.roots"
    file.write_bytes(packed_roots(roots["known"].pem.decode()))
    return {"SIM_ROOTS": str(file)}
