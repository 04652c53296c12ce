"""Messages and events are not lost: whatever storage, whatever the moment, whatever else is said."""

import pytest
from sim800.scenario import SIM, Modem
from test_modem import READY
from test_sms import SMS

WARM = Modem(start="command")

# Takes what is told for so long, read and deleted.
TAKE = """
def take(seconds=6, delete=True):
    texts, others = [], []
    end = time.ticks_add(time.ticks_ms(), seconds * 1000)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        event = nic.event(500)
        if event and event.name == "sms":
            message = modem.sms.read(event.detail)
            texts.append(message.text if message.complete else "cut: " + message.text)
            if delete:
                modem.sms.delete(message)
        elif event:
            others.append(tuple(event))
    return texts, others
"""


# C1: whatever storage


def test_messages_in_the_modems_own_memory(play):
    played = play(
        SMS
        + """
modem.at('AT+CPMS="ME","ME","ME"')
do("sms_received text=one")
do("sms_received text='{}'")
do("sms_received text=three")
time.sleep(4)
indexes = events("sms", 3)
print("indexes=%r" % indexes)
print("texts=%r" % [len(sms.read(index).text) for index in indexes])
do("sms_received text='on the card'")
print("then=%r" % events("sms"))
print("list=%r" % [(m.indexes, m.complete) for m in sms.list()])
print("unread=%r" % sms.list(True))
sms.delete(indexes[0])
sms.delete(sms.read(indexes[1]))
print("left=%r" % [m.text for m in sms.list()])
sms.delete_all()
print("none=%r" % sms.list())
print("room=%r" % (sms.room(),))
""".format("y" * 200)
    )
    assert played.value("indexes") == "[257, 258, 260]"
    assert played.value("texts") == "[3, 200, 5]"
    assert played.value("then") == "[1]"
    assert played.value("list") == (
        "[((1,), True), ((257,), True), ((258, 259), True), ((260,), True)]"
    )
    assert played.value("unread") == "[]"
    assert played.value("left") == "['on the card', 'three']"
    assert played.value("none") == "[]"
    assert played.value("room") == "(0, 20)"


def test_messages_of_before_are_told(play):
    """While the modem was off or on its own, into whatever memory; those that have been read are not."""
    played = play(
        SMS
        + TAKE
        + """
do("sms_received text=read")
sms.read(events("sms")[0])
do("sms_received text=card")
time.sleep(2)
modem.at('AT+CPMS="ME","ME","ME"')
nic.active(False)
do("sms_received text=memory")
do("sms_received text='{}'")
time.sleep(3)
nic.connect()
texts, _ = take()
print("texts=%r" % [text[:6] for text in texts])
print("again=%r" % (take()[0],))
print("left=%r" % [m.text for m in sms.list()])
""".format("long" * 60),
        timeout=90,
    )
    assert played.value("texts") == "['card', 'memory', 'longlo']"
    assert played.value("again") == "[]"
    assert played.value("left") == "['read']"


def test_told_once_over_reconnects_and_again_after_a_restart_while_unread(play):
    played = play(
        SMS
        + """
do("sms_received text=one")
do("sms_received text=two")
print("told=%r" % events("sms", 3))
nic.connect()
nic.disconnect()
modem.reset()
nic.connect()
print("again=%r" % events("sms"))
nic = ppp_sim800.PPP("internet")  # as after a reset of the board
nic.connect()
print("anew=%r" % events("sms", 3))
nic.modem.sms.list()
nic = ppp_sim800.PPP("internet")
nic.connect()
print("read=%r" % events("sms"))
""",
        timeout=120,
    )
    assert played.value("told") == "[1, 2]"
    assert played.value("again") == "[]"
    assert played.value("anew") == "[1, 2]"
    assert played.value("read") == "[]"


def test_a_place_that_is_used_again(play):
    """The same words, in the same second, at the same place; and behind the package's back."""
    played = play(
        SMS
        + """
for n in range(3):
    do("sms_received text=same")
for n in range(3):
    print("told=%r" % events("sms"))
    sms.delete(1)
do("sms_received text=raw")
print("told=%r" % events("sms"))
modem.at("AT+CMGD=1")
do("sms_received text=other")
print("told=%r" % events("sms"))
""",
        sim=SIM(message_places=1),
    )
    assert [line for line in played.lines if line.startswith("told=")] == ["told=[1]"] * 5


def test_told_while_it_sleeps_and_after_it_has_restarted(play):
    """A script that only waits for messages."""
    played = play(
        """
nic = ppp_sim800.PPP("internet", baudrate=115200)
modem = nic.modem
nic.active(True)
modem.sim.ready()
modem.radio.register()

def text():
    while True:
        event = nic.event(10000)
        if event is None or event.name == "sms":
            message = modem.sms.read(event.detail)
            modem.sms.delete(message)
            return message.text

modem.sleep()
time.sleep_ms(8000)
do("sms_received text=asleep")
print("first=" + text())
do("modem_reset")
time.sleep(8)
do("sms_received text=restarted")
print("second=" + text())
""",
        modem=Modem(ipr=115200),
    )
    assert played.value("first") == "asleep"
    assert played.value("second") == "restarted"


# C2: a full card, long messages


def test_more_messages_than_the_card_has_places(play):
    played = play(
        SMS
        + TAKE
        + """
for n in range(24):
    do("sms_received text='{}'".format(n if n != 7 else "7" * 300))
time.sleep(12)
texts, others = take(20, delete=False)
print("told=%d" % len(texts))
print("full=%r" % [other for other in others if other[0] == "card full"])
print("room=%r" % (sms.room(),))
sms.delete_all()
texts += take(8)[0]
print("all=%s" % (sorted(texts) == sorted(str(n) if n != 7 else "7" * 300 for n in range(24))))
print("empty=%r" % (sms.room(),))
""",
        timeout=90,
    )
    assert played.value("told") == "19"  # one takes two places
    assert played.value("full") == "[('card full', 20)]"
    assert played.value("room") == "(20, 20)"
    assert played.value("all") == "True"
    assert played.value("empty") == "(0, 20)"


def test_a_full_card_is_told_at_each_look(play):
    played = play(
        SMS
        + TAKE
        + """
for n in range(6):
    do("sms_received text=%d" % n)
time.sleep(3)
print("first=%r" % (take(3, delete=False),))
nic.connect()
print("second=%r" % (take(3, delete=False),))
sms.delete(1)
print("third=%r" % (take(5, delete=False),))
""",
        sim=SIM(message_places=2),
    )
    for name, texts in (("first", ["0", "1"]), ("second", []), ("third", ["2"])):
        told, others = eval(played.value(name))
        assert told == texts
        assert others.count(("card full", 2)) == 1


@pytest.mark.parametrize("backwards", [0, 1])
def test_a_long_message_is_told_once_and_whole(play, backwards):
    played = play(
        SMS
        + TAKE
        + f"""
do("sms_received text='{"a" * 300 + "b" * 100}' backwards={backwards}")
do("sms_received text=short")
do("sms_received text='{"c" * 200}' without=2")
texts, _ = take(8)
print("texts=%r" % texts)
print("left=%r" % [m[:1] + m[5:] for m in sms.list()])
"""
    )
    assert eval(played.value("texts")) == ["a" * 300 + "b" * 100, "short"]
    (left,) = eval(played.value("left"))
    assert left[1] is False


def test_parts_that_come_far_apart(play):
    """The first one was read before the last one comes."""
    played = play(
        SMS
        + TAKE
        + f"""
do("sms_received text='{"a" * 153 + "b" * 153 + "c"}'")
time.sleep_ms(450)
print("first=%r" % nic.modem.at("AT+CMGR=1"))
texts, _ = take(8)
print("texts=%r" % texts)
""",
        speed=4,
    )
    assert "+CMGR: 0" in played.value("first")
    assert eval(played.value("texts")) == ["a" * 153 + "b" * 153 + "c"]


# C3: while the package gets in step


@pytest.mark.parametrize("multiplex", [True, False])
def test_none_is_lost_while_connecting(play, multiplex):
    played = play(
        f"nic = ppp_sim800.PPP('internet', multiplex={multiplex})\nmodem = nic.modem\n"
        + TAKE
        + """
told = []
for n in range(24):
    do("later %.2f sms_received text=%d" % (n * 0.12, n))
    nic.connect()
    nic.disconnect()
    told += take(4)[0]
told += take(4)[0]
print("told=%r" % told)
""",
        modem=WARM,
        timeout=120,
        speed=15,
    )
    assert eval(played.value("told")) == [str(n) for n in range(24)]


@pytest.mark.parametrize("fault", ["no_carrier", "modem_reset", "cmux_cld", "carrier_lost"])
def test_none_is_lost_in_a_recovery(play, fault):
    played = play(
        "nic = ppp_sim800.PPP('internet')\nmodem = nic.modem\n"
        + TAKE
        + f"""
nic.config(hour_budget=10_000_000, day_budget=100_000_000, fresh=1)
told = []
nic.connect()
for n in range(10):
    do("later %.2f sms_received text=%d" % (n * 0.4, n))
    do("{fault}")
    while nic.stats().connects < n + 2:
        nic.ensure()
        time.sleep_ms(100)
    told += take(5)[0]
print("told=%r" % told)
""",
        timeout=120,
        speed=15,
    )
    assert eval(played.value("told")) == [str(n) for n in range(10)]


def test_other_news_while_the_channel_gets_in_step(play):
    """As it does behind a command that was cut short: nothing that is said meanwhile is thrown away."""
    played = play(
        READY
        + """
import asyncio

async def main():
    device = nic.aio.modem
    await device.sim.ready()
    told = []
    for n in range(6):
        do("late_answers seconds=1")
        task = asyncio.create_task(device.at("AT+CSQ"))
        await asyncio.sleep_ms(100)
        task.cancel()
        do("late_answers seconds=0")
        do("later %.2f ussd_received text=%d" % (n * 0.02, n))
        await device.imei()
        for _ in range(20):
            event = await nic.aio.event(100)
            if event and event.name == "ussd":
                told.append(event.detail)
    print("told=%r" % told)

asyncio.run(main())
""",
        speed=5,
    )
    assert played.value("told") == repr([str(n) for n in range(6)])


# C4: noise


def test_cell_changes_push_nothing_out(play):
    played = play(
        SMS
        + TAKE
        + """
while nic.event():
    pass
do("ussd_received text=topup")
for n in range(10):
    do("cell_change cell=%04X" % n)
do("sms_received text=news")
do("ring count=3")
for n in range(20):
    do("cell_change cell=%04X" % n)
time.sleep(12)
texts, others = take(3)
print("texts=%r" % texts)
print("others=%r" % others)
print("dropped=%d" % modem.events.dropped)
"""
    )
    assert played.value("texts") == "['news']"
    others = eval(played.value("others"))
    assert ("ussd", "topup") in others
    assert ("ring", None) in others
    assert ("caller", "+491709876543") in others
    assert others.count(("registration", "home")) == 1
    assert played.value("dropped") == "0"


# C5: what the network says is text

PUSHED = [
    "Hi\nRDY\nbye",
    "Hi\r\n\r\nRDY\r\nbye",
    "Hi\n+CDRIND: 2\nbye",
    "Hi\n+PDP: DEACT\nbye",
    "Hi\n+CPIN: SIM PUK\nbye",
    'Hi\n+CMTI: "SM",9\nbye',
    'Buy 5" pipe\nRDY\nbye',
    "NORMAL POWER DOWN\nUNDER-VOLTAGE POWER DOWN\nNO CARRIER",
    'Hi\n+COPS: (2,"Evil","E","99999")\nOK\nx',
    "Hi\n+CMGS: 77\nOK\nx",
    "Hi\n+CME ERROR: 10\n> \nx",
]


def pusher(line, world):
    """push=N,SECONDS in a script: the network sends PUSHED[N] so much later."""
    if line.startswith("push="):
        n, seconds = line[5:].split(",")
        world.modem.clock.call_later(
            float(seconds), lambda: world.modem.inject("ussd_received", text=PUSHED[int(n)])
        )


@pytest.mark.parametrize("connect", [False, True])
def test_text_of_the_network_is_text(play, connect):
    played = play(
        READY
        + f"""
if {connect}:
    nic.connect()
status = nic.status()
while nic.event():
    pass
for n in range({len(PUSHED)}):
    print("push=%d,0.1" % n)
    told = []
    for _ in range(8):
        event = nic.event(250)
        if event:
            told.append(tuple(event))
    print("told=%r" % told)
    print("same=%s" % (nic.status() == status))
show("imei", modem.imei)
""",
        watch=pusher,
    )
    told = [line[5:] for line in played.lines if line.startswith("told=")]
    assert [eval(line) for line in told] == [[("ussd", text)] for text in PUSHED]
    assert played.lines.count("same=True") == len(PUSHED)
    assert played.value("imei") == "'861234567890123'"


def test_text_of_the_network_is_no_answer(play):
    played = play(
        SMS
        + f"""
for n in range(8, {len(PUSHED)}):
    print("push=%d,1" % n)
    show("scan", modem.radio.scan)
    time.sleep(3)
    print("push=%d,1" % n)
    show("send", sms.send, NUMBER, "x")
    time.sleep(3)
""",
        watch=pusher,
        timeout=120,
    )
    scans = [line for line in played.lines if line.startswith("scan=")]
    assert len(scans) == 3 and all("vodafone.de" in line and "Evil" not in line for line in scans)
    assert [line for line in played.lines if line.startswith("send=")] == [
        f"send=({n},)" for n in (1, 2, 3)
    ]
    assert len(played.world.modem.messages.sent) == 3


# C6, C7: what somebody has stored in the modem


@pytest.mark.parametrize("charset", ["UCS2", "HEX", "GSM"])
def test_stored_character_set(play, charset):
    played = play(
        SMS
        + f"""
modem.at('AT+CSCS="{charset}"')
modem.at("AT&W")
nic.active(False)
nic.active(True)
modem.sim.ready()
modem.radio.register()
for n in range(2):
    show("center", sms.service_center)
    show("operator", modem.radio.operator)
    show("number", modem.sim.number)
    show("ussd", modem.ussd, "*1#")
    nic.connect()
""",
        ussd={},
    )
    said = [line for line in played.lines if line.startswith(("center=", "operator=", "number="))]
    assert (
        said == ["center='+491710760000'", "operator='Telekom.de'", "number='+491701234567'"] * 2
    )


def test_stored_sleep_is_named(play):
    """Deaf until DTR is low, which nothing here drives."""
    played = play(
        READY
        + """
modem.at("AT+CSCLK=1;&W")
nic.active(False)
timed("on", nic.active, True)
""",
        timeout=90,
    )
    assert "AT+CSCLK=1 is stored" in played.value("on")


@pytest.mark.parametrize("stored", ["ATQ1&W", "ATV0&W", "ATE0&W", "AT+CRC=1&W"])
def test_stored_profile(play, stored):
    played = play(
        READY
        + f"""
modem.uart.write(b"{stored}\\r")
time.sleep(1)
modem.uart.read()
nic.active(False)
nic.connect()
print("status=" + nic.status())
nic.disconnect()
while nic.event():
    pass
do("ring count=1")
print("event=%r" % (tuple(nic.event(5000)),))
""",
        timeout=90,
    )
    assert played.value("status") == "up"
    assert played.value("event") == "('ring', None)"
