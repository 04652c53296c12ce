"""modules/cmux/modcmux.c outside of the VM: with true threads and locks, for which the VM has its GIL; its size."""

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

CONFIG = '-DMP_CONFIGFILE="sim_mpconfig.h"'
INCLUDE = [f"-I{folder}" for folder in FOLDERS]

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not here")


@pytest.fixture(scope="module")
def threads(vm, tmp_path_factory):
    program = tmp_path_factory.mktemp("cmux") / "threads"
    flags = ["-g", "-Wall", "-Wextra", "-fsanitize=thread", "-no-pie", "-pthread"]
    sources = [ROOT / "tests" / "unit" / "cmux_threads.c"]
    sources += [ROOT / "modules" / "cmux" / name for name in ("frame.c", "mux.c")]
    # Nothing of MicroPython is linked but what the test has of its own.
    flags += [CONFIG, "-Wl,--unresolved-symbols=ignore-all"]
    subprocess.run(["gcc", *flags, *INCLUDE, *sources, "-o", program], check=True)

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


def test_code_takes_little(vm, tmp_path):
    """Of all but the port, by this machine's gcc; ci/limits.json bounds what the image has of it."""
    total = 0
    for name in ("frame", "mux", "modcmux"):
        made = tmp_path / f"{name}.o"
        flags = ["-Os", "-DNDEBUG", "-fno-asynchronous-unwind-tables", CONFIG, *INCLUDE]
        source = ROOT / "modules" / "cmux" / f"{name}.c"
        subprocess.run(["gcc", *flags, "-c", source, "-o", made], check=True)
        told = subprocess.run(["size", made], capture_output=True, text=True, check=True).stdout
        text, data, bss, *_ = map(int, told.splitlines()[1].split()[:4])
        assert bss == 0
        total += text + data
    print(f"{total} bytes")
    assert total <= 8192
