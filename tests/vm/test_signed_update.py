"""Updates are taken by their signature: manifests and images made by firmware/sign.py, on the board's VM."""

import ast
import hashlib
import os
import random
import subprocess
import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from update_server import Server, documented
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
import sign

BOARD = "TCALL_SIM800"
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
IMAGE = b"\xe9" + random.Random(1).randbytes(10_000)


class Board:
    """A board with its files and its flash; each run() is one start."""

    def __init__(self, vm, folder):
        self._vm = vm
        self.files = folder / "files"
        self.flash = folder / "flash"
        self.files.mkdir()
        self.flash.mkdir()
        self.keys = []
        for name in ("owner", "next", "stranger"):
            sign.make_key(folder / f"{name}.pem")
            self.keys.append(folder / f"{name}.pem")

    def trust(self, version, keys=None):
        """What the image would have frozen."""
        text = sign.trust(BOARD, version, self.keys[:2] if keys is None else keys)
        (self.files / "update_trust.py").write_text(text)

    def manifest(self, kind, version, parts, key=0, board=BOARD):
        return sign.manifest(self.keys[key], board, kind, version, parts)

    def run(self, script, ota="1", **files):
        for name, data in files.items():
            (self.files / name).write_bytes(data)
        (self.files / "main.py").write_text(
            "import os, signed_update as u\nfrom esp32 import NVS, Partition\n"
            "def data(name):\n    with open(name, 'rb') as f:\n        return f.read()\n"
            "def tried(call, *args):\n"
            "    try:\n        call(*args)\n        print('ok')\n"
            "    except u.UpdateError as error:\n        print(error)\n"
            "def had(kind):\n"
            "    try:\n        return NVS('signed_update').get_i32(kind)\n"
            "    except OSError:\n        return None\n"
            "def slot(which):\n    return Partition(which).info()[4]\n"
            "def source(name, offset):\n    f = open('image', 'rb')\n    f.seek(offset)\n    return f\n"
            + script
        )
        done = subprocess.run(
            [self._vm, self.files / "main.py"],
            cwd=self.files,
            env={**os.environ, "SIM_FLASH": str(self.flash), "SIM_OTA": ota, "SIM_HEAP": "2M"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def device(vm, tmp_path):
    there = Board(vm, tmp_path)
    there.trust(5)
    there.run("u.confirm()")
    return there


# --- the signature ----------------------------------------------------------------------------


def openssl(key, digest, signature):
    """OpenSSL's verdict."""
    if (len(key), len(digest), len(signature)) != (64, 32, 64):
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + key)
        public.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(hashes.SHA256())))
    except (ValueError, InvalidSignature):
        return False
    return True


def xy(private):
    numbers = private.public_key().public_numbers()
    size = (private.key_size + 7) // 8
    return numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")


def signatures(count):
    """(key, digest, signature), right ones and wrong ones of each kind."""
    chance = random.Random(0)
    private = ec.generate_private_key(ec.SECP256R1())
    key = xy(private)
    other = xy(ec.generate_private_key(ec.SECP256R1()))
    koblitz = xy(ec.generate_private_key(ec.SECP256K1()))
    for number in range(count):
        digest = hashlib.sha256(number.to_bytes(4, "big")).digest()
        der = private.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        r, s = decode_dss_signature(der)

        def pair(r, s):
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        right = [key, digest, pair(r, s)]
        yield right
        flipped = list(right)
        which = chance.randrange(3)
        changed = bytearray(flipped[which])
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        flipped[which] = bytes(changed)
        yield flipped
        edge = chance.choice((0, 1, N - 1, N, N + 1, 2**256 - 1))
        x = int.from_bytes(key[:32], "big")
        yield chance.choice(
            (
                [key, digest, pair(r, N - s)],  # as right as s
                [key, digest, pair(edge, s)],
                [key, digest, pair(r, edge)],
                [key, digest, pair(s, r)],
                [key, digest, pair(edge, edge)],
                [key, digest, der],
                [key, digest, der[:64]],
                [key, digest, right[2][:-1]],
                [key, digest, right[2] + b"\0"],
                [key, digest[:-1], right[2]],
                [key, digest + b"\0", right[2]],
                [b"\x04" + key, digest, right[2]],
                [key[:32], digest, right[2]],
                [other, digest, right[2]],
                [koblitz, digest, right[2]],
                [bytes(64), digest, right[2]],
                [key, digest, bytes(64)],
                [key[32:] + key[:32], digest, right[2]],
                [key[:32] + (P - int.from_bytes(key[32:], "big")).to_bytes(32, "big"), *right[1:]],
                [((x + P) % 2**256).to_bytes(32, "big") + key[32:], *right[1:]],
                [b"", digest, right[2]],
                [key, b"", right[2]],
                [key, digest, b""],
            )
        )


def test_a_signature_is_right_where_openssl_says_so(device):
    """2,000 that are damaged, and 1,000 that are not."""
    rows = list(signatures(1000))
    text = "\n".join(" ".join(part.hex() or "-" for part in row) for row in rows)
    lines = device.run(
        """
import ecdsa
from binascii import unhexlify
with open("rows") as rows:
    for row in rows:
        print(ecdsa.verify(*(unhexlify(part) if part != "-" else b"" for part in row.split())))
""",
        rows=text.encode(),
    )
    expected = [openssl(*row) for row in rows]
    assert lines == [str(verdict) for verdict in expected]
    assert 1000 < sum(expected) < 1500  # with n - s


def test_what_is_no_buffer_is_a_type_error(device):
    assert device.run(
        "import ecdsa\ntry:\n    ecdsa.verify(None, b'', b'')\nexcept TypeError:\n    print('TypeError')"
    ) == ["TypeError"]


# --- the manifest -----------------------------------------------------------------------------


def refused(device, manifest):
    return device.run("tried(u.Update, data('m'))\nprint(slot(Partition.BOOT))", m=manifest)


def test_either_key_may_sign_and_a_stranger_may_not(device):
    for key, says in (
        (0, "ok"),
        (1, "ok"),
        (2, "the update is not signed by a key of this image"),
    ):
        line, _ = refused(device, device.manifest("image", 6, {"i": IMAGE}, key=key))
        assert line.startswith(says)


def test_an_image_with_new_keys_moves_on(device):
    by_owner = device.manifest("image", 6, {"i": IMAGE}, key=0)
    device.trust(5, device.keys[1:])
    assert refused(device, by_owner)[0].startswith("the update is not signed by a key")
    assert refused(device, device.manifest("image", 6, {"i": IMAGE}, key=2))[0] == "ok"


def test_each_bit_of_a_manifest_counts(device):
    """One flipped bit in each byte, and each length short of the whole."""
    whole = device.manifest("image", 6, {"i": IMAGE})
    lines = device.run(
        f"""
whole = data("m")
for i in range(len(whole)):
    for damaged in (whole[:i] + bytes((whole[i] ^ (1 << i % 5),)) + whole[i + 1:], whole[:i], whole + whole[i:]):
        try:
            u.Update(damaged)
            print("taken", i)
        except u.UpdateError:
            pass
print(slot(Partition.BOOT), os.listdir({str(device.flash)!r}))
""",
        m=whole,
    )
    assert lines == ["ota_0 ['nvs']"]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (("image", 5, {"i": IMAGE}), "version 5 is not newer than 5"),
        (("image", 4, {"i": IMAGE}), "version 4 is not newer than 5"),
        (("image", 6, {"i": bytes(1_703_937)}), "the update takes 1703937 bytes, there is room for"),
        (("image", 6, {"i": IMAGE, "j": IMAGE}), "the update takes 20002 bytes, there is room for 0"),
        (("images", 6, {"i": IMAGE}), "the manifest is signed but cannot be read"),
        (("files", 1, {"../x": b""}), "'../x' cannot be the name"),
        (("files", 1, {"/x": b""}), "'/x' cannot be the name"),
        (("files", 1, {"a//b": b""}), "'a//b' cannot be the name"),
        (("files", 1, {"a/./b": b""}), "'a/./b' cannot be the name"),
        (("files", 1, {"a/": b""}), "'a/' cannot be the name"),
        (("files", 1, {"a": b"", "a/b": b""}), "'a/b' cannot be the name"),
        (("files", 1, {"a/b": b"", "a": b""}), "'a' cannot be the name"),
        (("files", 1, {"update.new/0": b""}), "'update.new/0' cannot be the name"),
        (("files", 1, {"update.todo": b""}), "'update.todo' cannot be the name"),
    ],
)  # fmt: skip
def test_refused_though_signed(device, made, says):
    line, slot = refused(device, device.manifest(*made))
    assert line.startswith(says)
    assert slot == "ota_0"


def test_refused_for_another_board(device):
    line, _ = refused(device, device.manifest("image", 6, {"i": IMAGE}, board="OTHER"))
    assert line == "the update is for the board OTHER, and this is TCALL_SIM800"


def raw(device, signed):
    """Signed as it is."""
    der = sign.openssl("dgst", "-sha256", "-sign", str(device.keys[0]), data=signed)
    return signed + b"signature " + sign.raw_signature(der).hex().encode() + b"\n"


@pytest.mark.parametrize(
    "signed",
    [
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion x\npart 0 00 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 0\npart 0 00 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 2147483648\npart 0 00 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nversion 6\nkind files\npart 0 00 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\npart -1 00 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\npart 1 0 a\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\npart 1 00\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\npart 1 00 a b\n",
        b"signed-update 1\nboard \xff\nkind files\nversion 6\npart 1 00 a\n",
    ],
)
def test_a_signed_manifest_that_cannot_be_read(device, signed):
    assert refused(device, raw(device, signed))[0].startswith("the manifest is signed but cannot")


@pytest.mark.parametrize(
    "signed",
    [
        b"signed-update 2\nboard TCALL_SIM800\nkind files\nversion 6\npart 0 00 a\n",
        b"firmware\n",
        b"signed-update 1\nboard TCALL_SIM800\nkind files\nversion 6\n"
        + b"part 0 00 aaaa\n" * 300,
    ],
)
def test_what_is_signed_for_something_else(device, signed):
    """Another format, another purpose of the same key, more than 4096 bytes."""
    assert refused(device, raw(device, signed))[0].startswith("this is no manifest")


def test_an_image_without_keys_takes_nothing(device):
    device.trust(0, [])
    line, _ = refused(device, device.manifest("image", 6, {"i": IMAGE}))
    assert line == "this image accepts no update: build it with UPDATE_KEYS"


# --- an image ---------------------------------------------------------------------------------

RECEIVE = "tried(u.Update(data('m')).receive, source)\nprint(slot(Partition.BOOT))"


def test_an_image_starts_on_trial_and_stays_when_it_is_confirmed(device):
    manifest = device.manifest("image", 6, {"i": IMAGE})
    assert device.run(RECEIVE, m=manifest, image=IMAGE) == ["ok", "ota_1"]
    assert (device.flash / "ota_1").read_bytes()[: len(IMAGE)] == IMAGE
    device.trust(6)  # it is the new image that runs
    told = device.run(
        "print(slot(Partition.RUNNING), had('image'))\nu.confirm()\nprint(had('image'))"
    )
    assert told == ["ota_1 5", "6"]
    assert device.run("print(slot(Partition.RUNNING))") == ["ota_1"]
    assert refused(device, manifest)[0].startswith("version 6 is not newer than 6")


def test_an_image_that_is_not_confirmed_is_left_and_may_come_again(device):
    manifest = device.manifest("image", 6, {"i": IMAGE})
    device.run(RECEIVE, m=manifest, image=IMAGE)
    device.trust(6)
    assert device.run("tried(u.Update, data('m'))") == [
        "the running image is on trial: call confirm() first"
    ]
    device.trust(5)
    assert device.run("print(slot(Partition.RUNNING), had('image'))\nu.confirm()") == ["ota_0 5"]
    assert refused(device, manifest)[0] == "ok"


def test_confirm_between_activation_and_reset_leaves_the_trial(device):
    manifest = device.manifest("image", 6, {"i": IMAGE})
    device.run(RECEIVE + "\nu.confirm()", m=manifest, image=IMAGE)
    device.trust(6)
    assert device.run("print(slot(Partition.RUNNING))") == ["ota_1"]  # and does not confirm
    device.trust(5)
    assert device.run("print(slot(Partition.RUNNING))") == ["ota_0"]


def test_the_version_of_the_image_is_the_least(device):
    """The record is lost with all of NVS, as when the flash is erased; the image has its own."""
    (device.flash / "nvs").unlink()
    device.run("u.confirm()")
    assert refused(device, device.manifest("image", 5, {"i": IMAGE}))[0].startswith(
        "version 5 is not"
    )


def test_one_main_for_both_variants(device):
    assert device.run("u.confirm()\nprint(had('image'))", ota="0") == ["5"]
    told = device.run(
        "tried(u.Update, data('m'))", ota="0", m=device.manifest("image", 6, {"i": IMAGE})
    )
    assert told == ["this image has one slot: flash the variant OTA once, by cable"]


@pytest.mark.parametrize("at", [0, 4095, 4096, 10_000])
def test_one_flipped_bit_of_an_image(device, at):
    damaged = IMAGE[:at] + bytes((IMAGE[at] ^ 1,)) + IMAGE[at + 1 :]
    told = device.run(
        "update = u.Update(data('m'))\ntried(update.receive, source)\nprint(slot(Partition.BOOT))\n"
        "print(update.wanted())\ntried(update.activate)\nos.rename('good', 'image')\n"
        "tried(update.receive, source)\nprint(slot(Partition.BOOT))",
        m=device.manifest("image", 6, {"i": IMAGE}),
        image=damaged,
        good=IMAGE,
    )
    assert told == [
        "i is not what was signed: download it again",
        "ota_0",
        "('i', 0, 10001)",
        "the update is not complete: write() or receive() the rest",
        "ok",
        "ota_1",
    ]


@pytest.mark.parametrize("length", [0, 1, 4096, 10_000])
def test_an_image_that_ends_early_is_gone_on_with(device, length):
    told = device.run(
        f"update = u.Update(data('m'))\nwith open('image', 'wb') as f:\n    f.write(data('good')[:{length}])\n"
        "tried(update.receive, source)\nprint(slot(Partition.BOOT), update.wanted()[1])\n"
        "os.rename('good', 'image')\ntried(update.receive, source)\nprint(slot(Partition.BOOT))",
        m=device.manifest("image", 6, {"i": IMAGE}),
        good=IMAGE,
    )
    early = f"i ended {10_001 - length} bytes early: call receive() again"
    assert told == [early, f"ota_0 {length}", "ok", "ota_1"]


@pytest.mark.parametrize("length", [0, 5000, 8192, 10_001, 20_000])
def test_an_image_is_gone_on_with_after_a_reset(device, length):
    """Whole blocks that were written are read back; what they hold is in the digest."""
    manifest = device.manifest("image", 6, {"i": IMAGE})
    device.run(f"update = u.Update(data('m'))\nupdate.write(data('image')[:{min(length, 10_000)}])",
               m=manifest, image=IMAGE)  # fmt: skip
    told = device.run(
        f"update = u.Update(data('m'), {length})\nprint(update.wanted()[1])\n"
        "tried(update.receive, source)\nprint(slot(Partition.BOOT))"
    )
    assert told == [str(min(length, 10_000) // 4096 * 4096), "ok", "ota_1"]
    slot = device.flash / "ota_1"
    assert slot.read_bytes()[:10_001] == IMAGE
    slot.write_bytes(b"\xe8" + slot.read_bytes()[1:])
    told = device.run("tried(u.Update(data('m'), 8192).receive, source)")
    assert told == ["i is not what was signed: download it again"]


def test_a_second_try_writes_only_what_is_different(device):
    manifest = device.manifest("image", 6, {"i": IMAGE})
    slot = device.flash / "ota_1"
    slot.write_bytes(IMAGE[:5000] + bytes(10) + IMAGE[5010:])
    device.run(RECEIVE, m=manifest, image=IMAGE)
    assert slot.read_bytes()[: len(IMAGE)] == IMAGE
    before = slot.stat().st_mtime_ns
    device.run("pass")  # not confirmed
    assert device.run(RECEIVE) == ["ok", "ota_1"]
    assert slot.stat().st_mtime_ns == before


def test_more_than_was_signed(device):
    told = device.run(
        "update = u.Update(data('m'))\ntried(update.write, data('image') + b'x')\nprint(update.wanted()[1])",
        m=device.manifest("image", 6, {"i": IMAGE}),
        image=IMAGE,
    )
    assert told == ["i is not what was signed: download it again", "0"]


@pytest.mark.real_time
def test_an_image_comes_over_ppp_as_documented(play, internet, monkeypatch, device):
    """The connection breaks off half-way."""
    image = b"\xe9" + random.Random(2).randbytes(40_000)
    manifest = device.manifest("image", 6, {"firmware.app-bin": image})
    server = Server({"firmware.manifest": manifest, "firmware.app-bin": image})
    monkeypatch.setitem(internet.routes, ("203.0.113.81", 80), server.server_address[1])
    played = play(
        "import requests, signed_update\nfrom esp32 import Partition\nsigned_update.confirm()\n"
        "nic = ppp_sim800.PPP('internet')\nnic.connect()\n"
        + documented()
        + "print('boot=%s' % Partition(Partition.BOOT).info()[4])",
        env={"SIM_OTA": "1"},
        names={"updates.example": "203.0.113.81"},
        files={"update_trust.py": sign.trust(BOARD, 5, device.keys[:2]).encode()},
    )
    server.shutdown()
    assert played.value("boot") == "ota_1"
    assert len(server.ranges) == 2
    assert server.ranges[0] == 0 < server.ranges[1] < len(image)


# --- files ------------------------------------------------------------------------------------

SET = {"main2.py": b"new" * 999, "lib/a.py": b"", "lib/b/c.txt": b"c"}
FILES = """
def source(name, offset):
    f = open("from/" + name, "rb")
    f.seek(offset)
    return f
tried(u.Update(data('m')).receive, source)
print(had('files'), sorted(name for name in os.listdir() if name[:6] == "update"))
"""


def offer(device, parts):
    for name, content in parts.items():
        file = device.files / "from" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def test_a_set_of_files(device):
    offer(device, SET)
    (device.files / "main2.py").write_text("old")
    told = device.run(FILES, ota="0", m=device.manifest("files", 1, SET))
    assert told == ["ok", "1 ['update_trust.py']"]
    assert {name: (device.files / name).read_bytes() for name in SET} == SET
    assert refused(device, device.manifest("files", 1, SET))[0].startswith(
        "version 1 is not newer"
    )
    # Images count for themselves.
    assert refused(device, device.manifest("image", 6, {"i": IMAGE}))[0] == "ok"


def test_no_file_of_a_set_is_replaced_if_one_is_wrong(device):
    offer(device, {**SET, "lib/b/c.txt": b"C"})
    (device.files / "main2.py").write_text("old")
    told = device.run(FILES, m=device.manifest("files", 1, SET))
    assert told[0] == "lib/b/c.txt is not what was signed: download it again"
    assert (device.files / "main2.py").read_text() == "old"
    assert not (device.files / "lib").exists()


@pytest.mark.parametrize("way", ["lib", "main2.py"])
def test_no_file_of_a_set_is_replaced_if_something_is_in_the_way(device, way):
    offer(device, SET)
    (device.files / "main2.py").write_text("old")
    if way == "lib":
        (device.files / "lib").write_text("a file")
    else:
        (device.files / way).unlink()
        (device.files / way).mkdir()
    told = device.run(FILES, m=device.manifest("files", 1, SET))
    assert told[0] == f"{way} is in the way of the update: remove it"
    assert told[1].startswith("None")


CUTS = """
import gc, random, vfs

# An exception must not go through littlefs, which would go on with a list that has what is gone from the stack or the heap.
# So an error is returned, and nothing is collected while it is mounted: a file that is closed then would take memory.
gc.disable()

class Flash:
    # RAM that loses its supply at the write or erase `cut`, in the middle of it.
    def __init__(self, content, cut=-1):
        self.content = content
        self.cut = cut
        self.count = 0
    def _fits(self, at, data):
        if self.count == self.cut:
            half = len(data) // 2 & ~15
            self.content[at:at + half] = data[:half]
        if self.count >= self.cut >= 0:
            return -5  # EIO
        self.count += 1
        self.content[at:at + len(data)] = data
        return 0
    def readblocks(self, number, buffer, offset=0):
        at = number * 512 + offset
        buffer[:] = memoryview(self.content)[at:at + len(buffer)]
    def writeblocks(self, number, buffer, offset=0):
        return self._fits(number * 512 + offset, buffer)
    def ioctl(self, op, arg):
        if op == 4:
            return 384
        if op == 5:
            return 512
        if op == 6:
            return self._fits(arg * 512, b"\\xff" * 512)
        return 0

NAMES = ("main2.py", "lib/a.py", "lib/b/c.txt")
parts = {name: data("from/" + name) for name in NAMES}
manifest = data("m")

def started(flash, call):
    # One start of the board: returns whether it kept its supply.
    vfs.mount(vfs.VfsLfs2(flash), "/ram")
    os.chdir("/ram")
    try:
        u.finish()
        if call:
            call()
        return True
    except OSError as error:
        if error.errno != 5:
            raise
        return False
    finally:
        os.chdir("/")
        vfs.umount("/ram")
        flash.content = b""  # what was open and is closed by the collector comes too late
        gc.collect()

def update():
    taken = u.Update(manifest)
    while wanted := taken.wanted():
        taken.write(parts[wanted[0]][wanted[1]:wanted[1] + 700])
    taken.activate()

def content():
    found = []
    for name in NAMES:
        try:
            found.append(data(name))
        except OSError:
            found.append(None)
    print_set.append("old" if found == OLD else "new" if found == NEW else str(found))

OLD = [b"old", b"old a", None]
NEW = [parts[name] for name in NAMES]
fresh = bytearray(384 * 512)
vfs.VfsLfs2.mkfs(Flash(fresh))
def old():
    os.mkdir("lib")
    for name, text in zip(NAMES, OLD):
        if text:
            with open(name, "wb") as file:
                file.write(text)
assert started(Flash(fresh), old)

def outcome(cuts):
    # The set after one power cut after the other; and how many writes the last start made.
    global print_set
    print_set = []
    try:
        NVS("signed_update").erase_key("files")
    except OSError:
        pass
    memory = bytearray(fresh)
    job = update
    for cut in cuts:
        flash = Flash(memory, cut)
        started(flash, job)
        job = None
    count = flash.count
    assert started(Flash(memory), content)
    if print_set == ["new"]:
        assert had("files") == 1
        return "new", count
    assert had("files") is None, print_set
    # Nothing of the first try is in the way of a second one.
    assert started(Flash(memory), update)
    assert started(Flash(memory), content)
    return "+".join(print_set), count

result, writes = outcome([-1])
print('whole=%s %d' % (result, writes))
tally = {}
for cut in range(writes):
    result, _ = outcome([cut])
    tally[result] = tally.get(result, 0) + 1
print('tally=%s' % sorted(tally.items()))
random.seed(1)
tally = {}
for _ in range(300):
    result, _ = outcome([random.randrange(writes), random.randrange(12), random.randrange(12)])
    tally[result] = tally.get(result, 0) + 1
print('tally=%s' % sorted(tally.items()))
"""


def test_power_cuts_leave_the_old_set_or_the_new(device):
    """At each write and erase of littlefs, each torn in half; then, by chance, again while the set is put in place."""
    offer(device, SET)
    lines = device.run(CUTS, m=device.manifest("files", 1, SET))
    # The collector's closing of such a file fails, and says so in lines of its own.
    told = [line.split("=")[1] for line in lines if line.startswith(("whole=", "tally="))]
    name, writes = told[0].split()
    assert name == "new"
    assert int(writes) > 40
    assert len(told) == 3
    for tally in told[1:]:
        found = dict(ast.literal_eval(tally))
        assert set(found) == {"new", "old+new"}
        assert min(found.values()) > 3


# --- one place, one owner ---------------------------------------------------------------------

FILE_SETS = {
    f"m{version}": (version, content)
    for version, content in ((12, b"twelve"), (13, b"thirteen"), (14, b"fourteen"), (15, b"fifteen!"))
}  # fmt: skip
ANOTHER = "another Update was made after this one: go on with that"


def file_sets(device):
    return {
        name: device.manifest("files", version, {"a.txt": content})
        for name, (version, content) in FILE_SETS.items()
    }


def test_nothing_is_written_into_a_slot_that_is_set_to_start(device):
    """The server sends other bytes for the same manifest, once the image was activated."""
    told = device.run(
        """
import io
a = u.Update(data("m"))
tried(a.receive, lambda name, at: io.BytesIO(data("image")[at:]))
tried(u.Update, data("m"))
tried(u.Update, data("m"), 4096)
tried(a.write, b"evil")
tried(a.receive, lambda name, at: io.BytesIO(data("evil")[at:]))
print(slot(Partition.BOOT))
""",
        m=device.manifest("image", 6, {"i": IMAGE}),
        image=IMAGE,
        evil=b"\xe9" + b"evil" * 2500,
    )
    waits = "an image that was received is set to start: reset first"
    assert told == ["ok", waits, waits, "the update is complete: activate() it", "ok", "ota_1"]
    assert (device.flash / "ota_1").read_bytes()[: len(IMAGE)] == IMAGE


def test_a_slot_that_is_set_to_start_meanwhile_is_not_written(device):
    """As by a script's own hands, half-way."""
    told = device.run(
        """
a = u.Update(data("m"))
a.write(data("image")[:4096])
a._slot.set_boot()
tried(a.write, data("image")[4096:])
""",
        m=device.manifest("image", 6, {"i": IMAGE}),
        image=IMAGE,
    )
    assert told == ["an image that was received is set to start: reset first"]
    assert IMAGE[4096:8192] not in (device.flash / "ota_1").read_bytes()


def test_what_is_activated_is_what_is_in_flash(device):
    """It was right as it came; then somebody wrote."""
    told = device.run(
        """
a = u.Update(data("m"))
a.write(data("image"))
print(a.wanted())
a._slot.writeblocks(1, b"evil" * 1024)
tried(a.activate)
print(a.wanted(), slot(Partition.BOOT))
a.write(data("image"))
tried(a.activate)
print(slot(Partition.BOOT))
""",
        m=device.manifest("image", 6, {"i": IMAGE}),
        image=IMAGE,
    )
    wrong = "i is not what was signed: download it again"
    assert told == ["None", wrong, "('i', 0, 10001) ota_0", "ok", "ota_1"]


def test_two_updates_of_an_image(device):
    """The one made last has the slot."""
    seven = IMAGE[:5000] + b"7" + IMAGE[5001:]
    told = device.run(
        """
a = u.Update(data("m6"))
a.write(data("image"))
b = u.Update(data("m7"))
b.write(data("seven")[:6000])
tried(a.activate)
print(slot(Partition.BOOT))
b.write(data("seven")[6000:])
tried(b.activate)
print(slot(Partition.BOOT))
""",
        m6=device.manifest("image", 6, {"i": IMAGE}),
        m7=device.manifest("image", 7, {"i": seven}),
        image=IMAGE,
        seven=seven,
    )
    assert told == [ANOTHER, "ota_0", "ok", "ota_1"]
    assert (device.flash / "ota_1").read_bytes()[: len(seven)] == seven


def test_an_older_set_of_files_is_not_put_in_place_after_a_newer_one(device):
    told = device.run(
        """
a = u.Update(data("m12"))
a.write(b"twelve")
b = u.Update(data("m13"))
tried(a.write, b"x")
b.write(b"thirteen")
tried(b.activate)
tried(a.activate)
c = u.Update(data("m14"))
c.write(b"fourteen")
tried(a.activate)
tried(b.activate)
print(data("a.txt"), had("files"))
tried(c.activate)
tried(c.activate)
print(data("a.txt"), had("files"))
""",
        **file_sets(device),
    )
    assert told == [
        ANOTHER, "ok", ANOTHER, ANOTHER, ANOTHER, "b'thirteen' 13",
        "ok", "version 14 is not newer than 14, which this board has had", "b'fourteen' 14",
    ]  # fmt: skip


@pytest.mark.parametrize("evil", ["EVILevil", "EVILevi", "EVILevil and more"])
def test_files_that_were_refused_are_not_put_in_place(device, evil):
    """By an Update that was complete before; nor what was changed in the folder."""
    told = device.run(
        f"""
a = u.Update(data("m14"))
a.write(b"fourteen")
b = u.Update(data("m15"))
try:
    b.write(b{evil!r})
except u.UpdateError:
    pass
tried(a.activate)
c = u.Update(data("m15"))
c.write(b"fifteen!")
with open("update.new/0", "wb") as file:
    file.write(b{evil!r})
tried(c.activate)
print(had("files"), "a.txt" in os.listdir(), c.wanted())
c.write(b"fifteen!")
tried(c.activate)
print(data("a.txt"), had("files"))
""",
        **file_sets(device),
    )
    wrong = "a.txt is not what was signed: download it again"
    assert told == [ANOTHER, wrong, "None False ('a.txt', 0, 8)", "ok", "b'fifteen!' 15"]


def test_updates_in_threads(device):
    """Each takes the place from the others, in the middle of whatever these do. The version only grows."""
    told = device.run(
        """
import _thread, random, time
names = ("12", "13", "14", "15")
texts = {"12": b"twelve", "13": b"thirteen", "14": b"fourteen", "15": b"fifteen!"}
manifests = {name: data("m" + name) for name in names}
running, errors, highest = [4], [], [0]
def work(seed):
    rng = random.getrandbits
    for i in range(60):
        name = names[rng(2)] if i < 50 or seed else "15"
        try:
            update = u.Update(manifests[name])
            time.sleep_ms(rng(2))
            for piece in (texts[name][:3], b"", texts[name][3:]):
                update.write(piece)
                time.sleep_ms(rng(1))
            update.activate()
        except u.UpdateError:
            pass
        except Exception as error:
            errors.append(repr(error))
    running[0] -= 1
for seed in range(4):
    _thread.start_new_thread(work, (seed,))
while running[0]:
    version = had("files") or 0
    assert version >= highest[0]
    highest[0] = version
    time.sleep_ms(1)
work(0)
print(errors, data("a.txt"), had("files"), os.listdir("."))
""",
        **file_sets(device),
    )
    errors, rest = told[-1].split("]", 1)
    assert errors == "["
    assert rest.startswith(" b'fifteen!' 15")
    assert "'update." not in rest


@pytest.mark.parametrize(
    "damage",
    [
        "open('update.new', 'w').close()",
        "os.mkdir('update.new'); open('update.new/0', 'w').close(); open('update.new/x', 'w').close()",
        "os.mkdir('update.new'); os.mkdir('update.new/x'); os.mkdir('update.new/x/y')",
        "os.mkdir('update.new'); os.mkdir('update.new/manifest'); open('update.new/manifest/z', 'w').close()",
        "open('update.todo', 'w').write('garbage' * 40)",
        "open('update.todo', 'w').close()",
        "open('update.todo', 'wb').write(b'\\xff' * 5000)",
        "os.mkdir('update.todo'); open('update.todo/x', 'w').close()",
        "open('update.todo', 'wb').write(data('m12')[:-9] + b'12345678\\n'); open('update.new', 'w').close()",
    ],
)
def test_what_is_left_or_damaged_is_cleared(device, damage):
    """By the start of the board, and by the next Update."""
    device.run(damage, **file_sets(device))
    told = device.run(
        """
u.finish()
a = u.Update(data("m12"))
a.write(b"twelve")
tried(a.activate)
print(data("a.txt"), had("files"), [name for name in os.listdir() if name.startswith("update.")])
"""
    )
    assert told == ["ok", "b'twelve' 12 []"]
    device.run(damage)
    told = device.run("tried(u.Update, data('m13'))\nprint(os.listdir('update.new'))")
    assert told == ["ok", "['0']"]


def test_a_damaged_list_puts_nothing_in_place(device):
    """Signed is what counts, not that it can be read."""
    told = device.run(
        """
os.mkdir("update.new")
with open("update.new/0", "wb") as file:
    file.write(b"evil")
with open("update.todo", "wb") as file:
    file.write(data("m12").replace(b"a.txt", b"b.txt"))
u.finish()
print([name for name in os.listdir() if name in ("a.txt", "b.txt", "update.todo", "update.new")], had("files"))
""",
        **file_sets(device),
    )
    assert told == ["[] None"]


def test_an_empty_image_is_none(device):
    assert refused(device, device.manifest("image", 6, {"i": b""}))[0].startswith(
        "the manifest is signed but cannot be read"
    )
