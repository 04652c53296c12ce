"""The public key in an X.509 certificate (RFC 5280 4.1), for pinned keys. Nothing is verified here."""


def public_key(der):
    """The SubjectPublicKeyInfo (DER) of a certificate (DER). Raises ValueError when it is none."""
    try:
        start, end = _inside(der, 0, len(der))
        at, end = _inside(der, start, end)
        if der[at] == 0xA0:  # the version, which may be left out
            at = _inside(der, at, end)[1]
        for _ in range(5):  # serial number, signature algorithm, issuer, validity, subject
            at = _inside(der, at, end)[1]
        return bytes(der[at : _inside(der, at, end)[1]])
    except IndexError:
        raise ValueError("not a certificate")


def _inside(der, at, end):
    # Where the content of the element at `at` begins and ends; all of it is before `end`.
    length = der[at + 1]
    at += 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[at : at + count], "big") if 1 <= count <= 3 else end
        at += count
    if at + length > end:
        raise IndexError
    return at, at + length
