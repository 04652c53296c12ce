"""The link over the multiplexer: commands beside PPP, how it ends, what it leaves, what it costs."""

import json

import pytest
from sim800 import packet
from sim800.scenario import Modem, Phone

WARM = Modem(start="command")
SLOW = Modem(start="command", ipr=115200, latency=0.2)

UP = """
import socket
nic = ppp_sim800.PPP("internet")
nic.connect()
modem = nic.modem

def since(start):
    return time.ticks_diff(time.ticks_ms(), start)

def through():
    s = socket.socket()
    try:
        s.settimeout(15)
        s.connect(("203.0.113.10", 443))
    finally:
        s.close()

def until(what, ms=20000):
    start = time.ticks_ms()
    while not what() and since(start) < ms:
        time.sleep_ms(20)
    return since(start)
"""


def sent(played):
    return [str(entry) for entry in played.journal.seen("at", "> ")]


# --- commands while up ------------------------------------------------------------------------


def test_roles_work_beside_a_download(play):
    played = play(
        UP
        + """
s = socket.socket()
s.settimeout(20)
s.connect(("203.0.113.15", 9))
s.write(b"GET 60000\\n")
import _thread
came = 0
def take():
    global came
    buffer = bytearray(1000)
    while came < 60000:
        got = s.readinto(buffer)
        if not got:
            break
        came += got
_thread.start_new_thread(take, ())
for call in (modem.radio.signal, modem.radio.registration, modem.imei, modem.sms.list, modem.clock.now):
    timed("call", call)
timed("send", modem.sms.send, "+49170123", "beside")
timed("ussd", modem.ussd, "*101#")
print("rssi=%s" % nic.status("rssi"))
until(lambda: came == 60000, 60000)
print("came=%d,%s" % (came, nic.status()))
nic.disconnect()
timed("plain", modem.imei)
""",
        modem=WARM,
        speed=3,
    )
    assert played.lines.count("call=ok") == 5
    assert played.value("send") == played.value("plain") == "ok"
    assert played.value("ussd").startswith("USSDError: the network does not know *101#")
    assert played.value("rssi") == "-78"
    assert played.value("came") == "60000,up"
    assert len(played.journal.seen("modem", "connect")) == 1


def test_an_answer_within_300_ms_under_full_download(play):
    played = play(
        UP.replace('"internet"', '"internet", baudrate=115200')
        + """
import _thread
times = []
done = False
def ask():
    while not done:
        start = time.ticks_ms()
        modem.radio.signal()
        times.append(since(start))
        time.sleep_ms(100)
s = socket.socket()
s.connect(("203.0.113.15", 9))
s.write(b"GET 150000\\n")
buffer = bytearray(1000)
left = 150000
_thread.start_new_thread(ask, ())
while left:
    left -= s.readinto(buffer, min(left, 1000))
done = True
print("times=%s" % sorted(times))
""",
        modem=SLOW,
        speed=1,
    )
    times = json.loads(played.value("times"))
    assert len(times) >= 30
    # Of twenty one may be late, where the machine was busy with other work.
    assert times[len(times) * 19 // 20] <= 300, times


def test_command_mode_costs_nothing(play):
    played = play(
        UP
        + """
start = time.ticks_ms()
for _ in range(20):
    with nic.command_mode():
        print("inside=" + nic.status())
print("took=%d" % since(start))
with nic.command_mode():
    timed("nested", nic.disconnect)
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.lines.count("inside=up") == 20
    assert int(played.value("took")) < 300
    assert played.value("nested").startswith("LinkBusy: ")
    assert int(played.value("nested_ms")) < 100
    assert played.value("status") == "up"
    assert not played.journal.seen("modem", "online command mode")


def test_events_come_at_once(play):
    played = play(
        UP
        + """
while nic.event():
    pass
do("sms_received")
print("first=%s" % (tuple(nic.event(5000)),))
do("ring count=1")
print("second=%s" % (tuple(nic.event(5000)),))
through()
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("first") == "('sms', 1)"
    assert played.value("second") == "('ring', None)"
    assert played.value("status") == "up"


def test_two_tasks_use_at_at_once(play):
    played = play(
        """
import asyncio
from ppp_sim800 import aio
async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        async def ask(name):
            for _ in range(10):
                assert await nic.modem.imei() == "861234567890123"
                assert await nic.modem.radio.signal() == -78
            return name
        print("done=%s" % await asyncio.gather(ask("a"), ask("b"), ask("c")))
        print("status=" + nic.status())
    await nic.disconnect()
asyncio.run(main())
""",
        modem=WARM,
    )
    assert played.value("done") == "['a', 'b', 'c']"
    assert played.value("status") == "up"


# --- plain, on request or of need -------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "modem"),
    [
        (", multiplex=False", WARM),
        ("", Modem(start="command", cmux=False)),
    ],
    ids=["asked", "cannot"],
)
def test_plain_data_mode(play, arguments, modem):
    played = play(
        UP.replace('"internet"', '"internet"' + arguments)
        + """
timed("signal", modem.radio.signal)
with nic.command_mode():
    print("inside=" + nic.status())
    timed("signal", modem.radio.signal)
through()
print("status=" + nic.status())
nic.disconnect()
timed("signal", modem.radio.signal)
""",
        modem=modem,
    )
    refused, inside, after = (line for line in played.lines if line.startswith("signal="))
    assert refused.startswith("signal=ConfigError: the line carries PPP")
    assert inside == after == "signal=ok"
    assert played.value("inside") == "suspended"
    assert played.value("status") == "up"
    assert not played.journal.seen("modem", "multiplexing")


@pytest.mark.parametrize("baudrate", [115200, 460800])
def test_frames_have_the_length_that_was_agreed(play, monkeypatch, baudrate):
    """Whatever the modem's own default is: SIM900s had 31."""
    params = list(packet.CMUX_PARAMS)
    params[3] = (range(1, 256), 31)
    monkeypatch.setattr(packet, "CMUX_PARAMS", tuple(params))
    played = play(
        UP.replace('"internet"', f'"internet", baudrate={baudrate}')
        + """
timed("send", modem.sms.send, "+49170123", "a long message " * 8)
through()
print("shared=%s" % nic.link.line.multiplexed)
""",
        modem=WARM,
    )
    assert played.value("send") == "ok"
    assert played.value("shared") == "True"


def test_a_modem_that_refused_once_is_asked_again_at_once(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
do("cmux_refuse_once")
nic.connect()
timed("signal", nic.modem.radio.signal)
""",
        modem=WARM,
    )
    assert played.value("signal") == "ok"
    assert len(played.journal.seen("modem", "multiplexing")) == 1


def test_a_modem_that_only_says_it_multiplexes_is_left_alone(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
do("cmux_lose_ua count=1000000")
for _ in range(5):
    nic.connect()
    timed("signal", nic.modem.radio.signal)
    nic.disconnect()
""",
        modem=WARM,
    )
    assert sum(line.startswith("signal=ConfigError") for line in played.lines) == 5
    assert len(played.journal.seen("modem", "multiplexing")) == 3


def test_a_line_that_was_only_noisy_is_shared_again(play):
    """Every ninth call tries, and once it could it does."""
    played = play(
        """
nic = ppp_sim800.PPP("internet")
do("cmux_lose_ua count=1000000")
shared = []
for i in range(13):
    if i == 3:
        do("cmux_lose_ua count=0")
    nic.connect()
    shared.append(int(nic.link.line.multiplexed))
    nic.disconnect()
print("shared=%s" % shared)
""",
        modem=WARM,
    )
    assert played.value("shared") == str([0] * 11 + [1, 1])
    assert len(played.journal.seen("modem", "multiplexing")) == 3 + 2


@pytest.mark.parametrize("value", ["1", "None", "'yes'"])
def test_bad_multiplex(play, value):
    played = play(f'timed("made", lambda: ppp_sim800.PPP("internet", multiplex={value}))')
    assert played.value("made").startswith("ConfigError: multiplex must be ")


# --- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason", "within"),
    [
        ("no_carrier", "call ended", 1),
        ("pdp_deact", "call ended", 1),
        ("gprs_detach", "call ended", 1),
        ("lcp_terminate", "terminated", 2),
        ("cmux_cld", "call ended", 1),
        ("cmux_disc dlci=1", "call ended", 1),
        ("cmux_disc dlci=2", "call ended", 1),
    ],
)
def test_loss_is_seen_in_seconds(play, fault, reason, within):
    """In command mode, with PPP in plain data mode, NO CARRIER took 5 to 12 s."""
    played = play(
        UP
        + f"""
through()
while nic.event():
    pass
do("{fault}")
print("seen=%d" % until(lambda: not nic.isconnected()))
print("event=%s" % any(nic.event() == ("link", "down") for _ in range(5)))
print("status=" + nic.status())
do("registration_back")
nic.ensure()
through()
print("again=" + nic.status())
print("reasons=%s" % nic.stats().reasons)
nic.disconnect()
timed("plain", modem.imei)
""",
        modem=WARM,
        speed=5,
    )
    assert int(played.value("seen")) <= within * 1000
    assert played.value("event") == "True"
    assert played.value("status") == "lost"
    assert played.value("again") == "up"
    assert reason in played.value("reasons")
    assert played.value("plain") == "ok"


def test_commands_when_the_multiplexer_has_gone(play):
    played = play(
        UP
        + """
do("cmux_cld")
until(lambda: not nic.isconnected())
timed("signal", modem.radio.signal)
timed("send", modem.sms.send, "12345", "x")
timed("ensure", nic.ensure)
through()
timed("again", modem.radio.signal)
""",
        modem=WARM,
    )
    assert played.value("signal").startswith("NoCarrier: the line was closed")
    assert played.value("send").startswith("NoCarrier: the line was closed")
    assert played.value("ensure") == played.value("again") == "ok"


def test_at_stopped_for_good(play):
    """The modem wants no commands any more (MSC) while PPP goes on: that, too, is made anew."""
    played = play(
        UP
        + """
do("cmux_stop dlci=1")
time.sleep_ms(500)
for name in ("first", "second"):
    timed(name, modem.radio.signal)
    print(name + "_status=" + nic.status())
timed("ensure", nic.ensure)
timed("third", modem.radio.signal)
through()
print("reasons=%s" % nic.stats().reasons)
""",
        modem=WARM,
    )
    for name in ("first", "second"):
        assert played.value(name).startswith("ATTimeout: the modem did not take AT+CSQ within 5.0")
    assert played.value("first_status") == "up"
    assert played.value("second_status") == "lost"
    assert played.value("ensure") == played.value("third") == "ok"
    assert "call ended" in played.value("reasons")


def test_at_stopped_for_a_while(play):
    played = play(
        UP
        + """
do("cmux_stop dlci=1")
do("later 3 cmux_stop dlci=1 on=0")
time.sleep_ms(500)
timed("signal", modem.radio.signal)
print("status=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("signal") == "ok"
    assert 1500 <= int(played.value("signal_ms")) <= 5000
    assert played.value("status") == "up"


def test_uart_closed_under_it(play):
    played = play(
        UP
        + """
modem.uart.deinit()
print("status=" + nic.status())
timed("signal", modem.radio.signal)
timed("disconnect", nic.disconnect)
timed("connect", nic.connect)
print("after=" + nic.status())
""",
        modem=WARM,
    )
    assert played.value("status") == "lost"
    assert played.value("signal").startswith("NoCarrier: the line was closed")
    assert played.value("disconnect").startswith("NoCarrier: the line was closed")
    assert played.value("after") in ("failed", "up")


def test_commands_fail_at_once_where_it_ends_meanwhile(play):
    played = play(
        UP
        + """
do("later 3 cmux_cld")
timed("scan", modem.radio.scan)
""",
        modem=WARM,
    )
    assert played.value("scan").startswith("NoCarrier: the line was closed")
    assert int(played.value("scan_ms")) < 6000


def test_a_deaf_modem(play):
    played = play(
        UP
        + """
do("silent")
timed("signal", modem.radio.signal)
print("status=" + nic.status())
print("seen=%d" % until(lambda: not nic.isconnected(), 40000))
timed("ensure", nic.ensure)
timed("again", modem.radio.signal)
""",
        modem=WARM,
    )
    assert played.value("signal").startswith("ATTimeout: ")
    assert played.value("status") == "up"  # PPP has not been asked yet
    assert int(played.value("seen")) <= 30_000
    assert played.value("ensure") == played.value("again") == "ok"


def test_disconnect_ends_a_long_command_of_another_thread(play):
    played = play(
        UP
        + """
import _thread
_thread.start_new_thread(timed, ("scan", modem.radio.scan))
time.sleep_ms(500)
timed("disconnect", nic.disconnect)
until(lambda: not modem.line._channel.turn.is_held())
time.sleep_ms(500)
timed("plain", modem.imei)
nic.connect()
through()
""",
        modem=WARM,
    )
    assert played.value("scan").startswith("NoCarrier: the line was closed")
    assert played.value("disconnect") == "ok"
    assert int(played.value("disconnect_ms")) < 25_000
    assert played.value("plain") == "ok"


@pytest.mark.parametrize("what", ["on", "off", "reset"])
def test_power_while_up(play, what):
    """The call ends in good order, and the line is plain."""
    played = play(
        UP
        + f"""
timed("power", modem.{what})
print("status=" + nic.status())
timed("again", nic.connect)
through()
timed("signal", modem.radio.signal)
""",
        modem=WARM,
    )
    assert played.value("power") == "ok"
    assert played.value("status") == ("off" if what == "off" else "lost")
    assert played.value("again") == played.value("signal") == "ok"
    assert not played.journal.seen("pin", "RESET high")


def test_what_cannot_be_while_up_is_refused_in_words(play):
    played = play(
        UP
        + """
timed("sleep", modem.sleep)
timed("bearer", modem.bearer.open)
timed("get", modem.http.request, "GET", "http://telemetry.example/ip")
timed("where", modem.location)
through()
print("status=" + nic.status())
""",
        modem=WARM,
    )
    for name in ("sleep", "bearer", "get", "where"):
        assert played.value(name).startswith("ConfigError: the link is up: disconnect() before ")
    assert played.value("status") == "up"


# --- a modem that multiplexes, and nobody knows -----------------------------------------------


@pytest.mark.parametrize("ipr", [115200, 460800])
def test_found_multiplexing_within_15_s_without_rst(play, ipr):
    played = play(
        'nic = ppp_sim800.PPP("internet")\ntimed("on", nic.active, True)',
        modem=Modem(start="cmux", ipr=ipr),
        speed=5,
    )
    assert played.value("on") == "ok"
    assert int(played.value("on_ms")) <= 15_000
    assert not played.journal.seen("pin", "RESET")


def test_found_with_a_call_after_a_soft_reset(play):
    """A hard one of the T-Call cuts the modem's supply."""
    played = play(
        """
import machine, os
nic = ppp_sim800.PPP("internet")
if "done" in os.listdir():
    timed("on", nic.active, True)
    nic.connect()
    print("address=" + nic.resolve("telemetry.example"))
else:
    open("done", "w").close()
    nic.connect()
    machine.soft_reset()
""",
        modem=WARM,
    )
    assert int(played.value("on_ms")) <= 15_000
    assert played.value("address") == "203.0.113.10"
    assert not played.journal.seen("pin", "RESET")


# --- memory -----------------------------------------------------------------------------------

USED = """
import gc
nic = ppp_sim800.PPP("internet", multiplex={})
def used():
    for _ in range(4):
        gc.collect()
    return gc.mem_alloc()
def round():
    nic.connect()
    up = used()
    nic.disconnect()
    return up
"""


def test_memory_while_in_use(play):
    """Of Python's heap; the chip's own is measured in tests/firmware/test_multiplexer.py."""
    taken = {}
    for multiplex in (False, True):
        played = play(
            USED.format(multiplex)
            + """
for _ in range(3):
    up = round()
print("taken=%d" % (up - used()))
""",
            modem=WARM,
        )
        taken[multiplex] = int(played.value("taken"))
    assert taken[True] - taken[False] <= 2000


def test_a_hundred_rounds_leave_no_memory(play):
    played = play(
        USED.format(True)
        + """
for _ in range(5):
    round()
before = used()
for _ in range(100):
    round()
print("lost=%d" % (used() - before))
print("multiplexed=%s" % nic.stats().connects)
""",
        modem=Modem(start="command", latency=0),
        speed=10,
        timeout=300,
    )
    assert int(played.value("lost")) <= 256
    assert played.value("multiplexed") == "105"
    assert len(played.journal.seen("modem", "multiplexing")) == 105


CALLING = """
import asyncio, socket
from ppp_sim800 import aio

async def main():
    said = []
    nic = aio.PPP("internet", trace=lambda way, line: said.append(line) if way == ">" else None)
    async with nic.kept_up():
        async def send():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            while True:
                try:
                    s.sendto(b"reading", ("203.0.113.10", 9999))
                except OSError:
                    pass
                await asyncio.sleep(2)
        sender = asyncio.create_task(send())
        await asyncio.sleep(5)
        await nic.modem.calls.dial("+491701234567")
        {fault}
        states = set()
        for _ in range(40):
            await asyncio.sleep(3)
            states.add(await nic.modem.calls.state())
        print("call=" + ",".join(sorted(states)))
        print("during=" + nic.status())
        await nic.modem.calls.hang_up()
        print("ended=%d" % said.count("ATH"))
        await asyncio.sleep(45)
        print("after=%s,%d" % (nic.status(), nic.stats().connects))
        sender.cancel()

asyncio.run(main())
"""


def test_voice_call_beside_keep_up(play):
    """The bearer stands still for two minutes: neither is the link distrusted, nor the call cut."""
    played = play(CALLING.replace("{fault}", ""), modem=WARM, phones={"+491701234567": Phone()})
    assert played.value("call") == "active"
    assert played.value("during") == "up"
    assert played.value("ended") == "1"  # our own
    assert played.value("after") == "up,1"


def test_link_lost_during_a_voice_call(play):
    """What is left of it is taken down without the call, and it is brought back behind the call."""
    played = play(
        CALLING.replace("{fault}", 'do("cmux_cld")'),
        modem=WARM,
        phones={"+491701234567": Phone()},
    )
    assert played.value("call") == "active"
    assert played.value("during") == "recovering"
    assert played.value("after") == "up,2"


@pytest.mark.parametrize(("seconds", "connects"), [(5, 1), (60, 2)])
def test_registration_lost_on_an_idle_link(play, seconds, connects):
    """Nothing is sent that nobody would answer: what the modem says of its registration has it asked."""
    played = play(
        f"""
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        await asyncio.sleep(3)
        do("registration_lost")
        do("later {seconds} registration_back")
        start = time.ticks_ms()
        while nic.status() == "up" and time.ticks_diff(time.ticks_ms(), start) < 40000:
            await asyncio.sleep_ms(100)
        print("noticed=%d" % time.ticks_diff(time.ticks_ms(), start))
        await asyncio.sleep(60)
        print("after=%s,%d" % (nic.status(), nic.stats().connects))

asyncio.run(main())
""",
        modem=WARM,
    )
    assert (int(played.value("noticed")) < 30_000) == (connects == 2)
    assert played.value("after") == f"up,{connects}"
