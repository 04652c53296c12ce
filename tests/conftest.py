"""Fixtures for all tests: the VM, the servers, and a world to play scripts in."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import settings
from network import jumps
from playing import PRELUDE, SPEED_LIMIT, Played, actor
from sim800 import manual
from sim800.scenario import Scenario
from stand_in import Internet
from world import ROOT, VM, World

# A busy machine is no fault. Chance looks for new ones where somebody is there to read about them.
settings.register_profile("tests", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tests")


def pytest_addoption(parser):
    group = parser.getgroup("tests/firmware")
    group.addoption("--apn", default="internet", help="access point of a board's SIM")
    group.addoption(
        "--host", help="a web server (HTTP, port 80) that a board's tests may ask for /"
    )
    group.addoption("--slow", action="store_true", help="the tests that take minutes, too")


@pytest.fixture(autouse=True)
def nothing_that_is_not_modelled(request):
    """A test proves nothing of a command that the simulated modem refuses, and real ones do not."""
    manual.asked.clear()
    yield
    if not request.node.get_closest_marker("not_modelled"):
        assert not manual.asked, f"not modelled, see sim800/manual.py: {sorted(manual.asked)}"


@pytest.fixture(scope="session")
def vm() -> Path:
    if not VM.exists():
        pytest.skip(f"{VM.relative_to(ROOT)} is not built: run `make vm`")
    return VM


@pytest.fixture(scope="session")
def internet():
    with Internet() as internet:
        yield internet


# A test that fails is played once more (`make test`), so slowly that a machine which was busy for a moment is no reason.
# What passes only then is in the summary, as "rerun".
AGAIN = 3.0


@pytest.fixture
def play(vm, internet, request):
    """Plays a script on a T-Call: play(script, speed=…, env=…, pcap=…, **fields of the Scenario).

    files: what else is on the board, {name: bytes}. watch: gets each line that is printed, and the world.

    Time jumps to where something happens (simulator/network/jumps.py), but where the test is marked with `real_time`.

    tests/firmware has one of its own, that plays it on the firmware image.
    """

    def play(
        script: str,
        *,
        speed=10.0,
        timeout=60.0,
        env=None,
        pcap=None,
        files=None,
        watch=None,
        **scenario,
    ) -> Played:
        again = getattr(request.node, "execution_count", 1) > 1
        run = asyncio.run if request.node.get_closest_marker("real_time") else jumps.run
        names = {**internet.names, **scenario.pop("names", {})}

        async def go():
            world = World(
                Scenario(names=names, routes=internet.routes, **scenario),
                speed=min(speed, SPEED_LIMIT, AGAIN if again else speed),
                env=env,
                pcap=pcap,
            )
            async with world:
                for name, data in {
                    "root.der": internet.root.read_bytes(),
                    **(files or {}),
                }.items():
                    await world.put(name, data)
                act = actor(world)

                def on_line(line):
                    if watch:
                        watch(line, world)
                    return act(line)

                result = await world.run(PRELUDE + script, timeout=timeout, on_line=on_line)
            assert result.code == 0, f"{result.stdout}\n{result.stderr}"
            return Played(result, world)

        return run(go())

    return play
