"""Debian's source packages through the machine's own apt, unprivileged and leaving no trace:
which mirror, which version, and a download that apt verified.
"""

import contextlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

RELEASE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUBMODULE_HINT = "git submodule update --init firmware/micropython"


class SourcesError(Exception):
    """What went wrong and what to do, in one sentence."""


@dataclass(frozen=True)
class Pin:
    """What this project was built with: `files` are the wanted ones of a source package."""

    series: str
    files: dict[str, str]  # name: sha256


@dataclass(frozen=True)
class Entry:
    """A repository the machine's apt knows, with one of its suites."""

    uri: str
    suite: str
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()  # lower case names, in order

    def option(self, name: str) -> str:
        return dict(self.options).get(name, "")


@dataclass(frozen=True)
class Mirror:
    """Where to get a release: `security` is the URI of its security archive or empty."""

    uri: str
    security: str = ""
    options: str = f"signed-by={KEYRING}"
    release: str = RELEASE

    def sources_list(self, security: bool) -> str:
        lines = [f"deb-src [{self.options}] {self.uri} {self.release} main\n"]
        if security and self.security:
            lines.append(
                f"deb-src [{self.options}] {self.security} {self.release}-security main\n"
            )
        return "".join(lines)


def parse_one_line(text: str) -> list[Entry]:
    """The entries of a sources.list in one-line style (sources.list(5))."""
    entries = []
    for line in text.splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            brackets, uri, suite, components = match.groups()
            options = (word.partition("=") for word in (brackets or "").split())
            options = tuple((name.lower(), value) for name, _, value in options)
            entries.append(Entry(uri, suite, tuple(components.split()), options))
    return entries


def parse_deb822(text: str) -> list[Entry]:
    """The entries of a .sources file in deb822 style (sources.list(5))."""
    entries = []
    for stanza in stanzas(text):
        if stanza.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        components = tuple(stanza.get("components", "").split())
        options = tuple(
            (name, stanza[name]) for name in ("signed-by", "check-valid-until") if name in stanza
        )
        for uri in stanza.get("uris", "").split():
            for suite in stanza.get("suites", "").split():
                entries.append(Entry(uri, suite, components, options))
    return entries


def stanzas(text: str) -> list[dict[str, str]]:
    """Paragraphs of "Name: value" fields, continued by indented lines (deb822(5)); the names in
    lower case."""
    found, fields, name = [], {}, ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                found.append(fields)
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] = f"{fields[name]}\n{line.strip()}".lstrip()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return found


_DEBIAN_SUITE = re.compile(
    r"(?:(?:old)*stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)"
    r"(?P<security>-security|/updates)?(?:-updates|-backports|-proposed-updates)?$"
)


def find_mirrors(entries: list[Entry]) -> list[Mirror]:
    """The Debian mirrors among the machine's repositories, the likeliest first.

    A repository of others may use Debian's names of suites too; it then fails for want of
    trixie, and the next one is tried.
    """
    ranked, security = [], ""
    for entry in entries:
        match = _DEBIAN_SUITE.match(entry.suite)
        if not match or "main" not in entry.components or entry.uri.startswith("cdrom:"):
            continue
        keyring = entry.option("signed-by")
        if "debian-archive" in keyring:
            rank = 0
        elif not keyring:
            rank = 1
        else:
            rank = 2
        # A keyring of one Debian release does not hold the next one's keys; somebody's own
        # keyring (a mirror signed anew) does hold what that mirror is signed with.
        own = rank == 2 and keyring.startswith("/") and len(keyring.split()) == 1
        options = f"signed-by={keyring if own else KEYRING}"
        if entry.option("check-valid-until").lower() in ("no", "false"):
            options += " check-valid-until=no"
        if match["security"]:
            security = security or entry.uri
        elif (rank, entry.uri, options) not in ranked:
            ranked.append((rank, entry.uri, options))
    ranked.sort(key=lambda row: row[0])
    return [Mirror(uri, security, options) for _, uri, options in ranked]


def apt_settings(dump: str) -> dict[str, str]:
    """`apt-config dump` as name: value; list items (names that end in ::) are left out."""
    return dict(re.findall(r'^(\S+[^:\s]) "(.*)";$', dump, re.MULTILINE))


def machine_entries(settings: dict[str, str]) -> list[Entry]:
    """All entries of the machine's own sources.list and sources.list.d."""
    etc = os.path.join(settings.get("Dir", "/"), settings.get("Dir::Etc", "etc/apt"))
    single = Path(etc, settings.get("Dir::Etc::sourcelist", "sources.list"))
    parts = Path(etc, settings.get("Dir::Etc::sourceparts", "sources.list.d"))
    files = [single, *(sorted(parts.iterdir()) if parts.is_dir() else [])]
    entries = []
    for file in files:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if file.suffix == ".list":
                entries += parse_one_line(file.read_text())
            elif file.suffix == ".sources":
                entries += parse_deb822(file.read_text())
    return entries


class Apt:
    """apt with everything it writes under `directory`.

    Of the machine's configuration it keeps what says how to reach mirrors (Acquire: proxies,
    time-outs) and no hooks.
    """

    def __init__(self, directory: Path):
        if not shutil.which("apt-get"):
            raise SourcesError(
                "apt-get is not on this machine: fill the submodule firmware/micropython "
                f"instead ({SUBMODULE_HINT}, and its lib/lwip and lib/mbedtls)."
            )
        self.directory = directory
        self.list = directory / "sources.list"
        self.config = directory / "apt.conf"
        self._env = {**os.environ, "LC_ALL": "C"}
        dump = self._run(["apt-config", "dump"]).stdout
        self.settings = apt_settings(dump)
        for name in ("state/lists/partial", "cache/archives/partial"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        keep = [
            line
            for line in dump.splitlines()
            if line.startswith("Acquire::") and not line.startswith("Acquire::IndexTargets")
        ]
        own = {
            "Dir::State": directory / "state",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": directory / "cache",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::sourcelist": self.list,
            "Dir::Etc::sourceparts": "/dev/null",
            # This file stands for all of /etc/apt/apt.conf*.
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            # Run by root, apt would fetch as the user _apt, who may not write here.
            "APT::Sandbox::User": "root",
            # Else apt-get update succeeds with a mirror out of reach.
            "APT::Update::Error-Mode": "any",
        }
        keep += [f'{name} "{value}";' for name, value in own.items()]
        self.config.write_text("\n".join(keep) + "\n")
        self._env["APT_CONFIG"] = str(self.config)

    def _run(self, command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, cwd=cwd, env=self._env, capture_output=True, text=True, check=False
        )

    def update(self, mirror: Mirror) -> None:
        """Fetch and verify the index of a release's sources from `mirror`.

        A security archive that lacks it is left out. Raises SourcesError.
        """
        for security in (True, False):
            self.list.write_text(mirror.sources_list(security))
            done = self._run(["apt-get", "-qq", "update"])
            output = done.stderr + done.stdout
            complaints = re.findall(r"^E: (.*)$", output, re.MULTILINE)
            if done.returncode == 0:
                return
            if not all(f"{mirror.release}-security" in line for line in complaints):
                break
        raise SourcesError(explain_apt(output, mirror.uri))

    def versions(self, package: str) -> list[tuple[str, dict[str, str]]]:
        """All versions of a source package: (version, {file name: sha256})."""
        done = self._run(["apt-cache", "showsrc", "--only-source", package])
        return parse_showsrc(done.stdout, package)

    def download(self, wanted: dict[str, str], folder: Path, mirror: Mirror) -> None:
        """Fetch, continue or check source packages {name: version} into `folder`.

        Raises SourcesError.
        """
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"{name}={version}" for name, version in wanted.items()]
        command = ["apt-get", "-qq", "source", "--download-only", "--only-source", *names]
        done = self._run(command, cwd=folder)
        if done.returncode:
            raise SourcesError(explain_apt(done.stderr + done.stdout, mirror.uri))
        for file in folder.iterdir():
            if file.is_symlink():  # from a mirror in a folder
                copy = file.with_name(file.name + ".copy")
                shutil.copyfile(file, copy)
                copy.replace(file)


def explain_apt(output: str, uri: str) -> str:
    """apt's complaint as one sentence with the next step."""
    complaints = re.findall(r"^[EW]: (.*)$", output, re.MULTILINE)
    # The others of apt's complaints follow from this one.
    complaints.sort(key=lambda line: not line.startswith("Failed to fetch"))
    first = " ".join(complaints[0].split()).rstrip(".") if complaints else "apt gave no reason"
    if "NO_PUBKEY" in output or "keyring" in first:
        return (
            f"apt cannot verify Debian {RELEASE} from {uri} ({first}): install or upgrade the "
            "package debian-archive-keyring (2023.3+deb12u2 or newer) and run this again."
        )
    if "Hash Sum mismatch" in output or "unexpected size" in output:
        return f"The mirror {uri} sent a damaged file or is being updated ({first}): try later."
    return (
        f"Debian {RELEASE} cannot be had from {uri} ({first}): check the network and apt's "
        "settings (apt-get update), or name a mirror with --mirror, and run this again; "
        "what was fetched is kept."
    )


def parse_showsrc(text: str, package: str) -> list[tuple[str, dict[str, str]]]:
    """`apt-cache showsrc` as [(version, {file name: sha256})]."""
    found = []
    for stanza in stanzas(text):
        if stanza.get("package") == package:
            rows = (line.split() for line in stanza.get("checksums-sha256", "").splitlines())
            files = {row[2]: row[0] for row in rows if len(row) == 3}
            found.append((stanza.get("version", ""), files))
    return found


def version_key(version: str) -> tuple:
    """Sorts as Debian does (deb-version(7)); epochs are not needed here."""

    def part(text):
        def order(c):
            return -1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256

        pairs = re.findall(r"(\D*)(\d*)", text)
        return tuple(((*map(order, word), 0), int(number or 0)) for word, number in pairs)

    upstream, dash, revision = version.rpartition("-")
    return (part(upstream), part(revision)) if dash else (part(version), ())


def choose(package: str, pin: Pin, offered: list) -> tuple[str, dict[str, str]]:
    """The version to take and its wanted files, of what the signed index offers.

    The pinned files where they are still there, else the newest of the same series.
    Raises SourcesError when nothing fits.
    """
    ordered = sorted(offered, key=lambda row: version_key(row[0]), reverse=True)
    for version, files in ordered:
        if pin.files.items() <= files.items():
            return version, pin.files
    for version, files in ordered:
        if re.match(re.escape(pin.series) + r"(?!\d)", version):
            kinds = {re.search(r"\.(orig|debian)\.tar", name)[1] for name in pin.files}
            wanted = {
                name: digest
                for name, digest in files.items()
                if (match := re.search(r"\.(orig|debian)\.tar\.\w+$", name)) and match[1] in kinds
            }
            if len(wanted) == len(kinds):
                return version, wanted
    versions = ", ".join(version for version, _ in ordered) or "none"
    raise SourcesError(
        f"Debian {RELEASE} offers {package} in version {versions} here, and {pin.series} is "
        f"needed: fill the submodule firmware/micropython instead ({SUBMODULE_HINT})."
    )
