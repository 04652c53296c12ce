"""Hours of random faults, time compressed: how long the link carries of the time it could, whether the clock is right,
uploads work, each message is told once, the counters are true, and what memory it takes.

`python bench/mix.py --hours 72 --speed 40` prints what came of it, and what each kind of fault has cost.
"""

import argparse
import asyncio
import datetime
import random
from dataclasses import dataclass

from network import jumps, ntp
from playing import PRELUDE, actor
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from world import World

# What may happen, and for how long the air then allows nothing (seconds).
FAULTS = (
    (("carrier_lost",), 0),
    (("carrier_lost no_carrier_after=5",), 0),
    (("no_carrier",), 0),
    (("lcp_terminate",), 0),
    (("bearer_silent",), 0),
    (("pdp_deact",), 0),
    (("echo_stops",), 0),
    (("modem_reset",), 0),
    (("brown_out",), 0),
    (("undervoltage_off",), 0),
    (("silent",), 0),
    (("cell_change",), 0),
    (("ring count=2",), 0),
    (("sms_received",), 0),
    (("sms_received",), 0),
    (("ntp_silent", "later 300 ntp_silent on=0"), 0),
    (("clock_says text=70/01/01,00:00:00+00", "modem_reset", "later 300 clock_says text=''"), 0),
    (("dns dead=2", "later 600 dns"), 0),
    (("dns dead=4", "later 120 dns"), 120),
    (("dns_refuses count=20", "later 300 dns_refuses count=0"), 0),
    (("ipcp_no_dns", "lcp_terminate", "later 600 ipcp_no_dns on=0"), 0),
    (("drop_bytes count=500",), 0),
    (("pap_refuse_once", "no_carrier"), 0),
    (("call_refuse_once", "lcp_terminate"), 0),
    (("gprs_detach", "later 60 registration_back"), 60),
    (("no_network", "no_carrier", "later 300 no_network on=0"), 300),
    (("registration_lost", "later 90 registration_back"), 90),
    (("no_data", "later 120 no_data on=0"), 120),
    (("apn_refused", "no_carrier", "later 120 apn_refused on=0"), 120),
    (("air rtt=4", "later 300 air rtt=0.7"), 0),
    (("air loss=0.1", "later 300 air loss=0"), 0),
    (("flip_bits rate=0.01", "later 20 flip_bits rate=0"), 20),
    (("double_bytes rate=0.01", "later 20 double_bytes rate=0"), 20),
    (("cmux_cld",), 0),
    (("cmux_disc dlci=2",), 0),
    (("cmux_fcoff",), 0),
    (("cmux_stop dlci=2",), 0),
    (("sim_removed", "later 60 sim_inserted"), 60),
    (("interrupt 0",), 0),  # the script then resets the ESP32
)
_HEARD = (
    15.0  # seconds for which a packet from the board proves that it is there: it sends each 10
)

# A node that measures and sends, and now and then looks at its signal.
SCRIPT = """
import aiohttp, asyncio, gc, machine, os, socket, ssl
from ppp_sim800 import aio, rtc

context = ssl.create_default_context(cafile="root.der")

def free():
    gc.collect()
    gc.collect()
    return gc.mem_free()

async def use(nic):
    while True:
        await asyncio.sleep(10)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.sendto(b"reading", ("203.0.113.10", 9999))
        except OSError:
            pass
        s.close()

async def upload():
    while True:
        await asyncio.sleep(1200)
        try:
            async with aiohttp.ClientSession() as session:
                async with session.get("https://telemetry.example/ip", timeout=60, ssl=context) as reply:
                    await reply.read()
                    print("upload=%d" % reply.status)
        except OSError as error:
            print("upload=%r" % error)

async def listen(nic):
    while True:
        event = await nic.event(5000)
        if event and event.name == "sms":
            try:
                print("sms=%s" % (await nic.modem.sms.read(event.detail)).text)
                await nic.modem.sms.delete(event.detail)
            except ppp_sim800.SIM800Error as error:
                print("listen=%r" % error)
        print("clock=%d" % rtc.now())

async def look(nic):
    while True:
        await asyncio.sleep(1200)
        try:
            async with nic.command_mode() as modem:
                await modem.radio.signal()
        except ppp_sim800.SIM800Error as error:
            print("command_mode=" + str(error))

def since_when():
    # Kept over resets.
    if "begun" not in os.listdir():
        with open("begun", "w") as f:
            f.write(str(time.time()))
    with open("begun") as f:
        return int(f.read())

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        tasks = [asyncio.create_task(task) for task in (use(nic), look(nic), upload(), listen(nic))]
        begun = since_when()
        while (left := SECONDS - time.time() + begun) > 0:
            await asyncio.sleep(min(3600, left))
            print("free=%d" % free())
        for task in tasks:
            task.cancel()
    await nic.disconnect()
    stats = nic.stats()
    print("stats=%s" % (stats,))
    print("bytes=%d" % (stats.rx + stats.tx))

try:
    asyncio.run(main())
except KeyboardInterrupt:
    machine.reset()
"""


@dataclass
class Mix:
    """uptime: share of the time the air allowed in which packets of the board's came out of the modem;
    free: the heap, hour by hour, in bytes; costs: of each kind of fault, how often it struck, and the seconds without a link until the next one.
    clock: the greatest error in seconds since it was set first. messages: (sent to the board, told by it).
    uploads: (tried, done). counted: bytes both ways by the board's counters, as a share of the modem's.
    """

    code: int
    stderr: str
    uptime: float
    free: list[int]
    lines: list[str]
    costs: dict[str, list[int]]
    clock: float
    messages: tuple[int, int]
    uploads: tuple[int, int]
    counted: float

    def table(self) -> str:
        """What each kind of fault has cost, the dearest first."""
        rows = sorted(self.costs.items(), key=lambda row: -row[1][1] / row[1][0])
        return "\n".join(
            ["times  seconds   each  fault"]
            + [
                f"{times:5d} {seconds:8d} {seconds / times:6.1f}  {kind}"
                for kind, (times, seconds) in rows
            ]
        )


async def mix(internet: Internet, *, seconds: int, gap: float, speed: float, seed: int = 1) -> Mix:
    """`seconds` simulated seconds with a fault every `gap` seconds on average."""
    chance = random.Random(seed)
    text = PRELUDE + SCRIPT.replace("SECONDS", str(seconds))

    def utc():
        return world.modem.rtc.utc().replace(tzinfo=datetime.UTC).timestamp()

    # The servers' own time is not compressed.
    time_server = ntp.NTPServer(ntp.Manner(), utc, lambda said: None)
    routes = {
        (host, port): time_server.port if port == ntp.PORT else server
        for (host, port), server in internet.routes.items()
    }
    scenario = Scenario(modem=Modem(start="command"), names=internet.names, routes=routes)
    allowed = carried = 0
    last = "none yet"
    costs = {last: [1, 0]}
    sent = error = 0

    async with World(scenario, speed=speed) as world:
        act = actor(world)
        is_set = False

        def on_line(line):
            nonlocal error, is_set
            if line.startswith("clock="):
                ahead = abs(int(line[6:]) - utc())
                is_set = is_set or ahead < 60
                error = max(error, ahead * is_set)
            return act(line)

        closed_until = 0.0
        heard = float("-inf")
        send = world.internet.send

        def hear(packet):
            nonlocal heard
            heard = world.clock.now()
            send(packet)

        world.internet.send = hear

        async def strike():
            nonlocal last, closed_until, sent
            deck = []
            while True:
                await world.clock.sleep(gap * chance.uniform(0.5, 1.5))
                if not deck:  # each comes as often as any other
                    deck = chance.sample(FAULTS, len(FAULTS))
                actions, outage = deck.pop()
                last = "; ".join(actions)
                costs.setdefault(last, [0, 0])[0] += 1
                for action in actions:
                    act("@" + action)
                    sent += action == "sms_received"
                closed_until = max(closed_until, world.clock.now() + outage)

        async def watch():
            nonlocal allowed, carried
            while True:
                await world.clock.sleep(1)
                carries = world.clock.now() - heard < _HEARD
                if (allowed or carries) and world.clock.now() >= closed_until:
                    allowed += 1
                    carried += carries
                    costs[last][1] += not carries

        tasks = [asyncio.create_task(strike()), asyncio.create_task(watch())]
        try:
            await world.put("root.der", internet.root.read_bytes())  # so the script has a folder
            result = await world.run(text, timeout=2 * seconds / speed + 120, on_line=on_line)
        finally:
            for task in tasks:
                if task.done():
                    task.result()  # it never ends by itself: what went wrong with it
                task.cancel()
            time_server.stop()
        counted = world.modem.carried
    said = {
        name: [line.partition("=")[2] for line in result.lines if line.startswith(name + "=")]
        for name in ("free", "sms", "upload", "bytes")
    }
    return Mix(
        result.code,
        result.stderr,
        carried / allowed,
        [int(value) for value in said["free"]],
        result.lines,
        costs,
        error,
        (sent, len(said["sms"])),
        (len(said["upload"]), said["upload"].count("200")),
        int((said["bytes"] or [0])[-1]) / max(1, counted),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hours", type=float, default=72)
    parser.add_argument("--gap", type=float, default=7200, help="seconds from fault to fault")
    parser.add_argument("--speed", type=float, default=40)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with Internet() as internet:
        came = jumps.run(
            mix(
                internet,
                seconds=int(args.hours * 3600),
                gap=args.gap,
                speed=args.speed,
                seed=args.seed,
            )
        )
    print(f"exit code {came.code}, uptime {came.uptime:.4f} of what the air allowed")
    print(f"clock wrong by {came.clock:.0f} s at most; messages sent and told: {came.messages}")
    print(
        f"uploads tried and done: {came.uploads}; bytes counted: {came.counted:.4f} of the modem's"
    )
    print(came.table())
    print(f"free memory {came.free[0]} after the first hour, {came.free[-1]} at the end")
    print("\n".join(came.lines[-3:]), came.stderr)


if __name__ == "__main__":
    main()
