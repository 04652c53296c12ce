#!/usr/bin/env python3
"""Makes what a board accepts as an update: keys, and manifests signed with them. docs/firmware.md tells how.

    sign.py key owner.pem                                    # a new key; keep it where nobody else reads it
    sign.py image owner.pem build/firmware/TCALL_SIM800-OTA  # -> firmware.manifest, for its firmware.app-bin
    sign.py files owner.pem 12 folder update.manifest        # all files of a folder, as version 12

Needs openssl.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

# What openssl writes in front of x and y of a public key on P-256 (RFC 5480 2)
P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
LONGEST = 4096  # bytes of a manifest, modules/signed_update.py
LAST_VERSION = 2**31 - 1


class SignError(Exception):
    """Its text is one sentence for the user."""


def openssl(*arguments: str, data: bytes = b"") -> bytes:
    """What openssl prints. Raises SignError."""
    try:
        done = subprocess.run(
            ["openssl", *arguments], input=data, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise SignError("openssl is missing: apt-get install openssl.") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SignError(f"openssl {arguments[0]} failed ({' '.join(last)}).")
    return done.stdout


def make_key(file: Path) -> None:
    """A new private key, in a file that only its owner may read. Raises SignError."""
    if file.exists():
        raise SignError(f"{file} is there already: a key that boards trust must not be lost.")
    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    file.touch(mode=0o600)
    file.write_bytes(key)


def public_key(file: Path) -> bytes:
    """x and y, 64 bytes, of a key in PEM, private or public. Raises SignError."""
    if not file.is_file():
        raise SignError(f"there is no key {file}: `firmware/sign.py key {file}` makes one.")
    public = ["-pubin"] if b"BEGIN PUBLIC KEY" in file.read_bytes() else []
    der = openssl("pkey", "-in", str(file), *public, "-pubout", "-outform", "DER")
    if not der.startswith(P256) or len(der) != len(P256) + 64:
        raise SignError(f"{file} is no key on the curve P-256: make one with `sign.py key`.")
    return der[len(P256) :]


def raw_signature(der: bytes) -> bytes:
    """r and s, 64 bytes, of openssl's SEQUENCE of two INTEGERs (RFC 3279 2.2.3)."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2 : at + 2 + length], "big"))
        at += 2 + length
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def manifest(key: Path, board: str, kind: str, version: int, parts: dict[str, bytes]) -> bytes:
    """A signed manifest of these parts, {name: content}. Raises SignError."""
    public_key(key)
    if not 0 < version <= LAST_VERSION:
        raise SignError(f"{version} is no version: it must be from 1 to {LAST_VERSION}.")
    rows = ["signed-update 1", f"board {board}", f"kind {kind}", f"version {version}"]
    for name, data in parts.items():
        if not re.fullmatch(r"[!-~]{1,64}", name):
            raise SignError(f"{name!r} is no name for a board: 1 to 64 ASCII letters, no spaces.")
        rows.append(f"part {len(data)} {hashlib.sha256(data).hexdigest()} {name}")
    signed = "\n".join([*rows, ""]).encode()
    signature = raw_signature(openssl("dgst", "-sha256", "-sign", str(key), data=signed))
    whole = signed + b"signature " + signature.hex().encode() + b"\n"
    if len(whole) > LONGEST:
        raise SignError(
            f"{len(parts)} files make a manifest of {len(whole)} bytes, {LONGEST} fit: send fewer."
        )
    return whole


def trust(board: str, version: int, keys: list[Path]) -> str:
    """The module update_trust of an image that these keys may update. Raises SignError."""
    if len(keys) > 2:
        raise SignError("UPDATE_KEYS are one key, or two: the present and the next one.")
    rows = "".join(f"    {public_key(key)!r},\n" for key in keys)
    return f'BOARD = "{board}"\nVERSION = {version}\nKEYS = (\n{rows})\n'


def sign_image(key: Path, folder: Path) -> Path:
    """Sign the image that was built in this folder. Returns the manifest. Raises SignError."""
    try:
        built = json.loads((folder / "version.json").read_text())
        image = (folder / "firmware.app-bin").read_bytes()
        name, board, version = built["name"], built["board"], built["update"]
    except (OSError, KeyError):
        raise SignError(
            f"{folder} has no image: run `make firmware VARIANT=OTA UPDATE_KEYS=…`."
        ) from None
    if not name.endswith("-OTA"):
        raise SignError(f"{name} knows no trial of an image: run `make firmware VARIANT=OTA`.")
    if public_key(key).hex() not in built["update_keys"]:
        # Only the image that runs now decides; but the next update would have to be signed with one of its keys.
        print(f"sign: mind that this image itself does not trust {key}", file=sys.stderr)
    out = folder / "firmware.manifest"
    out.write_bytes(manifest(key, board, "image", version, {"firmware.app-bin": image}))
    return out


def sign_files(key: Path, board: str, version: int, folder: Path, out: Path) -> Path:
    """Sign all files below a folder, hidden ones left out. Returns the manifest. Raises SignError."""
    names = [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()]
    names = [name for name in names if not any(step.startswith(".") for step in name.parts)]
    parts = {name.as_posix(): (folder / name).read_bytes() for name in names}
    if not parts:
        raise SignError(f"there are no files in {folder}.")
    out.write_bytes(manifest(key, board, "files", version, parts))
    return out


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("key", help="make a key")
    command.add_argument("key", type=Path)
    command = commands.add_parser("image", help="sign an image")
    command.add_argument("key", type=Path)
    command.add_argument("folder", type=Path, help="where `make firmware` has built it")
    command = commands.add_parser("files", help="sign files")
    command.add_argument("key", type=Path)
    command.add_argument("version", type=int, help="greater than that of any set before")
    command.add_argument("folder", type=Path)
    command.add_argument("manifest", type=Path)
    command.add_argument("--board", default="TCALL_SIM800")
    given = parser.parse_args(arguments)
    try:
        if given.command == "key":
            make_key(given.key)
            print(given.key)
        elif given.command == "image":
            print(sign_image(given.key, given.folder))
        else:
            print(sign_files(given.key, given.board, given.version, given.folder, given.manifest))
    except SignError as error:
        print(f"sign: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
