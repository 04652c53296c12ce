"""The fault table (tests/data/faults.toml): played with the package, or with plain network.PPP to compare.

`python bench/fault_table.py` plays all of it with both and prints how each ended.
"""

import argparse
import sys
import tomllib
from dataclasses import dataclass, field

from network import jumps
from playing import PRELUDE, Played, actor
from sim800.scenario import PPP, SIM, Modem, Radio, Scenario
from stand_in import Internet
from world import ROOT, World

TABLE = ROOT / "tests" / "data" / "faults.toml"


@dataclass(frozen=True)
class Fault:
    """One line of the table, see there."""

    name: str
    at: str = "up"
    multiplex: bool = True
    do: tuple[str, ...] = ()
    run: str = ""
    before: str = ""
    modem: dict = field(default_factory=dict)
    sim: dict = field(default_factory=dict)
    radio: dict = field(default_factory=dict)
    ppp: dict = field(default_factory=dict)
    expect: str = "up"
    limit: int = 60
    check: str = ""
    mend: tuple[str, ...] = ()
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.name} [{self.at}{'' if self.multiplex else ', plain'}]"

    def scenario(self, internet: Internet) -> Scenario:
        return Scenario(
            modem=Modem(**{"start": "command", **self.modem}),
            sim=SIM(**self.sim),
            radio=Radio(**self.radio),
            ppp=PPP(**self.ppp),
            names=internet.names,
            routes=internet.routes,
        )


def table() -> list[Fault]:
    faults = []
    for entry in tomllib.loads(TABLE.read_text())["fault"]:
        places = entry.pop("at", "up")
        plain = entry.pop("plain", [])
        for at in [places] if isinstance(places, str) else places:
            faults.append(Fault(at=at, multiplex=at != "suspended", **entry))
        faults += [Fault(at=at, multiplex=False, **entry) for at in plain]
    return faults


# What every script has. It is begun anew by a reset: then the fault has happened.
COMMON = """
import _thread, gc, machine, os, socket
HAPPENED = "happened"  # a file: when
pin = None

def now():
    return time.ticks_ms()

def happen():
    print("happened")
    with open(HAPPENED, "w") as f:
        f.write("x")
    for action in {do!r}:
        do(action)
    if {run!r}:  # to compile nothing takes memory, too
        exec({run!r}, globals())

def happened():
    return HAPPENED in os.listdir()

def through():
    s = socket.socket()
    try:
        s.settimeout(15)
        s.connect(("203.0.113.10", 443))
    finally:
        s.close()
"""

# A careful user of the package.
OURS = """
def trace(way, line):
    if way == "=":
        print("state=" + line)
        if line == {at!r} and not happened():
            happen()

exec({before!r}, globals())
if {at!r} == "off":
    happen()
nic = ppp_sim800.PPP("internet", pin=pin, multiplex={multiplex}, trace=trace)

def come_up(limit):
    start = now()
    while time.ticks_diff(now(), start) < limit * 1000:
        try:
            nic.ensure(timeout=max(1, limit * {patience} - time.ticks_diff(now(), start)))
            through()
            if not happened() and {at!r} == "suspended":
                with nic.command_mode() as modem:
                    modem.radio.signal()
            elif not happened() and {at!r} == "recovering":
                do("no_carrier")
                time.sleep(1)
            else:
                return "up"
        except ppp_sim800.SIM800Error as error:
            if happened():
                print("why=" + str(error))
                return type(error).__name__
            print("early=" + str(error))
        except (OSError, MemoryError):
            pass  # the connection, or no memory for it: the script tries again
    return "late"

ended = come_up({limit})
print("state=" + nic.status())
print("ended=" + ended)
if ended == "up" and {check!r}:
    exec({check!r})
"""

# Who tries what is written about network.PPP, again and again.
PLAIN = """
import network
exec({before!r}, globals())
import tcall
board = tcall.TCall()
board.supply(True)
uart = board.uart(115200)
ppp = None

def at(command, wanted, seconds):
    uart.read()
    uart.write(command + "\\r")
    start = now()
    said = b""
    while time.ticks_diff(now(), start) < seconds * 1000:
        said += uart.read() or b""
        if wanted in said:
            return True
        time.sleep_ms(10)
    return False

def connect():
    global ppp
    if ppp:
        ppp.active(False)
    for _ in range(5):
        if at("AT", b"OK", 1):
            break
    else:
        time.sleep_ms(1100)
        uart.write("+++")
        time.sleep_ms(1100)
        at("ATH", b"OK", 3)
    at('AT+CGDCONT=1,"IP","internet"', b"OK", 3)
    if not at("ATD*99#", b"CONNECT", 20):
        raise OSError("no CONNECT")
    ppp = network.PPP(uart)
    ppp.connect(security=network.PPP.SEC_PAP, user="", key="")
    start = now()
    while not ppp.isconnected():
        if time.ticks_diff(now(), start) > 30000:
            raise OSError("no PPP")
        time.sleep_ms(20)

def come_up(limit):
    start = now()
    while time.ticks_diff(now(), start) < limit * 1000:
        try:
            if not (ppp and ppp.isconnected()):
                connect()
            through()
            if happened():
                return "up"
            happen()
            start = now()
        except OSError:
            time.sleep(1)
    return "late"

print("ended=" + come_up({limit}))
"""

# The same object again.
AGAIN = """
for action in {mend!r}:
    do(action)
if {cure!r}:
    exec({cure!r})
ended = come_up(300)
print("again=" + ended)
"""


async def play(
    fault: Fault, internet: Internet, *, script=OURS, speed=10.0, timeout=100.0
) -> Played:
    """Play a fault to its end. Raises TimeoutError if it has none."""
    # An error must come well before the limit, as an attempt that runs is not cut short.
    told = {"patience": 1000 if fault.expect == "up" else 500}
    told |= {
        name: getattr(fault, name)
        for name in ("at", "multiplex", "do", "run", "before", "limit", "check", "mend", "cure")
    }
    text = PRELUDE + (COMMON + script + (AGAIN if script is OURS else "")).format(**told)
    when: dict[str, float] = {}

    async with World(fault.scenario(internet), speed=speed) as world:
        act = actor(world)

        def on_line(line):
            when.setdefault(
                line.split("=")[0] if line.startswith("ended") else line, world.clock.now()
            )
            return act(line)

        await world.put("root.der", internet.root.read_bytes())
        result = await world.run(text, timeout=timeout, on_line=on_line)
    played = Played(result, world)
    played.took = when.get("ended", float("inf")) - when.get("happened", float("-inf"))
    return played


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="faults with these words in their names")
    parser.add_argument("--speed", type=float, default=10.0)
    args = parser.parse_args()
    faults = [
        f
        for f in table()
        if args.only in str(f) and f.expect == f.at == "up" and f.multiplex and "nic." not in f.run
    ]
    ended = {"ours": 0, "plain": 0}

    async def one(fault: Fault, name: str, script: str) -> str:
        try:
            played = await play(fault, internet, script=script, speed=args.speed)
            end = played.value("ended") if not played.result.code else "crash"
        except TimeoutError:
            end = "hang"
        except AssertionError:
            end = "crash"
        ended[name] += end == "up"
        return end

    async def go():
        for fault in faults:
            ends = [await one(fault, "ours", OURS), await one(fault, "plain", PLAIN)]
            print(f"| {fault.name} | {ends[0]} | {ends[1]} |", flush=True)

    with Internet() as internet:
        print("| fault, link up | ppp_sim800 | network.PPP |\n|---|---|---|", flush=True)
        jumps.run(go())
    print(f"| **up again, of {len(faults)}** | {ended['ours']} | {ended['plain']} |")
    sys.exit(ended["ours"] < len(faults))


if __name__ == "__main__":
    main()
