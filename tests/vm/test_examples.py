"""The scripts in examples/, run on the simulated board as they are but for what a user fills in."""

import datetime
import itertools
import json
import re
import textwrap

import pytest
from real_servers import HTTPS_ADDRESS
from sim800.scenario import Event, Modem, Radio
from world import ROOT

pytestmark = pytest.mark.real_time

EXAMPLES = ROOT / "examples"
COSTS = (ROOT / "docs" / "recipes.md").read_text()


def script(name: str, **filled_in: object) -> str:
    """The example with its constants filled in."""
    text = (EXAMPLES / name).read_text()
    for constant, value in filled_in.items():
        text, count = re.subn(
            rf"^{constant} = [^#\n]*", f"{constant} = {value}  ", text, flags=re.MULTILINE
        )
        assert count == 1, constant
    return text


class Rounds:
    """Ends a script with Ctrl-C when `count` lines with `part` have been printed; `costs` are the bytes of IP, both
    ways, that went over the air until the first of them, and from each to the next."""

    def __init__(self, part: str, count: int):
        self.part, self.left = part, count
        self.costs: list[int] = []
        self._before = 0

    def __call__(self, line: str, world) -> None:
        if self.part not in line:
            return
        total = world.internet.up.bytes + world.internet.down.bytes
        self.costs.append(total - self._before)
        self._before = total
        self.left -= 1
        if self.left == 0:
            world.interrupt()

    def agree_with(self, name: str) -> None:
        """They are what docs/recipes.md says: the first, and each further one."""
        row = re.search(rf"^\| {re.escape(name)} \| (\d+) \| (\d+) \|", COSTS, re.MULTILINE)
        first, *further = self.costs
        assert row and first == pytest.approx(int(row[1]), rel=0.1), (name, self.costs)
        each = sum(further) / len(further)
        assert each == pytest.approx(int(row[2]), rel=0.1), (name, self.costs)


@pytest.fixture
def run(board):
    """Runs an example until its rounds are over: run(name, rounds, fields of the scenario, CONSTANT=…).

    before: a text that the board runs first, at each of its starts.
    """

    def run(name, rounds, *, also=None, before="", **options):
        filled_in = {key: repr(options.pop(key)) for key in list(options) if key.isupper()}
        text = textwrap.indent(f"{before}\n{script(name, **filled_in)}", "    ")

        def watch(line, world):
            if rounds:
                rounds(line, world)
            if also:
                also(line, world)

        return board(
            f"try:\n{text}except KeyboardInterrupt:\n    pass\n",
            files={"outbox.py": (EXAMPLES / "outbox.py").read_bytes()},
            watch=watch,
            **options,
        )

    return run


def test_https_post(run, nginx):
    rounds = Rounds("1 sent", 3)
    played = run("https_post.py", rounds, EVERY_S=5)
    bodies = [json.loads(body) for body in nginx.bodies("/post")]
    assert [len(body) for body in bodies] == [1, 1, 1]
    assert [body[0]["number"] for body in bodies] == [1, 2, 3]
    assert "time" not in bodies[0][0]  # the clock was not set yet
    times = [
        datetime.datetime.strptime(body[0]["time"], "%Y-%m-%dT%H:%M:%SZ") for body in bodies[1:]
    ]
    assert times[1] - times[0] >= datetime.timedelta(seconds=5)
    assert played.lines == ["1 sent: 200"] * 3
    rounds.agree_with("`https_post.py`")


def test_https_post_keeps_what_it_cannot_send(run, nginx, internet, monkeypatch):
    monkeypatch.delitem(internet.routes, (HTTPS_ADDRESS, 443))
    errors = 0

    def repair(line, world):
        nonlocal errors
        errors += "the request was not sent" in line
        if errors == 2:
            world.internet.routes[HTTPS_ADDRESS, 443] = nginx.port

    played = run("https_post.py", Rounds("3 sent: 200", 1), also=repair, EVERY_S=2)
    assert errors == 2
    (body,) = (json.loads(body) for body in nginx.bodies("/post"))
    assert [reading["number"] for reading in body] == [1, 2, 3]
    assert played.lines[-1] == "3 sent: 200"


def test_https_post_sends_what_waits_on_one_connection(run, nginx, internet, monkeypatch):
    monkeypatch.delitem(internet.routes, (HTTPS_ADDRESS, 443))

    def repair(line, world):
        world.internet.routes[HTTPS_ADDRESS, 443] = nginx.port

    run("https_post.py", Rounds("1 sent: 200", 3), also=repair, EVERY_S=2, MOST=1)
    # The one that failed and that of the next round; then a new round.
    assert [request["requests"] for request in nginx.requests()] == [1, 2, 1]


def test_mqtt_tls(run, broker):
    rounds = Rounds("published", 3)
    with broker.subscriber("hives/#", 3) as heard:
        run("mqtt_tls.py", rounds, EVERY_S=5)
        messages = heard()
    assert messages == ['hives/hive-1/data.json {"battery": 4012, "signal": -78}'] * 3
    rounds.agree_with("`mqtt_tls.py`")


def test_duty_cycle(run, nginx):
    rounds = Rounds("1 sent", 3)
    played = run("duty_cycle.py", rounds, EVERY_S=10)
    assert [request["reused"] for request in nginx.requests()] == [".", "r", "r"]
    readings = [json.loads(body)[0] for body in nginx.bodies("/post")]
    assert [reading["battery"] for reading in readings] == [4012] * 3
    assert "time" not in readings[0]
    assert "time" in readings[1]  # the clock went on in the sleep
    sleeps_without_modem(played.journal, 2)
    asked = {entry.what.partition(":")[0] for entry in played.journal.seen("dns")}
    assert asked == {"telemetry.example"}  # and no time server
    rounds.agree_with("`duty_cycle.py`")


def test_duty_cycle_spares_a_low_battery(run, nginx):
    lows = 0

    def charge(line, world):
        nonlocal lows
        lows += line == "battery low, not sent: 3450 mV"
        if lows == 2:
            world.modem.inject("battery", percent=70, millivolts=3900)

    played = run(
        "duty_cycle.py",
        Rounds("3 sent: 200", 1),
        also=charge,
        modem=Modem(battery=(0, 20, 3450)),
        EVERY_S=2,
        LOW_EVERY_S=12,
    )
    (body,) = (json.loads(body) for body in nginx.bodies("/post"))
    assert [reading["battery"] for reading in body] == [3450, 3450, 3900]
    off, on = (played.journal.seen("board", f"supply {state}") for state in ("off", "on"))
    pauses = [after.time - before.time for before, after in zip(off, on[1:], strict=False)]
    assert len(pauses) == 2 and all(12 <= pause < 20 for pause in pauses)


# TLS sessions are kept for a day: each wake of gsm_location.py finds none that is young enough.
A_DAY_LATER = "from ppp_sim800 import tls_sessions\ntls_sessions.clear()"


def test_gsm_location(run, nginx):
    rounds = Rounds("uploaded: 200", 3)
    radio = Radio(position=(-58.381592, -34.603722))
    played = run("gsm_location.py", rounds, before=A_DAY_LATER, radio=radio, EVERY_S=10)
    places = [json.loads(body) for body in nginx.bodies("/post")]
    assert places == [pytest.approx({"lat": -34.603722, "lon": -58.381592})] * 3
    sleeps_without_modem(played.journal, 2)
    rounds.agree_with("`gsm_location.py`")


def sleeps_without_modem(journal, count):
    """The modem is off before each deep sleep, and until its end."""
    sleeps = journal.seen("board", "reset deepsleep")
    assert len(sleeps) == count
    for sleep in sleeps:
        supply = [entry for entry in journal.seen("board", "supply") if entry.time <= sleep.time]
        assert supply[-1].what == "supply off"
        wakes = [e.time for e in journal.seen("board", "supply on") if e.time > sleep.time]
        assert not wakes or wakes[0] >= sleep.time + 9


def test_gsm_location_of_unknown_cells(run, nginx):
    def find(line, world):
        if "LocationError" in line:
            world.modem.inject("position", longitude=13.4, latitude=52.5)

    played = run(
        "gsm_location.py",
        Rounds("uploaded: 200", 1),
        also=find,
        radio=Radio(position=None),
        EVERY_S=2,
    )
    assert "does not know the cells here" in played.lines[0]


PHONE = "+491709876543"
STATUS = {"number": PHONE, "text": "Status "}


def alarm(run, seconds, **options):
    """Plays sms_alarm.py for so long; returns what it has sent, what is left on the card, and the run."""
    options = {"EVERY_S": 3, "LOW_MV": 3600, "OK_MV": 3700, **options}
    before = f'print("@interrupt {seconds}")\n' + options.pop("before", "")
    played = run("sms_alarm.py", None, before=before, **options)
    messages = played.world.modem.messages
    sent = [(message.number, message.text) for message in messages.sent]
    return sent, messages.stores["SM"].places, played


def voltages(*millivolts, after=12.0, every=12.0):
    """The battery's course, so many mV each."""
    return tuple(
        Event("battery", "registered", after + i * every, {"percent": 40, "millivolts": mv})
        for i, mv in enumerate(millivolts)
    )


def test_sms_alarm(run):
    """It answers its owner and nobody else, and leaves no message on the card; also after the modem's restart."""
    sent, left, _ = alarm(
        run,
        70,
        events=(
            Event("sms_received", "registered", 12, STATUS),
            Event("sms_received", "registered", 12, STATUS | {"number": "12345"}),
            Event("modem_reset", "registered", 25),
            Event("sms_received", "registered", 50, STATUS),
        ),
        modem=Modem(battery=(0, 87, 4012)),
    )
    assert sent == [(PHONE, "Battery 4012 mV, 87 %. Signal -78 dBm.")] * 2
    assert not left


def test_sms_alarm_warns_once(run):
    """A voltage that swings around the limit is one message; once it has risen well above, it warns again."""
    events = voltages(3590, 3610, 3590, 3610, 3590, 3720, 3590)
    sent, _, _ = alarm(run, 100, events=events, modem=Modem(battery=(0, 87, 3800)))
    low = (PHONE, "Low! Battery 3590 mV, 40 %. Signal -78 dBm.")
    assert sent == [low, low]


def test_sms_alarm_warns_once_though_the_board_restarts(run):
    before = """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    import _thread
    def restart():
        import time
        time.sleep(30)
        machine.reset()
    _thread.start_new_thread(restart, ())
else:
    print("restarted")
"""
    sent, _, played = alarm(run, 60, before=before, modem=Modem(battery=(0, 30, 3590)))
    assert "restarted" in played.lines
    assert sent == [(PHONE, "Low! Battery 3590 mV, 30 %. Signal -78 dBm.")]


def test_sms_alarm_answers_later_what_it_could_not_answer(run):
    sent, left, played = alarm(
        run,
        50,
        events=(
            Event("sms_refused_once", "registered", 10, {"code": 38}),
            Event("sms_received", "registered", 12, STATUS),
        ),
        modem=Modem(battery=(0, 87, 4012)),
    )
    assert any(line.startswith("SMSError the message was not sent") for line in played.lines)
    assert sent == [(PHONE, "Battery 4012 mV, 87 %. Signal -78 dBm.")]
    assert not left


def test_sms_alarm_does_not_let_parts_fill_the_card(run):
    parts = {"number": "12345", "text": "x" * 153 * 6, "without": 1}
    events = tuple(Event("sms_received", "registered", 12 + 8 * i, parts) for i in range(3))
    _, left, _ = alarm(run, 60, events=events, modem=Modem(battery=(0, 87, 4012)))
    assert len(left) <= 10


HANGS = """
import machine, ppp_sim800
if machine.reset_cause() == machine.WDT_RESET:
    print("restarted by the watchdog")
else:
    def hang(*_, **__):
        while True:
            pass
    {} = hang
"""


def test_sms_alarm_is_watched(run):
    before = "from ppp_sim800.roles.radio import Radio\n" + HANGS.format("Radio.register")
    rounds = Rounds("restarted by the watchdog", 1)
    run("sms_alarm.py", rounds, before=before, speed=50)


def test_sms_alarm_goes_on_after_a_mistake(run):
    """Here the number; a message that comes later is read all the same."""
    event = Event("sms_received", "registered", 15, {"number": "12345", "text": "hello"})
    sent, left, played = alarm(
        run, 40, PHONE="0049 170", events=(event,), modem=Modem(battery=(0, 30, 3590))
    )
    assert any(line.startswith("ConfigError a telephone number is") for line in played.lines)
    assert not sent and not left


def test_asyncio_node(run, nginx):
    """It uploads the mean of its samples, also after the modem has restarted, and blinks all the time."""
    rounds = Rounds("samples uploaded: 200", 4)

    def reset(line, world):
        if rounds.left == 1:
            world.modem.inject("modem_reset")

    played = run("asyncio_node.py", rounds, also=reset, EVERY_S=6, SAMPLE_S=1, speed=5.0)
    bodies = [json.loads(body) for body in nginx.bodies("/post")]
    assert len(bodies) == 4
    assert all(body["samples"] >= 5 and body["mean"] > 100_000 for body in bodies)
    blinks = [entry.time for entry in played.journal.seen("board", "LED")]
    longest = max(after - before for before, after in itertools.pairwise(blinks))
    assert longest < 3  # a second, and the look-up of a name
    assert len(played.journal.seen("at", "> ATD")) == 2
    del rounds.costs[3:]
    rounds.agree_with("`asyncio_node.py`")


@pytest.mark.parametrize("transport", ["mqtt", "https"])
def test_terkin_telemetry(run, nginx, broker, transport):
    channel = "hiveeyes/testdrive/area-42/node-1"
    rounds = Rounds(f"1 sent by {transport}", 3)
    with broker.subscriber("hiveeyes/#", 3) as heard:
        run("terkin_telemetry.py", rounds, EVERY_S=5, TRANSPORT=transport)
        if transport == "mqtt":
            topics, bodies = zip(*(line.split(" ", 1) for line in heard()), strict=True)
            assert set(topics) == {f"{channel}/data.json"}
        else:
            bodies = nginx.bodies(f"/api/{channel}/data")
    readings = [json.loads(body) for body in bodies]
    assert len(readings) == 3
    assert all(set(reading) >= {"system.memfree"} for reading in readings)
    rounds.agree_with(f"`terkin_telemetry.py` ({transport})")


UNATTENDED = sorted(
    path.name
    for path in EXAMPLES.glob("*.py")
    if path.name not in ("bare_sim800l.py", "outbox.py")
)


@pytest.mark.parametrize("name", UNATTENDED)
def test_recipes_survive_what_they_meet(name):
    """As docs/recipes.md says of them: whatever fails is printed, and a watchdog bites where something hangs."""
    text = script(name)
    assert re.search(r"^ *except Exception as error:.*\n +print\(", text, re.MULTILINE)
    assert "machine.WDT(" in text


# --- the outbox -------------------------------------------------------------------------------


def test_outbox(play):
    played = play(
        """
from outbox import Outbox
box = Outbox("box", most=2000)
for i in range(5):
    box.put({"n": i, "name": "Bienenstöcke"})
print("first=%r" % [r["n"] for r in box.first(3)])
box.remove(2)
print("left=%r" % [r["n"] for r in Outbox("box").first(9)])
with open("box", "ab") as file:
    file.write(b'\\n{"n": 9, "na')  # the power is cut here
box.put({"n": 5})
print("torn=%r" % [r["n"] for r in box.first(9)])
for i in range(6, 300):
    box.put({"n": i})
kept = [r["n"] for r in box.first(500)]
print("full=%r" % (kept == list(range(kept[0], 300)) and len(kept) > 50))
box.remove(500)
print("empty=%r" % box.first(1))
""",
        files={"outbox.py": (EXAMPLES / "outbox.py").read_bytes()},
    )
    assert played.value("first") == "[0, 1, 2]"
    assert played.value("left") == "[2, 3, 4]"
    assert played.value("torn") == "[2, 3, 4, 5]"
    assert played.value("full") == "True"
    assert played.value("empty") == "[]"


# --- other boards -----------------------------------------------------------------------------

# The T-Call's wires, to a modem whose supply nobody switches.
WIRES = {"TX, RX": "27, 26", "RST": "5", "PWRKEY": "4"}
SUPPLIED = "from machine import Pin\nPin(23, Pin.OUT, value=1)\n"


@pytest.mark.parametrize(
    "env",
    [
        {},
        # PPP and names as on a port with its own lwIP, without this project's patches for the ESP32
        {"SIM_PPP_INPUT": "scheduler", "SIM_BLOCKING": "poll"},
    ],
    ids=["esp32", "rp2"],
)
@pytest.mark.parametrize("start", ["off", "command", "data"])
def test_bare_module(play, env, start):
    text = SUPPLIED + script("bare_sim800l.py", **WIRES)
    played = play(text, modem=Modem(start=start), env=env, speed=5)
    assert "address 10.64.64.64" in played.lines
    assert '{"origin": "198.51.100.7"}' in played.lines


def test_bare_module_without_a_key(play):
    """As the small red ones are: on as soon as they are supplied."""
    text = SUPPLIED + script("bare_sim800l.py", **WIRES | {"PWRKEY": "None"})
    played = play(text, modem=Modem(start="command"))
    assert '{"origin": "198.51.100.7"}' in played.lines
