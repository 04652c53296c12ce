"""The way to a board, by esptool and its resets, at one that is emulated (simulator/emulated_board.py)."""

import os
import signal
import subprocess
import sys

import pytest
from world import ROOT

TESTS = (
    "tests/firmware/test_chip_footprint.py",
    "tests/firmware/test_faults.py::test_status_has_names",
)


@pytest.mark.slow
def test_is_written_reset_and_tested(image, _services, tmp_path):
    if "qemu" not in _services:
        pytest.skip("needs QEMU")
    patience = tmp_path / "esptool.cfg"  # on a machine that is busy
    patience.write_text("[esptool]\ntimeout = 30\nmd5_timeout_per_mb = 60\n")
    env = {
        **os.environ,
        "SIM_IMAGE": str(image),
        "ESPTOOL_STUB_VERSION": "1",
        "ESPTOOL_CFGFILE": str(patience),
    }
    board = subprocess.Popen(
        [sys.executable, "-m", "emulated_board"],
        cwd=ROOT / "simulator",
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        port = ["--embedded-services", "esp,serial", "--port", board.stdout.readline().strip()]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *port, *TESTS],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
    finally:
        board.send_signal(signal.SIGINT)
        board.wait()
    assert "2 passed" in done.stdout, done.stdout
