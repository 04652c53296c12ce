"""What the type stubs in stubs/ name is there on the board."""

import ast
from collections import namedtuple

from sim800.scenario import USSD
from world import ROOT

STUBS = ROOT / "stubs"

TYPES_ONLY = {"ppp_sim800._types", "ppp_sim800._blocking"}
# Names of the package for modules that stand outside of it
ELSEWHERE = {
    "ppp_sim800._tls_sessions": "ssl.sessions",
    "ppp_sim800.ntp": "nettime.ntp",
    "ppp_sim800.rtc": "nettime.rtc",
}

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
            modules[ELSEWHERE.get(name, name)] = names(path)
    script = CHECK
    for name, there in modules.items():
        script += f"check({name!r}, {there!r}, {name == 'cmux'})\n"
    played = play(script)
    assert [line for line in played.lines if not line.startswith("checked")] == []
    assert len(played.lines) == len(modules) > 15


# What has no argument that must be given, and changes nothing that matters
ASKED = {
    "nic": "PPP: stats ifconfig isconnected event",
    "nic.modem": "Modem: event info model firmware revision imei battery baudrate",
    "nic.modem.sim": "SIM: state tries imsi iccid number",
    "nic.modem.radio": "Radio: registration cell signal signal_percent operator scan",
    "nic.modem.clock": "Clock: now",
    "nic.modem.sms": "SMS: room list service_center",
    "nic.modem.calls": "Calls: list state",
    "nic.modem.bearer": "Bearer: address",
}
# ... with arguments
MORE = {
    "nic.ipconfig('addr4')": "tuple[str, str]",
    "nic.status('rssi')": "int | None",
    "nic.resolve('telemetry.example')": "str",
    "nic.modem.at('AT+CSQ')": "list[str]",
    "nic.modem.sms.send('+491709876543', 'hello')": "tuple[int | None, ...]",
    "nic.modem.sms.read(1)": "Message | None",
    "nic.modem.ussd('*100#')": "str",
    "nic.config('hour_budget')": "int",
    "tcall.TCall().power_chip": "str | None",
    "rtc.text(rtc.now())": "str",
    "ntp.set_clock()": "bool",
    "ssl.create_default_context().get_ciphers()": "list[str]",
    "ssl.create_default_context().max_fragment_length": "int | None",
}


def fits(value, annotation: ast.expr, records: dict[str, dict[str, ast.expr]]) -> bool:
    """Whether a value is of the type that a stub gives."""
    if isinstance(annotation, ast.BinOp):
        return fits(value, annotation.left, records) or fits(value, annotation.right, records)
    if isinstance(annotation, ast.Constant):
        return value is None and annotation.value is None
    if isinstance(annotation, ast.Subscript):
        kind = ast.unparse(annotation.value).removeprefix("builtins.")
        inner = annotation.slice
        if kind == "tuple":
            parts = list(inner.elts)
            if ast.unparse(parts[-1]) == "...":
                parts = [parts[0]] * len(value)
            return (
                type(value) is tuple
                and len(value) == len(parts)
                and all(fits(v, p, records) for v, p in zip(value, parts, strict=True))
            )
        if kind == "list":
            return type(value) is list and all(fits(v, inner, records) for v in value)
        if kind == "dict":
            return type(value) is dict and all(
                fits(k, inner.elts[0], records) and fits(v, inner.elts[1], records)
                for k, v in value.items()
            )
    name = ast.unparse(annotation)
    if name == "UTC":
        return type(value) is tuple and list(map(type, value)) == [int] * 6
    if name in records:
        fields = records[name]
        return type(value).__name__ == name and all(
            fits(getattr(value, field), kind, records) for field, kind in fields.items()
        )
    return name == "Any" or type(value).__name__ == name


def test_types_are_true_on_the_board(play):
    classes, records = {}, {}
    for path in (STUBS / "ppp_sim800-stubs").rglob("*.pyi"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and "NamedTuple" in map(ast.unparse, node.bases):
                records[node.name] = {
                    ast.unparse(part.target): part.annotation
                    for part in node.body
                    if isinstance(part, ast.AnnAssign)
                }
            elif isinstance(node, ast.ClassDef) and path.stem == "_blocking":
                classes[node.name] = {
                    part.name: part for part in node.body if isinstance(part, ast.FunctionDef)
                }
    expected = {text: ast.parse(kind, mode="eval").body for text, kind in MORE.items()}
    for owner, text in ASKED.items():
        kind, _, methods = text.partition(": ")
        for method in methods.split():
            found = classes[kind][method]
            is_property = "property" in map(ast.unparse, found.decorator_list)
            call = f"{owner}.{method}" + ("" if is_property else "()")
            expected[call] = found.returns
    script = "import ssl, tcall\nfrom ppp_sim800 import ntp, rtc\n"
    script += 'nic = ppp_sim800.PPP("internet")\nnic.connect()\ndo("sms_received")\n'
    asking = ("nic.modem", "nic.status('rssi')")  # these take the line
    online = [text for text in expected if not text.startswith(asking)]
    for text in (*online, *[text for text in expected if text not in online]):
        if text not in online and "command_mode" not in script:
            script += "nic.command_mode().__enter__()\n"
        script += f"print({text!r}, '=', repr({text}))\n"
    played = play(script, ussd={"*100#": USSD("Credit 5")})
    made = {name: namedtuple(name, fields) for name, fields in records.items()}
    told = dict(line.split(" = ", 1) for line in played.lines if " = " in line)
    for text, annotation in expected.items():
        value = eval(told[text], made)
        assert fits(value, annotation, records), f"{text}: {value!r}, {ast.unparse(annotation)}"
    assert len(told) > 40
