"""A link that stays up: command mode while online, when it is distrusted, what recovering costs, what is counted."""

import pytest
from fault_table import table
from sim800.scenario import SIM, Modem, Radio
from world import ROOT

WARM = Modem(start="command")

UP = """
nic = ppp_sim800.PPP("internet")
nic.connect()
"""
# Where AT and PPP take turns on the line.
PLAIN = UP.replace(")", ", multiplex=False)", 1)

NOW = """
import socket
def since(start):
    return time.ticks_diff(time.ticks_ms(), start)

def through():
    s = socket.socket()
    try:
        s.settimeout(15)
        s.connect(("203.0.113.10", 443))
    finally:
        s.close()
"""

# What the package takes for the time goes on by days(count).
LATER = """
import sys

class Later:
    passed = 0

    def __getattr__(self, name):
        return getattr(time, name)

    def ticks_ms(self):
        return (time.ticks_ms() + self.passed) & 0x3FFFFFFF

    def time(self):
        return time.time() + self.passed // 1000

def days(count):
    later.passed += count * 86_400_000

later = Later()
import ppp_sim800.interface, ppp_sim800.supervisor  # these import all others
for name, module in sys.modules.items():
    if name.startswith("ppp_sim800.") and getattr(module, "time", None) is time:
        module.time = later
"""


# --- states -----------------------------------------------------------------------------------


def test_states_follow_the_table(play):
    played = play(
        """
import ppp_sim800.states
states = ppp_sim800.states
said = []
nic = ppp_sim800.PPP("internet", multiplex=False, trace=lambda way, line: said.append(line) if way == "=" else None)
print("start=" + nic.status())
nic.connect()
with nic.command_mode():
    pass
do("lcp_terminate")
time.sleep(3)
nic.ensure()
nic.disconnect()
nic.active(False)
print("said=" + ",".join(said))
ways = {row[0]: row[3] for row in states.STATES}
last = "off"
for name in said:
    if name not in states.ANYWHERE + ways[last]:
        print("wrong=%s,%s" % (last, name))
    last = name
print("states=%d" % all(name in ways for name in said))
"""
    )
    ways = "booting,waiting for SIM,searching,registered,dialling,negotiating,up"
    assert played.value("start") == "off"
    assert played.value("said").startswith(ways + ",suspended,up,")
    assert played.value("said").endswith(f"recovering,{ways},on,off")
    assert not [line for line in played.lines if line.startswith("wrong=")]
    assert played.value("states") == "1"


@pytest.mark.parametrize(
    ("owner", "step", "state", "limit"),
    [
        ("nic.modem.aio", "start", "booting", 90),
        ("nic.modem.sim.aio", "ready", "waiting for SIM", 60),
        ("nic.modem.clock.aio", "now", "registered", 15),
        ("nic.link.line", "start_call", "dialling", 90),
    ],
)
def test_a_step_that_does_not_end(play, owner, step, state, limit):
    played = play(
        f"""
nic = ppp_sim800.PPP("internet")
cleaned = []
def endless(*args):
    try:
        while True:
            yield 50
    finally:
        cleaned.append(nic.status())
{owner}.{step} = endless
timed("first", nic.connect)
print("status=%s cleaned=%s" % (nic.status(), cleaned))
print("reason=" + nic.status("reason"))
del {owner}.{step}
timed("again", nic.connect)
""",
        speed=20,
    )
    sentence = f"the modem did not finish {state} within {limit}.0 s: "
    assert played.value("first").startswith("ATTimeout: " + sentence)
    # From a modem that is off: it takes 10 s to boot, 5 s more to the network.
    assert limit * 1000 <= int(played.value("first_ms")) < limit * 1000 + 35_000
    ended = "off" if state == "booting" else "failed"
    assert played.value("status") == f"{ended} cleaned=['{state}']"
    assert played.value("reason").startswith(sentence)
    assert played.value("again") == "ok"


def test_events_of_the_link(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
def told():
    names = []
    while event := nic.event():
        if event.name == "link":
            names.append(event.detail)
    return ",".join(names)
nic.connect()
print("connect=" + told())
with nic.command_mode():
    pass
print("suspended=" + told())
do("lcp_terminate")
time.sleep(8)
nic.ensure()
print("lost=" + told())
do("lcp_terminate")
time.sleep(3)
do("no_network")
timed("failed", nic.ensure, timeout=5000)
print("gone=" + told())
""",
        modem=WARM,
    )
    assert played.value("connect") == "up"
    assert played.value("suspended") == ""
    assert played.value("lost") == "down,recovering,up"
    assert played.value("gone") == "down,recovering,failed"


def test_status_says_why(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
timed("first", nic.connect)
print("reason=" + nic.status("reason"))
nic.config(pin="4711")
nic.connect()
print("up=%s" % nic.status("reason"))
do("lcp_terminate")
time.sleep(3)
print("lost=%s: %s" % (nic.status(), nic.status("reason")))
timed("bad", nic.status, "why")
""",
        sim=SIM(pin="4711"),
    )
    assert played.value("reason").startswith("the SIM asks for its PIN")
    assert played.value("up") == "None"
    assert played.value("lost") == "lost: the modem ended PPP"
    assert played.value("bad").startswith("ConfigError: ")


@pytest.mark.parametrize("multiplex", [True, False])
def test_disconnect_is_no_loss(play, multiplex):
    """Whoever asks for state and events meanwhile."""
    played = play(
        f"""
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet", multiplex={multiplex})
    async def watch():
        while True:
            seen.add("%s: %s" % (nic.status(), nic.status("reason")))
            await nic.event()
            await asyncio.sleep_ms(20)
    for leave in (nic.disconnect, lambda: nic.active(False)):
        await nic.connect()
        await asyncio.sleep(20)
        seen = set()
        watcher = asyncio.create_task(watch())
        await leave()
        await asyncio.sleep_ms(50)
        watcher.cancel()
        print("seen=" + ",".join(sorted(seen)))
    print("stats=%d,%s" % (nic.stats().up, nic.stats().reasons))

asyncio.run(main())
""",
        modem=WARM,
    )
    assert [line for line in played.lines if line.startswith("seen=")] == [
        "seen=on: None",
        "seen=off: None,on: None",
    ]
    up, reasons = played.value("stats").split(",")
    assert 40 <= int(up) <= 44
    assert reasons == "{}"


def test_status_of_a_cancelled_attempt(play):
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    task = asyncio.create_task(nic.connect())
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    print("reason=" + nic.status("reason"))

asyncio.run(main())
print("@interrupt 1")
nic = ppp_sim800.PPP("internet")
try:
    nic.connect()
except KeyboardInterrupt:
    print("interrupted=" + nic.status("reason"))
""",
    )
    for what, name in (("reason", "CancelledError"), ("interrupted", "KeyboardInterrupt")):
        assert played.value(what) == f"the attempt was cut short ({name}): connect() again"


# --- commands while online --------------------------------------------------------------------

TRANSFER = """
s = socket.socket()
s.settimeout(20)
s.connect(("203.0.113.15", 9))
s.write(b"GET 30000\\n")
buffer = bytearray(1000)
came = s.readinto(buffer, 1000)
start = time.ticks_ms()
with nic.command_mode() as modem:
    print("suspended=" + nic.status())
    print("signal=%s" % modem.radio.signal())
    print("connected=%s" % nic.isconnected())
paused = since(start)
print("status=" + nic.status())
while came < 30000:
    got = s.readinto(buffer, min(1000, 30000 - came))
    if not got:
        break
    came += got
print("came=%d" % came)
print("paused=%d" % paused)
"""


def test_tcp_survives_command_mode(play):
    played = play(PLAIN + NOW + TRANSFER, modem=WARM, speed=3)
    assert played.value("suspended") == "suspended"
    assert played.value("signal") == "-78"
    assert played.value("connected") == "True"
    assert played.value("status") == "up"
    assert played.value("came") == "30000"
    assert int(played.value("paused")) <= 3000
    assert len(played.journal.seen("modem", "connect")) == 1


def test_long_command_mode_is_not_taken_for_death(play):
    """LCP echo gives up after 20 s without an answer; while suspended there can be none."""
    played = play(
        PLAIN
        + NOW
        + """
with nic.command_mode() as modem:
    print("operators=%d" % len(modem.radio.scan()))
    time.sleep(40)
    print("address=" + nic.ipconfig("addr4")[0])
through()
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("operators") == "3"
    assert played.value("address") == "10.64.64.64"
    assert played.value("status") == "up"
    assert len(played.journal.seen("modem", "connect")) == 1


def test_what_the_modem_kept_comes_as_events(play):
    played = play(
        PLAIN
        + """
do("sms_received")
def told():
    while event := nic.event():
        if event.name == "sms":
            return event.detail
time.sleep(1)
print("before=%s" % told())
with nic.command_mode():
    pass
print("after=%s" % told())
""",
        modem=WARM,
    )
    assert played.value("before") == "None"
    assert played.value("after") == "1"


def test_command_mode_after_the_call_has_ended(play):
    played = play(
        PLAIN
        + NOW
        + """
do("no_carrier")
with nic.command_mode() as modem:
    print("signal=%s" % modem.radio.signal())
print("status=" + nic.status())
print("reason=" + nic.status("reason"))
nic.ensure()
through()
print("again=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("signal") == "-78"
    assert played.value("status") == "lost"
    assert "in command mode" in played.value("reason")
    assert played.value("again") == "up"


@pytest.mark.parametrize("multiplex", [True, False])
def test_command_mode_of_a_lost_link(play, multiplex):
    """It stays lost, whoever has noticed that first."""
    played = play(
        f"""
nic = ppp_sim800.PPP("internet", multiplex={multiplex})
for _ in range(2):
    nic.connect()
    do("lcp_terminate")
    time.sleep(4)
    if _:
        print("noticed=" + nic.status())
    with nic.command_mode() as modem:
        print("signal=%s" % modem.radio.signal())
        print("inside=%s: %s" % (nic.status(), nic.status("reason")))
    print("after=%s: %s" % (nic.status(), nic.status("reason")))
print("reasons=%s" % nic.stats().reasons)
""",
        modem=WARM,
    )
    lost = "lost: the modem ended PPP"
    assert played.value("noticed") == "lost"
    for what in ("signal=-78", f"inside={lost}", f"after={lost}"):
        assert played.lines.count(what) == 2
    assert played.value("reasons") == "{'terminated': 2}"


def test_command_mode_of_a_deaf_modem_leaves_the_link_alone(play):
    played = play(
        PLAIN
        + """
do("silent")
def command():
    with nic.command_mode():
        print("never=1")
timed("command", command)
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("command").startswith("ModemSilent: the modem does not leave data mode")
    assert played.value("status") == "up"
    assert "never=1" not in played.lines


def test_command_mode_without_a_link(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
def command():
    with nic.command_mode() as modem:
        modem.radio.signal()
timed("off", command)
nic.active(True)
timed("on", command)
""",
        modem=WARM,
    )
    assert played.value("off").startswith("ModemSilent: ")
    assert played.value("on") == "ok"


def test_connect_inside_command_mode_is_refused_in_words(play):
    played = play(
        UP
        + """
with nic.command_mode():
    timed("nested", nic.disconnect)
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("nested").startswith("LinkBusy: ")
    assert played.value("status") == "up"


# --- distrust ---------------------------------------------------------------------------------


def test_ensure_costs_nothing_on_a_link_in_use(play):
    played = play(
        UP
        + NOW
        + """
through()
time.sleep(2)
before = nic.stats()
start = time.ticks_ms()
for _ in range(10):
    nic.ensure()
print("took=%d" % since(start))
print("probes=%d" % (nic.stats().probes - before.probes))
time.sleep(70)
nic.ensure()
nic.ensure()
after = nic.stats()
print("idle=%d,%d" % (after.probes, after.probe_bytes))
""",
        modem=WARM,
    )
    assert int(played.value("took")) < 500
    assert played.value("probes") == "0"
    probes, used = played.value("idle").split(",")
    assert probes == "1"
    assert 50 < int(used) < 200


WATCH = """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    await nic.connect()
    async def send():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while True:
            try:
                s.sendto(b"reading", ("203.0.113.10", 9999))
            except OSError:
                pass
            await asyncio.sleep(2)
    through()
    keeper = asyncio.create_task(nic.keep_up())
    sender = asyncio.create_task(send())
    await asyncio.sleep(3)
    {fault}
    start = time.ticks_ms()
    while nic.status() in ("up", "suspended") and since(start) < 60000:
        await asyncio.sleep_ms(200)
    print("noticed=%d" % since(start))
    print("reason=%s" % nic.status("reason"))
    while nic.status() != "up" and since(start) < 120000:
        await asyncio.sleep_ms(200)
    print("back=%d" % since(start))
    keeper.cancel()
    sender.cancel()
    try:
        await keeper
    except asyncio.CancelledError:
        pass
    await nic.disconnect()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("fault", "within"),
    [
        ("carrier_lost", 30),  # the modem's PPP is dead: LCP echo
        ("bearer_silent", 30),  # it lives, nothing comes
        ("no_carrier", 15),  # in command mode
        ("modem_reset", 15),
        ("lcp_terminate", 10),
    ],
)
def test_loss_is_noticed_and_mended(play, fault, within):
    played = play(NOW + WATCH.replace("{fault}", f'do("{fault}")'), modem=WARM, speed=5)
    assert int(played.value("noticed")) <= within * 1000
    assert int(played.value("back")) <= 60_000


def test_link_is_back_soon_after_the_network_is(play):
    played = play(
        NOW
        + """
nic = ppp_sim800.PPP("internet")
nic.connect()
do("lcp_terminate")
time.sleep(3)
do("no_network")
do("later 200 no_network on=0")
start = time.ticks_ms()
while True:
    try:
        nic.ensure(timeout=30000)
        through()
        break
    except OSError:
        pass
print("after=%d" % (since(start) - 200000))
""",
        modem=WARM,
    )
    assert int(played.value("after")) <= 60_000


def test_the_second_name_server_answers_for_the_first(play):
    played = play(
        NOW
        + """
nic = ppp_sim800.PPP("internet")
nic.connect()
print("servers=" + " ".join(nic.link.ppp.config("dns")))
nic.config(fresh=1000)
time.sleep(2)
nic.ensure()
do("dns dead=1")
for _ in range(3):
    time.sleep(2)
    nic.ensure()
print("stats=%d,%d" % (nic.stats().connects, nic.stats().probes))
""",
        modem=WARM,
    )
    assert played.value("servers") == "10.64.0.1 10.64.0.2"
    assert played.value("stats") == "1,4"


def test_probe_of_a_network_without_name_servers(play):
    """Where the question has never been answered, silence says nothing."""
    played = play(
        NOW
        + """
do("dns dead=4")
nic = ppp_sim800.PPP("internet")
nic.connect()
through()
for _ in range(3):
    time.sleep(70)
    nic.ensure()
print("connects=%d" % nic.stats().connects)
nic.config(probe=("203.0.113.10", 443))
nic.config(fresh=1000)
time.sleep(2)
nic.ensure()
print("connects=%d,%s" % (nic.stats().connects, nic.config("probe")))
do("bearer_silent")
time.sleep(2)
nic.ensure()
print("connects=%d" % nic.stats().connects)
""",
        modem=WARM,
        timeout=150,
    )
    assert [line for line in played.lines if line.startswith("connects=")] == [
        "connects=1",
        "connects=1,('203.0.113.10', 443)",
        "connects=2",
    ]


@pytest.mark.parametrize(
    "setting",
    [
        "probe='ntp'",
        "probe=('host.example', 443)",
        "probe=('mqtt.eu.example.com', 8883)",
        "probe=('1.2.3.4', 99999)",
        "probe=('1.2.3.4',)",
        "silence=0",
        "silence='10 s'",
        "fresh=None",
        "hour_budget=0",
        "reset_board=1",
        "ladder=3",
    ],
)
def test_bad_setting(play, setting):
    played = play(
        f"""
nic = ppp_sim800.PPP("internet")
timed("set", lambda: nic.config({setting}))
timed("timeout", nic.ensure, -1)
"""
    )
    assert played.value("set").startswith("ConfigError: ")
    assert played.value("timeout").startswith("ConfigError: ")


# --- recovering -------------------------------------------------------------------------------


def test_ladder_goes_up(play):
    """What each rung does is seen by the modem."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
do("apn_refused")
do("lcp_terminate")
time.sleep(3)
timed("ensure", nic.ensure, timeout=200000)
""",
        modem=WARM,
        timeout=120,
    )
    assert played.value("ensure").startswith("APNRefused: ")
    at = played.journal.seen("at")
    order = [
        next((i for i, entry in enumerate(at) if word in str(entry)), -1)
        for word in ("> AT+CIPSHUT", "> AT+CGATT=0", "> AT+CFUN=4", "> AT+CFUN=1,1")
    ]
    assert -1 not in order
    assert order == sorted(order)
    assert [e for e in played.journal.seen("pin", "RESET high") if e.fields["effect"] == "reset"]
    assert played.journal.seen("pin", "supply off")


def test_board_is_reset_only_if_allowed(play):
    played = play(
        """
import machine
nic = ppp_sim800.PPP("internet")
if machine.reset_cause() == machine.HARD_RESET:
    print("reset=1")
else:
    nic.connect()
    nic.config(reset_board=True)
    nic.supervisor._failures = 8
    do("apn_refused")
    do("lcp_terminate")
    time.sleep(3)
    timed("ensure", nic.ensure, timeout=200000)
""",
        modem=WARM,
    )
    assert played.value("reset") == "1"


def test_budget_ends_recovering_in_words(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
nic.config(hour_budget=3000)
do("apn_refused")
do("lcp_terminate")
time.sleep(3)
timed("ensure", nic.ensure, timeout=300000)
""",
        modem=WARM,
    )
    assert played.value("ensure").startswith("BudgetSpent: ")
    assert "3000 bytes an hour" in played.value("ensure")
    assert len(played.journal.seen("modem", "dial")) <= 5  # the first is connect()'s


def test_budget_used_up_by_links_that_came_up(play):
    """No attempt has failed, and yet there is nothing left for one."""
    played = play(
        UP
        + """
nic.config(hour_budget=2000)
for again in range(3):
    do("lcp_terminate")
    time.sleep(3)
    nic.supervisor._failures = 0  # as after a minute that proved the link
    timed("ensure%d" % again, nic.ensure, timeout=20000)
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("ensure0") == played.value("ensure1") == "ok"
    assert played.value("ensure2").startswith("BudgetSpent: ")
    assert played.value("ensure2").endswith("last: the modem ended PPP")
    assert int(played.value("ensure2_ms")) < 20_000
    assert played.value("status") == "lost"


def test_distrust_is_remembered(play):
    """A SIM without data: PPP comes up each time, and carries nothing. That is no success."""
    played = play(
        UP
        + """
nic.config(day_budget=100000)
do("no_data")
time.sleep(2)
for again in range(4):
    nic.config(fresh=1000)
    timed("ensure", nic.ensure, timeout=40000)
    time.sleep(61)
do("no_data on=0")
timed("good", nic.ensure)
timed("again", nic.ensure)
print("status=" + nic.status())
""",
        modem=WARM,
        timeout=240,
    )
    told = [line for line in played.lines if line.startswith("ensure=")]
    assert len(told) == 4
    assert all(line.startswith("ensure=NoAnswer: ") for line in told), told
    assert played.value("good") == played.value("again") == "ok"
    assert played.value("status") == "up"


def test_an_attempt_that_is_cut_short_is_paid_and_counted(play):
    """As one that fails: eight of them are no way around the budget, nor back to the first rung."""
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    await nic.connect()
    do("bearer_silent")
    do("lcp_terminate")
    await asyncio.sleep(3)
    for _ in range(8):
        task = asyncio.create_task(nic.ensure())
        while nic.status() != "negotiating":
            await asyncio.sleep_ms(20)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled=1")
    await nic.disconnect()
    nic.config(hour_budget=3000)
    nic.link.wanted = True
    try:
        await nic.ensure(timeout=10000)
    except ppp_sim800.BudgetSpent as error:
        print("spent=1")
asyncio.run(main())
""",
        modem=WARM,
        timeout=240,
    )
    assert len([line for line in played.lines if line == "cancelled=1"]) == 8
    assert played.value("spent") == "1"
    # The ladder was climbed: the context, the attachment, the radio.
    at = "\n".join(str(entry) for entry in played.journal.seen("at"))
    for word in ("> AT+CIPSHUT", "> AT+CGATT=0", "> AT+CFUN=4", "> AT+CFUN=1,1"):
        assert word in at


def test_an_error_is_not_told_again_after_success(play):
    played = play(
        UP
        + """
do("apn_refused")
do("later 15 apn_refused on=0")
do("no_carrier")
time.sleep(1)
timed("first", nic.ensure)
do("lcp_terminate")
time.sleep(4)
timed("second", nic.ensure, timeout=500)
""",
        modem=WARM,
    )
    assert played.value("first") == "ok"
    assert played.value("second").startswith(
        "NoCarrier: the link was lost (the modem ended PPP), "
    )


def test_budget_survives_a_reset(play):
    """Else whatever resets the board, the ladder's last rung or a watchdog, has all of it again."""
    played = play(
        """
import machine
nic = ppp_sim800.PPP("internet")
nic.config(hour_budget=3000)
if machine.reset_cause() != machine.HARD_RESET:
    nic.connect()
    do("apn_refused")
    do("lcp_terminate")
    time.sleep(3)
    timed("first", nic.ensure)
    machine.reset()
timed("again", nic.ensure, timeout=20000)
rtc = machine.RTC()
now = rtc.datetime()
rtc.datetime((now[0] + 1,) + now[1:])
do("apn_refused on=0")
nic = ppp_sim800.PPP("internet")
nic.config(hour_budget=3000)
timed("later", nic.ensure, timeout=20000)
print("connects=%d" % nic.stats().connects)
""",
        modem=WARM,
    )
    assert played.value("first").startswith("BudgetSpent: ")
    assert played.value("again").startswith("BudgetSpent: ")
    assert played.value("later") == "ok"
    assert played.value("connects") == "2"


def test_wrong_pin_ends_recovering_at_once(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet", pin="9999")
timed("ensure", nic.ensure)
timed("again", nic.ensure)
""",
        sim=SIM(pin="1111"),
    )
    assert played.value("ensure").startswith("PINWrong: ")
    assert played.value("again").startswith("PINWrong: ")
    assert len(played.journal.seen("at", "> AT+CPIN=")) == 1


def test_watchdog_is_fed(play):
    played = play(
        """
import machine
nic = ppp_sim800.PPP("internet")
wdt = machine.WDT(timeout=5000)
nic.ensure(wdt=wdt)
do("silent")
nic.ensure(wdt=wdt)
print("status=" + nic.status())
"""
    )
    assert played.value("status") == "up"


def test_plain_script_interrupted_while_recovering(play):
    played = play(
        UP
        + NOW
        + """
do("lcp_terminate")
time.sleep(3)
do("no_network")
print("@interrupt 20")
try:
    nic.ensure()
    print("ended=up")
except KeyboardInterrupt:
    print("ended=interrupted")
do("no_network on=0")
nic.ensure()
through()
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("ended") == "interrupted"
    assert played.value("status") == "up"


def test_kept_up_in_asyncio(play):
    played = play(
        NOW
        + """
import asyncio
from ppp_sim800 import aio
async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        print("inside=" + nic.status())
        async with nic.command_mode() as modem:
            print("signal=%s" % await modem.radio.signal())
        do("lcp_terminate")
        await asyncio.sleep(30)
        print("mended=%s,%d" % (nic.status(), nic.stats().connects))
    await nic.disconnect()
    print("after=" + nic.status())
asyncio.run(main())
""",
        modem=WARM,
    )
    assert played.value("inside") == "up"
    assert played.value("signal") == "-78"
    assert played.value("mended") == "up,2"
    assert played.value("after") == "on"


# --- days -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [7, 13])
def test_connect_after_days(play, count):
    """More than half the period of ticks_ms(), and more than one: nothing waits for what has passed long ago."""
    played = play(
        LATER
        + f"""
nic = ppp_sim800.PPP("internet")
nic.connect()
nic.disconnect()
days({count})
timed("connect", nic.connect)
nic.active(False)
days({count})
timed("again", nic.connect)
""",
        modem=WARM,
    )
    for what in ("connect", "again"):
        assert played.value(what) == "ok"
        assert int(played.value(what + "_ms")) < 30_000


@pytest.mark.parametrize("count", [7, 13])
def test_ensure_after_days_up(play, count):
    """Days up are counted as such, and recovering has all of its budget."""
    played = play(
        LATER
        + f"""
nic = ppp_sim800.PPP("internet")
nic.connect()
nic.supervisor._spend(90_000)
for _ in range({count} // 6):
    days(6)
    nic.ensure()
days({count} % 6)
nic.ensure()
print("up=%d" % (nic.stats().up // 86_400))
print("probes=%d" % nic.stats().probes)
nic.supervisor._failures = 3
nic.ensure()
print("failures=%d" % nic.supervisor._failures)
do("lcp_terminate")
time.sleep(3)
timed("ensure", nic.ensure, timeout=60000)
print("then=%d,%d" % (nic.stats().up // 86_400, nic.stats().connects))
print("unpaid=%d" % nic.supervisor._hour.wait_ms(90_000))
""",
        modem=WARM,
    )
    assert played.value("up") == str(count)
    assert played.value("failures") == "0"
    assert played.value("ensure") == "ok"
    assert int(played.value("ensure_ms")) < 30_000
    assert played.value("then") == f"{count},2"
    assert played.value("unpaid") == "0"


@pytest.mark.parametrize("count", [7, 13])
def test_ensure_after_days_without_a_look(play, count):
    """What nobody looked at is not counted right, but nothing waits for it."""
    played = play(
        LATER
        + f"""
nic = ppp_sim800.PPP("internet")
nic.ensure()
nic.supervisor._probed = time.ticks_ms()
days({count})
print("age=%d" % (nic.link.age() >= 0))
print("up=%d" % (nic.stats().up >= 0))
do("lcp_terminate")
time.sleep(3)
timed("ensure", nic.ensure, timeout=60000)
""",
        modem=WARM,
    )
    assert played.value("age") == played.value("up") == "1"
    assert played.value("ensure") == "ok"
    assert int(played.value("ensure_ms")) < 30_000


NO_SOCKET = """
import socket

class Full:
    # As where the script has used up lwIP's sockets; its own go on.
    def __getattr__(self, name):
        return getattr(socket, name)

    def socket(self, *_):
        raise OSError(23)

import ppp_sim800.dns

def no_socket(is_so):
    ppp_sim800.dns.socket = Full() if is_so else socket
"""


def test_no_socket_to_ask_by(play):
    """Nobody is asked, then; whatever else it may be, a plain OSError does not end keep_up()."""
    played = play(
        NO_SOCKET
        + """
import asyncio, sys
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        nic.config(idle_probe=3000)
        no_socket(True)
        await asyncio.sleep(10)
        print("kept=%s,%d" % (nic.status(), nic.stats().connects))
        nic.config(probe=("203.0.113.10", 443))
        await asyncio.sleep(10)
        print("kept=%s,%d" % (nic.status(), nic.stats().connects))
        no_socket(False)
        do("lcp_terminate")
        await asyncio.sleep(30)
        print("mended=%s,%d" % (nic.status(), nic.stats().connects))

asyncio.run(main())
""",
        modem=WARM,
    )
    assert [line for line in played.lines if line.startswith("kept=")] == ["kept=up,1"] * 2
    assert played.value("mended") == "up,2"


def test_connect_without_a_socket_for_the_clock(play):
    played = play(
        NO_SOCKET
        + """
import machine, sys
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
nic = ppp_sim800.PPP("internet")
no_socket(True)
timed("connect", nic.connect)
print("status=" + nic.status())
""",
        modem=WARM,
        radio=Radio(nitz=False),
    )
    assert played.value("connect") == "ok"
    assert played.value("status") == "up"


def test_what_ends_keep_up_ends_the_block(play):
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet", pin="4711")
    try:
        async with nic.kept_up():
            nic.config(pin="1111")
            do("modem_reset")
            await asyncio.sleep(600)
            print("ended=asleep")
    except ppp_sim800.PINWrong as error:
        print("ended=" + type(error).__name__)

asyncio.run(main())
""",
        modem=WARM,
        sim=SIM(pin="4711"),
    )
    assert played.value("ended") == "PINWrong"


# --- counters ---------------------------------------------------------------------------------


def test_counters(play):
    played = play(
        UP
        + NOW
        + """
s = socket.socket()
s.connect(("203.0.113.15", 9))
s.write(b"GET 20000\\n")
got = len(s.read(20000))
stats = nic.stats()
print("got=%d rx=%d tx=%d" % (got, stats.rx >= 20000, 500 < stats.tx < 20000))
time.sleep(20)
do("lcp_terminate")
time.sleep(2)
nic.ensure()
stats = nic.stats()
print("up=%d connects=%d" % (20 <= stats.up <= 40, stats.connects))
print("reasons=%s" % stats.reasons)
""",
        modem=WARM,
    )
    assert played.value("got") == "20000 rx=1 tx=1"
    assert played.value("up") == "1 connects=2"
    assert played.value("reasons") == "{'terminated': 1}"


@pytest.mark.parametrize("reset", ["soft_reset", "reset"])
def test_counters_survive_a_reset(play, reset):
    played = play(
        f"""
import machine
nic = ppp_sim800.PPP("internet")
print("before=%d" % nic.stats().connects)
nic.connect()
print("after=%d,%d" % (nic.stats().connects, nic.stats().rx > 0))
if nic.stats().connects == 1:
    nic.disconnect()
    machine.{reset}()
""",
        modem=WARM,
    )
    assert [line for line in played.lines if "=" in line] == [
        "before=0",
        "after=1,1",
        "before=1",
        "after=2,1",
    ]


def test_counters_of_a_link_that_was_up_survive_a_reset(play):
    """As of the last look."""
    played = play(
        """
import machine
nic = ppp_sim800.PPP("internet")
print("before=%d,%d,%d" % (nic.stats().connects, nic.stats().rx, nic.stats().up))
nic.connect()
if nic.stats().connects == 1:
    time.sleep(61)
    nic.ensure()
    stats = nic.stats()
    print("counted=%d,%d" % (stats.rx, stats.up))
    machine.reset()
""",
        modem=WARM,
    )
    connects, rx, up = map(
        int, [line for line in played.lines if "before=" in line][1][7:].split(",")
    )
    counted, lasted = map(int, played.value("counted").split(","))
    assert connects == 1
    assert rx == counted > 0
    assert lasted >= up >= 60


# --- the modem's own start --------------------------------------------------------------------


def test_found_asleep(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.modem.sleep()
nic = ppp_sim800.PPP("internet")  # who knows nothing of that
time.sleep(8)
timed("on", nic.active, True)
nic.connect()
""",
        modem=WARM,
    )
    assert played.value("on") == "ok"
    assert int(played.value("on_ms")) <= 15_000
    assert not played.journal.seen("pin", "PWRKEY low")


def test_detached_modem_is_attached_again(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
nic.modem.radio.detach()
timed("connect", nic.connect)
""",
        radio=Radio(),
        modem=WARM,
    )
    assert played.value("connect") == "ok"
    assert int(played.value("connect_ms")) < 20_000


def test_the_docs_name_every_fault():
    """docs/link.md shows the fault table."""
    text = (ROOT / "docs" / "link.md").read_text()
    shown = {line.split("|")[1].strip() for line in text.splitlines() if line.count("|") > 2}
    assert {fault.name for fault in table()} <= shown
