#!/usr/bin/env python3
"""Makes the virtual environment of a part of the project: build/venv for the tests, build/venv-PART for the others.

Needs Python (3.11 or newer, with venv and pip's ensurepip) and the network, nothing else of the system. What pip installs
is named, with its hash, in ci/requirements*.txt, see requirements.sh. An environment that is as it should be is left
alone; one that is not is replaced when its successor is whole, so that a failure leaves what was there.
"""

import argparse
import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CI = ROOT / "ci"
PROGRESS = 10  # seconds between two signs of life
REQUIREMENTS = {
    "test": ("requirements.txt",),
    "embedded": ("requirements.txt", "requirements-embedded.txt"),
    **{
        part: (f"requirements-{part}.txt",) for part in ("board", "demo", "docs", "peers", "types")
    },
}
BUILD = CI / "requirements-build.txt"


class SetupError(Exception):
    """Its text is one sentence for the user."""


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def last_line(log: Path) -> str:
    """What a program is at, or why it ended."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    return next(
        (line for line in reversed(lines) if line and "WARNING" not in line), "no word yet"
    )


def run(command: list[str], log: Path) -> bool:
    """Run a command with its output in `log`; tells each PROGRESS seconds how far it is. Returns whether it succeeded."""
    with log.open("a") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
        )
    waited = 0
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(PROGRESS) == 0
            waited += PROGRESS
            say(f"{waited} s: {last_line(log)[:70]}")
    finally:
        if process.returncode is None:
            process.terminate()
            process.wait()


def programs(folder: Path) -> Path:
    """Where an environment has its programs."""
    return folder / ("Scripts" if os.name == "nt" else "bin")


def install(part: str, folder: Path, log: Path) -> None:
    """Make the environment. Raises SetupError."""
    say(f"making {folder.relative_to(ROOT)} from PyPI (ci/{', ci/'.join(REQUIREMENTS[part])})")
    if not run([sys.executable, "-m", "venv", str(folder)], log):
        raise SetupError(
            f"{sys.executable} could not make a virtual environment ({last_line(log)}), its output is in {log}."
        )
    python = programs(folder) / ("python.exe" if os.name == "nt" else "python")
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    pip += ["--progress-bar", "off", "--require-hashes"]
    wheels = ["--only-binary", ":all:"]
    files = [CI / name for name in REQUIREMENTS[part]]
    wanted = [word for file in files for word in ("-r", str(file))]
    steps = [[*pip, *wheels, *wanted]]
    if any(line.startswith("esptool==") for file in files for line in file.open()):
        # esptool has no wheel; pip would fetch what builds it without a look at its hash.
        steps = [
            [*pip, *wheels, "-r", str(BUILD)],
            [*pip, *wheels, "--no-binary", "esptool", "--no-build-isolation", *wanted],
        ]
    for step in steps:
        if not run(step, log):
            print("\n".join(log.read_text(errors="replace").splitlines()[-5:]), file=sys.stderr)
            raise SetupError(
                f"pip failed, its output is in {log}: check the network and try again; if a hash differs, the package is "
                "not the one that was tested."
            )


def remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def made_of(part: str) -> str:
    """What tells whether an environment is as it should be."""
    digest = hashlib.sha256(f"Python {platform.python_version()}\n".encode())
    for file in (BUILD, *(CI / name for name in REQUIREMENTS[part])):
        digest.update(file.read_bytes())
    return f"{digest.hexdigest()}  -\n"


def make(part: str) -> Path:
    """Have a part's environment. Returns the folder of its programs. Raises SetupError."""
    if sys.version_info < (3, 11):  # noqa: UP036  (whoever runs this may have an older one)
        raise SetupError(
            f"{sys.executable} is Python {platform.python_version()}, older than 3.11: set PYTHON to a newer one."
        )
    try:
        import ensurepip  # noqa: F401, PLC0415
        import venv  # noqa: F401, PLC0415
    except ImportError:
        raise SetupError(
            f"{sys.executable} has no venv: install it (Debian and Ubuntu: `sudo apt install python3-venv`)."
        ) from None
    folder = ROOT / "build" / ("venv" if part == "test" else f"venv-{part}")
    before, stamp = folder.with_name(folder.name + ".before"), folder / ".made-of"
    want = made_of(part)
    if before.exists() and not stamp.exists():  # killed in the middle
        remove(folder)
        before.rename(folder)
    if stamp.exists() and stamp.read_text() == want:
        return programs(folder)
    folder.parent.mkdir(exist_ok=True)
    log = folder.with_name(f"setup-{folder.name}.log")
    log.write_text("")
    if folder.exists() or folder.is_symlink():
        remove(before)
        folder.rename(before)
    try:
        install(part, folder, log)
        stamp.write_text(want)
    except BaseException:
        remove(folder)
        if before.exists():
            before.rename(folder)
        raise
    remove(before)
    return programs(folder)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=REQUIREMENTS)
    options = parser.parse_args(arguments)
    try:
        make(options.part)
    except SetupError as error:
        print(f"[setup] {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"[setup] {error.strerror or error} ({error.filename or 'while writing'}): free some space or correct its "
            "permissions, then try again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
