"""Where the simulator differs from the board that a report is of: `make compare REPORT=tcall-report.json`.

What was said to the modem is said to the simulated one (simulator/sim800/replay.py), as that of the same firmware, and
what was measured is held against the simulator's numbers.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sim800.profiles import PROFILES
from sim800.replay import replay
from sim800.scenario import SIM, Modem, Radio, Scenario

from .report import FORMAT

SEARCH = 1.2  # seconds from the SIM's +CPIN
RESTART = 1.0  # seconds from AT+CFUN=1,1 until the simulated modem obeys
TRAINED = 0.4  # seconds, two AT of `power_on`: the UART is there so long before the first answer
# What the check has stored, and the simulated modem has not: told to it, and its answer not compared
PREPARED = [{"sent": "AT+CLTS=1;&W"}]
EXACT = "identity"  # where each byte is compared
NEAR = 2.0  # a time within this factor of the simulator's is alike


class NoReport(Exception):
    """What was given is no report; a sentence."""


def load(path: Path) -> dict:
    """The report in a file. Raises NoReport."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NoReport(f"{path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise NoReport(f"{path} is no JSON ({error})") from None
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise NoReport(f"{path} is no report of `make check` that this version reads")
    if not isinstance(report.get("transcript"), list) or not isinstance(
        report.get("measured"), dict
    ):
        raise NoReport(f"{path} is not whole: transcript or measured is missing")
    return report


def scenario(report: dict) -> Scenario:
    """The simulated modem and network that are most like what the report is of."""
    measured = report["measured"]
    identity, power = measured.get("identity", {}), measured.get("power_on", {})
    said = str(report.get("modem", ""))
    profile = next((name for name in PROFILES if name in said), Modem().profile)
    rate = "".join(power.get("stored_rate") or []).removeprefix("+IPR:").strip()
    own = Modem()
    modem = replace(
        own,
        profile=profile,
        start="command",
        ipr=int(rate) if rate.isdigit() else 0,
        # The same moments; the numbers themselves are compared below.
        boot_time=max(0.1, power["boot_ms"] / 1000 - TRAINED)
        if "boot_ms" in power
        else own.boot_time,
    )
    time = measured.get("network_time", {})
    stat, at, answers = (time.get(name) for name in ("stat", "registered_ms", "restart_ms"))
    radio = Radio(nitz=time.get("told_ms") is not None or not time)
    if time and stat not in (1, 5):
        radio = replace(radio, registration=((0.3, 2),))
    elif at and answers:
        after = max(0.5, (at - answers) / 1000 - own.sim_time + TRAINED)
        # It searches no sooner than +CREG is asked for: replay() takes a moment for each command.
        search = min(after - 0.1, SEARCH)
        radio = replace(radio, registration=((search, 2), (after, stat)))
    card = replace(SIM(), inserted="ERROR" not in identity.get("AT+CCID", ""))
    return Scenario(modem=modem, sim=card, radio=radio)


@dataclass(frozen=True)
class Number:
    """Something that was measured, and what the simulator has there."""

    what: str
    real: float | str | None
    simulated: float | str | None
    exact: bool = False

    @property
    def alike(self) -> bool:
        if self.exact or not all(isinstance(x, (int, float)) for x in (self.real, self.simulated)):
            return self.real == self.simulated
        low, high = sorted((max(self.real, 1e-3), max(self.simulated, 1e-3)))
        return high / low <= NEAR

    def __str__(self) -> str:
        return f"{self.what}: the real modem {self.real}, the simulated one {self.simulated}"


def numbers(report: dict) -> list[Number]:
    """All numbers of the report that the simulator has as well."""
    measured = report["measured"]
    own = Scenario()
    found = []

    def add(what, script, name, simulated, exact=False, scale=1.0):
        told = measured.get(script, {})
        if name in told:
            real = told[name]
            found.append(Number(what, real * scale if scale != 1.0 else real, simulated, exact))

    add("seconds from PWRKEY to the UART", "power_on", "boot_ms", own.modem.boot_time, scale=0.001)
    add("AT lost while autobauding", "first_at", "lost", own.modem.autobaud_lost, True)
    add("said before the first AT", "first_at", "unasked", "", True)
    add("1.2 s on PWRKEY leave it on", "power_key", "stays_on", True, True)
    add("554 characters are a line", "identity", "longest", True, True)
    for name in ("asked", "default"):
        seen = measured.get("multiplexer", {}).get(name, {})
        found.append(
            Number(f"N1 of the multiplexer, {name}", seen.get("longest"), 127, True)
        ) if seen else None
        if "msc_ms" in seen:
            real = seen["msc_ms"] is not None
            found.append(Number(f"MSC by itself behind UA, {name}", real, True, True))
    add("deaf with DTR high", "sleep_dtr", "deaf_high", True, True)
    add("the first AT wakes and is lost", "sleep_uart", "first", False, True)
    add("LCP options that it asks for", "ppp_by_hand", "request", _options(own), True)
    add("it begins LCP by itself", "ppp_by_hand", "begins", True, True)
    add("+++ leads to command mode", "ppp_by_hand", "escaped", True, True)
    told = measured.get("ppp_by_hand", {})
    if times := [ms for ms in told.get("echo_ms", []) if ms is not None]:
        owner = "the modem" if min(times) < 150 else "the network"
        found.append(Number("who answers LCP echo", owner, "the modem", True))
    if "ack_ms" in told:
        ends = told["no_carrier_ms"] is not None
        found.append(Number("NO CARRIER behind Terminate-Ack", ends, True, True))
    return found


def tidy(records: list[dict], boot_time: float = 0.0) -> list[dict]:
    """Without what was asked again and again in vain, but for the last that trains the rate and the one that was
    answered: each would be waited for.

    boot_time: seconds from the first record on in which nobody listens.
    """
    out: list[dict] = []
    for record in records:
        again = [before.get("sent") for before in out[-2:]] == [record.get("sent")] * 2
        if again and "sent" in record:
            del out[-2]
        out.append(record)
    if boot_time and out and out[0].get("sent") == "":
        out[0] = {**out[0], "t": out[0]["t"] + boot_time}
    return out


def restarts(records: list[dict]) -> int:
    """The place of a restart by command, 0 if there is none: times count from there."""
    places = (n for n, record in enumerate(records) if record.get("sent") == "AT+CFUN=1,1\r")
    return next(places, 0)


def as_lines(records: list[dict]) -> list[dict]:
    """The same without echo, blank lines and line ends: where the modem says something unasked in between these say
    nothing."""
    out: list[dict] = []
    sent = ""
    for record in records:
        if "sent" in record:
            sent = record["sent"].strip()
            out.append({**record, "sent": sent})
            continue
        for line in re.split(r"[\r\n]+", record["received"]):
            late = sent == "AT" and out[-1].get("received") == line  # to one that was sent before
            if line and line != sent and not late:
                out.append({"t": record["t"], "received": line})
    return out


def _options(own: Scenario) -> list[str]:
    return [f"2:{own.ppp.asyncmap:08x}", "3:c023", "7:", "8:"]


def compare(report: dict) -> Iterator[str]:
    """A line for each difference. Raises NoReport."""
    for number in numbers(report):
        if not number.alike:
            yield str(number)
    for segment in report["transcript"]:
        if not segment.get("replay") or not segment.get("records"):
            continue
        there = scenario(report)
        boots = segment.get("start") == "boot"
        restart = report["measured"].get(segment.get("check"), {}).get("restart_ms")
        if restart:
            after = max(0.1, restart / 1000 - RESTART - TRAINED)
            there = replace(there, modem=replace(there.modem, boot_time=after))
        if boots:
            there = replace(there, modem=replace(there.modem, start="off"))
        try:
            records = tidy(segment["records"], there.modem.boot_time if boots else 0.0)
            records = records[restarts(records) :]
            if not boots:
                records = [*PREPARED, *records]
            if segment.get("check") != EXACT:
                records = as_lines(records)
            differences = replay(records, there, anywhere=True)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoReport(
                f"the transcript of {segment.get('check')} is damaged: {error}"
            ) from None
        for difference in differences:
            yield f"{segment['check']}: {difference}"


def main(arguments: list[str] | None = None) -> int:
    """0: they are alike; 1: they differ; 2: there is no report."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1 or not arguments[0]:
        print("compare: REPORT is not given: name a tcall-report.json", file=sys.stderr)
        return 2
    try:
        report = load(Path(arguments[0]))
        found = list(compare(report))
    except NoReport as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    for line in found:
        print(line)
    count = sum(bool(segment.get("replay")) for segment in report["transcript"])
    print(f"{len(found)} differences in {count} transcripts and {len(numbers(report))} numbers")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
