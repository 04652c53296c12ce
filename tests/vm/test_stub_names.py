"""What the type stubs in stubs/ name is there on the board."""

import ast

from world import ROOT

STUBS = ROOT / "stubs"

# Made by the source's `__getattr__`, or types alone
TYPES_ONLY = {"ppp_sim800._types"}

CHECK = """
def check(module, names, everything=False):
    top = __import__(module, None, None, ["*"])
    for name, methods in names.items():
        if not hasattr(top, name):
            print("missing", module, name)
        for method in methods:
            if not hasattr(getattr(top, name, None), method):
                print("missing", module, name, method)
    if everything:
        for name in dir(top):
            if not name.startswith("__") and name not in names:
                print("not in the stub", module, name)
            elif name[0].isupper() and isinstance(getattr(top, name), type):
                for method in dir(getattr(top, name)):
                    if not method.startswith("__") and method not in names[name]:
                        print("not in the stub", module, name, method)
    print("checked", module)
"""


def names(path) -> dict[str, list[str]]:
    """Public names of a stub; of classes their methods, too."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            parts = [getattr(part, "name", None) for part in node.body]
            parts += [
                ast.unparse(part.target)
                for part in node.body
                if isinstance(part, ast.AnnAssign)
                and ast.unparse(part.annotation).startswith("Final")
            ]
            tuples = "NamedTuple" in map(ast.unparse, node.bases)
            methods = [name for name in parts if name and name[0] != "_" and not tuples]
            found[node.name] = sorted(set(methods))
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = []
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            found[ast.unparse(target)] = []
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname: [] for alias in node.names if alias.asname}
    return {
        name: methods for name, methods in found.items() if name[0] != "_" and name != "__all__"
    }


def test_all_names_are_on_the_board(play):
    modules = {}
    for path in STUBS.rglob("*.pyi"):
        parts = path.relative_to(STUBS).with_suffix("").parts
        name = ".".join(part.removesuffix("-stubs") for part in parts if part != "__init__")
        if name not in TYPES_ONLY:
            modules[name] = names(path)
    script = CHECK
    for name, there in modules.items():
        script += f"check({name!r}, {there!r}, {name == 'cmux'})\n"
    played = play(script)
    assert [line for line in played.lines if not line.startswith("checked")] == []
    assert len(played.lines) == len(modules) > 15
