"""Fixtures that play scripts on the firmware image: on the emulated chip, or on a board.

pytest-embedded starts QEMU (`--embedded-services qemu`, which is the default) or has the board's serial port (`esp,serial`,
with --port PORT). What it lacks is here: the modem's line at the chip's second UART, and the raw REPL on its first.
"""

import asyncio
import contextlib
import fcntl
import inspect
import os
from dataclasses import replace

import pytest
from chip import Chip, Console
from emulator import IMAGE_AT, RUNNING, Emulator, Missing, find_image, find_qemu, running
from playing import PRELUDE, Played, actor
from sim800.scenario import Scenario
from world import ROOT

SCENARIO_ONLY = "needs the simulated modem, network and servers: not on a board"
PLUGIN = "pytest_embedded"


def pytest_configure(config):
    if config.pluginmanager.has_plugin(PLUGIN):
        option = config.option
        board = option.port or os.environ.get("ESPPORT")
        option.embedded_services = option.embedded_services or ("esp,serial" if board else "qemu")
        option.root_logdir = option.root_logdir or str(ROOT / "build")
        config.addinivalue_line("filterwarnings", "ignore:record_xml_attribute is an experimental")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if not item.path.is_relative_to(ROOT / "tests" / "firmware"):
            continue
        if not config.pluginmanager.has_plugin(PLUGIN):
            reason = "needs pytest-embedded: `make test TESTS=tests/firmware` has it"
        elif item.get_closest_marker("slow") and not config.getoption("--slow"):
            reason = "takes minutes: pytest --slow runs it"
        else:
            continue
        item.add_marker(pytest.mark.skip(reason=reason))


class Duts:
    """Powers up what the command line names, as often as a test asks for it, each time anew."""

    def __init__(self, options: dict, flashed: dict):
        self.services = options["_services"]
        self.on_board = "qemu" not in self.services
        self._options = options
        self._flashed = flashed

    def _create(self, **options):
        from pytest_embedded import DutFactory

        known = inspect.signature(DutFactory.create).parameters.keys() & self._options.keys()
        given = {name: self._options[name] for name in known}
        return DutFactory.create(embedded_services=self.services, **given | options)

    def emulated(self, _directory, **options):
        return running(self._create(**options).qemu)

    @contextlib.contextmanager
    def board(self, image):
        """The console of a board at a serial port; where esptool can, its image is written, once, and it is reset."""
        dut = self._create()
        console = Console(dut.logfile, dut.write)
        try:
            if image and (dut.serial.erase_all or self._flashed.get(dut.serial.port) != image):
                write(dut.serial, image)
                self._flashed[dut.serial.port] = image
            yield console
        finally:
            console.close()
            dut.serial.close()


def write(serial, image) -> None:
    import esptool
    from pytest_embedded_serial_esp import EspSerial

    arguments = ["--baud", str(serial.esptool_baud), "write-flash", hex(IMAGE_AT), str(image)]
    EspSerial.use_esptool()(lambda serial: esptool.main(arguments, esp=serial.esp))(serial)


@pytest.fixture
def duts(request, one_chip, parametrize_fixtures):
    return Duts(parametrize_fixtures, request.getfixturevalue("port_app_cache"))


@pytest.fixture
def image(skip_autoflash, _services):
    """The image to test (None: what is on the board); skips where there is nothing to run it on."""
    if "qemu" not in _services and ("esp" not in _services or skip_autoflash):
        return None
    try:
        if "qemu" in _services:
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
def play(image, internet, duts):
    """As tests/conftest.py's, but on the emulated chip: its modem is met running, time is real."""
    if duts.on_board:
        pytest.skip(SCENARIO_ONLY)

    def play(script: str, *, speed=None, timeout=60.0, modem=RUNNING, **scenario) -> Played:
        if modem.start == "off":
            modem = replace(modem, start="command")

        async def body(chip):
            await chip.put("root.der", internet.root.read_bytes())
            return await told(chip, script, timeout=timeout * 5)

        return on_emulator(body, internet, image, duts, modem=modem, **scenario)

    return play


def on_emulator(body, internet, image, duts, *, names=None, **scenario):
    async def go():
        there = Scenario(names=internet.names | (names or {}), routes=internet.routes, **scenario)
        async with Emulator(there, image=image, power_up=duts.emulated) as chip:
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

    def __init__(self, config, internet, image, duts):
        self.on_board = duts.on_board
        self.host = config.getoption("--host") if self.on_board else "plain.example"
        self.up = (
            f"import network, socket, machine, gc\nHOST = {self.host!r}\n"
            f"nic = ppp_sim800.PPP({config.getoption('--apn')!r})\nnic.connect()\n"
        )
        self._internet = internet
        self._image = image
        self._duts = duts

    def need_host(self) -> None:
        if not self.host:
            pytest.skip("needs a web server: pass --host NAME")

    def need_simulator(self) -> None:
        if self.on_board:
            pytest.skip(SCENARIO_ONLY)

    def __call__(self, body, *, image=None, modem=RUNNING, **scenario):
        if not self.on_board:
            return on_emulator(
                body, self._internet, image or self._image, self._duts, modem=modem, **scenario
            )

        async def go():
            with self._duts.board(image or self._image) as console:
                chip = Chip()
                chip.attach(console)
                if "esp" in self._duts.services:
                    await chip.was_reset()
                await chip.soft_reset()
                console.forgive()
                return await body(chip)

        return asyncio.run(go())


@pytest.fixture
def bench(request, image, internet, duts):
    return Bench(request.config, internet, image, duts)
