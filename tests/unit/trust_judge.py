"""modules/trust as a program: built with the VM's mbedTLS and the sanitizers, it judges many chains at once."""

import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
import roots
from openssl_host import SSL_CLIENT, SSL_SERVER, verdict
from world import ROOT

VM = ROOT / "build" / "vm"
TRUST = ROOT / "modules" / "trust"


def build(folder: Path) -> Path:
    """Compile it; returns the program."""
    objects = sorted((VM / "mbedtls" / "library").glob("*.o"))
    if not objects or not shutil.which("gcc"):
        pytest.skip("mbedTLS is not built: run `make vm`")
    program = folder / "trust_host"
    source = VM / "src"
    includes = [TRUST, VM, source / "mbedtls" / "include", ROOT / "simulator" / "vm" / "variant"]
    includes += [ROOT / "build" / "src" / "micropython"]
    flags = [
        "-g",
        "-O1",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    flags += [f"-I{folder}" for folder in includes] + [
        '-DMBEDTLS_CONFIG_FILE="sim_mbedtls_config.h"'
    ]
    files = [
        ROOT / "tests" / "unit" / "trust_host.c",
        *(TRUST / f"{name}.c" for name in ("chain", "parse", "roots")),
    ]
    wrapped = "-Wl,--wrap=mbedtls_x509_crt_parse_der"
    subprocess.run(["gcc", *flags, *files, *objects, wrapped, "-o", program], check=True)
    return program


def _texts(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def job(case, now, servers=True, pem=None) -> bytes:
    """What the program reads of a trust_chains.Case. pem: what the set of roots is made of, in place of its trusted."""
    bundle = b""
    if case.bundle:
        bundle = roots.packed(pem or "".join(map(ssl.DER_cert_to_PEM_cert, case.trusted)))
    head = struct.pack(">QB", int(now.timestamp()), servers) + _texts(case.host.encode(), bundle)
    own = [] if case.bundle else case.trusted
    return head + bytes([len(case.chain)]) + _texts(*case.chain) + bytes([len(own)]) + _texts(*own)


def judge(program: Path, jobs: list[bytes]) -> list[str]:
    """A line for each: "0 ..." if the chain holds, else the flags, or what could not be parsed."""
    done = subprocess.run([program], input=b"".join(jobs), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(jobs)
    return lines


def openssl(case, now, chain=None, servers=True) -> str:
    """ "" if OpenSSL believes the case, else what it says."""
    purpose = SSL_SERVER if servers else SSL_CLIENT
    chain = case.chain if chain is None else chain
    return verdict(
        chain,
        case.trusted,
        case.host,
        now.timestamp(),
        purpose=purpose,
        is_address=case.is_address,
    )
