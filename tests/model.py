"""A model of who has the line and the link, played against the package: random sequences of calls, checked after each.

A sequence is a list of steps, each a tuple:

    ("new", face, multiplex)      another PPP object for the same modem; face: "aio" or "blocking"
    ("call", call)                the script itself calls (in asyncio: awaits); at the REPL asyncio.run() of it alone
    ("interrupted", call, ms)     the same with Ctrl-C so many milliseconds later; in asyncio that ends the run
    ("timeout", call, ms)         asyncio.wait_for_ms() of it
    ("task", name, call)          a task calls, beside what follows
    ("cancel", name), ("join", name)
    ("thread", call)              a thread calls, beside what follows; ("join", "thread") waits for it
    ("run",), ("end", how, fresh) asyncio.run(main()) begins, and ends: "return", "raise" or "Ctrl-C";
                                  fresh: with asyncio.new_event_loop() behind it
    ("wait", ms)
    ("do", name)                  something of HAPPENINGS; ("mend",): what of that lasts is over

Steps that make no sense where they stand are left out or changed (`sensible`), so that any list is a sequence, and a
shorter one too. What a call is stands in CALLS and model_host.py.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, product
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from network import jumps
from playing import PRELUDE, SPEED_LIMIT, actor
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from world import World

HOST = Path(__file__).with_name("model_host.py")

ROLES = {
    "signal": "modem.radio.signal()",
    "registration": "modem.radio.registration()",
    "info": "modem.info()",
    "imei": "modem.imei()",
    "battery": "modem.battery()",
    "sim state": "modem.sim.state()",
    "now": "modem.clock.now()",
    "at": "modem.at('AT+CSQ')",
    "scan": "modem.radio.scan()",
    "sms room": "modem.sms.room()",
    "sms send": "modem.sms.send('+491701111111', 'x' * 200)",
    "ussd": "modem.ussd('*100#')",
    "calls state": "modem.calls.state()",
    "prompt": "modem.at('AT+CMGS=5', 1500)",  # the modem asks for a text then, and nobody has one
}
LINK = {
    "connect": "connect()",
    "disconnect": "disconnect()",
    "ensure": "ensure(timeout=200000)",
    "active(True)": "active(True)",
    "active(False)": "active(False)",
    "keep_up": "keep_up()",
    "on": "modem.on()",
    "off": "modem.off()",
    "reset": "modem.reset()",
}
CALLS = {**ROLES, **LINK}
BLOCKS = ("command_mode@0", "command_mode@1500", "raise in command_mode", "within command_mode")

# Milliseconds, simulated, that a call may take where nobody else does anything; documented, but for the roles.
LIMITS = {
    "connect": 120_000,
    "ensure": 200_000,  # its timeout: an attempt that ran out of it has 30 s of its own, within SLACK
    "disconnect": 30_000,
    "active(True)": 60_000,
    "active(False)": 42_000,
    "on": 60_000,
    "off": 42_000,
    "reset": 90_000,
    "scan": 125_000,
    "sms send": 70_000,
    "ussd": 70_000,
    "kept_up": 160_000,
    "command_mode": 40_000,
    "raise in command_mode": 40_000,
    "within command_mode": 40_000,
    "off in command_mode": 60_000,
    "poll": 60_000,
}
ROLE_MS = 15_000
AT_ONCE_MS = 1500
BUSY_MS = 310_000  # docs/link.md: others wait, at most 5 minutes
SLACK = 1.25  # a busy machine takes its part

# name: (actions, actions that end it or (), seconds it lasts by itself, what it does)
# "news" disturbs nothing; "blow": the package may have to find out; "once": it waits for its chance; "noise": bytes are
# lost, or late.
HAPPENINGS = {
    "sms": (["sms_received"], [], 0, "news"),
    "cell change": (["cell_change"], [], 0, "news"),
    "weak signal": (["signal rssi=3"], [], 0, "news"),
    "a warning": (["undervoltage_warning"], [], 0, "news"),
    "ring": (["ring count=2"], [], 15, "blow"),
    "no carrier": (["no_carrier"], [], 0, "blow"),
    "carrier lost": (["carrier_lost"], [], 0, "blow"),
    "terminated": (["lcp_terminate"], [], 0, "blow"),
    "pdp deact": (["pdp_deact"], [], 0, "blow"),
    "gprs detach": (["gprs_detach"], ["registration_back"], 0, "blow"),
    "registration lost": (["registration_lost"], ["registration_back"], 0, "blow"),
    "no network": (["no_network", "no_carrier"], ["no_network on=false"], 0, "blow"),
    "apn refused": (["apn_refused"], ["apn_refused on=false"], 0, "blow"),
    "call refused once": (["call_refuse_once"], [], 0, "once"),
    "restart": (["modem_reset"], [], 0, "blow"),
    "brown-out": (["brown_out"], [], 0, "blow"),
    "switches off": (["undervoltage_off"], [], 0, "blow"),
    "hangs": (["silent"], [], 0, "blow"),
    "supply gone": (["supply_cut seconds=3"], [], 4, "blow"),
    "other rate": (["other_rate baud=57600"], [], 0, "blow"),
    "echo on": (["command_echo"], [], 0, "blow"),
    "echo off": (["command_echo on=0"], [], 0, "blow"),
    "left at prompt": (["left_at_prompt"], [], 0, "blow"),
    "bearer silent": (["bearer_silent"], [], 0, "blow"),
    "LCP echo stops": (["echo_stops"], [], 0, "blow"),
    "no data": (["no_data"], ["no_data on=false"], 0, "blow"),
    "FCoff": (["cmux_fcoff"], ["cmux_fcoff on=false"], 0, "blow"),
    "stop 1": (["cmux_stop dlci=1"], ["cmux_stop dlci=1 on=false"], 0, "blow"),
    "stop 2": (["cmux_stop dlci=2"], ["cmux_stop dlci=2 on=false"], 0, "blow"),
    "CLD": (["cmux_cld"], [], 0, "blow"),
    "DISC 1": (["cmux_disc dlci=1"], [], 0, "blow"),
    "DISC 2": (["cmux_disc dlci=2"], [], 0, "blow"),
    "CMUX refused": (["cmux_refuse_once"], [], 0, "once"),
    "UA lost": (["cmux_lose_ua count=2"], [], 0, "once"),
    "bytes lost": (["drop_bytes count=40"], ["drop_bytes"], 0, "noise"),
    "late answers": (["late_answers seconds=4"], ["late_answers seconds=0"], 0, "noise"),
}

NAMES = ("a", "b")
IDLE = ("off", "on", "up", "lost", "failed")  # what status() may be while nobody does anything
PROBES = ("ATE1Q0V1",)  # like AT, to find out whether the modem is in data mode
BEHIND = 10  # so often a report is repeated, each time 0.5 s later, before it counts
NOTICED_BEHIND = 80  # ... where the package must notice something by itself: 40 s


@dataclass(frozen=True)
class Sequence:
    face: str = "aio"
    multiplex: bool = True
    start: str = "command"  # of scenario.Modem
    steps: tuple = ()

    def __str__(self) -> str:
        lines = "\n".join(f"        {step!r}," for step in self.steps)
        return f"Sequence({self.face!r}, {self.multiplex!r}, {self.start!r}, (\n{lines}\n    ))"


def sensible(sequence: Sequence) -> list[tuple]:
    """The steps that are played: those that can be, and what ends the sequence in good order."""
    steps: list[tuple] = []
    face, loop, thread = sequence.face, False, False
    tasks: set[str] = set()
    endless: set[str] = set()  # that must be cancelled before they are waited for
    for what, *args in sequence.steps:
        step = (what, *args)
        if what in ("task", "timeout") and not loop and face != "aio":
            if what != "task" or thread or args[1] in ("poll", "kept_up@2000", "keep_up"):
                continue
            step, thread = ("thread", args[1]), True
        elif what in ("run", "task", "timeout") and not loop:
            if thread:
                steps.append(("join", "thread"))
                thread = False
            if face != "aio":
                steps.append(("new", "aio", sequence.multiplex))
                face = "aio"
            loop = True
            if what != "run":
                steps.append(("run",))
        elif what == "run":
            continue
        elif what == "end":
            if not loop:
                continue
            loop = False
            if args[1]:
                tasks.clear()
        elif what == "thread":
            if loop or thread or face != "blocking":
                continue
            thread = True
        elif what == "join" and args == ["thread"]:
            if not thread:
                continue
            thread = False
        if what == "new":
            if loop and args[0] != "aio":
                continue
            if thread:  # it has the old one
                steps.append(("join", "thread"))
                thread = False
            face = args[0]
        if what == "interrupted":
            if loop:
                loop = False
                step = (*step, True)
                tasks.clear()
            else:
                step = (*step,)
        if what == "task" and step[0] == "task":
            if args[0] in tasks:
                continue
            tasks.add(args[0])
            if args[1] == "keep_up":
                endless.add(args[0])
            else:
                endless.discard(args[0])
        if what in ("cancel", "join") and args != ["thread"]:
            if not loop or not tasks:
                continue
            if args[0] not in tasks:
                step = (what, min(tasks))
            if what == "cancel":
                endless.discard(step[1])
            else:
                tasks.discard(step[1])
                if step[1] in endless:
                    steps.append(("cancel", step[1]))
                    endless.discard(step[1])
        steps.append(step)
    if loop:
        steps.append(("end", "return", True))
    if thread:
        steps.append(("join", "thread"))
    return steps


# What is done at the end of each sequence: the world is good, and so must everything be.
FINALE: list[tuple] = [
    ("fresh",),  # asyncio.new_event_loop(): tasks that are left would go on
    ("mend",),
    ("call", "connect"),
    ("call", "command_mode@0"),
    ("call", "disconnect"),
    ("new", "blocking", True),
    ("call", "connect"),
    ("call", "active(False)"),
]
SETTLE = 10.0  # seconds, for what was mended to be so


@dataclass
class Game:
    """One sequence as it is played: what the model knows, and what was wrong."""

    sequence: Sequence
    world: World
    steps: list[tuple]
    wrong: tuple[str, str] | None = None  # kind, what
    last: dict = field(default_factory=dict)
    ended: bool = False
    played: int = 0  # steps
    repeats: int = 0
    told: str = ""  # the report of what was wrong
    lasting: dict[str, list[str]] = field(default_factory=dict)  # happenings not mended yet
    bad_until: float = 0.0
    doubtful: bool = False  # something happened that the package may not know of
    abandoned: bool = False  # a call had no chance to clean up
    noisy: bool = False  # bytes were lost: anything may come anywhere
    known: bool = False  # this object has touched the modem
    before: str = "off"  # status() at the end of the step before
    now: int = -2  # the step that is played
    told_end: bool = False  # ... and its call's end has been looked at

    @property
    def final(self) -> bool:
        return self.now >= len(self.steps) - len(FINALE)

    # What the script prints

    def on_line(self, line: str) -> str | None:
        if line == "#end":
            self.ended = True
        elif line.startswith("#"):
            return self.hear(json.loads(line[1:]))
        elif line.startswith("@"):
            return self.act(line)
        return None

    def act(self, line: str) -> str | None:
        word = line[1:].split(maxsplit=1)[0]
        if word == "interrupt":
            self.abandoned = True
        return actor(self.world)(line)

    def happen(self, name: str) -> None:
        _, mend, seconds, kind = HAPPENINGS[name]
        if mend or kind == "once":
            self.lasting[name] = mend
        self.doubtful |= kind != "news"
        self.noisy |= kind == "noise"
        if seconds:
            self.bad_until = max(self.bad_until, self.world.clock.now() + seconds)

    def mend(self) -> None:
        act = actor(self.world)
        for actions in self.lasting.values():
            for action in actions:
                act("@" + action)
        self.lasting.clear()
        modem = self.world.modem
        modem.refuse_call_once = modem.refuse_cmux_once = False
        modem.ua_lost = modem.line.to_dte.drop_next = modem.line.from_dte.drop_next = 0
        self.bad_until = max(self.bad_until, self.world.clock.now() + SETTLE)

    @property
    def good(self) -> bool:
        return not self.lasting and self.world.clock.now() >= self.bad_until

    # Checks

    def hear(self, told: dict) -> str:
        """The answer to a report."""
        self.last = told
        if told["n"] != self.now:
            self.now, self.repeats, self.told_end = told["n"], 0, False
            self.played += self.now >= 0 and not self.final
            if self.now >= 0:
                self.learn(self.steps[self.now], told)
        if told["call"] is not None and not self.told_end:
            self.told_end = True
            self.wrong = self.wrong_ending(told)
        if self.wrong is None:
            if self.now >= 0 and self.steps[self.now] == ("mend",) and not self.good:
                return "wait"
            wrong = self.wrong_state(told)
            if wrong is None:
                self.repeats = 0
                self.settle(told)
                return "go"
            self.repeats += 1
            if self.repeats <= (NOTICED_BEHIND if self.doubtful else BEHIND):
                return "wait"
            self.wrong = wrong
        return "stop"

    def learn(self, step: tuple, told: dict) -> None:
        if step[0] == "new":
            self.known = False
        elif step[0] == "do":
            self.happen(step[1])
        elif step[0] == "mend":
            self.mend()
        elif step[0] == "end" and step[1] != "return":
            self.abandoned = True

    def wrong_ending(self, told: dict) -> tuple[str, str] | None:
        """A call that ended as it must not, or late."""
        call, ended = told["call"], told["ended"]
        if call is None or ended is None:
            return None
        what = call.partition("@")[0]
        name = ended.split(":")[0]
        if name == "foreign":
            return "foreign error", f"{call} ended with {ended}"
        if ended == "never ended":
            return "never ended", f"{call} did not end"
        if ended == "swallowed":
            return "cancel swallowed", f"{call} was cancelled, and went on"
        if ended in ("abandoned", "KeyboardInterrupt", "CancelledError", "TimeoutError"):
            return None
        if self.final and ended != "ok":
            return "not good at the end", f"{call}: {ended}"
        alone = not told.get("others")
        limit = LIMITS.get(what, ROLE_MS) * SLACK + 2000
        if not alone and what not in ("disconnect", "active(False)"):
            limit += BUSY_MS
        elif not alone:
            limit += 10_000
        if told["ms"] > limit:
            return "late", f"{call} took {told['ms']} ms of {limit:.0f}: {ended}"
        if what == "prompt":
            return None
        if (
            name == "ATTimeout"
            and self.good
            and not (self.doubtful or self.noisy or self.abandoned)
        ):
            return "command lost", f"{call}, beside others: {ended}"
        if not alone:
            return None
        if name == "LinkBusy":
            return "held by nobody", f"{call}: {ended}"
        if self.doubtful or not self.good:
            return None
        return self.wrong_alone(what, name, ended, told)

    def wrong_alone(self, what, name, ended, told) -> tuple[str, str] | None:
        """In a good world, with nobody else: it works, or says at once why it cannot."""
        if what in LINK or what in ("kept_up",):
            return None if ended == "ok" else (f"{what} fails", f"{what}: {ended}")
        if what == "events":
            return None
        if not told["mine"] or not self.known:
            return None
        was = self.before
        if was == "off":
            if what in ROLES and (name != "ModemSilent" or told["ms"] > AT_ONCE_MS):
                return "modem is off", f"{what} took {told['ms']} ms: {ended}"
            return None
        if (
            name in ("ATTimeout", "ModemSilent", "ModemRestarted", "NoCarrier")
            and not self.abandoned
        ):
            return "command lost", f"{what}, status() {was!r}: {ended}"
        return None

    def wrong_state(self, told: dict) -> tuple[str, str] | None:
        """status() against what is."""
        modem = self.world.modem
        status = told["status"]
        stray = [
            entry
            for entry in self.world.journal.seen("ppp", "AT command in PPP")
            if entry.fields["command"] not in PROBES
        ]
        if stray and not self.noisy:
            return "AT in PPP", f"{stray[0]}"
        if told["connected"] != (status in ("up", "suspended")):
            return "isconnected()", f"status() is {status!r}, isconnected() {told['connected']}"
        carrying = [s for s in (status, *told["older"]) if s in ("up", "suspended")]
        if len(carrying) > 1:
            return "two are up", f"status() of all: {status!r}, older {told['older']}"
        if told["live"] or told["left"]:
            return None
        up = modem.ppp is not None and modem.ppp.up
        # What a command_mode() that was left alone has suspended the next call resumes.
        suspended = status == "suspended" and self.abandoned and up and modem.mode == "command"
        if status not in IDLE and not suspended:
            return "nobody does it", f"status() is {status!r}, and nobody does anything"
        power = modem.power.state
        sees = f"the modem is {power}, in mode {modem.mode!r}, PPP {'up' if up else 'down'}"
        if status == "up" and not up:
            return "up, but is not", f"status() is 'up'; {sees}"
        if self.doubtful:
            return None
        if not self.known:
            if status not in ("off", "on", "failed", "lost") and not told["used"]:
                return "unused", f"a new object says {status!r}"
            return None
        if status == "off" and power == "on":
            return "off, but is on", f"status() is 'off'; {sees}"
        if power == "off" and status not in ("off", "failed"):
            return "is off", f"status() is {status!r}; {sees}"
        if status == "on" and modem.mode in ("data", "cmux"):
            return "on, but in a call", f"status() is 'on'; {sees}"
        if up and status != "up" and not self.abandoned:
            return "is up", f"status() is {status!r}; {sees}"
        return None

    def settle(self, told: dict) -> None:
        """The step is over, and all is well."""
        call, ended = told["call"], told["ended"]
        if call is not None and told["mine"] and not told["live"]:
            what = call.partition("@")[0]
            self.known |= ended == "ok" and what in ("on", "off", "reset", "active(False)")
            anew = what in ("connect", "ensure") and self.before not in ("up", "suspended")
            if ended == "ok" and (anew or what in ("on", "off", "reset", "active(False)")):
                # What was hidden has been found, or is gone.
                self.abandoned = False
                if self.good:
                    self.doubtful = False
        self.known |= told["status"] != "off"
        self.before = told["status"]

    def report(self) -> str:
        """All that somebody needs to find the fault."""
        modem = self.world.modem
        kind, what = self.wrong
        done = self.steps[: self.now + 1]
        seen = self.world.journal.entries
        dialogue = [
            str(entry)
            for entry, other in zip(seen, [None, *seen], strict=False)
            if entry.source in ("at", "modem", "pin", "cmux", "ppp")
            and not (other and entry.what == other.what)
        ]
        return "\n".join(
            [
                f"{kind}: {what}",
                f"replay with: {self.sequence}",
                "steps played: " + " ".join(map(repr, done)),
                f"report: {json.dumps(self.last)}",
                f"simulator: power {modem.power.state}, supplied {modem.power.supplied}, mode {modem.mode}, "
                f"PPP {modem.ppp is not None and ('up' if modem.ppp.up else 'down')}, "
                f"multiplexing {modem.mux is not None}, rate {modem.line.rate}, "
                f"registered {modem.radio.registered}; lasting {list(self.lasting)}, "
                f"doubtful {self.doubtful}, abandoned {self.abandoned}",
                "the last of the dialogue:",
                *dialogue[-40:],
            ]
        )


def vm_steps(steps: list[tuple]) -> list[tuple]:
    """As the VM wants them: with the actions of what happens."""
    return [("do", *HAPPENINGS[step[1]][0]) if step[0] == "do" else step for step in steps]


async def play(sequence: Sequence, internet, *, speed: float) -> Game:
    """Play a sequence. Its Game tells what was wrong, if something was."""
    steps = [*sensible(sequence), *FINALE]
    text = (
        PRELUDE
        + f"MADE = {(sequence.face, sequence.multiplex)!r}\nSTEPS = {vm_steps(steps)!r}\nCALLS = {CALLS!r}\n"
        + HOST.read_text()
    )
    scenario = Scenario(
        modem=Modem(start=sequence.start), names=internet.names, routes=internet.routes
    )
    async with World(scenario, speed=speed) as world:
        game = Game(sequence, world, steps)
        try:
            result = await world.run(
                text, timeout=60 + (500 + 60 * len(steps)) / speed, on_line=game.on_line
            )
        except TimeoutError:
            game.wrong = game.wrong or ("hang", f"step {game.now + 1} does not end")
        else:
            if not game.wrong and (result.code or not game.ended or "Traceback" in result.stderr):
                game.wrong = ("crash", f"exit code {result.code}: {result.stderr}")
        game.told = game.report() if game.wrong else ""
    return game


async def confirmed(sequence: Sequence, internet, *, speed: float) -> Game:
    """Play a sequence; what goes wrong is played once more, slowly, for a busy machine is no fault."""
    game = await play(sequence, internet, speed=speed)
    if game.wrong:
        game = await play(sequence, internet, speed=speed / 5)
    return game


async def shrunk(game: Game, internet, *, speed: float, jobs: int, seconds: float) -> Game:
    """The shortest sequence that shows the same within so many real seconds, by leaving out steps."""
    end = time.monotonic() + seconds
    kind = game.wrong[0]
    size = max(1, len(game.sequence.steps) // 2)
    while time.monotonic() < end:
        steps = game.sequence.steps
        tries = [
            replace(game.sequence, steps=steps[:at] + steps[at + size :])
            for at in range(0, len(steps), size)
        ]
        found = None
        for some in batched(tries, jobs):
            games = await asyncio.gather(*(play(each, internet, speed=speed) for each in some))
            found = next((g for g in games if g.wrong and g.wrong[0] == kind), None)
            if found or time.monotonic() > end:
                break
        if found:
            game = found
            size = min(size, max(1, len(found.sequence.steps) // 2))
        elif size == 1:
            break
        else:
            size = max(1, size // 2)
    return game


def batched(items: list, count: int) -> list[list]:
    return [items[at : at + count] for at in range(0, len(items), count)]


@dataclass
class Search:
    """What came of a search: the steps played, and one Game of each kind of fault, as short as could be."""

    steps: int = 0
    slow: int = 0  # sequences that went wrong only while the machine was busy
    found: dict[str, Game] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n\n".join(game.told for game in self.found.values())


async def search(
    internet,
    *,
    seed: int,
    steps: int,
    jobs: int = 2,
    speed: float = 20.0,
    shrink: float = 60.0,
    kinds: int = 3,
    tell: Callable[[str], None] = print,
) -> Search:
    """Play random sequences of so many steps together, `jobs` at a time. What goes wrong is played again alone and slowly,
    as a busy machine is no fault; after so many kinds no further are looked for. `shrink`: real seconds for each of these."""
    speed = min(speed, SPEED_LIMIT * 2)
    came = Search()
    sequences = generated(seed)
    suspects: list[Game] = []

    async def player(until):
        while came.steps < until and len(suspects) < jobs:
            game = await play(next(sequences), internet, speed=speed)
            came.steps += game.played
            if game.wrong and game.wrong[0] not in came.found:
                suspects.append(game)

    while came.steps < steps and len(came.found) < kinds:
        await asyncio.gather(*(player(steps) for _ in range(jobs)))
        while suspects:
            game = suspects.pop(0)
            again = await play(game.sequence, internet, speed=speed / 5)
            if not again.wrong:
                came.slow += 1
                tell(f"only while the machine was busy: {game.wrong[0]}: {game.wrong[1]}")
            elif again.wrong[0] not in came.found:
                came.found[again.wrong[0]] = again
                tell(f"after {came.steps} steps, not shortened yet: {again.told}")
    for kind, game in came.found.items():
        came.found[kind] = await shrunk(game, internet, speed=speed / 4, jobs=jobs, seconds=shrink)
        tell(came.found[kind].told)
    return came


# Random sequences

CHUNK = 60  # sequences drawn at once
PIECES = 9  # of a sequence at most, each of up to so many steps
PIECE = 9
MEAN = 16  # steps of a sequence that are played, as a rule

OF_SCRIPTS = [*(call for call in LINK if call != "keep_up"), *ROLES, *BLOCKS, "events"]
OF_TASKS = [*OF_SCRIPTS, "keep_up", "keep_up", "kept_up@2000", "kept_up@2000", "poll", "poll"]
STARTS = ("command", "off", "data", "cmux")
TIMES = (20, 100, 300, 1000, 2500, 6000)


def some(what, *choices):
    return tuple((what, *choice) for choice in product(*choices))


def weighted(kinds):
    """A step of one of the kinds, each of which comes as often as its number says."""
    pool = [steps for number, steps in kinds for _ in range(number)]
    return st.sampled_from(pool).flatmap(st.sampled_from)


NEWS = [name for name, happening in HAPPENINGS.items() if happening[3] == "news"]
BLOWS = [name for name in HAPPENINGS if name not in NEWS]
ANYWHERE = (
    (2, some("wait", TIMES)),
    (3, some("call", ["connect", "disconnect", "ensure"])),
    (4, some("call", OF_SCRIPTS)),
    (1, some("do", NEWS)),
    (1, some("do", BLOWS)),
    (1, (("mend",),)),
)
outside = weighted(
    (
        *ANYWHERE,
        (2, some("thread", OF_SCRIPTS)),
        (1, (("join", "thread"),)),
        (2, some("interrupted", OF_SCRIPTS, TIMES)),
        (1, some("new", ["aio", "blocking"], [True, False])),
    )
)
in_loop = weighted(
    (
        *ANYWHERE,
        (6, some("task", NAMES, OF_TASKS)),
        (3, some("cancel", NAMES)),
        (2, some("join", NAMES)),
        (1, some("timeout", OF_SCRIPTS, TIMES)),
        (1, some("new", ["aio"], [True, False])),
    )
)
ends = st.tuples(st.just("end"), st.sampled_from(["return", "raise", "Ctrl-C"]), st.booleans())
pieces = st.one_of(
    st.lists(outside, min_size=1, max_size=PIECE),
    st.builds(
        lambda inner, end: [("run",), *inner, end],
        st.lists(in_loop, min_size=1, max_size=PIECE),
        ends,
    ),
)
sequences = st.builds(
    lambda face, multiplex, start, pieces: Sequence(face, multiplex, start, tuple(chain(*pieces))),
    st.sampled_from(["aio", "aio", "blocking"]),
    st.booleans(),
    st.sampled_from(STARTS),
    st.lists(pieces, min_size=1, max_size=PIECES),
)


def drawn(number: int) -> list[Sequence]:
    """The same sequences for the same number; as they are played, none twice."""
    found: dict[str, Sequence] = {}

    @seed(number)
    @settings(
        max_examples=CHUNK,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(sequences)
    def draw(sequence):
        if steps := sensible(sequence):
            found.setdefault(str(steps), sequence)

    draw()
    return list(found.values())


def generated(number: int) -> Iterator[Sequence]:
    """Sequences without end."""
    while True:
        yield from drawn(number)
        number += 1_000_003


def main() -> None:
    parser = argparse.ArgumentParser(description="Play random sequences against the model.")
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=8, help="sequences played at a time")
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument(
        "--shrink", type=float, default=60.0, help="seconds for each kind of fault"
    )
    parser.add_argument("--kinds", type=int, default=10, help="kinds of fault after which to stop")
    args = parser.parse_args()
    began = time.monotonic()
    with Internet() as internet:
        came = jumps.run(
            search(
                internet,
                seed=args.seed,
                steps=args.steps,
                jobs=args.jobs,
                speed=args.speed,
                shrink=args.shrink,
                kinds=args.kinds,
                tell=lambda text: print(text, end="\n\n", flush=True),
            )
        )
    print(
        f"seed {args.seed}: {came.steps} steps in {time.monotonic() - began:.0f} s, {len(came.found)} kinds of fault, "
        f"{came.slow} sequences went wrong only when played fast"
    )
    sys.exit(bool(came.found))


if __name__ == "__main__":
    main()
