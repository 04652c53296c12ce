"""`python -m sim800`, installed `sim800`: a simulated SIM800 on a pseudo terminal, for any driver."""

import argparse
import asyncio
import contextlib
import importlib.util
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path

import faults
from network.air import PROFILES as AIRS
from network.clock import Clock
from network.passt import PasstError

from .modem import SIM800
from .profiles import PROFILES
from .scenario import APN, Scenario
from .surroundings import Surroundings

END_TIME = 3.0  # real seconds the program may take to end in order

PARTS = ("modem", "internet")  # what there is of faults.py's targets: no board

COMMANDS = """\
commands on standard input, one a line:
  supply on|off            switch VBAT
  pwrkey SECONDS           press PWRKEY that long
  reset SECONDS            press RESET that long
  dtr high|low             set DTR (low is active)
  inject WORD [NAME=VALUE] make a fault or event happen, see below (NAME='two words')
  inject later SECONDS WORD [NAME=VALUE]
  status                   show what the modem is doing
  quit                     end

faults and events (for inject and for a scenario's events):
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="sim800" if Path(sys.argv[0]).name == "sim800" else "python -m sim800",
        description="A simulated SIM800 GSM modem. It prints the path of the serial port to open.",
        epilog=COMMANDS + faults.WORDS.listing(PARTS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    p.add_argument("--link", metavar="PATH", help="also make PATH a symbolic link to the port")
    p.add_argument(
        "--scenario",
        metavar="FILE.py[:NAME]",
        help="take the Scenario called NAME (default: scenario) from a Python file",
    )
    p.add_argument("--profile", choices=PROFILES, help="firmware version")
    p.add_argument(
        "--start",
        choices=("boot", "command", "data", "off"),
        help="boot: press the power key (the default, unless the scenario's modem already runs); "
        "command: already booted and registered; data: left in a PPP session; "
        "off: no supply, wait for commands",
    )
    p.add_argument("--speed", type=float, default=1.0, help="simulated seconds in a real one")
    p.add_argument("--baud", type=int, help="stored AT+IPR rate; 0 is autobauding (the default)")
    p.add_argument("--pin", help="the SIM asks for this PIN")
    p.add_argument("--no-sim", action="store_true", help="no SIM card in the holder")
    p.add_argument("--apn", action="append", help="an APN the network knows (may be repeated)")
    p.add_argument("--air", choices=AIRS, help="what the radio link does to packets")
    p.add_argument("--latency", type=float, help="factor on the commands' typical times")
    p.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST=ADDRESS",
        help="what the network's DNS says (may be repeated)",
    )
    p.add_argument(
        "--route",
        action="append",
        default=[],
        metavar="ADDRESS:PORT=LOCAL",
        help="connections to there go to this machine's port LOCAL (may be repeated)",
    )
    p.add_argument("--at-log", metavar="FILE", help="write AT commands and answers, with times")
    p.add_argument("--pcap", metavar="FILE", help="write the PPP frames for Wireshark")
    p.add_argument("-v", "--verbose", action="store_true", help="show on stderr what happens")
    return p


def load(place: str) -> Scenario:
    """The Scenario at FILE.py[:NAME]. Raises ValueError with a sentence if there is none."""
    path, _, name = place.partition(":")
    name = name or "scenario"
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}: --scenario wants FILE.py or FILE.py:NAME")
    spec = importlib.util.spec_from_file_location("sim800_scenario_file", path)
    if spec is None:
        raise ValueError(f"{path} is no Python file: --scenario wants FILE.py or FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not isinstance(found, Scenario):
        raise ValueError(f"{path} has no Scenario called {name!r}")
    return found


def build(args) -> Scenario:
    """The scenario the options describe. Raises ValueError."""
    scenario = load(args.scenario) if args.scenario else Scenario()
    modem, sim, radio = scenario.modem, scenario.sim, scenario.radio
    changes = {
        "profile": args.profile,
        "start": "off" if args.start == "boot" else args.start,
        "ipr": args.baud,
        "latency": args.latency,
    }
    modem = replace(modem, **{k: v for k, v in changes.items() if v is not None})
    if args.pin is not None:
        if not re.fullmatch(r"\d{4,8}", args.pin):
            raise ValueError("--pin wants 4 to 8 digits")
        sim = replace(sim, pin=args.pin)
    if args.no_sim:
        sim = replace(sim, inserted=False)
    if args.apn:
        radio = replace(radio, apns={name: APN() for name in args.apn})
    names, routes = dict(scenario.names), dict(scenario.routes)
    for text in args.name:
        match = re.fullmatch(r"([^=]+)=([\d.]+)", text)
        if match is None:
            raise ValueError(f"--name {text}: write HOST=ADDRESS")
        names[match[1]] = match[2]
    for text in args.route:
        match = re.fullmatch(r"([\d.]+):(\d+)=(\d+)", text)
        if match is None:
            raise ValueError(f"--route {text}: write ADDRESS:PORT=LOCAL")
        routes[match[1], int(match[2])] = int(match[3])
    return replace(
        scenario,
        modem=modem,
        sim=sim,
        radio=radio,
        names=names,
        routes=routes,
        air=AIRS[args.air] if args.air else scenario.air,
    )


class Console:
    """Commands on standard input."""

    def __init__(self, modem: SIM800, clock: Clock, ended: asyncio.Event):
        self.modem, self.clock, self.ended = modem, clock, ended

    def obey(self, line: str) -> str:
        """Do one command; returns what to print. Raises ValueError with a sentence."""
        words = line.split()
        if not words:
            return ""
        name, rest = words[0], words[1:]
        modem = self.modem
        if name == "quit":
            self.ended.set()
        elif name == "status":
            net = modem.radio
            return (
                f"power {modem.power.state}, {modem.mode}, SIM {modem.card.state()}, "
                f"+CREG {net.creg}, PPP {'up' if modem.ppp else 'none'}"
            )
        elif name == "supply" and rest in (["on"], ["off"]):
            modem.supply(rest == ["on"])
        elif name == "dtr" and rest in (["high"], ["low"]):
            modem.dtr(rest == ["high"])
        elif name in ("pwrkey", "reset") and len(rest) == 1:
            press = modem.pwrkey if name == "pwrkey" else modem.reset
            try:
                seconds = float(rest[0])
            except ValueError:
                raise ValueError(f"{name} wants a number of seconds, not {rest[0]}") from None
            press(True)
            self.clock.call_later(seconds, press, False)
        elif name == "inject" and rest:
            modem.injector.obey(line.split("inject", 1)[1])
        else:
            raise ValueError(f"no command {line!r}: see python -m sim800 --help")
        return ""


class Program(Surroundings):
    """The modem for whoever opens its port."""

    def no_internet(self, error: PasstError) -> None:
        print(f"PPP will connect to nothing: {error}", file=sys.stderr, flush=True)


async def run(args, scenario: Scenario) -> None:
    program = Program(scenario, speed=args.speed, pcap=args.pcap, symlink=args.link)
    modem, journal, ended = program.modem, program.journal, asyncio.Event()
    journal.listeners.append(lambda entry: journal.entries.clear())  # it may run for weeks
    with contextlib.ExitStack() as files:
        if args.at_log:
            log = files.enter_context(open(args.at_log, "w", buffering=1, encoding="utf-8"))
            journal.listeners.append(lambda e: e.source == "at" and print(e, file=log))
        journal.listeners.append(tell_missing)
        if args.verbose:
            journal.listeners.append(lambda e: print(e, file=sys.stderr, flush=True))
        end_by_signal(ended)
        async with program:
            print(args.link or program.line.path, flush=True)
            if scenario.modem.start == "off" and args.start != "off":
                modem.supply(True)
                modem.pwrkey(True)
                program.clock.call_later(1.2, modem.pwrkey, False)
            listen(Console(modem, program.clock, ended))
            await ended.wait()


def tell_missing(entry) -> None:
    """What is sent and not modelled is told on stderr."""
    if entry.source == "not modelled":
        where = entry.fields["described"]
        print(
            f"sim800: {entry.what} ({where}) is not modelled: a real SIM800 knows it, this one answers with an error",
            file=sys.stderr,
            flush=True,
        )


def end_by_signal(ended: asyncio.Event) -> None:
    """SIGINT and SIGTERM set `ended`; if that is not enough, SIGALRM ends the process END_TIME later."""
    loop = asyncio.get_running_loop()

    def end(*_):
        signal.setitimer(signal.ITIMER_REAL, END_TIME)
        loop.call_soon_threadsafe(ended.set)

    # not by the loop: it would have to run to hear of it
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def listen(console: Console) -> None:
    """Obey standard input, where it can be waited for; its end changes nothing."""
    loop = asyncio.get_running_loop()
    waiting = bytearray()

    def readable():
        data = sys.stdin.buffer.raw.read(4096)
        if not data:
            loop.remove_reader(sys.stdin)
            return
        waiting.extend(data)
        while b"\n" in waiting:
            line, _, rest = bytes(waiting).partition(b"\n")
            waiting[:] = rest
            try:
                answer = console.obey(line.decode("utf-8", "replace"))
            except ValueError as error:
                answer = str(error)
            if answer:
                print(answer, flush=True)

    with contextlib.suppress(PermissionError, ValueError, OSError):
        loop.add_reader(sys.stdin, readable)


def main() -> int:
    args = parser().parse_args()
    try:
        asyncio.run(run(args, build(args)))
    except (ValueError, OSError) as error:
        print(f"sim800: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
