"""A network that says what no network says while PPP comes up: the link comes up, or an error says why, and it comes up afterwards."""

import pytest
from sim800.scenario import APN, Radio

LCP, PAP, CHAP, IPCP, IP = 0xC021, 0xC023, 0xC223, 0x8021, 0x0021
REQUEST, ACK, NAK, REJECT, PROTOCOL_REJECT, ECHO = 1, 2, 3, 4, 8, 9

SCRIPT = """
nic = ppp_sim800.PPP("internet", {login})
{rogue}
timed("first", nic.connect)
time.sleep(2)
timed("used", nic.resolve, "telemetry.example")
{mend}
timed("then", nic.connect)
print("status=" + nic.status())
"""


def packet(code, data, ident="??", length=None):
    """In hex, as the fault word takes it."""
    length = len(data) + 4 if length is None else length
    return f"{code:02x}{ident}{length:04x}{data.hex()}"


def option(kind, value=b"", length=None):
    return bytes([kind, len(value) + 2 if length is None else length]) + value


# name: protocol, packet, moment
ROGUES = {
    # More to Nak than a Nak takes; the first is a request for an MRU of 0, 300 times.
    "lcp 300 mru": (LCP, packet(REQUEST, 300 * option(1, b"\0\0"), "05"), "begin"),
    "lcp 300 authentications": (LCP, packet(REQUEST, 300 * option(3, b"\x12\x34"), "05"), "begin"),
    "lcp 240 of pap with a value": (
        LCP,
        packet(REQUEST, 240 * option(3, b"\xc0\x23\x05"), "05"),
        "begin",
    ),
    "lcp 250 numbers of 0": (LCP, packet(REQUEST, 240 * option(5, bytes(4)), "05"), "begin"),
    "ipcp 240 addresses of 0": (IPCP, packet(REQUEST, 240 * option(3, bytes(4)), "05"), "lcp"),
    "ipcp 240 addresses of 0, up": (IPCP, packet(REQUEST, 240 * option(3, bytes(4)), "05"), "ip"),
    "ipcp nothing": (IPCP, packet(REQUEST, b"", "05"), "ip"),
    # More to reject than there is of all
    "lcp 700 unknown": (LCP, packet(REQUEST, 700 * option(99), "05"), "begin"),
    "lcp known before unknown": (
        LCP,
        packet(REQUEST, 5 * (option(7) + option(99, bytes(range(9)))), "05"),
        "begin",
    ),
    "ipcp 5 unknown of 255": (IPCP, packet(REQUEST, 5 * option(99, bytes(253)), "05"), "ip"),
    # Lengths that are none
    "lcp option of 0": (LCP, packet(REQUEST, option(1, b"\x05\xdc", 0), "05"), "begin"),
    "lcp option of 1": (LCP, packet(REQUEST, option(1, b"\x05\xdc", 1), "05"), "begin"),
    "lcp option of 255": (LCP, packet(REQUEST, option(1, b"\x05\xdc", 255), "05"), "begin"),
    "ipcp option of 0": (IPCP, packet(REQUEST, option(3, bytes(4), 0), "05"), "ip"),
    "ipcp option of 255": (IPCP, packet(REQUEST, option(3, bytes(4), 255), "05"), "ip"),
    "lcp longer than it is": (LCP, packet(REQUEST, option(1, b"\x05\xdc"), "05", 1400), "begin"),
    "lcp shorter than its head": (LCP, packet(REQUEST, b"", "05", 3), "begin"),
    # Answers to what was asked
    "lcp empty nak": (LCP, packet(NAK, b""), "begin"),
    "lcp nak of all": (LCP, packet(NAK, b"".join(option(k) for k in range(256))), "begin"),
    "lcp nak of 0": (LCP, packet(NAK, option(2, bytes(4), 0)), "begin"),
    "lcp reject of 255": (LCP, packet(REJECT, option(2, bytes(4), 255)), "begin"),
    "lcp empty reject": (LCP, packet(REJECT, b""), "begin"),
    "lcp ack of something else": (LCP, packet(ACK, option(99)), "begin"),
    "ipcp empty nak": (IPCP, packet(NAK, b""), "ip"),
    "ipcp empty reject": (IPCP, packet(REJECT, b""), "ip"),
    # When LCP is up
    "echo without a number": (LCP, packet(ECHO, b"", "05"), "ip"),
    "ip rejected": (LCP, packet(PROTOCOL_REJECT, b"\0\x21", "05"), "ip"),
    "short protocol reject": (LCP, packet(PROTOCOL_REJECT, b"\x80", "05"), "ip"),
    "an ip packet of 1 byte": (IP, "45", "ip"),
    "an ip packet that ends in its header": (IP, "4f00ffff", "ip"),
    # Authentication that nobody asked for, or that is not as it should be
    "a challenge where pap is": (CHAP, packet(1, b"\x04abcd" + 255 * b"n", "05"), "lcp"),
    "pap nak with a message too long": (PAP, packet(3, b"\xffno"), "lcp"),
    "pap ack without a message": (PAP, packet(2, b""), "lcp"),
}


def play_rogue(play, rogue, mend, login='"bee", "honey"', auth="pap", user="bee"):
    """How the first attempt ended; the second must be good."""
    password = "honey" if user == "bee" else user
    played = play(
        SCRIPT.format(login=login, rogue=rogue, mend=mend),
        radio=Radio(apns={"internet": APN(auth, user, password)}),
    )
    assert played.result.code == 0, played.result
    first, used = played.value("first"), played.value("used")
    assert first == "ok" or first.startswith(("NegotiationFailed", "NoCarrier", "AuthRefused"))
    assert used == "ok" or used.partition(": ")[2], used
    assert (played.value("then"), played.value("status")) == ("ok", "up"), played.lines
    return first


@pytest.mark.parametrize("name", ROGUES)
def test_a_packet_that_no_network_says(play, name):
    protocol, said, when = ROGUES[name]
    play_rogue(
        play,
        f'do("ppp_says protocol={protocol:04x} packet={said} when={when}")',
        f'do("ppp_says protocol={protocol:04x}")',
    )


def test_every_packet_gets_a_code_reject(play):
    first = play_rogue(play, 'do("ppp_rejects_codes")', 'do("ppp_rejects_codes on=0")')
    assert first.startswith(("NegotiationFailed", "NoCarrier"))


@pytest.mark.parametrize("auth", ["pap", "chap"])
def test_long_names_on_both_sides(play, auth):
    """Ours are as long as they may be, and the network's challenge as long as a challenge gets."""
    challenge = packet(1, b"\xff" + 255 * b"x" + 255 * b"n", "05")
    play_rogue(
        play,
        f'do("ppp_says protocol=c223 packet={challenge} when=lcp")',
        'do("ppp_says protocol=c223")',
        f'127 * "u", 127 * "u", auth="{auth}"',
        auth,
        127 * "u",
    )
