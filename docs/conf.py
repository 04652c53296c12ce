"""The documentation as a site: `make docs`. The pages are Markdown and read as well on GitHub."""

import os
import re
import shutil
import subprocess
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


def _repository() -> str:
    """Where the project's other files can be read: as the continuous integration says, else as git does."""
    if name := os.environ.get("GITHUB_REPOSITORY"):
        return f"https://github.com/{name}/blob/{os.environ.get('GITHUB_SHA', 'HEAD')}/"
    if not shutil.which("git"):
        return ""
    command = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
    origin = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    match = re.search(r"github\.com[:/](.+?)(\.git)?$", origin)
    return f"https://github.com/{match[1]}/blob/HEAD/" if match else ""


REPOSITORY = _repository()


def _resolve(app, name: str, source: list[str]) -> None:
    # Links out of this folder, and to data in it: to the repository, or to nowhere if it is not known.
    def resolved(link: re.Match) -> str:
        text, target = link.groups()
        path = target.removeprefix("../") if target.startswith("../") else f"docs/{target}"
        return f"[{text}]({REPOSITORY}{path})" if REPOSITORY else text

    source[0] = re.sub(r"\[([^][]*)\]\((\.\./[^)]*|\w+\.toml)\)", resolved, source[0])


def setup(app) -> None:
    app.connect("source-read", _resolve)
