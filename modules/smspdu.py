"""Short messages as bytes: the PDUs of 3GPP 23.040 and the alphabets of 23.038. Knows no modem."""

from binascii import hexlify, unhexlify
from collections import namedtuple

from micropython import const
from ppp_sim800.errors import ConfigError
from ppp_sim800.roles.clock import parse_cclk
from ppp_sim800.run import sleep_ms

# Alphabets, by the bits of a character.
GSM = const(7)
BYTES = const(8)
UCS2 = const(16)

DELIVER = const(0)
SUBMIT = const(1)
STATUS_REPORT = const(2)

_HAS_HEADER = const(0x40)
_WANTS_REPORT = const(0x20)
_MOST_PARTS = const(255)
_AT_ONCE = const(128)  # characters looked at without letting others run

# 23.038 6.2.1: the default alphabet, and behind an escape (ESC) its extension.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = "\f^{}\\[~]|€"
_EXTENDED = b"\n\x14()/<=>@e"
_ESC = const(27)
# Septets that are ASCII, too.
_PLAIN = (
    b"\n\r !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

_DIGITS = "0123456789*#abc"

# kind: DELIVER, SUBMIT or STATUS_REPORT; number: str, who sent it or who was to get it; time: as
# modem.clock.now() has it; alphabet: of `data` (bytes; of GSM one septet a byte); reference, total, place:
# of a long message, total 1 of any other. Of a status report `reference` is the message's, `place` the
# TP-Status.
Part = namedtuple(
    "Part", ("kind", "number", "time", "alphabet", "data", "reference", "total", "place")
)


async def split(text):
    """How a text is sent: its alphabet, and where (indexes) its parts end.

    A part holds 160 characters of the GSM alphabet (of its extension half as many) or 70 others, 153 or 67
    if there are more parts than one; none is cut in the middle of a character. Raises ConfigError.
    """
    for alphabet, alone, joined in ((GSM, 160, 153), (UCS2, 70, 67)):
        ends = await _ends(text, alphabet, alone)
        if ends and len(ends) > 1:
            ends = await _ends(text, alphabet, joined)
        if ends:
            break
    if len(ends) > _MOST_PARTS:
        raise ConfigError(
            "the text takes {} messages, and at most {} can be joined: shorten it".format(
                len(ends), _MOST_PARTS
            )
        )
    return alphabet, ends


async def _ends(text, alphabet, most):
    # Where parts of at most `most` end; None if a character is not in the alphabet.
    ends = []
    used = 0
    for index, c in enumerate(text):
        if index % _AT_ONCE == _AT_ONCE - 1:
            await sleep_ms(0)
        width = len(_septets(c)) if alphabet == GSM else 1 + (ord(c) > 0xFFFF)
        if not width:
            return None
        if used + width > most:
            ends.append(index)
            used = 0
        used += width
    ends.append(len(text))
    return ends


def _septets(c):
    # A character in the GSM alphabet: one septet, or two of the extension; empty if it has none.
    if c != "\x1b":
        code = _BASIC.find(c)
        if code >= 0:
            return bytes((code,))
        code = _EXTENSION.find(c)
        if code >= 0:
            return bytes((_ESC, _EXTENDED[code]))
    return b""


def submit(number, text, alphabet=GSM, place=1, total=1, reference=0, report=False):
    """The PDU of a message or of one part of it (23.040 9.2.2.2), as bytes.

    It begins with the empty service centre address that means the card's. `alphabet`: what split() said;
    `reference`: 0 to 255, the same in all parts.
    """
    is_world = number[0] == "+"
    digits = number[1:] if is_world else number
    header = bytes((5, 0, 3, reference, total, place)) if total > 1 else b""
    first = SUBMIT | (_WANTS_REPORT if report else 0) | (_HAS_HEADER if header else 0)
    out = bytearray((0, first, 0, len(digits), 0x91 if is_world else 0x81))
    digits += "F" * (len(digits) % 2)
    for i in range(0, len(digits), 2):
        out.append(int(digits[i + 1] + digits[i], 16))
    if alphabet == GSM:
        data = b"".join(_septets(c) for c in text)
        fill = -len(header) * 8 % 7
        length = (len(header) * 8 + fill) // 7 + len(data)
        data = _pack(data, fill)
    else:
        data = to_ucs2(text)
        length = len(header) + len(data)
    return bytes(out) + bytes((0, 0 if alphabet == GSM else 8, length)) + header + data


def _pack(septets, fill):
    # 23.038 6.1.2.1.1: lowest bits first, behind `fill` bits.
    bits = 0
    for septet in reversed(septets):
        bits = bits << 7 | septet
    return (bits << fill).to_bytes((7 * len(septets) + fill + 7) // 8, "little")


def _unpack(octets, count, fill):
    if 8 * len(octets) < 7 * count + fill:
        raise IndexError
    out = bytearray(count)
    bits = int.from_bytes(octets, "little") >> fill
    for i in range(count):
        out[i] = bits & 0x7F
        bits >>= 7
    return bytes(out)


def to_ucs2(text):
    """A text as UTF-16, the high octet first."""
    out = bytearray()
    for c in text:
        code = ord(c)
        if code > 0xFFFF:
            code -= 0x10000
            out += (0xD800 | code >> 10).to_bytes(2, "big")
            code = 0xDC00 | code & 0x3FF
        out += code.to_bytes(2, "big")
    return bytes(out)


def _from_ucs2(octets):
    out = []
    high = 0
    for i in range(0, len(octets) - 1, 2):
        code = octets[i] << 8 | octets[i + 1]
        if high and code >> 10 == 0x37:
            out[-1] = chr(0x10000 + ((high & 0x3FF) << 10 | code & 0x3FF))
            high = 0
            continue
        high = code if code >> 10 == 0x36 else 0
        out.append("\ufffd" if code >> 11 == 0x1B else chr(code))
    return "".join(out)


def _from_gsm(septets):
    if not septets.strip(_PLAIN):  # as most are; quicker
        return str(septets, "utf-8")
    out = []
    escaped = False
    for code in septets:
        if escaped:
            escaped = False
            at = _EXTENDED.find(bytes((code,)))
            # 23.038: an extension that is not known is shown as the default alphabet's, a second escape as a blank
            out.append(_EXTENSION[at] if at >= 0 else " " if code == _ESC else _BASIC[code])
        elif code == _ESC:
            escaped = True
        else:
            out.append(_BASIC[code])
    return "".join(out)


def decode(data, alphabet):
    """`data` (bytes) of an alphabet as str; bytes as they are if they are no text."""
    if alphabet == GSM:
        return _from_gsm(data)
    if alphabet == UCS2 and len(data) % 2 == 0:
        return _from_ucs2(data)
    return data


def parse(pdu):
    """Read a PDU (hex digits as the modem gives them, service centre first) as a Part.

    Raises ValueError for one that is cut short or is no PDU.
    """
    data = unhexlify(pdu)
    try:
        return _parse(data)
    except IndexError:
        raise ValueError("cut short")


def _parse(data):
    at = 1 + data[0]
    first, reference = data[at], data[at + 1]
    kind = first & 3
    if kind not in (SUBMIT, STATUS_REPORT):
        kind = DELIVER
    number, at = _address(data, at + (1 if kind == DELIVER else 2))
    if kind == STATUS_REPORT:
        return Part(kind, number, _time(data, at), BYTES, b"", reference, 1, data[at + 14])
    alphabet = _alphabet(data[at + 1])
    when = None
    at += 2
    if kind == DELIVER:
        when = _time(data, at)
        at += 7
    else:
        at += (0, 7, 1, 7)[first >> 3 & 3]
    length = data[at]
    data = data[at + 1 :]
    skip = fill = 0
    place = (0, 1, 1)
    if first & _HAS_HEADER:
        skip = 1 + data[0]
        place, is_plain = _header(data[1:skip])
        fill = -skip * 8 % 7
        if alphabet == GSM and not is_plain:
            # In another language's table: which one is not known here.
            alphabet = BYTES
            length = (length * 7 + 7) // 8
    if alphabet == GSM:
        length -= (skip * 8 + fill) // 7
        if length < 0:
            raise ValueError("a header longer than the message")
        body = _unpack(data[skip:], length, fill)
    else:
        if len(data) < length or length < skip:
            raise ValueError("cut short")
        body = data[skip:length]
    return Part(kind, number, when, alphabet, body, *place)


def _address(data, at):
    # (number, index behind it), 23.040 9.1.2.5
    count = data[at]
    end = at + 2 + (count + 1) // 2
    octets = data[at + 2 : end]
    if len(data) < end:
        raise IndexError
    kind = data[at + 1] & 0x70
    if kind == 0x50:
        return _from_gsm(_unpack(octets, count * 4 // 7, 0)), end
    number = "+" if kind == 0x10 else ""
    for i in range(count):
        digit = octets[i // 2] >> i % 2 * 4 & 15
        if digit < 15:
            number += _DIGITS[digit]
    return number, end


def _time(data, at):
    # 23.040 9.2.3.11, as a UTC tuple, None if it makes no sense
    octets = data[at : at + 7]
    if len(octets) < 7:
        raise IndexError
    zone = octets[6]
    swapped = ["{:x}{:x}".format(b & 15, b >> 4) for b in octets]
    swapped[6] = "{:x}{:x}".format(zone & 7, zone >> 4)
    return parse_cclk(
        "{}/{}/{},{}:{}:{}".format(*swapped) + ("-" if zone & 8 else "+") + swapped[6]
    )


def _alphabet(scheme):
    # 23.038 4
    group = scheme >> 4
    if group < 8:
        if scheme & 0x20:
            return BYTES  # compressed
        return (GSM, BYTES, UCS2, GSM)[scheme >> 2 & 3]
    if group == 14:
        return UCS2
    return BYTES if group == 15 and scheme & 4 else GSM


def _header(octets):
    # ((reference, total, place), whether its 7-bit text is in the default alphabet), 23.040 9.2.3.24
    place = (0, 1, 1)
    is_plain = True
    at = 0
    while at < len(octets):
        name, length = octets[at], octets[at + 1]
        value = octets[at + 2 : at + 2 + length]
        at += 2 + length
        if name in (0x24, 0x25):
            is_plain = False
        elif (name, len(value)) in ((0, 3), (8, 4)):
            total, index = value[-2], value[-1]
            if 1 <= index <= total:
                place = (int(hexlify(value[:-2]), 16), total, index)
    return place, is_plain
