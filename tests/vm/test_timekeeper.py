"""The clock while the link is up: sources that come late, go bad and come back, and who is believed."""

import time

import pytest
from sim800.scenario import Modem, Radio
from test_time import close
from tls_board import TELL, UP

NO_NITZ = Radio(nitz=False)
WARM = Modem(start="command")

# What a script prints to show that the clock is right, and how long it took.
SHOW = """
import machine
from ppp_sim800 import rtc
nic = ppp_sim800.PPP("internet")
start = time.ticks_ms()

def show(name):
    print("%s=%d" % (name, rtc.now()))

def forget():
    # Names, so that the journal has a question for each time server that is asked.
    from ppp_sim800 import dns
    dns._known.clear()

def put(year, month=6, day=1):
    # The clock goes wrong by itself.
    machine.RTC().datetime((year, month, day, 0, 12, 0, 0, 0))

def until_set():
    while not rtc.is_set():
        yield
    print("seconds=%d" % (time.ticks_diff(time.ticks_ms(), start) // 1000))
"""


def asked(played, host="pool.ntp.org"):
    """How often the name servers were asked for a time server."""
    return len([entry for entry in played.journal.seen("dns") if host in entry.what])


# Sources that come late (B1, B2)


@pytest.mark.parametrize(
    "faults",
    [
        ("ntp_silent", "later 60 ntp_silent on=0"),
        ("ntp_silent", "later 60 network_time"),
        ("dns dead=4", "later 60 dns"),
        ("dns_refuses count=1",),
        ("dns_refuses count=30 rcode=REFUSED", "later 60 dns_refuses count=0"),
        ("ntp_wrong seconds=-900000000", "later 60 ntp_wrong seconds=0"),
    ],
)
def test_the_clock_is_set_once_its_source_is_there(play, faults):
    """By the ensure() of a script that uploads each 90 s."""
    played = play(
        SHOW
        + f"""
for fault in {faults}:
    do(fault)
for _ in until_set():
    timed("ensure", nic.ensure)
    if not rtc.is_set():
        time.sleep(90)
show("then")
""",
        radio=NO_NITZ,
        speed=20.0,
    )
    assert int(played.value("seconds")) < 60 + 90 + 25
    assert (
        abs(int(played.value("then")) - time.time()) < 300
    )  # the script's time runs faster than the test's
    assert "ok" in played.value("ensure")


@pytest.mark.parametrize("late", ["ntp_silent on=0", "network_time"])
def test_keep_up_sets_it_within_a_minute(play, late):
    played = play(
        SHOW
        + f"""
import asyncio
do("ntp_silent")

async def main():
    async with nic.aio.kept_up():
        await asyncio.sleep(100)
        print("before=%s" % rtc.is_set())
        do("{late}")
        begun = time.ticks_ms()
        while not rtc.is_set():
            await asyncio.sleep_ms(100)
        print("ms=%d" % time.ticks_diff(time.ticks_ms(), begun))
        print("status=" + nic.status())

asyncio.run(main())
""",
        radio=NO_NITZ,
        speed=20.0,
    )
    assert played.value("before") == "False"
    assert int(played.value("ms")) < 60_000
    assert played.value("status") == "up"


@pytest.mark.parametrize("seed", [1, 2])
def test_at_whatever_moment_it_breaks(play, seed):
    """While a task keeps the link up: within a minute after its source is back the clock is right again."""
    played = play(
        SHOW
        + f"""
import asyncio, random
random.seed({seed})

async def main():
    async with nic.aio.kept_up():
        while not rtc.is_set():
            await asyncio.sleep_ms(100)
        for _ in range(6):
            await asyncio.sleep_ms(random.randint(0, 20000))
            silent = random.choice((True, False))
            if silent:
                do(random.choice(("ntp_silent", "ntp_wrong seconds=-900000000")))
            put(random.choice((2000, 2020, 2045, 2090)))
            if silent:
                await asyncio.sleep_ms(random.randint(0, 120000))
                print("early=%s" % rtc.is_set())
                do("ntp_silent on=0")
                do("ntp_wrong seconds=0")
            begun = time.ticks_ms()
            while not rtc.is_set():
                await asyncio.sleep_ms(100)
            print("ms=%d" % time.ticks_diff(time.ticks_ms(), begun))
            show("then")

asyncio.run(main())
""",
        radio=NO_NITZ,
        speed=20.0,
        timeout=240,
    )
    took = [int(line[3:]) for line in played.lines if line.startswith("ms=")]
    assert len(took) == 6 and max(took) < 60_000
    told = [line[5:] for line in played.lines if line.startswith("then=")]
    # The script's time runs faster than the test's.
    assert all(abs(int(value) - time.time()) < 600 for value in told)
    assert "early=True" not in played.lines


def test_a_clock_that_nobody_sets_costs_little(play):
    """An access point that lets no NTP through: the link is up, and bytes are bounded."""
    played = play(
        SHOW
        + """
import asyncio
do("ntp_silent")

async def main():
    async with nic.aio.kept_up():
        await asyncio.sleep(60)
        stats = nic.stats()
        before = stats.rx + stats.tx
        await asyncio.sleep(600)
        stats = nic.stats()
        print("bytes=%d" % (stats.rx + stats.tx - before))
        print("connects=%d" % stats.connects)

asyncio.run(main())
""",
        radio=NO_NITZ,
        speed=30.0,
        timeout=240,
    )
    assert played.value("connects") == "1"
    # LCP echo takes 20 bytes each 5 s and way. A name, a question to one server, and one whether the link still carries
    # take 350, at most each 30 s.
    assert int(played.value("bytes")) < 600 / 5 * 60 + 600 / 30 * 450
    assert asked(played) <= 2 + 660 / 30


def test_a_clock_that_goes_back_while_the_link_is_up(play):
    played = play(
        SHOW
        + """
nic.ensure()
for year in (2000, 2020, 2090):
    put(year)
    nic.ensure()
    show("set%d" % year)
"""
    )
    for year in (2000, 2020, 2090):
        assert close(played.value(f"set{year}"), time.time())
    assert not asked(
        played
    )  # the modem has heard the network's time, which takes no byte of the air


def test_a_clock_that_goes_back_is_set_by_ntp_where_ppp_has_the_line(play):
    played = play(
        SHOW.replace('"internet"', '"internet", multiplex=False')
        + """
nic.ensure()
put(2000)
nic.ensure()
show("set")
print("status=" + nic.status())
"""
    )
    assert close(played.value("set"), time.time())
    assert asked(played) == 2
    assert played.value("status") == "up"


# The modem's clock (B3, B4, B6)


@pytest.mark.parametrize(
    "says", ["80/01/06,00:00:00+00", "70/01/01,00:00:00+00", "26/02/30,12:00:00+00", "rubbish", ""]
)
def test_a_modem_whose_clock_says_nonsense_is_not_believed(play, says):
    played = play(
        SHOW
        + f"""
do("clock_says text='{says}'")
nic.connect()
show("first")
print("now=%s,%s" % (nic.modem.clock.now(), nic.modem.clock.now(True)))
nic.disconnect()
nic.connect()
show("second")
""",
        radio=NO_NITZ,
    )
    assert close(played.value("first"), time.time())
    assert close(played.value("second"), time.time())
    assert played.value("now") == "None,None"
    assert asked(played) == 2  # the second connect() had no need to


def test_a_modem_whose_clock_runs_free_overwrites_nothing(play):
    played = play(
        SHOW
        + """
nic.active(True)
nic.modem.clock.set((2031, 1, 1, 12, 0, 0))
nic.connect()
print("first=%d" % time.gmtime()[0])
time.sleep(600)
nic.ensure()
show("compared")
nic.disconnect()
nic.connect()
show("second")
print("modem=%d" % nic.modem.clock.now()[0])
""",
        radio=NO_NITZ,
        speed=40.0,
        timeout=240,
    )
    assert played.value("first") == "2031"  # there is nobody else, yet
    assert close(played.value("compared"), time.time())
    assert close(played.value("second"), time.time())
    assert played.value("modem") == "2031"


@pytest.mark.parametrize("year", [2040, 2046])
def test_board_and_modem_that_agree_on_a_wrong_time(play, year):
    """Over three resets; the modem keeps power."""
    played = play(
        SHOW
        + f"""
import os
if rtc.FILE not in os.listdir():
    put({year})
phase = len([name for name in os.listdir() if name.startswith("phase")])
if not phase:
    do("clock_says text={year - 2000}/06/01,12:00:00+00")
nic.connect()
show("connect%d" % phase)
open("phase%d" % phase, "w").close()
if phase < 2:
    machine.reset()
""",
        radio=NO_NITZ,
        modem=WARM,
        speed=20.0,
    )
    for phase in range(3):
        assert abs(int(played.value(f"connect{phase}")) - time.time()) < 100


def test_a_modem_met_running_that_is_right_is_believed_without_a_question(play):
    played = play(SHOW + 'nic.connect()\nshow("set")', modem=WARM)
    assert close(played.value("set"), time.time())
    assert not asked(played)


@pytest.mark.parametrize("utc", [False, True])
def test_local_time_and_its_zone(play, utc):
    """Of an operator that is right, and one that has the modem say UTC with the zone behind it."""
    says = "27/03/01,01:30:00+08" if utc else "27/03/01,03:30:00+08"
    played = play(
        SHOW
        + f"""
nic.config(cclk_utc={utc})
print("config=%s" % nic.config("cclk_utc"))
do("clock_says text={says}")
nic.active(True)
print("now=%s" % (nic.modem.clock.now(),))
print("local=%s" % (nic.modem.clock.now(True),))
do("clock_says text=27/03/01,03:30:00-22")
print("west=%s" % (nic.modem.clock.now(True),))
do("clock_says text=27/03/01,03:30:00+57")
print("nowhere=%s" % (nic.modem.clock.now(True),))
timed("bad", nic.config, cclk_utc=1)
"""
    )
    assert played.value("config") == str(utc)
    assert played.value("now") == "(2027, 3, 1, 1, 30, 0)"
    assert played.value("local") == "((2027, 3, 1, 3, 30, 0), 120)"
    local = (2027, 2, 28, 22, 0, 0) if utc else (2027, 3, 1, 3, 30, 0)
    assert played.value("west") == f"({local}, -330)"
    assert played.value("nowhere") == "None"
    assert played.value("bad").startswith("ConfigError: cclk_utc must be a bool, not 1")


# Time servers (B5)


@pytest.mark.parametrize("known", [False, True])
def test_two_servers_that_differ(play, internet, known):
    """Neither is believed, but the one that agrees with the clock."""
    played = play(
        SHOW
        + f"""
if {known}:
    rtc.set({int(time.time())} - 100 * 86400)  # ... and has drifted since
    t = time.gmtime(time.time() + 100 * 86400)
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))
nic.connect()
print("set=%s" % rtc.is_set())
show("then")
""",
        radio=NO_NITZ,
        names={"pool.ntp.org": internet.names["era1ntp.example"]},
    )
    assert played.value("set") == str(known)
    if known:
        assert close(played.value("then"), time.time())


def test_two_names_of_one_server_are_one_source(play, internet):
    played = play(
        SHOW + 'nic.connect()\nshow("set")\nprint("file=" + open(rtc.FILE).read())',
        radio=NO_NITZ,
        names={"1.pool.ntp.org": internet.names["pool.ntp.org"]},
    )
    assert close(played.value("set"), time.time())
    assert played.value("file").split()[2] == "3600"  # seconds until it is asked again


def test_the_network_alone_is_not_believed_against_two_who_agreed(play, internet):
    """It is years off, and the time servers are not."""
    played = play(
        SHOW
        + f"rtc.set({int(time.time())}, 86400)"
        + """
nic.connect()
show("fresh")
nic.disconnect()
rtc.set(rtc.now() - 30 * 86400, 86400)
put(*time.gmtime(time.time() + 30 * 86400)[:3])
nic.connect()
show("stale")
""",
        utc="2034-01-01T12:00:00",
    )
    assert close(played.value("fresh"), time.time())
    assert close(played.value("stale"), time.time())
    assert asked(played) in (1, 2)  # the second connect() asked


# Contradictions (B4, B5)

WRONG_2036 = """
do("ntp_wrong seconds=315360000")
nic.connect()
print("wrong=%s,%s" % (time.gmtime()[0], rtc.is_fresh()))
do("ntp_wrong seconds=0")
"""


@pytest.mark.parametrize(
    "then",
    [
        "",
        "nic.disconnect()\nnic.connect()",
        "nic.active(False)\nnic.connect()",
        "open('was_reset', 'w').close()\nmachine.reset()",
        "open('was_reset', 'w').close()\nmachine.deepsleep(20000)",
    ],
)
def test_time_servers_that_were_wrong_once(board, then):
    """Both of them, and they agreed. It heals at the first contradiction, before the error is raised."""
    played = board(
        SHOW
        + """
import os
if "was_reset" not in os.listdir():
"""
        + "".join(f"    {line}\n" for line in (WRONG_2036 + then).splitlines())
        + "else:\n    nic.connect()\n"
        + UP.replace('nic = ppp_sim800.PPP("internet")', "")
        + """
error = tell("first", get, "telemetry.example")
show("set")
print("dates=%s,%s" % (error.since[:4], error.until[:2]))
tell("second", get, "telemetry.example")
""",
        radio=NO_NITZ,
        speed=40.0,
    )
    year = time.gmtime().tm_year + 10
    assert played.value("wrong") in (f"{year},True", f"{year - 1},True")
    assert played.value("first").startswith(
        "clock corrected|the certificate of telemetry.example was checked by a clock that was wrong, and has been "
        "set right (20"
    )
    assert played.value("dates") == "2024,20"
    assert close(played.value("set"), time.time())
    assert played.value("second") == "ok|200"


def test_a_clock_that_is_behind(board):
    """ "not yet valid" contradicts it, too."""
    played = board(
        SHOW.replace('nic = ppp_sim800.PPP("internet")', "")
        + UP
        + """
put(2024, 1, 1)  # what the certificates begin with, but the leaf
rtc.set(rtc.now() + 3600, 86400)
tell("first", get, "notyet.example")
print("year=%d" % time.gmtime()[0])
""",
        radio=NO_NITZ,
    )
    # That one begins in a year: the clock is set right, and it is still not valid.
    assert played.value("first").startswith("not yet valid|")
    assert int(played.value("year")) >= time.gmtime().tm_year


def test_board_and_modem_at_2040_with_no_other_source_at_first(board):
    played = board(
        SHOW.replace('nic = ppp_sim800.PPP("internet")', "")
        + 'put(2040)\ndo("ntp_silent")\ndo("clock_says text=40/06/01,12:00:00+00")\n'
        + UP
        + """
print("wrong=%d" % time.gmtime()[0])
do("ntp_silent on=0")
tell("first", get, "telemetry.example")
tell("second", get, "telemetry.example")
show("set")
""",
        radio=NO_NITZ,
        modem=WARM,
    )
    assert played.value("wrong") == "2040"
    assert played.value("first").startswith("clock corrected|")
    assert played.value("second") == "ok|200"
    assert close(played.value("set"), time.time())


def test_without_a_clock_it_is_asked_for_before_the_error(board):
    played = board(
        SHOW.replace('nic = ppp_sim800.PPP("internet")', "")
        + UP
        + """
put(2000)
tell("unset", get, "telemetry.example")
show("set")
"""
    )
    assert played.value("unset") == "ok|200"
    assert close(played.value("set"), time.time())


def test_a_certificate_that_is_expired_is_asked_about_once_an_hour(board):
    played = board(
        SHOW.replace('nic = ppp_sim800.PPP("internet")', "")
        + UP
        + """
for i in range(3):
    tell("get%d" % i, get, "expired.example")
show("set")
rtc.set(rtc.now() + 4000, 86400)
forget()
tell("later", get, "expired.example")
show("again")
"""
    )
    for name in ("get0", "get1", "get2", "later"):
        assert played.value(name).startswith("expired|")
    assert close(played.value("set"), time.time())
    assert close(played.value("again"), time.time())
    assert asked(played) == 2  # one server each, that agreed with the network


def test_in_asyncio_the_next_ensure_asks(board):
    played = board(
        SHOW
        + WRONG_2036
        + TELL
        + """
import asyncio

async def fetch():
    reader, writer = await asyncio.open_connection("telemetry.example", 443, ssl=True)
    writer.close()
    return "open"

async def main():
    try:
        await fetch()
    except ppp_sim800.TLSError as error:
        print("first=%s" % error.reason)
    print("still=%s" % (rtc.now() > rtc.unix(2030, 1, 1)))
    await nic.aio.ensure()
    show("set")
    print("second=" + await fetch())

asyncio.run(main())
""",
        radio=NO_NITZ,
    )
    assert played.value("first") == "expired"
    assert played.value("still") == "True"  # nothing held up the loop
    assert close(played.value("set"), time.time())
    assert played.value("second") == "open"


# Bytes


def test_a_good_clock_costs_nothing(play):
    """Uploads each hour for a day, where NTP is the only source: it is asked when the day is over, and no sooner."""
    played = play(
        SHOW
        + """
nic.connect()

def later(seconds):
    t = time.gmtime(time.time() + seconds)
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))

begun = rtc.now()
for hour in range(23):
    forget()
    nic.ensure()
    later(3600)
print("day=%d" % ((rtc.now() - begun) // 3600))
later(2 * 3600)
forget()
nic.ensure()
show("set")
""",
        radio=NO_NITZ,
    )
    assert played.value("day") == "23"
    hosts = [entry.what.split(":")[0] for entry in played.journal.seen("dns")]
    times = [host for host in hosts if "ntp" in host]
    # Two servers at first, as there is nobody else; a day later the second decides, as the clock is made to be wrong.
    assert times == ["pool.ntp.org", "1.pool.ntp.org"] * 2
    assert close(played.value("set"), time.time())


def test_one_server_will_do_where_the_clock_agrees(play):
    played = play(
        SHOW
        + """
nic.connect()
rtc.set(rtc.now() - 86400 - 600, 86400)  # so long ago
t = time.gmtime(time.time() + 86400 + 590)
machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))
forget()
nic.ensure()
show("set")
""",
        radio=NO_NITZ,
    )
    assert close(played.value("set"), time.time())
    assert asked(played) == 3  # two for connect(), which had nobody to compare with


def test_no_question_where_the_network_tells_the_time(play):
    played = play(
        SHOW
        + """
nic.connect()
for day in range(3):
    rtc.set(rtc.now() - 86400 - 600, 86400)
    t = time.gmtime(time.time() + 86400 + 500)
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))
    nic.ensure()
    show("set%d" % day)
"""
    )
    for day in range(3):
        assert close(played.value(f"set{day}"), time.time())
    assert not asked(played)
