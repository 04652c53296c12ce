"""Voice calls: dialled, taken, ended, their keys; against the simulated SIM800 and other people's phones."""

import pytest
from sim800.scenario import Phone
from test_modem import READY

NUMBER = "+491709876543"

CALLS = (
    READY
    + f"""
calls = modem.calls
NUMBER = "{NUMBER}"

def await_event(name):
    while True:
        event = nic.event(30000)
        if event is None or event.name == name:
            return event and event.detail
"""
)


def heard(played):
    return "".join(entry.fields["digits"] for entry in played.journal.seen("call", "tones"))


def test_a_call_is_answered_and_ended(play):
    played = play(
        CALLS
        + """
show("before", calls.state)
show("dial", calls.dial, NUMBER)
show("during", calls.list)
timed("second", calls.dial, "12345")
show("keys", calls.send_keys, "12#A")
show("hang_up", calls.hang_up)
show("after", calls.state)
show("again", calls.hang_up)
show("event", nic.event)
"""
    )
    assert played.value("before") == "'idle'"
    assert played.value("dial") == "None"
    assert played.value("during") == f"[Call(state='active', number='{NUMBER}', incoming=False)]"
    assert played.value("second").startswith("CallError: the call cannot be made (+CME ERROR: 3)")
    assert played.value("keys") == "None"
    assert played.value("after") == "'idle'"
    assert played.value("again") == "None"
    assert heard(played) == "12#A"
    assert "call ended" not in played.value("event")


@pytest.mark.parametrize(
    ("phone", "timeout", "reason", "words"),
    [
        (Phone(busy=True), 60000, "BUSY", "the number is busy: try again later"),
        (Phone(reachable=False), 60000, "NO CARRIER", "the call was refused or ended"),
        (Phone(answers=None), 60000, "NO ANSWER", "nobody answers"),
        (Phone(answers=None), 10000, None, "nobody answered in the given time"),
    ],
)
def test_a_call_nobody_takes(play, phone, timeout, reason, words):
    played = play(
        CALLS
        + f"""
try:
    calls.dial(NUMBER, {timeout})
except ppp_sim800.CallError as error:
    print("error=%r %s" % (error.reason, error))
show("after", calls.state)
for _ in range(10):
    event = nic.event()
    if event and event.name == "call ended":
        print("ended=again")
""",
        phones={NUMBER: phone},
    )
    assert played.value("error").startswith(f"{reason!r} {words}")
    assert played.value("after") == "'idle'"
    assert "ended=again" not in played.lines  # the error told it


def test_how_a_call_goes_without_waiting(play):
    played = play(
        CALLS
        + """
calls.dial(NUMBER, timeout=0)
states = []
start = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), start) < 30000:
    state = calls.state()
    if not states or states[-1] != state:
        states.append(state)
    if state == "idle":
        break
    time.sleep_ms(200)
print("states=%r" % states)
show("ended", await_event, "call ended")
""",
        phones={NUMBER: Phone(talks=3.0)},
    )
    assert played.value("states") == "['dialling', 'ringing', 'active', 'idle']"
    assert played.value("ended") == "'NO CARRIER'"


def test_an_incoming_call(play):
    played = play(
        CALLS
        + f"""
calls.hear_keys()
do("ring number={NUMBER}")
show("ring", await_event, "ring")
show("caller", await_event, "caller")
show("incoming", calls.list)
show("answer", calls.answer)
show("state", calls.state)
do("tone_heard key=5")
show("key", await_event, "dtmf")
do("tone_heard key=#")
show("key", await_event, "dtmf")
calls.hear_keys(False)
do("tone_heard key=6")
do("call_ended")
show("ended", await_event, "call ended")
show("after", calls.state)
"""
    )
    assert played.value("caller") == f"'{NUMBER}'"
    assert played.value("incoming") == (
        f"[Call(state='incoming', number='{NUMBER}', incoming=True)]"
    )
    assert played.value("answer") == "None"
    assert played.value("state") == "'active'"
    assert [line for line in played.lines if line.startswith("key=")] == ["key='5'", "key='#'"]
    assert played.value("ended") == "'NO CARRIER'"
    assert played.value("after") == "'idle'"


def test_a_withheld_number_is_turned_away(play):
    played = play(
        CALLS
        + """
do("ring number=''")
show("caller", await_event, "caller")
show("refused", calls.hang_up)
show("after", calls.state)
show("answer", calls.answer)
"""
    )
    assert played.value("caller") == "''"
    assert played.value("after") == "'idle'"
    assert played.value("answer") == (
        "CallError: there is no call to answer: the caller may have given up"
    )


def test_bad_arguments_and_wrong_moments(play):
    played = play(
        CALLS
        + """
for number in ("", "0170-12", 110, None, "+"):
    timed("bad", calls.dial, number)
for keys in ("", "E", "1 2", 12, "a"):
    timed("bad", calls.send_keys, keys)
timed("bad", calls.dial, NUMBER, None)
timed("keys", calls.send_keys, "1")
do("registration_lost")
timed("dial", calls.dial, NUMBER)
"""
    )
    bad = [line for line in played.lines if line.startswith("bad=")]
    assert len(bad) == 11 and all(line.startswith("bad=ConfigError: ") for line in bad)
    assert played.value("keys") == "CallError: the key 1 was not sent: is a call active?"
    assert played.value("dial").startswith("CallError: the call cannot be made (")


def test_the_modem_restarts_during_a_call(play):
    played = play(
        CALLS
        + """
import asyncio

async def restart():
    await asyncio.sleep(4)
    do("modem_reset")

async def main():
    task = asyncio.create_task(restart())
    try:
        await nic.aio.modem.calls.dial(NUMBER)
    except ppp_sim800.SIM800Error as error:
        print("dial=" + type(error).__name__)
    await task

asyncio.run(main())
""",
        phones={NUMBER: Phone(answers=None)},
    )
    assert played.value("dial") in ("ModemRestarted", "ATTimeout")


def test_to_await(play):
    """One task dials, another ends it; a cancelled one ends its call."""
    played = play(
        CALLS
        + """
import asyncio

async def main():
    line = nic.aio.modem.calls
    task = asyncio.create_task(line.dial(NUMBER))
    while await line.state() != "ringing":
        await asyncio.sleep_ms(200)
    await line.hang_up()
    try:
        await task
    except ppp_sim800.CallError as error:
        print("hung_up=%s" % error.reason)
    task = asyncio.create_task(line.dial(NUMBER))
    while await line.state() != "ringing":
        await asyncio.sleep_ms(200)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled=yes")
    print("state=" + await line.state())
    print("list=%r" % await line.list())
    await line.hear_keys()
    try:
        await line.answer()
    except ppp_sim800.CallError:
        print("answer=no")
    await line.dial("12345")
    await line.send_keys("7")
    print("active=" + await line.state())

asyncio.run(main())
""",
        phones={NUMBER: Phone(answers=None)},
    )
    assert played.value("hung_up") == "NO CARRIER"
    assert played.value("cancelled") == "yes"
    assert played.value("state") == "idle"
    assert played.value("list") == "[]"
    assert played.value("answer") == "no"
    assert played.value("active") == "active"
    assert heard(played) == "7"
