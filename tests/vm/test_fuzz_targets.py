"""The fuzz targets that run in the VM (`make fuzz`): their seeds come to what they should, and a fault is noticed."""

import random
import re
import shutil
import sys

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
import mutate

TARGETS = sorted(mutate.WORDS)


@pytest.fixture
def target(vm, request):
    target = mutate.Target(str(vm), request.param)
    yield target
    target.close()


@pytest.mark.parametrize("target", TARGETS, indirect=True)
def test_seeds_come_to_no_fault(target, request):
    """... and not all to the same."""
    found = [target.feed(seed) for seed in mutate.seeds(request.node.callspec.params["target"])]
    assert len(set(found)) > 2


@pytest.mark.parametrize(
    ("target", "seed", "end"),
    [
        ("dns", "good", "address"),
        ("dns", "forged", "address"),
        ("ntp", "good", "time"),
        ("http", "chunks", "2 False 3 0"),
        ("http", "redirect", "2 False 2 1"),
        ("mqtt", "good", "published 2"),
        ("sms", "deliver", "0 7 False False True"),
        ("at", "prompt", "answer 2 OK 2 []"),
        ("store", "good", "True False"),
        ("store", "tagged", "session"),
    ],
    indirect=["target"],
)
def test_what_is_right_goes_through(target, seed, end, request):
    """Else a target would feed nothing but errors."""
    name = request.node.callspec.params["target"]
    told = target.feed((ROOT / f"tests/fuzz/{name}.seeds/{seed}").read_bytes())
    assert told == end


BROKEN = """
def feed(data):
    if data.find(b"bo") >= 0 and b"m" in data[data.find(b"bo"):]:
        {}
    return "fine"
"""


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A target of one's own that does something else with "bo...m"."""

    def broken(does: str) -> None:
        (tmp_path / "vm").mkdir()
        (tmp_path / "broken.seeds").mkdir()
        (tmp_path / "broken.seeds" / "one").write_bytes(b"a long way to bo and no more" * 5)
        shutil.copy(ROOT / "tests/fuzz/vm/host.py", tmp_path / "vm")
        (tmp_path / "vm" / "broken.py").write_text(BROKEN.format(does))
        monkeypatch.setattr(mutate, "HERE", tmp_path)
        monkeypatch.setitem(mutate.WORDS, "broken", (b"m",))

    return broken


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("raise KeyError(data)", "KeyError"),
        (
            "import sys; sys.exit(3)",
            "the VM has ended",
        ),
        ("while True: pass", "has not come to an end"),
        ("assert False, data[:1]", "AssertionError"),
    ],
)
def test_a_fault_is_found_and_made_short(vm, broken, tmp_path, capsys, monkeypatch, does, says):
    monkeypatch.setattr(mutate, "SECONDS", 2)
    monkeypatch.setattr(mutate, "ROUND", 20)
    broken(does)
    corpus = tmp_path / "broken.corpus"
    assert mutate.fuzz(str(vm), "broken", 100_000, 1, corpus) == 1
    told = capsys.readouterr().err
    assert says in told and "seed 1" in told
    fault = (tmp_path / "broken-fault").read_bytes()
    assert b"bo" in fault and b"m" in fault[fault.find(b"bo") :]
    assert len(fault) < 60


def test_memory_that_is_kept_is_a_fault(vm, broken, tmp_path, capsys):
    broken("globals().setdefault('kept', []).append(bytes(500))")
    assert mutate.fuzz(str(vm), "broken", 2_000_000, 1, tmp_path / "corpus") == 1
    assert "are kept of inputs" in capsys.readouterr().err


def test_the_same_number_damages_the_same_way():
    made = [
        [
            mutate.Mutator(mutate.WORDS["http"], random.Random(7)).damage(
                b"HTTP/1.1 200 OK\r\n\r\n", b"other"
            )
        ]
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_each_target_has_seeds_and_is_told_of():
    script = (ROOT / "ci/fuzz.sh").read_text()
    (by_default,) = re.findall(r"set -- ([a-z -]+)$", script, re.MULTILINE)
    told = re.findall(r"^#   (\S+)  +\S", script, re.MULTILINE)
    assert told == by_default.split()
    assert set(TARGETS) < set(told)
    for name in told:
        assert any((ROOT / f"tests/fuzz/{name.removesuffix('-all')}.seeds").iterdir())


def test_branches_that_none_has_taken_are_news(vm):
    """Of a VM that counts them; `make fuzz` builds it."""
    edges = ROOT / "build/vm-edges/micropython"
    if not edges.exists():
        pytest.skip(f"{edges.relative_to(ROOT)} is not built: run `make fuzz FUZZ='0 dns'`")
    target = mutate.Target(str(edges), "sms")
    try:
        seeds = [
            (ROOT / "tests/fuzz/sms.seeds" / seed).read_bytes() for seed in ("deliver", "ucs2")
        ]
        news = []
        for seed in seeds * 3:
            target.feed(seed)
            news.append(target.is_new())
        # The first branch of an input follows the last of the one before.
        assert news[:2] == [True, True] and news[4:] == [False, False]
        assert target.branches() > 50
    finally:
        target.close()
