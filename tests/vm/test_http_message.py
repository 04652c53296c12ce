"""http1.message, which knows no sockets: answers read in pieces of any size, and from bytes that are none."""

import json
import random
import subprocess
import tempfile
from pathlib import Path

from test_http_differential import generate

SCRIPT = """
import json, random
from http1 import message

class Pieces:
    # A stream in memory, that gives as much as chance will have it.
    def __init__(self, data, seed):
        self.data, self.at = data, 0
        self.chance = random.seed(seed) or random.getrandbits

    def _take(self, most):
        size = min(most, len(self.data) - self.at)
        if size > 1:
            size = 1 + self.chance(16) % size
        self.at += size
        return self.data[self.at - size : self.at]

    async def line(self, most):
        line = b""
        while not line.endswith(b"\\n") and len(line) < most:
            byte = self.data[self.at : self.at + 1]
            if not byte:
                raise OSError(104)
            self.at += 1
            line += byte
        return line

    async def readinto(self, buffer):
        piece = self._take(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

async def read(stream, method):
    while True:
        status, reason, headers, persistent = await message.read_head(stream)
        if status >= 200:
            break
    body = message.Body(stream, method, status, headers, persistent)
    content, buffer = b"", memoryview(bytearray(300))
    while got := await body.readinto(buffer):
        content += bytes(buffer[:got])
    return status, reason, sorted(headers.items()), content.hex(), body.last

def told(data, method, seed):
    try:
        coroutine = read(Pieces(data, seed), method)
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    except OSError as error:
        return str(error) or "?"

with open(FILE) as file:
    cases = json.load(file)
for method, data in cases:
    found = [told(bytes.fromhex(data), method, seed) for seed in range(5)]
    assert found.count(found[0]) == 5, (data, found)
    print(json.dumps(found[0]))
"""


def read(vm, cases) -> list:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_text(json.dumps([(method, raw.hex()) for method, raw in cases]))
        script = f"FILE = {str(file)!r}\n" + SCRIPT
        done = subprocess.run([vm, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def test_pieces_of_any_size_mean_the_same(vm):
    rng = random.Random(2)
    found = read(vm, [generate(rng) for _ in range(400)])
    answers = [case for case in found if not isinstance(case, str)]
    assert 200 < len(answers) < 400


def test_any_bytes_end_in_words(vm):
    """Chance, and answers with many bytes damaged: an answer, or an OSError, nothing else."""
    rng = random.Random(3)
    cases = []
    for _ in range(1500):
        method, raw = generate(rng)
        raw = bytearray(raw)
        for _ in range(rng.randrange(1, 12)):
            raw[rng.randrange(len(raw) or 1) : rng.randrange(len(raw) or 1)] = rng.randbytes(
                rng.randrange(4)
            )
        if rng.random() < 0.2:
            raw = rng.randbytes(rng.randrange(400))
        cases.append((method, bytes(raw)))
    assert len(read(vm, cases)) == len(cases)
