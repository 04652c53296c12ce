"""A board for the tests of TLS: what its scripts begin with, whom it trusts, and what it must say of each server."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from stand_in import CERTIFICATES

# Of stand_in.TLS_SERVERS, those that must be believed
GOOD = [
    "https",
    "p256",
    "p384",
    "wildcard",
    "address",
    "longchain",
    "threechain",
    "ids",
    "nosession",
    "mqtt",
    "impostor",
]

# and the others, with the reason of the TLSError
BAD = {
    "wronghost": "wrong host",
    "deepwildcard": "wrong host",
    "topwildcard": "wrong host",
    "expired": "expired",
    "notyet": "not yet valid",
    "selfsigned": "unknown issuer",
    "unknownca": "unknown issuer",
    "unknownroot": "unknown issuer",
    "missing": "unknown issuer",
    "truncated": "unknown issuer",
    "broken": "bad signature",
    "noauthority": "unknown issuer",
    "weakkey": "weak key",
    "sha1": "weak signature",
    "md5": "weak signature",
    "restricted": "bad certificate",
    "usage": "wrong purpose",
    "mailca": "wrong purpose",
    "exampleswildcard": "wrong host",
    "oversized": "protocol",
    "mutual": "refused",
    "tls10": "no shared cipher or version",
    "tls11": "no shared cipher or version",
    "tls13only": "no shared cipher or version",
    "nullcipher": "no shared cipher or version",
    "sslv3": "no shared cipher or version",
    "refuses": "no shared cipher or version",
    "rc4": "protocol",
    "tripledes": "protocol",
    "export": "protocol",
    "anonymous": "protocol",
    "dh512": "protocol",
    "garbage": "protocol",
    "closes": "closed",
    "halfway": "closed",
    "notls": "protocol",
    "slow": "timeout",
    "silent": "timeout",
}

TELL = """
def tell(name, call, *args, **kwargs):
    # What came of a call, in a line; what it returned, in the end.
    try:
        result = call(*args, **kwargs)
    except ppp_sim800.TLSError as error:
        print("%s=%s|%s" % (name, error.reason, error))
        return error
    except Exception as error:
        print("%s=%s|%s" % (name, type(error).__name__, error))
        return error
    print("%s=ok|%s" % (name, result))
    return result
"""

UP = (
    TELL
    + """
import requests, socket, ssl
nic = ppp_sim800.PPP("internet")
nic.connect()

def get(host, context=None, path="/ip", **kwargs):
    reply = requests.get("https://" + host + path, ssl_context=context, timeout=15, **kwargs)
    reply.close()
    return reply.status_code
"""
)


@pytest.fixture
def board(play, internet):
    """As `play`, with the test's root certificate as the only one in the firmware, and a clock that is set."""

    def board(script, **kwargs):
        env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots"), **kwargs.pop("env", {})}
        return play(script, env=env, **kwargs)

    return board


def pem(name: str) -> str:
    return (CERTIFICATES / f"{name}.pem").read_text()


def digest(name: str) -> str:
    """SHA-256 of the first certificate's public key in a file, as `openssl` users make it."""
    certificate = x509.load_pem_x509_certificates((CERTIFICATES / f"{name}.pem").read_bytes())[0]
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()
