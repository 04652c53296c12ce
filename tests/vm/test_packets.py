"""Networks that drop large packets without a word: found out, measured, remembered, and what that costs."""

import json
import time

import pytest
from sim800.scenario import APN, Radio
from tls_board import TELL, UP

pytestmark = pytest.mark.real_time

STATE = """
import os, socket
FILE = "ppp_sim800.mtu"

def state(name):
    stats = nic.stats()
    print("%s=%s,%s,%s" % (name, nic.ipconfig("mtu"), stats.probes, stats.probe_bytes))

def kept():
    # What is in flash: MTU and access point of each line.
    try:
        with open(FILE) as file:
            return " ".join(["/".join(line.split()[::3]) for line in file.read().split("\\n") if line])
    except OSError:
        return ""

def give_up(seconds=10):
    # A connection over which nothing comes for long.
    s = socket.socket()
    s.connect(("203.0.113.11", 80))
    time.sleep(seconds)
    s.close()
    time.sleep(1)
"""
ONLINE = TELL + STATE + 'nic = ppp_sim800.PPP("internet")\nnic.connect()\n'
ENSURE = 'timed("ensure", nic.ensure)\n'
VANISH = 'do("packets_over_vanish size={} way={}")\n'
STALLED = "timeout|telemetry.example stopped answering in the TLS handshake: try again"


def https(name):
    return f'tell("{name}", get, "telemetry.example")\n'


def state(played, name):
    """(MTU, questions, bytes that they took)"""
    return tuple(map(int, played.value(name).split(",")))


def record(mtu, day, apn=b"internet"):
    """What is in flash of an access point."""
    check = (mtu + int(day) + sum(apn)) % 97
    return b"%d %d %d %s\n" % (mtu, day, check, apn)


# Noticed


@pytest.mark.parametrize(
    ("size", "way", "mtu"),
    [
        (1400, "both", 1400),
        (1450, "down", 1400),
        (1399, "down", 1280),
        (1100, "down", 1024),
        (600, "both", 576),
    ],
)
def test_large_packets_that_vanish(board, size, way, mtu):
    """The first handshake fails, ensure() finds out why, and the next one is done."""
    played = board(
        UP
        + STATE
        + VANISH.format(size, way)
        + https("first")
        + 'state("before")\n'
        + ENSURE
        + 'state("after")\n'
        + https("second")
        + 'print("kept=" + kept())\n'
    )
    assert played.value("first") == STALLED
    assert state(played, "before") == (1500, 0, 0)
    assert (played.value("ensure"), played.value("second")) == ("ok", "ok|200")
    assert int(played.value("ensure_ms")) < 30000
    assert state(played, "after")[:2] == (mtu, 1)
    assert state(played, "after")[2] < 16000
    assert played.value("kept") == f"{mtu}/internet"


def test_a_link_that_was_good_until_now(board):
    """Large packets have come over it, so the first failure says nothing; the second does."""
    played = board(
        UP
        + STATE
        + 'print("good=%d" % len(requests.get("http://plain.example/bytes/5000").content))\n'
        + VANISH.format(1400, "both")
        + "".join(
            https(name) + ENSURE + f'state("{name} state")\n' for name in ("first", "second")
        )
        + https("then")
    )
    assert (played.value("good"), played.value("then")) == ("5000", "ok|200")
    assert (played.value("first"), played.value("second")) == (STALLED, STALLED)
    assert state(played, "first state") == (1500, 0, 0)
    assert state(played, "second state")[:2] == (1400, 1)


@pytest.mark.parametrize(("size", "mtu"), [(0, 1500), (1400, 1400)])
def test_a_round_trip_of_5_s_is_no_black_hole(play, size, mtu):
    played = play(
        ONLINE
        + VANISH.format(size, "both")
        + 'do("air rtt=5")\ngive_up(20)\n'
        + ENSURE
        + 'state("after")\n',
        timeout=90,
    )
    assert state(played, "after")[:2] == (mtu, 1)
    assert int(played.value("ensure_ms")) < 31000


UPLOAD = (
    TELL
    + STATE
    + """
import asyncio
nic = ppp_sim800.aio.PPP("internet")

async def post():
    reader, writer = await asyncio.open_connection("203.0.113.11", 80)
    body = bytes(range(256)) * 80
    writer.write(b"POST /upload HTTP/1.1\\r\\nHost: plain.example\\r\\nConnection: close\\r\\n")
    writer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body))
    await writer.drain()
    do("packets_over_vanish size={} way=up")
    writer.write(body)
    await writer.drain()
    answer = await reader.read()
    print("answer=" + answer.decode().split("\\r\\n\\r\\n")[1])

async def main():
    {}
    await nic.connect()
    async with nic.kept_up():
        await asyncio.wait_for(post(), 240)
        state("after")

asyncio.run(main())
print("kept=" + kept())
"""
)


@pytest.mark.parametrize(
    ("size", "fault", "mtu", "kept"),
    [
        (1400, "pass", 1400, "1400/internet"),
        (700, "pass", 576, "576/internet"),
        (700, "do('ping on=0')", 576, ""),
    ],
)
def test_an_upload_goes_on_over_its_connection(play, size, fault, mtu, kept):
    """What it had agreed on is sent in fragments. Where no echo is answered it takes longer."""
    played = play(UPLOAD.format(size, fault), timeout=120)
    assert json.loads(played.value("answer"))["length"] == 20480
    assert state(played, "after")[0] == mtu
    assert played.value("kept") == kept


@pytest.mark.parametrize("fault", ["ping on=0", "ping cut=64"])
def test_where_no_echo_is_answered(board, fault):
    """The second handshake in vain lowers it, to what has come for sure, and for this link alone. (passt sends small
    packets of the first connection again in the time of the second, so that may look like an answer once.)"""
    played = board(
        UP
        + STATE
        + f'do("{fault}")\n'
        + VANISH.format(1400, "both")
        + """
tries = 0
while nic.ipconfig("mtu") == 1500 and tries < 5:
    tell("try", get, "telemetry.example")
    nic.ensure()
    tries += 1
print("tries=%d" % tries)
state("lowered")
"""
        + https("then")
        + ENSURE
        + 'state("after")\nnic.disconnect()\nnic.connect()\nstate("anew")\nprint("kept=" + kept())\n',
        timeout=90,
    )
    mtu, probes, _ = state(played, "lowered")
    assert 576 <= mtu <= 1400 and probes == 2
    assert 2 <= int(played.value("tries")) < 5
    assert played.value("try") == STALLED
    assert played.value("then") == "ok|200"
    assert state(played, "after") == state(played, "lowered")
    assert state(played, "anew")[0] == 1500
    assert played.value("kept") == ""


# Not noticed where there is nothing to notice


def test_a_good_path_costs_nothing(board):
    """Somebody gives up, but large packets have come."""
    played = board(UP + STATE + https("first") + "give_up()\n" + ENSURE + 'state("after")\n')
    assert played.value("first") == "ok|200"
    assert state(played, "after") == (1500, 0, 0)


def test_a_path_of_which_nothing_is_known_is_measured_once(play):
    """Only small packets have come, and somebody gives up, for reasons of its own."""
    played = play(
        ONLINE
        + "give_up()\n"
        + ENSURE
        + 'state("once")\ngive_up()\n'
        + ENSURE
        + 'state("twice")\nnic.disconnect()\nnic.connect()\ngive_up()\n'
        + ENSURE
        + 'state("anew")\nprint("kept=" + kept())\n'
    )
    assert state(played, "once")[:2] == (1500, 1)
    # A machine that is busy answers late: then it is asked a second time.
    assert state(played, "once")[2] in (2 * 60 + 2 * 1480, 2 * 60 + 3 * 1480)
    assert state(played, "twice") == state(played, "once")
    assert state(played, "anew") == state(played, "once")  # within the hour
    assert played.value("kept") == ""


def test_a_network_that_is_dead_is_not_measured(play):
    """The link is lost, as ever, and comes up as it was."""
    played = play(
        ONLINE
        + """
s = socket.socket()
s.connect(("203.0.113.11", 80))
do("bearer_silent")
s.write(b"GET /")
time.sleep(12)
s.close()
timed("ensure", nic.ensure)
state("after")
""",
        timeout=90,
    )
    assert played.value("ensure") == "ok"
    assert state(played, "after")[0] == 1500


# Remembered

LEARN = VANISH.format(1400, "both") + "give_up()\n" + ENSURE + 'state("learnt")\n'


def test_it_is_remembered_over_a_reset_and_for_this_access_point(play):
    played = play(
        """
import machine
if machine.reset_cause() == machine.PWRON_RESET:
"""
        + "".join(f"    {line}\n" for line in (ONLINE + LEARN).splitlines())
        + "    machine.reset()\n"
        + ONLINE
        + 'state("reset")\nnic.disconnect()\nnic.connect("other")\nstate("other")\n'
        + 'nic.disconnect()\nnic.connect("internet")\nstate("back")\nprint("kept=" + kept())\n',
        timeout=90,
        radio=Radio(apns={"internet": APN(), "other": APN()}),
    )
    assert state(played, "learnt")[:2] == (1400, 1)
    assert [state(played, name)[:2] for name in ("reset", "other", "back")] == [
        (1400, 1),
        (1500, 1),
        (1400, 1),
    ]
    assert played.value("kept") == "1400/internet"


def test_it_outlives_the_loss_of_power(play):
    """Only flash is left: another world, with the file that the first has written."""
    played = play(ONLINE + LEARN + 'print("file=%s" % open(FILE, "rb").read().hex())\n')
    file = bytes.fromhex(played.value("file"))
    show = ONLINE + 'state("mtu")\n'
    assert state(play(show, files={"ppp_sim800.mtu": file}), "mtu") == (1400, 0, 0)
    # Cut short while it was written, or damaged
    for bad in (b"", file[:-5], file.replace(b"1400", b"1401"), b"\xff" * 64, b"1 2\n" * 300):
        assert state(play(show, files={"ppp_sim800.mtu": bad}), "mtu") == (1500, 0, 0)
    played = play(
        ONLINE + LEARN + 'print("kept=" + kept())\n',
        files={"ppp_sim800.mtu": record(1280, 20000, b"other")},
    )
    assert played.value("kept") == "1280/other 1400/internet"


@pytest.mark.parametrize(
    ("days", "size", "probes", "mtu", "kept"),
    [
        (29, 0, 0, 1280, "1280/internet"),
        (31, 0, 1, 1500, ""),
        (31, 1400, 1, 1400, "1400/internet"),
        (31, 1300, 1, 1280, "1280/internet"),
    ],
)
def test_it_is_measured_again_after_a_month(play, days, size, probes, mtu, kept):
    """By the next ensure(): 3 kB where it is better by now."""
    played = play(
        ONLINE
        + VANISH.format(size, "both")
        + 'state("before")\n'
        + ENSURE
        + 'state("after")\n'
        + ENSURE
        + 'state("again")\nprint("kept=" + kept())\nprint("days=" + open(FILE).read())\n',
        files={"ppp_sim800.mtu": record(1280, time.time() // 86400 - days)},
    )
    assert state(played, "before") == (1280, 0, 0)
    assert state(played, "after")[:2] == (mtu, probes)
    assert state(played, "again") == state(played, "after")
    assert played.value("kept") == kept


def test_it_is_kept_after_a_month_where_nobody_answers_any_more(play):
    played = play(
        ONLINE + 'do("ping on=0")\n' + ENSURE + 'state("after")\n' + ENSURE + 'state("again")\n',
        files={"ppp_sim800.mtu": record(1280, 20000)},
    )
    assert state(played, "after") == (1280, 1, 4 * 60)
    # The silence has the name server asked, as ever, and nobody more.
    assert state(played, "again") in ((1280, 1, 4 * 60), (1280, 2, 4 * 60 + 110))


# Set by hand


def test_the_setting(play):
    played = play(
        ONLINE
        + """
print("default=%s" % nic.config("mtu"))
for wrong in (575, 1501, 0, -1, 1400.0, "1400", True):
    tell("wrong", lambda: nic.config(mtu=wrong))
nic.config(mtu=1280)
state("at once")
nic.disconnect()
nic.connect()
state("next")
nic.config(mtu=1500)
state("larger")
nic.config(mtu=576)
nic.config(mtu=None)
state("none")
print("set=%s" % nic.config("mtu"))
nic.disconnect()
nic.config(mtu=1400)
tell("down", nic.ipconfig, "mtu")
nic.connect()
state("then")
"""
        + VANISH.format(1000, "both")
        + "give_up()\n"
        + ENSURE
        + 'state("obeyed")\n'
    )
    assert (played.value("default"), played.value("set")) == ("None", "None")
    wrong = [line for line in played.lines if line.startswith("wrong=")]
    assert len(wrong) == 7
    assert all(
        "ConfigError|mtu must be 576 to 1500 bytes, or None, not " in line for line in wrong
    )
    names = ("at once", "next", "larger", "none", "then")
    assert [state(played, name)[0] for name in names] == [1280, 1280, 1500, 1500, 1400]
    assert played.value("down").startswith("NoCarrier|")
    assert state(played, "obeyed") == (1400, 0, 0)


def test_servers_are_asked_for_smaller_segments(board):
    """No packet of a download is larger than that, nor of an upload."""
    played = board(
        UP
        + STATE
        + """
nic.config(mtu=1000)
do("packets_over_vanish size=1000")
reply = requests.post("http://plain.example/post", data=b"a" * 5000)
print("length=%d" % len(reply.json()["data"]))
"""
        + https("https")
        + 'print("largest=%d,%d" % nic.link.ppp.config("packets")[:2])\n'
    )
    assert played.value("length") == "5000"
    assert played.value("https") == "ok|200"
    assert played.value("largest") == "1000,1000"
