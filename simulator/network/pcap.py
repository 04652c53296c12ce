"""A capture of the PPP line that Wireshark and tshark open, with directions.

Passwords never reach it: what PAP and CHAP prove themselves with is masked before it is written.
"""

import struct
import time
from pathlib import Path

from . import hdlc

LINKTYPE_PPP_WITH_DIR = 204

_LCP, _PAP, _CHAP = 0xC021, 0xC023, 0xC223


def mask(protocol: int, payload: bytes) -> bytes:
    """The payload without secrets: PAP passwords, CHAP responses, and LCP's quotes of either."""
    if protocol == _LCP and payload[:1] == b"\x08" and len(payload) >= 6:  # Protocol-Reject
        quoted = int.from_bytes(payload[4:6], "big")
        return payload[:6] + mask(quoted, payload[6:])
    code, ident, data = payload[:1], payload[1:2], payload[4:]
    if protocol == _PAP and code == b"\x01":
        user = data[: 1 + data[0]] if data else b""
        password = data[len(user) + 1 :]
        if len(data) == len(user) + 1 + len(password) and data[len(user)] == len(password):
            # The length of a password is a secret as well, that there is none is not.
            data = user + (b"\x08********" if password else b"\x00")
        else:
            data = b""  # malformed: nobody knows where the password begins
    elif protocol == _CHAP and code == b"\x02":
        data = b"\x10" + b"*" * 16 + data[17:] if data[:1] == b"\x10" else b""
    else:
        return payload
    return code + ident + struct.pack("!H", 4 + len(data)) + data


class Writer:
    """Writes frames to `path` as they come.

    clock: simulated time, which the time stamps show from the real time of the start on.
    """

    def __init__(self, path: str | Path, clock):
        self._clock = clock
        self._start = time.time() - clock.now()
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        head = (0xA1B2C3D4, 2, 4, 0, 0, 65535, LINKTYPE_PPP_WITH_DIR)
        self._file.write(struct.pack("<LHHlLLL", *head))

    def write(self, sent: bool, content: bytes) -> None:
        """A frame's content without FCS; sent: by the board to the modem, else the other way."""
        unpacked = hdlc.unpack(content, acfc=True, pfc=True)
        if unpacked and unpacked[0] in (_LCP, _PAP, _CHAP):
            payload = mask(*unpacked)
            content = content[: len(content) - len(unpacked[1])] + payload
        stamp = round((self._start + self._clock.now()) * 1e6)
        length = len(content) + 1
        head = struct.pack("<LLLLB", *divmod(stamp, 1_000_000), length, length, sent)
        self._file.write(head + content)

    def close(self) -> None:
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
