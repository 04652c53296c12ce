"""examples/mqtt_as_node.py with Peter Hinch's mqtt_as, which no package registry has: MQTT_AS names a copy of it
(mqtt_as/__init__.py of https://github.com/peterhinch/micropython-mqtt), without which these are skipped."""

import json
import os
import re
import textwrap
import threading
from pathlib import Path

import pytest
from real_servers import MQTT_ADDRESS, MQTT_HOST
from test_examples import script

FILE = os.environ.get("MQTT_AS")
COMMANDS = "hives/hive-1/set"

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.skipif(
        not FILE, reason="MQTT_AS names no copy of mqtt_as/__init__.py, which no registry has"
    ),
]


@pytest.fixture
def node(board):
    """Runs the example until `count` readings are published; `watch(line, world, published)`."""

    def run(count, watch=lambda *_: None, also="", **options):
        text = script("mqtt_as_node.py", EVERY_S=3)
        text = text.replace("async def main():\n", also + "\nasync def main():\n", 1)
        text = textwrap.indent(text, "    ")
        published = 0

        def on_line(line, world):
            nonlocal published
            published += line == "published"
            watch(line, world, published)
            if published == count:
                world.interrupt()

        return board(
            f"try:\n{text}except KeyboardInterrupt:\n    pass\n",
            files={"mqtt_as.py": Path(FILE).read_bytes()},
            watch=on_line,
            **options,
        )

    return run


def test_it_is_a_release():
    assert re.search(r"^VERSION = \(\d+, \d+, \d+\)", Path(FILE).read_text(), re.MULTILINE)


def test_readings_and_commands(node, broker):
    with broker.subscriber("hives/+/data.json", 5) as heard:
        told = 0

        def watch(line, world, published):
            nonlocal told
            if line == "published" and published == 2:
                broker.publish(COMMANDS, "öffnen")
            told += line == f"{COMMANDS} says öffnen"

        node(5, watch)
        readings = [json.loads(line.split(" ", 1)[1]) for line in heard()]
    assert len(readings) == 5
    assert told == 1
    assert "u'" not in broker.log()


OUTAGES = {
    "the call ends": lambda world, broker: world.modem.inject("lcp_terminate"),
    "the modem restarts": lambda world, broker: world.modem.inject("modem_reset"),
    "silence": lambda world, broker: world.modem.inject("bearer_silent"),
    "the broker restarts": lambda world, broker: threading.Thread(target=broker.restart).start(),
}


@pytest.mark.parametrize("what", OUTAGES)
def test_outages(node, broker, what):
    """Readings and commands go on afterwards, and no other task is ever held up."""
    happened = []

    def watch(line, world, published):
        if published == 2 and not happened:
            happened.append(True)
            OUTAGES[what](world, broker)
        if published == 5:
            threading.Thread(target=broker.publish, args=(COMMANDS, "still there?")).start()

    played = node(
        8,
        watch,
        also="""
async def tick():
    import time
    longest, last = 0, time.ticks_ms()
    while True:
        await asyncio.sleep_ms(20)
        now = time.ticks_ms()
        if time.ticks_diff(now, last) > longest:
            longest = time.ticks_diff(now, last)
            print("longest=%d" % longest)
        last = now
asyncio.create_task(tick())
""",
        timeout=200,
    )
    assert f"{COMMANDS} says still there?" in played.lines
    assert broker.log().count("Received PUBLISH from") >= 8
    longest = max(int(line[8:]) for line in played.lines if line.startswith("longest="))
    assert longest < 1500, longest


def test_a_broker_that_is_somebody_else_is_refused(node, broker, internet, monkeypatch):
    """Its certificate is for another host: nothing is published, and why is printed."""
    errors = []

    def watch(line, world, published):
        if "says" not in line and line != "published":
            errors.append(line)
        if len(errors) == 2:
            world.interrupt()

    monkeypatch.setitem(internet.names, "other.example", MQTT_ADDRESS)
    text = "\nBROKER = 'other.example'\n"
    played = node(99, watch, also=text, names={"other.example": MQTT_ADDRESS})
    assert "published" not in played.lines
    assert any("match" in error for error in errors), errors
    assert "Received CONNECT" not in broker.log()
    assert MQTT_HOST not in "".join(errors)
