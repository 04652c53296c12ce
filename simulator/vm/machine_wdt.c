// This file is never compiled standalone, it's included directly from
// extmod/machine_wdt.c via MICROPY_PY_MACHINE_WDT_INCLUDEFILE.

// The watchdog is a thread of its own, so that it bites whatever the others hang in.

#include <pthread.h>
#include <signal.h>

#include "sim.h"

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static machine_wdt_obj_t wdt_default = {{&machine_wdt_type}};

static pthread_mutex_t wdt_lock = PTHREAD_MUTEX_INITIALIZER;
static sim_waiter_t *wdt_waiter;
static bool wdt_started;
static uint64_t wdt_timeout_us;
static uint64_t wdt_due_us;

static void *wdt_main(void *arg) {
    (void)arg;
    pthread_mutex_lock(&wdt_lock);
    for (;;) {
        if (sim_now_us() >= wdt_due_us && !sim_asleep) {
            pthread_mutex_unlock(&wdt_lock);
            sim_reset(SIM_WDT_RESET);
        }
        uint64_t until_ns = sim_asleep ? SIM_FOREVER : wdt_due_us * 1000; // who wakes up calls sim_wdt_slept()
        pthread_mutex_unlock(&wdt_lock);
        sim_waiter_wait(wdt_waiter, -1, until_ns);
        pthread_mutex_lock(&wdt_lock);
    }
    return NULL;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    (void)self;
    pthread_mutex_lock(&wdt_lock);
    uint64_t before = wdt_due_us;
    wdt_due_us = sim_now_us() + wdt_timeout_us;
    if (wdt_due_us < before) {
        sim_waiter_wake(wdt_waiter);
    }
    pthread_mutex_unlock(&wdt_lock);
}

// It stands still in light sleep, which ends here.
void sim_wdt_slept(uint64_t us) {
    pthread_mutex_lock(&wdt_lock);
    sim_asleep = false;
    wdt_due_us += us;
    if (wdt_waiter != NULL) {
        sim_waiter_wake(wdt_waiter);
    }
    pthread_mutex_unlock(&wdt_lock);
}

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0) {
        mp_raise_ValueError(NULL);
    }
    if (timeout_ms <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("WDT timeout too short"));
    }
    if (!wdt_started) {
        wdt_waiter = sim_waiter_new();
    }
    wdt_timeout_us = (uint64_t)timeout_ms * 1000;
    mp_machine_wdt_feed(&wdt_default);
    if (!wdt_started) {
        wdt_started = true;
        sigset_t all, old;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        pthread_t thread;
        pthread_create(&thread, NULL, wdt_main, NULL);
        pthread_detach(thread);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    return &wdt_default;
}
