"""`_name` is private: no object touches another's, and no module another module's."""

import ast
from pathlib import Path

import pytest
from world import ROOT

MODULES = ROOT / "modules"
FILES = sorted(
    [
        *(MODULES / "ppp_sim800").rglob("*.py"),
        MODULES / "pythings_sim800.py",
        MODULES / "SIM800L.py",
    ]
)
# asyncio has no public name for the loop that runs.
OF_OTHERS = ("_task_queue",)
BY_NAME = ("getattr", "hasattr", "setattr", "delattr")


def is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def names_private(node: ast.expr) -> bool:
    """A str that is, or begins as, a private name: "_x", "_" + x, f"_{x}"."""
    while isinstance(node, ast.BinOp):
        node = node.left
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return (
        isinstance(node, ast.Constant) and isinstance(node.value, str) and is_private(node.value)
    )


def trespasses(source: str) -> list[tuple[int, str]]:
    """(line, what) of each place where a private name of somebody else is touched.

    One's own are those of `self`, `cls`, `super()` and of the classes in the same file.
    """
    tree = ast.parse(source)
    own = {"self", "cls"} | {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef)}

    def is_own(node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id == "super"
        return isinstance(node, ast.Name) and node.id in own

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            if is_private(node.attr) and node.attr not in OF_OTHERS and not is_own(node.value):
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in BY_NAME and len(node.args) > 1:
                of, name = node.args[:2]
                if names_private(name) and not is_own(of):
                    found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.ImportFrom):
            found += [
                (node.lineno, f"from {'.' * node.level}{node.module or ''} import {alias.name}")
                for alias in node.names
                if is_private(alias.name)
            ]
    return sorted(found)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(MODULES)))
def test_nobody_touches_what_is_private_to_another(path: Path):
    found = trespasses(path.read_text())
    assert not found, "\n".join(f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in found)


@pytest.mark.parametrize(
    "source",
    [
        "link._lock.release()",
        "self._modem._channel.poll()",
        "modem._settled = False",
        "del other._x",
        "steps = {'a': modem._restart}",
        "getattr(target, '_' + name)",
        "hasattr(self.board, '_dtr')",
        "getattr(x, f'_{name}')",
        "setattr(x, '_y', 1)",
        "from .at import _digits",
        "ntp._query()",
        "class A: pass\nA()._x",
        "class A:\n def f(self, other): return other._x",
    ],
)
def test_is_found(source):
    assert trespasses(source)


@pytest.mark.parametrize(
    "source",
    [
        "self._x = self._y(1)",
        "class A:\n _n = 0\n def f(self): A._n += 1",
        "class A:\n @classmethod\n def f(cls): return cls._n",
        "class A(B):\n def _f(self): return super()._f()",
        "def _own(): pass\n_own()",
        "import _thread\n_thread.allocate_lock()",
        "x.__class__.__name__",
        "getattr(self, '_x')",
        "getattr(x, 'dtr')",
    ],
)
def test_is_allowed(source):
    assert not trespasses(source)
