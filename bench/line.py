"""How much of the serial line a TCP transfer through PPP gets, beside the most it could get.

The limit counts, for the very bytes sent: 10 bits a byte (8N1), PPP framing with its escapes and checksum,
compressed PPP header, and 40 bytes of IP and TCP header on each segment. Everything runs in real time.
"""

import argparse
import asyncio
import json
import sys

from network import hdlc
from network.servers import pattern
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from world import ROOT, World

MSS = 1440
OUT = ROOT / "build" / "bench"

SCRIPT = """
import socket, time
import ppp_sim800
nic = ppp_sim800.PPP("internet", baudrate={baudrate})
start = time.ticks_ms()
nic.connect()
print("connect=%d" % time.ticks_diff(time.ticks_ms(), start))
print("rate=%d" % nic.modem.baudrate)
where = socket.getaddrinfo("bulk.example", 9)[0][-1]

def take(count, buffer):
    s = socket.socket()
    s.connect(where)
    s.write(b"GET %d\\n" % count)
    left = count
    start = None
    while left:
        got = s.readinto(buffer, min(left, len(buffer)))
        if not got:
            raise OSError("closed early")
        if start is None:
            start = time.ticks_us()
            first = got
        left -= got
    us = time.ticks_diff(time.ticks_us(), start)
    s.close()
    return us, count - first

def give(data):
    s = socket.socket()
    s.connect(where)
    s.write(b"PUT %d\\n" % len(data))
    start = time.ticks_us()
    s.write(data)
    answer = s.readline()
    us = time.ticks_diff(time.ticks_us(), start)
    s.close()
    if not answer.startswith(b"OK %d " % len(data)):
        raise OSError(answer)
    return us

print("down=%d %d" % take({size}, bytearray(1024)))
with open("pattern.bin", "rb") as file:
    data = file.read()
print("up=%d" % give(data))
nic.active(False)
"""


def line_bytes(payload: bytes, asyncmap: int) -> int:
    """Bytes on the serial line for `payload` in full TCP segments, one flag between frames."""
    header = bytes.fromhex("4500 05c8 0001 0000 4006 0000 cb00710f 0a404040") + bytes.fromhex(
        "0009 c001 00000001 00000001 5010 1680 0000 0000"
    )
    total = 0
    for start in range(0, len(payload), MSS):
        frame = hdlc.pack(0x0021, header + payload[start : start + MSS], True, True)
        total += len(hdlc.enclose(frame, asyncmap)) - 1
    return total


async def measure(baudrate: int, size: int) -> dict:
    data = b"".join(pattern(size))
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "pattern.bin").write_bytes(data)
    with Internet() as internet:
        scenario = Scenario(modem=Modem(latency=0.2), names=internet.names, routes=internet.routes)
        async with World(scenario) as world:
            result = await world.run(
                SCRIPT.format(size=size, baudrate=baudrate), timeout=300, cwd=OUT
            )
    if result.code:
        sys.exit(f"the board's script failed:\n{result.stdout}\n{result.stderr}")
    values = dict(line.split("=", 1) for line in result.lines)
    if int(values["rate"]) != baudrate:
        sys.exit(f"the line ran at {values['rate']} baud, not at {baudrate}")
    down_us, down_bytes = (int(n) for n in values["down"].split())
    rows = {}
    for way, us, payload, asyncmap in (
        # The board must escape what the modem asks for; the modem escapes nothing but flags.
        ("down", down_us, data[size - down_bytes :], 0),
        ("up", int(values["up"]), data, 0x000A0000),
    ):
        limit = len(payload) * baudrate / 10 / line_bytes(payload, asyncmap)
        reached = len(payload) * 1e6 / us
        rows[way] = {"limit": limit, "reached": reached, "ratio": reached / limit}
    return {"baudrate": baudrate, "bytes": size, "connect_ms": int(values["connect"]), **rows}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/line.py", description=__doc__)
    parser.add_argument("--bytes", type=int, default=200_000, help="payload each way")
    args = parser.parse_args()
    runs = [asyncio.run(measure(baudrate, args.bytes)) for baudrate in (115200, 460800)]
    print(f"{'TCP payload':<20}{'ratio':>7}{'limit B/s':>12}{'reached B/s':>13}")
    for run in runs:
        for way in ("down", "up"):
            row = run[way]
            title = f"{run['baudrate']} baud {way}"
            print(f"{title:<20}{row['ratio']:>7.3f}{row['limit']:>12.0f}{row['reached']:>13.0f}")
    out = OUT / "line.json"
    out.write_text(json.dumps(runs, indent=2) + "\n")
    print(f"\n{args.bytes} bytes each way; JSON in {out.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
