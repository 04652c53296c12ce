// modules/entropy/entropy.c for test_entropy.py.

#include <stddef.h>
#include <string.h>

#include "modules/entropy/entropy.c"

bool host_healthy(const uint8_t *samples, size_t count) {
    entropy_health_t health = { 0 };
    for (size_t i = 0; i < count; ++i) {
        entropy_health_take(&health, samples[i]);
    }
    return entropy_health_passed(&health);
}

// `count` words of a pool that was given this key and these fresh words; what is left in it.
void host_pool(const uint32_t *key, const uint32_t *fresh, uint32_t *out, size_t count, entropy_pool_t *pool) {
    memset(pool, 0, sizeof(*pool));
    memcpy(pool->key, key, sizeof(pool->key));
    for (size_t i = 0; i < count; ++i) {
        out[i] = entropy_pool_take(pool, fresh[i]);
    }
}
