"""Feeds one target in the MicroPython VM (vm/TARGET.py) with damaged answers, until so many bytes have been fed.

An input that takes branches of the frozen code which none before has taken, or so often, is kept and damaged further.
The VM must be one that counts them (EDGES=1, simulator/vm/edges.c); with another, all goes by the seeds alone.

usage: mutate.py VM TARGET BYTES [--seed NUMBER] [--corpus FOLDER] [INPUT...]   (with inputs: these alone, once)
"""

import argparse
import contextlib
import hashlib
import json
import mmap
import os
import random
import select
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = 20  # an input may take, on a slow machine
ROUND = 60  # seconds between two lines that tell how far it is
MOST = 4096  # bytes of an input
EDGES = 1 << 15  # as in edges.c
# How often, as a bit: 1, 2 and 3, 4 to 15, more
OFTEN = bytes([0, 1, 2, 2] + [4] * 12 + [8] * 240)
HEAP = "2M"
NUMBERS = (
    b"0",
    b"1",
    b"-1",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483648",
    b"99999999999999999999",
    b"1e9",
)
# What means something to a parser
# fmt: off
WORDS = {
    "dns": (b"\xc0\x0c", b"\0\1\0\1", b"\0\4\1\2\3\4", b"\0", b"\x3f", b"\xff\xff", b"\x81\x80", b"\0\5\0\1"),
    "ntp": (b"\0" * 8, b"\xff" * 8, b"\x24\x01", b"\x1c\x10", b"RATE", b"DENY"),
    "http": (
        b"\r\n", b"\r\n\r\n", b"\n", b": ", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 302 x\r\n",
        b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Location: /x\r\n", b"Location: http://a.b/\r\n",
        b"Content-Encoding: gzip\r\n", b"Connection: close\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n", b"ffffffff\r\n", b";", b",",
        b"Location: http://[::1]:99999/%\r\n", b" folded\r\n", b"\xff", b"\0",
    ),
    "mqtt": (
        b"\x20\x02\0\0", b"\x40\x02\0\2", b"\x90\x03\0\1\0", b"\xd0\0", b"\xb0\2\0\1", b"\x30", b"\x32", b"\xff\xff\xff\x7f",
        b"\x80\x80\x80\x80", b"\xff\x7f", b"\0\3a/b",
    ),
    "sms": (
        b"\0", b"\x91", b"\x81", b"\xd0", b"\x08", b"\x04", b"\5\0\3\1\2\1", b"\6\x08\4\1\2\3\1", b"\x24\1\1", b"\xff",
    ),
    "at": (
        b"\r\n", b"\r\nOK\r\n", b"\r\nERROR\r\n", b"\r\n+CME ERROR: 10\r\n", b"> ", b'"', b",", b'+CMTI: "SM",', b"RING\r\n",
        b'+CUSD: 0, "', b"+CREG: ", b"NO CARRIER\r\n", b"CONNECT\r\n", b"+HTTPREAD: 100\r\n", b"+CIPGSMLOC: 0,", b"AT\r",
        b"\x1a", b'+CCLK: "26/11/30,12:00:00+04"', b"RDY\r\n", b"UNDER-VOLTAGE WARNNING\r\n",
    ),
    "store": (b"k" * 16, b"\0" * 4, b"\1\2\3\4"),
}
# fmt: on
# Those of vm/at.py, in their order: how a transcript's command may begin, and the whole
COMMANDS = (
    ("AT+CSQ", "AT+CSQ"),
    ("AT+GSN", "AT+GSN"),
    ("AT+CMGS", "AT+CMGS=20"),
    ("AT+COPS=?", "AT+COPS=?"),
    ("ATD", "ATD*99#"),
    ("AT+HTTPREAD", "AT+HTTPREAD=0,100"),
    ("AT+CPIN=", "AT+CPIN=1234"),
)


def seeds(target: str) -> list[bytes]:
    """The target's files, and for AT lines the answers of real modems, as if to the most alike of the target's commands."""
    found = [file.read_bytes() for file in sorted((HERE / f"{target}.seeds").glob("*"))]
    if target == "at":
        transcripts = json.loads((HERE.parent / "data" / "transcripts.json").read_text())
        for number, transcript in enumerate(transcripts):
            command, stream = transcript["command"] or "AT", "".join(transcript["stream"])
            which, whole = 0, "AT"
            for index, (begins, other) in enumerate(COMMANDS, 1):
                if command.startswith(begins):
                    which, whole = index, other
            stream = stream.replace(command, whole, 1)
            found.append(bytes((which, number % 4)) + stream.encode("latin-1"))
    return found


class Fault(Exception):
    """An input that did what none may do."""


class Target:
    """The VM with one target in it."""

    def __init__(self, vm: str, name: str):
        self._folder = tempfile.TemporaryDirectory()
        edges = Path(self._folder.name) / "edges"
        edges.write_bytes(bytes(EDGES))
        with edges.open("r+b") as file:
            self._edges = mmap.mmap(file.fileno(), EDGES)
        self._taken = 0
        self._vm = subprocess.Popen(
            [
                vm,
                "-c",
                f"import sys; sys.path.insert(0, {str(HERE / 'vm')!r}); import host; host.main()",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env={**os.environ, "SIM_HEAP": HEAP, "SIM_EDGES": str(edges)},
        )
        self._rest = b""
        if self.feed(name.encode()) != "ready":
            raise Fault(f"there is no target {name}")

    def feed(self, data: bytes) -> str:
        """What an input comes to. Raises Fault."""
        self._edges[:] = bytes(EDGES)
        with contextlib.suppress(BrokenPipeError):
            self._vm.stdin.write(struct.pack(">I", len(data)) + data)
            self._vm.stdin.flush()
        while b"\n" not in self._rest:
            if not select.select([self._vm.stdout], [], [], SECONDS)[0]:
                raise Fault(f"it has not come to an end within {SECONDS} s")
            piece = os.read(self._vm.stdout.fileno(), 65536)
            if not piece:
                raise Fault(f"the VM has ended: {self._said()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        told = line.decode(errors="replace")
        if told.startswith("fault: "):
            self._vm.stdin.close()
            raise Fault(told[7:] + "\n" + self._said())
        return told

    def is_new(self) -> bool:
        """Whether the last input has taken branches as none before."""
        taken = int.from_bytes(self._edges[:].translate(OFTEN))
        is_new = bool(taken & ~self._taken)
        self._taken |= taken
        return is_new

    def branches(self) -> int:
        """How many pairs of branches have been taken, in how many different numbers."""
        return self._taken.bit_count()

    def _said(self) -> str:
        return self._vm.stderr.read().decode(errors="replace")[-2000:]

    def close(self) -> None:
        self._vm.kill()
        self._vm.wait()
        for pipe in (self._vm.stdin, self._vm.stdout, self._vm.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self._folder.cleanup()


class Mutator:
    """Damages inputs."""

    def __init__(self, words: tuple[bytes, ...], chance: random.Random):
        self._words = words
        self._chance = chance

    def damage(self, data: bytes, other: bytes) -> bytes:
        chance = self._chance
        for _ in range(1 << chance.choice((0, 0, 1, 1, 2, 3))):
            data = chance.choice(self.WAYS)(self, data, other)[:MOST]
        return data

    def _place(self, data: bytes) -> int:
        return self._chance.randrange(len(data) + 1)

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(
            len(data), start + self._chance.choice((1, 1, 2, 4, 8, self._chance.randrange(1, 300)))
        )

    def _put(self, data: bytes, piece: bytes) -> bytes:
        at = self._place(data)
        over = self._chance.choice((0, len(piece)))
        return data[:at] + piece + data[at + over :]

    def _bit(self, data, other):
        at = self._place(data)
        return (
            data[:at] + bytes((data[at] ^ 1 << self._chance.randrange(8),)) + data[at + 1 :]
            if at < len(data)
            else data
        )

    def _byte(self, data, other):
        return self._put(
            data, bytes((self._chance.choice((0, 1, 127, 128, 255, self._chance.randrange(256))),))
        )

    def _number(self, data, other):
        size = self._chance.choice((1, 2, 4))
        value = self._chance.choice(
            (0, 1, -1, 1 << 8 * size - 1, len(data), self._chance.getrandbits(8 * size))
        )
        return self._put(data, (value % (1 << 8 * size)).to_bytes(size))

    def _digits(self, data, other):
        return self._put(data, self._chance.choice(NUMBERS))

    def _word(self, data, other):
        return self._put(data, self._chance.choice(self._words))

    def _less(self, data, other):
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _again(self, data, other):
        start, end = self._span(data)
        return data[:end] + data[start:end] * self._chance.choice((1, 1, 2, 10, 100)) + data[end:]

    def _cross(self, data, other):
        start, end = self._span(other)
        return self._put(data, other[start:end])

    def _tail(self, data, other):
        return data[: self._place(data)] + other[self._place(other) :]

    WAYS = (_bit, _byte, _number, _digits, _word, _word, _less, _again, _cross, _tail)


def shorter(vm: str, name: str, data: bytes, says: str) -> bytes:
    """The same fault by fewer bytes, if each is one of its own."""
    step, end = len(data) // 2, time.monotonic() + ROUND
    while step:
        at = 0
        while at < len(data) and time.monotonic() < end:
            less = data[:at] + data[at + step :]
            target = Target(vm, name)
            try:
                target.feed(less)
                at += step
            except Fault as fault:
                if str(fault).splitlines()[0] == says:
                    data = less
                else:
                    at += step
            finally:
                target.close()
        step //= 2
    return data


def fuzz(vm: str, name: str, most: int, seed: int, corpus: Path) -> int:
    chance = random.Random(seed)
    corpus.mkdir(parents=True, exist_ok=True)
    inputs = seeds(name) + [file.read_bytes() for file in sorted(corpus.glob("*"))]
    mutator = Mutator(WORDS[name], chance)
    target = Target(vm, name)
    ends: set[str] = set()
    fed = count = 0
    shown = time.monotonic()
    given = iter(list(inputs))
    data = b""
    try:
        while fed < most:
            data = next(given, None)
            if is_made := data is None:
                data = mutator.damage(chance.choice(inputs), chance.choice(inputs))
            ends.add(target.feed(data))
            if target.is_new() and is_made:
                inputs.append(data)
                (corpus / f"{hashlib.sha256(data).hexdigest()[:16]}").write_bytes(data)
            fed += len(data)
            count += 1
            if time.monotonic() - shown > ROUND:
                shown = time.monotonic()
                tell(name, fed, count, len(inputs), target, ends)
    except Fault as fault:
        says = str(fault).splitlines()[0]
        file = corpus.parent / f"{name}-fault"
        print(
            f"fuzz: {name} failed (seed {seed}, input {count}): {fault}\nfuzz: the input is {file}",
            file=sys.stderr,
        )
        file.write_bytes(data)
        file.write_bytes(shorter(vm, name, data, says))
        return 1
    finally:
        target.close()
    tell(name, fed, count, len(inputs), target, ends)
    return 0


def tell(name: str, fed: int, count: int, kept: int, target: Target, ends: set[str]) -> None:
    print(
        f"fuzz: {name}: {fed / 1e6:.1f} million bytes, {count} inputs, {kept} kept, {target.branches()} branches, "
        f"{len(ends)} ends, no fault",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vm")
    parser.add_argument("target", choices=sorted(WORDS))
    parser.add_argument("bytes", type=int)
    parser.add_argument("inputs", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--corpus", type=Path)
    given = parser.parse_args()
    if given.inputs:
        target = Target(given.vm, given.target)
        for file in given.inputs:
            print(target.feed(file.read_bytes()))
        return 0
    corpus = given.corpus or Path("build/fuzz") / f"{given.target}.corpus"
    print(f"fuzz: {given.target}: seed {given.seed}", flush=True)
    return fuzz(str(Path(given.vm).resolve()), given.target, given.bytes, given.seed, corpus)


if __name__ == "__main__":
    sys.exit(main())
