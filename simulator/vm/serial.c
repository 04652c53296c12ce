// One UART's hardware: a thread that moves bytes between a pty and two ring buffers, no
// faster than the baud rate, whatever the interpreter is doing.
//
// Received bytes go through the chip's 128-byte FIFO to the driver's ring buffer. When
// both are full the next byte overruns, and ESP-IDF's driver then empties the FIFO: 129
// bytes are lost at once.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <asm/termbits.h>

#include "sim.h"

#define FIFO_SIZE (128)
// What a task that does nothing but read can still hold: it never lets the UART overrun,
// however busy the host is.
#define READER_SIZE (65536)
// How many bytes the line may be ahead after a pause: the far side paces them as well.
#define RX_BURST (16)
// At most this many bytes are moved in one go, and about a millisecond's worth.
#define CHUNK_MAX (64)
#define CHUNK_REAL_NS (1000000)
// Real time after which a far side that does not read is taken for unplugged.
#define STALL_MS (1000)
// How often, and with what real time in between, what nobody listened to is looked for.
#define FLUSH_TRIES (200)
#define FLUSH_US (100)

typedef struct _ring_t {
    uint8_t *data;
    size_t size;
    size_t start;
    size_t len;
} ring_t;

struct _sim_serial_t {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t progress; // bytes were sent
    int fd; // -1: nothing is wired
    sim_waiter_t *waiter; // the thread's
    bool closing;
    bool gone; // the far side closed its end
    sim_serial_event_t event;
    void *arg;

    uint64_t byte_ns;
    size_t rxbuf;
    bool reader; // a task takes all input
    ring_t rx; // the driver's ring buffer, then the FIFO
    ring_t tx;
    uint64_t rx_clock_ns; // when the line is free for the next byte
    uint64_t tx_clock_ns; // when the byte going out began
    uint64_t last_rx_ns;
    uint64_t idle_ns;
    bool idle_armed;
    uint64_t overruns;
};

volatile bool sim_asleep;

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

static void ring_init(ring_t *r, size_t size) {
    r->data = malloc(size);
    r->size = size;
    r->start = 0;
    r->len = 0;
}

static size_t ring_put(ring_t *r, const uint8_t *buf, size_t size) {
    size = min_size(size, r->size - r->len);
    for (size_t i = 0; i < size; ++i) {
        r->data[(r->start + r->len + i) % r->size] = buf[i];
    }
    r->len += size;
    return size;
}

static size_t ring_peek(ring_t *r, uint8_t *buf, size_t size) {
    size = min_size(size, r->len);
    for (size_t i = 0; i < size; ++i) {
        buf[i] = r->data[(r->start + i) % r->size];
    }
    return size;
}

static void ring_drop(ring_t *r, size_t size) {
    r->start = (r->start + size) % r->size;
    r->len -= size;
}

static void rx_byte(sim_serial_t *s, uint8_t byte) {
    size_t room = s->rxbuf + FIFO_SIZE + (s->reader ? READER_SIZE : 0);
    if (s->rx.len < room) {
        ring_put(&s->rx, &byte, 1);
    } else {
        s->rx.len -= FIFO_SIZE;
        s->overruns += FIFO_SIZE + 1;
    }
}

static void wake_thread(sim_serial_t *s) {
    sim_waiter_wake(s->waiter);
}

static size_t chunk_size(sim_serial_t *s) {
    double n = CHUNK_REAL_NS * sim_speed() / (double)s->byte_ns;
    return n < 1 ? 1 : n > CHUNK_MAX ? CHUNK_MAX : (size_t)n;
}

static void line_write(sim_serial_t *s, const uint8_t *buf, size_t size) {
    while (size > 0 && s->fd >= 0 && !s->gone) {
        ssize_t n = write(s->fd, buf, size);
        if (n > 0) {
            sim_clock_written((size_t)n);
            buf += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = { .fd = s->fd, .events = POLLOUT };
            if (poll(&fd, 1, STALL_MS) == 0) {
                return;
            }
        } else if (n >= 0 || errno != EINTR) {
            s->gone = true;
        }
    }
}

// Sends what is due. Returns when the next chunk is. With the lock held.
static uint64_t tx_run(sim_serial_t *s, uint64_t now) {
    uint8_t buf[CHUNK_MAX];
    while (s->tx.len > 0) {
        size_t due = (size_t)((now - s->tx_clock_ns) / s->byte_ns);
        size_t n = min_size(s->tx.len, chunk_size(s));
        if (due < n) {
            return s->tx_clock_ns + n * s->byte_ns;
        }
        n = min_size(min_size(due, s->tx.len), CHUNK_MAX);
        ring_peek(&s->tx, buf, n);
        s->tx_clock_ns += n * s->byte_ns;
        pthread_mutex_unlock(&s->lock);
        line_write(s, buf, n);
        pthread_mutex_lock(&s->lock);
        ring_drop(&s->tx, n); // sent is what is on the line
        pthread_cond_broadcast(&s->progress);
    }
    return SIM_FOREVER;
}

// Takes what the line can have carried by now. Returns when to look again, or
// SIM_FOREVER to wait for data. With the lock held.
static uint64_t rx_run(sim_serial_t *s, uint64_t now, bool *received) {
    uint8_t buf[CHUNK_MAX];
    for (;;) {
        if (s->fd < 0 || s->gone) {
            return SIM_FOREVER;
        }
        size_t n = now < s->rx_clock_ns ? 0 : (size_t)((now - s->rx_clock_ns) / s->byte_ns);
        if (n == 0) {
            return s->rx_clock_ns + chunk_size(s) * s->byte_ns;
        }
        ssize_t got = read(s->fd, buf, min_size(n, sizeof(buf)));
        if (got <= 0) {
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                s->gone = true;
            }
            // The line is idle: it cannot catch up later for that.
            if (now - s->rx_clock_ns > RX_BURST * s->byte_ns) {
                s->rx_clock_ns = now - RX_BURST * s->byte_ns;
            }
            return SIM_FOREVER;
        }
        sim_clock_received((size_t)got);
        s->rx_clock_ns += (uint64_t)got * s->byte_ns;
        if (!sim_asleep) {
            for (ssize_t i = 0; i < got; ++i) {
                rx_byte(s, buf[i]);
            }
            s->last_rx_ns = now;
            s->idle_armed = s->idle_ns > 0;
            *received = true;
        }
    }
}

static void *serial_main(void *arg) {
    sim_serial_t *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        uint64_t now = sim_now_ns();
        bool received = false, idle = false;
        uint64_t rx_next = rx_run(s, now, &received);
        uint64_t next = tx_run(s, now);
        bool hear = rx_next == SIM_FOREVER && s->fd >= 0 && !s->gone;
        if (rx_next < next) {
            next = rx_next;
        }
        if (s->idle_armed) {
            if (now - s->last_rx_ns >= s->idle_ns) {
                s->idle_armed = false;
                idle = true;
            } else if (s->last_rx_ns + s->idle_ns < next) {
                next = s->last_rx_ns + s->idle_ns;
            }
        }
        pthread_mutex_unlock(&s->lock);
        if (received) {
            s->event(s->arg, false);
        }
        if (idle) {
            s->event(s->arg, true);
        }

        if (s->fd >= 0) {
            sim_clock_listening(hear);
        }
        bool heard = sim_waiter_wait(s->waiter, hear ? s->fd : -1, next);
        pthread_mutex_lock(&s->lock);
        if (heard) {
            // After a pause the first byte comes now, not a chunk later.
            now = sim_now_ns();
            if (now - s->rx_clock_ns > RX_BURST * s->byte_ns) {
                s->rx_clock_ns = now - RX_BURST * s->byte_ns;
            }
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void line_set_format(int fd, const sim_serial_format_t *format) {
    static const struct {
        uint32_t baud;
        tcflag_t flag;
    } rates[] = {
        { 1200, B1200 }, { 2400, B2400 }, { 4800, B4800 }, { 9600, B9600 }, { 19200, B19200 },
        { 38400, B38400 }, { 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
        { 460800, B460800 }, { 921600, B921600 },
    };
    static const tcflag_t sizes[] = { CS5, CS6, CS7, CS8 };
    struct termios2 t;
    if (ioctl(fd, TCGETS2, &t) != 0) {
        return;
    }
    t.c_iflag = 0;
    t.c_oflag = 0;
    t.c_lflag = 0;
    t.c_cflag = CREAD | CLOCAL | sizes[format->bits - 5] | BOTHER;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); ++i) {
        if (rates[i].baud == format->baud) {
            t.c_cflag = (t.c_cflag & ~(tcflag_t)CBAUD) | rates[i].flag;
        }
    }
    if (format->stop == 2) {
        t.c_cflag |= CSTOPB;
    }
    if (format->parity != 0) {
        t.c_cflag |= PARENB | (format->parity == 1 ? PARODD : 0);
    }
    t.c_ispeed = format->baud;
    t.c_ospeed = format->baud;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    ioctl(fd, TCSETS2, &t);
}

void sim_serial_set_format(sim_serial_t *s, const sim_serial_format_t *format) {
    uint64_t bits = 1u + format->bits + (format->parity != 0) + format->stop;
    pthread_mutex_lock(&s->lock);
    s->byte_ns = bits * 1000000000u / format->baud;
    s->rx_clock_ns = sim_now_ns();
    if (s->fd >= 0) {
        line_set_format(s->fd, format);
    }
    pthread_mutex_unlock(&s->lock);
}

sim_serial_t *sim_serial_open(const char *path, const sim_serial_format_t *format,
    size_t rxbuf, size_t txbuf, sim_serial_event_t event, void *arg) {
    int fd = -1;
    if (path != NULL) {
        fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        // Before there was a UART nobody listened. What is on its way takes the kernel a moment.
        uint8_t unheard[CHUNK_MAX];
        for (int tries = 0; tries < FLUSH_TRIES; ++tries) {
            for (ssize_t n; (n = read(fd, unheard, sizeof(unheard))) > 0;) {
                sim_clock_received((size_t)n);
            }
            if (!sim_clock_on_its_way()) {
                break;
            }
            usleep(FLUSH_US);
        }
    }
    sim_serial_t *s = calloc(1, sizeof(*s));
    s->fd = fd;
    s->waiter = sim_waiter_new();
    s->event = event;
    s->arg = arg;
    s->rxbuf = rxbuf;
    ring_init(&s->rx, rxbuf + FIFO_SIZE + READER_SIZE);
    ring_init(&s->tx, txbuf + FIFO_SIZE);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->progress, &attr);
    pthread_condattr_destroy(&attr);
    sim_serial_set_format(s, format);

    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_create(&s->thread, NULL, serial_main, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s;
}

void sim_serial_close(sim_serial_t *s) {
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_mutex_unlock(&s->lock);
    wake_thread(s);
    pthread_join(s->thread, NULL);
    if (s->fd >= 0) {
        sim_clock_listening(false);
        close(s->fd);
    }
    sim_waiter_free(s->waiter);
    pthread_cond_destroy(&s->progress);
    pthread_mutex_destroy(&s->lock);
    free(s->rx.data);
    free(s->tx.data);
    free(s);
}

void sim_serial_set_idle(sim_serial_t *s, uint64_t idle_ns) {
    pthread_mutex_lock(&s->lock);
    s->idle_ns = idle_ns;
    // Bytes that already wait count as just received.
    s->idle_armed = idle_ns > 0 && s->rx.len > 0;
    s->last_rx_ns = sim_now_ns();
    pthread_mutex_unlock(&s->lock);
    wake_thread(s);
}

void sim_serial_set_reader(sim_serial_t *s, bool reader) {
    pthread_mutex_lock(&s->lock);
    s->reader = reader;
    pthread_mutex_unlock(&s->lock);
}

size_t sim_serial_any(sim_serial_t *s) {
    pthread_mutex_lock(&s->lock);
    size_t len = s->rx.len;
    pthread_mutex_unlock(&s->lock);
    return len;
}

size_t sim_serial_read(sim_serial_t *s, uint8_t *buf, size_t size) {
    pthread_mutex_lock(&s->lock);
    size = ring_peek(&s->rx, buf, size);
    ring_drop(&s->rx, size);
    pthread_mutex_unlock(&s->lock);
    return size;
}

void sim_serial_flush_input(sim_serial_t *s) {
    pthread_mutex_lock(&s->lock);
    s->rx.len = 0;
    s->idle_armed = false;
    pthread_mutex_unlock(&s->lock);
}

void sim_serial_write(sim_serial_t *s, const uint8_t *buf, size_t size) {
    pthread_mutex_lock(&s->lock);
    while (size > 0) {
        if (s->tx.len == 0) {
            s->tx_clock_ns = sim_now_ns();
            wake_thread(s);
        }
        size_t n = ring_put(&s->tx, buf, size);
        buf += n;
        size -= n;
        if (size > 0) {
            pthread_cond_wait(&s->progress, &s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
}

bool sim_serial_txdone(sim_serial_t *s) {
    pthread_mutex_lock(&s->lock);
    bool done = s->tx.len == 0;
    pthread_mutex_unlock(&s->lock);
    return done;
}

bool sim_serial_wait_txdone(sim_serial_t *s, uint64_t timeout_us) {
    // A busy host is no reason to give up.
    uint64_t until = sim_to_real_ns(sim_now_ns() + timeout_us * 1000) + STALL_MS * 1000000u;
    struct timespec ts = { .tv_sec = (time_t)(until / 1000000000u), .tv_nsec = (long)(until % 1000000000u) };
    pthread_mutex_lock(&s->lock);
    int err = 0;
    while (s->tx.len > 0 && err == 0) {
        err = pthread_cond_timedwait(&s->progress, &s->lock, &ts);
    }
    bool done = s->tx.len == 0;
    pthread_mutex_unlock(&s->lock);
    return done;
}

uint64_t sim_serial_overruns(sim_serial_t *s) {
    pthread_mutex_lock(&s->lock);
    uint64_t overruns = s->overruns;
    pthread_mutex_unlock(&s->lock);
    return overruns;
}
