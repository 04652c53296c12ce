"""Whose certificates `tls` trusts, and what it says of others: patches/extmod, below all Python."""

import ast
import contextlib
import datetime
import errno
import ipaddress
import os
import socket
import ssl
import struct
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from tls_peer import ADDRESS, HOST, UP, party


def test_default_certs(play, serve, roots, bundle, tmp_path):
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, port=1)
    serve(leaf, middle, roots["known"], port=2)  # the root as well
    # The root signed by an older one that nobody knows any more.
    cross = party("known root", roots["old"], ca=True, key=roots["known"].key)
    serve(leaf, middle, cross, port=3)
    serve(leaf, middle, cross, roots["old"], port=4)
    serve(party(HOST, roots["known"]), port=5)
    serve(leaf, port=6)  # the intermediate is missing
    serve(party(HOST, roots["unknown"]), roots["unknown"], port=7)
    # One that has the root's name but not its key.
    fake = party("known root", ca=True)
    serve(party(HOST, fake), fake, port=8)
    serve(party(HOST, fake), roots["known"], port=9)
    serve(party(HOST, roots["known"], until=datetime.datetime(2024, 2, 1)), port=10)
    serve(party("other.example", roots["known"]), port=11)
    played = play(
        UP
        + """
context.load_default_certs()
context.load_default_certs()
for port in range(1, 12):
    attempt(str(port), port, context)
""",
        env=bundle,
    )
    for port in range(1, 6):
        assert played.value(str(port)) == "full", port
    for port in range(6, 10):
        assert "not correctly signed by the trusted CA" in played.value(str(port)), port
    assert "expired" in played.value("10")
    assert "not correctly" not in played.value("10")
    assert "does not match" in played.value("11")


def test_own_ca_besides_the_default_certs(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1)
    serve(party(HOST, roots["own"]), port=2)
    serve(party(HOST, roots["unknown"]), port=3)
    own = roots["own"].pem.decode()
    played = play(
        UP
        + f"""
def seen(certificate, depth):
    print("seen=%d,%d" % (depth, len(certificate)))
    return 0
context.load_verify_locations({own!r})
attempt("own1", 1, context)
attempt("own2", 2, context)
both = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
both.load_default_certs()
both.load_verify_locations({own!r})
both.verify_callback = seen
for port in (1, 2, 3):
    attempt("both%d" % port, port, both)
""",
        env=bundle,
    )
    assert "not correctly signed" in played.value("own1")
    assert played.value("own2") == "full"
    assert played.value("both1") == "full"
    assert played.value("both2") == "full"
    assert "not correctly signed" in played.value("both3")
    # The root, which the server need not send, then its own.
    seen = [line.removeprefix("seen=").split(",")[0] for line in played.lines if "seen=" in line]
    assert seen == ["1", "0"] * 2 + ["0"]


def test_of_a_file_of_cas_all_are_trusted_or_none(play, serve, roots, bundle):
    serve(party(HOST, roots["own"]), port=1)
    serve(party(HOST, roots["known"]), port=2)
    own = roots["own"].pem.decode()
    damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    played = play(
        UP
        + f"""
context.load_default_certs()
for part in ({own + damaged!r}, {own + own[:-60]!r}):
    try:
        context.load_verify_locations(part)
    except ValueError as error:
        print("load=%s" % error)
    attempt("refused", 1, context)
attempt("before", 2, context)
context.load_verify_locations({own + own!r})
attempt("loaded", 1, context)
attempt("after", 2, context)
""",
        env=bundle,
    )
    assert [line for line in played.lines if line.startswith("load=")] == ["load=invalid cert"] * 2
    refused = [line for line in played.lines if line.startswith("refused=")]
    assert len(refused) == 2
    assert all("not correctly signed" in line for line in refused)
    assert played.value("before") == played.value("loaded") == played.value("after") == "full"


def test_mozillas_certs_are_the_default(play, serve, roots):
    serve(party(HOST, roots["known"]), port=1)
    played = play(UP + 'context.load_default_certs()\nattempt("reply", 1, context)')
    assert "not correctly signed by the trusted CA" in played.value("reply")


@pytest.mark.parametrize(
    "content", [None, b"", b"rubbish", b"roots1" + bytes(4), b"roots1" + bytes(20)]
)
def test_no_default_certs(play, tmp_path, content):
    file = tmp_path / "bundle.roots"
    if content is not None:
        file.write_bytes(content)
    played = play(
        """
import tls
context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
try:
    context.load_default_certs()
except OSError as error:
    print("error=" + str(error))
""",
        env={"SIM_ROOTS": str(file)},
    )
    assert "root certificates are damaged" in played.value("error")


def test_refused_certificate_is_described(play, serve, roots, bundle):
    known = roots["known"]
    middle = party("middle", known, ca=True, until=datetime.datetime(2024, 3, 1, 12, 30, 15))
    serve(party(HOST, middle), middle, port=1)
    later = datetime.datetime(2038, 1, 2, 3, 4, 5)
    serve(party(HOST, known, since=later), port=2)
    serve(party("a.example", known, names=("a.example", "b.example")), port=3)
    serve(party("many", known, names=[f"host{n}.example" for n in range(40)]), port=4)
    serve(party(HOST, roots["unknown"]), port=5)
    lost = party("lost", roots["unknown"], ca=True)
    serve(party(HOST, lost, until=datetime.datetime(2024, 3, 1)), lost, port=6)
    serve(party(HOST, known, usage=ExtendedKeyUsageOID.CLIENT_AUTH), port=7)
    serve(party(HOST, known, digest=hashes.SHA224()), port=8)
    # Also behind a certificate that nobody knows, but above which nobody needs to look.
    cross = party("known root", roots["old"], ca=True, key=known.key)
    serve(party("a.example", known), cross, port=9)
    serve(
        party("x" * 60, known, names=[x509.IPAddress(ipaddress.ip_address("192.0.2.7"))]), port=10
    )
    played = play(
        UP
        + """
context.load_default_certs()
def describe(port, **options):
    try:
        secure = open_tls(port, context, **options)
        secure.write(b"x\\n")
        print("%d=accepted" % port)
    except ValueError as error:
        assert type(error) is tls.SSLCertVerificationError, error
        assert error.verify_message == str(error) == error.args[0]
        print("%d=%r" % (port, (error.verify_code, error.certs)))
        print("text%d=%r" % (port, str(error)))
for port in range(1, 11):
    describe(port)
describe(3, do_handshake_on_connect=False)
error = tls.SSLCertVerificationError()
print("empty=%r,%s,%s,%s" % (error, error, error.verify_code, error.certs))
""",
        env=bundle,
    )

    def described(port):
        return ast.literal_eval(played.value(str(port)))

    expired, mismatch, untrusted, bad_use, future, bad_md = 1, 4, 8, 0x1000, 0x200, 0x4000
    since, until = (2024, 1, 1, 0, 0, 0), (2039, 1, 1, 0, 0, 0)
    host = "CN=" + HOST
    assert described(1) == (
        expired,
        ((1, expired, "CN=middle", "CN=known root", since, (2024, 3, 1, 12, 30, 15), (), None),),
    )
    assert described(2) == (
        future,
        ((0, future, host, "CN=known root", (2038, 1, 2, 3, 4, 5), until, (), None),),
    )
    names = ("a.example", "b.example")
    assert described(3) == (
        mismatch,
        ((0, mismatch, "CN=a.example", "CN=known root", since, until, names, None),),
    )
    assert described(4)[1][0][6] == tuple(f"host{n}.example" for n in range(8))
    assert described(5) == (
        untrusted,
        ((0, untrusted, host, "CN=unknown root", since, until, (), None),),
    )
    assert described(6) == (
        untrusted | expired,
        (
            (1, untrusted, "CN=lost", "CN=unknown root", since, until, (), None),
            (0, expired, host, "CN=lost", since, (2024, 3, 1, 0, 0, 0), (), True),
        ),
    )
    assert described(7) == (
        bad_use,
        ((0, bad_use, host, "CN=known root", since, until, (), None),),
    )
    assert described(8) == (
        bad_md,
        ((0, bad_md, host, "CN=known root", since, until, (), None),),
    )
    assert described(9)[0] == mismatch
    assert [cert[:2] for cert in described(9)[1]] == [(0, mismatch)]
    assert described(10)[1][0][6] == (b"\xc0\x00\x02\x07",)
    assert "expired" in played.value("text1")
    assert played.value("empty") == "SSLCertVerificationError(),,None,None"


def test_alert_is_told(play, serve, roots, bundle):
    serve(party(HOST, roots["known"]), port=1).context.set_ciphers("DHE-RSA-AES256-SHA256")
    old = serve(party(HOST, roots["known"]), port=2).context
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_3
    picky = serve(party(HOST, roots["known"]), port=3).context
    picky.verify_mode = ssl.CERT_REQUIRED
    played = play(
        UP
        + """
context.load_default_certs()
for port in (1, 2, 3):
    attempt(str(port), port, context)
    attempt("late" + str(port), port, context, do_handshake_on_connect=False)
""",
        env=bundle,
    )
    for prefix in ("", "late"):
        # handshake_failure (40), protocol_version (70)
        for port, alert in ((1, 40), (2, 70), (3, 40)):
            assert f"(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE', {alert})" in played.value(
                prefix + str(port)
            )


def test_client_certificate(play, serve, roots, bundle, tmp_path):
    server = serve(party(HOST, roots["known"]), port=1)
    authority = party("device root", ca=True)
    (tmp_path / "devices.pem").write_bytes(authority.pem)
    server.context.load_verify_locations(tmp_path / "devices.pem")
    server.context.verify_mode = ssl.CERT_REQUIRED
    server.answer = lambda secure: (
        secure.getpeercert()["subject"][0][0][1].encode()
        + (b",resumed\n" if secure.session_reused else b",full\n")
    )
    device = party("device 7", authority, usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    stranger = party("stranger")
    played = play(
        UP
        + f"""
context.load_default_certs()
attempt("none", 1, context)
context.load_cert_chain({device.pem!r}, {device.key_pem!r})
secure = open_tls(1, context)
secure.write(b"x\\n")
print("first=" + secure.readline().decode().strip())
print("peer=%d" % len(secure.getpeercert(True)))
session = secure.session
secure.close()
secure = open_tls(1, context, session=session)
secure.write(b"x\\n")
print("again=" + secure.readline().decode().strip())
print("peer_again=%s" % secure.getpeercert(True))
secure.close()
other = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
other.load_default_certs()
other.load_cert_chain({stranger.pem!r}, {stranger.key_pem!r})
attempt("stranger", 1, other)
""",
        env=bundle,
    )
    assert played.value("first") == "device 7,full"
    assert played.value("again") == "device 7,resumed"
    certificate = server.chain[0].certificate.public_bytes(serialization.Encoding.DER)
    assert played.value("peer") == str(len(certificate))
    assert played.value("peer_again") == "None"
    for name, alert in (("none", 40), ("stranger", 48)):  # handshake_failure, unknown_ca
        assert f"FATAL_ALERT_MESSAGE', {alert})" in played.value(name)


def test_certificate_of_the_peer(play, serve, roots, bundle):
    """It outlives the handshake, after which those above it are freed."""
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, roots["known"], port=1)
    played = play(
        UP
        + """
context.load_default_certs()
for at_once in (True, False):
    secure = open_tls(1, context, do_handshake_on_connect=at_once)
    if not at_once:
        secure.do_handshake()
    print("%s=%s" % (at_once, secure.getpeercert(True).hex()))
    secure.write(b"x\\n")
    print("%s_answer=%s" % (at_once, secure.readline().decode().strip()))
    secure.close()
""",
        env=bundle,
    )
    der = leaf.certificate.public_bytes(serialization.Encoding.DER)
    for at_once in ("True", "False"):
        assert played.value(at_once) == der.hex()
        assert played.value(at_once + "_answer") == "full"


def test_callback_raises(play, serve, roots, bundle):
    middle = party("middle", roots["known"], ca=True)
    serve(party(HOST, middle), middle, port=1)
    played = play(
        UP
        + """
context.load_default_certs()
class Pin(Exception):
    pass
def check(certificate, depth):
    if depth == at:
        raise Pin("depth %d, %d bytes" % (depth, len(certificate)))
    return 0
context.verify_callback = check
def go(**options):
    try:
        secure = open_tls(1, context, **options)
        secure.write(b"x\\n")
        secure.close()
        return "accepted"
    except Pin as error:
        return "Pin " + str(error)
for at in (0, 1, 2, 3):
    print("%d=%s" % (at, go()))
    print("late%d=%s" % (at, go(do_handshake_on_connect=False)))
context.verify_callback = lambda certificate, depth: None
try:
    open_tls(1, context)
except TypeError as error:
    print("none=%r" % error)
context.verify_callback = lambda certificate, depth: -1
try:
    open_tls(1, context)
except (OSError, ValueError) as error:
    print("code=%r" % error)
""",
        env=bundle,
    )
    for prefix in ("", "late"):
        assert played.value(prefix + "0").startswith("Pin depth 0, ")
        assert played.value(prefix + "1").startswith("Pin depth 1, ")
        assert played.value(prefix + "2").startswith("Pin depth 2, ")  # the root
        assert played.value(prefix + "3") == "accepted"
    assert "TypeError" in played.value("none")
    assert "OSError(1" in played.value("code")


def test_name_constraints(play, serve, roots, bundle):
    def dns(*names):
        return [x509.DNSName(name) for name in names] or None

    network = [x509.IPAddress(ipaddress.ip_network("198.51.100.0/24"))]
    cases = [  # critical, permitted, excluded: is it allowed to vouch for device.example?
        (False, dns("example"), None, True),
        (False, dns("other.test", "DEVICE.example"), None, True),
        (False, dns(".example"), None, True),
        (False, dns(""), None, True),
        (False, network, None, True),
        (False, None, dns("other.test", "vice.example", "x.device.example"), True),
        (False, dns("other.test"), None, False),
        (False, dns("vice.example"), None, False),
        (False, dns(".device.example"), None, False),
        (False, None, dns("example"), False),
        (False, dns("example"), dns("device.example"), False),
        (True, dns("example"), None, True),
        (True, dns("other.test"), None, False),
    ]
    for port, (critical, permitted, excluded, _) in enumerate(cases):
        extension = x509.NameConstraints(permitted, excluded)
        middle = party("middle", roots["known"], ca=True, extra=(extension, critical))
        serve(party(HOST, middle), middle, port=port + 1)
    middle = party(
        "middle", roots["known"], ca=True, extra=(x509.NameConstraints(network, None), False)
    )
    serve(
        party(HOST, middle, names=[x509.IPAddress(ipaddress.ip_address(ADDRESS))]), middle, port=99
    )
    played = play(
        UP
        + f"""
context.load_default_certs()
for port in range({len(cases)}):
    attempt(str(port), port + 1, context)
attempt("address", 99, context, host={ADDRESS!r})
""",
        env=bundle,
    )
    for port, case in enumerate(cases):
        reply = played.value(str(port))
        assert (reply == "full") == case[-1], case
        assert (reply == "full") != ("SSLCertVerificationError" in reply)
    assert "SSLCertVerificationError" in played.value("address")


def test_end_of_stream(play, serve, roots, bundle):
    """Told once, it stays: this server hangs up only when the board has."""
    serve(party(HOST, roots["known"]), port=1)
    played = play(
        UP
        + """
import asyncio
context.load_default_certs()
secure = open_tls(1, context)
secure.write(b"x\\n")
print("all=%r" % secure.read())
start = time.ticks_ms()
print("more=%r" % [secure.read(10), secure.read(), secure.readline()])

async def again():
    secure.setblocking(False)
    return await asyncio.wait_for(asyncio.StreamReader(secure).read(10), 5)

print("stream=%r" % asyncio.run(again()))
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
""",
        env=bundle,
    )
    assert played.value("all") == r"b'full\n'"
    assert played.value("more") == "[b'', b'', b'']"
    assert played.value("stream") == "b''"
    assert int(played.value("ms")) < 3000


def test_late_errors_have_names(play, serve, roots, bundle, monkeypatch, internet):
    """The handshake is over, or left to the first write."""
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setitem(internet.routes, (ADDRESS, 2), listener.getsockname()[1])

    def rubbish(secure):
        os.write(secure.fileno(), b"this is no record")
        return b"x\n"

    serve(party(HOST, roots["known"]), port=1).answer = rubbish

    def reset():
        plain, _ = listener.accept()
        plain.recv(4096)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.close()

    threading.Thread(target=reset, daemon=True).start()
    played = play(
        UP
        + """
context.load_default_certs()
attempt("rubbish", 1, context)
attempt("reset", 2, context, do_handshake_on_connect=False)
""",
        env=bundle,
    )
    listener.close()
    assert "MBEDTLS_ERR_SSL_INVALID_RECORD" in played.value("rubbish")
    assert played.value("reset") in (
        "OSError(104, 'the other end refused or closed the connection: check host and port, then connect again')",
        "OSError(-29312, 'MBEDTLS_ERR_SSL_CONN_EOF')",
    )


def test_a_closed_socket_stays_closed(play, serve, roots):
    serve(party(HOST, roots["known"]), port=1)
    played = play(
        UP
        + """
context.verify_mode = tls.CERT_NONE
secure = open_tls(1, context)
secure.close()
try:
    secure.setblocking(False)
except OSError as error:
    print("errno=%s" % error.errno)
"""
    )
    assert played.value("errno") == str(errno.EBADF)


def test_alpn(play, serve, roots):
    """The server chooses among what both have; it may have nothing in common, or not know ALPN."""
    for port, names in ((1, ["x-amzn-mqtt-ca"]), (2, ["h2", "mqtt"]), (3, ["h2"]), (4, None)):
        server = serve(party(HOST, roots["known"]), port=port)
        if names:
            server.context.set_alpn_protocols(names)
    played = play(
        UP
        + """
import gc, ssl
context.verify_mode = tls.CERT_NONE
context.set_alpn_protocols(["x-amzn-mqtt" + "-ca", "mqtt"])
gc.collect()
for port in range(1, 5):
    try:
        secure = open_tls(port, context)
        print("%d=%s" % (port, secure.selected_alpn_protocol()))
        context.set_alpn_protocols(("mqtt", "x-amzn-mqtt-ca"))
        gc.collect()
        print("%d_again=%s" % (port, secure.selected_alpn_protocol()))
        secure.close()
        print("%d_closed=%s" % (port, secure.selected_alpn_protocol()))
    except OSError as error:
        print("%d=%s" % (port, error.args[0]))
own = ssl.create_default_context()
for number, wrong in enumerate(([], [""], ["x" * 256], ["x", 1], "x" * 256)):
    try:
        own.set_alpn_protocols(wrong)
    except ppp_sim800.ConfigError as error:
        print("wrong%d=%s" % (number, error))
"""
    )
    for key in ("1", "1_again"):
        assert played.value(key) == "x-amzn-mqtt-ca"
    assert played.value("2") == "mqtt"
    assert played.value("3") == played.value("4") == played.value("1_closed") == "None"
    for number in range(5):
        assert "a list of names of 1 to 255 bytes" in played.value(f"wrong{number}")


def test_a_handshake_is_limited_as_a_whole(play, internet, monkeypatch):
    """A byte now and then, each well within the socket's timeout, holds nobody up for long."""
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setitem(internet.routes, (ADDRESS, 1), listener.getsockname()[1])

    def drip():
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.recv(1000)
                for byte in b"\x16\x03\x03\x3f\xff" + bytes(16000):
                    peer.sendall(bytes((byte,)))
                    time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    played = play(
        UP
        + """
start = time.ticks_ms()
try:
    open_tls(1, context)
except OSError as error:
    print("errno=%s" % error.errno)
print("seconds=%d" % (time.ticks_diff(time.ticks_ms(), start) // 1000))
""",
        speed=20.0,
    )
    listener.close()
    assert played.value("errno") == str(errno.ETIMEDOUT)
    assert 120 <= int(played.value("seconds")) < 130
