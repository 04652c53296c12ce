"""Short messages as they go over the air: the TPDUs of 3GPP 23.040, and texts cut into them.

A TPDU is bytes; with the service centre's address before it, it is what AT commands show in
PDU mode. What arrives malformed raises PDUError, whose text says why.
"""

import datetime
import re
from dataclasses import dataclass, replace

from . import gsm7

INTERNATIONAL, NATIONAL, UNKNOWN = 0x91, 0xA1, 0x81  # types of address (9.1.2.5)
ALPHANUMERIC = 0xD0
DELIVER, SUBMIT, STATUS_REPORT = 0, 1, 2  # TP-MTI, as seen from the mobile
UDHI, SRR = 0x40, 0x20  # bits of the first octet
MAX_OCTETS, MAX_SEPTETS = 140, 160
MAX_DIGITS = 20
MAX_PARTS = 255
MAX_TPDU = 164
_DIGITS = "0123456789*#abc"
_NUMBER = re.compile(r"\+?[0-9*#a-c]{1,20}")


class PDUError(ValueError):
    """A PDU that cannot be."""


class Reader:
    """Takes octets off the front. Raises PDUError at the end."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int, what: str) -> bytes:
        taken = self.data[self.at : self.at + count]
        if len(taken) < count:
            raise PDUError(f"the PDU ends within its {what}")
        self.at += count
        return taken

    def octet(self, what: str) -> int:
        return self.take(1, what)[0]

    def rest(self) -> bytes:
        return self.data[self.at :]


# ---- addresses and times -------------------------------------------------------------------


def number_type(number: str) -> int:
    return INTERNATIONAL if number.startswith("+") else UNKNOWN


def is_number(text: str) -> bool:
    """A telephone number that fits into an address: up to 20 digits, perhaps a +."""
    return _NUMBER.fullmatch(text) is not None


def _pack_digits(digits: str) -> bytes:
    codes = [_DIGITS.index(d) for d in digits] + [15] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(codes[::2], codes[1::2], strict=True))


def _unpack_digits(data: bytes) -> str:
    codes = [code for octet in data for code in (octet & 15, octet >> 4)]
    if codes and codes[-1] == 15:
        codes.pop()
    if 15 in codes:
        raise PDUError("an address has a filler among its digits")
    return "".join(_DIGITS[code] for code in codes)


def encode_address(number: str, kind: int | None = None) -> bytes:
    """TP-OA or TP-DA (9.1.2.5). What is no number becomes an alphanumeric address."""
    if not is_number(number):
        septets = gsm7.encode(number, "?")
        if not 0 < len(septets) <= 11:
            raise PDUError(f"{number!r} is no number, and as a name not 1 to 11 characters long")
        data = gsm7.pack(septets)
        return bytes(((7 * len(septets) + 3) // 4, ALPHANUMERIC)) + data
    digits = number.removeprefix("+")
    return bytes((len(digits), kind or number_type(number))) + _pack_digits(digits)


def decode_address(reader: Reader) -> tuple[str, int]:
    """The number, with + if it is international, and its type."""
    length, kind = reader.octet("address"), reader.octet("address")
    if length > MAX_DIGITS + 2:
        raise PDUError(f"an address of {length} digits")
    if not kind & 0x80:
        raise PDUError(f"an address of type {kind}")
    data = reader.take((length + 1) // 2, "address")
    if kind & 0x70 == 0x50:
        return gsm7.decode(gsm7.unpack(data, length * 4 // 7)), kind
    digits = _unpack_digits(data)
    if len(digits) != length:
        raise PDUError(f"an address of {length} digits has {len(digits)}")
    return ("+" if kind & 0x70 == 0x10 else "") + digits, kind


def encode_center(number: str) -> bytes:
    """The service centre's address, as it stands before a TPDU; none is one octet 0."""
    if not number:
        return b"\0"
    data = bytes((number_type(number),)) + _pack_digits(number.removeprefix("+"))
    return bytes((len(data),)) + data


def decode_center(reader: Reader) -> tuple[str, int]:
    length = reader.octet("service centre")
    if length == 0:
        return "", 0
    kind, *data = reader.take(length, "service centre")
    return ("+" if kind & 0x70 == 0x10 else "") + _unpack_digits(bytes(data)), kind


def _swap(value: int) -> int:
    return value % 10 << 4 | value // 10


def _unswap(octet: int) -> int:
    return (octet & 15) * 10 + (octet >> 4)


def encode_time(local: datetime.datetime, zone: int) -> bytes:
    """TP-SCTS (9.2.3.11); `zone` in quarter hours east of UTC."""
    fields = (local.year % 100, local.month, local.day, local.hour, local.minute, local.second)
    return bytes(map(_swap, fields)) + bytes((_swap(abs(zone)) | (8 if zone < 0 else 0),))


def decode_time(data: bytes) -> str:
    """As AT commands show it: yy/MM/dd,hh:mm:ss±zz."""
    y, mo, d, h, mi, s = map(_unswap, data[:6])
    sign = "-" if data[6] & 8 else "+"
    return f"{y:02d}/{mo:02d}/{d:02d},{h:02d}:{mi:02d}:{s:02d}{sign}{_unswap(data[6] & 0xF7):02d}"


# ---- the text ------------------------------------------------------------------------------


def alphabet(dcs: int) -> int:
    """Bits a character has by the data coding scheme: 7, 8 or 16 (23.038 chapter 4)."""
    group = dcs >> 4
    if group < 8:
        return 8 if dcs & 0x20 else (7, 8, 16, 7)[dcs >> 2 & 3]
    if group == 15:
        return 8 if dcs & 4 else 7
    return 16 if group == 14 else 7


def message_class(dcs: int) -> int | None:
    """0 to 3, or None for none (23.038 chapter 4)."""
    if dcs >> 4 == 15 or (dcs >> 4 < 8 and dcs & 0x10):
        return dcs & 3
    return None


@dataclass(frozen=True)
class UserData:
    """TP-DCS and TP-UD: `body` is septets, one a byte, or octets; `header` without its length."""

    dcs: int
    body: bytes
    header: bytes = b""

    @property
    def text(self) -> str:
        """The text; that of 8-bit data is empty."""
        bits = alphabet(self.dcs)
        if bits == 7:
            return gsm7.decode(self.body)
        return self.body.decode("utf-16-be", "replace") if bits == 16 else ""

    @property
    def concatenation(self) -> tuple[int, int, int] | None:
        """Reference, number of parts, this one's number (9.2.3.24.1 and .8), or None."""
        at = 0
        while at + 2 <= len(self.header):
            kind, length = self.header[at], self.header[at + 1]
            value = self.header[at + 2 : at + 2 + length]
            if (kind, len(value)) in ((0, 3), (8, 4)) and len(value) == length:
                total, number = value[-2:]
                if 0 < number <= total:
                    return int.from_bytes(value[:-2], "big"), total, number
            at += 2 + length
        return None

    def encode(self) -> bytes:
        """TP-UDL and TP-UD. Raises PDUError if it is too long."""
        head = bytes((len(self.header),)) + self.header if self.header else b""
        if alphabet(self.dcs) == 7:
            fill = -8 * len(head) % 7
            length = (8 * len(head) + fill) // 7 + len(self.body)
            data = head + gsm7.pack(self.body, fill)
        else:
            data = head + self.body
            length = len(data)
        if len(data) > MAX_OCTETS:
            raise PDUError(f"the user data has {len(data)} octets, and {MAX_OCTETS} fit")
        return bytes((length,)) + data

    @classmethod
    def decode(cls, dcs: int, length: int, data: bytes, has_header: bool) -> "UserData":
        """Raises PDUError unless `data` is exactly what `length` says."""
        seven = alphabet(dcs) == 7
        if length > (MAX_SEPTETS if seven else MAX_OCTETS):
            raise PDUError(f"the user data length is {length}")
        octets = (7 * length + 7) // 8 if seven else length
        if len(data) != octets:
            raise PDUError(f"there are {len(data)} octets of user data, and should be {octets}")
        head = b""
        if has_header:
            if not data or data[0] + 1 > len(data):
                raise PDUError("the user data header is longer than the user data")
            head = data[: data[0] + 1]
        if not seven:
            return cls(dcs, data[len(head) :], head[1:])
        fill = -8 * len(head) % 7
        count = length - (8 * len(head) + fill) // 7
        return cls(
            dcs, gsm7.unpack(data[len(head) :], count, fill) if count > 0 else b"", head[1:]
        )


def _cut(units: list[bytes], size: int) -> list[bytes]:
    """Join units that must not be cut into pieces of at most `size` bytes."""
    pieces = [b""]
    for unit in units:
        if len(pieces[-1]) + len(unit) > size:
            pieces.append(b"")
        pieces[-1] += unit
    return pieces


def split(text: str, reference: int = 0, kind: int | None = None) -> list[UserData]:
    """The parts a text is sent in: 7-bit if the GSM alphabet has all of it, else UCS2.

    `reference` tells long messages apart, `kind` is a message class. Raises PDUError for more than 255 parts.
    """
    klass = 0 if kind is None else 0x10 | kind
    try:
        units = [gsm7.encode(c) for c in text]
        dcs, whole, piece = klass, MAX_SEPTETS, 153
    except ValueError:
        units = [c.encode("utf-16-be", "replace") for c in text]
        dcs, whole, piece = 8 | klass, MAX_OCTETS, 134
    if sum(map(len, units)) <= whole:
        return [UserData(dcs, b"".join(units))]
    pieces = _cut(units, piece)
    if len(pieces) > MAX_PARTS:
        raise PDUError(f"a text of {len(pieces)} parts; {MAX_PARTS} is the most")
    return [
        UserData(dcs, body, bytes((0, 3, reference & 0xFF, len(pieces), n)))
        for n, body in enumerate(pieces, 1)
    ]


# ---- the TPDUs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Deliver:
    """SMS-DELIVER (9.2.2.1): to the mobile."""

    number: str
    data: UserData
    time: bytes  # TP-SCTS
    kind: int = 0  # type of address; 0: as the number looks
    pid: int = 0
    first: int = 4  # no more messages to send

    def encode(self) -> bytes:
        first = self.first & ~UDHI | (UDHI if self.data.header else 0)
        return (
            bytes((first,))
            + encode_address(self.number, self.kind)
            + bytes((self.pid, self.data.dcs))
            + self.time
            + self.data.encode()
        )

    @classmethod
    def decode(cls, tpdu: bytes) -> "Deliver":
        reader = Reader(tpdu)
        first = reader.octet("first octet")
        if first & 3 != DELIVER:
            raise PDUError("it is no SMS-DELIVER")
        number, kind = decode_address(reader)
        pid, dcs = reader.take(2, "parameters")
        time = reader.take(7, "time stamp")
        length = reader.octet("user data length")
        data = UserData.decode(dcs, length, reader.rest(), bool(first & UDHI))
        return cls(number, data, time, kind, pid, first)


_VALIDITY = {0x00: 0, 0x10: 1, 0x08: 7, 0x18: 7}  # octets, by TP-VPF (9.2.3.3)


@dataclass(frozen=True)
class Submit:
    """SMS-SUBMIT (9.2.2.2): from the mobile."""

    number: str
    data: UserData
    reference: int = 0  # TP-MR
    kind: int = 0
    pid: int = 0
    first: int = SUBMIT
    validity: bytes = b""

    @property
    def wants_report(self) -> bool:
        return bool(self.first & SRR)

    def numbered(self, reference: int) -> "Submit":
        return replace(self, reference=reference)

    def addressed(self, number: str, kind: int) -> "Submit":
        return replace(self, number=number, kind=kind)

    def encode(self) -> bytes:
        first = self.first & ~UDHI | (UDHI if self.data.header else 0)
        return (
            bytes((first, self.reference))
            + encode_address(self.number, self.kind)
            + bytes((self.pid, self.data.dcs))
            + self.validity
            + self.data.encode()
        )

    @classmethod
    def decode(cls, tpdu: bytes) -> "Submit":
        reader = Reader(tpdu)
        first = reader.octet("first octet")
        if first & 3 != SUBMIT:
            raise PDUError("it is no SMS-SUBMIT")
        reference = reader.octet("message reference")
        number, kind = decode_address(reader)
        if not is_number(number):
            raise PDUError(f"the destination {number!r} is no number")
        pid, dcs = reader.take(2, "parameters")
        validity = reader.take(_VALIDITY[first & 0x18], "validity period")
        length = reader.octet("user data length")
        data = UserData.decode(dcs, length, reader.rest(), bool(first & UDHI))
        return cls(number, data, reference, kind, pid, first, validity)


@dataclass(frozen=True)
class StatusReport:
    """SMS-STATUS-REPORT (9.2.2.3): what became of a message."""

    number: str
    reference: int
    time: bytes  # when the service centre got it
    done: bytes  # when it was delivered, or given up
    status: int = 0  # TP-ST (9.2.3.15): 0 delivered
    kind: int = 0
    first: int = STATUS_REPORT | 4

    def encode(self) -> bytes:
        return (
            bytes((self.first, self.reference))
            + encode_address(self.number, self.kind)
            + self.time
            + self.done
            + bytes((self.status,))
        )

    @classmethod
    def decode(cls, tpdu: bytes) -> "StatusReport":
        reader = Reader(tpdu)
        first = reader.octet("first octet")
        if first & 3 != STATUS_REPORT:
            raise PDUError("it is no SMS-STATUS-REPORT")
        reference = reader.octet("message reference")
        number, kind = decode_address(reader)
        time, done = reader.take(7, "time stamp"), reader.take(7, "discharge time")
        return cls(number, reference, time, done, reader.octet("status"), kind, first)
