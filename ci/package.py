#!/usr/bin/env python3
"""Makes dist/ of all built variants: images, checksums, bills of materials, release notes.

Names are as MicroPython's downloads have them, with the date of the project's commit, and the project's version behind
MicroPython's: TCALL_SIM800[-OTA]-YYYYMMDD-vX.Y.Z-ppp-sim800-A.B.C.bin (bootloader, partitions and application, for an
empty board) and .app-bin (the application alone, for an update over the air). dist/ changes as a whole or not at all.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "firmware"))
from image import BOARD, variants  # noqa: E402

TOOL = ROOT / "build" / "venv-board" / "bin" / "esp-idf-sbom"
FLASH = "esptool --chip esp32 --port PORT --baud 460800"


class PackageError(Exception):
    """Its text is one sentence for the user."""


def read_build(folder: Path) -> dict[str, str]:
    """What firmware/image.py says about an image. Raises PackageError."""
    for needed in ("version.json", "firmware.bin", "micropython.bin", "project_description.json"):
        if not (folder / needed).is_file():
            raise PackageError(
                f"{folder / needed} is missing: build all variants with ci/build_all.sh."
            )
    return json.loads((folder / "version.json").read_text())


def check_same(built: list[dict[str, str]], dirty: bool) -> None:
    """Raises PackageError unless all images are of the same commits."""
    for key in ("version", "micropython", "esp-idf", "date"):
        if len({row[key] for row in built}) > 1:
            names = ", ".join(f"{row['name']} {row[key]}" for row in built)
            raise PackageError(
                f"The images differ in {key} ({names}): build all with ci/build_all.sh."
            )
    if built[0]["version"].endswith("-dirty") and not dirty:
        raise PackageError(
            f"The images are of changes that are not committed ({built[0]['version']}): commit them and "
            "build again, or give --dirty for a package of your own."
        )


def file_name(row: dict[str, str]) -> str:
    """TCALL_SIM800-20261122-v1.28.0-ppp-sim800-0.2.0, without the suffix."""
    # Releases on GitHub have no "+" in a file's name: it would be another one than in SHA256SUMS.
    version = row["version"].replace("+ppp-sim800.", "-ppp-sim800-")
    return f"{row['name']}-{row['date']}-{version}"


def bill_of_materials(folder: Path, target: Path, tool: Path = TOOL) -> None:
    """Write what an image is made of, as CycloneDX. Raises PackageError."""
    # Its options to leave components out would leave mbedTLS out too; its --quiet writes an empty file.
    command = [str(tool), "--no-progress", "create", "--format", "cyclonedx-json@1.6"]
    command += [
        "--no-sync-excluded-cves",
        "-o",
        str(target),
        str(folder / "project_description.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not target.exists() or not target.stat().st_size:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        raise PackageError(f"esp-idf-sbom failed for {folder.name} ({reason}).")


def changes(text: str, version: str) -> str:
    """What CHANGELOG.md says of this version, else of what is not released yet."""
    sections = dict(re.findall(r"^## \[([^\]]+)\][^\n]*\n(.*?)(?=^## \[|\Z)", text, re.M | re.S))
    return (sections.get(version) or sections.get("Unreleased") or "").strip()


def notes(built: list[dict[str, str]], files: dict[str, bytes], changelog: str) -> str:
    """The release page, as Markdown."""
    first = built[0]
    micropython, _, project = first["version"].partition("+ppp-sim800.")
    standard = f"{file_name(first)}.bin"
    rows = "\n".join(
        f"| `{name}` | {len(data):,} | `{hashlib.sha256(data).hexdigest()}` |"
        for name, data in sorted(files.items())
    )
    return (
        f"""\
# ppp-sim800 {project}

Firmware for the LILYGO (TTGO) T-Call with SIM800: MicroPython {micropython} ({first["micropython"][:10]}),
ESP-IDF {first["esp-idf"]}.

## Put it on a board

This erases the board's files. PORT is `/dev/ttyUSB0`, `/dev/cu.SLAB_USBtoUART`, `COM4` or the like;
esptool comes with `pip install esptool`, which many systems want in a virtual environment: `python3 -m venv tcall`,
then `. tcall/bin/activate`; on Windows `py -m venv tcall`, then `tcall\\Scripts\\activate`.

```sh
{FLASH} erase-flash
{FLASH} write-flash 0x1000 {standard}
```

`{BOARD}-OTA-….bin` has two slots for the application. A board that runs it takes a new `.app-bin` over the
air, with `esp32.Partition`.

## Files

| file | bytes | SHA-256 |
|---|--:|---|
{rows}

`sha256sum -c SHA256SUMS` checks them. `*.cdx.json` lists what an image is made of (CycloneDX).

{("## Changes" + chr(10) * 2 + changelog) if changelog else ""}
""".rstrip()
        + "\n"
    )


def package(
    root: Path, output: Path, dist: Path, dirty: bool = False, sbom=bill_of_materials
) -> list[str]:
    """Make `dist` anew. Returns the names in it. Raises PackageError, OSError; then `dist` is as before."""
    folders = [
        output / "-".join(filter(None, (BOARD, variant)))
        for variant in variants(root / "boards" / BOARD)
    ]
    built = [read_build(folder) for folder in folders]
    check_same(built, dirty)
    # Beside dist, so that renaming is one step on one file system.
    new = Path(tempfile.mkdtemp(prefix=".dist-", dir=dist.parent))
    try:
        for folder, row in zip(folders, built, strict=True):
            name = file_name(row)
            shutil.copyfile(folder / "firmware.bin", new / f"{name}.bin")
            shutil.copyfile(folder / "micropython.bin", new / f"{name}.app-bin")
            sbom(folder, new / f"{name}.cdx.json")
        files = {file.name: file.read_bytes() for file in new.iterdir()}
        (new / "SHA256SUMS").write_text(
            "".join(
                f"{hashlib.sha256(data).hexdigest()}  {name}\n"
                for name, data in sorted(files.items())
            )
        )
        project = built[0]["version"].partition("+ppp-sim800.")[2]
        changelog = changes((root / "CHANGELOG.md").read_text(), project)
        (new / "RELEASE.md").write_text(notes(built, files, changelog))
        os.chmod(new, 0o755)
        for file in new.iterdir():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        names = sorted(file.name for file in new.iterdir())
        old = new.with_name(new.name + ".old")
        if dist.exists():
            dist.rename(old)
        try:
            new.rename(dist)
        except OSError:
            with contextlib.suppress(OSError):
                old.rename(dist)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return names


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dirty", action="store_true", help="also of changes that are not committed"
    )
    options = parser.parse_args(arguments)
    try:
        if subprocess.run([str(ROOT / "ci" / "setup.sh"), "board"], check=False).returncode:
            raise PackageError("esp-idf-sbom could not be installed: see above.")
        names = package(ROOT, ROOT / "build" / "firmware", ROOT / "dist", options.dirty)
    except PackageError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"package: {error.strerror or error} ({error.filename or 'while writing'}), dist/ is as it was: "
            "free some space and try again.",
            file=sys.stderr,
        )
        return 1
    print("\n".join(f"dist/{name}" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main())
