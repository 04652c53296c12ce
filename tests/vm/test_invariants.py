"""What has to hold while the link is up: told where it does not, and restored within a minute once its source is back.

SIM_ROUNDS=84 breaks each of them for a week: up to four hours of the package's clock pass between two rounds.
"""

import os

import pytest
from sim800.scenario import Modem, Radio
from test_supervision import LATER

WARM = Modem(start="command")
NO_NITZ = Radio(nitz=False)
ROUNDS = int(os.environ.get("SIM_ROUNDS", "4"))

# A task keeps the link up; `holds()` tells whether what is in question does.
KEEP = """
import asyncio, machine, random
from ppp_sim800 import rtc

nic = ppp_sim800.PPP("internet")
random.seed(SEED)

def put(year):
    # The clock goes wrong by itself.
    machine.RTC().datetime((year, 6, 1, 0, 12, 0, 0, 0))

def tell():
    while event := nic.event():
        print("event=%s,%s" % tuple(event))

async def until(holds):
    begun = time.ticks_ms()
    while not await holds():
        await asyncio.sleep_ms(100)
    return time.ticks_diff(time.ticks_ms(), begun)

async def main():
    async with nic.aio.kept_up():
        await until(link)
        task = asyncio.create_task(hear())
        await asyncio.sleep(5)
        for _ in range(ROUNDS):
            # Anywhere between two looks, questions and pauses.
            later.passed += random.randint(0, 14_400_000)
            await asyncio.sleep_ms(random.randint(0, 40000))
            await strike()
            if mend:
                await asyncio.sleep_ms(random.randint(0, 120000))
                mend()
            print("ms=%d" % await until(holds))
            await asyncio.sleep_ms(1500)  # a look
            print("reason=%s" % nic.status("reason"))
        task.cancel()

async def link():
    return nic.status() == "up"

async def hear():
    # What a server says, by its address: names may fail while all else works.
    while True:
        try:
            _, writer = await asyncio.open_connection("203.0.113.10", 443)
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass
        await asyncio.sleep(3)
"""

BREAK = {
    # do, holds, undo
    "names": """
async def strike():
    do("dns dead=4")
    try:
        await nic.aio.resolve("n%d.example" % time.ticks_ms())
    except ppp_sim800.NameNotFound as error:
        print("said=%s" % error)
    await asyncio.sleep_ms(15000)
    print("broken=%s" % nic.status("reason"))

def mend():
    do("dns")

async def holds():
    if not await link() or nic.status("reason"):
        return False
    try:
        return await nic.aio.resolve("telemetry.example")
    except ppp_sim800.NameNotFound:
        return False
""",
    "time": """
async def strike():
    do("ntp_silent")
    put(random.choice((2000, 2020, 2045, 2090)))
    await asyncio.sleep_ms(45000)
    print("broken=%s" % nic.status("reason"))

def mend():
    do("ntp_silent on=0")

async def holds():
    return rtc.is_set() and await link()
""",
    "bearer": """
async def strike():
    do("no_data")

def mend():
    do("no_data on=0")

async def holds():
    if not await link():
        return False
    try:
        return await nic.aio.resolve("n%d.example" % time.ticks_ms())
    except ppp_sim800.NameNotFound as error:
        return "no such name" in str(error)
""",
    "call": """
async def strike():
    global connects
    connects = nic.stats().connects
    do(random.choice(("no_carrier", "carrier_lost", "lcp_terminate", "pdp_deact", "echo_stops", "modem_reset")))

mend = None

async def holds():
    return nic.stats().connects > connects and await link()
""",
    "AT channel": """
async def strike():
    global connects
    connects = nic.stats().connects
    do("cmux_stop dlci=2")
    await asyncio.sleep_ms(1000)
    try:
        await nic.aio.modem.radio.signal()
        print("taken")
    except ppp_sim800.SIM800Error:
        pass

mend = None

async def holds():
    if not await link() or nic.stats().connects == connects:
        return False
    try:
        await nic.aio.modem.radio.signal()
        return True
    except ppp_sim800.SIM800Error:
        return False
""",
}

SAID = {
    "names": "no name server answers: ",
    "time": "the clock is not set, not confirmed for a day, or contradicted",
}


def watch(play, name, seed, rounds):
    script = LATER + KEEP.replace("SEED", str(seed)).replace("ROUNDS", str(rounds))
    played = play(
        script + BREAK[name] + "\nasyncio.run(main())\ntell()\n",
        radio=NO_NITZ,
        modem=WARM,
        speed=20.0,
        timeout=200 + 40 * rounds,
    )
    took = [int(line[3:]) for line in played.lines if line.startswith("ms=")]
    assert len(took) == rounds
    return played, took


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", BREAK)
def test_it_holds_within_a_minute(play, name, seed):
    """At whatever moment it breaks, and for however long."""
    played, took = watch(play, name, seed, ROUNDS)
    assert max(took) < 60_000, took
    reasons = [line[7:] for line in played.lines if line.startswith("reason=")]
    assert reasons == ["None"] * ROUNDS


@pytest.mark.parametrize("name", SAID)
def test_what_is_broken_is_told(play, name):
    played, _ = watch(play, name, 3, 3)
    broken = [line[7:] for line in played.lines if line.startswith("broken=")]
    assert broken and all(line.startswith(SAID[name]) for line in broken), broken
    # Of a state the newest event says all.
    assert f"event={name},restored" in played.lines


def test_events_tell_what_is_broken_and_restored(play):
    """Once each, and status() stays "up"."""
    played = play(
        """
import socket
nic = ppp_sim800.PPP("internet")
nic.connect()
while nic.event():
    pass

def tell(what):
    # Something comes from the network.
    sock = socket.socket()
    sock.connect(("203.0.113.10", 443))
    sock.close()
    nic.ensure()
    print("%s=%s|%s" % (what, nic.status(), nic.status("reason")))
    while event := nic.event():
        print("%s=%s,%s" % ((what,) + event))

tell("before")
do("dns dead=4")
timed("resolve", nic.resolve, "nowhere.example")
tell("dead")
tell("still")
do("dns")
time.sleep(31)
tell("back")
tell("then")
""",
        speed=8.0,
    )
    sentence = SAID["names"] + "connect by address, or name others by config(dns=)"
    said = [
        line
        for line in played.lines
        if line.split("=")[0] in ("before", "dead", "still", "back", "then")
    ]
    assert said == [
        "before=up|None",
        f"dead=up|{sentence}",
        "dead=names,broken",
        f"still=up|{sentence}",
        "back=up|None",
        "back=names,restored",
        "then=up|None",
    ]
    assert "no name server answered" in played.value("resolve")


def test_what_is_cut_short_is_not_asked_at_once_again(play):
    """By a script that gives ensure() less time than the time servers take: the pause holds, and the reason is told."""
    played = play(
        """
import asyncio, machine
do("ntp_silent")
nic = ppp_sim800.PPP("internet")
nic.connect()
machine.RTC().datetime((2000, 6, 1, 0, 12, 0, 0, 0))

async def main():
    for _ in range(8):
        try:
            await asyncio.wait_for(nic.aio.ensure(), 4)
        except asyncio.TimeoutError:
            pass
        await asyncio.sleep(3)
    await asyncio.sleep(30)
    do("ntp_silent on=0")
    await nic.aio.ensure()
    print("status=%s,%s" % (nic.status(), nic.status("reason")))

before = nic.stats().tx
asyncio.run(main())
while event := nic.event():
    print("event=%s,%s" % tuple(event))
""",
        radio=NO_NITZ,
        modem=WARM,
        speed=10.0,
    )
    assert played.value("status") == "up,None"
    assert played.lines.count("event=time,restored") <= 1
    asked = [entry for entry in played.journal.seen("dns") if "ntp" in entry.what]
    assert len(asked) <= 8, asked


def test_memory_that_is_short_for_one_spares_the_others(play):
    played = play(
        """
import machine
from ppp_sim800 import invariants, rtc
nic = ppp_sim800.PPP("internet")
nic.ensure()
good = invariants.Invariants.names
def names(self):
    raise MemoryError
invariants.Invariants.names = names
machine.RTC().datetime((2000, 6, 1, 0, 12, 0, 0, 0))
nic.ensure()
print("set=%s" % rtc.is_set())
print("reason=%s" % nic.status("reason"))
invariants.Invariants.names = good
nic.ensure()
print("then=%s" % nic.status("reason"))
""",
        modem=WARM,
    )
    assert played.value("set") == "True"
    assert played.value("reason").startswith(SAID["names"])
    assert played.value("then") == "None"


@pytest.mark.parametrize("call", ["socket.getaddrinfo(name, 80)", "nic.resolve(name)"])
def test_public_name_servers_stand_in_for_dead_ones(play, call):
    """After the operator's own, and first for a while then."""
    played = play(
        f"""
import socket
nic = ppp_sim800.PPP("internet")
nic.connect()
do("dns dead=2")
def look(name):
    return {call}
for name in ("telemetry.example", "plain.example"):
    timed(name, look, name)
do("dns")
time.sleep(600)
look("p256.example")
""",
        speed=20.0,
    )
    assert played.value("telemetry.example") == played.value("plain.example") == "ok"
    assert int(played.value("telemetry.example_ms")) > 8000 > int(played.value("plain.example_ms"))
    seen = [
        (entry.what.split(":")[0], entry.fields.get("server"))
        for entry in played.journal.seen("dns")
    ]
    assert ("telemetry.example", "9.9.9.9") in seen
    assert ("plain.example", "9.9.9.9") in seen
    (server,) = [server for name, server in seen if name == "p256.example"]
    assert server != "9.9.9.9"


def test_the_watchdog_is_fed_while_a_name_is_looked_up(play):
    """By a script that blocks: it was given to ensure()."""
    played = play(
        """
import socket
class Dog:
    fed = 0
    longest = 0
    last = None

    def feed(self):
        now = time.ticks_ms()
        if self.last is not None:
            self.longest = max(self.longest, time.ticks_diff(now, self.last))
        self.last = now
        self.fed += 1

dog = Dog()
nic = ppp_sim800.PPP("internet")
nic.ensure(wdt=dog)
do("dns dead=4")
dog.last = None
dog.longest = 0
dog.feed()
timed("name", socket.getaddrinfo, "nowhere.example", 80)
dog.feed()
print("longest=%d" % dog.longest)
""",
        modem=WARM,
    )
    assert played.value("name").startswith(
        'NameNotFound: cannot resolve "nowhere.example": no name server answered'
    )
    assert int(played.value("name_ms")) >= 11_000
    assert int(played.value("longest")) < 1000
