"""What is in an X.509 certificate (RFC 5280 4.1). Nothing is verified here."""


def public_key(der):
    """The SubjectPublicKeyInfo (DER) of a certificate (DER), for pinned keys. Raises ValueError when it is none."""
    at, end = _field(der, 5)
    return bytes(der[at : _inside(der, at, end)[1]])


def dates(der):
    """From when to when a certificate (DER) is valid: (year, month, day, hour, minute, second) each, UTC. Raises
    ValueError when it is none.
    """
    at, end = _inside(der, *_field(der, 3))
    return _date(der, at, end), _date(der, _inside(der, at, end)[1], end)


def _date(der, at, end):
    start, end = _inside(der, at, end)
    try:
        text = str(der[start:end], "ascii")
        if der[at] == 0x17:  # UTCTime, with two digits for the year
            text = ("19" if text >= "5" else "20") + text
        return (int(text[:4]),) + tuple([int(text[i : i + 2]) for i in range(4, 14, 2)])
    except ValueError:
        raise ValueError("not a certificate")


def _field(der, number):
    # Where that field begins, and where all of them end. 0: serial number, 1: signature algorithm, 2: issuer,
    # 3: validity, 4: subject, 5: subject's key.
    at, end = _inside(der, *_inside(der, 0, len(der)))
    if at < end and der[at] == 0xA0:  # the version, which may be left out
        number += 1
    for _ in range(number):
        at = _inside(der, at, end)[1]
    return at, end


def _inside(der, at, end):
    # Where the content of the element at `at` begins and ends; all of it is before `end`.
    start = at + 2
    if start <= end:
        length = der[at + 1]
        if length & 0x80:
            count = length & 0x7F
            # More than three bytes: longer than any certificate
            length = int.from_bytes(der[start : start + count], "big") if 1 <= count <= 3 else end
            start += count
        if start + length <= end:
            return start, start + length
    raise ValueError("not a certificate")
