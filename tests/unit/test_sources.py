"""simulator/vm/sources.py without a network: a small Debian archive in a folder stands in."""

import functools
import hashlib
import http.server
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "simulator" / "vm"))
import debian_archive as debian
import sources
import trees

needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="apt-get is not here")
needs_patch = pytest.mark.skipif(not shutil.which("patch"), reason="patch is not here")

MIP_PATCH = """\
--- a/ports/unix/Makefile
+++ b/ports/unix/Makefile
@@ -1 +1,2 @@
 all:
+more:
diff --git a/lib/micropython-lib/micropython/requests/manifest.py b/lib/micropython-lib/micropython/requests/manifest.py
new file mode 100644
--- /dev/null
+++ b/lib/micropython-lib/micropython/requests/manifest.py
@@ -0,0 +1,2 @@
+module("requests.py")
+
--- /dev/null
+++ b/docs/new.rst
@@ -0,0 +1 @@
+no
"""


# --- parsing ----------------------------------------------------------------------------------


def test_one_line_format():
    entries = debian.parse_one_line(
        "# deb http://off/debian bookworm main\n"
        "deb http://a/debian bookworm main contrib # why\n"
        "deb-src [ arch=amd64 Signed-By=/k.gpg ] http://b/debian/ stable/updates main\n"
        "\n"
        "deb https://c/ ./\n"
    )
    assert entries == [
        debian.Entry("http://a/debian", "bookworm", ("main", "contrib")),
        debian.Entry(
            "http://b/debian/",
            "stable/updates",
            ("main",),
            (("arch", "amd64"), ("signed-by", "/k.gpg")),
        ),
        debian.Entry("https://c/", "./", ()),
    ]


def test_deb822_format():
    entries = debian.parse_deb822(
        "# comment\n"
        "Types: deb deb-src\n"
        "URIs: http://a/debian\n"
        "  http://b/debian\n"
        "Suites: bookworm\n"
        "# in between\n"
        " bookworm-updates\n"
        "Components: main\n"
        "Signed-By:\n"
        " -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
        " .\n"
        "\n\n"
        "Enabled: no\nURIs: http://off/debian\nSuites: bookworm\nComponents: main\n"
    )
    assert [(e.uri, e.suite) for e in entries] == [
        ("http://a/debian", "bookworm"),
        ("http://a/debian", "bookworm-updates"),
        ("http://b/debian", "bookworm"),
        ("http://b/debian", "bookworm-updates"),
    ]
    assert entries[0].option("signed-by").startswith("-----BEGIN")


@given(st.text(alphabet="debsrc -[]=#:\n\tURIs/x.", max_size=80))
def test_any_text_parses(text):
    for entry in debian.parse_one_line(text) + debian.parse_deb822(text):
        assert entry.uri and entry.suite
    debian.find_mirrors(debian.parse_one_line(text))


def test_the_debian_mirror_is_found_among_others():
    entries = debian.parse_one_line(
        "deb [signed-by=/usr/share/keyrings/tail.gpg] https://vpn.test/debian bookworm main\n"
        "deb https://docker.test/linux/debian bookworm stable\n"
        "deb https://cloud.test/apt cloud-sdk-bookworm main\n"
        "deb cdrom:[Debian]/ bookworm main\n"
        "deb http://deb.test/debian bookworm main\n"
        "deb http://deb.test/debian bookworm-updates main\n"
        "deb http://sec.test/debian-security bookworm-security main\n"
    )
    first, second = debian.find_mirrors(entries)
    assert first == debian.Mirror("http://deb.test/debian", "http://sec.test/debian-security")
    assert second.uri == "https://vpn.test/debian"
    assert second.options == "signed-by=/usr/share/keyrings/tail.gpg"
    assert first.sources_list(security=True) == (
        f"deb-src [signed-by={debian.KEYRING}] http://deb.test/debian trixie main\n"
        f"deb-src [signed-by={debian.KEYRING}] http://sec.test/debian-security"
        " trixie-security main\n"
    )


def test_a_release_keyring_gives_way_to_the_whole_one():
    text = (
        "deb [signed-by=/usr/share/keyrings/debian-archive-bookworm-stable.gpg"
        " check-valid-until=no] http://snapshot.test/x stable main"
    )
    (mirror,) = debian.find_mirrors(debian.parse_one_line(text))
    assert mirror.options == f"signed-by={debian.KEYRING} check-valid-until=no"


@pytest.mark.parametrize("suite", ["sid", "trixie", "testing-updates", "oldstable", "unstable"])
def test_suites_of_debian(suite):
    assert debian.find_mirrors([debian.Entry("http://a/", suite, ("main",))])


@pytest.mark.parametrize("suite", ["noble", "./", "bookworm-pgdg", "nodistro", "stable2"])
def test_suites_of_others(suite):
    assert not debian.find_mirrors([debian.Entry("http://a/", suite, ("main",))])


def test_machine_entries_reads_both_formats(tmp_path):
    (tmp_path / "etc/d").mkdir(parents=True)
    (tmp_path / "etc/main.list").write_text("deb http://a/debian sid main\n")
    (tmp_path / "etc/d/x.sources").write_text("URIs: http://b/\nSuites: sid\nComponents: main\n")
    (tmp_path / "etc/d/x.sources.bak").write_text("URIs: http://c/\nSuites: sid\n")
    dump = (
        f'Dir "{tmp_path}";\nDir::Etc "etc";\nDir::Etc::sourcelist "main.list";\n'
        'Dir::Etc::sourceparts "d";\nAcquire::Languages:: "none";\n'
    )
    entries = debian.machine_entries(debian.apt_settings(dump))
    assert [entry.uri for entry in entries] == ["http://a/debian", "http://b/"]


# --- versions ---------------------------------------------------------------------------------


def test_versions_sort_as_debian_does():
    right = [
        "3.6.2~rc1-1",
        "3.6.2-0.1~deb13u1",
        "3.6.2-0.1",
        "3.6.2-3",
        "3.6.2+dfsg-1",
        "3.6.10-1",
        "10.0-1",
    ]
    shuffled = right[3:] + right[:3]
    assert sorted(shuffled, key=debian.version_key) == right


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is not here")
def test_versions_sort_as_dpkg_says():
    versions = [
        "1.0",
        "1.0-1",
        "1.0~a-1",
        "1.0+b-1",
        "1.0a-1",
        "1.0.1-1",
        "1.0-1+deb13u1",
        "1.0-10",
    ]
    for a in versions:
        for b in versions:
            says = subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False)
            assert (debian.version_key(a) < debian.version_key(b)) == (says.returncode == 0), (
                a,
                b,
            )


PIN = debian.Pin("3.6", {"m_3.6.6.orig.tar.bz2": "aa"})


def test_the_pinned_file_wins_over_a_newer_one():
    offered = [
        ("3.6.7-1", {"m_3.6.7.orig.tar.bz2": "bb"}),
        ("3.6.6-1", {"m_3.6.6.orig.tar.bz2": "aa"}),
    ]
    assert debian.choose("m", PIN, offered) == ("3.6.6-1", PIN.files)


def test_a_point_release_of_the_series_stands_in():
    offered = [
        ("3.6.7-1", {"m_3.6.7.orig.tar.bz2": "bb", "m_3.6.7-1.debian.tar.xz": "cc"}),
        ("3.6.10-1", {"m_3.6.10.orig.tar.bz2": "dd", "m_3.6.10-1.dsc": "ee"}),
        ("3.60.1-1", {"m_3.60.1.orig.tar.bz2": "ff"}),
        ("4.0.0-1", {"m_4.0.0.orig.tar.bz2": "ff"}),
    ]
    assert debian.choose("m", PIN, offered) == ("3.6.10-1", {"m_3.6.10.orig.tar.bz2": "dd"})


def test_nothing_that_fits_is_a_sentence():
    with pytest.raises(debian.SourcesError, match=r"m in version 4\.0-1 .* 3\.6 is needed.*git"):
        debian.choose("m", PIN, [("4.0-1", {"m_4.0.orig.tar.bz2": "bb"})])
    with pytest.raises(debian.SourcesError, match="version none"):
        debian.choose("m", PIN, [])


def test_apt_complaints_are_explained():
    said = "W: x\nE: no Release file\nE: Failed to fetch http://a/x  Could not resolve\n"
    message = debian.explain_apt(said, "http://a/")
    assert "http://a/ (Failed to fetch http://a/x Could not resolve): check the network" in message
    said = "W: GPG error: http://a trixie InRelease: NO_PUBKEY 6ED0E7B82643E131\n"
    assert "debian-archive-keyring" in debian.explain_apt(said, "http://a/")


# --- patches ----------------------------------------------------------------------------------


def test_added_files_are_only_those_wanted():
    assert trees.added_files(MIP_PATCH, "lib/micropython-lib/") == {
        "lib/micropython-lib/micropython/requests/manifest.py": 'module("requests.py")\n\n'
    }


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ("--- a/x.c\n+++ b/x.c\n@@ -1,3 +1,4 @@\n q\n w\n e\n+r\n", r"x\.c: Hunk #1 FAILED"),
        ("--- a/y.c\n+++ b/y.c\n@@ -1,1 +1,2 @@\n q\n+w\n", r"y\.c does not exist"),
        ("--- /dev/null\n+++ b/x.c\n@@ -0,0 +1 @@\n+q\n", r"x\.c exists already"),
        ("rubbish\n", "garbage"),
    ],
)
@needs_patch
def test_a_patch_that_fails_is_named(tmp_path, patch, reason):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/x.c").write_text("a\nb\nc\nd\n")
    file = tmp_path / "extmod" / "one.patch"
    file.parent.mkdir()
    file.write_text(patch)
    with pytest.raises(debian.SourcesError, match=rf"extmod/one\.patch does not apply.*{reason}"):
        trees.apply_patches(tmp_path / "tree", [(file, "")])


def test_a_missing_patch_program_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(debian.SourcesError, match="apt-get install patch"):
        trees.apply_patches(tmp_path, [(tmp_path / "a.patch", "")])


# --- files ------------------------------------------------------------------------------------


def test_checksum_mismatch(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"x")
    with pytest.raises(debian.SourcesError, match=r"a\.tar has the SHA-256 2d71.* not 00"):
        trees.check_files(tmp_path, {"a.tar": "00"})
    with pytest.raises(debian.SourcesError, match=r"b\.tar is missing"):
        trees.check_files(tmp_path, {"b.tar": "00"})


def test_unchanged_files_keep_their_time(tmp_path):
    for tree, text in (("old", "1"), ("new", "2")):
        (tmp_path / tree / "d").mkdir(parents=True)
        (tmp_path / tree / "d/same").write_text("same")
        (tmp_path / tree / "d/other").write_text(text)
    os.utime(tmp_path / "old/d/same", (1000, 1000))
    for tree in ("old", "new"):
        os.utime(tmp_path / tree / "d/other", (1000, 1000))
    trees.keep_times(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "new/d/same").stat().st_mtime == 1000
    assert (tmp_path / "new/d/other").stat().st_mtime > 1000


def test_a_failed_block_leaves_the_old_tree(tmp_path):
    tree = tmp_path / "t"
    with trees.replacing(tree, "one") as new:
        new.mkdir()
        (new / "f").write_text("1")
    with pytest.raises(debian.SourcesError), trees.replacing(tree, "two") as new:
        new.mkdir()
        raise debian.SourcesError("no")
    assert (tree / "f").read_text() == "1"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t", "t.stamp"]
    assert trees.stamp_file(tree).read_text() == "one\n"


# --- the whole, against a small archive -------------------------------------------------------


def tar(files: dict[str, str], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{mode}") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


class Archive:
    """A folder laid out as a Debian mirror, with tiny packages and nothing signed."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.packages = {}
        self.add("micropython", "1.25.0-1", {"py/mpconfig.h": "// 1\n", "extmod/x.c": "a\nb\n"})
        self.add("lwip", "2.2.1-1", {"src/include/lwip/init.h": "// lwip\n"})
        self.add("mbedtls", "3.6.6-1", {"library/ssl.c": "// tls\n"})
        self.mirror = debian.Mirror(folder.as_uri(), options="trusted=yes")
        self.pins = {
            name: debian.Pin(
                ".".join(version.split(".")[:2]),
                {n: d for n, d in self.hashes(name).items() if ".dsc" not in n},
            )
            for name, (version, _) in self.packages.items()
        }

    def add(self, name, version, content):
        upstream = version.split("-")[0]
        top = f"{name}-{upstream}/"
        # Longer than a disk block, and not to be compressed away.
        filler = "".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(200))
        content = {**content, "filler": filler}
        files = {
            f"{name}_{upstream}.orig.tar.xz": tar({top + n: t for n, t in content.items()}, "xz"),
            f"{name}_{version}.debian.tar.xz": tar({"debian/patches/mip.patch": MIP_PATCH}, "xz"),
        }
        files[f"{name}_{version}.dsc"] = b"Format: 3.0 (quilt)\n"
        self.packages[name] = (version, files)
        pool = self.folder / "pool" / name
        shutil.rmtree(pool, ignore_errors=True)
        pool.mkdir(parents=True)
        for file, data in files.items():
            (pool / file).write_bytes(data)
        self.write_index()

    def hashes(self, name):
        files = self.packages[name][1].items()
        return {file: hashlib.sha256(data).hexdigest() for file, data in files}

    def write_index(self):
        index = ""
        for name, (version, files) in self.packages.items():
            rows = "".join(
                f" {digest} {len(files[file])} {file}\n"
                for file, digest in self.hashes(name).items()
            )
            index += (
                f"Package: {name}\nBinary: {name}\nVersion: {version}\nFormat: 3.0 (quilt)\n"
                f"Architecture: any\nDirectory: pool/{name}\nChecksums-Sha256:\n{rows}\n"
            )
        sources_file = self.folder / "dists/trixie/main/source/Sources"
        sources_file.parent.mkdir(parents=True, exist_ok=True)
        sources_file.write_text(index)
        digest = hashlib.sha256(index.encode()).hexdigest()
        (self.folder / "dists/trixie/Release").write_text(
            "Origin: test\nSuite: trixie\nCodename: trixie\nComponents: main\n"
            "Architectures: amd64\nDate: Sat, 01 Jan 2022 00:00:00 UTC\n"
            f"SHA256:\n {digest} {len(index)} main/source/Sources\n"
        )


class Project:
    """A project folder with its patches, and runs of sources.py in it."""

    def __init__(self, folder: Path, archive: Archive):
        self.root = folder
        self.archive = archive
        for kind in ("extmod", "lwip"):
            (folder / "patches" / kind).mkdir(parents=True)
        self.src = folder / "build/src"

    def run(self, mirror=None, pins=None):
        mirrors = [mirror or self.archive.mirror]
        pins = pins or self.archive.pins
        build = self.root / "build"
        return sources.Sources(self.root, build, mirrors, pins).run()

    def patch(self, name, text):
        (self.root / "patches" / name).write_text(text)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project with a space", Archive(tmp_path / "archive"))


@needs_apt
def test_a_cold_run_and_a_warm_one(project):
    assert project.run() is True
    assert (project.src / "micropython/py/mpconfig.h").read_text() == "// 1\n"
    assert (
        project.src / "micropython/lib/micropython-lib/micropython/requests/manifest.py"
    ).exists()
    assert not (project.src / "micropython/docs").exists()
    assert (project.src / "lwip/src/include/lwip/init.h").exists()
    assert (project.src / "mbedtls/library/ssl.c").exists()
    shutil.rmtree(project.archive.folder)
    assert project.run() is False


@needs_apt
@needs_patch
def test_patches_for_lwip_are_its_own(project):
    project.run()
    before = (project.src / "micropython.stamp").read_text()
    project.patch("lwip/a.patch", "--- /dev/null\n+++ b/src/new.c\n@@ -0,0 +1 @@\n+q\n")
    assert project.run() is True
    assert (project.src / "lwip/src/new.c").read_text() == "q\n"
    assert (project.src / "micropython.stamp").read_text() == before
    assert project.run() is False
    project.patch("lwip/b.patch", "--- a/src/new.c\n+++ b/src/new.c\n@@ -1 +1 @@\n-z\n+y\n")
    with pytest.raises(
        debian.SourcesError, match=r"lwip/b\.patch does not apply to lwip .*new\.c"
    ):
        project.run()


@needs_apt
@needs_patch
def test_patches_make_the_tree_anew(project, capsys):
    project.run()
    shutil.rmtree(project.archive.folder)  # from here on nothing needs it
    change = "--- a/extmod/x.c\n+++ b/extmod/x.c\n@@ -1,2 +1,2 @@\n-a\n+{}\n b\n"
    project.patch("extmod/b.patch", change.format("A"))
    os.utime(project.src / "micropython/py/mpconfig.h", (1000, 1000))
    assert project.run() is True
    assert (project.src / "micropython/py/mpconfig.h").stat().st_mtime == 1000
    assert (project.src / "micropython/extmod/x.c").read_text() == "A\nb\n"
    assert project.run() is False

    project.patch("extmod/b.patch", change.format("AA"))
    more = "--- /dev/null\n+++ b/some.py\n@@ -0,0 +1 @@\n+q\n"
    project.patch("extmod/d.patch", more)
    assert project.run() is True
    assert (project.src / "micropython/extmod/x.c").read_text() == "AA\nb\n"
    assert (project.src / "micropython/some.py").read_text() == "q\n"

    project.patch("extmod/c.patch", change.format("B"))
    with pytest.raises(debian.SourcesError, match=r"extmod/c\.patch does not apply.*x\.c"):
        project.run()
    assert (project.src / "micropython/extmod/x.c").read_text() == "AA\nb\n"
    assert not list(project.src.glob(".micropython*"))
    (project.root / "patches/extmod/c.patch").unlink()
    assert project.run() is False


@needs_apt
def test_half_a_download_is_completed(project):
    downloads = project.root / "build/downloads"
    downloads.mkdir(parents=True)
    for name, (_, files) in project.archive.packages.items():
        orig = next(file for file in files if ".orig." in file)
        half = files[orig][: len(files[orig]) // 2]
        (downloads / orig).write_bytes(bytes(len(half)) if name == "lwip" else half)
    serve = functools.partial(QuietHandler, directory=project.archive.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}/"
        try:
            project.run(debian.Mirror(uri, options="trusted=yes"))
        finally:
            server.shutdown()
    assert (project.src / "lwip/src/include/lwip/init.h").exists()
    assert (project.src / "mbedtls/library/ssl.c").exists()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@needs_apt
def test_a_point_release_is_taken_and_said_once(project, capsys):
    project.archive.add("mbedtls", "3.6.7-1", {"library/ssl.c": "// newer\n"})
    assert project.run() is True
    said = capsys.readouterr().out
    assert "fetched mbedtls 3.6.7-1, verified by apt: the pinned mbedtls_3.6.6" in said
    assert (project.src / "mbedtls/library/ssl.c").read_text() == "// newer\n"
    assert project.run() is False


@needs_apt
def test_an_archive_that_is_not_what_was_pinned(project):
    project.archive.add("lwip", "2.3.0-1", {})
    with pytest.raises(debian.SourcesError, match=r"lwip in version 2\.3\.0-1 here, and 2\.2 is"):
        project.run()


@needs_apt
def test_an_archive_changed_behind_its_index(project):
    orig = next((project.archive.folder / "pool/lwip").glob("*.orig.*"))
    orig.write_bytes(bytes(orig.stat().st_size))
    with pytest.raises(debian.SourcesError, match="damaged file"):
        project.run()
    assert not (project.src / "lwip").exists()


@needs_apt
def test_an_unsigned_archive_is_refused(project):
    uri = project.archive.folder.as_uri()
    with pytest.raises(debian.SourcesError, match="not signed"):
        project.run(debian.Mirror(uri))


@needs_apt
def test_the_machines_hooks_are_not_run(project, monkeypatch, tmp_path):
    hooks = "".join(
        f'{name} {{"touch {tmp_path}/ran";}};\n'
        for name in ("APT::Update::Pre-Invoke", "APT::Update::Post-Invoke")
    )
    (tmp_path / "apt.conf").write_text(hooks + 'Acquire::http::Proxy "http://proxy.test/";\n')
    monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))
    project.run()
    assert not (tmp_path / "ran").exists()
    settings = (project.root / "build/apt/apt.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy.test/";' in settings


@needs_apt
def test_no_mirror_at_that_place(project):
    nowhere = debian.Mirror("file:///nonexistent/debian", options="trusted=yes")
    with pytest.raises(debian.SourcesError, match=r"cannot be had from file:.*--mirror"):
        project.run(nowhere)


@needs_apt
def test_two_runs_at_once(project):
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda _: project.run(), range(2))) == [False, True]


def test_without_apt(project, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(debian.SourcesError, match="apt-get is not on this machine"):
        project.run()


# --- the submodule ----------------------------------------------------------------------------


def commit(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    identity = ["-c", "user.name=t", "-c", "user.email=t@t.test", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", *files], [*identity, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", folder, *command], check=True)


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_filled_submodules_are_exported(project, capsys):
    module = project.root / "firmware/micropython"
    commit(module, {"py/mpconfig.h": "// git\n"})
    commit(module / "lib/lwip", {"src/include/lwip/init.h": "// git lwip\n"})
    commit(module / "lib/mbedtls", {"include/mbedtls/ssl.h": "// git tls\n"})
    commit(module / "lib/micropython-lib", {"python-stdlib/ssl/ssl.py": "# git lib\n"})
    (module / "py/mpconfig.h").write_text("// edited\n")
    assert project.run(debian.Mirror("file:///nonexistent")) is True
    assert "changes that are not committed" in capsys.readouterr().out
    assert (project.src / "micropython/py/mpconfig.h").read_text() == "// git\n"
    assert (project.src / "lwip/src/include/lwip/init.h").read_text() == "// git lwip\n"
    assert (project.src / "micropython/lib/micropython-lib/python-stdlib/ssl/ssl.py").exists()
    assert not list(project.src.rglob(".git"))
    assert project.run() is False
    commit(module, {"py/mpconfig.h": "// next\n"})
    assert project.run() is True
    assert (project.src / "micropython/py/mpconfig.h").read_text() == "// next\n"


@needs_apt
@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_what_a_submodule_lacks_comes_from_debian(project):
    module = project.root / "firmware/micropython"
    commit(module, {"py/mpconfig.h": "// git\n"})
    assert project.run() is True
    assert (project.src / "micropython/py/mpconfig.h").read_text() == "// git\n"
    assert (
        project.src / "micropython/lib/micropython-lib/micropython/requests/manifest.py"
    ).exists()
    assert (project.src / "lwip/src/include/lwip/init.h").read_text() == "// lwip\n"


def test_files_without_git_are_refused(project):
    module = project.root / "firmware/micropython/py"
    module.mkdir(parents=True)
    (module / "mpconfig.h").touch()
    with pytest.raises(debian.SourcesError, match="no git checkout"):
        project.run()
