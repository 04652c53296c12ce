// The simulated T-Call: features as the unix port's standard variant has them.
// What the port's own configuration would undo again is in sim_mpconfig.h.

#define MICROPY_CONFIG_ROM_LEVEL        (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

#define MICROPY_HW_BOARD_NAME           "LILYGO T-Call SIM800 (simulated)"
#define MICROPY_HW_MCU_NAME             "ESP32"
#define MICROPY_PY_SYS_PATH_DEFAULT     ".frozen"

#include "ports/unix/variants/mpconfigvariant_common.h"
