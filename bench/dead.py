"""How long a link that died without a word goes unnoticed, and until there is one again.

A datagram goes out every 10 s, time is compressed. ppp_sim800 is kept up by kept_up(), beside it plain
network.PPP, dialled anew as soon as its isconnected() says no; it is given 5 minutes. lwIP here has LCP echo, as
this project's firmware has. Upstream's has not: there neither of the two is noticed, ever.
"""

import asyncio

from playing import PRELUDE, SPEED_LIMIT, actor
from report import Table, ratio
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from upload import DIAL
from world import World

FAULTS = {
    "carrier lost, modem's PPP gone": "carrier_lost",
    "bearer dead behind a living modem": "bearer_silent",
}
LIMIT = 300  # simulated seconds

OURS = """
import asyncio, socket
from ppp_sim800 import aio

async def use():
    while True:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.sendto(b"reading", ("203.0.113.10", 9999))
        except OSError:
            pass
        s.close()
        await asyncio.sleep(10)

async def until(nic, is_up):
    start = time.ticks_ms()
    while (nic.status() == "up") != is_up:
        await asyncio.sleep_ms(50)
    return time.ticks_diff(time.ticks_ms(), start)

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        await until(nic, True)
        task = asyncio.create_task(use())
        await asyncio.sleep(11)
        do("{fault}")
        print("noticed=%d" % await until(nic, False))
        print("again=%d" % await until(nic, True))
        task.cancel()

asyncio.run(main())
"""

PLAIN = (
    DIAL
    + """
import socket
ppp = dial()
sent = time.ticks_ms() - 10000

def use():
    global sent
    if time.ticks_diff(time.ticks_ms(), sent) < 10000:
        return
    sent = time.ticks_ms()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        s.sendto(b"reading", ("203.0.113.10", 9999))
    except OSError:
        pass
    s.close()

def until(is_up, seconds):
    start = time.ticks_ms()
    while ppp.isconnected() != is_up:
        if time.ticks_diff(time.ticks_ms(), start) > seconds * 1000:
            return -1
        use()
        time.sleep_ms(50)
    return time.ticks_diff(time.ticks_ms(), start)

use()
time.sleep(11)
do("{fault}")
noticed = until(False, {limit})
print("noticed=%d" % noticed)
if noticed >= 0:
    start = time.ticks_ms()
    ppp.active(False)
    if not at("AT"):
        time.sleep_ms(1100)
        uart.write("+++")
        time.sleep_ms(1100)
        at("ATH")
    ppp = dial()
    print("again=%d" % time.ticks_diff(time.ticks_ms(), start))
"""
)


async def play(script: str, fault: str, internet: Internet, speed: float) -> dict[str, float]:
    """Seconds until it was "noticed", and from then until there was a link "again"."""
    scenario = Scenario(modem=Modem(start="command"), names=internet.names, routes=internet.routes)
    async with World(scenario, speed=speed) as world:
        result = await world.run(
            PRELUDE + script.replace("{fault}", fault).replace("{limit}", str(LIMIT)),
            timeout=30 + 2 * LIMIT / speed,
            on_line=actor(world),
        )
    if result.code:
        raise OSError(f"{fault}: {result.stdout}\n{result.stderr}")
    values = dict(line.split("=") for line in result.lines if "=" in line and line[0] != "@")
    return {name: int(ms) / 1000 for name, ms in values.items() if int(ms) >= 0}


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    faults = dict(list(FAULTS.items())[:1]) if small else FAULTS
    cases = [(script, fault) for fault in faults.values() for script in (OURS, PLAIN)]
    came = iter(
        await asyncio.gather(*(play(*case, internet, min(10.0, SPEED_LIMIT)) for case in cases))
    )
    rows = {}
    for title in faults:
        ours, plain = next(came), next(came)
        for name, text in (("noticed", "noticed"), ("again", "then up again")):
            rows[f"{title}: {text}"] = (
                ratio(ours.get(name), plain.get(name)),
                ours.get(name),
                plain.get(name),
            )
    columns = ("ppp_sim800 / plain", "ppp_sim800, s", "network.PPP, s")
    return [Table(f"Dead link (-: not within {LIMIT} s)", columns, rows)]
