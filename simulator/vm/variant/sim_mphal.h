// The unix port's hardware layer with simulated time in place of the host's.

#define mp_hal_delay_us mp_hal_delay_us_host
#include "ports/unix/mphalport.h"
#undef mp_hal_delay_us

// Defined in clock.c; being macros as well keeps the port's versions out.
mp_uint_t mp_hal_ticks_ms(void);
#define mp_hal_ticks_ms mp_hal_ticks_ms
mp_uint_t mp_hal_ticks_us(void);
#define mp_hal_ticks_us mp_hal_ticks_us
void mp_hal_delay_ms(mp_uint_t ms);
#define mp_hal_delay_ms mp_hal_delay_ms
void mp_hal_delay_us(mp_uint_t us);
#define mp_hal_delay_us mp_hal_delay_us
uint64_t mp_hal_time_ns(void);
#define mp_hal_time_ns mp_hal_time_ns

void sim_wait_ms(mp_uint_t timeout_ms);
#undef MICROPY_INTERNAL_WFE
#define MICROPY_INTERNAL_WFE(TIMEOUT_MS) sim_wait_ms(TIMEOUT_MS)

// A pin of machine.Pin is its number.
#define MP_HAL_PIN_FMT "%u"
#define mp_hal_pin_obj_t unsigned int
#define mp_hal_get_pin_obj(pin) sim_pin_get_id(pin)
#define mp_hal_pin_name(pin) (pin)
