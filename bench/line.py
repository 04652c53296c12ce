"""How much of the serial line a TCP transfer through PPP gets, beside the most it could get.

The limit counts, for the very bytes sent: 10 bits a byte (8N1), PPP framing with its escapes and checksum,
compressed PPP header, and 40 bytes of IP and TCP header on each segment; nothing for a multiplexer. Everything
runs in real time, on ideal air, in plain data mode and through the multiplexer. The goals are for plain data mode,
PPP(multiplex=False). The multiplexer, which PPP() uses where the modem can, costs some 5 %: at 115200 baud it stays just
below them.
"""

import subprocess

from bulk import BULK
from network import hdlc
from network.servers import pattern
from report import Table
from sim800.scenario import Modem, Scenario
from stand_in import Internet
from world import VM, World

MSS = 1440
GOALS = {  # each way, by the line's rate
    115200: {"down": ">= 0.97", "up": ">= 0.95"},
    460800: {"down": ">= 0.93", "up": ">= 0.93"},
}

SCRIPT = (
    BULK
    + """
import ppp_sim800
nic = ppp_sim800.PPP("internet", baudrate={baudrate}, **{options})
nic.connect()
print("rate=%d" % nic.modem.baudrate)
print("down=%d %d" % take({size}, bytearray(1024)))
print("up=%d" % give(data))
nic.active(False)
"""
)


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


def ways() -> dict[str, dict]:
    """name -> what PPP() is given: plain data mode, and the multiplexer where the package can."""
    asked = "import ppp_sim800; ppp_sim800.PPP('internet', board=0, multiplex=True)"
    if subprocess.run([VM, "-c", asked], capture_output=True, check=False).returncode:
        return {"": {}}
    return {"": {"multiplex": False}, ", multiplexed": {"multiplex": True}}


async def transfer(baudrate: int, size: int, internet: Internet, options: dict) -> dict:
    """way -> (limit, reached), payload bytes a second, of `size` bytes each way. Raises OSError."""
    data = b"".join(pattern(size))
    scenario = Scenario(modem=Modem(latency=0.2), names=internet.names, routes=internet.routes)
    async with World(scenario) as world:
        await world.put("pattern.bin", data)
        result = await world.run(
            SCRIPT.format(size=size, baudrate=baudrate, options=options), timeout=300
        )
    if result.code:
        raise OSError(f"the board's script failed:\n{result.stdout}\n{result.stderr}")
    values = dict(line.split("=", 1) for line in result.lines)
    if int(values["rate"]) != baudrate:
        raise OSError(f"the line ran at {values['rate']} baud, not at {baudrate}")
    down_us, down_bytes = (int(n) for n in values["down"].split())
    rates = {}
    for way, us, payload, asyncmap in (
        # The board must escape what the modem asks for; the modem escapes nothing but flags.
        ("down", down_us, data[size - down_bytes :], 0),
        ("up", int(values["up"]), data, 0x000A0000),
    ):
        limit = len(payload) * baudrate / 10 / line_bytes(payload, asyncmap)
        rates[way] = (limit, len(payload) * 1e6 / us)
    return rates


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    rows, goals = {}, {}
    for suffix, options in ways().items():
        for baudrate in (460800,) if small else (115200, 460800):
            rates = await transfer(baudrate, 20_000 if small else 200_000, internet, options)
            for way, (limit, reached) in rates.items():
                name = f"{baudrate} baud {way}{suffix}"
                rows[name] = (reached / limit, reached, limit)
                if not suffix:
                    goals[name, "of the limit"] = GOALS[baudrate][way]
    return [Table("TCP through PPP", ("of the limit", "bytes/s", "limit"), rows, goals)]
