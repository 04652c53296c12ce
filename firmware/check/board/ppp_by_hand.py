# A data call whose PPP is spoken by hand, no further than LCP: nothing goes into the network, nobody logs in.
_ESCAPED = 0x20


def fcs16(data):
    fcs = 0xFFFF
    for byte in data:
        fcs ^= byte
        for _ in range(8):
            fcs = fcs >> 1 ^ (0x8408 if fcs & 1 else 0)
    return fcs ^ 0xFFFF


def pack(code, ident, data=b""):
    packet = b"\xff\x03\xc0\x21" + bytes((code, ident, 0, len(data) + 4)) + data
    fcs = fcs16(packet)
    out = b"\x7e"
    for byte in packet + bytes((fcs & 0xFF, fcs >> 8)):
        out += (
            bytes((0x7D, byte ^ _ESCAPED))
            if byte < 0x20 or byte in (0x7D, 0x7E)
            else bytes((byte,))
        )
    return out + b"\x7e"


class LCP:
    """Packets of LCP on the line: (code, identifier, data)."""

    def __init__(self):
        self.raw = b""

    def next(self, ms, codes):
        """The next packet whose code is among `codes`, within `ms`; None."""
        began = time.ticks_ms()
        while True:
            while True:
                start = self.raw.find(b"\x7e")
                end = self.raw.find(b"\x7e", start + 1)
                if start < 0 or end < 0:
                    break
                content, self.raw = self.raw[start + 1 : end], self.raw[end:]
                packet = self.unpack(content)
                if packet and packet[0] in codes:
                    return packet
            if since(began) >= ms:
                return None
            self.raw += WIRE.hear(3)

    def unpack(self, content):
        out = bytearray()
        escaped = 0
        for byte in content:
            if byte == 0x7D:
                escaped = _ESCAPED
            else:
                out.append(byte ^ escaped)
                escaped = 0
        if len(out) < 8 or fcs16(out[:-2]) != out[-2] | out[-1] << 8:
            return None
        body = bytes(out[:-2])
        if body[:2] == b"\xff\x03":
            body = body[2:]
        if body[:2] != b"\xc0\x21" or len(body) < 6:
            return None
        return body[2], body[3], body[6 : 2 + (body[4] << 8 | body[5])]


def options(data):
    found = []
    while len(data) >= 2 and 2 <= data[1] <= len(data):
        found.append("%d:%s" % (data[0], "".join("%02x" % byte for byte in data[2 : data[1]])))
        data = data[data[1] :]
    return found


def has_ack(heard):
    """Whether a Terminate-Ack is in it."""
    own = LCP()
    own.raw = heard
    return own.next(0, (6,)) is not None


def echo(lcp, ident):
    """Milliseconds to LCP's Echo-Reply; None."""
    began = time.ticks_ms()
    WIRE.send(pack(9, ident, bytes(4)))
    packet = lcp.next(4000, (10,))
    return since(began) if packet else None


ready()
stat = registered()
tell(stat=stat)
if stat in (1, 5):
    WIRE.ask('AT+CGDCONT=1,"IP","%s"' % APN)
    WIRE.ask("AT+CREG=0;+CGREG=0")
    began = time.ticks_ms()
    WIRE.hear(20)
    WIRE.send(b"ATD*99***1#\r")
    WIRE.shown = False
    heard = WIRE.hear(65000, is_final)
    at = heard.find(b"CONNECT")
    end = heard.find(b"\r\n", at) + 2 if at >= 0 else len(heard)
    WIRE.shown = True
    WIRE.note("<", heard[:end])  # what is behind it is PPP
    said = as_text(heard[:end]).strip().split("\n")
    tell(dialled=said[-1].strip() or "nothing", dial_ms=since(began))
    cut()
    if at >= 0:
        WIRE.shown = False
        lcp = LCP()
        lcp.raw = heard[end:]
        # Some begin by themselves, some wait for the other side.
        packet = lcp.next(1500, (1,))
        tell(begins=packet is not None)
        WIRE.send(pack(1, 1, b"\x02\x06\x00\x0a\x00\x00"))  # asyncmap
        agreed = granted = False
        began = time.ticks_ms()
        while not (agreed and granted) and since(began) < 8000:
            packet = packet or lcp.next(3000, (1, 2, 3, 4))
            if packet:
                code, ident, data = packet
                if code == 1:
                    tell(request=options(data))
                    WIRE.send(pack(2, ident, data))
                    granted = True
                elif code == 2:
                    agreed = True
                else:  # Nak: as it wants; Reject: without
                    tell(**{"nak" if code == 3 else "reject": options(data)})
                    WIRE.send(pack(1, ident + 1, data if code == 3 else b""))
                packet = None
        tell(opened=agreed and granted)
        time.sleep_ms(200)
        tell(echo_ms=[echo(lcp, 20 + number) for number in range(3)])
        # +++ with its silence of a second on both sides, then ATO.
        time.sleep_ms(1100)
        WIRE.hear(20)
        began = time.ticks_ms()
        WIRE.send(b"+++")
        heard = WIRE.hear(3000, lambda said: b"OK\r\n" in said)
        escaped = b"OK\r\n" in heard
        tell(escaped=escaped, escape_ms=since(began))
        if escaped:
            WIRE.shown = True
            tell(hears=WIRE.alive())
            began = time.ticks_ms()
            heard = WIRE.ask("ATO", 10000)
            WIRE.shown = False
            tell(resumed=b"CONNECT" in heard, resume_ms=since(began))
            lcp.raw = b""
            time.sleep_ms(100)
            tell(echo_after_ms=echo(lcp, 40))
        began = time.ticks_ms()
        lcp.raw = b""
        WIRE.send(pack(5, 50))
        heard = b""
        ended = None
        while since(began) < 5000:
            heard += WIRE.hear(3)
            if ended is None and has_ack(heard):
                ended = since(began)
            if b"NO CARRIER" in heard:
                break
        tell(ack_ms=ended, no_carrier_ms=since(began) if b"NO CARRIER" in heard else None)
        alive = WIRE.alive()
        tell(command_mode=alive)
        WIRE.shown = True
        if alive:
            WIRE.ask("ATH", 20000)
        else:
            ready()
