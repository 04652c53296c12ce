"""Every block of Python in README.md and docs/ runs on the simulated board, as it stands there.

All blocks of a page run in one VM, one after the other, each with names of its own. What the text around a block takes
for granted is named in a comment before it: <!-- needs: link, message -->, of SETUP below; <!-- ends: Ctrl-C -->
for one that goes on for ever; <!-- prints: text --> for what must be among its output; <!-- not run: why -->.
"""

import ast
import http.server
import json
import re
import ssl
import textwrap
import threading

import pytest
from network.certificates import packed_roots
from pages import DOCS, Block, blocks
from stand_in import CERTIFICATES
from tls_peer import party
from world import ROOT

pytestmark = pytest.mark.real_time

HOSTS = ("example.org", "api.example")
ADDRESS = "203.0.113.60"

SETUP = {
    "nic": 'import ppp_sim800\nnic = ppp_sim800.PPP("internet")\n',
    "link": 'import ppp_sim800\nnic = ppp_sim800.PPP("internet")\nnic.connect()\n',
    "modem": (
        'import ppp_sim800\nnic = ppp_sim800.PPP("internet")\nnic.modem.on()\nnic.modem.radio.register()\n'
    ),
    "message": 'print("@later 3 sms_received text=hello"), input()\n',
    "upload": "import time\ndef upload():\n    pass\n",
    "old driver": "from SIM800L import Modem\n",
    "keys": "SERVER_KEY, RESERVE_KEY = bytes(32), bytes(32)\n",
}

# Files that a user has: a CA, a client's certificate and its key
FILES = {
    "my-ca.pem": "root.pem",
    "another.pem": "root.pem",
    "board.der": "client.der",
    "board-key.der": "client-key.der",
}

RUNNER = """
import asyncio, sys
from ppp_sim800.run import Async, run as drive

def run(where, setup, code, is_async, ends):
    print("=begin", where)
    names = {"__name__": "__main__"}
    try:
        exec(setup, names)
        if ends:
            print("@interrupt 20")
        exec(code, names)
        if is_async:
            asyncio.run(names["_block"]())
        if ends:
            raise Exception("it ended by itself")
        print("=ok", where)
    except KeyboardInterrupt:
        print("=ok" if ends else "=interrupted", where)
    except Exception as error:
        print("=failed", where)
        sys.print_exception(error, sys.stdout)
    for value in list(names.values()):
        value = getattr(value, "aio", value)
        try:
            if hasattr(value, "nic"):  # the old driver's
                value.nic.active(False)
            elif isinstance(value, Async):
                drive(value.active(False) if hasattr(value, "active") else value.off())
        except Exception as error:
            sys.print_exception(error, sys.stdout)
"""


class Answers(http.server.BaseHTTPRequestHandler):
    """Says yes to everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"path": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """(port, file of the root certificate) of a server for all HOSTS."""
    folder = tmp_path_factory.mktemp("web")
    root = party("Docs CA", ca=True)
    leaf = party(HOSTS[0], root, names=HOSTS)
    (folder / "leaf.pem").write_bytes(leaf.pem + leaf.key_pem)
    (folder / "root.roots").write_bytes(packed_roots(root.pem.decode()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], folder / "root.roots"
        server.shutdown()


def is_async(code: str) -> bool:
    """Whether it awaits outside of a function, as a text for asyncio does."""
    waiting = list(ast.parse(code).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Await | ast.AsyncWith | ast.AsyncFor):
            return True
        if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)
    return False


def in_a_function(code: str) -> str:
    """A block that awaits, as the body of a coroutine whose names outlive it."""
    names = {
        target.id
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    lines = [f"global {', '.join(sorted(names))}"] if names else []
    lines += code.splitlines()
    return "async def _block():\n" + "".join(f"    {line}\n" for line in lines)


def files() -> str:
    return "".join(
        f"with open({name!r}, 'wb') as file:\n    file.write({(CERTIFICATES / made).read_bytes()!r})\n"
        for name, made in FILES.items()
    )


def call(block: Block) -> str:
    needs = [name.strip() for name in (block.mark("needs") or "").split(",") if name.strip()]
    setup = "".join(files() if name == "files" else SETUP[name] for name in needs)
    waits = is_async(block.code)
    code = in_a_function(block.code) if waits else block.code
    return f"run({block.where!r}, {setup!r}, {code!r}, {waits}, {bool(block.mark('ends'))})\n"


RUN = {page: [b for b in blocks(page, "python") if not b.mark("not run")] for page in DOCS}
NOT_RUN = [b for page in DOCS for b in blocks(page, "python") if b.mark("not run") is not None]


@pytest.mark.parametrize(
    "page", [page for page in DOCS if RUN[page]], ids=lambda page: str(page.relative_to(ROOT))
)
def test_blocks_run(play, internet, web, page, monkeypatch):
    port, root = web
    monkeypatch.setitem(internet.routes, (ADDRESS, 443), port)
    played = play(
        RUNNER + "".join(map(call, RUN[page])),
        speed=20,
        timeout=120,
        names=dict.fromkeys(HOSTS, ADDRESS),
        env={"SIM_ROOTS": str(root)},
    )
    for block in RUN[page]:
        assert f"=ok {block.where}" in played.lines, played.result.stdout
        start = played.lines.index(f"=begin {block.where}")
        said = played.lines[start : played.lines.index(f"=ok {block.where}")]
        assert any((block.mark("prints") or "") in line for line in said[1:] or [""]), said


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.where)
def test_blocks_that_do_not_run(block):
    ast.parse(block.code)
    assert len(block.mark("not run")) > 10, "say why"
    pytest.skip(f"{block.where} is not run: {block.mark('not run')}")


def test_a_block_that_fails_is_found(play):
    page = ROOT / "README.md"
    wrong = Block(page, 1, "python", "import time\ntime.slep(1)\n")
    endless = Block(page, 2, "python", "print('that is all')\n", (("ends", "Ctrl-C"),))
    right = Block(
        page, 3, "python", "import time\nwhile True:\n    time.sleep(1)\n", (("ends", "Ctrl-C"),)
    )
    waits = Block(
        page, 4, "python", "import asyncio\nx = 1\nawait asyncio.sleep_ms(x)\nasyncio.slep\n"
    )
    played = play(RUNNER + "".join(map(call, (wrong, right, waits, endless))))
    assert [line for line in played.lines if line.startswith(("=ok", "=failed"))] == [
        "=failed README.md:1",
        "=ok README.md:3",
        "=failed README.md:4",
        "=failed README.md:2",
    ]


MISTAKES = """
import machine, requests
first = machine.reset_cause() == machine.PWRON_RESET
calls = [ValueError("no JSON"), MemoryError("no memory"), None]

def post(*_, **__):
    error = calls.pop(0) if first else None
    if error:
        raise error
    print("posted", "first" if first else "after the watchdog's reset")
    if first:
        while True:
            pass
    raise KeyboardInterrupt

requests.post = post
"""


def test_main_py_survives_anything(play):
    """That of docs/start.md: exceptions of all kinds, and a request that hangs."""
    (block,) = (block for block in RUN[ROOT / "docs" / "start.md"] if block.mark("ends"))
    code = block.code.replace("range(600)", "range(2)")
    played = play(
        f"{MISTAKES}\ntry:\n{textwrap.indent(code, '    ')}except KeyboardInterrupt: pass\n"
    )
    assert played.lines == [
        "ValueError no JSON",
        "MemoryError no memory",
        "posted first",
        "posted after the watchdog's reset",
    ]


def test_access_points_are_taken_as_they_are_written(play):
    """The table in docs/start.md has what stands between the brackets of PPP(…)."""
    rows = re.findall(r"^\| .* \| (`\".*) \|$", (ROOT / "docs/start.md").read_text(), re.MULTILINE)
    given = [text for row in rows for text in re.findall(r"`(\"[^`]*)`", row)]
    assert len(given) > 30
    played = play("".join(f"ppp_sim800.PPP({text})\n" for text in given) + 'print("all taken")\n')
    assert played.lines[-1] == "all taken"
