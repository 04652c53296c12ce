#!/usr/bin/env python3
"""The roots that are compiled into the firmware, from certificates in PEM. Needs nothing but Python.

    roots.py FILE.pem --header OUT.h     for modules/trust/roots.c
    roots.py FILE.pem --binary OUT       for the Linux VM's SIM_ROOTS

Of each certificate what trust needs is kept, as a certificate without signature: subject, key, dates, the last four
bytes of the serial number, and of the extensions basic constraints, key usage, extended key usage and name constraints
(RFC 5280 4.2.1); the subject key identifier only where it is not SHA-1 of the key, empty where there is none. In the PEM file a
line `# Date: 2026-10-19` at the beginning is the day of the set, and `# Distrust after: 2024-11-30T23:59:59Z` before a
certificate says that the root vouches for no certificate that begins later.
"""

import argparse
import base64
import datetime
import hashlib
import re
import struct
import sys
from pathlib import Path

MAGIC = b"roots1"
# DER of the extensions' names: keyUsage, basicConstraints, nameConstraints, extKeyUsage
KEPT = {bytes.fromhex(f"0603551d{last}") for last in ("0f", "13", "1e", "25")}
ISSUER = bytes.fromhex("300c310a300806035504030c012d")  # "CN=-": any will do
ALGORITHM = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256: one must be there
KEY_IDENTIFIER = bytes.fromhex("0603551d0e")
SIGNATURE = bytes.fromhex("030100")


class RootsError(Exception):
    """What is wrong with a file of roots."""


def elements(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """What a constructed DER value consists of: (tag, the whole element, its content)."""
    found, at = [], 0
    while at < len(data):
        start, length, at = at, data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count]), at + count
        if at + length > len(data):
            raise RootsError("a certificate is damaged")
        found.append((data[start], data[start : at + length], data[at : at + length]))
        at += length
    return found


def element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size) + content


def stripped(certificate: bytes) -> tuple[bytes, int]:
    """A certificate (DER) without what trust does not need, and where its subject begins."""
    try:
        ((_, _, whole),) = elements(certificate)
        fields = elements(elements(whole)[0][2])
        version = fields.pop(0)[1] if fields[0][0] == 0xA0 else b""
        serial = element(
            0x02, b"\1" + fields[0][2][-4:]
        )  # with a byte that makes it a number, whatever follows
        _, _, issuer, validity, subject, key = (field[1] for field in fields[:6])
        kept, named = b"", b""  # the name that a key has
        for tag, _, content in fields[6:]:
            for _, extension, parts in elements(elements(content)[0][2]) if tag == 0xA3 else ():
                name, *_, value = elements(parts)
                # mbedTLS is to refuse a root with something critical that it does not know.
                if name[1] in KEPT or elements(parts)[1][0] == 0x01:
                    kept += extension
                elif name[1] == KEY_IDENTIFIER:
                    named = elements(value[2])[0][2]
        if version and named != hashlib.sha1(elements(elements(key)[0][2])[1][2][1:]).digest():
            kept += element(0x30, KEY_IDENTIFIER + element(0x04, element(0x04, named)))
    except (IndexError, ValueError):
        raise RootsError("a certificate is damaged") from None
    extensions = element(0xA3, element(0x30, kept)) if kept else b""
    # One without extensions must say itself that it is a root.
    before = version + serial + ALGORITHM + (ISSUER if version else issuer) + validity
    body = element(0x30, before + subject + key + extensions)
    made = element(0x30, body + ALGORITHM + SIGNATURE)
    return made, made.index(before + subject) + len(before)


def read(pem: str) -> tuple[datetime.date, list[tuple[int, bytes]]]:
    """The day of a set (9999-12-31 if the file names none), and its roots: (seconds since 1970 from when on what they
    sign is not trusted, or 0; DER). Raises RootsError."""
    date = re.search(r"^# Date: (\S+)$", pem, re.MULTILINE)
    roots, until = [], 0
    pattern = (
        r"^# Distrust after: (\S+)$|^-----BEGIN CERTIFICATE-----$(.*?)^-----END CERTIFICATE-----$"
    )
    try:
        for match in re.finditer(pattern, pem, re.MULTILINE | re.DOTALL):
            if match[1]:
                until = int(datetime.datetime.fromisoformat(match[1]).timestamp())
            else:
                roots.append((until, base64.b64decode(match[2])))
                until = 0
        day = datetime.date.fromisoformat(date[1]) if date else datetime.date.max
    except ValueError as error:
        raise RootsError(str(error)) from None
    if not roots:
        raise RootsError("there is no certificate in PEM in it")
    return day, roots


def packed(pem: str) -> bytes:
    """The set as modules/trust/roots.c reads it. Raises RootsError."""
    day, roots = read(pem)
    data = MAGIC + struct.pack(">I", day.year * 10000 + day.month * 100 + day.day)
    for until, certificate in roots:
        made, subject = stripped(certificate)
        data += struct.pack(">IHH", until, len(made), subject) + made
    return data


def header(data: bytes) -> str:
    rows = (data[at : at + 24] for at in range(0, len(data), 24))
    return "".join(",".join(map(str, row)) + ",\n" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pem", type=Path, metavar="FILE.pem")
    parser.add_argument("--header", type=Path, metavar="OUT.h")
    parser.add_argument("--binary", type=Path, metavar="OUT")
    options = parser.parse_args()
    try:
        data = packed(options.pem.read_text())
        if options.header:
            options.header.parent.mkdir(parents=True, exist_ok=True)
            if not options.header.exists() or options.header.read_text() != header(data):
                options.header.write_text(header(data))
        if options.binary:
            options.binary.write_bytes(data)
    except (OSError, RootsError) as error:
        print(f"roots: {options.pem}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
