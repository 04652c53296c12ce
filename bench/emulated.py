"""The measures of patches/: the patched and the unpatched firmware image side by side on the emulated chip.

`make emulate-measure UNPATCHED=<firmware.bin>`. Ratios are what counts: times are those of an emulated chip on
a machine that may be busy, and its UART sends without pacing.
"""

import argparse
import asyncio
import json
import statistics
import sys
from pathlib import Path

from chip import Chip, Panic
from emulator import RUNNING, Emulator, Missing, find_image, find_qemu
from mpremote.transport import TransportError
from sim800.scenario import Scenario
from stand_in import Internet
from world import ROOT

SIZE = 60_000
OUT = ROOT / "build" / "bench"

UP = """
import gc, select, socket, time
import ppp_sim800
nic = ppp_sim800.PPP("internet", baudrate=115200, multiplex=False)  # as without the package
nic.connect()

def joined(address, port):  # upstream's blocking connect() gets no answer over PPP: this runs the scheduler
    s = socket.socket()
    s.setblocking(False)
    try:
        s.connect(socket.getaddrinfo(address, port)[0][-1])
    except OSError as error:
        if error.errno != 119:  # EINPROGRESS
            raise
    poll = select.poll()
    poll.register(s, select.POLLOUT)
    if not poll.poll(20000):
        raise OSError("no answer")
    s.setblocking(True)
    return s
"""

RESOLVE = """
for _ in range({runs}):
    start = time.ticks_ms()
    try:
        socket.getaddrinfo("telemetry.example", 443)
        print("resolve=%d" % time.ticks_diff(time.ticks_ms(), start))
    except OSError as error:
        print("failed=%s" % error)
"""

POST = f"""
body = bytes({SIZE})
for _ in range({{runs}}):
    start = time.ticks_ms()
    try:
        s = joined("203.0.113.11", 80)
        s.write(b"POST /upload HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body))
        s.write(body)
        reply = s.read()
        if b'"length": {SIZE}' not in reply:
            raise OSError(reply)
        print("post=%d" % time.ticks_diff(time.ticks_ms(), start))
    except OSError as error:
        print("lost=%d" % time.ticks_diff(time.ticks_ms(), start), error)
    s.close()
    gc.collect()
"""

GET = f"""
s = joined("203.0.113.15", 9)
buffer = bytearray(2048)
print("@mark")
s.write(b"GET {SIZE}\\n")
left, start = {SIZE}, None
while left:
    got = s.readinto(buffer, min(left, len(buffer)))
    if not got:
        raise OSError("closed early")
    if start is None:
        start, first = time.ticks_us(), got
    left -= got
print("us=%d" % time.ticks_diff(time.ticks_us(), start))
print("first=%d" % first)
s.close()
print("@mark")
nic.disconnect()
"""

# As long as bytes come; how many are lost on the way does not matter, the rate does.
RAW = """
import machine, time
uart = machine.UART(1, 115200, tx=27, rx=26, rxbuf=8192, txbuf=4096, timeout=0)
uart.read()
buffer = bytearray(4096)
total, start, last = 0, None, None
print("@send")
begin = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begin) < 15000:
    got = uart.readinto(buffer)
    if got:
        last = time.ticks_us()
        if start is None:
            start, got = last, 0
        total += got
    elif last and time.ticks_diff(time.ticks_us(), last) > 500000:
        break
print("us=%d" % time.ticks_diff(last, start))
print("total=%d" % total)
"""


def numbers(lines: list[str], key: str) -> list[int]:
    """What a script printed behind each `key=`."""
    return [int(line[len(key) + 1 :]) for line in lines if line.startswith(key + "=")]


async def lines_of(chip: Chip, script: str, *, timeout: float = 120.0, on_line=None) -> list[str]:
    """Run a script to its good end. Raises OSError with what it said otherwise."""
    result = await chip.run(script, timeout=timeout, on_line=on_line)
    if result.code:
        raise OSError(f"{result.stdout}\n{result.stderr}")
    return result.lines


async def raw_rate(chip: Emulator) -> float:
    """Bytes a second that a script gets from UART 1 at 115200 baud while the modem sends all the time."""

    def send(line: str) -> None:
        if line == "@send":
            chip.line.send(b"U" * SIZE)

    lines = await lines_of(chip, RAW, on_line=send)
    return numbers(lines, "total")[0] * 1e6 / numbers(lines, "us")[0]


async def get_rate(chip: Emulator) -> float:
    """Bytes a second on the serial line, PPP and TCP's own counted, while 60 kB come by TCP."""
    marks = []

    def mark(line: str) -> None:
        if line == "@mark":
            marks.append(chip.line.sent)

    lines = await lines_of(chip, UP + GET, on_line=mark)
    share = 1 - numbers(lines, "first")[0] / SIZE  # of it came while the time was taken
    return (marks[1] - marks[0]) * share * 1e6 / numbers(lines, "us")[0]


async def post_times(chip: Emulator, runs: int) -> list[int]:
    """Milliseconds of each POST of 60 kB that came through, of `runs` in at most a minute and 6 s each."""
    times = []

    def note(line: str) -> None:
        times.extend(numbers([line], "post"))

    script = UP + POST.format(runs=runs) + "nic.disconnect()"
    try:
        await lines_of(chip, script, timeout=60 + 6 * runs, on_line=note)
    except (OSError, TransportError):  # upstream's fault: an upload that does not end
        if not times:
            raise
    return times


async def measure(image: Path, internet: Internet, runs: int) -> dict:
    async def on_chip(body):
        scenario = Scenario(modem=RUNNING, names=internet.names, routes=internet.routes)
        async with Emulator(scenario, image=image) as chip:
            return await body(chip)

    async def resolve(chip):
        lines = await lines_of(chip, UP + RESOLVE.format(runs=3), timeout=120)
        return {
            "resolve_ms": max(
                numbers(lines, "resolve"), default=None
            ),  # the first; then lwIP knows it
            "resolve_failed": len([line for line in lines if line.startswith("failed=")]),
        }

    async def post(chip):
        times = await post_times(chip, runs)
        return {
            "post_ms": statistics.median(times),
            "post_max_ms": max(times),
            "post_lost": runs - len(times),
            "post_all_ms": times,
        }

    async def get(chip):
        raw = await raw_rate(chip)
        rates = [await get_rate(chip) for _ in range(3)]
        return {
            "raw_rate": raw,
            "get_rate": statistics.median(rates),
            "get_of_raw": statistics.median(rates) / raw,
        }

    figures = {"image": str(image), "bytes": image.stat().st_size}
    for body in (resolve, post, get):
        try:
            figures |= await on_chip(body)
        except (Panic, OSError, TimeoutError, TransportError) as error:
            figures[body.__name__ + "_error"] = str(error).strip().splitlines()[-1]
    return figures


ROWS = (  # key, title, form
    ("resolve_ms", "resolve a name, longest ms", "{:.0f}"),
    ("resolve_failed", "  failed, of 3", "{}"),
    ("post_ms", "POST 60 kB, median ms", "{:.0f}"),
    ("post_max_ms", "  longest, ms", "{:.0f}"),
    ("post_lost", "  not done in their time", "{}"),
    ("get_rate", "GET 60 kB, bytes/s on the line", "{:.0f}"),
    ("get_of_raw", "  beside the raw UART", "{:.3f}"),
    ("bytes", "image, bytes", "{}"),
)


def show(patched: dict, unpatched: dict | None) -> None:
    def form(figures: dict | None, key: str, how: str) -> str:
        value = figures.get(key) if figures else None
        return "-" if value is None else how.format(value)

    print(f"{'':<32}{'patched':>12}{'unpatched':>12}{'ratio':>9}")
    for key, title, how in ROWS:
        ratio = "-"
        if unpatched and patched.get(key) and unpatched.get(key):
            ratio = f"{patched[key] / unpatched[key]:.3f}"
        print(f"{title:<32}{form(patched, key, how):>12}{form(unpatched, key, how):>12}{ratio:>9}")
    for name, figures in (("patched", patched), ("unpatched", unpatched or {})):
        for key, value in figures.items():
            if key.endswith("_error"):
                print(f"{name}: {key.removesuffix('_error')} failed: {value}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/emulated.py", description=__doc__)
    parser.add_argument(
        "--unpatched", type=Path, help="upstream's image (default: SIM_IMAGE_UNPATCHED)"
    )
    parser.add_argument("--runs", type=int, default=20, help="how many POSTs")
    args = parser.parse_args()
    try:
        find_qemu()
        image = find_image()
        unpatched = args.unpatched or find_image("SIM_IMAGE_UNPATCHED", None)
    except Missing as missing:
        sys.exit(str(missing))
    with Internet() as internet:
        patched = asyncio.run(measure(image, internet, args.runs))
        other = asyncio.run(measure(unpatched, internet, args.runs)) if unpatched else None
    show(patched, other)
    OUT.mkdir(parents=True, exist_ok=True)
    out = OUT / "emulated.json"
    out.write_text(json.dumps({"patched": patched, "unpatched": other}, indent=2) + "\n")
    print(f"\nJSON in {out.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
