"""Several users of one link: tasks, threads, and a second object for the same modem."""

import pytest
from sim800.scenario import Modem

WARM = Modem(start="command")

MANY = """
import _thread, asyncio
from ppp_sim800 import aio

ended = {}

def use(name, nic):
    # As a script that knows of no other: each way of using the link, again and again.
    said = []
    for call in (nic.connect, nic.ensure, look, nic.ensure, nic.disconnect) * 3:
        try:
            call(nic) if call is look else call()
        except ppp_sim800.SIM800Error as error:
            said.append(type(error).__name__)
    ended[name] = said

def look(nic):
    with nic.command_mode() as modem:
        try:
            modem.radio.signal()
        except ppp_sim800.ConfigError:
            pass

async def use_too(name, nic):
    said = []
    for _ in range(3):
        for step in ("connect", "ensure", "look", "ensure", "disconnect"):
            try:
                if step == "look":
                    async with nic.command_mode() as modem:
                        await modem.radio.signal()
                else:
                    await getattr(nic, step)()
            except ppp_sim800.SIM800Error as error:
                said.append(type(error).__name__)
    ended[name] = said
"""


def test_two_tasks_and_a_thread(play):
    played = play(
        MANY
        + """
plain = ppp_sim800.PPP("internet")
nic = plain.aio

async def main():
    _thread.start_new_thread(use, ("thread", plain))
    await asyncio.gather(use_too("one", nic), use_too("two", nic))
    while len(ended) < 3:
        await asyncio.sleep_ms(100)

asyncio.run(main())
print("ended=%s" % sorted(ended))
print("errors=%s" % sorted(set(sum(ended.values(), []))))
timed("again", plain.connect)
print("status=" + plain.status())
timed("last", plain.disconnect)
timed("at", plain.modem.at, "AT")
""",
        modem=WARM,
        speed=5,
    )
    assert played.value("ended") == "['one', 'thread', 'two']"
    assert played.value("errors") == "[]"
    for what in ("again", "last", "at"):
        assert played.value(what) == "ok"


def test_a_second_object_for_the_same_modem(play):
    """It takes over from one that nobody uses, and hands over in turn."""
    played = play(
        """
first = ppp_sim800.PPP("internet")
first.connect()
second = ppp_sim800.PPP("internet")
timed("second", second.connect)
print("both=%s,%s" % (first.status(), second.status()))
print("reason=" + first.status("reason"))
timed("first_at", first.modem.at, "AT")
timed("back", first.ensure)
print("then=%s,%s" % (first.status(), second.status()))
timed("off", second.active, False)
print("end=%s,%s" % (first.status(), second.status()))
timed("last", second.connect)
timed("at", second.modem.at, "AT")
""",
        modem=WARM,
        speed=5,
    )
    for what in ("second", "back", "off", "last", "at"):
        assert played.value(what) == "ok", what
    assert played.value("both") == "off,up"
    assert played.value("reason") == "another PPP object took the modem over"
    assert played.value("first_at").startswith("ModemSilent: ")
    assert played.value("then") == "up,off"
    assert played.value("end") == "off,off"


def test_a_second_object_while_the_first_connects(play):
    played = play(
        """
import _thread
first = ppp_sim800.PPP("internet")
_thread.start_new_thread(first.connect, ())
time.sleep(1)
second = ppp_sim800.PPP("internet")
timed("second", second.connect)
while not first.isconnected():
    time.sleep_ms(100)
first.disconnect()
timed("again", second.connect)
""",
        speed=5,
    )
    assert played.value("second").startswith("LinkBusy: ")
    assert int(played.value("second_ms")) < 1000
    assert played.value("again") == "ok"


def test_going_down_ends_a_recovery(play):
    """keep_up() has the lock for ten minutes where there is no network. It then leaves the link alone."""
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def took(name, awaitable):
    start = time.ticks_ms()
    await awaitable
    print("%s=%d" % (name, time.ticks_diff(time.ticks_ms(), start)))

async def main():
    nic = aio.PPP("internet")
    async with nic.kept_up():
        do("no_network")
        do("no_carrier")
        await asyncio.sleep(20)
        await took("off", nic.active(False))
        await asyncio.sleep(20)
        print("stays=" + nic.status())
        do("no_network on=0")
        await nic.ensure()
        do("lcp_terminate")
        await asyncio.sleep(2)
        await took("down", nic.disconnect())
        await asyncio.sleep(20)
        print("stays=" + nic.status())
        await nic.connect()
        do("lcp_terminate")
        await asyncio.sleep(30)
        print("kept=" + nic.status())

asyncio.run(main())
""",
        modem=WARM,
        speed=10,
    )
    assert int(played.value("off")) < 15_000
    assert int(played.value("down")) < 10_000
    assert [line for line in played.lines if line.startswith("stays=")] == [
        "stays=off",
        "stays=on",
    ]
    assert played.value("kept") == "up"


def test_ensure_begins_again_behind_a_disconnect(play):
    played = play(
        """
import _thread
nic = ppp_sim800.PPP("internet")
nic.connect()
do("no_network")
do("no_carrier")
do("later 40 no_network on=0")
time.sleep(1)
def leave():
    time.sleep(20)
    timed("down", nic.disconnect)
_thread.start_new_thread(leave, ())
timed("ensure", nic.ensure)
print("status=" + nic.status())
""",
        modem=WARM,
        speed=10,
    )
    assert played.value("down") == "ok"
    assert int(played.value("down_ms")) < 10_000
    assert played.value("ensure") == "ok"
    assert played.value("status") == "up"


@pytest.mark.parametrize("multiplex", [True, False])
@pytest.mark.parametrize("what", ["on", "off", "reset"])
def test_modem_switched_while_up(play, what, multiplex):
    """PPP lets go of the line first, so the modem hears at once; the reason is the script's own doing."""
    played = play(
        f"""
nic = ppp_sim800.PPP("internet", multiplex={multiplex})
nic.connect()
timed("switch", nic.modem.{what})
print("status=%s: %s" % (nic.status(), nic.status("reason")))
timed("again", nic.ensure)
print("reasons=%s" % nic.stats().reasons)
""",
        modem=WARM,
    )
    assert played.value("switch") == "ok"
    assert int(played.value("switch_ms")) < 15_000
    state = "off" if what == "off" else "lost"
    assert played.value("status") == state + ": the script switched or restarted the modem"
    assert played.value("again") == "ok"
    assert played.value("reasons") == "{'modem switched': 1}"


def test_modem_restarted_beside_kept_up(play):
    """One at a time has the modem: the keeper waits, or gives way."""
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    said = []
    nic = aio.PPP("internet", trace=lambda way, line: said.append(line) if way == "=" else None)
    async with nic.kept_up():
        await nic.modem.reset()
        print("first=" + ",".join(said[-2:]))
        await asyncio.sleep(30)
        print("status=%s,%d" % (nic.status(), nic.stats().connects))
        do("lcp_terminate")
        while nic.status() != "searching":
            await asyncio.sleep_ms(20)
        await nic.modem.reset()
        print("second=" + nic.status())
        await asyncio.sleep(30)
        print("status=%s,%d" % (nic.status(), nic.stats().connects))

asyncio.run(main())
""",
        modem=WARM,
    )
    assert played.value("first") == "up,lost"
    assert played.value("second") == "failed"
    statuses = [line for line in played.lines if line.startswith("status=")]
    assert statuses == ["status=up,2", "status=up,3"]
