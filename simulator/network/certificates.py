"""Throw-away certificates for the local servers: `python -m network.certificates DIR`.

Made with `cryptography` itself, not a test CA on top of it such as trustme: wrong certificates,
which are what the tests want most, need every field under control.
"""

import argparse
import datetime
import fcntl
import importlib.util
import ipaddress
import json
import os
import shutil
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VERSION = 6  # of what is made; another one is made anew
DAYS = 400  # that leaves are valid from now on
RENEW = 30  # days before the end when all is made anew
SINCE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)  # simulated clocks may be behind
ENDED = SINCE + datetime.timedelta(days=90)
COMING = DAYS - RENEW + 10  # days from now when the not yet valid one begins: never before renewal


@dataclass(frozen=True)
class Leaf:
    """A server's certificate, good unless said otherwise.

    host: the name its server is asked for; names: those in the certificate, () is the host.
    key: "rsa2048", "rsa1024", "p256" or "p384". issuer: who signs it, one of AUTHORITIES or "self".
    chain: the authorities that the server sends, from the leaf up. signature: "sha256", "sha1",
    "md5", or "broken". dates: "now", "ended" or "coming". client: for clients, not for servers.
    """

    host: str
    names: tuple[str, ...] = ()
    key: str = "rsa2048"
    issuer: str = "intermediate"
    chain: tuple[str, ...] = ("intermediate",)
    signature: str = "sha256"
    dates: str = "now"
    client: bool = False


@dataclass(frozen=True)
class Authority:
    """A certificate authority. issuer "": a root; key as for Leaf; depth: of the chain below it, None: it
    says it is no authority; only: the one name it may sign for, where it is restricted; mail: it is one for mail alone; poses_as: has that
    one's name, and the public key of whom `key` names: its issuer made it without either's private key."""

    issuer: str = ""
    key: str = "rsa2048"
    depth: int | None = 0
    only: str = ""
    mail: bool = False
    poses_as: str = ""


AUTHORITIES = {
    "root": Authority(depth=5),
    "intermediate": Authority("root"),
    "unknown-root": Authority(depth=1),
    "client-root": Authority(key="p256"),
    "p256": Authority("root", "p256"),
    "p384": Authority("root", "p384"),
    "upper": Authority("root", depth=2),
    "middle": Authority("upper", depth=1),
    "lower": Authority("middle"),
    "no-authority": Authority("root", depth=None),
    "restricted": Authority("root", only="another.example"),
    "mail": Authority("root", mail=True),
    "false-root": Authority("unknown-root", key="client-root", depth=5, poses_as="root"),
}


def _leaf(name: str, **fields) -> tuple[str, Leaf]:
    return name, Leaf(f"{name}.example", **fields)


# server -> its certificate
LEAVES = dict(
    [
        ("https", Leaf("telemetry.example")),
        # Good ones
        _leaf("p256", key="p256", issuer="p256", chain=("p256",)),
        _leaf("p384", key="p384", issuer="p384", chain=("p384",)),
        ("wildcard", Leaf("one.wild.example", ("*.wild.example",))),
        ("address", Leaf("203.0.113.100", ("203.0.113.100",))),
        _leaf("longchain", issuer="lower", chain=("lower", "middle", "upper")),
        _leaf("threechain", issuer="middle", chain=("middle", "upper")),
        _leaf("mutual"),
        _leaf("ids"),
        _leaf("nosession"),
        _leaf("mqtt"),
        # Good, but for who pins client-root
        _leaf("impostor", chain=("intermediate", "false-root")),
        # Bad certificates
        ("wronghost", Leaf("wronghost.example", ("another.example",))),
        ("deepwildcard", Leaf("one.two.wild.example", ("*.wild.example",))),
        ("topwildcard", Leaf("topwildcard.example", ("*",))),
        _leaf("expired", dates="ended"),
        _leaf("notyet", dates="coming"),
        _leaf("selfsigned", issuer="self", chain=()),
        _leaf("unknownca", issuer="unknown-root", chain=()),
        _leaf("unknownroot", issuer="unknown-root", chain=("unknown-root",)),
        _leaf("missing", chain=()),
        _leaf("truncated", issuer="lower", chain=("lower",)),
        _leaf("weakkey", key="rsa1024"),
        _leaf("sha1", signature="sha1"),
        _leaf("md5", signature="md5"),
        _leaf("broken", signature="broken"),
        _leaf("noauthority", issuer="no-authority", chain=("no-authority",)),
        _leaf("restricted", issuer="restricted", chain=("restricted",)),
        _leaf("usage", client=True),
        _leaf("mailca", issuer="mail", chain=("mail",)),
        _leaf("exampleswildcard", names=("*.example",)),
        _leaf("oversized", chain=("intermediate",) * 30),
        # Bad protocols
        _leaf("tls10"),
        _leaf("tls11"),
        _leaf("tls13only"),
        _leaf("nullcipher"),
    ]
)
CLIENTS = {
    "client": Leaf("board-1", key="p256", issuer="client-root", chain=(), client=True),
    "client-unknown": Leaf("board-2", key="p256", issuer="unknown-root", chain=(), client=True),
}


def make(directory: str | Path) -> Path:
    """Make the certificates in `directory`, unless good ones are there; return the directory.

    For each of AUTHORITIES NAME.pem and NAME.der: its certificate; clients are to trust root alone. root.roots: that
    one as the set of roots in the firmware, for SIM_ROOTS.
    For each of LEAVES and CLIENTS NAME.pem: chain and key; for CLIENTS also NAME.der and NAME-key.der. Several processes may do so at once: one makes, the others wait.
    """
    directory = Path(directory).absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.parent / f".{directory.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _good(directory):
            fresh = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
            try:
                _make_all(fresh)
                fresh.chmod(0o755)
                shutil.rmtree(directory, ignore_errors=True)
                fresh.rename(directory)
            except BaseException:
                shutil.rmtree(fresh, ignore_errors=True)
                raise
    return directory


def packed_roots(pem: str) -> bytes:
    """Certificates in PEM as the firmware has its set of roots (modules/trust/roots.py), for SIM_ROOTS."""
    file = Path(__file__).resolve().parents[2] / "modules" / "trust" / "roots.py"
    spec = importlib.util.spec_from_file_location("trust_roots", file)
    roots = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(roots)
    return roots.packed(pem)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _good(directory: Path) -> bool:
    try:
        made = json.loads((directory / "made.json").read_text())
        until = datetime.datetime.fromisoformat(made["until"])
    except (OSError, ValueError, KeyError):
        return False
    left = until - _now()
    return made["version"] == VERSION and left > datetime.timedelta(days=RENEW)


def _make_all(directory: Path) -> None:
    until = _now() + datetime.timedelta(days=DAYS)
    dates = {
        "now": (SINCE, until),
        "ended": (SINCE, ENDED),
        "coming": (_now() + datetime.timedelta(days=COMING), until),
    }
    keys = {kind: _key(kind) for kind in ("rsa2048", "rsa1024", "p256", "p384")}
    made: dict[str, tuple[x509.Certificate, object]] = {}
    for name, authority in AUTHORITIES.items():
        key = made[authority.key][1] if authority.poses_as else _key(authority.key)
        issuer = made[authority.issuer] if authority.issuer else None
        span = (SINCE, _now() + datetime.timedelta(days=3650))
        certificate = _authority(_title(authority.poses_as or name), key, issuer, span, authority)
        made[name] = (certificate, key)
        (directory / f"{name}.der").write_bytes(_der(certificate))
        (directory / f"{name}.pem").write_bytes(_pem(_der(certificate)))
    (directory / "root.roots").write_bytes(packed_roots((directory / "root.pem").read_text()))
    for name, leaf in {**LEAVES, **CLIENTS}.items():
        key = keys[leaf.key]
        issuer = None if leaf.issuer == "self" else made[leaf.issuer]
        der = _signed_as(
            leaf.signature, _certificate(leaf, key, issuer, dates[leaf.dates]), issuer
        )
        chain = [der, *(_der(made[authority][0]) for authority in leaf.chain)]
        _write_secret(directory / f"{name}.pem", b"".join(map(_pem, chain)) + _key_pem(key))
        if name in CLIENTS:
            (directory / f"{name}.der").write_bytes(der)
            _write_secret(directory / f"{name}-key.der", _key_der(key))
    (directory / "made.json").write_text(
        json.dumps({"version": VERSION, "until": until.isoformat()})
    )


def _title(name: str) -> str:
    return f"Test {name.replace('-', ' ').title()}"


def _key(kind: str):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1, "p384": ec.SECP384R1}[kind]())


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


def _key_pem(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _key_der(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )


def _write_secret(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)


def _builder(name: str, key, issuer, span) -> x509.CertificateBuilder:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ppp-sim800 simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer_key = issuer[1] if issuer else key
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )


def _usage(*used: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in used for name in every})


def _authority(name: str, key, issuer, span, authority: Authority) -> x509.Certificate:
    builder = (
        _builder(name, key, issuer, span)
        .add_extension(
            x509.BasicConstraints(authority.depth is not None, authority.depth), critical=True
        )
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    )
    if authority.only:
        names = x509.NameConstraints([x509.DNSName(authority.only)], None)
        builder = builder.add_extension(names, critical=True)
    if authority.mail:
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(uses, critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def _certificate(leaf: Leaf, key, issuer, span) -> x509.Certificate:
    names = leaf.names or (leaf.host,)
    eku = ExtendedKeyUsageOID.CLIENT_AUTH if leaf.client else ExtendedKeyUsageOID.SERVER_AUTH
    return (
        _builder(names[0], key, issuer, span)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(_usage("digital_signature", "key_encipherment"), critical=True)
        .add_extension(x509.SubjectAlternativeName(list(map(_san, names))), critical=False)
        .add_extension(x509.ExtendedKeyUsage([eku]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )


def _san(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


# DER of the object identifiers 1.2.840.113549.1.1.x: RSA with that hash. `cryptography` itself refuses to
# sign certificates with the two old ones.
_RSA_WITH = bytes.fromhex("2a864886f70d0101")
_OLD = {"sha1": (b"\x05", hashes.SHA1()), "md5": (b"\x04", hashes.MD5())}


def _signed_as(signature: str, certificate: x509.Certificate, issuer) -> bytes:
    """The certificate as DER, with another signature if so wanted."""
    der = _der(certificate)
    if signature == "broken":
        return der[:-1] + bytes([der[-1] ^ 1])
    if signature not in _OLD:
        return der
    number, algorithm = _OLD[signature]
    body = certificate.tbs_certificate_bytes
    weak_body = body.replace(_RSA_WITH + b"\x0b", _RSA_WITH + number)
    signed = issuer[1].sign(weak_body, padding.PKCS1v15(), algorithm)
    der = der.replace(body, weak_body).replace(_RSA_WITH + b"\x0b", _RSA_WITH + number)
    return der[: -len(signed)] + signed


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m network.certificates",
        description="Make the local servers' throw-away certificates, unless they are there.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    directory = make(parser.parse_args().directory)
    print(f"{directory}: {', '.join(sorted(os.listdir(directory)))}")


if __name__ == "__main__":
    main()
