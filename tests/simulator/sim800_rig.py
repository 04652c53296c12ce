"""A SIM800 to talk to in tests: in virtual time in memory, or in real time on its pty."""

import asyncio
import contextlib
import os
import re
import termios
import tty
from dataclasses import replace

from network.clock import Clock
from network.journal import Journal
from sim800 import virtual
from sim800.modem import SIM800
from sim800.scenario import APN, Modem, Radio, Scenario
from sim800.serial import Line
from sim800.virtual import MemoryLine, VirtualClock

RESULT = re.compile(rb"\r\n(OK|ERROR|\+CM[ES] ERROR: [^\r]*)\r\n")

# a modem met running, echo on, whose commands take no time
READY = Scenario(
    modem=Modem(start="command", latency=0),
    radio=Radio(apns={"internet": APN(), "": APN()}),
)


def scenario(base=READY, **parts):
    """`base` with fields of its parts changed: scenario(modem=dict(latency=1))."""
    for name, value in parts.items():
        if isinstance(value, dict) and name not in ("names", "routes", "phones", "ussd"):
            value = replace(getattr(base, name), **value)  # noqa: PLW2901
        base = replace(base, **{name: value})
    return base


class FakePPP:
    """The far end of PPP: says hello at the start, echoes what it hears, prefixed."""

    def __init__(self, config, send, on_end, on_up):
        self.config, self.send, self.on_end, self.on_up = config, send, on_end, on_up
        self.muted = self.cut = self.closed = self.started = False
        self.heard = bytearray()

    def start(self):
        self.started = True
        self.send(b"~hello~")

    def receive(self, data):
        self.heard += data

    def close(self, reason="closed"):
        self.closed = True

    def terminate(self):
        self.send(b"~bye~")
        self.on_end("terminated")


class Rig:
    """`modem`, `line`, `journal`, `ppps` (the sessions made so far), and a DTE's hands."""

    def __init__(self, setup=READY):
        self.clock = VirtualClock()
        self.journal = Journal(self.clock)
        self.line = MemoryLine()
        self.ppps = []
        self.modem = SIM800(self.clock, setup, self.line, self._make_ppp, self.journal)

    def _make_ppp(self, config, send, on_end, on_up):
        self.ppps.append(FakePPP(config, send, on_end, on_up))
        return self.ppps[-1]

    async def __aenter__(self):
        await self.modem.start()
        self.take()
        return self

    async def __aexit__(self, *_):
        await self.modem.stop()

    def take(self):
        """What the modem said since the last time."""
        out = bytes(self.line.output)
        self.line.output.clear()
        return out

    async def say(self, data, wait=0.01):
        """Send bytes, wait that many seconds, return what came back."""
        self.line.feed(data.encode("latin-1") if isinstance(data, str) else data)
        await self.wait(wait)
        return self.take()

    async def wait(self, seconds):
        """Let time pass."""
        await asyncio.sleep(seconds)

    async def key(self, width, after=0.0):
        """Press PWRKEY for `width` seconds, then wait."""
        self.modem.pwrkey(True)
        await asyncio.sleep(width)
        self.modem.pwrkey(False)
        await asyncio.sleep(after)

    async def power_up(self):
        """Rail, key, boot, and the AT that trains the rate."""
        self.modem.supply(True)
        await self.key(1.2, 2.7)
        if self.line.rate is None:
            await self.say("AT\r")
            assert await self.say("AT\r") == b"AT\r\r\nOK\r\n"
        return self.take()

    async def dial(self):
        """ATD*99#; leaves the line in data mode, PPP's hello taken."""
        await self.say('AT+CGDCONT=1,"IP","internet"\r')
        answer = await self.say("ATE0D*99#\r", 2)
        assert answer == b"ATE0D*99#\r\r\nCONNECT 115200\r\n~hello~", answer
        return self.ppps[-1]


def run(body, *args, limit=60.0):
    """Run an async test in virtual time; `limit` is in virtual seconds."""
    return virtual.run(body(*args), limit)


def modem_test(setup=READY, limit=60.0):
    """Decorator: the test gets a Rig with a started modem, in virtual time."""

    def wrap(function):
        def test():
            async def body():
                async with Rig(setup) as rig:
                    await function(rig)

            run(body, limit=limit)

        test.__name__ = function.__name__
        test.__doc__ = function.__doc__
        return test

    return wrap


class LiveRig(Rig):
    """The same in real time at `speed`, as real sockets need; still in memory."""

    def __init__(self, setup=READY, speed=20.0, internet=None):
        super().__init__(setup)
        self.clock = Clock(speed)
        self.journal = Journal(self.clock)
        self.line = MemoryLine()
        self.modem = SIM800(self.clock, setup, self.line, self._make_ppp, self.journal, internet)

    async def until(self, what, limit=20.0):
        """Wait until the modem said `what`; returns all up to it. `limit` is in real seconds."""
        end = asyncio.get_running_loop().time() + limit
        while what not in self.line.output:
            assert asyncio.get_running_loop().time() < end, bytes(self.line.output)
            await asyncio.sleep(0.001)
        size = self.line.output.index(what) + len(what)
        out = bytes(self.line.output[:size])
        del self.line.output[:size]
        return out

    async def ask(self, command):
        """The answer to a command up to its OK or error, without the frame around it."""
        self.line.feed(f"AT{command}\r".encode("latin-1"))
        end = asyncio.get_running_loop().time() + 20
        while not (result := RESULT.search(self.line.output)):
            assert asyncio.get_running_loop().time() < end, bytes(self.line.output)
            await asyncio.sleep(0.001)
        answer = self.line.output[: result.end()].decode("latin-1")
        del self.line.output[: result.end()]
        return answer.removesuffix("\r\n\r\nOK\r\n").strip("\r\n")


class PtyRig(Rig):
    """The same on a real pty in real time, run at `speed`."""

    def __init__(self, setup=READY, speed=1.0, baud=termios.B115200, **line):
        self.clock = Clock(speed)
        self.journal = Journal(self.clock)
        self.line = Line(self.clock, **line)
        self.ppps = []
        self.modem = SIM800(self.clock, setup, self.line, self._make_ppp, self.journal)
        self.got = bytearray()
        self.baud = baud
        self.fd = -1

    async def __aenter__(self):
        await self.modem.start()
        self.open()
        return self

    def open(self):
        self.fd = os.open(self.line.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.set_baud(self.baud)
        asyncio.get_running_loop().add_reader(self.fd, self._read)

    def set_baud(self, baud):
        self.baud = baud
        tty.setraw(self.fd, termios.TCSANOW)
        mode = termios.tcgetattr(self.fd)
        mode[4] = mode[5] = baud
        termios.tcsetattr(self.fd, termios.TCSANOW, mode)

    def _read(self):
        with contextlib.suppress(BlockingIOError):
            self.got += os.read(self.fd, 65536)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.fd)
        os.close(self.fd)
        self.fd = -1

    async def __aexit__(self, *_):
        if self.fd >= 0:
            self.close()
        await self.modem.stop()

    def take(self):
        out = bytes(self.got)
        self.got.clear()
        return out

    async def until(self, what, limit=5.0):
        """Wait until the modem said `what`; returns all up to it. `limit` is in real seconds."""
        end = asyncio.get_running_loop().time() + limit
        while what not in self.got:
            assert asyncio.get_running_loop().time() < end, bytes(self.got)
            await asyncio.sleep(0.001)
        size = self.got.index(what) + len(what)
        out = bytes(self.got[:size])
        del self.got[:size]
        return out

    def write(self, data):
        os.write(self.fd, data)
