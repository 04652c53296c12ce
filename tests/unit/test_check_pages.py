"""docs/check.md and the issue template, against what `make check` does."""

import ast
import os
import re
import sys

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check import checks
from check.report import JSON, PAGE
from check.run import _FOUND

TEXT = (ROOT / "docs" / "check.md").read_text()


def test_table_is_complete():
    assert checks.markdown() in TEXT


def test_time_is_as_promised():
    """Ten minutes: the longest of what is not waiting for a limit is written down here, in seconds."""
    assert "ten\nminutes" in TEXT or "ten minutes" in TEXT
    fast = (checks.BOARD / "fast_rate.py").read_text()
    (spent,) = re.findall(r"_SPENT_MS = (\d+)", fast)
    assert f"{int(spent) // 1000} s" in TEXT
    assert int(spent) / 1000 < 300


def test_every_script_has_its_file_and_every_check_its_script():
    files = {path.stem for path in checks.BOARD.glob("*.py")}
    assert files == {*checks.SCRIPTS, "prelude"}
    assert {check.script for check in checks.CHECKS} <= set(checks.SCRIPTS)
    names = [check.name for check in checks.CHECKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", sorted(checks.BOARD.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_are_python(path):
    """As CPython reads them, too; what they print is for the computer alone."""
    tree = ast.parse(path.read_text())
    assert tree.body


def test_template_names_the_files():
    template = (ROOT / ".github" / "ISSUE_TEMPLATE" / "board-report.yml").read_text()
    for name in (JSON, PAGE, "docs/check.md", "make check PORT=… APN=… HOST=…"):
        assert name in template


@pytest.fixture
def program(tmp_path, monkeypatch):
    """on_board.py, whose tools are a script that tells what it was called with."""
    import on_board

    ours, its = os.openpty()
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").write_text(
        '#!/bin/sh\necho "$PYTHONPATH" "$@" >"$(dirname "$0")/called"\nexit 1\n'
    )
    (tools / "python").chmod(0o755)
    monkeypatch.setattr(on_board, "TOOLS", tools)
    monkeypatch.setattr(on_board, "install", lambda: None)
    flashed = []
    monkeypatch.setattr(on_board, "flash", lambda *what: flashed.append(what))

    def program(*words):
        code = on_board.main(["check", "--port", os.ttyname(its), *words])
        called = tools / "called"
        said = called.read_text().replace(os.ttyname(its), "PORT") if called.exists() else ""
        return code, said, len(flashed)

    yield program
    os.close(ours)
    os.close(its)


def test_on_board(program, tmp_path):
    code, said, flashed = program("--apn", "internet", "--host", "example.com")
    assert code == 1, "its own"
    assert said == f"{ROOT}/firmware -m check --port PORT --apn internet --host example.com\n"
    assert not flashed, "what is on the board stays there"
    image = tmp_path / "image.bin"
    image.write_bytes(b"\xe9" + bytes(0x6FFF) + b"\xaa\x50")
    assert program("--apn", "internet", "--flash", "--image", str(image))[2] == 1


def test_on_board_without_apn(program, capsys):
    assert program("--host", "example.com") == (1, "", 0)
    assert capsys.readouterr().err.startswith("check: APN is not given: it is the access point")


def test_errors_of_the_package_are_findings():
    """All of its classes, so that none is taken for a fault of the check."""
    tree = ast.parse((ROOT / "modules" / "ppp_sim800" / "errors.py").read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    assert len(names) > 20
    for name in names:
        if name != "ConfigError":  # something of the call is wrong, not of the board
            assert _FOUND.match(f"{name}: it went wrong"), name
    for name in ("OSError", "ssl.SSLError"):
        assert _FOUND.match(f"{name}: x")
    for name in ("KeyError", "RuntimeError", "NameError", "ConfigError", "MemoryError"):
        assert not _FOUND.match(f"{name}: x")
