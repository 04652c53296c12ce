"""docs/reference.md is what the docstrings say."""

import subprocess
import sys

import pytest
from world import ROOT

sys.path.insert(0, str(ROOT / "ci"))
import api
import reference


def test_page_is_up_to_date():
    done = subprocess.run(  # noqa: PLW1510
        [sys.executable, ROOT / "ci" / "reference.py", "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", api.MODULES)
def test_all_that_is_public_has_a_docstring(name):
    module = api.read(name)
    if name == "pythings_sim800":
        return  # the old driver's names, known from there
    for found in (*module.classes.values(), *module.functions.values()):
        assert found.doc, found.name
    for found in module.classes.values():
        for method in found.methods.values():
            assert method.doc, f"{found.name}.{method.name}"


@pytest.mark.parametrize("name", api.INTERNAL)
def test_what_is_hidden_exists(name):
    text = api.MODULES[name].read_text()
    for hidden in api.INTERNAL[name].split():
        assert hidden.split(".")[-1] in text, hidden


def test_nothing_is_left_out_of_the_page():
    page = reference.PAGE.read_text()
    skipped = {"ppp_sim800.contexts", "ppp_sim800.tls_sessions"}
    for module in api.everything().values():
        for found in module.classes.values() if module.name not in skipped else ():
            if (module.name, found.name) == ("pythings_sim800", "Board"):
                continue
            for method in found.methods.values():
                assert f".{method.signature}`" in page, f"{module.name}: {method.name}"


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One.\nTwo.", "One.\n\nTwo.\n"),
        (
            "Do it.\n\na: first\n  more. b: other.\nReturns it.",
            "Do it.\n\n- `a`: first more.\n- `b`: other.\n\nReturns it.\n",
        ),
        ("A <b> and *c*, `*d*`.", "A \\<b> and \\*c\\*, `*d*`.\n"),
        ("Do so:\n\nimport x\nx.y()", "Do so:\n\n```python\nimport x\n\nx.y()\n```\n"),
        ('"x": one; "y": two', '- `"x"`: one\n- `"y"`: two\n'),
    ],
)
def test_docstring_as_markdown(docstring, expected):
    assert reference.markdown(docstring) == expected
