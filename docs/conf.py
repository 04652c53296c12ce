"""The documentation as a site: `make docs`. The pages are Markdown and read as well on GitHub."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "ppp-sim800"
extensions = ["myst_parser"]
exclude_patterns = []
html_theme = "alabaster"
html_theme_options = {"description": "MicroPython for the LilyGO T-Call", "page_width": "72em"}
html_show_sourcelink = False
html_show_copyright = False
smartquotes = False  # an error's sentence is found as it is said
myst_heading_anchors = 3
highlight_language = "text"

# Rate limits, not dead links
linkcheck_retries = 2
linkcheck_timeout = 20
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]


def _outside() -> str:
    """Where links to the project's other files lead: its repository, else the checkout the site was made of."""
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        return f"https://github.com/{repository}/blob/{os.environ.get('GITHUB_SHA', 'HEAD')}/"
    return ROOT.as_uri() + "/"


def _resolve(app, name: str, source: list[str]) -> None:
    source[0] = re.sub(r"\]\(\.\./", lambda _: f"]({_outside()}", source[0])
    # Data beside the pages
    source[0] = re.sub(r"\]\((\w+\.toml)\)", lambda m: f"]({_outside()}docs/{m[1]})", source[0])


def setup(app) -> None:
    app.connect("source-read", _resolve)
