"""The throw-away certificates, judged by openssl."""

import concurrent.futures
import fcntl
import json
import os
import ssl
import subprocess
import sys
import threading
import time

import pytest
from network import certificates


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp("pki") / "certificates")


def openssl(*arguments):
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def verify(directory, name, host, root="root.pem"):
    chain = directory / f"{name}.pem"
    trust = ["-no-CApath", "-CAfile", directory / root, "-untrusted", chain]
    strict = ["-x509_strict", "-auth_level", "2", "-purpose", "sslserver"]
    return openssl("verify", *strict, "-verify_hostname", host, *trust, chain)


def test_the_chain_of_three_is_good(made):
    result = verify(made, "https", "telemetry.example")
    assert result.returncode == 0, result.stderr
    text = (made / "https.pem").read_text()
    assert text.count("BEGIN CERTIFICATE") == 2 and text.count("BEGIN PRIVATE KEY") == 1
    shown = openssl("x509", "-in", made / "https.pem", "-noout", "-text").stdout
    assert "Public-Key: (2048 bit)" in shown and "sha256WithRSAEncryption" in shown


@pytest.mark.parametrize("name", ["p256", "p384", "wildcard", "longchain", "mutual", "impostor"])
def test_the_good_ones_are_good(made, name):
    result = verify(made, name, certificates.LEAVES[name].host)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("wronghost", "hostname mismatch"),
        ("deepwildcard", "hostname mismatch"),
        ("topwildcard", "hostname mismatch"),
        ("expired", "certificate has expired"),
        ("notyet", "certificate is not yet valid"),
        ("selfsigned", "self-signed certificate"),
        ("unknownca", "unable to get local issuer certificate"),
        ("unknownroot", "self-signed certificate in certificate chain"),
        ("missing", "unable to get local issuer certificate"),
        ("weakkey", "EE certificate key too weak"),
        ("sha1", "CA signature digest algorithm too weak"),
        ("md5", "CA signature digest algorithm too weak"),
        ("broken", "certificate signature failure"),
        ("noauthority", "invalid CA certificate"),
        ("restricted", "permitted subtree violation"),
        ("usage", "unsuitable certificate purpose"),
    ],
)
def test_the_others_are_refused_for_their_reason_alone(made, name, why):
    result = verify(made, name, certificates.LEAVES[name].host)
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if "depth lookup" in line]
    assert errors and why in errors[0]
    assert len(errors) == 1 or name == "noauthority"  # there openssl has three words for it


def test_the_unknown_authority_is_good_for_who_trusts_it(made):
    assert verify(made, "unknownca", "unknownca.example", "unknown-root.pem").returncode == 0


def test_der_is_the_same_root(made):
    assert (
        ssl.PEM_cert_to_DER_cert((made / "root.pem").read_text())
        == (made / "root.der").read_bytes()
    )


def test_keys_fit_their_certificates_and_are_private(made):
    for name in (*certificates.LEAVES, *certificates.CLIENTS):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(made / f"{name}.pem")
        assert (made / f"{name}.pem").stat().st_mode & 0o077 == 0


def test_made_once_and_again_when_about_to_end(tmp_path):
    directory = tmp_path / "certificates"
    certificates.make(directory)
    first = (directory / "root.der").read_bytes()
    start = time.monotonic()
    certificates.make(directory)
    assert time.monotonic() - start < 0.05
    assert (directory / "root.der").read_bytes() == first
    made = json.loads((directory / "made.json").read_text())
    made["until"] = "2020-01-01T00:00:00+00:00"
    (directory / "made.json").write_text(json.dumps(made))
    certificates.make(directory)
    assert (directory / "root.der").read_bytes() != first
    (directory / "made.json").unlink()
    certificates.make(directory)
    assert (directory / "made.json").exists()


def test_one_makes_and_the_others_wait(tmp_path):
    directory = tmp_path / "certificates"
    with open(tmp_path / ".certificates.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        maker = threading.Thread(target=certificates.make, args=(directory,))
        maker.start()
        maker.join(1.0)
        assert not directory.exists()
    maker.join()
    assert (directory / "made.json").exists()


def test_several_at_once_get_the_same(tmp_path):
    directory = tmp_path / "certificates"
    command = [sys.executable, "-m", "network.certificates", str(directory)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: subprocess.run(command, env=env, check=False), range(3)))
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert {p.name for p in directory.iterdir()} == {
        "made.json",
        "root.roots",
        *(f"{n}.der" for n in (*certificates.AUTHORITIES, *certificates.CLIENTS)),
        *(f"{n}-key.der" for n in certificates.CLIENTS),
        *(
            f"{n}.pem"
            for n in (*certificates.AUTHORITIES, *certificates.LEAVES, *certificates.CLIENTS)
        ),
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == [".certificates.lock", "certificates"]
