"""From a board without power to the first 200, and whose time that is.

On `gprs` air, in real time: the modem off, the clock at 2000, no session. ppp_sim800 has checked the server's
certificate when it gets its 200; plain network.PPP with requests as they come has not. Each moment belongs to the
first of these that applies:

- key: the modem's key is held (1 s at least, by its manual).
- boot: from then until the modem's UART lives, and until its SIM is ready.
- network: from the search's beginning until it is registered.
- command: the modem works at a command, or dials.
- air: a packet is in the air.
- ours: the rest. The board computes, waits to look again, sends and receives on the UART; the servers' milliseconds
  are in it. The VM computes as fast as its host does, the chip does not.

What is ours is the time that would be left if modem, network and air kept nobody waiting.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

from meter import Meter, union
from network.air import PROFILES
from network.journal import Entry
from playing import SPEED_LIMIT
from report import Table, ratio
from sim800.scenario import Scenario
from stand_in import CERTIFICATES, Internet
from upload import HOST, OURS_UP, PLAIN_UP, upstream_requests
from world import World

GET = f"""
reply = requests.get("https://{HOST}/ip")
print("== %d" % reply.status_code)
reply.close()
"""
SCRIPTS = {"ppp_sim800": OURS_UP, "network.PPP": PLAIN_UP}
FINAL = ("OK", "ERROR", "+CME ERROR", "CONNECT", "NO CARRIER", "SHUT OK")

Span = tuple[str, float, float]


def spans(entries: list[Entry], end: float) -> Iterator[Span]:
    """(whose, since, until) of what the journal tells of; what has not ended has until `end`."""
    begun: dict[str, float] = {}
    for entry in entries:
        source, what = entry.source, entry.what
        closes = ""
        if (source, what) == ("pin", "PWRKEY low"):
            begun["key"] = entry.time
        elif (source, what) == ("pin", "PWRKEY high"):
            closes = "key"
        elif (source, what) == ("modem", "power on"):
            begun["boot"] = entry.time
        elif source == "at" and what.startswith("< +CPIN: READY"):
            closes = "boot"
        elif (source, what) == ("modem", "+CREG") and entry.fields["stat"] == 2:
            closes, begun["network"] = "boot", entry.time
        elif (source, what) == ("modem", "registered"):
            closes = "network"
        elif source == "at" and what.startswith("> AT"):
            begun["command"] = entry.time
        elif source == "at" and what.removeprefix("< ").startswith(FINAL):
            closes = "command"
        if closes in begun:
            yield closes, begun.pop(closes), entry.time
    for whose, since in begun.items():
        yield whose, since, end


def shares(found: list[Span], begin: float, end: float) -> dict[str, float]:
    """Seconds of each; what several claim is the first's, in the order of the list above."""
    seconds, claimed = {}, []
    before = 0.0
    for whose in ("key", "boot", "network", "command", "air"):
        claimed += [(since, until) for name, since, until in found if name == whose]
        total = union(claimed, begin, end)
        seconds[whose], before = total - before, total
    seconds["ours"] = end - begin - before
    return seconds


async def start(script: str, internet: Internet, speed: float = 1.0) -> dict[str, float]:
    """Whose the seconds of a cold start are. Raises OSError with what the script said if it failed."""
    scenario = Scenario(names=internet.names, routes=internet.routes, air=PROFILES["gprs"])
    at: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        pcap = Path(folder) / "line.pcap"
        env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
        async with World(scenario, speed=speed, pcap=pcap, env=env) as world:
            meter = Meter(world, pcap)
            await world.put("upstream_requests.py", upstream_requests())
            result = await world.run(
                'print("== awake")\n' + script + GET,
                timeout=120,
                on_line=lambda line: at.setdefault(line, world.clock.now()) and None,
            )
            if result.code or "== 200" not in at:
                raise OSError(f"the cold start failed:\n{result.stdout}\n{result.stderr}")
            found = list(spans(world.journal.entries, at["== 200"]))
    found += [("air", *span) for span in meter.air]
    return shares(found, at["== awake"], at["== 200"])


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    speed = min(4.0, SPEED_LIMIT) if small else 1.0
    ours, plain = await asyncio.gather(
        *(start(script, internet, speed) for script in SCRIPTS.values())
    )
    all_ours, all_plain = sum(ours.values()), sum(plain.values())
    rows = {"all": (all_ours / all_plain, 1.0, all_ours, 1.0, all_plain)}
    for whose, seconds in ours.items():
        rows[whose] = (
            ratio(seconds, plain[whose]),
            seconds / all_ours,
            seconds,
            plain[whose] / all_plain,
            plain[whose],
        )
    columns = ("ppp_sim800 / plain", "share", "s", "plain: share", "plain: s")
    return [Table("Cold start to the first 200", columns, rows)]
