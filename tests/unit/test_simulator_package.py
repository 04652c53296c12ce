"""`pip install ./simulator`: a program and a typed package of its own, without the repository."""

import json
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from world import ROOT

TYPES = ROOT / "build" / "venv-types"
HERE = sysconfig.get_paths()["purelib"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """The bin of a new environment with the simulator in it; no index is asked."""
    hatchling = next(TYPES.glob("lib/python3*/site-packages/hatchling"), None)
    if hatchling is None:
        pytest.skip("build/venv-types is not there: run `make test`")
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    packages = next((folder / "venv").glob("lib/python3*/site-packages"))
    # what it depends on, and what builds it, are where they are
    (packages / "others.pth").write_text(f"{HERE}\n{hatchling.parent}\n")
    source = folder / "simulator"
    shutil.copytree(ROOT / "simulator", source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [folder / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--no-deps", source], check=True)
    shutil.rmtree(source)
    return folder / "venv" / "bin"


def run(*args, cwd):
    environment = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(
        args, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_help(fresh, tmp_path):
    result = run(fresh / "sim800", "--help", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("usage: sim800 ")
    assert "cmux_lose_sabm" in result.stdout


def test_it_answers(fresh, tmp_path):
    serial = pytest.importorskip("serial")
    with subprocess.Popen(
        [fresh / "sim800", "--start", "command", "--baud", "115200"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            with serial.Serial(program.stdout.readline().strip(), 115200, timeout=20) as port:
                port.write(b"ATI\r")
                assert port.read_until(b"OK\r\n").endswith(b"\r\nSIM800 R14.18\r\n\r\nOK\r\n")
        finally:
            program.terminate()


def test_it_is_typed_and_whole(fresh, tmp_path):
    script = """
import json, sim800, network, sim800.replay, sim800.scenario
from pathlib import Path
print(json.dumps({p.__name__: [str(Path(p.__file__).parent), Path(p.__file__).with_name("py.typed").exists()]
                  for p in (sim800, network)}))
records = [{"sent": "AT+CREG?"}, {"received": "+CREG: 0,1"}, {"received": "OK"}]
assert sim800.replay.replay(records, sim800.scenario.Scenario(sim800.scenario.Modem(start="command"))) == []
"""
    result = run(fresh / "python", "-c", script, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for folder, typed in json.loads(result.stdout).values():
        assert typed
        assert Path(folder).is_relative_to(fresh.parent)


def test_it_has_the_projects_version():
    of = [
        tomllib.loads((ROOT / name).read_text())["project"]
        for name in ("pyproject.toml", "simulator/pyproject.toml")
    ]
    assert of[0]["version"] == of[1]["version"]
