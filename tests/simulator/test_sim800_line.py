"""The real line: a pty, paced at its rate, and what becomes of bytes on it. In real time."""

import asyncio
import contextlib
import fcntl
import os
import termios
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network.clock import Clock
from sim800.serial import GARBAGE_LIMIT, TCGETS2, TERMIOS2, Line, garble
from sim800_rig import PtyRig, scenario

PLAIN = scenario(modem={"echo": False, "ipr": 115200})


def go(body, *args):
    asyncio.run(asyncio.wait_for(body(*args), 20))


async def drained(rig):
    """All that was to be sent is on the pty, and read."""
    while rig.line.pending:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    rig._read()


def test_commands_over_the_pty():
    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.write(b"AT+CSQ\r")
            assert await rig.until(b"OK\r\n") == b"\r\n+CSQ: 18,0\r\n\r\nOK\r\n"

    go(body)


def test_output_is_paced_at_the_rate():
    async def body():
        async with PtyRig(PLAIN) as rig:
            start = rig.clock.now()
            rig.line.send(b"x" * 2304)  # 0.2 s at 115200 baud
            while len(rig.got) < 2304:
                await asyncio.sleep(0.001)
                # never more than the wire has carried, and 10 ms under way
                got = len(rig.got)
                assert got <= (rig.clock.now() - start + 0.01) * 11520
            assert rig.line.lost == 0

    go(body)


def test_pacing_keeps_the_rate_over_a_long_transfer():
    async def body():
        async with PtyRig(PLAIN, speed=4) as rig:
            start = rig.clock.now()
            rig.line.send(b"y" * 34560)  # 3 s
            while len(rig.got) < 34560:
                await asyncio.sleep(0.001)
            # exact on average when the machine keeps up; a busy machine only makes it slower
            assert rig.clock.now() - start >= 2.95

    go(body)


def test_little_is_under_way_when_a_reset_comes():
    async def body():
        async with PtyRig(PLAIN) as rig:
            start = rig.clock.now()
            rig.line.send(b"z" * 50_000)
            await asyncio.sleep(0.02)
            rig.modem.inject("modem_reset")
            elapsed = rig.clock.now() - start
            await asyncio.sleep(0.1)
            # what the wire had carried, and at most 10 ms more
            assert 0 < len(rig.got) <= (elapsed + 0.01) * 11520
            assert rig.line.pending == 0

    go(body)


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_boot_over_the_pty(speed):
    async def body():
        setup = scenario(modem={"start": "off", "ipr": 0, "boot_time": 0.5, "sim_time": 0.1})
        async with PtyRig(setup, speed) as rig:
            rig.modem.supply(True)
            rig.modem.pwrkey(True)
            await rig.clock.sleep(1.2)
            rig.modem.pwrkey(False)
            await rig.clock.sleep(1.0)
            rig.write(b"AT\r")
            await rig.clock.sleep(0.5)
            assert b"AT" not in rig.got  # the first one is lost
            rig.write(b"AT\r")
            assert (await rig.until(b"OK\r\n")).endswith(b"AT\r\r\nOK\r\n")

    go(body)


def test_wrong_rate_is_garbage_both_ways():
    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.set_baud(termios.B57600)
            rig.modem.urc("RING")
            await drained(rig)
            assert b"RING" not in rig.got and len(rig.got) > 0
            rig.write(b"AT\rAT\rAT\r")
            while rig.line.received < 9:
                await asyncio.sleep(0.001)
            rig.set_baud(termios.B115200)
            rig.write(b"\rAT\r")
            await rig.until(b"\r\nOK\r\n")
            assert len(rig.journal.seen("at", ">")) == 1

    go(body)


def test_ipr_switches_after_the_whole_answer():
    async def body():
        setup = scenario(PLAIN, modem={"ipr": 9600, "echo": True})
        async with PtyRig(setup, baud=termios.B9600) as rig:
            rig.write(b"AT+IPR=230400\r")
            assert await rig.until(b"OK\r\n") == b"AT+IPR=230400\r\r\nOK\r\n"
            rig.set_baud(termios.B230400)
            rig.write(b"ATI\r")
            assert await rig.until(b"OK\r\n") == b"ATI\r\r\nSIM800 R14.18\r\n\r\nOK\r\n"

    go(body)


def test_port_may_be_closed_and_opened_again():
    async def body():
        async with PtyRig(PLAIN) as rig:
            for _ in range(3):
                rig.write(b"AT\r")
                await rig.until(b"\r\nOK\r\n")
                rig.close()
                await asyncio.sleep(0.02)
                rig.open()

    go(body)


def test_nobody_listening_stops_nothing():
    async def body():
        clock = Clock(50)
        line = Line(clock)
        line.dead = False
        line.start()
        for _ in range(40):
            line.send(b"x" * 4000)
            await clock.sleep(0.4)
        assert line.pending < 1 << 16
        assert line.sent + line.lost + line.pending >= 160_000
        line.stop()
        line.stop()

    go(body)


def test_bounded_when_more_is_sent_than_leaves():
    async def body():
        line = Line(Clock())
        line.dead = False
        line.start()
        line.send(b"x" * 200_000)
        assert line.pending <= 1 << 16 and line.lost >= 200_000 - (1 << 16) - 64
        line.stop()

    go(body)


def test_link(tmp_path):
    async def body():
        path = tmp_path / "modem"
        for _ in range(2):  # an old link is replaced
            async with PtyRig(PLAIN, symlink=str(path)) as rig:
                assert os.readlink(path) == rig.line.path
            path.symlink_to("/dev/null")
        path.unlink()
        async with PtyRig(PLAIN, symlink=str(path)):
            pass
        assert not path.is_symlink()
        path.write_text("not a link")
        line = Line(Clock(), str(path))
        with pytest.raises(FileExistsError, match="name another path"):
            line.start()
        line.stop()
        assert path.read_text() == "not a link"

    go(body)


@pytest.mark.parametrize(
    ("action", "args", "got"),
    [
        ("drop_bytes", {"count": 2, "way": "to_host"}, b"cdef"),
        ("drop_bytes", {"rate": 1.0, "way": "to_host"}, b""),
        ("double_bytes", {"rate": 1.0, "way": "to_host"}, b"aabbccddeeff"),
        ("drop_bytes", {"rate": 1.0, "way": "to_modem"}, b"abcdef"),
    ],
)
def test_faults_of_the_line(action, args, got):
    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.modem.inject(action, **args)
            rig.line.send(b"abcdef")
            await drained(rig)
            rig.modem.inject(action, rate=0.0, way=args["way"])
            rig.line.send(b"END")
            assert await rig.until(b"END") == got + b"END"

    go(body)


def test_flipped_bits_are_single_ones_and_repeatable():
    async def body(seen):
        async with PtyRig(PLAIN) as rig:
            rig.modem.inject("flip_bits", rate=0.5, way="to_host")
            rig.line.send(bytes(200))
            while len(rig.got) < 200:
                await asyncio.sleep(0.005)
            assert {bin(b).count("1") for b in rig.got} == {0, 1}
            seen.append(rig.take())

    seen = []
    go(body, seen)
    go(body, seen)
    assert seen[0] == seen[1]


def test_to_modem_faults_reach_the_modem():
    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.modem.inject("drop_bytes", count=1, way="to_modem")
            rig.write(b"AT\r")  # "T\r" arrives
            await asyncio.sleep(0.05)
            assert rig.take() == b""
            rig.write(b"AT\r")
            await rig.until(b"\r\nOK\r\n")

    go(body)


# -- the rate that is none, and others nobody would set -----------------------------------------


def test_b0_leaves_the_line_at_9600():
    """As the UARTs of Linux do; gammu talks so."""

    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.set_baud(termios.B0)
            rig.write(b"AT\r")
            await asyncio.sleep(0.05)
            assert b"OK" not in rig.got
            rig.set_baud(termios.B115200)
            rig.take()
            rig.write(b"\rAT+IPR=9600\r")
            await rig.until(b"OK\r\n")
            rig.set_baud(termios.B0)
            await asyncio.sleep(0.05)
            rig.write(b"AT\r")
            await rig.until(b"OK\r\n")

    go(body)


@pytest.mark.parametrize(("setting", "ends"), [("0", False), ("1", False), ("2", True)])
def test_b0_drops_dtr(setting, ends):
    async def body():
        async with PtyRig(PLAIN) as rig:
            rig.write(f'AT&D{setting}+CGDCONT=1,"IP","internet"\r'.encode())
            await rig.until(b"OK\r\n")
            rig.write(b"ATD*99#\r")
            await rig.until(b"~hello~")
            rig.set_baud(termios.B0)
            await asyncio.sleep(0.2)
            rig.set_baud(termios.B115200)
            assert (rig.modem.mode == "data") == (setting == "0")
            assert (rig.modem.ppp is None) == ends

    go(body)


@given(
    st.sampled_from(
        [getattr(termios, name) for name in dir(termios) if name[:2] == "B1" or name == "B0"]
    ),
    st.sampled_from([termios.CS5, termios.CS6, termios.CS7, termios.CS8]),
    st.sampled_from(
        [0, termios.CSTOPB, termios.PARENB, termios.PARENB | termios.PARODD, termios.CRTSCTS]
    ),
    st.sampled_from([0, termios.CREAD, termios.CLOCAL, termios.HUPCL]),
)
@settings(max_examples=30)
def test_no_termios_setting_stops_the_modem(baud, size, line, more):
    async def body():
        async with PtyRig(PLAIN) as rig:
            before = termios.tcgetattr(rig.fd)
            mode = list(before)
            mode[2] = size | line | more
            mode[4] = mode[5] = baud
            with contextlib.suppress(termios.error):  # a pty takes the rate, and no size but 8
                termios.tcsetattr(rig.fd, termios.TCSANOW, mode)
            assert termios.tcgetattr(rig.fd)[4] == baud
            rig.write(b"AT+CSQ\r" * 20)
            rig.modem.urc("+HELLO")
            await asyncio.sleep(0.01)
            termios.tcsetattr(rig.fd, termios.TCSANOW, before)
            for _ in range(100):  # what came may have been the beginning of a line
                rig.write(b"\rAT\r")
                await asyncio.sleep(0.02)
                if b"OK\r\n" in rig.got:
                    return
            raise AssertionError(bytes(rig.got))

    go(body)


def test_the_slowest_sender_makes_little():
    assert len(garble(b"x" * 4096, 1, 115200)) == GARBAGE_LIMIT


_FLAGS = st.integers(0, 2**16 - 1)


@given(
    st.tuples(_FLAGS, _FLAGS, _FLAGS),
    st.binary(min_size=19, max_size=19),
    st.one_of(st.sampled_from([0, 1, 50, 110, 115200, 4000000]), st.integers(0, 2**32 - 1)),
)
@settings(max_examples=30)
def test_no_mode_and_no_rate_fills_the_memory_or_stops_the_loop(flags, characters, rate):
    """Input, output and local modes, control characters, and any number for a rate (BOTHER)."""
    tcsets2, bother = 0x402C542B, 0o010000

    async def body():
        async with PtyRig(PLAIN) as rig:
            before = fcntl.ioctl(rig.fd, TCGETS2, bytes(TERMIOS2.size))
            iflag, oflag, lflag = flags
            cflag = bother | termios.CS8 | termios.CREAD
            odd = TERMIOS2.pack(iflag, oflag, cflag, lflag, 0, *characters, rate, rate)
            fcntl.ioctl(rig.fd, tcsets2, odd)
            with contextlib.suppress(BlockingIOError):
                rig.write(b"AT+CSQ\r" * 20)
            rig.line.send(b"x" * 500)
            for _ in range(5):
                began = time.monotonic()
                await asyncio.sleep(0.004)
                assert time.monotonic() - began < 5.0  # the loop goes on
                assert rig.line.pending <= 1 << 16
            rig.modem.output.reset()
            rig.line.drop()
            termios.tcflush(rig.fd, termios.TCIOFLUSH)
            fcntl.ioctl(rig.fd, tcsets2, before)
            for _ in range(200):
                with contextlib.suppress(BlockingIOError):
                    rig.write(b"\rAT\r")
                await asyncio.sleep(0.02)
                if b"OK\r\n" in rig.got:
                    return
            raise AssertionError((flags, rate, bytes(rig.got)))

    go(body)
