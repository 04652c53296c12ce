"""A random mix of faults: the link carries nearly all of the time it can, what has to hold beside it does, memory does not
go away."""

import pytest
from mix import mix
from network import jumps
from playing import SPEED_LIMIT


def check(came, uptime, counted):
    assert came.code == 0, came.stderr
    assert came.stderr == ""
    assert came.uptime >= uptime, came.lines
    assert len(came.costs) > 1
    # Of that a line of output takes some, at this speed.
    assert came.clock < 10, [line for line in came.lines if line.startswith("clock=")]
    sent, told = came.messages
    assert sent - 1 <= told <= sent  # the last one may have been too late
    tried, done = came.uploads
    assert done >= tried * uptime - 1, [line for line in came.lines if line.startswith("upload=")]
    # A reset loses what the last minute carried.
    assert abs(came.counted - 1) < counted


def test_half_an_hour(vm, internet):
    """A fault every three minutes, where two hours are hard enough: so more of the time is spent mending."""
    speed = min(20.0, SPEED_LIMIT * 2)
    check(jumps.run(mix(internet, seconds=1800, gap=180, speed=speed)), 0.6, 0.05)


@pytest.mark.slow
def test_72_hours(vm, internet, request):
    if not request.config.getoption("--slow"):
        pytest.skip("takes half an hour: pytest --slow runs it, `make soak` too")
    came = jumps.run(mix(internet, seconds=72 * 3600, gap=7200, speed=min(40.0, SPEED_LIMIT * 8)))
    check(came, 0.995, 0.01)
    assert abs(came.free[-1] - came.free[0]) <= came.free[0] // 100
