// modules/cmux/modcmux.c for test_cmux_module.py, without the interpreter around it: the multiplexer's
// task, a user on lwIP's task and Python's threads are threads here, the locks real ones, the modem is below.
//
// usage: cmux_threads handler, or cmux_threads data FRAMES

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "modules/cmux/modcmux.c"

#define N1 (64)
#define AT (1) // Python's threads use it
#define DATA (2) // a native user does

static cmux_obj_t mux;
static channel_obj_t channels[CMUX_DLCIS];
static pthread_mutex_t locks[CMUX_LOCKS] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
static atomic_bool done;

static void check(bool good, const char *what) {
    if (!good) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

/******************************************************************************/
// The modem: sends counting bytes on both DLCIs, stops where it is told to, answers MSC, and looks whether
// what comes counts as well. One who writes at a time.

static pthread_mutex_t line = PTHREAD_MUTEX_INITIALIZER;
static uint8_t to_us[64 * 1024];
static size_t to_us_start, to_us_end;
static uint8_t modem_raw[N1 + CMUX_OVERHEAD];
static cmux_rx_t modem_rx;
static bool modem_stopped[CMUX_DLCIS];
static uint8_t modem_next[CMUX_DLCIS], modem_expects[CMUX_DLCIS];
static long modem_left[CMUX_DLCIS], modem_got[CMUX_DLCIS];

static void modem_says(uint8_t dlci, const uint8_t *info, size_t len) {
    check(to_us_end + len + CMUX_OVERHEAD <= sizeof(to_us), "the modem's answers have room");
    to_us_end += cmux_frame_put(to_us + to_us_end, dlci, false, CMUX_UIH, info, len);
}

static void modem_hears(const uint8_t *buf, size_t len) {
    while (len > 0) {
        cmux_frame_t frame;
        size_t want = cmux_rx_wants(&modem_rx);
        want = want < len ? want : len;
        cmux_rx_feed(&modem_rx, buf, want);
        buf += want;
        len -= want;
        while (cmux_rx_next(&modem_rx, &frame)) {
            if (frame.dlci != 0) {
                for (size_t i = 0; i < frame.len; ++i) {
                    check(frame.info[i] == modem_expects[frame.dlci]++, "what is written arrives in its order");
                }
                modem_got[frame.dlci] += (long)frame.len;
            } else if (frame.info[0] == 0xe3) {
                const uint8_t answer[] = { 0xe1, 0x05, frame.info[2], frame.info[3] };
                modem_stopped[frame.info[2] >> 2] = (frame.info[3] & 2) != 0;
                modem_says(0, answer, sizeof(answer));
            }
        }
    }
    check(modem_rx.bad == 0, "frames of several threads do not mix");
}

size_t cmux_port_read(cmux_obj_t *self, uint8_t *buf, size_t len) {
    (void)self;
    pthread_mutex_lock(&line);
    if (to_us_start == to_us_end) {
        to_us_start = to_us_end = 0;
        for (uint8_t dlci = AT; dlci <= DATA; ++dlci) {
            uint8_t info[N1];
            size_t count = modem_left[dlci] < N1 / 2 ? (size_t)modem_left[dlci] : N1 / 2;
            if (count > 0 && !modem_stopped[dlci]) {
                for (size_t i = 0; i < count; ++i) {
                    info[i] = modem_next[dlci]++;
                }
                modem_left[dlci] -= (long)count;
                modem_says(dlci, info, count);
            }
        }
    }
    len = MIN(len, to_us_end - to_us_start);
    memcpy(buf, to_us + to_us_start, len);
    to_us_start += len;
    pthread_mutex_unlock(&line);
    return len;
}

bool cmux_port_write(cmux_obj_t *self, const uint8_t *buf, size_t len) {
    (void)self;
    pthread_mutex_lock(&line);
    modem_hears(buf, len);
    pthread_mutex_unlock(&line);
    return true;
}

void cmux_port_lock(cmux_obj_t *self, cmux_lock_t lock) {
    (void)self;
    pthread_mutex_lock(&locks[lock]);
}

void cmux_port_unlock(cmux_obj_t *self, cmux_lock_t lock) {
    (void)self;
    pthread_mutex_unlock(&locks[lock]);
}

/******************************************************************************/
// What modcmux.c calls of MicroPython.

static atomic_int handled;

mp_uint_t mp_hal_ticks_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (mp_uint_t)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

// As where the other core runs the handler before this returns.
bool mp_sched_schedule(mp_obj_t function, mp_obj_t arg) {
    (void)function;
    channel_run_handler(arg);
    return true;
}

mp_obj_t mp_call_function_1(mp_obj_t fun, mp_obj_t arg) {
    (void)arg;
    check(fun == mp_const_true, "it is the handler that is called");
    ++handled;
    return mp_const_none;
}

/******************************************************************************/

static void begin(void) {
    static uint8_t raw[N1 + CMUX_OVERHEAD], out[N1 + CMUX_OVERHEAD], bufs[CMUX_DLCIS][4 * N1];
    cmux_rx_init(&modem_rx, modem_raw, N1);
    cmux_init(&mux.mux, raw, N1, 20, 200);
    mux.out = out;
    for (uint8_t dlci = 0; dlci <= DATA; ++dlci) {
        channels[dlci] = (channel_obj_t) { .mux = &mux, .dlci = dlci, .handler = mp_const_none };
        mux.channels[dlci] = dlci > 0 ? &channels[dlci] : NULL;
        cmux_open(&mux.mux, dlci, bufs[dlci], sizeof(bufs[dlci]));
        mux.mux.dlc[dlci].state = CMUX_OPEN;
    }
}

static void test_handler(void) {
    channels[AT].handler = mp_const_true;
    for (int i = 1; i <= 3; ++i) {
        modem_left[AT] = 10;
        cmux_input(&mux);
        check(handled == i, "the handler is called for each frame");
    }
}

static long size;
static uint8_t at_next, data_next;
static atomic_long at_got, data_got;

static void take(long count, const uint8_t *buf, uint8_t *next, atomic_long *got) {
    for (long i = 0; i < count; ++i) {
        check(buf[i] == (*next)++, "what comes is read in its order");
    }
    *got += count;
}

static void *task(void *arg) {
    while (!done) {
        cmux_input(&mux);
    }
    return arg;
}

// network.PPP's input, on the multiplexer's task.
static void data_input(void *arg) {
    uint8_t buf[N1];
    size_t len;
    while ((len = native_read(arg, buf, sizeof(buf))) > 0) {
        take((long)len, buf, &data_next, &data_got);
    }
}

static void writes(channel_obj_t *channel) {
    uint8_t buf[100];
    for (long sent = 0; sent < size;) {
        size_t len = MIN(sizeof(buf), (size_t)(size - sent));
        for (size_t i = 0; i < len; ++i) {
            buf[i] = (uint8_t)(sent + (long)i);
        }
        sent += (long)native_write(channel, buf, len);
    }
}

static void *lwip(void *arg) {
    writes(arg);
    return NULL;
}

static void *python_writes(void *arg) {
    writes(arg);
    return NULL;
}

static void *python_reads(void *arg) {
    uint8_t buf[40];
    while (at_got < size) {
        take((long)channel_read_now(arg, buf, sizeof(buf)), buf, &at_next, &at_got);
    }
    return NULL;
}

// PPP comes and goes: what arrives meanwhile waits, and the modem with it.
static void *users(void *arg) {
    while (data_got < size) {
        native_set_user(arg, data_input, arg);
        sched_yield();
        native_set_user(arg, NULL, NULL);
        pthread_mutex_lock(&locks[CMUX_LOCK_USER]);
        data_input(arg);
        pthread_mutex_unlock(&locks[CMUX_LOCK_USER]);
    }
    return NULL;
}

static void test_data(long frames) {
    struct {
        void *(*run)(void *arg);
        channel_obj_t *channel;
        pthread_t thread;
    } all[] = {
        { lwip, &channels[DATA], 0 },
        { users, &channels[DATA], 0 },
        { python_writes, &channels[AT], 0 },
        { python_reads, &channels[AT], 0 },
    };
    pthread_t input;
    size = modem_left[AT] = modem_left[DATA] = frames * N1;
    pthread_create(&input, NULL, task, NULL);
    for (size_t i = 0; i < MP_ARRAY_SIZE(all); ++i) {
        pthread_create(&all[i].thread, NULL, all[i].run, all[i].channel);
    }
    for (size_t i = 0; i < MP_ARRAY_SIZE(all); ++i) {
        pthread_join(all[i].thread, NULL);
    }
    done = true;
    pthread_join(input, NULL);
    check(modem_got[AT] == size && modem_got[DATA] == size, "all that is written arrives");
    check(mux.mux.rx.bad == 0 && mux.mux.dlc[AT].lost == 0 && mux.mux.dlc[DATA].lost == 0, "nothing is lost");
}

int main(int argc, char **argv) {
    begin();
    if (argc > 2) {
        test_data(atol(argv[2]));
    } else {
        test_handler();
    }
    return 0;
}
