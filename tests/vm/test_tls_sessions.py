"""TLS sessions and what a ClientHello offers: patches/extmod, below all Python."""

import socket
import ssl
import threading
from dataclasses import dataclass

from tls_peer import ADDRESS, HOST, UP, party

SESSIONS = """
import io

class Counted(io.IOBase):
    '''A socket that counts what the handshake takes.'''
    def __init__(self, plain):
        self.plain = plain
        self.bytes = 0
    def readinto(self, data):
        count = self.plain.readinto(data)
        self.bytes += count or 0
        return count
    def write(self, data):
        count = self.plain.write(data)
        self.bytes += count or 0
        return count
    def ioctl(self, request, argument):
        if request == 4:
            self.plain.close()
        return 0

class Closed(io.IOBase):
    '''A stream that has ended.'''
    def readinto(self, data):
        return 0
    def write(self, data):
        return len(data)
    def ioctl(self, request, argument):
        return 0

def connect(name, port, session=None, context=context):
    plain = socket.socket()
    plain.settimeout(20)
    plain.connect((ADDRESS, port))
    counted = Counted(plain)
    try:
        secure = context.wrap_socket(counted, server_hostname="device.example", session=session)
    except Exception:
        plain.close()
        raise
    print("%s_bytes=%d" % (name, counted.bytes))
    secure.write(b"hello\\n")
    print("%s=%s,%s" % (name, secure.readline().decode().strip(), secure.session_reused))
    session = secure.session
    secure.close()
    print("%s_closed=%s,%s" % (name, secure.session, secure.session_reused))
    return session
""".replace("ADDRESS", repr(ADDRESS))


def test_session_is_resumed(play, serve, roots, bundle):
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, port=1)
    serve(leaf, middle, port=2).context.options |= ssl.OP_NO_TICKET  # session ids instead
    played = play(
        UP
        + SESSIONS
        + """
context.load_default_certs()
for port in (1, 2):
    session = connect("full%d" % port, port)
    print("repr%d=%r" % (port, session))
    again = connect("again%d" % port, port, session)
    third = connect("third%d" % port, port, again)
    blob = third.to_bytes()
    print("blob%d=%d" % (port, len(blob)))
    other = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    other.load_default_certs()
    connect("woken%d" % port, port, tls.SSLSession(bytearray(blob)), other)
    # What the server does not know gets a full handshake.
    new = connect("declined%d" % port, 3 - port, session)
    connect("renewed%d" % port, 3 - port, new)
""",
        env=bundle,
    )
    for port in "12":
        assert played.value("full" + port) == "full,False"
        assert played.value("again" + port) == "resumed,True"
        assert played.value("third" + port) == "resumed,True"
        assert played.value("woken" + port) == "resumed,True"
        assert played.value("declined" + port) == "full,False"
        assert played.value("renewed" + port) == "resumed,True"
        assert played.value("full" + port + "_closed") == "None,False"
        assert played.value("repr" + port) == "<SSLSession>"
        assert int(played.value("blob" + port)) < 400
    full, again = int(played.value("full2_bytes")), int(played.value("again2_bytes"))
    assert again < 0.3 * full, (full, again)


def test_session_is_kept_from_where_it_does_not_belong(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1)
    serve(party(HOST, roots["unknown"]), port=2)
    played = play(
        UP
        + SESSIONS
        + """
context.load_default_certs()
loose = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
loose.verify_mode = tls.CERT_NONE
optional = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
optional.load_default_certs()
optional.verify_mode = tls.CERT_OPTIONAL
unverified = connect("loose", 2, None, loose)
doubtful = connect("optional", 2, None, optional)
verified = connect("good", 1)
connect("loose_again", 2, unverified, loose)

# The mode is that of the handshake, not that of the moment the session is taken.
secure = open_tls(2, loose)
loose.verify_mode = tls.CERT_REQUIRED
late = secure.session
secure.close()
loose.verify_mode = tls.CERT_NONE

# A verified session that the server declined: the new one is not verified.
declined = connect("declined", 2, verified, loose)

# One that was verified and resumed stays verified.
resumed = connect("resumed", 1, verified, loose)
connect("resumed_again", 1, resumed)

def refused(name, call):
    try:
        call()
        print(name + "=accepted")
    except (OSError, ValueError, TypeError) as error:
        print(name + "=" + repr(error))

for name, session in (("u", unverified), ("d", doubtful), ("l", late), ("c", declined)):
    refused(name + "1", lambda: connect(name, 1, session))
    refused(name + "2", lambda: connect(name, 2, tls.SSLSession(session.to_bytes())))
refused("bytes", lambda: connect("bytes", 1, verified.to_bytes()))
refused("server", lambda: tls.SSLContext(tls.PROTOCOL_TLS_SERVER).wrap_socket(
    socket.socket(), server_side=True, session=verified))

blob = verified.to_bytes()
wrong = 0
for data in [b"", b"x", blob[:-1], blob + b"x", bytes(len(blob))]:
    try:
        tls.SSLSession(data)
    except ValueError as error:
        wrong += 1
        words = str(error)
print("wrong=%d,%s" % (wrong, words))
refused("number", lambda: tls.SSLSession(1))
# Any byte of it wrong: refused, or harmless.
for at in range(len(blob)):
    for bits in (1, 0xff):
        damaged = bytearray(blob)
        damaged[at] ^= bits
        try:
            damaged = tls.SSLSession(damaged)
        except ValueError:
            continue
        try:
            secure = context.wrap_socket(Closed(), server_hostname="x", session=damaged)
        except (OSError, ValueError):
            pass
print("damaged=done")
""",
        env=bundle,
    )
    assert played.value("good") == "full,False"
    assert played.value("loose_again") == "resumed,True"
    assert played.value("declined") == "full,False"
    assert played.value("resumed") == "resumed,True"
    assert played.value("resumed_again") == "resumed,True"
    for name in ("u1", "u2", "d1", "d2", "l1", "l2", "c1", "c2"):
        assert "was not verified" in played.value(name)
    assert "must be an SSLSession" in played.value("bytes")
    assert "client mode" in played.value("server")
    assert played.value("wrong") == "5,not a TLS session of this firmware"
    assert "TypeError" in played.value("number")
    assert played.value("damaged") == "done"


def test_session_remembers_its_tag(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1)
    played = play(
        UP
        + SESSIONS
        + """
context.load_default_certs()
untagged = connect("untagged", 1)
print("none=%r" % untagged.tag)
tag = bytes(range(255))
secure = open_tls(1, context, session_tag=tag)
secure.write(b"x\\n")
secure.readline()
session = secure.session
secure.close()
print("tag=%s,%s" % (session.tag == tag, tls.SSLSession(session.to_bytes()).tag == tag))
connect("again", 1, tls.SSLSession(session.to_bytes()))
for tag in (bytes(256), 1, None):
    try:
        open_tls(1, context, session_tag=tag)
    except (TypeError, ValueError) as error:
        print("refused=%r" % error)
""",
        env=bundle,
    )
    assert played.value("none") == "b''"
    assert played.value("tag") == "True,True"
    assert played.value("again") == "resumed,True"
    assert played.result.stdout.count("refused=") == 3


def test_client_hello(play, monkeypatch, internet):
    """What is offered, byte by byte (RFC 5246, 7.4.1.2), and what a server's silence is called."""
    hellos = []
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setitem(internet.routes, (ADDRESS, 1), listener.getsockname()[1])

    def listen():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                hellos.append(plain.recv(4096))

    threading.Thread(target=listen, daemon=True).start()
    played = play(
        UP
        + """
context.verify_mode = tls.CERT_NONE
attempt("closed", 1, context)
context.max_fragment_length = 4096
attempt("closed", 1, context, do_handshake_on_connect=False)
"""
    )
    listener.close()
    assert "MBEDTLS_ERR_SSL_CONN_EOF" in played.value("closed")
    plain, short = (client_hello(hello) for hello in hellos)
    assert plain.version == short.version == 0x0303
    # ECDHE-ECDSA, then ECDHE-RSA, with AES-128-GCM, then AES-256-GCM; 00ff says no renegotiation.
    assert plain.suites == [0xC02B, 0xC02C, 0xC02F, 0xC030, 0x00FF]
    sha1, md5 = 2, 1
    algorithms = plain.extensions[13]
    assert {algorithms[at] for at in range(2, len(algorithms), 2)} & {sha1, md5} == set()
    groups = plain.extensions[10]
    weakest = min(int.from_bytes(groups[at : at + 2]) for at in range(2, len(groups), 2))
    assert weakest >= 23  # secp256r1
    assert 1 not in plain.extensions
    assert short.extensions[1] == b"\x04"


@dataclass
class Hello:
    version: int
    suites: list[int]
    extensions: dict[int, bytes]


def client_hello(record: bytes) -> Hello:
    body = record[9:]
    session = body[34]
    at = 35 + session
    length = int.from_bytes(body[at : at + 2])
    suites = body[at + 2 : at + 2 + length]
    at += 2 + length
    at += 1 + body[at] + 2
    extensions = {}
    while at < len(body):
        kind, size = int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4])
        extensions[kind] = body[at + 4 : at + 4 + size]
        at += 4 + size
    pairs = [int.from_bytes(suites[n : n + 2]) for n in range(0, length, 2)]
    return Hello(int.from_bytes(body[:2]), pairs, extensions)


def test_max_fragment_length(play, serve, roots, bundle):
    server = serve(party(HOST, roots["known"]), port=1)
    server.answer = lambda secure: bytes(30_000) + b"\n"
    played = play(
        UP
        + """
context.load_default_certs()

print("default=%s" % context.max_fragment_length)
for length in (0, 511, 8192, -1, 1 << 40, "x"):
    try:
        context.max_fragment_length = length
        print("wrong=%s" % length)
    except (TypeError, ValueError, OverflowError) as error:
        print("refused=" + str(error))
for length in (512, 1024, 2048, 4096, None):
    context.max_fragment_length = length
    assert context.max_fragment_length == length
    secure = open_tls(1, context)
    secure.write(b"x" * 3000 + b"\\n")
    total = 0
    while total < 30001:
        total += len(secure.read(min(1000, 30001 - total)))
    session = secure.session
    secure.close()
    secure = open_tls(1, context, session=session)
    secure.write(b"x\\n")
    print("%s=%d,%d,%s" % (length, total, len(secure.read(30001)), secure.session_reused))
    secure.close()
""",
        env=bundle,
    )
    assert played.value("default") == "None"
    assert "wrong=" not in played.result.stdout
    assert "512, 1024, 2048, 4096 or None" in played.value("refused")
    for length in ("512", "1024", "2048", "4096", "None"):
        assert played.value(length) == "30001,30001,True"
