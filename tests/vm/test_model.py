"""Random sequences of everything that can be done with a link, checked after each step (tests/model.py).

`make model STEPS=100000` plays more of them; SEED=n others. A sequence that failed goes to EXAMPLES, with what was wrong.
"""

import os
from itertools import chain, product

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from model import BLOCKS, HAPPENINGS, LINK, NAMES, ROLES, Sequence, check, sensible

SHARDS = 8
STEPS = int(os.environ.get("MODEL_STEPS", "2000"))
SEED = int(os.environ.get("MODEL_SEED", "0"))
PIECES = 6  # of a sequence at most, each of up to so many steps
PIECE = 9
MEAN = 16  # steps of a sequence that are played, as a rule

CALLS = [*(call for call in LINK if call != "keep_up"), *ROLES, *BLOCKS, "events"]
OF_TASKS = [*CALLS, "keep_up", "keep_up", "kept_up@2000", "kept_up@2000", "poll", "poll"]
STARTS = ("command", "off", "data", "cmux")
TIMES = (20, 100, 300, 1000, 2500, 6000)


def some(what, *choices):
    return tuple((what, *choice) for choice in product(*choices))


def weighted(kinds):
    """A step of one of the kinds, each of which comes as often as its number says."""
    pool = [steps for number, steps in kinds for _ in range(number)]
    return st.sampled_from(pool).flatmap(st.sampled_from)


NEWS = [name for name, happening in HAPPENINGS.items() if happening[3] == "news"]
BLOWS = [name for name in HAPPENINGS if name not in NEWS]
ANYWHERE = (
    (2, some("wait", TIMES)),
    (3, some("call", ["connect", "disconnect", "ensure"])),
    (4, some("call", CALLS)),
    (1, some("do", NEWS)),
    (1, some("do", BLOWS)),
    (1, (("mend",),)),
)
outside = weighted(
    (
        *ANYWHERE,
        (2, some("thread", CALLS)),
        (1, (("join", "thread"),)),
        (2, some("interrupted", CALLS, TIMES)),
        (1, some("new", ["aio", "blocking"], [True, False])),
    )
)
in_loop = weighted(
    (
        *ANYWHERE,
        (6, some("task", NAMES, OF_TASKS)),
        (3, some("cancel", NAMES)),
        (2, some("join", NAMES)),
        (1, some("timeout", CALLS, TIMES)),
        (1, some("new", ["aio"], [True, False])),
    )
)
ends = st.tuples(st.just("end"), st.sampled_from(["return", "raise", "Ctrl-C"]), st.booleans())
pieces = st.one_of(
    st.lists(outside, min_size=1, max_size=PIECE),
    st.builds(
        lambda inner, end: [("run",), *inner, end],
        st.lists(in_loop, min_size=1, max_size=PIECE),
        ends,
    ),
)
sequences = st.builds(
    lambda face, multiplex, start, pieces: Sequence(face, multiplex, start, tuple(chain(*pieces))),
    st.sampled_from(["aio", "aio", "blocking"]),
    st.booleans(),
    st.sampled_from(STARTS),
    st.lists(pieces, min_size=1, max_size=PIECES),
)

# What was found: (what was wrong, the sequence).
EXAMPLES: list[tuple[str, Sequence]] = []


@pytest.mark.parametrize("sequence", [e[1] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_found(vm, internet, sequence):
    check(sequence, internet)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sequences(vm, internet, shard):
    played = 0

    @seed(SEED * SHARDS + shard)
    @settings(
        max_examples=max(1, STEPS // SHARDS // MEAN),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(sequences)
    def one(sequence):
        nonlocal played
        played += check(sequence, internet).played

    one()
    print(f"seed {SEED * SHARDS + shard}: {played} steps")


def test_any_list_of_steps_makes_sense():
    """The simulator's side checks what is played: so it must be what can be."""

    @given(sequences)
    def one(sequence):
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

    one()
