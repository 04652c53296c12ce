"""`make compare`: a report of `make check` against the simulator. The report here is of a simulated T-Call, made by

cd simulator && python -m world --console    # and: make check PORT=… APN=internet ECHO_MB=0.1
"""

import copy
import json
import sys

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
from check.compare import NoReport, as_lines, compare, load, main, numbers, scenario, tidy

REPORT = ROOT / "tests" / "data" / "tcall-report.json"


@pytest.fixture
def report():
    return load(REPORT)


def answer(report, check: str, sent: str) -> dict:
    """The first record with what was said to `sent`."""
    for segment in report["transcript"]:
        if segment["check"] == check and segment["replay"]:
            for asked, said in zip(segment["records"], segment["records"][1:], strict=False):
                if asked.get("sent") == sent and "received" in said:
                    return said
    raise AssertionError(f"{check} has no answer to {sent}")


def test_the_simulator_is_as_it_is(report):
    """What it said then it says now: whoever changes it on purpose makes the report anew."""
    assert list(compare(report)) == []
    replayed = [segment["check"] for segment in report["transcript"] if segment["replay"]]
    assert {"power_on", "first_at", "identity", "network_time", "sleep_uart"} <= set(replayed)
    assert len(numbers(report)) > 15


def test_what_is_masked_counts_by_its_form(report):
    said = answer(report, "identity", "AT+GSN\r")
    assert "***************" in said["received"]
    said["received"] = said["received"].replace("*" * 15, "*" * 14)
    (line,) = compare(report)
    assert "after AT+GSN" in line and line.startswith("identity: ")


CHANGES = {
    "another answer": ("identity", "AT+CFUN?\r", "+CFUN: 1", "+CFUN: 4"),
    "another frame": ("identity", "ATI\r", "\r\n\r\nOK", "\r\nOK"),
    "an error": ("identity", "AT+CIMI\r", "OK", "ERROR"),
    "a word less": ("power_on", "AT+CIURC?\r", "SMS Ready", ""),
    "a word more": ("network_time", "AT+COPS?\r", "OK\r\n", "OK\r\n\r\n+CREG: 2\r\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found(report, change):
    check, sent, old, new = CHANGES[change]
    said = answer(report, check, sent)
    assert old in said["received"]
    said["received"] = said["received"].replace(old, new)
    assert [line for line in compare(report) if line.startswith(f"{check}: ")]


NUMBERS = {
    "boots slowly": ("power_on", {"boot_ms": 9000}, "seconds from PWRKEY"),
    "answers the first AT": ("first_at", {"lost": 0}, "AT lost"),
    "N1": ("multiplexer", {"asked": {"longest": 31}}, "N1 of the multiplexer, asked"),
    "no MSC": ("multiplexer", {"default": {"msc_ms": None, "longest": 127}}, "MSC by itself"),
    "other LCP": ("ppp_by_hand", {"request": ["1:05dc"]}, "LCP options"),
    "echo of the network": ("ppp_by_hand", {"echo_ms": [700, None, 650]}, "LCP echo"),
    "no NO CARRIER": ("ppp_by_hand", {"no_carrier_ms": None}, "NO CARRIER"),
    "no sleep": ("sleep_uart", {"first": True}, "wakes"),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_found(report, number):
    script, told, what = NUMBERS[number]
    before = [str(number) for number in numbers(report) if not number.alike]
    assert before == []
    report["measured"][script].update(told)
    found = [str(number) for number in numbers(report) if not number.alike]
    assert len(found) == 1 and what in found[0], found


def test_the_scenario_is_as_the_board(report):
    there = scenario(report)
    assert (there.modem.profile, there.radio.nitz, there.sim.inserted) == ("R14.18", True, True)
    report["modem"] = "SIM800 R13.08; SIMCOM_SIM800L"
    report["measured"]["network_time"]["told_ms"] = None
    report["measured"]["identity"]["AT+CCID"] = "AT+CCID\r\r\nERROR\r\n"
    there = scenario(report)
    assert (there.modem.profile, there.radio.nitz, there.sim.inserted) == ("R13.08", False, False)
    assert scenario({"measured": {}, "transcript": []}) is not None


def test_what_is_asked_in_vain_is_asked_twice_at_most():
    ask, say = {"t": 1.0, "sent": "AT\r"}, {"t": 2.0, "received": "AT\r\r\nOK\r\n"}
    assert tidy([ask] * 9 + [say]) == [ask, ask, say]
    assert tidy([ask, say, ask, say]) == [ask, say, ask, say]
    assert tidy([{"t": 5.0, "sent": ""}, ask], 2.5)[0] == {"t": 7.5, "sent": ""}


def test_lines():
    records = [
        {"t": 1.0, "sent": "AT\r"},
        {"t": 1.1, "received": "AT\r\r\nOK\r\nAT\r\r\nOK\r\n\r\n+CREG: 1\r\n"},
    ]
    assert as_lines(records) == [
        {"t": 1.0, "sent": "AT"},
        {"t": 1.1, "received": "OK"},
        {"t": 1.1, "received": "+CREG: 1"},
    ]


DAMAGED = {
    "no file": None,
    "no JSON": "{",
    "something else": "[]",
    "another version": '{"format": 0}',
    "half of it": '{"format": 1, "transcript": []}',
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_no_report(damage, tmp_path, capsys):
    path = tmp_path / "report.json"
    if DAMAGED[damage] is not None:
        path.write_text(DAMAGED[damage])
    with pytest.raises(NoReport):
        load(path)
    assert main([str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"compare: {path} ") and said.count("\n") == 1


def test_damaged_transcript(report):
    for records in ([{"t": 1}], [{"sent": 5}], [{"t": 0, "sent": "AT", "received": "OK"}]):
        broken = copy.deepcopy(report)
        next(s for s in broken["transcript"] if s["replay"])["records"] = records
        with pytest.raises(NoReport, match="is damaged"):
            list(compare(broken))


def test_program(tmp_path, capsys):
    assert main([""]) == 2
    assert "REPORT is not given" in capsys.readouterr().err
    assert main([str(REPORT)]) == 0
    assert capsys.readouterr().out.startswith("0 differences in ")
    changed = json.loads(REPORT.read_text())
    changed["measured"]["power_on"]["boot_ms"] = 20000
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(changed))
    assert main([str(path)]) == 1
