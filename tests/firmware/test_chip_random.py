"""Random numbers on the chip: seeded at each start, and refused to TLS where their source has failed its test.

QEMU's generator is the host's; it has no ADC, whose registers take what is written, and no radio.
"""

import hashlib
import re
import struct
from pathlib import Path

import pytest
from emulator import find_image

APPLICATION_AT = 0x10000 - 0x1000  # firmware.bin begins at 0x1000
# entry a1, 32; movi.n a2, 0; retw.n: a word that is always 0
STUCK = bytes.fromhex("364100 0c02 1df0")

TLS = """
import os, requests, ssl
print("urandom=%s" % os.urandom(16).hex())
try:
    ssl.create_default_context()
    print("tls=ok")
except ssl.SSLError as error:
    print("tls=%s: %s" % (error.reason, error))
"""


def with_code(image: bytes, address: int, code: bytes) -> bytes:
    """firmware.bin with other code at an address of the application, its checksum and digest made right."""
    data = bytearray(image)
    at = APPLICATION_AT
    count, hashed = data[at + 1], data[at + 23]
    place, checksum, done = at + 24, 0xEF, False
    for _ in range(count):
        start, length = struct.unpack_from("<II", data, place)
        place += 8
        if start <= address < start + length:
            offset = place + address - start
            data[offset : offset + len(code)] = code
            done = True
        for byte in data[place : place + length]:
            checksum ^= byte
        place += length
    assert done and hashed
    place += 15 - (place - at) % 16
    data[place] = checksum
    end = place + 1
    data[end : end + 32] = hashlib.sha256(data[at:end]).digest()
    return bytes(data)


def test_seeded_at_each_start(bench):
    async def body(chip):
        told = []
        for _ in range(3):
            told.append(await bench.told(chip, TLS))
            await chip.restart()
        return told

    told = bench(body)
    assert [played.value("tls") for played in told] == ["ok"] * 3
    assert len({played.value("urandom") for played in told}) == 3


def test_a_broken_source_has_no_tls(bench, image, tmp_path):
    """The function that reads the source is replaced in the image by one that returns 0."""
    bench.need_simulator()
    image = image or find_image()
    symbols = Path(image).with_name("micropython.map")
    if not symbols.is_file():
        pytest.skip(f"needs {symbols.name} beside the image")
    found = re.search(
        r"\.text\.entropy_sample\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)", symbols.read_text()
    )
    address, size = (int(number, 16) for number in found.groups())
    assert size >= len(STUCK)
    broken = tmp_path / "firmware.bin"
    broken.write_bytes(with_code(Path(image).read_bytes(), address, STUCK))

    async def body(chip):
        return await bench.told(
            chip,
            TLS + "nic = ppp_sim800.PPP('internet')\nnic.connect()\n"
            "print('plain=%d' % requests.get('http://plain.example/ip').status_code)\n"
            "timed('https', requests.get, 'https://telemetry.example/')",
            timeout=300,
        )

    played = bench(body, image=broken)
    said = "the chip's source of random numbers has failed its test: switch the power off and on"
    assert played.value("tls") == f"no random numbers: {said}"
    assert played.value("https") == f"TLSError: {said}"
    assert played.value("plain") == "200"
    assert len(played.value("urandom")) == 32
