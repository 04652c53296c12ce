"""How the cost of an upload grows with its size, and with the number of uploads on one PPP connection.

As in `upload`, the wake after the first. Each upload has a TCP and TLS connection of its own, as with requests.
"""

import asyncio

from meter import Wake
from report import Table, ratio
from stand_in import Internet
from upload import PLAIN_WAY, WAYS, Way, wakes

SIZES = (200, 2000, 20000)
COUNTS = (1, 2, 5, 10)
COLUMNS = ("bytes / plain", "awake / plain", "IP bytes", "s awake", "mAh a wake")


def table(
    title: str, steps: tuple[int, ...], found: dict[tuple[Way, int], Wake], unit: str
) -> Table:
    rows = {}
    for step in steps:
        plain = found[PLAIN_WAY, step]
        for way in WAYS:
            wake = found[way, step]
            rows[f"{step} {unit}, {way.name}"] = (
                ratio(wake.ip, plain.ip),
                ratio(wake.seconds, plain.seconds),
                wake.ip,
                wake.seconds,
                wake.mah,
            )
    return Table(title, COLUMNS, rows)


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    sizes, counts, speed = ((200, 2000), (2,), 4.0) if small else (SIZES, COUNTS, 3.0)
    cases = [(way, size, 1) for way in WAYS for size in sizes]
    cases += [(way, 200, count) for way in WAYS for count in counts if count > 1]

    async def last(way: Way, size: int, uploads: int) -> Wake:
        return (await wakes(way, internet, size=size, uploads=uploads, speed=speed))[-1]

    found = dict(zip(cases, await asyncio.gather(*(last(*case) for case in cases)), strict=True))
    by_size = {(way, size): wake for (way, size, count), wake in found.items() if count == 1}
    by_count = {(way, count): wake for (way, size, count), wake in found.items() if size == 200}
    return [
        table("One upload, by its size", sizes, by_size, "bytes"),
        table(
            "Uploads of 200 bytes on one PPP connection",
            (1, *counts) if small else counts,
            by_count,
            "uploads",
        ),
    ]
