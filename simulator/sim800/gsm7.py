"""The GSM 7-bit default alphabet with its extension table, and its packing (3GPP 23.038 6.1.2, 6.2.1)."""

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPE = 0x1B  # the next septet is one of the extension table
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_CODES = {c: bytes((n,)) for n, c in enumerate(BASIC) if n != ESCAPE}
_CODES |= {c: bytes((ESCAPE, n)) for n, c in EXTENSION.items()}


def encode(text: str, replace: str | None = None) -> bytes:
    """One septet a byte. A character the alphabet lacks becomes `replace`; without one: ValueError."""
    out = bytearray()
    for c in text:
        code = _CODES.get(c)
        if code is None:
            if replace is None:
                raise ValueError(f"{c!r} is not in the GSM alphabet")
            code = _CODES[replace]
        out += code
    return bytes(out)


def decode(septets: bytes) -> str:
    """The text; an unknown extension is read from the basic table, as the standard wants."""
    out = []
    escaped = False
    for code in septets:
        if escaped:
            out.append(EXTENSION.get(code) or (" " if code == ESCAPE else BASIC[code]))
            escaped = False
        elif code == ESCAPE:
            escaped = True
        else:
            out.append(BASIC[code])
    return "".join(out)


def pack(septets: bytes, fill: int = 0) -> bytes:
    """Eight septets in seven octets, the first after `fill` bits."""
    bits = sum(code << (7 * n + fill) for n, code in enumerate(septets))
    return bits.to_bytes((7 * len(septets) + fill + 7) // 8, "little")


def unpack(data: bytes, count: int, fill: int = 0) -> bytes:
    """`count` septets of packed octets. Raises ValueError if there are not so many."""
    if (7 * count + fill + 7) // 8 > len(data):
        raise ValueError(f"{count} septets do not fit into {len(data)} octets")
    bits = int.from_bytes(data, "little") >> fill
    return bytes(bits >> 7 * n & 0x7F for n in range(count))
