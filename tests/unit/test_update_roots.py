"""How modules/trust/roots.pem is made of its two sources (ci/update_roots.py)."""

import hashlib
import re
import ssl
import sys

import pytest
import roots
from world import ROOT

sys.path.append(str(ROOT / "ci"))

import update_roots

PEM = (ROOT / "modules" / "trust" / "roots.pem").read_text()
DERS = [der for _, der in roots.read(PEM)[1]]


def certifi(ders) -> tuple[str, str]:
    parts = [
        f'# Label: "Root {at}"\n{ssl.DER_cert_to_PEM_cert(der)}' for at, der in enumerate(ders)
    ]
    return "2027.3.9", "\n".join(parts)


def octal(data: bytes) -> str:
    return "MULTILINE_OCTAL\n" + "".join(f"\\{byte:03o}" for byte in data) + "\nEND\n"


def certdata(dates) -> tuple[str, str]:
    """dates: {DER: YYMMDDHHMMSSZ, or None}"""
    parts = ["# Certificates\n"]
    for der, date in dates.items():
        after = octal(date.encode()) if date else "CK_BBOOL CK_FALSE\n"
        parts.append(
            f"CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\nCKA_VALUE {octal(der)}CKA_NSS_SERVER_DISTRUST_AFTER {after}"
        )
    return "20270101", "\n".join(parts)


def limits(text: str) -> dict[bytes, int]:
    return {der: until for until, der in roots.read(text)[1]}


def test_roots_of_the_one_dates_of_the_other():
    first, second, gone, *_ = DERS
    kept = [der for der in DERS if der != gone]
    text = update_roots.compose(
        certifi(kept), certdata({first: "241130235959Z", second: None, gone: "250101000000Z"}), ""
    )
    assert roots.read(text)[0].isoformat() == "2027-03-09"
    assert limits(text) == {**dict.fromkeys(kept, 0), first: 1733011199}
    # Each is under its name, with its digest.
    digests = re.findall(r"^# SHA-256: (\S+)$", text, re.MULTILINE)
    assert digests == [hashlib.sha256(der).hexdigest() for _, der in roots.read(text)[1]]


def test_a_date_stays_until_the_source_says_otherwise():
    first, second, third, *_ = DERS
    before = update_roots.compose(
        certifi(DERS), certdata({first: "241130235959Z", second: "250415235959Z"}), ""
    )
    after = limits(
        update_roots.compose(certifi(DERS), certdata({second: None, third: None}), before)
    )
    assert after[first] == 1733011199
    assert after[second] == after[third] == 0


@pytest.mark.parametrize("ders", [DERS[:40], [*DERS[:-1], b"rubbish"]], ids=["few", "damaged"])
def test_what_cannot_be_right_is_refused(ders):
    with pytest.raises((update_roots.UpdateError, roots.RootsError)):
        roots.packed(update_roots.compose(certifi(ders), certdata({}), ""))


def test_the_file_is_as_it_is_made():
    assert len(update_roots.names(PEM)) == len(DERS)
