"""The simulated board's serial console, with mpremote, and as somebody types at it."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
import serial
from sim800.scenario import Scenario
from world import World

MPREMOTE = Path(sys.executable).with_name("mpremote")


@pytest.fixture
def console(vm):
    """Runs talk(port, world) in a thread, while the board is on. `files`: the folder that is its file system."""

    def console(talk, files=None):
        async def go():
            async with World(Scenario()) as world:
                return await asyncio.to_thread(talk, await world.console(files), world)

        return asyncio.run(go())

    return console


@pytest.fixture
def mpremote(console, tmp_path):
    """Runs some mpremote commands one after the other on one board; what each printed.

    A Path among them waits until the board has written that file.
    """
    files = tmp_path / "board"
    files.mkdir()

    async def one(port, words):
        process = await asyncio.create_subprocess_exec(
            MPREMOTE,
            *("connect", port, *words),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(30):
            said = (await process.stdout.read()).decode()
            assert await process.wait() == 0, said
        return said

    async def written(path):
        async with asyncio.timeout(30):
            while not (files / path).exists():
                await asyncio.sleep(0.02)

    def step(port, command):
        return asyncio.run(written(command) if isinstance(command, Path) else one(port, command))

    def mpremote(*commands):
        return console(lambda port, _: [step(port, command) for command in commands], files)

    return mpremote


def test_mpremote(mpremote, tmp_path):
    text = 'text = """ä\n\tb"""\n' + "# filler\n" * 500
    (tmp_path / "module.py").write_text(text)
    (tmp_path / "main.py").write_text("import module\nopen('ran', 'w').close()\n")
    said = mpremote(
        ("cp", "module.py", "main.py", ":"),
        ("cat", ":module.py"),
        ("exec", "import os; print(os.listdir(), os.getcwd())"),
        ("exec", "import machine; print(machine.reset_cause() == machine.SOFT_RESET)"),
        ("reset",),
        Path("ran"),  # mpremote's Ctrl-C would stop main.py before its end
        ("resume", "exec", "print(repr(module.text))"),  # main.py's, as it was left
        ("exec", "import machine; print(machine.reset_cause() == machine.SOFT_RESET)"),
        ("mkdir", ":lib"),
        ("ls",),
    )
    assert said[1].replace("\r", "") == text
    assert "main.py" in said[2] and said[2].endswith("] /\r\n")
    assert said[3] == "True\r\n"
    assert said[6] == "'\\xe4\\n\\tb'\r\n"
    assert said[7] == "True\r\n"
    assert "lib/" in said[9] and "main.py" in said[9]


def test_typed(console):
    def talk(port, world):
        with serial.Serial(port, 115200, timeout=5) as line:

            def tell(typed, end=b">>> "):
                line.write(typed)
                return line.read_until(end)

            # What was there before the port was opened is lost, the banner perhaps.
            tell(b"'begin' + 'ning'\r", b"'beginning'\r\n>>> ")
            assert tell(b"6 * 7\r") == b"6 * 7\r\n42\r\n>>> "
            # A Ctrl-C before the loop runs is a character typed.
            assert b"... \r\n1\r\n" in tell(b"while True: print(1)\r\r", b"1\r\n1\r\n")
            assert b"KeyboardInterrupt" in tell(b"\x03")
            tell(b"import time; print(1); time.sleep(100)\r", b"1\r\n")
            assert b"KeyboardInterrupt" in tell(b"\x03")
            assert b"soft reboot\r\nMicroPython" in tell(b"\x04")
            assert b"KeyboardInterrupt" not in tell(b"\x03")  # nothing runs: it clears the line
            assert b"42" in tell(
                b"import machine; machine.RTC().memory(b'42'); machine.deepsleep(50)\r"
            )
            assert b"b'42' 4" in tell(
                b"import machine; print(machine.RTC().memory(), machine.reset_cause())\r"
            )

    console(talk)


def test_output_that_nobody_reads_is_lost(console):
    """As on a serial line: it does not stop the board."""

    def talk(port, world):
        with serial.Serial(port, 115200, timeout=5) as line:
            line.write(b"import machine; print('x' * 200_000); machine.reset()\r")
            end = time.monotonic() + 20
            while not world.journal.seen("board", "reset hard"):
                assert time.monotonic() < end
                time.sleep(0.1)

    console(talk)
