"""Tables of numbers: as text, as Markdown, as JSON, and two runs compared."""

import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from world import ROOT, VM

Number = int | float | None
_NUMBERS = (int, float)
_HOLDS = {"<=": lambda value, goal: value <= goal, ">=": lambda value, goal: value >= goal}


@dataclass
class Table:
    """Rows of numbers under a title, ratios in the first columns; None: there is none.

    goals: (row, column) -> what it is to be, such as "<= 0.4".
    """

    title: str
    columns: tuple[str, ...]
    rows: dict[str, tuple[Number, ...]]
    goals: dict[tuple[str, str], str] = field(default_factory=dict)

    def value(self, row: str, column: str) -> Number:
        return self.rows[row][self.columns.index(column)]

    def met(self, row: str, column: str) -> bool:
        """Whether a goal is met. Raises KeyError where there is none."""
        sign, number = self.goals[row, column].split()
        value = self.value(row, column)
        return value is not None and _HOLDS[sign](value, float(number))

    def cells(self) -> list[list[str]]:
        """Header and rows as text, every row as long as the header."""
        lines = [[self.title, *self.columns]]
        for row, values in self.rows.items():
            line = [row]
            for column, value in zip(self.columns, values, strict=True):
                text = shown(value)
                if goal := self.goals.get((row, column)):
                    text += f" ({goal}{'' if self.met(row, column) else ', missed'})"
                line.append(text)
            lines.append(line)
        return lines

    def told(self) -> dict:
        """For JSON."""
        return {
            "title": self.title,
            "rows": {
                row: dict(zip(self.columns, values, strict=True))
                for row, values in self.rows.items()
            },
            "goals": [
                {"row": row, "column": column, "goal": goal, "met": self.met(row, column)}
                for (row, column), goal in self.goals.items()
            ],
        }


def shown(value: Number) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return str(value)
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def ratio(value: Number, beside: Number) -> float | None:
    return value / beside if value is not None and beside else None


def as_text(cells: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip()
        for row in cells
    )


def as_markdown(cells: list[list[str]]) -> str:
    head, *rows = cells
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def circumstances(command: str) -> dict:
    """When, where and of what a run was: what two runs must have alike to be compared."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    vm = subprocess.run(
        [VM, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    vm = vm.rpartition("; ")[2]  # without the language's version
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "command": command,
        "commit": commit or "unknown",
        "micropython": vm,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "load": os.getloadavg()[0],
    }


def compare(new: dict, old: dict) -> str:
    """Each number of two runs (as saved) that both have, side by side."""
    cells = [["", "new / old", "new", "old"]]
    for part, tables in new["parts"].items():
        before = {table["title"]: table["rows"] for table in old["parts"].get(part, ())}
        for table in tables:
            for row, values in table["rows"].items():
                for column, value in values.items():
                    other = before.get(table["title"], {}).get(row, {}).get(column)
                    if isinstance(value, _NUMBERS) and isinstance(other, _NUMBERS):
                        name = f"{part}: {row}, {column}"
                        cells.append(
                            [name, shown(ratio(value, other)), shown(value), shown(other)]
                        )
    return as_text(cells)


def load(path: Path) -> dict:
    """A run that was saved. Raises ValueError with a sentence if it is none."""
    try:
        run = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not isinstance(run, dict) or "parts" not in run:
        raise ValueError(f"{path} is no run of this benchmark: name one of build/bench/*.json")
    return run
