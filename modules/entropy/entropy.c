#include <string.h>

#include "entropy.h"

void entropy_health_take(entropy_health_t *self, uint8_t sample) {
    self->run = self->taken > 0 && sample == self->last ? self->run + 1 : 1;
    self->last = sample;
    if (self->taken % ENTROPY_WINDOW == 0) {
        self->first = sample;
        self->same = 0;
    }
    self->same += sample == self->first;
    if (self->run >= ENTROPY_REPEATS || self->same >= ENTROPY_PROPORTION) {
        self->failed = true;
        self->run = 1; // it does not overflow
    }
    ++self->taken;
}

bool entropy_health_passed(const entropy_health_t *self) {
    return !self->failed && self->taken >= ENTROPY_SAMPLES;
}

static inline uint32_t rotate(uint32_t x, int by) {
    return x << by | x >> (32 - by);
}

static ENTROPY_CODE void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    *d = rotate(*d ^ (*a += *b), 16);
    *b = rotate(*b ^ (*c += *d), 12);
    *d = rotate(*d ^ (*a += *b), 8);
    *b = rotate(*b ^ (*c += *d), 7);
}

ENTROPY_CODE uint32_t entropy_pool_take(entropy_pool_t *self, uint32_t fresh) {
    if (self->left == 0) {
        // No table of constants: it would be in flash.
        uint32_t in[16], x[16];
        in[0] = 0x61707865;
        in[1] = 0x3320646e;
        in[2] = 0x79622d32;
        in[3] = 0x6b206574;
        memcpy(in + 4, self->key, sizeof(self->key));
        // Each key is used once, so the counter stays 0. The rest is the nonce.
        in[12] = in[14] = in[15] = 0;
        in[13] = fresh;
        memcpy(x, in, sizeof(x));
        for (int round = 0; round < 20; ++round) {
            int shift = round & 1; // columns, then diagonals
            for (int i = 0; i < 4; ++i) {
                quarter_round(&x[i], &x[4 + ((i + shift) & 3)], &x[8 + ((i + 2 * shift) & 3)],
                    &x[12 + ((i + 3 * shift) & 3)]);
            }
        }
        for (int i = 0; i < 16; ++i) {
            x[i] += in[i];
        }
        memcpy(self->key, x, sizeof(self->key));
        memcpy(self->words, x + 8, sizeof(self->words));
        self->left = 8;
    }
    uint32_t word = self->words[--self->left];
    self->words[self->left] = 0;
    return word ^ fresh;
}
