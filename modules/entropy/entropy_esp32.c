// The ESP32's random numbers. Its generator is fed by the noise of the radio, and there is none while only the modem is
// used: esp_random() is pseudo-random then. So at each start, before anything else can use ADC, I2S or radio, the SAR
// ADC feeds it for 16 ms (bootloader_random_enable()); what comes is tested and makes the key of a pool. All that asks
// ESP-IDF for random numbers gets the generator's and the pool's, combined: the linker sends the calls here.

#include <string.h>

#include "bootloader_random.h"
#include "entropy_poll.h"
#include "esp_attr.h"
#include "esp_random.h"
#include "esp_rom_sys.h"
#include "freertos/FreeRTOS.h"
#include "mbedtls/entropy.h"
#include "mbedtls/platform_util.h"
#include "mbedtls/sha256.h"

#define ENTROPY_CODE IRAM_ATTR
#include "entropy.c"

// A word of 32 bits. With the ADC, ESP-IDF's bootloader_random.c counts a bit of entropy in 40 cycles of the APB (80 MHz),
// which makes 16 us; four times as long.
#define WORD_US (64)

void boardctrl_startup(void);

uint32_t __real_esp_random(void);

static portMUX_TYPE lock = portMUX_INITIALIZER_UNLOCKED;
static entropy_pool_t pool;
static bool passed;

// As esp_random(): for any task, and for interrupts.
IRAM_ATTR uint32_t __wrap_esp_random(void) {
    uint32_t fresh = __real_esp_random();
    portENTER_CRITICAL_SAFE(&lock);
    uint32_t word = entropy_pool_take(&pool, fresh);
    portEXIT_CRITICAL_SAFE(&lock);
    return word;
}

void __wrap_esp_fill_random(void *buf, size_t len) {
    for (uint8_t *at = buf; len > 0;) {
        uint32_t word = __wrap_esp_random();
        size_t count = len < sizeof(word) ? len : sizeof(word);
        memcpy(at, &word, count);
        at += count;
        len -= count;
    }
}

// What mbedTLS asks for. Without a true source there are no keys.
int __wrap_mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    (void)data;
    if (!passed) {
        return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    }
    __wrap_esp_fill_random(output, len);
    *olen = len;
    return 0;
}

// Not inlined: tests/firmware/test_chip_random.py puts another one in its place.
__attribute__((noinline)) uint32_t entropy_sample(void) {
    esp_rom_delay_us(WORD_US);
    return __real_esp_random();
}

// In place of MicroPython's boardctrl_startup(), before its task is there; wake-up from deep sleep is a start, too.
void entropy_startup(void) {
    entropy_health_t health = { 0 };
    mbedtls_sha256_context sha;
    mbedtls_sha256_init(&sha);
    int ret = mbedtls_sha256_starts(&sha, 0);
    bootloader_random_enable();
    for (size_t i = 0; i < ENTROPY_SAMPLES / sizeof(uint32_t); ++i) {
        uint32_t word = entropy_sample();
        for (size_t shift = 0; shift < 32; shift += 8) {
            entropy_health_take(&health, word >> shift);
        }
        ret |= mbedtls_sha256_update(&sha, (const uint8_t *)&word, sizeof(word));
    }
    bootloader_random_disable();
    uint32_t key[8];
    ret |= mbedtls_sha256_finish(&sha, (uint8_t *)key);
    mbedtls_sha256_free(&sha);
    portENTER_CRITICAL_SAFE(&lock);
    memcpy(pool.key, key, sizeof(key));
    pool.left = 0;
    passed = ret == 0 && entropy_health_passed(&health);
    portEXIT_CRITICAL_SAFE(&lock);
    mbedtls_platform_zeroize(key, sizeof(key));
    boardctrl_startup();
}
