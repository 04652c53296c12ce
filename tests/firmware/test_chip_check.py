"""`make check` on the firmware image, on the emulated chip."""

import asyncio
import contextlib
import os
import sys
import tty

import pytest
from emulator import Emulator
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check.checks import CHECKS, DIFFERS, OK
from check.run import Run

# What the emulated chip can have of a modem, and its power chip, which ends inside QEMU: that must be found.
WANTED = "firmware power_chip identity framing cmux_n1 cmux_close link soft_reset"


@contextlib.contextmanager
def terminal(chip: Emulator):
    """The chip's console as a serial port."""
    socket = chip.console._port
    ours, its = os.openpty()
    tty.setraw(its)
    loop = asyncio.get_running_loop()

    def typed():
        socket.sendall(os.read(ours, 4096))

    def said():
        data = socket.recv(4096)
        if data:
            os.write(ours, data)

    socket.setblocking(True)
    loop.add_reader(ours, typed)
    loop.add_reader(socket, said)
    try:
        yield os.ttyname(its)
    finally:
        loop.remove_reader(ours)
        loop.remove_reader(socket)
        os.close(ours)
        os.close(its)


@pytest.mark.slow
def test_check(bench):
    bench.need_simulator()
    names = tuple(WANTED.split())

    async def body(chip):
        settings = {
            "apn": "internet",
            "host": "telemetry.example",
            "user": "",
            "password": "",
            "pin": "",
            "echo_mb": 0.05,
        }
        with terminal(chip) as port:
            run = Run(port, settings, names, patience=5.0)
            await asyncio.to_thread(run.go)
        return run.report

    report = bench(body)
    found = {row["name"]: (row["verdict"], row["seen"]) for row in report.rows}
    print(found)
    assert report.ended == "complete"
    assert list(found) == [check.name for check in CHECKS if check.name in names]
    assert found.pop("power_chip")[0] == DIFFERS
    # How long it takes is the emulating machine's business.
    assert found.pop("soft_reset")[1].startswith("up again after")
    assert {verdict for verdict, _ in found.values()} == {OK}
