"""The firmware image on an emulated ESP32, with the simulated modem, air and internet around it.

    async with Emulator(Scenario(modem=RUNNING)) as chip:
        result = await chip.run("import ppp_sim800 ...")

`python -m emulator SCRIPT` runs a script that way, `python -m emulator --repl` opens its REPL.

The chip is QEMU's esp32 machine, which pytest-embedded starts. Its UART 1 is the modem's serial line, its UART 0
the console, on which mpremote speaks the raw REPL. Pins and I2C end inside QEMU: no key is pressed and no supply switched, so a
scenario's modem has to be running (RUNNING). Real time only. See docs/emulator.md.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

from chip import BOOT_TIME, Chip, Console, Panic
from mpremote.transport import TransportError
from sim800.scenario import Modem, Scenario
from sim800.surroundings import Surroundings
from world import ROOT

try:
    from pytest_embedded.utils import Meta
    from pytest_embedded_qemu import Qemu
except ModuleNotFoundError:
    Qemu = None
else:
    Qemu.REDIRECT_CLS = None  # takes all of a core while it waits; Console reads the log itself

IMAGE = ROOT / "build" / "firmware" / "TCALL_SIM800" / "firmware.bin"
FORMATTED = ROOT / "build" / "emulator"
PACKAGE = ROOT / "modules" / "ppp_sim800"
BOARD = ROOT / "boards" / "TCALL_SIM800" / "modules"
PROGRAM = "qemu-system-xtensa"

FLASH_SIZE = 4 << 20
IMAGE_AT = 0x1000  # where an ESP32's ROM looks for the bootloader, with which firmware.bin begins
IMAGE_MAGIC = 0xE9  # first byte of a bootloader

RUNNING = Modem(start="command")

# The emulated flash takes seconds for a file: what scripts read goes to a disk in the chip's RAM.
RAM_DISK = """\
import os, sys, vfs
class _Disk:
    def __init__(self):
        self.data = bytearray({size})
    def readblocks(self, n, buffer, offset=0):
        at = n * 512 + offset
        buffer[:] = memoryview(self.data)[at:at + len(buffer)]
    def writeblocks(self, n, buffer, offset=0):
        at = n * 512 + offset
        self.data[at:at + len(buffer)] = buffer
    def ioctl(self, request, argument):
        return {{4: len(self.data) // 512, 5: 512}}.get(request, 0)
_disk = _Disk()
vfs.VfsLfs2.mkfs(_disk)
vfs.mount(_disk, "/ram")
os.chdir("/ram")
sys.path.append("/ram")
"""
DISK_SIZE = 32 << 10
DISK_SIZE_PACKAGE = 256 << 10


class Missing(Exception):
    """Something this machine lacks to emulate the chip; one sentence that says what to do."""


def machine() -> str:
    """QEMU's name for the chip: "esp32" in Espressif's, or what $QEMU_MACHINE says (forks have others)."""
    return os.environ.get("QEMU_MACHINE", "esp32")


def find_qemu() -> str:
    """The path of a QEMU with the esp32 machine: $QEMU_XTENSA, or from $PATH. Raises Missing."""
    named = os.environ.get("QEMU_XTENSA")
    program = shutil.which(named or PROGRAM)
    get = "get Espressif's (github.com/espressif/qemu/releases, or `idf_tools.py install qemu-xtensa`)"
    if program is None:
        if named:
            raise Missing(
                f"QEMU_XTENSA is {named!r}, which is no program: {get} and name its {PROGRAM}"
            )
        raise Missing(f"there is no {PROGRAM} on the PATH: {get}, then set QEMU_XTENSA=<its path>")
    machines = subprocess.run(
        [program, "-M", "help"], capture_output=True, text=True, check=False
    ).stdout
    if machine() not in (line.split(" ")[0] for line in machines.splitlines()):
        raise Missing(
            f"{program} has no {machine()} machine: {get}, then set QEMU_XTENSA=<its path>"
        )
    if Qemu is None:
        raise Missing("there is no pytest-embedded, which starts QEMU: run `ci/setup.sh embedded`")
    return program


def find_image(variable: str = "SIM_IMAGE", default: Path | None = IMAGE) -> Path | None:
    """The firmware image that the environment's `variable` names, else `default`. Raises Missing."""
    named = os.environ.get(variable)
    if named and not Path(named).is_file():
        raise Missing(f"{variable} is {named!r}, but there is no such file: name a firmware.bin")
    if not named and default and not default.is_file():
        raise Missing(
            f"there is no {default.relative_to(ROOT)}: run `make firmware`, or set {variable}=<a firmware.bin>"
        )
    return Path(named) if named else default


def flash(image: bytes) -> bytes:
    """A whole flash chip's contents with the image in it. Raises Missing if it is none, or too long."""
    if not image or image[0] != IMAGE_MAGIC:
        raise Missing(
            "the image does not begin with a bootloader: name firmware.bin, not an app image"
        )
    contents = b"\xff" * IMAGE_AT + image
    if len(contents) > FLASH_SIZE:
        raise Missing(f"the image is {len(image)} bytes long and does not fit a flash of 4 MB")
    return contents.ljust(FLASH_SIZE, b"\xff")


@contextlib.contextmanager
def running(qemu) -> Iterator[Console]:
    """The console of a chip in a Qemu of pytest-embedded, which ends with the block."""
    console = Console(qemu._logfile, qemu.write, gone=lambda: qemu.poll() is not None)
    try:
        yield console
    finally:
        console.close()
        qemu.terminate()
        qemu.kill()
        qemu.wait()


def alone(directory: Path, **options: str) -> contextlib.AbstractContextManager[Console]:
    """Starts one with these options where there is no pytest, its log in `directory`."""
    return running(Qemu(msg_queue=None, meta=Meta(str(directory), {}, {}), **options))


class Emulator(Surroundings, Chip):
    """A T-Call's modem on one network, and as its chip the firmware image on an emulated ESP32.

    `image`: the firmware.bin, as `make firmware` makes it. `pcap`: file that gets the PPP line's packets.
    `power_up`: starts QEMU, as alone() does. Raises Missing when started where QEMU or the image is missing.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        image: Path | None = None,
        pcap: Path | None = None,
        power_up=alone,
    ):
        super().__init__(scenario, pcap=pcap)
        self.modem.injector.parts["board"] = self
        self._dir = Path(tempfile.mkdtemp(prefix="tcall-"))
        self.line.rate_told = False  # QEMU keeps to itself what rate the chip has set
        self._image = image
        self._power_up = power_up
        self._running = contextlib.ExitStack()
        self._disk_made_at: int | None = None  # the count of resets at which the RAM disk was made

    async def start(self) -> None:
        qemu, image = find_qemu(), self._image or find_image()
        if self.scenario.modem.start == "off":
            raise ValueError(
                "the emulated chip cannot switch a modem on: use Modem(start='command')"
            )
        contents = flash(image.read_bytes())
        # The first boot formats the filesystem, which takes the emulated flash long: it is kept.
        formatted = FORMATTED / f"{hashlib.sha256(contents).hexdigest()[:16]}.bin"
        if formatted.exists():
            shutil.copyfile(formatted, self._dir / "flash.bin")
        else:
            (self._dir / "flash.bin").write_bytes(contents)
        await super().start()
        self._switch_on(qemu)
        try:
            await self._in_thread(BOOT_TIME, self._boot)
        except ConnectionError:
            said = self.console.log.decode(errors="replace").strip().splitlines()
            raise Missing(
                f"{qemu} ended at once: {'; '.join(said[-3:]) or 'it said nothing'}"
            ) from None
        if not formatted.exists():
            formatted.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._dir / "flash.bin", part := self._dir / "formatted.bin")
            os.replace(part, formatted)
        await self.put_package()

    def _switch_on(self, qemu: str, *more: str) -> None:
        arguments = [
            # QEMU is killed when we die, however we die.
            *("--pdeathsig", "KILL", "--", qemu),
            *("-machine", machine(), "-m", "4M", "-display", "none", "-monitor", "none"),
            *("-nic", "none"),
            # A busy machine is no reason for the chip's watchdogs to bite.
            *("-global", "driver=timer.esp32.timg,property=wdt_disable,value=true"),
            *("-chardev", f"serial,id=modem,path={self.line.path}"),
            *("-serial", "stdio", "-serial", "chardev:modem", *more),
        ]
        started = self._power_up(
            self._dir,
            qemu_prog_path="setpriv",
            qemu_cli_args=shlex.join(arguments),
            qemu_image_path=str(self._dir / "flash.bin"),
        )
        self.attach(self._running.enter_context(started))

    async def put(self, name: str, data: bytes) -> None:
        """Write a file to a disk in the chip's RAM, which is where scripts run. A reset ends it."""
        await self._make_disk(DISK_SIZE)
        await super().put(name, data)

    async def put_package(self) -> None:
        """Put the package on the RAM disk of a chip whose image has not frozen it, upstream's for instance."""
        if (await self.run("import ppp_sim800")).code == 0:
            return
        await self._make_disk(DISK_SIZE_PACKAGE)
        await self.run("os.mkdir('ppp_sim800')")
        for folder, under in ((PACKAGE, "ppp_sim800/"), (BOARD, "")):
            for file in folder.glob("*.py"):
                if file.name != "manifest.py":
                    await super().put(under + file.name, file.read_bytes())

    async def _make_disk(self, size: int) -> None:
        if self._disk_made_at != self.resets:
            result = await self.run(RAM_DISK.format(size=size))
            if result.code:
                raise TransportError(f"no RAM disk on the chip: {result.stderr}")
            self._disk_made_at = self.resets

    async def stop(self) -> None:
        self._running.close()
        await super().stop()
        shutil.rmtree(self._dir, ignore_errors=True)

    @property
    def boot_log(self) -> str:
        """What the chip said from power-up to its first prompt."""
        log = bytes(self.console.log)
        return log[: log.index(b"\n>>> ")].decode(errors="replace").replace("\r\n", "\n")

    async def interact(self) -> None:
        """Join this terminal to the chip's REPL until Ctrl-]."""
        self.console.write(b"\r\x02")
        done = asyncio.Event()

        def typed() -> None:
            data = os.read(0, 1024)
            if not data or b"\x1d" in data:
                done.set()
            else:
                self.console.write(data)

        before = termios.tcgetattr(0) if os.isatty(0) else None
        if before:
            tty.setraw(0)
        asyncio.get_running_loop().add_reader(0, typed)
        try:
            while not done.is_set():
                try:
                    os.write(1, self.console.read(self.console.inWaiting()))
                except Panic:
                    self.console.forgive()
                except ConnectionError:
                    break
                await asyncio.sleep(0.01)
        finally:
            asyncio.get_running_loop().remove_reader(0)
            if before:
                termios.tcsetattr(0, termios.TCSADRAIN, before)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="emulator", description="Run a script on an emulated ESP32 with a simulated SIM800."
    )
    parser.add_argument("script", nargs="?", type=Path, help="MicroPython script")
    parser.add_argument("--repl", action="store_true", help="open the REPL (Ctrl-] leaves it)")
    parser.add_argument(
        "--image", type=Path, help="firmware.bin (default: SIM_IMAGE, else what was built)"
    )
    parser.add_argument("--timeout", type=float, default=600, help="real seconds for the script")
    parser.add_argument(
        "--journal", action="store_true", help="show what the simulator sees, on stderr"
    )
    args = parser.parse_args()
    if bool(args.repl) == bool(args.script):
        parser.error("name a script, or --repl")

    async def go() -> int:
        from stand_in import Internet  # noqa: PLC0415  (only the command line needs it)

        with Internet() as internet:
            scenario = Scenario(modem=RUNNING, names=internet.names, routes=internet.routes)
            async with Emulator(scenario, image=args.image) as chip:
                if args.journal:
                    chip.journal.listeners.append(lambda entry: print(entry, file=sys.stderr))
                print(chip.boot_log, flush=True)
                await chip.put("root.der", internet.root.read_bytes())
                if args.repl:
                    await chip.interact()
                    return 0
                result = await chip.run(
                    args.script, timeout=args.timeout, on_line=lambda line: print(line, flush=True)
                )
                print(result.stderr, end="", file=sys.stderr)
                return result.code

    try:
        sys.exit(asyncio.run(go()))
    except (Missing, Panic, TimeoutError, TransportError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
