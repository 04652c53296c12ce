"""TLS on the board, through `ssl` and what is built on it: whom it believes, and what it says."""

import datetime
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_pem_x509_certificate
from network.certificates import CLIENTS, packed_roots
from sim800.scenario import Radio
from stand_in import CERTIFICATES
from tls_board import UP, digest, pem
from tls_peer import HOST, party
from tls_peer import UP as UP_PEER

pytestmark = pytest.mark.real_time

# Whom it believes


def test_the_words_name_what_was_wrong(board):
    played = board(
        UP
        + """
error = tell("wronghost", get, "wronghost.example")
print("names=%s" % (error.names,))
error = tell("unknownca", get, "unknownca.example")
print("issuer=%s" % error.issuer)
error = tell("missing", get, "missing.example")
print("missing_issuer=%s" % error.issuer)
error = tell("expired", get, "expired.example")
print("dates=%s %s" % (error.since, error.until))
error = tell("notyet", get, "notyet.example")
print("coming=%s" % error.since)
print("family=%s,%s" % (isinstance(error, OSError), isinstance(error, ssl.SSLError)))
print("code=%d" % tell("tls10", get, "tls10.example").code)
"""
    )
    assert played.value("names") == "('another.example',)"
    assert "is for another.example: check the name" in played.value("wronghost")
    assert played.value("issuer") == "Test Unknown Root"
    assert 'signed by "Test Unknown Root", which is not trusted' in played.value("unknownca")
    assert played.value("missing_issuer") == "Test Intermediate"
    assert played.value("dates") == "2024-01-01T00:00:00Z 2024-03-31T00:00:00Z"
    assert "from 2024-01-01T00:00:00Z to 2024-03-31T00:00:00Z" in played.value("expired")
    assert re.search(r"now is 20\d\d-\d\d-\d\d \d\d:\d\d UTC", played.value("expired"))
    assert datetime.datetime.fromisoformat(played.value("coming")) > datetime.datetime.now(
        datetime.UTC
    )
    assert played.value("family") == "True,True"
    assert int(played.value("code")) == -0x7780


def test_those_that_nobody_vouches_for_are_told_apart(board):
    played = board(
        UP
        + """
for name in ("unknownca", "unknownroot", "truncated", "selfsigned", "noauthority", "broken"):
    print("%s_issuer=%s" % (name, tell(name, get, name + ".example").issuer))
"""
    )
    advice = "load that CA if you trust it"
    for name, words in {
        "unknownca": f'is signed by "Test Unknown Root", which is not trusted here: {advice}',
        "unknownroot": f'is signed by "Test Unknown Root", which is not trusted here: {advice}',
        "truncated": f'is signed by "Test Middle", which is not trusted here: {advice}',
        "selfsigned": "is signed by itself: load it by load_verify_locations()",
        "noauthority": 'is signed by "Test No Authority", which is no CA, or not one for that',
        "broken": 'says it is signed by "Test Intermediate", and is not: do not trust it',
    }.items():
        assert words in played.value(name)
    for name in ("selfsigned", "noauthority", "broken"):  # it would be the wrong advice
        assert advice not in played.value(name)
    assert played.value("broken_issuer") == "Test Intermediate"


def test_other_faults_of_a_certificate_are_told_apart(board):
    words = {
        "weakkey": "has a key that can be broken",
        "sha1": "is signed with a hash that can be forged",
        "md5": "is signed with a hash that can be forged",
        "usage": "is not one for servers",
        "exampleswildcard": "is for *.example: check the name",
    }
    authorities = {
        "mailca": ("Test Mail", "is not one for servers"),
        "restricted": (
            "Test Restricted",
            "has name constraints that do not allow the names of what it has signed",
        ),
    }
    played = board(
        UP
        + f"""
for name in {(*words, *authorities)}:
    tell(name, get, name + ".example")
"""
    )
    for name, said in words.items():
        assert f"the certificate of {name}.example {said}" in played.value(name)
    for name, (authority, said) in authorities.items():
        whose = f'the certificate of "{authority}", which has signed for {name}.example,'
        assert f"{whose} {said}" in played.value(name)


@pytest.mark.parametrize(("days", "is_old"), [(399, False), (402, True)])
def test_old_roots_are_told_of(board, tmp_path, days, is_old):
    date = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=days)
    file = tmp_path / "old.roots"
    file.write_bytes(packed_roots(f"# Date: {date}\n" + pem("root")))
    played = board(
        UP
        + """
events = []
while event := nic.event(100):
    events.append(event)
print("told=%d" % events.count(("roots", "old")))
print("reason=%s" % nic.status("reason"))
print("date=%s" % ssl.ROOTS_DATE)
tell("https", get, "telemetry.example")
""",
        env={"SIM_ROOTS": str(file)},
    )
    assert played.value("told") == str(int(is_old))
    assert ("update the firmware" in played.value("reason")) == is_old
    assert played.value("date") == str(date)
    assert played.value("https") == "ok|200"


def test_those_that_break_the_protocol_are_told_apart(board):
    suites = {"rc4": 0x5, "tripledes": 0xA, "export": 0x3, "anonymous": 0xC018, "dh512": 0x9E}
    names = (*suites, "garbage", "oversized", "notls", "halfway")
    played = board(
        UP
        + f"""
for name in {names}:
    tell(name, get, name + ".example")
"""
    )
    for name, suite in suites.items():
        assert f"insists on a cipher that was not offered (suite 0x{suite:04X})" in played.value(
            name
        )
    for name in ("garbage", "oversized"):
        assert "sends more in one message than the 16 kB that fit" in played.value(name)
    assert "does not do TLS, or does it wrong" in played.value("notls")
    assert "closed the connection" in played.value("halfway")


def test_own_ca_instead_and_besides(board):
    other = pem("unknown-root")
    played = board(
        UP
        + f"""
with open("other.pem", "w") as file:
    file.write({other!r})
instead = ssl.create_default_context(cafile="other.pem")
tell("instead_known", get, "telemetry.example", instead)
tell("instead_own", get, "unknownca.example", instead)
besides = ssl.create_default_context()
besides.load_verify_locations(cadata={other!r})
tell("besides_known", get, "telemetry.example", besides)
tell("besides_own", get, "unknownca.example", besides)
nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
tell("nobody", get, "telemetry.example", nobody)
der = ssl.create_default_context(cafile="root.der")
tell("der", get, "telemetry.example", der)
tell("unverified", get, "selfsigned.example", ssl._create_unverified_context())
tell("default", get, "selfsigned.example")
"""
    )
    assert played.value("instead_known").startswith("unknown issuer|")
    assert played.value("instead_own") == "ok|200"
    assert played.value("besides_known") == "ok|200"
    assert played.value("besides_own") == "ok|200"
    assert not played.value("nobody").startswith("ok")
    assert played.value("der") == "ok|200"
    assert played.value("unverified") == "ok|200"
    assert played.value("default").startswith("unknown issuer|")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ('create_default_context(cafile="none.pem")', "cafile none.pem cannot be read (2)"),
        ('create_default_context(cadata="rubbish")', "cadata is no certificate"),
        ("SSLContext().load_verify_locations()", "needs cafile or cadata"),
        ('SSLContext().load_cert_chain("none.pem")', "certfile none.pem cannot be read (2)"),
        ('create_default_context(cafile="a\\tb")', r"cafile a\tb cannot be read (2)"),
        ('SSLContext().load_cert_chain(b"x", b"y")', "load_cert_chain(): invalid key"),
        ('SSLContext().pin_keys("12")', "pin_keys() needs SHA-256 digests"),
        ("SSLContext().pin_keys()", "pin_keys() needs SHA-256 digests"),
        ('SSLContext().pin_keys("no hex")', "pin_keys() needs SHA-256 digests"),
        ("SSLContext().wrap_socket(None)", "server_hostname is needed"),
        *(
            (f"SSLContext().set_ciphers({wrong})", "a list of names from get_ciphers()")
            for wrong in (["TLS-RSA-WITH-AES-128-CBC-SHA"], [], [1], "'x'", None)
        ),
    ],
)
def test_wrong_settings(play, call, words):
    played = play(
        f"""
import ssl
try:
    ssl.{call}
except ppp_sim800.ConfigError as error:
    print("error=" + str(error))
"""
    )
    assert words in played.value("error")


SECRET = "MHcCAQEEIMySecretPrivateKeyBytesMySecretPrivateKeyBytesMySecretoAoGCCqGSM49"
PEM = f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}\n-----END EC PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "key",
    [
        PEM,
        "\n" + PEM,
        "  " + PEM,
        "# of the hive\r\n" + PEM,
        PEM.replace("\n", " "),
        PEM.replace("-----BEGIN EC PRIVATE KEY-----", ""),
        PEM.replace("\n", "\r"),
        SECRET,
        SECRET[:43],
    ],
    ids=["PEM", "line", "blanks", "comment", "one line", "no head", "CR", "base64", "32 bytes"],
)
def test_a_key_is_in_no_error(play, key):
    """Whatever is wrong with it, and whoever is given it. A name that cannot be a key's is in there."""
    played = play(
        f"""
import ssl
key = {key!r}
calls = {{
    "own": lambda: ssl.create_default_context().load_cert_chain(b"x", key),
    "both": lambda: ssl.create_default_context().load_cert_chain(key),
    "ca": lambda: ssl.create_default_context(cafile=key),
    "cadata": lambda: ssl.create_default_context(cadata=key),
    "old": lambda: ssl.wrap_socket(None, key=key, cert=b"x"),
    "two": lambda: ssl.create_default_context().load_cert_chain(key, "none.der"),
}}
for name, call in calls.items():
    try:
        call()
        print(name + "=nothing")
    except ppp_sim800.ConfigError as error:
        print("%s=%s" % (name, error))
"""
    )
    assert len(played.lines) == 6
    for line in played.lines:
        assert "nothing" not in line
        assert len(line) < 90
        assert "Secret" not in line
        assert "BEGIN" not in line
        assert SECRET[:8] not in line


def test_how_many_cas_there_may_be(play, serve, roots, bundle):
    def chain(count):
        line = [roots["known"]]
        for level in range(count):
            line.append(party(f"CA {level}", line[-1], ca=True))
        return [party(HOST, line[-1]), *line[:0:-1]]

    serve(*chain(8), port=1)
    serve(*chain(9), port=2)
    played = play(
        UP_PEER
        + """
import ssl
for port in (1, 2):
    try:
        open_tls(port, ssl.create_default_context())
        print("%d=believed" % port)
    except ssl.SSLError as error:
        print("%d=%s|%s" % (port, error.reason, error))
""",
        env=bundle,
    )
    assert played.value("1") == "believed"
    assert played.value("2").startswith("bad certificate|")
    assert "more than 8 CAs" in played.value("2")


def test_a_failed_load_trusts_nobody(play, serve, roots, bundle):
    """Of two CAs that are loaded at once neither, if there is something wrong with one."""
    serve(party(HOST, roots["own"]), port=1)
    played = play(
        UP_PEER
        + """
import ssl
context = ssl.create_default_context()
before = context._identity
try:
    context.load_verify_locations("own.pem", "rubbish")
except ppp_sim800.ConfigError as error:
    print("load=%s" % error)
print("same=%s" % (context._identity == before))
try:
    open_tls(1, context)
    print("open=believed")
except ssl.SSLError as error:
    print("open=%s" % error.reason)
context.load_verify_locations("own.pem", open("own.pem").read())
open_tls(1, context)
print("both=believed")
""",
        env=bundle,
        files={"own.pem": roots["own"].pem},
    )
    assert played.value("load").startswith("cadata is no certificate")
    assert played.value("same") == "True"
    assert played.value("open") == "unknown issuer"
    assert played.value("both") == "believed"


def test_pinned_keys(board):
    played = board(
        UP
        + f"""
def pinned(*digests):
    context = ssl.create_default_context()
    context.pin_keys(*digests)
    return context
tell("leaf", get, "p256.example", pinned({digest("p256")!r}))
tell("spare", get, "p256.example", pinned({"0" * 64!r}, bytes.fromhex({digest("p256")!r})))
tell("above", get, "telemetry.example", pinned({digest("intermediate")!r}))
tell("other", get, "telemetry.example", pinned({digest("p256")!r}))
tell("besides", get, "selfsigned.example", pinned({digest("selfsigned")!r}))
tell("again", get, "telemetry.example")
"""
    )
    assert played.value("leaf") == played.value("spare") == played.value("above") == "ok|200"
    assert played.value("other").startswith("wrong key|telemetry.example has none of the pinned")
    assert played.value("besides").startswith("unknown issuer|")  # a pin is no reason to trust
    assert played.value("again") == "ok|200"


def test_pinned_keys_need_verification(board):
    """Where no certificate is looked at, a pin would be ignored."""
    played = board(
        UP
        + f"""
def pinned(context, mode):
    context.verify_mode = mode
    context.pin_keys({digest("selfsigned")!r})
    return context
for name, mode in (("none", ssl.CERT_NONE), ("optional", ssl.CERT_OPTIONAL), ("required", ssl.CERT_REQUIRED)):
    tell(name, get, "selfsigned.example", pinned(ssl.create_default_context(cadata={pem("selfsigned")!r}), mode))
tell("unverified", get, "telemetry.example", pinned(ssl._create_unverified_context(), ssl.CERT_NONE))
server = pinned(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.CERT_REQUIRED)
tell("server", server.wrap_socket, None, server_side=True)
"""
    )
    assert played.value("required") == "ok|200"
    for name in ("none", "optional", "unverified", "server"):
        assert played.value(name).startswith("ConfigError|pinned keys are only looked at")


def test_client_certificate(board):
    files = {name: (CERTIFICATES / name).read_bytes() for name in ("client.der", "client-key.der")}
    played = board(
        UP
        + f"""
for name, data in {files}.items():
    with open(name, "wb") as file:
        file.write(data)
context = ssl.create_default_context()
context.load_cert_chain("client.der", "client-key.der")
tell("known", get, "mutual.example", context)
tell("known_again", get, "mutual.example", context)
pem = ssl.create_default_context()
pem.load_cert_chain({pem("client").encode()!r})
tell("pem", get, "mutual.example", pem)
unknown = ssl.create_default_context()
unknown.load_cert_chain({pem("client-unknown").encode()!r})
tell("unknown", get, "mutual.example", unknown)
tell("none", get, "mutual.example")
"""
    )
    assert set(CLIENTS) == {"client", "client-unknown"}
    assert played.value("known") == played.value("known_again") == "ok|200"
    assert played.value("pem") == "ok|200"
    assert played.value("unknown").startswith("refused|mutual.example wants a client certificate")
    assert played.value("none").startswith("refused|mutual.example wants a client certificate")


@pytest.mark.parametrize(
    ("cert", "key", "words"),
    [
        ("cert", "key[:-9]", "load_cert_chain(): invalid key: PEM or DER is needed"),
        ("cert[:-9]", "key", "load_cert_chain(): invalid cert: PEM or DER is needed"),
        ("cert", "b''", "load_cert_chain(): invalid key: PEM or DER is needed"),
        ("cert", "another", "load_cert_chain(): the key is not the certificate's"),
    ],
)
def test_a_certificate_is_loaded_with_its_key_or_not_at_all(board, cert, key, words):
    """... and once."""
    files = [(CERTIFICATES / name).read_bytes() for name in ("client.der", "client-key.der")]
    another = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    played = board(
        UP
        + f"""
cert, key, another = {[*files, another]}
context = ssl.create_default_context()
tell("wrong", context.load_cert_chain, {cert}, {key})
tell("none", get, "mutual.example", context)
tell("right", context.load_cert_chain, cert, key)
tell("again", context.load_cert_chain, cert, key)
tell("shown", get, "mutual.example", context)
"""
    )
    assert played.value("wrong") == f"ConfigError|{words}"
    assert played.value("none").startswith("refused|mutual.example wants a client certificate")
    assert played.value("right") == "ok|None"
    assert (
        played.value("again")
        == "ConfigError|load_cert_chain(): the context has a certificate already"
    )
    assert played.value("shown") == "ok|200"


def test_a_silent_server_does_not_hang_the_board(board):
    played = board(
        UP
        + """
start = time.ticks_ms()
tell("silent", requests.get, "https://silent.example/")
print("ms=%d" % time.ticks_diff(time.ticks_ms(), start))
"""
    )
    assert played.value("silent").startswith("timeout|silent.example stopped answering")
    assert 55_000 < int(played.value("ms")) < 75_000


# The clock


def test_without_a_clock_nothing_is_believed(board):
    played = board(
        UP
        + """
import machine
from ppp_sim800 import ntp, rtc
machine.RTC().datetime((2000, 1, 1, 0, 0, 0, 0, 0))
do("ntp_silent")
error = tell("unset", get, "telemetry.example")
tell("even_expired", get, "expired.example")
tell("unverified", get, "telemetry.example", ssl._create_unverified_context())
do("ntp_silent on=0")
print("ntp=%s" % ntp.set_clock())
tell("set", get, "telemetry.example")
print("floor=%d" % rtc.floor())
""",
        radio=Radio(nitz=False),
    )
    assert played.value("unset").startswith(
        "clock not set|the clock is not set (it says 2000-01-01"
    )
    assert played.value("even_expired").startswith("clock not set|")
    assert played.value("unverified") == "ok|200"
    assert played.value("ntp") == "True"
    assert played.value("set") == "ok|200"
    # A server has proved itself by a certificate that begins then.
    begins = load_pem_x509_certificate(pem("https").encode()).not_valid_before_utc
    assert played.value("floor") == str(int(begins.timestamp()))


def test_a_refused_or_unverified_server_confirms_no_time(board):
    played = board(
        UP
        + """
from ppp_sim800 import rtc
before = rtc.floor()
tell("expired", get, "expired.example")
tell("unverified", get, "selfsigned.example", ssl._create_unverified_context())
print("same=%s" % (rtc.floor() == before))
"""
    )
    assert played.value("unverified") == "ok|200"
    assert played.value("same") == "True"
