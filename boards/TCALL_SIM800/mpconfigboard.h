// A variant may have set it, see mpconfigvariant_*.cmake.
#ifndef MICROPY_HW_BOARD_NAME
#define MICROPY_HW_BOARD_NAME "LILYGO T-Call SIM800"
#endif
#define MICROPY_HW_MCU_NAME "ESP32"

// modules/trust. A definition of its own would not reach the search for names (QSTRs).
#define MICROPY_PY_SSL_TRUST (1)
// The day of the root certificates, in the line at boot.
#ifdef TRUST_ROOTS_DATE
#define MICROPY_BANNER_MACHINE MICROPY_HW_BOARD_NAME " with " MICROPY_HW_MCU_NAME ", roots of " MP_STRINGIFY(TRUST_ROOTS_DATE)
#endif

#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpy-tcall"

// The board has no Ethernet and no free pins for an RMII PHY.
#define MICROPY_PY_NETWORK_LAN (0)

// modules/entropy makes it MICROPY_BOARD_STARTUP.
void entropy_startup(void);

// Names in .local: 24 kB of flash, which the root certificates take.
#define MICROPY_HW_ENABLE_MDNS_QUERIES (0)
#define MICROPY_HW_ENABLE_MDNS_RESPONDER (0)

// An SD card's own pins are the modem's key and the LED. Over SPI micropython-lib's sdcard drives one.
#define MICROPY_HW_ENABLE_SDCARD (0)

// The power chip's bus.
#define MICROPY_HW_I2C0_SCL (22)
#define MICROPY_HW_I2C0_SDA (21)
