// lwIP without a thread of its own.
//
// On the ESP32 lwIP is a task: its timers and input go on whatever Python does. Here it
// runs in sim_background(), which is called in every wait and, while Python computes,
// every few jumps of the bytecode. The GIL is the lock for all of lwIP.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "sim.h"

sim_blocking_t sim_blocking = SIM_BLOCKING_ESP32;
bool sim_ppp_native = true;
unsigned int sim_vm_hook_divisor = 32;

static bool started;
static unsigned int depth; // lwIP is on the stack

static bool choice(const char *name, const char *first, const char *second) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0' || strcmp(text, first) == 0) {
        return true;
    }
    if (strcmp(text, second) == 0) {
        return false;
    }
    fprintf(stderr, "%s is '%s': it must be '%s' or '%s'.\n", name, text, first, second);
    exit(1);
}

void sim_network_init(void) {
    sim_blocking = choice("SIM_BLOCKING", "esp32", "poll") ? SIM_BLOCKING_ESP32 : SIM_BLOCKING_POLL;
    sim_ppp_native = choice("SIM_PPP_INPUT", "native", "scheduler");
    lwip_init();
    started = true;
}

uint32_t sys_now(void) {
    return (uint32_t)mp_hal_ticks_ms();
}

void sim_lwip_enter(void) {
    ++depth;
}

void sim_lwip_exit(void) {
    --depth;
}

static bool loopback_waits(void) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif->loop_first != NULL) {
            return true;
        }
    }
    return false;
}

void sim_background(void) {
    if (!started || depth > 0) {
        return;
    }
    bool worked = false;
    sim_timers_run();
    ++depth;
    worked |= sim_uart_native_poll();
    if (sys_timeouts_sleeptime() == 0) {
        sys_check_timeouts();
        worked = true;
    }
    if (loopback_waits()) {
        netif_poll_all();
        worked = true;
    }
    --depth;
    if (worked) {
        // Whoever waits looks again, this thread included.
        sim_wake();
    }
}

uint64_t sim_background_due_us(void) {
    if (depth > 0) {
        return SIM_FOREVER;
    }
    if (loopback_waits()) {
        return 0;
    }
    uint64_t due = sim_timers_run();
    uint32_t ms = sys_timeouts_sleeptime();
    if (ms != SYS_TIMEOUTS_SLEEPTIME_INFINITE) {
        uint64_t lwip_due = (sim_now_ns() / 1000000 + ms) * 1000;
        if (lwip_due < due) {
            due = lwip_due;
        }
    }
    return due;
}
