"""What the emulator says where something is missing, and how it sees a crash; needs neither QEMU nor image."""

import asyncio
import subprocess
import sys

import pytest
from chip import Chip, Console, Panic
from emulator import (
    FLASH_SIZE,
    IMAGE_AT,
    Missing,
    find_image,
    find_qemu,
    flash,
)
from world import ROOT

PANICKED = b"""
Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r
Backtrace: 0x400d1234:0x3ffb1234\r
Rebooting...\r
rst:0xc (SW_CPU_RESET),boot:0x12 (SPI_FAST_FLASH_BOOT)\r
"""


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PATH", "{tmp}", "no qemu-system-xtensa on the PATH"),
        ("QEMU_XTENSA", "{tmp}/none", "which is no program"),
        ("QEMU_XTENSA", "{tmp}/distro", "has no esp32 machine"),
    ],
)
def test_missing_qemu(monkeypatch, tmp_path, variable, value, words):
    program(tmp_path / "distro", "#!/bin/sh\necho 'sim   sim machine (default)'\n")
    monkeypatch.delenv("QEMU_XTENSA", raising=False)
    monkeypatch.delenv("QEMU_MACHINE", raising=False)
    monkeypatch.setenv(variable, value.format(tmp=tmp_path))
    with pytest.raises(Missing, match=words) as caught:
        find_qemu()
    assert "Espressif's" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_image(monkeypatch, tmp_path):
    monkeypatch.setenv("SIM_IMAGE", str(tmp_path / "none.bin"))
    with pytest.raises(Missing, match=r"SIM_IMAGE is .* no such file"):
        find_image()
    monkeypatch.delenv("SIM_IMAGE")
    with pytest.raises(Missing, match="make firmware"):
        find_image(default=ROOT / "build" / "none.bin")
    assert find_image("SIM_IMAGE", None) is None


def test_emulate_without_qemu_says_so(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "demo", "--chip", "emulated", "--out", tmp_path / "out"],
        cwd=ROOT / "simulator",
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT / "simulator")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("there is no qemu-system-xtensa on the PATH")
    assert len(ran.stderr.splitlines()) == 1


def test_flash():
    image = b"\xe9" + bytes(1000)
    contents = flash(image)
    assert len(contents) == FLASH_SIZE
    assert contents[IMAGE_AT : IMAGE_AT + 1001] == image
    assert set(contents[:IMAGE_AT] + contents[IMAGE_AT + 1001 :]) == {0xFF}
    for wrong in (b"", b"\x7fELF", b"\xe9" * FLASH_SIZE):
        with pytest.raises(Missing):
            flash(wrong)


@pytest.mark.parametrize(
    "said",
    [
        PANICKED,
        b"rst:0x10 (RTCWDT_RTC_RESET)\r\n",
        b"abort() was called at PC 0x1\r\nRebooting...\r\n",
    ],
)
def test_crash_is_seen(said, tmp_path):
    log = tmp_path / "log"
    with log.open("wb", buffering=0) as its:
        console = Console(log, its.write)
        its.write(b"all is well\r\n")
        assert console.read(5) == b"all i"
        console.read(console.inWaiting())
        its.write(said)
        with pytest.raises(Panic) as caught:
            console.read(1)
        assert str(caught.value) in said.decode()
        console.close()


def test_chip_that_is_gone_has_said_all(tmp_path):
    (tmp_path / "log").write_bytes(b"no such machine\n")
    console = Console(tmp_path / "log", None, gone=lambda: True)
    assert console.read(16) == b"no such machine\n"
    with pytest.raises(ConnectionError):
        console.read(1)
    console.close()


def test_chip_that_is_silent_times_out(tmp_path):
    (tmp_path / "log").touch()
    chip = Chip()
    chip.attach(Console(tmp_path / "log", len))
    with pytest.raises(TimeoutError, match=r"not done within 0\.3 s"):
        asyncio.run(chip.run("print(1)", timeout=0.3))
    chip.console.close()
