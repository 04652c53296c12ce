"""`make check` on the firmware image: on the emulated chip what it can have of a modem, with --port a whole board."""

import asyncio
import contextlib
import os
import sys
import tty

import pytest
from emulator import Emulator
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check.checks import CHECKS, DIFFERS, NOT_TESTABLE, OK
from check.run import Run

# Pins, I2C, the baud rate and the radio end inside QEMU; it wakes from no deep sleep.
NOT_THERE = {
    "power_chip",
    "supply",
    "boot_time",
    "start_words",
    "first_at",
    "short_press",
    "long_press",
    "reset_key",
    "autobaud",
    "sleep_dtr",
    "currents",
    "wifi",
    "deep_sleep",
    "supply_voltage",
    "restarts",
}
# What it has is asked for by name: the longest of it runs with --slow.
WANTED = "firmware identity framing longest_line fast_rate cmux_asked cmux_default cmux_n1 cmux_close dial lcp echo_owner escape resume terminate link tls tls_again soft_reset"


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
    assert {check.name for check in CHECKS} >= {*names, *NOT_THERE}

    async def body(chip):
        # The image has Mozilla's roots, which no server here has: what TLS says of that is asked of it.
        settings = {
            "apn": "internet",
            "host": "telemetry.example",
            "user": "",
            "password": "",
            "pin": "",
            "echo_mb": 0.05,
        }
        with terminal(chip) as port:
            run = Run(port, settings, names)
            await asyncio.to_thread(run.go)
        return run.report

    report = bench(body)
    found = {row["name"]: (row["verdict"], row["seen"]) for row in report.rows}
    print(found)
    assert report.ended == "complete"
    assert list(found) == [check.name for check in CHECKS if check.name in names]
    verdict, seen = found.pop("tls")
    assert verdict == DIFFERS
    assert "host.example" in report.told()["checks"][-3]["seen"] or "certificate" in seen
    assert found.pop("tls_again")[0] in (DIFFERS, NOT_TESTABLE)
    assert {verdict for verdict, _ in found.values()} == {OK}
