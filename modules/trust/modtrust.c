// The Python module trust: what is known of the set of roots.

#include "py/runtime.h"
#include "trust.h"

// roots_date() -> (year, month, day)
static mp_obj_t mod_trust_roots_date(void) {
    uint32_t date = trust_roots_date();
    mp_obj_t items[3] = {
        MP_OBJ_NEW_SMALL_INT(date / 10000), MP_OBJ_NEW_SMALL_INT(date / 100 % 100), MP_OBJ_NEW_SMALL_INT(date % 100),
    };
    return mp_obj_new_tuple(3, items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(mod_trust_roots_date_obj, mod_trust_roots_date);

static const mp_rom_map_elem_t mod_trust_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_trust) },
    { MP_ROM_QSTR(MP_QSTR_roots_date), MP_ROM_PTR(&mod_trust_roots_date_obj) },
};
static MP_DEFINE_CONST_DICT(mod_trust_globals, mod_trust_globals_table);

const mp_obj_module_t mod_trust = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&mod_trust_globals,
};

MP_REGISTER_MODULE(MP_QSTR_trust, mod_trust);
