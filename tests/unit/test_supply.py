"""What comes from elsewhere to build and test with comes as it was tried: named by what it holds."""

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import environment

PINS = sorted((ROOT / "ci").glob("requirements*.in"))
LOCKS = sorted((ROOT / "ci").glob("requirements*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILE = ROOT / ".devcontainer" / "Dockerfile"
NAME = re.compile(r"([A-Za-z0-9._-]+)==([^ ;\\]+)")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_lock(text: str) -> dict[tuple[str, str], list[str]]:
    """Each package's name and version, with the hashes of its files."""
    found = {}
    for entry in re.sub(
        r" \\\n\s*", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    ).splitlines():
        pin = NAME.match(entry)
        assert pin, entry
        found[normal(pin[1]), pin[2]] = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)
    return found


def test_each_list_has_its_lock():
    assert [file.stem for file in PINS] == [file.stem for file in LOCKS]


@pytest.mark.parametrize("file", LOCKS, ids=lambda file: file.stem)
def test_requirements_have_hashes(file):
    locked = read_lock(file.read_text())
    assert locked and all(locked.values()), [name for name, hashes in locked.items() if not hashes]
    wanted = re.findall(r"^[^#\s-].*", file.with_suffix(".in").read_text(), re.MULTILINE)
    for line in wanted:
        if line.startswith("-r "):
            assert ROOT / "ci" / line[3:] in PINS
            continue
        pin = NAME.match(line)
        assert pin, f"{line} is in no certain version"
        assert (normal(pin[1]), pin[2]) in locked, f"{line}: run ci/requirements.sh"


@pytest.mark.parametrize("part", environment.REQUIREMENTS)
def test_pip_is_told_to_look_at_hashes(part, tmp_path, monkeypatch):
    """In each call, and that it builds nothing but what is named: a build fetches more, without a look."""
    calls = []
    monkeypatch.setattr(environment, "run", lambda command, _log: calls.append(command) or True)
    environment.install(part, ROOT / "build" / "none", tmp_path / "log")
    pips = [call for call in calls if "pip" in call]
    assert pips and calls[1:] == pips
    for call in pips:
        assert "--require-hashes" in call
        assert call[call.index("--only-binary") + 1] == ":all:"
        assert "--no-build-isolation" in call or "--no-binary" not in call


def test_a_package_that_is_another_is_refused(tmp_path):
    """pip itself, with one digit changed."""
    lock = (ROOT / "ci" / "requirements-build.txt").read_text()
    changed = re.sub(r"sha256:(.)", lambda m: "sha256:" + ("0" if m[1] != "0" else "1"), lock)
    assert changed != lock
    ((name, version),) = read_lock(lock)
    wheel = tmp_path / f"{name}-{version}-py3-none-any.whl"
    wheel.write_bytes(b"not what was tried")
    (tmp_path / "r.txt").write_text(changed)
    pip = [ROOT / "build" / "venv" / "bin" / "pip", "download", "-q", "--no-index", "--no-deps"]
    done = subprocess.run(
        [*pip, "--find-links", tmp_path, "-d", tmp_path / "out", "-r", tmp_path / "r.txt"],
        capture_output=True,
        text=True,
        check=False,
        env={"PIP_CONFIG_FILE": "/dev/null", "PATH": ""},
    )
    assert done.returncode != 0
    assert "HASH" in done.stderr.upper()


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_containers_are_named_by_digest(file):
    images = re.findall(r"^ *(?:image|container): *(\S.*)", file.read_text(), re.MULTILINE)
    assert all(re.fullmatch(r"debian:13@sha256:[0-9a-f]{64}", image) for image in images), images


def test_one_container_image():
    text = "".join(file.read_text() for file in WORKFLOWS)
    images = re.findall(r"image: (.*)", text)
    images += re.findall(r"^FROM (.*)", DOCKERFILE.read_text(), re.MULTILINE)
    assert len(images) > 1 and len(set(images)) == 1


def test_only_main_and_tags_are_attested():
    """A branch's build is nobody's release, whoever starts the workflow."""
    jobs = [
        job
        for file in WORKFLOWS
        for job in re.split(
            r"^  (?=\w+:$)", file.read_text().partition("\njobs:\n")[2], flags=re.MULTILINE
        )
        if re.search(r"attestations: write|actions/attest|gh release", job)
    ]
    assert len(jobs) == 2
    tag = "startsWith(github.ref, 'refs/tags/v')"
    conditions = [re.findall(r"^    if: (.*)", job, re.MULTILINE) for job in jobs]
    assert conditions == [
        [f"github.ref == 'refs/heads/main' || {tag}"],
        [f"${{{{ !cancelled() && needs.build.result == 'success' && {tag} }}}}"],
    ]


def test_a_release_takes_nothing_from_a_cache():
    """What any run of main has left there would be in it."""
    text = (ROOT / ".github" / "workflows" / "nightly.yml").read_text()
    steps = [
        step
        for step in re.split(r"^      - ", text, flags=re.MULTILINE)
        if "actions/cache" in step
    ]
    assert steps
    for step in steps:
        never = "if: github.ref_type != 'tag'" in step
        assert never or "lookup-only: ${{ github.ref_type == 'tag' }}" in step


def tool(name: str) -> str:
    found = shutil.which(name, path=str(ROOT / "build" / "venv" / "bin"))
    assert found
    return found


def test_workflows_have_no_error(tmp_path):
    """actionlint, with shellcheck: what GitHub would refuse."""

    def lint(*files: Path) -> subprocess.CompletedProcess:
        command = [tool("actionlint"), "-shellcheck", tool("shellcheck"), *files]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = lint(*WORKFLOWS)
    assert done.returncode == 0, done.stdout
    text = WORKFLOWS[0].read_text()
    for right, wrong in (
        ("needs: build", "needs: built"),
        ("steps.pages.outputs", "steps.page.outputs"),
    ):
        assert right in text
        broken = tmp_path / "broken.yml"
        broken.write_text(text.replace(right, wrong))
        assert lint(broken).returncode == 1


def test_workflows_have_no_finding():
    """zizmor, without a network: what a pull request could make them do."""
    zizmor = tool("zizmor")
    command = [zizmor, "--offline", "--no-progress", "-q", ROOT / ".github" / "workflows"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_finding_that_is_ignored_says_why(file):
    lines = file.read_text().splitlines()
    for before, line in pairwise(lines):
        assert "zizmor: ignore" not in line or before.strip().startswith("# "), line
