"""Fixtures that play scripts on the firmware image: on the emulated chip, or with --port on a board."""

import asyncio
import fcntl
from dataclasses import replace

import pytest
import serial
from chip import Chip, Console
from emulator import RUNNING, Emulator, Missing, find_image, find_qemu
from playing import PRELUDE, Played, actor
from sim800.scenario import Scenario
from world import ROOT

SCENARIO_ONLY = "needs the simulated modem, network and servers: not on a board"


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes minutes: pytest --slow runs it"))


class Board(Chip):
    """A board at a serial port; modem and network are real, and there is no journal of what they do."""

    def __init__(self, port: str):
        self._serial = serial.Serial(None, 115200, timeout=0, exclusive=True)
        self._serial.dtr = self._serial.rts = False  # else some boards are held in reset
        self._serial.port = port

    async def __aenter__(self) -> "Board":
        self._serial.open()
        self.attach(Console(self._serial))
        await self.soft_reset()
        self.console.forgive()
        return self

    async def __aexit__(self, *_) -> None:
        self._serial.close()


@pytest.fixture(scope="session")
def image(request):
    """The image to test (None: what is on the board); skips where there is nothing to run it on."""
    if request.config.getoption("--port"):
        return None
    try:
        find_qemu()
        return find_image()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def one_chip():
    """One emulated chip at a time: they keep real time, on what may be two cores."""
    lock = ROOT / "build" / "emulator.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def play(request, image, internet, one_chip):
    """As tests/conftest.py's, but on the emulated chip: its modem is met running, time is real."""
    if request.config.getoption("--port"):
        pytest.skip(SCENARIO_ONLY)

    def play(script: str, *, speed=None, timeout=60.0, modem=RUNNING, **scenario) -> Played:
        if modem.start == "off":
            modem = replace(modem, start="command")

        async def body(chip):
            await chip.put("root.der", internet.root.read_bytes())
            return await told(chip, script, timeout=timeout * 5)

        return on_emulator(body, internet, image, modem=modem, **scenario)

    return play


def on_emulator(body, internet, image, *, names=None, **scenario):
    async def go():
        there = Scenario(names=internet.names | (names or {}), routes=internet.routes, **scenario)
        async with Emulator(there, image=image) as chip:
            return await body(chip)

    return asyncio.run(go())


async def told(chip, script: str, *, timeout=60.0) -> Played:
    """Run a script that may use what PRELUDE has, to its good end."""
    act = actor(chip) if isinstance(chip, Emulator) else None
    result = await chip.run(PRELUDE + script, timeout=timeout, on_line=act)
    assert result.code == 0, f"{result.stdout}\n{result.stderr}"
    return Played(result, chip)


class Bench:
    """Runs test bodies, `async def body(chip)`, on the chip, and `told` scripts in them.

    In a script UP brings the link up as `nic`, and HOST is a web server's name.
    """

    told = staticmethod(told)

    def __init__(self, config, internet, image):
        self.port = config.getoption("--port")
        self.host = config.getoption("--host") if self.port else "plain.example"
        self.up = (
            f"import network, socket, machine, gc\nHOST = {self.host!r}\n"
            f"nic = ppp_sim800.PPP({config.getoption('--apn')!r})\nnic.connect()\n"
        )
        self._internet = internet
        self._image = image

    def need_host(self) -> None:
        if not self.host:
            pytest.skip("needs a web server: pass --host NAME")

    def need_simulator(self) -> None:
        if self.port:
            pytest.skip(SCENARIO_ONLY)

    def __call__(self, body, *, image=None, modem=RUNNING, **scenario):
        if not self.port:
            return on_emulator(body, self._internet, image or self._image, modem=modem, **scenario)

        async def go():
            async with Board(self.port) as board:
                return await body(board)

        return asyncio.run(go())


@pytest.fixture
def bench(request, image, internet, one_chip):
    return Bench(request.config, internet, image)
