"""The machine's clock: NTP over PPP, and the floor below which no time is believed."""

import datetime
import time

import pytest
from sim800.scenario import Radio

UP = """
from ppp_sim800 import ntp, rtc
nic = ppp_sim800.PPP("internet")
nic.connect()

def ask(name, host, **kwargs):
    try:
        print(name + "=%d" % ntp.query(host, **kwargs))
    except ppp_sim800.SIM800Error as error:
        print(name + "=" + type(error).__name__ + ": " + str(error))
"""


def close(value: str, to: float) -> bool:
    return abs(int(value) - to) < 30


def test_query(play):
    before = time.time()
    played = play(UP + 'ask("ntp", "ntp.example")\nask("pool", ntp.HOST)')
    assert close(played.value("ntp"), before)
    assert close(played.value("pool"), before)


def test_a_lost_answer_is_asked_for_again(play, internet):
    played = play(UP + 'ask("ntp", "lossyntp.example")')
    assert close(played.value("ntp"), time.time())


def test_half_of_a_slow_round_trip_is_added(play):
    from network.air import PROFILES

    played = play(
        UP
        + """
start = time.ticks_ms()
ask("ntp", "ntp.example")
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
""",
        air=PROFILES["gprs"],
    )
    assert close(played.value("ntp"), time.time())
    assert int(played.value("ms")) < 15_000


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("kissntp", "it wants to be left alone (RATE)"),
        ("lostntp", "it does not know the time itself"),
        ("unsurentp", "it is unsure by more than a second"),
        ("shortntp", "its answer is cut short"),
        ("emptyntp", "its answer has no time in it"),
        ("clientntp", "the reply is not from an NTP server"),
        ("oldntp", "it says 2004-11-09 11:33 UTC, which cannot be"),
        ("silentntp", "it did not answer"),
        ("forgedntp", "it did not answer"),  # it did, but not to the question
        ("nobody", 'cannot resolve "nobody.example": there is no such name: check the spelling'),
    ],
)
def test_a_bad_answer_is_refused(play, host, words):
    played = play(
        UP
        + f"""
start = time.ticks_ms()
ask("ntp", "{host}.example")
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
""",
        names={"nobody.example": None},
    )
    assert played.value("ntp").startswith(f"NoTime: no time from {host}.example: {words}")
    assert int(played.value("ms")) <= 20_000


def test_after_2036_the_count_starts_anew(play):
    played = play(UP + 'ask("ntp", "era1ntp.example")')
    assert close(played.value("ntp"), 2_100_000_000)


def test_the_answer_to_an_earlier_question_is_none_to_the_next(play):
    played = play(UP + 'for i in range(4):\n    ask("ntp%d" % i, "doublentp.example")')
    for i in range(4):
        assert close(played.value(f"ntp{i}"), time.time())


def test_set_clock(play):
    played = play(
        UP
        + """
import machine
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
print("silent=%s,%d" % (ntp.set_clock("silentntp.example"), time.gmtime()[0]))
print("first=%s,%d" % (ntp.set_clock(), rtc.now()))
machine.RTC().datetime((2030, 1, 1, 0, 0, 0, 0, 0))
print("silent_again=%s,%d" % (ntp.set_clock("silentntp.example"), time.gmtime()[0]))
print("again=%s,%d" % (ntp.set_clock(), rtc.now()))
"""
    )
    assert played.value("silent") == "False,2000"
    done, seconds = played.value("first").split(",")
    assert done == "True" and close(seconds, time.time())
    assert played.value("silent_again") == "False,2030"
    done, seconds = played.value("again").split(",")
    assert done == "True" and close(seconds, time.time())


# What is possible


def test_the_clock_is_not_set_at_power_on_and_takes_no_time_of_the_past(play):
    played = play(
        """
from ppp_sim800 import rtc
print("set=%s" % rtc.is_set())
print("floor=" + rtc.text(rtc.floor()))
print("old=%s" % rtc.set(rtc.unix(2004, 1, 1)))
print("still=%s,%d" % (rtc.is_set(), time.gmtime()[0]))
print("new=%s" % rtc.set(rtc.unix(2027, 6, 15, 12, 30, 5)))
print("then=%s" % (time.gmtime()[:5],))
"""
    )
    assert played.value("set") == "False"
    assert played.value("floor") == "2024-01-01 00:00 UTC"  # a day before the VM was built
    assert played.value("old") == "False"
    assert played.value("still") == "False,2000"
    assert played.value("new") == "True"
    assert played.value("then") == "(2027, 6, 15, 12, 30)"


FLOOR = """
import os
from ppp_sim800 import rtc
def written():
    try:
        return open(rtc.FILE).read().strip()
    except OSError:
        return "nothing"
"""


def test_flash_is_written_once_a_day(play):
    played = play(
        FLOOR
        + """
day = rtc.unix(2027, 1, 1, 12)
for name, hours in (("first", 0), ("hour", 1), ("later", 23), ("day", 25), ("back", -48)):
    print(name + "=%s %s" % (rtc.set(day + 3600 * hours), written()))
"""
    )
    first, day, back = (played.value(name) for name in ("first", "day", "back"))
    noon = int(datetime.datetime(2027, 1, 1, 12, tzinfo=datetime.UTC).timestamp())
    assert first.startswith("True ") and first.split()[2] == str(noon)
    assert played.value("hour") == played.value("later") == first
    assert day.split()[2] == str(noon + 25 * 3600)
    assert back.split()[2] == str(noon - 48 * 3600)  # it was the other that was wrong


def test_a_wrong_clock_raises_no_floor(play):
    """What is past is told by certificates; the clock only says which of them are in the future."""
    played = play(
        FLOOR
        + """
issued = rtc.unix(2026, 10, 1)
rtc.set(rtc.unix(2040, 1, 1))
rtc.confirm(issued)
rtc.confirm(rtc.unix(2050, 1, 1))
print("floor=" + rtc.text(rtc.floor()))
print("right=%s,%d" % (rtc.set(rtc.unix(2026, 11, 1)), time.gmtime()[0]))
rtc.confirm(rtc.unix(2026, 9, 1))
print("still=" + rtc.text(rtc.floor()))
"""
    )
    assert played.value("floor") == played.value("still") == "2026-10-01 00:00 UTC"
    assert played.value("right") == "True,2026"


def test_the_floor_outlives_a_reset_without_power(play):
    played = play(
        FLOOR
        + """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    rtc.set(rtc.unix(2027, 5, 1))
    rtc.confirm(rtc.unix(2027, 3, 1, 12))
    machine.reset()
machine.RTC().datetime((2026, 12, 31, 0, 23, 59, 0, 0))
print("set=%s" % rtc.is_set())
print("floor=" + rtc.text(rtc.floor()))
"""
    )
    assert played.value("set") == "False"
    assert played.value("floor") == "2027-03-01 12:00 UTC"


@pytest.mark.parametrize(
    "content",
    [
        *(
            "",
            "rubbish",
            "1804075200 0 39",
            "1804075200 0 0 0 0 38",
            "-97 0 0 0 0 0",
            "1 2 3 4 5 6",
            "0",
        ),
        "99999999999999 0 0 0 0 52",  # too much
        "1804075200 0 90000 0 0 23",  # trusted for too long
    ],
)
def test_a_damaged_file_is_no_floor(play, content):
    played = play(
        FLOOR
        + f"""
with open(rtc.FILE, "w") as file:
    file.write({content!r})
print("floor=" + rtc.text(rtc.floor()))
rtc.set(rtc.unix(2027, 1, 1))
print("written=" + written())
"""
    )
    assert played.value("floor") == "2024-01-01 00:00 UTC"
    assert played.value("written").split()[1] == "1798761600"


def test_the_firmware_is_not_used_for_more_than_20_years(play):
    played = play(
        """
from ppp_sim800 import rtc
import machine
print("last=%s" % rtc.set(rtc.unix(2043, 12, 31)))
print("after=%s,%d" % (rtc.set(rtc.unix(2044, 1, 1)), time.gmtime()[0]))
machine.RTC().datetime((2046, 2, 7, 0, 6, 28, 15, 0))
print("set=%s,%s" % (rtc.is_set(), rtc.is_fresh()))
"""
    )
    assert played.value("last") == "True"
    assert played.value("after") == "False,2043"
    assert played.value("set") == "False,False"


def test_no_time_is_believed_beyond_the_end_of_a_certificate_that_was_good(play):
    played = play(
        FLOOR
        + """
begins, ends = rtc.unix(2026, 10, 1), rtc.unix(2027, 1, 1)
rtc.set(rtc.unix(2026, 11, 1))
rtc.confirm(begins, ends)
print("beyond=%s" % rtc.set(ends + 86400))
print("before=%s" % rtc.set(begins - 86400))
rtc.set(rtc.unix(2026, 12, 31))
print("later=%s,%s" % (rtc.set(ends + 61 * 86400), rtc.set(ends + 59 * 86400)))
rtc.confirm(begins, ends)
rtc.confirm(begins, 0)  # for ever
print("ever=%s" % rtc.set(rtc.unix(2035, 1, 1)))
rtc.set(rtc.unix(2026, 11, 1))
rtc.confirm(begins, ends)
rtc.doubt()
print("doubted=%s" % rtc.set(ends + 86400))
"""
    )
    assert played.value("beyond") == played.value("before") == "False"
    assert played.value("later") == "False,True"  # 60 days have passed since
    assert played.value("ever") == played.value("doubted") == "True"


@pytest.mark.parametrize("cause", ["machine.reset()", "machine.deepsleep(1000)"])
def test_a_doubt_outlives_a_reset(play, cause):
    """Else a board that sleeps between uploads would begin with the wrong clock each time."""
    played = play(
        FLOOR
        + f"""
import machine
if machine.reset_cause() == machine.PWRON_RESET:
    rtc.set(rtc.unix(2036, 5, 1), 86400)
    print("before=%s" % rtc.is_fresh())
    rtc.doubt()
    {cause}
print("after=%s,%s" % (rtc.is_set(), rtc.is_fresh()))
rtc.set(rtc.unix(2026, 12, 1), 86400)
print("settled=%s" % rtc.is_fresh())
rtc.doubt()
print("again=%s" % rtc.is_fresh())
"""
    )
    assert played.value("before") == "True"
    assert played.value("after") == "True,False"
    assert played.value("settled") == "True"
    assert played.value("again") == "True"  # for a while it is certain


def test_doubts_in_vain_are_further_apart_each_time(play):
    """And soon again where one was right: the source may have been wrong as well."""
    played = play(
        FLOOR
        + """
import machine
def put(seconds):
    t = time.gmtime(seconds - rtc.unix(*time.gmtime(0)[:6]))
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))

def until_doubtful():
    at = rtc.now()
    waited = 0
    while rtc.is_fresh():
        waited += 10
        put(at + waited)
        rtc.doubt()
    return waited

start = rtc.unix(2026, 12, 1)
rtc.set(start, 86400)
rtc.doubt()
pauses = []
for i in range(10):
    rtc.set(rtc.now(), 86400)
    pauses.append(until_doubtful())
print("pauses=%s" % pauses)
rtc.set(rtc.now() + 5000, 86400)
print("then=%d" % until_doubtful())
"""
    )
    assert eval(played.value("pauses")) == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
    assert played.value("then") == "30"


def test_drift_does_not_grow_awake(play):
    """A clock that loses 50 ppm and is set each day; one that is a second off and looked at each hour."""
    played = play(
        FLOOR
        + """
import machine
def put(seconds):
    t = time.gmtime(seconds - rtc.unix(*time.gmtime(0)[:6]))
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))

start = rtc.unix(2026, 12, 1)
rtc.set(start, 86400)
for day in range(1, 61):
    put(start + day * 86400 - 4)
    rtc.set(start + day * 86400, 86400)
print("drift=%d" % rtc._drift)
for hour in range(1, 241):
    put(start + 60 * 86400 + hour * 3600 - 1)
    rtc.set(start + 60 * 86400 + hour * 3600, 86400)
print("still=%d" % rtc._drift)
"""
    )
    assert 40 <= int(played.value("drift")) <= 60
    assert played.value("still") == played.value("drift")


def test_drift_is_measured_and_made_good_after_deep_sleep(play):
    """A chip whose clock loses a hundredth while it sleeps: first a day, then an hour each time."""
    played = play(
        FLOOR
        + """
import machine
phase = len([name for name in os.listdir() if name.startswith("phase")])
open("phase%d" % phase, "w").close()
start = rtc.unix(2027, 1, 1)

def put(seconds):
    t = time.gmtime(seconds - rtc.unix(*time.gmtime(0)[:6]))
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))

if phase == 0:
    rtc.set(start, 86400)
elif phase == 1:
    put(start + 85536)
    print("lost=%d" % (start + 86400 - rtc.now()))
    rtc.set(start + 86400, 86400)
else:
    put(start + 86400 + 3600 * (phase - 1) - 36)
    print("set%d=%s" % (phase, rtc.is_set()))
    print("off%d=%d" % (phase, rtc.now() - start - 86400 - 3600 * (phase - 1)))
if phase < 4:
    machine.deepsleep(1000)
print("trusted=%s" % rtc.is_fresh())
""",
        speed=5.0,
    )
    assert played.value("lost") in ("863", "864")
    for phase in (2, 3, 4):
        assert abs(int(played.value(f"off{phase}"))) <= 3
    assert (
        played.value("trusted") == "True"
    )  # by the source, three hours ago: a correction is none


# connect() and the clock

WRONG = """
from ppp_sim800 import rtc
nic = ppp_sim800.PPP("internet", multiplex={multiplex})
nic.connect()
print("first=%d" % rtc.now())
nic.disconnect()
rtc.set(rtc.now() + {off})
nic.connect()
print("second=%d" % rtc.now())
"""


@pytest.mark.parametrize("multiplex", [True, False])
@pytest.mark.parametrize("off", [400_000_000, 3600, -3600])
def test_a_wrong_clock_is_corrected_by_the_networks_time(play, multiplex, off):
    played = play(WRONG.format(multiplex=multiplex, off=off))
    assert close(played.value("first"), time.time())
    assert close(played.value("second"), time.time())
    assert not played.journal.seen("dns")  # nobody else was asked


def test_where_the_network_tells_no_time_ntp_is_asked_once_a_day(play):
    played = play(
        """
from ppp_sim800 import dns, rtc
import machine
nic = ppp_sim800.PPP("internet")

def again(name, off):
    # The clock goes wrong by itself: no source has told it so.
    t = time.gmtime(time.time() + off)
    machine.RTC().datetime((t[0], t[1], t[2], 0, t[3], t[4], t[5], 0))
    dns._known.clear()  # so that each question to a time server begins with one for its name
    nic.connect()
    print("%s=%d" % (name, rtc.now()))
    nic.disconnect()

again("unset", 0)
again("hour", 3600)
again("two_days", 2 * 86400)
again("behind", -86400)
""",
        radio=Radio(nitz=False),
    )
    now = time.time()
    assert close(played.value("unset"), now)
    assert close(played.value("hour"), now + 3600)  # not worth a question
    assert close(played.value("two_days"), now)
    assert close(played.value("behind"), now)
    assert len(played.journal.seen("dns")) == 6  # two servers each time: the clock is wrong


def test_a_source_of_time_that_is_silent_holds_nobody_up(play):
    """Neither a watchdog of 5 s, nor the link, nor other tasks of asyncio."""
    played = play(
        """
import asyncio, machine
from ppp_sim800 import aio
do("dns dead=4")

async def main():
    nic = aio.PPP("internet")
    longest = 0
    async def tick():
        nonlocal longest
        while True:
            start = time.ticks_ms()
            await asyncio.sleep_ms(10)
            longest = max(longest, time.ticks_diff(time.ticks_ms(), start))
    ticking = asyncio.create_task(tick())
    wdt = machine.WDT(timeout=5000)
    await nic.ensure(wdt=wdt)
    print("status=" + nic.status())
    print("longest=%d" % longest)

asyncio.run(main())
""",
        radio=Radio(nitz=False),
    )
    assert played.value("status") == "up"
    assert int(played.value("longest")) < 1000
    assert not played.journal.seen("board", "reset wdt")


def test_ntptime(play):
    """Scripts that know micropython-lib's name for it."""
    played = play(
        UP
        + """
import machine, ntptime
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
ntptime.settime()
print("set=%d" % rtc.now())
print("time=%d" % (ntptime.time() - time.time()))
ntptime.host = "oldntp.example"
timed("old", ntptime.settime)
"""
    )
    assert close(played.value("set"), time.time())
    assert abs(int(played.value("time"))) <= 2
    assert played.value("old").startswith("NoTime: no time from oldntp.example: it says 2004")
