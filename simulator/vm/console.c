// The serial console as the chip has it: boot.py, main.py, then the REPL, friendly or raw, for mpremote and its
// like. All of it is MicroPython's own; here are the UART's interrupt for Ctrl-C and what the ESP32's main.c does.
//
//   micropython -c "import _console; _console.run()"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"
#include "sim.h"

#define RING_SIZE (4096) // a power of two; one byte of it stays free
#define STUCK_MS (1000) // real ones, after which output that nobody reads is lost, as on a serial line

static bool active;
static int interrupt_char = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t room = PTHREAD_COND_INITIALIZER;
static uint8_t ring[RING_SIZE];
static size_t ring_in, ring_out;

// In place of mp_hal_set_interrupt_char() for the REPL: there is no terminal to make a signal of it.
void sim_console_interrupt_char(char c) {
    pthread_mutex_lock(&lock);
    interrupt_char = (signed char)c;
    pthread_mutex_unlock(&lock);
}

static void *reader(void *arg) {
    (void)arg;
    for (;;) {
        uint8_t bytes[256];
        struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
        poll(&ready, 1, -1);
        ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (count < 0 && errno == EAGAIN) {
            continue;
        }
        if (count <= 0) {
            _exit(0); // the line is gone, and who started us
        }
        pthread_mutex_lock(&lock);
        for (ssize_t i = 0; i < count; ++i) {
            if (bytes[i] == interrupt_char) {
                sim_keyboard_interrupt();
                continue;
            }
            while (((ring_in + 1) & (RING_SIZE - 1)) == ring_out) {
                pthread_cond_wait(&room, &lock);
            }
            ring[ring_in] = bytes[i];
            ring_in = (ring_in + 1) & (RING_SIZE - 1);
        }
        pthread_mutex_unlock(&lock);
        sim_wake();
    }
}

bool sim_console_active(void) {
    return active;
}

bool sim_console_any(void) {
    pthread_mutex_lock(&lock);
    bool any = ring_in != ring_out;
    pthread_mutex_unlock(&lock);
    return any;
}

// There must be one.
uint8_t sim_console_get(void) {
    pthread_mutex_lock(&lock);
    uint8_t byte = ring[ring_out];
    ring_out = (ring_out + 1) & (RING_SIZE - 1);
    pthread_cond_signal(&room);
    pthread_mutex_unlock(&lock);
    return byte;
}

static void write_all(int fd, const char *bytes, size_t count) {
    static bool stuck;
    while (count) {
        struct pollfd ready = { .fd = fd, .events = POLLOUT };
        ssize_t done = poll(&ready, 1, stuck ? 0 : STUCK_MS) > 0 ? write(fd, bytes, count) : -1;
        stuck = done <= 0;
        if (stuck) {
            return;
        }
        bytes += done;
        count -= (size_t)done;
    }
}

// In place of write(): in what is printed the REPL's line ends are there already, those of print() are not.
ssize_t sim_stdout_write(int fd, const void *buf, size_t count) {
    if (!active || (fd != STDOUT_FILENO && fd != STDERR_FILENO)) {
        return write(fd, buf, count);
    }
    static char last;
    const char *bytes = buf;
    size_t begin = 0;
    for (size_t i = 0; i < count; last = bytes[i++]) {
        if (bytes[i] == '\n' && last != '\r') {
            write_all(fd, bytes + begin, i - begin);
            write_all(fd, "\r", 1);
            begin = i;
        }
    }
    write_all(fd, bytes + begin, count - begin);
    return (ssize_t)count;
}

static bool ended(const char *file) {
    return pyexec_file_if_exists(file) & PYEXEC_FORCED_EXIT;
}

static mp_obj_t console_run(void) {
    fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    pthread_create(&thread, NULL, reader, NULL);
    pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    active = true;

    if (getenv("SIM_CONSOLE_RAW") != NULL) {
        pyexec_mode_kind = PYEXEC_MODE_RAW_REPL;
        unsetenv("SIM_CONSOLE_RAW");
    }
    bool friendly = pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL;
    if (!ended("boot.py") && !(friendly && ended("main.py"))) {
        while (!((pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl()))) {
        }
    }
    mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
    if (pyexec_mode_kind == PYEXEC_MODE_RAW_REPL) {
        setenv("SIM_CONSOLE_RAW", "1", 1);
    }
    return mp_call_function_0(MP_OBJ_FROM_PTR(&sim_soft_reset_obj));
}
static MP_DEFINE_CONST_FUN_OBJ_0(console_run_obj, console_run);

static const mp_rom_map_elem_t console_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__console) },
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&console_run_obj) },
};
static MP_DEFINE_CONST_DICT(console_module_globals, console_module_globals_table);

const mp_obj_module_t console_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&console_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR__console, console_module);
