// The simulated time, and how to wait in it.
//
// Simulated time is CLOCK_MONOTONIC times SIM_SPEED, from 0 at boot; ticks begin shortly
// before they wrap. Every waiting thread has an eventfd: whatever happens (a byte, a pin,
// a signal) ends all waits at once, and nobody polls.

#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "sim.h"

#define WAITERS_MAX (32)
// 20 s before time.ticks_ms() wraps (2^30), and lwIP's and cmux's 32 bits with it.
#define TICKS_START (0xffffffffu - 19999)

typedef struct _waiter_t {
    atomic_int used;
    atomic_int fd; // 0: not yet made
    atomic_int woken; // since the last wait; then the file is readable
} waiter_t;

static double speed = 1;
static uint64_t boot_ns;
static uint64_t ticks_start = TICKS_START;
static waiter_t waiters[WAITERS_MAX];
static pthread_key_t waiter_key; // gives a thread's waiter back when it ends
static __thread waiter_t *own_waiter;

static uint64_t real_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void waiter_release(void *arg) {
    atomic_store(&((waiter_t *)arg)->used, 0);
}

void sim_clock_init(void) {
    const char *text = getenv("SIM_SPEED");
    if (text != NULL && *text != '\0') {
        char *end;
        speed = strtod(text, &end);
        if (*end != '\0' || !(speed > 0) || isinf(speed)) {
            fprintf(stderr, "SIM_SPEED is '%s': it must be a number above 0, such as 1 or 10.\n", text);
            exit(1);
        }
    }
    text = getenv("SIM_TICKS");
    if (text != NULL && *text != '\0') {
        char *end;
        ticks_start = strtoull(text, &end, 0);
        if (*end != '\0' || ticks_start > UINT32_MAX) {
            fprintf(stderr, "SIM_TICKS is '%s': it must be milliseconds, 0 to %u.\n", text, UINT32_MAX);
            exit(1);
        }
    }
    boot_ns = real_ns();
    pthread_key_create(&waiter_key, waiter_release);
    // Wake up when asked to, not up to 50 us later.
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
}

double sim_speed(void) {
    return speed;
}

uint64_t sim_now_ns(void) {
    uint64_t ns = real_ns() - boot_ns;
    return speed == 1 ? ns : (uint64_t)((double)ns * speed);
}

uint64_t sim_now_us(void) {
    return sim_now_ns() / 1000;
}

uint64_t sim_to_real_ns(uint64_t sim_ns) {
    return boot_ns + (speed == 1 ? sim_ns : (uint64_t)ceil((double)sim_ns / speed));
}

bool sim_interrupted(void) {
    return MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL;
}

static waiter_t *waiter_get(void) {
    for (int i = 0; i < WAITERS_MAX && own_waiter == NULL; ++i) {
        int unused = 0;
        if (atomic_compare_exchange_strong(&waiters[i].used, &unused, 1)) {
            own_waiter = &waiters[i];
            if (atomic_load(&own_waiter->fd) == 0) {
                atomic_store(&own_waiter->fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
            }
            pthread_setspecific(waiter_key, own_waiter);
            // Whatever happened before is not missed.
            atomic_store(&own_waiter->woken, 1);
            eventfd_write(own_waiter->fd, 1);
        }
    }
    if (own_waiter == NULL) {
        fprintf(stderr, "Too many threads wait at the same time: at most %d can.\n", WAITERS_MAX);
        exit(1);
    }
    return own_waiter;
}

void sim_wake(void) {
    int saved_errno = errno;
    for (int i = 0; i < WAITERS_MAX; ++i) {
        int fd = atomic_load(&waiters[i].fd); // who has none yet looks by itself once it has
        if (fd != 0 && atomic_load(&waiters[i].used) && atomic_exchange(&waiters[i].woken, 1) == 0) {
            eventfd_write(fd, 1);
        }
    }
    errno = saved_errno;
}

// fd may be a file to wait for as well, or -1.
static void wait_for(int fd, uint64_t deadline_us) {
    waiter_t *waiter = waiter_get();
    struct pollfd fds[2] = {
        { .fd = waiter->fd, .events = POLLIN },
        { .fd = fd, .events = POLLIN },
    };
    struct timespec ts, *timeout = NULL;
    if (deadline_us != SIM_FOREVER) {
        uint64_t until = sim_to_real_ns(deadline_us * 1000);
        uint64_t now = real_ns();
        uint64_t left = until > now ? until - now : 0;
        ts.tv_sec = (time_t)(left / 1000000000u);
        ts.tv_nsec = (long)(left % 1000000000u);
        timeout = &ts;
    }
    ppoll(fds, 2, timeout, NULL);
    if (fds[0].revents & POLLIN) {
        // In this order: whoever wakes in between has changed before what the caller looks at next.
        eventfd_t count;
        eventfd_read(waiter->fd, &count);
        atomic_store(&waiter->woken, 0);
    }
}

void sim_wait_until(uint64_t deadline_us) {
    uint64_t due = sim_background_due_us();
    MP_THREAD_GIL_EXIT();
    wait_for(-1, deadline_us < due ? deadline_us : due);
    MP_THREAD_GIL_ENTER();
}

void sim_sleep_until(uint64_t deadline_us) {
    wait_for(-1, deadline_us);
}

// The wait of mp_event_wait_ms(): what select.poll() and asyncio sleep in.
void sim_wait_ms(mp_uint_t timeout_ms) {
    if (MP_STATE_VM(sched_state) == MP_SCHED_PENDING) {
        return;
    }
    sim_wait_until(timeout_ms >= 0x7fffffff ? SIM_FOREVER : sim_now_us() + timeout_ms * 1000);
}

mp_uint_t mp_hal_ticks_ms(void) {
    return ticks_start + sim_now_ns() / 1000000;
}

mp_uint_t mp_hal_ticks_us(void) {
    return ticks_start * 1000 + sim_now_us();
}

// Sleeps as the ESP32 does: the scheduler runs all the time.
static void delay_until(uint64_t deadline_us) {
    for (;;) {
        sim_background();
        mp_handle_pending(true);
        if (sim_now_us() >= deadline_us) {
            return;
        }
        if (MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
            sim_wait_until(deadline_us);
        }
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    delay_until(sim_now_us() + ms * 1000);
}

void mp_hal_delay_us(mp_uint_t us) {
    delay_until(sim_now_us() + us);
}

uint64_t mp_hal_time_ns(void) {
    return sim_rtc_us() * 1000;
}

// In place of read() of the console: the network and the scheduler go on meanwhile.
ssize_t sim_stdin_read(int fd, void *buf, size_t count) {
    MP_THREAD_GIL_ENTER();
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    while (sim_console_active() ? !sim_console_any() : poll(&ready, 1, 0) == 0) {
        sim_background();
        mp_handle_pending(true);
        if (MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
            uint64_t due = sim_background_due_us();
            MP_THREAD_GIL_EXIT();
            wait_for(sim_console_active() ? -1 : fd, due);
            MP_THREAD_GIL_ENTER();
        }
    }
    MP_THREAD_GIL_EXIT();
    if (sim_console_active()) {
        *(uint8_t *)buf = sim_console_get();
        return 1;
    }
    return read(fd, buf, count);
}

// In place of mp_sched_keyboard_interrupt(): called by the signal handler for Ctrl-C.
void sim_keyboard_interrupt(void) {
    mp_sched_keyboard_interrupt();
    sim_wake();
}
