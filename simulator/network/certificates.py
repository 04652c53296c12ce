"""Throw-away certificates for the local servers: `python -m network.certificates DIR`.

Made with `cryptography` itself, not a test CA on top of it such as trustme: wrong certificates,
which are what the tests want most, need every field under control.
"""

import argparse
import datetime
import fcntl
import json
import os
import shutil
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VERSION = 1  # of what is made; another one is made anew
DAYS = 400  # that leaves are valid from now on
RENEW = 30  # days before the end when all is made anew
SINCE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)  # simulated clocks may be behind

# server -> the host its certificate is for
HOSTS = {
    "https": "telemetry.example",
    "wronghost": "another.example",
    "expired": "expired.example",
    "unknownca": "unknownca.example",
}


def make(directory: str | Path) -> Path:
    """Make the certificates in `directory`, unless good ones are there; return the directory.

    root.pem, root.der: the root that clients are to trust. For each of HOSTS NAME.pem: chain
    (leaf, intermediate) and key for a server. unknown-root.pem: the root nobody is to trust.
    Several processes may do so at once: one makes, the others wait. RSA of 2048 bits throughout.
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
    leaf_key = _key()
    root, intermediate = _authority("Test Root"), _key()
    middle = _certificate("Test Intermediate", intermediate, root, until, path_length=0)
    unknown = _authority("Unknown Root")
    signed = (middle, intermediate)
    ended = SINCE + datetime.timedelta(days=90)
    for server, host in HOSTS.items():
        if server == "unknownca":
            chain = [_certificate(host, leaf_key, unknown, until)]
        else:
            end = ended if server == "expired" else until
            chain = [_certificate(host, leaf_key, signed, end), middle]
        pem = b"".join(_pem(certificate) for certificate in chain) + leaf_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = directory / f"{server}.pem"
        path.write_bytes(pem)
        path.chmod(0o600)
    (directory / "root.pem").write_bytes(_pem(root[0]))
    (directory / "root.der").write_bytes(root[0].public_bytes(serialization.Encoding.DER))
    (directory / "unknown-root.pem").write_bytes(_pem(unknown[0]))
    (directory / "made.json").write_text(
        json.dumps({"version": VERSION, "until": until.isoformat()})
    )


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _authority(name: str) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = _key()
    until = _now() + datetime.timedelta(days=3650)
    return _certificate(name, key, None, until, path_length=1), key


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey,
    issuer: tuple[x509.Certificate, rsa.RSAPrivateKey] | None,
    until: datetime.datetime,
    path_length: int | None = None,
) -> x509.Certificate:
    """A certificate for `name`; issuer None: self-signed; path_length None: a server's."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ppp-sim800 simulator"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    issuer_key = issuer[1] if issuer else key
    authority = path_length is not None
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    used = (
        ("key_cert_sign", "crl_sign") if authority else ("digital_signature", "key_encipherment")
    )
    usage.update(dict.fromkeys(used, True))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(authority, path_length), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
    )
    if not authority:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


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
