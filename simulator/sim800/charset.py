"""What AT+CSCS means: strings and texts between the GSM alphabet and the terminal (27.005 Annex A).

What the modem says or is told is a str of characters below 256, one a byte.
"""

from . import gsm7

CODECS = {"IRA": "latin-1", "8859-1": "latin-1", "PCCP": "cp437", "PCDN": "cp865"}
NAMES = ("IRA", "GSM", "UCS2", "HEX", "PCCP", "PCDN", "8859-1")


def show_septets(septets: bytes, charset: str) -> str:
    """A 7-bit text for the terminal; what its character set lacks becomes a question mark."""
    if charset == "GSM":
        return septets.decode("latin-1")
    if charset == "HEX":
        return septets.hex().upper()
    text = gsm7.decode(septets)
    if charset == "UCS2":
        return text.encode("utf-16-be").hex().upper()
    return text.encode(CODECS[charset], "replace").decode("latin-1")


def read_septets(raw: str, charset: str) -> bytes:
    """The terminal's text as 7-bit; what that lacks becomes a question mark. Raises ValueError for bad hex."""
    if charset == "GSM":
        return bytes(ord(c) if ord(c) < 128 else ord("?") for c in raw)
    if charset == "HEX":
        septets = bytes.fromhex(raw)
        if any(code > 127 for code in septets):
            raise ValueError("a 7-bit character above 7F")
        return septets
    if charset == "UCS2":
        text = bytes.fromhex(raw).decode("utf-16-be")
    elif charset == "IRA":
        text = raw.encode("latin-1").decode("ascii", "replace")
    else:
        text = raw.encode("latin-1").decode(CODECS[charset])
    return gsm7.encode(text, "?")


def show(text: str, charset: str) -> str:
    """A string parameter for the terminal."""
    return show_septets(gsm7.encode(text, "?"), charset)


def read(raw: str, charset: str) -> str:
    """A string parameter the terminal gave. Raises ValueError for bad hex."""
    return gsm7.decode(read_septets(raw, charset))
