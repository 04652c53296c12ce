"""What users may call, read from the source: for ci/reference.py and ci/stubs.py.

All names without an underscore are public, but those of MODULES that have no row here and INTERNAL ones.
"""

import ast
import copy
import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = ROOT / "modules" / "ppp_sim800"
_BOARD = ROOT / "boards" / "TCALL_SIM800" / "modules"

# Name to import -> file
MODULES = {
    **{
        f"ppp_sim800.{name}": _PACKAGE / f"{name}.py"
        for name in (
            *("link", "modem", "sim", "radio", "clock", "sms", "calls", "http", "bearer"),
            *("location", "events", "stats", "online", "errors", "aio", "ntp", "rtc"),
            "tls_sessions",
        )
    },
    "ssl": ROOT / "modules" / "ssl" / "ssl.py",
    "tcall": _BOARD / "tcall.py",
    "pythings_sim800": ROOT / "modules" / "pythings_sim800.py",
}

# Modules whose functions and constants are for users; those of the others are the package's own.
_OPEN = ("ntp", "rtc", "tls_sessions", "aio", "ssl", "tcall")

# Classes most of whose attributes are the package's own, and those that are for users.
_ATTRIBUTES = {
    "ppp_sim800.link": {"PPP": ("modem",)},
    "ppp_sim800.modem": {"Modem": ("sim", "radio", "clock", "uart")},
}

# What is the package's own besides.
INTERNAL = {
    "ppp_sim800.link": "PPP.lose PPP.age PPP.lost_by PPP.traffic",
    "ppp_sim800.events": "Events",
    "ppp_sim800.stats": "Counters",
    "ppp_sim800.aio": "drive Awaited",
    "ppp_sim800.tls_sessions": "key offer keep drop FILE",
    "ppp_sim800.rtc": "FILE confirm",
    "ssl": "SSLContext.continue_handshake SSLContext.handshake_failed",
}


@dataclass
class Function:
    """A function or method; `kind` is "function" or "property"; `waits`: what aio has is to be awaited."""

    name: str
    arguments: ast.arguments  # without self
    doc: str
    kind: str = "function"
    waits: bool = False

    @property
    def signature(self) -> str:
        text = ast.unparse(self.arguments)
        return self.name if self.kind == "property" else f"{self.name}({text})"


@dataclass
class Class:
    name: str
    bases: list[str]
    doc: str
    init: ast.arguments | None = None
    methods: dict[str, Function] = field(default_factory=dict)
    attributes: list[str] = field(default_factory=list)


@dataclass
class Record:
    """A namedtuple, with the comment before it."""

    name: str
    fields: list[str]
    doc: str


@dataclass
class Module:
    name: str
    doc: str
    classes: dict[str, Class] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    constants: dict[str, ast.expr] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return {*self.classes, *self.functions, *self.records, *self.constants}


def read(name: str) -> Module:
    """The public names of one of MODULES."""
    text = MODULES[name].read_text()
    tree = _Constants(MODULES[name]).visit(ast.parse(text))
    module = Module(name, ast.get_docstring(tree) or "")
    hidden = INTERNAL.get(name, "").split()
    is_open = name.rsplit(".", maxsplit=1)[-1] in _OPEN
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _shown(node.name, hidden):
            found = module.classes[node.name] = _class(node, hidden)
            if (shown := _ATTRIBUTES.get(name, {}).get(node.name)) is not None:
                found.attributes = [n for n in found.attributes if n in shown]
        elif isinstance(node, ast.FunctionDef) and _shown(node.name, hidden):
            if is_open:
                module.functions[node.name] = Function(node.name, node.args, _doc(node))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target, value = node.targets[0].id, node.value
            if not _shown(target, hidden):
                continue
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "namedtuple":
                fields = list(ast.literal_eval(value.args[1]))
                module.records[target] = Record(target, fields, _comment(text, node.lineno))
            elif is_open:
                module.constants[target] = _without_const(value)
    return module


def docstring(name: str, of: str) -> str:
    """Of one class or function, public or not."""
    for node in ast.parse(MODULES[name].read_text()).body:
        if getattr(node, "name", None) == of:
            return _doc(node)
    raise KeyError(of)


def everything() -> dict[str, Module]:
    return {name: read(name) for name in MODULES}


class _Constants(ast.NodeTransformer):
    """Puts the values of constants, the file's own or its neighbours', where they are an argument's default."""

    def __init__(self, path: Path):
        self._path = path
        self._values: dict[str, ast.expr] = {}
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Assign):
                value = _without_const(node.value)
                if isinstance(value, ast.Constant):
                    self._values[ast.unparse(node.targets[0])] = value

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        neighbour = self._path.parent / f"{node.module}.py"
        if node.level and neighbour.exists():
            there = _Constants(neighbour)._values
            self._values |= {n.name: there[n.name] for n in node.names if n.name in there}
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.defaults = [self._values.get(ast.unparse(value), value) for value in node.defaults]
        node.kw_defaults = [
            value and self._values.get(ast.unparse(value), value) for value in node.kw_defaults
        ]
        return node


def _shown(name: str, hidden: list[str]) -> bool:
    return not name.startswith("_") and name not in hidden


def _class(node: ast.ClassDef, hidden: list[str]) -> Class:
    found = Class(node.name, [ast.unparse(base) for base in node.bases], _doc(node))
    hidden = [name.split(".")[1] for name in hidden if name.startswith(node.name + ".")]
    defined = {part.name: part for part in node.body if isinstance(part, ast.FunctionDef)}
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            decorators = [ast.unparse(decorator) for decorator in part.decorator_list]
            if part.name == "__init__":
                found.init = _without_self(part.args)
                found.attributes += [name for name in _attributes(part) if _shown(name, hidden)]
            elif _shown(part.name, hidden) and not any(d.endswith(".setter") for d in decorators):
                kind = "property" if "property" in decorators else "function"
                found.methods[part.name] = _function(part.name, part, kind)
        elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            name = part.targets[0].id
            if not _shown(name, hidden):
                continue
            made = re.fullmatch(r"(property\()?blocking\((\w+)\)+", ast.unparse(part.value))
            if made:
                kind = "property" if made[1] else "function"
                found.methods[name] = _function(name, defined[made[2]], kind)
                found.methods[name].waits = True
            else:
                found.attributes.append(name)
    return found


def _function(name: str, node: ast.FunctionDef, kind: str) -> Function:
    return Function(name, _without_self(node.args), _doc(node), kind)


def _attributes(init: ast.FunctionDef) -> list[str]:
    names = []
    for node in ast.walk(init):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                names.append(target.attr)
    return names


def _without_self(arguments: ast.arguments) -> ast.arguments:
    rest = copy.copy(arguments)
    rest.args = arguments.args[1:]
    return rest


def _without_const(value: ast.expr) -> ast.expr:
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "const":
        return value.args[0]
    return value


def _doc(node) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def _comment(text: str, line: int) -> str:
    """The comment that ends in the line before `line`."""
    found = []
    for before in reversed(text.splitlines()[: line - 1]):
        if not before.startswith("#"):
            break
        found.insert(0, before.removeprefix("#").removeprefix(" "))
    return "\n".join(found)
