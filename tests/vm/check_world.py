"""`make check` on a simulated T-Call: its serial console, a modem with faults, a network."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace

from board import tcall
from playing import SPEED_LIMIT
from sim800.scenario import Scenario
from stand_in import CERTIFICATES
from world import ROOT, World

sys.path.insert(0, str(ROOT / "firmware"))
from check.report import Report
from check.run import Run

SETTINGS = {
    "apn": "internet",
    "host": "telemetry.example",
    "user": "",
    "password": "",
    "pin": "",
    "echo_mb": 0.03,
}


def checked(
    internet,
    only: str = "",
    *,
    spoil: Callable[[World], None] | None = None,
    speed: float = 3.0,
    during: Callable[[Run, World], None] | None = None,
    wiring: dict | None = None,
    settings: dict | None = None,
    **scenario,
) -> Report:
    """The report of a run. only: names of checks, with blanks between them. spoil: makes a fault in the world before it
    begins. wiring: what of the board's is another. during: called in a thread of its own while it runs."""
    board = scenario.pop("board", "SIM800L_AXP192_20200327")
    there = Scenario(names=internet.names, routes=internet.routes, board=board, **scenario)
    env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
    before = tcall.BOARDS[board]
    tcall.BOARDS[board] = replace(before, **(wiring or {}))

    async def go():
        async with World(there, speed=min(speed, SPEED_LIMIT), env=env) as world:
            if spoil:
                spoil(world)
            port = await world.console()
            run = Run(
                port, {**SETTINGS, **(settings or {})}, tuple(only.split()), say=lambda line: None
            )
            work = asyncio.to_thread(run.go)
            if during:
                await asyncio.gather(work, asyncio.to_thread(during, run, world))
            else:
                await work
            return run.report

    try:
        return asyncio.run(go())
    finally:
        tcall.BOARDS[board] = before
