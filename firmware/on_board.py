#!/usr/bin/env python3
"""Works with a T-Call on a serial port: puts an image on it, opens its REPL, checks it."""

import argparse
import os
import stat
import subprocess
import sys
from pathlib import Path

from image import BOARD, ROOT, BuildError, Plan

TOOLS = ROOT / "build" / "venv-board" / "bin"


def candidates() -> list[str]:
    """Where a T-Call may be: its USB bridge is a CP2104 or CH9102."""
    found = [*Path("/dev").glob("ttyUSB*"), *Path("/dev").glob("ttyACM*")]
    return sorted(
        str(port)
        for port in [*found, *Path("/dev").glob("cu.usb*"), *Path("/dev").glob("cu.SLAB*")]
    )


def check_port(port: str) -> None:
    """Raises BuildError if there is no serial port to talk to."""
    there = candidates()
    hint = f"there is {', '.join(there)}" if there else "none is there: is the board plugged in"
    if not port:
        raise BuildError(
            f"PORT is not given: try PORT={there[0] if there else '/dev/ttyUSB0'} ({hint})."
        )
    if port.upper().startswith("COM") or port.startswith(("rfc2217://", "socket://")):
        return
    try:
        mode = os.stat(port).st_mode
    except FileNotFoundError:
        raise BuildError(f"PORT={port} does not exist ({hint}).") from None
    if not stat.S_ISCHR(mode):
        raise BuildError(f"PORT={port} is no serial port ({hint}).")
    if not os.access(port, os.R_OK | os.W_OK):
        raise BuildError(
            f"PORT={port} may not be used by you: run `sudo usermod -a -G dialout $USER` and log in again."
        )


def check_image(image: Path, given: bool) -> None:
    """Raises BuildError if it is no image to be written from 0x1000 on."""
    if not image.is_file():
        raise BuildError(
            f"{image} does not exist: "
            + ("correct IMAGE." if given else "run `make firmware` first.")
        )
    with image.open("rb") as stream:
        start = stream.read(0x7002)
    # 0xE9 begins the bootloader, and 0x7000 on is the partition table.
    if start[:1] != b"\xe9" or start[0x7000:] != b"\xaa\x50":
        raise BuildError(
            f"{image} is no image of bootloader, partitions and application: give a {BOARD}-….bin, "
            "not an .app-bin, as IMAGE."
        )


def install() -> None:
    if subprocess.run([str(ROOT / "ci" / "setup.sh"), "board"], check=False).returncode:
        raise BuildError("esptool and mpremote could not be installed: see above.")


def flash(port: str, image: Path, baud: int, keep: bool) -> None:
    """Erase (unless the board's files are to be kept), write, verify. Raises BuildError."""
    esptool = [str(TOOLS / "esptool"), "--chip", "esp32", "--port", port, "--baud", str(baud)]
    steps = [
        ("erasing", ["erase-flash"]),
        ("writing", ["write-flash", "0x1000", str(image)]),
        ("verifying", ["verify-flash", "0x1000", str(image)]),
    ]
    for what, command in steps[keep:]:
        print(f"{what} {port}", flush=True)
        if subprocess.run([*esptool, *command], check=False).returncode:
            raise BuildError(
                f"{what} the board at {port} failed, esptool says why above: if it did not answer, "
                "join its pin 0 to GND (a BOOT button does so, where there is one), press RESET and try again; if it "
                "broke off, try BAUD=115200."
            )
    print(f"{image.name} is on the board: `make repl PORT={port}` opens its REPL")


def check(options) -> int:
    """Go through the checks of check/; its exit code."""
    program = [str(TOOLS / "python"), "-m", "check"]
    for name in ("port", "apn", "host", "only", "out"):
        if value := getattr(options, name):
            program += [f"--{name}", value]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    process = subprocess.Popen(program, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass  # it got that as well, and writes its report


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=("flash", "repl", "check"))
    parser.add_argument("--port", default="", help="serial port, for example /dev/ttyUSB0")
    parser.add_argument("--variant", default="", help="which image that was built here")
    parser.add_argument("--image", default="", help="an image file in place of it")
    parser.add_argument("--baud", type=int, default=int(os.environ.get("BAUD") or 460800))
    parser.add_argument("--keep", action="store_true", help="do not erase the board's files")
    of_check = parser.add_argument_group("check")
    of_check.add_argument("--apn", default="", help="access point name of the SIM's operator")
    of_check.add_argument("--host", default="", help="a server to speak HTTPS with")
    of_check.add_argument("--flash", action="store_true", help="write the image first")
    of_check.add_argument("--only", default="", help="names of checks, with commas between them")
    of_check.add_argument("--out", default="", help="folder for the report")
    options = parser.parse_args(arguments)
    try:
        check_port(options.port)
        if options.action == "repl":
            install()
            return subprocess.run(
                [str(TOOLS / "mpremote"), "connect", options.port, "repl"], check=False
            ).returncode
        if options.action == "check" and not options.apn:
            raise BuildError(
                "APN is not given: it is the access point name of the SIM's operator, docs/start.md has a list."
            )
        if options.action == "check" and not options.flash:
            install()
            return check(options)
        image = Path(options.image or Plan(variant=options.variant).folder / "firmware.bin")
        check_image(image, bool(options.image))
        install()
        flash(options.port, image, options.baud, options.keep)
        if options.action == "check":
            return check(options)
    except BuildError as error:
        print(f"{options.action}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
