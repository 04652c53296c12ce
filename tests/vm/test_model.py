"""Random sequences of everything that can be done with a link, checked after each step (tests/model.py).

`make model STEPS=100000` plays more of them, SEED=n the same again. A sequence that failed goes to EXAMPLES.
"""

import pytest
from faults import WORDS
from hypothesis import given
from model import HAPPENINGS, Sequence, confirmed, search, sensible, sequences
from network import jumps
from playing import SPEED_LIMIT

SHARDS = 4
STEPS = 2000

# What was found, and what is told of others' links: (what was wrong, the sequence).
EXAMPLES: list[tuple[str, Sequence]] = [
    (
        "switched on by the modem's role, status() off",
        Sequence("blocking", True, "command", (("call", "on"), ("call", "off"))),
    ),
    (
        "an object that nobody uses keeps the modem",
        Sequence(
            "blocking",
            True,
            "off",
            (("call", "connect"), ("new", "aio", False), ("call", "connect")),
        ),
    ),
    (
        "a call waits for itself",
        Sequence("aio", True, "command", (("call", "connect"), ("call", "within command_mode"))),
    ),
    (
        "a loop ends, and its tasks go on booting",
        Sequence("aio", True, "cmux", (("task", "b", "kept_up@2000"), ("end", "return", True))),
    ),
    (
        "main() dies while a task searches",
        Sequence(
            "aio",
            True,
            "off",
            (
                ("task", "a", "keep_up"),
                ("wait", 6000),
                ("end", "raise", True),
                ("call", "ensure"),
            ),
        ),
    ),
    (
        "Ctrl-C in kept_up(), the same loop",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("task", "a", "kept_up@6000"),
                ("wait", 6000),
                ("end", "Ctrl-C", False),
                ("call", "disconnect"),
                ("new", "blocking", True),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "Ctrl-C in scan()",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("call", "connect"),
                ("interrupted", "scan", 2500),
                ("call", "signal"),
                ("call", "disconnect"),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "commands beside a dial, in turns",
        Sequence(
            "aio",
            False,
            "command",
            (
                ("call", "active(True)"),
                ("task", "a", "poll"),
                ("wait", 300),
                ("call", "connect"),
                ("call", "command_mode@1500"),
                ("join", "a"),
                ("call", "disconnect"),
            ),
        ),
    ),
    (
        "reset() beside command_mode()",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("call", "connect"),
                ("task", "a", "command_mode@1500"),
                ("call", "reset"),
                ("join", "a"),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "off() in command_mode()",
        Sequence(
            "blocking", True, "command", (("call", "connect"), ("call", "off in command_mode"))
        ),
    ),
    (
        "reset() is cancelled",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("call", "connect"),
                ("call", "disconnect"),
                ("timeout", "reset", 1000),
                ("call", "disconnect"),
                ("call", "info"),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "a cancel while kept_up() is left",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("task", "a", "kept_up@2500"),
                ("wait", 6000),
                ("do", "no carrier"),
                ("wait", 1000),
                ("cancel", "a"),
                ("join", "a"),
            ),
        ),
    ),
    (
        "disconnect() during connect()",
        Sequence(
            "aio",
            True,
            "command",
            (("task", "a", "connect"), ("wait", 1000), ("call", "disconnect"), ("join", "a")),
        ),
    ),
    (
        "a prompt that nobody answers",
        Sequence(
            "blocking",
            True,
            "command",
            (("call", "connect"), ("call", "prompt"), ("call", "signal"), ("call", "sms send")),
        ),
    ),
    (
        "a modem that was left multiplexing is not looked for",
        Sequence(
            "aio",
            False,
            "cmux",
            (
                ("task", "a", "active(True)"),
                ("task", "b", "within command_mode"),
                ("cancel", "a"),
                ("join", "b"),
            ),
        ),
    ),
    (
        "a disconnect() that waited is gone, and connect() gives way to it for ever",
        Sequence(
            "aio",
            True,
            "command",
            (
                ("call", "active(True)"),
                ("task", "a", "command_mode@1500"),
                ("wait", 300),
                ("task", "b", "disconnect"),
                ("wait", 300),
                ("end", "Ctrl-C", True),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "reset() of a modem that was left in data mode writes to its PPP",
        Sequence(
            "aio",
            True,
            "data",
            (
                ("task", "a", "active(True)"),
                ("task", "b", "reset"),
                ("cancel", "a"),
                ("call", "connect"),
            ),
        ),
    ),
    (
        "on, though nobody knows what the line carries",
        Sequence(
            "aio",
            False,
            "data",
            (
                ("call", "disconnect"),
                ("call", "at"),
                ("run",),
                ("task", "b", "reset"),
                ("end", "Ctrl-C", True),
                ("run",),
            ),
        ),
    ),
    (
        "what a loop has left goes on in the next asyncio.run()",
        Sequence(
            "aio",
            True,
            "off",
            (
                ("run",),
                ("task", "a", "kept_up@2000"),
                ("do", "weak signal"),
                ("do", "no data"),
                ("end", "return", False),
                ("interrupted", "command_mode@0", 1000),
                ("new", "aio", False),
                ("call", "command_mode@1500"),
                ("wait", 100),
                ("mend",),
                ("interrupted", "command_mode@0", 300),
            ),
        ),
    ),
    (
        "command_mode() that was left alone suspends the link, and connect() resumes it",
        Sequence(
            "aio",
            False,
            "command",
            (
                ("call", "connect"),
                ("interrupted", "command_mode@1500", 2500),
                ("fresh",),
                ("call", "connect"),
            ),
        ),
    ),
]


@pytest.mark.parametrize("sequence", [e[1] for e in EXAMPLES], ids=[e[0] for e in EXAMPLES])
def test_found(vm, internet, sequence):
    game = jumps.run(confirmed(sequence, internet, speed=min(20.0, SPEED_LIMIT * 2)))
    if game.wrong:
        pytest.fail(game.told, pytrace=False)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sequences(vm, internet, shard):
    came = jumps.run(search(internet, seed=shard, steps=STEPS // SHARDS))
    if came.found:
        pytest.fail(f"seed {shard}\n{came}", pytrace=False)
    assert came.steps >= STEPS // SHARDS


def test_what_happens_is_in_the_simulators_vocabulary():
    for actions, mend, *_ in HAPPENINGS.values():
        for action in (*actions, *mend):
            WORDS.read(action)


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
