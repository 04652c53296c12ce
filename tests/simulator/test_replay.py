"""replay.py: what a real modem was told and said, against the simulated one."""

import json

import pytest
from sim800.replay import RULES, masked, replay
from sim800.scenario import SIM, Event, Modem, Scenario

RUNNING = Scenario(modem=Modem(start="command"))


def test_alike():
    records = [
        {"t": 3.0, "sent": "AT+CSQ\r"},
        {"t": 3.1, "received": "AT+CSQ\r\r\n+CSQ: 5,3\r\n\r\nOK\r\n"},
        {"t": 4.0, "sent": "ATE0\r"},
        {"t": 4.1, "received": "ATE0\r\r\nOK\r\n"},
        {"t": 4.2, "sent": "AT+CREG?\r"},
        {"t": 4.3, "received": "\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
    ]
    assert replay(json.loads(json.dumps(records)), RUNNING) == []


def test_lines_alone():
    records = [
        {"sent": "AT+CREG?"},
        {"received": "+CREG: 0,1"},
        {"received": "OK"},
        {"sent": "AT+GSN"},
        {"received": "***************"},
        {"received": "OK"},
    ]
    assert replay(records, RUNNING) == []


def test_another_answer():
    records = [{"t": 7.0, "sent": "AT+CREG?"}, {"received": "+CREG: 0,5"}, {"received": "OK"}]
    (difference,) = replay(records, RUNNING)
    assert (difference.t, difference.sent) == (7.0, "AT+CREG?")
    assert (difference.expected, difference.got) == (("+CREG: 0,5",), ("+CREG: 0,1",))
    assert str(difference) == (
        "7.0 s: after AT+CREG?: the real modem said '+CREG: 0,5', the simulated one '+CREG: 0,1'"
    )


@pytest.mark.parametrize(
    "received", ["AT\r\nOK\r\n", "AT\r\r\nOK\r\n\r\n", "\r\nOK\r\n", "AT\r\r\nOK\r"]
)
def test_the_frame_counts_where_bytes_are_told(received):
    assert replay([{"sent": "AT\r"}, {"received": received}], RUNNING)


def test_what_is_not_told_is_not_compared():
    assert replay([{"sent": "AT+CREG=2"}, {"sent": "AT"}, {"received": "OK"}], RUNNING) == []
    assert replay([{"sent": "AT"}, {"received": ""}], RUNNING)


def test_from_power_on():
    scenario = Scenario(modem=Modem(ipr=115200), sim=SIM(pin="1234"))
    records = [
        {"t": 100.0, "received": "\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: SIM PIN\r\n"},
        {"t": 105.0, "sent": "AT+CPIN=****"},
        {"t": 105.1, "received": "OK"},
        {"t": 105.1, "received": "+CPIN: READY"},
    ]
    assert replay(records, scenario) == []
    (difference,) = replay([*records[:2], {"received": "ERROR"}, records[3]], scenario)
    assert (difference.sent, difference.expected) == ("AT+CPIN=<pin>", ("ERROR",))
    assert difference.got == ("OK",)


def test_times_count():
    scenario = Scenario(modem=Modem(ipr=115200))
    early = [{"t": 0, "sent": "AT"}, {"t": 0.1, "sent": "AT+CPIN?"}, {"received": "ERROR"}]
    late = [
        {"t": 0, "received": "RDY"},
        {"t": 0, "received": "+CFUN: 1"},
        {"t": 1, "received": "+CPIN: READY"},
        {"t": 2, "received": "Call Ready"},
        {"t": 2, "received": "SMS Ready"},
        {"t": 9, "sent": "AT+CPIN?"},
        {"received": "+CPIN: READY"},
        {"received": "OK"},
    ]
    assert replay(early, scenario) == []
    assert replay(late, scenario) == []


def test_unasked_in_its_place_or_anywhere():
    scenario = Scenario(
        modem=Modem(start="command"), events=(Event("urc text='+CMTI: \"SM\",1'", after=8.0),)
    )
    records = [
        {"t": 0, "sent": "AT"},
        {"received": "OK"},
        {"received": '+CMTI: "SM",1'},
        {"t": 10, "sent": "AT+GSN"},
        {"received": "123456789012345"},
        {"received": "OK"},
    ]
    assert replay(records, scenario, anywhere=True) == []
    assert replay(records[:3], RUNNING, anywhere=True)[0].expected == ('+CMTI: "SM",1',)
    (more,) = replay(
        [*records[:2], {"t": 10, "sent": "AT"}, {"received": "OK"}], scenario, anywhere=True
    )
    assert more.got == ('+CMTI: "SM",1',)


def test_no_transcript():
    for records in ([{"t": 1}], [{"sent": "AT", "received": "OK"}], [{"sent": 1}]):
        with pytest.raises(ValueError, match="record 0 has no"):
            replay(records, RUNNING)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("+CSQ: 18,0", "+CSQ: <signal>,<signal>"),
        ("861234567890123\r", "<digits>\r"),
        ('+CREG: 2,1,"07E6","D68F"', "+CREG: 2,1,<cell>"),
        ('+CCLK: "21/11/23,16:16:32+02"', "+CCLK: <time>"),
        ('+SAPBR: 1,1,"10.1.2.3"', '+SAPBR: 1,1,"<address>"'),
        ("+CREG: 0,1", "+CREG: 0,1"),
        ("CONNECT", "CONNECT"),
    ],
)
def test_what_differs_by_nature_is_masked(line, shown):
    assert masked(line) == shown


def test_every_rule_says_why():
    assert all(rule.why and rule.pattern.groups for rule in RULES)
