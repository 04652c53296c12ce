"""Makes the diagram and the table of the link's states in docs/link.md of modules/ppp_sim800/states.py, or with
--check says whether they are up to date.
"""

import argparse
import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "modules" / "ppp_sim800" / "states.py"
PAGE = ROOT / "docs" / "link.md"
BEGIN = "<!-- made by ci/states.py of states.py: -->\n"
END = "<!-- end of what ci/states.py makes -->\n"


@dataclass
class State:
    name: str
    meaning: str
    limit: int | None  # seconds
    event: str | None
    exits: tuple[str, ...]


@dataclass
class Table:
    states: dict[str, State]
    anywhere: tuple[str, ...]  # where every state leads
    aside: tuple[str, ...]  # not on the way up or back
    passing: tuple[str, ...]  # those that somebody works on


def read(source: str) -> Table:
    """The table, with each state's meaning from the comment above it."""
    values = {}
    meanings = {}
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            values[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STATES":
            for row in node.value.elts:
                comment = []
                while lines[row.lineno - 2 - len(comment)].startswith("    #"):
                    comment.insert(0, lines[row.lineno - 2 - len(comment)].strip("# "))
                meanings[row.elts[0].value] = " ".join(comment)
    return Table(
        {name: State(name, meanings[name], *row) for name, *row in values["STATES"]},
        values["ANYWHERE"],
        values["CARRYING"][1:],
        tuple(name for name, limit, *_ in values["STATES"] if limit is not None),
    )


def way(table: Table) -> list[str]:
    """The longest way from the first state, which the diagram goes down."""

    def longest(path: list[str]) -> list[str]:
        following = [
            longest([*path, name])
            for name in table.states[path[-1]].exits
            if name not in path and name not in table.aside
        ]
        return max(following, key=len, default=path)

    return longest([next(iter(table.states))])


def diagram(table: Table) -> str:
    """The way, state below state; what else leads to each, or from it to what is not on the way."""
    names = way(table)
    width = max(map(len, names)) + 2
    lines = []
    for before, name in zip([None, *names], names, strict=False):
        sources = [s.name for s in table.states.values() if name in s.exits and s.name != before]
        there = [n for n in table.states[name].exits if n not in names]
        both = [n for n in there if n in sources]
        sides = [
            f"{arrow} {', '.join(found)}"
            for arrow, found in (
                ("◄──", [n for n in sources if n not in both]),
                ("◄─►", both),
                ("──►", [n for n in there if n not in both]),
            )
            if found
        ]
        if before:
            lines.append("  ▼")
        lines.append(f" {name:{width}}{'  '.join(sides)}".rstrip())
    lines += ["", f" from each of them: ──► {', '.join(table.anywhere)}"]
    return "\n".join(lines) + "\n"


def rows(table: Table) -> str:
    out = "| state | meaning | at most | leads to | event |\n|---|---|---|---|---|\n"
    for state in table.states.values():
        limit = f"{state.limit} s" if state.limit else ""
        if state.name in table.passing and not state.limit:
            limit = "the call's `timeout`"
        exits = ", ".join(f"`{name}`" for name in state.exits)
        event = f'`("link", "{state.event}")`' if state.event else ""
        out += f"| `{state.name}` | {state.meaning} | {limit} | {exits} | {event} |\n"
    return re.sub(r" {2,}\|", " |", out)


def section() -> str:
    table = read(SOURCE.read_text())
    return f"{BEGIN}\n```\n{diagram(table)}```\n\n{rows(table)}\n{END}"


def page() -> str:
    text = PAGE.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(
            f"docs/link.md has not the lines {BEGIN.strip()} and {END.strip()}: put them back"
        )
    return before + section() + after


def main() -> None:
    parser = argparse.ArgumentParser(prog="ci/states.py", description=__doc__)
    parser.add_argument("--check", action="store_true")
    wanted = page()
    if not parser.parse_args().check:
        PAGE.write_text(wanted)
    elif PAGE.read_text() != wanted:
        sys.exit("docs/link.md is not what ci/states.py makes of states.py: run it")


if __name__ == "__main__":
    main()
