"""The whole T-Call in the simulator: board, modem, air, internet, and the MicroPython VM in the middle.

    async with World(Scenario()) as world:
        result = await world.run("import ppp_sim800 ...")

`python -m world SCRIPT` runs a script that way, `python -m world --repl` opens its REPL.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from board.bus import Bus
from board.chips import Battery
from board.tcall import BOARDS, TCall
from network import jumps
from network.passt import PasstError
from sim800.scenario import Scenario
from sim800.surroundings import Surroundings

ROOT = Path(__file__).resolve().parents[1]
VM = Path(
    os.environ.get("SIM_VM", ROOT / "build" / "vm" / "micropython")
)  # e.g. one with sanitizers

# The board's file system, then what the chip does after a reset.
CONSOLE = """import vfs, _console
vfs.umount("/")
vfs.mount(vfs.VfsPosix({!r}), "/")
_console.run()
"""


@dataclass(frozen=True)
class Result:
    """How a script ended: its exit code, what it printed, and real seconds."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


class World(Surroundings):
    """One T-Call with its modem on one network; in the middle, as its chip, MicroPython for Linux.

    `env`: more SIM_ variables for the VM (simulator/vm/README.md). Under network.jumps.run() time jumps to where
    something happens; else it is real time times `speed`.
    """

    boot_log = ""  # what the chip said before it ran a script

    def __init__(
        self,
        scenario: Scenario,
        *,
        speed: float = 1.0,
        pcap: Path | None = None,
        env: dict[str, str] | None = None,
        vm: Path = VM,
    ):
        self._jumps = jumps.JumpingClock(speed) if jumps.selector() else None
        super().__init__(scenario, speed=speed, pcap=pcap, clock=self._jumps)
        self.modem.injector.parts["board"] = self
        self._dir = Path(tempfile.mkdtemp(prefix="tcall-"))
        self._vm = vm
        self._process: asyncio.subprocess.Process | None = None
        self._port: int | None = None  # console()'s, open
        self.tcall = TCall(
            self.clock,
            BOARDS[scenario.board],
            self.modem,
            self.journal,
            Battery.from_cbc(scenario.modem.battery),
        )
        self.modem.on_battery = self._battery_changed
        (self._dir / "flash").mkdir()
        self.bus = Bus(self.clock, self._dir / "board", self.tcall)
        self._env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SIM_")},
            "SIM_BOARD": str(self._dir / "board"),
            "SIM_FLASH": str(self._dir / "flash"),
            "SIM_SPEED": repr(speed),
            **(self._jumps.environment if self._jumps else {}),
            **(env or {}),
        }
        if self._jumps:
            self._jumps.watch(self.line)

    async def start(self) -> None:
        if not self._vm.exists():
            raise SystemExit(f"there is no {self._vm}: run `make vm` first")
        await super().start()
        await self.bus.start()

    async def stop(self) -> None:
        if self._port is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                self._process.kill()
            await self._process.wait()
            os.close(self._port)
            self._port = None
        await self.bus.stop()
        await super().stop()
        if self._jumps:
            self._jumps.close()
        shutil.rmtree(self._dir, ignore_errors=True)

    def _battery_changed(self, cbc: tuple[int, int, int]) -> None:
        # it is one battery that the modem and the power chip see
        self.tcall.chip.battery = Battery.from_cbc(cbc)

    async def put(self, name: str, data: bytes) -> None:
        """Write a file to the board's file system: where scripts run, if they are not told another folder."""
        (self._folder() / name).write_bytes(data)

    def files(self) -> dict[str, bytes]:
        """What is on the board's file system now: {name: content}."""
        return {path.name: path.read_bytes() for path in self._folder().iterdir()}

    def _folder(self) -> Path:
        files = self._dir / "files"
        files.mkdir(exist_ok=True)
        return files

    async def run(
        self,
        script: str | Path,
        *,
        timeout: float = 60.0,
        cwd: Path | None = None,
        on_line: Callable[[str], str | None] | None = None,
    ) -> Result:
        """Run a script (its text, or its path) on the board until it ends.

        `timeout` is in real seconds; past it the VM is killed and TimeoutError says what had been printed.
        `on_line` gets each line of its standard output as it comes; what it returns is typed in for input().
        """
        if isinstance(script, str):
            path = self._folder() / "main.py"
            path.write_text(script)
        else:
            path = script.resolve()
        started = time.monotonic()
        if self._jumps:
            self._jumps.starts()
        process = self._process = await asyncio.create_subprocess_exec(
            self._vm,
            path,
            env=self._env,
            cwd=cwd or self._folder(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=1 << 20,
            pass_fds=self._jumps.files if self._jumps else (),
        )
        if self._jumps:
            self._jumps.started(process.pid)
        lines: list[str] = []

        async def read_stdout():
            async for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip("\n")
                lines.append(line)
                if on_line and (typed := on_line(line)) is not None:
                    process.stdin.write(typed.encode() + b"\n")
                    if self._jumps:
                        self._jumps.told()

        try:
            async with asyncio.timeout(timeout):
                stderr, _, code = await asyncio.gather(
                    process.stderr.read(), read_stdout(), process.wait()
                )
        except TimeoutError:
            printed = "\n".join(lines[-10:])
            raise TimeoutError(
                f"the script did not end within {timeout} s, after {self.clock.now():.0f} simulated ones; "
                f"it printed:\n{printed}"
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if self._jumps:
                self._jumps.ended()
        return Result(
            code, "\n".join(lines), stderr.decode(errors="replace"), time.monotonic() - started
        )

    async def console(self, files: Path | None = None) -> str:
        """Switch the board on, as without a script: boot.py, main.py, then the REPL. Returns its serial port, for
        mpremote, Thonny or a terminal. `files`: the folder that is its file system, default that of put().
        """
        files = files or self._folder()
        # Raw from the start, and kept open: what nobody hears must not hang up the line.
        ours, self._port = os.openpty()
        tty.setraw(self._port)
        self._process = await asyncio.create_subprocess_exec(
            self._vm,
            "-c",
            CONSOLE.format(str(files.resolve())),
            env=self._env,
            cwd=files,
            stdin=ours,
            stdout=ours,
            stderr=ours,
        )
        os.close(ours)
        return os.ttyname(self._port)

    def interrupt(self) -> None:
        """Ctrl-C to the running script."""
        if self._process and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            if self._jumps:
                self._jumps.told()

    async def interact(self, *args: str) -> int:
        """Run the VM on this terminal (a REPL without arguments, on a file system that is empty). Returns its exit code."""
        cwd = None if args else self._folder()
        process = await asyncio.create_subprocess_exec(self._vm, *args, env=self._env, cwd=cwd)
        # Ctrl-C is for the board.
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        return await process.wait()


def main() -> None:
    from network.air import PROFILES  # noqa: PLC0415  (only the command line needs it)

    parser = argparse.ArgumentParser(
        prog="world", description="Run a script on a simulated T-Call."
    )
    parser.add_argument("script", nargs="?", type=Path, help="MicroPython script")
    parser.add_argument("--repl", action="store_true", help="open the REPL")
    parser.add_argument(
        "--console", action="store_true", help="tell a serial port for mpremote, until Ctrl-C"
    )
    parser.add_argument("--air", choices=PROFILES, default="ideal")
    parser.add_argument(
        "--journal", action="store_true", help="show what the simulator sees, on stderr"
    )
    args = parser.parse_args()
    if not args.repl and not args.script and not args.console:
        parser.error("name a script, or --repl, or --console")

    async def go() -> int:
        async with World(Scenario(air=PROFILES[args.air])) as world:
            if args.journal:
                world.journal.listeners.append(lambda entry: print(entry, file=sys.stderr))
            if args.console:
                print(f"mpremote connect {await world.console()}", flush=True)
                await asyncio.get_running_loop().create_future()
            return await world.interact(*([str(args.script)] if args.script else []))

    try:
        sys.exit(asyncio.run(go()))
    except PasstError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
