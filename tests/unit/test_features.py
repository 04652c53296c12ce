"""docs/features.toml: every row proven by tests that exist, or said to be missing; no row lost on the way."""

import ast
import subprocess
import sys
import tomllib

import pytest
from world import ROOT

ROWS = tomllib.loads((ROOT / "docs" / "features.toml").read_text())["row"]

# What other drivers, firmwares and libraries for such modems have: none of it may be passed over in silence.
COMPARED = """
power-on|power chip|baud rate|pin|network scan|operator|signal|registration|imei|firmware revision|ppp up|pap and
chap|heals|dead link|+++|multiplexer|left in data mode|own http|certificate checked|time|short messages|ussd|calls|
location|battery|sleep|power off|ftp|mqtt|asynchronous|several sockets|events|over the air|trace|without hardware|
prebuilt|one object|asyncio and mqtt|byte counters|simulated sim800|duty cycle|wi-fi
"""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_row_is_proven_or_says_why_not(row):
    assert set(row) <= {"name", "here", "tests", "missing"}
    assert row.get("tests") or row.get("missing")
    assert row.get("here") or row.get("missing")
    for test in row.get("tests", []):
        file, function = test.split("::")
        tree = ast.parse((ROOT / "tests" / file).read_text())
        assert function in [
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ], test


@pytest.mark.parametrize("word", [word.strip() for word in COMPARED.replace("\n", " ").split("|")])
def test_nothing_is_passed_over(word):
    assert [row for row in ROWS if word in row["name"].lower()], word


def test_page_is_up_to_date():
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, ROOT / "ci" / "features.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
