// Frames of 3GPP TS 27.010, basic option: bytes to frames and back. Plain C.

#ifndef CMUX_FRAME_H
#define CMUX_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMUX_FLAG (0xf9)

// Address, control, two bytes of length, checksum, and a flag at either end.
#define CMUX_OVERHEAD (7)

// The control field, without the P/F bit.
#define CMUX_SABM (0x2f)
#define CMUX_UA (0x63)
#define CMUX_DM (0x0f)
#define CMUX_DISC (0x43)
#define CMUX_UIH (0xef)
#define CMUX_UI (0x03)
#define CMUX_PF (0x10)

typedef struct _cmux_frame_t {
    uint8_t dlci;
    uint8_t control; // without the P/F bit
    bool cr;
    bool pf;
    const uint8_t *info; // in the digester's buffer, until the next call
    size_t len;
} cmux_frame_t;

// The digester. A frame that is damaged is looked through again from behind its first
// flag, as a byte lost in it makes it swallow the beginning of the next.
typedef struct _cmux_rx_t {
    uint8_t *raw; // what came behind the opening flag
    size_t n1;
    size_t len;
    size_t done; // bytes of a frame that has been given out
    bool synced; // a flag has been seen
    uint32_t fed; // bytes taken
    uint32_t bad; // frames damaged
    uint32_t stray; // bytes outside of frames
} cmux_rx_t;

// raw: n1 + CMUX_OVERHEAD bytes. n1: the longest information field.
void cmux_rx_init(cmux_rx_t *rx, uint8_t *raw, size_t n1);
// How many more bytes are sure to belong to the frame that has begun, at least 1: who feeds
// no more than that takes nothing that comes behind a frame.
size_t cmux_rx_wants(const cmux_rx_t *rx);
// Take bytes, at most cmux_rx_wants(). All frames must have been taken out before.
void cmux_rx_feed(cmux_rx_t *rx, const uint8_t *data, size_t len);
// The line fell silent within a frame: what has come of it is no frame.
void cmux_rx_abandon(cmux_rx_t *rx);
// Take out the next frame that is complete; false if there is none.
bool cmux_rx_next(cmux_rx_t *rx, cmux_frame_t *frame);

// Write a frame to out, which has room for len + CMUX_OVERHEAD; its length.
size_t cmux_frame_put(uint8_t *out, uint8_t dlci, bool cr, uint8_t control, const uint8_t *info, size_t len);

#endif // CMUX_FRAME_H
