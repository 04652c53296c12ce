// machine.Timer: four hardware timers, and virtual ones (-1). Callbacks are soft.

#include "py/runtime.h"
#include "py/mphal.h"
#include "extmod/modmachine.h"
#include "sim.h"

#define HARDWARE_TIMERS (4)

typedef struct _machine_timer_obj_t {
    mp_obj_base_t base;
    struct _machine_timer_obj_t *next;
    int8_t id;
    bool repeat;
    bool running;
    uint64_t period_us;
    uint64_t started_us;
    uint64_t due_us;
    mp_obj_t callback;
} machine_timer_obj_t;

// Schedules what is due. Returns when the next one is.
uint64_t sim_timers_run(void) {
    uint64_t next = SIM_FOREVER;
    machine_timer_obj_t *t = MP_STATE_PORT(machine_timer_obj_head);
    if (t == NULL) {
        return next;
    }
    uint64_t now = sim_now_us();
    for (; t != NULL; t = t->next) {
        if (t->running && now >= t->due_us) {
            if (t->repeat) {
                // Late is late, but the rate stays.
                t->due_us += t->period_us * (1 + (now - t->due_us) / t->period_us);
            } else {
                t->running = false;
            }
            t->started_us = now;
            if (t->callback != mp_const_none) {
                mp_sched_schedule(t->callback, MP_OBJ_FROM_PTR(t));
            }
        }
        if (t->running && t->due_us < next) {
            next = t->due_us;
        }
    }
    return next;
}

static void timer_unlink(machine_timer_obj_t *self) {
    for (machine_timer_obj_t **t = &MP_STATE_PORT(machine_timer_obj_head); *t != NULL; t = &(*t)->next) {
        if (*t == self) {
            *t = self->next;
            return;
        }
    }
}

static void machine_timer_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Timer(%d, mode=%q, period=%lu)", self->id,
        (qstr)(self->repeat ? MP_QSTR_PERIODIC : MP_QSTR_ONE_SHOT), (unsigned long)(self->period_us / 1000));
}

static mp_obj_t machine_timer_init_helper(machine_timer_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_callback, ARG_period, ARG_tick_hz, ARG_freq, ARG_hard };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1} },
        { MP_QSTR_callback, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_period, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0xffffffff} },
        { MP_QSTR_tick_hz, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1000} },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_hard, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
    };
    self->running = false;
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    if (args[ARG_hard].u_bool) {
        mp_raise_ValueError(MP_ERROR_TEXT("hard Timers are not implemented"));
    }
    if (args[ARG_freq].u_obj != mp_const_none) {
        self->period_us = (uint64_t)(MICROPY_FLOAT_CONST(1e6) / mp_obj_get_float(args[ARG_freq].u_obj));
    } else {
        self->period_us = (uint64_t)args[ARG_period].u_int * 1000000 / (uint64_t)args[ARG_tick_hz].u_int;
    }
    if (self->period_us == 0) {
        self->period_us = 1;
    }
    self->repeat = args[ARG_mode].u_int != 0;
    self->callback = args[ARG_callback].u_obj;
    self->started_us = sim_now_us();
    self->due_us = self->started_us + self->period_us;
    timer_unlink(self);
    self->next = MP_STATE_PORT(machine_timer_obj_head);
    MP_STATE_PORT(machine_timer_obj_head) = self;
    self->running = true;
    sim_wake(); // other threads may be asleep for longer
    return mp_const_none;
}

static mp_obj_t machine_timer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < -1 || id >= HARDWARE_TIMERS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid Timer number"));
    }
    machine_timer_obj_t *self = NULL;
    for (machine_timer_obj_t *t = MP_STATE_PORT(machine_timer_obj_head); t != NULL; t = t->next) {
        if (id >= 0 && t->id == id) {
            self = t;
        }
    }
    if (self == NULL) {
        self = mp_obj_malloc(machine_timer_obj_t, type);
        self->id = (int8_t)id;
        self->running = false;
        self->repeat = true;
        self->period_us = 0;
        self->started_us = 0;
        self->callback = mp_const_none;
        self->next = MP_STATE_PORT(machine_timer_obj_head);
        MP_STATE_PORT(machine_timer_obj_head) = self;
    }
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        machine_timer_init_helper(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t machine_timer_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    return machine_timer_init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_timer_init_obj, 1, machine_timer_init);

static mp_obj_t machine_timer_deinit(mp_obj_t self_in) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    self->running = false;
    timer_unlink(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_deinit_obj, machine_timer_deinit);

static mp_obj_t machine_timer_value(mp_obj_t self_in) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (!self->running) {
        mp_raise_ValueError(MP_ERROR_TEXT("timer not set"));
    }
    return MP_OBJ_NEW_SMALL_INT((sim_now_us() - self->started_us) / 1000);
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_value_obj, machine_timer_value);

static const mp_rom_map_elem_t machine_timer_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_timer_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_timer_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_ONE_SHOT), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_PERIODIC), MP_ROM_INT(1) },
};
static MP_DEFINE_CONST_DICT(machine_timer_locals_dict, machine_timer_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_timer_type,
    MP_QSTR_Timer,
    MP_TYPE_FLAG_NONE,
    make_new, machine_timer_make_new,
    print, machine_timer_print,
    locals_dict, &machine_timer_locals_dict
    );

MP_REGISTER_ROOT_POINTER(struct _machine_timer_obj_t *machine_timer_obj_head);
