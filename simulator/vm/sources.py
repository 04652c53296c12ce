#!/usr/bin/env python3
"""Puts the sources of the Linux VM in place: build/src/{micropython,lwip,mbedtls}.

They come from the submodule firmware/micropython (and its own lib/lwip, lib/mbedtls,
lib/micropython-lib) where that is filled, else from Debian trixie's source packages through the
machine's own Debian mirror; --source submodule or --source debian (or VM_SOURCE) asks for one of them. apt fetches and verifies them with a configuration of its own under
build/apt: nothing is installed, nothing outside build/ changes, no privileges are needed. The
patches in patches/extmod are then applied to micropython, those in patches/lwip to lwip; to Debian's
micropython, which is 1.25, those in patches/extmod-1.25 as well.

A finished tree has a stamp beside it that says what it was made of; with all stamps right a run
does nothing. It can be interrupted at any point and run again.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import trees
from debian_archive import (
    RELEASE,
    SUBMODULE_HINT,
    Apt,
    Mirror,
    Pin,
    SourcesError,
    choose,
    find_mirrors,
    machine_entries,
)

ROOT = Path(__file__).resolve().parents[2]
# Raise it when unpacking itself changes, so that existing trees are made anew.
RECIPE = 1


PINS = {
    "micropython": Pin(
        "1.25",
        {
            "micropython_1.25.0+ds.orig.tar.xz": (
                "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea"
            ),
            "micropython_1.25.0+ds-1.debian.tar.xz": (
                "87cd89f7900c86b963885dabe25acf3e5348815993f1500278ad8f6464465af4"
            ),
        },
    ),
    "lwip": Pin(
        "2.2",
        {
            "lwip_2.2.1+dfsg1.orig.tar.xz": (
                "83729c274c499d3348e9fbbe043a3113f3fa8953e7efddc7c21c7fcbb1f2b7b1"
            ),
        },
    ),
    "mbedtls": Pin(
        "3.6",
        {
            "mbedtls_3.6.6.orig.tar.bz2": (
                "8fb65fae8dcae5840f793c0a334860a411f884cc537ea290ce1c52bb64ca007a"
            ),
        },
    ),
}

# A file that tells whether a (sub)module of firmware/micropython is filled.
FILLED = {
    "": "py/mpconfig.h",
    "lib/lwip": "src/include/lwip/init.h",
    "lib/mbedtls": "include/mbedtls/ssl.h",
    "lib/micropython-lib": "python-stdlib",
}


# --- the whole --------------------------------------------------------------------------------


class Sources:
    """The sources of one build folder.

    Arguments: `root` the project's folder, `build` where results and downloads go, `mirrors`
    which to ask (None: the machine's), `pins` the packages wanted, `source` "submodule" or "debian"
    ("": the submodule if it is filled).
    """

    def __init__(
        self,
        root: Path,
        build: Path,
        mirrors: list[Mirror] | None = None,
        pins=None,
        source: str = "",
    ):
        self.root = root
        self.build = build
        self.src = build / "src"
        self.downloads = build / "downloads"
        self.mirrors = mirrors
        self.pins = pins or PINS
        self.source = source
        self.module = root / "firmware" / "micropython"
        self._versions_file = self.downloads / "versions.json"

    def patches(self, git_parts, name: str = "micropython") -> list[tuple[Path, str]]:
        """(patch, folder in the tree `name`), in order. Debian's MicroPython is older than the submodule's:
        it also gets what upstream has mended since."""
        kinds = {"micropython": [("extmod", "")], "lwip": [("lwip", "")]}.get(name, [])
        if name == "micropython" and "" not in git_parts:
            kinds.insert(0, ("extmod-1.25", ""))
        return [
            (file, folder)
            for kind, folder in kinds
            for file in sorted((self.root / "patches" / kind).glob("*.patch"))
        ]

    def run(self) -> bool:
        """Put everything in place; True if there was anything to do. Raises SourcesError."""
        self.src.mkdir(parents=True, exist_ok=True)
        with trees.lock(self.src / ".lock"):
            git_parts = self._submodules()
            debian = [
                name
                for name, part in (
                    ("micropython", ""),
                    ("micropython", "lib/micropython-lib"),
                    ("lwip", "lib/lwip"),
                    ("mbedtls", "lib/mbedtls"),
                )
                if part not in git_parts
            ]
            debian = list(dict.fromkeys(debian))
            todo = self._stale(git_parts, self._chosen())
            if not todo:
                return False
            fetch = [name for name in debian if name in todo]
            if fetch:
                self._fetch(fetch)
            stamps = self._stamps(git_parts, self._chosen())
            for name in todo:
                self._make(name, git_parts, stamps[name])
            return True

    def micropython(self) -> str:
        """What the tree of MicroPython in place is, for people."""
        text = (self.src / "micropython" / "py" / "mpconfig.h").read_text()
        numbers = re.findall(r"#define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", text)
        commit = self._submodules().get("")
        origin = f"firmware/micropython, {commit[:10]}" if commit else "Debian"
        return f"MicroPython {'.'.join(numbers)} ({origin})"

    def _submodules(self) -> dict[str, str]:
        """Filled submodules to take: {path below firmware/micropython: commit}. Raises SourcesError."""
        if self.source == "debian":
            return {}
        if not (self.module / FILLED[""]).exists():
            if self.source == "submodule":
                raise SourcesError(
                    f"firmware/micropython is empty: fill it with `{SUBMODULE_HINT}`."
                )
            return {}
        return {
            part: trees.git_commit(self.module / part)
            for part, probe in FILLED.items()
            if (self.module / part / probe).exists()
        }

    def _chosen(self) -> dict[str, dict[str, str]]:
        """The files of each package: the pinned ones unless an earlier run had to take others."""
        chosen = {name: pin.files for name, pin in self.pins.items()}
        with contextlib.suppress(OSError, ValueError):
            for name, row in json.loads(self._versions_file.read_text()).items():
                # Taken in place of just these pinned files? New pins are to be tried anew.
                if name in self.pins and row["instead_of"] == self.pins[name].files:
                    chosen[name] = row["files"]
        return chosen

    def _stamps(self, git_parts, chosen) -> dict[str, str]:
        """What each tree is made of, as text that changes whenever that changes."""

        def origin(package, part):
            if part in git_parts:
                return f"{part or 'micropython'} git {git_parts[part]}"
            return f"{part or 'micropython'} debian {sorted(chosen[package].items())}"

        lines = {
            "micropython": [
                origin("micropython", ""),
                origin("micropython", "lib/micropython-lib"),
            ],
            "lwip": [origin("lwip", "lib/lwip")],
            "mbedtls": [origin("mbedtls", "lib/mbedtls")],
        }
        for name, rows in lines.items():
            rows += [
                f"{file.name} {folder} {trees.sha256(file)}"
                for file, folder in self.patches(git_parts, name)
            ]
        return {name: "\n".join([f"recipe {RECIPE}", *rows]) for name, rows in lines.items()}

    def _stale(self, git_parts, chosen) -> list[str]:
        stale = []
        for name, stamp in self._stamps(git_parts, chosen).items():
            tree = self.src / name
            try:
                right = trees.stamp_file(tree).read_text() == stamp + "\n" and tree.is_dir()
            except OSError:
                right = False
            if not right:
                stale.append(name)
        return stale

    def _have(self, files: dict[str, str]) -> bool:
        try:
            trees.check_files(self.downloads, files)
        except SourcesError:
            return False
        return True

    def _fetch(self, names: list[str]) -> None:
        """Have the archives of these packages in build/downloads, verified."""
        chosen = self._chosen()
        missing = [name for name in names if not self._have(chosen[name])]
        if not missing:
            return
        apt = Apt(self.build / "apt")
        mirrors = self.mirrors
        if mirrors is None:
            mirrors = find_mirrors(machine_entries(apt.settings))
        if not mirrors:
            raise SourcesError(
                "apt's sources on this machine name no Debian mirror: give one with --mirror URI, "
                f"or fill the submodule firmware/micropython ({SUBMODULE_HINT})."
            )
        first_error = None
        for mirror in mirrors:
            print(f"  asking {mirror.uri} for Debian {RELEASE}'s {', '.join(missing)}")
            try:
                self._fetch_from(apt, mirror, missing)
                return
            except SourcesError as error:
                first_error = first_error or error
        raise first_error

    def _fetch_from(self, apt: Apt, mirror: Mirror, names: list[str]) -> None:
        apt.update(mirror)
        picks = {name: choose(name, self.pins[name], apt.versions(name)) for name in names}
        apt.download(
            {name: version for name, (version, _) in picks.items()}, self.downloads, mirror
        )
        try:
            rows = json.loads(self._versions_file.read_text())
        except (OSError, ValueError):
            rows = {}
        for name, (version, files) in picks.items():
            trees.check_files(self.downloads, files)
            pinned = self.pins[name].files
            rows.pop(name, None)
            if files == pinned:
                print(f"  fetched {name} {version}, checksum as pinned")
            else:
                rows[name] = {"version": version, "files": files, "instead_of": pinned}
                print(
                    f"  fetched {name} {version}, verified by apt: the pinned "
                    f"{next(iter(pinned))} is no longer offered"
                )
        trees.write_whole(self._versions_file, json.dumps(rows, indent=1))

    def _make(self, name: str, git_parts: dict[str, str], stamp: str) -> None:
        files = self._chosen()[name]
        target = self.src / name
        with trees.replacing(target, stamp) as new:
            part = "" if name == "micropython" else f"lib/{name}"
            if part in git_parts:
                trees.git_export(self.module / part, new)
                made = f"git {git_parts[part][:10]}"
            else:
                orig = next(file for file in files if ".orig." in file)
                trees.check_files(self.downloads, files)
                trees.unpack(self.downloads / orig, new)
                made = orig
            if name == "micropython":
                self._add_lib(new, git_parts, files)
            patches = self.patches(git_parts, name)
            trees.apply_patches(new, patches, name)
            made += "".join(f", {file.name}" for file, _ in patches)
        print(f"  {name}: {made}")

    def _add_lib(self, tree: Path, git_parts: dict[str, str], files: dict[str, str]) -> None:
        part = "lib/micropython-lib"
        if part in git_parts:
            shutil.rmtree(tree / part, ignore_errors=True)
            trees.git_export(self.module / part, tree / part)
        else:
            debian = next(file for file in files if ".debian." in file)
            trees.check_files(self.downloads, {debian: files[debian]})
            trees.add_debian_lib(self.downloads / debian, tree)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--build",
        type=Path,
        default=ROOT / "build",
        metavar="DIR",
        help="where downloads and src/ go (default: build)",
    )
    parser.add_argument(
        "--mirror", metavar="URI", help="a Debian mirror to use instead of the machine's"
    )
    parser.add_argument(
        "--source",
        choices=("submodule", "debian"),
        default=os.environ.get("VM_SOURCE") or None,
        help="whose MicroPython (default: VM_SOURCE, else the submodule if it is filled)",
    )
    options = parser.parse_args(arguments)
    if options.source not in (None, "submodule", "debian"):
        parser.error(f"VM_SOURCE is {options.source}: set it to submodule or debian, or unset it")
    mirrors = [Mirror(options.mirror)] if options.mirror else None
    begin = time.monotonic()
    build = options.build.resolve()
    sys.stdout.reconfigure(line_buffering=True)
    sources = Sources(ROOT, build, mirrors, source=options.source)
    try:
        done = sources.run()
    except SourcesError as error:
        print(f"sources: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"sources: cannot write in {build} ({error}): free some space there, or choose "
            "another folder with --build.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("sources: interrupted; run this again to go on", file=sys.stderr)
        return 130
    what = "put in place" if done else "already in place"
    print(
        f"sources of {sources.micropython()} {what} in {build / 'src'} after {time.monotonic() - begin:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
