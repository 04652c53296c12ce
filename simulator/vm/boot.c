// Start, reset and what survives it.
//
// A reset starts the program anew (execv) with the same command line. The state of the
// RTC's domain goes along in SIM_ variables, the board's connection as an open file.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <fcntl.h>
#include <linux/close_range.h>

#include "mbedtls/entropy.h"
#include "py/builtin.h"
#include "py/runtime.h"
#include "py/mphal.h"
#include "sim.h"

extern long heap_size;

int sim_reset_cause = SIM_PWRON_RESET;
int sim_wake_reason = SIM_WAKE_NONE;
uint8_t sim_rtc_memory[SIM_RTC_MEMORY_MAX];
size_t sim_rtc_memory_len;

static char **boot_argv;
static sigset_t boot_sigmask;
static bool soft_reset_pending;

#ifdef __SANITIZE_ADDRESS__
// MicroPython leaves its heap behind at the end, and its collector scans the real stack.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:detect_stack_use_after_return=0";
}
// lwIP measures the CHAP peer's name with strlen(), though no zero ends it.
const char *__asan_default_suppressions(void);
const char *__asan_default_suppressions(void) {
    return "interceptor_via_fun:ppp_vslprintf";
}
#endif

uint32_t sim_random(void) {
    uint32_t r;
    while (getrandom(&r, sizeof(r), 0) != sizeof(r)) {
    }
    return r;
}

// mbedTLS's random numbers.
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    (void)data;
    const char *text = getenv("SIM_ENTROPY");
    if (text != NULL && strcmp(text, "broken") == 0) {
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }
    *olen = 0;
    while (*olen < len) {
        ssize_t got = getrandom(output + *olen, len - *olen, 0);
        *olen += got > 0 ? got : 0;
    }
    return 0;
}

// Runs before main(), which reads heap_size.
__attribute__((constructor)) static void boot(int argc, char **argv, char **envp) {
    (void)argc;
    (void)envp;
    boot_argv = argv;
    pthread_sigmask(SIG_SETMASK, NULL, &boot_sigmask);
    const char *text = getenv("SIM_HEAP");
    if (text != NULL && *text != '\0') {
        char *end;
        long size = strtol(text, &end, 0);
        if ((*end | 0x20) == 'k') {
            size *= 1024;
            ++end;
        } else if ((*end | 0x20) == 'm') {
            size *= 1024 * 1024;
            ++end;
        }
        if (*end != '\0' || size < 64 * 1024) {
            fprintf(stderr, "SIM_HEAP is '%s': it must be a size of 64K or more, such as 512K or 2M.\n", text);
            exit(1);
        }
        heap_size = size;
    }
}

static int take_env_int(const char *name, int otherwise) {
    const char *text = getenv(name);
    int value = text == NULL ? otherwise : atoi(text);
    unsetenv(name);
    return value;
}

void sim_init(void) {
    sim_clock_init();
    sim_reset_cause = take_env_int("SIM_RESET_CAUSE", SIM_PWRON_RESET);
    sim_wake_reason = take_env_int("SIM_WAKE_REASON", SIM_WAKE_NONE);
    const char *memory = getenv("SIM_RTC_MEMORY");
    if (memory != NULL) {
        unsigned int byte;
        for (; sim_rtc_memory_len < SIM_RTC_MEMORY_MAX && sscanf(memory, "%2x", &byte) == 1; memory += 2) {
            sim_rtc_memory[sim_rtc_memory_len++] = (uint8_t)byte;
        }
        unsetenv("SIM_RTC_MEMORY");
    }
    sim_rtc_init();
    sim_flash_init();
    sim_roots_init();
    sim_network_init();
    sim_bus_init();
}

static void set_env_int(const char *name, int value) {
    char text[16];
    snprintf(text, sizeof(text), "%d", value);
    setenv(name, text, 1);
}

void sim_reset_announce(int cause) {
    static const char *const names[] = {
        [SIM_HARD_RESET] = "hard",
        [SIM_WDT_RESET] = "wdt",
        [SIM_DEEPSLEEP_RESET] = "deepsleep",
    };
    if (sim_bus_connected()) {
        char request[32], answer[200];
        snprintf(request, sizeof(request), "reset %s", names[cause]);
        sim_bus_request(request, answer, sizeof(answer), -1);
    }
}

void sim_restart(int cause) {
    fflush(NULL);
    set_env_int("SIM_RESET_CAUSE", cause);
    set_env_int("SIM_WAKE_REASON", sim_wake_reason);
    sim_rtc_to_env();
    static char memory[2 * SIM_RTC_MEMORY_MAX + 1];
    for (size_t i = 0; i < sim_rtc_memory_len; ++i) {
        snprintf(memory + 2 * i, 3, "%02x", sim_rtc_memory[i]);
    }
    setenv("SIM_RTC_MEMORY", memory, 1);

    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    sim_clock_handover();
    int fd = sim_bus_connected() ? sim_bus_handover() : -1;
    if (fd >= 0) {
        fcntl(fd, F_SETFD, 0);
        set_env_int("SIM_BUS_FD", fd);
    }
    pthread_sigmask(SIG_SETMASK, &boot_sigmask, NULL);
    execv("/proc/self/exe", boot_argv);
    fprintf(stderr, "Cannot restart after a reset: %s.\n", strerror(errno));
    _exit(1);
}

void sim_reset(int cause) {
    sim_wake_reason = SIM_WAKE_NONE;
    sim_reset_announce(cause);
    sim_restart(cause);
}

// machine.soft_reset(): as on the chip, SystemExit unwinds the script first. The pins
// keep their levels, so the board is not told.
static mp_obj_t soft_reset(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    (void)args;
    soft_reset_pending = true;
    mp_raise_type(&mp_type_SystemExit);
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sim_soft_reset_obj, 0, 1, soft_reset);

void sim_deinit(void) {
    sim_uarts_drain();
    if (soft_reset_pending) {
        sim_wake_reason = SIM_WAKE_NONE;
        sim_restart(SIM_SOFT_RESET);
    }
}
