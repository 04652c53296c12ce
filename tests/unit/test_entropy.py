"""modules/entropy: the test of the source on good and bad samples, the pool held against an independent ChaCha20."""

import ctypes
import hashlib
import os
import random
import shutil
import struct
import subprocess
from math import ceil, comb
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
SAMPLES, REPEATS, WINDOW, PROPORTION = 1024, 6, 512, 62

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not here")


class Pool(ctypes.Structure):
    _fields_ = (
        ("key", ctypes.c_uint32 * 8),
        ("words", ctypes.c_uint32 * 8),
        ("left", ctypes.c_uint8),
    )


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    library = tmp_path_factory.mktemp("entropy") / "host.so"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}"]
    source = ROOT / "tests" / "unit" / "entropy_host.c"
    subprocess.run(["gcc", *flags, source, "-o", library], check=True)
    lib = ctypes.CDLL(str(library))
    lib.host_healthy.restype = ctypes.c_bool

    class Host:
        def healthy(self, samples):
            return lib.host_healthy(bytes(samples), ctypes.c_size_t(len(samples)))

        def pool(self, key, fresh):
            words = ctypes.c_uint32 * len(fresh)
            out, left = words(), Pool()
            key = (ctypes.c_uint32 * 8)(*struct.unpack("<8I", key))
            lib.host_pool(key, words(*fresh), out, ctypes.c_size_t(len(fresh)), ctypes.byref(left))
            return list(out), left

    return Host()


# --- the test of the source -------------------------------------------------------------------


def critbinom(n, p, level):
    """The least k with P(X <= k) >= level."""
    total = 0
    for k in range(n + 1):
        total += comb(n, k) * p**k * (1 - p) ** (n - k)
        if total >= level:
            return k
    raise AssertionError


def test_cutoffs_are_those_of_sp_800_90b():
    """For 4 bits of min-entropy in a sample and 2^-20 false alarms, as the header says."""
    text = (ROOT / "modules" / "entropy" / "entropy.h").read_text()
    values = {
        line.split()[1]: line.split()[2]
        for line in text.splitlines()
        if "(" in line and "#define ENTROPY_" in line
    }
    entropy, bits = 4, 20
    assert values["ENTROPY_REPEATS"] == f"({1 + ceil(bits / entropy)})" == f"({REPEATS})"
    assert values["ENTROPY_WINDOW"] == f"({WINDOW})"
    cutoff = 1 + critbinom(WINDOW, 2.0**-entropy, 1 - 2.0**-bits)
    assert values["ENTROPY_PROPORTION"] == f"({cutoff})" == f"({PROPORTION})"
    assert values["ENTROPY_SAMPLES"] == f"({SAMPLES})"


def plainly(samples):
    """The two tests as the standard describes them, on all of the samples."""
    if len(samples) < SAMPLES:
        return False
    runs = any(len(set(samples[i : i + REPEATS])) == 1 for i in range(len(samples) - REPEATS + 1))
    windows = (samples[i : i + WINDOW] for i in range(0, len(samples), WINDOW))
    return not runs and all(window.count(window[0]) < PROPORTION for window in windows)


def test_noise_passes(host):
    for _ in range(300):
        assert host.healthy(os.urandom(SAMPLES))


@pytest.mark.parametrize("pattern", ["00", "ff", "5a", "0001", "deadbeef", "00010203"])
def test_a_stuck_source_is_found(host, pattern):
    assert not host.healthy((bytes.fromhex(pattern) * SAMPLES)[:SAMPLES])


def test_a_source_that_dies_is_found(host):
    good = os.urandom(SAMPLES)
    for at in (0, 1, 500, 512, SAMPLES - REPEATS):
        assert not host.healthy(good[:at] + bytes(SAMPLES - at))


def test_too_few_samples(host):
    assert not host.healthy(os.urandom(SAMPLES - 1))
    assert not host.healthy(b"")


def test_a_source_of_two_bits_is_found(host):
    """The test is meant for 4 bits; 2 a byte are told from it for sure."""
    chance = random.Random(1)
    assert not any(host.healthy(bytes(chance.choices(range(4), k=SAMPLES))) for _ in range(100))


@given(
    seed=st.binary(min_size=8, max_size=8),
    kinds=st.sampled_from([2, 4, 8, 12, 16, 32, 256]),
    bias=st.integers(0, 20),
    count=st.integers(SAMPLES - 2, SAMPLES * 2),
)
def test_as_the_standard_describes_it(host, seed, kinds, bias, count):
    chance = random.Random(seed)
    samples = bytes(chance.choices(range(kinds), [bias + 1] + [1] * (kinds - 1), k=count))
    assert host.healthy(samples) == plainly(samples)


# --- the pool ---------------------------------------------------------------------------------


def block(key, fresh):
    """ChaCha20 (RFC 8439): counter 0, the fresh word and zeros as its nonce."""
    nonce = struct.pack("<4I", 0, fresh, 0, 0)
    stream = Cipher(algorithms.ChaCha20(key, nonce), mode=None).encryptor()
    return stream.update(bytes(64))


WORDS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40)


@given(start=st.binary(min_size=32, max_size=32), fresh=WORDS)
def test_pool_is_chacha20_with_key_erasure(host, start, fresh):
    """And nothing that is left in it tells a word that was given, or a key before."""
    key, expected, words = start, [], []
    for word in fresh:
        if not words:
            whole = block(key, word)
            key, words = whole[:32], list(struct.unpack("<8I", whole[32:]))
        expected.append(words.pop() ^ word)
    out, left = host.pool(start, fresh)
    assert out == expected
    assert bytes(left.key) == key
    assert list(left.words) == words + [0] * (8 - len(words))


def test_the_hardware_counts_even_if_the_key_is_known(host):
    one, _ = host.pool(bytes(32), [1] * 16)
    other, _ = host.pool(bytes(32), [2] + [1] * 15)
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_the_key_counts_even_if_the_hardware_is_known(host):
    keys = [hashlib.sha256(bytes([i])).digest() for i in range(100)]
    assert len({tuple(host.pool(key, [0] * 16)[0]) for key in keys}) == 100
