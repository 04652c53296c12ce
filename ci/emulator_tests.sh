#!/bin/sh
# Runs tests/firmware, the slow ones too, on an emulated ESP32: the built image, and beside it one without the
# patches. QEMU is Espressif's, which ESP-IDF's own installer fetches where there is none.
set -eu
cd "$(dirname "$0")/.."

fail() { printf 'emulator tests: %s\n' "$*" >&2; exit 1; }

test -f build/firmware/TCALL_SIM800/firmware.bin || fail "there is no image: run make firmware first."
if ! command -v qemu-system-xtensa >/dev/null; then
    ci/setup.sh emulator
    : "${IDF_PATH:=$PWD/firmware/esp-idf}" "${IDF_TOOLS_PATH:=$PWD/build/esp-idf-tools}"
    export IDF_PATH IDF_TOOLS_PATH
    "${PYTHON:-python3}" "$IDF_PATH/tools/idf_tools.py" install qemu-xtensa ||
        fail "QEMU could not be installed: check the network and try again."
    qemu=$(find "$IDF_TOOLS_PATH/tools/qemu-xtensa" -name qemu-system-xtensa -path '*/bin/*' | head -1)
    test -n "$qemu" || fail "ESP-IDF's installer left no qemu-system-xtensa in $IDF_TOOLS_PATH."
    PATH=$(dirname "$qemu"):$PATH
    export PATH
fi
"${PYTHON:-python3}" firmware/image.py --upstream
SIM_IMAGE_UNPATCHED=$PWD/build/firmware/TCALL_SIM800-upstream/firmware.bin
export SIM_IMAGE_UNPATCHED
exec make test TESTS=tests/firmware ARGS=--slow
