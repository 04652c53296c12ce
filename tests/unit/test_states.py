"""The diagram and the table of the link's states in docs/link.md are those of states.py."""

import subprocess
import sys

from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import states

TABLE = states.read(states.SOURCE.read_text())
PHONE = 60  # columns that a phone shows

EXAMPLE = """
STATES = (
    # asleep,
    # and cold
    ("off", None, None, ("warm", "odd")),
    ("warm", 5, "heat", ("hot", "mild")),  # nothing above it
    # too much
    ("hot", 0, None, ("warm",)),
    # between
    ("mild", None, None, ("warm", "hot")),
    # aside
    ("odd", None, None, ()),
)
ANYWHERE = ("off",)
CARRYING = ("hot", "mild")
"""


def test_page_is_up_to_date():
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, ROOT / "ci" / "states.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_diagram_fits_on_a_phone():
    assert max(map(len, states.diagram(TABLE).splitlines())) <= PHONE


def test_every_state_has_a_meaning_and_leads_to_states_that_exist():
    for state in TABLE.states.values():
        assert state.meaning, state.name
        assert set(state.exits) <= set(TABLE.states), state.name
    assert {*TABLE.anywhere, *TABLE.aside, *TABLE.passing} <= set(TABLE.states)


def drawn(diagram: str, names) -> set[tuple[str, str]]:
    """(from, to) of each arrow."""
    found = set()
    lines = diagram.partition("\n\n")[0].splitlines()
    before = None
    for line in lines:
        if line.strip() == "▼":
            continue
        here = max((name for name in names if line.startswith(f" {name}")), key=len)
        if before:
            found.add((before, here))
        before = here
        for arrow, ways in {"◄──": "in", "──►": "out", "◄─►": "in out"}.items():
            _, there, rest = line.partition(arrow)
            for name in rest.split("  ")[0].split(",") if there else ():
                found |= {(name.strip(), here)} if "in" in ways else set()
                found |= {(here, name.strip())} if "out" in ways else set()
    return found


def test_diagram_has_every_way_and_no_other():
    for table in (TABLE, states.read(EXAMPLE)):
        ways = {(state.name, name) for state in table.states.values() for name in state.exits}
        assert drawn(states.diagram(table), table.states) == ways


def test_example():
    table = states.read(EXAMPLE)
    assert states.diagram(table) == (
        " off   ──► odd\n"
        "  ▼\n"
        " warm  ◄── hot  ◄─► mild\n"
        "  ▼\n"
        " hot   ◄── mild\n"
        "\n"
        " from each of them: ──► off\n"
    )
    assert states.rows(table).splitlines()[2:5] == [
        "| `off` | asleep, and cold | | `warm`, `odd` | |",
        '| `warm` | | 5 s | `hot`, `mild` | `("link", "heat")` |',
        "| `hot` | too much | the call's `timeout` | `warm` | |",
    ]
