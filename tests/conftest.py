"""Fixtures for all tests: the VM, the servers, and a world to play scripts in."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from network.journal import Journal
from sim800.scenario import Scenario
from stand_in import Internet
from world import ROOT, VM, Result, World


@pytest.fixture(scope="session")
def vm() -> Path:
    if not VM.exists():
        pytest.skip(f"{VM.relative_to(ROOT)} is not built: run `make vm`")
    return VM


@pytest.fixture(scope="session")
def internet():
    with Internet() as internet:
        yield internet


@dataclass
class Played:
    """What came of a script: how it ended, and the world it ended in."""

    result: Result
    world: World

    @property
    def journal(self) -> Journal:
        return self.world.journal

    @property
    def lines(self) -> list[str]:
        return self.result.lines

    def value(self, key: str) -> str:
        """What the script printed behind `key=`."""
        for line in self.lines:
            if line.startswith(key + "="):
                return line[len(key) + 1 :]
        raise AssertionError(f"the script did not print {key}=\n{self.result}")


# Every script has these: do("action name=value") makes something happen in the world before it returns;
# timed(call) tells the error a call ended with, and how long it took.
PRELUDE = """\
import ppp_sim800, time

def do(action):
    print("@" + action)
    input()

def timed(name, call, *args, **kwargs):
    start = time.ticks_ms()
    try:
        call(*args, **kwargs)
        ended = "ok"
    except ppp_sim800.SIM800Error as error:
        ended = type(error).__name__ + ": " + str(error)
    print(name + "=" + ended)
    print(name + "_ms=" + str(time.ticks_diff(time.ticks_ms(), start)))

"""


@pytest.fixture
def play(vm, internet, tmp_path):
    """Plays a script on a T-Call: play(script, speed=…, env=…, pcap=…, **fields of the Scenario)."""

    def play(script: str, *, speed=10.0, timeout=60.0, env=None, pcap=None, **scenario) -> Played:
        names = {**internet.names, **scenario.pop("names", {})}
        (tmp_path / "root.der").write_bytes(internet.root.read_bytes())

        async def go():
            world = World(
                Scenario(names=names, routes=internet.routes, **scenario),
                speed=speed,
                env=env,
                pcap=pcap,
            )
            async with world:

                def act(line: str) -> str | None:
                    if not line.startswith("@"):
                        return None
                    action, *args = line[1:].split()
                    if action == "interrupt":  # Ctrl-C after so many seconds
                        world.clock.call_later(float(args[0]), world.interrupt)
                        return None
                    world.modem.inject(
                        action, **{k: float(v) for k, v in (a.split("=") for a in args)}
                    )
                    return "done"

                result = await world.run(
                    PRELUDE + script, timeout=timeout, cwd=tmp_path, on_line=act
                )
            assert result.code == 0, f"{result.stdout}\n{result.stderr}"
            return Played(result, world)

        return asyncio.run(go())

    return play
