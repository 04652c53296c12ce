"""patches/ is a queue for `git am`, and ci/patches_check.py says what became of each patch in another tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
import patches_check as check

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")

MAIL = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Somebody <somebody@example.org>
Date: Mon, 30 Nov 2026 12:00:00 +0000
Subject: [PATCH] extmod/x: {subject}

It was wrong.

Tested by a test.

Signed-off-by: Somebody <somebody@example.org>

diff --git a/extmod/x.c b/extmod/x.c
--- a/extmod/x.c
+++ b/extmod/x.c
@@ -{line},3 +{line},3 @@
{before}
-{old}
+{new}
{after}
"""
LINES = [f"line {number}" for number in range(30)]


def mail(number: int, new: str, subject: str = "Mend it.") -> str:
    """A patch that makes line `number` (1 to 28) of x.c another one."""
    row = {"line": number, "before": f" {LINES[number - 1]}", "after": f" {LINES[number + 1]}"}
    return MAIL.format(subject=subject, old=LINES[number], new=new, **row)


def test_every_patch_is_fit_to_be_sent():
    assert check.check_form() == []


def test_no_patch_changes_what_another_one_has_added():
    """Of MicroPython's: but for parameters of functions that several patches give more of."""
    added, again = {}, []
    for file in check.queue("extmod", "esp32"):
        name = ""
        for line in file.read_text().splitlines():
            if line.startswith("+++ "):
                name = line[6:]
            elif line.startswith("-") and not line.startswith("--- ") and len(line) > 20:
                again += [f"{file.name}: {line}"] * (added.get((name, line[1:]), file) != file)
            elif line.startswith("+") and len(line) > 20:
                added[name, line[1:]] = file
    # 27 of them are tls-in-use's: its calls are in nearly all functions of a TLS socket.
    assert len(again) <= 34, "\n".join(again)


@pytest.mark.parametrize(
    ("wrong", "right", "fault"),
    [
        ("extmod/x: Mend it.", "extmod/x: mend it", "subject is not"),
        ("extmod/x: Mend it.", f"extmod/x: Mend {'it ' * 25}all.", "longer than 72"),
        ("It was wrong.", f"It was {'very ' * 20}wrong.", "longer than 75"),
        ("Signed-off-by: Somebody <somebody@example.org>\n", "", "Signed-off-by"),
        ("Tested by a test.", "Works for me.", "how it was tested"),
        ("It was wrong.\n\nTested by a test.\n\n", "", "no reason"),
        ("From 0", "To 0", "no mail"),
    ],
)
def test_a_patch_that_is_not_fit_is_told(tmp_path, wrong, right, fault):
    file = tmp_path / "x.patch"
    file.write_text(mail(1, "new"))
    assert check.form_faults(file) == []
    assert wrong in file.read_text()
    file.write_text(file.read_text().replace(wrong, right))
    assert any(fault in told for told in check.form_faults(file)), check.form_faults(file)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def upstream(tmp_path) -> Path:
    """A repository with two states of x.c: the tag v1.0, and master, which has changed three lines."""
    folder = tmp_path / "upstream"
    (folder / "extmod").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "master")
    for tag, changes in (("v1.0", {}), ("master", {4: "taken", 9: "theirs", 13: "near"})):
        lines = [changes.get(number, line) for number, line in enumerate(LINES)]
        (folder / "extmod/x.c").write_text("\n".join(lines) + "\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", tag)
        if tag != "master":
            git(folder, "tag", tag)
    return folder


@needs_git
def test_what_became_of_each(tmp_path, upstream):
    folder = tmp_path / "patches" / "extmod"
    folder.mkdir(parents=True)
    texts = {"applies": (20, "ours"), "obsolete": (4, "taken"), "conflicts": (9, "ours")}
    for name, (number, new) in texts.items():
        (folder / f"{name}.patch").write_text(mail(number, new))
    files = sorted(folder.iterdir())
    copy = check.Copy(upstream, tmp_path / "copy")
    assert copy.apply(check.Target("old", git(upstream, "rev-parse", "v1.0"), files)) == {}
    fates = copy.apply(check.Target("new", git(upstream, "rev-parse", "master"), files))
    fates = {file.stem: fate for file, fate in fates.items()}
    assert set(fates) == {"obsolete", "conflicts"}
    assert fates["obsolete"].startswith("obsolete")
    assert fates["conflicts"] == "does not apply (extmod/x.c)"
    assert git(upstream, "status", "--porcelain") == ""


@needs_git
@pytest.mark.parametrize("option", ["--micropython", "--lwip"])
def test_without_a_repository_one_sentence(tmp_path, option):
    done = subprocess.run(
        [sys.executable, check.ROOT / "ci/patches_check.py", option, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert re.fullmatch(r"patches-check: .* is no git repository: run .*\n", done.stderr), (
        done.stderr
    )
