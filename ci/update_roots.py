#!/usr/bin/env python3
"""Brings modules/trust/roots.pem up to date: Mozilla's root certificates for servers.

Which ones there are is taken from the newest certifi (PyPI), which follows Mozilla within days and leaves out how long
a root is still trusted. That is in Mozilla's certdata.txt, which Debian's ca-certificates has, some months old: a root
that is new since has no such date, and one that is gone since is left out here too. A date that is known stays.

Needs pip, apt and the network; writes below build/roots and the one file.
"""

import datetime
import hashlib
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "modules" / "trust"), str(ROOT / "simulator" / "vm")]

import roots  # noqa: E402
from debian_archive import Apt, Mirror, SourcesError, version_key  # noqa: E402

FILE = ROOT / "modules" / "trust" / "roots.pem"
WORK = ROOT / "build" / "roots"
MIRROR = "http://deb.debian.org/debian"
# Fewer would be a mistake of somebody's, not Mozilla's doing.
FEWEST = 80


class UpdateError(Exception):
    """Why the file stays as it is."""


def newest_certifi() -> tuple[str, str]:
    """The newest certifi: (version, cacert.pem)."""
    folder = WORK / "certifi"
    for old in folder.glob("*.whl"):
        old.unlink()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), "certifi"]
    if subprocess.run(command, check=False).returncode:
        raise UpdateError("pip cannot download certifi: check the network")
    (wheel,) = folder.glob("certifi-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return wheel.name.split("-")[1], archive.read("certifi/cacert.pem").decode()


def newest_certdata() -> tuple[str, str]:
    """The newest ca-certificates that can be had from Debian: (version, certdata.txt)."""
    for release in ("sid", "trixie"):
        apt = Apt(WORK / release)
        mirror = Mirror(MIRROR, release=release)
        apt.update(mirror)
        offered = {version for version, _ in apt.versions("ca-certificates")}
        for version in sorted(offered, key=version_key, reverse=True):
            folder = WORK / "ca-certificates" / version
            try:
                apt.download({"ca-certificates": version}, folder, mirror)
            except SourcesError:
                print(f"Debian has no ca-certificates {version} to give away", file=sys.stderr)
                continue
            with tarfile.open(*folder.glob("*.tar.*")) as archive:
                for member in archive:
                    if member.name.endswith("/mozilla/certdata.txt"):
                        return version, archive.extractfile(member).read().decode()
    raise UpdateError("no ca-certificates can be had from Debian: check the network")


def octal(text: str) -> bytes:
    return bytes(int(digits, 8) for digits in re.findall(r"\\([0-7]{3})", text))


def distrust_dates(certdata: str) -> dict[str, datetime.datetime | None]:
    """Of each certificate in certdata.txt, by its SHA-256 in hex, from when on it vouches for no new server."""
    dates = {}
    for block in re.split(
        r"^CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE$", certdata, flags=re.MULTILINE
    )[1:]:
        value = re.search(
            r"^CKA_VALUE MULTILINE_OCTAL\n(.*?)^END$", block, re.MULTILINE | re.DOTALL
        )
        after = re.search(
            r"^CKA_NSS_SERVER_DISTRUST_AFTER MULTILINE_OCTAL\n(.*?)^END$",
            block,
            re.MULTILINE | re.DOTALL,
        )
        date = after and datetime.datetime.strptime(octal(after[1]).decode(), "%y%m%d%H%M%SZ")
        digest = hashlib.sha256(octal(value[1])).hexdigest()
        dates[digest] = date and date.replace(tzinfo=datetime.UTC)
    return dates


def known_dates(pem: str) -> dict[str, datetime.datetime]:
    """As distrust_dates(), of those in the file that have one."""
    return {
        hashlib.sha256(der).hexdigest(): datetime.datetime.fromtimestamp(until, datetime.UTC)
        for until, der in roots.read(pem)[1]
        if until
    }


def compose(certifi: tuple[str, str], certdata: tuple[str, str], before: str) -> str:
    """The new file. certifi, certdata: (version, content); before: the old file, or ""."""
    version, pem = certifi
    day = datetime.date(*map(int, version.split(".")[:3]))
    dates = distrust_dates(certdata[1])
    known = {**(known_dates(before) if before else {}), **dates}
    labels = re.findall(r'^# Label: "(.*)"$', pem, re.MULTILINE)
    bodies = re.findall(
        r"^-----BEGIN CERTIFICATE-----$.*?^-----END CERTIFICATE-----$",
        pem,
        re.MULTILINE | re.DOTALL,
    )
    entries = roots.read(pem)[1]
    if not len(entries) == len(labels) == len(bodies) >= FEWEST:
        raise UpdateError(
            f"certifi {version} has {len(entries)} roots with {len(labels)} labels: look at it"
        )
    parts = [
        "# Mozilla's root certificates for servers (MPL 2.0), made by ci/update_roots.py: do not edit it by hand.\n"
        f"# Date: {day}\n"
        f"# Roots: certifi {version}, cacert.pem with SHA-256 {hashlib.sha256(pem.encode()).hexdigest()}\n"
        f"# Distrust dates: Debian's ca-certificates {certdata[0]}, certdata.txt with SHA-256 "
        f"{hashlib.sha256(certdata[1].encode()).hexdigest()}\n"
    ]
    for label, body, (_, der) in sorted(
        zip(labels, bodies, entries, strict=True), key=lambda row: row[0].lower()
    ):
        digest = hashlib.sha256(der).hexdigest()
        until = known.get(digest)
        limit = f"# Distrust after: {until:%Y-%m-%dT%H:%M:%SZ}\n" if until else ""
        parts.append(f"# {label}\n# SHA-256: {digest}\n{limit}{body}\n")
    return "\n".join(parts)


def names(pem: str) -> dict[str, str]:
    """The roots in the file: SHA-256 to name."""
    return {
        digest: name
        for name, digest in re.findall(r"^# (.*)\n# SHA-256: (\S+)$", pem, re.MULTILINE)
    }


def main() -> int:
    WORK.mkdir(parents=True, exist_ok=True)
    before = FILE.read_text() if FILE.exists() else ""
    try:
        text = compose(newest_certifi(), newest_certdata(), before)
        roots.packed(text)
    except (UpdateError, SourcesError, roots.RootsError, OSError) as error:
        print(f"update_roots: {error}", file=sys.stderr)
        return 1
    old, new = names(before), names(text)
    for digest, name in sorted(old.items(), key=lambda row: row[1]):
        if digest not in new:
            print(f"- {name} ({digest})")
    for digest, name in sorted(new.items(), key=lambda row: row[1]):
        if digest not in old:
            print(f"+ {name} ({digest})")
    if old == new and known_dates(before) == known_dates(text):
        print(f"{FILE.relative_to(ROOT)}: the same {len(new)} roots")
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
