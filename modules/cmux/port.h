// What the multiplexer needs of the port: the UART's bytes without Python, and locks.

#ifndef CMUX_PORT_H
#define CMUX_PORT_H

#include "py/obj.h"
#include "mux.h"

typedef struct _cmux_obj_t cmux_obj_t;

// Locks that C tasks and Python threads share. They are taken in this order.
typedef enum {
    CMUX_LOCK_USER, // a channel's native user is being called, or changed
    CMUX_LOCK_STATE, // the multiplexer's state, for moments only
    CMUX_LOCKS,
} cmux_lock_t;

// In port_*.c.

// Take a UART's input for `self`; raises OSError where that cannot be. From then on its task
// calls cmux_input() whenever there is something, and at least every 100 ms (in the Linux VM:
// whenever Python asks). cmux_lost() is called when the UART goes.
void cmux_port_attach(cmux_obj_t *self, mp_obj_t uart);
// Give it back. Returns when the task has ended.
void cmux_port_detach(cmux_obj_t *self);
// The object goes: free what cmux_port_attach() made.
void cmux_port_release(cmux_obj_t *self);
// Let the task do its work now.
void cmux_port_wake(cmux_obj_t *self);
// For cmux_input(): at most len bytes, no waiting.
size_t cmux_port_read(cmux_obj_t *self, uint8_t *buf, size_t len);
// All or nothing, from any task; false if the UART is gone or takes nothing for 0.5 s.
bool cmux_port_write(cmux_obj_t *self, const uint8_t *buf, size_t len);
void cmux_port_lock(cmux_obj_t *self, cmux_lock_t lock);
void cmux_port_unlock(cmux_obj_t *self, cmux_lock_t lock);

// In modcmux.c.

void cmux_input(cmux_obj_t *self);
void cmux_lost(cmux_obj_t *self);
// The port's own data of an object.
void **cmux_port_data(cmux_obj_t *self);

#endif // CMUX_PORT_H
