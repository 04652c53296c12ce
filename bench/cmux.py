"""TCP over the link multiplexed, beside plain data mode, and AT commands under full download.

Everything runs in real time at 115200 baud.
"""

import argparse
import asyncio
import json
import sys

from bulk import BULK
from network.servers import pattern
from report import Table, as_text, ratio
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from world import ROOT, World

OUT = ROOT / "build" / "bench"
GOALS = {"multiplexed / plain": ">= 0.93", "longest ms": "<= 300"}

SCRIPT = (
    BULK
    + """
import ppp_sim800, _thread

def rate(us, count):
    return count * 1e6 / us

for name, multiplex in (("plain", False), ("mux", True)):
    nic = ppp_sim800.PPP("internet", baudrate=115200, multiplex=multiplex)
    nic.connect()
    print("%s_down=%d" % (name, rate(*take(len(data), bytearray(1024)))))
    print("%s_up=%d" % (name, rate(give(data), len(data))))
    if not multiplex:
        nic.disconnect()

times = []
stop = False
def ask():
    while not stop:
        start = time.ticks_ms()
        nic.modem.radio.signal()
        times.append(time.ticks_diff(time.ticks_ms(), start))
        time.sleep_ms(100)
    times.append(0)
_thread.start_new_thread(ask, ())
print("asked_down=%d" % rate(*take(len(data), bytearray(1024))))
stop = True
while times[-1]:
    time.sleep_ms(10)
times.pop()
print("asked=%d %d %d" % (len(times), sorted(times)[len(times) // 2], max(times)))
nic.disconnect()
"""
)


async def measure(size: int) -> dict[str, str]:
    data = b"".join(pattern(size))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "pattern.bin").write_bytes(data)
    with Internet() as internet:
        scenario = Scenario(
            modem=Modem(start="command", ipr=115200),
            names=internet.names,
            routes=internet.routes,
        )
        async with World(scenario) as world:
            result = await world.run(SCRIPT, timeout=600, cwd=OUT)
    if result.code:
        sys.exit(f"the board's script failed:\n{result.stdout}\n{result.stderr}")
    return dict(line.split("=", 1) for line in result.lines)


def tables(run: dict[str, str]) -> list[Table]:
    """What measure() found, with the goals."""
    rows = {}
    for name, ours, plain in (
        ("115200 baud down", "mux_down", "plain_down"),
        ("115200 baud up", "mux_up", "plain_up"),
        ("115200 baud down, AT+CSQ all the time", "asked_down", "plain_down"),
    ):
        values = int(run[ours]), int(run[plain])
        rows[name] = (ratio(*values), *values)
    count, median, longest = (int(word) for word in run["asked"].split())
    first = "multiplexed / plain"
    goals = {(f"115200 baud {way}", first): GOALS[first] for way in ("down", "up")}
    columns = (first, "multiplexed, bytes/s", "plain, bytes/s")
    return [
        Table("TCP through PPP", columns, rows, goals),
        Table(
            "AT+CSQ meanwhile",
            ("median ms", "longest ms", "times"),
            {"answered": (median, longest, count)},
            {("answered", "longest ms"): GOALS["longest ms"]},
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/cmux.py", description=__doc__)
    parser.add_argument("--bytes", type=int, default=200_000, help="payload each way")
    args = parser.parse_args()
    run = asyncio.run(measure(args.bytes))
    for table in tables(run):
        print(as_text(table.cells()), end="\n\n")
    (OUT / "cmux.json").write_text(json.dumps(run, indent=2) + "\n")


if __name__ == "__main__":
    main()
