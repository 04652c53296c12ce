"""Time that jumps: it is exact, it stands still while somebody is at work, and it waits for real servers."""

import asyncio
import os
import signal
import socket
import threading
import time

import pytest
from network import jumps
from sim800.scenario import Modem, Scenario
from world import World

HOUR = 3600.0


def run(script, *, host=None, speed=10.0, timeout=30, **scenario):
    """Plays it; host(world) is a coroutine beside. Returns its lines, and the world."""

    async def go():
        async with World(Scenario(**scenario), speed=speed) as world:
            beside = asyncio.create_task(host(world)) if host else None
            result = await world.run(script, timeout=timeout)
            if beside:
                await beside
            assert result.code == 0, result.stderr
            assert world.clock.stuck == 0
            return result.lines, world

    return jumps.run(go())


def timers(*seconds):
    """The order and the times at which they come, without a chip."""
    came = []

    async def go():
        clock = jumps.JumpingClock()
        for n, wait in enumerate(seconds):
            clock.call_later(wait, lambda n=n: came.append((n, clock.now())))
        await clock.sleep(max(seconds) + 1)
        clock.close()

    jumps.run(go())
    return came


def test_timers_come_in_order_and_never_early():
    waits = (3 * HOUR, 0.0, 1e-9, 0.1, 1 / 3, 0.1, 7.0, 2.0000000004)
    came = timers(*waits)
    assert [n for n, _ in came] == sorted(range(len(waits)), key=lambda n: waits[n])
    for n, at in came:
        assert waits[n] <= at < waits[n] + 1e-6


def test_a_cancelled_timer_does_not_come():
    async def go():
        clock = jumps.JumpingClock()
        came = []
        timer = clock.call_later(1, came.append, 1)
        clock.call_later(2, came.append, 2)
        timer.cancel()
        await clock.sleep(3)
        clock.close()
        return came

    assert jumps.run(go()) == [2]


def test_a_timeout_is_in_simulated_seconds():
    async def go():
        clock = jumps.JumpingClock()
        with pytest.raises(TimeoutError):
            async with clock.timeout(HOUR):
                await asyncio.Event().wait()
        async with clock.timeout(1):
            await clock.sleep(0.5)
        await clock.sleep(10)  # the timeout is over and ends nothing
        now = clock.now()
        clock.close()
        return now

    assert HOUR + 10.5 <= jumps.run(go()) < HOUR + 10.51


def test_asyncio_run_has_real_time():
    async def go():
        async with World(Scenario(), speed=50.0) as world:
            before = time.monotonic()
            await world.clock.sleep(5)
            return time.monotonic() - before

    assert asyncio.run(go()) >= 0.1


def test_two_hours_are_short(vm):
    (took,), world = run(
        "import time\nt = time.time()\nfor _ in range(2): time.sleep(3600)\nprint(time.time() - t)",
        timeout=300,
    )
    assert 2 * HOUR <= int(took) <= 2 * HOUR + 2
    assert world.clock.jumps < 100_000


def test_it_goes_on_through_resets(vm):
    lines, world = run(
        """
import machine, time
if machine.reset_cause() == machine.PWRON_RESET:
    print("begins", time.time())
    machine.deepsleep(7_200_000)
print("wakes", time.time())
"""
    )
    begins, wakes = (int(line.split()[1]) for line in lines)
    assert 7200 <= wakes - begins <= 7202
    assert 7200 <= world.clock.now() <= 7203


def test_it_goes_on_with_the_chip_s_work(vm):
    """A loop that does not sleep ends, and takes what its processor time says."""
    (took,), _ = run(
        "import time\nt = time.ticks_ms()\nn = 0\n"
        "while time.ticks_diff(time.ticks_ms(), t) < 3000: n += 1\n"
        "print(time.ticks_diff(time.ticks_ms(), t))"
    )
    assert 3000 <= int(took) < 3200


def stopped(world, seconds):
    """Stops the chip's program for real seconds, as a busy machine does."""
    os.kill(world._process.pid, signal.SIGSTOP)
    threading.Timer(seconds, os.kill, (world._process.pid, signal.SIGCONT)).start()


def test_it_stands_still_while_the_chip_is_kept_from_work(vm):
    moments = []

    async def host(world):
        await world.clock.sleep(1.0)
        stopped(world, 1.0)
        moments.append(world.clock.now())
        await asyncio.sleep(0.8)
        moments.append(world.clock.now())

    lines, _ = run(
        "import time\nt = time.ticks_ms()\nfor _ in range(500): time.sleep_ms(10)\n"
        "print(time.ticks_diff(time.ticks_ms(), t))",
        host=host,
    )
    assert moments[1] - moments[0] < 0.02
    assert 5000 <= int(lines[0]) < 5500


def test_it_stands_still_while_the_simulator_works(vm):
    async def host(world):
        await world.clock.sleep(1.0)
        before = world.clock.now()
        time.sleep(0.5)  # the whole event loop
        assert world.clock.now() - before < 0.3

    lines, _ = run(
        "import time\nt = time.ticks_ms()\nfor _ in range(20): time.sleep_ms(100)\n"
        "print(time.ticks_diff(time.ticks_ms(), t))",
        host=host,
    )
    assert 2000 <= int(lines[0]) < 2500


@pytest.mark.parametrize("baud", [9600, 115200, 460800])
def test_bytes_take_the_line_s_time(vm, baud):
    """There and back, whatever the kernel's queues of the pty do meanwhile."""
    lines, world = run(
        f"""
import time, tcall
from machine import UART
board = tcall.TCall()
uart = UART(1, {baud}, tx=27, rx=26, rxbuf=4096)
uart.write("ATE1\\r")
time.sleep(1)
uart.read()
for _ in range(20):
    t = time.ticks_us()
    uart.write("AT" + " " * 200 + "\\r")
    got = b""
    while not got.endswith(b"OK\\r\\n"):
        got += uart.read() or b""
        time.sleep_us(500)
    print(time.ticks_diff(time.ticks_us(), t), len(got))
""",
        modem=Modem(start="command", ipr=baud),
    )
    took = [tuple(map(int, line.split())) for line in lines]
    line_us = (203 + 2 * 0) * 10e6 / baud
    assert {length for _, length in took} == {took[0][1]}
    assert all(line_us <= us < 2.2 * line_us + 60_000 for us, _ in took), (line_us, took)
    assert world.line.written and world.line.read


def test_a_server_s_time_is_real(vm, internet):
    """One that needs half a second is not given up by a client with a timeout of 9."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                time.sleep(0.5)
                connection.sendall(b"late")

    thread = threading.Thread(target=serve)
    thread.start()
    lines, world = run(
        """
import ppp_sim800, socket
nic = ppp_sim800.PPP("internet")
nic.connect()
for _ in range(2):
    s = socket.socket()
    s.settimeout(9)
    s.connect(("203.0.113.77", 7))
    s.send(b"?")
    print(s.recv(10))
    s.close()
""",
        names=internet.names,
        routes={**internet.routes, ("203.0.113.77", 7): server.getsockname()[1]},
        modem=Modem(start="command"),
    )
    thread.join()
    server.close()
    assert lines == ["b'late'"] * 2
    assert world.clock.now() < 60


def test_two_worlds_at_once(vm):
    """Each has a time of its own."""
    script = "import time\nfor _ in range(10): time.sleep({})\nprint(time.ticks_ms())"

    async def one(seconds):
        async with World(Scenario(), speed=10.0) as world:
            await world.run(script.format(seconds), timeout=60)
            return world.clock.now()

    async def go():
        return await asyncio.gather(one(1), one(100))

    short, long = jumps.run(go())
    assert 10 <= short < 12
    assert 1000 <= long < 1002
