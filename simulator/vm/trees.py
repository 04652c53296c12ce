"""Trees of sources: files checked and unpacked, exported from git, patched, and put in place whole."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from debian_archive import SUBMODULE_HINT, SourcesError


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


def apply_patches(tree: Path, patches: list[tuple[Path, str]], what: str = "micropython") -> None:
    """Apply (patch, folder in the tree) in this order; `what` the tree is, for errors. Raises SourcesError."""
    if patches and not shutil.which("patch"):
        raise SourcesError("The program patch is missing: apt-get install patch.")
    for file, folder in patches:
        command = ["patch", "-p1", "--forward", "--batch", "--no-backup-if-mismatch"]
        command += ["--directory", str(tree / folder), "--input", str(file.resolve())]
        env = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SourcesError(
                f"The patch {file.parent.name}/{file.name} does not apply to {what} "
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
