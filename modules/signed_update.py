"""Takes a firmware image or a set of files that its owner has signed, and nothing else.

A manifest says what the parts of an update are, for which board, and its version; it ends with a signature (ECDSA,
P-256, SHA-256), which has to be by one of the keys that are pinned in the image (update_trust). Parts are
streamed: an image to the slot that is not running, files beside those they replace. What has another size or
digest than was signed is never activated, nor is a version that this board has had. docs/firmware.md has the format.
"""

import hashlib
import os
from binascii import unhexlify

import ecdsa
from esp32 import NVS, Partition
from micropython import const

_FORMAT = const("signed-update 1\nboard ")
_LONGEST = const(4096)  # bytes of a manifest
_SIGNATURE = const(139)  # ... of its last line
_BLOCK = const(4096)
_NO_TRIAL = const(
    (1, -261)
)  # ESP_FAIL, ESP_ERR_NOT_FOUND: it was flashed by cable; there is one slot

_NEW = "update.new"  # the folder of files that are not in place yet, named by their number
_TODO = "update.todo"  # a manifest: all its files are there, and have to be put in place


class UpdateError(Exception):
    """The update is refused, or not complete; its text says why."""


def _parse(signed):
    # (board, kind, version, [(name, size, digest)])
    lines = signed.decode().split("\n")
    parts = []
    for line in lines[4:-1]:
        word, size, digest, name = line.split(" ")
        if word != "part" or int(size) < 0:
            raise ValueError
        parts.append((name, int(size), unhexlify(digest)))
    (_, board), (k, kind), (v, version) = [line.split(" ") for line in lines[1:4]]
    version = int(version)
    if (
        (k, v) != ("kind", "version")
        or kind not in ("image", "files")
        or not 0 < version < 1 << 31  # what NVS holds
        or not parts
    ):
        raise ValueError
    return board, kind, version, parts


def _check_names(parts):
    # Names that put a file where it belongs, and into nobody's way.
    seen = {_NEW, _TODO}
    for name, _, _ in parts:
        way = name.split("/")
        if (
            len(name) > 64
            or not all("!" <= c <= "~" for c in name)
            or any(step in ("", ".", "..") for step in way)
            or name in seen
            or any("/".join(way[:i]) in seen for i in range(1, len(way)))
            or any(other.startswith(name + "/") for other in seen)
        ):
            raise UpdateError("{!r} cannot be the name of a file in an update".format(name))
        seen.add(name)


def _nvs(kind):
    try:
        return NVS("signed_update").get_i32(kind)
    except OSError:
        return 0  # never set


def _had(kind, version):
    if version > _nvs(kind):
        nvs = NVS("signed_update")
        nvs.set_i32(kind, version)
        nvs.commit()


def confirm():
    """Keep the running image: it is not replaced by the former one at the next reset, and no older one is accepted any more.

    For main.py of every image, once it has proved what matters. With one slot it only takes note of the version.
    """
    import update_trust

    # Between activate() and the reset it would be the other image that is kept.
    if Partition(Partition.BOOT).info() == Partition(Partition.RUNNING).info():
        try:
            Partition.mark_app_valid_cancel_rollback()
        except OSError as error:
            if error.errno not in _NO_TRIAL:
                raise
    _had("image", update_trust.VERSION)


def finish():
    """Put the files of an accepted set in place, if a power cut was in between. The firmware does so when it starts."""
    try:
        with open(_TODO, "rb") as file:
            _, _, version, parts = _parse(file.read()[:-_SIGNATURE])
    except OSError:
        return
    for number, part in enumerate(parts):
        try:
            os.rename("{}/{}".format(_NEW, number), part[0])
        except OSError as error:
            if error.errno != 2:  # ENOENT: it is in place
                raise
    _had("files", version)
    os.remove(_TODO)
    os.rmdir(_NEW)


class _Slot:
    # A part that goes to the image's other slot, in blocks.

    def __init__(self, slot, number):
        self.slot = slot
        self._number = number
        self._block = bytearray(_BLOCK)
        self._there = bytearray(_BLOCK)
        self._fill = 0

    def write(self, data):
        data = memoryview(data)
        while data:
            count = min(_BLOCK - self._fill, len(data))
            self._block[self._fill : self._fill + count] = data[:count]
            self._fill += count
            data = data[count:]
            if self._fill == _BLOCK:
                self.close()

    def close(self):
        if self._fill:
            for at in range(self._fill, _BLOCK):
                self._block[at] = 0xFF
            # Flash is slow, and wears out: a second try writes what was damaged in the first.
            self.slot.readblocks(self._number, self._there)
            if self._there != self._block:
                self.slot.writeblocks(self._number, self._block)
            self._number += 1
            self._fill = 0


class Update:
    """An update that is being received.

    manifest: bytes. offset: of an image, how many of its bytes an Update of the same manifest has already written, for
    example before a reset; whole blocks of 4096 of them are read back.
    kind: "image" or "files". version: an integer. parts: [(name, bytes, SHA-256)].

    Raises UpdateError: the signature is by no pinned key, it is for another board, not newer than what the board has
    had, or there is no place for it. Nothing is written then.
    """

    def __init__(self, manifest, offset=0):
        from update_trust import BOARD, KEYS, VERSION

        if not KEYS:
            raise UpdateError("this image accepts no update: build it with UPDATE_KEYS")
        signed = bytes(manifest[:-_SIGNATURE])
        last = bytes(manifest[-_SIGNATURE:])
        if (
            len(manifest) > _LONGEST
            or not signed.startswith(_FORMAT)
            or last[:10] != b"signature "
            or last[-1:] != b"\n"
        ):
            raise UpdateError("this is no manifest of a signed update: see docs/firmware.md")
        digest = hashlib.sha256(signed).digest()
        try:
            signature = unhexlify(last[10:-1])
        except ValueError:
            signature = b""
        if not any(ecdsa.verify(key, digest, signature) for key in KEYS):
            raise UpdateError(
                "the update is not signed by a key of this image: do not trust it, it is forged, damaged, or for others"
            )
        try:
            board, kind, version, parts = _parse(signed)
        except ValueError:
            raise UpdateError(
                "the manifest is signed but cannot be read: sign it by firmware/sign.py"
            )
        if board != BOARD:
            raise UpdateError(
                "the update is for the board {}, and this is {}".format(board, BOARD)
            )
        finish()
        self.kind = kind
        self.version = version
        self.parts = parts
        had = _nvs(kind)
        if kind == "image":
            if had < VERSION:
                raise UpdateError("the running image is on trial: call confirm() first")
            try:
                self._slot = Partition(Partition.RUNNING).get_next_update()
            except OSError:
                raise UpdateError("this image has one slot: flash the variant OTA once, by cable")
            room = self._slot.info()[3] if len(parts) == 1 else 0
        if version <= had:
            raise UpdateError(
                "version {} is not newer than {}, which this board has had".format(version, had)
            )
        need = sum(size for _, size, _ in parts)
        if kind == "files":
            _check_names(parts)
            try:
                for name in os.listdir(_NEW):
                    os.remove("{}/{}".format(_NEW, name))
            except OSError:
                os.mkdir(_NEW)
            stat = os.statvfs(".")
            room = stat[0] * stat[3]
            need += _BLOCK * (len(parts) + 4)  # each in blocks, and folders
        if need > room:
            raise UpdateError("the update takes {} bytes, there is room for {}".format(need, room))
        self._manifest = bytes(manifest)
        self._begin(0)
        if kind == "image":
            block = bytearray(_BLOCK)
            for number in range(min(offset, parts[0][1] - 1) // _BLOCK):
                self._slot.readblocks(number, block)
                self._sha.update(block)
                self._offset += _BLOCK
            self._sink = _Slot(self._slot, self._offset // _BLOCK)

    def _begin(self, at):
        # The part of this number, from its first byte on.
        self._at = at
        self._offset = 0
        self._sha = hashlib.sha256()
        if at == len(self.parts):
            return
        if self.kind == "image":
            self._sink = _Slot(self._slot, 0)
            return
        self._sink = open("{}/{}".format(_NEW, at), "wb")  # noqa: SIM115  (closed by write())
        self.write(b"")  # it may be empty

    def wanted(self):
        """(name, offset, bytes left) of the part to go on with; None: all are there."""
        if self._at == len(self.parts):
            return None
        name, size, _ = self.parts[self._at]
        return name, self._offset, size - self._offset

    def write(self, data):
        """Take the next bytes of the part that is wanted.

        Raises UpdateError when it has more bytes than were signed, or another digest: then it is wanted from its
        beginning again. Raises OSError where they cannot be written.
        """
        name, _, left = self.wanted()
        if len(data) <= left:
            self._sha.update(data)
            self._sink.write(data)
            self._offset += len(data)
            if len(data) < left:
                return
            self._sink.close()
            if self._sha.digest() == self.parts[self._at][2]:
                self._begin(self._at + 1)
                return
        else:
            self._sink.close()
        self._begin(self._at)
        raise UpdateError("{} is not what was signed: download it again".format(name))

    def receive(self, source):
        """Read all that is wanted, then activate().

        source: source(name, offset) returns a stream of that part from that byte on, such as a socket or file, which is
        closed here. Raises UpdateError, OSError; after either call it again: it goes on where it was.
        """
        block = bytearray(_BLOCK)
        while wanted := self.wanted():
            name, offset, left = wanted
            stream = source(name, offset)
            try:
                while left:
                    count = stream.readinto(memoryview(block)[: min(_BLOCK, left)])
                    if not count:
                        raise UpdateError(
                            "{} ended {} bytes early: call receive() again".format(name, left)
                        )
                    self.write(memoryview(block)[:count])
                    left -= count
            finally:
                stream.close()
        self.activate()

    def activate(self):
        """Have the image start at the next reset, on trial until confirm(); or put all files in place.

        Raises UpdateError if not all parts are there, OSError.
        """
        if self.wanted():
            raise UpdateError("the update is not complete: write() or receive() the rest")
        if self.kind == "image":
            self._slot.set_boot()
            return
        for name, _, _ in self.parts:
            way = name.split("/")
            for i in range(1, len(way)):
                _folder("/".join(way[:i]), True)
            _folder(name, False)
        name = _NEW + "/manifest"
        with open(name, "wb") as file:
            file.write(self._manifest)
        os.rename(name, _TODO)
        finish()


def _folder(name, wanted):
    # Is it a folder, or has it become one? What is in the way has to be told before anything is replaced.
    try:
        there = os.stat(name)[0] & 0x4000
    except OSError:
        if wanted:
            os.mkdir(name)
        return
    if bool(there) != wanted:
        raise UpdateError("{} is in the way of the update: remove it".format(name))
