"""The fault words: what each does, how they are written, and scenarios that hold them."""

import ast
import re
import tomllib
from pathlib import Path
from types import SimpleNamespace

import dead
import mix
import pytest
from faults import PAGE, WORDS
from sim800.scenario import Event, Modem
from sim800_rig import Rig, modem_test, run, scenario
from vocabulary import Injector
from world import ROOT

PLAIN = scenario(modem={"echo": False, "ipr": 115200})
BOOT = b"\r\nRDY\r\n\r\n+CFUN: 1\r\n"
ARGUMENTS = {
    "signal": {"rssi": 5},
    "urc": {"text": "RING"},
    "tone_heard": {"key": "5"},
    "sms_pdu_received": {"tpdu": "040A919451113254000062605121000080" + "0131"},
    "late_answers": {"seconds": 1},
    "flip_bits": {"rate": 0.0},
    "double_bytes": {"rate": 0.0},
    "other_rate": {"baud": 9600},
    "echo_late": {"seconds": 5},
    "ppp_says": {"protocol": "c021", "packet": "09??0004"},
}


async def online(rig):
    await rig.say('AT+CGDCONT=1,"IP","internet"\r')
    assert (await rig.say("ATD*99#\r", 2)).endswith(b"~hello~")
    return rig.ppps[-1]


@modem_test(PLAIN)
async def test_carrier_lost_is_silent(rig):
    ppp = await online(rig)
    rig.modem.inject("carrier_lost")
    await rig.wait(20)
    assert ppp.muted and rig.take() == b""
    assert rig.journal.seen("modem", "carrier lost")
    await rig.say("+++", 1.1)
    await rig.say("ATH\r")
    assert not (await online(rig)).muted  # the next call has a bearer again


@modem_test(PLAIN)
async def test_carrier_lost_may_be_noticed_by_the_modem(rig):
    await online(rig)
    rig.modem.inject("carrier_lost", no_carrier_after=40)
    await rig.wait(39.9)
    assert rig.take() == b""
    await rig.wait(0.2)
    assert rig.take() == b"\r\nNO CARRIER\r\n"


@modem_test(scenario(PLAIN, modem={"escape_dead": False}))
async def test_escape_may_fail_on_a_dead_bearer(rig):
    ppp = await online(rig)
    assert await rig.say("+++", 1.1) == b"\r\nOK\r\n"
    await rig.say("ATO\r", 2)
    rig.modem.inject("carrier_lost")
    assert await rig.say("+++", 3) == b"" and ppp.heard == b"+++"


@modem_test(PLAIN)
async def test_no_carrier_and_terminate(rig):
    ppp = await online(rig)
    rig.modem.inject("no_carrier")
    assert rig.take() == b"\r\nNO CARRIER\r\n" and ppp.closed
    await online(rig)
    rig.modem.inject("lcp_terminate")
    assert rig.take() == b"~bye~\r\nNO CARRIER\r\n"
    rig.modem.inject("no_carrier")
    rig.modem.inject("lcp_terminate")  # no call: nothing happens
    assert rig.take() == b""


@pytest.mark.parametrize("name", ["modem_reset", "brown_out"])
def test_resets(name):
    async def body():
        async with Rig(PLAIN) as rig:
            await rig.say('AT+CCLK="30/01/01,00:00:00+00"\r')
            ppp = await online(rig)
            rig.modem.inject(name)
            assert await rig.say("AT\r", 2.5) == b"" and ppp.closed
            await rig.wait(0.2)
            assert rig.take() == BOOT
            answer = await rig.say("AT+CCLK?\r", 0.1)
            assert (b"30/01/01" in answer) == (name == "modem_reset")

    run(body)


@modem_test(PLAIN)
async def test_supply_cut_for_a_while(rig):
    rig.modem.inject("supply_cut", seconds=3)
    assert await rig.say("AT\r", 2) == b""
    await rig.key(1.5, 3)  # no supply when the press began, but it is there before its end
    assert rig.modem.power.supplied
    await rig.key(1.2, 2.7)
    assert BOOT in rig.take()


@modem_test(PLAIN)
async def test_voltage(rig):
    rig.modem.inject("undervoltage_warning")
    rig.modem.inject("overvoltage_warning")
    assert rig.take() == b"\r\nUNDER-VOLTAGE WARNNING\r\n\r\nOVER-VOLTAGE WARNNING\r\n"
    rig.modem.inject("undervoltage_off")
    assert rig.take() == b"\r\nUNDER-VOLTAGE POWER DOWN\r\n"
    assert await rig.say("AT\r", 3) == b"" and rig.modem.power.state == "off"
    await rig.key(1.2, 2.7)
    rig.take()
    await rig.say("AT+CPOWD=1\r", 0.1)
    assert rig.modem.power.state == "powering down"


WARNING = b"\r\nUNDER-VOLTAGE WARNNING\r\n"


@modem_test(PLAIN)
async def test_battery_says_what_it_is(rig):
    assert await rig.say("AT+CBC\r") == b"\r\n+CBC: 0,87,4012\r\n\r\nOK\r\n"
    rig.modem.inject("battery", charging=1, percent=90, millivolts=4100)
    assert await rig.say("AT+CBC\r") == b"\r\n+CBC: 1,90,4100\r\n\r\nOK\r\n"
    rig.modem.inject("battery", charging=2, percent=100, millivolts=4200)
    assert await rig.say("AT+CBC\r", 20) == b"\r\n+CBC: 2,100,4200\r\n\r\nOK\r\n"


@modem_test(PLAIN, limit=100)
async def test_battery_is_told_to_who_listens(rig):
    told = []
    rig.modem.on_battery = told.append
    rig.modem.inject("battery", charging=1, percent=90, millivolts=4100)
    rig.modem.inject("battery_falls", millivolts=100)
    await rig.wait(2.5)
    assert told == [(1, 90, 4100), (0, 75, 4000), (0, 62, 3900)]


@modem_test(PLAIN)
async def test_low_voltage_is_warned_of_again_and_again(rig):
    rig.modem.inject("battery", millivolts=3501)
    assert await rig.say("", 20) == b""
    rig.modem.inject("battery", millivolts=3500)
    rig.modem.inject("battery", millivolts=3450)
    assert await rig.say("", 4.9) == WARNING
    assert await rig.say("", 10) == 2 * WARNING
    rig.modem.inject("battery", millivolts=3600)
    assert await rig.say("", 20) == b""
    rig.modem.inject("battery", millivolts=4300)
    assert await rig.say("", 4) == b"\r\nOVER-VOLTAGE WARNNING\r\n"


@modem_test(PLAIN)
async def test_low_voltage_powers_down_only_if_asked_to(rig):
    rig.modem.inject("battery", millivolts=3300)
    assert await rig.say("", 4) == WARNING
    assert await rig.say("AT+CBATCHK=1\r", 2) == b"\r\nOK\r\n\r\nUNDER-VOLTAGE POWER DOWN\r\n"
    await rig.wait(3)
    assert rig.modem.power.state == "off"


@modem_test(PLAIN)
async def test_high_voltage_powers_down_only_if_asked_to(rig):
    await rig.say("AT+CBATCHK=1\r")
    rig.modem.inject("battery", millivolts=4400)
    assert await rig.say("", 1) == b"\r\nOVER-VOLTAGE WARNNING\r\n"
    rig.modem.inject("battery", millivolts=4401)
    assert rig.take() == b"\r\nOVER-VOLTAGE POWER DOWN\r\n"


@modem_test(PLAIN, limit=200)
async def test_battery_falls_until_nothing_works(rig):
    rig.modem.inject("battery", millivolts=3700)
    rig.modem.inject("battery_falls", millivolts=10)
    await rig.wait(10.5)
    assert await rig.say("AT+CBC\r") == b"\r\n+CBC: 0,25,3600\r\n\r\nOK\r\n"
    assert (await rig.say("", 15)).startswith(WARNING)
    rig.modem.inject("battery_falls", millivolts=0)
    rig.take()
    voltage = await rig.say("AT+CBC\r")
    await rig.wait(20)
    rig.take()
    assert await rig.say("AT+CBC\r") == voltage
    rig.modem.inject("battery_falls", millivolts=50)
    await rig.wait(20)
    assert rig.take().replace(WARNING, b"") == b""
    assert rig.modem.power.state == "off"  # without a word
    await rig.key(1.2, 5)
    assert rig.take() == b""
    rig.modem.inject("battery_falls", millivolts=0)
    rig.modem.inject("battery", millivolts=4000)
    await rig.key(1.2, 2.7)
    assert BOOT in rig.take()


@modem_test(PLAIN)
async def test_a_weak_battery_is_warned_of_after_each_boot(rig):
    rig.modem.inject("battery", millivolts=3450)
    rig.modem.inject("modem_reset")
    rig.take()
    await rig.wait(2.7)
    assert rig.take() == BOOT + WARNING


@modem_test(PLAIN)
async def test_last_words_are_the_usual_ones_again(rig):
    rig.modem.inject("overvoltage_off")
    await rig.wait(4)
    await rig.key(1.2, 4)
    rig.take()
    assert await rig.say("AT+CPOWD=1\r", 0.1) == b"\r\nNORMAL POWER DOWN\r\n"


@modem_test(PLAIN)
async def test_silent_until_reset(rig):
    ppp = await online(rig)
    rig.modem.inject("silent")
    ppp.send(b"x")
    rig.modem.urc("RING")
    assert await rig.say("+++", 3) == b""
    assert await rig.say("AT\r", 30) == b""
    rig.modem.reset(True)
    await rig.wait(0.2)
    rig.modem.reset(False)
    await rig.wait(2.7)
    assert rig.take() == BOOT


@modem_test(PLAIN)
async def test_network_takes_gprs_away(rig):
    await rig.say("AT+CGREG=1\r")
    ppp = await online(rig)
    rig.modem.inject("gprs_detach")
    assert rig.take() == b"\r\nNO CARRIER\r\n\r\n+CGREG: 0\r\n" and ppp.closed


@modem_test(PLAIN)
async def test_deactivation_tells_every_user_of_a_context(rig):
    await rig.say('AT+CSTT="internet";+CIICR;+CIFSR\r')
    await rig.say('AT+SAPBR=3,1,"APN","internet";+SAPBR=1,1\r')
    rig.modem.inject("pdp_deact")
    assert rig.take() == b"\r\n+PDP: DEACT\r\n\r\n+SAPBR 1: DEACT\r\n"
    assert await rig.say("AT+CIPSTATUS\r") == b"\r\nOK\r\n\r\nSTATE: PDP DEACT\r\n"
    assert await rig.say("ATD*99#\r") == b"\r\nERROR\r\n"
    assert await rig.say("AT+CIPSHUT\r") == b"\r\nSHUT OK\r\n"
    await online(rig)


@modem_test(PLAIN)
async def test_authentication_refused_once(rig):
    rig.modem.inject("pap_refuse_once")
    first = await online(rig)
    assert first.refuse_auth and first.config.auth == "pap"
    rig.modem.inject("no_carrier")
    rig.take()
    assert not (await online(rig)).refuse_auth


@modem_test(PLAIN)
async def test_echo_comes_back(rig):
    rig.modem.inject("command_echo")
    assert await rig.say("AT\r") == b"AT\r\r\nOK\r\n"


@modem_test(PLAIN)
async def test_call_rings_and_ri_follows(rig):
    levels = []
    rig.modem.on_ri = levels.append
    await rig.say("AT+CLIP=1\r")
    rig.modem.inject("ring", number="+49123", count=2)
    await rig.wait(9)
    ring = b'\r\nRING\r\n\r\n+CLIP: "+49123",145,"",0,"",0\r\n'
    assert rig.take() == ring + ring + b"\r\nNO CARRIER\r\n"
    assert levels == [False, True]
    await rig.say("AT+CRC=1;+CLIP=0\r")
    rig.modem.inject("ring")
    assert rig.take() == b"\r\n+CRING: VOICE\r\n"
    assert await rig.say("ATA\r") == b"\r\nOK\r\n"
    assert await rig.say("", 10) == b"" and levels[2:] == [False, True]
    assert await rig.say("ATH\r") == b"\r\nOK\r\n"
    await rig.say("ATS0=2\r")
    rig.modem.inject("ring")
    await rig.wait(5)
    assert rig.modem.calls.state == "active"


@modem_test(PLAIN)
async def test_message(rig):
    levels = []
    rig.modem.on_ri = lambda high: levels.append((high, rig.clock.now()))
    rig.modem.inject("sms_received")
    assert rig.take() == b'\r\n+CMTI: "SM",1\r\n'
    await rig.wait(1)
    (low, start), (high, end) = levels
    assert (low, high) == (False, True) and end - start == pytest.approx(0.12)
    await rig.say("AT+CNMI=2,0\r")
    rig.modem.inject("sms_received")
    assert rig.take() == b""


def test_every_action_can_happen_in_every_state():
    async def body(word, state):
        start = "off" if state in ("off", "booting") else "command"
        async with Rig(scenario(PLAIN, modem={"start": start})) as rig:
            if state == "booting":
                rig.modem.supply(True)
                await rig.key(1.2)
            elif state == "dialling":
                await rig.say('AT+CGDCONT=1,"IP","internet"\rATD*99#\r', 0)
            elif state == "data":
                await online(rig)
            elif state == "escaped":
                await online(rig)
                await rig.say("+++", 1.1)
            rig.modem.inject(word.name, **ARGUMENTS.get(word.name, {}))
            await rig.wait(15)
            # and from wherever it left the modem, the rails bring it back
            rig.modem.supply(False)
            await rig.wait(1)
            rig.take()
            rig.modem.supply(True)
            await rig.key(1.2, 2.7)
            assert rig.take().startswith(BOOT), (word, state)
            await rig.say("", 3)
            assert (await rig.say("AT\r", 2)).endswith(b"\r\nOK\r\n"), (word, state)

    for word in WORDS.values():
        for state in ("off", "booting", "command", "dialling", "data", "escaped"):
            if word.target == "modem" and word.name != "dead":
                run(body, word, state)


# -- scenarios --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Event("explode"), "no fault 'explode'; known are air"),
        (Event("no_carrier", when="lunch"), "when is 'lunch'; use one of"),
        (Event("registration_lost", args={"state": 3}), "it takes stat"),
        (Event("urc"), "wants text: it takes text, with_answer"),
        (Event("flip_bits", args={"rate": 5}), "use 0 to 1"),
        (Event("flip_bits", args={"rate": 0.1, "way": "up"}), "use one of to_modem"),
        (Event("flip_bits rate=a"), "rate is 'a'; use 0 to 1"),
        (Event("supply_cut seconds=-1"), "use a number from 0 up"),
        (Event("no_carrier now"), "takes no arguments"),
        (Event("drop_bytes number=5"), "has no number: it takes count, rate, way"),
    ],
)
def test_impossible_events_are_found_at_the_start(event, says):
    with pytest.raises(ValueError, match=says):
        Rig(scenario(events=(event,)))


@pytest.mark.parametrize(
    ("modem", "says"),
    [
        (Modem(profile="R99"), "known are R13.08, R14.18"),
        (Modem(start="maybe"), "use 'off', 'command', 'data' or 'cmux'"),
        (Modem(ipr=1234), "use 0 or one of"),
    ],
)
def test_impossible_modems_are_found_at_the_start(modem, says):
    with pytest.raises(ValueError, match=says):
        Rig(scenario(modem=modem))


@modem_test(PLAIN)
async def test_inject_wants_a_known_word_and_what_it_strikes(rig):
    with pytest.raises(ValueError, match="known are"):
        rig.modem.inject("nonsense")
    with pytest.raises(ValueError, match="strikes the internet: there is none here"):
        rig.modem.inject("air", rtt=1)
    with pytest.raises(ValueError, match="it takes stat"):
        rig.modem.inject("registration_lost", status=1)


@pytest.mark.parametrize(
    ("when", "at"),
    [("start", 0), ("power", 1.0), ("boot", 3.8), ("registered", 5.6), ("ready", 5.8)],
)
def test_events_come_after_their_moment(when, at):
    async def body():
        setup = scenario(
            PLAIN, modem={"start": "off"}, events=(Event("signal", when, 0.5, {"rssi": 7}),)
        )
        async with Rig(setup) as rig:
            rig.modem.supply(True)
            await rig.key(1.2, 15)
            times = [e.time for e in rig.journal.seen("fault", "signal")]
            assert times == [pytest.approx(at + 0.5)]
            assert rig.modem.radio.csq == (7, 0)
            rig.modem.power.restart("test")
            await rig.wait(10)
            assert len(rig.journal.seen("fault", "signal")) == 1  # once

    run(body)


def test_events_around_a_call():
    async def body():
        whens = ("dial", "connect", "ip")
        events = tuple(Event("urc", when, 0.25, {"text": when}) for when in whens)
        async with Rig(scenario(PLAIN, events=events)) as rig:
            ppp = await online(rig)
            ppp.on_up()
            await rig.wait(1)
            seen = [e.fields["text"] for e in rig.journal.seen("fault", "urc")]
            assert seen == ["dial", "connect", "ip"]

    run(body)


@pytest.mark.parametrize(
    ("action", "parameter", "text", "value"),
    [
        ("ring", "number", "0170", "0170"),
        ("ring", "count", "3", 3),
        ("sms_received", "text", "7", "7"),
        ("sms_received", "number", "+4917", "+4917"),
        ("late_answers", "seconds", "0.5", 0.5),
        ("urc", "text", "+FOO: 1", "+FOO: 1"),
        ("urc", "with_answer", "True", True),
        ("drop_bytes", "way", "to_host", "to_host"),
    ],
)
def test_arguments_that_are_written_down(action, parameter, text, value):
    kind = WORDS[action].parameters[parameter].annotation
    found = kind.take(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("ring", {}),
        ("ring number=0170 count=3", {"number": "0170", "count": 3}),
        ("sms_received number=+4917 text='two words'", {"number": "+4917", "text": "two words"}),
        ("urc +CREG: 2", {"text": "+CREG: 2"}),
        ("urc 'it is \"so\"'", {"text": 'it is "so"'}),
        ("urc it's", {"text": "it's"}),
        ("interrupt 20", {"seconds": 20.0}),
        ("no_data on=off", {"on": False}),
    ],
)
def test_faults_that_are_written_down(text, args):
    word, found = WORDS.read(text)
    assert (word.name, found) == (text.split()[0], args)


@modem_test(PLAIN)
async def test_later(rig):
    rig.modem.injector.obey("later 5 urc text=RING")
    await rig.wait(4.9)
    assert rig.take() == b""
    await rig.wait(0.2)
    assert rig.take() == b"\r\nRING\r\n"
    for text in ("later", "later soon urc RING"):
        with pytest.raises(ValueError, match="later wants seconds"):
            rig.modem.injector.obey(text)
    with pytest.raises(ValueError, match="known are"):
        rig.modem.injector.obey("later 5 nonsense")


@modem_test(PLAIN)
async def test_silent_bearer_is_this_calls_only(rig):
    ppp = await online(rig)
    rig.modem.inject("bearer_silent")
    assert ppp.cut and not ppp.muted
    await rig.say("+++", 1.1)
    await rig.say("ATH\r")
    assert not (await online(rig)).cut


@modem_test(PLAIN)
async def test_no_data_lasts_until_it_is_over(rig):
    ppp = await online(rig)
    rig.modem.inject("no_data")
    assert ppp.cut
    await rig.say("+++", 1.1)
    await rig.say("ATH\r")
    ppp = await online(rig)
    assert ppp.cut
    rig.modem.inject("no_data", on=0)
    assert not ppp.cut


@modem_test(PLAIN)
async def test_no_network_lasts_over_a_restart_of_the_radio(rig):
    rig.modem.inject("no_network", stat=3)
    await rig.say("AT+CFUN=4\r", 2)
    await rig.say("AT+CFUN=1\r", 5)
    assert b"+CREG: 0,3" in await rig.say("AT+CREG?\r")
    rig.modem.inject("no_network", on=0)
    await rig.wait(5)
    assert b"+CREG: 0,1" in await rig.say("AT+CREG?\r")


@modem_test(PLAIN)
async def test_card_that_is_back_is_noticed_at_the_next_start(rig):
    rig.modem.inject("sim_removed")
    rig.take()
    rig.modem.inject("sim_inserted")
    assert b"ERROR" in await rig.say("AT+CPIN?\r")
    await rig.say("AT+CFUN=1,1\r", 6)
    assert b"+CPIN: READY" in await rig.say("AT+CPIN?\r")


@modem_test(PLAIN)
async def test_another_rate_and_no_echo(rig):
    rig.modem.inject("command_echo")
    assert (await rig.say("AT\r")).startswith(b"AT\r")
    rig.modem.inject("command_echo", on=False)
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    rig.modem.inject("other_rate", baud=9600)
    assert b"OK" not in await rig.say("AT\r")


@modem_test(PLAIN)
async def test_left_at_the_prompt(rig):
    rig.modem.inject("left_at_prompt")
    assert await rig.say("", 0.1) == b"\r\n> "
    assert await rig.say("AT+CSQ\r", 20) == b"\r\n> "  # of the message
    assert await rig.say("\x1b", 0.1) == b"\r\nOK\r\n"
    assert await rig.say("AT\r") == b"\r\nOK\r\n"
    await rig.say("AT+CMGF=1\r")
    rig.modem.inject("left_at_prompt")
    await rig.say("", 0.1)
    await rig.say("AT\r\x1a", 10)
    assert [sms.text for sms in rig.modem.messages.sent] == ["AT\r"]


@modem_test(PLAIN)
async def test_dead_takes_keys_and_says_nothing(rig):
    rig.modem.inject("dead")
    assert await rig.say("AT\r", 5) == b""
    await rig.key(1.6, 5)
    assert rig.modem.power.state == "off"
    await rig.key(1.2, 5)
    assert rig.take() == b"" and rig.modem.mode == "command"
    rig.modem.inject("dead", on=False)
    assert await rig.say("AT\r") == b"\r\nOK\r\n"


@modem_test(PLAIN)
async def test_interrupt_comes_from_the_board(rig):
    came = []
    board = SimpleNamespace(clock=rig.clock, interrupt=lambda: came.append(rig.clock.now()))
    events = (Event("interrupt 5", after=2),)
    injector = Injector(WORDS, rig.clock, rig.journal, events, board=board)
    injector.start()
    await rig.wait(10)
    assert came == [7]


# -- the vocabulary is complete, and used everywhere ---------------------------------------------


def _injected(function):
    """The words a test injects: as a call's first argument, or by its parameters."""
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("inject", "obey", "Event")
    ]
    places = [call.args[0] for call in calls if call.args]
    if any(isinstance(place, ast.Name | ast.JoinedStr) for place in places):
        places += function.decorator_list
    for place in places:
        for node in ast.walk(place):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value.removeprefix("later 5 ").split(" ")[0]


def test_each_word_is_proved_by_a_test_that_asserts():
    proved = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and node.name.startswith("test_")
                and any(isinstance(part, ast.Assert) for part in ast.walk(node))
            ):
                proved |= set(_injected(node))
    assert not WORDS.keys() - proved


def test_words_that_are_written_elsewhere_are_right():
    table = tomllib.loads((ROOT / "tests" / "data" / "faults.toml").read_text())["fault"]
    texts = [text for fault in table for text in (*fault.get("do", ()), *fault.get("mend", ()))]
    texts += [text for faults, _ in mix.FAULTS for text in faults]
    texts += dead.FAULTS.values()
    for folder in ("vm", "firmware"):
        for file in (ROOT / "tests" / folder).glob("*.py"):
            if file.name != "test_vm_network.py":  # its far end is no modem
                texts += re.findall(r"""\bdo\(["']([a-z][^{}"']*)["']\)""", file.read_text())
    assert len(texts) > 200
    for text in texts:
        WORDS.read(re.sub(r"^later \S+ ", "", text))


def test_the_page_is_what_the_words_say():
    page = (ROOT / "docs" / "faults.md").read_text()
    assert page == PAGE + WORDS.markdown(), "PYTHONPATH=simulator python -m faults --markdown"


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda word: word.name)
def test_word_is_declared_as_the_others(word):
    assert word.target in ("modem", "internet", "board")
    assert word.summary and "\n" not in word.summary and word.summary in WORDS.listing()
    assert word.usage in WORDS.listing() and word.usage in WORDS.markdown()
    for parameter in word.parameters.values():
        if parameter.default not in (parameter.empty, None):
            parameter.annotation.take(parameter.default)


@modem_test(PLAIN)
async def test_ppp_says_what_no_network_says(rig):
    rig.modem.inject("ppp_says", protocol="c021", packet="01??0004", when="ip")
    rig.modem.inject("ppp_says", protocol="8021", packet="0405")
    assert (await online(rig)).says == (
        ("ip", 0xC021, [1, None, 0, 4]),
        ("begin", 0x8021, [4, 5]),
    )
    rig.modem.inject("ppp_says", protocol="c021")
    assert rig.ppps[-1].says == (("begin", 0x8021, [4, 5]),)


@modem_test(PLAIN)
async def test_ppp_rejects_codes(rig):
    rig.modem.inject("ppp_rejects_codes")
    assert (await online(rig)).reject_codes
    rig.modem.inject("ppp_rejects_codes", on=False)
    assert not rig.ppps[-1].reject_codes
