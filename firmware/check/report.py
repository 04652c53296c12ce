"""The report: tcall-report.json, and the same as a page to be read."""

import json
import os
from pathlib import Path

from .checks import DIFFERS, NOT_TESTABLE, OK
from .mask import Mask
from .transcript import Segment

FORMAT = 1
JSON, PAGE = "tcall-report.json", "tcall-report.md"


class Report:
    """What was found, as it grows. Nothing of it is masked before it is told: `told()` is what leaves this program."""

    def __init__(self, mask: Mask, head: dict):
        self._mask = mask
        self.head = head
        self.rows: list[dict] = []
        self.measured: dict[str, dict] = {}
        self.segments: list[Segment] = []
        self.ended = "interrupted"
        self.seconds = 0.0

    def add(self, check, verdict: str, seen: str) -> dict:
        row = {
            "name": check.name,
            "title": check.title,
            "seen": seen,
            "expected": check.expected,
            "source": check.source,
            "verdict": verdict,
        }
        self.rows.append(row)
        return self._mask(row)

    def count(self, verdict: str) -> int:
        return sum(row["verdict"] == verdict for row in self.rows)

    def told(self) -> dict:
        return {
            "format": FORMAT,
            **self._mask(self.head),
            "seconds": round(self.seconds),
            "ended": self.ended,
            "checks": self._mask(self.rows),
            "measured": self._mask(self.measured),
            "transcript": [segment.told(self._mask) for segment in self.segments if segment],
        }

    def write(self, folder: Path) -> None:
        """Both files, each whole or not at all. Raises OSError."""
        told = self.told()
        for name, text in (
            (JSON, json.dumps(told, indent=1, ensure_ascii=True) + "\n"),
            (PAGE, page(told)),
        ):
            part = folder / (name + ".part")
            part.write_text(text, encoding="utf-8")
            os.replace(part, folder / name)


def _cell(text: str) -> str:
    """Text for a cell of a Markdown table, whatever is in it."""
    out = text.replace("\\", "\\\\").replace("\r", " ").replace("\n", " ")
    for sign in "|`*_<>[]":
        out = out.replace(sign, "\\" + sign)
    return "".join(c if c.isprintable() else "?" for c in out)


def page(told: dict) -> str:
    """The report as Markdown."""
    rows = told["checks"]
    counts = ", ".join(
        f"{sum(row['verdict'] == verdict for row in rows)} {verdict}"
        for verdict in (OK, DIFFERS, NOT_TESTABLE)
    )
    lines = [
        "# T-Call report",
        "",
        f"{told['made']}, {told['seconds']} s, {told['ended']}: {counts}.",
        "",
        "| | |",
        "|---|---|",
    ]
    for name in ("project", "computer", "board", "firmware", "modem"):
        if told.get(name):
            lines.append(f"| {name} | {_cell(str(told[name]))} |")
    lines += ["", "| verdict | check | seen | expected | source |", "|---|---|---|---|---|"]
    for row in rows:
        cells = (row["verdict"], row["title"], row["seen"], row["expected"], row["source"])
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    lines += ["", "## AT transcript", ""]
    for segment in told["transcript"]:
        lines += [f"### {segment['check']}", "", "```"]
        for record in segment["records"]:
            kind = "sent" if "sent" in record else "received"
            sign = ">" if kind == "sent" else "<"
            lines.append(f"{record['t']:9.3f} {sign} {json.dumps(record[kind])[1:-1]}")
        lines += ["```", ""]
    return "\n".join(lines).rstrip() + "\n"
