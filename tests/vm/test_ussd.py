"""USSD: codes, menus, and what the network says by itself; against the simulated SIM800."""

from sim800.scenario import USSD
from test_modem import READY

MENU = USSD(
    "1 Balance\n2 Other",
    replies={"1": USSD('You have "5 €"\nOK\nRING'), "2": USSD("Введите", replies={})},
)


def test_answers_of_all_alphabets(play):
    played = play(
        READY
        + """
show("plain", modem.ussd, "*100#")
show("accents", modem.ussd, "*101#")
print("cyrillic=" + modem.ussd("*102#"))
print("faces=" + modem.ussd("*103#"))
show("hex", modem.ussd, "*104#")
show("operator", modem.radio.operator)
""",
        ussd={
            "*100#": USSD("Balance: 4.20"),
            "*101#": USSD("Votre crédit s'élève à 3€"),
            "*102#": USSD("Баланс: 100 р."),
            "*103#": USSD("🐝"),
            "*104#": USSD("0041"),
        },
    )
    assert played.value("plain") == "'Balance: 4.20'"
    assert eval(played.value("accents")) == "Votre crédit s'élève à 3€"
    assert played.value("cyrillic") == "Баланс: 100 р."
    assert played.value("faces") == "🐝"
    assert played.value("hex") == "'0041'"
    assert played.value("operator") == "'Telekom.de'"  # and not in hex


def test_a_menu(play):
    played = play(
        READY
        + """
show("menu", modem.ussd, "*123#")
show("choice", modem.ussd, "1")
show("events", nic.event)
modem.ussd("*123#")
show("end", modem.ussd, None)
show("too_late", modem.ussd, "1")
""",
        ussd={"*123#": MENU},
    )
    assert eval(played.value("menu")) == "1 Balance\n2 Other"
    assert eval(played.value("choice")) == 'You have "5 €"\nOK\nRING'
    assert "ring" not in played.value("events")
    assert played.value("end") == "''"
    assert played.value("too_late") == "USSDError: the network does not know 1: check the code"


def test_what_goes_wrong(play):
    played = play(
        READY
        + """
for code in ("", "x" * 161, 100, b"*100#"):
    timed("bad", modem.ussd, code)
timed("unknown", modem.ussd, "*999#")
timed("silent", modem.ussd, "*100#", timeout=3000)
timed("after", modem.ussd, "*101#")
do("registration_lost")
timed("lost", modem.ussd, "*101#")
show("operator", modem.radio.operator)
""",
        ussd={"*100#": USSD("late", after=20.0), "*101#": USSD("soon")},
    )
    bad = [line for line in played.lines if line.startswith("bad=")]
    assert len(bad) == 4 and all(line.startswith("bad=ConfigError: a USSD code") for line in bad)
    assert played.value("unknown") == "USSDError: the network does not know *999#: check the code"
    assert played.value("silent").startswith(
        "USSDError: the network did not answer *100# within 3 s"
    )
    assert played.value("after") == "ok"
    assert played.value("lost").startswith("USSDError: *101# was refused (+CME ERROR: ")


def test_what_the_network_says_by_itself(play):
    played = play(
        READY
        + """
def told():
    while True:
        event = nic.event(10000)
        if event is None or event.name == "ussd":
            return event and event.detail

do("ussd_received text='Top up soon'")
show("told", told)
do("ussd_received text='Баланс'")
print("cyrillic=" + told())
"""
    )
    assert played.value("told") == "'Top up soon'"
    assert played.value("cyrillic") == "Баланс"


def test_to_await_beside_other_commands(play):
    """What others ask for meanwhile is not given in USSD's alphabet."""
    played = play(
        READY
        + """
import asyncio

async def main():
    device = nic.aio.modem
    task = asyncio.create_task(device.ussd("*100#"))
    names = set()
    while not task.done():
        names.add(await device.radio.operator())
        await asyncio.sleep_ms(10)
    print("text=" + await task)
    print("names=%r" % names)
    task = asyncio.create_task(device.ussd("*101#"))
    await asyncio.sleep(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    print("operator=" + await device.radio.operator())
    print("again=" + await device.ussd("*100#"))

asyncio.run(main())
""",
        ussd={"*100#": USSD("ok"), "*101#": USSD("late", after=30.0)},
    )
    assert played.value("text") == "ok"
    assert played.value("names") == "{'Telekom.de'}"
    assert played.value("operator") == "Telekom.de"
    assert played.value("again") == "ok"


def test_the_modem_restarts_meanwhile(play):
    played = play(
        READY
        + """
import asyncio

async def restart():
    await asyncio.sleep(2)
    do("modem_reset")

async def main():
    task = asyncio.create_task(restart())
    try:
        await nic.aio.modem.ussd("*100#", 20000)
    except ppp_sim800.SIM800Error as error:
        print("ussd=" + type(error).__name__)
    await task

asyncio.run(main())
nic.active(False)
nic.active(True)
modem.sim.ready()
modem.radio.register()
show("operator", modem.radio.operator)
""",
        ussd={"*100#": USSD("late", after=60.0)},
    )
    assert played.value("ussd") in ("ModemRestarted", "USSDError")
    assert played.value("operator") == "'Telekom.de'"
