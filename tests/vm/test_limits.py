"""What is counted and kept whatever happens, limits of all that is billed, and data abroad."""

import random

import pytest
from sim800.scenario import Modem, Radio

pytestmark = pytest.mark.real_time

WARM = Modem(start="command")

START = """
import machine
nic = ppp_sim800.PPP("internet")
"""
UP = START + "nic.connect()\n"

GET = """
import socket
def get(count, look=None):
    s = socket.socket()
    s.settimeout(20)
    s.connect(("203.0.113.15", 9))
    s.write(b"GET %d\\n" % count)
    buffer = bytearray(1000)
    came = 0
    while came < count:
        got = s.readinto(buffer, min(1000, count - came))
        if not got:
            break
        came += got
        if look:
            look()
    s.close()
    return came
"""

SET = """
def clock(*when):
    machine.RTC().datetime(when[:3] + (0,) + when[3:] + (0, 0, 0, 0)[:7 - len(when)])
"""


class Line:
    """Counts what PPP has on the line, as the modem sees it."""

    def __init__(self):
        self.count = 0
        self._watched = set()

    def __call__(self, line, world):
        if not self._watched:
            self._watch(world.modem)

    def _watch(self, modem):
        self._watched.add(modem)
        make = modem.make_ppp

        def made(config, send, *args):
            def sent(data):
                self.count += len(data)
                send(data)

            ppp = make(config, sent, *args)
            receive = ppp.receive

            def received(data):
                self.count += len(data)
                receive(data)

            ppp.receive = received
            return ppp

        modem.make_ppp = made


# --- what is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("memory", ["b'mine'", "b''", "json"])
def test_counters_leave_a_scripts_memory_alone(play, memory):
    """What it writes, and what it reads: nothing of the package's is in it."""
    write = "json.dumps({'boots': 1})" if memory == "json" else memory
    played = play(
        f"""
import json
import machine
rtc = machine.RTC()
if rtc.memory():
    print("memory=%s" % rtc.memory())
else:
    rtc.memory({write})
nic = ppp_sim800.PPP("internet")
print("before=%d" % nic.stats().connects)
if nic.stats().connects < 2:
    nic.connect()
    nic.disconnect()
    print("then=%d,%s" % (nic.stats().connects, rtc.memory()))
    machine.reset()
""",
        modem=WARM,
    )
    kept = b'{"boots": 1}' if memory == "json" else eval(memory)
    assert played.lines.count(f"then=1,{kept}") == 1
    assert f"then=2,{kept}" in played.lines
    assert [line for line in played.lines if line.startswith("before=")] == [
        "before=0",
        "before=1",
        "before=2",
    ]
    assert played.lines.count(f"memory={kept}") == (2 if kept else 0)


RESETS = {
    "soft reset": "machine.soft_reset()",
    "reset": "machine.reset()",
    "deep sleep": "machine.deepsleep(2000)",
    "watchdog": "machine.WDT(timeout=1000); time.sleep(5)",
}


@pytest.mark.parametrize("reset", RESETS)
def test_counters_and_budget_are_kept(play, reset):
    """The budget of an attempt in vain, and what a link carried that was up."""
    played = play(
        START
        + GET
        + f"""
stats = nic.stats()
nic.config(hour_budget=3000)
if not stats.connects:
    nic.connect()
    print("got=%d" % get(20000))
    time.sleep(61)
    print("status=" + nic.status())  # a look
    do("apn_refused")
    do("lcp_terminate")
    time.sleep(3)
    timed("first", nic.ensure)
    print("reasons=%s" % nic.stats().reasons)
    print("rx=%d" % nic.stats().rx)
    {RESETS[reset]}
print("reasons=%s" % stats.reasons)
print("rx=%d" % stats.rx)
print("day=%d" % (stats.day == stats.rx + stats.tx == stats.month))
timed("again", nic.ensure, timeout=20000)
""",
        modem=WARM,
    )
    assert played.value("first").startswith("BudgetSpent: ")
    assert played.value("again").startswith("BudgetSpent: ")
    assert played.value("day") == "1"
    for what in ("reasons", "rx"):
        told = [line for line in played.lines if line.startswith(what + "=")]
        assert len(told) == 2
        assert told[0] == told[1]
    assert int(played.value("rx")) > 20_000


def test_reset_in_the_middle_of_a_download(play):
    """Of 100 kB: what it had carried when it was looked at last is kept."""
    played = play(
        UP.replace("nic.connect()", "nic.config(day_limit=1_000_000)")
        + GET
        + """
stats = nic.stats()
print("before=%d,%d" % (stats.rx, stats.day))
if not stats.connects:
    nic.connect()
    came = 0
    def look():
        global came
        came += 1000
        time.sleep_ms(100)  # as fast as GPRS is
        nic.status()
        if came == 100_000:
            print("counted=%d" % nic.stats().rx)
            machine.reset()
    get(200_000, look)
""",
        modem=WARM,
    )
    rx, day = map(int, [line for line in played.lines if "before=" in line][1][7:].split(","))
    counted = int(played.value("counted"))
    assert counted >= 100_000
    assert counted - 25_000 <= rx <= counted  # one percent of the limit, and two looks
    assert day >= rx


@pytest.mark.parametrize("seed", range(3))
def test_counters_equal_what_the_line_had(play, seed):
    """Over resets at random: within one percent, and what a second without a look carries."""
    chance = random.Random(seed)
    plan = [
        (
            chance.randrange(5_000, 60_000),
            chance.choice(sorted(RESETS.values())),
            chance.random() < 0.3,
        )
        for _ in range(4)
    ]
    line = Line()
    played = play(
        START
        + GET
        + f"""
plan = {plan}
print("boot=1")
nic.config(month_limit=10_000_000)
turn = nic.stats().connects
if turn < len(plan):
    count, how, lost = plan[turn]
    nic.connect()
    get(count, nic.status)
    time.sleep(61 if lost else 1)
    nic.status()
    if not lost:
        nic.disconnect()
    exec(how)
stats = nic.stats()
print("total=%d,%d,%d" % (stats.rx + stats.tx, stats.day, stats.month))
""",
        modem=WARM,
        watch=line,
        timeout=120,
    )
    assert played.lines.count("boot=1") == 5
    total, day, month = map(int, played.value("total").split(","))
    assert line.count > 20_000
    assert abs(total - line.count) <= line.count / 100
    assert total == month >= day


def test_an_attempt_that_power_ends_is_paid(play):
    """Before it dials; else a supply that breaks down then has the board dial for ever."""
    played = play(
        START
        + """
nic.config(hour_budget=3000)
print("boot=1")
import _thread
def kill():
    while nic.status() != "negotiating":
        time.sleep_ms(5)
    machine.reset()
_thread.start_new_thread(kill, ())
timed("ensure", nic.ensure, timeout=20000)
""",
        modem=WARM,
    )
    assert played.value("ensure").startswith("BudgetSpent: no further attempt")
    assert played.lines.count("boot=1") == 4
    assert len(played.journal.seen("modem", "dial")) == 3


@pytest.mark.parametrize("damage", ["none", "empty", "cut", "flip", "older", "longer", "folder"])
def test_damaged_file_is_no_error(play, damage):
    played = play(
        f"""
import os
nic = ppp_sim800.PPP("internet")
nic.connect()
nic.disconnect()
name = ppp_sim800.stats.FILE
damage = "{damage}"
with open(name, "rb") as file:
    kept = bytearray(file.read())
print("size=%d" % len(kept))
if damage == "cut":
    kept = kept[:50]
elif damage == "empty":
    kept = b""
elif damage == "flip":
    kept[30] ^= 4
elif damage == "older":
    kept[1] -= 1
elif damage == "longer":
    kept += b"\\0"
if damage == "folder":
    os.remove(name)
    os.mkdir(name)
else:
    with open(name, "wb") as file:
        file.write(kept)
nic = ppp_sim800.PPP("internet")
print("loaded=%d" % nic.stats().connects)
timed("connect", nic.connect)
nic.disconnect()
print("then=%d" % (nic.stats().connects - 1 + ppp_sim800.PPP("internet").stats().connects))
""",
        modem=WARM,
    )
    assert played.value("size") == "102"
    assert played.value("loaded") == ("1" if damage == "none" else "0")
    assert played.value("connect") == "ok"


# A file system on a flash of 64 blocks that counts, and whose supply can be cut at any write.
FLASH = """
import vfs

class Flash:
    def __init__(self):
        self.data = bytearray(64 * 4096)
        self.erased = [0] * 64
        self.written = 0
        self.left = None
        vfs.VfsLfs2.mkfs(self)

    def readblocks(self, block, buffer, at=0):
        start = block * 4096 + at
        buffer[:] = self.data[start:start + len(buffer)]

    def writeblocks(self, block, buffer, at=0):
        self.written += 1
        start = block * 4096 + at
        view = memoryview(self.data)
        for i in range(0, len(buffer), 16):
            if self.left == 0:
                raise OSError(5)
            if self.left:
                self.left -= 1
            view[start + i:start + i + 16] = buffer[i:i + 16]

    def ioctl(self, what, block):
        if what == 4:
            return 64
        if what == 5:
            return 4096
        if what == 6:
            if self.left == 0:
                raise OSError(5)
            self.erased[block] += 1
            self.data[block * 4096:block * 4096 + 4096] = b"\\xff" * 4096
            return 0

import ppp_sim800.stats
from ppp_sim800.stats import Counters

def nothing():
    return 0, 0, 0

flash = Flash()
vfs.mount(flash, "/flash")
ppp_sim800.stats.FILE = "/flash/ppp_sim800.stats"
"""


def test_power_cut_while_it_is_written(play):
    """At each 16 bytes of what littlefs writes: the old counters are there, or the new ones."""
    played = play(
        FLASH
        + """
counters = Counters(nothing)
seen = set()
wrong = 0
for cut in range(200):
    counters = Counters(nothing)
    was = counters.values[0]
    counters.add(rx=1000 + cut)
    flash.left = cut % 40
    counters.save(True)
    flash.left = None
    vfs.umount("/flash")
    vfs.mount(flash, "/flash")
    now = Counters(nothing).values[0]
    seen.add(now - was if not now - was else 1)
    wrong += now not in (was, was + 1000 + cut)
print("wrong=%d seen=%s" % (wrong, sorted(seen)))
"""
    )
    assert played.value("wrong") == "0 seen=[0, 1]"


def test_flash_lasts(play):
    """A wake each ten minutes for ten years, of which a week is played, with three writes a wake."""
    played = play(
        FLASH
        + """
for wake in range(1008):
    counters = Counters(nothing)
    counters.keep_budget(1000, 1000, True)
    counters.add(connects=1)
    counters.save(True)
    counters.add(rx=3000, tx=2000, up=7)
    counters.save(True)
print("erased=%d" % sum(flash.erased))
""",
    )
    total = int(played.value("erased"))
    # littlefs spreads that over all of its blocks; two of them would bear it, at 100,000 each.
    assert total * 52 * 10 < 100_000


def test_writes_of_a_wake(play):
    """Connect, upload, disconnect, sleep: no more than three."""
    played = play(
        GET
        + """
import builtins, machine
import ppp_sim800.stats
writes = 0
real = open
def counted(name, mode="r", *args):
    global writes
    if name == ppp_sim800.stats.FILE and "w" in mode:
        writes += 1
    return real(name, mode, *args)
builtins.open = counted
nic = ppp_sim800.PPP("internet")
nic.config(day_limit=1_000_000)
for _ in range(2):
    nic.ensure()
    get(2000)
    nic.status()
    nic.disconnect()
    print("writes=%d" % writes)
    writes = 0
nic.active(False)
print("off=%d" % writes)
""",
        modem=WARM,
    )
    told = [int(line[7:]) for line in played.lines if line.startswith("writes=")]
    assert len(told) == 2
    assert all(count <= 3 for count in told)
    assert played.value("off") == "0"


def test_a_second_object_goes_on_counting(play):
    played = play(
        UP
        + GET
        + """
get(5000)
other = ppp_sim800.PPP("internet")
other.connect()
get(5000)
other.disconnect()
stats = other.stats()
print("stats=%d,%d" % (stats.connects, stats.rx > 10_000))
nic.connect()
print("stats=%d,%d" % (nic.stats().connects, nic.stats().rx >= stats.rx))
""",
        modem=WARM,
    )
    assert [line for line in played.lines if line.startswith("stats=")] == [
        "stats=2,1",
        "stats=3,1",
    ]


# --- limits -----------------------------------------------------------------------------------

EVENTS = """
def events():
    told = []
    while event := nic.event():
        if event.name.endswith("limit"):
            told.append("%s %d" % tuple(event))
    return ",".join(told)
"""


@pytest.mark.parametrize("period", ["day", "month"])
def test_limit(play, period):
    played = play(
        UP
        + GET
        + EVENTS
        + f"""
nic.config({period}_limit=50_000)
print("read=%d" % nic.config("{period}_limit"))
timed("fresh", nic.ensure)
print("first=" + events())
get(42_000)
nic.ensure()
print("second=" + events())
get(10_000)
timed("ensure", nic.ensure)
print("third=" + events())
print("status=%s: %s" % (nic.status(), nic.status("reason")))
print("up=%d" % nic.isconnected())
timed("connect", nic.connect)
timed("request", nic.modem.http.request, "GET", "http://203.0.113.10/")
timed("place", nic.modem.location)
try:
    nic.connect()
except ppp_sim800.BudgetSpent as error:
    print("until=%d" % (error.until - ppp_sim800.rtc.now()))
nic.config({period}_limit=100_000)
timed("raised", nic.connect)
nic.config({period}_limit=None)
get(60_000)
timed("none", nic.ensure)
print("last=" + events())
""",
        modem=WARM,
    )
    assert played.value("read") == "50000"
    assert played.value("fresh") == "ok"
    assert played.value("first") == ""
    assert played.value("second") == f"{period} limit 80"
    sentence = f"the data limit is used up (config({period}_limit=50000)): no data before 20"
    for what in ("ensure", "connect", "request", "place"):
        assert played.value(what).startswith("BudgetSpent: " + sentence)
    assert played.value("ensure").endswith(" 00:00 UTC, unless it is raised")
    assert played.value("third") == f"{period} limit 100"
    assert played.value("status").startswith("failed: " + sentence)
    assert played.value("up") == "0"
    assert 0 < int(played.value("until")) <= (86_400 if period == "day" else 31 * 86_400)
    assert played.value("raised") == played.value("none") == "ok"
    assert len(played.journal.seen("modem", "dial")) == 2


def test_limit_after_deep_sleep(play):
    """Not even the modem is switched on; the events are not told again."""
    played = play(
        START
        + GET
        + EVENTS
        + """
nic.config(day_limit=20_000)
if machine.reset_cause() == machine.PWRON_RESET:
    nic.connect()
    get(20_000)
    timed("first", nic.ensure)
    print("told=" + events())
    nic.active(False)
    machine.deepsleep(1000)
timed("woken", nic.connect)
print("status=%s: %s" % (nic.status(), nic.status("reason")))
print("told=" + events())
""",
        modem=WARM,
    )
    assert played.value("woken").startswith("BudgetSpent: ")
    assert int(played.value("woken_ms")) < 1000
    assert played.value("status").startswith("off: the data limit is used up")
    assert [line for line in played.lines if line.startswith("told=")] == [
        "told=day limit 80,day limit 100",
        "told=",
    ]
    assert len(played.journal.seen("modem", "dial")) == 1


def test_keep_up_obeys_and_goes_on(play):
    """Within a look of the limit it is down; it is up again when the limit is raised, and when the day ends."""
    played = play(
        GET
        + SET
        + """
import asyncio
import machine
from ppp_sim800 import aio

async def until(state):
    for _ in range(600):
        if nic.status() == state:
            break
        await asyncio.sleep_ms(100)

async def pull(count):
    reader, writer = await asyncio.open_connection("203.0.113.15", 9)
    writer.write(b"GET %d\\n" % count)
    await writer.drain()
    try:
        while data := await asyncio.wait_for(reader.read(1000), 20):
            pass
    except (OSError, asyncio.TimeoutError):
        pass

async def main():
    global nic
    nic = aio.PPP("internet")
    nic.config(day_limit=30_000, month_limit=10_000_000)
    async with nic.kept_up():
        task = asyncio.create_task(pull(200_000))
        await until("failed")
        print("at=%d" % nic.stats().day)
        print("reason=%s" % nic.status("reason"))
        await asyncio.sleep(30)
        print("still=%s,%d" % (nic.status(), nic.stats().connects))
        nic.config(day_limit=60_000)
        await until("up")
        print("raised=%s,%d" % (nic.status(), nic.stats().connects))
        task.cancel()
        task = asyncio.create_task(pull(200_000))
        await until("failed")
        print("again=%s" % nic.status())
        clock(*(time.gmtime()[:3] + (23, 59, 58)))
        await asyncio.sleep(8)
        await until("up")
        print("next=%s,%d,%d" % (nic.status(), nic.stats().connects, nic.stats().day < 30_000))
        task.cancel()
    await nic.disconnect()
asyncio.run(main())
""",
        modem=WARM,
        timeout=120,
        speed=5,
    )
    assert 30_000 <= int(played.value("at")) <= 110_000
    assert played.value("reason").startswith("the data limit is used up (config(day_limit=30000))")
    assert played.value("still") == "failed,1"
    assert played.value("raised") == "up,2"
    assert played.value("again") == "failed"
    assert played.value("next") == "up,3,1"


@pytest.mark.parametrize("multiplex", [True, False])
def test_a_script_that_only_asks_for_its_state(play, multiplex):
    """status() and event() are looks, too: nothing is carried any more, then it can be connected as usual."""
    played = play(
        UP.replace(")", f", multiplex={multiplex})", 1)
        + GET
        + """
nic.config(day_limit=20_000)
get(20_000)
time.sleep(2)
print("status=" + nic.status())
before = nic.stats()
time.sleep(20)
after = nic.stats()
print("quiet=%d" % (after.tx - before.tx))
with nic.command_mode() as modem:
    print("signal=%s" % modem.radio.signal())
print("then=" + nic.status())
nic.config(day_limit=None)
timed("connect", nic.connect)
print("got=%d" % get(1000))
""",
        modem=WARM,
    )
    assert played.value("status") == "failed"
    assert played.value("quiet") == "0"
    assert played.value("signal") == "-78"
    assert played.value("then") == "failed"
    assert played.value("connect") == "ok"
    assert played.value("got") == "1000"


def test_clock_that_goes_back_gives_nothing_back(play):
    played = play(
        UP
        + GET
        + SET
        + """
from ppp_sim800 import rtc
clock(2027, 3, 14, 12)
nic.config(month_limit=10_000_000)
rtc.set(rtc.now(), 86400)  # somebody has told it
get(5000)
used = nic.stats().day
def told(name):
    stats = nic.stats()
    print("%s=%d,%d" % (name, stats.day >= used, stats.month >= used))
told("noon")
clock(2027, 3, 13, 12)
told("back")
clock(2027, 3, 14, 13)
told("again")
clock(2000, 1, 1, 0)
told("unset")
clock(2027, 3, 14, 14)
told("set")
clock(2027, 3, 15, 1)
told("tomorrow")
clock(2027, 4, 1, 1)
told("jump")
rtc.set(rtc.now(), 86400)
told("month")
""",
        modem=WARM,
    )
    for what in ("noon", "back", "again", "unset", "set"):
        assert played.value(what) == "1,1"
    assert played.value("tomorrow") == played.value("jump") == "0,1"
    assert played.value("month") == "0,0"


@pytest.mark.parametrize("nitz", [True, False])
def test_limit_where_power_was_lost(play, nitz):
    """And the clock with it: the network may tell the time, without data; then the period is known."""
    played = play(
        UP
        + GET
        + SET
        + """
nic.config(day_limit=20_000)
get(20_000)
nic.status()
timed("first", nic.ensure)
clock(2000, 1, 1)
timed("lost", nic.connect)
print("year=%d" % (time.gmtime()[0] >= 2026))
""",
        modem=WARM,
        radio=Radio(nitz=nitz),
    )
    for what in ("first", "lost"):
        assert played.value(what).startswith("BudgetSpent: ")
    assert played.value("year") == str(int(nitz))
    assert len(played.journal.seen("modem", "dial")) == 1


def test_a_clock_far_ahead_does_not_hold_for_years(play):
    played = play(
        UP
        + SET
        + """
from ppp_sim800 import rtc
clock(2034, 5, 5)
nic.stats()
nic.disconnect()
nic.connect()  # the network's time corrects it
print("year=%d" % time.gmtime()[0])
nic.stats()
t = time.gmtime(time.time() + 2 * 86400)
used = nic.stats().day
clock(*t[:3])
rtc.set(rtc.now(), 86400)
print("next=%d" % (nic.stats().day < used))
""",
        modem=WARM,
    )
    assert played.value("year") != "2034"
    assert played.value("next") == "1"


def test_what_the_modem_itself_carries_counts(play):
    played = play(
        START
        + """
nic.active(True)
before = nic.stats().day
reply = nic.modem.http.request("GET", "http://plain.example/bytes/20000")
body = reply.content
first = nic.stats().day - before
nic.modem.location()
print("used=%d,%d" % (20_000 < first < 22_500, nic.stats().day - before - first))
print("rx=%d" % nic.stats().rx)
""",
        modem=WARM,
    )
    assert played.value("used") == "1,1000"
    assert played.value("rx") == "0"


@pytest.mark.parametrize(
    "setting",
    [
        "day_limit=0",
        "month_limit=-1",
        "day_limit='1 MB'",
        "day_limit=True",
        "roaming=True",
        "roaming='no'",
    ],
)
def test_bad_setting(play, setting):
    played = play(
        START
        + f"""
timed("set", lambda: nic.config({setting}))
if "roaming" in "{setting}":
    timed("made", lambda: ppp_sim800.PPP("internet", {setting}))
"""
    )
    assert played.value("set").startswith(f"ConfigError: {setting.split('=')[0]} must be ")
    if "roaming" in setting:
        assert played.value("made") == played.value("set")


# --- abroad -----------------------------------------------------------------------------------

ABROAD = Radio(registration=((2.0, 5),))


@pytest.mark.parametrize("roaming", ["allowed", "home data", "refused"])
def test_abroad(play, roaming):
    played = play(
        f"""
nic = ppp_sim800.PPP("internet", roaming="{roaming}")
print("read=" + nic.config("roaming"))
timed("connect", nic.connect)
timed("ensure", nic.ensure)
print("registration=" + nic.modem.radio.registration())
timed("request", nic.modem.http.request, "GET", "http://203.0.113.10/") if "{roaming}" != "allowed" else None
print("status=" + nic.status())
nic.config(roaming="allowed")
timed("allowed", nic.ensure)
""",
        modem=WARM,
        radio=ABROAD,
    )
    assert played.value("read") == roaming
    if roaming == "allowed":
        assert played.value("connect") == "ok"
    else:
        for what in ("connect", "ensure", "request"):
            assert played.value(what).startswith(
                "RoamingRefused: the modem is abroad, where roaming="
            )
        assert played.value("status") == "failed"
    assert played.value("registration") == ("off" if roaming == "refused" else "roaming")
    assert played.value("allowed") == "ok"
    assert len(played.journal.seen("modem", "dial")) == 1


@pytest.mark.parametrize("roaming", ["home data", "refused"])
def test_across_the_border_and_back(play, roaming):
    played = play(
        f"""
import asyncio
from ppp_sim800 import aio

async def until(nic, state, seconds):
    for _ in range(seconds * 5):
        if nic.status() == state:
            return
        await asyncio.sleep_ms(200)

async def main():
    nic = aio.PPP("internet", roaming="{roaming}")
    async with nic.kept_up():
        print("home=" + nic.status())
        do("no_network stat=5")
        await until(nic, "failed", 10)
        print("abroad=%s: %s" % (nic.status(), nic.status("reason")))
        await asyncio.sleep(60)
        print("still=%s,%d,%s" % (nic.status(), nic.stats().connects, await nic.modem.radio.registration()))
        do("no_network on=0")
        await until(nic, "up", 700)
        print("back=%s,%d" % (nic.status(), nic.stats().connects))
    await nic.disconnect()
asyncio.run(main())
""",
        modem=WARM,
        speed=20,
        timeout=120,
    )
    assert played.value("home") == "up"
    assert played.value("abroad").startswith("failed: the modem is abroad")
    registration = "off" if roaming == "refused" else "roaming"
    assert played.value("still") == f"failed,1,{registration}"
    assert played.value("back") == "up,2"
    assert len(played.journal.seen("modem", "dial")) == 2
    assert not played.journal.seen("pin", "RESET high")


def test_stats_is_a_look(play):
    played = play(
        UP
        + GET
        + """
nic.config(day_limit=5000)
do("air down=40000 up=40000 rtt=0.5")
try:
    print("came=%d" % get(30000, nic.stats))
except OSError as error:
    print("came=0")
print("day=%d" % nic.stats().day)
print("state=%s" % nic.status())
""",
        modem=WARM,
    )
    assert played.value("state") == "failed"
    assert int(played.value("day")) < 15_000


@pytest.mark.parametrize("dead", [0, 4])
def test_a_limit_holds_while_time_is_asked_for(play, dead):
    """Name servers and time servers that do not answer keep keep_up() busy for long."""
    played = play(
        f"""
import asyncio
from ppp_sim800 import rtc
nic = ppp_sim800.PPP("internet")

async def load(count):
    reader, writer = await asyncio.open_connection("203.0.113.15", 9)
    writer.write(b"GET %d\\n" % count)
    await writer.drain()
    while await reader.read(1000):
        pass

async def main():
    do("air down=80000 up=40000 rtt=0.5")
    await nic.aio.ensure()
    do("ntp_silent")
    do("dns dead={dead}")
    rtc.doubt()
    try:
        await nic.aio.resolve("x.example")
    except OSError:
        pass
    task = asyncio.create_task(nic.aio.keep_up())
    limit = nic.stats().day + 30000
    nic.config(day_limit=limit)
    try:
        await asyncio.wait_for(load(600000), 60)
    except (OSError, asyncio.TimeoutError):
        pass
    print("over=%d" % (nic.stats().day - limit))
    print("state=%s" % nic.status())

asyncio.run(main())
""",
        modem=WARM,
        radio=Radio(nitz=False),
        speed=8.0,
    )
    assert 0 <= int(played.value("over")) < 30_000
    assert played.value("state") == "failed"


def test_a_clock_that_jumps_ahead_begins_no_month(play):
    played = play(
        START
        + GET
        + SET
        + """
nic.config(month_limit=20000)
nic.connect()
get(10000)
before = nic.stats().month
clock(2035, 6, 1, 12)
nic.event()
clock(2035, 6, 2, 12)
nic.ensure()  # the network tells the time
get(1000)
print("kept=%s" % (nic.stats().month > before > 10000))
timed("ensure", nic.ensure)
get(9000)
time.sleep(1)
timed("over", nic.ensure)
""",
        modem=WARM,
    )
    assert played.value("kept") == "True"
    assert played.value("ensure") == "ok"
    assert played.value("over").startswith("BudgetSpent")


def test_an_object_without_the_modem_writes_nothing(play):
    """And one that takes it over goes on from the other's counters and budgets, which are copies."""
    played = play(
        UP
        + GET
        + """
spare = ppp_sim800.PPP("internet")
get(15000)
nic.disconnect()
spare.link.counters._saved -= 61000
print("spare=%d" % spare.stats().rx)
again = ppp_sim800.PPP("internet")
print("kept=%s" % (again.stats().rx > 15000))
nic.supervisor._spend(50000)
again.connect()
again.ensure()
day = again.stats().day
nic.stats()
print("twice=%s" % (again.stats().day - day < 100 and nic.stats().day <= day + 100))
again.supervisor._spend(1000)
nic.connect()
nic.ensure()
nic.supervisor._spend(1)
print("budget=%s" % (nic.link.counters.budget()[0] > 50500))
""",
        modem=WARM,
    )
    for name in ("kept", "twice", "budget"):
        assert played.value(name) == "True", name
