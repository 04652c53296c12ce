#!/usr/bin/env python3
"""Puts the sources of the Linux VM in place: build/src/{micropython,lwip,mbedtls}.

They come from the submodule firmware/micropython (and its own lib/lwip, lib/mbedtls,
lib/micropython-lib) where that is filled, else from Debian trixie's source packages through the
machine's own Debian mirror. apt fetches and verifies them with a configuration of its own under
build/apt: nothing is installed, nothing outside build/ changes, no privileges are needed. Debian
has no umqtt: the last one on PyPI is taken, from the index that pip is set to. The patches in
patches/extmod are then applied, to micropython only; to Debian's, which is 1.25, those in
patches/extmod-1.25 as well; to PyPI's umqtt those in patches/umqtt-pypi.

A finished tree has a stamp beside it that says what it was made of; with all stamps right a run
does nothing. It can be interrupted at any point and run again.
"""

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

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
from package_index import SDISTS, Index, Sdist

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


def sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_files(folder: Path, files: dict[str, str]) -> None:
    """Raises SourcesError when one is missing or is not what it should be."""
    for name, digest in files.items():
        file = folder / name
        if not file.exists():
            raise SourcesError(f"{file} is missing after the download: run this again.")
        if sha256(file) != digest:
            raise SourcesError(
                f"{file} has the SHA-256 {sha256(file)} and not {digest}: delete it and run "
                "this again; if it stays wrong, do not trust the mirror."
            )


# --- trees ------------------------------------------------------------------------------------


def unpack(stream_or_file, target: Path) -> None:
    """Unpack a tar archive into `target`, without its first folder if it has only that one."""
    import tarfile  # noqa: PLC0415  (a run with nothing to do should not wait for it)

    is_file = isinstance(stream_or_file, Path)
    source = {"name": stream_or_file} if is_file else {"fileobj": stream_or_file, "mode": "r|"}
    # Python 3.11.2 of Debian 12 has no filters yet.
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    target.mkdir(parents=True)
    try:
        with tarfile.open(**source) as archive:
            for member in archive:
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                archive.extract(member, target, **safe)
    except tarfile.TarError as error:
        raise SourcesError(f"The archive of {target.name} is damaged ({error}).") from None
    inside = list(target.iterdir())
    if is_file and len(inside) == 1 and inside[0].is_dir():
        moved = target.with_name(target.name + "+")
        shutil.rmtree(moved, ignore_errors=True)
        inside[0].rename(moved)
        target.rmdir()
        moved.rename(target)


def git(directory: Path, *arguments: str) -> list[str]:
    """The command line of git in a (sub)module that may belong to another user."""
    return ["git", "-C", str(directory), "-c", "safe.directory=*", *arguments]


def git_commit(directory: Path) -> str:
    """The commit a filled submodule is at. Raises SourcesError."""
    if not (directory / ".git").exists():
        raise SourcesError(
            f"{directory} has files but is no git checkout: empty it, or fill it with "
            f"{SUBMODULE_HINT}."
        )
    try:
        done = subprocess.run(
            git(directory, "rev-parse", "HEAD"), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise SourcesError(f"{directory} is filled but git is missing: install git.") from None
    if done.returncode:
        raise SourcesError(f"git cannot read {directory}: {done.stderr.strip()}")
    return done.stdout.strip()


def git_export(directory: Path, target: Path) -> None:
    """Copy the files of the commit a submodule is at. Raises SourcesError."""
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    changed = git(directory, "diff", "--quiet", "--ignore-submodules", "HEAD")
    if subprocess.run(changed, env=env, check=False).returncode:
        print(f"  {directory} has changes that are not committed: they are left out")
    with subprocess.Popen(git(directory, "archive", "HEAD"), stdout=subprocess.PIPE) as process:
        unpack(process.stdout, target)
    if process.returncode:
        raise SourcesError(f"git archive failed in {directory}: run git fsck there.")


def added_files(patch: str, prefix: str) -> dict[str, str]:
    """The files that a patch creates below `prefix`: {path: text}."""
    files, path = {}, None
    for line in patch.splitlines(keepends=True):
        if line.startswith(("diff ", "--- ")):
            new, path = line.strip() == "--- /dev/null", None
        elif line.startswith("+++ ") and path is None:
            name = line[4:].split("\t")[0].strip().partition("/")[2]
            if new and name.startswith(prefix):
                path = name
                files[path] = ""
        elif path and line.startswith("+"):
            files[path] += line[1:]
        elif path and line.startswith("\\"):  # No newline at end of file
            files[path] = files[path].removesuffix("\n")
    return files


def add_debian_lib(debian_tar: Path, tree: Path) -> None:
    """Put what Debian's patch for mip holds of micropython-lib (the orig archive has none of
    it) into a micropython tree. Raises SourcesError."""
    import tarfile  # noqa: PLC0415

    with tarfile.open(debian_tar) as archive:
        try:
            text = archive.extractfile("debian/patches/mip.patch").read().decode()
        except KeyError:
            raise SourcesError(
                f"{debian_tar.name} has no debian/patches/mip.patch, from which micropython-lib "
                f"is taken: fill the submodule firmware/micropython instead ({SUBMODULE_HINT})."
            ) from None
    for name, content in added_files(text, "lib/micropython-lib/").items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def explain_patch(output: str) -> str:
    """Which file `patch` failed at and why, from what it printed."""
    file, named = "", re.findall(r"^\|\+\+\+ [^/\s]+/(\S+)", output, re.MULTILINE)
    exists = re.search(r"would create the file (\S+?),?$", output, re.MULTILINE)
    if exists and "already exists" in output:
        return f"{exists[1]} exists already"
    for line in output.splitlines():
        if line.startswith(("patching file ", "checking file ")):
            file = line.split(" ", 2)[2].strip("'\"")
        elif "FAILED" in line and line.startswith("Hunk"):
            return f"{file}: {line.rstrip('.')}"
        elif "Reversed (or previously applied)" in line:
            return f"{file}: it is in there already"
        elif "can't find file to patch" in line:
            return f"{named[0] if named else 'a file'} does not exist"
        elif line.startswith("patch: ****"):
            return line.removeprefix("patch: ****").strip()
    return output.strip().splitlines()[-1] if output.strip() else "patch gave no reason"


def apply_patches(tree: Path, patches: list[tuple[Path, str]]) -> None:
    """Apply (patch, folder in the tree) in this order. Raises SourcesError."""
    if patches and not shutil.which("patch"):
        raise SourcesError("The program patch is missing: apt-get install patch.")
    for file, folder in patches:
        command = ["patch", "-p1", "--forward", "--batch", "--no-backup-if-mismatch"]
        command += ["--directory", str(tree / folder), "--input", str(file.resolve())]
        env = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SourcesError(
                f"The patch {file.parent.name}/{file.name} does not apply to micropython "
                f"({explain_patch(done.stdout + done.stderr)}): correct it for these sources."
            )
        if "with fuzz" in done.stdout:
            print(f"  {file.parent.name}/{file.name} applies only with fuzz: look at the result")


def keep_times(old: Path, new: Path) -> None:
    """Give files the time they had if they are unchanged, else now, so that make rebuilds just
    what differs."""
    for folder, _, names in os.walk(new):
        for name in names:
            file = os.path.join(folder, name)
            before = os.path.join(old, os.path.relpath(file, new))
            same = (
                os.path.isfile(before)
                and os.path.getsize(before) == os.path.getsize(file)
                and Path(before).read_bytes() == Path(file).read_bytes()
            )
            times = (os.stat(before).st_atime_ns, os.stat(before).st_mtime_ns) if same else None
            os.utime(file, ns=times) if times else os.utime(file)


@contextlib.contextmanager
def replacing(target: Path, stamp: str):
    """A folder to build a tree in, that then takes the place of `target`, or vanishes if the
    block raises; the tree that was there stays until then."""
    new = target.with_name(f".{target.name}.new")
    old = target.with_name(f".{target.name}.old")
    for left in (new, new.with_name(new.name + "+"), old):
        shutil.rmtree(left, ignore_errors=True)
    try:
        yield new
        if target.exists():
            keep_times(target, new)
        stamp_file(target).unlink(missing_ok=True)
        if target.exists():
            target.rename(old)
        new.rename(target)
        stamp_file(target).write_text(stamp + "\n")
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def stamp_file(tree: Path) -> Path:
    return tree.with_name(tree.name + ".stamp")


# --- the whole --------------------------------------------------------------------------------


class Sources:
    """The sources of one build folder.

    Arguments: `root` the project's folder, `build` where results and downloads go, `mirrors`
    which to ask (None: the machine's), `pins` the packages wanted, `sdists` what is wanted of PyPI,
    `index` where that comes from (None: as pip is set).
    """

    def __init__(
        self,
        root: Path,
        build: Path,
        mirrors: list[Mirror] | None = None,
        pins=None,
        sdists: tuple[Sdist, ...] = SDISTS,
        index: Index | None = None,
    ):
        self.root = root
        self.build = build
        self.src = build / "src"
        self.downloads = build / "downloads"
        self.mirrors = mirrors
        self.pins = pins or PINS
        self.sdists = sdists
        self.index = index
        self.module = root / "firmware" / "micropython"
        self._versions_file = self.downloads / "versions.json"

    def patches(self, git_parts) -> list[tuple[Path, str]]:
        """(patch, folder in the tree), in order. Debian's MicroPython is older than the submodule's: it
        also gets what upstream has mended since."""
        kinds = [("extmod", "")]
        if "" not in git_parts:
            kinds.insert(0, ("extmod-1.25", ""))
        whole = "lib/micropython-lib" in git_parts
        kinds.append(("umqtt" if whole else "umqtt-pypi", "lib/micropython-lib"))
        return [
            (file, folder)
            for kind, folder in kinds
            for file in sorted((self.root / "patches" / kind).glob("*.patch"))
        ]

    def run(self) -> bool:
        """Put everything in place; True if there was anything to do. Raises SourcesError."""
        self.src.mkdir(parents=True, exist_ok=True)
        with lock(self.src / ".lock"):
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
            if "micropython" in todo:
                self._fetch_sdists(self._sdists(git_parts))
            stamps = self._stamps(git_parts, self._chosen())
            for name in todo:
                self._make(name, git_parts, stamps[name])
            return True

    def _submodules(self) -> dict[str, str]:
        """Filled submodules: {path below firmware/micropython: commit}."""
        if not (self.module / FILLED[""]).exists():
            return {}
        return {
            part: git_commit(self.module / part)
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

        patches = [
            f"{file.name} {folder} {sha256(file)}" for file, folder in self.patches(git_parts)
        ]
        lines = {
            "micropython": [
                origin("micropython", ""),
                origin("micropython", "lib/micropython-lib"),
                *(f"{sdist.file} {sdist.sha256}" for sdist in self._sdists(git_parts)),
                *patches,
            ],
            "lwip": [origin("lwip", "lib/lwip")],
            "mbedtls": [origin("mbedtls", "lib/mbedtls")],
        }
        return {name: "\n".join([f"recipe {RECIPE}", *rows]) for name, rows in lines.items()}

    def _sdists(self, git_parts) -> tuple[Sdist, ...]:
        return () if "lib/micropython-lib" in git_parts else self.sdists

    def _stale(self, git_parts, chosen) -> list[str]:
        stale = []
        for name, stamp in self._stamps(git_parts, chosen).items():
            tree = self.src / name
            try:
                right = stamp_file(tree).read_text() == stamp + "\n" and tree.is_dir()
            except OSError:
                right = False
            if not right:
                stale.append(name)
        return stale

    def _have(self, files: dict[str, str]) -> bool:
        try:
            check_files(self.downloads, files)
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
            check_files(self.downloads, files)
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
        write_whole(self._versions_file, json.dumps(rows, indent=1))

    def _fetch_sdists(self, sdists: tuple[Sdist, ...]) -> None:
        """Have these archives in build/downloads, verified."""
        missing = [sdist for sdist in sdists if not self._have({sdist.file: sdist.sha256})]
        if not missing:
            return
        self.downloads.mkdir(exist_ok=True)
        index = self.index or Index()
        for sdist in missing:
            new = self.downloads / (sdist.file + ".new")
            new.write_bytes(index.fetch(sdist))
            new.replace(self.downloads / sdist.file)
            print(f"  fetched {sdist.file}, checksum as pinned")

    def _make(self, name: str, git_parts: dict[str, str], stamp: str) -> None:
        files = self._chosen()[name]
        target = self.src / name
        with replacing(target, stamp) as new:
            part = "" if name == "micropython" else f"lib/{name}"
            if part in git_parts:
                git_export(self.module / part, new)
                made = f"git {git_parts[part][:10]}"
            else:
                orig = next(file for file in files if ".orig." in file)
                check_files(self.downloads, files)
                unpack(self.downloads / orig, new)
                made = orig
            if name == "micropython":
                self._add_lib(new, git_parts, files)
                patches = self.patches(git_parts)
                apply_patches(new, patches)
                made += "".join(f", {file.name}" for file, _ in patches)
        print(f"  {name}: {made}")

    def _add_lib(self, tree: Path, git_parts: dict[str, str], files: dict[str, str]) -> None:
        part = "lib/micropython-lib"
        if part in git_parts:
            shutil.rmtree(tree / part, ignore_errors=True)
            git_export(self.module / part, tree / part)
        else:
            debian = next(file for file in files if ".debian." in file)
            check_files(self.downloads, {debian: files[debian]})
            add_debian_lib(self.downloads / debian, tree)
            for sdist in self._sdists(git_parts):
                check_files(self.downloads, {sdist.file: sdist.sha256})
                sdist.add_to(tree, self.downloads / sdist.file)


def write_whole(file: Path, text: str) -> None:
    """Write a file that is never seen half-written."""
    new = file.with_name(file.name + ".new")
    new.write_text(text)
    new.replace(file)


@contextlib.contextmanager
def lock(file: Path):
    """One run at a time in a build folder; another waits."""
    with file.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  waiting for another run in this folder")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


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
    options = parser.parse_args(arguments)
    mirrors = [Mirror(options.mirror)] if options.mirror else None
    begin = time.monotonic()
    build = options.build.resolve()
    sys.stdout.reconfigure(line_buffering=True)
    try:
        done = Sources(ROOT, build, mirrors).run()
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
    print(f"sources {what} in {build / 'src'} after {time.monotonic() - begin:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
