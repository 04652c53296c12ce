"""The AT channel and the parsers of modem.py, run in the MicroPython VM."""

import itertools
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from vm_host import host

SETTINGS = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def ask(vm):
    with host(Path(__file__).with_name("at_host.py"), vm) as ask:
        yield ask


@pytest.fixture
def converse(ask):
    def converse(stream: bytes | list[bytes], *commands, takes=None, writes=None, **command):
        chunks = [stream] if isinstance(stream, bytes) else stream
        return ask(
            do="converse",
            takes=takes,
            writes=writes,
            chunks=[None if chunk is None else chunk.hex() for chunk in chunks],
            commands=list(commands) or [{"timeout": 1000, **command}],
        )

    return converse


# Answers of real modems, and what is to be made of them: stream, command, prefix, result
TRANSCRIPTS = [
    (b"AT\r\r\nOK\r\n", "AT", None, ["OK"]),
    (b"\r\nOK\r\n", "AT", None, ["OK"]),
    (b"AT+CSQ\r\r\n+CSQ: 18,0\r\n\r\nOK\r\n", "AT+CSQ", "+CSQ:", ["+CSQ: 18,0", "OK"]),
    (b"\r\n+CSQ: 18,0\r\n\r\nOK\r\n", "AT+CSQ", "+CSQ:", ["+CSQ: 18,0", "OK"]),
    (b"ATE1\rATE1\r\r\nOK\r\n", "ATE1", None, ["OK"]),
    (
        b"AT+GSN\r\r\n861234567890123\r\n\r\nOK\r\n",
        "AT+GSN",
        "digits",
        ["861234567890123", "OK"],
    ),
    (b"AT+CMEE=1\r\r\r\n\r\n\r\nOK\r\n", "AT+CMEE=1", None, ["OK"]),
    (b"\x00\xff\xfeAT\r\r\nOK\r\n", "AT", None, ["OK"]),  # noise of a starting modem
]


@pytest.mark.parametrize(("stream", "command", "prefix", "result"), TRANSCRIPTS)
def test_transcript(converse, stream, command, prefix, result):
    got = converse(stream, command=command, prefix=prefix)
    assert got["results"] == [result]
    assert got["unsolicited"] == []
    assert bytes.fromhex(got["sent"]) == command.encode() + b"\r"


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b"\r\nERROR\r\n", "the modem answered ERROR to AT+X"),
        (b"\r\n+CME ERROR: 10\r\n", "the modem answered +CME ERROR: 10 to AT+X"),
        (b"\r\n+CMS ERROR: 500\r\n", "the modem answered +CMS ERROR: 500 to AT+X"),
        (
            b"\r\n+CME ERROR: SIM not inserted\r\n",
            "the modem answered +CME ERROR: SIM not inserted to AT+X",
        ),
    ],
)
def test_refused(converse, stream, text):
    got = converse(stream, command="AT+X")
    assert got["results"] == [{"error": "ATError", "text": text}]


def test_dial_results(converse):
    dial = {"command": "ATD*99***1#", "ok": ["CONNECT"], "failed": ["NO CARRIER", "BUSY"]}
    for words, error in (
        (b"CONNECT", None),
        (b"CONNECT 115200", None),
        (b"NO CARRIER", "ATError"),
        (b"BUSY", "ATError"),
    ):
        (result,) = converse(b"ATD*99***1#\r\r\n" + words + b"\r\n", **dial)["results"]
        assert (result["error"] if error else result[-1]) == (error or words.decode())


def test_nothing_behind_connect_is_taken(converse):
    dial = {"command": "ATD*99***1#", "ok": ["CONNECT"], "limit": 1, "timeout": 20}
    got = converse(b"\r\nCONNECT\r\n~\xff\x7d\x23\xc0\x21~line\r\n", dial)
    # What was left in the UART is read by the poll that follows: the frame's first byte is still there.
    assert got["results"] == [["CONNECT"]]
    assert got["unsolicited"][0].startswith("~")


def test_no_carrier_of_an_old_call_is_not_an_answer(converse):
    got = converse(
        b"AT+CSQ\r\r\nNO CARRIER\r\n\r\n+CSQ: 9,0\r\n\r\nOK\r\n", command="AT+CSQ", prefix="+CSQ:"
    )
    assert got["results"] == [["+CSQ: 9,0", "OK"]]
    assert got["unsolicited"] == ["NO CARRIER"]


def test_timeout_names_the_command(converse):
    got = converse(b"\r\n+CSQ: 18,0\r\n", command="AT+CSQ", prefix="+CSQ:", timeout=20)
    assert got["results"][0]["error"] == "ATTimeout"
    assert "AT+CSQ" in got["results"][0]["text"]


def test_a_late_answer_is_not_the_next_ones(converse):
    late = [b"AT+COPS?\r", b"\r\nERROR\r\n\r\nOK\r\nAT+CSQ\r\r\n+CSQ: 7,0\r\n\r\nOK\r\n"]
    stream = [late[0]] + [b""] * 1 + late[1:]
    got = converse(
        [*stream],
        {"command": "AT+COPS?", "prefix": "+COPS:", "timeout": 0},
        {"command": "AT+CSQ", "prefix": "+CSQ:", "timeout": 50},
    )
    assert got["results"][0]["error"] == "ATTimeout"
    assert got["results"][1] == ["+CSQ: 7,0", "OK"]


def test_answers_of_earlier_commands_are_not_taken(converse):
    """A modem that was slow to answer the first attempts at it answers them all at last."""
    got = converse(
        [b"AT\r\r\nOK\r\nATE1\r\r\nOK\r\n", b"AT+CFUN?\r\r\n+CFUN: 1\r\n\r\nOK\r\n"],
        command="AT+CFUN?",
        prefix="+CFUN:",
    )
    assert got["results"] == [["+CFUN: 1", "OK"]]


def test_echo_off_costs_time_only(converse):
    got = converse(
        b"\r\n+CSQ: 1,0\r\n\r\nOK\r\n",
        {"command": "AT+CSQ", "prefix": "+CSQ:", "timeout": 1000},
        {"command": "AT+X", "timeout": 1},
    )
    assert got["results"][0] == ["+CSQ: 1,0", "OK"]


def test_secret_is_shown_to_nobody(converse):
    sent = {"command": "AT+CPIN=4711", "show": "AT+CPIN=****"}
    got = converse(b"\r\n+CME ERROR: 16\r\n", **sent)
    assert "4711" not in got["results"][0]["text"]
    damaged = b"AT+CPIN=47\xff11\r\r\n\r\nOK\r\n"
    got = converse(damaged, **sent)
    assert got["results"] == [["OK"]]
    assert got["unsolicited"] == []
    assert bytes.fromhex(got["sent"]) == b"AT+CPIN=4711\r"


# Commands that carry secrets, what is shown of them, the secrets
SECRET = [
    ("AT+CPIN=4711", "AT+CPIN=****", ["4711"]),
    ('AT+CPIN="12345678","4711"', "AT+CPIN=****,****", ["12345678", "4711"]),
    ('AT+CPWD="SC","4711","9038"', 'AT+CPWD="SC",****,****', ["4711", "9038"]),
    ('AT+SAPBR=3,1,"PWD","pw1"', 'AT+SAPBR=3,1,"PWD","****"', ["pw1"]),
    ('AT+HTTPPARA="USERDATA","Key: 8f2a"', 'AT+HTTPPARA="USERDATA","****"', ["8f2a"]),
]


@SETTINGS
@given(
    which=st.sampled_from(SECRET),
    place=st.integers(0, 1000),
    damage=st.sampled_from(["lost", "doubled"]) | st.integers(1, 255),
    late=st.booleans(),
    following=st.sampled_from([None, "digits", "anything"]),
)
def test_no_damage_to_an_echo_shows_a_secret(converse, which, place, damage, late, following):
    """One byte lost, doubled or flipped, while the command waits, or after it gave up."""
    command, show, secrets = which
    echo = bytearray(command.encode() + b"\r\r\n")
    place %= len(echo)
    if damage == "lost":
        del echo[place]
    elif damage == "doubled":
        echo.insert(place, echo[place])
    else:
        echo[place] ^= damage
    stream = [bytes(echo) + b"UNDER-VOLTAGE POWER DOWN\r\n", b"\r\nOK\r\n"]
    commands = [{"command": command, "show": show, "timeout": 0 if late else 20}]
    if following is not None:
        commands.append({"command": "AT+GSN", "prefix": following, "timeout": 1})
    got = converse([b"", *stream] if late else stream, *commands)
    del got["sent"]
    assert not any(secret in json.dumps(got) for secret in secrets)


def test_an_echo_hides_no_longer_than_it_may_come(converse):
    got = converse(
        [b"", b"T+CPIN=4711\r\r\n\r\nOK\r\nAT\r\r\nOK\r\n\r\n+X: AT,4711\r\n"],
        {"command": "AT+CPIN=4711", "show": "AT+CPIN=****", "timeout": 0},
        {"command": "AT", "timeout": 1000},
    )
    assert got["unsolicited"] == ["+X: AT,4711"]
    assert got["traced"] == ["AT+CPIN=****", "AT", "****", "OK", "OK", "+X: AT,4711"]


def test_prompt_gets_the_data(converse):
    got = converse(
        [b'AT+CMGS="1"\r\r\n', b"> ", b"\r\n+CMGS: 7\r\n\r\nOK\r\n"],
        command='AT+CMGS="1"',
        prefix="+CMGS:",
        data="hello\x1a",
    )
    assert got["results"] == [["+CMGS: 7", "OK"]]
    assert bytes.fromhex(got["sent"]) == b'AT+CMGS="1"\rhello\x1a'


def test_download_gets_the_data_in_pieces(converse):
    body = ["x" * 700, "", "Bienenstöcke"]
    got = converse(
        [b"AT+HTTPDATA=713,5000\r\r\nDOWNLOAD\r\n", b"\r\nOK\r\n"],
        command="AT+HTTPDATA=713,5000",
        data=body,
        prompt="DOWNLOAD",
    )
    assert got["results"] == [["OK"]]
    assert got["unsolicited"] == []
    assert bytes.fromhex(got["sent"]) == b"AT+HTTPDATA=713,5000\r" + "".join(body).encode()


@pytest.mark.parametrize("takes", [1, 3, 0])
def test_uart_that_takes_little_at_once(converse, takes):
    """As one with timeout=0 may whose buffer is full; one that takes nothing is not waited for for ever."""
    got = converse(
        [b"AT+X\r\r\nDOWNLOAD\r\n", b"\r\nOK\r\n"],
        takes=takes,
        command="AT+X",
        data="0123456789",
        prompt="DOWNLOAD",
    )
    if takes:
        assert got["results"] == [["OK"]]
        assert bytes.fromhex(got["sent"]) == b"AT+X\r0123456789"
    else:
        assert got["results"][0]["error"] == "ATTimeout"


def test_a_command_goes_out_in_pieces(converse):
    """A multiplexer whose modem says stop takes part of it, or nothing (None)."""
    got = converse(
        [b""] * 5 + [b"AT+CSQ\r\r\n", b"+CSQ: 18,0\r\n\r\nOK\r\n"],
        writes=[None, 3, None, 0, 2],
        command="AT+CSQ",
        prefix="+CSQ:",
    )
    assert bytes.fromhex(got["sent"]) == b"AT+CSQ\r"
    assert got["results"] == [["+CSQ: 18,0", "OK"]]


def test_a_command_that_is_not_taken(converse):
    """What comes meanwhile is no answer to it, and the next one is sent all the same."""
    got = converse(
        [b"\r\nOK\r\n", b"AT+X\r\r\nOK\r\n"],
        {"command": "AT+CSQ", "timeout": 0},
        {"command": "AT+X", "timeout": 1000},
        writes=[2, None],
    )
    assert got["results"][0]["error"] == "ATTimeout"
    assert got["results"][0]["text"].startswith("the modem did not take AT+CSQ within 0.0 s")
    assert got["results"][1] == ["OK"]


def test_getting_in_step_loses_no_line(converse):
    """What was said before, between the tries and among the echoes; who gets it is told that it may be anything."""
    got = converse(
        [
            b'\r\n+CMTI: "SM",1\r\n',
            b'AT\r\r\n+CMTI: "SM",2\r\n\r\nOK\r\nRING\r\n',
            b"",
            b'\r\n+CMTI: "SM",3\r\nATE1Q0V1\r\r\n+CMTI: "SM",4\r\n\r\nOK\r\n\r\n+CMTI: "SM",5\r\n',
        ],
        {"sync": 3},
        {"command": "AT", "timeout": 1},
    )
    assert got["results"][0] is True
    said = [line for line in got["doubtful"] if not line.startswith("AT")]
    assert said == [f'+CMTI: "SM",{n}' if n else "RING" for n in (1, 2, 0, 3, 4)]
    assert got["unsolicited"] == ['+CMTI: "SM",5']
    assert not any("CMTI" in line for line in got["traced"][:-2])  # it may be a data call's


@pytest.mark.parametrize(
    "text", ['Hi\n+COPS: (2,"Evil","E","99999")\nOK\nx', "Hi\n+CMGS: 77\nOK\nx", "Hi\nERROR\nRDY"]
)
def test_text_in_quotes_is_no_answer(converse, text):
    """A USSD text that comes while a command is in flight, cut anywhere."""
    urc = f'+CUSD: 0, "{text}", 15'
    stream = f"AT+COPS=?\r\r\n{urc}\r\n\r\n+COPS: ,,(0-4)\r\n\r\nOK\r\n".encode()
    for cut in range(len(stream)):
        got = converse([stream[:cut], stream[cut:]], command="AT+COPS=?", prefix="+COPS:")
        assert got["results"] == [["+COPS: ,,(0-4)", "OK"]], cut
        assert got["unsolicited"] == [urc], cut


# What is text, by the table: answers and URCs with text of the network's, of the card's or of other people's in quotes.

ANSWERS = [  # command, prefix, the answer's lines
    ("AT+COPS?", "+COPS:", ['+COPS: 0,0,"{}"']),
    ("AT+COPS=?", "+COPS:", ['+COPS: (2,"{}","{}","26201"),(1,"{}","E","26202"),,(0-4),(0-2)']),
    ("AT+CSPN?", "+CSPN:", ['+CSPN: "{}",0']),
    ("AT+CNUM", "+CNUM:", ['+CNUM: "{}","+491701234567",145', '+CNUM: "{}","1",129']),
    (
        "AT+CPBR=1,3",
        "+CPBR:",
        ['+CPBR: {n},"+49170","145","{}"'.replace("{n}", str(n)) for n in (1, 2, 3)],
    ),
    ("AT+CLCC", "+CLCC:", ['+CLCC: 1,1,4,0,0,"+49170",145,"{}"']),
    ("AT+CMGR=1", "+CMGR:", ['+CMGR: "REC READ","+49170","{}","26/11/30,12:00:00+04"']),
    ("AT+CSCA?", "+CSCA:", ['+CSCA: "{}",145']),
    ("AT+GSN", "digits", ["861234567890123"]),
    ("AT", None, []),
]
UNASKED = [
    '+CUSD: 0, "{}", 15',
    '+CUSD: 1,"{}",0',
    '*PSNWID: "262","01","{}",0,"{}",0',
    '+CLIP: "+491709876543",145,"",0,"{}",0',
    '+CIEV: 10,"26201","{}","{}",0,0',
    '+CMTI: "SM",3',
    '+CREG: 1,"1A2B","3C4D"',
    "RING",
    "UNDER-VOLTAGE WARNNING",
    "+DTMF: 5",
]
PIECES = [
    *("\n", "\r\n", "\r\n\r\n", " ", ",", "x", "Hi", "> ", "\t"),
    *("OK", "ERROR", "RDY", "RING", "NO CARRIER", "NORMAL POWER DOWN", "+PDP: DEACT"),
    *("+CME ERROR: 10", "+CMS ERROR: 500", "+CPIN: SIM PUK", "+CREG: 2", "+CMGS: 77"),
    *("AT", "ATE1Q0V1", "861234567890123", "CONNECT 460800", "+COPS: 0,0,", "+CUSD: 2", "\u00fc"),
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
QUOTES = st.lists(st.sampled_from([*PIECES, '"', '" pipe', '+CMTI: "SM",9']), max_size=8).map(
    "".join
)
# Only this cannot be told from the line's end.
ENDS = re.compile(r'"[ ,0-9]*($|[\r\n])')
INNER_END = re.compile(r'"[ ,0-9]*[\r\n]')


@st.composite
def said(draw, template):
    form = template
    while "{}" in form:
        text = draw(QUOTES if form.startswith("+CUSD") else TEXT)
        if form.startswith("+CUSD"):
            assume(not ENDS.search(text))
        form = form.replace("{}", text, 1)
    return form


@st.composite
def conversation(draw):
    """(what the modem says, command, prefix, the answer's lines, the URCs)."""
    command, prefix, templates = draw(st.sampled_from(ANSWERS))
    urcs = []

    def others():
        some = [draw(said(form)) for form in draw(st.lists(st.sampled_from(UNASKED), max_size=2))]
        urcs.extend(some)
        return "".join(f"\r\n{line}\r\n" for line in some)

    own = [draw(said(template)) for template in templates]
    stream = others() + command + "\r" + others()
    for line in own:
        stream += f"\r\n{line}\r\n" + others()
    stream += "\r\nOK\r\n" + others()
    # What stands between a text with one quote and the next quote before an end, or what looks like one, could be part of
    # one text: it is taken as that, so that no text forges an answer, and the command ends in ATTimeout.
    odd = sum(line.count('"') % 2 for line in urcs if line.startswith("+CUSD"))
    assume(odd < 2 and not (odd and any(INNER_END.search(line) for line in own + urcs)))
    return stream, command, prefix, own, urcs


def shown(line: str) -> str:
    """As the package has it: what is not ASCII a "?" for each byte."""
    return "".join(chr(b) if b < 128 else "?" for b in line.encode())


@SETTINGS
@given(talk=conversation(), cuts=st.lists(st.integers(0, 2000), max_size=8))
def test_text_is_text_wherever_it_comes(converse, talk, cuts):
    """No result, answer or event is forged by it, none is lost, and the channel is in step behind it."""
    stream, command, prefix, own, urcs = talk
    stream = stream.encode()
    ends = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in itertools.pairwise(ends) if a < b]
    got = converse(
        [*pieces, None, b"AT+GMM\r\r\nSIM800\r\n\r\nOK\r\n"],
        {"command": command, "prefix": prefix, "timeout": 3000},
        {"command": "AT+GMM", "prefix": "SIM800", "timeout": 3000},
    )
    assert got["results"] == [[*map(shown, own), "OK"], ["SIM800", "OK"]]
    assert got["unsolicited"] == [shown(line) for line in urcs]


@settings(parent=SETTINGS, max_examples=25)
@given(
    which=st.sampled_from([row for row in ANSWERS if len(row[2]) == 1 and "{}" in row[2][0]]),
    text=st.lists(st.sampled_from(['"', "x", "OK", ",", " ", "1"]), max_size=6).map("".join),
    urcs=st.lists(st.sampled_from(UNASKED[5:]), max_size=2),
)
def test_quotes_in_a_name_cost_a_moment(converse, which, text, urcs):
    """Nobody escapes them: with an odd number the line seems to go on, until nothing comes any more."""
    command, prefix, (template,) = which
    line = template.replace("{}", text)
    others = "".join(f"\r\n{urc}\r\n" for urc in urcs)
    got = converse(
        f"{command}\r\r\n{line}\r\n{others}\r\nOK\r\n".encode(),
        {"command": command, "prefix": prefix, "timeout": 3000},
    )
    assert got["results"] == [[line, "OK"]]
    assert got["unsolicited"] == urcs


def test_a_quote_lost_on_the_line_costs_a_moment(converse):
    got = converse(
        b'AT+CSQ\r\r\n+CREG: 1,"1A2B","3C4D\r\n\r\n+CSQ: 18,0\r\n\r\nOK\r\n',
        command="AT+CSQ",
        prefix="+CSQ:",
    )
    assert got["results"] == [["+CSQ: 18,0", "OK"]]
    assert got["unsolicited"] == ['+CREG: 1,"1A2B","3C4D']


def test_data_stays_here_if_nobody_asks_for_it(converse):
    got = converse(
        b"AT+HTTPDATA=5,5000\r\r\n+CME ERROR: 3\r\n",
        command="AT+HTTPDATA=5,5000",
        data="hello",
        prompt="DOWNLOAD",
    )
    assert got["results"][0]["error"] == "ATError"
    assert bytes.fromhex(got["sent"]) == b"AT+HTTPDATA=5,5000\r"


READ = {"command": "AT+HTTPREAD=0,60", "prefix": "+HTTPREAD:", "timeout": 20}


@SETTINGS
@given(data=st.data(), body=st.binary(max_size=60))
def test_bytes_of_any_kind_follow_a_line(converse, data, body):
    stream = b"AT+HTTPREAD=0,60\r\r\n+HTTPREAD: %d\r\n%b\r\nOK\r\n" % (len(body), body)
    got = converse(
        cut(data, stream + b"\r\nRING\r\n"),
        {**READ, "timeout": 1000, "into": 60},
        {"command": "AT", "timeout": 1},
    )
    lines, taken = got["results"][0][:-1], bytes.fromhex(got["results"][0][-1])
    assert lines == [f"+HTTPREAD: {len(body)}", "OK"]
    assert taken == body.ljust(60, b"\0")
    assert got["unsolicited"] == ["RING"]


def test_more_bytes_than_fit_are_dropped(converse):
    body = b"0123456789" * 300
    stream = b"AT+HTTPHEAD\r\r\n+HTTPHEAD: 3000\r\n" + body + b"\r\nOK\r\n"
    got = converse(stream, command="AT+HTTPHEAD", prefix="+HTTPHEAD:", into=5)
    assert got["results"] == [["+HTTPHEAD: 3000", "OK", b"01234".hex()]]


@pytest.mark.parametrize(
    "body",
    [b"123456789", b"12345678901", b"1" * 40, b"12345678\r\nOK", b"\r\nOK\r\n1234567"],
)
def test_lost_or_doubled_bytes_are_noticed(converse, body):
    stream = b"AT+HTTPREAD=0,60\r\r\n+HTTPREAD: 10\r\n" + body + b"\r\nOK\r\n"
    got = converse(
        [stream, b"", b"AT\r\r\nOK\r\n"], {**READ, "into": 60}, {"command": "AT", "timeout": 1000}
    )
    assert got["results"][0]["error"] == "ATError"
    assert "something damaged" in got["results"][0]["text"]
    assert got["results"][1] == ["OK"]


def test_bytes_for_another_command_are_not_taken(converse):
    stream = b"AT+HTTPREAD=0,6\r\r\n+HTTPREAD: 6\r\n012345\r\nOK\r\n"
    got = converse(stream, **READ, into=60)
    assert got["results"][0]["error"] == "ATError"


@pytest.mark.parametrize("count", [b"", b"x", b"-1", b"9999999"])
def test_a_damaged_count_is_noticed(converse, count):
    stream = b"AT+HTTPREAD=0,60\r\r\n+HTTPREAD: " + count + b"\r\n0123456789\r\nOK\r\n"
    got = converse(stream, **READ, into=60)
    assert got["results"][0]["error"] == "ATError"


def test_overlong_line_is_dropped_whole(converse):
    got = converse(b"\r\n" + b"x" * 5000 + b"\r\n\r\nOK\r\n", command="AT")
    assert got["results"] == [["OK"]]
    assert got["unsolicited"] == []


def test_an_overlong_line_is_not_dropped_from_the_next_stream(converse):
    got = converse(
        [b"\r\nOK\r\n" + b"~" * 2000],
        {"command": "AT", "timeout": 1},
        {"move": [b"AT+CSQ\r\r\n+CSQ: 9,0\r\n\r\nOK\r\n".hex()]},
        {"command": "AT+CSQ", "prefix": "+CSQ:", "timeout": 1},
    )
    assert got["results"][1] == ["+CSQ: 9,0", "OK"]


URCS = (
    b"RING",
    b"+CREG: 1",
    b'+CMTI: "SM",3',
    b"+PDP: DEACT",
    b"UNDER-VOLTAGE WARNNING",
    b"RDY",
    b"+CRING: VOICE",
)


def cut(data, stream: bytes) -> list[bytes]:
    """`stream` in pieces, cut where hypothesis likes."""
    places = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    return [
        stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True) if a < b
    ]


@SETTINGS
@given(data=st.data())
def test_any_split_and_any_urc_give_the_same_result(converse, data):
    stream, command, prefix, result = data.draw(
        st.sampled_from([t for t in TRANSCRIPTS if t[0].startswith(t[1].encode())])
    )
    urc = data.draw(st.sampled_from(URCS))
    ends = [i + 2 for i in range(len(stream)) if stream[i : i + 2] == b"\r\n"]
    where = data.draw(st.sampled_from(ends))
    with_urc = stream[:where] + b"\r\n" + urc + b"\r\n" + stream[where:]
    got = converse(cut(data, with_urc), command=command, prefix=prefix)
    assert got["results"] == [result]
    assert got["unsolicited"] == [urc.decode()]


@SETTINGS
@given(data=st.data(), noise=st.binary(max_size=400))
def test_noise_never_escapes(converse, data, noise):
    got = converse(cut(data, noise) if noise else [], command="AT+CSQ", prefix="+CSQ:", timeout=1)
    (result,) = got["results"]
    assert isinstance(result, list) or result["error"] in ("ATError", "ATTimeout")


@SETTINGS
@given(st.binary(max_size=60))
def test_text_takes_all_bytes(ask, line):
    assert ask(do="text", line=line.hex()) == "".join(chr(b) if b < 128 else "?" for b in line)


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("+CSQ: 18,0", ["18", "0"]),
        ('+CREG: 2,1,"1A2B","3C4D"', ["2", "1", "1A2B", "3C4D"]),
        ('+COPS: 0,0,"Telekom, D"', ["0", "0", "Telekom, D"]),
        ('+CCLK: "26/06/15,14:00:00+08"', ["26/06/15,14:00:00+08"]),
        ('+CMGR: "REC READ","+49170","","26/06/15"', ["REC READ", "+49170", "", "26/06/15"]),
        ("+CPIN: READY", ["READY"]),
        ("861234567890123", ["861234567890123"]),
    ],
)
def test_fields(ask, line, result):
    assert ask(do="fields", line=line) == result


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("26/06/15,14:00:00+08", [2026, 6, 15, 12, 0, 0]),
        ("26/12/31,23:30:59-04", [2027, 1, 1, 0, 30, 59]),
        ("28/03/01,00:10:00+04", [2028, 2, 29, 23, 10, 0]),
        ("26/01/01,05:00:00+23", [2025, 12, 31, 23, 15, 0]),
        ("04/01/01,00:00:12+00", None),
        ("00/01/01,00:00:12+00", None),
        ("26/13/15,14:00:00+08", None),
        ("26/06/15,14:00", None),
        ("", None),
        ("xx/06/15,14:00:00+08", None),
    ],
)
def test_clock(ask, value, result):
    assert ask(do="cclk", value=value) == result


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (
            '+COPS: (2,"Telekom.de","TDG","26201"),(1,"O2 (DE), x","o2","26203"),,(0-4),(0-2)',
            [["Telekom.de", "TDG", "26201", 2], ["O2 (DE), x", "o2", "26203", 1]],
        ),
        (
            '+COPS: (1,"A","B","26201",0),(3,"C","D","26202",0),,(0-4),(0-2)',
            [["A", "B", "26201", 1], ["C", "D", "26202", 3]],
        ),
        ("+COPS: ,,(0-4),(0-2)", []),
        ('+COPS: (2,"Telekom', []),
    ],
)
def test_operators(ask, line, result):
    assert ask(do="scan", line=line) == result


# As real modems and servers said it
@pytest.mark.parametrize(
    ("line", "result"),
    [
        (
            "+CIPGSMLOC: 0,-74.007729,40.730160,2015/10/15,19:24:55",
            [-74.007729, 40.730160, [2015, 10, 15, 19, 24, 55]],
        ),
        (
            "+CIPGSMLOC: 0,36.833633,-1.304255,2019/03/22,10:08:02",
            [36.833633, -1.304255, [2019, 3, 22, 10, 8, 2]],
        ),
        (
            "+CLBS: 0,103.812345,1.312345,550,2022/06/26,12:08:39",
            [103.812345, 1.312345, [2022, 6, 26, 12, 8, 39]],
        ),
        (
            "+CLBS: 0,18.279854,59.480068,500,25/08/15,23:14:00",
            [18.279854, 59.480068, [2025, 8, 15, 23, 14, 0]],
        ),
        ("+CIPGSMLOC: 601", "no location (601): the network failed: try again"),
        ("+CIPGSMLOC: 404", "no location (404): the server does not know the cells here"),
        ("+CIPGSMLOC: 999", "no location (999): the network failed: try again"),
    ],
)
def test_location(ask, line, result):
    assert ask(do="location", line=line) == result


@SETTINGS
@given(st.text(alphabet="+CIPGSMLOC: 0123456789,./-", max_size=60))
def test_location_takes_all_lines(ask, line):
    ask(do="location", line=line)


def test_headers(ask):
    head = b"HTTP/1.1 200 OK\r\nContent-Type:text/plain\r\nX: a: b \r\nBad\r\nY: \xff\r\n\r\n"
    assert ask(do="headers", head=head.hex()) == {"Content-Type": "text/plain", "X": "a: b"}
    assert ask(do="headers", head=head[:34].hex()) == {}


@SETTINGS
@given(st.binary(max_size=200))
def test_headers_take_all_bytes(ask, head):
    assert isinstance(ask(do="headers", head=head.hex()), dict)


@SETTINGS
@given(st.text(alphabet='+COPS: ()",0123456789ab', max_size=80))
def test_parsers_take_all_lines(ask, line):
    assert isinstance(ask(do="scan", line=line), list)
    assert isinstance(ask(do="fields", line=line), list)
    ask(do="cclk", value=line[:20])


# --- text with quotes and results in it ----------------------------------------------------------

NAMES = [
    'Evil"\r\nERROR\r\n',
    'Evil"\r\n\r\n+CME ERROR: 10\r\n',
    'Evil"\r\nOK\r\n+CMTI: "SM",9\r\nRING\r\n"',
    'Evil"\r\n\r\nOK\r\n\r\nRDY\r\n',
    'Evil"\r\nNORMAL POWER DOWN\r\n"x"\r\n',
    "Ev\r\nOK\r\nil",
    'a"b',
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pieces", [1, 7, 1000])
def test_a_name_forges_no_result_and_no_event(converse, name, pieces):
    stream = f'AT+COPS?\r\r\n+COPS: 0,0,"{name}"\r\n\r\nOK\r\n'.encode()
    chunks = [stream[at : at + pieces] for at in range(0, len(stream), pieces)]
    got = converse(
        chunks, {"command": "AT+COPS?", "prefix": "+COPS:", "timeout": 45000, "doubt": True}
    )
    (answer,) = got["results"]
    assert answer[0].startswith('+COPS: 0,0,"')
    assert answer[-1] == "OK"
    assert got["unsolicited"] == []


def test_what_came_before_the_text_counts(converse):
    got = converse(
        [
            b"AT+COPS=?\r\r\nRING\r\n\r\n",
            b'+COPS: (2,"a","b","26201"),,(0-4),(0-2)\r\n\r\nOK\r\n',
        ],
        {"command": "AT+COPS=?", "prefix": "+COPS:", "timeout": 45000, "doubt": True},
    )
    assert got["unsolicited"] == ["RING"]


def test_a_message_in_text_mode_is_whole(converse):
    """By hand, where all lines are the answer's."""
    body = b'hello\r\nOK\r\n+CMTI: "SM",7\r\nRING\r\nERROR\r\nbye'
    got = converse(
        [b'AT+CMGR=1\r\r\n+CMGR: "REC UNREAD","+49","","26/01/01"\r\n' + body + b"\r\n\r\nOK\r\n"],
        {"command": "AT+CMGR=1", "prefix": "anything", "timeout": 5000, "doubt": True},
    )
    assert got["unsolicited"] == got["doubtful"] == []
    (answer,) = got["results"]
    assert [line.encode() for line in answer[1:-1]] == body.split(b"\r\n")
    assert answer[-1] == "OK"


def test_an_answer_of_text_waits_no_longer_than_its_time(converse):
    """Who goes on talking does not hold the line."""
    talk = [b'AT+COPS?\r\r\n+COPS: 0,0,"a"\r\nOK\r\n'] + [b"x\r\n"] * 400
    got = converse(talk, {"command": "AT+COPS?", "prefix": "+COPS:", "timeout": 1, "doubt": True})
    assert got["results"] == [['+COPS: 0,0,"a"', "OK"]]


@pytest.mark.parametrize(
    ("line", "operators"),
    [
        ('+COPS: (2,"a"b","E","26201"),,(0-4),(0-2)', [["a\"b", "E", "26201", 2]]),
        ('+COPS: (2,"a","b","E","26201"),(1,"c","d","26202")',
         [['a","b', "E", "26201", 2], ["c", "d", "26202", 1]]),
        ('+COPS: (2,"","","26201"),(3,"(x)","(","26203"),,(0-4)',
         [["", "", "26201", 2], ["(x)", "(", "26203", 3]]),
        ('+COPS: (2,"a","b"', []),
        ("+COPS: ,,(0-4),(0-2)", []),
        ("+COPS: (", []),
    ],
)  # fmt: skip
def test_operators_with_quotes(ask, line, operators):
    assert ask(do="scan", line=line) == operators
