"""The benchmark in small, so that it does not rot; and what an hourly upload costs, in counts that do not vary."""

import asyncio
import importlib
import json

import all as benchmark
import cmux
import pytest
import report
from cold import shares, spans
from meter import CURRENTS, modem_seconds, trips, union
from network.journal import Entry
from playing import SPEED_LIMIT
from upload import DAY, OUR_WAYS, PLAIN_WAY, wakes


@pytest.mark.parametrize("part", benchmark.PARTS)
def test_part(vm, part):
    """Each gives tables of numbers that can be shown, saved and compared."""
    found = asyncio.run(benchmark.play((part,), small=True))
    tables = found[part]
    for table in tables:
        assert table.rows
        for values in table.rows.values():
            assert len(values) == len(table.columns)
            assert all(value is None or value >= 0 for value in values)
    run = {
        **report.circumstances("test"),
        "parts": {part: [table.told() for table in tables]},
    }
    run = json.loads(json.dumps(run))
    text = benchmark.markdown(run, found)
    assert all(f"| {row} |" in text for table in tables for row in table.rows)
    ratios = [line.split("  ")[1:] for line in report.compare(run, run).splitlines()[1:]]
    assert ratios
    assert {next(filter(None, cells)).strip() for cells in ratios} <= {"1.000", "-"}


def test_all_parts_are_modules_with_a_description():
    for part in benchmark.PARTS:
        assert "\n\n" in benchmark.described(part) or len(benchmark.described(part)) > 40


def test_the_multiplexer_takes_little_of_the_line(vm):
    """In real time, of what plain data mode gets: the best of up to three runs, as the machine may be busy."""
    best = {}
    for _ in range(3):
        run = asyncio.run(cmux.measure(40_000))
        best = run | {way: max(run[way], rate, key=int) for way, rate in best.items()}
        best.pop("asked")
        table, _ = cmux.tables(best | {"asked": run["asked"]})
        assert len(table.goals) == 2
        missed = [goal for goal in table.goals if not table.met(*goal)]
        if not missed:
            return
    pytest.fail(f"{missed}: {table.rows}")


def test_hourly_upload(vm, internet):
    """The wakes after the first: bytes and round trips of ours beside plain network.PPP's."""

    async def go():
        ways = (PLAIN_WAY, *OUR_WAYS)
        speed = min(2.0, SPEED_LIMIT)
        came = await asyncio.gather(*(wakes(way, internet, count=3, speed=speed) for way in ways))
        return dict(zip(ways, came, strict=True))

    found = asyncio.run(go())
    plain = found[PLAIN_WAY][1:]
    assert min(wake.trips for wake in plain) == 5  # name, SYN, two of TLS, request
    cold, dozing = OUR_WAYS
    for way in OUR_WAYS:
        first, *rest = found[way]
        assert first.trips == 5
        assert (
            min(wake.trips for wake in rest) == 3
        )  # SYN, one of TLS, request: the address is known
        # 1807 without what a busy machine makes lwIP send again.
        least = min(wake.ip for wake in rest)
        assert least <= 2100
        day = (first.ip + (DAY - 1) * least) / DAY
        assert day <= 0.4 * min(wake.ip for wake in plain)
    seconds = {way: min(wake.seconds for wake in found[way][1:]) for way in found}
    assert seconds[dozing] <= 0.6 * seconds[PLAIN_WAY]
    assert seconds[cold] <= seconds[PLAIN_WAY]


def test_whose_the_seconds_are():
    seen = [
        (0, "pin", "PWRKEY low", {}),
        (1, "modem", "power on", {}),
        (1, "pin", "PWRKEY high", {}),
        (4, "modem", "+CREG", {"stat": 2}),
        (5, "at", "> AT", {}),
        (6, "at", "< OK", {}),
        (7, "modem", "registered", {}),
        (8, "at", "> ATD*99#", {}),
        (9, "at", "< CONNECT 115200", {}),
    ]
    found = list(spans([Entry(time, *rest) for time, *rest in seen], 12))
    assert shares([*found, ("air", 8.5, 11)], 0, 12) == {
        "key": 1,
        "boot": 3,
        "network": 3,
        "command": 1,
        "air": 2,
        "ours": 2,
    }


def test_goals_and_forms():
    table = report.Table(
        "what",
        ("a / b", "a"),
        {"one": (0.35, 7), "two": (None, 70.25)},
        {("one", "a / b"): "<= 0.3"},
    )
    assert not table.met("one", "a / b")
    assert table.cells() == [
        ["what", "a / b", "a"],
        ["one", "0.350 (<= 0.3, missed)", "7"],
        ["two", "-", "70.2"],
    ]
    assert report.as_markdown(table.cells()).splitlines()[1] == "| --- | ---: | ---: |"
    assert report.ratio(1, 0) is None


def test_a_file_that_is_no_run(tmp_path):
    file = tmp_path / "run.json"
    for text in ("", "[]", "{}"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"run\.json"):
            report.load(file)
    with pytest.raises(ValueError, match="cannot be read"):
        report.load(tmp_path / "absent")


def test_union_of_spans():
    assert union([(0, 2), (1, 3), (5, 9)], 1, 6) == 3
    assert union([], 0, 1) == 0


def test_seconds_of_the_modem():
    entries = [
        Entry(time, "modem", what)
        for time, what in ((1, "power on"), (4, "registered"), (9, "off"), (20, "power on"))
    ]
    assert modem_seconds(entries, 2, 22) == (2 + 2, 5)


def test_round_trips_leave_out_bare_acknowledgements():
    scapy = importlib.import_module("scapy.layers.inet")

    def frame(up, flags, load=b""):
        ends = ("10.0.0.1", "10.0.0.2") if up else ("10.0.0.2", "10.0.0.1")
        packet = scapy.IP(src=ends[0], dst=ends[1]) / scapy.TCP(flags=flags) / load
        return up, b"\x21" + bytes(packet)

    assert trips([frame(True, "S"), frame(False, "SA"), frame(True, "A"), frame(False, "A")]) == 1
    asked = [frame(True, "PA", b"x"), frame(True, "PA", b"y"), frame(False, "PA", b"z")]
    assert trips(asked * 2) == 2


def test_every_current_has_a_source():
    assert all(mA >= 0 and source for mA, source in CURRENTS.values())
