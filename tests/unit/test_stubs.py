"""The type stubs in stubs/: they say what the source says, and mypy finds with them what it should."""

import ast
import re
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from pages import blocks
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import api

import stubs

TYPES = ROOT / "build" / "venv-types"
PROJECT = ROOT / "tests" / "data" / "typing"

# What users make themselves; the package makes the others.
MADE = ("PPP", "Modem", "SSLContext", "TCall", "Board")

# --- against the source -----------------------------------------------------------------------


@dataclass
class Stub:
    """What a stub has: functions by name, those of classes by class."""

    functions: dict[str, list[ast.arguments]]
    classes: dict[str, dict[str, list[ast.arguments]]]
    awaited: dict[str, set[str]]
    attributes: dict[str, list[str]]
    bases: dict[str, list[str]]
    names: set[str]


def read(path: Path) -> Stub:
    stub = Stub({}, {}, {}, {}, {}, set())
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            stub.functions.setdefault(node.name, []).append(node.args)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            stub.names.add(ast.unparse(target))
        elif isinstance(node, ast.ClassDef):
            stub.bases[node.name] = [ast.unparse(base) for base in node.bases]
            stub.attributes[node.name] = [
                ast.unparse(part.target) for part in node.body if isinstance(part, ast.AnnAssign)
            ]
            methods = stub.classes.setdefault(node.name, {})
            stub.awaited[node.name] = {
                part.name for part in node.body if isinstance(part, ast.AsyncFunctionDef)
            }
            for part in node.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    decorators = [ast.unparse(decorator) for decorator in part.decorator_list]
                    if not any(decorator.endswith(".setter") for decorator in decorators):
                        methods.setdefault(part.name, []).append(without_self(part.args))
    return stub


def without_self(arguments: ast.arguments) -> ast.arguments:
    (arguments.posonlyargs or arguments.args)[:1] = []
    return arguments


def shape(arguments: ast.arguments) -> list[tuple[str, str, str]]:
    """(kind, name, default) of each argument."""
    found = []
    plain = arguments.posonlyargs + arguments.args
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    for arg, default in zip(plain, defaults, strict=True):
        found.append(("", arg.arg, default and ast.unparse(default)))
    if arguments.vararg:
        found.append(("*", arguments.vararg.arg, None))
    for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(("only", arg.arg, default and ast.unparse(default)))
    if arguments.kwarg:
        found.append(("**", arguments.kwarg.arg, None))
    return found


def check(where: str, source: ast.arguments, overloads: list[ast.arguments]) -> None:
    shapes = [shape(stub) for stub in overloads]
    if {kind for kind, _, _ in shape(source)} == {"*", "**"}:
        return  # its names are in the docstring alone
    if len(shapes) == 1:
        assert shapes[0] == shape(source), f"{where}: the stub has other arguments"
        return
    for one in shapes:
        names = [(kind, name) for kind, name, _ in one]
        assert names == [(kind, name) for kind, name, _ in shape(source)], where
    assert shape(source) in shapes, f"{where}: no overload has the defaults"


def imported(name: str) -> set[str]:
    tree = ast.parse(api.MODULES[name].read_text())
    sources = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in sources for alias in node.names}


@pytest.mark.parametrize("name", api.MODULES)
def test_stub_says_what_the_source_says(name):
    source, stub = api.read(name), read(stubs.stub_of(name))
    records = {n: found.fields for n, found in source.records.items()}
    there = {n for n in (*stub.functions, *stub.classes, *stub.names) if n[0] != "_"}
    assert there - imported(name) == source.names, "names in the stub and in the source"
    for function in source.functions.values():
        check(function.name, function.arguments, stub.functions[function.name])
    assert {n: stub.attributes[n] for n in records} == records
    for found in source.classes.values():
        methods = stub.classes[found.name]
        there = {n for n in (*methods, *stub.attributes[found.name]) if n[0] != "_"}
        assert there == {*found.methods, *found.attributes}, found.name
        if name == "ppp_sim800.errors":
            assert stub.bases[found.name] == found.bases
        for method in found.methods.values():
            assert method.name in methods, f"{found.name}.{method.name} is a method"
            waits = method.name in stub.awaited[found.name]
            assert waits == method.waits, f"{found.name}.{method.name} is awaited"
            check(f"{found.name}.{method.name}", method.arguments, methods[method.name])
        if found.init and (found.name in MADE or name == "ppp_sim800.errors"):
            check(found.name, found.init, methods["__init__"])


def test_docstrings_and_blocking_classes_are_up_to_date():
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, ROOT / "ci" / "stubs.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_package_has_its_names():
    """What `from ppp_sim800 import` finds, but for modules that only the package itself needs."""
    init = ast.parse((ROOT / "modules/ppp_sim800/__init__.py").read_text())
    names = set(api.read("ppp_sim800.errors").classes)
    for node in init.body:
        if isinstance(node, ast.Assign):
            names |= {name for name, _ in ast.literal_eval(node.value)}
    stub = ast.parse((stubs.STUBS / "ppp_sim800-stubs/__init__.pyi").read_text())
    there = {alias.asname for n in stub.body if isinstance(n, ast.ImportFrom) for alias in n.names}
    assert there == names | {"tls_sessions"}  # a part of `ssl`


def test_settings_are_all_there():
    supervisor = ast.parse((ROOT / "modules/ppp_sim800/supervisor.py").read_text())
    settings = next(
        ast.literal_eval(node.value)
        for node in supervisor.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SETTINGS"
    )
    overloads = read(stubs.stub_of("ppp_sim800.interface")).classes["PPP"]["config"]
    names = {arg.arg for one in overloads for arg in one.kwonlyargs}
    known = {"apn", "user", "password", "pin", "dns", "mtu", "roaming"}
    assert names == known | {name for name, _, _ in settings}


# --- with mypy --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """As `pip install ./stubs` makes it."""
    if not TYPES.exists():
        pytest.skip("build/venv-types is not made: run `ci/setup.sh types`")
    folder = tmp_path_factory.mktemp("wheel")
    options = ["-q", "--no-index", "--no-build-isolation", "--no-deps", "-w", folder]
    pip = [TYPES / "bin/python", "-m", "pip", "wheel", *options]
    subprocess.run([*pip, stubs.STUBS], check=True, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def mypy(wheel, tmp_path_factory):
    """mypy(file) -> {(line, code)} of what it finds, with the stubs installed as PEP 561 says."""
    folder = tmp_path_factory.mktemp("mypy")
    subprocess.run(
        [TYPES / "bin/python", "-m", "venv", "--without-pip", folder / "env"], check=True
    )
    site = next((folder / "env/lib").glob("python3*/site-packages"))
    typings = folder / "typings"  # MicroPython's, by pip install --target
    typings.mkdir()
    installed = next((TYPES / "lib").glob("python3*/site-packages"))
    for record in installed.glob("micropython_*_stubs-*.dist-info/RECORD"):
        for line in record.read_text().splitlines():
            top = line.split(",")[0].split("/")[0]
            if not top.endswith(".dist-info") and not (typings / top).exists():
                (typings / top).symlink_to(installed / top)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "ssl.pyi").rename(typings / "ssl.pyi")
    (settings,) = blocks(ROOT / "docs" / "editor.md", "ini")
    strict = "strict = True\nuntyped_calls_exclude = requests\n"  # for what is ours
    (folder / "mypy.ini").write_text(settings.code + strict)

    def mypy(*files) -> list[tuple[int, str, str]]:
        done = subprocess.run(  # noqa: PLW1510
            [
                *(TYPES / "bin/python", "-m", "mypy", "--config-file", folder / "mypy.ini"),
                *("--python-executable", folder / "env/bin/python", "--no-pretty"),
                *("--cache-dir", folder / "cache", *files),
            ],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        found = []
        for line in done.stdout.splitlines():
            match = re.fullmatch(r".*?:(\d+): error: (.*?)(?:  \[(.*)\])?", line)
            if match:
                found.append((int(match[1]), match[3], match[2]))
        assert "checked" in done.stdout or "no issues" in done.stdout, done.stdout + done.stderr
        return found

    mypy.site = site
    return mypy


def test_wheel_has_all_stubs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = stubs.STUBS.rglob("*.pyi")
    assert names - {"ppp_sim800-stubs/py.typed"} == {
        str(path.relative_to(stubs.STUBS)) for path in there
    }
    assert "ppp_sim800-stubs/py.typed" in names


def test_stubs_are_right_in_themselves(mypy):
    files = list(mypy.site.rglob("*.pyi"))
    assert len(files) > 15
    assert mypy(*files) == []


def test_a_right_project_passes(mypy):
    assert mypy(PROJECT / "good.py") == []


def test_every_mistake_is_found(mypy):
    lines = (PROJECT / "mistakes.py").read_text().splitlines()
    expected = {
        (number, match[1])
        for number, line in enumerate(lines, 1)
        if (match := re.search(r"# error: ([\w-]+)$", line))
    }
    assert len(expected) > 25
    found = mypy(PROJECT / "mistakes.py")
    assert {(line, code) for line, code, _ in found} == expected, found
