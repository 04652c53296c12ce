"""Objects that are dropped without close(): their finalisers only free, in every state (docs/architecture.md).

SIM_ROUNDS=2500 drops so many objects of each family, which is 10,000 in all; `make sanitized` does, with sanitizers.
"""

import os

import pytest
from drops import DROP, DROP_CMUX, DROP_PPP, drop_files

ROUNDS = int(os.environ.get("SIM_ROUNDS", "400"))
# With how many seconds lwIP keeps what it knows of a closed connection.
FAMILIES = {
    "tls": (DROP, 0),
    "socket": (DROP, 250),
    "ppp": (DROP + DROP_PPP, 30),
    "cmux": (DROP + DROP_PPP + DROP_CMUX, 0),
}
# What is freed counts as free at once.
EXACT = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}


@pytest.mark.parametrize("family", FAMILIES)
def test_drop(play, family):
    kinds, seconds = FAMILIES[family]
    names = f"[name for name in kinds if name.startswith({family!r})]"
    played = play(
        kinds + f"run({ROUNDS}, seconds={seconds}, names={names})",
        files=drop_files(),
        env=EXACT,
        speed=100,
        timeout=60 + ROUNDS / 4,
    )
    # What a finaliser raises is printed, and goes no further.
    assert "Error" not in played.result.stdout + played.result.stderr
    assert int(played.value("dropped")) >= ROUNDS
    assert int(played.value("damaged")) == 0
    assert int(played.value("turns")) > 10
    # The smallest of them has some hundred bytes, and each kind was dropped ten times or more.
    assert int(played.value("python")) < 2000
    assert int(played.value("c")) < 2000
    print(family, *played.lines[-5:])
