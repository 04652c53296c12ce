"""What `make` does on a machine that is not as ours: without apt, without user namespaces, when something fails."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from network.passt import Passt, namespaces_hint
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import environment

TOOLS = "sh dirname id cat sed grep sha256sum env rm mkdir tail kill sleep cut tr"


@pytest.fixture
def project(tmp_path) -> Path:
    """A project folder with its set-up alone."""
    (tmp_path / "ci").mkdir()
    for file in (ROOT / "ci").glob("*"):
        if file.suffix in (".sh", ".txt", ".py"):
            shutil.copy(file, tmp_path / "ci")
    (tmp_path / "simulator").symlink_to(ROOT / "simulator")
    return tmp_path


def bare_path(folder: Path, **scripts: str) -> str:
    """A PATH with a few tools, Python, and `scripts`: no apt-get, no dpkg, no passt."""
    path = folder / "bin"
    path.mkdir()
    for name in TOOLS.split():
        (path / name).symlink_to(shutil.which(name))
    (path / "python3").symlink_to(sys.executable)
    for name, text in scripts.items():
        file = path / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
    return str(path)


def run(command: list, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHON": sys.executable, "PATH": os.environ["PATH"], **env},
    )


def pretend_made(project: Path, part: str) -> Path:
    """An environment that an earlier run made: its file `earlier` tells it from another."""
    folder = project / "build" / ("venv" if part == "test" else f"venv-{part}")
    folder.mkdir(parents=True)
    (folder / "earlier").touch()
    return folder


@pytest.mark.parametrize("part", ["board", "docs", "types", "peers"])
def test_what_needs_python_alone_asks_for_no_apt(project, part):
    folder = pretend_made(project, part)
    (folder / ".made-of").write_text(environment.made_of(part))
    done = run([project / "ci" / "setup.sh", part], PATH=bare_path(project))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_host_without_apt_is_told_of_the_container(project):
    done = run([project / "ci" / "setup.sh", "demo"], PATH=bare_path(project))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "there is no apt-get here" in line and ".devcontainer/Dockerfile" in line
    assert (ROOT / ".devcontainer" / "Dockerfile").exists()


def test_a_package_under_another_name(project):
    """Debian 13 has libglib2.0-0 as libglib2.0-0t64: nothing is to be installed."""
    names = ["libgcrypt20", "libpixman-1-0", "libsdl2-2.0-0", "libslirp0"]
    rows = [f"ii ,{name},\\n" for name in names]
    rows.append("ii ,libglib2.0-0t64,libgio-2.0-0 (= 2.84.4-3), libglib2.0-0 (= 2.84.4-3)\\n")
    query = f"printf '{''.join(rows)}'"
    path = bare_path(project, dpkg_query=query, apt_get="echo asked for $*; exit 1")
    done = run([project / "ci" / "setup.sh", "emulator"], PATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    gone = query.replace("libglib2.0-0 (= 2.84.4-3)", "libnothing")
    (Path(path) / "dpkg-query").write_text(f"#!/bin/sh\n{gone}\n")
    done = run([project / "ci" / "setup.sh", "emulator"], PATH=path)
    if os.geteuid() == 0:
        assert "installing Debian packages: libglib2.0-0\n" in done.stdout
    assert done.returncode == 1


@pytest.fixture
def failing(project, monkeypatch):
    """environment.py in that project, where each command fails from the given one on."""

    def fail_from(number: int) -> None:
        count = iter(range(1, 9))

        def run(command: list[str], _log: Path) -> bool:
            if command[1:3] == ["-m", "venv"]:
                Path(command[3]).mkdir()
            return next(count) < number

        monkeypatch.setattr(environment, "run", run)

    monkeypatch.setattr(environment, "ROOT", project)
    return fail_from


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("part", ["board", "test"])
def test_a_failed_set_up_leaves_the_earlier_one(project, failing, part, number):
    folder = pretend_made(project, part)
    (folder / ".made-of").write_text("of other packages\n")
    failing(number)
    if (part, number) == ("test", 3):  # which has two commands
        environment.make(part)
        assert (folder / ".made-of").read_text() == environment.made_of(part)
    else:
        with pytest.raises(environment.SetupError):
            environment.make(part)
        assert (folder / "earlier").exists()
    left = {file.name for file in (project / "build").iterdir()}
    assert left == {folder.name, f"setup-{folder.name}.log"}


def test_a_set_up_that_was_killed_is_undone(project, failing):
    folder = pretend_made(project, "demo")
    (folder / ".made-of").write_text("of other packages\n")
    folder.rename(folder.with_name("venv-demo.before"))
    (folder / "half").mkdir(parents=True)
    failing(1)
    with pytest.raises(environment.SetupError):
        environment.make("demo")
    assert {file.name for file in folder.iterdir()} == {"earlier", ".made-of"}


def test_no_set_up_where_all_is_right():
    """What the tests run in was made by the same script."""
    done = run([sys.executable, ROOT / "ci" / "environment.py", "test"], PIP_NO_INDEX="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_python_without_venv_is_one_sentence(project):
    hidden = project / "hidden"
    hidden.mkdir()
    (hidden / "ensurepip.py").write_text("raise ImportError\n")
    done = run([sys.executable, project / "ci" / "environment.py", "docs"], PYTHONPATH=str(hidden))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "has no venv" in line and "python3-venv" in line


def test_the_demo_needs_few_packages():
    names = [
        line.partition("==")[0]
        for line in (ROOT / "ci" / "requirements-demo.txt").read_text().splitlines()
        if "==" in line
    ]
    assert set(names) == {"cffi", "cryptography", "dnslib", "pycparser"}


# A sign of life


def test_progress(tmp_path):
    log = tmp_path / "logs" / "log"
    began = time.monotonic()
    done = run(
        [ROOT / "ci" / "progress.sh", "vm", log, "sh", "-c", "echo one; echo two >&2; exit 3"]
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert log.read_text() == "one\ntwo\n"
    assert time.monotonic() - began < 9  # nothing waits for the sign that is due after 10 s


def test_progress_tells_what_it_is_at(tmp_path):
    long = "CC " + "x" * 100
    command = f"echo first; echo {long}; echo; sleep 12"
    done = run([ROOT / "ci" / "progress.sh", "vm", tmp_path / "log", "sh", "-c", command])
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == f"[vm] 10 s: {long[:70]}"


def test_pip_tells_what_it_is_at(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(environment, "PROGRESS", 0.5)
    log = tmp_path / "log"
    log.touch()
    command = ["sh", "-c", "echo Collecting pytest; echo WARNING: no; sleep 1.2; exit 1"]
    assert not environment.run(command, log)
    assert "[setup] 0.5 s: Collecting pytest\n" in capsys.readouterr().out


# User namespaces

SENTENCE = (
    "may make no user namespace",
    "kernel.apparmor_restrict_unprivileged_userns=0",
    "--privileged",
    "WSL 2",
)


def in_a_namespace_without_more(command: str) -> list[str]:
    inner = f"echo 0 >/proc/sys/user/max_user_namespaces && {command}"
    return ["unshare", "--user", "--map-root-user", "sh", "-c", inner]


@pytest.fixture
def no_namespaces():
    if run(in_a_namespace_without_more("true")).returncode:
        pytest.skip(
            "this machine lets nobody set user.max_user_namespaces of a namespace of one's own"
        )


def test_without_user_namespaces_it_is_one_sentence(no_namespaces, project):
    """And said before anything is built."""
    done = run(in_a_namespace_without_more(f"exec {project}/ci/setup.sh demo"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert all(words in line for words in SENTENCE), line
    assert "`sudo sysctl user.max_user_namespaces=10000` allows it here" in line
    assert not (project / "build").exists()


def test_the_demo_without_user_namespaces_has_no_traceback(no_namespaces, vm, tmp_path):
    command = f"cd {ROOT}/simulator && exec {sys.executable} -m demo --out {tmp_path}"
    done = run(in_a_namespace_without_more(command))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all(words in done.stderr for words in SENTENCE)


def test_what_the_machine_says(tmp_path):
    def hint(name: str, value: str) -> str:
        file = tmp_path / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value + "\n")
        said = namespaces_hint(tmp_path)
        file.unlink()
        return said

    apparmor = "kernel/apparmor_restrict_unprivileged_userns"
    here = "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0` allows it here; "
    assert hint(apparmor, "1").startswith(here)
    assert not hint(apparmor, "0").startswith(here)
    assert hint("kernel/unprivileged_userns_clone", "0").startswith(
        "`sudo sysctl kernel.unprivileged_userns_clone=1` allows it here; "
    )
    for said in (hint(apparmor, "1"), hint(apparmor, "0")):
        assert all(words in said for words in SENTENCE[1:])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_root_stays_root_where_nobody_may_not(tmp_path):
    """As in a container with --privileged, on a machine whose AppArmor lets root alone make user namespaces."""
    passt = tmp_path / "passt"
    passt.write_text(
        '#!/bin/sh\ncase "$*" in *"--runas 0:0"*) exec passt "$@" ;; esac\n'
        "echo 'Failed to detach isolating namespaces: Operation not permitted'; exit 1\n"
    )
    passt.chmod(0o755)

    async def main():
        started = Passt(print, print, str(passt))
        await started.start()
        uid = Path(f"/proc/{started.pid}/status").read_text().partition("Uid:\t")[2].split()[0]
        await started.stop()
        return uid

    assert asyncio.run(main()) == "0"
