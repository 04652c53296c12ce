// machine.RTC: runs from 2000-01-01 at power on, through every kind of reset.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "shared/timeutils/timeutils.h"
#include "sim.h"

// The RTC's time at the moment sim_now_us() was 0.
static int64_t rtc_offset_us;

uint64_t sim_rtc_us(void) {
    return (uint64_t)(rtc_offset_us + (int64_t)sim_now_us());
}

// Across a restart: the RTC's time, and the world's at that time.
void sim_rtc_to_env(void) {
    char text[64];
    snprintf(text, sizeof(text), "%" PRIu64 "@%" PRIu64, sim_rtc_us(), sim_world_ns());
    setenv("SIM_RTC", text, 1);
}

void sim_rtc_init(void) {
    const char *text = getenv("SIM_RTC");
    uint64_t us, at_ns;
    if (text != NULL && sscanf(text, "%" SCNu64 "@%" SCNu64, &us, &at_ns) == 2) {
        rtc_offset_us = (int64_t)(us + (sim_world_ns() - at_ns) / 1000) - (int64_t)sim_now_us();
    }
    unsetenv("SIM_RTC");
}

// mbedTLS counts from 1970.
time_t sim_mbedtls_time(time_t *timer);
time_t sim_mbedtls_time(time_t *timer) {
    time_t t = (time_t)(sim_rtc_us() / 1000000 + TIMEUTILS_SECONDS_1970_TO_2000);
    if (timer != NULL) {
        *timer = t;
    }
    return t;
}

typedef struct _machine_rtc_obj_t {
    mp_obj_base_t base;
} machine_rtc_obj_t;

static const machine_rtc_obj_t machine_rtc_obj = {{&machine_rtc_type}};

static mp_obj_t machine_rtc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    (void)type;
    (void)args;
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&machine_rtc_obj);
}

// datetime tuples are (year, month, day, weekday, hour, minute, second, us); init()
// takes (year, month, day, hour, minute, second, us, tz), as on the ESP32.
static void rtc_set(mp_obj_t datetime, int hour_index) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(datetime, 8, &items);
    uint64_t seconds = timeutils_seconds_since_epoch(
        mp_obj_get_int(items[0]),
        mp_obj_get_int(items[1]),
        mp_obj_get_int(items[2]),
        mp_obj_get_int(items[hour_index]),
        mp_obj_get_int(items[hour_index + 1]),
        mp_obj_get_int(items[hour_index + 2]));
    rtc_offset_us = (int64_t)(seconds * 1000000) + mp_obj_get_int(items[7]) - (int64_t)sim_now_us();
}

static mp_obj_t machine_rtc_datetime(size_t n_args, const mp_obj_t *args) {
    if (n_args > 1) {
        rtc_set(args[1], 4);
        return mp_const_none;
    }
    uint64_t us = sim_rtc_us();
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(us / 1000000, &tm);
    mp_obj_t tuple[8] = {
        mp_obj_new_int(tm.tm_year),
        mp_obj_new_int(tm.tm_mon),
        mp_obj_new_int(tm.tm_mday),
        mp_obj_new_int(tm.tm_wday),
        mp_obj_new_int(tm.tm_hour),
        mp_obj_new_int(tm.tm_min),
        mp_obj_new_int(tm.tm_sec),
        mp_obj_new_int((mp_int_t)(us % 1000000)),
    };
    return mp_obj_new_tuple(8, tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_datetime_obj, 1, 2, machine_rtc_datetime);

static mp_obj_t machine_rtc_init(mp_obj_t self_in, mp_obj_t datetime) {
    (void)self_in;
    rtc_set(datetime, 3);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(machine_rtc_init_obj, machine_rtc_init);

static mp_obj_t machine_rtc_memory(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return mp_obj_new_bytes(sim_rtc_memory, sim_rtc_memory_len);
    }
    mp_buffer_info_t bufinfo;
    mp_get_buffer_raise(args[1], &bufinfo, MP_BUFFER_READ);
    if (bufinfo.len > SIM_RTC_MEMORY_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("buffer too long"));
    }
    memcpy(sim_rtc_memory, bufinfo.buf, bufinfo.len);
    sim_rtc_memory_len = bufinfo.len;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_memory_obj, 1, 2, machine_rtc_memory);

static const mp_rom_map_elem_t machine_rtc_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_rtc_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_datetime), MP_ROM_PTR(&machine_rtc_datetime_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&machine_rtc_memory_obj) },
};
static MP_DEFINE_CONST_DICT(machine_rtc_locals_dict, machine_rtc_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_rtc_type,
    MP_QSTR_RTC,
    MP_TYPE_FLAG_NONE,
    make_new, machine_rtc_make_new,
    locals_dict, &machine_rtc_locals_dict
    );
