"""What is read of a certificate, against `cryptography`, and against what is no certificate."""

import datetime
import importlib.util

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import (
    CertificateBuilder,
    Name,
    load_der_x509_certificate,
    random_serial_number,
)
from hypothesis import given
from hypothesis import strategies as st
from network.certificates import AUTHORITIES, make
from world import ROOT

# Plain Python, also for CPython.
_spec = importlib.util.spec_from_file_location("x509", ROOT / "modules/ssl/ssl/x509.py")
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


def test_dates(certificates):
    for der in certificates.values():
        read = load_der_x509_certificate(der)
        dates = [
            when.timetuple()[:6] for when in (read.not_valid_before_utc, read.not_valid_after_utc)
        ]
        assert list(x509.dates(der)) == list(x509.dates(memoryview(der))) == dates


@pytest.mark.parametrize("year", [1950, 1999, 2000, 2049, 2050, 2120])
def test_dates_in_both_forms(year):
    """RFC 5280 4.1.2.5: until 2049 with two digits for the year, from 2050 on with four."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = Name([])
    begins = datetime.datetime(year, 2, 28, 23, 59, 58)
    ends = begins + datetime.timedelta(700)
    certificate = (
        CertificateBuilder(name, name, key.public_key(), random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .sign(key, SHA256())
    )
    dates = x509.dates(certificate.public_bytes(Encoding.DER))
    assert dates == (begins.timetuple()[:6], ends.timetuple()[:6])


@pytest.mark.parametrize("read", [x509.public_key, x509.dates])
@given(data=st.binary(max_size=200))
def test_rubbish_is_no_certificate(read, data):
    with pytest.raises(ValueError, match="not a certificate"):
        read(data)


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
    try:
        assert [len(date) for date in x509.dates(der)] == [6, 6]
    except ValueError as error:
        assert str(error) == "not a certificate"
