// What modules/cmux needs of the simulated machine.UART. The GIL is the lock; the task that
// reads is sim_background(), and whoever asks a channel for something.

#include "py/runtime.h"
#include "port.h"
#include "sim.h"

static bool busy;

static mp_obj_t port_input(mp_obj_t self) {
    cmux_port_wake(MP_OBJ_TO_PTR(self));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(port_input_obj, port_input);

static mp_obj_t port_uart(cmux_obj_t *self) {
    return *cmux_port_data(self);
}

void cmux_port_attach(cmux_obj_t *self, mp_obj_t uart) {
    if (!sim_uart_is(uart)) {
        mp_raise_msg(&mp_type_OSError, MP_ERROR_TEXT("a multiplexer needs a machine.UART"));
    }
    cmux_obj_t *old = MP_STATE_PORT(cmux_current);
    if (old != NULL && port_uart(old) == uart) {
        cmux_port_detach(old);
        cmux_lost(old);
    }
    MP_STATE_PORT(cmux_current) = self;
    *cmux_port_data(self) = uart;
    sim_uart_set_reader(uart, mp_obj_new_bound_meth(MP_OBJ_FROM_PTR(&port_input_obj), MP_OBJ_FROM_PTR(self)));
}

void cmux_port_detach(cmux_obj_t *self) {
    if (port_uart(self) != NULL) {
        sim_uart_set_reader(port_uart(self), mp_const_none);
        *cmux_port_data(self) = NULL;
        if (MP_STATE_PORT(cmux_current) == self) {
            MP_STATE_PORT(cmux_current) = NULL;
        }
    }
}

void cmux_port_release(cmux_obj_t *self) {
    (void)self;
}

void cmux_port_wake(cmux_obj_t *self) {
    if (busy || port_uart(self) == NULL) {
        return;
    }
    if (!sim_uart_write_now(port_uart(self), NULL, 0)) {
        cmux_lost(self);
        return;
    }
    busy = true;
    cmux_input(self);
    busy = false;
}

size_t cmux_port_read(cmux_obj_t *self, uint8_t *buf, size_t len) {
    return sim_uart_read_now(port_uart(self), buf, len);
}

bool cmux_port_write(cmux_obj_t *self, const uint8_t *buf, size_t len) {
    return port_uart(self) != NULL && sim_uart_write_now(port_uart(self), buf, len);
}

void cmux_port_lock(cmux_obj_t *self, cmux_lock_t lock) {
    (void)self;
    (void)lock;
}

void cmux_port_unlock(cmux_obj_t *self, cmux_lock_t lock) {
    (void)self;
    (void)lock;
}

MP_REGISTER_ROOT_POINTER(struct _cmux_obj_t *cmux_current);
