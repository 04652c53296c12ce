"""What real modems said, the simulated one says as well, or data/replays.toml has the reason why not."""

import json
import tomllib
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from sim800.replay import replay
from sim800.scenario import USSD, Event, Modem, Operator, Scenario

DATA = Path(__file__).parents[1] / "data"
TRANSCRIPTS = json.loads((DATA / "transcripts.json").read_text())
REPLAYS = {
    (entry["source"], entry["what"]): entry
    for entry in tomllib.loads((DATA / "replays.toml").read_text())["replay"]
}
KNOWN = {
    "source",
    "what",
    "scenario",
    "before",
    "later",
    "events",
    "command",
    "answer",
    "exception",
}
MAKE = {  # what a table or a list in TOML stands for
    "operators": lambda value: tuple(Operator(*one) for one in value),
    "ussd": lambda value: {code: USSD(**{"text": None, **one}) for code, one in value.items()},
}


def varied(base, changes: dict):
    """A dataclass of scenario.py with what a table says. Raises TypeError for what it does not have."""
    values = {}
    for name, value in changes.items():
        old = getattr(base, name)
        if name in MAKE:
            values[name] = MAKE[name](value)
        else:
            values[name] = varied(old, value) if is_dataclass(old) else value
    return replace(base, **values)


def scenario(entry: dict) -> Scenario:
    events = tuple(Event(word, after=after) for word, after in entry.get("events", ()))
    base = Scenario(modem=Modem(start="command"), events=events)
    return varied(base, entry.get("scenario", {}))


def records(transcript: dict, entry: dict) -> list[dict]:
    """What replay() takes."""
    stream = list(transcript["stream"])
    command = entry.get("command", transcript["command"]) or ""
    first = entry.get("before", [])
    found = [{"sent": text} for text in first]
    if command and not stream[0].startswith(command):
        found.append({"sent": "ATE0"})
    if command:
        found.append({"sent": command + "\r"})
    else:
        found.append({"sent": ""})
    if "later" in entry:
        found[0]["t"], found[-1]["t"] = 0, entry["later"]
    found.append({"received": entry.get("answer", "") + stream[0]})
    for text, answer in zip([transcript.get("data")], stream[1:], strict=False):
        found += [{"sent": text}, {"received": answer}]
    return found


@pytest.mark.not_modelled  # some exceptions are for that reason
@pytest.mark.parametrize(
    "transcript",
    TRANSCRIPTS,
    ids=[f"{t['source'].split(', ')[0]}-{n}" for n, t in enumerate(TRANSCRIPTS)],
)
def test_the_simulator_says_the_same(transcript):
    entry = REPLAYS.get((transcript["source"], transcript["what"]), {})
    differences = replay(
        records(transcript, entry), scenario(entry), frame=transcript["framing"] == "shown"
    )
    if "exception" in entry:
        assert differences, (
            f"it says the same by now: take out its exception ({entry['exception']})"
        )
    else:
        assert not differences, "\n".join(map(str, differences))


def test_each_entry_is_of_a_transcript_and_says_what_is_known():
    of = {(t["source"], t["what"]) for t in TRANSCRIPTS}
    assert set(REPLAYS) <= of
    assert len(of) == len(TRANSCRIPTS)
    for entry in REPLAYS.values():
        assert set(entry) <= KNOWN
        assert len(entry) > 2
        assert "exception" not in entry or len(entry["exception"]) > 10


def test_exceptions_are_few():
    exceptions = [entry for entry in REPLAYS.values() if "exception" in entry]
    assert len(exceptions) < len(TRANSCRIPTS) / 4


def test_a_scenario_is_told_by_name():
    with pytest.raises(AttributeError):
        varied(Scenario(), {"modem": {"nothing": 1}})
    assert {f.name for f in fields(Scenario)} >= {"modem", "sim", "radio", "ussd"}
