"""How the cost of an upload grows with its size, and with the number of uploads on one PPP connection.

As in `upload`, the wake after the first. Several uploads of ppp_sim800 share a TCP and TLS connection, by
requests.Session; plain, and by the modem, each has its own.
"""

import asyncio

from meter import Wake
from playing import SPEED_LIMIT
from report import Table
from stand_in import Internet
from upload import WAYS, Way, side_by_side, wakes

SIZES = (200, 2000, 20000)
COUNTS = (1, 2, 5, 10)
METRICS = {"IP bytes": "ip", "s awake": "seconds", "mAh a wake": "mah"}


def table(title: str, steps: dict[int, str], found: dict[tuple[Way, int], Wake]) -> Table:
    return side_by_side(
        title,
        {
            f"{text}: {metric}": {way: getattr(found[way, step], name) for way in WAYS}
            for metric, name in METRICS.items()
            for step, text in steps.items()
        },
    )


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    sizes, counts, speed = ((200,), (1, 2), 4.0) if small else (SIZES, COUNTS, 3.0)
    speed = min(speed, SPEED_LIMIT)
    cases = {(way, size, 1) for way in WAYS for size in sizes}
    cases |= {(way, sizes[0], count) for way in WAYS for count in counts}

    async def last(way: Way, size: int, uploads: int) -> Wake:
        return (await wakes(way, internet, size=size, uploads=uploads, speed=speed))[-1]

    came = dict(zip(cases, await asyncio.gather(*(last(*case) for case in cases)), strict=True))
    by_size = {(way, size): wake for (way, size, count), wake in came.items() if count == 1}
    by_count = {
        (way, count): wake for (way, size, count), wake in came.items() if size == sizes[0]
    }
    return [
        table("One upload", {size: f"{size} bytes" for size in sizes}, by_size),
        table(
            "200 bytes, again and again on one PPP connection",
            {count: f"{count} upload{'s' * (count > 1)}" for count in counts},
            by_count,
        ),
    ]
