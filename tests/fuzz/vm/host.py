# Runs in the VM: feeds inputs to one target, tests/fuzz/vm/TARGET.py, and says what became of each.
#
# stdin: four bytes of length, then as many of input, again and again; the target's name is the first input. stdout: a
# line for each: what it came to, or "fault: " and why. A target's feed(data) returns that in few words, and raises what
# is a fault: an exception that is not documented, or something untrue.
import gc
import io
import select
import struct
import sys
import time

BYTES_KEPT = 20000  # more than that is not kept from inputs that are done with


class Clock:
    """In place of the module `time`: nobody sleeps, and time passes all the same."""

    ticks_add = time.ticks_add
    ticks_diff = time.ticks_diff
    gmtime = time.gmtime
    time = time.time  # the last, as `time` is the module before

    def __init__(self):
        self.now = 0

    def ticks_ms(self):
        return self.now & 0x3FFFFFFF

    def sleep_ms(self, ms):
        self.now += max(ms, 1)


clock = Clock()


class Wire(io.IOBase):
    """A connected stream whose far end has said all it will ever say, in pieces of at most `piece` bytes."""

    def __init__(self, data, piece=1 << 30, ends=True):
        self.data, self.at, self.piece, self.ends = data, 0, piece, ends
        self.written = 0

    def left(self):
        return len(self.data) - self.at

    def _take(self, most):
        size = min(most, self.piece, self.left())
        self.at += size
        return self.data[self.at - size : self.at]

    def read(self, most=1 << 30):
        return self._take(most) if self.left() or self.ends else None

    recv = read

    def readinto(self, buffer):
        if not self.left() and not self.ends:
            return None
        piece = self._take(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readline(self, most=1 << 30):
        if not self.left() and not self.ends:
            return None
        end = self.data.find(b"\n", self.at) + 1 or len(self.data)
        return self._take(min(most, end - self.at))

    def write(self, data):
        self.written += len(data)
        return len(data)

    def any(self):
        return self.left() if self.written else 0

    def txdone(self):
        return True

    def ioctl(self, request, argument):
        return argument & (select.POLLIN | select.POLLOUT) if request == 3 else 0

    def connect(self, address):
        pass

    setblocking = settimeout = connect

    def close(self):
        pass


class Datagrams:
    """In place of the module `socket`: datagrams that come after one has been sent. answers: (sender, bytes), or what
    makes them of the datagram that was sent last."""

    AF_INET, SOCK_DGRAM, SOCK_STREAM = 2, 2, 1

    def __init__(self, answers):
        self.answers = answers
        self.asked = None

    def socket(self, *kind):
        return self

    def connect(self, address):
        pass

    bind = setblocking = connect

    def close(self):
        pass

    def sendto(self, data, address=None):
        self.asked = bytes(data)
        return len(data)

    send = sendto

    def recvfrom(self, most):
        if not self.asked or not self.answers:
            raise OSError(11)
        sender, data = self.answers.pop(0)(self.asked)
        return data[:most], sender

    def recv(self, most):
        return self.recvfrom(most)[0]


def words(error, part=0):
    """What an error says, without numbers and what it cites: of its parts between colons the one that tells most."""
    text = (str(error).split(": ") + [""])[part].split("'")[0]
    text = "".join("" if char.isdigit() else char for char in text[:80])
    return "{} {!r}".format(type(error).__name__, text)


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        piece = stream.read(count - len(data))
        if not piece:
            return None
        data += piece
    return data


def main():
    stdin = sys.stdin.buffer
    feed = small = None
    count = kept = 0
    while (head := read_exactly(stdin, 4)) is not None:
        data = read_exactly(stdin, struct.unpack(">I", head)[0])
        if not feed:
            feed = __import__(data.decode()).feed
            print("ready")
            continue
        try:
            told = feed(data)
        except Exception as error:
            sys.print_exception(error, sys.stderr)
            told = "fault: " + words(error)
        count += 1
        if small is None or len(data) < len(small):
            small = data
        if count % 200 == 0 and not told.startswith("fault"):
            # What the stack has left of a long input is no fault: a short one takes its place.
            data = None
            used = 1 << 30
            for _ in range(3):
                feed(small)
                gc.collect()
                used = min(used, gc.mem_alloc())
            kept = kept or used
            if used > kept + BYTES_KEPT:
                told = "fault: {} bytes are kept of inputs that are done with".format(used - kept)
        print(told)
