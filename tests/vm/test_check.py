"""`make check` on the simulated T-Call: it finds each fault that is put in, and none where there is none."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from check_world import checked
from sim800.scenario import SIM, Event, Modem, Radio
from sim800.serial import Damage
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check.checks import CHECKS, DIFFERS, NOT_TESTABLE, OK
from check.report import JSON, PAGE
from check.run import main

pytestmark = pytest.mark.usefixtures("vm")


def rows(report) -> dict[str, tuple[str, str]]:
    return {row["name"]: (row["verdict"], row["seen"]) for row in report.rows}


def test_nothing_is_found_where_nothing_is(internet, tmp_path):
    """And nothing of who it was is in the report."""
    who = {
        "imei": "861987654321098",
        "imsi": "262013579246801",
        "iccid": "89490209876543210987",
        "number": "+491719988776",
    }
    report = checked(
        internet,
        modem=Modem(imei=who["imei"]),
        sim=SIM(imsi=who["imsi"], iccid=who["iccid"], number=who["number"], pin="7351"),
        settings={"pin": "7351", "user": "somebody-else", "password": "what-nobody-knows"},
    )
    print(json.dumps(report.told()["checks"], indent=1))
    assert report.ended == "complete"
    found = rows(report)
    assert list(found) == [check.name for check in CHECKS]
    differing = {name: seen for name, (verdict, seen) in found.items() if verdict == DIFFERS}
    assert not differing
    # The card wants its PIN before it says more; the VM has no Wi-Fi.
    untested = [name for name, (verdict, _) in found.items() if verdict == NOT_TESTABLE]
    assert untested == ["start_words", "wifi"]
    report.write(tmp_path)
    text = (tmp_path / JSON).read_text() + (tmp_path / PAGE).read_text()
    for secret in (*who.values(), "7351", "somebody-else", "what-nobody-knows", "telemetry"):
        assert secret not in text.replace("\\", "")
    assert not re.search(r"\d{9,}|(?<![\d.])\d+(\.\d+){3}(?![\d.])", text)
    assert '"1A2B"' not in text.replace("\\", "")


# --- a fault each -----------------------------------------------------------------------


def lossy(world):
    """A modem, or wires, that lose bytes at 460800 baud alone."""

    class Lossy(Damage):
        def apply(self, data, baud):
            self.rates["drop"] = 0.0005 if baud > 230400 else 0.0
            return super().apply(data, baud)

    world.line.to_dte = Lossy()


def other_n1(world):
    """OK to any AT+CMUX, and then frames of 31 bytes, as an older modem's."""
    multiplex = world.modem.multiplex
    world.modem.multiplex = lambda params: multiplex((*params[:3], 31, *params[4:]))


def no_no_carrier(world):
    """PPP ends in good order, and the modem stays in data mode without a word."""
    world.modem._no_carrier = lambda why: world.modem.journal.add("modem", "no carrier, unsaid")


def no_escape(world):
    world.modem.escape.feed = world.modem._to_ppp


def no_power_chip(world):
    from board.tcall import Nack

    def nobody(*_):
        raise Nack

    world.tcall.i2c = nobody


def ip5306_forgets(world):
    """One whose bit to stay on cannot be set."""
    world.tcall.chip.RESET = {**world.tcall.chip.RESET, 0: 0x35}
    world.tcall.chip.registers[0] = 0x35
    world.tcall.chip.WRITABLE = {}


def never_sleeps(world):
    world.modem.sleep.hears = lambda mode, busy: True


def sleeps_at_once(world):
    from sim800 import sleep

    hears = world.modem.sleep.hears

    def deaf(mode, busy):
        return hears(mode, busy) if mode != 2 else False

    world.modem.sleep.hears = deaf
    assert sleep


def supply_is_always_on(world):
    world.modem.supply(True)
    world.modem.supply = lambda on: None
    world.tcall._nets[world.tcall.wiring.supply].act = lambda level: None


def echo_is_the_networks(world):
    world.modem.set_ppp("echo_delay", 0.7)


def no_echo(world):
    world.modem.set_ppp("echo_replies", False)


def no_reset(world):
    world.modem.power.reset = lambda low: None


def wrong_zone(world):
    world.modem.rtc.network_time = lambda radio: (world.modem.rtc.utc(), 8)


FAULTS = {
    "power chip absent": ("power_chip", {"spoil": no_power_chip}, "neither answers"),
    "IP5306 does not stay on": (
        "power_chip",
        {"spoil": ip5306_forgets, "board": "SIM800L_IP5306_20200811"},
        "SYS_CTL0 0x35",
    ),
    "supply cannot be switched": ("supply", {"spoil": supply_is_always_on}, "without its supply"),
    "boot too slow": ("boot_time", {"modem": Modem(boot_time=9.0)}, "after its release"),
    "no modem": ("boot_time", {"events": (Event("dead"),)}, "no answer from the modem"),
    "three AT lost": ("first_at", {"modem": Modem(autobaud_lost=3)}, "3 AT lost"),
    "a short press switches off": (
        "short_press",
        {"spoil": lambda world: setattr(world.modem.power, "off_width", 0.9)},
        "it goes off",
    ),
    "RESET not wired": ("reset_key", {"spoil": no_reset}, "no effect"),
    "bytes lost at 460800": ("fast_rate", {"spoil": lossy}, "answers damaged"),
    "noise at 460800": (
        "fast_rate",
        {"events": (Event("rate_noise rate=0.0005", when="boot"),)},
        "answers damaged",
    ),
    "CMUX refused": ("cmux_asked", {"modem": Modem(cmux=False)}, "answered"),
    "UA lost for ever": ("cmux_asked", {"events": (Event("cmux_lose_ua count=99"),)}, "SABM 0"),
    "N1 other": ("cmux_n1", {"spoil": other_n1}, "longest 31 bytes"),
    "DTR not wired": ("sleep_dtr", {"wiring": {"dtr": None}}, "not wired"),
    "never sleeps by DTR": ("sleep_dtr", {"spoil": never_sleeps}, "stays awake"),
    "never sleeps": ("sleep_uart", {"spoil": never_sleeps}, "first AT is answered"),
    "no NITZ": ("network_time", {"radio": Radio(nitz=False)}, "tells no time"),
    "no network": ("network", {"radio": Radio(registration=((0.3, 2),))}, "+CREG 2"),
    "zone missing in the clock": ("network_time", {"spoil": wrong_zone}, "s off"),
    "APN refused": ("dial", {"settings": {"apn": "nobody"}}, "NO CARRIER"),
    "LCP echo late": ("echo_owner", {"spoil": echo_is_the_networks}, "the network"),
    "LCP echo not answered": ("echo_owner", {"spoil": no_echo}, "nobody answers"),
    "+++ not obeyed": ("escape", {"spoil": no_escape}, "stays in data mode"),
    "TermAck without NO CARRIER": ("terminate", {"spoil": no_no_carrier}, "NO CARRIER never"),
    "not multiplexed": ("link", {"modem": Modem(cmux=False)}, "not multiplexed"),
    "certificate expired": ("tls", {"settings": {"host": "expired.example"}}, "expired"),
    "certificate of another": ("tls", {"settings": {"host": "wronghost.example"}}, "host.example"),
    "sessions not resumed": (
        "tls_again",
        {"settings": {"host": "nosession.example"}},
        "not resumed",
    ),
    "supply low": ("supply_voltage", {"modem": Modem(battery=(0, 10, 3450))}, "3450 mV"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_finds(fault, internet):
    name, given, seen = FAULTS[fault]
    # What has the modem or the link has to be gone through first.
    needs = {"tls": "link", "tls_again": "link tls", "supply_voltage": "link"}.get(name, "")
    report = checked(internet, f"{needs} {name}", **given)
    print(report.rows)
    verdict, said = rows(report)[name]
    assert verdict == DIFFERS
    assert seen in said
    assert report.ended == "complete"


def test_dtr_of_an_ip5306_is_told_apart(internet):
    """v1.3 and v1.4 look alike from inside: both are all right, and the report says which it is."""
    for board, seen in (
        ("SIM800L_IP5306_20190610", "not wired"),
        ("SIM800L_IP5306_20200811", "use TCall(dtr=True)"),
    ):
        verdict, said = rows(checked(internet, "sleep_dtr currents", board=board))["sleep_dtr"]
        assert (verdict, seen in said) == (OK, True), said


def test_without_a_host(internet):
    report = checked(internet, "link tls soft_reset deep_sleep restarts", settings={"host": ""})
    found = rows(report)
    for name in ("tls", "deep_sleep"):
        assert found[name] == (NOT_TESTABLE, "not asked: HOST is not given")
    assert found["soft_reset"][0] == found["restarts"][0] == OK


def test_without_a_modem_the_rest_is_not_testable(internet):
    report = checked(internet, "boot_time identity link tls", events=(Event("dead"),))
    found = rows(report)
    assert found["boot_time"][0] == DIFFERS
    assert found["identity"] == (NOT_TESTABLE, "needs the modem: it does not answer")
    assert report.ended == "complete"


def test_a_crash_of_one_check_does_not_end_the_run(internet, monkeypatch):
    from check import checks, run

    broken = checks.Script("power_chip", 10, replay=False)
    monkeypatch.setattr(checks.Script, "text", property(text_of))
    monkeypatch.setitem(run.SCRIPTS, "power_chip", broken)
    report = checked(internet, "firmware power_chip boot_time")
    found = rows(report)
    assert found["firmware"][0] == found["boot_time"][0] == OK
    assert found["power_chip"] == (
        NOT_TESTABLE,
        "the check itself failed: ZeroDivisionError: divide by zero",
    )


def text_of(script):
    from check.checks import BOARD

    return "1 // 0\n" if script.name == "power_chip" else (BOARD / f"{script.name}.py").read_text()


def test_a_check_that_hangs_is_ended(internet, monkeypatch):
    from check import checks, run

    hanging = checks.Script("power_chip", 3, replay=False)
    monkeypatch.setitem(run.SCRIPTS, "power_chip", hanging)
    monkeypatch.setattr(
        checks.Script,
        "text",
        property(
            lambda script: (
                "while True: pass\n"
                if script.name == "power_chip"
                else (checks.BOARD / f"{script.name}.py").read_text()
            )
        ),
    )
    found = rows(checked(internet, "firmware power_chip boot_time"))
    assert found["power_chip"] == (DIFFERS, "no end: it took more than 3 s")
    assert found["boot_time"][0] == OK


def test_a_board_that_dies(internet):
    """What was found stays, the rest is not asked for ever."""

    def during(run, world):
        while not any(row["name"] == "power_chip" for row in run.report.rows):
            time.sleep(0.05)
        world._process.kill()

    report = checked(internet, "firmware power_chip boot_time identity", during=during)
    found = rows(report)
    assert found["power_chip"][0] == OK
    assert report.ended.startswith("stopped: the board does not answer any more")
    assert "identity" not in found


# --- the program -------------------------------------------------------------------------


@pytest.fixture
def nobody():
    """A serial port with nobody at the other end."""
    ours, its = os.openpty()
    yield os.ttyname(its)
    os.close(ours)
    os.close(its)


def test_no_answer_is_one_sentence(nobody, capsys, tmp_path):
    assert main(["--port", nobody, "--apn", "internet", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"check: nothing at {nobody} answers as MicroPython does: press RESET and try again; "
        "with FLASH=1 the firmware is written first\n"
    )
    assert not list(tmp_path.iterdir())


def test_ctrl_c_writes_the_report_so_far(internet, tmp_path):
    """The whole program, as on_board.py runs it."""
    began = time.monotonic()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "firmware"), "PIN": "7351"}

    def go(port):
        words = ["--port", port, "--apn", "internet", "--out", str(tmp_path)]
        process = subprocess.Popen(
            # SIGINT is ignored where the tests run in a shell's background.
            ["env", "--default-signal=INT", sys.executable, "-u", "-m", "check", *words],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Power chip" in line:
                process.send_signal(signal.SIGINT)
        return process.wait(), lines

    code, lines = on_console(internet, go)
    assert code == 130, lines
    told = json.loads((tmp_path / JSON).read_text())
    assert told["ended"] == "interrupted"
    assert [row["name"] for row in told["checks"]][:2] == ["firmware", "power_chip"]
    assert "interrupted" in (tmp_path / PAGE).read_text()
    assert "not testable" in lines[-1]
    print(time.monotonic() - began)


def on_console(internet, go):
    import asyncio

    from sim800.scenario import Scenario
    from world import World

    async def play():
        async with World(Scenario(names=internet.names, routes=internet.routes)) as world:
            return await asyncio.to_thread(go, await world.console())

    return asyncio.run(play())
