"""Signed updates on the chip: its own partitions, NVS and mbedTLS. The variant OTA is needed for images."""

import sys
from pathlib import Path

import pytest
from emulator import find_image
from update_server import Server, documented
from world import ROOT

sys.path.insert(0, str(ROOT / "firmware"))
import sign

ADDRESS = "203.0.113.81"
APPLICATION_AT = 0x10000 - 0x1000  # firmware.bin begins at 0x1000
OTHER_AT = 0x1B0000 - 0x1000  # partitions-ota.csv
SETUP = """
import os, sys
sys.path.insert(0, "/ram")
import signed_update as u, update_trust
from esp32 import NVS, Partition
os.chdir("/")
def slot(which=Partition.RUNNING):
    return Partition(which).info()[4]
def had(kind):
    try:
        return NVS("signed_update").get_i32(kind)
    except OSError:
        return None
def data(name):
    with open("/ram/" + name, "rb") as file:
        return file.read()
class Slot:
    # The running image as a stream, with one bit flipped if `flip` is within.
    def __init__(self, at, flip):
        self.at, self.flip = at, flip
        self.partition = Partition(Partition.RUNNING)
        self.block = bytearray(4096)
        self.number = -1
    def readinto(self, buf):
        number, start = divmod(self.at, 4096)
        if number != self.number:
            self.partition.readblocks(number, self.block)
            self.number = number
        if 0 <= self.flip - number * 4096 < 4096:
            self.block[self.flip - number * 4096] ^= 1
            self.flip = -1
        count = min(len(buf), 4096 - start)
        buf[:count] = self.block[start:start + count]
        self.at += count
        return count
    def close(self):
        pass
"""


@pytest.fixture
def keys(tmp_path):
    found = [tmp_path / "owner.pem", tmp_path / "next.pem"]
    for key in found:
        sign.make_key(key)
    return found


@pytest.fixture
def application(image):
    return Path(image or find_image()).read_bytes()[APPLICATION_AT:]


@pytest.fixture
def prepared(image, application, tmp_path):
    """The image with its application in the other slot, too, but for three blocks: QEMU takes seconds to write one."""
    slot = bytearray(application)
    for block in (0, len(slot) // 2 >> 12 << 12, (len(slot) - 1) >> 12 << 12):
        slot[block : block + 4] = b"none"
    whole = Path(image or find_image()).read_bytes().ljust(OTHER_AT, b"\xff") + slot
    (tmp_path / "firmware.bin").write_bytes(whole)
    return tmp_path / "firmware.bin"


async def boot(bench, chip, keys, version, **files):
    """Put there what the image would have frozen, and what else the script wants."""
    await chip.put("update_trust.py", sign.trust("TCALL_SIM800", version, keys).encode())
    for name, content in files.items():
        await chip.put(name, content)
    return await bench.told(chip, SETUP + "print('slot=%s' % slot())")


def test_the_image_itself_trusts_nobody_unless_it_was_told(bench):
    async def body(chip):
        return await bench.told(
            chip,
            "import signed_update, update_trust\nprint('keys=%d' % len(update_trust.KEYS))\n"
            "signed_update.confirm()\ntry:\n    signed_update.Update(b'')\n"
            "except signed_update.UpdateError as error:\n    print('error=%s' % error)",
        )

    played = bench(body)
    expected = "this is no manifest of a signed update: see docs/firmware.md"
    if played.value("keys") == "0":
        expected = "this image accepts no update: build it with UPDATE_KEYS"
    assert played.value("error") == expected


def test_a_set_of_files(bench, keys):
    """By the chip's mbedTLS; then a start in the middle of putting it in place."""
    bench.need_simulator()
    parts = {"one.txt": b"one" * 2000, "new/two.txt": b"2"}
    manifest = sign.manifest(keys[1], "TCALL_SIM800", "files", 7, parts)
    script = f"""
taken = u.Update(data("m"))
taken.write({parts["one.txt"]!r})
taken.write({parts["new/two.txt"]!r})
os.mkdir("new")
# All that activate() does before the first file is in place
with open("update.todo", "wb") as file:
    file.write(data("m"))
print("before=%s" % sorted(os.listdir()))
"""

    async def body(chip):
        await boot(bench, chip, keys, 1, m=manifest)
        before = await bench.told(chip, script, timeout=300)
        await chip.restart()
        await boot(bench, chip, keys, 1, m=manifest)
        after = await bench.told(
            chip,
            "print('after=%s' % sorted(os.listdir()))\nprint('had=%s' % had('files'))\n"
            "print('same=%s' % (open('/one.txt').read() == 'one' * 2000 and open('/new/two.txt').read() == '2'))\n"
            "try:\n    u.Update(data('m'))\nexcept u.UpdateError as error:\n    print('again=%s' % error)",
        )
        return before, after

    before, after = bench(body)
    assert "one.txt" not in before.value("before")
    assert after.value("after") == "['boot.py', 'new', 'one.txt', 'ram']"
    assert after.value("had") == "7"
    assert after.value("same") == "True"
    assert after.value("again").startswith("version 7 is not newer than 7")


def test_an_image_is_streamed_tried_confirmed_and_left(bench, keys, application, prepared):
    bench.need_simulator()
    parts = {"app": application}
    manifests = {
        f"m{version}": sign.manifest(keys[0], "TCALL_SIM800", "image", version, parts)
        for version in (5, 6, 7)
    }
    trial = """
u.confirm()
print("had=%s" % had("image"))
taken = u.Update(data("m{0}"))
try:
    taken.receive(lambda name, offset: Slot(offset, {1}))
except u.UpdateError as error:
    print("error=%s" % error)
print("boot=%s" % slot(Partition.BOOT))
"""

    async def body(chip):
        told = [await boot(bench, chip, keys, 5, **manifests)]
        if told[0].value("slot") == "factory":
            pytest.skip("the standard image has one slot: test the variant OTA")
        for flip in (0, 700_000, len(application) - 1):
            refused = await bench.told(chip, trial.format(6, flip), timeout=600)
            assert refused.value("error") == "app is not what was signed: download it again"
            assert refused.value("boot") == "ota_0"
        # Taken, tried and not confirmed
        told.append(await bench.told(chip, trial.format(6, -1), timeout=600))
        await chip.restart()
        told.append(await boot(bench, chip, keys, 6, **manifests))
        await chip.restart()
        told.append(await boot(bench, chip, keys, 5, **manifests))
        # Tried again and confirmed; it stays, and version 6 does not come again
        told.append(await bench.told(chip, trial.format(6, -1), timeout=600))
        await chip.restart()
        told.append(await boot(bench, chip, keys, 6, **manifests))
        told.append(await bench.told(chip, "u.confirm()\nprint('had=%s' % had('image'))"))
        await chip.restart()
        told.append(await boot(bench, chip, keys, 6, **manifests))
        told.append(
            await bench.told(
                chip,
                "for name in ('m5', 'm6', 'm7'):\n    try:\n        u.Update(data(name))\n"
                "        print(name + '=taken')\n"
                "    except u.UpdateError as error:\n        print('%s=%s' % (name, error))",
            )
        )
        return told

    told = bench(body, image=prepared)
    slots = [played.value("slot") for played in told if "slot=" in played.result.stdout]
    assert slots == ["ota_0", "ota_1", "ota_0", "ota_1", "ota_1"]
    assert [told[i].value("boot") for i in (1, 4)] == ["ota_1", "ota_1"]
    assert told[1].value("had") == told[4].value("had") == "5"
    assert told[6].value("had") == "6"
    assert told[8].value("m5").startswith("version 5 is not newer than 6")
    assert told[8].value("m6").startswith("version 6 is not newer than 6")
    assert told[8].value("m7") == "taken"


@pytest.mark.slow
def test_all_of_an_image_is_written_and_starts(bench, keys, application):
    """Half an hour in QEMU."""
    bench.need_simulator()
    manifest = sign.manifest(keys[0], "TCALL_SIM800", "image", 6, {"app": application})

    async def body(chip):
        started = await boot(bench, chip, keys, 5, m=manifest)
        if started.value("slot") == "factory":
            pytest.skip("the standard image has one slot: test the variant OTA")
        script = "u.confirm()\nu.Update(data('m')).receive(lambda name, offset: Slot(offset, -1))"
        await bench.told(chip, script, timeout=7200)
        await chip.restart()
        return await boot(bench, chip, keys, 6)

    assert bench(body).value("slot") == "ota_1"


@pytest.mark.slow
def test_an_image_comes_over_ppp_and_starts(
    bench, keys, application, prepared, internet, monkeypatch
):
    """As docs/firmware.md has it; the connection breaks off half-way."""
    bench.need_simulator()
    manifest = sign.manifest(
        keys[0], "TCALL_SIM800", "image", 6, {"firmware.app-bin": application}
    )
    server = Server({"firmware.manifest": manifest, "firmware.app-bin": application})
    monkeypatch.setitem(internet.routes, (ADDRESS, 80), server.server_address[1])
    code = documented()

    async def body(chip):
        started = await boot(bench, chip, keys, 5)
        if started.value("slot") == "factory":
            pytest.skip("the standard image has one slot: test the variant OTA")
        came = await bench.told(
            chip,
            "u.confirm()\nimport ppp_sim800, requests, time\nsigned_update = u\nnic = ppp_sim800.PPP('internet')\n"
            "nic.connect()\nbegin = time.ticks_ms()\n"
            + code
            + "print('boot=%s' % slot(Partition.BOOT))\n"
            "print('ms=%d' % time.ticks_diff(time.ticks_ms(), begin))\nnic.disconnect()",
            timeout=1200,
        )
        await chip.restart()
        return came, await boot(bench, chip, keys, 6)

    came, after = bench(body, image=prepared, names={"updates.example": ADDRESS})
    server.shutdown()
    print(came.result.stdout)
    assert came.value("boot") == "ota_1"
    assert len(server.ranges) == 2
    assert server.ranges[0] == 0 < server.ranges[1] < len(application)
    assert after.value("slot") == "ota_1"
