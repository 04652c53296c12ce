// machine.I2C and machine.SoftI2C: whole transfers on the board bus.

#include <stdio.h>
#include <string.h>

#include "py/runtime.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "extmod/modmachine.h"
#include "sim.h"

#define TRANSFER_MAX (1024)
#define DEFAULT_FREQ (400000)
#define DEFAULT_TIMEOUT_US (50000)

typedef struct _machine_i2c_obj_t {
    mp_obj_base_t base;
    int8_t id; // -1: SoftI2C
    uint8_t scl;
    uint8_t sda;
    uint32_t freq;
    uint32_t timeout_us;
    // A write without a stop goes out with what follows it.
    uint8_t held_addr;
    size_t held_len;
    uint8_t held[TRANSFER_MAX];
} machine_i2c_obj_t;

static void machine_i2c_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    (void)kind;
    machine_i2c_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->id < 0) {
        mp_printf(print, "SoftI2C(scl=%u, sda=%u, freq=%u)", self->scl, self->sda, (unsigned)self->freq);
    } else {
        mp_printf(print, "I2C(%u, scl=%u, sda=%u, freq=%u, timeout=%u)", self->id, self->scl,
            self->sda, (unsigned)self->freq, (unsigned)self->timeout_us);
    }
}

static void machine_i2c_init(mp_obj_base_t *self_in, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_scl, ARG_sda, ARG_freq, ARG_timeout };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_scl, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_sda, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_PTR(MP_OBJ_NULL)} },
        { MP_QSTR_freq, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = DEFAULT_FREQ} },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = DEFAULT_TIMEOUT_US} },
    };
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_scl].u_obj != MP_OBJ_NULL) {
        self->scl = (uint8_t)mp_hal_get_pin_obj(args[ARG_scl].u_obj);
    }
    if (args[ARG_sda].u_obj != MP_OBJ_NULL) {
        self->sda = (uint8_t)mp_hal_get_pin_obj(args[ARG_sda].u_obj);
    }
    self->freq = (uint32_t)args[ARG_freq].u_int;
    self->timeout_us = (uint32_t)args[ARG_timeout].u_int;
    self->held_len = 0;
}

static mp_obj_t machine_i2c_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, MP_OBJ_FUN_ARGS_MAX, true);
    mp_map_t kw_args;
    machine_i2c_obj_t *self = mp_obj_malloc(machine_i2c_obj_t, type);
    self->id = -1;
    self->scl = SIM_PINS;
    if (type == &machine_i2c_type) {
        mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
        mp_int_t id = mp_obj_get_int(args[0]);
        if (id < 0 || id > 1) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("I2C(%d) doesn't exist"), (int)id);
        }
        self->id = (int8_t)id;
        self->scl = id == 0 ? 18 : 25;
        self->sda = id == 0 ? 19 : 26;
        --n_args;
        ++args;
    }
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    machine_i2c_init(&self->base, n_args, args, &kw_args);
    if (self->scl == SIM_PINS) {
        mp_raise_TypeError(MP_ERROR_TEXT("SoftI2C needs scl and sda"));
    }
    return MP_OBJ_FROM_PTR(self);
}

// Writes what is held, then reads. Returns 0 or a negative error number.
static int i2c_run(machine_i2c_obj_t *self, uint16_t addr, uint8_t *dest, size_t n_read) {
    if (!sim_bus_connected()) {
        self->held_len = 0;
        return -MP_ENODEV;
    }
    static char request[2 * TRANSFER_MAX + 64];
    static char answer[2 * TRANSFER_MAX + 64];
    char *p = request + sprintf(request, "i2c %u %u %u ", self->scl, self->sda, addr);
    for (size_t i = 0; i < self->held_len; ++i) {
        p += sprintf(p, "%02x", self->held[i]);
    }
    sprintf(p, "%s %u", self->held_len == 0 ? "-" : "", (unsigned)n_read);
    self->held_len = 0;
    if (!sim_bus_request(request, answer, sizeof(answer), -1)) {
        return strstr(answer, "nack") != NULL ? -MP_ENODEV : -MP_ETIMEDOUT;
    }
    const char *hex = answer;
    for (size_t i = 0; i < n_read; ++i, hex += 2) {
        unsigned int byte;
        if (sscanf(hex, "%2x", &byte) != 1) {
            return -MP_ETIMEDOUT;
        }
        dest[i] = (uint8_t)byte;
    }
    return 0;
}

static int machine_i2c_transfer(mp_obj_base_t *self_in, uint16_t addr, size_t n, mp_machine_i2c_buf_t *bufs, unsigned int flags) {
    machine_i2c_obj_t *self = (machine_i2c_obj_t *)self_in;
    if (self->held_len > 0 && self->held_addr != addr) {
        self->held_len = 0;
    }

    size_t total = 0;
    for (size_t i = 0; i < n; ++i) {
        total += bufs[i].len;
    }
    if (total + self->held_len > TRANSFER_MAX) {
        return -MP_ENOMEM;
    }

    size_t n_write = flags & MP_MACHINE_I2C_FLAG_WRITE1 ? 1 : flags & MP_MACHINE_I2C_FLAG_READ ? 0 : n;
    size_t written = 0;
    for (size_t i = 0; i < n_write; ++i) {
        memcpy(self->held + self->held_len, bufs[i].buf, bufs[i].len);
        self->held_len += bufs[i].len;
        written += bufs[i].len;
    }
    self->held_addr = (uint8_t)addr;
    if (!(flags & MP_MACHINE_I2C_FLAG_READ)) {
        if (!(flags & MP_MACHINE_I2C_FLAG_STOP) && self->held_len > 0) {
            return (int)written;
        }
        int ret = i2c_run(self, addr, NULL, 0);
        return ret < 0 ? ret : (int)written;
    }

    uint8_t data[TRANSFER_MAX];
    size_t n_read = total - written;
    int ret = i2c_run(self, addr, data, n_read);
    if (ret == 0) {
        const uint8_t *p = data;
        for (size_t i = n_write; i < n; ++i) {
            memcpy(bufs[i].buf, p, bufs[i].len);
            p += bufs[i].len;
        }
    }
    return ret;
}

static const mp_machine_i2c_p_t machine_i2c_p = {
    .transfer_supports_write1 = true,
    .init = machine_i2c_init,
    .transfer = machine_i2c_transfer,
};

MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    make_new, machine_i2c_make_new,
    print, machine_i2c_print,
    protocol, &machine_i2c_p,
    locals_dict, &mp_machine_i2c_locals_dict
    );

const mp_obj_type_t sim_soft_i2c_type;
MP_DEFINE_CONST_OBJ_TYPE(
    sim_soft_i2c_type,
    MP_QSTR_SoftI2C,
    MP_TYPE_FLAG_NONE,
    make_new, machine_i2c_make_new,
    print, machine_i2c_print,
    protocol, &machine_i2c_p,
    locals_dict, &mp_machine_i2c_locals_dict
    );
