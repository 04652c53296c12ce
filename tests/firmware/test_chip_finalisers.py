"""Objects that are dropped without close(), on the chip: 1,000 of them, while threads allocate (docs/architecture.md)."""

import pytest
from drops import DROP, DROP_CMUX, drop_files

FILES = "".join(
    f"with open({name!r}, 'wb') as file:\n    file.write({data!r})\n"
    for name, data in drop_files().items()
)
# lwIP's thread is made.
NETWORK = (
    "import machine, network\nnetwork.PPP(machine.UART(2, 115200, tx=32, rx=33)).active(True)\n"
)
UNDONE = [
    "tls_new",
    "tls_waits",
    "tls_output_held",
    "tls_output_held_stream_raises",
    "tls_close_raises",
    "tls_refused",
]


@pytest.mark.parametrize(
    ("count", "names", "lasting"),
    [
        pytest.param(300, UNDONE, 2000, id="tls"),
        pytest.param(60, "[n for n in kinds if n.startswith('tls')]", 2000, id="handshakes"),
        # Of its 16 connections TCP keeps those that have ended until it needs them.
        pytest.param(500, "[n for n in kinds if n.startswith('socket')]", 6000, id="sockets"),
        pytest.param(140, "[n for n in kinds if n.startswith('cmux')]", 2000, id="multiplexers"),
    ],
)
def test_drop(play, count, names, lasting):
    played = play(
        FILES + NETWORK + DROP + DROP_CMUX + f"run({count}, threads=2, seconds=3, names={names})",
        timeout=300,
    )
    assert "Error" not in played.result.stdout
    assert int(played.value("dropped")) >= count
    assert int(played.value("damaged")) == 0
    assert int(played.value("turns")) > 10
    assert int(played.value("python")) < 2000
    assert int(played.value("c")) < lasting
