// The simulated time, and how to wait in it.
//
// Simulated time is from 0 at boot; ticks begin shortly before they wrap. Every waiting
// thread has an eventfd: whatever happens (a byte, a pin, a signal) ends all waits at
// once, and nobody polls.
//
// There are two kinds of time. Alone, or in front of a user, it is CLOCK_MONOTONIC times
// SIM_SPEED. With SIM_CLOCK the simulator keeps it (simulator/network/jumps.py): it stands
// in memory that both share, goes on by the processor time that this program takes, times
// SIM_SPEED, and jumps to the next moment that anybody waits for once all of them wait.

#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "sim.h"

#define WAITERS_MAX (32)
// 20 s before time.ticks_ms() wraps (2^30), and lwIP's and cmux's 32 bits with it.
#define TICKS_START (0xffffffffu - 19999)

struct _sim_waiter_t {
    atomic_int used;
    atomic_int fd; // 0: not yet made
    atomic_int woken; // since the last wait; then the file is readable
    bool alone; // sim_wake() is not for it
};

// Shared with the simulator, which has the same layout in jumps.py.
typedef struct _page_t {
    _Atomic uint64_t now_ns; // since the world began
    _Atomic uint64_t sent; // bytes that the simulator has written to the UART's pty
    _Atomic uint64_t received; // bytes of them that were read here
    _Atomic uint64_t written; // bytes that were written here
    _Atomic uint32_t listening; // the UART's thread waits for bytes
    _Atomic uint32_t waits; // counts those that have ended
    _Atomic uint32_t started; // this program's process
    _Atomic int32_t running; // how many of the threads below do not wait
    _Atomic uint64_t until_ns[WAITERS_MAX]; // what each waits for, or SIM_FOREVER
    _Atomic uint32_t thread[WAITERS_MAX]; // 0: none
} page_t;

static double speed = 1;
static uint64_t boot_ns;
static uint64_t ticks_start = TICKS_START;
static sim_waiter_t waiters[WAITERS_MAX];
static pthread_key_t waiter_key; // gives a thread's waiter back when it ends
static __thread sim_waiter_t *own_waiter;

static page_t *page; // NULL: nobody keeps the time
static _Atomic uint64_t cpu_ns; // processor time that now_ns has
static _Atomic uint64_t latest_ns; // that anybody here has seen
static int page_fd, waits_fd;

static uint64_t real_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t processor_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

// The time that goes on through restarts, since the simulator or the host began.
static uint64_t world_ns(void) {
    if (page == NULL) {
        uint64_t ns = real_ns();
        return speed == 1 ? ns : (uint64_t)((double)ns * speed);
    }
    uint64_t cpu = processor_ns(), seen = atomic_load(&cpu_ns);
    if (cpu > seen && atomic_compare_exchange_strong(&cpu_ns, &seen, cpu)) {
        atomic_fetch_add(&page->now_ns, (uint64_t)((double)(cpu - seen) * speed));
    }
    // The simulator may just write a time that it has made of an earlier one: nobody sees it go back.
    uint64_t now = atomic_load(&page->now_ns), latest = atomic_load(&latest_ns);
    while (now > latest && !atomic_compare_exchange_weak(&latest_ns, &latest, now)) {
    }
    return now > latest ? now : latest;
}

// SIM_CLOCK: the numbers of its files, of the waits' and of each waiter's, with blanks in between.
static void page_init(const char *text) {
    int files[2 + WAITERS_MAX];
    for (size_t i = 0; i < MP_ARRAY_SIZE(files); ++i) {
        char *end;
        files[i] = (int)strtol(text, &end, 10);
        if (end == text) {
            fprintf(stderr, "SIM_CLOCK names %zu files: the simulator sets it, to %zu.\n", i, MP_ARRAY_SIZE(files));
            exit(1);
        }
        text = end;
    }
    page_fd = files[0];
    waits_fd = files[1];
    void *mapped = mmap(NULL, sizeof(page_t), PROT_READ | PROT_WRITE, MAP_SHARED, page_fd, 0);
    if (mapped == MAP_FAILED) {
        perror("SIM_CLOCK");
        exit(1);
    }
    page = mapped;
    for (int i = 0; i < WAITERS_MAX; ++i) {
        eventfd_t count;
        eventfd_read(files[2 + i], &count);
        atomic_store(&waiters[i].fd, files[2 + i]);
        atomic_store(&page->until_ns[i], SIM_FOREVER);
        atomic_store(&page->thread[i], 0);
    }
    atomic_store(&page->listening, 0);
    atomic_store(&page->running, 0);
    atomic_store(&cpu_ns, processor_ns());
    atomic_store(&page->started, (uint32_t)getpid());
}

void sim_clock_handover(void) {
    if (page != NULL) {
        fcntl(page_fd, F_SETFD, 0);
        fcntl(waits_fd, F_SETFD, 0);
        for (int i = 0; i < WAITERS_MAX; ++i) {
            fcntl(atomic_load(&waiters[i].fd), F_SETFD, 0);
        }
    }
}

void sim_clock_received(size_t count) {
    if (page != NULL) {
        atomic_fetch_add(&page->received, count);
    }
}

void sim_clock_written(size_t count) {
    if (page != NULL) {
        atomic_fetch_add(&page->written, count);
    }
}

bool sim_clock_on_its_way(void) {
    return page != NULL && atomic_load(&page->received) < atomic_load(&page->sent);
}

static void waiter_release(void *arg) {
    sim_waiter_t *waiter = arg;
    if (page != NULL) {
        eventfd_t count;
        eventfd_read(waiter->fd, &count);
        atomic_store(&page->thread[waiter - waiters], 0);
        if (atomic_fetch_sub(&page->running, 1) == 1) {
            eventfd_write(waits_fd, 1);
        }
    }
    atomic_store(&waiter->used, 0);
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
    text = getenv("SIM_CLOCK");
    if (text != NULL && *text != '\0') {
        page_init(text);
    }
    boot_ns = page == NULL ? real_ns() : world_ns();
    pthread_key_create(&waiter_key, waiter_release);
    // Wake up when asked to, not up to 50 us later.
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
}

double sim_speed(void) {
    return speed;
}

uint64_t sim_now_ns(void) {
    if (page != NULL) {
        return world_ns() - boot_ns;
    }
    uint64_t ns = real_ns() - boot_ns;
    return speed == 1 ? ns : (uint64_t)((double)ns * speed);
}

uint64_t sim_now_us(void) {
    return sim_now_ns() / 1000;
}

uint64_t sim_world_ns(void) {
    return world_ns();
}

uint64_t sim_to_real_ns(uint64_t sim_ns) {
    if (page != NULL) {
        uint64_t now = sim_now_ns();
        return real_ns() + (sim_ns > now ? (uint64_t)((double)(sim_ns - now) / speed) : 0);
    }
    return boot_ns + (speed == 1 ? sim_ns : (uint64_t)ceil((double)sim_ns / speed));
}

bool sim_interrupted(void) {
    return MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL;
}

static sim_waiter_t *waiter_new(bool alone) {
    for (int i = 0; i < WAITERS_MAX; ++i) {
        sim_waiter_t *waiter = &waiters[i];
        int unused = 0;
        if (atomic_compare_exchange_strong(&waiter->used, &unused, 1)) {
            if (atomic_load(&waiter->fd) == 0) {
                atomic_store(&waiter->fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
            }
            waiter->alone = alone;
            if (page != NULL) {
                atomic_fetch_add(&page->running, 1);
            }
            // Whatever happened before is not missed.
            atomic_store(&waiter->woken, 1);
            eventfd_write(waiter->fd, 1);
            return waiter;
        }
    }
    fprintf(stderr, "Too many threads wait at the same time: at most %d can.\n", WAITERS_MAX);
    exit(1);
}

sim_waiter_t *sim_waiter_new(void) {
    return waiter_new(true);
}

void sim_waiter_free(sim_waiter_t *waiter) {
    waiter_release(waiter);
}

void sim_waiter_wake(sim_waiter_t *waiter) {
    int fd = atomic_load(&waiter->fd); // who has none yet looks by itself once it has
    if (fd != 0 && atomic_load(&waiter->used) && atomic_exchange(&waiter->woken, 1) == 0) {
        eventfd_write(fd, 1);
    }
}

void sim_wake(void) {
    int saved_errno = errno;
    for (int i = 0; i < WAITERS_MAX; ++i) {
        if (!waiters[i].alone) {
            sim_waiter_wake(&waiters[i]);
        }
    }
    errno = saved_errno;
}

bool sim_waiter_wait(sim_waiter_t *waiter, int fd, uint64_t deadline_ns) {
    struct pollfd fds[2] = {
        { .fd = waiter->fd, .events = POLLIN },
        { .fd = fd, .events = POLLIN },
    };
    struct timespec ts, *timeout = NULL;
    if (page != NULL) {
        if (deadline_ns <= sim_now_ns()) {
            return false;
        }
        size_t i = (size_t)(waiter - waiters);
        if (atomic_load(&page->thread[i]) == 0) {
            atomic_store(&page->thread[i], (uint32_t)gettid());
        }
        atomic_store(&page->until_ns[i], deadline_ns == SIM_FOREVER ? SIM_FOREVER : boot_ns + deadline_ns);
        if (atomic_fetch_sub(&page->running, 1) == 1) {
            eventfd_write(waits_fd, 1);
        }
        ppoll(fds, 2, NULL, NULL);
        atomic_fetch_add(&page->running, 1);
        atomic_fetch_add(&page->waits, 1);
        atomic_store(&page->until_ns[i], SIM_FOREVER);
    } else {
        if (deadline_ns != SIM_FOREVER) {
            uint64_t until = sim_to_real_ns(deadline_ns);
            uint64_t now = real_ns();
            uint64_t left = until > now ? until - now : 0;
            ts.tv_sec = (time_t)(left / 1000000000u);
            ts.tv_nsec = (long)(left % 1000000000u);
            timeout = &ts;
        }
        ppoll(fds, 2, timeout, NULL);
    }
    if (fds[0].revents & POLLIN) {
        // In this order: whoever wakes in between has changed before what the caller looks at next.
        eventfd_t count;
        eventfd_read(waiter->fd, &count);
        atomic_store(&waiter->woken, 0);
    }
    return fds[1].revents != 0;
}

void sim_clock_listening(bool listening) {
    if (page != NULL) {
        atomic_store(&page->listening, listening);
    }
}

// fd may be a file to wait for as well, or -1.
static void wait_for(int fd, uint64_t deadline_us) {
    if (own_waiter == NULL) {
        own_waiter = waiter_new(false);
        pthread_setspecific(waiter_key, own_waiter);
    }
    sim_waiter_wait(own_waiter, fd, deadline_us == SIM_FOREVER ? SIM_FOREVER : deadline_us * 1000);
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
