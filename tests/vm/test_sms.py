"""Short messages: sent, received, kept, lost; against the simulated SIM800 and its network."""

import pytest
from sim800.scenario import SIM, Modem, Phone
from test_modem import READY

NUMBER = "+491709876543"

SMS = (
    READY
    + f"""
sms = modem.sms
NUMBER = "{NUMBER}"

def events(name, count=1):
    got = []
    while len(got) < count:
        event = nic.event(10000)
        if event is None:
            break
        if event.name == name:
            got.append(event.detail)
    return got
"""
)


def sent(played):
    return [(m.number, m.text, m.parts) for m in played.world.modem.messages.sent]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hive 3: 42.7 kg [ok] {5€} ~é", 1),
        ("", 1),
        ("two\nlines\rand a tab: no", 1),
        ("a" * 160, 1),
        ("b" * 155 + "€€€", 2),
        ("Пчёлы в порядке 🐝", 1),
        ("🐝" * 100, 4),
        ("Grüße " * 60, 3),
    ],
)
def test_texts_arrive_as_they_were_written(play, text, parts):
    played = play(SMS + f'show("sent", sms.send, NUMBER, {text!r})')
    assert sent(played) == [(NUMBER, text, parts)]
    assert len(eval(played.value("sent"))) == parts


def test_bad_arguments_cost_nothing(play):
    played = play(
        SMS
        + """
for args, kwargs in (
    (("0170 12345", "x"), {}), (("", "x"), {}), ((49170, "x"), {}), ((NUMBER, b"x"), {}),
    ((NUMBER, None), {}), ((NUMBER, "x" * 1600), {}), ((NUMBER, "x" * 39016), {"parts": 255}),
):
    timed("bad", sms.send, *args, **kwargs)
for index in (0, 512, "1", True, None):
    timed("bad", sms.read, index)
    timed("bad", sms.delete, index)
timed("bad", sms.service_center, "nobody")
timed("bad", sms.send, NUMBER, "x", timeout="long")
timed("bad", sms.send, NUMBER, "x", timeout=-1)
timed("bad", sms.send, NUMBER, "x", parts="many")
"""
    )
    bad = [line for line in played.lines if line.startswith("bad=")]
    assert len(bad) == 21
    assert all(line.startswith("bad=ConfigError: ") for line in bad)
    assert "the text takes 11 messages, more than parts=10" in bad[5]
    assert "the text takes 256 messages, and at most 255 can be joined" in bad[6]
    assert sent(played) == []


def test_a_message_is_told_read_and_deleted(play):
    played = play(
        SMS
        + """
do("sms_received text='Größe 5€?'")
(index,) = events("sms")
show("room", sms.room)
show("list", lambda: [m[:2] + m[4:6] for m in sms.list(True)])
message = sms.read(index)
print("text=" + message.text)
print("rest=%r" % (message[:2] + message[4:6],))
print("time=%r" % (message.time[:5],))
show("none", sms.list, True)
show("all", lambda: len(sms.list()))
show("delete", sms.delete, message)
show("gone", sms.read, index)
show("again", sms.delete, index)
show("empty", sms.room)
""",
        utc="2031-07-08T09:10:00",
    )
    assert played.value("room") == "(1, 20)"
    assert played.value("list") == f"[((1,), '{NUMBER}', True, True)]"
    assert played.value("text") == "Größe 5€?"
    assert played.value("rest") == f"((1,), '{NUMBER}', False, True)"
    assert played.value("time") == "(2031, 7, 8, 9, 10)"
    assert played.value("none") == "[]"
    assert played.value("all") == "1"
    assert played.value("delete") == "None"
    assert played.value("gone") == "None"
    assert played.value("again") == "None"
    assert played.value("empty") == "(0, 20)"


def test_long_messages_are_joined(play):
    text = "Ёж" * 100
    played = play(
        SMS
        + f"""
do("sms_received text='{"x" * 300}' number=Operator")
do("sms_received text='{text}'")
print("indexes=%r" % events("sms", 3))
message = sms.read(4)
print("indexes=%r" % (message.indexes,))
print("same=%s" % (message.text == "{text}" and message.complete and message.unread))
other, same = sms.list()
print("other=%r" % ((other.number, other.text == "x" * 300, other.indexes, other.unread),))
print("read=%r" % same.unread)
sms.delete(same.indexes[2])
same = sms.read(3)
print("torn=%r" % ((same.complete, same.text == "{text}"[:134], same.indexes),))
sms.delete(other)
print("left=%d" % sms.room()[0])
"""
    )
    first, second = [line for line in played.lines if line.startswith("indexes=")]
    assert first == "indexes=[1, 3]"  # each once, when it is whole
    assert second == "indexes=(3, 4, 5)"
    assert played.value("same") == "True"
    assert played.value("other") == "('Operator', True, (1, 2), True)"
    assert played.value("read") == "False"
    assert played.value("torn") == "(False, True, (3, 4))"
    assert played.value("left") == "2"


def test_all_are_deleted_but_the_unread(play):
    played = play(
        SMS
        + """
do("sms_received text=one")
events("sms")
sms.list()
do("sms_received text=two")
events("sms")
sms.delete_all()
show("left", lambda: [m.text for m in sms.list()])
sms.delete_all(True)
show("none", sms.list)
"""
    )
    assert played.value("left") == "['two']"
    assert played.value("none") == "[]"


def test_a_full_card_keeps_what_it_has(play):
    """The network holds back what has no room, and delivers it when there is."""
    played = play(
        SMS
        + """
for text in ("one", "two", "three"):
    do("sms_received text=" + text)
print("told=%r" % events("sms", 2))
show("full", sms.room)
show("texts", lambda: [m.text for m in sms.list()])
sms.delete(1)
print("told_again=%r" % events("sms"))
show("now", lambda: [m.text for m in sms.list()])
""",
        sim=SIM(message_places=2),
    )
    assert played.value("told") == "[1, 2]"
    assert played.value("full") == "(2, 2)"
    assert played.value("texts") == "['one', 'two']"
    assert played.value("told_again") == "[1]"
    assert played.value("now") == "['three', 'two']"


def test_reports(play):
    played = play(
        SMS
        + """
references = sms.send(NUMBER, "x" * 200, report=True)
reports = events("sms report", 2)
print("delivered=%s" % (reports == [(r, "delivered") for r in references]))
references = sms.send("12345", "x", report=True)
print("failed=%s" % (events("sms report") == [(references[0], "failed")]))
sms.send(NUMBER, "no report asked for")
print("none=%r" % events("sms report"))
""",
        phones={"12345": Phone(reachable=False)},
    )
    assert played.value("delivered") == "True"
    assert played.value("failed") == "True"
    assert played.value("none") == "[]"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (38, "the network cannot take it now: try again later"),
        (21, "the network bars it: check the SIM's credit and plan"),
        (322, "the card is full: delete() some messages"),
        (500, "check number, credit and service_center()"),
    ],
)
def test_a_refusal_in_words(play, code, words):
    played = play(
        SMS
        + f"""
do("sms_refused_once code={code}")
try:
    sms.send(NUMBER, "x")
except ppp_sim800.SMSError as error:
    print("error=%s|%r|%r" % (error, error.code, error.sent))
show("again", sms.send, NUMBER, "y")
"""
    )
    assert played.value("error") == (
        f"the message was not sent (+CMS ERROR: {code}): {words}|{code}|0"
    )
    assert sent(played) == [(NUMBER, "y", 1)]


def test_a_refusal_between_parts(play):
    played = play(
        SMS
        + """
import asyncio

async def refuse():
    await asyncio.sleep(3)
    do("sms_refused_once code=42")

async def main():
    task = asyncio.create_task(refuse())
    try:
        await nic.aio.modem.sms.send(NUMBER, "x" * 400)
    except ppp_sim800.SMSError as error:
        print("error=%s|%d" % (error, error.sent))
    await task

asyncio.run(main())
"""
    )
    assert played.value("error").startswith("part 2 of 3 was not sent (+CMS ERROR: 42): the")
    assert played.value("error").endswith("|1")


def test_network_lost(play):
    played = play(
        SMS
        + """
do("registration_lost")
show("lost", sms.send, NUMBER, "x")
do("registration_back")
modem.radio.register()
show("back", sms.send, NUMBER, "y")
"""
    )
    assert played.value("lost") == (
        "SMSError: the message was not sent (+CMS ERROR: 331): no network: register() first"
    )
    assert sent(played) == [(NUMBER, "y", 1)]


def test_service_center(play):
    played = play(
        SMS
        + """
show("first", sms.service_center)
show("set", sms.service_center, "+491722270333")
show("then", sms.service_center)
""",
    )
    assert played.value("first") == "'+491710760000'"
    assert played.value("set") == "'+491722270333'"
    assert played.value("then") == "'+491722270333'"


def test_no_service_center(play):
    played = play(
        SMS
        + """
show("none", sms.service_center)
show("send", sms.send, NUMBER, "x")
""",
        sim=SIM(service_center=""),
    )
    assert played.value("none") == "''"
    assert played.value("send").endswith(
        "no service centre is known: set it with service_center(number)"
    )


@pytest.mark.parametrize(
    ("sim", "error"),
    [
        (SIM(inserted=False), "SIMAbsent: "),
        (SIM(pin="1234"), "PINRequired: "),
        (SIM(locked="PUK", pin="1234"), "PUKRequired: "),
    ],
)
def test_the_card_cannot_be_used(play, sim, error):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
timed("list", nic.modem.sms.list)
timed("send", nic.modem.sms.send, "12345", "x")
""",
        sim=sim,
    )
    assert played.value("list").startswith(error)
    assert played.value("send").startswith(error)


def test_right_after_the_start_the_card_is_waited_for(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
timed("list", nic.modem.sms.list)
""",
        modem=Modem(ready_time=6.0),
    )
    assert played.value("list") == "ok"


def test_while_the_line_carries_ppp(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet", multiplex=False)
nic.connect()
for call in (nic.modem.sms.list, nic.modem.calls.state):
    timed("call", call)
timed("send", nic.modem.sms.send, "12345", "x")
timed("ussd", nic.modem.ussd, "*100#")
nic.disconnect()
timed("after", nic.modem.sms.list)
"""
    )
    refused = [line for line in played.lines if line.startswith(("call=", "send=", "ussd="))]
    assert len(refused) == 4
    assert all("=ConfigError: the line carries PPP" in line for line in refused)
    assert played.value("after") == "ok"


def test_told_when_the_link_is_down_again(play):
    played = play(
        SMS
        + """
nic.connect()
do("sms_received text=meanwhile")
time.sleep(3)
nic.disconnect()
show("told", events, "sms")
show("text", lambda: sms.read(1).text)
"""
    )
    assert played.value("told") == "[1]"
    assert played.value("text") == "'meanwhile'"


def test_a_prompt_that_is_lost(play):
    """No command ends up in a message, and the next message goes."""
    played = play(
        SMS
        + """
sms.room()
lines = modem.aio.line._channel._lines
lost, lines.take_prompt = lines.take_prompt, lambda: False
timed("send", sms.send, NUMBER, "x")
lines.take_prompt = lost
timed("signal", modem.radio.signal)
show("again", sms.send, NUMBER, "y")
"""
    )
    assert played.value("send").startswith("ATTimeout: the modem did not finish AT+CMGS=")
    assert int(played.value("send_ms")) < 8000
    assert played.value("signal") == "ok"
    assert sent(played) == [(NUMBER, "y", 1)]


def test_the_end_of_a_message_is_lost(play):
    """Its Ctrl-Z never came: the modem waits for more, and is told that there is none."""
    played = play(
        SMS
        + """
uart = modem.uart
class Lossy:
    def __getattr__(self, name):
        return getattr(uart, name)
    def write(self, data):
        uart.write(bytes(data).replace(b"\\x1a", b""))
        return len(data)
modem.aio.line._channel.uart = Lossy()
timed("send", sms.send, NUMBER, "x", timeout=3000)
modem.aio.line._channel.uart = uart
timed("signal", modem.radio.signal)
show("again", sms.send, NUMBER, "y")
"""
    )
    assert played.value("send").startswith("ATTimeout: ")
    assert played.value("signal") == "ok"
    assert sent(played) == [(NUMBER, "y", 1)]


def test_interrupted_at_the_prompt(play):
    """Ctrl-C while a message is being sent: the modem is not left waiting for text."""
    played = play(
        SMS
        + """
sms.room()
lines = modem.aio.line._channel._lines
real, lines.take_prompt = lines.take_prompt, lambda: False
print("@interrupt 2")
try:
    sms.send(NUMBER, "x")
except KeyboardInterrupt:
    print("stopped=yes")
lines.take_prompt = real
timed("signal", modem.radio.signal)
show("again", sms.send, NUMBER, "y")
"""
    )
    assert played.value("stopped") == "yes"
    assert played.value("signal") == "ok"
    assert sent(played) == [(NUMBER, "y", 1)]


def test_cancelled_while_the_network_takes_it(play):
    """The modem may send it or not; it is not left where it takes commands for text."""
    played = play(
        SMS
        + """
import asyncio

async def main():
    box = nic.aio.modem.sms
    await box.room()
    for wait in (20, 60, 150, 1500):
        task = asyncio.create_task(box.send(NUMBER, "x"))
        await asyncio.sleep_ms(wait)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled=%d" % wait)
        await asyncio.sleep(4)
        await nic.aio.modem.radio.signal()
    print("again=%r" % len(await box.send(NUMBER, "y")))

asyncio.run(main())
"""
    )
    assert [line for line in played.lines if line.startswith("cancelled=")] == [
        f"cancelled={wait}" for wait in (20, 60, 150, 1500)
    ]
    assert played.value("again") == "1"
    assert {message[1] for message in sent(played)} <= {"x", "y"}
    assert sent(played)[-1] == (NUMBER, "y", 1)


@pytest.mark.parametrize("after", [0.5, 2.0])
def test_the_modem_restarts_in_the_middle(play, after):
    played = play(
        SMS
        + f"""
import asyncio

async def restart():
    await asyncio.sleep({after})
    do("modem_reset")

async def main():
    task = asyncio.create_task(restart())
    try:
        await nic.aio.modem.sms.send(NUMBER, "x" * 300, timeout=20000)
        print("send=ok")
    except ppp_sim800.SIM800Error as error:
        print("send=" + type(error).__name__)
    await task

asyncio.run(main())
nic.active(False)
nic.active(True)
modem.sim.ready()
modem.radio.register()
show("again", sms.send, NUMBER, "y")
"""
    )
    assert played.value("send") in ("ModemRestarted", "ATTimeout", "ModemSilent")
    assert (NUMBER, "y", 1) in sent(played)


def test_urcs_between_all_lines(play):
    played = play(
        SMS
        + """
do("sms_received text=first")
events("sms")
for call in (lambda: sms.send(NUMBER, "x"), sms.room, lambda: sms.read(1).text, sms.service_center):
    do("urc text=RING with_answer=True")
    show("got", call)
"""
    )
    got = [line for line in played.lines if line.startswith("got=")]
    assert got[1:] == ["got=(1, 20)", "got='first'", "got='+491710760000'"]
    assert sent(played) == [(NUMBER, "x", 1)]


def test_noise_on_the_line_loses_no_message(play):
    played = play(
        SMS
        + """
for n in range(6):
    do("sms_received text='number %d of the messages'" % n)
events("sms", 6)
do("flip_bits rate=0.001 way=to_host")
texts = set()
for _ in range(20):
    try:
        texts.update(m.text for m in sms.list() if isinstance(m.text, str))
    except ppp_sim800.SIM800Error as error:
        print("error=%s" % error)
    if len(texts) >= 6:
        break
print("all=%s" % (texts >= set("number %d of the messages" % n for n in range(6))))
""",
        timeout=120,
    )
    assert played.value("all") == "True"


def test_to_await(play):
    """Two tasks at once; and the same names."""
    played = play(
        SMS
        + """
import asyncio

async def main():
    box = nic.aio.modem.sms
    sent = asyncio.create_task(box.send(NUMBER, "x" * 300))
    while not sent.done():
        await box.room()
        await asyncio.sleep_ms(1)
    print("sent=%d" % len(await sent))
    do("sms_received text=hello")
    event = await nic.aio.event(10000)
    while event.name != "sms":
        event = await nic.aio.event(10000)
    message = await box.read(event.detail)
    print("text=" + message.text)
    print("list=%d" % len(await box.list()))
    print("center=" + await box.service_center())
    await box.delete(message)
    await box.delete_all()
    print("room=%r" % (await box.room(),))

asyncio.run(main())
"""
    )
    assert played.value("sent") == "2"
    assert played.value("text") == "hello"
    assert played.value("list") == "1"
    assert played.value("center") == "+491710760000"
    assert played.value("room") == "(0, 20)"


def test_not_imported_before_it_is_used(play):
    played = play(
        READY
        + """
import sys
print("before=%r" % [n for n in sys.modules if n.startswith("ppp_sim800.roles.") and n[17:] in ("sms", "pdu", "calls", "ussd")])
modem.sms.room()
print("after=%s" % ("ppp_sim800.roles.sms" in sys.modules))
"""
    )
    assert played.value("before") == "[]"
    assert played.value("after") == "True"
