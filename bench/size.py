"""What the package takes of flash and RAM.

Bytecode as mpy-tool freezes it, without names and constants, which are shared with all else that is frozen. RAM in
the Linux VM, whose words have 64 bits: the chip takes about half (tests/firmware/test_chip_footprint.py measures it
there). Image sizes where `make firmware` has built one.
"""

import re

from report import Table, ratio
from sim800.scenario import Modem, Scenario
from stand_in import CERTIFICATES, Internet
from upload import DIAL, HOST, upstream_requests
from world import ROOT, World

FROZEN = ROOT / "build" / "vm" / "frozen_content.c"
IMAGES = ROOT / "build" / "firmware"

USED = """
import gc, machine, network, socket, time, collections, errno

def told(name):
    gc.collect()
    print("%s=%d" % (name, gc.mem_alloc() - before))

gc.collect()
before = gc.mem_alloc()
"""
REQUEST = f"""
reply = requests.get("https://{HOST}/ip")
reply.close()
del reply
told("after a request")
"""
OURS = (
    """
import ppp_sim800
told("imported")
nic = ppp_sim800.PPP("internet")
nic.connect()
told("link up")
import requests
"""
    + REQUEST
)
PLAIN = (
    DIAL
    + """
told("imported")
ppp = dial()
told("link up")
import sys
sys.path.append("")
import upstream_requests as requests
"""
    + REQUEST
)


def bytecode() -> dict[str, int]:
    """Bytes of each frozen module of the package, and of `ssl`."""
    sizes: dict[str, int] = {}
    frozen = FROZEN.read_text()
    modules = sorted(
        re.findall(r"fun_data_((?:ppp_sim800|ssl|nettime)_\w+?)__lt_module_gt_\[", frozen), key=len
    )
    for name, size in re.findall(
        r"const byte fun_data_((?:ppp_sim800|ssl|nettime)_\w+)\[(\d+)\]", frozen
    ):
        module = [module for module in modules if name.startswith(module + "_")][-1]
        sizes[module] = sizes.get(module, 0) + int(size)
    return sizes


async def used(script: str, internet: Internet) -> dict[str, int]:
    """Bytes of the heap that a script told of."""
    scenario = Scenario(modem=Modem(start="command"), names=internet.names, routes=internet.routes)
    env = {"SIM_ROOTS": str(CERTIFICATES / "root.roots")}
    async with World(scenario, speed=3.0, env=env) as world:
        await world.put("upstream_requests.py", upstream_requests())
        result = await world.run(USED + script, timeout=60)
    if result.code:
        raise OSError(f"{result.stdout}\n{result.stderr}")
    return {name: int(size) for name, size in (line.split("=") for line in result.lines)}


async def measure(internet: Internet, small: bool = False) -> list[Table]:
    """small: only what shows that it works."""
    ours, plain = await used(OURS, internet), await used(PLAIN, internet)
    ram = Table(
        "RAM, bytes of the heap",
        ("ppp_sim800 / plain", "ppp_sim800", "network.PPP"),
        {name: (ratio(size, plain[name]), size, plain[name]) for name, size in ours.items()},
    )
    sizes = bytecode()
    flash = {"package and ssl, bytecode": (sum(sizes.values()),)}
    flash |= {f"- {name}": (size,) for name, size in sorted(sizes.items())}
    for image in sorted(IMAGES.glob("*/micropython.bin")):
        flash[f"image {image.parent.name}"] = (image.stat().st_size,)
    return [ram, Table("Flash", ("bytes",), flash)]
