"""What playing a script on a board takes, whatever the board: the VM, the emulated chip, a real one."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from network.journal import Journal
from sim800.surroundings import Surroundings
from world import Result

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


# Every script has these: do("WORD name=value other='two words'") makes a fault happen in the world before it returns;
# timed(call) tells the error a call ended with, and how long it took.
PRELUDE = """\
import ppp_sim800, time

def do(word):
    print("@" + word)
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


def actor(world: Surroundings) -> Callable[[str], str | None]:
    """Does in `world` what a script's lines "@WORD name=value" ask for (simulator/faults.py)."""

    def act(line: str) -> str | None:
        if not line.startswith("@"):
            return None
        world.modem.injector.obey(line[1:])
        return None if line.startswith("@interrupt") else "done"  # that is not asked for by do()

    return act
