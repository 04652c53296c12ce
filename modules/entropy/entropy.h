// Random numbers that hold without radio: a test of the source, and a pool that its output is kept in. Portable.

#ifndef MODULES_ENTROPY_H
#define MODULES_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

#ifndef ENTROPY_CODE
#define ENTROPY_CODE // where the code goes that may run while flash is not readable
#endif

// Start-up test by the two health tests of NIST SP 800-90B 4.4, on samples of 8 bits.
//
// At least 4 bits of min-entropy are claimed for each, half of what ESP-IDF says the source gives at the rate it is read
// at, and false alarms of 2^-20 for a source that gives no more; one that gives 8 has one in 10^9 starts.
#define ENTROPY_SAMPLES (1024) // SP 800-90B 4.3
#define ENTROPY_REPEATS (6) // 4.4.1: 1 + 20 / 4
#define ENTROPY_WINDOW (512) // 4.4.2, of samples that are not bits
#define ENTROPY_PROPORTION (62) // 4.4.2: 1 + critbinom(512, 2^-4, 1 - 2^-20)

typedef struct _entropy_health_t {
    uint16_t taken;
    uint16_t same; // as the first of this window
    uint8_t first;
    uint8_t last;
    uint8_t run;
    bool failed;
} entropy_health_t;

// Begins zeroed.
void entropy_health_take(entropy_health_t *self, uint8_t sample);
// All samples were there and neither test has failed.
bool entropy_health_passed(const entropy_health_t *self);

// A generator with fast key erasure: a block of ChaCha20 (RFC 8439 2.3) gives the next key and 8 words, each of which is
// erased when it is given away, so that nothing in memory tells what was given before.
typedef struct _entropy_pool_t {
    uint32_t key[8];
    uint32_t words[8];
    uint8_t left;
} entropy_pool_t;

// fresh: a new word of the hardware's, which goes into the next block and is added to the result.
uint32_t entropy_pool_take(entropy_pool_t *self, uint32_t fresh);

#endif // MODULES_ENTROPY_H
