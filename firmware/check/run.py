"""Goes through the checks on a board, one script after the other, and writes what came of it."""

import argparse
import contextlib
import datetime
import json
import os
import platform
import random
import re
import subprocess
import sys
import time
from pathlib import Path

from .checks import CHECKS, DIFFERS, NOT_TESTABLE, OK, SCRIPTS, SLEEP_MS, Script
from .console import Board, NoAnswer
from .mask import Mask
from .report import JSON, PAGE, Report
from .transcript import Segment

ROOT = Path(__file__).resolve().parents[2]
PRELUDE = (Path(__file__).with_name("board") / "prelude.py").read_text(encoding="utf-8")
ECHO_MB = 10.0
# What a script builds on, where only some are run
BEFORE = {
    "first_at": "power_on",
    "network_time": "power_on",
    "after_reset": "before_reset",
    "after_sleep": "before_sleep",
}
WITH_HOST = ("tls", "tls_again", "wifi", "before_sleep", "after_sleep")
BOOT_TIME = 3.0  # seconds from the end of its sleep, until it is spoken to
WAKE_TIME = 60.0  # seconds from falling asleep until the board answers again

# Errors of the package and its like are what was to be found out; any other is a fault of the check.
_FOUND = re.compile(
    r"^(?:\w*\.)*(OSError|TLSError|SSLError|SIM800Error|Modem\w+|AT(?:Error|Timeout)|SIM\w*|P(?:IN|UK)\w+|"
    r"NoNetwork|Roaming\w+|Registration\w+|PPPError|APNRefused|NoCarrier|AuthRefused|NegotiationFailed|NameNotFound|"
    r"NoAnswer|BudgetSpent|LinkBusy|RequestException): (.*)",
    re.DOTALL,
)
_WIDTH = 14


class Stopped(Exception):
    """Nothing more can be checked; a sentence why."""


class Run:
    """One run on the board at `port`. `say` is called with each line for who watches.

    settings: apn, user, password, pin, host (str, "" for none), echo_mb. only: names of checks; empty: all.
    patience: a factor on the time that scripts may take, for a board that is slow.
    """

    def __init__(
        self, port: str, settings: dict, only: tuple[str, ...] = (), say=print, patience=1.0
    ):
        self.settings, self.say = settings, say
        self._port = port
        self._only = only
        self._patience = patience
        secrets = tuple(settings[name] for name in ("user", "password", "pin"))
        self.mask = Mask(settings["host"], settings["apn"], secrets)
        self.report = Report(self.mask, self._head())
        self._found: set[str] = set()
        self._missing: dict[str, str] = {}
        self._fresh = True
        self._met = False  # the board has answered
        self._board: Board | None = None
        self._segment: Segment | None = None
        self._tag = random.randrange(1, 65536)

    def _head(self) -> dict:
        now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        return {
            "made": now.isoformat().replace("+00:00", "Z"),
            "project": _version(),
            "computer": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        }

    def _wanted(self) -> list[Script]:
        if not self._only:
            return list(SCRIPTS.values())
        wanted = {check.script for check in CHECKS if check.name in self._only}
        for later, earlier in BEFORE.items():
            if later in wanted:
                wanted.add(earlier)
        return [script for script in SCRIPTS.values() if script.name in wanted]

    def go(self) -> Report:
        """All of it; what stops it is in the report. Raises NoAnswer where there is no board at all."""
        began = time.monotonic()
        try:
            self._board = Board(self._port)
            self._board.soft_reset()
            self._met = True
            for script in self._wanted():
                self._do(script)
            self.report.ended = "complete"
        except Stopped as stopped:
            self.report.ended = f"stopped: {stopped}"
            self.say(str(stopped))
        finally:
            self.report.seconds = time.monotonic() - began
            if self._met:
                with contextlib.suppress(NoAnswer):
                    self._board.reset()  # what is on the board goes on
            if self._board:
                self._board.close()
        return self.report

    def _do(self, script: Script) -> None:
        need = next((need for need in script.needs if need in self._missing), None)
        if script.name in WITH_HOST and not self.settings["host"]:
            self._judge(script, {}, "not asked: HOST is not given", NOT_TESTABLE)
            return
        if need:
            self._judge(script, {}, f"needs the {need}: {self._missing[need]}", NOT_TESTABLE)
            return
        told: dict = {}
        self.report.measured[script.name] = told
        error, verdict = self._play(script, told)
        self._learn(script, told, error)
        self._judge(script, told, error, verdict)

    def _play(self, script: Script, told: dict) -> tuple[str, str]:
        """Run it; ("", "") or why it did not come to its end, and the verdict on what it leaves open."""
        self._segment = Segment(script.name, script.start, script.replay)
        self.report.segments.append(self._segment)
        try:
            if script.name == "after_reset":
                self._board.soft_reset()
                self._fresh = True
            elif script.name == "after_sleep":
                # Nothing is written meanwhile: a byte could fall into its waking.
                time.sleep(SLEEP_MS / 1000 + BOOT_TIME)
                self._board.enter(WAKE_TIME)
                self._fresh = True
            traceback = self._run(script, told)
        except TimeoutError as error:
            self._recover()
            return f"no end: {error}", DIFFERS
        except NoAnswer as error:
            # The board may have crashed: it is given one more chance.
            self._recover()
            return str(error), DIFFERS
        if not traceback:
            return "", ""
        last = traceback.splitlines()[-1]
        self._recover()
        found = _FOUND.match(last)
        if found:
            return found[2], DIFFERS
        return f"the check itself failed: {last}", NOT_TESTABLE

    def _run(self, script: Script, told: dict) -> str:
        text = "WIRE.shown = True\n" + script.text
        if self._fresh:
            text = self._constants() + PRELUDE + text
        self._fresh = False

        def on_line(line: str) -> bool:
            return self._hear(line, told)

        return self._board.run(text, script.seconds * self._patience, on_line)

    def _constants(self) -> str:
        settings = self.settings
        values = {
            "APN": settings["apn"],
            "USER": settings["user"],
            "PASSWORD": settings["password"],
            "PIN": settings["pin"] or None,
            "HOST": settings["host"],
            "TAG": self._tag,
            "ECHO_BYTES": int(settings["echo_mb"] * 1_000_000),
            "SLEEP_MS": SLEEP_MS,
        }
        return "".join(f"{name} = {value!r}\n" for name, value in values.items())

    def _hear(self, line: str, told: dict) -> bool:
        """A line that the board printed. True if it will reset now."""
        try:
            if line == "#0":
                old = self._segment
                self._segment = Segment(old.check, "", False)
                self.report.segments.append(self._segment)
            elif line.startswith("#["):
                ms, kind, text = json.loads(line[1:])
                self._segment.add(ms, "sent" if kind == ">" else "received", text)
            elif line.startswith("={"):
                what = json.loads(line[1:])
                told.update(what)
                if "clock" in what and isinstance(what["clock"], str):
                    told["clock_off"] = _off(what["clock"])
                return "asleep" in what and what["asleep"] is True
            elif line.startswith("~"):
                self.say(f"{'':{_WIDTH}}{line[1:]}")
        except (ValueError, TypeError):
            pass  # something else has printed that
        return False

    def _recover(self) -> None:
        """A board in good order for the next script. Raises Stopped."""
        self._fresh = True
        try:
            self._board.soft_reset()
        except NoAnswer:
            try:
                self._board.enter(30)
                self._board.soft_reset()
            except NoAnswer as error:
                raise Stopped(f"the board does not answer any more: {error}") from None

    def _learn(self, script: Script, told: dict, error: str) -> None:
        """What later scripts need, and have not."""
        if script.name == "power_on" and not ("boot_ms" in told or "found_ms" in told):
            self._missing["modem"] = "it does not answer"
        elif script.name == "network_time" and told.get("stat") not in (1, 5):
            self._missing["network"] = error or f"+CREG is {told.get('stat')}"
        elif script.name == "connect" and "connect_ms" not in told:
            self._missing["link"] = error or "it does not come up"
        elif script.name == "firmware":
            if "machine" not in told:
                raise Stopped(
                    f"this is not the project's firmware ({error or 'it says nothing'}): write it with FLASH=1"
                )
            self.report.head["board"] = told["machine"]
            self.report.head["firmware"] = f"{told['release']}, roots of {told['roots']}"
        elif script.name == "identity":
            names = [told.get(name, "").strip() for name in ("ATI", "AT+CGMM", "AT+CGMR")]
            lines = [line.splitlines() for line in names]
            self.report.head["modem"] = "; ".join(
                line.strip()
                for answer in lines
                for line in answer[1:]
                if line.strip() not in ("", "OK")
            )

    def _judge(self, script: Script, told: dict, error: str, verdict: str) -> None:
        for check in CHECKS:
            if check.script != script.name or (self._only and check.name not in self._only):
                continue
            if not told and error:
                result, seen = verdict, error
            else:
                try:
                    result, seen = check.judge(told, self.report.measured)
                except (KeyError, TypeError, IndexError):
                    result, seen = (verdict or NOT_TESTABLE), error or "the board did not tell"
            row = self.report.add(check, result, seen)
            self.say(f"{result:{_WIDTH}}{row['title']}: {row['seen']}")
            if result == DIFFERS:
                self.say(f"{'':{_WIDTH}}expected: {row['expected']} ({row['source']})")


def _off(clock: str) -> float | None:
    """Seconds that what AT+CCLK? says is ahead of this computer's clock, None if it is no time."""
    found = re.search(r'"(\d\d/\d\d/\d\d,\d\d:\d\d:\d\d)([+-]\d\d)"', clock)
    if not found:
        return None
    try:
        local = datetime.datetime.strptime(found[1], "%y/%m/%d,%H:%M:%S")
    except ValueError:
        return None
    utc = local - datetime.timedelta(minutes=15 * int(found[2]))
    return (utc - datetime.datetime.now(datetime.UTC).replace(tzinfo=None)).total_seconds()


def _version() -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--tags"],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()[:40]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def main(arguments: list[str] | None = None) -> int:
    """0: nothing differs; 1: something does; 2: there was nothing to check; 130: Ctrl-C."""
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("--port", required=True)
    parser.add_argument("--apn", required=True, help="access point name of the SIM's operator")
    parser.add_argument("--host", default="", help="a server to speak HTTPS with")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder for the report")
    parser.add_argument("--only", default="", help="names of checks, with commas between them")
    options = parser.parse_args(arguments)
    only = tuple(name for name in options.only.split(",") if name)
    unknown = [name for name in only if name not in {check.name for check in CHECKS}]
    if unknown:
        names = ", ".join(check.name for check in CHECKS)
        print(f"check: there is no check {unknown[0]!r}; there are {names}", file=sys.stderr)
        return 2
    try:
        echo_mb = float(os.environ.get("ECHO_MB") or ECHO_MB)
        # Not on the command line, where everybody on this computer can read them.
        settings = {
            "apn": options.apn,
            "host": options.host,
            "user": os.environ.get("APN_USER", ""),
            "password": os.environ.get("APN_PASSWORD", ""),
            "pin": os.environ.get("PIN", ""),
            "echo_mb": echo_mb,
        }
        run = Run(options.port, settings, only)
    except ValueError as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    code = 0
    try:
        run.go()
    except NoAnswer as error:
        print(f"check: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        code = 130
    report = run.report
    try:
        report.write(options.out)
    except OSError as error:
        print(f"check: the report cannot be written: {error}", file=sys.stderr)
        return 2
    print(
        f"{report.count(OK)} ok, {report.count(DIFFERS)} differ, {report.count(NOT_TESTABLE)} not testable; "
        f"{options.out / PAGE} to read, {options.out / JSON} to send"
    )
    return code or int(report.count(DIFFERS) > 0 or report.ended != "complete")
