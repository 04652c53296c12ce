"""docs/stopwatch.md: from the box to the first upload, as written there, with the real mpremote."""

import asyncio
import json
import os
import re
import subprocess
import time

import pytest
from network.air import PROFILES
from playing import SPEED_LIMIT
from real_servers import HTTPS_HOST
from sim800.scenario import Scenario
from stand_in import CERTIFICATES
from test_console import MPREMOTE
from world import ROOT, World

PAGE = (ROOT / "docs" / "stopwatch.md").read_text()
STEPS = re.findall(r"^\| (\d+) \| (.*) \| (\d+):(\d\d) \| (.*) \|$", PAGE, re.MULTILINE)
LIMITS = {int(number): int(m) * 60 + int(s) for number, _, m, s, _ in STEPS}
TRIED = {
    int(number): re.search("`mpremote ([^`]*)`", what)[1].split()
    for number, what, _, _, how in STEPS
    if how.startswith("tried")
}
SPEED = min(10.0, SPEED_LIMIT)


def test_ten_minutes_at_most():
    assert list(LIMITS) == list(range(1, len(LIMITS) + 1))
    total = sum(LIMITS.values())
    assert total <= 600
    assert f"**{total // 60}:{total % 60:02} minutes**" in PAGE
    assert list(TRIED) == [8, 9, 10]


def test_writing_the_image():
    """Step 6: the largest image that is allowed, uncompressed, at the rate written there."""
    application = json.loads((ROOT / "ci" / "limits.json").read_text())["TCALL_SIM800"][
        "application"
    ]
    size = application + 0x10000 - 0x1000
    baud = int(re.search(r"--baud (\d+) write-flash", PAGE)[1])
    assert f"{size:,} bytes at most" in PAGE
    assert size * 10 / baud < LIMITS[6]
    assert f"they take {size * 10 / baud:.0f} s" in PAGE


def test_flashing_is_the_same_in_get_started():
    start = (ROOT / "docs" / "start.md").read_text()
    commands = re.findall(r"`(esptool [^`]*)`", PAGE)
    assert len(commands) == 2
    for command in commands:
        assert f"\n{command}\n" in start


def test_virtual_environment(tmp_path):
    """Step 3, but for what comes from the net: its pip is the environment's own, so no system forbids it."""
    (command,) = re.findall(r"`(python3 -m venv [^`]*)`", PAGE)
    *local, install = command.split(" && ")
    assert install == "pip install esptool mpremote"
    script = " && ".join([*local, "command -v pip && pip --version"])
    began = time.monotonic()
    done = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    took = time.monotonic() - began
    print(round(took, 1))
    assert took < LIMITS[3]
    assert done.stdout.splitlines()[0] == str(tmp_path / "tcall" / "bin" / "pip")
    for page in ("start.md", "stopwatch.md"):
        text = (ROOT / "docs" / page).read_text()
        assert all(line.partition("#")[0].strip() in text for line in local), page


@pytest.mark.usefixtures("vm")
def test_step_by_step(internet, nginx, tmp_path):
    text = re.search("```python\n(.*?)```", PAGE, re.DOTALL)[1]
    assert "https://api.example/hive" in text
    text = text.replace("https://api.example/hive", f"https://{HTTPS_HOST}/post")
    (tmp_path / "main.py").write_text(text)
    names, routes = internet.names, internet.routes

    async def go():
        scenario = Scenario(names=names, routes=routes, air=PROFILES["gprs"])
        env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
        async with World(scenario, speed=SPEED, env=env) as world:
            port = await world.console()
            return {
                step: await run_step([port if part == "/dev/ttyUSB0" else part for part in words])
                for step, words in TRIED.items()
            }

    async def run_step(words) -> float:
        # Its terminal: `mpremote repl` wants one, and ends with Ctrl-].
        ours, terminal = os.openpty()
        began, said = time.monotonic(), b""
        process = await asyncio.create_subprocess_exec(
            MPREMOTE, *words, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        try:
            async with asyncio.timeout(60):
                if words[-1] == "repl":
                    while b"200\r\n" not in said:
                        said += await asyncio.to_thread(os.read, ours, 1000)
                        assert b"Error" not in said, said
                    took = (time.monotonic() - began) * SPEED
                    os.write(ours, b"\x1d")
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                process.kill()
            os.close(ours)
        return took if words[-1] == "repl" else time.monotonic() - began

    took = asyncio.run(go())
    print({step: round(seconds, 1) for step, seconds in took.items()})
    for step, seconds in took.items():
        assert seconds <= LIMITS[step], (step, seconds)
    assert [json.loads(body) for body in nginx.bodies("/post")] == [{"weight": 42.5}]
