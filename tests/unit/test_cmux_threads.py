"""modules/cmux/modcmux.c with true threads and locks, under ThreadSanitizer; the VM's GIL stands in for both."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MICROPYTHON = ROOT / "build" / "src" / "micropython"
FOLDERS = (
    ROOT,
    ROOT / "modules" / "cmux",
    MICROPYTHON,
    MICROPYTHON / "ports" / "unix",
    ROOT / "build" / "vm",
    ROOT / "simulator" / "vm",
    ROOT / "simulator" / "vm" / "variant",
)

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not here")


@pytest.fixture(scope="module")
def threads(vm, tmp_path_factory):
    program = tmp_path_factory.mktemp("cmux") / "threads"
    flags = ["-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=thread", "-no-pie", "-pthread"]
    flags += [f"-I{folder}" for folder in FOLDERS]
    sources = [ROOT / "tests" / "unit" / "cmux_threads.c"]
    sources += [ROOT / "modules" / "cmux" / name for name in ("frame.c", "mux.c")]
    # Nothing of MicroPython is linked but what the test has of its own.
    flags += ['-DMP_CONFIGFILE="sim_mpconfig.h"', "-Wl,--unresolved-symbols=ignore-all"]
    subprocess.run(["gcc", *flags, *sources, "-o", program], check=True)

    def threads(*args):
        done = subprocess.run(
            [program, *args], capture_output=True, text=True, timeout=120, check=False
        )
        if "unexpected memory mapping" in done.stderr:
            pytest.skip("ThreadSanitizer does not run on this kernel")
        assert not done.returncode, done.stderr

    return threads


def test_the_handler_is_called_for_each_frame(threads):
    """Also where the other core has run it before mp_sched_schedule() returns."""
    threads("handler")


def test_all_arrives_in_order_from_all_threads(threads):
    """Both ways on two DLCIs, with flow control, while the native user comes and goes."""
    threads("data", "1000")
