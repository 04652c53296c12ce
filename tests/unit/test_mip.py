"""`mip install` of the package on boards that do not freeze it: by the VM's mip, by mpremote's, from a local server."""

import functools
import json
import re
import threading
import tomllib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mpremote import mip

ROOT = Path(__file__).parents[2]
PACKAGE = json.loads((ROOT / "package.json").read_text())
FILES = {target: ROOT / url for target, url in PACKAGE["urls"]}
FIRMWARE = {
    *("ssl", "ntptime", "http1", "requests", "aiohttp", "urequests", "ussl", "socket"),
    *("umqtt", "signed_update", "trust"),
}
ADDRESS = "203.0.113.80"


class Handler(SimpleHTTPRequestHandler):
    """The repository's files; `/absolute.json` is package.json for a mip before 0.4, which knows no relative
    URLs."""

    def do_GET(self):
        if self.path == "/absolute.json":
            urls = [[target, f"http://mip.example/{url}"] for target, url in PACKAGE["urls"]]
            body = json.dumps({**PACKAGE, "urls": urls}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def port():
    handler = functools.partial(Handler, directory=ROOT)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def vm_mip() -> Path:
    """The folder of the mip that comes with the VM's sources."""
    lib = ROOT / "build/src/micropython/lib/micropython-lib"
    found = sorted(lib.glob("*/mip/mip/__init__.py"))
    if not found:
        pytest.skip("no mip is here: run `make vm`")
    return found[0].parents[1]


def test_package_json_lists_all_that_is_frozen_and_no_more():
    frozen = {
        str(file.relative_to(ROOT / "modules"))
        for file in (ROOT / "modules").rglob("*.py")
        # `ssl` and what stands on it need the patched `tls` of the firmware, which no other board has; `ntptime` is
        # micropython-lib's there, as `requests` is.
        if file.name != "manifest.py"
        and file.relative_to(ROOT / "modules").parts[0].removesuffix(".py") not in FIRMWARE
    }
    assert set(FILES) == frozen
    assert [target for target, _ in PACKAGE["urls"]] == sorted(FILES)
    assert all(url == f"modules/{target}" for target, url in PACKAGE["urls"])
    manifest = (ROOT / "modules" / "manifest.py").read_text()
    named = set(re.findall(r'(?:package|module)\("([\w.]+)"\)', manifest))
    named = {name for name in named if name.removesuffix(".py") not in FIRMWARE}
    assert named == {target.split("/")[0] for target in FILES}


def test_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert PACKAGE["version"] == project["version"]


def test_what_it_imports_is_there():
    """Nothing but the package itself, MicroPython's own modules, requests, which mip itself needs, and what is done
    without where it is not: `board`, `cmux`, `trust`, the firmware's `ssl`."""
    own = {file.split("/")[0].removesuffix(".py") for file in FILES}
    builtin = [
        "_thread",
        "array",
        "asyncio",
        "binascii",
        "collections",
        "errno",
        "gc",
        "hashlib",
        "io",
        "json",
        "machine",
        "micropython",
        "network",
        "os",
        "random",
        "re",
        "select",
        "socket",
        "struct",
        "sys",
        "time",
        "tls",
    ]
    for file in FILES.values():
        for name in re.findall(r"^\s*(?:from|import) ([\w]+)", file.read_text(), re.MULTILINE):
            assert name in own | {"requests", "board", "cmux", "ssl", "trust", *builtin}, file


@pytest.fixture
def play_with_mip(play, port, internet, vm_mip, monkeypatch):
    """Plays a script on a board that reaches the server as mip.example, and has the VM's mip."""
    monkeypatch.setitem(internet.routes, (ADDRESS, 80), port)
    relative = "base_url" in (vm_mip / "mip/__init__.py").read_text()

    def play_with_mip(script, **scenario):
        prelude = f"""
import sys
sys.path.append({str(vm_mip)!r})
INDEX = "http://mip.example/{"package" if relative else "absolute"}.json"
"""
        return play(prelude + script, names={"mip.example": ADDRESS}, **scenario)

    return play_with_mip


def test_mip_on_the_board(play_with_mip, tmp_path):
    target = tmp_path / "lib"
    target.mkdir()
    played = play_with_mip(
        f"""
nic = ppp_sim800.PPP("internet")
nic.connect()
import mip
mip.install(INDEX, target={str(target)!r})
nic.disconnect()

for name in list(sys.modules):
    if "sim800" in name:
        del sys.modules[name]
sys.path.insert(0, {str(target)!r})
import ppp_sim800, SIM800L
print("from=%s,%s" % (ppp_sim800.__file__, SIM800L.__file__))
nic = ppp_sim800.PPP("internet")
nic.connect()
print("address=" + nic.resolve("plain.example"))
""",
        timeout=120,
    )
    assert "Done" in played.lines
    installed = {
        str(file.relative_to(target)): file for file in target.rglob("*") if file.is_file()
    }
    assert set(installed) == set(FILES)
    for name, file in installed.items():
        assert file.read_bytes() == FILES[name].read_bytes()
    assert played.value("from") == f"{target}/ppp_sim800/__init__.py,{target}/SIM800L.py"
    assert played.value("address") == "203.0.113.11"


class Folder:
    """What mpremote's mip wants of a board's file system."""

    def __init__(self, path: Path):
        self.path = path

    def fs_exists(self, name):
        return (self.path / name).exists()

    def fs_mkdir(self, name):
        (self.path / name).mkdir()

    def fs_writefile(self, name, data, progress_callback=None):
        (self.path / name).write_bytes(data)


@pytest.mark.parametrize("where", ["server", "checkout"])
def test_mpremote(port, tmp_path, capsys, where):
    package = (
        f"http://127.0.0.1:{port}/package.json"
        if where == "server"
        else str(ROOT / "package.json")
    )
    mip._install_json(Folder(tmp_path), package, "http://127.0.0.1:1", "lib", None, mpy=False)
    for name, file in FILES.items():
        assert (tmp_path / "lib" / name).read_bytes() == file.read_bytes()
