"""The pages: links lead somewhere, commands and files that are named exist. Needs no network."""

import configparser
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
from pages import DOCS, anchors, blocks, code_words, links, pages
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import api

FOLDERS = "bench boards ci docs examples firmware modules patches simulator stubs tests .github"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", pages(), ids=name)
def test_links_within_the_project(page):
    dead = []
    for line, target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            dead.append(f"{name(page)}:{line}: there is no {path}")
        elif anchor and (there.suffix != ".md" or anchor not in anchors(there)):
            dead.append(f"{name(page)}:{line}: {path or 'this page'} has no heading #{anchor}")
    assert not dead, "\n".join(dead)


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / target).resolve() for _, target in links(index)}
    trees = "\n".join(block.code for block in blocks(index, "{toctree}")).splitlines()
    for page in DOCS[1:]:
        if page != index:
            assert page in listed, f"docs/index.md has no link to {page.name}"
            assert page.stem in trees, f"no toctree of docs/index.md has {page.stem}"


def test_whether_there_is_a_release():
    """docs/start.md and docs/features.toml say that there is none, as long as CHANGELOG.md has none."""
    released = re.search(r"^## \[\d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    for page in ("start.md", "features.toml"):
        text = (ROOT / "docs" / page).read_text()
        assert ("there is no release yet" in text) is not bool(released), page


TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(text: str) -> list[list[str]]:
    """The commands of a shell block, each in words."""
    text = text.replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = next((i for i, word in enumerate(words) if word in ("&&", "|", ";")), len(words))
            found.append(words[:end])
            words = words[end + 1 :]
    return [words for words in found if words]


@pytest.mark.parametrize("page", pages(), ids=name)
def test_commands_exist(page):
    for block in blocks(page, "sh"):
        for words in commands(block.code):
            if words[0] == "make":
                targets = [word for word in words[1:] if "=" not in word and word[0] != "-"]
                assert targets and set(targets) <= TARGETS, f"{block.where}: {words}"
            if words[:2] == ["python", "-m"]:
                module = ROOT / "simulator" / words[2]
                assert module.exists() or module.with_suffix(".py").exists(), block.where
            for word in words:
                if word.split("/")[0] in FOLDERS.split() and "/" in word and "…" not in word:
                    assert (ROOT / word).exists(), f"{block.where}: there is no {word}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_what_the_text_names_exists(page):
    for line, text in code_words(page):
        if match := re.match(r"make ([a-z][a-z-]*)(?: |$)", text):
            assert match[1] in TARGETS, f"{name(page)}:{line}: make has no {match[1]}"
        if re.fullmatch(rf"(?:{'|'.join(FOLDERS.split())})/[\w./-]+", text):
            there = [
                *ROOT.glob(text + "*"),
                *page.parent.glob(text + "*"),
            ]  # a patch's number may do
            assert there, f"{name(page)}:{line}: there is no {text}"


@pytest.mark.parametrize("page", pages(), ids=name)
def test_settings_can_be_read(page):
    for block in blocks(page, "json"):
        json.loads(block.code)
    for block in blocks(page, "ini"):
        configparser.ConfigParser().read_string(block.code)


def test_parts_of_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# One's `x_y` (z)\n\n## One's `x_y` (z)\n\n[a](b.md#c) ![p](q.png)\n\n"
        "- item\n\n  <!-- needs: nic, sms; ends: Ctrl-C -->\n  ```python\n  x = 1\n  ```\n"
        "\n```sh\nmake docs && ci/setup.sh docs  # both\n```\n"
    )
    assert anchors(page) == {"ones-x_y-z", "ones-x_y-z-1"}
    assert links(page) == [(5, "b.md#c"), (5, "q.png")]
    (block,) = blocks(page, "python")
    assert (block.code, block.line) == ("x = 1\n", 10)
    assert (block.mark("needs"), block.mark("ends"), block.mark("not run")) == (
        "nic, sms",
        "Ctrl-C",
        None,
    )
    (block,) = blocks(page, "sh")
    assert commands(block.code) == [["make", "docs"], ["ci/setup.sh", "docs"]]


def unknown(chain: str) -> str | None:
    """What of `nic.modem.sim.tries` the package has not."""
    ppp, modem = (api.read(f"ppp_sim800.{name}") for name in ("interface", "modem"))
    roles = {name.rpartition(".")[2]: name for name in api.MODULES if ".roles." in name}
    found = ppp.classes["PPP"]
    for name in chain.split(".")[1:]:
        if found is None:
            return None  # of what a call has returned
        if name == "aio":
            continue  # the same, awaited
        if name not in {*found.methods, *found.attributes}:
            return name
        if found.name == "PPP" and name == "modem":
            found = modem.classes["Modem"]
        elif found.name == "Modem" and name in roles:
            found = next(
                (
                    kind
                    for kind in api.read(roles[name]).classes.values()
                    if kind.name.lower() == name
                ),
                None,
            )
        else:
            found = None
    return None


@pytest.mark.parametrize("page", DOCS, ids=name)
def test_methods_that_the_text_names_exist(page):
    if page.name in ("reference.md",):
        return  # made of them
    for line, text in code_words(page):
        for chain in re.findall(r"\bnic(?:\.[a-z_]+)+", text):
            assert not unknown(chain), f"{name(page)}:{line}: {chain} has no {unknown(chain)}"


def test_unknown_names_are_found():
    assert unknown("nic.modem.sim.tries") is unknown("nic.stats") is None
    assert unknown("nic.stats.rx") is unknown("nic.aio.modem.radio.signal") is None
    assert unknown("nic.modem.sim.pin") == "pin"
    assert unknown("nic.conn") == "conn"
