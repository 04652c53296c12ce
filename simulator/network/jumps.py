"""Simulated time that jumps: to the next moment that anybody waits for, as soon as all of them wait.

A test then takes as long as its processors work, however long it is in simulated time, and a busy machine changes nothing
that is in it: time stands still while somebody is at work, but for what the chip's own work takes.

Who takes part: the event loop (all of the simulator), and the program that is the chip (simulator/vm/clock.c), which
shares a page of memory with it. Servers are not: their time is the real one. So it goes on as real time does, times `speed`,
for as long as an answer of one of them may be under way (`outside()`).
"""

import asyncio
import contextlib
import heapq
import itertools
import mmap
import os
import select
import selectors
import struct
import time
from collections.abc import Callable, Coroutine

from .clock import Clock

WAITERS = 32  # threads of the chip's that can wait at once
# page_t in simulator/vm/clock.c
NOW, SENT, RECEIVED, WRITTEN = 0, 8, 16, 24
LISTENING, WAITS, STARTED, RUNNING, UNTIL = 32, 36, 40, 44, 48
THREADS = UNTIL + 8 * WAITERS
STATE = struct.Struct("=2Q3Ii")  # from RECEIVED on
FOREVER = 2**64 - 1

PATIENCE = 1.0  # real seconds in which a server that was told something may answer
PAUSE = 0.05  # real seconds from one packet of a server's to the next
TOLD = 0.05  # real seconds in which the chip's program hears what it is told
STUCK = 2.0  # real seconds: then bytes on their way are not waited for any more
LOOK = 0.002  # real seconds until the next look at a chip that works
ON_ITS_WAY = 0.0002  # real seconds until the next look at bytes that the kernel has, and at a thread that goes to sleep


class Timer:
    """What `call_later()` returns: `cancel()`, and `when()` it is due."""

    __slots__ = ("_args", "_callback", "_when", "when_ns")

    def __init__(self, when: float, callback: Callable, args: tuple):
        self._when, self._callback, self._args = when, callback, args
        self.when_ns = int(when * 1e9) + 1  # never early

    def cancel(self) -> None:
        self._callback = None

    def cancelled(self) -> bool:
        return self._callback is None

    def when(self) -> float:
        return self._when

    def run(self) -> None:
        if (callback := self._callback) is not None:
            self._callback = None
            callback(*self._args)


class Selector(selectors.EpollSelector):
    """What an event loop waits in, with the clocks that jump when it would wait."""

    def __init__(self):
        super().__init__()
        self.clocks: dict[int, JumpingClock] = {}  # by the file that says that their chips wait

    def add(self, clock: "JumpingClock", file: int) -> None:
        self.register(file, selectors.EVENT_READ)
        self.clocks[file] = clock

    def remove(self, file: int) -> None:
        self.unregister(file)
        del self.clocks[file]

    def select(self, timeout=None):
        if not self.clocks:
            return super().select(timeout)
        events = self._look(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            wait = min([clock.go_on() for clock in self.clocks.values()])
            if wait == 0:  # something is due
                return self._look(0)
            if end is not None:
                wait = min(wait, end - time.monotonic())
                if wait <= 0:
                    return self._look(0)
            if wait < LOOK:  # epoll counts in milliseconds
                select.select([self.fileno()], [], [], wait)
                wait = 0
            if events := self._look(None if wait == FOREVER else wait):
                return events

    def _look(self, timeout: float | None) -> list:
        events = super().select(timeout)
        if not any(key.fd in self.clocks for key, _ in events):
            return events
        others = []
        for event in events:
            if event[0].fd in self.clocks:
                os.eventfd_read(event[0].fd)
            else:
                others.append(event)
        return others


def run(main: Coroutine):
    """As asyncio.run(), with an event loop whose time can jump."""
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())) as runner:
        return runner.run(main)


def selector() -> Selector | None:
    """That of the running loop, if its time can jump."""
    try:
        found = getattr(asyncio.get_running_loop(), "_selector", None)
    except RuntimeError:  # none is running
        return None
    return found if isinstance(found, Selector) else None


class JumpingClock(Clock):
    """`speed`: simulated seconds in a second of the chip's processor time, and in a real one while servers are waited for.

    `files`: what the program that is the chip inherits, `environment`: how it is told.
    """

    def __init__(self, speed: float = 1.0):
        super().__init__(speed)
        self.jumps = 0  # how often time has jumped
        self.stuck = 0  # ... and has gone on though bytes did not arrive
        memory = os.memfd_create("clock")
        os.ftruncate(memory, mmap.PAGESIZE)
        self._page = mmap.mmap(memory, mmap.PAGESIZE)
        self._idle = os.eventfd(0, os.EFD_NONBLOCK)
        self._waiters = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(WAITERS)]
        self.files = [memory, self._idle, *self._waiters]
        self.environment = {"SIM_CLOCK": " ".join(map(str, self.files))}
        self._timers: list[tuple[int, int, Timer]] = []
        self._count = itertools.count()
        self._line = None
        self._process: int | None = None  # 0: it is being started
        self._threads: dict[int, int] = {}  # the files of its threads' states
        self._links = 0
        self._asked: dict[object, float] = {}  # when who was told something
        self._heard = float("-inf")
        self._looked = time.monotonic()
        self._worked = self._looked  # when the chip was seen to work
        self._seen = 0  # of the chip's waits
        self._stuck_since: float | None = None
        self._told: tuple[int, float] | None = None
        self._woken = select.epoll()
        for file in self._waiters:
            self._woken.register(file, select.EPOLLIN)
        self._selector = selector()
        self._selector.add(self, self._idle)

    # As a Clock.

    def now(self) -> float:
        return self._get(NOW) / 1e9

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback, *args) -> Timer:
        timer = Timer(self.now() + max(0.0, seconds), callback, args)
        heapq.heappush(self._timers, (timer.when_ns, next(self._count), timer))
        return timer

    def outside(self, who: object, *, asked: bool | None = None) -> None:
        now = self._heard = time.monotonic()
        if asked:
            self._asked[who] = now
        elif asked is False:
            self._asked.pop(who, None)

    # Who takes part.

    def watch(self, line) -> None:
        """The line between simulator and chip: it counts bytes as `written` to the pty and `read` from it."""
        self._line = line

    def starts(self) -> None:
        """A program for the chip is about to be started."""
        self._process = 0
        self._put(STARTED, 0, 4)
        self._nobody_waits()

    def started(self, process: int) -> None:
        self._process = process
        self._links = 0

    def told(self) -> None:
        """The chip's program got a signal or a line of input: it wakes up, if it waits for one."""
        self._told = self._get(WAITS, 4), time.monotonic() + TOLD

    def ended(self) -> None:
        self._process = None
        self._forget_threads()
        self._nobody_waits()
        if self._line:  # what was on its way is nobody's any more
            self._put(RECEIVED, self._line.written)
            self._put(WRITTEN, self._line.read)

    def _nobody_waits(self) -> None:
        for slot in range(WAITERS):
            self._put(UNTIL + 8 * slot, FOREVER)

    def close(self) -> None:
        """It stands still from now on."""
        self._forget_threads()
        self._selector.remove(self._idle)
        self._woken.close()
        for file in self.files:
            os.close(file)

    # How it goes on.

    def go_on(self) -> float:
        """Time goes on if it can. Returns for how many real seconds there is nothing to do, if nothing happens: 0 if
        something of the simulator's is due, FOREVER if nobody waits for a time.
        """
        while True:
            real = time.monotonic()
            passed, self._looked = real - self._looked, real
            if self._line:
                self._put(SENT, self._line.written)
            if self._run_due():
                return 0
            if (wait := self._at_work(real)) > 0:
                return wait
            until = self._next()
            if until == FOREVER:
                return FOREVER
            now = self._get(NOW)
            if (patience := self._patience(real)) > 0:
                now = min(until, now + round(passed * self.speed * 1e9))
                self._put(NOW, now)
                if until > now:
                    return min(patience, (until - now) / 1e9 / self.speed)
            else:
                self._put(NOW, until)
                self.jumps += 1

    def _next(self) -> int:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        own = self._timers[0][0] if self._timers else FOREVER
        if self._process is None:
            return own
        return min(own, *self._untils())

    def _untils(self) -> tuple[int, ...]:
        return struct.unpack_from(f"={WAITERS}Q", self._page, UNTIL)

    def _run_due(self) -> bool:
        """Wakes all whose time has come. Returns whether one of them is the simulator's."""
        now = self._get(NOW)
        if self._process:
            ends = self._untils()
            if min(ends) <= now:
                for file, until in zip(self._waiters, ends, strict=True):
                    if until <= now:
                        os.eventfd_write(file, 1)
        due = False
        loop = asyncio.get_running_loop()
        while self._timers and self._timers[0][0] <= now:
            loop.call_soon(heapq.heappop(self._timers)[2].run)
            due = True
        return due

    def _patience(self, real: float) -> float:
        """For how many more real seconds a server may answer."""
        if self._asked:
            for who, since in list(self._asked.items()):
                if real - since > PATIENCE:
                    del self._asked[who]
            if self._asked:
                return max(self._asked.values()) + PATIENCE - real
        return self._heard + PAUSE - real

    def _at_work(self, real: float) -> float:
        """0 if the chip does nothing, and nothing is on its way to it or from it; else the real seconds until the next look.
        Its last thread that begins to wait says so meanwhile.
        """
        if self._process is None:
            return 0
        received, written, listening, waits, started, running = STATE.unpack_from(
            self._page, RECEIVED
        )
        if not self._process or not started:
            return LOOK
        if running > 0:
            # Threads that wait for a lock count as running.
            if real - self._worked < LOOK or not self._sleep(every=True):
                if self._seen != waits:
                    self._seen, self._worked = waits, real
                return LOOK
        else:
            self._worked = real
        line = self._line
        if line and (written > line.read or (listening and line.written > received)):
            if self._stuck_since is None:
                self._stuck_since = real
            if real - self._stuck_since < STUCK:
                return ON_ITS_WAY
            self.stuck += 1
        self._stuck_since = None
        if self._told is not None:
            if waits == self._told[0] and real < self._told[1]:
                return ON_ITS_WAY
            self._told = None
        if self._woken.poll(0):
            return LOOK
        if not self._sleep():
            return ON_ITS_WAY
        if self._woken.poll(0) or STATE.unpack_from(self._page, RECEIVED)[3::2] != (
            waits,
            running,
        ):
            return LOOK
        return 0

    def _sleep(self, *, every: bool = False) -> bool:
        """Whether the chip's threads sleep: every one, or those that do not tell what they wait for."""
        folder = f"/proc/{self._process}/task"
        try:
            if (links := os.stat(folder).st_nlink) != self._links:
                self._forget_threads()
                for thread in os.listdir(folder):
                    self._threads[int(thread)] = os.open(f"{folder}/{thread}/stat", os.O_RDONLY)
                self._links = links
            tell = () if every else struct.unpack_from(f"={WAITERS}I", self._page, THREADS)
            return all(
                _sleeps(os.pread(file, 256, 0))
                for thread, file in self._threads.items()
                if thread not in tell
            )
        except OSError:  # one of them has just ended
            self._links = 0
            return False

    def _forget_threads(self) -> None:
        for file in self._threads.values():
            with contextlib.suppress(OSError):
                os.close(file)
        self._threads.clear()

    def _get(self, at: int, size: int = 8) -> int:
        return int.from_bytes(self._page[at : at + size], "little")

    def _put(self, at: int, value: int, size: int = 8) -> None:
        self._page[at : at + size] = value.to_bytes(size, "little")


def _sleeps(stat: bytes) -> bool:
    """proc(5): the state is behind the name, which may have anything in it."""
    return stat[stat.rindex(b")") + 2 :][:1] == b"S"
