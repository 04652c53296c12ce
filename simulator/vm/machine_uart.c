// This file is never compiled standalone, it's included directly from
// extmod/machine_uart.c via MICROPY_PY_MACHINE_UART_INCLUDEFILE.

// machine.UART as on the ESP32: its options, defaults and order of doing things.

#include <errno.h>
#include <stdio.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "sim.h"

#define UARTS (3)
#define PIN_NONE (-1)

#define UART_INV_RX (1 << 2)
#define UART_INV_TX (1 << 5)
#define UART_INV_RTS (1 << 6)
#define UART_INV_CTS (1 << 3)
#define UART_INV_MASK (UART_INV_TX | UART_INV_RX | UART_INV_RTS | UART_INV_CTS)
#define UART_FLOW_RTS (1)
#define UART_FLOW_CTS (2)
#define UART_IRQ_RX (1 << 0)
#define UART_IRQ_BREAK (1 << 1)
#define UART_IRQ_RXIDLE (0x1000)
#define UART_IRQ_ALLOWED (UART_IRQ_RX | UART_IRQ_RXIDLE | UART_IRQ_BREAK)
#define RXIDLE_MIN_NS (500000)

typedef struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    uint8_t flow;
    sim_serial_format_t format;
    int8_t tx;
    int8_t rx;
    int8_t rts;
    int8_t cts;
    uint16_t txbuf;
    uint16_t rxbuf;
    uint16_t timeout; // waiting for the first byte, ms
    uint16_t timeout_char; // waiting between bytes, ms
    uint32_t invert;
    uint16_t mp_irq_trigger;
    volatile uint16_t mp_irq_flags;
    mp_irq_obj_t *mp_irq_obj;
    mp_obj_t reader; // takes all input, without the scheduler
    sim_serial_t *serial; // NULL when deinitialised
} machine_uart_obj_t;

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_INV_TX), MP_ROM_INT(UART_INV_TX) }, \
    { MP_ROM_QSTR(MP_QSTR_INV_RX), MP_ROM_INT(UART_INV_RX) }, \
    { MP_ROM_QSTR(MP_QSTR_INV_RTS), MP_ROM_INT(UART_INV_RTS) }, \
    { MP_ROM_QSTR(MP_QSTR_INV_CTS), MP_ROM_INT(UART_INV_CTS) }, \
    { MP_ROM_QSTR(MP_QSTR_RTS), MP_ROM_INT(UART_FLOW_RTS) }, \
    { MP_ROM_QSTR(MP_QSTR_CTS), MP_ROM_INT(UART_FLOW_CTS) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RX), MP_ROM_INT(UART_IRQ_RX) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RXIDLE), MP_ROM_INT(UART_IRQ_RXIDLE) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_BREAK), MP_ROM_INT(UART_IRQ_BREAK) }, \

static const char *const parity_name[] = { "None", "1", "0" };

// On the serial thread.
static void uart_event(void *arg, bool idle) {
    machine_uart_obj_t *self = arg;
    uint16_t flag = idle ? UART_IRQ_RXIDLE : UART_IRQ_RX;
    if (self->mp_irq_trigger & flag) {
        self->mp_irq_flags = flag;
        mp_irq_handler(self->mp_irq_obj);
    }
    sim_wake();
}

// Silence that means idle: two bytes' time, as machine.UART of the ESP32 has it.
static uint64_t uart_idle_ns(machine_uart_obj_t *self) {
    uint64_t ns = 20ull * 1000000000 / self->format.baud;
    return self->mp_irq_trigger & UART_IRQ_RXIDLE ? (ns < RXIDLE_MIN_NS ? RXIDLE_MIN_NS : ns) : 0;
}

static sim_serial_t *uart_serial(machine_uart_obj_t *self) {
    if (self->serial == NULL) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("UART is not initialised"));
    }
    return self->serial;
}

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(%u, baudrate=%u, bits=%u, parity=%s, stop=%u, tx=%d, rx=%d, rts=%d, cts=%d, "
        "txbuf=%u, rxbuf=%u, timeout=%u, timeout_char=%u, irq=%d, overruns=%u)",
        self->id, (unsigned)self->format.baud, self->format.bits, parity_name[self->format.parity],
        self->format.stop, self->tx, self->rx, self->rts, self->cts, self->txbuf, self->rxbuf,
        self->timeout, self->timeout_char, self->mp_irq_trigger,
        self->serial == NULL ? 0 : (unsigned)sim_serial_overruns(self->serial));
}

static void uart_open(machine_uart_obj_t *self) {
    char path[256] = "-";
    if (sim_bus_connected()) {
        char request[48];
        snprintf(request, sizeof(request), "uart %u %d %d", self->id, self->tx, self->rx);
        sim_bus_request_raise(request, path, sizeof(path), -1);
    }
    bool wired = strcmp(path, "-") != 0;
    self->serial = sim_serial_open(wired ? path : NULL, &self->format, self->rxbuf, self->txbuf, uart_event, self);
    if (self->serial == NULL) {
        mp_raise_OSError(errno);
    }
    sim_serial_set_idle(self->serial, uart_idle_ns(self));
    sim_serial_set_reader(self->serial, self->reader != mp_const_none);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_tx, ARG_rx, ARG_rts, ARG_cts,
           ARG_txbuf, ARG_rxbuf, ARG_timeout, ARG_timeout_char, ARG_invert, ARG_flow };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_baudrate, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_bits, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_parity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_stop, MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_tx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_rx, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_rts, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_cts, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_txbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_rxbuf, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_invert, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
        { MP_QSTR_flow, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = -1} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    bool reopen = self->serial == NULL;
    if (self->serial == NULL) {
        self->format = (sim_serial_format_t) { .baud = 115200, .bits = 8, .parity = 0, .stop = 1 };
        self->rts = PIN_NONE;
        self->cts = PIN_NONE;
        self->txbuf = 256;
        self->rxbuf = 256;
        self->timeout = 0;
        self->timeout_char = 0;
        self->invert = 0;
        self->flow = 0;
        // The chip's defaults with PSRAM.
        self->rx = self->id == 1 ? 4 : 16;
        self->tx = self->id == 1 ? 5 : 17;
    } else {
        // What is still to be sent goes at the old rate.
        sim_serial_wait_txdone(self->serial, 1000000);
    }

    sim_serial_format_t format = self->format;
    if (args[ARG_baudrate].u_int > 0) {
        if (args[ARG_baudrate].u_int > 5000000) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid baudrate"));
        }
        format.baud = (uint32_t)args[ARG_baudrate].u_int;
    }
    if (args[ARG_bits].u_int != 0) {
        if (args[ARG_bits].u_int < 5 || args[ARG_bits].u_int > 8) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid data bits"));
        }
        format.bits = (uint8_t)args[ARG_bits].u_int;
    }
    if (args[ARG_parity].u_obj != MP_OBJ_NULL) {
        format.parity = args[ARG_parity].u_obj == mp_const_none ? 0
            : mp_obj_get_int(args[ARG_parity].u_obj) & 1 ? 1 : 2;
    }
    if (args[ARG_stop].u_int != 0) {
        if (args[ARG_stop].u_int > 2 || args[ARG_stop].u_int < 1) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid stop bits"));
        }
        format.stop = (uint8_t)args[ARG_stop].u_int;
    }
    static const uint8_t pin_args[] = { ARG_tx, ARG_rx, ARG_rts, ARG_cts };
    int8_t *const pin_fields[] = { &self->tx, &self->rx, &self->rts, &self->cts };
    for (size_t i = 0; i < MP_ARRAY_SIZE(pin_args); ++i) {
        if (args[pin_args[i]].u_obj != MP_OBJ_NULL) {
            int8_t pin = (int8_t)mp_hal_get_pin_obj(args[pin_args[i]].u_obj);
            reopen |= i < 2 && *pin_fields[i] != pin;
            *pin_fields[i] = pin;
        }
    }
    uint16_t *const size_fields[] = { &self->txbuf, &self->rxbuf };
    for (size_t i = 0; i < 2; ++i) {
        mp_int_t size = args[ARG_txbuf + i].u_int;
        if (size >= 0) {
            // ESP-IDF wants more than a FIFO's worth to receive, and any or no to send.
            if (size > 0xffff || (i == 1 && size <= 128)) {
                mp_raise_OSError(MP_EINVAL);
            }
            reopen |= *size_fields[i] != size;
            *size_fields[i] = (uint16_t)size;
        }
    }
    if (args[ARG_timeout].u_int != -1) {
        self->timeout = (uint16_t)args[ARG_timeout].u_int;
    }
    if (args[ARG_timeout_char].u_int != -1) {
        self->timeout_char = (uint16_t)args[ARG_timeout_char].u_int;
    }
    if (args[ARG_invert].u_int != -1) {
        if (args[ARG_invert].u_int & ~UART_INV_MASK) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid inversion mask"));
        }
        self->invert = (uint32_t)args[ARG_invert].u_int;
    }
    if (args[ARG_flow].u_int != -1) {
        if (args[ARG_flow].u_int & ~(UART_FLOW_RTS | UART_FLOW_CTS)) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid flow control mask"));
        }
        self->flow = (uint8_t)args[ARG_flow].u_int;
    }

    self->format = format;
    if (reopen) {
        mp_machine_uart_deinit(self);
        uart_open(self);
    } else {
        sim_serial_set_format(self->serial, &self->format);
        sim_serial_set_idle(self->serial, uart_idle_ns(self));
        sim_serial_flush_input(self->serial);
    }
}

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= UARTS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("UART(%d) does not exist"), (int)id);
    }
    if (id == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART(0) is the console"));
    }

    // The same port is the same object.
    machine_uart_obj_t *self = MP_STATE_PORT(machine_uart_objs)[id];
    if (self == NULL) {
        self = mp_obj_malloc(machine_uart_obj_t, type);
        self->id = (uint8_t)id;
        self->mp_irq_trigger = 0;
        self->mp_irq_flags = 0;
        self->mp_irq_obj = NULL;
        self->reader = mp_const_none;
        self->serial = NULL;
    }
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    MP_STATE_PORT(machine_uart_objs)[id] = self;
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    if (self->serial != NULL) {
        sim_serial_close(self->serial);
        self->serial = NULL;
    }
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return (mp_int_t)sim_serial_any(uart_serial(self));
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return sim_serial_txdone(uart_serial(self));
}

static void mp_machine_uart_sendbreak(machine_uart_obj_t *self) {
    // A pty has no break to show; only the time passes.
    sim_serial_wait_txdone(uart_serial(self), 1000000);
    mp_hal_delay_us(13000000 / self->format.baud);
}

static mp_uint_t uart_irq_trigger(mp_obj_t self_in, mp_uint_t new_trigger) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->mp_irq_trigger = (uint16_t)new_trigger;
    if (self->serial != NULL) {
        sim_serial_set_idle(self->serial, uart_idle_ns(self));
    }
    return 0;
}

static mp_uint_t uart_irq_info(mp_obj_t self_in, mp_uint_t info_type) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (info_type == MP_IRQ_INFO_FLAGS) {
        return self->mp_irq_flags;
    } else if (info_type == MP_IRQ_INFO_TRIGGERS) {
        return self->mp_irq_trigger;
    }
    return 0;
}

static const mp_irq_methods_t uart_irq_methods = {
    .trigger = uart_irq_trigger,
    .info = uart_irq_info,
};

static mp_irq_obj_t *mp_machine_uart_irq(machine_uart_obj_t *self, bool any_args, mp_arg_val_t *args) {
    if (self->mp_irq_obj == NULL) {
        self->mp_irq_trigger = 0;
        self->mp_irq_obj = mp_irq_new(&uart_irq_methods, MP_OBJ_FROM_PTR(self));
    }
    if (any_args) {
        mp_obj_t handler = args[MP_IRQ_ARG_INIT_handler].u_obj;
        if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
            mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
        }
        mp_uint_t trigger = (mp_uint_t)args[MP_IRQ_ARG_INIT_trigger].u_int;
        if (trigger & ~(mp_uint_t)UART_IRQ_ALLOWED) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("trigger 0x%04x unsupported"),
                (unsigned)(trigger & ~(mp_uint_t)UART_IRQ_ALLOWED));
        }
        if (args[MP_IRQ_ARG_INIT_hard].u_bool) {
            mp_raise_ValueError(MP_ERROR_TEXT("hard IRQ is not supported"));
        }
        self->mp_irq_obj->ishard = false;
        self->mp_irq_trigger = 0;
        self->mp_irq_obj->handler = handler;
        uart_irq_trigger(MP_OBJ_FROM_PTR(self), handler == mp_const_none ? 0 : trigger);
    }
    return self->mp_irq_obj;
}

// As on the chip, a wait for bytes is a wait: the scheduler does not run. Only Ctrl-C
// ends it early, and is raised afterwards.
static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf_in, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    sim_serial_t *serial = uart_serial(self);
    uint8_t *buf = buf_in;
    size_t got = sim_serial_read(serial, buf, size);
    if (got < size && self->timeout + self->timeout_char > 0) {
        uint64_t now = sim_now_us();
        uint64_t until = now + 1000u * (got > 0 ? self->timeout_char : self->timeout);
        while (got < size && now < until && !sim_interrupted()) {
            sim_background();
            sim_wait_until(until);
            if (self->serial != serial) {
                break; // another thread closed it
            }
            size_t n = sim_serial_read(serial, buf + got, size - got);
            now = sim_now_us();
            if (n > 0 && got == 0) {
                until = now + 1000u * self->timeout_char;
            }
            got += n;
        }
    }
    if (got == 0 && size > 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return got;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf_in, mp_uint_t size, int *errcode) {
    (void)errcode;
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    sim_serial_write(uart_serial(self), buf_in, size);
    return size;
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        mp_uint_t ret = arg & MP_STREAM_POLL_WR;
        if ((arg & MP_STREAM_POLL_RD) && sim_serial_any(uart_serial(self)) > 0) {
            ret |= MP_STREAM_POLL_RD;
        }
        return ret;
    } else if (request == MP_STREAM_FLUSH) {
        // The longest it can take, twice.
        uint64_t timeout_us = (3 + 128 + (uint64_t)self->txbuf) * 13000000 * 2 / self->format.baud;
        if (sim_serial_wait_txdone(uart_serial(self), timeout_us)) {
            return 0;
        }
        *errcode = MP_ETIMEDOUT;
        return MP_STREAM_ERROR;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

/******************************************************************************/
// For ppp.c.

bool sim_uart_is(void *obj) {
    return mp_obj_is_type(obj, &machine_uart_type);
}

bool sim_uart_set_reader(void *uart, void *reader) {
    if (!mp_obj_is_type(uart, &machine_uart_type)) {
        return false;
    }
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(uart);
    self->reader = reader;
    if (self->serial != NULL) {
        sim_serial_set_reader(self->serial, reader != mp_const_none);
    }
    return true;
}

size_t sim_uart_read_now(void *uart, uint8_t *buf, size_t size) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(uart);
    return self->serial == NULL ? 0 : sim_serial_read(self->serial, buf, size);
}

bool sim_uart_write_now(void *uart, const uint8_t *buf, size_t size) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(uart);
    if (self->serial == NULL) {
        return false;
    }
    sim_serial_write(self->serial, buf, size);
    return true;
}

bool sim_uart_native_poll(void) {
    bool worked = false;
    for (int i = 0; i < UARTS; ++i) {
        machine_uart_obj_t *self = MP_STATE_PORT(machine_uart_objs)[i];
        if (self != NULL && self->reader != mp_const_none && self->serial != NULL && sim_serial_any(self->serial) > 0) {
            mp_call_function_0(self->reader);
            worked = true;
        }
    }
    return worked;
}

// A script's end does not stop the hardware: what it has written still goes out.
void sim_uarts_drain(void) {
    for (int i = 0; i < UARTS; ++i) {
        machine_uart_obj_t *self = MP_STATE_PORT(machine_uart_objs)[i];
        if (self != NULL && self->serial != NULL) {
            sim_serial_wait_txdone(self->serial, 1000000);
        }
    }
}

MP_REGISTER_ROOT_POINTER(struct _machine_uart_obj_t *machine_uart_objs[3]);
