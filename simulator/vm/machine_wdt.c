// This file is never compiled standalone, it's included directly from
// extmod/machine_wdt.c via MICROPY_PY_MACHINE_WDT_INCLUDEFILE.

// The watchdog is a thread of its own, so that it bites whatever the others hang in.

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "sim.h"

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static machine_wdt_obj_t wdt_default = {{&machine_wdt_type}};

static pthread_mutex_t wdt_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wdt_sooner;
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
        uint64_t until = sim_to_real_ns((sim_asleep ? sim_now_us() + 100000 : wdt_due_us) * 1000);
        struct timespec ts = { .tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u) };
        pthread_cond_timedwait(&wdt_sooner, &wdt_lock, &ts);
    }
    return NULL;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    (void)self;
    pthread_mutex_lock(&wdt_lock);
    uint64_t before = wdt_due_us;
    wdt_due_us = sim_now_us() + wdt_timeout_us;
    if (wdt_due_us < before) {
        pthread_cond_signal(&wdt_sooner);
    }
    pthread_mutex_unlock(&wdt_lock);
}

// It stands still in light sleep.
void sim_wdt_slept(uint64_t us) {
    pthread_mutex_lock(&wdt_lock);
    wdt_due_us += us;
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
        pthread_condattr_t attr;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&wdt_sooner, &attr);
        pthread_condattr_destroy(&attr);
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
