"""The machine's clock: NTP over PPP, and the floor below which no time is believed."""

import datetime
import re
import time

import pytest

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
        ("clientntp", "its answer is none of a server's"),
        ("oldntp", "it says 2004-11-09 11:33 UTC, which is past"),
        ("silentntp", "it did not answer"),
        ("forgedntp", "it did not answer"),  # it did, but not to the question
        ("nobody", "its name cannot be resolved"),
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
print("again=%s,%d" % (ntp.set_clock("silentntp.example"), time.gmtime()[0]))
"""
    )
    assert played.value("silent") == "False,2000"
    done, seconds = played.value("first").split(",")
    assert done == "True" and close(seconds, time.time())
    assert played.value("again") == "True,2030"


# The floor


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


def test_the_floor_is_remembered_at_most_once_a_day(play):
    played = play(
        FLOOR
        + """
day = rtc.unix(2027, 1, 1, 12)
for name, hours in (("first", 0), ("hour", 1), ("later", 23), ("day", 25), ("back", -48)):
    rtc.set(day + 3600 * hours)
    rtc.confirm()
    print(name + "=" + written())
"""
    )
    first, day = played.value("first"), played.value("day")
    assert datetime.datetime.fromtimestamp(int(first.split()[0]), datetime.UTC).day == 1
    assert played.value("hour") == played.value("later") == first
    assert int(day.split()[0]) - int(first.split()[0]) >= 86400
    assert played.value("back") == day


def test_the_floor_outlives_a_reset_without_power(play):
    played = play(
        FLOOR
        + """
import machine
if written() == "nothing":
    rtc.set(rtc.unix(2027, 3, 1, 12))
    rtc.confirm()
    machine.reset()
machine.RTC().datetime((2026, 12, 31, 0, 23, 59, 0, 0))
print("set=%s" % rtc.is_set())
print("floor=" + rtc.text(rtc.floor()))
"""
    )
    assert played.value("set") == "False"
    assert re.match(r"2027-03-01 12:0\d UTC", played.value("floor"))


@pytest.mark.parametrize("content", ["", "rubbish", "1804075200 0", "99999999999999 5", "1 2 3"])
def test_a_damaged_file_is_no_floor(play, content):
    played = play(
        FLOOR
        + f"""
with open(rtc.FILE, "w") as file:
    file.write({content!r})
print("floor=" + rtc.text(rtc.floor()))
rtc.set(rtc.unix(2027, 1, 1))
rtc.confirm()
print("written=" + written())
"""
    )
    assert played.value("floor") == "2024-01-01 00:00 UTC"
    assert played.value("written").startswith("1798761")
