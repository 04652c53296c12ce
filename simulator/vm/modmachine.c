// This file is never compiled standalone, it's included directly from
// extmod/modmachine.c via MICROPY_PY_MACHINE_INCLUDEFILE.

#include <stdio.h>
#include <stdlib.h>

#include "py/mphal.h"
#include "sim.h"

#ifndef MP_NORETURN
#define MP_NORETURN NORETURN
#endif

extern const mp_obj_type_t sim_soft_i2c_type;

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_sleep), MP_ROM_PTR(&machine_lightsleep_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \
    { MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type) }, \
    { MP_ROM_QSTR(MP_QSTR_SoftI2C), MP_ROM_PTR(&sim_soft_i2c_type) }, \
    \
    /* wake abilities */ \
    { MP_ROM_QSTR(MP_QSTR_SLEEP), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP), MP_ROM_INT(4) }, \
    \
    /* Reset reasons */ \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(SIM_HARD_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(SIM_PWRON_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(SIM_WDT_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP_RESET), MP_ROM_INT(SIM_DEEPSLEEP_RESET) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(SIM_SOFT_RESET) }, \
    \
    /* Wake reasons */ \
    { MP_ROM_QSTR(MP_QSTR_wake_reason), MP_ROM_PTR(&machine_wake_reason_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_PIN_WAKE), MP_ROM_INT(SIM_WAKE_EXT0) }, \
    { MP_ROM_QSTR(MP_QSTR_EXT0_WAKE), MP_ROM_INT(SIM_WAKE_EXT0) }, \
    { MP_ROM_QSTR(MP_QSTR_EXT1_WAKE), MP_ROM_INT(SIM_WAKE_EXT1) }, \
    { MP_ROM_QSTR(MP_QSTR_TIMER_WAKE), MP_ROM_INT(SIM_WAKE_TIMER) }, \

static mp_int_t cpu_freq = 160000000;

static mp_obj_t machine_wake_reason(void) {
    return MP_OBJ_NEW_SMALL_INT(sim_wake_reason);
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_wake_reason_obj, machine_wake_reason);

static void mp_machine_idle(void) {
    sim_background();
    sim_wait_until(sim_now_us() + 1000);
}

static mp_obj_t mp_machine_unique_id(void) {
    // A locally administered address, so it is no real chip's.
    static const uint8_t id[6] = { 0x02, 0x53, 0x49, 0x4d, 0x08, 0x00 };
    return mp_obj_new_bytes(id, sizeof(id));
}

static mp_obj_t mp_machine_get_freq(void) {
    return mp_obj_new_int(cpu_freq);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    mp_int_t mhz = mp_obj_get_int(args[0]) / 1000000;
    if (mhz != 20 && mhz != 40 && mhz != 80 && mhz != 160 && mhz != 240) {
        mp_raise_ValueError(MP_ERROR_TEXT("frequency must be 20MHz, 40MHz, 80Mhz, 160MHz or 240MHz"));
    }
    cpu_freq = mhz * 1000000;
}

static bool wake_pin_active(void) {
    if (sim_ext0_pin >= 0 && sim_bus_level(sim_ext0_pin) == sim_ext0_level) {
        sim_wake_reason = SIM_WAKE_EXT0;
        return true;
    }
    // Any high, or all low.
    if (sim_ext1_pins != 0) {
        bool any_high = false;
        for (int i = 0; i < SIM_PINS; ++i) {
            any_high |= ((sim_ext1_pins >> i) & 1) && sim_bus_level(i);
        }
        if (any_high == sim_ext1_level) {
            sim_wake_reason = SIM_WAKE_EXT1;
            return true;
        }
    }
    return false;
}

static void wake_pins_listen(void) {
    for (int i = 0; i < SIM_PINS; ++i) {
        if (sim_bus_connected() && (i == sim_ext0_pin || ((sim_ext1_pins >> i) & 1))) {
            char request[32], answer[200];
            snprintf(request, sizeof(request), "pin %d in none", i);
            sim_bus_request_raise(request, answer, sizeof(answer), i);
        }
    }
}

// Nothing of the chip runs until the time is over or a pin wakes it.
static void sleep_until_woken(size_t n_args, const mp_obj_t *args) {
    uint64_t start = sim_now_us();
    uint64_t until = n_args == 0 ? SIM_FOREVER : start + (uint64_t)mp_obj_get_int(args[0]) * 1000;
    sim_asleep = true;
    sim_wake_reason = SIM_WAKE_TIMER;
    while (!wake_pin_active() && sim_now_us() < until && !sim_interrupted()) {
        sim_sleep_until(until);
    }
    sim_wdt_slept(sim_now_us() - start);
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    wake_pins_listen();
    sleep_until_woken(n_args, args);
}

MP_NORETURN static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    // Whoever cannot convert the argument must not be asleep already.
    mp_obj_t ms = n_args == 0 ? MP_OBJ_NULL : mp_obj_new_int(mp_obj_get_int(args[0]));
    sim_reset_announce(SIM_DEEPSLEEP_RESET);
    wake_pins_listen();
    sleep_until_woken(n_args, &ms);
    if (sim_interrupted()) {
        // Ctrl-C: nobody is awake to handle it.
        exit(130);
    }
    sim_restart(SIM_DEEPSLEEP_RESET);
}

MP_NORETURN static void mp_machine_reset(void) {
    sim_reset(SIM_HARD_RESET);
}

static mp_int_t mp_machine_reset_cause(void) {
    return sim_reset_cause;
}
