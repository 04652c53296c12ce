"""A reading arrives once: the outbox and its recipes against servers that refuse, stall and break off, and links that end."""

import collections
import contextlib
import json
import random
import socket
import struct
import threading

import pytest
from http_peer import HOST, KEEP, RESET, UP, answer
from test_examples import EXAMPLES, script

pytestmark = pytest.mark.real_time

OUTBOX = {"outbox.py": (EXAMPLES / "outbox.py").read_bytes()}


def readings(peer) -> list[dict]:
    return [
        reading for request in peer.seen if request.whole for reading in json.loads(request.body)
    ]


def recipe(board, seconds, **options):
    """https_post.py for so long, in simulated time."""
    filled = {key: repr(options.pop(key)) for key in list(options) if key.isupper()}
    before = options.pop("before", "")
    text = script("https_post.py", **filled | {"URL": repr(f"https://{HOST}/post")})
    lines = f'print("@interrupt {seconds}")\n{before}\n{text}'
    indented = "".join("    " + line for line in lines.splitlines(keepends=True))
    played = board(
        f"try:\n{indented}except KeyboardInterrupt:\n    pass\n"
        + "for name in ('outbox.jsonl', 'outbox.jsonl.refused'):\n"
        + "    try:\n        print(name + '=' + repr(open(name).read().split()))\n    except OSError:\n        pass\n",
        files=OUTBOX,
        **options,
    )
    return played


def test_an_answer_in_chunks_is_an_answer(board, peer):
    """As API gateways give it: the readings are delivered, once."""
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    peer.paths = {"/post": [chunks, KEEP]}
    recipe(board, 40, EVERY_S=5)
    ids = [reading["id"] for reading in readings(peer)]
    assert len(ids) >= 4 and len(set(ids)) == len(ids)


def test_what_is_refused_for_good_leaves_the_queue(board, peer):
    """It is set aside, and only what is to blame for it; nothing is asked twice for long."""

    def judge(request):
        bad = any(reading["number"] % 2 for reading in json.loads(request.body))
        return [answer(b"no", "400 Bad Request") if bad else answer(b"{}"), KEEP]

    peer.paths = {"/post": judge}
    # Six readings wait, of which three are refused, then one comes at a time.
    before = "from outbox import Outbox\nbox = Outbox()\nfor i in range(6):\n    box.put({'number': i})\n"
    played = recipe(board, 35, before=before, EVERY_S=1000)
    taken = [r["number"] for request in peer.seen for r in json.loads(request.body) if not any(
        reading["number"] % 2 for reading in json.loads(request.body))]  # fmt: skip
    assert taken[:3] == [0, 2, 4]
    aside = eval(played.value("outbox.jsonl.refused"))
    assert [line.count('"number":') for line in ["".join(aside)]] and "".join(aside).count(
        "number"
    ) >= 3
    assert not eval(played.value("outbox.jsonl"))
    assert len(peer.seen) <= 16


@pytest.mark.parametrize("status", ["503 Busy", "429 Too Many Requests"])
def test_what_is_refused_for_now_waits(board, peer, status):
    """As long as the server says, or longer each time; nothing is lost, nothing sent twice."""
    times = []

    def busy(request):
        times.append(request)
        if len(times) < 3:
            return [answer(b"", status, "Retry-After: 20"), KEEP]
        return [answer(b"{}"), KEEP]

    peer.paths = {"/post": busy}
    recipe(board, 75, EVERY_S=4)
    counts = [len(json.loads(request.body)) for request in times]
    assert counts[0] == 1 and counts[1] >= 5 and counts[2] >= 9, (
        counts
    )  # what was measured in 20 s each
    ids = [reading["id"] for request in times[2:] for reading in json.loads(request.body)]
    assert len(ids) == len(set(ids))


def test_a_lost_answer_doubles_a_reading_with_its_id(board, peer):
    times = []

    def lose(request):
        times.append(request)
        return [RESET] if len(times) == 1 else [answer(b"{}"), KEEP]

    peer.paths = {"/post": lose}
    recipe(board, 30, EVERY_S=4)
    ids = [reading["id"] for request in times for reading in json.loads(request.body)]
    assert collections.Counter(ids).most_common(2)[0] == (ids[0], 2)
    assert len(set(ids)) >= 3 and len(ids) == len(set(ids)) + 1


def test_an_answer_that_breaks_off_is_an_answer(board, peer):
    """The status is what counts: the readings are not sent again."""
    peer.paths = {"/post": [answer(b"x" * 1000)[:-500]]}
    recipe(board, 50, EVERY_S=4)
    ids = [reading["id"] for reading in readings(peer)]
    assert len(ids) >= 3 and len(ids) == len(set(ids))


def test_ids_are_of_one_reading_each(play):
    """Over restarts, also where the power is cut while the number is written."""
    played = play(
        """
import os
from outbox import Outbox
ids = []
for i in range(5):
    box = Outbox("box")
    for _ in range(3):
        box.put({})
    if i == 2:
        with open("box.id", "w") as file:
            file.write("")
    if i == 3:
        os.remove("box.id")
ids = [reading["id"] for reading in box.first(50)]
print("ids=%d %d" % (len(ids), len(set(ids))))
for i in range(400):
    box.set_aside({"i": i, "text": "x" * 100})
print("refused=%d size=%d" % (box.refused(), os.stat("box.refused")[6]))
""",
        files=OUTBOX,
    )
    assert played.value("ids") == "15 15"
    refused, size = played.value("refused").split(" size=")
    assert int(refused) > 100 and int(size) < 21_000


# --- a thousand uploads -----------------------------------------------------------------------


class Cutter:
    """Between the board and a server: of each connection so many bytes pass, then it ends in one of three ways.

    `cuts`: how often each.
    """

    def __init__(self, server_port: int, seed: int, most: int):
        self._server_port = server_port
        self._random = random.Random(seed)
        self._most = most
        self.cuts = collections.Counter()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self):
        while True:
            try:
                board, _ = self._socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            state = {
                "left": self._random.randrange(1, self._most),
                "how": self._random.choice(("close", "reset") * 2 + ("silence",)),
                "lock": threading.Lock(),
            }
            for source, target in ((board, server), (server, board)):
                threading.Thread(
                    target=self._pass, args=(source, target, state, board, server), daemon=True
                ).start()

    def _pass(self, source, target, state, board, server):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                with state["lock"]:
                    some = data[: max(0, state["left"])]
                    state["left"] -= len(data)
                target.sendall(some)
                if state["left"] < 0:
                    self.cuts[state["how"]] += 1
                    if state["how"] == "silence":
                        server.close()
                        while board.recv(4096):
                            pass  # nobody hears it
                    if state["how"] == "reset":
                        linger = struct.pack("ii", 1, 0)
                        board.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
        for end in (board, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


# An upload and its answer are some 250 bytes.
UPLOADS = {
    "session": """
session = requests.Session()
def post(readings):
    session.post(URL, json=readings, timeout=6).raise_for_status()

def deliver(box):
    return box.deliver(post, 1)
""",
    "requests": """
def post(readings):
    requests.post(URL, json=readings, timeout=6).raise_for_status()

def deliver(box):
    return box.deliver(post, 1)
""",
    "aiohttp": """
import asyncio, aiohttp
async def go(readings):
    async with aiohttp.ClientSession(timeout=6) as session:
        async with session.post(URL, json=readings) as reply:
            reply.raise_for_status()

def post(readings):
    asyncio.run(go(readings))

def deliver(box):
    return box.deliver(post, 1)
""",
}


@pytest.mark.parametrize("entry", UPLOADS)
def test_uploads_over_connections_that_break_anywhere(
    board, peer, internet, monkeypatch, request, entry
):
    """Each reading arrives; one that comes twice has its id, and lost its answer. (1,000 by each way with --slow.)"""
    count = 1000 if entry == "session" or request.config.getoption("--slow") else 200
    peer.paths = {"/post": [answer(b'{"ok": true}'), KEEP]}
    seed = random.randrange(1 << 30)
    print("seed", seed)
    cutter = Cutter(peer.ports[False], seed, 2500 if entry == "session" else 500)
    monkeypatch.setitem(internet.routes, ("203.0.113.90", 80), cutter.port)
    try:
        played = board(
            UP
            + f"URL = 'http://{HOST}/post'\n"
            + UPLOADS[entry]
            + f"""
from outbox import Outbox
box = Outbox("box", 1_000_000)
fates = {{}}
for i in range({count}):
    box.put({{"n": i}})
    while box.first(1):
        try:
            deliver(box)
        except OSError as error:
            fates[error.fate] = fates.get(error.fate, 0) + 1
            if sum(fates.values()) > 3 * {count}:  # it would never end
                raise
print("fates=%r" % fates)
print("refused=%d" % box.refused())
""",
            files=OUTBOX,
            speed=15.0,  # so that a busy machine answers within the timeout, too
            timeout=300,
        )
    finally:
        cutter.stop()
    arrived = [(reading["n"], reading["id"], seen) for seen in peer.seen if seen.whole
               for reading in json.loads(seen.body)]  # fmt: skip
    assert {n for n, _, _ in arrived} == set(range(count))
    assert len({(n, name) for n, name, _ in arrived}) == count
    assert played.value("refused") == "0"
    fates = eval(played.value("fates"))
    doubles = len(arrived) - count
    # Each double is a request whose answer did not come whole, the last one on its connection.
    last = {seen.connection: i for i, (_, _, seen) in enumerate(arrived)}
    again = collections.Counter(n for n, _, _ in arrived)
    for i, (n, _, seen) in enumerate(arrived):
        if again[n] > 1 and any(m == n for m, _, _ in arrived[i + 1 :]):
            assert last[seen.connection] == i
    assert doubles <= fates.get("may have arrived", 0) + fates.get("answered in part", 0)
    assert sum(cutter.cuts.values()) > count // 20 and len(cutter.cuts) == 3, cutter.cuts


def test_uploads_over_a_link_that_is_cut(board, peer):
    """PPP itself ends at any moment of an upload, and comes back by ensure(): each reading arrives, doubles have its id."""
    peer.paths = {"/post": [0.3, answer(b'{"ok": true}'), KEEP]}
    moments = [round(0.1 + 0.13 * i, 2) for i in range(8)]
    played = board(
        UP
        + f"URL = 'https://{HOST}/post'\n"
        + UPLOADS["session"].replace("timeout=6", "timeout=20")
        + f"""
from outbox import Outbox
box = Outbox("box")
fates = []
for i, moment in enumerate({moments}):
    box.put({{"n": i}})
    nic.ensure()
    do("later %.2f lcp_terminate" % moment)
    for _ in range(5):
        try:
            nic.ensure()
            deliver(box)
            break
        except OSError as error:
            fates.append(error.fate)
    time.sleep(1)
    nic.ensure()
print("fates=%r" % fates)
print("left=%r" % box.first(1))
""",
        files=OUTBOX,
        speed=20.0,
        timeout=120,
    )
    assert played.value("left") == "[]"
    arrived = collections.Counter((r["n"], r["id"]) for r in readings(peer))
    assert len(arrived) == len(moments) == len({n for n, _ in arrived})
    fates = eval(played.value("fates"))
    lost = sum(fate in ("may have arrived", "answered in part") for fate in fates)
    assert sum(arrived.values()) - len(arrived) <= lost
    assert fates and None not in fates
