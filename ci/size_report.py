#!/usr/bin/env python3
"""Tells what each built image takes of flash and RAM, and fails above the limits of ci/limits.json.

Bytes: `application` is the file in an application slot, `dram` and `iram` are what is taken of the
ESP32's data and instruction RAM before anything runs, `cmux` is the code of modules/cmux. Compares
with the sizes that --save kept last.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "firmware"))
from image import BOARD, variants  # noqa: E402

LIMITS = ROOT / "ci" / "limits.json"
SAVED = ROOT / "build" / "sizes.json"
TOOL = (str(ROOT / "build" / "venv-board" / "bin" / "python"), "-m", "esp_idf_size")
COLUMNS = ("application", "dram", "iram", "cmux")
# A section of modules/cmux in the linker's map, unless it was left out (address 0): its size. Texts are merged
# with those of all other files, so they cannot be told apart.
CMUX = re.compile(
    r"^ \.(?:text|literal|rodata(?!\S*\.str)|iram1)\S*\s+0x0*[1-9a-f][0-9a-f]*\s+0x([0-9a-f]+)\s+"
    r"\S*/modules/cmux/\w+\.c\.obj$",
    re.MULTILINE,
)


class SizeError(Exception):
    """Its text is one sentence for the user."""


def measure(folder: Path, tool: tuple[str, ...] = TOOL) -> dict[str, int]:
    """The sizes of the image in `folder`. Raises SizeError."""
    image, symbols = folder / "micropython.bin", folder / "micropython.map"
    if not image.exists() or not symbols.exists():
        raise SizeError(
            f"{folder} holds no image: build it first, all of them with ci/build_all.sh."
        )
    done = subprocess.run(
        [*tool, "--format", "json2", str(symbols)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SizeError(
            f"esp-idf-size cannot read {symbols} ({done.stderr.strip()}): build it anew."
        )
    memory = {row["name"]: row for row in json.loads(done.stdout)["layout"]}
    return {
        "application": image.stat().st_size,
        "dram": memory["DRAM"]["used"],
        "iram": memory["IRAM"]["used"],
        "cmux": code_of_cmux(symbols.read_text(errors="replace")),
    }


def code_of_cmux(symbols: str) -> int:
    """Bytes of flash, or instruction RAM, by the text of a linker's map."""
    return sum(int(size, 16) for size in CMUX.findall(symbols))


def check(sizes: dict[str, dict[str, int]], limits: dict[str, dict[str, int]]) -> list[str]:
    """A sentence for each size that is above its limit."""
    return [
        f"{name}: {column} is {sizes[name][column]:,} bytes and may be {limit:,}: make it smaller, or "
        f"change {LIMITS.relative_to(ROOT)} for a reason."
        for name in sizes
        for column, limit in limits.get(name, {}).items()
        if sizes[name][column] > limit
    ]


def table(sizes, previous, limits) -> str:
    """The sizes as Markdown."""
    rows = ["| image | what | bytes | before | limit |", "|---|---|--:|--:|--:|"]
    for name, row in sizes.items():
        for column in COLUMNS:
            before = previous.get(name, {}).get(column)
            change = "" if before is None else f"{row[column] - before:+,}"
            limit = limits.get(name, {}).get(column)
            rows.append(
                f"| {name} | {column} | {row[column]:,} | {change} | {f'{limit:,}' if limit else ''} |"
            )
    return "\n".join(rows)


def read(file: Path) -> dict:
    return json.loads(file.read_text()) if file.exists() else {}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="fail if a variant is not built")
    parser.add_argument("--save", action="store_true", help="keep the sizes to compare with later")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "firmware", metavar="DIR")
    options = parser.parse_args(arguments)
    names = ["-".join(filter(None, (BOARD, v))) for v in variants(ROOT / "boards" / BOARD)]
    built = [
        name
        for name in names
        if options.all or (options.output / name / "micropython.bin").exists()
    ]
    try:
        if not built:
            raise SizeError("nothing is built yet: run `make firmware` first.")
        if subprocess.run([str(ROOT / "ci" / "setup.sh"), "board"], check=False).returncode:
            raise SizeError("esp-idf-size could not be installed: see above.")
        sizes = {name: measure(options.output / name) for name in built}
    except SizeError as error:
        print(f"size: {error}", file=sys.stderr)
        return 1
    limits = read(LIMITS)
    print(table(sizes, read(SAVED), limits))
    above = check(sizes, limits)
    for sentence in above:
        print(f"size: {sentence}", file=sys.stderr)
    if options.save and not above:
        SAVED.write_text(json.dumps(sizes, indent=1) + "\n")
    return bool(above)


if __name__ == "__main__":
    sys.exit(main())
