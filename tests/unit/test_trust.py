"""Which chains of certificates are believed (modules/trust), held against OpenSSL; and the set of roots."""

import collections
import datetime
import hashlib
import itertools
import math
import os
import random
import re
import ssl

import pytest
import roots
import trust_chains as chains
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from trust_judge import build, job, judge, openssl
from world import ROOT

# 2000 take less than a minute.
COUNT = int(os.environ.get("TRUST_CHAINS", "300"))
NOW = chains.NOW

# What is said of a key that is not taken: by its flag, or as what cannot be parsed
KEY = "[0-9a-f]*[13579bdf][0-9a-f]{4}|chain .*|cafile .*|[0-9a-f]*[89a-f]"
# Where a chain is refused that OpenSSL believes: what is in it, what is said then (flags of the whole chain), and why.
STRICTER = {
    "for step-up": (
        "[0-9a-f]*1...",
        "Netscape's and Microsoft's step-up stands for server authentication in OpenSSL alone",
    ),
    "key_encipherment": (
        "[0-9a-f]*8..",
        "the server must sign (ECDHE); OpenSSL finds out later, if at all",
    ),
    "CA: None": (
        "8|[0-9a-f]*8..",
        "a CA must say that it is one; for OpenSSL the key usage is enough",
    ),
    "*.co.uk": ("[0-9a-f]*4", "nobody owns what a country sells below"),
    "order": ("8", "mbedTLS looks for an issuer further up only (RFC 5246 7.4.2: in order)"),
    "twin CA": ("8", "mbedTLS takes the first that has the issuer's name"),
    "self-issued": ("8", "mbedTLS counts a CA's new key for its path length"),
    "T61String": (
        "2000[13579bdf]..",
        "nobody agrees on the alphabet of T61String: it matches nothing",
    ),
    "RFC822Name": (
        "2000[13579bdf]..",
        "constraints on mail addresses are not known: no name of that kind is allowed",
    ),
    "UniformResourceIdentifier": (
        "2000[13579bdf]..",
        "constraints on URIs are not known: no name of that kind is allowed",
    ),
    "unknown elsewhere": ("chain .*", "mbedTLS parses all that is sent, needed or not"),
    "-a.device.example": ("[0-9a-f]*[4-7c-f]", "no host's label begins or ends with a hyphen"),
    "SHA-224": (
        "[0-9a-f]*[4-7c-f][0-9a-f]{3}",
        "mbedTLS's policy for certificates: SHA-256, SHA-384 and SHA-512",
    ),
    "P-224": (KEY, "mbedTLS's policy for keys: 128 bits of security at least"),
    "secp256k1": (KEY, "mbedTLS's policy for keys: curves that TLS 1.2 has in common use"),
    "brainpool": (KEY, "the curve is not built in"),
    "RSA-2047": (KEY, "RSA from 2048 bits"),
    "9 CAs": ("error -0x3000", "mbedTLS looks at eight CAs between at most"),
    "leaf itself": (
        "[0-9a-f]*[89a-f]",
        "mbedTLS trusts a server's own certificate only if it is self-signed",
    ),
    "policies of another type": (
        "chain .*|cafile .*|[0-9a-f]*[89a-f]",
        "mbedTLS parses what nobody asks for here",
    ),
    "routers": ("[0-9a-f]*[13579bdf]..", "what is for routers (RFC 3779) is not for servers"),
}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return build(tmp_path_factory.mktemp("trust"))


def why_stricter(case, said) -> set[str]:
    flags = said if said.startswith(("chain", "cafile", "error")) else said.split()[0]
    return {
        mark for mark in case.marks if mark in STRICTER and re.fullmatch(STRICTER[mark][0], flags)
    }


def holds_by_another_path(case) -> bool:
    """Whether OpenSSL believes it without one of the certificates: it stops at the first path, and so does mbedTLS."""
    return any(
        openssl(case, NOW, case.chain[:at] + case.chain[at + 1 :]) == ""
        for at in range(1, len(case.chain))
    )


def test_the_same_verdicts_as_openssls(program):
    cases = [chains.make(seed) for seed in range(COUNT)]
    lines = judge(program, [job(case, NOW) for case in cases])
    counted, used = collections.Counter(), collections.Counter()
    for case, said in zip(cases, lines, strict=True):
        ours, theirs = said.split()[0] == "0", openssl(case, NOW) == ""
        counted[ours, theirs] += 1
        if ours and not theirs:
            assert holds_by_another_path(case), f"more lenient: {case.seed} {sorted(case.marks)}"
        if theirs and not ours:
            reasons = why_stricter(case, said)
            assert reasons, f"stricter for no reason: {case.seed} {sorted(case.marks)} {said}"
            used.update(reasons)
    print(dict(counted), dict(used))
    # Neither verdict is rare, and nothing is in the list that no longer happens.
    assert counted[True, True] > COUNT / 4
    assert counted[False, False] > COUNT / 4
    if COUNT >= 2000:
        assert set(used) == set(STRICTER)


def test_clients_are_judged_for_their_own_purpose(program):
    cases = [chains.make(seed) for seed in range(120)]
    for case in cases:
        case.host, case.is_address = "", False
    lines = judge(program, [job(case, NOW, servers=False) for case in cases])
    believed = [case for case, said in zip(cases, lines, strict=True) if said.split()[0] == "0"]
    assert all(openssl(case, NOW, servers=False) == "" for case in believed)
    assert 0 < len(believed) < len(cases) / 4  # most are for servers alone


def test_damaged_certificates_do_no_harm(program):
    chance = random.Random(1)
    jobs = []
    for seed in range(250):
        case = chains.make(seed)
        for _ in range(3):
            at = chance.randrange(len(case.chain))
            data = bytearray(case.chain[at])
            for _ in range(chance.choice((1, 1, 2, 5))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            spoilt = [*case.chain[:at], bytes(data), *case.chain[at + 1 :]]
            jobs.append((case, spoilt))
    lines = judge(
        program,
        [
            job(chains.Case(0, case.host, False, spoilt, case.trusted, case.bundle, set()), NOW)
            for case, spoilt in jobs
        ],
    )
    for (case, spoilt), said in zip(jobs, lines, strict=True):
        if said.split()[0] == "0":
            # Changed where it does not matter, such as a certificate that is not needed.
            without = [
                der for der, before in zip(spoilt, case.chain, strict=True) if der == before
            ]
            assert spoilt[0] in without, case.seed
            assert openssl(case, NOW, without) == "" or holds_by_another_path(case), case.seed


def line_of(*made):
    """Sign a root, CAs and a leaf, in this order."""
    made[0].sign(made[0])
    for above, one in itertools.pairwise(made):
        one.sign(above)
    return made


def root(**fields):
    return chains.Made(chains.dn("Root"), chains.KEYS[0], **fields)


def middle(**fields):
    return chains.Made(chains.dn("CA"), chains.KEYS[1], **fields)


def leaf(**fields):
    usual = {
        "ca": False,
        "usage": ("digital_signature",),
        "uses": "server",
        "alternatives": [x509.DNSName(chains.HOST)],
    }
    name = fields.pop("name", chains.dn("Leaf"))
    return chains.Made(name, chains.KEYS[2], **{**usual, **fields})


DE = x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")
FR = x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR")
EXPIRED = {"until": NOW - chains.DAY}

# What it is: root, CAs, leaf; the host; what is wrong with each certificate, from the leaf up, as trust.h and mbedTLS
# number it.
PLACES = {
    "CA for mail": ([root(), middle(uses="mail"), leaf()], "", {1: 0x1000}),
    "CA for code": ([root(), middle(uses="code"), leaf()], "", {1: 0x1000}),
    "CA for anything": ([root(), middle(uses="any"), leaf()], "", {1: 0x1000}),
    "root for mail": ([root(uses="mail"), middle(), leaf()], "", {2: 0x1000}),
    "root expired": ([root(**EXPIRED), middle(), leaf()], "", {2: 0x1}),
    "root not yet valid": ([root(since=NOW + chains.DAY), middle(), leaf()], "", {2: 0x200}),
    "CA expired": ([root(), middle(**EXPIRED), leaf()], "", {1: 0x1}),
    "root for no CA below": ([root(length=0), middle(), leaf()], "", {2: 0x1000100}),
    "root may not sign": ([root(usage=("crl_sign",)), middle(), leaf()], "", {2: 0x800}),
    "root is no CA": ([root(ca=False), middle(), leaf()], "", {2: 0x800}),
    "root for other names": (
        [root(permitted=[x509.DNSName("other.example")]), middle(), leaf()],
        "",
        {2: 0x2000100},
    ),
    "root for no such name": (
        [root(excluded=[x509.DNSName("example")]), middle(), leaf()],
        "",
        {2: 0x2000100},
    ),
    "CA for other names": (
        [
            root(),
            middle(permitted=[x509.DNSName("other.example")], constraints_critical=True),
            leaf(),
        ],
        "",
        {1: 0x2000100},
    ),
    "CA for other people": (
        [root(), middle(permitted=[chains.directory(FR)]), leaf()],
        "",
        {1: 0x2000100},
    ),
    "CA for no such people": (
        [root(), middle(excluded=[chains.directory(DE)]), leaf()],
        "",
        {1: 0x2000100},
    ),
    "wildcard below a top level": (
        [root(), leaf(alternatives=[x509.DNSName("*.example")])],
        "a.example",
        {0: 0x4},
    ),
    "wildcard for all": ([root(), leaf(alternatives=[x509.DNSName("*")])], "example", {0: 0x4}),
    "wildcard below what is sold": (
        [root(), leaf(alternatives=[x509.DNSName("*.co.uk")])],
        "a.co.uk",
        {0: 0x4},
    ),
    "leaf for clients": ([root(), leaf(uses="client")], "", {0: 0x1000}),
    "address as a name": (
        [root(), leaf(alternatives=[x509.DNSName(chains.ADDRESS)])],
        chains.ADDRESS,
        {0: 0x4},
    ),
    "address as a common name": (
        [
            root(),
            leaf(
                alternatives=[],
                name=[x509.NameAttribute(x509.NameOID.COMMON_NAME, chains.ADDRESS)],
            ),
        ],
        chains.ADDRESS,
        {0: 0x4},
    ),
    "excluded host behind a wildcard": (
        [
            root(excluded=[x509.DNSName("bad.device.example")]),
            leaf(alternatives=[x509.DNSName("*.device.example")]),
        ],
        "bad.device.example",
        {1: 0x2000100},
    ),
    "signed by another key, as it says": (
        [root(), leaf(authority=(False, None, None))],
        "",
        {0: 0x8},
    ),
    "issuer with another serial number": (
        [root(), leaf(authority=(True, True, False))],
        "",
        {0: 0x8},
    ),
    "issuer of another issuer": ([root(), leaf(authority=(True, False, True))], "", {0: 0x8}),
    "proxy": ([root(), leaf(raw="proxy")], "", {0: 0x100}),
    "CA for routers": ([root(), middle(raw="routers of another type"), leaf()], "", {1: 0x100}),
    "points that are none": (
        [root(), middle(raw="points of another type"), leaf()],
        "",
        {1: 0x100},
    ),
    "points twice": ([root(), leaf(raw="points doubled")], "", {0: 0x100}),
    "constraints that are none": (
        [root(), leaf(raw="constraints of another type")],
        "",
        {0: 0x100},
    ),
    "wildcard for what is no host": (
        [root(), leaf(alternatives=[x509.DNSName("*.device.example")])],
        "foo_bar.device.example",
        {0: 0x4},
    ),
    "wildcard below what is no domain": (
        [root(), leaf(alternatives=[x509.DNSName("*.device-.example")])],
        "www.device-.example",
        {0: 0x4},
    ),
    # Good ones
    "issuer as it says": ([root(), middle(), leaf(authority=(True, True, True))], "", {}),
    "root as it says": ([root(), leaf(authority=(True, True, True))], "", {}),
    "points": ([root(), middle(raw="points"), leaf(raw="points")], "", {}),
    "plain": ([root(), middle(), leaf()], "", {}),
    "all are for servers": ([root(uses="server"), middle(uses="both"), leaf()], "", {}),
    "room for one CA": ([root(length=1), middle(length=0), leaf()], "", {}),
    "CA for these names": (
        [
            root(),
            middle(
                permitted=[x509.DNSName("example"), chains.directory(DE)],
                constraints_critical=True,
            ),
            leaf(),
        ],
        "",
        {},
    ),
    "root for these names": (
        [root(permitted=[x509.DNSName("example")], constraints_critical=True), middle(), leaf()],
        "",
        {},
    ),
    "wildcard": ([root(), leaf(alternatives=[x509.DNSName("*.device.example")])], "", {}),
    "wildcard of a company": (
        [root(), leaf(alternatives=[x509.DNSName("*.shop.co.uk")])],
        "a.shop.co.uk",
        {},
    ),
    "old root": ([root(version1=True), middle(), leaf()], "", {}),
}
# Of these, what OpenSSL believes.
ONLY_HERE = ("wildcard below what is sold", "excluded host behind a wildcard")


@pytest.mark.parametrize("bundle", [False, True], ids=["cafile", "set"])
def test_what_each_certificate_is_held_to(program, bundle):
    jobs, expected = [], {}
    for name, (made, host, wrong) in PLACES.items():
        first, *rest = line_of(*made)
        case = chains.Case(
            0,
            host or chains.HOST,
            host == chains.ADDRESS,
            [one.der for one in rest[::-1]],
            [first.der],
            bundle,
            set(),
        )
        jobs.append(job(case, NOW))
        assert (openssl(case, NOW) == "") == (not wrong or name in ONLY_HERE), name
        expected[name] = wrong
    told = {}
    for name, said in zip(PLACES, judge(program, jobs), strict=True):
        parts = (part.split(":") for part in said.split()[1:])
        told[name] = {int(depth): int(flags, 16) for depth, flags in parts if flags != "0"}
    if not bundle:
        # mbedTLS does not take a CA that it was given for an issuer then.
        for name in ("root for no CA below", "root may not sign", "root is no CA"):
            expected[name] = {len(PLACES[name][0]) - 2: 0x8}
    assert told == expected


@pytest.mark.parametrize("kind", [*chains.CURVES, "RSA-2047", "RSA-2048"])
def test_a_root_of_a_kind_is_believed_from_anywhere_or_nowhere(program, kind):
    first, own = line_of(chains.Made(chains.dn("Root"), chains.odd_key(kind)), leaf())
    cases = [
        chains.Case(0, chains.HOST, False, [own.der], [first.der], bundle, set())
        for bundle in (False, True)
    ]
    said = judge(program, [job(case, NOW) for case in cases])
    assert [line.split()[0] == "0" for line in said] == [kind == "RSA-2048"] * 2
    assert openssl(cases[0], NOW) == ""


def with_exponent(der: bytes, key, public=None) -> bytes:
    """The certificate signed by an RSA key that is (modulus, exponent, the private one), which public is for, too."""

    def integer(number):
        return roots.element(0x02, number.to_bytes((number.bit_length() + 8) // 8))

    modulus, exponent, private = key
    algorithm = bytes.fromhex("300d06092a864886f70d01010b0500")  # sha256WithRSAEncryption
    fields = [
        field[1] for field in roots.elements(roots.elements(roots.elements(der)[0][2])[0][2])
    ]
    fields[2] = algorithm
    if public:
        value = roots.element(0x30, integer(modulus) + integer(exponent))
        kind = bytes.fromhex("300d06092a864886f70d0101010500")
        fields[6] = roots.element(0x30, kind + roots.element(0x03, b"\0" + value))
    body = roots.element(0x30, b"".join(fields))
    size = (modulus.bit_length() + 7) // 8
    head = bytes.fromhex("3031300d060960864801650304020105000420")
    digest = head + hashlib.sha256(body).digest()
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    signature = pow(int.from_bytes(padded), private, modulus).to_bytes(size)
    return roots.element(0x30, body + algorithm + roots.element(0x03, b"\0" + signature))


@pytest.mark.parametrize(
    ("bits", "believed"), [(17, True), (64, True), (65, False), (3100, False)]
)
def test_long_exponents_are_refused_before_they_take_time(program, bits, believed):
    numbers = rsa.generate_private_key(65537, 3200).private_numbers()
    order = (numbers.p - 1) * (numbers.q - 1)
    exponent = next(n for n in itertools.count((1 << bits - 1) + 1, 2) if math.gcd(n, order) == 1)
    key = numbers.p * numbers.q, exponent, pow(exponent, -1, order)
    first, own = root(), leaf(nameless=True)
    first.sign(first)
    own.sign(first)
    sent, trusted = with_exponent(own.der, key), with_exponent(first.der, key, public=True)
    cases = [
        chains.Case(0, chains.HOST, False, [sent, *more], [trusted], bundle, set())
        for bundle, more in ((False, []), (True, []), (True, [trusted]))
    ]
    said = judge(program, [job(case, NOW) for case in cases])
    assert [line.split()[0] == "0" for line in said] == [believed] * 3
    assert (openssl(cases[0], NOW) == "") == believed
    if not believed:
        assert said[2].startswith("chain ")


def test_a_root_that_vouches_for_older_certificates_only(program):
    first, second, own = line_of(root(), middle(), leaf(since=NOW - 10 * chains.DAY))
    case = chains.Case(0, chains.HOST, False, [own.der, second.der], [first.der], True, set())
    pem = ssl.DER_cert_to_PEM_cert(first.der)
    jobs = []
    for until in (own.since - datetime.timedelta(seconds=1), own.since, own.since + chains.DAY):
        jobs.append(job(case, NOW, pem=f"# Distrust after: {until:%Y-%m-%dT%H:%M:%SZ}\n{pem}"))
    said = judge(program, jobs)
    assert said[0] == "4000100 0:0 1:0 2:4000100"
    assert [line.split()[0] for line in said[1:]] == ["0", "0"]


def test_of_roots_with_one_name_any_may_be_the_one(program):
    first, second, own = line_of(root(), middle(), leaf())
    case = chains.Case(0, chains.HOST, False, [own.der, second.der], [], True, set())
    (other,) = line_of(chains.Made(first.name, chains.KEYS[5]))
    (old,) = line_of(chains.Made(first.name, first.key, **EXPIRED))
    (mail,) = line_of(chains.Made(first.name, first.key, uses="mail"))
    jobs = []
    for trusted in (
        [other, first],
        [first, other],
        [old, mail, other, first],
        [old, mail],
        [mail, old],
        [other],
    ):
        case.trusted = [one.der for one in trusted]
        jobs.append(job(case, NOW))
    assert [line.split()[0] for line in judge(program, jobs)] == ["0", "0", "0", "1", "1000", "8"]


# The set


PEM = (ROOT / "modules" / "trust" / "roots.pem").read_text()


def test_the_set_in_the_firmware_is_whole():
    day, entries = roots.read(PEM)
    assert len(entries) > 80
    assert day > datetime.date(2026, 10, 1)
    for _, der in entries:
        certificate = x509.load_der_x509_certificate(der)
        made, subject = roots.stripped(der)
        # What is left is a certificate with the same subject, key, dates and constraints.
        kept = x509.load_der_x509_certificate(made)
        assert kept.subject == certificate.subject
        assert made[subject:].startswith(certificate.subject.public_bytes())
        assert kept.not_valid_after_utc == certificate.not_valid_after_utc
        assert kept.not_valid_before_utc == certificate.not_valid_before_utc
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert kept.public_key().public_bytes(*form) == certificate.public_key().public_bytes(
            *form
        )
        for extension in certificate.extensions:
            wanted = (
                x509.BasicConstraints,
                x509.KeyUsage,
                x509.ExtendedKeyUsage,
                x509.NameConstraints,
            )
            if isinstance(extension.value, wanted):
                assert kept.extensions.get_extension_for_class(type(extension.value)) == extension
    assert len(roots.packed(PEM)) < 75_000


def test_each_root_of_the_set_vouches(program):
    """Its own certificate, as if a server had it, is signed by it."""
    jobs = []
    _, entries = roots.read(PEM)
    now = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
    for _, der in entries:
        case = chains.Case(0, "", False, [der], [der], True, set())
        jobs.append(job(case, now, pem=PEM))
    for said in judge(program, jobs):
        # Some are signed with SHA-1, and none is for servers; but it is found, and nothing is wrong with it.
        flags = int(said.split()[0], 16)
        assert flags & ~0x4800 == 0, said
        assert said.split()[2] == "1:0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        PEM.replace("MII", "MIA", 1),
    ],
    ids=["nothing", "no PEM", "no certificate", "damaged"],
)
def test_a_damaged_file_makes_no_set(text):
    with pytest.raises(roots.RootsError):
        roots.packed(text)
