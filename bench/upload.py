"""A small upload once an hour, by four ways of doing it, and what it costs.

- network.PPP, "plain": MicroPython's network.PPP and requests as they come: the modem switched on by hand, a full
  TLS handshake each time, no certificate looked at.
- ppp_sim800: this project, the modem off between; the server verified, the TLS session resumed from flash.
- ppp_sim800 dozing: the same, the modem left registered and asleep between: modem.sleep(), its supply held.
- modem's HTTP: the modem itself does plain http; its TLS is dead, no server takes it any more. Its TCP is
  simulated without bare acknowledgements, so its bytes are a few hundred too low.

The goal of 0.6 for the seconds awake is met by dozing only. A modem that is off in between has to start and to find
its network at each wake, some 5 s whatever the software (see "Cold start"), and with them the goal is missed. Dozing
pays for the seconds with charge between the wakes: the last table says how far apart uploads may be for that to be
worth it.

All on `gprs` air (700 ms round trip, 40 kbit/s down, 20 up, jitter), to the same server (three RSA certificates),
in compressed time. Each board wakes from deep sleep again and again; numbers are those of the wakes after the
first, when there is a session. Charge is by the current model below.

The operator counts IP bytes. Their day's average has one full handshake, as a session is kept for a day; the server
must keep it, too (nginx does so for 5 minutes, unless ssl_session_timeout says more). lwIP asks a name server again
within a second, before the first answer can be there: 200 of the bytes, or not, by chance.

Not in the seconds: the chip's own start, and its time for public-key TLS, which only a full handshake has (the VM
computes as fast as its host). The VM's network.PPP has this project's patches below it, without which names do
not resolve, and sends a handshake's messages in one piece.
"""

import asyncio
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from meter import Meter, Wake, charge
from network.air import PROFILES
from playing import SPEED_LIMIT
from report import Number, Table, ratio
from sim800.scenario import Scenario
from stand_in import CERTIFICATES, Internet
from world import ROOT, World

HOST = "threechain.example"
DAY = 24  # uploads, of which one does a full handshake: sessions are kept for a day
SLEEP_MS = 3000  # simulated: nothing happens in the rest of the hour

# Around each way: print() tells the meter, a file how often to wake.
FRAME = """
print("== awake")
{body}
print("== asleep")
with open("left") as file:
    left = int(file.read()) - 1
with open("left", "w") as file:
    file.write(str(left))
if left:
    import machine
    machine.deepsleep({sleep})
"""

UPLOAD = """
for _ in range({uploads}):
    reply = requests.post("https://{host}/upload", data=b"x" * {size})
    if reply.json()["length"] != {size}:
        raise OSError("not uploaded")
"""

# As the recipes do: one connection for all.
KEPT = """
with requests.Session() as session:
    for _ in range({uploads}):
        reply = session.post("https://{host}/upload", data=b"x" * {size})
        if reply.json()["length"] != {size}:
            raise OSError("not uploaded")
"""

MODEM_HTTP = """
import ppp_sim800
nic = ppp_sim800.PPP("internet")
nic.active(True)
for _ in range({uploads}):
    reply = nic.modem.http.request("POST", "http://plain.example/upload", data=b"x" * {size})
    if b'"length": {size}' not in reply.content:
        raise OSError("not uploaded")
nic.active(False)
"""

# Nothing of this project: by LilyGO's example and MicroPython's documentation, without their long sleeps.
DIAL = """
import machine, network, time
machine.Pin(23, machine.Pin.OUT, value=1)  # supply
machine.Pin(5, machine.Pin.OUT, value=1)  # RST
key = machine.Pin(4, machine.Pin.OUT, value=1)
uart = machine.UART(1, 115200, tx=27, rx=26, rxbuf=4096, txbuf=2048, timeout=0)

def press():
    time.sleep_ms(200)
    key(0)
    time.sleep_ms(1000)
    key(1)

def at(command, wanted=b"OK\\r\\n", seconds=1):
    uart.read()
    uart.write(command + "\\r")
    start = time.ticks_ms()
    said = b""
    while time.ticks_diff(time.ticks_ms(), start) < seconds * 1000:
        if uart.any():
            said += uart.read(1)  # no more than the answer: behind CONNECT is PPP
            if said.endswith(wanted):
                return said
        else:
            time.sleep_ms(10)
    return b""

def wait_for(what):
    while not what():
        time.sleep_ms(100)

def registered():
    said = at("AT+CREG?")
    return b",1" in said or b",5" in said

def dial():
    wait_for(lambda: at("AT"))
    wait_for(registered)
    wait_for(lambda: b": 1" in at("AT+CGATT?"))
    at('AT+CGDCONT=1,"IP","internet"')
    if not at("ATD*99#", b"CONNECT", 20):
        raise OSError("no CONNECT")
    ppp = network.PPP(uart)
    ppp.connect(security=network.PPP.SEC_PAP, user="", key="")
    wait_for(ppp.isconnected)
    return ppp
"""
PLAIN_UP = (
    DIAL
    + """
press()
ppp = dial()
import sys
sys.path.append("")
import upstream_requests as requests
"""
)
PLAIN = (
    PLAIN_UP
    + UPLOAD
    + """
ppp.disconnect()
wait_for(lambda: ppp.status() not in (3, 4))
ppp.active(False)
wait_for(lambda: at("AT"))
at("AT+CPOWD=1", b"NORMAL POWER DOWN\\r\\n", 5)
"""
)

OURS_UP = """
import ppp_sim800, requests
nic = ppp_sim800.PPP("internet")
nic.connect()
"""
OURS = OURS_UP + KEPT + "nic.active(False)\n"

# 115200 baud: a rate the modem is found at.
DOZING = (
    """
import machine, ppp_sim800, requests, tcall
nic = ppp_sim800.PPP("internet", board=tcall.TCall(dtr=True), baudrate=115200)
nic.connect()
"""
    + KEPT
    + """
nic.disconnect()
nic.modem.sleep()
machine.Pin(23, machine.Pin.OUT, value=1, hold=True)
"""
)


@dataclass(frozen=True)
class Way:
    """A way to upload: its script, and what of meter.CURRENTS the modem is between two wakes."""

    name: str
    script: str
    between: str = "modem off"


WAYS = (
    Way("modem's HTTP", MODEM_HTTP),
    Way("network.PPP", PLAIN),
    Way("ppp_sim800", OURS),
    Way("ppp_sim800 dozing", DOZING, "modem dozing"),
)
PLAIN_WAY = WAYS[1]
OUR_WAYS = WAYS[2:]
OTHERS = (*OUR_WAYS, WAYS[0])
IP_BYTES = "IP bytes, a day's average"
AWAKE = "s awake"


def upstream_requests() -> bytes:
    """The source of `requests` as micropython-lib has it."""
    [source] = (ROOT / "build/src/micropython").glob(
        "lib/micropython-lib/*/requests/requests/__init__.py"
    )
    return source.read_bytes()


async def wakes(
    way: Way, internet: Internet, *, size=200, uploads=1, count=2, speed=2.0, host=HOST
) -> list[Wake]:
    """What so many wakes in a row take. Raises OSError with what the script said if it failed."""
    script = FRAME.format(
        body=way.script.format(host=host, size=size, uploads=uploads), sleep=SLEEP_MS
    )
    scenario = Scenario(names=internet.names, routes=internet.routes, air=PROFILES["gprs"])
    with tempfile.TemporaryDirectory() as folder:
        pcap = Path(folder) / "line.pcap"
        env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
        async with World(scenario, speed=speed, pcap=pcap, env=env) as world:
            meter = Meter(world, pcap)
            marks = {"== awake": meter.wake, "== asleep": meter.sleep}
            await world.put("left", str(count).encode())
            await world.put("upstream_requests.py", upstream_requests())
            result = await world.run(
                script,
                timeout=60 + count * (60 + 20 * uploads) / speed,
                on_line=lambda line: marks.get(line, lambda: None)(),
            )
    if result.code or len(meter.wakes) != count:
        raise OSError(f"{way.name} failed:\n{result.stdout}\n{result.stderr}")
    return meter.wakes


def mean(values: list[Wake], name: str) -> float:
    return statistics.fmean(getattr(value, name) for value in values)


COLUMNS = (*(f"{way.name} / plain" for way in OTHERS), *(way.name for way in WAYS))


def side_by_side(title: str, metrics: dict[str, dict[Way, Number]], goals=None) -> Table:
    """A table of name -> way -> number: what the others have of network.PPP's, then all."""
    rows = {}
    for name, values in metrics.items():
        ratios = [ratio(values[way], values[PLAIN_WAY]) for way in OTHERS]
        rows[name] = (*ratios, *(values[way] for way in WAYS))
    return Table(title, COLUMNS, rows, goals or {})


def hourly(found: dict[Way, list[Wake]]) -> Table:
    """The ways side by side."""
    firsts = {way: wakes[0] for way, wakes in found.items()}
    rests = {way: wakes[1:] for way, wakes in found.items()}

    def means(name: str) -> dict[Way, float]:
        return {
            way: statistics.fmean(getattr(wake, name) for wake in wakes)
            for way, wakes in rests.items()
        }

    def whole(values: dict[Way, float]) -> dict[Way, int]:
        return {way: round(value) for way, value in values.items()}

    later = means("ip")
    day = {way: (firsts[way].ip + (DAY - 1) * later[way]) / DAY for way in WAYS}
    hour = {
        way: statistics.fmean(wake.hour(way.between) for wake in wakes)
        for way, wakes in rests.items()
    }
    metrics = {
        IP_BYTES: whole(day),
        "IP bytes, resumed": whole(later),
        "IP bytes, first wake": {way: wake.ip for way, wake in firsts.items()},
        "PPP bytes": {way: size or None for way, size in whole(means("ppp")).items()},
        "UART bytes": whole(means("serial")),
        "round trips": {way: wakes[0].trips for way, wakes in rests.items()},
        AWAKE: means("seconds"),
        "s awake, first wake": {way: wake.seconds for way, wake in firsts.items()},
        "s with a packet in the air": means("air"),
        "mAh a wake": means("mah"),
        "mAh an hour": hour,
    }
    goals = {}
    for way in OUR_WAYS:
        goals[IP_BYTES, f"{way.name} / plain"] = "<= 0.4"
        goals[AWAKE, f"{way.name} / plain"] = "<= 0.6"
    return side_by_side("200 bytes once an hour", metrics, goals)


def dozing_pays(found: dict[Way, list[Wake]]) -> Table:
    """How often one must upload for a modem that dozes to cost less charge than one that is switched off."""
    off, doze = (statistics.fmean(wake.mah for wake in found[way][1:]) for way in OUR_WAYS)
    dozing, switched_off = (charge({way.between: 60}) for way in reversed(OUR_WAYS))
    minutes = (off - doze) / (dozing - switched_off)
    return Table(
        "Dozing costs less charge",
        ("minutes",),
        {"when uploads are no further apart than": (minutes,)},
    )


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    count, speed = (2, 4.0) if small else (4, 2.0)
    speed = min(speed, SPEED_LIMIT)
    came = await asyncio.gather(*(wakes(way, internet, count=count, speed=speed) for way in WAYS))
    found = dict(zip(WAYS, came, strict=True))
    return [hourly(found), dozing_pays(found)]
