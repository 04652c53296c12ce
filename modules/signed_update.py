"""Takes a firmware image or a set of files that its owner has signed, and nothing else.

A manifest says what the parts of an update are, for which board, and its version; it ends with a signature (ECDSA,
P-256, SHA-256), which has to be by one of the keys that are pinned in the image (update_trust). Parts are
streamed: an image to the slot that is not running, files beside those they replace. What has another size or
digest than was signed is never activated, nor is a version that this board has had. docs/firmware.md has the format.

There is one place for what is received, so one Update has it, the latest; to those before it write() and activate()
are refused. Digests are those of what is in flash. A slot that is set to start is not written.
"""

import _thread
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

# Of all that imports update_trust, too: a module that another thread imports is there before its names are.
_turn = _thread.allocate_lock()
_owner = None  # the Update that has the slot, or _NEW


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
        or (kind == "image" and not parts[0][1])
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
    with _turn:
        from update_trust import VERSION

        # Between activate() and the reset it would be the other image that is kept.
        if Partition(Partition.BOOT).info() == Partition(Partition.RUNNING).info():
            try:
                Partition.mark_app_valid_cancel_rollback()
            except OSError as error:
                if error.errno not in _NO_TRIAL:
                    raise
        _had("image", VERSION)


def finish():
    """Put the files of an accepted set in place, if a power cut was in between. The firmware does so when it starts.

    What waits with a damaged manifest is removed: that set may come again.
    """
    try:
        with open(_TODO, "rb") as file:
            _, version, parts = _accepted(file.read(_LONGEST + 1))
    except OSError:
        return
    except UpdateError:
        version, parts = 0, ()
    for number, part in enumerate(parts):
        try:
            os.rename("{}/{}".format(_NEW, number), part[0])
        except OSError as error:
            if error.errno != 2:  # ENOENT: it is in place
                raise
    _had("files", version)
    _remove(_TODO)
    _remove(_NEW)


def _remove(name):
    # A file, or a folder and what is in it; there may be none.
    try:
        for inner in os.listdir(name):
            _remove(name + "/" + inner)
        os.rmdir(name)
    except OSError:
        try:
            os.remove(name)
        except OSError as error:
            if error.errno != 2:  # ENOENT
                raise


def _accepted(manifest):
    # (kind, version, parts) of a manifest that is signed, for this board.
    from update_trust import BOARD, KEYS

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
        board, *told = _parse(signed)
    except ValueError:
        raise UpdateError("the manifest is signed but cannot be read: sign it by firmware/sign.py")
    if board != BOARD:
        raise UpdateError("the update is for the board {}, and this is {}".format(board, BOARD))
    return told


def _check_version(kind, version):
    had = _nvs(kind)
    if version <= had:
        raise UpdateError(
            "version {} is not newer than {}, which this board has had".format(version, had)
        )


def _check_slot(slot):
    if Partition(Partition.BOOT).info() == slot.info():
        raise UpdateError("an image that was received is set to start: reset first")


class _Slot:
    # A part of `left` bytes that goes to the image's other slot, in blocks, or comes from it.

    def __init__(self, slot, left, number=0):
        self._slot = slot
        self._left = left
        self._number = number
        self._block = bytearray(_BLOCK)
        self._there = bytearray(_BLOCK)
        self._fill = 0

    def readinto(self, block):
        count = min(self._left, _BLOCK)
        if count:
            self._slot.readblocks(self._number, block)
            self._number += 1
            self._left -= count
        return count

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
            _check_slot(self._slot)
            # Flash is slow, and wears out: a second try writes what was damaged in the first.
            self._slot.readblocks(self._number, self._there)
            if self._there != self._block:
                self._slot.writeblocks(self._number, self._block)
            self._number += 1
            self._fill = 0


class Update:
    """An update that is being received.

    manifest: bytes. offset: of an image, how many of its bytes an Update of the same manifest has already written, for
    example before a reset; whole blocks of 4096 of them are not wanted again.
    kind: "image" or "files". version: an integer. parts: [(name, bytes, SHA-256)].

    Raises UpdateError: the signature is by no pinned key, it is for another board, not newer than what the board has
    had, there is no place for it, or an image is set to start. Nothing is written then.
    """

    def __init__(self, manifest, offset=0):
        manifest = bytes(manifest)
        self._manifest = manifest
        self._sink = None
        with _turn:
            kind, version, parts = _accepted(manifest)
            self.kind = kind
            self.version = version
            self.parts = parts
            self._start(kind, parts, offset)

    def _start(self, kind, parts, offset):
        global _owner
        from update_trust import VERSION

        finish()
        if kind == "image":
            if _nvs(kind) < VERSION:
                raise UpdateError("the running image is on trial: call confirm() first")
            try:
                self._slot = Partition(Partition.RUNNING).get_next_update()
            except OSError:
                raise UpdateError("this image has one slot: flash the variant OTA once, by cable")
            room = self._slot.info()[3] if len(parts) == 1 else 0
        _check_version(kind, self.version)
        need = sum(size for _, size, _ in parts)
        if kind == "image":
            _check_slot(self._slot)
        else:
            _check_names(parts)
            _owner = None
            _remove(_TODO)
            _remove(_NEW)
            os.mkdir(_NEW)
            stat = os.statvfs(".")
            room = stat[0] * stat[3]
            need += _BLOCK * (len(parts) + 4)  # each in blocks, and folders
        if need > room:
            raise UpdateError("the update takes {} bytes, there is room for {}".format(need, room))
        _owner = self
        self._begin(0, max(0, min(offset, need - 1)) // _BLOCK)

    def _begin(self, at, number=0):
        # The part of this number, from its first byte on, or an image from a block on.
        if self._sink:
            self._sink.close()
        self._at = at
        self._offset = 0
        self._sink = None
        if at == len(self.parts):
            return
        if self.kind == "image":
            self._offset = number * _BLOCK
            self._sink = _Slot(self._slot, 0, number)
            return
        self._sink = open("{}/{}".format(_NEW, at), "wb")  # noqa: SIM115  (closed by _write())
        self._write(b"")  # it may be empty

    def _check(self, at):
        # That a part is as it was signed, by what is in flash.
        _, size, digest = self.parts[at]
        sha = hashlib.sha256()
        block = memoryview(bytearray(_BLOCK))
        there = (
            _Slot(self._slot, size)
            if self.kind == "image"
            else open("{}/{}".format(_NEW, at), "rb")  # noqa: SIM115
        )
        while count := there.readinto(block):
            sha.update(block[:count])
        there.close()
        if sha.digest() != digest:
            self._again(at)

    def _again(self, at):
        self._begin(at)
        raise UpdateError("{} is not what was signed: download it again".format(self.parts[at][0]))

    def _is_owner(self):
        if _owner is not self:
            raise UpdateError("another Update was made after this one: go on with that")

    def wanted(self):
        """(name, offset, bytes left) of the part to go on with; None: all are there."""
        if self._at == len(self.parts):
            return None
        name, size, _ = self.parts[self._at]
        return name, self._offset, size - self._offset

    def write(self, data):
        """Take the next bytes of the part that is wanted.

        Raises UpdateError when it has more bytes than were signed, or another digest: then it is wanted from its
        beginning again; and when another Update was made meanwhile. Raises OSError where they cannot be written.
        """
        with _turn:
            self._is_owner()
            self._write(data)

    def _write(self, data):
        wanted = self.wanted()
        if not wanted:
            raise UpdateError("the update is complete: activate() it")
        _, _, left = wanted
        if len(data) > left:
            self._again(self._at)
        self._sink.write(data)
        self._offset += len(data)
        if len(data) == left:
            self._sink.close()
            self._check(self._at)
            self._begin(self._at + 1)

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

        Raises UpdateError if not all parts are there and as they were signed, by what is in flash; OSError.
        """
        with _turn:
            self._activate()

    def _activate(self):
        self._is_owner()
        if self.wanted():
            raise UpdateError("the update is not complete: write() or receive() the rest")
        _check_version(self.kind, self.version)
        for at in range(len(self.parts)):
            self._check(at)
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
