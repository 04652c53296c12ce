// modules/cmux/frame.c for test_cmux_frames.py: a line in, its frames out.

#include <string.h>

#include "modules/cmux/frame.h"

// Reads `line` as the multiplexer does, never more than cmux_rx_wants(), at most `cut` bytes at once,
// and stops after `most` frames. Writes each as control, C/R and P/F, DLCI, two bytes of length, the
// information. Returns the bytes written; *taken is how many of the line were read.
size_t host_frames(const uint8_t *line, size_t len, size_t n1, size_t cut, size_t most, uint8_t *out, size_t *taken, uint32_t *bad);
size_t host_frames(const uint8_t *line, size_t len, size_t n1, size_t cut, size_t most, uint8_t *out, size_t *taken, uint32_t *bad) {
    uint8_t raw[n1 + CMUX_OVERHEAD];
    cmux_rx_t rx;
    cmux_frame_t frame;
    uint8_t *p = out;
    *taken = 0;
    cmux_rx_init(&rx, raw, n1);
    while (*taken < len && most > 0) {
        size_t want = cmux_rx_wants(&rx);
        want = want < cut ? want : cut;
        want = want < len - *taken ? want : len - *taken;
        cmux_rx_feed(&rx, line + *taken, want);
        *taken += want;
        while (most > 0 && cmux_rx_next(&rx, &frame)) {
            --most;
            *p++ = frame.control;
            *p++ = (uint8_t)(frame.cr << 1 | frame.pf);
            *p++ = frame.dlci;
            *p++ = (uint8_t)(frame.len >> 8);
            *p++ = (uint8_t)frame.len;
            memcpy(p, frame.info, frame.len);
            p += frame.len;
        }
    }
    *bad = rx.bad;
    return (size_t)(p - out);
}
