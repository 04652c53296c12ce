"""Source archives from the Python package index that the machine's pip is set to, by pinned SHA-256.

pip itself cannot fetch these: it wants to build what it downloads, and in MicroPython's packages is nothing
to build.
"""

import base64
import hashlib
import html.parser
import os
import re
import ssl
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from debian_archive import SUBMODULE_HINT, SourcesError

DEFAULT = "https://pypi.org/simple"  # pip's own


@dataclass(frozen=True)
class Sdist:
    """A source archive: `module` is the one file that is taken out of it, by its path below the top."""

    project: str
    version: str
    sha256: str
    module: str

    @property
    def file(self) -> str:
        return f"{self.project}-{self.version}.tar.gz"

    def add_to(self, tree: Path, archive: Path) -> None:
        """Put the module where micropython-lib has it in a micropython tree. Raises SourcesError."""
        name = f"{self.project}-{self.version}/{self.module}"
        try:
            with tarfile.open(archive) as tar:
                data = tar.extractfile(name).read()
        except (tarfile.TarError, KeyError) as error:
            raise SourcesError(f"{archive.name} has no {name} ({error}).") from None
        folder = (
            tree / "lib/micropython-lib/micropython" / self.project.removeprefix("micropython-")
        )
        file = folder / self.module
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        package = self.module.partition("/")[0]
        (folder / "manifest.py").write_text(
            f'metadata(version="{self.version}")\n\npackage("{package}")\n'
        )


# Of micropython-lib, what neither Debian has nor, any newer, PyPI.
SDISTS = (
    Sdist(
        "micropython-umqtt.simple",
        "1.3.4",
        "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f",
        "umqtt/simple.py",
    ),
    Sdist(
        "micropython-umqtt.robust",
        "1.0",
        "22a1b8c8e1128281efb13b3020927d07e33c5b747869da2cd77d37983a9ea002",
        "umqtt/robust.py",
    ),
)


def pip_settings() -> dict[str, str]:
    """What pip is told by its files and by the environment, for all commands and for downloads."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {}
    for section in ("global", "download"):
        for name, value in re.findall(rf"^{section}\.([\w-]+)='(.*)'$", done.stdout, re.MULTILINE):
            found[name] = value
    # Without pip, the environment at least.
    for name in ("index-url", "cert"):
        found[name] = os.environ.get(f"PIP_{name.upper().replace('-', '_')}") or found.get(name)
    return {name: value for name, value in found.items() if value}


class _Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag == "a" and (href := dict(attrs).get("href")):
            self.found.append(href)


def links(page: str, base: str) -> dict[str, str]:
    """The files on a project's page of an index (PEP 503): {name: address}."""
    parser = _Links()
    parser.feed(page)
    addresses = (urldefrag(urljoin(base, href)).url for href in parser.found)
    return {unquote(urlsplit(address).path).rpartition("/")[2]: address for address in addresses}


class Index:
    """A package index.

    Arguments: `url` and `cert` (a file of CA certificates) instead of pip's.
    """

    def __init__(self, url: str = "", cert: str = ""):
        settings = {} if url else pip_settings()
        self.url = (url or settings.get("index-url", DEFAULT)).rstrip("/")
        cert = cert or settings.get("cert")
        try:
            self._context = ssl.create_default_context(cafile=cert)
        except OSError as error:
            raise SourcesError(
                f"pip's file of certificates, {cert}, is unusable ({error})."
            ) from None

    def fetch(self, sdist: Sdist) -> bytes:
        """The archive, which is what was pinned. Raises SourcesError."""
        name = re.sub(r"[-_.]+", "-", sdist.project).lower()  # PEP 503: normalised
        page, base = self._get(f"{self.url}/{name}/", sdist)
        offered = links(page.decode(errors="replace"), base)
        if sdist.file not in offered:
            raise SourcesError(
                f"{sdist.file} is not offered by the package index {self._shown()}: set PIP_INDEX_URL "
                f"to one that has it, or fill the submodule firmware/micropython ({SUBMODULE_HINT})."
            )
        data, _ = self._get(offered[sdist.file], sdist)
        if (digest := hashlib.sha256(data).hexdigest()) != sdist.sha256:
            raise SourcesError(
                f"{sdist.file} from the package index {self._shown()} has the SHA-256 {digest} and not "
                f"{sdist.sha256}: do not trust that index."
            )
        return data

    def _get(self, url: str, sdist: Sdist) -> tuple[bytes, str]:
        parts = urlsplit(url)
        request = urllib.request.Request(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            headers={"Accept": "text/html, */*;q=0.1"},
        )
        if parts.username:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            request.add_unredirected_header(
                "Authorization", "Basic " + base64.b64encode(login.encode()).decode()
            )
        try:
            with urllib.request.urlopen(request, timeout=60, context=self._context) as answer:
                return answer.read(), answer.url
        except (OSError, ValueError) as error:
            status = isinstance(error, urllib.error.HTTPError)
            reason = error if status else getattr(error, "reason", error)
            raise SourcesError(
                f"{sdist.file} cannot be had from the package index {self._shown()} ({reason}): check the "
                "network, or set PIP_INDEX_URL to a mirror."
            ) from None

    def _shown(self) -> str:
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
