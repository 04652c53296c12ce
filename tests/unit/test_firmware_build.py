"""The firmware's build, flash, size and package programs, without compiler, board or GitHub."""

import hashlib
import json
import os
import pty
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "ci"))
sys.path.insert(0, str(Path(__file__).parents[2] / "firmware"))
import image
import on_board
import package
import size_report

ROOT = Path(__file__).parents[2]
needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
ON_BOARD = ROOT / "firmware" / "on_board.py"
IMAGE_PY = ROOT / "firmware" / "image.py"

PATCH = """\
Say hello.

--- a/extmod/hello.c
+++ b/extmod/hello.c
@@ -1 +1 @@
-no
+yes
"""


def run(*command, cwd: Path | None = None, env: dict[str, str] | None = None):
    env = {**os.environ, **(env or {})}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def one_sentence(text: str) -> str:
    """The whole of what a user sees; fails if it is more than a line, or a traceback."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


# --- a project in small, with git servers of its own ------------------------------------------


def git(*arguments, cwd: Path) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "protocol.file.allow=always"]
    done = run("git", *identity, *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def repository(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git("init", "-q", "-b", "main", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "first", cwd=folder)
    return folder


@dataclass
class Project:
    root: Path

    def plan(self, **options) -> image.Plan:
        return image.Plan(root=self.root, **options)

    @property
    def module(self) -> Path:
        return self.root / "firmware" / "micropython"

    @property
    def patch(self) -> Path:
        return self.root / "patches" / "extmod" / "0001-hello.patch"


@pytest.fixture(scope="session")
def clone(tmp_path_factory) -> Path:
    """The project as after a clone: its submodule is known and empty."""
    folder = tmp_path_factory.mktemp("git")
    version = "".join(
        f"#define MICROPY_VERSION_{part} {number}\n"
        for part, number in (("MAJOR", 1), ("MINOR", 28), ("MICRO", 0), ("PRERELEASE", 0))
    )
    upstream = repository(
        folder / "micropython",
        {"py/mpconfig.h": version, "extmod/hello.c": "no\n", "extmod/other.c": "other\n"},
    )
    for part in image.MICROPYTHON_PARTS:
        server = repository(folder / part, {"README.md": part})
        git("submodule", "add", "-q", str(server), part, cwd=upstream)
    git("commit", "-q", "-m", "parts", cwd=upstream)
    root = repository(
        folder / "project",
        {
            "boards/TCALL_SIM800/board.json": '{"variants": {"OTA": ""}}',
            "patches/extmod/0001-hello.patch": PATCH,
        },
    )
    git("submodule", "add", "-q", str(upstream), "firmware/micropython", cwd=root)
    git("commit", "-q", "-m", "module", cwd=root)
    git("submodule", "deinit", "-q", "--all", cwd=root)
    git("submodule", "init", "-q", cwd=root)
    shutil.rmtree(root / ".git" / "modules")
    return root


@pytest.fixture
def project(clone, tmp_path, monkeypatch) -> Project:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "protocol.file.allow")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "always")
    monkeypatch.delenv("IDF_PATH", raising=False)
    return Project(shutil.copytree(clone, tmp_path / "project"))


@needs_git
def test_fills_exports_and_patches(project):
    plan = project.plan()
    commit = image.export(plan)
    assert commit == git("rev-parse", "HEAD", cwd=project.module)
    assert (plan.source / "extmod/hello.c").read_text() == "yes\n"
    assert (plan.source / "lib/micropython-lib/README.md").read_text() == "lib/micropython-lib"
    assert not list(plan.source.rglob(".git"))
    assert git("status", "--porcelain", cwd=project.module) == ""
    assert image.micropython_version(plan.source) == "v1.28.0"


@needs_git
def test_upstreams_own_c_has_a_tree_of_its_own(project):
    plan, other = project.plan(), project.plan(upstream=True)
    image.export(plan)
    image.export(other)
    assert (plan.source / "extmod/hello.c").read_text() == "yes\n"
    assert (other.source / "extmod/hello.c").read_text() == "no\n"
    assert plan.folder != other.folder


@needs_git
def test_exports_again_only_what_changed(project):
    plan = project.plan()
    image.export(plan)
    hello, other = plan.source / "extmod/hello.c", plan.source / "extmod/other.c"
    for file in (hello, other):
        os.utime(file, (1, 1))
    image.export(plan)
    assert (hello.stat().st_mtime, other.stat().st_mtime) == (1, 1)
    project.patch.write_text(PATCH.replace("+yes", "+hello"))
    image.export(plan)
    assert hello.read_text() == "hello\n"
    assert hello.stat().st_mtime > 1
    assert other.stat().st_mtime == 1


@pytest.fixture
def lwip(project, tmp_path):
    """The project with a patch for lwIP, and an ESP-IDF of the user's."""
    patch = project.root / "patches" / "lwip" / "0001-hello.patch"
    patch.parent.mkdir()
    patch.write_text(PATCH.replace("extmod", "src"))
    idf = tmp_path / "idf"
    for name, text in (
        ("lwip/src/hello.c", "no\n"),
        ("lwip/src/other.c", ""),
        ("lwip/.git", "x"),
        ("CMakeLists.txt", "1"),
    ):
        file = idf / "components" / "lwip" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return idf


@needs_git
def test_lwip_of_esp_idf_is_copied_and_patched(project, lwip):
    plan = project.plan()
    image.export_lwip(plan, lwip)
    assert (plan.lwip / "lwip/src/hello.c").read_text() == "yes\n"
    assert (plan.lwip / "CMakeLists.txt").read_text() == "1"
    assert not (plan.lwip / "lwip/.git").exists()
    assert (lwip / "components/lwip/lwip/src/hello.c").read_text() == "no\n"
    os.utime(plan.lwip / "lwip/src/other.c", (1, 1))
    (lwip / "components/lwip/CMakeLists.txt").write_text("2")
    image.export_lwip(plan, lwip)
    assert (plan.lwip / "CMakeLists.txt").read_text() == "2"
    assert (plan.lwip / "lwip/src/other.c").stat().st_mtime == 1


@needs_git
def test_lwip_that_is_not_as_the_patches_expect(project, lwip):
    plan = project.plan()
    (lwip / "components/lwip/lwip/src/hello.c").write_text("never\n")
    said = r"lwip/0001-hello\.patch does not apply to ESP-IDF's lwip .*hello\.c.*: correct it"
    with pytest.raises(image.SourcesError, match=said):
        image.export_lwip(plan, lwip)
    assert not plan.lwip.exists()
    shutil.rmtree(lwip / "components/lwip/lwip/src")
    with pytest.raises(image.BuildError, match=r"no sources: run `git submodule update"):
        image.export_lwip(plan, lwip)


@needs_git
def test_patch_that_no_longer_applies(project):
    plan = project.plan()
    image.export(plan)
    project.patch.write_text(PATCH.replace("-no", "-never"))
    with pytest.raises(
        image.SourcesError, match=r"extmod/0001-hello\.patch does not apply.*hello\.c"
    ):
        image.export(plan)
    assert (plan.source / "extmod/hello.c").read_text() == "yes\n"
    assert sorted(file.name for file in plan.source.parent.iterdir()) == [
        "micropython",
        "micropython.stamp",
    ]


@needs_git
@pytest.mark.parametrize("part", ["", "lib/micropython-lib"])
def test_dirty_submodule(project, part):
    image.export(project.plan())
    (project.module / part / "README.md").write_text("mine")
    git("add", "-A", cwd=project.module / part)
    with pytest.raises(
        image.BuildError, match=r"firmware/micropython.* has changes \(.*README\.md\)"
    ):
        image.export(project.plan())


@needs_git
def test_submodule_at_another_commit(project):
    image.export(project.plan())
    git("commit", "-q", "--allow-empty", "-m", "mine", cwd=project.module)
    with pytest.raises(image.BuildError, match="git submodule update firmware/micropython"):
        image.export(project.plan())


@needs_git
def test_without_github(project):
    git("config", "submodule.firmware/micropython.url", "https://127.0.0.1:1/x", cwd=project.root)
    begin = time.monotonic()
    with pytest.raises(image.BuildError, match=r"cannot be reached.*make demo.*make test"):
        image.export(project.plan())
    assert time.monotonic() - begin < 20


@needs_git
def test_project_version(project):
    git("tag", "v0.2.0", cwd=project.root)
    assert image.project_version(project.root) == "0.2.0"
    project.patch.write_text(PATCH + "\n")
    assert image.project_version(project.root) == "0.2.0-dirty"
    git("commit", "-q", "-a", "-m", "next", cwd=project.root)
    assert re.fullmatch(r"0\.2\.0-1-g[0-9a-f]{10}", image.project_version(project.root))


@needs_git
def test_no_git_checkout(tmp_path):
    with pytest.raises(image.BuildError, match="no git checkout"):
        image.project_version(tmp_path)


# --- ESP-IDF ----------------------------------------------------------------------------------


@needs_git
def test_shallow_clone_gets_its_tag(tmp_path, monkeypatch):
    server = repository(tmp_path / "server", {"a": "1"})
    git("tag", "v5.5.1", cwd=server)
    git("clone", "-q", "--depth", "1", "--no-tags", f"file://{server}", "idf", cwd=tmp_path)
    image.fetch_tag(tmp_path / "idf", "v5.5.1")
    assert image.idf_version(tmp_path / "idf") == "v5.5.1"
    with pytest.raises(image.BuildError, match=r"idf is not at its tag v5\.5\.2"):
        image.fetch_tag(tmp_path / "idf", "v5.5.2")


@needs_git
def test_installs_the_tools_once(project, tmp_path, monkeypatch):
    monkeypatch.delenv("IDF_TOOLS_PATH", raising=False)
    module = tmp_path / "idf"
    repository(
        module,
        {
            "install.sh": '#!/bin/sh\necho "$1" >>"$IDF_TOOLS_PATH/installed"\n',
            "export.sh": 'export GIVEN="$IDF_TOOLS_PATH/x\n y"\necho noise\n',
        },
    )
    (module / "install.sh").chmod(0o755)
    tools = project.root / "build" / "esp-idf-tools"
    for _ in range(2):
        env = image.install_idf(project.plan(), module)
        assert env["GIVEN"] == f"{tools}/x\n y"
        assert env["IDF_PATH"] == str(module)
    assert (tools / "installed").read_text() == "esp32\n"


@needs_git
def test_tools_that_cannot_be_installed(project, tmp_path, monkeypatch):
    monkeypatch.delenv("IDF_TOOLS_PATH", raising=False)
    module = repository(
        tmp_path / "idf", {"install.sh": "#!/bin/sh\necho ERROR: no server\nexit 1\n"}
    )
    (module / "install.sh").chmod(0o755)
    for _ in range(2):  # what failed is tried again
        with pytest.raises(image.BuildError, match=r"install\.sh failed \(ERROR: no server\)"):
            image.install_idf(project.plan(), module)


# --- the real sources -------------------------------------------------------------------------


@needs_git
def test_every_patch_applies_to_its_tag(tmp_path):
    if not (ROOT / "firmware/micropython/py/mpconfig.h").exists():
        pytest.skip("firmware/micropython is empty: run `make firmware`")
    plan = image.Plan(output=tmp_path)
    image.export(plan)
    assert image.micropython_version(plan.source) == "v1.28.0"


# --- bad input of the build -------------------------------------------------------------------


def test_unknown_variant():
    done = run(sys.executable, IMAGE_PY, "--variant", "NONE")
    assert done.returncode == 1
    assert "VARIANT=NONE" in one_sentence(done.stderr)
    assert "OTA" in done.stderr


@needs_git
def test_idf_path_without_esp_idf(project, monkeypatch, tmp_path):
    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    with pytest.raises(image.BuildError, match="no ESP-IDF: correct or unset"):
        image.idf_environment(project.plan())


@needs_git
def test_idf_path_without_compiler(project, monkeypatch, tmp_path):
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "idf.py").touch()
    monkeypatch.setenv("IDF_PATH", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(image.BuildError, match=r"xtensa-esp32-elf-gcc is not there.*export\.sh"):
        image.idf_environment(project.plan())


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "x.c:1: fatal error: error writing to /tmp/x.s: No space left on device\n",
            "disk is full",
        ),
        (
            "ld: region `iram0_0_seg' overflowed by 12 bytes\n",
            "`iram0_0_seg' overflowed by 12 bytes",
        ),
        ("Error: app partition is too small for binary micropython.bin\n", "too small for binary"),
        (
            "Error: harmless\nFAILED: x.obj \ngcc x\nx.c:3:1: error: no such thing\n",
            "no such thing",
        ),
        ("make[1]: *** [Makefile:9: all] Error 1\n", "Error 1"),
        ("", "it printed nothing"),
    ],
)
def test_why_a_build_failed(log, said):
    assert said in image.explain(log)


def test_failing_command_keeps_its_log(tmp_path, capsys):
    log = tmp_path / "x.log"
    with pytest.raises(image.BuildError, match=rf"It failed \(a error: b\).*{log}"):
        image.run_logged(["sh", "-c", "echo a error: b; exit 3"], {}, log, "It failed")
    assert "a error: b" in capsys.readouterr().err


# --- flash, repl ------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["flash", "repl"])
@pytest.mark.parametrize(
    ("port", "said"),
    [
        ("", "PORT is not given: try PORT=/dev/"),
        ("/dev/ttyNONE", "PORT=/dev/ttyNONE does not exist"),
        (__file__, "is no serial port"),
    ],
)
def test_wrong_port(action, port, said):
    done = run(sys.executable, ON_BOARD, action, "--port", port)
    assert done.returncode == 1
    assert said in one_sentence(done.stderr)


def write_image(folder: Path, size: int = 0x10000) -> Path:
    data = bytearray(os.urandom(size))
    data[0] = 0xE9
    data[0x7000:0x7002] = b"\xaa\x50"
    file = folder / "x.bin"
    file.write_bytes(data)
    return file


def test_image_that_is_none(tmp_path):
    master, slave = pty.openpty()
    application = tmp_path / "x.app-bin"
    application.write_bytes(b"\xe9" + bytes(0x10000))
    for file, said in (
        (application, "not an .app-bin"),
        (tmp_path / "none.bin", "does not exist"),
    ):
        done = run(sys.executable, ON_BOARD, "flash", "--port", os.ttyname(slave), "--image", file)
        assert done.returncode == 1
        assert said in one_sentence(done.stderr)
    os.close(master)
    os.close(slave)


def test_image_that_is_one(tmp_path):
    on_board.check_image(write_image(tmp_path), True)


def test_erases_writes_and_verifies(tmp_path, monkeypatch):
    """esptool gets the right commands in the right order, and its failure is told."""
    said = tmp_path / "said"
    tool = tmp_path / "esptool"
    tool.write_text(f'#!/bin/sh\necho "$@" >>{said}\ncase "$*" in *verify*) exit 2 ;; esac\n')
    tool.chmod(0o755)
    monkeypatch.setattr(on_board, "TOOLS", tmp_path)
    file = write_image(tmp_path)
    with pytest.raises(image.BuildError, match=r"verifying the board at /dev/x failed.*pin 0"):
        on_board.flash("/dev/x", file, 460800, keep=False)
    common = "--chip esp32 --port /dev/x --baud 460800"
    assert said.read_text().splitlines() == [
        f"{common} erase-flash",
        f"{common} write-flash 0x1000 {file}",
        f"{common} verify-flash 0x1000 {file}",
    ]
    said.unlink()
    with pytest.raises(image.BuildError):
        on_board.flash("/dev/x", file, 460800, keep=True)
    assert "erase-flash" not in said.read_text()


def test_board_that_does_not_answer(tmp_path):
    if not (on_board.TOOLS / "esptool").exists():
        pytest.skip("esptool is not installed: run ci/setup.sh board")
    master, slave = pty.openpty()
    command = [
        sys.executable,
        ON_BOARD,
        "flash",
        "--port",
        os.ttyname(slave),
        "--image",
        write_image(tmp_path),
    ]
    done = run(*command, env={"BAUD": "115200"})
    os.close(master)
    os.close(slave)
    assert done.returncode == 1
    assert "erasing the board at" in done.stderr.strip().splitlines()[-1]


# --- sizes ------------------------------------------------------------------------------------


def test_sizes_above_their_limits():
    sizes = {"A": {"application": 11, "dram": 5, "iram": 7, "cmux": 3}}
    limits = {"A": {"application": 10, "dram": 5}}
    (sentence,) = size_report.check(sizes, limits)
    assert "A: application is 11 bytes and may be 10" in sentence
    table = size_report.table(sizes, {"A": {"application": 8}}, limits)
    assert "| A | application | 11 | +3 | 10 |" in table


def test_code_of_the_multiplexer_is_counted():
    symbols = """
 .text.cmux_gone
                0x00000000       0x63 CMakeFiles/micropython.elf.dir/a/modules/cmux/mux.c.obj
 .text.cmux_step
                0x400d1234      0x10a CMakeFiles/micropython.elf.dir/a/modules/cmux/mux.c.obj
 .literal.lock  0x400d2238       0x08 CMakeFiles/micropython.elf.dir/a/modules/cmux/modcmux.c.obj
 .rodata.cmux_type
                0x3f401234       0x21 CMakeFiles/micropython.elf.dir/a/modules/cmux/port_esp32.c.obj
 .rodata.channel_irq.str1.1
                0x3f402234    0x18163 CMakeFiles/micropython.elf.dir/a/modules/cmux/modcmux.c.obj
                              0x18263 (size before relaxing)
 .text.mp_parse
                0x400d1334      0x999 CMakeFiles/micropython.elf.dir/py/parse.c.obj
"""
    assert size_report.code_of_cmux(symbols) == 0x10A + 0x08 + 0x21


def test_sizes_of_nothing(tmp_path):
    done = run(sys.executable, ROOT / "ci" / "size_report.py", "--output", tmp_path)
    assert done.returncode == 1
    assert "run `make firmware`" in one_sentence(done.stderr)


def test_limits_are_the_projects():
    for limits in json.loads(size_report.LIMITS.read_text()).values():
        assert limits["application"] <= 1_670_000  # 30 kB below the slots of the variant OTA


# --- package ----------------------------------------------------------------------------------


@pytest.fixture
def output(tmp_path) -> Path:
    """What building all variants leaves, with other bytes in the images."""
    folder = tmp_path / "firmware"
    for name in ("TCALL_SIM800", "TCALL_SIM800-OTA"):
        (folder / name).mkdir(parents=True)
        about = {
            "name": name,
            "version": "v1.28.0+ppp-sim800.0.2.0",
            "micropython": "e0e9fbb17ed6fd06bb76e266ae554784c9c80804",
            "esp-idf": "v5.5.1",
            "date": "20261122",
        }
        (folder / name / "version.json").write_text(json.dumps(about))
        (folder / name / "project_description.json").write_text("{}")
        for file in ("firmware.bin", "micropython.bin"):
            (folder / name / file).write_bytes(os.urandom(200_000))
    return folder


def bill(folder: Path, target: Path) -> None:
    target.write_text(folder.name)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_package(tmp_path, output):
    dist = tmp_path / "dist"
    package.package(ROOT, output, dist, sbom=bill)
    names = [
        "TCALL_SIM800-20261122-v1.28.0-ppp-sim800-0.2.0",
        "TCALL_SIM800-OTA-20261122-v1.28.0-ppp-sim800-0.2.0",
    ]
    suffixes = (".bin", ".app-bin", ".cdx.json")
    files = content(dist)
    assert set(files) == {f"{n}{s}" for n in names for s in suffixes} | {
        "SHA256SUMS",
        "RELEASE.md",
    }
    sums = dict(line.split("  ")[::-1] for line in files["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in files.items()
        if name.startswith("TCALL")
    }
    page = files["RELEASE.md"].decode()
    assert (
        f"esptool --chip esp32 --port PORT --baud 460800 write-flash 0x1000 {names[0]}.bin" in page
    )
    assert sums[f"{names[1]}.app-bin"] in page
    assert (dist / f"{names[1]}.bin").read_bytes() == (
        output / "TCALL_SIM800-OTA/firmware.bin"
    ).read_bytes()
    assert not list(tmp_path.glob(".dist*"))
    package.package(ROOT, output, dist, sbom=bill)  # in place of one that is there
    assert content(dist) == files


def change(output: Path, **values) -> None:
    file = output / "TCALL_SIM800-OTA" / "version.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda o: (o / "TCALL_SIM800-OTA/firmware.bin").unlink(), "firmware.bin is missing"),
        (lambda o: change(o, micropython="other"), "images differ in micropython"),
        (lambda o: change(o, date="20261121"), "images differ in date"),
    ],
)
def test_package_of_what_does_not_fit(tmp_path, output, break_it, said):
    dist = tmp_path / "dist"
    package.package(ROOT, output, dist, sbom=bill)
    before = content(dist)
    break_it(output)
    with pytest.raises(package.PackageError, match=said):
        package.package(ROOT, output, dist, sbom=bill)
    assert content(dist) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dist", "firmware"]


def test_package_of_uncommitted_changes(tmp_path, output):
    for name in ("TCALL_SIM800", "TCALL_SIM800-OTA"):
        file = output / name / "version.json"
        file.write_text(file.read_text().replace("0.2.0", "0.2.0-dirty"))
    with pytest.raises(package.PackageError, match="not committed"):
        package.package(ROOT, output, tmp_path / "dist", sbom=bill)
    assert not (tmp_path / "dist").exists()
    package.package(ROOT, output, tmp_path / "dist", dirty=True, sbom=bill)


def test_package_without_bill_of_materials(tmp_path, output):
    """The bill fails for the second variant, when half of the package is there."""
    tool = tmp_path / "esp-idf-sbom"
    tool.write_text('#!/bin/sh\necho "no idea" >&2\nexit 1\n')
    tool.chmod(0o755)

    def sbom(folder: Path, target: Path) -> None:
        if folder.name.endswith("OTA"):
            package.bill_of_materials(folder, target, tool)
        bill(folder, target)

    with pytest.raises(
        package.PackageError, match=r"esp-idf-sbom failed for TCALL_SIM800-OTA \(no idea\)"
    ):
        package.package(ROOT, output, tmp_path / "dist", sbom=sbom)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["esp-idf-sbom", "firmware"]


def test_package_when_writing_fails(tmp_path, output):
    """The kernel stops the writing in the midst of an image, as a full disk does."""
    dist = tmp_path / "dist"
    package.package(ROOT, output, dist, sbom=bill)
    before = content(dist)
    script = (
        "import sys, pathlib, package\n"
        "root, output, dist = map(pathlib.Path, sys.argv[1:])\n"
        "try:\n"
        "    package.package(root, output, dist, sbom=lambda a, b: None)\n"
        "except OSError as error:\n"
        "    sys.exit(5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, ROOT, output, dist],
        env={**os.environ, "PYTHONPATH": str(ROOT / "ci")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        check=False,
    )
    assert done.returncode == 5
    assert content(dist) == before
    assert not list(tmp_path.glob(".dist*"))


def test_release_notes_have_the_changes():
    text = "# Changelog\n\n## [Unreleased]\n\n- next\n\n## [0.2.0] - 2026-11-22\n\n- this\n\n## [0.1.0]\n\n- old\n"
    assert package.changes(text, "0.2.0") == "- this"
    assert package.changes(text, "0.2.0-3-gabc") == "- next"


# --- workflows, targets -----------------------------------------------------------------------

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflow_pins_its_actions(file):
    text = file.read_text()
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    assert all(
        re.fullmatch(
            r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+( # zizmor: ignore\[[\w-]+\])?", line
        )
        for line in uses
    ), uses
    # No right by default, and none to write for the job that runs the project's programs.
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    for job in re.split(r"^  (?=\w+:$)", text.partition("\njobs:\n")[2], flags=re.MULTILINE):
        assert not ("write" in job and re.search(r"run: .*(ci/|make |python)", job)), job


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflow_calls_scripts_that_exist(file):
    called = re.findall(r"(?:\s|^)(\.?ci/[\w.]+)", file.read_text())
    assert called
    assert all(os.access(ROOT / name, os.X_OK) for name in called), called


def targets() -> list[str]:
    text = (ROOT / "Makefile").read_text()
    return [
        name for line in re.findall(r"^\.PHONY: (.*)", text, re.MULTILINE) for name in line.split()
    ]


@pytest.mark.parametrize("target", targets())
def test_target_can_be_made(target):
    """`make -n` finds all it needs."""
    done = run("make", "-n", target, "PORT=/dev/ttyUSB0", cwd=ROOT, env={"MAKEFLAGS": ""})
    assert done.returncode == 0, done.stderr


def test_help_lists_every_target():
    shown = run("make", "help", cwd=ROOT, env={"MAKEFLAGS": ""}).stdout
    listed = set(re.findall(r"^  make ([\w-]+) ", shown, re.MULTILINE))
    assert listed == {target for target in targets() if not target.startswith("setup-")}


def test_make_hands_the_variant_on():
    done = run("make", "firmware", "VARIANT=NONE", cwd=ROOT, env={"MAKEFLAGS": ""})
    assert done.returncode != 0
    assert "There is no VARIANT=NONE" in done.stderr
    done = run("make", "firmware", "BOARD_VARIANT=NONE", cwd=ROOT, env={"MAKEFLAGS": ""})
    assert "There is no VARIANT=NONE" in done.stderr
