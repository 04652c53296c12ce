"""Every line of the fault table: its end within its limit, no hang, no traceback, the same object up again."""

import pytest
from fault_table import play, table
from network import jumps
from playing import SPEED_LIMIT

TABLE = table()


def test_the_table_is_large_enough():
    assert len(TABLE) >= 60
    assert len({str(fault) for fault in TABLE}) == len(TABLE)


@pytest.mark.parametrize("fault", TABLE, ids=str)
def test_fault(vm, internet, fault):
    speed = min(10.0, SPEED_LIMIT)
    played = jumps.run(play(fault, internet, speed=speed, timeout=60 + 900 / speed))
    assert played.result.code == 0, played.result.stderr
    assert "Traceback" not in played.result.stderr, played.result.stderr
    assert "happened" in played.lines, f"the state {fault.at!r} was never entered: {played.lines}"
    ended = played.value("ended")
    if fault.expect == "named":
        assert ended != "late", played.lines
    else:
        assert ended == fault.expect, played.lines
    assert played.took <= fault.limit, played.lines
    assert played.value("again") == "up", played.lines
