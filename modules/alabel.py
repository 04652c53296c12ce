"""Labels that are not ASCII (IDNA 2008: RFC 5890 to 5892) as A-labels. Loaded when there is one.

There is no room for Unicode's tables, so names must be composed (NFC) as keyboards make them, and of the scripts below;
their capitals are mapped as UTS 46 does. All else is refused, which includes whatever looks like a dot or a slash.
"""

from micropython import const

# First, last, what is added for the small letter; 1: the even are capitals, the next one is the small letter,
# -1: the odd are.
_LETTERS = const(
    (
        # Latin
        (0xC0, 0xD6, 32),
        (0xD8, 0xDE, 32),
        (0xDF, 0xF6, 0),
        (0xF8, 0xFF, 0),
        (0x100, 0x12F, 1),
        (0x131, 0x131, 0),
        (0x134, 0x137, 1),
        (0x139, 0x13E, -1),
        (0x141, 0x148, -1),
        (0x14A, 0x177, 1),
        (0x178, 0x178, -121),
        (0x179, 0x17E, -1),
        (0x1A0, 0x1A5, 1),
        (0x1AF, 0x1B0, -1),
        (0x1CD, 0x1DC, -1),
        (0x1F8, 0x21F, 1),
        (0x1E00, 0x1E95, 1),
        (0x1EA0, 0x1EFF, 1),
        # Greek
        (0x386, 0x386, 38),
        (0x388, 0x38A, 37),
        (0x38C, 0x38C, 64),
        (0x38E, 0x38F, 63),
        (0x390, 0x390, 0),
        (0x391, 0x3A1, 32),
        (0x3A3, 0x3AB, 32),
        (0x3AC, 0x3CE, 0),
        # Cyrillic
        (0x400, 0x40F, 80),
        (0x410, 0x42F, 32),
        (0x430, 0x45F, 0),
        (0x48A, 0x4BF, 1),
        (0x4D0, 0x52F, 1),
        # Armenian, Hebrew, Arabic
        (0x531, 0x556, 48),
        (0x561, 0x586, 0),
        (0x5D0, 0x5EA, 0),
        (0x620, 0x63F, 0),
        (0x641, 0x64A, 0),
        (0x679, 0x6D3, 0),
        # Devanagari, Thai, Georgian
        (0x901, 0x939, 0),
        (0x93D, 0x94D, 0),
        (0x966, 0x96F, 0),
        (0xE01, 0xE32, 0),
        (0xE34, 0xE3A, 0),
        (0xE40, 0xE4E, 0),
        (0xE50, 0xE59, 0),
        (0x10D0, 0x10FA, 0),
        (0x1C90, 0x1CBA, -3008),
        # Japanese, Chinese, Korean
        (0x3005, 0x3007, 0),
        (0x3041, 0x3096, 0),
        (0x30A1, 0x30FA, 0),
        (0x30FC, 0x30FE, 0),
        (0x3400, 0x4DBF, 0),
        (0x4E00, 0x9FFF, 0),
        (0xAC00, 0xD7A3, 0),
    )
)
_MARKS = const(((0x901, 0x903), (0x93E, 0x94D), (0xE31, 0xE31), (0xE34, 0xE3A), (0xE47, 0xE4E)))
_LABEL = const(63)

# Punycode (RFC 3492 5)
_BASE = const(36)
_MOST = const(26)  # of a threshold
_SKEW = const(38)
_DAMP = const(700)
_BIAS = const(72)
_FIRST = const(128)


def to_a_labels(name):
    """`name` (str) with A-labels for what is not ASCII; where there is none that label is left as it is."""
    labels = name.split(".")
    for i, label in enumerate(labels):
        if max(label.encode() or b".") < _FIRST:
            continue
        points = list(map(_small, _points(label[: _LABEL + 1])))  # no longer one is any
        if (
            None not in points
            and 45 not in (points[0], points[-1])
            and label[2:4] != "--"
            and _may_begin(points)
        ):
            labels[i] = "xn--" + _punycode(points)
    return ".".join(labels)


def _may_begin(points):
    # Not with a mark that belongs to a letter before it (RFC 5891 4.2.3.2). What is written from the right begins so, and
    # has no letters from the left (RFC 5893 2).
    first = points[0]
    for low, high in _MARKS:
        if low <= first <= high:
            return False
    # Of each: True from the right, 0 from the left, 2 where it goes with both.
    right = [0x590 <= point < 0x700 or (point < 58) * 2 for point in points]
    return True not in right or (right[0] is True and False not in right)


def _points(label):
    # The numbers of its characters. Not by ord(): MicroPython keeps each character that was by itself for ever.
    points = []
    for byte in label.encode():
        if points and byte & 0xC0 == 0x80:
            points[-1] = points[-1] << 6 | byte & 0x3F
        else:
            points.append(
                byte
                if byte < 0xC0
                else byte & (0x1F if byte < 0xE0 else 0x0F if byte < 0xF0 else 7)
            )
    return points


def _small(point):
    # Of a letter the small one, None for what is none here.
    if point < _FIRST:
        return point | 32 if 65 <= point <= 90 else point
    for first, last, add in _LETTERS:
        if first <= point <= last:
            return point + ((point & 1) == (add < 0) if add in (1, -1) else add)
    return None


def _punycode(points):
    out = bytearray([point for point in points if point < _FIRST])
    basic = done = len(out)
    if basic:
        out.append(45)
    at, delta, bias = _FIRST, 0, _BIAS
    while done < len(points):
        least = min([point for point in points if point >= at])
        delta += (least - at) * (done + 1)
        at = least
        for point in points:
            if point < at:
                delta += 1
            elif point == at:
                left, k = delta, _BASE
                while left >= (t := max(1, min(_MOST, k - bias))):
                    left, digit = divmod(left - t, _BASE - t)
                    out.append(_digit(t + digit))
                    k += _BASE
                out.append(_digit(left))
                done += 1
                delta = delta // (2 if done - 1 != basic else _DAMP)
                delta += delta // done
                k = 0
                while delta > (_BASE - 1) * _MOST // 2:
                    delta //= _BASE - 1
                    k += _BASE
                bias = k + _BASE * delta // (delta + _SKEW)
                delta = 0
        delta += 1
        at += 1
    return str(out, "utf-8")


def _digit(value):
    return value + 97 if value < 26 else value + 22
