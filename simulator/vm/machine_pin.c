// machine.Pin on the board bus, with the ESP32's numbers and rules.

#include <stdio.h>
#include <string.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "extmod/modmachine.h"
#include "extmod/virtpin.h"
#include "sim.h"

#define FIRST_NON_OUTPUT (34)

// The values of ESP-IDF's constants.
enum { MODE_UNSET = -1, MODE_DISABLE = 0, MODE_IN = 1, MODE_OUT = 3, MODE_OPEN_DRAIN = 7 };
enum { PULL_DOWN = 1, PULL_UP = 2 };
enum { IRQ_RISING = 1, IRQ_FALLING = 2, WAKE_LOW = 4, WAKE_HIGH = 5 };

typedef struct _machine_pin_obj_t {
    mp_obj_base_t base;
    uint8_t id;
    int8_t mode;
    uint8_t pull;
    bool latch; // the output register
    volatile uint8_t trigger;
} machine_pin_obj_t;

typedef struct _machine_pin_irq_obj_t {
    mp_obj_base_t base;
    uint8_t id;
} machine_pin_irq_obj_t;

static const mp_obj_type_t machine_pin_irq_type;

#define PIN(n) { .base = { &machine_pin_type }, .id = (n), .mode = MODE_UNSET }
#define PINS_8(n) PIN(n), PIN(n + 1), PIN(n + 2), PIN(n + 3), PIN(n + 4), PIN(n + 5), PIN(n + 6), PIN(n + 7)
static machine_pin_obj_t pins[SIM_PINS] = { PINS_8(0), PINS_8(8), PINS_8(16), PINS_8(24), PINS_8(32) };

static machine_pin_obj_t *pin_find(mp_obj_t pin_in) {
    if (mp_obj_is_type(pin_in, &machine_pin_type)) {
        return MP_OBJ_TO_PTR(pin_in);
    }
    mp_int_t id;
    if (mp_obj_is_int(pin_in) && (id = mp_obj_get_int(pin_in)) >= 0 && id < SIM_PINS) {
        return &pins[id];
    }
    mp_raise_ValueError(MP_ERROR_TEXT("invalid pin"));
}

unsigned int sim_pin_get_id(void *pin) {
    return pin_find(pin)->id;
}

static void pin_listen(machine_pin_obj_t *self) {
    if (sim_bus_connected()) {
        static const char *const names[] = { "none", "down", "up", "up" };
        char request[32], answer[200];
        snprintf(request, sizeof(request), "pin %u in %s", self->id, names[self->pull]);
        sim_bus_request_raise(request, answer, sizeof(answer), self->id);
    }
}

static void pin_drive(machine_pin_obj_t *self, int level) {
    if (sim_bus_connected()) {
        char request[32], answer[200];
        snprintf(request, sizeof(request), "pin %u out %d", self->id, level);
        sim_bus_request_raise(request, answer, sizeof(answer), -1);
    }
}

static void pin_hold(machine_pin_obj_t *self, bool hold) {
    if (sim_bus_connected()) {
        char request[32], answer[200];
        snprintf(request, sizeof(request), "pin %u hold %d", self->id, hold);
        sim_bus_request_raise(request, answer, sizeof(answer), -1);
    }
}

// Brings mode, pull and output register to the pad.
static void pin_apply(machine_pin_obj_t *self) {
    if (self->mode == MODE_OUT || (self->mode == MODE_OPEN_DRAIN && !self->latch)) {
        pin_drive(self, self->latch);
    } else {
        pin_listen(self);
    }
}

static void pin_set(machine_pin_obj_t *self, bool level) {
    self->latch = level;
    if (self->mode == MODE_OUT || self->mode == MODE_OPEN_DRAIN) {
        pin_apply(self);
    }
}

static int pin_get(machine_pin_obj_t *self) {
    if (!sim_bus_connected()) {
        if (self->mode == MODE_OUT || (self->mode == MODE_OPEN_DRAIN && !self->latch)) {
            return self->latch;
        }
        return (self->pull & PULL_UP) != 0;
    }
    char request[32], answer[200];
    snprintf(request, sizeof(request), "pin %u read", self->id);
    sim_bus_request_raise(request, answer, sizeof(answer), -1);
    return answer[0] == '1';
}

// On the bus's thread: an edge schedules the handler, whatever Python is doing.
void sim_pin_changed(unsigned int id, int level) {
    machine_pin_obj_t *self = &pins[id];
    if (!sim_asleep && (self->trigger & (level ? IRQ_RISING : IRQ_FALLING))) {
        mp_obj_t handler = MP_STATE_PORT(machine_pin_irq_handler)[id];
        if (handler != MP_OBJ_NULL) {
            mp_sched_schedule(handler, MP_OBJ_FROM_PTR(self));
        }
    }
    sim_wake();
}

static void machine_pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Pin(%u)", self->id);
}

static mp_obj_t machine_pin_init_helper(machine_pin_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value, ARG_drive, ARG_hold };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        { MP_QSTR_pull, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(-1)}},
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)}},
        { MP_QSTR_drive, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)}},
        { MP_QSTR_hold, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)}},
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    // The level comes first, so that the pin never shows another one.
    if (args[ARG_value].u_obj != MP_OBJ_NULL) {
        self->latch = mp_obj_is_true(args[ARG_value].u_obj);
    }
    if (args[ARG_mode].u_obj != mp_const_none) {
        mp_int_t mode = mp_obj_get_int(args[ARG_mode].u_obj);
        if (self->id >= FIRST_NON_OUTPUT && (mode & 2)) {
            mp_raise_ValueError(MP_ERROR_TEXT("pin can only be input"));
        }
        self->mode = (int8_t)mode;
    }
    if (args[ARG_pull].u_obj != MP_OBJ_NEW_SMALL_INT(-1)) {
        self->pull = args[ARG_pull].u_obj == mp_const_none ? 0
            : (uint8_t)(mp_obj_get_int(args[ARG_pull].u_obj) & (PULL_UP | PULL_DOWN));
    }
    if (self->mode != MODE_UNSET) {
        pin_apply(self);
    }
    // Changes above reach a held pad when the hold is renewed, as on the chip.
    if (args[ARG_hold].u_obj != MP_OBJ_NULL && self->id < FIRST_NON_OUTPUT) {
        pin_hold(self, false);
        if (mp_obj_is_true(args[ARG_hold].u_obj)) {
            pin_hold(self, true);
        }
    }
    return mp_const_none;
}

static mp_obj_t machine_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    machine_pin_obj_t *self = pin_find(args[0]);
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        machine_pin_init_helper(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t machine_pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(pin_get(self));
    }
    pin_set(self, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t machine_pin_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    return machine_pin_init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_init_obj, 1, machine_pin_init);

static mp_obj_t machine_pin_value(size_t n_args, const mp_obj_t *args) {
    return machine_pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_value_obj, 1, 2, machine_pin_value);

static mp_obj_t machine_pin_off(mp_obj_t self_in) {
    pin_set(MP_OBJ_TO_PTR(self_in), false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_off_obj, machine_pin_off);

static mp_obj_t machine_pin_on(mp_obj_t self_in) {
    pin_set(MP_OBJ_TO_PTR(self_in), true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_on_obj, machine_pin_on);

static mp_obj_t machine_pin_toggle(mp_obj_t self_in) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    pin_set(self, !self->latch);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_toggle_obj, machine_pin_toggle);

static mp_obj_t machine_pin_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_wake };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_handler, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_trigger, MP_ARG_INT, {.u_int = IRQ_RISING | IRQ_FALLING} },
        { MP_QSTR_wake, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    if (n_args > 1 || kw_args->used != 0) {
        mp_obj_t handler = args[ARG_handler].u_obj;
        mp_int_t trigger = args[ARG_trigger].u_int;
        if (trigger & ~(IRQ_RISING | IRQ_FALLING)) {
            // Level interrupts only wake on this port; esp32.wake_on_ext0() does that.
            mp_raise_ValueError(MP_ERROR_TEXT("level interrupts are not simulated"));
        }
        if (self->mode == MODE_UNSET) {
            self->mode = MODE_IN;
            pin_apply(self);
        }
        self->trigger = 0;
        MP_STATE_PORT(machine_pin_irq_handler)[self->id] = handler == mp_const_none ? MP_OBJ_NULL : handler;
        self->trigger = handler == mp_const_none ? 0 : (uint8_t)trigger;
    }

    machine_pin_irq_obj_t *irq = mp_obj_malloc(machine_pin_irq_obj_t, &machine_pin_irq_type);
    irq->id = self->id;
    return MP_OBJ_FROM_PTR(irq);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_irq_obj, 1, machine_pin_irq);

static mp_uint_t pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    (void)errcode;
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (request) {
        case MP_PIN_READ:
            return (mp_uint_t)pin_get(self);
        case MP_PIN_WRITE:
            pin_set(self, arg != 0);
            return 0;
    }
    return (mp_uint_t)-1;
}

static const mp_rom_map_elem_t machine_pin_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_pin_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&machine_pin_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&machine_pin_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_toggle), MP_ROM_PTR(&machine_pin_toggle_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&machine_pin_irq_obj) },

    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(MODE_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(IRQ_RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(IRQ_FALLING) },
    { MP_ROM_QSTR(MP_QSTR_WAKE_LOW), MP_ROM_INT(WAKE_LOW) },
    { MP_ROM_QSTR(MP_QSTR_WAKE_HIGH), MP_ROM_INT(WAKE_HIGH) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_3), MP_ROM_INT(3) },
};
static MP_DEFINE_CONST_DICT(machine_pin_locals_dict, machine_pin_locals_dict_table);

static const mp_pin_p_t pin_pin_p = {
    .ioctl = pin_ioctl,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, machine_pin_make_new,
    print, machine_pin_print,
    call, machine_pin_call,
    protocol, &pin_pin_p,
    locals_dict, &machine_pin_locals_dict
    );

/******************************************************************************/
// The object Pin.irq() returns.

static mp_obj_t machine_pin_irq_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)args;
    machine_pin_irq_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    mp_obj_t handler = MP_STATE_PORT(machine_pin_irq_handler)[self->id];
    if (handler != MP_OBJ_NULL) {
        mp_sched_schedule(handler, MP_OBJ_FROM_PTR(&pins[self->id]));
    }
    return mp_const_none;
}

static mp_obj_t machine_pin_irq_trigger(size_t n_args, const mp_obj_t *args) {
    machine_pin_irq_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    uint8_t old = pins[self->id].trigger;
    if (n_args == 2) {
        pins[self->id].trigger = (uint8_t)(mp_obj_get_int(args[1]) & (IRQ_RISING | IRQ_FALLING));
    }
    return MP_OBJ_NEW_SMALL_INT(old);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_irq_trigger_obj, 1, 2, machine_pin_irq_trigger);

static const mp_rom_map_elem_t machine_pin_irq_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_trigger), MP_ROM_PTR(&machine_pin_irq_trigger_obj) },
};
static MP_DEFINE_CONST_DICT(machine_pin_irq_locals_dict, machine_pin_irq_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_irq_type,
    MP_QSTR_IRQ,
    MP_TYPE_FLAG_NONE,
    call, machine_pin_irq_call,
    locals_dict, &machine_pin_irq_locals_dict
    );

MP_REGISTER_ROOT_POINTER(mp_obj_t machine_pin_irq_handler[40]);
