"""Puts the docstrings into the type stubs and makes that of the blocking classes, or with --check says whether all
is up to date.

The types are written by hand in stubs/, of what is awaited as the source has it; what they are about comes from the source, as ci/api.py reads it.
tests/unit/test_stubs.py compares names, arguments and defaults.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

import api

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "stubs"
_PACKAGE = STUBS / "ppp_sim800-stubs"

# The classes of these have a blocking one each, in this order.
_AWAITED = (
    *("interface", "modem", "roles.sim", "roles.radio", "roles.clock", "roles.sms", "roles.calls"),
    *("roles.http", "roles.bearer"),
)

_HEAD = """\
'What blocks, made of what is awaited: `ppp_sim800.PPP` and `Modem`. No such module is on the board.'
import builtins
from typing import Literal, overload
from machine import UART
from . import interface, modem
from ._types import UTC, Board, Bytes, File, Roaming, Trace, Watchdog
from .contexts import CommandMode, KeptUp
from .events import Event
from .modem import Battery
from .roles.calls import Call
from .roles.location import Location
from .roles.sms import Message
from .stats import Stats
"""

# What only the blocking class has
_MORE = {
    "PPP": """\
aio: interface.PPP

@overload
def status(self, what: Literal["rssi"]) -> int | None: ...
""",
    "Modem": "aio: modem.Modem",
}
_BLOCKING = {"__aiter__": "__iter__", "__anext__": "__next__"}


def stub_of(name: str) -> Path:
    """The stub of one of api.MODULES."""
    if name == "ssl":
        return STUBS / "ssl.pyi"
    if name == "ppp_sim800.tls_sessions":  # no module of the package, but `ssl.sessions`
        return _PACKAGE / "_tls_sessions.pyi"
    package, _, rest = name.partition(".")
    return STUBS / f"{package}-stubs" / f"{rest.replace('.', '/') or '__init__'}.pyi"


def documented(name: str) -> str:
    """The stub with the source's docstrings."""
    module, tree = api.read(name), ast.parse(stub_of(name).read_text())
    _document(tree, module.doc)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in module.classes:
            found = module.classes[node.name]
            _document(node, found.doc)
            done = set()
            for part in node.body:
                if isinstance(part, api.FUNCTIONS) and part.name in found.methods:
                    first = part.name not in done
                    _document(part, found.methods[part.name].doc if first else "")
                    done.add(part.name)
        elif isinstance(node, ast.FunctionDef) and node.name in module.functions:
            _document(node, module.functions[node.name].doc)
        elif isinstance(node, ast.ClassDef) and node.name in module.records:
            _document(node, module.records[node.name].doc)
    return ast.unparse(tree)


def _document(node, doc: str) -> None:
    body = [part for part in node.body if not _is_empty(part)]
    if doc:
        body.insert(0, ast.Expr(ast.Constant(doc)))
    node.body = body or [ast.Expr(ast.Constant(...))]


def _is_empty(part: ast.stmt) -> bool:
    return (
        isinstance(part, ast.Expr)
        and isinstance(part.value, ast.Constant)
        and (part.value.value is ... or isinstance(part.value.value, str))
    )


def blocking() -> str:
    """The stub of the classes that block."""
    text = _HEAD
    for name in _AWAITED:
        source = api.read(f"ppp_sim800.{name}")
        for node in ast.parse(documented(f"ppp_sim800.{name}")).body:
            if isinstance(node, ast.ClassDef) and node.name in source.classes:
                text += "\n\n" + ast.unparse(_blocking(node, source.classes[node.name]))
    return text


def _blocking(node: ast.ClassDef, source: api.Class) -> ast.ClassDef:
    body = []
    for part in node.body:
        body.append(_plain(part, source) if isinstance(part, api.FUNCTIONS) else part)
    for part in ast.parse(_MORE.get(node.name, "")).body:
        name = getattr(part, "name", None)
        same = [i for i, other in enumerate(body) if name and getattr(other, "name", "") == name]
        body.insert(max(same, default=0) + 1, part)  # behind the docstring, or its overloads
    return ast.ClassDef(node.name, [], [], body, [], type_params=[])


def _plain(part: ast.FunctionDef | ast.AsyncFunctionDef, source: api.Class) -> ast.FunctionDef:
    made = ast.FunctionDef(**{name: getattr(part, name) for name in part._fields}, lineno=0)
    made.name = _BLOCKING.get(part.name, part.name)
    if part.name in source.methods and source.methods[part.name].kind == "property":
        made.decorator_list = [ast.Name("property")]
    return made


def formatted(text: str) -> str:
    ruff = str(Path(sys.executable).parent / "ruff")
    for command in (["check", "-q", "--fix", "--select", "I"], ["format", "-q"]):
        done = subprocess.run(
            [ruff, *command, "--stdin-filename", "stubs/stub.pyi", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        )
        text = done.stdout
    return text


def wanted() -> dict[Path, str]:
    """Every stub that is made, or has docstrings, and what is to be in it."""
    stubs = {stub_of(name): documented(name) for name in api.MODULES}
    stubs[STUBS / "ppp_sim800-stubs" / "_blocking.pyi"] = blocking()
    return {path: formatted(text) for path, text in stubs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="ci/stubs.py", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    for path, text in wanted().items():
        if check and (not path.exists() or path.read_text() != text):
            sys.exit(f"{path.relative_to(ROOT)} is not up to date: run ci/stubs.py")
        if not check:
            path.write_text(text)


if __name__ == "__main__":
    main()
