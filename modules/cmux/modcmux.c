// The Python module cmux: a multiplexer on a machine.UART, and its channels as streams.
// See README.md for how they are used.

#include <string.h>

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "mux.h"
#include "native_stream.h"
#include "port.h"

#define IRQ_RXIDLE (0x1000) // as machine.UART's
#define RXBUF_DEFAULT (1024)
#define T1_DEFAULT_MS (300)
#define N2_DEFAULT (3)

typedef struct _channel_obj_t {
    mp_obj_base_t base;
    cmux_obj_t *mux;
    uint8_t dlci;
    volatile bool scheduled; // the handler is
    mp_obj_t handler;
    // Instead of Python.
    void (*input)(void *arg);
    void *arg;
} channel_obj_t;

struct _cmux_obj_t {
    mp_obj_base_t base;
    cmux_t mux;
    mp_obj_t uart;
    volatile bool lost; // the UART is
    bool attached;
    bool dropped; // by Python: the finaliser has run
    void *port;
    uint8_t *out; // of cmux_input()
    channel_obj_t *channels[CMUX_DLCIS]; // who has opened them
};

static const mp_obj_type_t channel_type;

static const uint8_t cld_frame[] = { 0xf9, 0x03, 0xef, 0x05, 0xc3, 0x01, 0xf2, 0xf9 };

void **cmux_port_data(cmux_obj_t *self) {
    return &self->port;
}

static void lock(cmux_obj_t *self) {
    cmux_port_lock(self, CMUX_LOCK_STATE);
}

static void unlock(cmux_obj_t *self) {
    cmux_port_unlock(self, CMUX_LOCK_STATE);
}

/******************************************************************************/
// On the port's task.

static mp_obj_t channel_run_handler(mp_obj_t self_in) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->scheduled = false;
    if (self->handler != mp_const_none) {
        mp_call_function_1(self->handler, self_in);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(channel_run_handler_obj, channel_run_handler);

static void channel_arrived(cmux_obj_t *mux, uint8_t dlci) {
    cmux_port_lock(mux, CMUX_LOCK_USER);
    channel_obj_t *self = mux->channels[dlci];
    if (self != NULL && self->input != NULL) {
        self->input(self->arg);
    } else if (self != NULL && self->handler != mp_const_none && !self->scheduled) {
        // Before, as the handler may have run on the other core when the call returns.
        self->scheduled = true;
        if (!mp_sched_schedule(MP_OBJ_FROM_PTR(&channel_run_handler_obj), MP_OBJ_FROM_PTR(self))) {
            self->scheduled = false;
        }
    }
    cmux_port_unlock(mux, CMUX_LOCK_USER);
}

void cmux_input(cmux_obj_t *self) {
    uint8_t buf[64], dlci;
    size_t len;
    do {
        lock(self);
        len = cmux_wants(&self->mux);
        unlock(self);
        if (len > 0) {
            len = cmux_port_read(self, buf, MIN(len, sizeof(buf)));
        }
        lock(self);
        cmux_feed(&self->mux, buf, len);
        size_t tick_len = cmux_tick(&self->mux, mp_hal_ticks_ms(), self->out);
        unlock(self);
        while (tick_len > 0) {
            cmux_port_write(self, self->out, tick_len);
            lock(self);
            tick_len = cmux_tick(&self->mux, mp_hal_ticks_ms(), self->out);
            unlock(self);
        }
        for (;;) {
            size_t out_len;
            lock(self);
            bool more = cmux_step(&self->mux, self->out, &out_len, &dlci);
            unlock(self);
            if (!more) {
                break;
            }
            if (out_len > 0) {
                cmux_port_write(self, self->out, out_len);
            }
            if (dlci > 0) {
                channel_arrived(self, dlci);
            }
        }
    } while (len > 0);
}

void cmux_lost(cmux_obj_t *self) {
    lock(self);
    self->lost = true;
    cmux_end(&self->mux);
    unlock(self);
}

/******************************************************************************/
// Data of a channel, from any task.

static size_t channel_read_now(channel_obj_t *self, uint8_t *buf, size_t len) {
    cmux_obj_t *mux = self->mux;
    lock(mux);
    len = mux->channels[self->dlci] == self ? cmux_read(&mux->mux, self->dlci, buf, len) : 0;
    unlock(mux);
    return len;
}

static size_t channel_write_now(channel_obj_t *self, const uint8_t *buf, size_t len) {
    cmux_obj_t *mux = self->mux;
    uint8_t out[mux->mux.rx.n1 + CMUX_OVERHEAD];
    size_t done = 0;
    while (done < len) {
        size_t taken;
        lock(mux);
        size_t out_len = mux->channels[self->dlci] != self ? 0
            : cmux_write(&mux->mux, self->dlci, buf + done, len - done, out, &taken);
        unlock(mux);
        if (out_len == 0 || !cmux_port_write(mux, out, out_len)) {
            break;
        }
        done += taken;
    }
    return done;
}

static size_t native_read(void *ctx, uint8_t *buf, size_t len) {
    return channel_read_now(ctx, buf, len);
}

static size_t native_write(void *ctx, const uint8_t *buf, size_t len) {
    return channel_write_now(ctx, buf, len);
}

// Once the object is dropped, and none of its channels has a native user that might take the locks.
static void release_dropped(cmux_obj_t *self) {
    for (int i = 0; i < CMUX_DLCIS; ++i) {
        if (self->channels[i] != NULL && self->channels[i]->input != NULL) {
            return;
        }
    }
    cmux_port_release(self);
}

static void native_set_user(void *ctx, void (*input)(void *arg), void *arg) {
    channel_obj_t *self = ctx;
    cmux_port_lock(self->mux, CMUX_LOCK_USER);
    self->input = input;
    self->arg = arg;
    cmux_port_unlock(self->mux, CMUX_LOCK_USER);
    if (self->mux->dropped) {
        release_dropped(self->mux);
    }
}

/******************************************************************************/
// cmux.Channel

static cmux_state_t channel_state(channel_obj_t *self) {
    return self->mux->channels[self->dlci] == self ? self->mux->mux.dlc[self->dlci].state : CMUX_CLOSED;
}

static void channel_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<cmux.Channel %d>", self->dlci);
}

static mp_uint_t channel_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    cmux_port_wake(self->mux);
    size_t len = channel_read_now(self, buf, size);
    cmux_port_wake(self->mux); // the modem may go on now
    if (len == 0 && size > 0 && channel_state(self) == CMUX_OPEN) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return len;
}

static mp_uint_t channel_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->mux->lost) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the UART was closed under the multiplexer: begin anew"));
    }
    if (channel_state(self) != CMUX_OPEN) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("DLCI %d is not open: open() it, then wait for its state()"), self->dlci);
    }
    MP_THREAD_GIL_EXIT();
    size_t len = channel_write_now(self, buf, size);
    MP_THREAD_GIL_ENTER();
    if (len == 0 && size > 0) {
        *errcode = MP_EAGAIN; // the modem wants no more now
        return MP_STREAM_ERROR;
    }
    return len;
}

static mp_obj_t channel_close(mp_obj_t self_in);

static mp_uint_t channel_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        cmux_port_wake(self->mux);
        mp_uint_t ret = 0;
        if (channel_state(self) != CMUX_OPEN) {
            ret |= MP_STREAM_POLL_HUP | (arg & MP_STREAM_POLL_RD);
        } else {
            if (self->mux->mux.dlc[self->dlci].len > 0) {
                ret |= arg & MP_STREAM_POLL_RD;
            }
            if (cmux_may_write(&self->mux->mux, self->dlci)) {
                ret |= arg & MP_STREAM_POLL_WR;
            }
        }
        return ret;
    } else if (request == MP_STREAM_CLOSE) {
        channel_close(self_in);
        return 0;
    } else if (request == MP_STREAM_FLUSH) {
        return mp_get_stream(self->mux->uart)->ioctl(self->mux->uart, request, arg, errcode);
    } else if (request == NATIVE_STREAM_IOCTL) {
        *(native_stream_t *)arg = (native_stream_t) { self, native_read, native_write, native_set_user };
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

// Number of bytes that have arrived.
static mp_obj_t channel_any(mp_obj_t self_in) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    cmux_port_wake(self->mux);
    return MP_OBJ_NEW_SMALL_INT(self->mux->channels[self->dlci] == self ? self->mux->mux.dlc[self->dlci].len : 0);
}
static MP_DEFINE_CONST_FUN_OBJ_1(channel_any_obj, channel_any);

// Is all that was written on the line?
static mp_obj_t channel_txdone(mp_obj_t self_in) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_obj_t dest[2];
    mp_load_method(self->mux->uart, MP_QSTR_txdone, dest);
    return mp_call_method_n_kw(0, 0, dest);
}
static MP_DEFINE_CONST_FUN_OBJ_1(channel_txdone_obj, channel_txdone);

static mp_obj_t channel_get_state(mp_obj_t self_in) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    cmux_port_wake(self->mux);
    return MP_OBJ_NEW_SMALL_INT(channel_state(self));
}
static MP_DEFINE_CONST_FUN_OBJ_1(channel_state_obj, channel_get_state);

// Begin to close it: DISC. What has arrived can still be read.
static mp_obj_t channel_close(mp_obj_t self_in) {
    channel_obj_t *self = MP_OBJ_TO_PTR(self_in);
    lock(self->mux);
    if (self->mux->channels[self->dlci] == self) {
        cmux_close(&self->mux->mux, self->dlci);
    }
    unlock(self->mux);
    cmux_port_wake(self->mux);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(channel_close_obj, channel_close);

// irq(handler, trigger=IRQ_RXIDLE): handler(channel) is called by the scheduler when data
// has arrived; None: no more.
static mp_obj_t channel_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_handler, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_trigger, MP_ARG_INT, {.u_int = IRQ_RXIDLE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    channel_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    if (args[0].u_obj != mp_const_none && !mp_obj_is_callable(args[0].u_obj)) {
        mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
    }
    if (args[1].u_int != 0 && args[1].u_int != IRQ_RXIDLE) {
        mp_raise_ValueError(MP_ERROR_TEXT("trigger must be IRQ_RXIDLE"));
    }
    self->handler = args[1].u_int == 0 ? mp_const_none : args[0].u_obj;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(channel_irq_obj, 1, channel_irq);

static const mp_rom_map_elem_t channel_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj) },
    { MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&channel_any_obj) },
    { MP_ROM_QSTR(MP_QSTR_txdone), MP_ROM_PTR(&channel_txdone_obj) },
    { MP_ROM_QSTR(MP_QSTR_flush), MP_ROM_PTR(&mp_stream_flush_obj) },
    { MP_ROM_QSTR(MP_QSTR_state), MP_ROM_PTR(&channel_state_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&channel_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&channel_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RXIDLE), MP_ROM_INT(IRQ_RXIDLE) },
};
static MP_DEFINE_CONST_DICT(channel_locals, channel_locals_table);

static const mp_stream_p_t channel_stream = {
    .read = channel_read,
    .write = channel_write,
    .ioctl = channel_ioctl,
};

static MP_DEFINE_CONST_OBJ_TYPE(
    channel_type, MP_QSTR_Channel, MP_TYPE_FLAG_ITER_IS_STREAM,
    print, channel_print,
    protocol, &channel_stream,
    locals_dict, &channel_locals
    );

/******************************************************************************/
// cmux.CMUX

static mp_obj_t cmux_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_uart, ARG_n1, ARG_t1, ARG_n2 };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_uart, MP_ARG_REQUIRED | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_n1, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 127} },
        { MP_QSTR_t1, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = T1_DEFAULT_MS} },
        { MP_QSTR_n2, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = N2_DEFAULT} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    mp_int_t n1 = args[ARG_n1].u_int;
    if (n1 < CMUX_N1_MIN || n1 > CMUX_N1_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("n1 must be %d to %d"), CMUX_N1_MIN, CMUX_N1_MAX);
    }
    if (args[ARG_t1].u_int < 10 || args[ARG_t1].u_int > 2550) {
        mp_raise_ValueError(MP_ERROR_TEXT("t1 must be 10 to 2550 milliseconds"));
    }
    if (args[ARG_n2].u_int < 0 || args[ARG_n2].u_int > 100) {
        mp_raise_ValueError(MP_ERROR_TEXT("n2 must be 0 to 100"));
    }

    cmux_obj_t *self = mp_obj_malloc_with_finaliser(cmux_obj_t, type);
    self->lost = false;
    self->attached = false;
    self->dropped = false;
    self->port = NULL;
    self->uart = args[ARG_uart].u_obj;
    memset(self->channels, 0, sizeof(self->channels));
    self->out = m_new(uint8_t, n1 + CMUX_OVERHEAD);
    cmux_init(&self->mux, m_new(uint8_t, n1 + CMUX_OVERHEAD), n1, args[ARG_t1].u_int, args[ARG_n2].u_int);
    cmux_open(&self->mux, 0, NULL, 0);
    cmux_port_attach(self, self->uart);
    self->attached = true;
    cmux_port_wake(self);
    return MP_OBJ_FROM_PTR(self);
}

static void cmux_detach(cmux_obj_t *self) {
    if (self->attached) {
        self->attached = false;
        cmux_port_detach(self);
    }
    lock(self);
    cmux_end(&self->mux);
    unlock(self);
}

// Give the UART back at once, without a word to the modem.
static mp_obj_t cmux_deinit(mp_obj_t self_in) {
    cmux_detach(MP_OBJ_TO_PTR(self_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cmux_deinit_obj, cmux_deinit);

// The garbage collector runs: not a word to the modem. It waits for the port's task only, until that has ended.
// A network.PPP that is dropped together with this may have its finaliser later: it then frees the rest.
static mp_obj_t cmux_del(mp_obj_t self_in) {
    cmux_obj_t *self = MP_OBJ_TO_PTR(self_in);
    cmux_detach(self);
    self->dropped = true;
    release_dropped(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cmux_del_obj, cmux_del);

// The multiplexer's state. When it has ended, the UART is Python's again.
static mp_obj_t cmux_get_state(mp_obj_t self_in) {
    cmux_obj_t *self = MP_OBJ_TO_PTR(self_in);
    cmux_port_wake(self);
    cmux_state_t state = self->mux.dlc[0].state;
    if (self->attached && cmux_ended(&self->mux)) {
        self->attached = false;
        cmux_port_detach(self);
    }
    return MP_OBJ_NEW_SMALL_INT(state);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cmux_state_obj, cmux_get_state);

// open(dlci, rxbuf=1024): begin to open a DLCI, 1 to 4. Returns its Channel.
static mp_obj_t cmux_open_channel(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_dlci, MP_ARG_REQUIRED | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_rxbuf, MP_ARG_INT, {.u_int = RXBUF_DEFAULT} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    cmux_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_int_t dlci = args[0].u_int;
    if (dlci < 1 || dlci >= CMUX_DLCIS) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("there is no DLCI %d: use 1 to %d"), (int)dlci, CMUX_DLCIS - 1);
    }
    mp_int_t size = args[1].u_int;
    if (size < 2 * (mp_int_t)self->mux.rx.n1 || size > 0x8000) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("rxbuf must be %d to 32768"), 2 * (int)self->mux.rx.n1);
    }
    cmux_port_wake(self);
    if (self->lost) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the UART was closed under the multiplexer: begin anew"));
    }
    cmux_state_t state = self->mux.dlc[0].state;
    if (state != CMUX_OPENING && state != CMUX_OPEN) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("the multiplexer is closed: make a new CMUX"));
    }
    state = self->mux.dlc[dlci].state;
    if (state == CMUX_OPENING || state == CMUX_OPEN || state == CMUX_CLOSING) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("DLCI %d is in use: close() it first"), (int)dlci);
    }
    channel_obj_t *channel = mp_obj_malloc(channel_obj_t, &channel_type);
    channel->mux = self;
    channel->dlci = (uint8_t)dlci;
    channel->scheduled = false;
    channel->handler = mp_const_none;
    channel->input = NULL;
    channel->arg = NULL;
    uint8_t *buf = m_new(uint8_t, size);
    lock(self);
    self->channels[dlci] = channel;
    cmux_open(&self->mux, (uint8_t)dlci, buf, size);
    unlock(self);
    cmux_port_wake(self);
    return MP_OBJ_FROM_PTR(channel);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(cmux_open_obj, 1, cmux_open_channel);

// Begin to close the multiplexer, and all DLCIs with it: CLD.
static mp_obj_t cmux_close_all(mp_obj_t self_in) {
    cmux_obj_t *self = MP_OBJ_TO_PTR(self_in);
    lock(self);
    cmux_close(&self->mux, 0);
    unlock(self);
    cmux_port_wake(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cmux_close_obj, cmux_close_all);

// (good frames, damaged ones, bytes outside of frames, bytes lost for want of room)
static mp_obj_t cmux_stats(mp_obj_t self_in) {
    cmux_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint32_t lost = 0;
    for (int i = 1; i < CMUX_DLCIS; ++i) {
        lost += self->mux.dlc[i].lost;
    }
    mp_obj_t items[] = {
        mp_obj_new_int_from_uint(self->mux.frames),
        mp_obj_new_int_from_uint(self->mux.rx.bad),
        mp_obj_new_int_from_uint(self->mux.rx.stray),
        mp_obj_new_int_from_uint(lost),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cmux_stats_obj, cmux_stats);

static const mp_rom_map_elem_t cmux_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_state), MP_ROM_PTR(&cmux_state_obj) },
    { MP_ROM_QSTR(MP_QSTR_open), MP_ROM_PTR(&cmux_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&cmux_close_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&cmux_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&cmux_stats_obj) },
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&cmux_del_obj) },
};
static MP_DEFINE_CONST_DICT(cmux_locals, cmux_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    cmux_type, MP_QSTR_CMUX, MP_TYPE_FLAG_NONE,
    make_new, cmux_make_new,
    locals_dict, &cmux_locals
    );

/******************************************************************************/
// The module

static const MP_DEFINE_BYTES_OBJ(cld_obj, cld_frame, sizeof(cld_frame));

static const mp_rom_map_elem_t module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_cmux) },
    { MP_ROM_QSTR(MP_QSTR_CMUX), MP_ROM_PTR(&cmux_type) },
    { MP_ROM_QSTR(MP_QSTR_Channel), MP_ROM_PTR(&channel_type) },
    { MP_ROM_QSTR(MP_QSTR_CLD), MP_ROM_PTR(&cld_obj) },
    { MP_ROM_QSTR(MP_QSTR_CLOSED), MP_ROM_INT(CMUX_CLOSED) },
    { MP_ROM_QSTR(MP_QSTR_OPENING), MP_ROM_INT(CMUX_OPENING) },
    { MP_ROM_QSTR(MP_QSTR_OPEN), MP_ROM_INT(CMUX_OPEN) },
    { MP_ROM_QSTR(MP_QSTR_CLOSING), MP_ROM_INT(CMUX_CLOSING) },
    { MP_ROM_QSTR(MP_QSTR_REFUSED), MP_ROM_INT(CMUX_REFUSED) },
    { MP_ROM_QSTR(MP_QSTR_SILENT), MP_ROM_INT(CMUX_SILENT) },
};
static MP_DEFINE_CONST_DICT(module_globals, module_globals_table);

const mp_obj_module_t mp_module_cmux = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_cmux, mp_module_cmux);
