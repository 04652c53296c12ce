"""What a modem can do, by the names of its roles, against the simulated SIM800."""

import pytest
from sim800.scenario import SIM, Event, Modem, Operator, Radio

ON = """
nic = ppp_sim800.PPP("internet")
modem = nic.modem
nic.active(True)

def show(name, call, *args):
    try:
        print("%s=%r" % (name, call(*args)))
    except ppp_sim800.SIM800Error as error:
        print("%s=%s: %s" % (name, type(error).__name__, error))
"""

READY = (
    ON
    + """
modem.sim.ready()
modem.radio.register()
"""
)


def test_identity(play):
    played = play(
        ON
        + """
for name in ("info", "model", "firmware", "revision", "imei"):
    show(name, getattr(modem, name))
""",
        modem=Modem(profile="R13.08"),
    )
    assert played.value("info") == "'SIM800 R13.08'"
    assert played.value("model") == "'SIMCOM_SIM800L'"
    assert played.value("firmware") == "(13, 8)"
    assert played.value("revision") == "'1308B08SIM800L16'"
    assert played.value("imei") == "'861234567890123'"


@pytest.mark.parametrize(
    ("profile", "model", "revision", "firmware"),
    [
        ("1308B05SIM800M32", "SIMCOM_SIM800", "1308B05SIM800M32_20140625_1100", "(13, 8)"),
        ("1418B04SIM800L24", "SIMCOM_SIM800L", "1418B04SIM800L24", "(14, 18)"),
        ("1418B09SIM800C24_BT", "SIMCOM_SIM800C", "1418B09SIM800C24_BT", "(14, 18)"),
    ],
)
def test_other_identities_that_real_ones_have(play, profile, model, revision, firmware):
    played = play(
        ON
        + """
for name in ("model", "firmware", "revision"):
    show(name, getattr(modem, name))
nic.connect()
print("up=%s" % nic.isconnected())
""",
        modem=Modem(profile=profile),
    )
    assert played.value("model") == repr(model)
    assert played.value("revision") == repr(revision)
    assert played.value("firmware") == firmware
    assert played.value("up") == "True"


def test_sim(play):
    played = play(
        READY
        + """
for name in ("imsi", "iccid", "state", "tries", "number"):
    show(name, getattr(modem.sim, name))
"""
    )
    assert played.value("imsi") == "'262011234567890'"
    assert played.value("iccid") == "'89490200001234567890'"
    assert played.value("state") == "'READY'"
    assert played.value("tries") == "3"
    assert played.value("number") == "'+491701234567'"


def test_number_not_on_the_card(play):
    played = play(READY + 'show("number", modem.sim.number)', sim=SIM(number=""))
    assert played.value("number") == "None"


def test_pin_is_switched_on_changed_and_off(play):
    played = play(
        """
said = []
def PPP(apn, make=ppp_sim800.PPP):
    return make(apn, trace=lambda way, line: said.append(line))
ppp_sim800.PPP = PPP
"""
        + READY
        + """
show("same", modem.sim.ask_pin, False, "0000")
show("on", modem.sim.ask_pin, True, "0000")
show("change", modem.sim.change_pin, "0000", "4711")
modem.reset()
show("state", modem.sim.state)
show("wrong", modem.sim.unlock, "0000")
show("unlock", modem.sim.unlock, "4711")
show("off", modem.sim.ask_pin, False, "4711")
modem.reset()
show("ready", modem.sim.ready)
print("asked=%s" % any("AT+CPWD" in line for line in said))
print("told=%s" % any(code in line for line in said for code in ("4711", "0000")))
"""
    )
    for name in ("same", "on", "change", "unlock", "off", "ready"):
        assert played.value(name) == "None"
    assert played.value("state") == "'SIM PIN'"
    assert played.value("wrong").startswith("PINWrong: the SIM refused the PIN, 2 tries left")
    assert played.value("asked") == "True"
    assert played.value("told") == "False"


def test_blocked_card_is_freed_by_its_puk(play):
    played = play(
        ON
        + """
show("ready", modem.sim.ready, "1234")
show("short", modem.sim.unblock, "1234", "4711")
show("wrong", modem.sim.unblock, "00000000", "4711")
show("right", modem.sim.unblock, "12345678", "4711")
show("after", modem.sim.ready)
""",
        sim=SIM(pin="1234", locked="PUK"),
    )
    assert played.value("ready").startswith("PUKRequired: ")
    assert played.value("short") == "ConfigError: the PUK must be a str of 8 digits"
    assert played.value("wrong").startswith("PINWrong: the SIM refused the PUK")
    assert played.value("right") == "None"
    assert played.value("after") == "None"


def test_radio(play):
    played = play(
        READY
        + """
for name in ("registration", "operator", "cell", "signal", "signal_percent", "scan"):
    show(name, getattr(modem.radio, name))
show("rssi", nic.status, "rssi")
"""
    )
    assert played.value("registration") == "'home'"
    assert played.value("operator") == "'Telekom.de'"
    assert played.value("cell") == "(6699, 15437)"  # 1A2B, 3C4D
    assert played.value("signal") == "-78"
    assert played.value("signal_percent") == "58"
    assert "('vodafone.de', 'Voda', '26202', 1)" in played.value("scan")
    assert played.value("rssi") == "-78"


@pytest.mark.parametrize(
    ("rssi", "dbm", "percent"),
    [
        (0, -115, 0),
        (1, -111, 3),
        (2, -110, 6),
        (30, -54, 96),
        (31, -52, 100),
        (99, None, None),
    ],
)
def test_signal(play, rssi, dbm, percent):
    played = play(
        ON + 'show("dbm", modem.radio.signal)\nshow("percent", modem.radio.signal_percent)',
        modem=Modem(start="command", latency=0),
        radio=Radio(csq=(rssi, 0)),
    )
    assert played.value("dbm") == repr(dbm)
    assert played.value("percent") == repr(percent)


def test_operator_is_chosen(play):
    played = play(
        READY
        + """
show("chosen", modem.radio.choose, "26202")
modem.radio.register()
show("operator", modem.radio.operator)
show("forbidden", modem.radio.choose, "26203")
show("nobody", modem.radio.choose, "99999")
show("bad", modem.radio.choose, "Telekom")
show("automatic", modem.radio.choose)
modem.radio.register()
show("at_last", modem.radio.operator)
""",
        radio=Radio(
            operators=(
                Operator("Telekom.de", "TDG", "26201", 2),
                Operator("vodafone.de", "Voda", "26202", 1),
                Operator("o2 - de", "o2", "26203", 3),
            )
        ),
    )
    assert played.value("chosen") == "None"
    assert played.value("operator") == "'vodafone.de'"
    assert played.value("forbidden").startswith("RegistrationDenied: operator 26203")
    assert played.value("nobody").startswith("NoNetwork: operator 99999")
    assert played.value("bad").startswith("ConfigError: an operator is a str")
    assert played.value("automatic") == "None"
    assert played.value("at_last") == "'Telekom.de'"


def test_radio_off_and_on(play):
    played = play(
        READY
        + """
modem.radio.off()
show("off", modem.radio.registration)
show("sim", modem.sim.state)
modem.radio.on()
modem.radio.register()
show("on", modem.radio.registration)
modem.radio.detach()
modem.radio.attach()
nic.connect()
show("up", nic.status)
"""
    )
    assert played.value("off") == "'off'"
    assert played.value("sim") == "'READY'"
    assert played.value("on") == "'home'"
    assert played.value("up") == "'up'"


def test_clock(play):
    played = play(
        READY
        + """
show("set", modem.clock.set, (2031, 7, 8, 9, 10, 11))
now = modem.clock.now()
print("right=%s" % (now[:5] == (2031, 7, 8, 9, 10)))
for bad in ((1999, 1, 1, 0, 0, 0), (2030, 2, 30, 0, 0, 0), "now", (2030, 1, 1)):
    show("bad", modem.clock.set, bad)
"""
    )
    assert played.value("set") == "None"
    assert played.value("right") == "True"
    bad = [line for line in played.lines if line.startswith("bad=")]
    assert len(bad) == 4 and all("ConfigError: the time must be" in line for line in bad)


@pytest.mark.parametrize(
    ("cbc", "battery"),
    [
        ((0, 87, 4012), "Battery(mv=4012, percent=87, charging=False)"),
        ((1, 12, 3620), "Battery(mv=3620, percent=12, charging=True)"),
        ((2, 100, 4200), "Battery(mv=4200, percent=100, charging=False)"),
    ],
)
def test_battery(play, cbc, battery):
    played = play(ON + 'show("battery", modem.battery)', modem=Modem(battery=cbc))
    assert played.value("battery") == battery


def test_reset(play):
    played = play(
        READY
        + """
modem.reset()
modem.sim.ready()
modem.radio.register()
show("after", modem.radio.registration)
nic.connect()
show("up", nic.status)
"""
    )
    assert played.value("after") == "'home'"
    assert played.value("up") == "'up'"
    assert len(played.journal.seen("modem", "booted")) == 2


def test_reset_of_a_modem_that_hangs_uses_the_key(play):
    played = play(ON + 'do("silent")\nmodem.reset()\nshow("imei", modem.imei)', timeout=90)
    assert played.value("imei") == "'861234567890123'"
    assert played.journal.seen("pin", "RESET low")


def test_bytes_that_wake_it_are_not_lost(play):
    played = play(
        READY
        + """
modem.sleep()
time.sleep_ms(8000)
show("first", modem.imei)
show("second", modem.imei)
modem.sleep()
time.sleep_ms(8000)
modem.wake()
nic.connect()
show("up", nic.status)
"""
    )
    assert played.value("first") == "'861234567890123'"
    assert played.value("second") == "'861234567890123'"
    assert played.value("up") == "'up'"


BY_PIN = """
from tcall import TCall
modem = ppp_sim800.Modem(TCall(dtr=True))
modem.on()
modem.sim.ready()
modem.radio.register()
"""


@pytest.mark.parametrize(
    ("script", "how"), [(READY, "> AT+CSCLK=2"), (BY_PIN, "> AT+CSCLK=1")], ids=["byte", "DTR"]
)
def test_asleep_it_needs_to_be_woken(play, script, how):
    """What is sent past the package is not heard."""
    played = play(
        script
        + """
modem.sleep()
time.sleep_ms(8000)
modem.uart.write(b"AT+GSN\\r")
time.sleep_ms(90)
print("heard=%s" % (b"86123" in (modem.uart.read() or b"")))
time.sleep_ms(8000)
print("imei=" + modem.imei())
""",
        speed=3,
    )
    assert played.journal.seen("at", how)
    assert played.value("heard") == "False"
    assert played.value("imei") == "861234567890123"


def test_ring_indicator_tells_of_a_call_while_online(play):
    played = play(
        """
from tcall import TCall
nic = ppp_sim800.PPP("internet", board=TCall(dtr=True), multiplex=False)
nic.connect()
while nic.event():
    pass
do("ring count=1")
print("event=%r" % (tuple(nic.event(5000)),))
print("status=" + nic.status())
"""
    )
    assert played.value("event") == "('ri', None)"
    assert played.value("status") == "up"


# The line's rate


def test_rate_is_raised_on_a_clean_line(play):
    played = play(
        READY + 'print("rate=%d" % modem.baudrate)\nnic.connect()\nprint("st=" + nic.status())'
    )
    assert played.value("rate") == "460800"
    assert played.value("st") == "up"
    assert played.journal.seen("at", "> AT+IPR=460800")


def test_rate_is_lowered_on_a_line_that_is_not_clean(play):
    """From the start, or from some day on."""
    noise = "rate_noise above=230400 rate=0.02"
    played = play(
        READY
        + f"""
print("clean=%d" % modem.baudrate)
nic.connect()
nic.disconnect()
do("{noise}")
nic.connect()
print("noisy=%d,%s" % (modem.baudrate, nic.status()))
nic.active(False)
nic.connect()
print("still=%d,%s" % (modem.baudrate, nic.status()))
do("rate_noise above=230400 rate=0")
nic.active(False)
nic.connect()
print("again=%d,%s" % (modem.baudrate, nic.status()))
""",
        timeout=120,
    )
    assert played.value("clean") == "460800"
    assert played.value("noisy") == "115200,up"
    assert played.value("still") == "115200,up"
    assert played.value("again") == "460800,up"


def test_rate_stays_where_it_is_wanted(play):
    script = """
nic = ppp_sim800.PPP("internet", baudrate=115200)
nic.active(True)
print("rate=%d" % nic.modem.baudrate)
try:
    ppp_sim800.PPP("internet", baudrate=9600)
except ppp_sim800.ConfigError as error:
    print("bad=%s" % error)
"""
    played = play(script)
    assert played.value("rate") == "115200"
    assert not played.journal.seen("at", "> AT+IPR=460800")
    assert played.value("bad") == "baudrate must be 115200 or 460800, not 9600"


def test_modem_left_at_the_fast_rate_is_found_without_its_keys(play):
    played = play(
        ON + 'print("rate=%d" % modem.baudrate)\nnic.connect()\nprint("st=" + nic.status())',
        modem=Modem(start="command", ipr=460800),
        speed=3,
    )
    assert played.value("rate") == "460800"
    assert played.value("st") == "up"
    assert not played.journal.seen("pin", "PWRKEY low")


# Events


def test_events_come_in_order(play):
    played = play(
        READY
        + """
while nic.event():
    pass
do("cell_change")
do("ring count=1")
do("undervoltage_warning")
for _ in range(5):
    event = nic.event(3000)
    if event is None:
        break
    print("event=%s,%r" % tuple(event))
show("none", nic.event)
"""
    )
    events = [line[6:] for line in played.lines if line.startswith("event=")]
    assert events[0] == "registration,'home'"
    assert "ring,None" in events
    assert any(event.startswith("caller,'+491709876543") for event in events)
    assert "voltage,'low'" in events
    assert played.value("none") == "None"


def test_events_of_the_link(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.connect()
def links():
    found = []
    while True:
        event = nic.event()
        if event is None:
            return found
        if event.name == "link":
            found.append(event.detail)
print("up=%s" % links())
nic.disconnect()
print("down=%s" % links())
"""
    )
    assert played.value("up") == "['up']"
    assert played.value("down") == "['down']"


def test_restart_is_an_event_and_an_error(play):
    played = play(
        """
nic = ppp_sim800.PPP("internet")
nic.active(True)
do("modem_reset")
names = []
for _ in range(40):
    event = nic.event(250)
    if event:
        names.append(event.name)
try:
    nic.modem.imei()
    print("imei=ok")
except ppp_sim800.SIM800Error as error:
    print("imei=" + type(error).__name__)
while True:
    event = nic.event()
    if event is None:
        break
    names.append(event.name)
print("restarted=%s" % ("restarted" in names))
nic.connect()
print("st=" + nic.status())
""",
        modem=Modem(ipr=115200),
    )
    assert played.value("restarted") == "True"
    assert played.value("st") == "up"


def test_a_state_is_told_once(play):
    """However often it changed: the newest."""
    played = play(
        READY
        + """
while nic.event():
    pass
for i in range(20):
    do("cell_change")
    nic.modem.imei()
count = 0
while nic.event():
    count += 1
print("count=%d" % count)
print("dropped=%s" % (modem.events.dropped > 0))
"""
    )
    assert played.value("count") == "2"
    assert played.value("dropped") == "False"


def test_registration_lost_is_an_event(play):
    played = play(
        READY
        + """
while nic.event():
    pass
time.sleep_ms(3000)
seen = []
for _ in range(20):
    event = nic.event(200)
    if event:
        seen.append(tuple(event))
print("seen=%r" % seen)
""",
        radio=Radio(),
        events=(Event("registration_lost", when="registered", after=4.0),),
    )
    assert "('registration', 'searching')" in played.value("seen")
    assert "('gprs', 'searching')" in played.value("seen")
