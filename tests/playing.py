"""What playing a script on a board takes, whatever the board: the VM, the emulated chip, a real one."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

from network.journal import Journal
from sim800 import faults
from world import Result, Surroundings

# For a machine that is busy with other work: no script is played faster than this.
SPEED_LIMIT = float(os.environ.get("SIM_SPEED_LIMIT", "inf"))


@dataclass
class Played:
    """What came of a script: how it ended, and the world it ended in."""

    result: Result
    world: Surroundings

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


# Every script has these: do("action name=value other='two words'") makes something happen in the world before it returns;
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


def set_dns(world: Surroundings, delay=0.0, dead=0, wrong=0) -> None:
    """Name servers that answer late, of which so many first ones are dead, that give a wrong address."""
    world.internet.dns_delay = delay
    world.internet.dns = tuple(world.scenario.ppp.dns[int(dead) :])
    names = dict(world.scenario.names)
    world.internet.names = dict.fromkeys(names, "198.51.100.9") if wrong else names


def number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def actor(world: Surroundings) -> Callable[[str], str | None]:
    """Does in `world` what a script's lines "@action name=value" ask for."""

    def act(line: str) -> str | None:
        if not line.startswith("@"):
            return None
        action, *args = shlex.split(line[1:])
        if action == "interrupt":  # Ctrl-C after so many seconds
            world.clock.call_later(float(args[0]), world.interrupt)
            return None
        if action == "later":  # after so many seconds, another action
            world.clock.call_later(float(args[0]), act, "@" + " ".join(args[1:]))
            return "done"
        given = [arg.split("=", 1) for arg in args]
        values = {name: number(value) for name, value in given}
        if action == "air":  # fields of network.air.Air
            world.internet.air = replace(world.internet.air, **values)
        elif action == "dns":
            set_dns(world, **values)
        else:
            world.modem.inject(action, **{k: faults.value(action, k, v) for k, v in given})
        return "done"

    return act
