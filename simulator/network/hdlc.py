"""PPP in HDLC-like framing (RFC 1662) for an asynchronous line: bytes to frames and back.

Sans-IO. Everything that looks at each byte is one call into C (split, translate, re, crc_hqx), so
that a fast line costs little.
"""

import re
from binascii import crc_hqx
from collections.abc import Callable, Iterator
from functools import lru_cache

FLAG = 0x7E
ESCAPE = 0x7D
DEFAULT_ASYNCMAP = 0xFFFFFFFF
REFUSED = 256  # bytes at most that are kept of what is no frame

# crc_hqx is the same CRC (x16 + x12 + x5 + 1) with the most significant bit first; the FCS has the
# least significant bit first, so bytes go in mirrored and the result comes out mirrored.
_MIRROR = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_GOOD_FCS_MIRRORED = 0x1D0F  # 0xF0B8, RFC 1662 C.2
_ESCAPED = re.compile(rb"\x7d(.)", re.DOTALL)
_FLIPPED = [bytes([i ^ 0x20]) for i in range(256)]
_STUFFED = {bytes([i]): bytes([ESCAPE, i ^ 0x20]) for i in range(256)}


def fcs16(data: bytes) -> int:
    """The 16-bit frame check sequence of `data` (RFC 1662 C.2), as it is sent low byte first."""
    mirrored = crc_hqx(data.translate(_MIRROR), 0xFFFF)
    return (_MIRROR[mirrored & 0xFF] << 8 | _MIRROR[mirrored >> 8]) ^ 0xFFFF


@lru_cache(maxsize=64)
def _stuffing(asyncmap: int) -> re.Pattern:
    controls = [i for i in range(32) if asyncmap >> i & 1]
    return re.compile(b"[" + b"".join(b"\\x%02x" % i for i in [*controls, ESCAPE, FLAG]) + b"]")


@lru_cache(maxsize=64)
def _controls(asyncmap: int) -> bytes:
    return bytes(i for i in range(32) if asyncmap >> i & 1)


def pack(protocol: int, payload: bytes, acfc: bool = False, pfc: bool = False) -> bytes:
    """A frame's content without FCS: address, control, protocol and payload (RFC 1661 2).

    `acfc` leaves out address and control, `pfc` shortens protocols below 0x100 to a byte.
    """
    head = b"" if acfc else b"\xff\x03"
    return head + protocol.to_bytes(1 if pfc and protocol < 0x100 else 2, "big") + payload


def unpack(content: bytes, acfc: bool = False, pfc: bool = False) -> tuple[int, bytes] | None:
    """(protocol, payload) of a frame's content, or None when it is no valid PPP frame.

    Headers that were shortened without `acfc` or `pfc` having been agreed on are not valid.
    """
    if content[:2] == b"\xff\x03":
        content = content[2:]
    elif not acfc:
        return None
    if not content:
        return None
    if content[0] & 1:
        return (content[0], content[1:]) if pfc else None
    if len(content) < 2 or not content[1] & 1:
        return None
    return int.from_bytes(content[:2], "big"), content[2:]


def enclose(content: bytes, asyncmap: int = DEFAULT_ASYNCMAP, damage: int = 0) -> bytes:
    """A frame's content as it goes over the line: FCS, escapes, a flag at each end.

    `damage` is xored into the FCS, to make a frame that must be refused.
    """
    checked = content + (fcs16(content) ^ damage).to_bytes(2, "little")
    return b"~" + _stuffing(asyncmap).sub(lambda m: _STUFFED[m[0]], checked) + b"~"


def frame(
    protocol: int,
    payload: bytes,
    asyncmap: int = DEFAULT_ASYNCMAP,
    acfc: bool = False,
    pfc: bool = False,
) -> bytes:
    """A whole frame for the line.

    protocol: PPP protocol number; payload: the information field; asyncmap: which control
    characters the far end wants escaped, bit n for character n; acfc, pfc: shorten the headers.
    """
    return enclose(pack(protocol, payload, acfc, pfc), asyncmap)


class Deframer:
    """Bytes from the line in, contents of good frames out (FCS checked and taken off).

    `limit` bounds a frame's content and so what is kept: of what grows beyond, nothing is kept up
    to the next flag. `asyncmap` is what we asked the far end to escape: such characters that come
    bare were put in on the way and are taken out (RFC 1662 4.2).
    Counters: `frames`, `bad_fcs` (and frames too short to have one), `aborts`, `oversize`.
    `on_refused` gets what was no frame, or its last REFUSED bytes.
    """

    def __init__(self, limit: int = 2048):
        self.limit = limit
        self.on_refused: Callable[[bytes], None] = lambda chunk: None
        self.asyncmap = DEFAULT_ASYNCMAP
        self.frames = self.bad_fcs = self.aborts = self.oversize = 0
        self._part = b""  # what came after the last flag
        self._skip = True  # the beginning of the present frame is missing

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take bytes, split anywhere; give the contents of the frames they completed.

        Each frame is opened when it is asked for, so that a change of `asyncmap` which one brings
        about already holds for the next. Iterate to the end before feeding again.
        """
        *chunks, rest = (self._part + data).split(b"~")
        if chunks and self._skip:
            self.on_refused(chunks.pop(0)[-REFUSED:])
            self._skip = False
        if len(rest) > 2 * (self.limit + 2) and not self._skip:  # each byte may be escaped
            self.oversize += 1
            self._skip = True
        self._part = rest[-REFUSED:] if self._skip else rest
        return (content for chunk in chunks if (content := self._open(chunk)) is not None)

    def end(self) -> None:
        """Nothing more comes: what has is no frame."""
        part, self._part = self._part, b""
        self.on_refused(part[-REFUSED:])

    def _open(self, raw: bytes) -> bytes | None:
        content = self._content(raw)
        if content is None and raw:
            self.on_refused(raw[-REFUSED:])
        return content

    def _content(self, chunk: bytes) -> bytes | None:
        if chunk.endswith(b"}"):
            self.aborts += 1
            return None
        chunk = chunk.translate(None, _controls(self.asyncmap))
        if b"}" in chunk:
            chunk = _ESCAPED.sub(lambda m: _FLIPPED[m[1][0]], chunk)
        if not chunk:
            return None
        if len(chunk) > self.limit + 2:
            self.oversize += 1
        elif len(chunk) < 4 or crc_hqx(chunk.translate(_MIRROR), 0xFFFF) != _GOOD_FCS_MIRRORED:
            self.bad_fcs += 1
        else:
            self.frames += 1
            return chunk[:-2]
        return None
