"""Plays tour.py on a simulated T-Call and shows it with times; leaves an AT log and a capture.

What a run that failed has left is in a folder `failed` of its own: the files of the last good one stay.
"""

import argparse
import asyncio
import importlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from network.air import PROFILES
from network.journal import Entry
from network.passt import PasstError
from sim800.profiles import PROFILES as MODEMS
from sim800.scenario import Modem, Radio, Scenario
from stand_in import Internet
from world import ROOT, World

SHOWN = ("pin", "modem", "ppp", "dns")  # what of the journal is worth a line
QUIET = ("echo", "LCP down", "IPCP down")


class Show:
    """Prints what happens, board and surroundings side by side, and remembers when each part began."""

    def __init__(self, world: World, colour: bool):
        self.world = world
        self.colour = colour
        self.parts: list[tuple[str, float]] = []
        self.bytes: list[tuple[int, int]] = []
        self.first_at = False

    def print(self, source: str, text: str) -> None:
        line = f"{self.world.clock.now():8.3f}  {source:<6} {text}"
        if self.colour and source == "board":
            line = f"\x1b[1m{line}\x1b[0m"
        print(line, flush=True)

    def entry(self, entry: Entry) -> None:
        if entry.source == "at" and not self.first_at and entry.what.startswith("> AT"):
            self.first_at = True
            self.print("at", "first AT command heard")
        if entry.source in SHOWN and not entry.what.startswith(QUIET):
            extra = " ".join(f"{name}={value}" for name, value in entry.fields.items())
            self.print(entry.source, f"{entry.what} {extra}".rstrip())

    def line(self, line: str) -> None:
        if line.startswith("== "):
            self.parts.append((line[3:], self.world.clock.now()))
            self.bytes.append((self.world.line.sent, self.world.line.received))
        else:
            self.print("board", line)

    def table(self) -> None:
        self.parts.append(("", self.world.clock.now()))
        self.bytes.append((self.world.line.sent, self.world.line.received))
        print(
            f"\n  {'step':<10}{'seconds':>9}{'bytes down':>12}{'bytes up':>10}   (on the serial line)"
        )
        for i, (name, began) in enumerate(self.parts[:-1]):
            seconds = self.parts[i + 1][1] - began
            down = self.bytes[i + 1][0] - self.bytes[i][0]
            up = self.bytes[i + 1][1] - self.bytes[i][1]
            print(f"  {name:<10}{seconds:>9.2f}{down:>12}{up:>10}")
        total = self.parts[-1][1] - self.parts[0][1]
        down, up = (self.bytes[-1][n] - self.bytes[0][n] for n in (0, 1))
        print(f"  {'all':<10}{total:>9.2f}{down:>12}{up:>10}")


async def demo(air: str, modem: str, out: Path, chip: str) -> int:
    """Play it. Returns the tour's exit code. The log and the capture are in `out` if that is 0, else in `out`/failed."""
    out.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=out))
    code = 1
    try:
        code = await play(air, modem, new, chip)
    finally:
        there = out if code == 0 else out / "failed"
        there.mkdir(exist_ok=True)
        for file in new.iterdir():
            os.replace(file, there / file.name)
        shutil.rmtree(new)
        for what, name, how in (
            ("AT dialogue", "at.log", ""),
            ("PPP line", "ppp.pcap", "   (Wireshark, tshark -r)"),
        ):
            if (there / name).exists():
                print(f"  {what:<16} {there / name}{how}")
    return code


async def play(air: str, modem: str, out: Path, chip: str) -> int:
    started = time.monotonic()
    with Internet() as internet:
        scenario = Scenario(
            # A modem and a network in a hurry, to keep the demo short.
            modem=Modem(
                profile=modem,
                start="off" if chip == "vm" else "command",  # no power key on the emulated chip
                boot_time=2.0,
                ready_time=1.0,
                latency=0.1,
            ),
            radio=Radio(registration=((0.1, 2), (0.5, 1))),
            air=PROFILES[air],
            names=internet.names,
            routes=internet.routes,
        )
        if chip == "vm":
            kind = World
        else:
            kind = importlib.import_module("emulator").Emulator  # only here: it needs mpremote
        async with kind(scenario, pcap=out / "ppp.pcap") as world:
            await world.put("root.der", internet.root.read_bytes())
            show = Show(world, sys.stdout.isatty())
            world.journal.listeners.append(show.entry)
            print(f"T-Call {scenario.board}, modem {modem}, air {air}\n")
            if world.boot_log:
                print(f"{world.boot_log}\n")
            tour = Path(__file__).with_name("tour.py")
            try:
                result = await world.run(tour, timeout=240, on_line=show.line)
            finally:
                world.journal.listeners.clear()
                with (out / "at.log").open("w") as log:
                    log.writelines(f"{entry}\n" for entry in world.journal.seen("at"))
            if result.code:
                print(result.stderr, file=sys.stderr)
                print(f"the tour ended with exit code {result.code}", file=sys.stderr)
            show.table()
    print(f"\n  all in           {time.monotonic() - started:.1f} s")
    return result.code


def main() -> None:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--air", choices=PROFILES, default="ideal")
    parser.add_argument("--modem", choices=MODEMS, default="R13.08")
    parser.add_argument(
        "--chip",
        choices=("vm", "emulated"),
        default="vm",
        help="MicroPython for Linux, or the firmware in QEMU",
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "demo", help="where the two files go"
    )
    args = parser.parse_args()
    ends = (PasstError, TimeoutError)
    if args.chip == "emulated":
        emulator = importlib.import_module("emulator")  # only here: it needs mpremote
        ends = (*ends, emulator.Missing, emulator.Panic)
    try:
        sys.exit(asyncio.run(demo(args.air, args.modem, args.out, args.chip)))
    except ends as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
