"""Random sequences of everything that can be done with a link, checked after each step (tests/model.py).

`make model STEPS=100000` plays more of them, SEED=n the same again. A sequence that failed goes to EXAMPLES.
"""

import asyncio

import pytest
from hypothesis import given
from model import Sequence, confirmed, search, sensible, sequences
from playing import SPEED_LIMIT

SHARDS = 4
STEPS = 2000

# What was found: (what was wrong, the sequence).
EXAMPLES: list[tuple[str, Sequence]] = []


@pytest.mark.parametrize("sequence", [e[1] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_found(vm, internet, sequence):
    game = asyncio.run(confirmed(sequence, internet, speed=min(20.0, SPEED_LIMIT * 2)))
    assert not game.wrong, game.told


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sequences(vm, internet, shard):
    came = asyncio.run(search(internet, seed=shard, steps=STEPS // SHARDS))
    assert not came.found, f"seed {shard}\n{came}"
    assert came.steps >= STEPS // SHARDS


@given(sequences)
def test_any_list_of_steps_makes_sense(sequence):
    loop = thread = False
    for step in sensible(sequence):
        if step[0] == "run":
            assert not loop
            loop = True
        elif step[0] == "end" or (step[0] == "interrupted" and loop):
            assert loop
            loop = False
        elif step[0] in ("task", "cancel", "timeout"):
            assert loop
        elif step[0] == "thread":
            assert not loop
            assert not thread
            thread = True
        elif step == ("join", "thread"):
            assert thread
            thread = False
    assert not loop
    assert not thread
