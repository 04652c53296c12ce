# ruff: noqa: F821
# Runs in the VM, behind what model.py sets (MADE, STEPS, CALLS): does one step after the other, and reports after each.
# A report is a line "#" + JSON; the answer to it is "go", "wait" (report again a little later) or "stop".
# Steps and calls are described in model.py.
import _thread
import asyncio
import json
import sys
import time

import ppp_sim800
from ppp_sim800 import aio

JOIN_MS = 400_000  # no call is waited for longer


class Stop(Exception):
    pass


class Player:
    def __init__(self, face, multiplex):
        self.states = []
        self.n = -1
        self.tasks = {}  # name: Job, of this event loop
        self.thread = None  # a Job
        self.older = []
        self.make(face, multiplex)

    def make(self, face, multiplex):
        self.face = face
        kind = aio.PPP if face == "aio" else ppp_sim800.PPP
        self.nic = kind("internet", multiplex=multiplex, trace=self.trace)
        self.used = False

    def trace(self, way, line):
        if way == "=":
            self.states.append(line)

    # Who does something

    def live(self, running):
        count = int(self.thread is not None and not self.thread.ended)
        if running:
            count += sum(not job.task.done() for job in self.tasks.values())
        return count

    # Reports

    def report(self, running, **more):
        nic = self.nic
        told = {
            "n": self.n,
            "status": nic.status(),
            "reason": nic.status("reason"),
            "connected": nic.isconnected(),
            "older": [old.status() for old in self.older],
            "live": self.live(running),
            "left": 0
            if running
            else self.live(True),  # tasks that the next asyncio.run() goes on with
            "running": running,
            "used": self.used,
            "face": self.face,
            "ms": 0,
            "ended": None,
            "call": None,
        }
        told.update(more)
        print("#" + json.dumps(told))
        return input()

    def reported(self, **more):
        while True:
            said = self.report(False, **more)
            if said != "wait":
                break
            time.sleep_ms(500)
        if said == "stop":
            raise Stop

    async def reported_in_loop(self, **more):
        while True:
            said = self.report(True, **more)
            if said != "wait":
                break
            await asyncio.sleep_ms(500)
        if said == "stop":
            raise Stop


def name_of(error):
    if isinstance(error, ppp_sim800.SIM800Error):
        return type(error).__name__ + ": " + str(error)
    if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError, asyncio.TimeoutError)):
        return type(error).__name__
    sys.print_exception(error)
    return "foreign: " + repr(error)


class Job:
    """A call, of a task, a thread or of the script itself."""

    def __init__(self, player, call):
        self.player = player
        self.nic = player.nic
        self.call = call
        self.ended = None
        self.task = None
        self.cancelled = False  # before it ended
        self.began = time.ticks_ms()
        self.ms = 0
        self.others = 0

    def over(self, ended):
        self.ms = time.ticks_diff(time.ticks_ms(), self.began)
        self.ended = ended

    def block(self):
        self.player.used = True
        try:
            sync_call(self.nic, self.call)
            self.over("ok")
        except BaseException as error:
            self.over(name_of(error))
            if isinstance(error, KeyboardInterrupt):
                raise

    async def run(self):
        self.player.used = True
        self.task = asyncio.current_task()
        self.began = time.ticks_ms()
        try:
            await async_call(self.nic, self.call)
            self.over("swallowed" if self.cancelled else "ok")
        except BaseException as error:
            self.over(name_of(error))
            if not isinstance(error, Exception):
                raise

    def told(self):
        mine = self.nic is self.player.nic
        return {"call": self.call, "ended": self.ended, "ms": self.ms, "mine": mine}


def sync_call(nic, call):
    what, _, ms = call.partition("@")
    ms = int(ms or 0)
    if what == "command_mode":
        with nic.command_mode() as modem:
            modem.radio.signal()
            time.sleep_ms(ms)
            modem.info()
    elif what == "raise in command_mode":
        try:
            with nic.command_mode() as modem:
                modem.radio.signal()
                raise ValueError
        except ValueError:
            pass
    elif what == "within command_mode":
        with nic.command_mode() as modem:
            try:
                nic.disconnect()
            except ppp_sim800.LinkBusy:
                pass
            modem.radio.signal()
    elif what == "off in command_mode":
        with nic.command_mode() as modem:
            try:
                modem.off()
            except ppp_sim800.LinkBusy:
                pass
    elif what == "events":
        while nic.event():
            pass
    else:
        eval("nic." + CALLS[what], {"nic": nic})


async def async_call(nic, call):
    what, _, ms = call.partition("@")
    ms = int(ms or 0)
    if what == "command_mode":
        async with nic.command_mode() as modem:
            await modem.radio.signal()
            await asyncio.sleep_ms(ms)
            await modem.info()
    elif what == "raise in command_mode":
        try:
            async with nic.command_mode() as modem:
                await modem.radio.signal()
                raise ValueError
        except ValueError:
            pass
    elif what == "within command_mode":
        async with nic.command_mode() as modem:
            try:
                await nic.disconnect()
            except ppp_sim800.LinkBusy:
                pass
            await modem.radio.signal()
    elif what == "off in command_mode":
        async with nic.command_mode() as modem:
            try:
                await modem.off()
            except ppp_sim800.LinkBusy:
                pass
    elif what == "kept_up":
        async with nic.kept_up():
            await asyncio.sleep_ms(ms)
    elif what == "poll":
        for _ in range(20):
            try:
                await nic.modem.radio.signal()
            except ppp_sim800.ConfigError:
                pass  # the line carries PPP
            await asyncio.sleep_ms(50)
    elif what == "events":
        while await nic.event():
            pass
    else:
        await eval("nic." + CALLS[what], {"nic": nic})


def do(action):
    print("@" + action)
    input()


# Outside of an event loop


def outside(player, steps):
    while steps:
        player.n, what, *args = steps.pop(0)
        told = {}
        if what == "call":
            job = Job(player, args[0])
            job.others = player.live(False)
            if player.face == "aio":
                told = run_one(player, job)
            else:
                try:
                    job.block()
                except KeyboardInterrupt:
                    pass
                told = job.told()
            told["others"] = job.others
        elif what == "interrupted":
            told = interrupted(player, *args)
        elif what == "thread":
            job = player.thread = Job(player, args[0])
            _thread.start_new_thread(in_thread, (job,))
        elif what == "join":
            told = join_thread(player)
        elif what == "new":
            player.older.append(player.nic)
            player.make(*args)
        elif what == "wait":
            time.sleep_ms(args[0])
        elif what == "do":
            for action in args:
                do(action)
        elif what == "mend":
            pass  # the simulator's side does it
        elif what == "fresh":
            asyncio.new_event_loop()
            player.tasks.clear()
        elif what == "run":
            player.reported()
            told = run_loop(player, steps)
        player.reported(**told)


def in_thread(job):
    try:
        job.block()
    except KeyboardInterrupt:
        pass


def join_thread(player):
    job = player.thread
    start = time.ticks_ms()
    while not job.ended and time.ticks_diff(time.ticks_ms(), start) < JOIN_MS:
        time.sleep_ms(50)
    if job.ended:
        player.thread = None
    else:
        job.over("never ended")
    return dict(job.told(), others=1)


def run_one(player, job):
    """A call at the REPL: asyncio.run() of it alone. Tasks that are left from before go on meanwhile."""
    job.others = player.live(True)
    try:
        asyncio.run(job.run())
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    return job.told()


def interrupted(player, call, ms):
    """Ctrl-C during a call, or behind it."""
    job = Job(player, call)
    job.others = player.live(player.face == "aio")  # whose loop goes on with what was left
    print("@interrupt {}".format(ms / 1000))
    try:
        if player.face == "aio":
            asyncio.run(job.run())
        else:
            job.block()
        time.sleep_ms(ms + 5000)
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    told = dict(job.told(), others=job.others)
    if job.ended is None:
        told["ended"] = "abandoned"
        if job.task:  # it goes on in the next asyncio.run()
            player.tasks["left {}".format(player.n)] = job
    return told


# Within one


def run_loop(player, steps):
    told = {}
    try:
        asyncio.run(inside(player, steps))
    except ValueError:
        pass
    except KeyboardInterrupt:
        pass
    how = player.ending
    if how[1]:
        asyncio.new_event_loop()
        player.tasks.clear()
    return told


async def inside(player, steps):
    player.ending = ("return", False)
    while steps:
        player.n, what, *args = steps.pop(0)
        told = {}
        if what == "call":
            job = Job(player, args[0])
            job.others = player.live(True)
            await job.run()
            told = dict(job.told(), others=job.others)
        elif what == "task":
            job = player.tasks[args[0]] = Job(player, args[1])
            job.task = asyncio.create_task(job.run())
            await asyncio.sleep_ms(0)
        elif what == "cancel":
            job = player.tasks[args[0]]
            if not job.task.done():
                job.cancelled = True
                job.task.cancel()
        elif what == "join":
            job = player.tasks[args[0]]
            start = time.ticks_ms()
            while not job.task.done() and time.ticks_diff(time.ticks_ms(), start) < JOIN_MS:
                await asyncio.sleep_ms(50)
            if job.task.done():
                del player.tasks[args[0]]
            else:
                job.over("never ended")
            told = dict(job.told(), others=1, cancelled=job.cancelled)
        elif what == "timeout":
            job = Job(player, args[0])
            job.others = player.live(True)
            try:
                await asyncio.wait_for_ms(job.run(), args[1])
            except asyncio.TimeoutError:
                pass
            told = dict(job.told(), others=job.others, cancelled=True)
        elif what == "new":
            player.older.append(player.nic)
            player.make(*args)
        elif what == "wait":
            await asyncio.sleep_ms(args[0])
        elif what == "do":
            for action in args:
                do(action)
        elif what == "interrupted":
            # Ctrl-C while main() awaits this.
            print("@interrupt {}".format(args[1] / 1000))
            player.ending = ("Ctrl-C", args[2])
            job = Job(player, args[0])
            await job.run()
            await asyncio.sleep_ms(args[1] + 5000)
        elif what == "end":
            player.ending = tuple(args)
            if args[0] == "raise":
                raise ValueError
            if args[0] == "Ctrl-C":
                print("@interrupt 0")
                await asyncio.sleep(100)
            return
        await player.reported_in_loop(**told)


player = Player(*MADE)
try:
    player.reported()
    outside(player, [[n] + list(step) for n, step in enumerate(STEPS)])
    print("#end")
except Stop:
    pass
