"""What users may call, read from the source: for ci/reference.py and ci/stubs.py.

All names without an underscore are public, but those of MODULES that have no row here and INTERNAL ones.
"""

import ast
import copy
import inspect
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = ROOT / "modules" / "ppp_sim800"
_SSL = ROOT / "modules" / "ssl" / "ssl"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BOARD = ROOT / "boards" / "TCALL_SIM800" / "modules"

# Name to import -> file
MODULES = {
    **{
        f"ppp_sim800.{name}": _PACKAGE / f"{name}.py"
        for name in (*("interface", "modem", "events", "stats", "contexts", "errors", "aio"),)
    },
    "ppp_sim800.ntp": ROOT / "modules" / "nettime" / "ntp.py",
    "ppp_sim800.rtc": ROOT / "modules" / "nettime" / "rtc.py",
    "ppp_sim800.tls_sessions": _SSL / "sessions.py",
    **{
        f"ppp_sim800.roles.{name}": _PACKAGE / "roles" / f"{name}.py"
        for name in ("sim", "radio", "clock", "sms", "calls", "http", "bearer", "location")
    },
    "ssl": _SSL / "__init__.py",
    "tcall": _BOARD / "tcall.py",
    "signed_update": ROOT / "modules" / "signed_update.py",
    "pythings_sim800": ROOT / "modules" / "pythings_sim800.py",
}

# Modules whose functions and constants are for users; those of the others are the package's own.
_OPEN = ("ntp", "rtc", "tls_sessions", "aio", "ssl", "tcall", "signed_update")

# What is the package's own besides.
INTERNAL = {
    "ppp_sim800.interface": "PPP.link PPP.supervisor Settings",
    "ppp_sim800.modem": "Modem.line Modem.events Modem.serve Modem.take_unregistered Modem.in_call "
    "Modem.start Modem.stop Modem.restart Modem.press_reset Modem.set_up "
    "Modem.hang_up Modem.take_back Modem.look",
    "ppp_sim800.roles.radio": "Radio.is_on Radio.note Radio.is_roaming REGISTERED",
    "ppp_sim800.roles.sim": "SIM.subscribe",
    "ppp_sim800.roles.clock": "Clock.want_time Clock.told Clock.is_utc Clock.correct",
    "ppp_sim800.roles.sms": "SMS.find_new",
    "ppp_sim800.roles.calls": "Calls.likely",
    "ppp_sim800.roles.bearer": "Bearer.count",
    "ppp_sim800.roles.http": "HTTP.release HTTP.read_body Response.PROPERTIES",
    "ppp_sim800.events": "Events",
    "ppp_sim800.stats": "Counters FILE DAY MONTH AT TOLD",
    "ppp_sim800.ntp": "compare",
    "ppp_sim800.tls_sessions": "key tag is_of is_good offer keep drop address FILE EVER",
    "ppp_sim800.rtc": "FILE is_possible trust checked confirm doubt link",
    "ssl": "SSLContext.continue_handshake SSLContext.handshake_failed",
}


def _role_errors() -> dict[str, Path]:
    for node in ast.parse((_PACKAGE / "errors.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_ROLES":
            homes = ast.literal_eval(node.value)
            return {
                name: ROOT / "modules" / f"{module.replace('.', '/')}.py" for name, module in homes
            }
    raise ValueError("errors.py has no _ROLES")


# Errors that are loaded with what raises them, and its file
ROLE_ERRORS = _role_errors()


@dataclass
class Function:
    """A function or method; `kind` is "function" or "property" (where it blocks); `waits`: aio's is to be awaited."""

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
    hidden = [*INTERNAL.get(name, "").split(), *ROLE_ERRORS]  # these are shown as errors' own
    is_open = name.rsplit(".", maxsplit=1)[-1] in _OPEN
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _shown(node.name, hidden):
            module.classes[node.name] = _class(node, hidden)
        elif isinstance(node, FUNCTIONS) and _shown(node.name, hidden):
            if is_open:
                waits = isinstance(node, ast.AsyncFunctionDef)
                module.functions[node.name] = Function(
                    node.name, node.args, _doc(node), waits=waits
                )
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target, value = node.targets[0].id, node.value
            if not _shown(target, hidden):
                continue
            if isinstance(value, ast.Call) and ast.unparse(value.func) == "namedtuple":
                fields = list(ast.literal_eval(value.args[1]))
                module.records[target] = Record(target, fields, _comment(text, node.lineno))
            elif is_open:
                module.constants[target] = _without_const(value)
    if name == "ppp_sim800.errors":
        for error, file in ROLE_ERRORS.items():
            for node in ast.parse(file.read_text()).body:
                if isinstance(node, ast.ClassDef) and node.name == error:
                    module.classes[error] = _class(node, [])
    return module


def docstring(name: str, of: str) -> str:
    """Of one class or function, public or not."""
    for node in ast.parse(MODULES[name].read_text()).body:
        if getattr(node, "name", None) == of:
            return _doc(node)
    raise KeyError(of)


def everything() -> dict[str, Module]:
    return {name: read(name) for name in MODULES}


def imported_file(path: Path, node: ast.ImportFrom) -> Path | None:
    """The file of the package that `from .names import` in `path` reads, None if it is another's."""
    if not node.level or not node.module:
        return None
    file = path.parents[node.level - 1] / (node.module.replace(".", "/") + ".py")
    return file if file.exists() else None


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
        for name in node.names if node.level == 1 and not node.module else ():
            file = self._path.parent / f"{name.name}.py"
            there = _Constants(file)._values if file.exists() else {}
            self._values |= {f"{name.name}.{n}": value for n, value in there.items()}
        if neighbour := imported_file(self._path, node):
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
    properties: list[str] = []  # of the blocking class
    for part in node.body:
        if isinstance(part, FUNCTIONS):
            decorators = [ast.unparse(decorator) for decorator in part.decorator_list]
            if part.name == "__init__":
                found.init = _without_self(part.args)
                found.attributes += [name for name in _attributes(part) if _shown(name, hidden)]
            elif _shown(part.name, hidden) and not any(d.endswith(".setter") for d in decorators):
                found.methods[part.name] = Function(
                    part.name,
                    _without_self(part.args),
                    _doc(part),
                    "property" if "property" in decorators else "function",
                    isinstance(part, ast.AsyncFunctionDef),
                )
        elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Name):
            name = part.targets[0].id
            if name == "PROPERTIES":
                properties = list(ast.literal_eval(part.value))
            if _shown(name, hidden):
                found.attributes.append(name)
    for name in properties:
        found.methods[name].kind = "property"
    return found


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
