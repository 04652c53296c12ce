"""The emulated board's DTR and RTS, as what works with a board moves them; needs neither QEMU nor image."""

import pytest
from emulated_board import Bridge

# esptool's ClassicReset and HardReset; a port that is opened by pyserial; a terminal that lets DTR go
MOVES = {
    "loader": ("d0 r1 d1 r0 d0", [True]),
    "run": ("d0 r1 r0", [False]),
    "both": ("d0 r1 d1 r0 d0 r1 r0", [True, False]),
    "opened": ("d1 r1", []),
    "opened, then let go": ("d1 r1 r0 d0", []),
    "DTR alone": ("d1 d0 d1", []),
}


@pytest.mark.parametrize("name", MOVES)
def test_resets(name):
    moves, expected = MOVES[name]
    resets = []
    bridge = Bridge(resets.append)
    for line, asserted in moves.split():
        setattr(bridge, {"d": "dtr", "r": "rts"}[line], asserted == "1")
    assert resets == expected
