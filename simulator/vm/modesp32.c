// The parts of the esp32 module that wake the chip by a pin, and tell of C's heap; NVS and Partition are in flash.c.

#include <malloc.h>

#include "py/runtime.h"
#include "sim.h"

int sim_ext0_pin = -1;
bool sim_ext0_level;
uint64_t sim_ext1_pins;
bool sim_ext1_level;

// Only pins of the RTC's domain can wake.
static unsigned int rtc_pin(mp_obj_t pin_in) {
    static const uint64_t rtc_pins = (1ull << 0) | (1ull << 2) | (1ull << 4) | (0xfull << 12)
        | (7ull << 25) | (3ull << 32) | (0x3full << 34);
    unsigned int id = sim_pin_get_id(pin_in);
    if (!((rtc_pins >> id) & 1)) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid pin"));
    }
    return id;
}

static mp_obj_t esp32_wake_on_ext0(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_pin, ARG_level };
    const mp_arg_t allowed_args[] = {
        { MP_QSTR_pin, MP_ARG_OBJ, {.u_obj = MP_OBJ_NULL} },
        { MP_QSTR_level, MP_ARG_BOOL, {.u_bool = sim_ext0_level} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    if (args[ARG_pin].u_obj == mp_const_none) {
        sim_ext0_pin = -1;
    } else if (args[ARG_pin].u_obj != MP_OBJ_NULL) {
        sim_ext0_pin = (int)rtc_pin(args[ARG_pin].u_obj);
    }
    sim_ext0_level = args[ARG_level].u_bool;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(esp32_wake_on_ext0_obj, 0, esp32_wake_on_ext0);

static mp_obj_t esp32_wake_on_ext1(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_pins, ARG_level };
    const mp_arg_t allowed_args[] = {
        { MP_QSTR_pins, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_level, MP_ARG_BOOL, {.u_bool = sim_ext1_level} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    uint64_t pins = sim_ext1_pins;
    if (args[ARG_pins].u_obj != mp_const_none) {
        size_t len;
        mp_obj_t *items;
        mp_obj_get_array(args[ARG_pins].u_obj, &len, &items);
        pins = 0;
        for (size_t i = 0; i < len; ++i) {
            pins |= 1ull << rtc_pin(items[i]);
        }
    }
    sim_ext1_level = args[ARG_level].u_bool;
    sim_ext1_pins = pins;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(esp32_wake_on_ext1_obj, 0, esp32_wake_on_ext1);

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

// idf_heap_info(capabilities): C's heap as the one region there is, for telling what something takes:
// [(total, free, largest free, least free so far)].
static mp_obj_t esp32_idf_heap_info(mp_obj_t capabilities) {
    (void)mp_obj_get_int(capabilities);
    const size_t total = 1u << 30;
    #ifdef __SANITIZE_ADDRESS__
    size_t used = __sanitizer_get_current_allocated_bytes();
    #else
    struct mallinfo2 info = mallinfo2();
    size_t used = info.uordblks + info.hblkhd;
    #endif
    mp_obj_t left = mp_obj_new_int_from_uint(total - used);
    mp_obj_t region = mp_obj_new_tuple(4, (mp_obj_t []) { mp_obj_new_int_from_uint(total), left, left, left });
    return mp_obj_new_list(1, &region);
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_idf_heap_info_obj, esp32_idf_heap_info);

static const mp_rom_map_elem_t esp32_module_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_esp32) },
    { MP_ROM_QSTR(MP_QSTR_wake_on_ext0), MP_ROM_PTR(&esp32_wake_on_ext0_obj) },
    { MP_ROM_QSTR(MP_QSTR_wake_on_ext1), MP_ROM_PTR(&esp32_wake_on_ext1_obj) },
    { MP_ROM_QSTR(MP_QSTR_NVS), MP_ROM_PTR(&sim_nvs_type) },
    { MP_ROM_QSTR(MP_QSTR_Partition), MP_ROM_PTR(&sim_partition_type) },
    { MP_ROM_QSTR(MP_QSTR_idf_heap_info), MP_ROM_PTR(&esp32_idf_heap_info_obj) },
    { MP_ROM_QSTR(MP_QSTR_HEAP_DATA), MP_ROM_INT(4) }, // MALLOC_CAP_8BIT
    { MP_ROM_QSTR(MP_QSTR_WAKEUP_ALL_LOW), MP_ROM_FALSE },
    { MP_ROM_QSTR(MP_QSTR_WAKEUP_ANY_HIGH), MP_ROM_TRUE },
};
static MP_DEFINE_CONST_DICT(esp32_module_globals, esp32_module_globals_table);

const mp_obj_module_t esp32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&esp32_module_globals,
};

MP_REGISTER_MODULE(MP_QSTR_esp32, esp32_module);
