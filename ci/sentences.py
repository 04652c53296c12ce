"""The sentences the package's errors say, read from its source: one line each, "…" where something is filled in.

docs/troubleshooting.md has an entry for each (tests/unit/test_troubleshooting.py).

A sentence is the first argument of an error, or why the link is in its state. Where it is put together from parts, in
another variable, table or function of the same module, each part of some length makes a sentence of its own.
"""

import ast
import copy
import re
import string
from pathlib import Path

from api import FUNCTIONS, ROLE_ERRORS, imported_file

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "modules" / "ppp_sim800"
ERRORS = PACKAGE / "errors.py"
SOURCES = (
    *(path for path in sorted(PACKAGE.rglob("*.py")) if path != ERRORS),
    *sorted((ROOT / "modules" / "ssl" / "ssl").glob("*.py")),
    *sorted((ROOT / "modules" / "nettime").glob("*.py")),
    ROOT / "modules" / "umqtt" / "simple.py",
    ROOT / "modules" / "pythings_sim800.py",
    *sorted((ROOT / "modules" / "http1").glob("*.py")),
    ROOT / "modules" / "requests" / "__init__.py",
    ROOT / "modules" / "aiohttp" / "__init__.py",
    ROOT / "modules" / "hostname.py",
    ROOT / "modules" / "socket.py",
    ROOT / "modules" / "smspdu.py",
    ROOT / "modules" / "signed_update.py",
)
# The firmware's sockets have theirs in C.
SOCKETS = ROOT / "patches" / "extmod" / "0006-modnetwork-words.patch"
CLASSES = [
    node.name
    for file in (ERRORS, ROOT / "modules" / "http1" / "errors.py")
    for node in ast.parse(file.read_text()).body
    if isinstance(node, ast.ClassDef)
]
CLASSES += [*ROLE_ERRORS, "MQTTException", "UpdateError"]

ANY = "…"
_PART = 4  # words that a part must have to be worth telling apart
_NAME = 3  # ... to stand in a sentence as it is
_LEAST = 2  # words that make a sentence
# Their ValueErrors: what cannot be read is given as it came; a state's way that the table has not.
_INTERNAL = ("smspdu.py", "states.py")
_REASON = "reason"  # in place of a class, where status("reason") tells it
_TOLD_AS = {"Interrupted": "LinkBusy"}  # what interface.py makes of it
_NO_SENTENCE = ("StopIteration", "StopAsyncIteration", "AttributeError")


def _words(text: str) -> int:
    return sum(any(c.isalpha() for c in word) for word in text.replace(ANY, " ").split())


def own_templates() -> dict[str, ast.expr]:
    """Classes that make their message themselves, of other arguments, and what of."""
    found = {}
    for node in ast.parse(ERRORS.read_text()).body:
        for call in ast.walk(node):
            if (
                isinstance(call, ast.Call)
                and ast.unparse(call.func) == "super().__init__"
                and ast.unparse(call.args[0]) not in ("message", "printable(message)")
            ):
                found[node.name] = call.args[0]
    return found


class Module:
    """One source file, and what its expressions can say."""

    def __init__(self, path: Path):
        self.tree = ast.parse(path.read_text())
        self.functions = {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, FUNCTIONS)
        }
        # Where tables may be: in the module, or imported by name from its neighbours
        self._assigned = [node for node in ast.walk(self.tree) if isinstance(node, ast.Assign)]
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and (there := imported_file(path, node)):
                names = {alias.name for alias in node.names}
                self._assigned += [
                    found
                    for found in ast.parse(there.read_text()).body
                    if isinstance(found, ast.Assign) and ast.unparse(found.targets[0]) in names
                ]

    def sentences(self, error: ast.expr, function: ast.FunctionDef | None) -> list[str]:
        template, args = self._template(error)
        if len({ast.unparse(arg.test) for arg in args if isinstance(arg, ast.IfExp)}) < sum(
            isinstance(arg, ast.IfExp) for arg in args
        ):  # which go together
            return [
                text
                for branch in ("body", "orelse")
                for text in self.sentences(_Branch(branch).visit(copy.deepcopy(error)), function)
            ]
        values = [self._values(arg, function, error.lineno) for arg in args]
        if template == ["", ""]:
            return values[0]
        ends = [not template[-1].strip() and i == len(args) - 1 for i in range(len(args))]
        defaults = []
        for texts, at_end in zip(values, ends, strict=True):
            short = min(texts, key=len, default=ANY)
            few = len(set(texts)) <= 2 and _words(short) >= _NAME
            defaults.append(short if few and not at_end else ANY)
        long_enough = _words("".join(template)) >= _PART
        found = []
        for i, (texts, at_end) in enumerate(zip(values, ends, strict=True)):
            parts = [text for text in texts if _words(text) >= (_LEAST if at_end else _PART)]
            if parts and (at_end or not long_enough):
                found += [
                    _filled(template, [*defaults[:i], part, *defaults[i + 1 :]]) for part in parts
                ]
                if ANY in texts and defaults[i] == ANY and long_enough:
                    found.append(_filled(template, defaults))
        return found or [_filled(template, defaults)]

    def _template(self, node: ast.expr) -> tuple[list[str], list[ast.expr]]:
        """The fixed pieces of an expression, and what is filled in between them."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value], []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, more = self._template(node.left)
            right, others = self._template(node.right)
            return [*left[:-1], left[-1] + right[0], *right[1:]], more + others
        if _is_format(node) and isinstance(node.func.value, ast.Constant):
            return _pieces(node.func.value.value), node.args
        return ["", ""], [node]

    def _values(self, node, function, line, seen=()) -> list[str]:
        """All that an expression can be, ANY for what is not known."""
        if isinstance(node, ast.Constant):
            return [node.value if isinstance(node.value, str) else ANY]
        if isinstance(node, ast.IfExp):
            return [
                text
                for branch in (node.body, node.orelse)
                for text in self._values(branch, function, line, seen)
            ]
        if isinstance(node, ast.BinOp) or _is_format(node):
            template, args = self._template(node)
            if _is_format(node) and not isinstance(node.func.value, ast.Constant):
                return [
                    ANY.join(_pieces(text))
                    for text in self._values(node.func.value, function, line, seen)
                ]
            if args == [node]:
                return [ANY]
            return [
                _filled(
                    template,
                    [
                        min(
                            (t for t in self._values(a, function, line, seen) if _words(t)),
                            key=len,
                            default=ANY,
                        )
                        if isinstance(a, ast.Name) and a.id.isupper()
                        else ANY
                        for a in args
                    ],
                )
            ]
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            return self._table(node.value.id, function)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
        ):
            found = self._looked_up(node.func.value, function)
            for other in node.args[1:]:
                found += self._values(other, function, line, seen)
            return found or [ANY]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in self.functions:
            return self._returned(ast.unparse(node.func)) or [ANY]
        if isinstance(node, ast.Name) and (node.id, function) not in seen:
            return self._variable(node.id, function, line, (*seen, (node.id, function)))
        return [ANY]

    def _variable(self, name, function, line, seen) -> list[str]:
        found = []
        for node in _before(function, line) if function else self.tree.body:
            if isinstance(node, ast.Assign):
                target = node.targets[0]
                if isinstance(target, ast.Name) and target.id == name:
                    found += self._values(node.value, function, line, seen)
                elif isinstance(target, ast.Tuple) and name in map(ast.unparse, target.elts):
                    place = [ast.unparse(part) for part in target.elts].index(name)
                    if isinstance(node.value, ast.Call):
                        found += self._returned(ast.unparse(node.value.func), place) or [ANY]
            elif isinstance(node, ast.AugAssign) and ast.unparse(node.target) == name:
                more = self._values(node.value, function, line, seen)
                found = [text + end for text in found for end in more]
            elif isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):
                names = [ast.unparse(part) for part in node.target.elts]
                if name in names and isinstance(node.iter, ast.Name):
                    for row in self._rows(node.iter.id):
                        found += self._values(row.elts[names.index(name)], None, line, seen)
        if function and not found:
            arguments = [arg.arg for arg in function.args.args]
            if name in arguments:
                found += self._passed(function, arguments.index(name), line, seen)
        if not found and function:
            found = self._variable(name, None, 1 << 30, seen)
        return found or [ANY]

    def _passed(self, function, place, line, seen) -> list[str]:
        # What callers in the same module give for an argument.
        found = []
        for caller in [*self.functions.values()]:
            for node in ast.walk(caller):
                if isinstance(node, ast.Call):
                    called = ast.unparse(node.func)
                    shift = 1 if called == "self." + function.name else 0
                    if called == function.name or shift:
                        at = place - shift
                        if 0 <= at < len(node.args):
                            found += self._values(node.args[at], caller, node.lineno, seen)
        return found

    def _returned(self, name, place=None) -> list[str]:
        # What a function of the module returns, or what of its tuple.
        found = []
        function = self.functions.get(name)
        for node in ast.walk(function) if function else ():
            if isinstance(node, ast.Return):
                if place is None:
                    found += self._values(node.value, function, node.lineno)
                elif isinstance(node.value, ast.Tuple):
                    found += self._values(node.value.elts[place], function, node.lineno)
                elif isinstance(node.value, ast.Call):
                    found += self._returned(ast.unparse(node.value.func), place)
        return found

    def _looked_up(self, table, function) -> list[str]:
        # What a dict has, or what `dict(rows)` makes of a tuple of pairs.
        if isinstance(table, ast.Name):
            return self._table(table.id, function)
        if isinstance(table, ast.Call) and ast.unparse(table.func) == "dict":
            rows = self._rows(ast.unparse(table.args[0]))
            return [text for row in rows for text in self._values(row.elts[1], None, 1 << 30)]
        return []

    def _rows(self, name) -> list[ast.Tuple]:
        for node in self._assigned:
            if ast.unparse(node.targets[0]) == name and isinstance(node.value, ast.Tuple):
                return [row for row in node.value.elts if isinstance(row, ast.Tuple)]
        return []

    def _table(self, name, function) -> list[str]:
        # The values of a dict or tuple, also where only its name is known by what callers pass.
        names = {name}
        for node in self._assigned:
            if ast.unparse(node.targets[0]) == name:
                names.add(ast.unparse(node.value))
        return [
            text
            for node in self._assigned
            if ast.unparse(node.targets[0]) in names
            and isinstance(node.value, ast.Dict | ast.Tuple)
            for value in getattr(node.value, "values", None) or node.value.elts
            for text in self._values(value, function, 1 << 30)
        ]


class _Branch(ast.NodeTransformer):
    """Takes one branch of all conditional expressions."""

    def __init__(self, name: str):
        self._name = name

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self.visit(getattr(node, self._name))


def _before(function: ast.FunctionDef, line: int) -> list[ast.AST]:
    """What may have been done in a function when it comes to that line."""
    over = set()  # in branches that end before it
    for node in ast.walk(function):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if node is function or not isinstance(block, list) or not block:
                continue
            ends = isinstance(block[-1], ast.Return | ast.Raise | ast.Continue)
            if ends and not block[0].lineno <= line <= block[-1].end_lineno:
                over |= {part for statement in block for part in ast.walk(statement)}
    return [
        node
        for node in ast.walk(function)
        if getattr(node, "lineno", line) < line and node not in over
    ]


def _is_format(node) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
    )


def _pieces(template: str) -> list[str]:
    pieces = [""]
    for text, field, _, _ in string.Formatter().parse(template):
        pieces[-1] += text
        if field is not None:
            pieces.append("")
    return pieces


def _filled(template: list[str], values: list[str]) -> str:
    return template[0] + "".join(
        value + piece for value, piece in zip(values, template[1:], strict=True)
    )


def _said(path: Path):
    """(where, sentences) of each place in a file that makes an error, or gives a reason for the link's state."""
    own, module, raised = own_templates(), Module(path), set()
    waiting: list[tuple[ast.AST, ast.FunctionDef | None]] = [(module.tree, None)]
    while waiting:
        node, function = waiting.pop()
        if isinstance(node, ast.Raise):
            raised.add(node.exc)
        inner = node if isinstance(node, FUNCTIONS) else function
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]
        if not isinstance(node, ast.Call) or not node.args:
            continue
        kind, said = ast.unparse(node.func).removeprefix("ppp_sim800."), node.args[0]
        if kind == "OSError" and len(node.args) > 1:  # behind its number
            said = node.args[1]
        if kind in ("enter", "self.state.enter") and len(node.args) > 1:
            kind, said = _REASON, node.args[1]
        elif (
            kind not in CLASSES
            and not (kind == "OSError" and said is not node.args[0])
            and (node not in raised or path.name in _INTERNAL)
        ):
            continue
        elif kind in own or kind in _NO_SENTENCE or not kind[0].isupper():
            continue  # ... or a function that makes the error
        texts = [text for text in module.sentences(said, function) if _words(text) >= _LEAST]
        if texts or kind != _REASON:  # else it is an error's
            yield f"{path.name}:{node.lineno} {_TOLD_AS.get(kind, kind)}", texts


def sentences(paths=SOURCES) -> dict[str, list[str]]:
    """Each sentence, and where it is said: "modem.py:12 ModemSilent"."""
    found: dict[str, list[str]] = {}
    for name, template in own_templates().items():
        for text in Module(ERRORS).sentences(template, None):
            found.setdefault(text, []).append(f"errors.py:{template.lineno} {name}")
    for text in re.findall(
        r'^\+static const MP_DEFINE_STR_OBJ\(\w+, "(.+)"\);', SOCKETS.read_text(), re.M
    ):
        found.setdefault(text, []).append(f"{SOCKETS.name} OSError")
    for path in paths:
        for place, texts in _said(path):
            for text in dict.fromkeys(texts):
                found.setdefault(text, []).append(place)
    return found


def silent(paths=SOURCES) -> list[str]:
    """Places that have no words of their own."""
    return [place for path in paths for place, texts in _said(path) if not texts]


if __name__ == "__main__":
    for sentence, where in sorted(sentences().items(), key=lambda item: item[1]):
        print(f"{sentence}    [{', '.join(where)}]")
