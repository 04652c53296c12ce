"""A TLS socket while a call of it is under way: nothing that is in use is freed (patches/extmod/0050)."""

import errno

import pytest
from drops import drop_files
from tls_peer import ADDRESS, HOST, UP, party

pytestmark = pytest.mark.real_time

# Two ends of a connection in memory, which call `during` from within a stream's method or the verify callback.
ENDS = """
import errno, gc, io, tls

def read(name):
    with open(name, "rb") as file:
        return file.read()

class End(io.IOBase):
    during = None

    def __init__(self):
        self.input = b""
        self.closed = 0

    def now(self, where):
        if self.during and self.during[0] == where:
            call, self.during = self.during[1], None
            inner(call)

    def readinto(self, buf):
        self.now("readinto")
        n = min(len(buf), len(self.input))
        if n == 0:
            return None
        buf[:n] = self.input[:n]
        self.input = self.input[n:]
        return n

    def write(self, buf):
        self.now("write")
        self.other.input += bytes(buf)
        return len(buf)

    def ioctl(self, request, arg):
        if request == 4:
            self.closed += 1
        else:
            self.now("ioctl")
        return 0

results = []

def inner(call):
    # What a callback's own call ends with must not end what has called it.
    try:
        results.append(repr(call()))
    except (OSError, ValueError) as error:
        results.append("%s(%s)" % (type(error).__name__, error.args[0]))

client = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
client.verify_mode = tls.CERT_OPTIONAL
client.load_verify_locations(read("server.der"))
server = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
server.load_cert_chain(read("server.der"), read("server-key.der"))

CALLS = {
    "close": lambda socket: socket.close(),
    "shake": lambda socket: socket.do_handshake(),
    "read": lambda socket: socket.read(1),
    "write": lambda socket: socket.write(b"x"),
    "cipher": lambda socket: socket.cipher() and None,
    "session": lambda socket: socket.session and None,
    "certificate": lambda socket: socket.getpeercert(True) and None,
}

def pair(callback=None):
    one, two = End(), End()
    one.other, two.other = two, one
    return (
        one,
        client.wrap_socket(
            one, server_hostname="device.example", do_handshake_on_connect=False, verify_callback=callback
        ),
        server.wrap_socket(two, server_side=True, do_handshake_on_connect=False),
    )

def tried(call):
    try:
        call()
        return "done"
    except OSError as error:
        return "again" if error.errno == errno.EAGAIN else "OSError(%s)" % error.errno
    except ValueError as error:
        return "ValueError"

def shake(*both):
    said = [None, None]
    for _ in range(10):
        for at, socket in enumerate(both):
            if said[at] in (None, "again"):
                said[at] = tried(socket.do_handshake)
            elif at and said[0] == "again":
                tried(lambda: socket.read(1))  # which sends what a server has held back
    return said
"""

BUSY = f"OSError({errno.EBUSY})"
# What each call says when the socket is in use, and what becomes of that use.
WITHIN = {
    **dict.fromkeys(("shake", "read", "write"), BUSY),
    **dict.fromkeys(("close", "cipher", "session", "certificate"), "None"),
}


@pytest.mark.parametrize("where", ["readinto", "write", "ioctl", "callback"])
def test_calls_from_within(play, where):
    played = play(
        ENDS
        + f"""
where = {where!r}
for name, call in CALLS.items():
    for _ in range(4):
        del results[:]
        sockets = []
        callback = None
        if where == "callback":
            callback = lambda certificate, depth: inner(lambda: call(sockets[0])) or 0
        end, one, two = pair(callback)
        sockets.append(one)
        if where == "ioctl":
            # Of a connection that is up, while somebody polls it
            import select
            said = shake(one, two)
            end.during = where, lambda: call(one)
            poller = select.poll()
            poller.register(one)
            poller.poll(0)
        else:
            end.during = where, lambda: call(one)
            said = shake(one, two)
        kept = [bytes(500) for _ in range(50)]
        gc.collect()
        after = tried(lambda: one.write(b"x")) if said[0] == "done" else "-"
        print("%s=%s,%s,%s,%d" % (name, results[0], said[0], after, end.closed))
        for socket in (one, two):
            socket.close()
            socket.close()
    print("%s_closed=%d" % (name, end.closed))
""",
        files=drop_files(),
    )
    for name, inner in WITHIN.items():
        lines = {line.partition("=")[2] for line in played.lines if line.startswith(name + "=")}
        if name == "close":
            # It is closed, with its stream, once, when the use is over.
            (line,) = lines
            result, _, after, closed = line.split(",")
            assert (result, closed) == ("None", "1")
            assert after in (f"OSError({errno.EBADF})", "-")
        else:
            assert lines == {f"{inner},done,done,0"}, name
        assert played.value(name + "_closed") == "1"


def test_what_a_closed_or_fresh_socket_says(play):
    played = play(
        ENDS
        + """
def told(socket):
    return [tried(lambda: CALLS[name](socket)) for name in ("shake", "read", "write", "cipher", "session")]
end, one, two = pair()
print("fresh=%s" % [one.cipher(), one.getpeercert(True), one.session])
print("said=%s" % shake(one, two))
print("up=%s" % one.cipher()[0])
one.close()
print("closed=%s" % [one.cipher(), one.getpeercert(True), one.session, one.selected_alpn_protocol()])
print("calls=%s" % told(one))
""",
        files=drop_files(),
    )
    assert played.value("fresh") == "[None, None, None]"
    assert played.value("said") == "['done', 'done']"
    assert played.value("up").startswith("TLS-ECDHE-ECDSA")
    assert played.value("closed") == "[None, None, None, None]"
    bad = f"OSError({errno.EBADF})"
    assert played.value("calls") == str([bad, bad, bad, "done", "done"])


def test_a_certificate_that_a_callback_keeps(play):
    played = play(
        ENDS
        + """
kept = []
end, one, two = pair(lambda certificate, depth: kept.append(certificate) or 0)
shake(one, two)
one.close()
filled = [bytes(100) for _ in range(200)]
gc.collect()
print("same=%s" % (bytes(kept[0]) == read("server.der")))
""",
        files=drop_files(),
    )
    assert played.value("same") == "True"


def test_a_thread_that_waits_while_another_closes(play, serve, roots, bundle):
    """Through the real socket, which lets other threads run while it waits."""
    serve(party(HOST, roots["known"]), port=1)
    played = play(
        UP
        + """
import _thread, gc
context.load_default_certs()

def run(name, call):
    global ended
    try:
        call()
        told = "done"
    except OSError as error:
        told = "OSError(%s)" % error.errno
    print("%s=%s" % (name, told))
    ended = True

for name, shaken in (("read", True), ("handshake", False)):
    for _ in range(3):
        ended = False
        plain = socket.socket()
        plain.settimeout(3)
        plain.connect((ADDRESS, 1))
        one = context.wrap_socket(
            plain, server_hostname="device.example", do_handshake_on_connect=shaken
        )
        call = (lambda: one.read(1)) if shaken else one.do_handshake
        _thread.start_new_thread(run, (name, call))
        time.sleep_ms(100)
        if shaken:
            try:
                one.read(1)
                print("other=read")
            except OSError as error:
                print("other=%s" % error.errno)
        one.close()
        filled = [bytes(1000) for _ in range(100)]
        while not ended:
            time.sleep_ms(20)
        del filled
        gc.collect()
        print("%s_after=%s" % (name, one.cipher()))
""".replace("ADDRESS", repr(ADDRESS)),
        env=bundle,
    )
    for name in ("read", "handshake"):
        lines = [line for line in played.lines if line.startswith(name + "=")]
        assert len(lines) == 3
        # A handshake may be over by then.
        assert set(lines) <= {
            f"{name}=OSError({errno.EBADF})",
            *(["handshake=done"] if name == "handshake" else []),
        }
        assert played.value(name + "_after") == "None"
    assert {line for line in played.lines if line.startswith("other=")} == {f"other={errno.EBUSY}"}
