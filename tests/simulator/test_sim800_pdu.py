"""The simulator's SMS codec: against published examples, an independent decoder, and itself."""

import datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim800 import gsm7, pdu
from smspdudecoder.fields import SMSDeliver, SMSSubmit

NOON = pdu.encode_time(datetime.datetime(2026, 6, 15, 12, 0, 0), 8)
GSM = "".join(c for c in gsm7.BASIC if c != "\x1b") + "".join(gsm7.EXTENSION.values())
TEXTS = st.one_of(
    st.text(alphabet=GSM, max_size=500),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300),
    st.text(alphabet="a€ж😀", max_size=300),
)
NUMBERS = st.from_regex(r"\A\+?[0-9]{1,20}\Z")


# -- the alphabet -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("hello", "E8329BFD06"),
        ("hellohello", "E8329BFD4697D9EC37"),
        ("How are you?", "C8F71D14969741F977FD07"),
        ("@", "00"),
        ("€", "9B32"),
    ],
)
def test_published_packings(text, packed):
    septets = gsm7.encode(text)
    assert gsm7.pack(septets).hex().upper() == packed
    assert gsm7.decode(gsm7.unpack(bytes.fromhex(packed), len(septets))) == text


def test_every_character_has_one_code():
    assert len(gsm7.BASIC) == len(set(gsm7.BASIC)) == 128
    for c in GSM:
        assert gsm7.decode(gsm7.encode(c)) == c
    assert not set(gsm7.EXTENSION.values()) & set(gsm7.BASIC)


def test_what_the_alphabet_lacks():
    with pytest.raises(ValueError, match="'ж' is not in the GSM alphabet"):
        gsm7.encode("aж")
    assert gsm7.encode("aж", "?") == b"a?"
    assert gsm7.decode(b"\x1bA") == "A"  # no such extension: the basic character
    assert gsm7.decode(b"a\x1b") == "a"


@given(st.binary(max_size=160).map(lambda b: bytes(x & 127 for x in b)), st.integers(0, 6))
def test_packing_is_undone(septets, fill):
    packed = gsm7.pack(septets, fill)
    assert len(packed) == (7 * len(septets) + fill + 7) // 8
    assert gsm7.unpack(packed, len(septets), fill) == septets
    with pytest.raises(ValueError, match="do not fit"):
        gsm7.unpack(packed, len(septets) + 2, fill)


# -- published PDUs ---------------------------------------------------------------------------


def test_published_deliver():
    raw = bytes.fromhex("07916407058099F9040B916407950303F100008921222140140004D4E2940A")
    reader = pdu.Reader(raw)
    assert pdu.decode_center(reader) == ("+46705008999", 0x91)
    found = pdu.Deliver.decode(reader.rest())
    assert (found.number, found.data.text) == ("+46705930301", "TEST")
    assert pdu.decode_time(found.time) == "98/12/22,12:04:41+00"
    assert pdu.encode_center("+46705008999") + found.encode() == raw


def test_published_submit():
    raw = bytes.fromhex("11000B916407281553F80000AA0AE8329BFD4697D9EC37")
    found = pdu.Submit.decode(raw)
    assert (found.number, found.data.text) == ("+46708251358", "hellohello")
    assert (found.first, found.validity) == (0x11, b"\xaa")
    assert not found.wants_report and found.encode() == raw


@pytest.mark.parametrize(
    ("dcs", "bits", "kind"),
    [
        (0x00, 7, None),
        (0x04, 8, None),
        (0x08, 16, None),
        (0x10, 7, 0),
        (0x12, 7, 2),
        (0x18, 16, 0),
        (0x20, 8, None),
        (0x84, 7, None),
        (0xC8, 7, None),
        (0xE0, 16, None),
        (0xF1, 7, 1),
        (0xF6, 8, 2),
    ],
)
def test_data_coding_schemes(dcs, bits, kind):
    assert (pdu.alphabet(dcs), pdu.message_class(dcs)) == (bits, kind)


def test_times():
    local = datetime.datetime(2026, 12, 31, 23, 59, 58)
    assert pdu.encode_time(local, -22).hex() == "6221133295852a"
    assert pdu.decode_time(pdu.encode_time(local, -22)) == "26/12/31,23:59:58-22"
    assert pdu.decode_time(pdu.encode_time(local, 34)) == "26/12/31,23:59:58+34"


# -- texts in parts ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("€" * 153, 3),  # 76 a part: none is cut in two
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 a part
    ],
)
def test_number_of_parts(text, parts):
    found = pdu.split(text, 7)
    assert len(found) == parts and "".join(p.text for p in found) == text
    places = [p.concatenation for p in found]
    assert places == ([None] if parts == 1 else [(7, parts, n) for n in range(1, parts + 1)])


def test_too_many_parts():
    assert len(pdu.split("x" * 153 * 255)) == 255
    with pytest.raises(pdu.PDUError, match="a text of 256 parts"):
        pdu.split("x" * (153 * 255 + 1))


def test_sixteen_bit_references():
    data = pdu.UserData(0, b"a", bytes.fromhex("0804ABCD0302"))
    assert data.concatenation == (0xABCD, 3, 2)
    assert pdu.UserData(0, b"a", bytes.fromhex("05040B8423F0")).concatenation is None
    assert pdu.UserData(0, b"a", bytes.fromhex("05040B8423F00003090201")).concatenation == (
        9,
        2,
        1,
    )
    assert pdu.UserData(0, b"a", bytes.fromhex("0003090203")).concatenation is None  # 3 of 2
    assert pdu.UserData(0, b"a", bytes.fromhex("00030902")).concatenation is None  # cut off


def same(theirs, part):
    """They count octets, not septets: seven spare bits at the end are an @ to them."""
    spare = pdu.alphabet(part.dcs) == 7 and len(part.encode()[1:]) * 8 % 7 == 0
    return theirs == part.text or (spare and theirs == part.text + "@")


# -- properties -------------------------------------------------------------------------------


@given(NUMBERS, TEXTS, st.integers(0, 255))
def test_deliver_is_what_others_read(number, text, reference):
    for part in pdu.split(text, reference):
        tpdu = pdu.Deliver(number, part, NOON).encode()
        again = pdu.Deliver.decode(tpdu)
        assert (again.number, again.data, again.time) == (number, part, NOON)
        assert again.encode() == tpdu
        whole = (pdu.encode_center("+491710760000") + tpdu).hex().upper()
        theirs = SMSDeliver.decode(StringIO(whole))
        assert theirs["smsc"]["number"] == "491710760000"
        assert theirs["sender"]["number"] == number.removeprefix("+")
        assert theirs["scts"].isoformat() == "2026-06-15T10:00:00+00:00"
        assert same(theirs["user_data"]["data"], part)
        if part.concatenation:
            element = theirs["user_data"]["header"]["elements"][0]["data"]
            place = (element["reference"], element["parts_count"], element["part_number"])
            assert place == part.concatenation


@given(NUMBERS, TEXTS, st.integers(0, 255), st.sampled_from([b"", b"\xa7"]))
def test_submit_is_what_others_read(number, text, reference, validity):
    for part in pdu.split(text, reference):
        first = pdu.SUBMIT | (0x10 if validity else 0)
        made = pdu.Submit(number, part, reference, 0, 0, first, validity)
        tpdu = made.encode()
        assert pdu.Submit.decode(tpdu).encode() == tpdu
        theirs = SMSSubmit.decode(StringIO("00" + tpdu.hex().upper()))
        assert theirs["recipient"]["number"] == number.removeprefix("+")
        assert same(theirs["user_data"]["data"], part)


@given(NUMBERS, st.integers(0, 255), st.integers(0, 255))
def test_status_report_is_undone(number, reference, status):
    tpdu = pdu.StatusReport(number, reference, NOON, NOON, status).encode()
    again = pdu.StatusReport.decode(tpdu)
    assert (again.number, again.reference, again.status) == (number, reference, status)
    assert again.encode() == tpdu


@given(
    st.text(alphabet="ABCabc 123", min_size=1, max_size=11).filter(lambda t: not pdu.is_number(t))
)
def test_names_as_senders(name):
    again = pdu.Deliver.decode(pdu.Deliver(name, pdu.UserData(0, b"x"), NOON).encode())
    assert (again.number, again.kind) == (name, pdu.ALPHANUMERIC)


@given(st.binary(max_size=180))
def test_any_octets_decode_or_are_refused(data):
    for kind in (pdu.Deliver, pdu.Submit, pdu.StatusReport):
        try:
            found = kind.decode(data)
        except pdu.PDUError:
            continue
        assert kind.decode(found.encode()) == found or found.data.header == b""


@given(TEXTS.filter(lambda t: len(t) < 60), st.data())
def test_a_cut_or_longer_pdu_is_refused(text, data):
    tpdu = pdu.Submit("+49123", pdu.split(text)[0]).encode()
    with pytest.raises(pdu.PDUError):
        pdu.Submit.decode(tpdu[: data.draw(st.integers(0, len(tpdu) - 1))])
    with pytest.raises(pdu.PDUError, match="octets of user data"):
        pdu.Submit.decode(tpdu + b"\0")


@pytest.mark.parametrize(
    ("tpdu", "why"),
    [
        ("", "within its first octet"),
        ("04", "no SMS-SUBMIT"),
        ("0100", "within its address"),
        ("0100009100000161", "destination '.?' is no number"),
        ("010005910123F50000016100", "octets of user data"),
        ("0100059101F3F500000161", "filler among its digits"),
        ("01001F91", "an address of 31 digits"),
        ("0100050001234500000161", "an address of type 0"),
        ("010005910123F50000A1", "user data length is 161"),
        ("410005910123F50000056162636465", "user data header is longer"),
    ],
)
def test_what_is_wrong_is_said(tpdu, why):
    with pytest.raises(pdu.PDUError, match=why):
        pdu.Submit.decode(bytes.fromhex(tpdu))
