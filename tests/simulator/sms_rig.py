"""What the tests of short messages share: a modem, and the ways to talk to it about them."""

from sim800 import pdu
from sim800_rig import scenario

PLAIN = scenario(modem={"echo": False, "ipr": 115200}, utc="2026-06-15T10:00:00")
CENTER = "0791947101670000"  # +491710760000
OK = b"\r\nOK\r\n"
Z, ESC = "\x1a", "\x1b"
OTHER = "+4915112345"


async def ask(rig, command, wait=0.05):
    """What a command answers, without the blank lines around and a last OK."""
    text = (await rig.say(f"AT{command}\r", wait)).decode("latin-1")
    assert text.startswith("\r\n") and text.endswith("\r\n"), text
    return text.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


async def enter(rig, command, text, wait=0.05):
    """A command with a prompt, and what is entered there."""
    assert await rig.say(f"AT{command}\r") == b"\r\n> "
    answer = (await rig.say(text, wait)).decode("latin-1")
    return answer.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


async def arrive(rig, text="Hello", number=OTHER, **more):
    """A message comes in, all of its parts; returns what the modem said."""
    rig.modem.inject("sms_received", number=number, text=text, **more)
    await rig.wait(5)
    return rig.take().decode("latin-1")


async def online(rig):
    await ask(rig, '+CGDCONT=1,"IP","internet"')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"~hello~")
    return rig.ppps[-1]


def sent(rig):
    return [(s.number, s.text, s.parts) for s in rig.modem.messages.sent]


def submits(text, number=OTHER, reference=9):
    return [pdu.Submit(number, part).encode() for part in pdu.split(text, reference)]
