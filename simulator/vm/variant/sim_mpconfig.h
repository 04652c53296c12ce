// MicroPython's configuration for the simulated T-Call: the unix port's, then what
// is different because there is simulated hardware and simulated time below it.

#include "mpconfigport.h"

// Interrupts and waiting.
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR          (0)
#undef MICROPY_PY_THREAD_RECURSIVE_MUTEX
#define MICROPY_PY_THREAD_RECURSIVE_MUTEX (1)
#define MICROPY_PY_THREAD_GIL_VM_DIVISOR (32)
#define MICROPY_SCHEDULER_DEPTH         (8)
#define MICROPY_SCHEDULER_STATIC_NODES  (1)

void sim_init(void);
void sim_deinit(void);
void sim_background(void);
extern unsigned int sim_vm_hook_divisor;

#define MICROPY_PORT_INIT_FUNC          sim_init()
#define MICROPY_PORT_DEINIT_FUNC        sim_deinit()
#define MICROPY_INTERNAL_EVENT_HOOK     sim_background()
#if SIM_EDGES
void sim_edge(const unsigned char *ip); // of edges.c
#else
#define sim_edge(ip) (void)0
#endif
// The ESP32's network runs in a task of its own; here it runs in between.
#define MICROPY_VM_HOOK_LOOP \
    sim_edge(ip); \
    if (--sim_vm_hook_divisor == 0) { \
        sim_vm_hook_divisor = 32; \
        sim_background(); \
    }

// Time: the epoch is 2000 and the clock is the simulated RTC.
#undef MICROPY_EPOCH_IS_1970
#define MICROPY_EPOCH_IS_1970           (0)
// As with the chip's small integers.
#define MICROPY_PY_TIME_TICKS_PERIOD    (1 << 30)
#undef MICROPY_PY_TIME_CUSTOM_SLEEP
#undef MICROPY_PY_TIME_INCLUDEFILE
#define MICROPY_PY_TIME_INCLUDEFILE     "sim/modtime.c"
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)

// machine, on simulated hardware.
#undef MICROPY_PY_MACHINE_INCLUDEFILE
#define MICROPY_PY_MACHINE_INCLUDEFILE  "sim/modmachine.c"
#define MICROPY_PY_MACHINE_RESET        (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS (1)
#define MICROPY_PY_MACHINE_MEMX         (0)
#define MICROPY_PY_MACHINE_SIGNAL       (1)
#define MICROPY_PY_MACHINE_I2C          (1)
#define MICROPY_PY_MACHINE_I2C_TRANSFER_WRITE1 (1)
#define MICROPY_PY_MACHINE_UART         (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE "sim/machine_uart.c"
#define MICROPY_PY_MACHINE_UART_SENDBREAK (1)
#define MICROPY_PY_MACHINE_UART_IRQ     (1)
#define MICROPY_PY_MACHINE_WDT          (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE "sim/machine_wdt.c"
// Needs a fast pin, which a bus message is not.
#undef MICROPY_PY_MACHINE_PULSE
#define MICROPY_PY_MACHINE_PULSE        (0)

// Network.
#define MICROPY_PY_NETWORK              (1)
#define MICROPY_PY_NETWORK_HOSTNAME_DEFAULT "mpy-esp32"
#define MICROPY_PY_NETWORK_PPP_LWIP     (1)
#define MICROPY_PY_LWIP_SOCK_RAW        (1)
#undef MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT
#define MICROPY_PY_SOCKET_LISTEN_BACKLOG_DEFAULT (2)
#undef MICROPY_PY_SELECT_POSIX_OPTIMISATIONS
#define MICROPY_PY_SELECT_POSIX_OPTIMISATIONS (0)
#undef MICROPY_PY_HASHLIB_MD5
#define MICROPY_PY_HASHLIB_MD5          (1)
#undef MICROPY_PY_HASHLIB_SHA1
#define MICROPY_PY_HASHLIB_SHA1         (1)
#undef MICROPY_PY_CRYPTOLIB
#define MICROPY_PY_CRYPTOLIB            (1)

#define MICROPY_PY_OS_UNAME             (1)
#define MICROPY_PY_ALL_INPLACE_SPECIAL_METHODS (1)
