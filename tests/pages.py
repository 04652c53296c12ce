"""The project's Markdown pages, taken apart as GitHub reads them: headings, links, code blocks."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from world import ROOT

DOCS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


@dataclass(frozen=True)
class Block:
    """A fenced block of code; `marks`: what the comment before it says, <!-- name: value; name: value -->."""

    page: Path
    line: int
    language: str
    code: str
    marks: tuple[tuple[str, str], ...] = ()

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def mark(self, name: str) -> str | None:
        return dict(self.marks).get(name)


def pages() -> list[Path]:
    """All Markdown files of the project, also new ones."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [ROOT / name for name in listed.stdout.splitlines()]
    return [page for page in found if page.exists()] or list(DOCS)


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def blocks(page: Path, language: str) -> list[Block]:
    found, comment = [], ""
    for token in _tokens(page):
        if token.type == "fence" and token.info.strip() == language:
            found.append(Block(page, token.map[0] + 1, language, token.content, _marks(comment)))
        comment = token.content if token.type == "html_block" else ""
    return found


def _marks(comment: str) -> tuple[tuple[str, str], ...]:
    match = re.fullmatch(r"<!--\s*(.*?)\s*-->\s*", comment, re.DOTALL)
    if not match:
        return ()
    parts = (part.partition(":") for part in match[1].split(";"))
    return tuple((name.strip(), value.strip()) for name, _, value in parts)


def _inline(page: Path) -> list[tuple[int, Token]]:
    return [
        (token.map[0] + 1, child)
        for token in _tokens(page)
        if token.type == "inline"
        for child in token.children
    ]


def links(page: Path) -> list[tuple[int, str]]:
    """(line, target) of each link and picture."""
    return [
        (line, child.attrs["href" if child.type == "link_open" else "src"])
        for line, child in _inline(page)
        if child.type in ("link_open", "image")
    ]


def code_words(page: Path) -> list[tuple[int, str]]:
    """(line, text) of what stands between backticks in the text."""
    return [(line, child.content) for line, child in _inline(page) if child.type == "code_inline"]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    tokens = _tokens(page)
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            text = "".join(
                child.content for child in token.children if child.type in ("text", "code_inline")
            )
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number = 0
            while (unique := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(unique)
    return found
