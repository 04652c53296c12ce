"""The codec of short messages, run in the MicroPython VM; its peer is the simulator's, written apart from it."""

import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sim800 import gsm7, pdu
from vm_host import host

SETTINGS = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

DELIVER, SUBMIT, STATUS_REPORT = 0, 1, 2
GSM, BYTES, UCS2 = 7, 8, 16

ALPHABET = gsm7.BASIC.replace("\x1b", "") + "".join(gsm7.EXTENSION.values())
GSM_TEXTS = st.text(alphabet=ALPHABET, max_size=700)
TEXTS = GSM_TEXTS | st.text(
    alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from("aé€😀"), max_size=300
)
TIME = datetime.datetime(2026, 6, 15, 14, 30, 59)
UTC = [2026, 6, 15, 12, 30, 59]


@pytest.fixture(scope="module")
def ask(vm):
    with host(Path(__file__).with_name("pdu_host.py"), vm) as ask:
        yield ask


@pytest.fixture
def parse(ask):
    def parse(raw: str | bytes):
        return ask(do="parse", pdu=raw if isinstance(raw, str) else raw.hex())["result"]

    return parse


def test_a_message_as_received(parse):
    """The example everybody cites, of a message of 1999."""
    raw = "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
    time = [2099, 3, 29, 13, 16, 59]
    assert parse(raw) == [DELIVER, "27838890001", time, GSM, "hellohello", 0, 1, 1]


def test_submit_is_the_known_one(ask):
    """The example everybody cites: hellohello to +46708251358, without its service centre and validity."""
    got = ask(do="submit", number="+46708251358", text="hellohello", reference=0, report=False)
    assert got["result"] == ["0001000b916407281553f800000ae8329bfd4697d9ec37"]


def whole(parts: list[pdu.Submit]) -> str:
    return "".join(part.data.text for part in parts)


@SETTINGS
@given(
    TEXTS,
    st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True),
    st.integers(0, 255),
    st.booleans(),
)
def test_what_is_sent_is_what_the_network_reads(ask, text, number, reference, report):
    got = ask(do="submit", number=number, text=text, reference=reference, report=report)["result"]
    assert all(raw.startswith("00") for raw in got)
    parts = [pdu.Submit.decode(bytes.fromhex(raw)[1:]) for raw in got]
    assert whole(parts) == text
    assert {part.number for part in parts} == {number}
    assert {part.wants_report for part in parts} == {report}
    places = [part.data.concatenation for part in parts]
    if len(parts) == 1:
        assert places == [None]
    else:
        assert places == [(reference, len(parts), n) for n in range(1, len(parts) + 1)]
        for part in parts:  # each can be shown by itself
            part.data.text.encode("utf-16")
            assert "\ufffd" not in part.data.text or "\ufffd" in text


@SETTINGS
@given(TEXTS)
def test_no_more_parts_than_needed(ask, text):
    assert len(ask(do="split", text=text)["result"][1]) == len(pdu.split(text))


@pytest.mark.parametrize(
    ("text", "alphabet", "ends"),
    [
        ("", GSM, [0]),
        ("a" * 160, GSM, [160]),
        ("a" * 161, GSM, [153, 161]),
        ("€" * 80, GSM, [80]),
        ("a" * 152 + "€" * 10, GSM, [152, 162]),
        ("ё" * 70, UCS2, [70]),
        ("ё" * 71, UCS2, [67, 71]),
        ("ё" * 66 + "😀" * 10, UCS2, [66, 76]),
        ("\x1b", UCS2, [1]),
    ],
)
def test_where_a_text_is_cut(ask, text, alphabet, ends):
    assert ask(do="split", text=text)["result"] == [alphabet, ends]


def test_too_long_a_text(ask):
    assert len(ask(do="split", text="a" * 153 * 255)["result"][1]) == 255
    got = ask(do="split", text="a" * 153 * 255 + "a")
    assert got["error"] == "ConfigError"
    assert "256 messages, and at most 255" in got["text"]


@SETTINGS
@given(TEXTS, st.integers(0, 255), st.sampled_from(["+491701234567", "12345", "0", "Operator"]))
def test_what_the_network_sends_is_read(ask, text, reference, number):
    pieces = pdu.split(text, reference)
    raws = [
        (
            pdu.encode_center("+491710760000")
            + pdu.Deliver(number, data, pdu.encode_time(TIME, 8)).encode()
        ).hex()
        for data in pieces
    ]
    (message,) = ask(do="join", pdus=[[n == 1, raw] for n, raw in enumerate(raws)])["result"]
    indexes, who, got, time, unread, complete, _ = message
    assert (indexes, who, got) == (list(range(1, len(raws) + 1)), number, text)
    assert (time, unread, complete) == (UTC, len(raws) > 1, True)


@pytest.mark.parametrize(
    ("zone", "utc"), [(8, UTC), (-20, [2026, 6, 15, 19, 30, 59]), (0, [2026, 6, 15, 14, 30, 59])]
)
def test_time_is_utc(parse, zone, utc):
    (data,) = pdu.split("x")
    assert parse(b"\0" + pdu.Deliver("1", data, pdu.encode_time(TIME, zone)).encode())[2] == utc


def deliver(data: pdu.UserData, number="+491701234567") -> str:
    return "00" + pdu.Deliver(number, data, pdu.encode_time(TIME, 8)).encode().hex()


def test_parts_are_joined_in_their_order_and_told_apart(ask):
    one = [deliver(part) for part in pdu.split("1" * 400, 7)]
    other = [deliver(part) for part in pdu.split("2" * 400, 8)]
    same_reference = [deliver(part) for part in pdu.split("3" * 400, 7)]
    single = deliver(pdu.split("4")[0])
    stranger = [deliver(part, "12345") for part in pdu.split("5" * 400, 7)]
    order = [one[2], other[0], single, one[0], other[2], one[1], *same_reference, stranger[1]]
    got = ask(do="join", pdus=[[False, raw] for raw in order])["result"]
    assert [(m[0], m[2], m[5]) for m in got] == [
        ([4, 6, 1], "1" * 400, True),
        ([2, 5], "2" * 153 + "2" * 94, False),
        ([3], "4", True),
        ([7, 8, 9], "3" * 400, True),
        ([10], "5" * 153, False),
    ]


def test_a_character_cut_in_two_by_the_sender(ask):
    """Some phones cut where the part is full."""
    whole = "a" * 66 + "😀" + "b"
    octets = whole.encode("utf-16-be")
    pieces = []
    for place, piece in enumerate((octets[:134], octets[134:]), 1):
        pieces.append(pdu.UserData(8, piece, bytes((0, 3, 9, 2, place))))
    ((_, _, text, *_),) = ask(do="join", pdus=[[False, deliver(d)] for d in pieces])["result"]
    assert text == whole


@pytest.mark.parametrize("dcs", [4, 0xF4, 0xF5, 0x20])
def test_what_is_no_text_comes_as_bytes(parse, dcs):
    raw = (
        "00" + "04" + "01" + "81" + "F1" + "00" + f"{dcs:02x}" + "62605141039580" + "03" + "0001ff"
    )
    assert parse(raw)[3:5] == [BYTES, {"bytes": "0001ff"}]


@pytest.mark.parametrize("dcs", [0, 0x10, 0x40, 0xC0, 0xD8, 0xF0, 0x80, 0x0C])
def test_alphabet_is_gsm(parse, dcs):
    assert parse(f"00040181F100{dcs:02x}6260514103958002c120")[3:5] == [GSM, "AA"]


@pytest.mark.parametrize("dcs", [8, 0x18, 0x48, 0xE0])
def test_alphabet_is_ucs2(parse, dcs):
    assert parse(f"00040181F100{dcs:02x}62605141039580020041")[3:5] == [UCS2, "A"]


def test_another_languages_table_comes_as_bytes(parse):
    # Turkish, by a single shift table (24) of its own: not in the default alphabet
    raw = "00440181F1000062605141039580" + "06" + "03240101" + "c6b6"[:4]
    assert parse(raw)[3] == BYTES


def test_sixteen_bit_reference(parse):
    data = pdu.UserData(0, b"abc", bytes((8, 4, 1, 2, 3, 2)))
    assert parse(deliver(data))[3:] == [GSM, "abc", 0x0102, 3, 2]


@pytest.mark.parametrize("place", [(1, 0, 0), (1, 2, 3), (1, 2, 0)])
def test_an_impossible_place_is_none(parse, place):
    """23.040 9.2.3.24.1: the element is then ignored."""
    assert parse(deliver(pdu.UserData(0, b"abc", bytes((0, 3, *place)))))[5:] == [0, 1, 1]


def test_message_sent_by_the_card(parse):
    (data,) = pdu.split("Grüße")
    for validity in (b"", b"\xa7", b"\x11" * 7):
        first = 0x01 | {0: 0, 1: 0x10, 7: 0x18}[len(validity)]
        submit = pdu.Submit("+491701234567", data, 0, 0x91, 0, first, validity)
        assert parse(b"\0" + submit.encode())[:5] == [SUBMIT, "+491701234567", None, GSM, "Grüße"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(0, "delivered"), (1, "delivered"), (0x20, "waiting"), (0x46, "failed")],
)
def test_status_report_is_an_event(ask, status, outcome):
    time = pdu.encode_time(TIME, 8)
    report = pdu.StatusReport("+491701234567", 42, time, time, status)
    line = (pdu.encode_center("+491710760000") + report.encode()).hex().upper()
    assert ask(do="event", line=line)["result"] == ["sms report", [42, outcome]]
    assert ask(do="event", line=line[:-2])["result"] is None


@SETTINGS
@given(st.binary(max_size=60) | st.binary(min_size=60, max_size=200))
def test_any_bytes_are_read_or_refused(ask, data):
    got = ask(do="parse", pdu=data.hex())
    if "error" in got:
        assert got["error"] == "ValueError"
    ask(do="event", line=data.hex().upper())
    (message,) = ask(do="join", pdus=[[False, data.hex()]])["result"]
    assert message[5] in (True, False)


@SETTINGS
@given(data=st.data())
def test_a_damaged_pdu_is_read_or_refused(ask, data):
    raw = bytearray(bytes.fromhex(deliver(pdu.split(data.draw(TEXTS))[0])))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    got = ask(do="parse", pdu=raw[: data.draw(st.integers(0, len(raw)))].hex())
    assert got.get("error", "ValueError") == "ValueError"


@SETTINGS
@given(st.text(max_size=60))
def test_what_is_not_hex_is_refused(ask, text):
    try:
        bytes.fromhex(text)
    except ValueError:
        assert ask(do="parse", pdu=text)["error"] == "ValueError"


@pytest.mark.parametrize(
    "number",
    ["", "+", "0170 123", "+49-170", "1" * 21, "++49", "4+9", "anna", None, 49, "٣", "*100#"],
)
def test_what_is_no_number(ask, number):
    got = ask(do="number", number=number)
    assert got["error"] == "ConfigError"
    assert got["text"].startswith("a telephone number is a str of 1 to 20 digits")


# +CUSD lines: those of real modems, and such as the alphabets make possible
@pytest.mark.parametrize(
    ("line", "wide", "text"),
    [
        (
            '+CUSD: 0, "04110430043B0430043D0441003A0032003200320030002C003700360440", 72',
            False,
            "Баланс:2220,76р",
        ),
        ('+CUSD: 2,"00480061007600690020006B00650072",15', True, "Havi ker"),
        (
            '+CUSD: 0,"Votre cr?dit  s\'?l?ve ? CHF 3.75.", 2',
            False,
            "Votre cr?dit  s'?l?ve ? CHF 3.75.",
        ),
        ('+CUSD: 0,"1234",15', False, "1234"),
        ('+CUSD: 0,"12345678"', False, "12345678"),
        ('+CUSD: 0,"not hex at all",72', False, "not hex at all"),
        ('+CUSD: 0,"0041D83DDE00000A0042",15', True, "A😀\nB"),
        ('+CUSD: 0,"414243",68', False, "ABC"),
        ('+CUSD: 0,"00410042",17', False, "AB"),
        ('+CUSD: 0, "Say "yes", or "no"", 15', False, 'Say "yes", or "no"'),
        ('+CUSD: 0,"its end is lost', False, "its end is lost"),
        ("+CUSD: 4", True, None),
        ("+CUSD: 0,72", True, None),
        ('+CUSD: 0,"",15', True, None),
    ],
)
def test_ussd_text(ask, line, wide, text):
    assert ask(do="ussd", line=line, wide=wide)["result"] == text


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        (['+CUSD: 0,"whole",15', "RING"], [["ussd", "whole"], ["ring", None]]),
        (['+CUSD: 0,"Hi\nRDY\nbye",15'], [["ussd", "Hi\nRDY\nbye"]]),
        (
            ['+CMTI: "SM",7', '+CMTI: "SM",8,"MMS PUSH"', '+CMTI: "ME",9'],
            [["sms", 7], ["sms", 8], ["sms", 9]],
        ),
        (["+DTMF: 5", "+DTMF:#", "+DTMF: A,160"], [["dtmf", "5"], ["dtmf", "#"], ["dtmf", "A"]]),
    ],
)
def test_events_of_lines(ask, lines, events):
    assert ask(do="events", lines=lines)["result"] == [0, *events]


CELLS = [["registration", "home"], ["gprs", "home"], ["registration", "roaming"]] * 10
NEWS = [["ussd", str(n)] for n in range(16)]


@pytest.mark.parametrize(
    ("put", "dropped", "told"),
    [
        # One place for each kind of state: the newest.
        (CELLS, 0, [["gprs", "home"], ["registration", "roaming"]]),
        ([*NEWS[:3], *CELLS, *NEWS[3:14]], 0, [*NEWS[:3], *CELLS[1:3], *NEWS[3:14]]),
        ([["ring", None], ["caller", "1"]] * 20, 0, [["ring", None], ["caller", "1"]]),
        # What is no state is all kept, in its order.
        (
            [["caller", "1"], ["caller", "2"], ["dtmf", "5"], ["dtmf", "5"]],
            0,
            [["caller", "1"], ["caller", "2"], ["dtmf", "5"], ["dtmf", "5"]],
        ),
        # States give way to news, never news to states.
        ([*CELLS, *NEWS], 2, NEWS),
        ([*NEWS, *CELLS], 30, NEWS),
        ([["link", "down"], ["link", "up"], *NEWS], 2, NEWS),
        ([*NEWS, ["link", "down"]], 1, NEWS),
        ([*[["link", "down"], ["link", "up"]] * 20], 24, [["link", "down"], ["link", "up"]] * 8),
        ([*NEWS, ["call ended", "BUSY"]], 1, [*NEWS[1:], ["call ended", "BUSY"]]),
    ],
)
def test_news_is_not_pushed_out_by_noise(ask, put, dropped, told):
    assert ask(do="put", events=put)["result"] == [dropped, *told]


# Lines, then what is made of the rest when nothing follows
@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (
            '+CUSD: 0, "Hi\nRDY\nbye", 15\r\nRING\r\n',
            ['+CUSD: 0, "Hi\nRDY\nbye", 15', "RING", None],
        ),
        (
            '+CUSD: 0, "Hi\n+CMTI: "SM",9\nbye", 15\r\nOK\r\n',
            ['+CUSD: 0, "Hi\n+CMTI: "SM",9\nbye", 15', "OK", None],
        ),
        (
            '+CUSD: 1,"one\r\n\r\ntwo\r\n",15\r\nOK\r\n',
            ['+CUSD: 1,"one\r\n\r\ntwo\r\n",15', "OK", None],
        ),
        ('+CUSD: 0, "5"\nRDY"\nx", 15\r\nOK\r\n', ['+CUSD: 0, "5"\nRDY"\nx", 15', "OK", None]),
        (
            '+COPS: (2,"Ev\r\nOK\r\nil","E","99999")\r\nOK\r\n',
            ['+COPS: (2,"Ev\r\nOK\r\nil","E","99999")', "OK", None],
        ),
        (
            '*PSNWID: "262","01","Na\nRDY\nme",0,"N",0\r\nOK\r\n',
            ['*PSNWID: "262","01","Na\nRDY\nme",0,"N",0', "OK", None],
        ),
        # A quote too many in the text: known when nothing follows.
        (
            '+CUSD: 0, "5" pipe\nRDY\nx", 15\r\nOK\r\n',
            [None, '+CUSD: 0, "5" pipe\nRDY\nx", 15', "OK"],
        ),
        # One that was lost on the line.
        (
            '+CREG: 1,"1A2B","3C4D\r\n+CSQ: 18,0\r\nOK\r\n',
            [None, '+CREG: 1,"1A2B","3C4D', "+CSQ: 18,0", "OK"],
        ),
        ('+CUSD: 0, "lost\r\nOK\r\n', [None, '+CUSD: 0, "lost', "OK"]),
        ('+CUSD: 0,"no scheme"\r\nOK\r\n', [None, '+CUSD: 0,"no scheme"', "OK"]),
        # No more than the buffer holds.
        (
            '+CUSD: 0, "lost\r\n' + "+CSQ: 18,0\r\n" * 100,
            ['+CUSD: 0, "lost', *["+CSQ: 18,0"] * 100, None],
        ),
        (
            '+CLIP: "+49170\r\n' + '+CLIP: "123",145\r\n' * 80,
            ['+CLIP: "+49170', *['+CLIP: "123",145'] * 80, None],
        ),
        ("+CUSD: 4\r\nOK\r\n", ["+CUSD: 4", "OK", None]),
        ('say "hi\r\nOK\r\n', ['say "hi', "OK", None]),  # neither answer nor URC
    ],
)
def test_text_in_quotes_is_text(ask, said, lines):
    assert ask(do="lines", chunks=[said])["result"] == lines
    assert ask(do="lines", chunks=list(said))["result"] == lines


PIECES = st.sampled_from(
    [
        "+CUSD: ",
        "+CMTI: ",
        "+CDS: ",
        "+DTMF:",
        "+CLIP: ",
        "+CREG: ",
        '"',
        ",",
        "0",
        "72",
        "15",
        "07",
        "RDY",
        "",
        "A",
    ]
) | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@SETTINGS
@given(st.lists(st.lists(PIECES, min_size=1, max_size=8).map("".join), max_size=8))
def test_any_lines_are_taken(ask, lines):
    assert isinstance(ask(do="events", lines=lines)["result"], list)
