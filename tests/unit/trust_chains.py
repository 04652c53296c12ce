"""Chains of certificates made at random: good ones, with none, one or two things changed.

A case is made from a seed alone. What was changed is in Case.marks, for the list of where the firmware is stricter.
"""

import datetime
import functools
import ipaddress
import itertools
import random
from dataclasses import dataclass, field

import roots as roots_tool
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID as Use
from cryptography.x509.oid import NameOID, ObjectIdentifier

NOW = datetime.datetime(2027, 6, 1, tzinfo=datetime.UTC)
PAST = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
UNTIL = NOW + 900 * DAY
HOST = "www.device.example"
ADDRESS = "192.0.2.7"
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(12)]
ANY = ObjectIdentifier("2.5.29.37.0")
STEP_UP = ObjectIdentifier("2.16.840.1.113730.4.1")
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
USES = {
    "server": [Use.SERVER_AUTH],
    "both": [Use.CLIENT_AUTH, Use.SERVER_AUTH],
    "mail": [Use.EMAIL_PROTECTION],
    "code": [Use.CODE_SIGNING],
    "client": [Use.CLIENT_AUTH],
    "any": [ANY],
    "any and mail": [ANY, Use.EMAIL_PROTECTION],
    "step-up": [STEP_UP],
}
SIGNS = ("key_cert_sign", "crl_sign")
CURVES = {"P-224": ec.SECP224R1(), "secp256k1": ec.SECP256K1(), "brainpool": ec.BrainpoolP256R1()}
POINTS, CONSTRAINTS, POLICIES = "2.5.29.31", "2.5.29.30", "2.5.29.32"
URL = "300f300da00ba009860768747470733a2f"  # one distribution point: a URL
# Extensions as bytes: (name, value)
RAW = {
    "points": (POINTS, URL),
    "points doubled": (POINTS, URL),
    "points of another type": (POINTS, "040178"),
    "points without names": (POINTS, "300430020400"),
    "points cut off": (POINTS, URL[:-2]),
    "constraints of another type": (CONSTRAINTS, "040178"),
    "constraints without names": (CONSTRAINTS, "3006a00430020500"),
    "policies of another type": (POLICIES, "040178"),
    "routers": ("1.3.6.1.5.5.7.1.7", "30083006040200010500"),
    "routers of another type": ("1.3.6.1.5.5.7.1.7", "040178"),
    "systems of another type": ("1.3.6.1.5.5.7.1.8", "040178"),
    "proxy": ("1.3.6.1.5.5.7.1.14", "300c300a06082b06010505071501"),
}


@functools.cache
def odd_key(kind: str):
    """A key of a kind that servers do not have."""
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    return rsa.generate_private_key(65537, int(kind.removeprefix("RSA-")))


def signature_of(key, data: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


@dataclass
class Made:
    """A certificate to be: what of it is changed before it is signed."""

    name: list
    key: object
    since: datetime.datetime = PAST
    until: datetime.datetime = UNTIL
    ca: bool | None = True  # None: no basic constraints at all
    length: int | None = None
    usage: tuple | None = SIGNS
    uses: str | None = None
    alternatives: list = field(default_factory=list)
    alternatives_kept: bool = True
    permitted: list = field(default_factory=list)
    excluded: list = field(default_factory=list)
    constraints_critical: bool = False
    unknown: bool | None = None  # an extension that nobody knows, and whether it is critical
    version1: bool = False
    signer: object = None  # a key that is not its issuer's
    digest: object = field(default_factory=hashes.SHA256)
    raw: str | None = None  # of RAW
    # What it says of its issuer: its key, the name of that one's issuer, its serial number; what is not so
    authority: tuple = (True, None, None)
    nameless: bool = False  # it does not say of its issuer's key which one that is
    serial: int = field(default_factory=x509.random_serial_number)
    issuer: "Made | None" = None
    der: bytes = b""

    def sign(self, issuer: "Made") -> None:
        self.issuer = issuer
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name(self.name))
            .issuer_name(x509.Name(issuer.name))
            .public_key(self.key.public_key())
            .serial_number(self.serial)
            .not_valid_before(self.since)
            .not_valid_after(self.until)
        )
        for extension, critical in self._extensions(issuer):
            builder = builder.add_extension(extension, critical)
        key = self.signer or issuer.key
        self.der = builder.sign(key, self.digest).public_bytes(serialization.Encoding.DER)
        if self.version1:
            self.der = as_version1(self.der, key)
        elif self.raw and self.raw.endswith("doubled"):
            self.der = doubled(self.der, key, RAW[self.raw][0])

    def _extensions(self, issuer):
        yield x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False
        if not self.nameless:
            yield self._authority(issuer), False
        if self.ca is not None:
            yield x509.BasicConstraints(self.ca, self.length if self.ca else None), True
        if self.usage is not None:
            every = (
                *(
                    "digital_signature",
                    "content_commitment",
                    "key_encipherment",
                    "data_encipherment",
                ),
                *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
            )
            yield x509.KeyUsage(**{name: name in self.usage for name in every}), True
        if self.uses:
            yield x509.ExtendedKeyUsage(USES[self.uses]), False
        if self.alternatives and self.alternatives_kept:
            yield x509.SubjectAlternativeName(self.alternatives), False
        if self.permitted or self.excluded:
            constraints = x509.NameConstraints(self.permitted or None, self.excluded or None)
            yield constraints, self.constraints_critical
        if self.unknown is not None:
            yield UNKNOWN, self.unknown
        if self.raw and not (
            self.raw.startswith("constraints") and (self.permitted or self.excluded)
        ):
            oid, value = RAW[self.raw]
            yield x509.UnrecognizedExtension(ObjectIdentifier(oid), bytes.fromhex(value)), False

    def _authority(self, issuer):
        key, name, serial = self.authority
        right = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        names = above = None
        if name is not None:
            above = issuer.serial if serial else 5
            names = [
                x509.DirectoryName(
                    x509.Name((issuer.issuer or issuer).name if name else dn("Nobody"))
                )
            ]
        return x509.AuthorityKeyIdentifier(
            right.key_identifier if key else b"x" * 20, names, above
        )


def doubled(der: bytes, key, oid: str) -> bytes:
    """The same certificate with one of its extensions twice."""
    ((_, _, whole),) = roots_tool.elements(der)
    body, algorithm, _ = roots_tool.elements(whole)
    fields = []
    name = roots_tool.element(0x06, bytes((0x55, 0x1D, int(oid.rpartition(".")[2]))))
    for tag, whole_field, content in roots_tool.elements(body[2]):
        if tag != 0xA3:
            fields.append(whole_field)
            continue
        every = roots_tool.elements(roots_tool.elements(content)[0][2])
        twice = [one for _, one, parts in every if parts.startswith(name)]
        assert len(twice) == 1
        inside = b"".join([*(one for _, one, _ in every), *twice])
        fields.append(roots_tool.element(0xA3, roots_tool.element(0x30, inside)))
    return signed_again(fields, algorithm[1], key)


def signed_again(fields: list[bytes], algorithm: bytes, key) -> bytes:
    made = roots_tool.element(0x30, b"".join(fields))
    signature = roots_tool.element(0x03, b"\0" + signature_of(key, made))
    return roots_tool.element(0x30, made + algorithm + signature)


def as_version1(der: bytes, key) -> bytes:
    """The same certificate as before there were extensions."""
    ((_, _, whole),) = roots_tool.elements(der)
    body, algorithm, _ = roots_tool.elements(whole)
    fields = [field[1] for field in roots_tool.elements(body[2]) if field[0] not in (0xA0, 0xA3)]
    return signed_again(fields, algorithm[1], key)


@dataclass
class Case:
    """What a client is shown, and whom it trusts. chain: the leaf first. bundle: the trusted are in the set of roots,
    else in a cafile."""

    seed: int
    host: str
    is_address: bool
    chain: list[bytes]
    trusted: list[bytes]
    bundle: bool
    marks: set[str]


def dn(name: str, kind=None) -> list:
    kind = {} if kind is None else {"_type": kind}
    return [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Bee Keepers", **kind),
        x509.NameAttribute(NameOID.COMMON_NAME, name, **kind),
    ]


def directory(*attributes) -> x509.DirectoryName:
    return x509.DirectoryName(x509.Name(list(attributes)))


def subtrees(chance: random.Random) -> list:
    """Subtrees for name constraints, some of which have the leaf in them."""
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")
    organisation = NameOID.ORGANIZATION_NAME
    utf8, printable, t61 = (
        x509.name._ASN1Type.UTF8String,
        x509.name._ASN1Type.PrintableString,
        x509.name._ASN1Type.T61String,
    )
    every = [
        *map(
            x509.DNSName,
            (
                "device.example",
                ".device.example",
                "example",
                "DEVICE.example",
                HOST,
                "other.example",
                "",
            ),
        ),
        *map(
            x509.DNSName,
            ("ww.device.example", "vice.example", "a.www.device.example", "bad.device.example"),
        ),
        *(
            x509.IPAddress(ipaddress.ip_network(net))
            for net in ("192.0.2.0/24", "10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")
        ),
        directory(country),
        directory(country, x509.NameAttribute(organisation, "Bee Keepers")),
        directory(country, x509.NameAttribute(organisation, "BEE   keepers ", _type=printable)),
        directory(country, x509.NameAttribute(organisation, "bee keepers", _type=utf8)),
        directory(country, x509.NameAttribute(organisation, "Bee Keepers", _type=t61)),
        directory(country, x509.NameAttribute(organisation, "Wasp Keepers")),
        directory(x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")),
        x509.RFC822Name("device.example"),
        x509.UniformResourceIdentifier(".device.example"),
        x509.RFC822Name("other.example"),
    ]
    return chance.sample(every, chance.choice((1, 1, 1, 2, 3)))


def make(seed: int) -> Case:
    """The case of this number."""
    chance = random.Random(seed)
    marks = set()
    depth = chance.choice((0, 1, 1, 2, 2, 3))
    keys = chance.sample(KEYS, 8)
    root = Made(dn("Root"), keys.pop())
    between = [Made(dn(f"CA {level}"), keys.pop()) for level in range(depth)]
    leaf = Made(
        dn("Leaf"),
        keys.pop(),
        ca=False,
        usage=("digital_signature", "key_encipherment"),
        uses="server",
    )
    leaf.alternatives = [x509.DNSName(HOST)]
    host, is_address, bundle = HOST, chance.random() < 0.15, chance.random() < 0.5
    if is_address:
        host, leaf.alternatives = ADDRESS, [x509.IPAddress(ipaddress.ip_address(ADDRESS))]
    line = [root, *between, leaf]  # from the root down
    authorities = line[:-1]
    sent_root, missing, shuffled, extra, cross, twin, doubled = [False] * 7

    def authority():
        return chance.choice(authorities)

    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3))):
        what = chance.choice(CHANGES)
        marks.add(what)
        if what == "uses":
            uses = chance.choice((None, *USES))
            chance.choice(line).uses = uses
            marks.add(f"for {uses}")
        elif what == "ca":
            authority().ca = ca = chance.choice((False, None))
            marks.add(f"CA: {ca}")
        elif what == "usage":
            authority().usage = chance.choice((None, ("crl_sign",), ("digital_signature",), SIGNS))
        elif what == "leaf usage":
            leaf.usage = chance.choice(
                (None, ("digital_signature",), ("key_encipherment",), ("key_cert_sign",))
            )
            marks.update(leaf.usage or ())
        elif what == "length":
            authority().length = chance.choice((0, 1, 2))
        elif what == "permitted":
            one = authority()
            one.permitted, one.constraints_critical = subtrees(chance), chance.random() < 0.3
        elif what == "excluded":
            one = authority()
            one.excluded, one.constraints_critical = subtrees(chance), chance.random() < 0.3
        elif what == "dates":
            one = chance.choice(line)
            if chance.random() < 0.5:
                one.until = NOW - DAY
            else:
                one.since = NOW + DAY
        elif what == "unknown":
            chance.choice(line).unknown = chance.random() < 0.5
        elif what == "version 1":
            chance.choice(line).version1 = True
        elif what == "signature":
            chance.choice(line[1:]).signer = chance.choice(keys)
        elif what == "leaf is CA":
            leaf.ca = True
        elif what == "self-issued" and between:
            # A CA's new key, signed by its old one.
            at = chance.randrange(1, len(line) - 1)
            line.insert(at, Made(line[at].name, keys.pop()))
            authorities = line[:-1]
        elif what == "names":
            leaf.alternatives = leaf.alternatives + chance.sample(
                [
                    x509.DNSName("also.device.example"),
                    x509.DNSName("mail.other.example"),
                    x509.IPAddress(ipaddress.ip_address("10.1.2.3")),
                    x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
                    x509.RFC822Name("bee@device.example"),
                    x509.UniformResourceIdentifier("https://www.device.example/"),
                    directory(x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")),
                ],
                chance.choice((1, 2)),
            )
        elif what == "subject":
            ending = chance.choice(
                (
                    [x509.NameAttribute(NameOID.EMAIL_ADDRESS, "bee@device.example")],
                    [x509.NameAttribute(NameOID.COMMON_NAME, HOST)],
                    [x509.NameAttribute(NameOID.COMMON_NAME, "mail.other.example")],
                )
            )
            kind = chance.choice((None, x509.name._ASN1Type.PrintableString))
            name = chance.choice((dn("Leaf"), dn("leaf", kind), [], leaf.name[:1]))
            leaf.name = name + ending
        elif what == "common name":
            leaf.name = [
                *leaf.name,
                x509.NameAttribute(
                    NameOID.COMMON_NAME, chance.choice((HOST, "x.example", ADDRESS))
                ),
            ]
            leaf.alternatives_kept = chance.random() < 0.3
        elif what == "host":
            host, is_address, names = chance.choice(
                (
                    ("www.device.example", False, ["*.device.example"]),
                    ("device.example", False, ["*.device.example"]),
                    ("a.www.device.example", False, ["*.device.example"]),
                    ("bad.device.example", False, ["*.device.example"]),
                    ("device.example", False, ["*.example"]),
                    ("device.example", False, ["*"]),
                    ("shop.co.uk", False, ["*.co.uk"]),
                    ("shop.abc.de", False, ["*.abc.de"]),
                    ("www.shop.co.uk", False, ["*.shop.co.uk"]),
                    ("WWW.Device.EXAMPLE", False, ["www.device.example"]),
                    ("www.device.example", False, ["w*.device.example"]),
                    ("www.device.example", False, ["www.*.example"]),
                    ("other.example", False, ["www.device.example"]),
                    (ADDRESS, True, [ADDRESS]),
                    ("www.device.example", False, ["www.device.example."]),
                    ("device.example", False, [".example", "*.device.example"]),
                    ("foo_bar.device.example", False, ["*.device.example"]),
                    ("foo_bar.device.example", False, ["foo_bar.device.example"]),
                    ("www.de_vice.example", False, ["*.de_vice.example"]),
                    ("www.-device.example", False, ["*.-device.example"]),
                    ("www.device-.example", False, ["*.device-.example"]),
                    ("-a.device.example", False, ["*.device.example"]),
                    ("xn--bcher-kva.device.example", False, ["*.device.example"]),
                )
            )
            leaf.alternatives = [x509.DNSName(name) for name in names]
            marks.update((host, *names))
        elif what == "root sent":
            sent_root = True
        elif what == "missing":
            missing = True
        elif what == "order":
            shuffled = True
        elif what == "extra":
            extra = True
        elif what == "cross":
            cross = True
        elif what == "twin root":
            twin = True
        elif what == "twin CA" and between:
            doubled = True
        elif what == "trusts CA" and between:
            marks.add("partial")
        elif what == "other names":
            # That OpenSSL knows constraints on
            name, tree = chance.choice(
                (
                    (x509.RFC822Name("bee@device.example"), x509.RFC822Name("device.example")),
                    (
                        x509.UniformResourceIdentifier("https://www.device.example/"),
                        x509.UniformResourceIdentifier(".device.example"),
                    ),
                )
            )
            leaf.alternatives = [*leaf.alternatives, name]
            one = authority()
            one.permitted = [*one.permitted, tree]
        elif what == "trusts leaf":
            marks.add("leaf itself")
        elif what == "authority":
            key = chance.random() < 0.7
            chance.choice(line[1:]).authority = (
                key,
                *chance.choice(((None, None), (True, True), (False, True), (True, False))),
            )
        elif what == "extension":
            raw = chance.choice(list(RAW))
            chance.choice(line[1:]).raw = raw
            marks.add(raw)
        elif what == "key":
            kind = chance.choice((*CURVES, "RSA-2047", "RSA-2048"))
            chance.choice(line).key = odd_key(kind)
            marks.add(kind)
        elif what == "digest":
            chance.choice(line[1:]).digest = hashes.SHA224()
            marks.add("SHA-224")
        elif what == "deep":
            for level in range(chance.choice((7, 9)) - len(authorities) + 1):
                line.insert(1, Made(dn(f"Deep {level}"), KEYS[level]))
            authorities = line[:-1]
            if len(authorities) > 9:
                marks.add("9 CAs")

    if "partial" in marks and bundle:
        line[1].raw = None  # the set has nothing of it
    root.sign(root)
    for above, one in itertools.pairwise(line):
        one.sign(above)
    sent = [one.der for one in line[:0:-1]]
    trusted = [root.der]
    if sent_root:
        sent.append(root.der)
    if cross:
        # The root's key, also certified by one that is trusted or not, and expired or not.
        old = Made(dn("Old Root"), keys.pop(), until=chance.choice((UNTIL, NOW - DAY)))
        old.sign(old)
        crossed = Made(root.name, root.key)
        crossed.sign(old)
        sent.append(crossed.der)
        trusted = chance.choice(([root.der], [old.der], [root.der, old.der]))
    if doubled:
        # Another one with the name of a CA, and another key.
        other = Made(line[1].name, keys.pop() if keys else chance.choice(KEYS))
        other.sign(root)
        sent.insert(chance.choice((1, len(sent))), other.der)
    if twin:
        other = Made(
            root.name,
            keys.pop() if keys else chance.choice(KEYS),
            until=chance.choice((UNTIL, NOW - DAY)),
        )
        other.sign(other)
        trusted.insert(chance.choice((0, 1)), other.der)
    if missing and len(sent) > 1:
        sent.pop(chance.randrange(1, len(sent)))
    if shuffled:
        rest = sent[1:]
        chance.shuffle(rest)
        sent[1:] = rest
    if extra:
        other = Made(dn("Elsewhere"), chance.choice(KEYS), unknown=chance.choice((None, True)))
        if other.unknown:
            marks.add("unknown elsewhere")
        other.sign(other)
        sent.insert(chance.randrange(1, len(sent) + 1), other.der)
    if "partial" in marks:
        trusted = [line[1].der]
    if "leaf itself" in marks:
        trusted = [leaf.der]
    for one in line:
        subtrees_of = [*one.permitted, *one.excluded]
        if one.constraints_critical and subtrees_of:
            marks.add("critical constraints")
        if one.unknown:
            marks.add("unknown and critical")
        marks.update(type(subtree).__name__ for subtree in subtrees_of)
        for subtree in subtrees_of:
            if isinstance(subtree, x509.DirectoryName):
                marks.update(attribute._type.name for attribute in subtree.value)
    return Case(seed, host, is_address, sent, trusted, bundle, marks)


CHANGES = (
    *(
        "uses",
        "uses",
        "ca",
        "usage",
        "leaf usage",
        "length",
        "permitted",
        "permitted",
        "excluded",
        "excluded",
    ),
    *(
        "dates",
        "unknown",
        "version 1",
        "signature",
        "leaf is CA",
        "self-issued",
        "names",
        "names",
        "subject",
    ),
    *(
        "common name",
        "host",
        "host",
        "root sent",
        "missing",
        "order",
        "extra",
        "cross",
        "twin root",
        "twin CA",
    ),
    *("trusts CA", "trusts leaf", "authority", "authority", "extension", "extension"),
    *("key", "digest", "deep"),
    *("other names", "self-issued", "self-issued", "permitted", "excluded", "names"),
)
