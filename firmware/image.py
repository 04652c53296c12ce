#!/usr/bin/env python3
"""Builds the firmware image of a T-Call: build/firmware/TCALL_SIM800[-VARIANT]/firmware.bin.

MicroPython comes from the submodule firmware/micropython. Its commit is exported to
build/firmware/src, the project's patches are applied there, and the image is built out of tree: the
submodules are never changed. ESP-IDF is used where it lies, firmware/esp-idf, with Espressif's own
tools, which its install.sh puts below build/. With IDF_PATH set, that ESP-IDF and the environment
are used as they are. Of either, the component lwip is copied and patched, and built in place of its own.

The image depends on nothing but the commits: not on the folder, the time or the machine.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import sign

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "simulator" / "vm"))
from debian_archive import SourcesError  # noqa: E402
from trees import (  # noqa: E402  (exporting and patching is the same for the simulator)
    apply_patches,
    git,
    git_commit,
    git_export,
    lock,
    replacing,
    sha256,
    stamp_file,
)

BOARD = "TCALL_SIM800"
IDF_VERSION = "v5.5.1"
# Raise it when exporting itself changes, so that existing trees are made anew.
RECIPE = 1
INSTEAD = "without GitHub `make demo`, `make repl` and `make test` work"

# What of their own submodules the build for an ESP32 needs.
MICROPYTHON_PARTS = ("lib/berkeley-db-1.xx", "lib/micropython-lib")
IDF_PARTS = (
    "components/bootloader/subproject/components/micro-ecc/micro-ecc",
    "components/bt/controller/lib_esp32",
    "components/bt/host/nimble/nimble",
    "components/cmock/CMock",
    "components/esp_coex/lib",
    "components/esp_phy/lib",
    "components/esp_wifi/lib",
    "components/heap/tlsf",
    "components/json/cJSON",
    "components/lwip/lwip",
    "components/mbedtls/mbedtls",
    "components/mqtt/esp-mqtt",
    "components/protobuf-c/protobuf-c",
    "components/spiffs/spiffs",
    "components/unity/unity",
)


class BuildError(Exception):
    """Its text is one sentence for the user."""


@dataclass
class Plan:
    """What to build and where.

    Arguments: `root` the project's folder; `variant` "" or one of board.json's; `output` where all
    results go; `upstream` leaves out the patches to C, to compare with; `micropython` a git checkout
    to use in place of the submodule.
    """

    root: Path = ROOT
    variant: str = ""
    output: Path | None = None
    upstream: bool = False
    micropython: Path | None = None

    def __post_init__(self):
        self.board = self.root / "boards" / BOARD
        self.output = self.output or self.root / "build" / "firmware"
        known = variants(self.board)
        if self.variant not in known:
            raise BuildError(
                f"There is no VARIANT={self.variant}: give one of "
                f"{', '.join(name for name in known if name)}, or none for the standard image."
            )

    @property
    def name(self) -> str:
        """As the image's files are called, for example TCALL_SIM800-OTA."""
        return "-".join(filter(None, (BOARD, self.variant)))

    @property
    def source(self) -> Path:
        return self.output / ("src-upstream" if self.upstream else "src") / "micropython"

    @property
    def lwip(self) -> Path:
        return self.source.parent / "components" / "lwip"

    @property
    def folder(self) -> Path:
        return self.output / (self.name + ("-upstream" if self.upstream else ""))


def variants(board: Path) -> list[str]:
    return ["", *json.loads((board / "board.json").read_text()).get("variants", {})]


def output_of(*command: str, cwd: Path | None = None) -> str:
    """What a command prints, "" if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


# --- submodules -------------------------------------------------------------------------------


def recorded(top: Path, path: str) -> str:
    """The commit at which `top` wants its submodule, "" if it has none there."""
    fields = output_of(*git(top, "ls-files", "--stage", "--", path)).split()
    return fields[1] if fields and fields[0] == "160000" else ""


def check_clean(module: Path, name: str, wanted: str) -> None:
    """Raises BuildError if a submodule is at another commit or has changes."""
    commit = git_commit(module)
    if wanted and commit != wanted:
        raise BuildError(
            f"{name} is at {commit[:10]} and not at {wanted[:10]} as the project wants: run "
            f"`git submodule update {name}`, or `git add {name}` if the new one is meant."
        )
    changed = output_of(*git(module, "status", "--porcelain", "--ignore-submodules=dirty"))
    if changed:
        raise BuildError(
            f"{name} has changes ({changed.splitlines()[0].strip()}): a change to it belongs into "
            f"patches/; put it back with `git -C {name} stash --include-untracked`."
        )


def reachable(url: str) -> bool:
    """Whether a git server answers within seconds."""
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "ls-remote", url, "HEAD"],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=15,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def fill(top: Path, parts: tuple[str, ...], label: str, deep: bool = False) -> None:
    """Fetch those of the submodules `parts` of `top` that are empty, `deep` with their own submodules.

    Raises BuildError."""
    empty = [part for part in parts if not (top / part / ".git").exists()]
    if not empty:
        return
    for part in empty:
        if not recorded(top, part):
            raise BuildError(
                f"{label}{part} is no submodule here: make a new clone of the project."
            )
    urls = {
        part: output_of(*git(top, "config", "--get", f"submodule.{part}.url"))
        or output_of(*git(top, "config", "-f", ".gitmodules", "--get", f"submodule.{part}.url"))
        for part in empty
    }
    url = urls[empty[0]]
    if not url.startswith(".") and not reachable(url):
        raise BuildError(
            f"{label}{empty[0]} is empty and {url} cannot be reached: connect the network and try "
            f"again; {INSTEAD}."
        )
    print(f"fetching {', '.join(label + part for part in empty)}", flush=True)
    command = git(top, "submodule", "update", "--init", "--depth", "1", *["--recursive"] * deep)
    command += ["--", *empty]
    if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
        raise BuildError(
            f"git could not fetch {label}{empty[0]} (it says why above): try again; {INSTEAD}."
        )


def fetch_tag(module: Path, tag: str) -> None:
    """ESP-IDF writes `git describe` into the image, so that a shallow clone needs the tag too."""
    if output_of(*git(module, "tag", "--points-at", "HEAD", tag)):
        return
    command = git(
        module, "fetch", "-q", "--depth", "1", "origin", f"refs/tags/{tag}:refs/tags/{tag}"
    )
    subprocess.run(command, check=False)
    if not output_of(*git(module, "tag", "--points-at", "HEAD", tag)):
        raise BuildError(
            f"{module.name} is not at its tag {tag}, or the tag could not be fetched: run "
            f"`git submodule update firmware/{module.name}`, check the network and try again."
        )


# --- MicroPython ------------------------------------------------------------------------------


def patches(plan: Plan) -> list[tuple[Path, str]]:
    """(patch, folder in MicroPython's tree), in the order they are applied."""
    return [
        (file, "")
        for kind in (() if plan.upstream else ("extmod", "esp32"))
        for file in sorted((plan.root / "patches" / kind).glob("*.patch"))
    ]


def export(plan: Plan) -> str:
    """Have MicroPython's patched tree at plan.source. Returns its commit.

    Raises BuildError, SourcesError."""
    module = plan.micropython or plan.root / "firmware" / "micropython"
    if plan.micropython is None:
        fill(plan.root, ("firmware/micropython",), "")
    fill(module, MICROPYTHON_PARTS, "firmware/micropython/" if not plan.micropython else "")
    commits = {"": git_commit(module)}
    if plan.micropython is None:
        check_clean(module, "firmware/micropython", recorded(plan.root, "firmware/micropython"))
    for part in MICROPYTHON_PARTS:
        commits[part] = git_commit(module / part)
        if plan.micropython is None:
            check_clean(module / part, f"firmware/micropython/{part}", recorded(module, part))
    rows = [f"recipe {RECIPE}"]
    rows += [f"{part or 'micropython'} {commit}" for part, commit in commits.items()]
    rows += [f"{file.parent.name}/{file.name} {sha256(file)}" for file, _ in patches(plan)]
    stamp = "\n".join(rows)
    plan.source.parent.mkdir(parents=True, exist_ok=True)
    file = stamp_file(plan.source)
    if not (plan.source.is_dir() and file.exists() and file.read_text() == stamp + "\n"):
        print(
            f"exporting MicroPython {commits[''][:10]} with {len(patches(plan))} patches",
            flush=True,
        )
        with replacing(plan.source, stamp) as new:
            git_export(module, new)
            for part in MICROPYTHON_PARTS:
                shutil.rmtree(new / part, ignore_errors=True)
                git_export(module / part, new / part)
            apply_patches(new, patches(plan))
    return commits[""]


def export_lwip(plan: Plan, idf: Path) -> None:
    """Have ESP-IDF's component lwip with the project's patches at plan.lwip. Raises BuildError, SourcesError."""
    component = idf / "components" / "lwip"
    ours = [(file, "lwip") for file in sorted((plan.root / "patches" / "lwip").glob("*.patch"))]
    if not (component / "lwip" / "src").is_dir():
        raise BuildError(
            f"{component}/lwip has no sources: run `git submodule update --init components/lwip/lwip` in {idf}."
        )
    unwanted = shutil.ignore_patterns(".git*", "test", "test_apps", "doc")
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(component):
        skipped = unwanted(folder, [*folders, *names])
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(set(names) - skipped):
            file = Path(folder, name)
            digest.update(f"{file.relative_to(component)} {sha256(file)}\n".encode())
    rows = [f"recipe {RECIPE}", digest.hexdigest()]
    rows += [f"{file.parent.name}/{file.name} {sha256(file)}" for file, _ in ours]
    stamp, made = "\n".join(rows), stamp_file(plan.lwip)
    if plan.lwip.is_dir() and made.exists() and made.read_text() == stamp + "\n":
        return
    print(f"copying ESP-IDF's lwip with {len(ours)} patches", flush=True)
    plan.lwip.parent.mkdir(parents=True, exist_ok=True)
    with replacing(plan.lwip, stamp) as new:
        shutil.copytree(component, new, ignore=unwanted)
        apply_patches(new, ours, "ESP-IDF's lwip")


def micropython_version(source: Path) -> str:
    """As its mpconfig.h says, for example v1.28.0 or v1.29.0-preview."""
    text = (source / "py" / "mpconfig.h").read_text()
    numbers = [
        re.search(rf"#define MICROPY_VERSION_{part} (\d+)", text)[1]
        for part in ("MAJOR", "MINOR", "MICRO", "PRERELEASE")
    ]
    return "v" + ".".join(numbers[:3]) + ("-preview" if numbers[3] != "0" else "")


def project_version(root: Path) -> str:
    """The project's own version from its tags, for example 0.2.0 or 0.2.0-7-g1a2b3c4d5e-dirty."""
    describe = ["describe", "--always", "--tags", "--dirty", "--match=v[0-9]*", "--abbrev=10"]
    described = output_of(*git(root, *describe))
    if not described:
        raise BuildError(
            f"{root} is no git checkout, so the image would not know its version: clone it."
        )
    return described.removeprefix("v")


# --- ESP-IDF ----------------------------------------------------------------------------------


def idf_environment(plan: Plan) -> dict[str, str]:
    """The environment ESP-IDF's tools want, which are installed if need be. Raises BuildError."""
    given = os.environ.get("IDF_PATH")
    if given:
        if not (Path(given) / "tools" / "idf.py").exists():
            raise BuildError(
                f"IDF_PATH is {given}, where there is no ESP-IDF: correct or unset it; unset, "
                "firmware/esp-idf is used."
            )
        path = os.pathsep.join([str(Path(given) / "tools"), os.environ.get("PATH", "")])
        env = {**os.environ, "PATH": path}
    else:
        module = plan.root / "firmware" / "esp-idf"
        fill(plan.root, ("firmware/esp-idf",), "")
        fill(module, IDF_PARTS, "firmware/esp-idf/", deep=True)
        check_clean(module, "firmware/esp-idf", recorded(plan.root, "firmware/esp-idf"))
        fetch_tag(module, IDF_VERSION)
        env = install_idf(plan, module)
    if not shutil.which("xtensa-esp32-elf-gcc", path=env["PATH"]):
        raise BuildError(
            f"ESP-IDF's compiler xtensa-esp32-elf-gcc is not there: run `. {env['IDF_PATH']}/export.sh` "
            "first, or unset IDF_PATH."
        )
    return env


def install_idf(plan: Plan, module: Path) -> dict[str, str]:
    """Install ESP-IDF's tools for the ESP32 once. Returns the environment to use them."""
    tools = Path(os.environ.get("IDF_TOOLS_PATH", plan.root / "build" / "esp-idf-tools"))
    tools.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "IDF_PATH": str(module), "IDF_TOOLS_PATH": str(tools)}
    # Its own submodule check would fetch what other chips need.
    env["IDF_SKIP_CHECK_SUBMODULES"] = "1"
    done, wanted = tools / "ppp-sim800.stamp", git_commit(module)
    if not done.exists() or done.read_text() != wanted:
        log = plan.output / "install.log"
        print(f"installing ESP-IDF's tools in {tools}, some minutes the first time", flush=True)
        run_logged([str(module / "install.sh"), "esp32"], env, log, "ESP-IDF's install.sh failed")
        done.write_text(wanted)
    script = '. "$IDF_PATH/export.sh" >&2 && env -0'
    found = subprocess.run(["bash", "-c", script], env=env, capture_output=True, check=False)
    if found.returncode:
        done.unlink(missing_ok=True)
        last = found.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise BuildError(
            f"ESP-IDF's export.sh failed ({' '.join(last)}): try again, it is installed anew."
        )
    rows = found.stdout.decode(errors="replace").split("\0")
    return dict(row.split("=", 1) for row in rows if "=" in row)


# --- the image --------------------------------------------------------------------------------


def explain(log: str) -> str:
    """Why a build failed, in a few words, from what it printed."""
    if re.search(r"No space left on device|Disk quota exceeded", log):
        return "the disk is full: it needs 2 GB for an image, 6 GB with ESP-IDF's tools"
    too_big = re.search(
        r"region `(\w+)' overflowed by (\d+) bytes|app partition is too small.*", log
    )
    if too_big:
        return f"the image is too big: {too_big[0]}"
    # What ninja says after FAILED is the cause; before it there are errors that stop nothing.
    log = log[max(log.rfind("\nFAILED: "), 0) :]
    errors = re.findall(r"^.*(?:error:|Error:|ERROR:|\*\*\* ).*$", log, re.MULTILINE)
    real = [line for line in errors if not re.search(r"\*\*\* \[|idf\.py.*failed with exit", line)]
    return (real or errors or log.strip().splitlines() or ["it printed nothing"])[0].strip()


def run_logged(command: list[str], env: dict[str, str], log: Path, what: str) -> None:
    """Run a command with its output in `log`. Raises BuildError, with the end of the log shown."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as stream:
        code = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, check=False
        ).returncode
    if code:
        text = log.read_text(errors="replace")
        print("\n".join(text.splitlines()[-25:]), file=sys.stderr)
        raise BuildError(f"{what} ({explain(text)}): all it printed is in {log}.")


def configuration(plan: Plan, env: dict[str, str]) -> str:
    """A digest of what ESP-IDF makes build/…/sdkconfig from, which it does only when there is none."""
    files = [*plan.board.glob("sdkconfig*"), *plan.board.glob("mpconfig*.cmake")]
    files += (plan.source / "ports" / "esp32" / "boards").glob("sdkconfig*")
    rows = [f"{file.name} {sha256(file)}" for file in sorted(files)]
    return hashlib.sha256("\n".join([*rows, env["IDF_PATH"]]).encode()).hexdigest()


def build(plan: Plan) -> Path:
    """Build the image. Returns its folder. Raises BuildError, SourcesError."""
    if not shutil.which("git"):
        raise BuildError("git is missing: apt-get install git.")
    if plan.micropython is None:
        # First, as it tells soon if the rest is in vain.
        fill(plan.root, ("firmware/micropython",), "")
    if "IDF_PATH" not in os.environ:
        setup = subprocess.run([str(plan.root / "ci" / "setup.sh"), "firmware"], check=False)
        if setup.returncode:
            raise BuildError("What the build needs of Debian is not there: see above.")
    commit = export(plan)
    env = idf_environment(plan)
    version = f"{micropython_version(plan.source)}+ppp-sim800.{project_version(plan.root)}"
    env["MICROPY_GIT_TAG"] = version
    env["MICROPY_GIT_HASH"] = commit[:10]
    env.setdefault("SOURCE_DATE_EPOCH", output_of(*git(plan.root, "log", "-1", "--format=%ct")))
    env["LC_ALL"] = "C.UTF-8"
    for leak in (
        "BUILD",
        "BOARD",
        "BOARD_VARIANT",
        "VARIANT",
        "PORT",
        "MAKEFLAGS",
        "MFLAGS",
        "PYTHONPATH",
    ):
        env.pop(leak, None)

    mpy_cross = plan.source.parent / "mpy-cross"
    jobs = f"-j{os.cpu_count()}"
    run_logged(
        ["make", jobs, "-C", str(plan.source / "mpy-cross"), f"BUILD={mpy_cross}"],
        env,
        plan.output / "mpy-cross.log",
        "mpy-cross did not build",
    )
    env["MICROPY_MPYCROSS"] = str(mpy_cross / "mpy-cross")

    folder, config = plan.folder, configuration(plan, env)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = stamp_file(folder)
    if not stamp.exists() or stamp.read_text() != config:
        (folder / "sdkconfig").unlink(missing_ok=True)
    update = pin_keys(plan, env)
    command = ["make", "-C", str(plan.source / "ports" / "esp32"), f"BUILD={folder}"]
    command += [f"BOARD_DIR={plan.board}", f"BOARD_VARIANT={plan.variant}"]
    # MicroPython's build does not freeze anew when a C file brings a name that was a frozen one's.
    frozen = folder / "frozen_content.c"
    sources = [*(plan.root / "modules").glob("*/*.[ch]"), Path(__file__)]
    if frozen.exists() and frozen.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        frozen.unlink()
    cmake = os.environ.get("CMAKE_ARGS", "")
    if not plan.upstream:
        # The multiplexer needs the patches. A component that is named takes the place of ESP-IDF's.
        cmake += f" -DUSER_C_MODULES={plan.root / 'modules' / 'micropython.cmake'}"
        export_lwip(plan, Path(env["IDF_PATH"]))
        cmake += f" -DEXTRA_COMPONENT_DIRS={plan.lwip}"
    if cmake:
        # Not as make's USER_C_MODULES, which a CMAKE_ARGS given like this would undo.
        command.append(f"CMAKE_ARGS={cmake.strip()}")
    if not (folder / "firmware.bin").exists():
        print(f"building {folder.name}, some minutes the first time", flush=True)
    image = folder / "firmware.bin"
    run_logged(command, env, folder.with_suffix(".log"), f"{plan.name} did not build")
    stamp.write_text(config)
    describe_source(plan, version)
    (folder / "version.json").write_text(
        json.dumps(
            {
                "name": plan.name,
                "version": version,
                "micropython": commit,
                "esp-idf": idf_version(Path(env["IDF_PATH"])),
                "date": time.strftime("%Y%m%d", time.gmtime(int(env["SOURCE_DATE_EPOCH"]))),
                **update,
            },
            indent=1,
        )
        + "\n"
    )
    # The application alone, for an update over the air; the name is that of MicroPython's downloads.
    shutil.copyfile(folder / "micropython.bin", folder / "firmware.app-bin")
    app = (folder / "micropython.bin").stat().st_size
    print(f"{image}: {version}, application {app:,} bytes")
    return folder


def pin_keys(plan: Plan, env: dict[str, str]) -> dict:
    """Write the module that says whose updates this image takes: those of the keys in UPDATE_KEYS. Returns what
    version.json tells of it. Raises BuildError."""
    keys = [Path(name) for name in env.pop("UPDATE_KEYS", "").split()]
    given = env.pop("UPDATE_VERSION", "") or (env["SOURCE_DATE_EPOCH"] if keys else "0")
    try:
        if not given.isdigit() or not (0 < int(given) <= sign.LAST_VERSION or not keys):
            raise BuildError(
                f"UPDATE_VERSION is {given}: give a number from 1 to {sign.LAST_VERSION}, greater than before."
            )
        text = sign.trust(BOARD, int(given), keys)
        public = [sign.public_key(key).hex() for key in keys]
    except sign.SignError as error:
        raise BuildError(f"UPDATE_KEYS: {error}") from None
    module = plan.folder / "trust" / "update_trust.py"
    module.parent.mkdir(parents=True, exist_ok=True)
    # As the time of a frozen file tells whether it is frozen anew.
    if not module.exists() or module.read_text() != text:
        module.write_text(text)
    env["UPDATE_TRUST"] = str(module.parent)
    return {"board": BOARD, "update": int(given), "update_keys": public}


def describe_source(plan: Plan, version: str) -> None:
    """Tell esp-idf-sbom what the exported tree is; it knows ESP-IDF's components by itself."""
    number, _, project = version.removeprefix("v").partition("+ppp-sim800.")
    about = {
        "name": "MicroPython",
        "version": number,
        "url": "https://github.com/micropython/micropython",
        "cpe": "cpe:2.3:a:micropython:micropython:{}:*:*:*:*:*:*:*",
        "supplier": "Organization: MicroPython",
        "license": "MIT",
        "description": f"with the patches and the frozen modules of ppp-sim800 {project}",
    }
    # JSON is YAML.
    (plan.source / "ports" / "esp32" / "sbom.yml").write_text(json.dumps(about, indent=1) + "\n")


def idf_version(idf: Path) -> str:
    file = idf / "version.txt"
    if file.exists():
        return file.read_text().strip()
    return output_of(*git(idf, "describe", "--tags", "--always")) or "unknown"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="", help="OTA, or nothing for the standard image")
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: build/firmware")
    parser.add_argument(
        "--upstream", action="store_true", help="without the patches to C, to compare with"
    )
    parser.add_argument(
        "--micropython", type=Path, metavar="DIR", help="a checkout in place of the submodule"
    )
    parser.add_argument("--list-variants", action="store_true", help="print them and stop")
    options = parser.parse_args(arguments)
    if options.list_variants:
        print("\n".join(variants(ROOT / "boards" / BOARD)))
        return 0
    try:
        plan = Plan(
            variant=options.variant,
            output=options.output and options.output.resolve(),
            upstream=options.upstream,
            micropython=options.micropython and options.micropython.resolve(),
        )
        plan.output.mkdir(parents=True, exist_ok=True)
        with lock(plan.output / ".lock"):
            build(plan)
    except (BuildError, SourcesError) as error:
        print(f"firmware: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"firmware: {error.strerror or error} ({error.filename or 'while writing'}): free some "
            "space or correct its permissions, then try again.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("firmware: interrupted; run this again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
