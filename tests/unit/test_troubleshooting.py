"""docs/troubleshooting.md has an entry for each sentence the package's errors can say, and for no other."""

import re
import sys

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
from sentences import ANY, Module, sentences, silent

SENTENCES = sentences()


def entries() -> dict[str, tuple[str, str]]:
    """Heading -> (its section's heading, its text, which it may share with those before it)."""
    found, waiting, section = {}, [], ""
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    for block in re.split(r"^(?=##)", page, flags=re.MULTILINE)[1:]:
        head, _, text = block.partition("\n")
        if head.startswith("## "):
            assert not waiting, f"no text under {waiting}"
            section = head[3:]
            continue
        heading = head.removeprefix("### ")
        assert heading not in found, f"twice: {heading}"
        waiting.append(heading)
        if text.strip():
            found.update({name: (section, text.strip()) for name in waiting})
            waiting = []
    assert not waiting, f"no text under {waiting}"
    return found


ENTRIES = entries()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_has_its_entry(sentence):
    places = SENTENCES[sentence]
    classes = {place.split()[-1] for place in places}
    assert sentence in ENTRIES, (
        f"add this heading to docs/troubleshooting.md, in the section of {' or '.join(classes)}, and what it means, "
        f"why it comes and what to do:\n\n### {sentence}\n\n(said at {', '.join(places)})"
    )
    section, text = ENTRIES[sentence]
    assert (
        any(f"`{name}`" in section + text for name in classes - {"reason"}) or "reason" in classes
    ), f'"{sentence}" is a {" or ".join(classes)}, and its section, "{section}", does not say so'


@pytest.mark.parametrize("heading", ENTRIES)
def test_every_entry_is_of_a_sentence_that_exists(heading):
    assert heading in SENTENCES, f"no error says this any more: delete the entry\n\n### {heading}"


def test_no_place_that_raises_is_passed_over():
    """All of these say only what others (mbedTLS) have said, or become an error in words by http1.errors.explain()."""
    mbedtls = [place.split(":")[0] for place in silent() if not place.endswith(" OSError")]
    assert mbedtls == ["errors.py", "client.py"]
    assert {place.split(":")[0] for place in silent()} <= {*mbedtls, "message.py", "__init__.py"}


EXAMPLE = """
WORDS = {1: "the first reason is this", 2: "and the second is that"}

def known(error, host):
    raise NoTime("no time from {}: it said {!r}".format(host, error))

def from_a_table(code):
    raise HTTPError("it failed ({}): {}".format(code, WORDS.get(code, "nobody knows the reason")), code)

def _parts(error, what):
    why = "somebody is to blame for it"
    if error:
        why = "nobody is to blame for it"
    return SMSError("{} ({}): {}".format(what, error, why))

def call():
    raise _parts(None, "this could not be done")

def another_call():
    raise _parts(None, "that went wrong")

def and_another():
    raise _parts(None, "one more thing went wrong")
"""


def test_sentences_are_put_together(tmp_path):
    path = tmp_path / "example.py"
    path.write_text(EXAMPLE)
    assert set(sentences([path])) - set(sentences([])) == {
        f"no time from {ANY}: it said {ANY}",
        f"it failed ({ANY}): the first reason is this",
        f"it failed ({ANY}): and the second is that",
        f"it failed ({ANY}): nobody knows the reason",
        f"this could not be done ({ANY}): {ANY}",
        f"one more thing went wrong ({ANY}): {ANY}",
        f"{ANY} ({ANY}): somebody is to blame for it",
        f"{ANY} ({ANY}): nobody is to blame for it",
    }


def test_conditions_that_are_the_same_go_together(tmp_path):
    path = tmp_path / "example.py"
    path.write_text(
        "async def f(mine):\n"
        '    raise LinkBusy("the modem is used by {}: {}".format(\n'
        '        "the caller itself" if mine else "another task or thread", "end it" if mine else "wait for it"))\n'
    )
    assert set(sentences([path])) - set(sentences([])) == {
        "the modem is used by the caller itself: end it",
        "the modem is used by another task or thread: wait for it",
    }


def test_placeholders_of_any_form(tmp_path):
    path = tmp_path / "example.py"
    path.write_text(
        'def f(a):\n    raise ConfigError("{:.1f} of {} and {!r} {{x}}".format(a, a, a))\n'
    )
    assert Module(path)
    assert f"{ANY} of {ANY} and {ANY} {{x}}" in sentences([path])


def test_tables_of_a_neighbour_are_read(tmp_path):
    (tmp_path / "words.py").write_text('WORDS = {1: "one reason of some length"}\n')
    path = tmp_path / "example.py"
    path.write_text(
        'from .words import WORDS\ndef f(a):\n    raise NoTime("no time: {}".format(WORDS[a]))\n'
    )
    assert "no time: one reason of some length" in sentences([path])
