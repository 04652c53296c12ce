// Frames of 3GPP TS 27.010 V15, section 5.2.1 (basic option) and annex B (checksum).

#include <string.h>

#include "frame.h"

#define EA (0x01)
#define CR (0x02)
#define FCS_GOOD (0xcf) // of all that is covered and the checksum behind it

// Bit by bit: four bytes a frame are not worth a table.
static uint8_t fcs_add(uint8_t fcs, const uint8_t *data, size_t len) {
    while (len-- > 0) {
        fcs ^= *data++;
        for (int i = 0; i < 8; ++i) {
            fcs = (uint8_t)(fcs & 1 ? (fcs >> 1) ^ 0xe0 : fcs >> 1);
        }
    }
    return fcs;
}

void cmux_rx_init(cmux_rx_t *rx, uint8_t *raw, size_t n1) {
    memset(rx, 0, sizeof(*rx));
    rx->raw = raw;
    rx->n1 = n1;
}

static bool control_known(uint8_t control) {
    switch (control & ~CMUX_PF) {
        case CMUX_SABM:
        case CMUX_UA:
        case CMUX_DM:
        case CMUX_DISC:
        case CMUX_UIH:
        case CMUX_UI:
            return true;
    }
    return false;
}

// Length of the header in raw, 0 if it is not complete; *info is the length it tells.
// Returns -1 if it cannot be a header.
static int header(const cmux_rx_t *rx, size_t *info) {
    const uint8_t *raw = rx->raw;
    if ((rx->len >= 1 && !(raw[0] & EA)) || (rx->len >= 2 && !control_known(raw[1]))) {
        return -1;
    }
    int size = rx->len >= 3 && !(raw[2] & EA) ? 4 : 3;
    if (rx->len < (size_t)size) {
        return 0;
    }
    *info = raw[2] >> 1;
    if (size == 4) {
        *info |= (size_t)raw[3] << 7;
    }
    return *info > rx->n1 ? -1 : size;
}

size_t cmux_rx_wants(const cmux_rx_t *rx) {
    size_t info;
    if (!rx->synced || rx->len == 0) {
        return 1;
    }
    int size = header(rx, &info);
    if (size > 0) {
        return (size_t)size + info + 2 - rx->len;
    }
    // The shortest frame has five bytes from the address to the closing flag.
    return rx->len < 3 ? 5 - rx->len : 1;
}

void cmux_rx_feed(cmux_rx_t *rx, const uint8_t *data, size_t len) {
    rx->fed += (uint32_t)len;
    while (len-- > 0) {
        uint8_t byte = *data++;
        if (!rx->synced) {
            rx->synced = byte == CMUX_FLAG;
            rx->stray += !rx->synced;
        } else if ((rx->len > 0 || byte != CMUX_FLAG) && rx->len < rx->n1 + CMUX_OVERHEAD) {
            rx->raw[rx->len++] = byte;
        }
    }
}

// Drop the first bytes of raw.
static void drop(cmux_rx_t *rx, size_t count) {
    rx->len -= count;
    memmove(rx->raw, rx->raw + count, rx->len);
}

// What came is no frame: one may begin with any flag in it.
static void resync(cmux_rx_t *rx) {
    const uint8_t *flag = memchr(rx->raw, CMUX_FLAG, rx->len);
    rx->synced = flag != NULL;
    size_t gone = flag == NULL ? rx->len : (size_t)(flag - rx->raw) + 1;
    rx->stray += (uint32_t)gone;
    drop(rx, gone);
}

void cmux_rx_abandon(cmux_rx_t *rx) {
    if (rx->len > rx->done) {
        drop(rx, rx->done);
        rx->done = 0;
        ++rx->bad;
        resync(rx);
    }
}

bool cmux_rx_next(cmux_rx_t *rx, cmux_frame_t *frame) {
    drop(rx, rx->done);
    rx->done = 0;
    while (rx->len > 0) {
        if (rx->raw[0] == CMUX_FLAG) { // may be repeated between frames
            drop(rx, 1);
            continue;
        }
        size_t info = 0;
        int size = header(rx, &info);
        if (size >= 0) {
            size_t total = (size_t)size + info + 2;
            if (size == 0 || rx->len < total) {
                return false;
            }
            const uint8_t *raw = rx->raw;
            uint8_t control = raw[1] & (uint8_t)~CMUX_PF;
            // The checksum of UIH leaves the information out.
            uint8_t fcs = fcs_add(0xff, raw, (size_t)size + (control == CMUX_UIH ? 0 : info));
            if (fcs_add(fcs, raw + total - 2, 1) == FCS_GOOD && raw[total - 1] == CMUX_FLAG) {
                frame->dlci = raw[0] >> 2;
                frame->control = control;
                frame->cr = (raw[0] & CR) != 0;
                frame->pf = (raw[1] & CMUX_PF) != 0;
                frame->info = raw + size;
                frame->len = info;
                rx->done = total;
                return true;
            }
        }
        ++rx->bad;
        resync(rx);
    }
    return false;
}

size_t cmux_frame_put(uint8_t *out, uint8_t dlci, bool cr, uint8_t control, const uint8_t *info, size_t len) {
    uint8_t *p = out;
    *p++ = CMUX_FLAG;
    *p++ = (uint8_t)(dlci << 2 | (cr ? CR : 0) | EA);
    *p++ = control;
    if (len < 128) {
        *p++ = (uint8_t)(len << 1 | EA);
    } else {
        *p++ = (uint8_t)(len << 1);
        *p++ = (uint8_t)(len >> 7);
    }
    size_t covered = (size_t)(p - out) - 1;
    if (len > 0) {
        memmove(p, info, len);
    }
    p += len;
    if ((control & ~CMUX_PF) != CMUX_UIH) {
        covered += len;
    }
    *p++ = (uint8_t)(0xff - fcs_add(0xff, out + 1, covered));
    *p++ = CMUX_FLAG;
    return (size_t)(p - out);
}
