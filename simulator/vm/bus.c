// The board bus: lines on a unix stream socket, see the contract in simulator/board.
//
// A thread of its own reads: answers go to whoever asks, events to the pins.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "py/runtime.h"
#include "py/mperrno.h"
#include "sim.h"

// Real time: a board that takes longer is not there any more.
#define ANSWER_TIMEOUT_S (10)
#define LINE_MAX_LEN (4608)

static int bus_fd = -1;
static pthread_mutex_t request_lock = PTHREAD_MUTEX_INITIALIZER; // one request at a time
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // for what is below
static pthread_cond_t answered;
static bool waiting;
static bool closed;
static char answer_line[LINE_MAX_LEN];
static int answer_pin;
static int levels[SIM_PINS];

bool sim_bus_connected(void) {
    return bus_fd >= 0;
}

int sim_bus_level(unsigned int pin) {
    return levels[pin];
}

static void line_received(const char *line) {
    unsigned int pin;
    int level;
    if (sscanf(line, "!pin %u %d", &pin, &level) == 2) {
        if (pin < SIM_PINS && levels[pin] != level) {
            levels[pin] = level;
            sim_pin_changed(pin, level);
        }
    } else if (strcmp(line, "!off") == 0) {
        fprintf(stderr, "The board has lost its supply: the simulated chip is off.\n");
        fflush(NULL);
        _exit(SIM_EXIT_OFF);
    } else if (line[0] != '!') {
        pthread_mutex_lock(&lock);
        if (waiting) {
            snprintf(answer_line, sizeof(answer_line), "%s", line);
            if (answer_pin >= 0 && sscanf(line, "ok %d", &level) == 1) {
                levels[answer_pin] = level;
            }
            waiting = false;
            pthread_cond_signal(&answered);
        }
        pthread_mutex_unlock(&lock);
    }
}

static void *reader_main(void *arg) {
    static char buf[LINE_MAX_LEN];
    size_t len = 0;
    for (;;) {
        ssize_t n = read(bus_fd, buf + len, sizeof(buf) - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            break;
        }
        len += (size_t)n;
        char *start = buf, *end;
        while ((end = memchr(start, '\n', len - (size_t)(start - buf))) != NULL) {
            *end = '\0';
            line_received(start);
            start = end + 1;
        }
        len -= (size_t)(start - buf);
        memmove(buf, start, len);
        if (len == sizeof(buf)) {
            break; // no such line exists
        }
    }
    pthread_mutex_lock(&lock);
    closed = true;
    waiting = false;
    pthread_cond_signal(&answered);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void bus_fail(const char *path, const char *why) {
    fprintf(stderr, "No board answers at SIM_BOARD=%s (%s): start the simulator first, "
        "or unset SIM_BOARD to run without hardware.\n", path, why);
    exit(1);
}

void sim_bus_init(void) {
    const char *path = getenv("SIM_BOARD");
    if (path == NULL || *path == '\0') {
        return;
    }
    const char *inherited = getenv("SIM_BUS_FD");
    if (inherited != NULL) {
        bus_fd = atoi(inherited);
        fcntl(bus_fd, F_SETFD, FD_CLOEXEC);
        unsetenv("SIM_BUS_FD");
    } else {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        if (strlen(path) >= sizeof(address.sun_path)) {
            bus_fail(path, "the path is too long for a socket");
        }
        strcpy(address.sun_path, path);
        bus_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bus_fd < 0 || connect(bus_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
            bus_fail(path, strerror(errno));
        }
    }

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&answered, &attr);

    // Signals are for the interpreter's threads.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    pthread_create(&thread, NULL, reader_main, NULL);
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);

    char answer[64];
    if (!sim_bus_request("hello", answer, sizeof(answer), -1)) {
        bus_fail(path, answer);
    }
}

bool sim_bus_request(const char *request, char *answer, size_t size, int level_pin) {
    bool ok = false;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ANSWER_TIMEOUT_S;

    pthread_mutex_lock(&request_lock);
    pthread_mutex_lock(&lock);
    waiting = !closed;
    answer_pin = level_pin;
    answer_line[0] = '\0';
    pthread_mutex_unlock(&lock);

    char line[LINE_MAX_LEN];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s\n", request);
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(bus_fd, line + sent, len - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
        } else if (errno != EINTR) {
            break;
        }
    }

    pthread_mutex_lock(&lock);
    int timed_out = 0;
    while (waiting && timed_out == 0) {
        timed_out = pthread_cond_timedwait(&answered, &lock, &until);
    }
    if (strncmp(answer_line, "ok", 2) == 0) {
        ok = true;
        snprintf(answer, size, "%s", answer_line[2] == ' ' ? answer_line + 3 : "");
    } else if (strncmp(answer_line, "error ", 6) == 0) {
        snprintf(answer, size, "%s", answer_line + 6);
    } else if (closed) {
        snprintf(answer, size, "the board has gone");
    } else {
        // A late answer must not be taken for the next one's.
        closed = true;
        snprintf(answer, size, "the board does not answer");
    }
    waiting = false;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&request_lock);
    return ok;
}

void sim_bus_request_raise(const char *request, char *answer, size_t size, int level_pin) {
    if (!sim_bus_request(request, answer, size, level_pin)) {
        mp_obj_t args[2] = {
            MP_OBJ_NEW_SMALL_INT(MP_EIO),
            mp_obj_new_str_from_cstr(answer),
        };
        nlr_raise(mp_obj_exception_make_new(&mp_type_OSError, 2, 0, args));
    }
}

int sim_bus_handover(void) {
    return closed ? -1 : bus_fd;
}
