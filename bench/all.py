"""The benchmark: `make bench` plays all parts, `make bench ARGS="--only upload"` one of them.

Prints a table for each part, ratios first, and writes them to build/bench/DATE.json; `--compare FILE` prints such
a file's numbers beside this run's. `--docs` writes docs/benchmark.md. Times that count are taken in real time or
at a few times its speed: play it on a machine that has nothing else to do.
"""

import argparse
import asyncio
import importlib
import json
import sys
import time
from pathlib import Path

import cmux
from meter import CURRENTS
from report import Table, as_markdown, as_text, circumstances, compare, load
from stand_in import Internet
from world import ROOT

OUT = ROOT / "build" / "bench"
DOCS = ROOT / "docs" / "benchmark.md"
PARTS = {
    "line": "The line",
    "multiplexed": "Multiplexed",
    "cold": "Cold start",
    "upload": "An upload once an hour",
    "growth": "How an upload's cost grows",
    "dead": "A dead link",
    "size": "Flash and RAM",
}


async def multiplexed(_internet: Internet, small: bool = False) -> list[Table]:
    return cmux.tables(await cmux.measure(20_000 if small else 100_000))


def described(part: str) -> str:
    return (cmux if part == "multiplexed" else importlib.import_module(part)).__doc__.strip()


async def play(parts: tuple[str, ...], small: bool = False) -> dict[str, list[Table]]:
    """The tables of each part; a part that fails says so on stderr and has none."""
    found = {}
    with Internet() as internet:
        for part in parts:
            measure = (
                multiplexed if part == "multiplexed" else importlib.import_module(part).measure
            )
            started = time.monotonic()
            try:
                found[part] = await measure(internet, small)
            except (OSError, TimeoutError, SystemExit) as error:
                print(f"{part} failed: {error}", file=sys.stderr)
                continue
            for table in found[part]:
                print(as_text(table.cells()), end="\n\n")
            print(f"({part}: {time.monotonic() - started:.0f} s)\n", flush=True)
    return found


def markdown(run: dict, found: dict[str, list[Table]]) -> str:
    """docs/benchmark.md."""
    about = (
        f"commit {run['commit']}, {run['micropython']}, {run['machine']}, load {run['load']:.1f}"
    )
    lines = [
        "# Benchmark",
        f"Made by `{run['command']}` on {run['date']} ({about}). Do not edit: run it again.",
        "Ratios come first. What is in parentheses is a goal. "
        "The modem, the air and the board are simulated; MicroPython, lwIP, TLS and servers are real.",
    ]
    for part, tables in found.items():
        title, _, rest = described(part).partition("\n\n")
        lines += [f"## {PARTS[part]}", title.replace("\n", " "), rest]
        lines += [as_markdown(table.cells()) for table in tables]
    lines += [
        "## Current model",
        "Good to compare ways of doing the same, no replacement for an ammeter.",
        as_markdown(
            [
                ["what", "mA", "by"],
                *([name, f"{mA:g}", source] for name, (mA, source) in CURRENTS.items()),
            ]
        ).replace("---: | ---:", "---: | ---"),
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--only", choices=PARTS, action="append", help="this part (again: and this)"
    )
    parser.add_argument("--compare", type=Path, metavar="FILE", help="an earlier run's JSON")
    parser.add_argument("--docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}")
    parser.add_argument(
        "--small", action="store_true", help="in seconds; the numbers mean nothing"
    )
    args = parser.parse_args()
    if args.docs and (args.only or args.small):
        parser.error("--docs shows the whole benchmark: leave --only and --small out")
    try:
        before = load(args.compare) if args.compare else None
    except ValueError as error:
        sys.exit(str(error))
    given = " ".join(sys.argv[1:])
    run = circumstances(f'make bench ARGS="{given}"' if given else "make bench")
    parts = tuple(args.only or PARTS)
    found = asyncio.run(play(parts, args.small))
    run["parts"] = {part: [table.told() for table in tables] for part, tables in found.items()}
    OUT.mkdir(parents=True, exist_ok=True)
    file = OUT / time.strftime("%Y-%m-%d-%H%M%S.json", time.gmtime())
    file.write_text(json.dumps(run, indent=2) + "\n")
    if before:
        print(f"beside {args.compare} of {before['date']}:\n{compare(run, before)}\n")
    missed = [
        f"{part}: {goal['row']}, {goal['column']} {goal['goal']}"
        for part, tables in run["parts"].items()
        for table in tables
        for goal in table["goals"]
        if not goal["met"]
    ]
    for line in missed:
        print(f"missed: {line}")
    if args.docs and len(found) == len(PARTS):
        DOCS.write_text(markdown(run, found))
    elif args.docs:
        print(f"{DOCS.relative_to(ROOT)} is left as it was, as not all parts ended well")
    print(f"JSON in {file.relative_to(ROOT)}, load at the beginning {run['load']:.1f}")
    sys.exit(len(found) < len(parts))


if __name__ == "__main__":
    main()
