"""Makes docs/features.md of docs/features.toml, or with --check says whether it is up to date."""

import argparse
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "features.toml"
PAGE = ROOT / "docs" / "features.md"

HEAD = """\
# What there is

Made by `ci/features.py` of [features.toml](features.toml). The tests are in [tests/](../tests); `make test
TESTS=tests/…` runs one.

| feature | here | proven by |
|---|---|---|
"""


def rows() -> list[dict]:
    with SOURCE.open("rb") as file:
        return tomllib.load(file)["row"]


def page() -> str:
    lines = []
    for row in rows():
        proof = "<br>".join(f"`{test}`" for test in row.get("tests", []))
        if "missing" in row:
            proof = f"{proof}<br>" if proof else ""
            proof += f"*{row['missing']}*"
        lines.append(f"| {row['name']} | {row.get('here', '–')} | {proof} |\n")
    return HEAD + "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ci/features.py", description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit("docs/features.md is not what ci/features.py makes: run it")
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
