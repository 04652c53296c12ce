"""What is taken for the answer of a name server, and what of it counts, run in the MicroPython VM."""

import itertools
import struct
from pathlib import Path

import dnslib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vm_host import host

SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
HONEST, FORGED = "192.0.2.1", "203.0.113.66"
ANSWER = 0x8180  # QR, RD, RA
numbers = itertools.count()  # no name twice: what was answered is remembered


@pytest.fixture(scope="module")
def look_up(vm):
    with host(Path(__file__).with_name("dns_host.py"), vm) as ask:

        def look_up(name, *answers):
            """(address, error, [(port, number, bytes) of each question]); answers: bytes behind the number, or
            (from the server's port, what is done to the number, bytes)."""
            rows = [a if isinstance(a, tuple) else (True, 0, a) for a in answers]
            rows = [(right, flip, rest.hex()) for right, flip, rest in rows]
            return ask(host=name, answers=rows)

        yield look_up


def new_name() -> str:
    return f"host{next(numbers)}.example"


def message(question, records=(), flags=ANSWER, kind=1, of=1, count=1) -> bytes:
    """What follows the number: records: (owner, type, data as text)."""
    made = dnslib.DNSRecord(
        dnslib.DNSHeader(id=0, bitmap=flags, q=0, a=0), q=dnslib.DNSQuestion(question, kind, of)
    )
    for owner, record, data in records:
        content = getattr(dnslib, record)(data)
        made.add_answer(dnslib.RR(owner, getattr(dnslib.QTYPE, record), ttl=60, rdata=content))
    packed = made.pack()
    return packed[2:4] + struct.pack("!H", count) + packed[6:]


FORGERIES = {
    "no answer (QR)": lambda n: message(n, [(n, "A", FORGED)], 0x0180),
    "an update (opcode)": lambda n: message(n, [(n, "A", FORGED)], ANSWER | 5 << 11),
    "a status (opcode)": lambda n: message(n, [(n, "A", FORGED)], ANSWER | 2 << 11),
    "another number": lambda n: (True, 1, message(n, [(n, "A", FORGED)])),
    "another number's high byte": lambda n: (True, 0x8000, message(n, [(n, "A", FORGED)])),
    "another port": lambda n: (False, 0, message(n, [(n, "A", FORGED)])),
    "another name": lambda n: message("x" + n, [("x" + n, "A", FORGED)]),
    "a name that begins so": lambda n: message(n + ".evil", [(n, "A", FORGED)]),
    "another type": lambda n: message(n, [(n, "A", FORGED)], kind=28),
    "another class": lambda n: message(n, [(n, "A", FORGED)], of=3),
    "no question": lambda n: message(n, [(n, "A", FORGED)], count=0),
    "two questions": lambda n: message(n, [(n, "A", FORGED)], count=2),
    "an error of another's": lambda n: message("x" + n, flags=ANSWER | 3),
    "an error without a question": lambda n: struct.pack("!HHHHH", ANSWER | 2, 0, 0, 0, 0),
    "nothing": lambda n: b"",
    "half a head": lambda n: b"\x81\x80\0\1",
    "half a question": lambda n: message(n)[:-1],
}


@pytest.mark.parametrize("what", FORGERIES)
def test_what_is_not_its_answer_does_not_count(look_up, what):
    name = new_name()
    honest = message(name, [(name, "A", HONEST)])
    address, error, asked = look_up(name, FORGERIES[what](name), honest)
    assert address == HONEST, error
    assert len(asked) == 1


def test_a_name_is_the_same_in_capitals(look_up):
    name = new_name()
    address, *_ = look_up(name, message(name.upper(), [(name.title(), "A", HONEST)]))
    assert address == HONEST


def test_of_other_names_nothing_counts(look_up):
    """As where a server that is asked for one name tells of another, too."""
    name, other = new_name(), new_name()
    address, error, _ = look_up(name, message(name, [(other, "A", FORGED)]))
    assert (address, "no IPv4 address" in error) == (None, True)
    address, *_ = look_up(name, message(name, [(other, "A", FORGED), (name, "A", HONEST)]))
    assert address == HONEST
    name = new_name()
    address, *_ = look_up(
        name, message(name, [(name, "AAAA", "2001:db8::1"), (name, "A", HONEST)])
    )
    assert address == HONEST


def chain(name, length, last=HONEST):
    names = [name, *(f"a{i}.{name}" for i in range(length))]
    return [
        *((one, "CNAME", other) for one, other in itertools.pairwise(names)),
        (names[-1], "A", last),
    ]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("length", [1, 2, 8])
def test_aliases_lead_to_an_address_in_whatever_order(look_up, length, turned):
    name = new_name()
    records = chain(name, length)
    address, error, _ = look_up(name, message(name, records[::-1] if turned else records))
    assert address == HONEST, error


def test_aliases_that_lead_nowhere(look_up):
    for make in (
        lambda n: [(n, "CNAME", n)],
        lambda n: [(n, "CNAME", "a." + n), ("a." + n, "CNAME", n)],
        lambda n: [(n, "CNAME", "b." + n), ("a." + n, "A", FORGED)],
        lambda n: chain(n, 17),
    ):
        name = new_name()
        address, error, _ = look_up(name, message(name, make(name)))
        assert address is None
        assert "no IPv4 address" in error


def test_an_answer_that_was_cut(look_up):
    name = new_name()
    address, *_ = look_up(name, message(name, [(name, "A", HONEST)], ANSWER | 0x200))
    assert address == HONEST  # what came of it is good
    name = new_name()
    _, error, _ = look_up(name, message(name, [(name, "CNAME", "a." + name)], ANSWER | 0x200))
    assert "does not fit into a datagram" in error


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "224.0.0.1", "239.9.9.9", "240.0.0.1", "255.255.255.255"],
)  # fmt: skip
def test_what_is_the_address_of_no_host(look_up, address):
    name = new_name()
    found, error, _ = look_up(name, message(name, [(name, "A", address)]))
    assert found is None
    assert "it has no IPv4 address, and no other can be used here" in error
    name = new_name()
    found, _, _ = look_up(name, message(name, [(name, "A", address), (name, "A", HONEST)]))
    assert found == HONEST


@pytest.mark.parametrize(
    ("seconds", "asked_again"), [(60, False), (0x7FFFFFFF, False), (0x80000000, True), (0xFFFFFFFF, True), (0, True)]
)  # fmt: skip
def test_how_long_an_answer_holds(look_up, seconds, asked_again):
    """What has the highest bit set is 0 (RFC 2181 8)."""
    name = new_name()
    answer = message(name, [(name, "A", HONEST)]).replace(
        struct.pack("!I", 60), struct.pack("!I", seconds)
    )
    assert look_up(name, answer)[0] == HONEST
    found, _, asked = look_up(name, answer)
    assert found == HONEST
    assert bool(asked) == asked_again


NAMES = ("", "a.", "b.", "c.a.")
RECORDS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(NAMES), st.just("A"), st.ip_addresses(v=4, network="198.51.100.0/24")
        ),
        st.tuples(st.sampled_from(NAMES), st.just("CNAME"), st.sampled_from(NAMES)),
        st.tuples(
            st.sampled_from(NAMES), st.just("AAAA"), st.ip_addresses(v=6, network="2001:db8::/64")
        ),
        st.tuples(st.sampled_from(NAMES), st.just("TXT"), st.text("ab", max_size=9)),
    ),
    max_size=9,
)


def meant(name: str, records: list) -> str | None:
    """The first record of each name that is an address or an alias says what it is."""
    for _ in range(16):
        found = next((r for r in records if r[0] == name and r[1] in ("A", "CNAME")), None)
        if found is None:
            return None
        if found[1] == "A":
            return found[2]
        name = found[2]
    return None


@SETTINGS
@given(records=RECORDS)
def test_the_address_is_of_the_name_that_was_asked_for(look_up, records):
    name = new_name()
    records = [
        (owner + name, kind, data + name if kind == "CNAME" else str(data))
        for owner, kind, data in records
    ]
    address, error, _ = look_up(name, message(name, records))
    assert address == meant(name, records), error


@SETTINGS
@given(
    records=st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), min_size=1, max_size=4),
    damage=st.lists(st.tuples(st.integers(0, 999), st.integers(1, 255)), max_size=4),
    cut=st.integers(0, 40),
)
def test_a_damaged_answer_ends_in_time_and_leads_to_no_other_name(look_up, records, damage, cut):
    """By dnslib: an address is of the name that was asked for, or of what it is an alias of."""
    name = new_name()
    made = [
        (owner + name, "A", HONEST) if last else (owner + name, "CNAME", f"a.{name}")
        for owner, last in records
    ]
    whole = bytearray(message(name, made))
    start = len(message(name))
    for at, flip in damage:
        if start < len(whole):
            whole[start + at % (len(whole) - start)] ^= flip
    whole = bytes(whole[: max(start, len(whole) - cut)])
    address, *_ = look_up(name, whole)
    try:
        parsed = dnslib.DNSRecord.parse(b"\0\0" + whole)
    except (dnslib.DNSError, ValueError, IndexError):
        return  # damaged for dnslib, too
    known = {str(q).rstrip(".").lower() for q in [parsed.q.qname]}
    for _ in range(16):
        for record in parsed.rr:
            if record.rtype == 5 and str(record.rname).rstrip(".").lower() in known:
                known.add(str(record.rdata).rstrip(".").lower())
    addresses = {
        str(record.rdata)
        for record in parsed.rr
        if record.rtype == 1 and str(record.rname).rstrip(".").lower() in known
    }
    assert address is None or address in addresses


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(lambda at: struct.pack("!H", 0xC000 | at), id="itself"),
        pytest.param(lambda at: struct.pack("!H", 0xC000 | at + 2), id="forward"),
        pytest.param(lambda at: b"\1a" + struct.pack("!H", 0xC000 | at), id="round"),
        pytest.param(lambda at: struct.pack("!H", 0xFFFF), id="outside"),
        pytest.param(lambda at: b"\x3f" + b"x" * 20, id="cut"),
        pytest.param(lambda at: b"\x40" + b"x" * 64 + b"\0", id="reserved"),
        pytest.param(lambda at: b"\x3f" + b"x" * 63, id="endless"),
        pytest.param(lambda at: (b"\x3f" + b"x" * 63) * 5 + b"\0", id="long"),
    ],
)
def test_a_name_that_goes_nowhere(look_up, owner):
    name = new_name()
    head = message(name)
    head = head[:4] + b"\0\1" + head[6:]
    record = owner(len(head) + 2) + b"\0\1\0\1\0\0\0\x3c\0\4" + bytes((203, 0, 113, 66))
    address, error, _ = look_up(name, head + record)
    assert address is None
    assert "no IPv4 address" in error


def test_neither_port_nor_number_can_be_foreseen(look_up):
    """RFC 5452 9.2: of 60 questions all have another of either, in no order."""
    asked = []
    for _ in range(60):
        name = new_name()
        asked += look_up(name, message(name, [(name, "A", HONEST)]))[2]
    for values in zip(*[one[:2] for one in asked], strict=True):
        steps = [(b - a) % 65536 for a, b in itertools.pairwise(values)]
        assert len(set(values)) > 55
        assert len(set(steps)) > 50
        assert max(values) - min(values) > 8000


def test_each_try_is_another_question_and_the_answer_to_any_counts(look_up):
    """The server refuses; there is but one, which is asked three times."""
    name = new_name()
    address, error, asked = look_up(name, message(name, flags=ANSWER | 2))
    assert address is None
    assert "SERVFAIL" in error
    assert len({port for port, *_ in asked}) == len({number for _, number, _ in asked}) == 3
