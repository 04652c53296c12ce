"""Puts the docstrings into the type stubs and makes that of aio, or with --check says whether all is up to date.

The types are written by hand in stubs/; what they are about comes from the source, as ci/api.py reads it.
tests/unit/test_stubs.py compares names, arguments and defaults.
"""

import argparse
import ast
import copy
import subprocess
import sys
from pathlib import Path

import api

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "stubs"
_PACKAGE = STUBS / "ppp_sim800-stubs"

# aio's are all of this kind; in this order.
_AWAITED = ("link", "modem", "sim", "radio", "clock", "sms", "calls", "http", "bearer")

_HEAD = """\
import builtins
from typing import Literal, overload
from machine import UART
from ._types import UTC, Board, Bytes, File, Trace, Watchdog
from .calls import Call
from .events import Event
from .location import Location
from .modem import Battery
from .online import CommandMode, KeptUp
from .sms import Message
from .stats import Stats
"""


def stub_of(name: str) -> Path:
    """The stub of one of api.MODULES."""
    if name == "ssl":
        return STUBS / "ssl.pyi"
    package, _, rest = name.partition(".")
    return STUBS / f"{package}-stubs" / f"{rest or '__init__'}.pyi"


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
                if isinstance(part, ast.FunctionDef) and part.name in found.methods:
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


def awaited() -> str:
    """The stub of aio: the same classes, what waits to be awaited."""
    module = api.read("ppp_sim800.aio")
    classes, functions = [], []
    names = {}
    for name in _AWAITED:
        source = api.read(f"ppp_sim800.{name}")
        for node in ast.parse(documented(f"ppp_sim800.{name}")).body:
            if isinstance(node, ast.ClassDef) and node.name in source.classes:
                names[node.name] = "_" + node.name
                classes.append(_awaited(node, source.classes[node.name]))
                if node.name in module.functions:
                    functions.append(_maker(node, module.functions[node.name].doc))
    renamed = _Renamed(names)
    text = _HEAD + "\n\n".join(ast.unparse(renamed.visit(node)) for node in classes)
    text += "\n\n" + "\n\n".join(ast.unparse(renamed.visit(node)) for node in functions)
    tree = ast.parse(text)
    _document(tree, module.doc)
    return ast.unparse(tree)


class _Renamed(ast.NodeTransformer):
    """Puts the awaited classes for the others."""

    def __init__(self, names: dict[str, str]):
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._names.get(node.id, node.id))


def _awaited(node: ast.ClassDef, source: api.Class) -> ast.ClassDef:
    body = []
    for part in copy.deepcopy(node.body):
        name = getattr(part, "name", "")
        if isinstance(part, ast.FunctionDef) and name == "__init__":
            continue
        if name in ("__iter__", "__next__"):
            part.name = {"__iter__": "__aiter__", "__next__": "__anext__"}[name]
            body.append(_async(part) if name == "__next__" else part)
        elif name in source.methods and source.methods[name].waits:
            part.decorator_list = []
            body.append(_async(part))
        else:
            body.append(part)
    return ast.ClassDef("_" + node.name, [], [], body, [], type_params=[])


def _async(part: ast.FunctionDef) -> ast.AsyncFunctionDef:
    return ast.AsyncFunctionDef(**{name: getattr(part, name) for name in part._fields}, lineno=0)


def _maker(node: ast.ClassDef, doc: str) -> ast.FunctionDef:
    init = next(part for part in node.body if getattr(part, "name", "") == "__init__")
    made = copy.deepcopy(init)
    made.name = node.name
    made.args.args = made.args.args[1:]
    made.returns = ast.Name("_" + node.name)
    _document(made, doc)
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
    stubs = {stub_of(name): documented(name) for name in api.MODULES if name != "ppp_sim800.aio"}
    stubs[stub_of("ppp_sim800.aio")] = awaited()
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
