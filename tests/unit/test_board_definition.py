"""boards/TCALL_SIM800 without building it: is it whole, true to the board module and to ESP-IDF?"""

import ast
import csv
import json
import os
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "boards" / "TCALL_SIM800"
BUILT = ROOT / "build" / "firmware" / "TCALL_SIM800"
LIMITS = json.loads((ROOT / "ci" / "limits.json").read_text())


@pytest.fixture(scope="module")
def micropython() -> Path:
    """A MicroPython tree with its esp32 port: the firmware's, else the simulator's."""
    for tree in (ROOT / "build/firmware/src/micropython", ROOT / "build/src/micropython"):
        if (tree / "ports/esp32/boards/manifest.py").exists():
            return tree
    pytest.skip("no MicroPython source with ports/esp32 is here: run `make vm`")


@pytest.fixture(scope="module")
def kconfig() -> set[str]:
    """The names of all options that ESP-IDF has."""
    idf = Path(os.environ.get("IDF_PATH") or ROOT / "firmware" / "esp-idf")
    if not (idf / "Kconfig").exists():
        pytest.skip(
            "ESP-IDF is not here: set IDF_PATH or fill firmware/esp-idf with `make firmware`"
        )
    files = [idf / "Kconfig", *(idf / "components").rglob("Kconfig*")]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    return set(re.findall(r"^\s*(?:menu)?config\s+(\w+)", text, re.MULTILINE))


def constants(file: Path) -> dict[str, object]:
    """What a MicroPython module assigns to names at its top: numbers and tuples of them."""
    found = {}
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value.args[0] if isinstance(node.value, ast.Call) else node.value
            try:
                found[node.targets[0].id] = ast.literal_eval(value)
            except ValueError:
                continue
    return found


def settings(name: str) -> dict[str, str]:
    """The options a file of the board sets, without CONFIG_."""
    lines = (BOARD / name).read_text().splitlines()
    rows = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r'CONFIG_\w+=(y|n|\d+|".*")', row) for row in rows), rows
    return dict(row.removeprefix("CONFIG_").split("=", 1) for row in rows)


def partitions() -> dict[str, tuple[str, int, int]]:
    """The OTA table: {name: (type, offset, size)}."""
    lines = (BOARD / "partitions-ota.csv").read_text().splitlines()
    rows = [
        [field.strip() for field in line.split(",")] for line in lines if not line.startswith("#")
    ]
    return {row[0]: (row[1], int(row[3], 0), int(row[4], 0)) for row in rows}


TCALL = constants(BOARD / "modules" / "tcall.py")
PINS = {
    name: int(pin.removeprefix("GPIO")) for name, pin in csv.reader((BOARD / "pins.csv").open())
}
SETTING_FILES = sorted(file.name for file in BOARD.glob("sdkconfig.*"))


# --- manifests --------------------------------------------------------------------------------


def resolve(micropython: Path, manifest: Path) -> set[str]:
    """The modules a manifest freezes, found with MicroPython's own program."""
    sys.path.insert(0, str(micropython / "tools"))
    try:
        import manifestfile
    finally:
        sys.path.pop(0)
    found = manifestfile.ManifestFile(
        manifestfile.MODE_FREEZE,
        {
            "MPY_DIR": str(micropython),
            "MPY_LIB_DIR": str(micropython / "lib/micropython-lib"),
            "PORT_DIR": str(micropython / "ports/esp32"),
            "BOARD_DIR": str(BOARD),
        },
    )
    found.execute(str(manifest))
    assert all(Path(file.full_path).exists() for file in found.files())
    return {file.target_path for file in found.files()}


def test_own_manifest_resolves(micropython):
    frozen = resolve(micropython, BOARD / "modules" / "manifest.py")
    package = {f"ppp_sim800/{file.name}" for file in (ROOT / "modules/ppp_sim800").glob("*.py")}
    assert package | {"board.py", "tcall.py", "requests/__init__.py"} <= frozen


def test_whole_manifest_resolves():
    micropython = ROOT / "build/firmware/src/micropython"
    if not micropython.exists():
        pytest.skip("the firmware's MicroPython is not exported: run `make firmware`")
    frozen = resolve(micropython, BOARD / "manifest.py")
    assert {
        "tcall.py",
        "asyncio/core.py",
        "inisetup.py",
        "umqtt/simple.py",
        "mip/__init__.py",
    } <= frozen


# --- board.json, pins -------------------------------------------------------------------------


def test_board_json(micropython):
    board = json.loads((BOARD / "board.json").read_text())
    generic = json.loads((micropython / "ports/esp32/boards/ESP32_GENERIC/board.json").read_text())
    assert set(board) == set(generic)
    assert (board["mcu"], board["deploy_options"]) == ("esp32", generic["deploy_options"])
    assert all(
        (micropython / "ports/esp32/boards/X" / file).resolve().exists()
        for file in board["deploy"]
    )


def test_board_json_features_are_upstreams():
    program = ROOT / "build/firmware/src/micropython/tools/autobuild/build-downloads.py"
    if not program.exists():
        pytest.skip("the firmware's MicroPython is not exported: run `make firmware`")
    known = ast.literal_eval(
        re.search(r"VALID_FEATURES = (\{.*?\})", program.read_text(), re.DOTALL)[1]
    )
    assert set(json.loads((BOARD / "board.json").read_text())["features"]) <= known


def test_variants_have_their_files():
    board = json.loads((BOARD / "board.json").read_text())
    files = {
        file.stem.removeprefix("mpconfigvariant_")
        for file in BOARD.glob("mpconfigvariant_*.cmake")
    }
    assert set(board["variants"]) == files
    assert set(LIMITS) == {BOARD.name, *(f"{BOARD.name}-{variant}" for variant in files)}


@pytest.mark.parametrize(
    ("pin", "constant"),
    [
        ("MODEM_TX", "TX"),
        ("MODEM_RX", "RX"),
        ("MODEM_PWRKEY", "PWRKEY"),
        ("MODEM_RST", "RST"),
        ("I2C_SDA", "SDA"),
        ("I2C_SCL", "SCL"),
    ],
)
def test_pins_are_the_board_modules(pin, constant):
    assert PINS[pin] == TCALL[constant]


def test_supply_pins_are_the_board_modules():
    known = {pin for name, value in TCALL.items() if name.startswith("SUPPLY_") for pin in value}
    assert {PINS["MODEM_SUPPLY"], PINS["MODEM_SUPPLY_C"]} == known


def test_pins_are_free():
    taken = {1, 3, *range(6, 12), 16, 17}  # console, flash, PSRAM
    assert not taken & set(PINS.values())
    assert len(set(PINS.values())) == len(PINS)
    inputs_only = {name for name, pin in PINS.items() if 34 <= pin <= 39}
    assert inputs_only == {"POWER_IRQ"}


def test_i2c_0_is_the_power_chips_bus():
    header = (BOARD / "mpconfigboard.h").read_text()
    found = dict(re.findall(r"#define MICROPY_HW_I2C0_(SCL|SDA) \((\d+)\)", header))
    assert found == {"SCL": str(TCALL["SCL"]), "SDA": str(TCALL["SDA"])}


# --- configuration ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETTING_FILES)
def test_every_option_exists(name, kconfig):
    missing = set(settings(name)) - kconfig
    assert not missing, f"ESP-IDF has no {', '.join(sorted(missing))}"


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        ("TCALL_SIM800", ["sdkconfig.board"]),
        ("TCALL_SIM800-OTA", ["sdkconfig.board", "sdkconfig.ota"]),
    ],
)
def test_every_option_took_effect(folder, names):
    made = ROOT / "build" / "firmware" / folder / "sdkconfig"
    if not made.exists():
        pytest.skip(f"{folder} is not built: run ci/build_all.sh")
    text = made.read_text()
    for name in names:
        for option, value in settings(name).items():
            line = f"# CONFIG_{option} is not set" if value == "n" else f"CONFIG_{option}={value}"
            assert re.search(rf"^{re.escape(line)}$", text, re.MULTILINE), line


def test_chips_below_revision_3_keep_their_memory():
    board = settings("sdkconfig.board")
    assert board["SPIRAM_CACHE_WORKAROUND"] == board["ESP32_REV_MIN_0"] == "y"


def test_dead_peer_is_noticed_in_time():
    """The last echo that was answered may be an interval old; then 2 Terminate-Requests of 6 s each."""
    board = settings("sdkconfig.board")
    interval, fails = int(board["LWIP_LCP_ECHOINTERVAL"]), int(board["LWIP_LCP_MAXECHOFAILS"])
    assert board["LWIP_ENABLE_LCP_ECHO"] == "y"
    assert interval * fails >= 15  # a modem that is busy for a while is not dead
    assert (fails + 1) * interval + 2 * 6 <= 40


def test_ota_slots():
    table = partitions()
    end = 0x9000  # of the partition table itself
    for name, (_, offset, size) in table.items():
        assert offset >= end, name
        end = offset + size
    slots = [row for row in table.values() if row[0] == "app"]
    assert [offset % 0x10000 for _, offset, _ in slots] == [0, 0]
    assert {size for *_, size in slots} == {slots[0][2]}
    assert slots[0][2] >= LIMITS["TCALL_SIM800-OTA"]["application"]
    left = (4 << 20) - end
    assert left > 0
    for file in ("board.md", "partitions-ota.csv"):
        assert f"{left >> 10} KiB" in (BOARD / file).read_text()


def test_ota_rolls_back():
    assert settings("sdkconfig.ota")["BOOTLOADER_APP_ROLLBACK_ENABLE"] == "y"
