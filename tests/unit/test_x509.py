"""The public key in a certificate, against `cryptography`, and against what is no certificate."""

import importlib.util

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate
from hypothesis import given
from hypothesis import strategies as st
from network.certificates import AUTHORITIES, make
from world import ROOT

# Plain Python, also for CPython.
_spec = importlib.util.spec_from_file_location("x509", ROOT / "modules/ppp_sim800/x509.py")
x509 = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(x509)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    directory = make(tmp_path_factory.mktemp("pki") / "certificates")
    return {name: (directory / f"{name}.der").read_bytes() for name in AUTHORITIES}


def test_keys_of_all_kinds(certificates):
    for der in certificates.values():
        key = load_der_x509_certificate(der).public_key()
        expected = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert x509.public_key(der) == x509.public_key(memoryview(der)) == expected


@given(st.binary(max_size=200))
def test_rubbish_is_no_certificate(data):
    with pytest.raises(ValueError, match="not a certificate"):
        x509.public_key(data)


@given(data=st.data())
def test_a_damaged_one_gives_bytes_or_valueerror(certificates, data):
    der = bytearray(certificates["p256"])
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    der = bytes(der[: data.draw(st.integers(0, len(der)))])
    try:
        key = x509.public_key(der)
    except ValueError as error:
        assert str(error) == "not a certificate"
    else:
        assert key in der
