"""A modem on its pty for programs that others have written: it lives in a thread, they in processes."""

import asyncio
import subprocess
import threading

from network.clock import Clock
from network.journal import Journal
from sim800.modem import SIM800
from sim800.scenario import Modem, Scenario
from sim800.serial import Line
from sim800_rig import FakePPP

# met running, its commands ten times as quick as a real one's
READY = Scenario(modem=Modem(start="command", ipr=115200, latency=0.1))


class Foreign:
    """`port` is the pty's path, `modem` and `journal` as ever; touch the modem by `do()` alone."""

    def __init__(self, setup=READY, speed=1.0):
        self._setup, self._speed = setup, speed
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(20)

    def _run(self):
        asyncio.run(self._live())

    async def _live(self):
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        clock = Clock(self._speed)
        self.journal, line = Journal(clock), Line(clock)
        self.modem = SIM800(clock, self._setup, line, FakePPP, self.journal)
        await self.modem.start()
        self.port = line.path
        self._started.set()
        try:
            await self._ended.wait()
        finally:
            await self.modem.stop()

    def do(self, action, *args, **named):
        """Call action(*args) where the modem lives; its result."""

        async def call():
            return action(*args, **named)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(10)

    def inject(self, word, **args):
        self.do(self.modem.inject, word, **args)

    def said(self):
        """The commands and answers so far, as text."""
        return [
            str(entry)
            for entry in self.do(lambda: list(self.journal.entries))
            if entry.source == "at"
        ]

    def refused(self):
        """The command lines that ended with an error."""
        lines = [text.split(" at ", 1)[-1].strip() for text in self.said()]
        found, last = [], ""
        for line in lines:
            if line.startswith(">"):
                last = line[1:].strip()
            elif "ERROR" in line:
                found.append(f"{last} {line}")
        return found


def run(*command, limit=60, **more):
    """What a program printed, and its exit code."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=limit, check=False, **more
    )
    return done.stdout + done.stderr, done.returncode
