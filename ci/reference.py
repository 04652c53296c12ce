"""Makes docs/reference.md of the docstrings, or with --check says whether it is up to date."""

import argparse
import re
import sys
from pathlib import Path

from api import Class, Function, docstring, everything

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference.md"

HEAD = """\
# Reference

Made by `ci/reference.py` of the docstrings. Times are milliseconds where nothing else is said. "M" are pages or sections
of the SIM800 Series AT Command Manual V1.09, "HW" of the SIM800L Hardware Design V1.02.

What is marked ⏳ waits. It has the same name and arguments in [ppp_sim800.aio](#asyncio-ppp_sim800aio), where it is
awaited, and in `nic.aio`, which is the same link for asyncio. Errors are all
[SIM800Error](#errors-ppp_sim800errors); what each sentence means is in [troubleshooting.md](troubleshooting.md).

"""

# (heading, what its names are called by, module, its names; none: all)
SECTIONS = (
    ("The network interface: ppp_sim800.PPP", "nic.", "ppp_sim800.interface", ("PPP",)),
    ("What nic.stats() returns", "", "ppp_sim800.stats", ("Stats",)),
    ("Events", "", "ppp_sim800.events", ("Event",)),
    ("The modem: nic.modem, ppp_sim800.Modem", "nic.modem.", "ppp_sim800.modem", ()),
    ("SIM card: nic.modem.sim", "nic.modem.sim.", "ppp_sim800.roles.sim", ()),
    ("Radio: nic.modem.radio", "nic.modem.radio.", "ppp_sim800.roles.radio", ()),
    ("Messages: nic.modem.sms", "nic.modem.sms.", "ppp_sim800.roles.sms", ()),
    ("Calls: nic.modem.calls", "nic.modem.calls.", "ppp_sim800.roles.calls", ()),
    ("Clock: nic.modem.clock", "nic.modem.clock.", "ppp_sim800.roles.clock", ()),
    (
        "The modem's own HTTP: nic.modem.http",
        "nic.modem.http.",
        "ppp_sim800.roles.http",
        ("HTTP",),
    ),
    ("What nic.modem.http.request() returns", "response.", "ppp_sim800.roles.http", ("Response",)),
    ("Bearer: nic.modem.bearer", "nic.modem.bearer.", "ppp_sim800.roles.bearer", ()),
    ("What nic.modem.location() returns", "", "ppp_sim800.roles.location", ()),
    ("asyncio: ppp_sim800.aio", "aio.", "ppp_sim800.aio", ()),
    ("Errors: ppp_sim800.errors", "", "ppp_sim800.errors", ()),
    ("Time from a server: ppp_sim800.ntp", "ntp.", "ppp_sim800.ntp", ()),
    ("The machine's clock: ppp_sim800.rtc", "rtc.", "ppp_sim800.rtc", ()),
    ("TLS sessions: ppp_sim800.tls_sessions", "tls_sessions.", "ppp_sim800.tls_sessions", ()),
    ("TLS: ssl", "ssl.", "ssl", ("create_default_context", "public_key_digest", "wrap_socket")),
    ("ssl.SSLContext", "context.", "ssl", ("SSLContext",)),
    ("The T-Call: tcall.TCall", "board.", "tcall", ("TCall",)),
    (
        "Updates: signed_update",
        "signed_update.",
        "signed_update",
        ("UpdateError", "confirm", "finish"),
    ),
    ("signed_update.Update", "update.", "signed_update", ("Update",)),
    (
        "Pythings' API: pythings_sim800",
        "",
        "pythings_sim800",
        ("GenericATError", "Response", "Logger"),
    ),
    ("pythings_sim800.Modem", "modem.", "pythings_sim800", ("Modem",)),
)

# Records that others say more about
_MORE = {"Event": "event_of"}

# Where a docstring begins a new thing in the middle of a line
_JOINED = re.compile(r"([.;]) (?=[a-z_]+: |\"[a-z ]+\": |(?:Raises|Returns) )")
_ITEM = re.compile(r"(?P<indent> *)(?P<names>[a-z_0-9]+(?:, [a-z_0-9]+)*|\"[^:]*\"): (?P<text>.*)")


def markdown(doc: str) -> str:
    """A docstring as Markdown: its `name: text` lines as a list, a sentence that begins a line on a line, code as it is."""
    blocks: list[str] = []
    for paragraph in _JOINED.sub(r"\1\n", doc).split("\n\n"):
        if paragraph.startswith(("from ", "import ")):
            code = re.sub(r"(?m)(^(?:from|import) .*\n)(?!from|import)", r"\1\n", paragraph)
            blocks.append(f"```python\n{code}\n```")
            continue
        last = ""
        for line in paragraph.splitlines():
            item = _ITEM.fullmatch(line)
            fresh = not last or last.endswith((".", ":", ";"))
            if item and (fresh or (blocks and blocks[-1].lstrip().startswith("- "))):
                names = re.sub(r"([a-z_0-9]+|\"[^\"]*\")", r"`\1`", item["names"])
                blocks.append(
                    f"{'  ' * (len(item['indent']) // 4)}- {names}: {_text(item['text'])}"
                )
            elif last and not (fresh and line[:1].isupper()):
                blocks[-1] += " " + _text(line.strip())
            else:
                blocks.append(_text(line.strip()))
            last = line
    lines = ""
    for before, block in zip(["", *blocks], blocks, strict=False):
        both_items = before.lstrip().startswith("- ") and block.lstrip().startswith("- ")
        lines += ("\n" if both_items else "\n\n") + block
    return lines.strip().replace(";\n", "\n") + "\n"


def _text(text: str) -> str:
    pieces = re.split(r"(`[^`]*`)", text)
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"([<*\[\]])", r"\\\1", pieces[i])
        pieces[i] = re.sub(r"docs/(\w+\.md)", r"[\1](\1)", pieces[i])
    return "".join(pieces)


def _function(prefix: str, function: Function) -> str:
    waits = " ⏳" if function.waits else ""
    return f"### `{prefix}{function.signature}`{waits}\n\n{markdown(function.doc)}\n"


def _class(prefix: str, found: Class, module: str) -> str:
    out = markdown(found.doc) + "\n"
    if found.init and module != "ppp_sim800.errors":
        made = Function(found.name, found.init, "").signature
        if prefix in ("nic.", "nic.modem.", "context.", "board.", "modem."):
            out = f"`{made}`\n\n{out}"
    for method in found.methods.values():
        out += _function(prefix, method)
    return out


def _errors(classes: dict[str, Class]) -> str:
    out = ""
    for found in classes.values():
        out += f"### {found.name}\n\nA kind of `{found.bases[0]}`. {markdown(found.doc)}\n"
    return out


def page() -> str:
    modules = everything()
    out = HEAD
    for heading, prefix, name, names in SECTIONS:
        module = modules[name]
        out += f"## {heading}\n\n"
        wanted = names or module.names
        if not names:
            out += markdown(module.doc) + "\n"
        if name == "ppp_sim800.errors":
            out += _errors(module.classes)
            continue
        for found in (module.records[n] for n in module.records if n in wanted):
            out += f"### `{found.name}({', '.join(found.fields)})`\n\n"
            if found.name == "Stats":
                out += "See [link.md](link.md#counters).\n\n"
            doc = docstring(name, _MORE[found.name]) if found.name in _MORE else found.doc
            out += markdown(doc) + "\n" if doc else ""
        for found in (module.functions[n] for n in module.functions if n in wanted):
            out += _function(prefix, found)
        for found in (module.classes[n] for n in module.classes if n in wanted):
            title = f"### {found.name}\n\n" if prefix == "" else ""
            out += title + _class(prefix or found.name + ".", found, name)
    return out.rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="ci/reference.py", description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        if not PAGE.exists() or PAGE.read_text() != page():
            sys.exit(
                "docs/reference.md is not what ci/reference.py makes of the docstrings: run it"
            )
    else:
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
