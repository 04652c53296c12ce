"""GSM location on the simulated SIM800."""

import pytest
from sim800.scenario import Event, Modem, Radio

SHOW = """
nic = ppp_sim800.PPP("internet")
nic.active(True)
def show(name, call, *args):
    try:
        print("%s=%r" % (name, call(*args)))
    except ppp_sim800.SIM800Error as error:
        print("%s=%s: %s" % (name, type(error).__name__, error))
"""


@pytest.mark.parametrize("profile", ["R13.08", "R14.18"])
def test_location(play, profile):
    played = play(
        SHOW
        + """
where = nic.modem.location()
print("lon=%.6f" % where.lon)
print("lat=%.6f" % where.lat)
print("time=%r" % (where.time,))
""",
        modem=Modem(profile=profile),
        radio=Radio(position=(-58.381592, -34.603722)),
        utc="2027-02-28T23:58:30",
    )
    assert played.value("lon") == "-58.381592"
    assert played.value("lat") == "-34.603722"
    assert played.value("time").startswith(("(2027, 2, 28, 23, 5", "(2027, 3, 1, 0, 0"))


def test_cells_not_known(play):
    played = play(SHOW + 'show("where", nic.modem.location)', radio=Radio(position=None))
    assert (
        played.value("where")
        == "LocationError: no location (404): the server does not know the cells here"
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (408, "did not answer"),
        (601, "network failed"),
        (602, "memory"),
        (603, "name"),
        (604, "busy"),
    ],
)
def test_code(play, code, words):
    played = play(
        SHOW
        + """
try:
    nic.modem.location()
except ppp_sim800.LocationError as error:
    print("code=%d" % error.code)
    print("words=%s" % error)
show("again", lambda: nic.modem.location().lat)
""",
        events=(Event("location_ends", "registered", args={"code": code}),),
    )
    assert played.value("code") == str(code)
    assert words in played.value("words")
    assert played.value("again").startswith("52.52")


def test_not_while_online(play):
    played = play(SHOW + 'nic.connect()\nshow("where", nic.modem.location)')
    assert played.value("where").startswith("ConfigError: the link is up: disconnect()")


def test_to_await(play):
    played = play(
        """
import asyncio
from ppp_sim800 import aio

async def main():
    nic = aio.PPP("internet")
    await nic.active(True)
    where = await nic.modem.location(30000)
    print("lat=%.3f" % where.lat)

asyncio.run(main())
"""
    )
    assert played.value("lat") == "52.520"
