# A short message as the card has it, to smspdu and modem.sms: the first byte says whether the rest is a PDU, or text
# where one should be.
from binascii import hexlify

import smspdu
from host import words


def feed(data):
    raw = hexlify(data[1:]).decode() if data and data[0] & 7 else "".join(map(chr, data[1:]))
    try:
        part = smspdu.parse(raw)
    except ValueError as error:
        return words(error)
    text = smspdu.decode(part.data, part.alphabet)
    assert isinstance(text, (str, bytes)) and len(text) <= 2 * len(data), text
    assert isinstance(part.number, str), part.number
    assert part.kind == smspdu.STATUS_REPORT or 1 <= part.place <= part.total <= 255, part
    assert part.time is None or (len(part.time) == 6 and part.time[0] < 2100), part.time
    return (
        f"{part.kind} {part.alphabet} {part.total > 1} {part.time is None} {isinstance(text, str)}"
    )
