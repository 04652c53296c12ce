"""Pinned keys, against servers that send more certificates than they need: only the chain that holds counts."""

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tls_peer import HOST, SINCE, UNTIL, UP, Party, party


def digest(key) -> str:
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(public).hexdigest()


def forged(subject: Party, public_key, issuer: str = "nobody") -> Party:
    """What anybody can make: a CA's certificate with another's name and another's public key."""
    own = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, issuer)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject.certificate.subject)
        .issuer_name(name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(own, hashes.SHA256())
    )
    return Party(certificate, own)


@pytest.mark.parametrize("trusted", ["firmware", "own", "both"])
def test_certificates_beside_the_chain_do_not_count(play, serve, roots, bundle, trusted):
    pinned = ec.generate_private_key(ec.SECP256R1())
    root, name = (roots["own"], "own root") if trusted == "own" else (roots["known"], "known root")
    middle = party("middle", root, ca=True)
    leaf = party(HOST, middle)
    above = forged(root, pinned.public_key())
    serve(leaf, middle, above, port=1)
    serve(leaf, middle, forged(root, pinned.public_key(), name), port=2)
    serve(leaf, forged(middle, pinned.public_key()), middle, port=3)
    serve(leaf, middle, forged(middle, pinned.public_key()), above, port=4)
    # One that a root has signed, with the name of that by which the server's own is signed.
    twin = party("known root", roots["known"], ca=True, key=pinned)
    serve(party(HOST, root), twin, port=5)
    serve(leaf, middle, roots["old"], above, port=6)
    context = {
        "firmware": "ssl.create_default_context()",
        "own": f"ssl.create_default_context(cadata={roots['own'].pem.decode()!r})",
        "both": "both()",
    }[trusted]
    played = play(
        UP
        + f"""
import ssl
def both():
    context = ssl.create_default_context()
    context.load_verify_locations(cadata={roots["own"].pem.decode()!r})
    return context
for port in range(1, 7):
    context = {context}
    context.pin_keys({digest(pinned)!r})
    attempt("pinned%d" % port, port, context)
    attempt("plain%d" % port, port, {context})
""",
        env=bundle,
    )
    for port in range(1, 7):
        assert "TLSError" in played.value(f"pinned{port}"), port
    for port in (1, 2, 6):  # they need the pin to be refused
        assert "none of the pinned keys" in played.value(f"pinned{port}"), port
    if trusted != "own":
        for port in (1, 2, 5, 6):
            assert played.value(f"plain{port}") == "full", port


def test_a_root_in_the_firmware_counts(play, serve, roots, bundle):
    middle = party("middle", roots["known"], ca=True)
    leaf = party(HOST, middle)
    serve(leaf, middle, port=1)
    serve(leaf, middle, roots["known"], port=2)
    # ... also as another root has signed it, one that nobody knows
    cross = party("known root", roots["old"], ca=True, key=roots["known"].key)
    serve(leaf, middle, cross, port=3)
    played = play(
        UP
        + f"""
import ssl
def pinned(*digests):
    context = ssl.create_default_context()
    context.pin_keys(*digests)
    return context
for port in (1, 2, 3):
    attempt("root%d" % port, port, pinned({digest(roots["known"].key)!r}))
    attempt("middle%d" % port, port, pinned({digest(middle.key)!r}))
    attempt("leaf%d" % port, port, pinned({digest(leaf.key)!r}))
""",
        env=bundle,
    )
    for port in "123":
        for what in ("root", "middle", "leaf"):
            assert played.value(what + port) == "full", (what, port)
