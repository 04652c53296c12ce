"""Host names (hostname, alabel) and what is shown of others' text (printable), run in the MicroPython VM."""

import re
from pathlib import Path

import idna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vm_host import host

SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LABEL = r"(?!-)[a-z0-9_-]{1,63}"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*")
# What the firmware has, as a user would write it.
WRITTEN = (
    "abcäößéñçøåřůžłşğıőșțơưạệαβγδεζηθάέήίόύώςϊабвгдежзїєґљџңүաբգ",
    "אבגדהםןףץابتثجحمةىپچگی",
    "गजहिन्दीไทยคนქართული日本語々ひらがなカタカナー中国汉字한국어",
)
SMALL = "".join(WRITTEN)


@pytest.fixture(scope="module")
def ask(vm):
    with host(Path(__file__).with_name("names_host.py"), vm) as say:
        yield lambda hosts=(), texts=(): say([list(hosts), list(texts)])


def reference(host: str) -> str | None:
    try:
        return idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None


def test_every_character_is_as_idna_has_it_or_refused(ask):
    """By the package `idna` with the mapping of UTS 46, as browsers have it. Within a label, else alone: what is written
    from right to left."""
    taken = 0
    for start in range(0x80, 0x20000, 0x80):
        chars = [chr(c) for c in range(start, start + 0x80) if not 0xD800 <= c < 0xE000]
        answers = ask([host for char in chars for host in (f"a{char}", char)])[0]
        for char, both in zip(chars, zip(answers[::2], answers[1::2], strict=True), strict=True):
            pairs = [
                (got, reference(host))
                for host, (got, _) in zip((f"a{char}", char), both, strict=True)
                if got is not None
            ]
            # Of the two IDNA may refuse one: for its direction, or because it begins with a mark.
            assert all(wanted in (got, None) for got, wanted in pairs), f"U+{ord(char):04X}"
            assert not pairs or any(wanted for _, wanted in pairs), f"U+{ord(char):04X}"
            taken += bool(pairs)
    assert taken > 40_000


@pytest.mark.parametrize("char", SMALL)
def test_what_is_written_is_taken(ask, char):
    before = char if "\u0590" <= char < "\u0700" else "b"  # from the right, as it is
    for written in (char, char.upper() if len(char.upper()) == 1 else char):
        (got, why), *_ = ask([before + written])[0]
        wanted = reference(before + written)
        assert got == wanted or wanted is None, (got, wanted, why)
        assert got is not None, why


@SETTINGS
@given(
    labels=st.lists(
        st.text(SMALL + SMALL.upper() + "abcxyzABC0189-", min_size=1, max_size=24),
        min_size=1,
        max_size=4,
    ),
    root=st.booleans(),
)
def test_names_are_as_idna_has_them(ask, labels, root):
    host = ".".join(labels) + "." * root
    (got, why), *_ = ask([host])[0]
    wanted = reference(host)
    if got is None:
        # IDNA takes what is all in digits.
        assert (
            wanted is None or labels[-1].isdigit() or "İ" in host or len(host.upper()) != len(host)
        ), why
    elif wanted is not None:
        assert got == wanted.rstrip(".")


CHARS = st.one_of(
    st.characters(codec="utf-8"),
    st.sampled_from("\0\n\r\t \x1b\x7f\x85\u200b\u202e\u2028。．｡⁄／:/@%#?[]\\\"'"),
    st.sampled_from("abc.-_1"),
)


@SETTINGS
@given(host=st.text(CHARS, max_size=90) | st.text("ab.-", min_size=50, max_size=300))
def test_whatever_comes_out_is_a_host(ask, host):
    (got, why), *_ = ask([host])[0]
    if got is None:
        assert all(" " <= char <= "~" for char in why)  # nothing of it reaches a terminal
        assert why.startswith('"')
    else:
        assert len(got) <= 253
        assert re.fullmatch(r"[a-z0-9._-]+", got)
        assert all(1 <= len(label) <= 63 for label in got.split("."))
        assert ask([got])[0] == [[got, None]]


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example.", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),  # IDNA 2008: not "strasse"
        ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("_mqtt._tcp.example", "_mqtt._tcp.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("x" * 63 + ".example", "x" * 63 + ".example"),
    ],
)
def test_host(ask, host, wanted):
    assert ask([host])[0] == [[wanted, None]]


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("device.example\0.evil.example", "letters, digits"),
        ("a b.example", "letters, digits"),
        ("host.example\n", "letters, digits"),
        ("::1", "letters, digits"),
        ("http://a.example", "letters, digits"),
        ("", "nothing before"),
        (".", "nothing before"),
        ("a..example", "nothing before"),
        (".example", "nothing before"),
        ("x" * 64 + ".example", "63 between"),
        (".".join(["x" * 50] * 5), "253 characters"),
        ("1.2.3", "four numbers"),
        ("1.2.3.256", "four numbers"),
        ("01.2.3.4", "four numbers"),
        ("A\u0308.example", "ASCII form"),  # not composed
        ("example。org", "ASCII form"),
        ("☃.example", "ASCII form"),
        ("ü" * 64, "63 between"),
    ],
)
def test_no_host(ask, host, why):
    (got, text), *_ = ask([host])[0]
    assert got is None
    assert why in text
    assert text.isascii()
    assert text.isprintable()


@SETTINGS
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_printable_is_as_ascii_has_it(ask, text):
    (got,) = ask(texts=[text])[1]
    assert got == "".join(char if " " <= char <= "~" else ascii(char)[1:-1] for char in text)


@pytest.mark.parametrize(
    "label",
    [
        "\u0902\u0915", "\u093f\u0915", "\u094d\u0915", "\u0e31\u0e01", "\u0e34\u0e01", "\u0e48\u0e01",
        "a\u05d0", "\u05d0a", "\u05d0\u0431", "1\u05d0", "\u0628a\u0628", "\u4e00\u0628",
    ],
)  # fmt: skip
def test_a_mark_at_the_beginning_and_mixed_directions_are_refused(ask, label):
    """RFC 5891 4.2.3.2, RFC 5893 2; `idna` does, too."""
    hosts = [f"{label}.example", f"www.{label}"]
    assert [reference(host) for host in hosts] == [None, None]
    assert [made for made, _ in ask(hosts)[0]] == [None, None]


@pytest.mark.parametrize(
    "label", ["\u05d01", "\u05d0-\u05d1", "\u0628\u062a2", "\u0915\u093f", "\u0e01\u0e34"]
)
def test_marks_and_digits_behind_a_letter(ask, label):
    host = f"{label}.example"
    assert ask([host])[0][0][0] == reference(host) is not None
