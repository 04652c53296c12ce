# The multiplexer by hand (3GPP TS 27.010, basic option): how long its frames are the package is not told.
_FLAG = 0xF9
_NAMES = {0x2F: "SABM", 0x63: "UA", 0x0F: "DM", 0x43: "DISC", 0xEF: "UIH", 0x03: "UI"}


def checksum(data):
    crc = 0xFF
    for byte in data:
        for bit in range(8):
            crc = crc >> 1 ^ (0xE0 if (crc ^ byte >> bit) & 1 else 0)
    return 0xFF - crc


def frame(dlci, control, info=b""):
    head = bytes((dlci << 2 | 3, control))
    size = (
        bytes((len(info) << 1 | 1,))
        if len(info) < 128
        else bytes((len(info) << 1 & 0xFE, len(info) >> 7))
    )
    head += size
    return b"\xf9" + head + info + bytes((checksum(head), _FLAG))


class Frames:
    """What comes on the line, as frames: (dlci, name, information)."""

    def __init__(self):
        self.rest = b""
        self.waiting = []
        self.bad = 0

    def take(self, data):
        self.rest += data
        found = []
        while True:
            at = self.rest.find(b"\xf9")
            if at < 0:
                self.rest = b""
                return found
            self.rest = rest = self.rest[at:]
            while rest[1:2] == b"\xf9":
                self.rest = rest = rest[1:]
            if len(rest) < 6:
                return found
            long = not rest[3] & 1
            size = rest[3] >> 1 | (rest[4] << 7 if long else 0)
            end = 4 + long + size
            if len(rest) < end + 2:
                return found
            if rest[end + 1] != _FLAG or _NAMES.get(rest[2] & 0xEF) is None:
                self.bad += 1
                self.rest = rest[1:]
                continue
            found.append((rest[1] >> 2, _NAMES[rest[2] & 0xEF], rest[4 + long : end]))
            self.rest = rest[end + 1 :]

    def wait(self, ms, wanted):
        """All frames until one of them is `wanted(frame)`: ([…], milliseconds or None). What is behind it stays."""
        got = []
        began = time.ticks_ms()
        while True:
            while self.waiting:
                got.append(self.waiting.pop(0))
                if wanted(got[-1]):
                    return got, since(began)
            if since(began) >= ms:
                return got, None
            self.waiting = self.take(WIRE.hear(5))

    def all(self):
        """What has come until now."""
        got = self.waiting + self.take(WIRE.hear(5))
        self.waiting = []
        return got


def multiplex(command):
    """Begin, ask for a long answer on DLCI 1, leave; what was seen."""
    ready()
    heard = WIRE.ask(command)
    seen = {"answer": as_text(heard).strip()}
    if b"\r\nOK\r\n" not in heard:
        return seen
    cut()
    WIRE.shown = False  # frames are no text, and what is in them may be cut anywhere
    frames = Frames()
    try:
        for dlci in (0, 1):
            for attempt in range(5):
                WIRE.send(frame(dlci, 0x3F))
                got, ms = frames.wait(
                    300, lambda one, of=dlci: one[0] == of and one[1] in ("UA", "DM")
                )
                if ms is not None:
                    seen["open%d" % dlci] = [got[-1][1], ms, attempt]
                    break
            else:
                seen["open%d" % dlci] = None
                return seen
        got, ms = frames.wait(500, lambda one: one[0] == 0 and one[1] == "UIH")
        seen["msc_ms"] = ms
        if ms is not None:  # its command is answered by itself, with another type
            info = got[-1][2]
            WIRE.send(frame(0, 0xEF, bytes((info[0] & 0xFD,)) + info[1:]))
        WIRE.send(frame(0, 0xEF, b"\xe3\x05\x07\x0d"))  # ours: ready
        WIRE.send(frame(1, 0xEF, b"AT&V\r"))  # the longest answer there is
        said = b""
        lengths = []
        began = time.ticks_ms()
        while b"\r\nOK\r\n" not in said and since(began) < 5000:
            for dlci, name, info in frames.all():
                if dlci == 1 and name == "UIH":
                    lengths.append(len(info))
                    said += info
        seen["answered"] = b"\r\nOK\r\n" in said
        seen["longest"] = max(lengths or [0])
        seen["frames"] = len(lengths)
        seen["bytes"] = len(said)
        # A frame as long as ours may be.
        WIRE.send(frame(1, 0xEF, b"AT" + b"+CFUN?;" * 17 + b"+CFUN"))
        WIRE.send(frame(1, 0xEF, b"?\r"))
        said = b""
        began = time.ticks_ms()
        while b"\r\nOK\r\n" not in said and since(began) < 3000:
            said += b"".join(one[2] for one in frames.all() if one[:2] == (1, "UIH"))
        seen["hears_long"] = said.count(b"+CFUN: ") == 18
        seen["bad"] = frames.bad
        WIRE.send(b"\xf9\x03\xef\x05\xc3\x01\xf2\xf9")  # CLD
        _, seen["closed_ms"] = frames.wait(1500, lambda one: one[0] == 0 and one[2][:1] == b"\xc1")
        time.sleep_ms(100)
    finally:
        WIRE.shown = True
    seen["plain_again"] = WIRE.alive()
    return seen


settled()
tell(asked=multiplex("AT+CMUX=0,0,5,127"))
tell(default=multiplex("AT+CMUX=0"))
ready()
