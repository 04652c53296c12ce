"""The multiplexer's digester, modules/cmux/frame.c, held against the simulated modem's."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sim800 import cmux

ROOT = Path(__file__).parents[2]
N1 = 40
CONTROLS = [cmux.SABM, cmux.UA, cmux.DM, cmux.DISC, cmux.UIH, cmux.UI]

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not here")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    library = tmp_path_factory.mktemp("cmux") / "host.so"
    sources = [ROOT / "tests" / "unit" / "cmux_host.c", ROOT / "modules" / "cmux" / "frame.c"]
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{ROOT}"]
    subprocess.run(["gcc", *flags, *sources, "-o", library], check=True)
    lib = ctypes.CDLL(str(library))
    lib.host_frames.restype = lib.cmux_frame_put.restype = ctypes.c_size_t

    class Host:
        def frames(self, line, n1=N1, cut=1000, most=1000):
            """([(dlci, C/R, P/F, control, info)], bytes taken, frames damaged)"""
            out = ctypes.create_string_buffer(8 * len(line) + 8)
            taken, bad = ctypes.c_size_t(), ctypes.c_uint32()
            size = lib.host_frames(
                bytes(line), *map(ctypes.c_size_t, (len(line), n1, cut, most)),
                out, ctypes.byref(taken), ctypes.byref(bad),
            )  # fmt: skip
            found, data = [], out.raw[:size]
            while data:
                control, bits, dlci, count = data[0], data[1], data[2], data[3] << 8 | data[4]
                info, data = data[5 : 5 + count], data[5 + count :]
                found.append((dlci, bool(bits & 2), bool(bits & 1), control, info))
            return found, taken.value, bad.value

        def put(self, dlci, cr, control, info):
            out = ctypes.create_string_buffer(len(info) + 7)
            size = lib.cmux_frame_put(
                out, ctypes.c_uint8(dlci), ctypes.c_bool(cr), ctypes.c_uint8(control),
                info, ctypes.c_size_t(len(info)),
            )  # fmt: skip
            return out.raw[:size]

    return Host()


def test_frames_of_a_trace(host):
    # a SIM800 after AT+CMUX=0
    assert host.put(0, True, 0x3F, b"") == bytes.fromhex("f9033f011cf9")
    line = bytes.fromhex("f9037301d7f9 f901ef09e305070d9af9")
    assert host.frames(line)[0] == [
        (0, True, True, cmux.UA, b""),
        (0, False, False, cmux.UIH, b"\xe3\x05\x07\x0d"),
    ]


@given(
    dlci=st.integers(0, 63),
    cr=st.booleans(),
    control=st.sampled_from(CONTROLS),
    pf=st.booleans(),
    info=st.binary(max_size=300),
)
def test_frames_are_written_as_the_simulator_writes_them(host, dlci, cr, control, pf, info):
    control |= cmux.PF if pf else 0
    assert host.put(dlci, cr, control, info) == cmux.frame(dlci, cr, control, info)


def sent_frames(most):
    return st.builds(
        cmux.frame,
        st.integers(0, 61),  # of 62 the address may be the flag
        st.booleans(),
        st.sampled_from([*CONTROLS, cmux.SABM | cmux.PF, cmux.UIH | cmux.PF]),
        # what looks like frames within a frame
        st.binary(max_size=most) | st.lists(st.sampled_from([0xF9, 1, 3, 0xEF, 0x3F, 5]), max_size=most).map(bytes),
    )  # fmt: skip


@st.composite
def damaged(draw):
    """A frame with bytes lost, doubled or changed."""
    data = bytearray(draw(sent_frames(N1)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1)) if data else 0
        how = draw(st.sampled_from(["lose", "double", "flip"]))
        if how == "lose":
            del data[at : at + 1]
        elif how == "double":
            data[at:at] = data[at : at + 1]
        elif data:
            data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


LINES = st.lists(
    sent_frames(N1) | damaged() | sent_frames(N1 + 3) | st.binary(max_size=20) | st.just(b"\xf9")
).map(b"".join)


@given(LINES, st.integers(1, 200))
def test_finds_the_frames_the_simulator_finds(host, line, cut):
    assert host.frames(line, cut=cut)[0] == cmux.Deframer(N1).feed(line)


@given(st.lists(sent_frames(N1), min_size=1), st.binary())
def test_takes_nothing_behind_a_frame(host, frames, behind):
    line = b"".join(frames)
    found, taken, bad = host.frames(line + behind, most=len(frames))
    assert (len(found), taken, bad) == (len(frames), len(line), 0)


@given(st.text("ab\r\n", max_size=N1), st.data(), sent_frames(N1))
def test_a_lost_byte_costs_its_frame_alone(host, text, data, second):
    first = bytearray(cmux.frame(1, False, cmux.UIH, text.encode()))
    del first[data.draw(st.integers(0, len(first) - 1))]
    found, _, _ = host.frames(first + second + b"\xf9" * (N1 + 8))
    assert found[-1:] == cmux.Deframer(N1).feed(second)


def test_a_flag_may_be_shared_and_repeated(host):
    one, two = cmux.frame(1, True, cmux.UIH, b"one"), cmux.frame(2, True, cmux.UIH, b"two")
    for line in (one[:-1] + two, one + b"\xf9" * 5 + two, b"noise" + one + b"noise" + two):
        assert [info for *_, info in host.frames(line)[0]] == [b"one", b"two"]
