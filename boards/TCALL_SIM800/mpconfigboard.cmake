# Relative names are below ports/esp32.
set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.ble
    boards/sdkconfig.240mhz
    boards/sdkconfig.spiram
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# The image does not depend on the folder it is built in. ESP-IDF does this for its own files and for
# ports/esp32 (CONFIG_APP_REPRODUCIBLE_BUILD), but not for the rest of MicroPython, nor for the names of
# files in components that take the place of its own.
get_filename_component(MICROPYTHON_TOP ${CMAKE_CURRENT_SOURCE_DIR}/../.. ABSOLUTE)
get_filename_component(PATCHED_COMPONENTS ${MICROPYTHON_TOP}/../components ABSOLUTE)
get_filename_component(PROJECT_MODULES ${MICROPY_BOARD_DIR}/../../modules ABSOLUTE)
add_compile_options(
    -ffile-prefix-map=${MICROPYTHON_TOP}=/micropython
    -ffile-prefix-map=${PATCHED_COMPONENTS}=/IDF/components
    -ffile-prefix-map=${MICROPY_BOARD_DIR}=/board
    -ffile-prefix-map=${PROJECT_MODULES}=/modules
    -ffile-prefix-map=${CMAKE_BINARY_DIR}=/build
)
