"""Who has the line, the link, the object: what is held ends with its holder, and status() says what is."""

import asyncio
import re

import pytest
import serial
from playing import SPEED_LIMIT
from sim800.scenario import SIM, Modem, Radio, Scenario
from world import World

WARM = Modem(start="command")
SLOW_NETWORK = Radio(registration=((0.3, 2), (40, 1)))

AT_ONCE_MS = 1000
DISCONNECT_MS = 30_000  # docs/link.md
OFF_MS = DISCONNECT_MS + 12_000
PROBES = ("ATE1Q0V1",)  # as AT, asked to find out whether the modem is in data mode
NOT_ON = r"\boff\b|not (been )?switched on"

START = """
import _thread, asyncio, sys
from ppp_sim800 import aio

def print(text):
    sys.stdout.write(text + "\\n")  # at once: threads print, too

states = []

def trace(way, line):
    if way == "=":
        states.append(line)

async def awaited(name, call, *args, **kwargs):
    # timed(), for asyncio.
    start = time.ticks_ms()
    try:
        value = call(*args, **kwargs)
        if hasattr(value, "send"):
            await value
        ended = "ok"
    except ppp_sim800.SIM800Error as error:
        ended = type(error).__name__ + ": " + str(error)
    print(name + "=" + ended)
    print(name + "_ms=" + str(time.ticks_diff(time.ticks_ms(), start)))

def run(procedure):
    # As at the REPL: what ends it is shown, and the prompt is back.
    try:
        asyncio.run(procedure)
        print("run=ended")
    except (KeyboardInterrupt, ValueError) as error:
        print("run=" + type(error).__name__)

async def until(condition):
    while not condition():
        await asyncio.sleep_ms(20)

def die(how):
    # main() ends while its tasks do something.
    if how == "ValueError":
        raise ValueError("a sensor's")
    if how == "Ctrl-C":
        print("@interrupt 0")

"""

# A signal comes when the kernel likes: it is not in simulated time.
HOWS = ["ValueError", pytest.param("Ctrl-C", marks=pytest.mark.real_time)]
LOOPS = {"the same loop": "", "a new loop": "asyncio.new_event_loop()"}
loops = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
hows = pytest.mark.parametrize("how", HOWS)
faces = pytest.mark.parametrize("face", ["asyncio", "blocking"])
multiplexed = pytest.mark.parametrize("multiplex", [True, False], ids=["multiplexed", "in turns"])


@pytest.fixture
def own(play):
    """Plays a script behind START; {name: what it printed}, with `name_ms` as numbers. No AT goes into PPP."""

    def own(script, *, speed=10, modem=WARM, timeout=90, **scenario):
        played = play(START + script, speed=speed, modem=modem, timeout=timeout, **scenario)
        said = {}
        for line in played.lines:
            name, _, value = line.partition("=")
            said[name] = int(value) if name.endswith("_ms") else value
        said["played"] = played
        stray = [
            entry
            for entry in played.journal.seen("ppp", "AT command in PPP")
            if entry.fields["command"] not in PROBES
        ]
        assert not stray, "\n".join(map(str, stray))
        return said

    return own


def check(said, limits):
    """Each ended well, within so many milliseconds."""
    for name, limit in limits.items():
        assert said[name] == "ok", (name, said)
        assert said[name + "_ms"] <= limit, (name, said)


def check_refused(said, *names, error="LinkBusy"):
    for name in names:
        assert said[name].startswith(error + ": "), (name, said)
        assert said[name + "_ms"] < AT_ONCE_MS, (name, said)


# A1: a task that is gone holds nothing


@loops
@hows
@pytest.mark.parametrize("call", ["keep_up", "ensure", "connect"])
def test_main_dies_while_a_task_searches(own, call, how, loop):
    said = own(
        f"""
nic = aio.PPP("internet", trace=trace)

async def first():
    task = asyncio.create_task(nic.{call}())
    await until(lambda: "searching" in states)
    die({how!r})
    await asyncio.sleep(10)

async def main():
    await awaited("ensure", nic.ensure, timeout=600000)
    print("status=" + nic.status())
    await awaited("signal", nic.modem.radio.signal)
    await awaited("disconnect", nic.disconnect)

run(first())
{loop}
run(main())
""",
        radio=SLOW_NETWORK,
        modem=Modem(),
        speed=20,
    )
    assert said["status"] == "up"
    check(said, {"ensure": 120_000, "signal": 5000, "disconnect": DISCONNECT_MS})


@loops
@pytest.mark.parametrize(
    "hold",
    [
        "async with nic.command_mode(): await asyncio.sleep(100)",
        "async with nic.kept_up(): await asyncio.sleep(100)",
        "await nic.modem.radio.scan()",
        "await nic.modem.reset()",
        "await nic.disconnect()",
    ],
)
@multiplexed
def test_main_dies_while_a_task_holds(own, hold, multiplex, loop):
    """A line, a link or a command_mode() held by a task that will never end it."""
    if not multiplex and "scan" in hold:
        hold = f"async with nic.command_mode(): {hold}"
    said = own(
        f"""
nic = aio.PPP("internet", multiplex={multiplex})

async def hold():
    {hold}

async def first():
    await nic.connect()
    asyncio.create_task(hold())
    await asyncio.sleep(2.7)
    die("ValueError")

async def main():
    await awaited("connect", nic.connect)
    print("status=" + nic.status())
    await awaited("disconnect", nic.disconnect)
    await awaited("signal", nic.modem.radio.signal)

run(first())
{loop}
run(main())
""",
        speed=10,
    )
    if "a new loop" in loop or "new_event_loop" in loop:
        assert said["status"] == "up"
        check(said, {"connect": 60_000, "disconnect": DISCONNECT_MS, "signal": 5000})
    else:  # the task goes on, and holds what it holds
        assert said["connect"] == "ok" or said["connect_ms"] < 100_000, said
    assert said["run"] == "ended"


@multiplexed
def test_a_thread_dies_within_command_mode(own, multiplex):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet", multiplex={multiplex})

def die_in_it():
    try:
        with nic.command_mode():
            raise ValueError("a sensor's")
    except ValueError:
        over.append(1)

over = []
nic.connect()
_thread.start_new_thread(die_in_it, ())
while not over:
    time.sleep_ms(20)
timed("connect", nic.connect)
print("status=" + nic.status())
timed("disconnect", nic.disconnect)
timed("signal", nic.modem.radio.signal)
"""
    )
    assert said["status"] == "up"
    check(said, {"connect": AT_ONCE_MS, "disconnect": DISCONNECT_MS, "signal": 5000})


@loops
@hows
@pytest.mark.parametrize("waiting", ["disconnect()", "active(False)", "connect()", "ensure()"])
def test_main_dies_while_a_task_waits_for_another(own, waiting, how, loop):
    """Who waited for its turn is gone, too: nobody gives way to it any more."""
    said = own(
        f"""
nic = aio.PPP("internet")

async def hold():
    async with nic.command_mode():
        await asyncio.sleep(100)

async def first():
    await nic.active(True)
    asyncio.create_task(hold())
    await asyncio.sleep_ms(300)
    asyncio.create_task(nic.{waiting})
    await asyncio.sleep_ms(300)
    die({how!r})
    await asyncio.sleep(10)

run(first())
{loop}
plain = ppp_sim800.PPP("internet")
timed("plain", plain.connect)
timed("last", plain.disconnect)
{loop}
if {bool(loop)}:
    run(awaited("connect", nic.connect))
    print("status=" + nic.status())
    run(awaited("disconnect", nic.disconnect))
"""
    )
    check(said, {"plain": 60_000, "last": DISCONNECT_MS})
    if loop:
        assert said["status"] == "up"
        check(said, {"connect": 60_000, "disconnect": DISCONNECT_MS})


# A2: Ctrl-C during kept_up()

REPL = {
    "disconnect() of the same": 'run(awaited("first", nic.disconnect))',
    "connect() of the same": 'run(awaited("first", nic.connect))',
    "active(False) of the same": 'run(awaited("first", nic.active, False))',
    "a new one": 'nic = aio.PPP("internet"); run(awaited("first", nic.connect))',
    "a new one that blocks": 'first = ppp_sim800.PPP("internet"); timed("first", first.connect); '
    'timed("last", first.disconnect)',
}


@loops
@hows
@pytest.mark.parametrize("then", REPL.values(), ids=REPL)
def test_an_end_during_kept_up(own, then, how, loop):
    said = own(
        f"""
nic = aio.PPP("internet")

async def main():
    async with nic.kept_up():
        await asyncio.sleep(3)
        die({how!r})
        await asyncio.sleep(30)

run(main())
print("died=" + nic.status())
{loop}
{then}
if "last" not in globals():
    nic = aio.PPP("internet")
run(awaited("again", nic.connect))
print("status=" + nic.status())
"""
    )
    assert said["status"] == "up"
    check(said, {"first": DISCONNECT_MS, "again": 60_000})


def test_ctrl_c_at_the_console_during_kept_up(vm):
    """As somebody types it: the same object, then a new one."""

    script = b"""import asyncio, time
from ppp_sim800 import aio
nic = aio.PPP("internet")
async def main():
    async with nic.kept_up():
        print("ke" + "pt")
        await asyncio.sleep(1000)

def tell(procedure):
    start = time.ticks_ms()
    asyncio.run(procedure)
    print("to" + "ok", time.ticks_diff(time.ticks_ms(), start), nic.status())

"""

    def talk(port):
        with serial.Serial(port, 115200, timeout=60) as line:

            def tell(typed, end):
                line.write(typed)
                got = line.read_until(end)
                assert got.endswith(end), got
                return got

            tell(b"\x05", b"=== ")
            line.write(script)
            tell(b"\x04", b">>> ")
            tell(b"asyncio.run(main())\r", b"kept")
            assert b"KeyboardInterrupt" in tell(b"\x03", b">>> ")
            said = [tell(b"tell(nic.disconnect())\r", b">>> ")]
            tell(b"asyncio.run(main())\r", b"kept")
            tell(b"\x03", b">>> ")
            said.append(tell(b"nic = aio.PPP('internet'); tell(nic.connect())\r", b">>> "))
            return [re.search(rb"took (\d+) (.*)\r", text) for text in said]

    async def go():
        async with World(Scenario(modem=WARM), speed=min(10.0, SPEED_LIMIT)) as board:
            return await asyncio.to_thread(talk, await board.console())

    told = asyncio.run(go())
    assert all(told)
    assert [found[2] for found in told] == [b"on", b"up"]
    assert all(int(found[1]) <= DISCONNECT_MS for found in told)


# A3: Ctrl-C during a command

COMMANDS = {
    "scan": ("nic.modem.radio.scan()", 3),
    "ussd": ('nic.modem.ussd("*100#")', 0.5),
    "sms": ('nic.modem.sms.send("+491701111111", "x" * 300)', 0.8),
    "at": ('nic.modem.at("AT+COPS=?", 120000)', 3),
    "choose": ('nic.modem.radio.choose("26201")', 0.3),
    "location": ("nic.modem.location()", 1.5),
    "call": ('nic.modem.calls.dial("+491701111111")', 1.0),
}


@loops
@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_during_a_command(own, command, loop):
    call, seconds = COMMANDS[command]
    said = own(
        f"""
nic = aio.PPP("internet")

async def main():
    await nic.connect()
    if {command!r} == "location":
        await nic.disconnect()
    print("@interrupt {seconds}")
    await {call}

run(main())
{loop}
run(awaited("signal", nic.modem.radio.signal))
if {command!r} == "call":
    run(awaited("hang_up", nic.modem.calls.hang_up))
run(awaited("disconnect", nic.disconnect))
run(awaited("connect", nic.connect))
print("status=" + nic.status())
run(awaited("info", nic.modem.info))
"""
    )
    assert said["status"] == "up"
    # The modem may be at the command still: so long it takes.
    check(said, {"signal": 60_000, "disconnect": DISCONNECT_MS, "connect": 60_000, "info": 5000})


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_during_a_blocking_command(own, command):
    call, seconds = COMMANDS[command]
    said = own(
        f"""
nic = ppp_sim800.PPP("internet")
nic.connect()
if {command!r} == "location":
    nic.disconnect()
print("@interrupt {seconds}")
try:
    {call}
except (KeyboardInterrupt, ppp_sim800.SIM800Error) as error:
    print("run=" + type(error).__name__)
timed("signal", nic.modem.radio.signal)
if {command!r} == "call":
    timed("hang_up", nic.modem.calls.hang_up)
timed("disconnect", nic.disconnect)
timed("connect", nic.connect)
print("status=" + nic.status())
timed("info", nic.modem.info)
"""
    )
    assert said["run"] == "KeyboardInterrupt"
    assert said["status"] == "up"
    check(said, {"signal": 60_000, "disconnect": DISCONNECT_MS, "connect": 60_000, "info": 5000})


@loops
@hows
@pytest.mark.parametrize(
    ("state", "multiplex"),
    [
        ("booting", True),
        ("searching", True),
        ("dialling", True),
        ("dialling", False),
        ("negotiating", True),
        ("negotiating", False),
    ],
)
def test_an_end_during_connect(own, state, multiplex, how, loop):
    if state == "searching":
        radio = Radio(registration=((0.3, 2), (6, 1)))
    else:
        radio = Radio()
    said = own(
        f"""
nic = aio.PPP("internet", multiplex={multiplex}, trace=trace)

async def main():
    task = asyncio.create_task(nic.connect())
    await until(lambda: {state!r} in states)
    die({how!r})
    await asyncio.sleep(30)

run(main())
{loop}
print("status=" + nic.status())
run(awaited("connect", nic.connect))
print("then=" + nic.status())
run(awaited("disconnect", nic.disconnect))
""",
        radio=radio,
        modem=Modem(),
    )
    if loop:  # else the task may go on in the next asyncio.run()
        assert said["status"] in ("off", "on", "failed", "lost")
    assert said["then"] == "up"
    check(said, {"connect": 90_000, "disconnect": DISCONNECT_MS})


# A4: an object that nobody has any more


@loops
@pytest.mark.parametrize("how", [*HOWS, "return"])
@pytest.mark.parametrize(
    "use",
    ["await nic.connect()", "asyncio.create_task(nic.keep_up()); await until(nic.isconnected)"],
)
def test_the_object_is_made_in_main(own, use, how, loop):
    said = own(
        f"""
async def main(name):
    nic = aio.PPP("internet")
    start = time.ticks_ms()
    try:
        {use}
        print(name + "=ok")
    except ppp_sim800.SIM800Error as error:
        print(name + "=" + repr(error))
    print(name + "_ms=" + str(time.ticks_diff(time.ticks_ms(), start)))
    print("status=" + nic.status())
    if name == "last":
        await awaited("off", nic.active, False)
    elif {how!r} != "return":
        die({how!r})
        await asyncio.sleep(30)

run(main("first"))
{loop}
run(main("second"))
{loop}
run(main("last"))
"""
    )
    check(said, {"first": 30_000, "second": 60_000, "last": 60_000, "off": OFF_MS})
    assert said["status"] == "up"
    assert said["run"] == "ended"


@faces
def test_active_false_of_a_new_object(own, face):
    said = own(
        f"""
def first():
    nic = aio.PPP("internet")
    asyncio.run(nic.connect())

first()
if {face!r} == "asyncio":
    run(awaited("off", aio.PPP("internet").active, False))
else:
    timed("off", ppp_sim800.PPP("internet").active, False)
"""
    )
    check(said, {"off": OFF_MS})
    assert said["played"].world.modem.power.state == "off"


def test_an_object_in_use_is_not_taken_over(own):
    """Its connect() goes on in another task: the new one is refused, at once."""
    said = own(
        """
async def main():
    first, second = aio.PPP("internet"), aio.PPP("internet")
    task = asyncio.create_task(awaited("first", first.connect))
    await until(lambda: first.status() == "searching")
    await awaited("second", second.connect)
    await awaited("off", second.active, False)
    await task
    print("status=" + first.status())

run(main())
""",
        modem=Modem(),
    )
    check(said, {"first": 60_000})
    check_refused(said, "second", "off")
    assert said["status"] == "up"


# A5: a command waits for its turn, and looks at the line when it has it

POLLED = """
nic = aio.PPP("internet", multiplex=False)
ended = []

async def poll():
    while True:
        start = time.ticks_ms()
        try:
            await {call}
            said = "ok"
        except ppp_sim800.SIM800Error as error:
            said = type(error).__name__
        took = time.ticks_diff(time.ticks_ms(), start)
        ended.append((said, took))
        await asyncio.sleep_ms(10)
"""


@pytest.mark.parametrize(
    "call",
    ["nic.modem.radio.signal()", "nic.modem.info()", "nic.modem.at('AT+CSQ')", "nic.event(20)"],
)
def test_commands_beside_a_dial_in_turns(own, call):
    said = own(
        POLLED.format(call=call)
        + """
async def main():
    await nic.active(True)
    await nic.modem.sim.ready()
    task = asyncio.create_task(poll())
    for _ in range(3):
        await asyncio.sleep(1)
        await awaited("connect", nic.connect)
        print("took=" + str(max(took for _, took in ended)))
        await awaited("disconnect", nic.disconnect)
    print("ended=" + " ".join(sorted(set(said for said, _ in ended))))

run(main())
""",
        speed=5,
    )
    check(said, {"connect": 6000, "disconnect": 6000})
    assert set(said["ended"].split()) <= {"ok", "ConfigError"}
    assert "ok" in said["ended"]


def test_commands_beside_command_mode_in_turns(own):
    said = own(
        POLLED.format(call="nic.modem.radio.signal()")
        + """
async def main():
    await nic.connect()
    task = asyncio.create_task(poll())
    for _ in range(4):
        await asyncio.sleep(1)
        async with nic.command_mode() as modem:
            for _ in range(5):
                await awaited("signal", modem.radio.signal)
    print("ended=" + " ".join(sorted(set(said for said, _ in ended))))
    print("status=" + nic.status())

run(main())
""",
        speed=5,
    )
    check(said, {"signal": 5000})
    assert set(said["ended"].split()) <= {"ok", "ConfigError"}
    assert said["status"] == "up"


def test_a_threads_commands_beside_a_dial_in_turns(own):
    said = own(
        """
nic = ppp_sim800.PPP("internet", multiplex=False)
nic.active(True)
nic.modem.sim.ready()
ended = set()
going = True

def poll():
    while going:
        try:
            nic.modem.radio.signal()
            ended.add("ok")
        except ppp_sim800.SIM800Error as error:
            ended.add(type(error).__name__)
        time.sleep_ms(10)
    ended.add("over")

_thread.start_new_thread(poll, ())
for _ in range(3):
    time.sleep(1)
    timed("connect", nic.connect)
    timed("disconnect", nic.disconnect)
going = False
while "over" not in ended:
    time.sleep_ms(10)
print("ended=" + " ".join(sorted(ended)))
""",
        speed=5,
    )
    check(said, {"connect": 6000, "disconnect": 6000})
    assert set(said["ended"].split()) <= {"ok", "ConfigError", "over"}


# A6: the holder is a task, not a flag

OTHERS = ["modem.reset()", "modem.off()", "modem.on()", "disconnect()", "active(False)"]


@multiplexed
@pytest.mark.parametrize("other", OTHERS)
def test_another_task_while_command_mode_is_held(own, other, multiplex):
    said = own(
        f"""
nic = aio.PPP("internet", multiplex={multiplex})

async def other():
    await asyncio.sleep_ms(3500)
    await awaited("other", lambda: nic.{other})
    print("order=other")

async def main():
    await nic.connect()
    task = asyncio.create_task(other())
    async with nic.command_mode() as modem:
        for _ in range(12):
            await awaited("signal", modem.radio.signal)
            await asyncio.sleep_ms(500)
    print("order=left")
    await task
    await awaited("connect", nic.connect)
    print("status=" + nic.status())

run(main())
"""
    )
    lines = said["played"].lines
    signals = [line for line in lines if line.startswith("signal=")]
    assert signals == ["signal=ok"] * 12
    ended = said["other"]
    assert ended == "ok" or (ended.startswith("LinkBusy: ") and said["other_ms"] < AT_ONCE_MS)
    if ended == "ok":
        assert lines.index("order=left") < lines.index("order=other")
    check(said, {"connect": 90_000})
    assert said["status"] == "up"


@pytest.mark.parametrize("other", OTHERS)
def test_another_thread_while_command_mode_is_held(own, other):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet")
over = []

def other():
    timed("other", lambda: nic.{other})
    over.append(1)

nic.connect()
with nic.command_mode() as modem:
    _thread.start_new_thread(other, ())
    for _ in range(12):
        timed("signal", modem.radio.signal)
        time.sleep_ms(300)
while not over:
    time.sleep_ms(20)
timed("connect", nic.connect)
"""
    )
    signals = [line for line in said["played"].lines if line.startswith("signal=")]
    assert signals == ["signal=ok"] * 12
    assert said["other"] == "ok" or said["other"].startswith("LinkBusy: ")
    check(said, {"connect": 90_000})


# A7, A13: states say what is

OFF = {
    "asyncio": {
        "modem.off()": "await nic.modem.off()",
        "active(False)": "await nic.active(False)",
    },
    "blocking": {"modem.off()": "nic.modem.off()", "active(False)": "nic.active(False)"},
}


@pytest.mark.parametrize("before", ["connect()", "active(True)"])
@pytest.mark.parametrize("off", OFF["blocking"])
def test_switched_off(own, off, before):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet")
nic.{before}
nic.{off}
print("active=%s" % nic.active())
print("status=" + nic.status())
print("reason=%s" % nic.status("reason"))
timed("info", nic.modem.info)
timed("on", nic.active, True)
print("then=%s %s" % (nic.active(), nic.status()))
timed("info_then", nic.modem.info)
timed("connect", nic.connect)
"""
    )
    assert said["active"] == "False"
    assert said["status"] == "off"
    assert "network" not in said["reason"]
    check_refused(said, "info", error="ModemSilent")
    assert said["then"] == "True on"
    check(said, {"on": 40_000, "info_then": 5000, "connect": 60_000})


@pytest.mark.parametrize("off", OFF["asyncio"])
def test_switched_off_in_asyncio(own, off):
    said = own(
        f"""
nic = aio.PPP("internet")

async def main():
    await nic.connect()
    {OFF["asyncio"][off]}
    print("active=%s" % await nic.active())
    print("status=" + nic.status())
    await awaited("info", nic.modem.info)
    await awaited("on", nic.active, True)
    print("then=%s %s" % (await nic.active(), nic.status()))

run(main())
"""
    )
    assert said["active"] == "False"
    assert said["status"] == "off"
    check_refused(said, "info", error="ModemSilent")
    assert said["then"] == "True on"


@pytest.mark.parametrize("call", ["on", "reset"])
@pytest.mark.parametrize("before", ["", "nic.active(True)", "nic.connect()"])
def test_switched_on_by_the_modem_role(own, call, before):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet")
{before}
nic.modem.{call}()
print("active=%s" % nic.active())
print("status=" + nic.status())
timed("info", nic.modem.info)
timed("connect", nic.connect)
""",
        modem=Modem(),
    )
    assert said["active"] == "True"
    # With the link taken down for it, that is lost.
    assert said["status"] in (("lost", "on", "up") if "connect" in before else ("on",))
    check(said, {"info": 5000, "connect": 60_000})


ROLES = (
    "radio.signal()",
    "radio.signal_percent()",
    "radio.registration()",
    "radio.register()",
    "radio.operator()",
    "radio.scan()",
    "radio.choose('26201')",
    "radio.cell()",
    "radio.attach()",
    "radio.detach()",
    "radio.on()",
    "radio.off()",
    "sim.state()",
    "sim.ready()",
    "sim.tries()",
    "sim.imsi()",
    "sim.iccid()",
    "sim.number()",
    "clock.now()",
    "clock.set((2026, 6, 15, 12, 0, 0))",
    "sms.send('+491701111111', 'x')",
    "sms.list()",
    "sms.read(1)",
    "sms.delete(1)",
    "sms.delete_all()",
    "sms.room()",
    "sms.service_center()",
    "calls.dial('+491701111111')",
    "calls.answer()",
    "calls.hang_up()",
    "calls.state()",
    "calls.hear_keys()",
    "ussd('*100#')",
    "location()",
    "http.request('GET', 'http://example.org/')",
    "bearer.address()",
    "bearer.open()",
    "info()",
    "model()",
    "firmware()",
    "revision()",
    "imei()",
    "battery()",
    "at('AT')",
    "sleep()",
    "wake()",
)


@faces
@pytest.mark.parametrize("off", OFF["blocking"])
def test_roles_of_a_modem_that_is_off(own, off, face):
    if face == "blocking":
        script = f"""
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.{off}
for n, role in enumerate({ROLES!r}):
    timed("role%d" % n, lambda: eval("nic.modem." + role))
"""
    else:
        script = f"""
nic = aio.PPP("internet")

async def main():
    await nic.active(True)
    await nic.{off}
    for n, role in enumerate({ROLES!r}):
        await awaited("role%d" % n, lambda: eval("nic.modem." + role))

run(main())
"""
    said = own(script, speed=40, timeout=120)
    wrong = {
        role: (said[f"role{n}"], said[f"role{n}_ms"])
        for n, role in enumerate(ROLES)
        if not said[f"role{n}"].startswith("ModemSilent: ")
        or not re.search(NOT_ON, said[f"role{n}"])
        or said[f"role{n}_ms"] >= AT_ONCE_MS * 2
    }
    assert not wrong, "\n".join(f"{role}: {ended}" for role, ended in wrong.items())


def test_switched_off_by_its_supply(own):
    """It says so and goes: whoever asks next is told at once, and status() says what is."""
    said = own(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.modem.sim.ready()
do("undervoltage_off")
time.sleep(4)
while event := nic.event():
    print("event=" + event.name)
print("status=" + nic.status())
print("active=%s" % nic.active())
timed("connect", nic.connect)
"""
    )
    assert said["event"] == "switched off"
    assert said["status"] in ("off", "failed")
    check(said, {"connect": 60_000})


# A8: what the script did is not blamed on the network


@multiplexed
@pytest.mark.parametrize("call", ["off", "reset"])
def test_switched_inside_of_command_mode(own, call, multiplex):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet", multiplex={multiplex})
nic.connect()
before = nic.stats().reasons
with nic.command_mode() as modem:
    timed("call", modem.{call})
print("status=" + nic.status())
print("reason=%s" % nic.status("reason"))
print("active=%s" % nic.active())
print("blamed=%s" % sorted(set(nic.stats().reasons) - set(before)))
timed("connect", nic.connect)
print("then=" + nic.status())
"""
    )
    if said["call"] == "ok":
        assert said["status"] in (("off",) if call == "off" else ("on", "lost"))
        assert said["active"] == str(call != "off")
        assert not re.search("network|call ended|in command mode|echo|PPP", said["reason"])
        assert said["blamed"] in ("[]", "['modem switched']")
    else:
        check_refused(said, "call", error=said["call"].split(":")[0])
        assert said["status"] == "up"
    check(said, {"connect": 60_000})
    assert said["then"] == "up"


# A9: a cancelled procedure leaves a modem that the next call finds

CANCELLED = ["modem.reset()", "modem.off()", "modem.on()", "active(True)", "active(False)"]


@pytest.mark.parametrize("after", [50, 700, 2000, 5000])
@pytest.mark.parametrize("call", CANCELLED)
def test_cancelled(own, call, after):
    said = own(
        f"""
nic = aio.PPP("internet")

async def main():
    await nic.connect()
    await nic.disconnect()
    if {call!r} in ("modem.on()", "active(True)"):
        await nic.active(False)
    task = asyncio.create_task(nic.{call})
    await asyncio.sleep_ms({after})
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    print("cancelled=" + nic.status())
    await awaited("disconnect", nic.disconnect)
    print("status=" + nic.status())
    await awaited("info", nic.modem.info)
    await awaited("on", nic.active, True)
    await awaited("info_then", nic.modem.info)
    await awaited("connect", nic.connect)
    print("then=" + nic.status())

run(main())
"""
    )
    if said["status"] == "on":  # then it is
        check(said, {"info": 15_000})
    check(said, {"disconnect": DISCONNECT_MS, "on": 60_000, "info_then": 5000, "connect": 60_000})
    assert said["then"] == "up"


# A10: a cancel arrives


@pytest.mark.parametrize("state", ["dialling", "negotiating", "recovering", "booting"])
def test_cancelled_while_kept_up_is_left(own, state):
    said = own(
        f"""
nic = aio.PPP("internet", trace=trace)
leaving = []

async def job():
    async with nic.kept_up():
        states.clear()
        do({"brown_out" if state == "booting" else "no_carrier"!r})
        await until(lambda: {state!r} in states)
        leaving.append(1)
    print("block=left")
    await asyncio.sleep(1)
    print("job=ran on")

async def main():
    task = asyncio.create_task(job())
    await until(lambda: leaving)
    await asyncio.sleep_ms(0)
    await asyncio.sleep_ms(0)
    if not task.done():
        task.cancel()
    try:
        await task
        print("ended=returned")
    except asyncio.CancelledError:
        print("ended=CancelledError")
    await awaited("connect", nic.connect)
    print("status=" + nic.status())

run(main())
"""
    )
    assert said["ended"] == "CancelledError"
    assert "job" not in said
    check(said, {"connect": 90_000})
    assert said["status"] == "up"


def test_a_cancel_within_kept_up_arrives(own):
    said = own(
        """
nic = aio.PPP("internet")

async def job():
    async with nic.kept_up():
        await asyncio.sleep(100)
    print("job=ran on")

async def main():
    task = asyncio.create_task(job())
    await until(nic.isconnected)
    await asyncio.sleep_ms(100)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("ended=CancelledError")

run(main())
"""
    )
    assert said["ended"] == "CancelledError"
    assert "job" not in said


# A11: disconnect() and active(False) interrupt a connect()

STATES = ["booting", "waiting for SIM", "searching", "dialling", "negotiating"]


def check_down(said, state, down):
    if down == "active(False)":
        assert said["status"] == "off"
    else:  # a modem that has not been found yet is not on
        assert said["status"] in (("on", "failed") if state == "booting" else ("on",))


def never_found(state):
    return Radio(registration=((0.3, 2), (200, 1)) if state == "searching" else ((0.3, 1),))


@pytest.mark.parametrize("down", ["disconnect()", "active(False)"])
@pytest.mark.parametrize("state", STATES)
def test_down_while_another_task_connects(own, state, down):
    said = own(
        f"""
nic = aio.PPP("internet", trace=trace)

async def main():
    task = asyncio.create_task(awaited("up", nic.connect))
    await until(lambda: {state!r} in states)
    await awaited("down", lambda: nic.{down})
    print("status=" + nic.status())
    await task
    print("later=" + nic.status())

run(main())
""",
        modem=Modem(),
        radio=never_found(state),
        speed=20,
    )
    check(said, {"down": DISCONNECT_MS if down == "disconnect()" else OFF_MS})
    assert said["up"] != "ok"
    assert said["status"] == said["later"]
    check_down(said, state, down)


@pytest.mark.parametrize("down", ["disconnect()", "active(False)"])
@pytest.mark.parametrize("call", ["ensure()", "keep_up()"])
@pytest.mark.parametrize("state", STATES)
def test_down_while_another_task_ensures(own, state, call, down):
    """ensure() then begins again, keep_up() does not."""
    said = own(
        f"""
nic = aio.PPP("internet", trace=trace)

async def main():
    task = asyncio.create_task(nic.{call})
    await until(lambda: {state!r} in states)
    await awaited("down", lambda: nic.{down})
    print("status=" + nic.status())
    await asyncio.sleep(3)
    print("later=" + nic.status())
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    await awaited("last", nic.disconnect)

run(main())
""",
        modem=Modem(),
        radio=never_found(state),
        speed=20,
    )
    check(
        said,
        {
            "down": DISCONNECT_MS if down == "disconnect()" else OFF_MS,
            "last": DISCONNECT_MS,
        },
    )
    if call == "keep_up()":
        assert said["status"] == said["later"]
        check_down(said, state, down)
    else:
        assert said["later"] not in ("on", "off")


@pytest.mark.parametrize("state", ["booting", "searching", "negotiating"])
def test_the_modem_is_switched_off_while_another_task_connects(own, state):
    said = own(
        f"""
nic = aio.PPP("internet", trace=trace)

async def main():
    task = asyncio.create_task(awaited("up", nic.connect))
    await until(lambda: {state!r} in states)
    await awaited("off", nic.modem.off)
    print("status=" + nic.status())
    await nic.disconnect()
    await task

run(main())
""",
        modem=Modem(),
        radio=never_found(state),
        speed=20,
    )
    if said["off"] == "ok":
        assert said["off_ms"] <= OFF_MS
        assert said["status"] == "off"
    else:
        check_refused(said, "off")
    assert said["up"] != "ok"


@pytest.mark.parametrize("down", ["disconnect()", "active(False)"])
@pytest.mark.parametrize("state", ["booting", "searching", "negotiating"])
def test_down_while_another_thread_comes_up(own, state, down):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet", trace=trace)
over = []

def up():
    timed("up", nic.connect)
    over.append(1)

_thread.start_new_thread(up, ())
while {state!r} not in states:
    time.sleep_ms(20)
timed("down", lambda: nic.{down})
print("status=" + nic.status())
while not over:
    time.sleep_ms(20)
""",
        modem=Modem(),
        radio=never_found(state),
        speed=20,
    )
    check(said, {"down": DISCONNECT_MS if down == "disconnect()" else OFF_MS})
    assert said["up"] != "ok"
    check_down(said, state, down)


# A12: within one's own command_mode()

WITHIN = ["connect()", "disconnect()", "ensure()", "active(False)"]


@multiplexed
@pytest.mark.parametrize("call", WITHIN)
@faces
def test_within_ones_own_command_mode(own, face, call, multiplex):
    if face == "asyncio":
        script = f"""
nic = aio.PPP("internet", multiplex={multiplex})

async def main():
    await nic.connect()
    async with nic.command_mode() as modem:
        await awaited("call", lambda: nic.{call})
        await awaited("signal", modem.radio.signal)
    print("status=" + nic.status())
    await awaited("disconnect", nic.disconnect)

run(main())
"""
    else:
        script = f"""
nic = ppp_sim800.PPP("internet", multiplex={multiplex})
nic.connect()
with nic.command_mode() as modem:
    timed("call", lambda: nic.{call})
    timed("signal", modem.radio.signal)
print("status=" + nic.status())
timed("disconnect", nic.disconnect)
"""
    said = own(script, speed=20)
    if call in ("connect()", "ensure()") and said["call"] == "ok":
        assert said["call_ms"] < AT_ONCE_MS  # it is up, if that is what was asked for
    else:
        check_refused(said, "call")
        assert "command_mode" in said["call"]
    assert said["status"] == "up"
    check(said, {"signal": 5000, "disconnect": DISCONNECT_MS})


@faces
def test_command_mode_within_ones_own(own, face):
    block = "async with" if face == "asyncio" else "with"
    said = own(
        f"""
nic = {"aio" if face == "asyncio" else "ppp_sim800"}.PPP("internet")

{"async " if face == "asyncio" else ""}def main():
    {"await " if face == "asyncio" else ""}nic.connect()
    {block} nic.command_mode():
        start = time.ticks_ms()
        try:
            {block} nic.command_mode() as modem:
                print("inner=ok")
        except ppp_sim800.SIM800Error as error:
            print("inner=" + type(error).__name__ + ": " + str(error))
        print("inner_ms=%d" % time.ticks_diff(time.ticks_ms(), start))
    print("status=" + nic.status())

{"run(main())" if face == "asyncio" else "main()"}
""",
        speed=20,
    )
    assert said["inner_ms"] < AT_ONCE_MS
    assert said["inner"] == "ok" or said["inner"].startswith("LinkBusy: ")
    assert said["status"] == "up"


# A14: no name of aio's holds the loop

UNAWAITED = [
    'status("rssi")',
    "status()",
    'status("reason")',
    "isconnected()",
    "stats()",
    "ifconfig()",
    'ipconfig("addr4")',
    'config("apn")',
]


@multiplexed
@pytest.mark.parametrize("call", UNAWAITED)
def test_nothing_in_aio_holds_the_loop(own, call, multiplex):
    said = own(
        f"""
nic = aio.PPP("internet", multiplex={multiplex})
longest = 0

async def tick():
    global longest
    last = time.ticks_ms()
    while True:
        await asyncio.sleep_ms(5)
        now = time.ticks_ms()
        longest = max(longest, time.ticks_diff(now, last))
        last = now

async def main():
    global longest
    await nic.connect()
    do("late_answers seconds=3")
    asyncio.create_task(tick())
    await asyncio.sleep_ms(100)
    longest = 0
    await awaited("call", lambda: nic.{call})
    await asyncio.sleep_ms(50)
    print("longest_ms=%d" % longest)

run(main())
""",
        speed=2,
    )
    assert said["longest_ms"] < 500, said
    if said["call"] != "ok":
        assert said["call"].startswith("ConfigError: ")
        if multiplex:
            assert "await nic.modem.radio.signal()" in said["call"]


# A15: AT's part of the line is looked after, too

PROMPTS = {
    "AT+CMGS=5": "",
    "AT+CMGW=5": "",
    'AT+CMGS="+491701111111"': "AT+CMGF=1",
}


@pytest.mark.parametrize("up", [True, False], ids=["up", "on"])
@pytest.mark.parametrize("command", PROMPTS)
def test_a_prompt_that_nobody_answers(own, command, up):
    said = own(
        f"""
nic = ppp_sim800.PPP("internet")
if {up}:
    nic.connect()
else:
    nic.active(True)
    nic.modem.sim.ready()
    time.sleep(3)
if {PROMPTS[command]!r}:
    nic.modem.at({PROMPTS[command]!r})
timed("at", nic.modem.at, {command!r}, 2000)
start = time.ticks_ms()
tries = 0
while time.ticks_diff(time.ticks_ms(), start) < 60000:
    tries += 1
    if {up}:
        nic.ensure()
    try:
        nic.modem.radio.signal()
        timed("signal", nic.modem.radio.signal)
        break
    except ppp_sim800.SIM800Error as error:
        print("early=" + repr(error))
print("healed_ms=%d" % time.ticks_diff(time.ticks_ms(), start))
timed("send", nic.modem.sms.send, "+491701111111", "x")
timed("info", nic.modem.info)
print("status=" + nic.status())
"""
    )
    check(said, {"signal": 2000, "send": 20_000, "info": 2000})
    assert said["healed_ms"] <= 30_000
    assert said["status"] == ("up" if up else "on")


def test_the_sim_is_asked_for_its_pin_once_after_a_cancel(own):
    """A cancelled connect() has entered it, perhaps: a wrong PIN is never sent twice."""
    said = own(
        """
nic = aio.PPP("internet", pin="0000", trace=trace)

async def main():
    for ms in (100, 300, 600, 1000, 2000):
        task = asyncio.create_task(nic.connect())
        await until(lambda: "waiting for SIM" in states)
        await asyncio.sleep_ms(ms)
        task.cancel()
        try:
            await task
        except (asyncio.CancelledError, ppp_sim800.SIM800Error):
            pass
        states.clear()
    await awaited("connect", nic.connect)

run(main())
""",
        sim=SIM(pin="1234"),
        modem=Modem(),
    )
    assert said["connect"].startswith(("PINWrong: ", "PINRequired: "))
    pins = [e for e in said["played"].journal.seen("at", "> AT") if "+CPIN=" in e.what]
    assert len(pins) <= 1
