// libFuzzer target for modules/cmux/frame.c and mux.c: `make fuzz`.
//
// The input is what a modem says, and what the application does meanwhile. Whatever comes,
// no byte may reach a DLCI unless it stands, in its place and order, in a whole frame for that DLCI
// on the line: the oracle below looks for one by the letter of 27.010, and knows no state.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/cmux/mux.h"

#define RING 300
#define MUST(x) do { if (!(x)) { fprintf(stderr, "not so: %s, line %d\n", #x, __LINE__); abort(); } } while (0)

// The line so far, as fed to the digester.
static uint8_t line[1 << 16];
static size_t line_len;
static unsigned long long fuzzed;

static void tell(void) {
    fprintf(stderr, "fuzzed: %llu bytes of input\n", fuzzed);
}

static uint8_t slow_fcs(const uint8_t *data, size_t len) {
    uint8_t fcs = 0xff;
    for (size_t i = 0; i < 8 * len; ++i) {
        uint8_t bit = (uint8_t)((data[i / 8] >> i % 8 ^ fcs) & 1);
        fcs = (uint8_t)(fcs >> 1 ^ (bit ? 0xe0 : 0));
    }
    return (uint8_t)~fcs;
}

// Is there a frame with this information for this DLCI that begins at or behind *from? Sets *from to
// its closing flag, which may open the next.
static bool on_the_line(size_t *from, uint8_t dlci, const uint8_t *info, size_t len) {
    for (size_t i = *from; i + 6 + len <= line_len; ++i) {
        const uint8_t *f = line + i;
        if (f[0] != 0xf9 || f[1] >> 2 != dlci || !(f[1] & 1)) {
            continue;
        }
        size_t head = f[3] & 1 ? 4 : 5;
        size_t told = f[3] >> 1 | (head == 5 ? (size_t)f[4] << 7 : 0);
        if (told != len || i + head + len + 2 > line_len || memcmp(f + head, info, len) != 0 || f[head + len + 1] != 0xf9) {
            continue;
        }
        size_t covered = head - 1 + ((f[2] & 0xef) == 0x03 ? len : 0);
        if (slow_fcs(f + 1, covered) == f[head + len]) {
            *from = i + head + len + 1;
            return true;
        }
    }
    return false;
}

// What we send must be frames, whole and for DLCIs that exist.
static void check_sent(const uint8_t *out, size_t len, size_t n1) {
    if (len == 0) {
        return;
    }
    MUST(len >= 6 && len <= n1 + CMUX_OVERHEAD && out[0] == 0xf9 && out[len - 1] == 0xf9);
    MUST(out[1] & 1);
    size_t head = out[3] & 1 ? 4 : 5;
    size_t told = out[3] >> 1 | (head == 5 ? (size_t)out[4] << 7 : 0);
    MUST(head + told + 2 == len);
    MUST(slow_fcs(out + 1, head - 1) == out[len - 2]);
}

static size_t at_most(size_t len, size_t most) {
    return len < most ? len : most;
}

// A frame, which a fuzzer would hardly find: address, control, length and information from its input.
// Returns how much of that it took; *len is the frame's length.
static size_t good_frame(const uint8_t *data, size_t size, size_t n1, uint8_t *frame, size_t *len) {
    static const uint8_t controls[] = { 0xef, 0xef, 0xef, 0x03, 0x73, 0x1f, 0x53, 0x3f };
    *len = 0;
    if (size < 3) {
        return size;
    }
    size_t info = at_most(at_most(data[2], n1 + 1), size - 3), head = 0;
    frame[head++] = 0xf9;
    frame[head++] = (uint8_t)(data[0] % 6 << 2 | (data[0] >> 6 & 2) | 1);
    frame[head++] = controls[data[1] & 7];
    if (info < 128 && !(data[1] & 0x80)) {
        frame[head++] = (uint8_t)(info << 1 | 1);
    } else {
        frame[head++] = (uint8_t)(info << 1);
        frame[head++] = (uint8_t)(info >> 7);
    }
    memcpy(frame + head, data + 3, info);
    frame[head + info] = slow_fcs(frame + 1, head - 1 + (frame[2] == 0x03 ? info : 0));
    frame[head + info + 1] = 0xf9;
    *len = head + info + 2;
    return 3 + info;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const size_t sizes[] = { 127, 255, 16, 64 };
    if (size < 2) {
        return 0;
    }
    if (fuzzed == 0) {
        atexit(tell);
    }
    fuzzed += size;
    size_t n1 = sizes[data[0] & 3];
    bool opened = data[0] & 4; // get to the interesting part at once
    ++data;
    --size;
    // Of their exact size, so that the sanitizer sees every byte too far.
    uint8_t *raw = malloc(n1 + CMUX_OVERHEAD), *out = malloc(n1 + CMUX_OVERHEAD);
    uint8_t *bufs[CMUX_DLCIS];
    size_t from = 0; // of the oracle
    uint32_t now = 0;
    cmux_t mux;
    cmux_init(&mux, raw, n1, 100, 3);
    line_len = 0;
    for (uint8_t i = 0; i < CMUX_DLCIS; ++i) {
        bufs[i] = malloc(RING);
        cmux_open(&mux, i, bufs[i], i == 0 ? 0 : RING);
        if (opened) {
            mux.dlc[i].state = CMUX_OPEN;
        }
    }
    while (size > 0) {
        uint8_t what = *data++;
        --size;
        if (what < 0xe0) {
            // A piece of the line: bytes as they are, or a frame.
            uint8_t frame[CMUX_N1_MAX + 16];
            const uint8_t *piece = data;
            size_t len = at_most(what, size), took = len;
            if (what >= 0x80) {
                took = good_frame(data, size, n1, frame, &len);
                piece = frame;
                if (what < 0xa0 && len > 0) {
                    frame[what % len] ^= (uint8_t)(1 << what % 8); // damaged
                } else if (what < 0xb0 && len > 0) {
                    len = what % len; // cut off
                }
            }
            data += took;
            size -= took;
            while (len > 0 && line_len < sizeof(line)) {
                size_t want = cmux_wants(&mux);
                if (want == 0) {
                    goto done;
                }
                want = want < len ? want : len;
                want = want < sizeof(line) - line_len ? want : sizeof(line) - line_len;
                memcpy(line + line_len, piece, want);
                line_len += want;
                cmux_feed(&mux, piece, want);
                piece += want;
                len -= want;
                size_t before[CMUX_DLCIS], out_len;
                for (int i = 0; i < CMUX_DLCIS; ++i) {
                    before[i] = mux.dlc[i].len + mux.dlc[i].lost;
                }
                uint8_t dlci;
                while (cmux_step(&mux, out, &out_len, &dlci)) {
                    check_sent(out, out_len, n1);
                    for (uint8_t i = 0; i < CMUX_DLCIS; ++i) {
                        size_t after = mux.dlc[i].len + mux.dlc[i].lost;
                        MUST(mux.dlc[i].len <= (i == 0 ? 0 : RING));
                        MUST(i == dlci ? after >= before[i] : after == before[i]);
                        if (i == dlci && i > 0) {
                            MUST(after > before[i] && after - before[i] <= n1);
                            if (mux.dlc[i].lost == 0) {
                                uint8_t info[CMUX_N1_MAX];
                                size_t got = after - before[i];
                                for (size_t k = 0; k < got; ++k) {
                                    info[k] = bufs[i][(mux.dlc[i].start + before[i] + k) % RING];
                                }
                                MUST(on_the_line(&from, i, info, got));
                            }
                        }
                        before[i] = after;
                    }
                }
            }
        } else if (what < 0xe8) {
            uint8_t into[RING];
            uint8_t i = 1 + what % 4;
            mux.dlc[i].lost = 0;
            cmux_read(&mux, i, into, what & 4 ? RING : 7);
        } else if (what < 0xf0) {
            size_t taken, len = at_most(300, size);
            check_sent(out, cmux_write(&mux, 1 + what % 4, data, len, out, &taken), n1);
            MUST(taken <= len && taken <= n1);
        } else if (what < 0xf8) {
            now += what & 1 ? 100 : what & 2 ? 1000 : 10;
            size_t len;
            for (int i = 0; (len = cmux_tick(&mux, now, out)) > 0; ++i) {
                check_sent(out, len, n1);
                MUST(i < 2 * CMUX_DLCIS);
            }
        } else if (what < 0xfc) {
            uint8_t i = 1 + what % 4;
            if (mux.dlc[i].state == CMUX_CLOSED || mux.dlc[i].state > CMUX_CLOSING) {
                cmux_open(&mux, i, bufs[i], RING);
            }
        } else {
            cmux_close(&mux, what == 0xff ? 0 : 1 + what % 4);
        }
    }
done:
    for (int i = 0; i < CMUX_DLCIS; ++i) {
        free(bufs[i]);
    }
    free(raw);
    free(out);
    return 0;
}
