#!/usr/bin/env python3
"""Tells whether the patches in patches/ are fit to be sent, and to what they still apply.

First their form: each is a mail for `git am`, with a subject as upstream writes it, a reason and a
sign-off, and has a row in patches/README.md. Then `git am` applies them, in a copy, to the commit that
is pinned, to the newest release and to master; those for Debian's MicroPython to v1.25.0. Of a
repository only what is there is used: nothing is fetched.

It fails for the form and for the pinned commit. What it says of newer ones is for who moves the pin.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "simulator" / "vm"))
from trees import git  # noqa: E402

PATCHES = ROOT / "patches"
SUBJECT = re.compile(r"Subject: \[PATCH\] ([^!]+: [A-Z`]\S* .+\.)$")
DEBIAN_TAG = "v1.25.0"
LWIP_TAG = "STABLE-2_2_1_RELEASE"
NOBODY = {
    "GIT_COMMITTER_NAME": "check",
    "GIT_COMMITTER_EMAIL": "check@invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class CheckError(Exception):
    """Its text is one sentence for the user."""


# --- the form ---------------------------------------------------------------------------------


def queue(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((PATCHES / folder).glob("*.patch"))]


def name_of(file: Path) -> str:
    return f"{file.parent.name}/{file.name}"


def form_faults(file: Path) -> list[str]:
    """What keeps a patch from being sent, as MicroPython's tools/verifygitlog.py sees it."""
    head, _, diff = file.read_text().partition("\ndiff --git ")
    mail, _, body = head.partition("\n\n")
    subject = re.sub(r"\n ", " ", mail).splitlines()[-1]
    match = SUBJECT.match(subject)
    lines = body.strip().splitlines()
    faults = []
    if not mail.startswith("From 0") or not diff:
        faults.append("is no mail as `git format-patch` writes it")
    if not match:
        faults.append("its subject is not `area/file: What.`")
    elif len(match[1]) > 72 or match[1].startswith("ports/"):
        faults.append("its subject is longer than 72 characters or begins with ports/")
    if len(lines) < 3:
        faults.append("it gives no reason")
    elif not re.match(r"Signed-off-by: .+ <\S+@\S+>$", lines[-1]):
        faults.append("its last line is no Signed-off-by")
    elif not re.search(r"Tested by |upstream commit", " ".join(lines)):
        faults.append("it does not tell how it was tested")
    if any(len(line) > 75 and "-by: " not in line and "://" not in line for line in lines):
        faults.append("a line of its message is longer than 75 characters")
    return faults


def check_form() -> list[str]:
    files = queue("extmod-1.25", "extmod", "esp32", "lwip")
    faults = [f"{name_of(file)}: {fault}" for file in files for fault in form_faults(file)]
    listed = re.findall(
        r"^\| \[([^]]+\.patch)\]\(\1\) \|", (PATCHES / "README.md").read_text(), re.MULTILINE
    )
    there = [name_of(file) for file in files]
    faults += [f"{name}: has no row in patches/README.md" for name in there if name not in listed]
    faults += [f"patches/README.md: {name} is no patch" for name in listed if name not in there]
    return faults


# --- git am -----------------------------------------------------------------------------------


@dataclass
class Target:
    """Something to apply patches to: `label` for people, `commit` in the repository, `must` succeed."""

    label: str
    commit: str
    patches: list[Path]
    must: bool = False


def ask(repository: Path, *arguments: str) -> str:
    """What git prints, "" where it fails."""
    done = subprocess.run(git(repository, *arguments), capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def commit_of(repository: Path, *names: str) -> str:
    """The first of these names that the repository has, as a commit whose files are there."""
    for name in names:
        commit = ask(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if commit and ask(repository, "cat-file", "-t", f"{commit}^{{tree}}"):
            return commit
    return ""


def newest_tag(repository: Path, pattern: str) -> str:
    tags = ask(repository, "tag", "--list", "--sort=-version:refname").splitlines()
    return next((tag for tag in tags if re.fullmatch(pattern, tag)), "")


class Copy:
    """A repository that has another one's objects, to apply patches in."""

    def __init__(self, source: Path, folder: Path):
        self.folder = folder
        objects = ask(source, "rev-parse", "--path-format=absolute", "--git-path", "objects")
        subprocess.run(["git", "init", "-q", str(folder)], check=True)
        (folder / ".git/objects/info/alternates").write_text(objects + "\n")
        shallow = Path(ask(source, "rev-parse", "--path-format=absolute", "--git-path", "shallow"))
        if shallow.exists():
            (folder / ".git/shallow").write_bytes(shallow.read_bytes())

    def git(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            git(self.folder, *arguments),
            env={**os.environ, **NOBODY},
            capture_output=True,
            text=True,
            check=False,
        )

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").stdout.strip()

    def apply(self, target: Target) -> dict[Path, str]:
        """What became of each patch that did not just apply."""
        done = self.git("checkout", "-q", "--force", "--detach", target.commit)
        if done.returncode:
            raise CheckError(f"{target.label} cannot be checked out: {done.stderr.strip()}")
        return {file: fate for file in target.patches if (fate := self.apply_one(file))}

    def apply_one(self, file: Path) -> str:
        before = self.head()
        if self.git("am", "-q", str(file)).returncode == 0:
            return ""
        self.git("am", "--abort")
        if self.git("apply", "--reverse", "--check", str(file)).returncode == 0:
            return "obsolete: it is in there already"
        why = self.git("apply", "--check", str(file)).stderr
        if self.git("am", "-3", str(file)).returncode == 0:
            return (
                "merges, make it anew"
                if self.head() != before
                else "obsolete: it is merged already"
            )
        self.git("am", "--abort")
        names = re.findall(r"^error: (?:patch failed: )?([^:\s]+):", why, re.MULTILINE)
        return f"does not apply ({', '.join(sorted(set(names)))})"


def report(target: Target, fates: dict[Path, str]) -> bool:
    """Print what became of the patches; whether that is as it must be."""
    count = len(target.patches)
    print(f"{target.label}: {count - len(fates)} of {count} apply")
    for file, fate in fates.items():
        print(f"  {name_of(file)} {fate}")
    return not (target.must and fates)


def recorded(path: str) -> str:
    """The commit at which this project wants a submodule."""
    fields = ask(ROOT, "ls-files", "--stage", "--", path).split()
    return fields[1] if fields and fields[0] == "160000" else ""


def micropython_targets(repository: Path) -> list[Target]:
    ours = queue("extmod", "esp32")
    pinned = recorded("firmware/micropython")
    if not commit_of(repository, pinned or "v1.28.0"):
        raise CheckError(
            f"{repository} has not the pinned commit {pinned[:10]} of MicroPython: fetch it there."
        )
    targets = [Target(f"MicroPython {pinned[:10]}, the pinned one", pinned, ours, must=True)]
    newest = newest_tag(repository, r"v\d+\.\d+(\.\d+)?")
    commit = commit_of(repository, newest) if newest else ""
    if commit == pinned:
        print(f"{newest}, the newest release in {repository}, is the pinned one")
    elif commit:
        targets.append(Target(f"MicroPython {newest}, the newest release", commit, ours))
    master = commit_of(repository, "origin/master", "master")
    if master and master != pinned:
        targets.append(Target(f"MicroPython's master {master[:10]}", master, ours))
    if debian := commit_of(repository, DEBIAN_TAG):
        files = queue("extmod-1.25", "extmod")
        targets.append(
            Target(f"MicroPython {DEBIAN_TAG}, as Debian has it", debian, files, must=True)
        )
    return targets


def lwip_targets(repository: Path) -> list[Target]:
    targets = []
    ours = queue("lwip")
    if commit := commit_of(repository, LWIP_TAG, "HEAD"):
        targets.append(Target(f"lwIP {commit[:10]}", commit, ours, must=True))
    newest = newest_tag(repository, r"STABLE-\d+_\d+_\d+_RELEASE")
    if newest and newest != LWIP_TAG:
        targets.append(
            Target(f"lwIP {newest}, the newest release", commit_of(repository, newest), ours)
        )
    if master := commit_of(repository, "origin/master", "master"):
        targets.append(Target(f"lwIP's master {master[:10]}", master, ours))
    return targets


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--form", action="store_true", help="look at nothing but the patches' form"
    )
    parser.add_argument(
        "--micropython",
        type=Path,
        metavar="DIR",
        default=ROOT / "firmware" / "micropython",
        help="a git repository of MicroPython (default: the submodule)",
    )
    parser.add_argument(
        "--lwip",
        type=Path,
        metavar="DIR",
        help="a git repository of lwIP (default: the submodule's)",
    )
    options = parser.parse_args(arguments)
    faults = check_form()
    for fault in faults:
        print(f"patches-check: {fault}", file=sys.stderr)
    if options.form:
        return 1 if faults else 0
    try:
        right = check_targets(options)
    except CheckError as error:
        print(f"patches-check: {error}", file=sys.stderr)
        return 1
    return 0 if right and not faults else 1


def check_targets(options: argparse.Namespace) -> bool:
    for folder, name in ((options.micropython, "MICROPYTHON"), (options.lwip, "LWIP")):
        # An empty submodule would be taken for the repository around it.
        if folder and not ((folder / ".git").exists() or (folder / "objects").is_dir()):
            raise CheckError(
                f"{folder} is no git repository: run `git submodule update --init firmware/micropython`, or name "
                f"one with {name}=directory."
            )
    lwip = options.lwip or options.micropython / "lib" / "lwip"
    right = True
    with tempfile.TemporaryDirectory(prefix="patches-check-") as folder:
        rows = [("micropython", options.micropython, micropython_targets)]
        if (lwip / ".git").exists() or (lwip / "objects").is_dir():
            rows.append(("lwip", lwip, lwip_targets))
        else:
            print(
                f"lwIP: left out, there is no git repository in {lwip} (name one with LWIP=directory)"
            )
        for name, source, targets in rows:
            copy = Copy(source.resolve(), Path(folder, name))
            for target in targets(source):
                right &= report(target, copy.apply(target))
    return right


if __name__ == "__main__":
    sys.exit(main())
