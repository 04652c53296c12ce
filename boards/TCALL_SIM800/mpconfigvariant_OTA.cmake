# A file name in an sdkconfig is relative to ports/esp32, so the board's own has to be written in full.
file(WRITE ${CMAKE_BINARY_DIR}/sdkconfig.partitions
    "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${MICROPY_BOARD_DIR}/partitions-ota.csv\"\n"
)

set(SDKCONFIG_DEFAULTS
    ${SDKCONFIG_DEFAULTS}
    ${MICROPY_BOARD_DIR}/sdkconfig.ota
    ${CMAKE_BINARY_DIR}/sdkconfig.partitions
)

list(APPEND MICROPY_DEF_BOARD
    MICROPY_HW_BOARD_NAME="LILYGO T-Call SIM800 with OTA"
)
