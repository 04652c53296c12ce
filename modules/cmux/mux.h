// The multiplexer of 3GPP TS 27.010 (basic option, initiating side) between frames and
// DLCIs' buffers. Plain C: it sends nothing itself and knows no time; what is to be sent
// is written to `out`, which has room for n1 + CMUX_OVERHEAD bytes.

#ifndef CMUX_MUX_H
#define CMUX_MUX_H

#include "frame.h"

#define CMUX_DLCIS (5) // the control channel 0, and those a SIM800 has: 1 to 4
#define CMUX_N1_MIN (16) // a control message must fit
#define CMUX_N1_MAX (255)

typedef enum {
    CMUX_CLOSED,
    CMUX_OPENING,
    CMUX_OPEN,
    CMUX_CLOSING,
    CMUX_REFUSED, // the modem said DM
    CMUX_SILENT, // the modem did not answer
} cmux_state_t;

typedef struct _cmux_dlc_t {
    uint8_t state;
    uint8_t tries; // of SABM, DISC or CLD
    uint32_t since; // the last of them, ms
    bool stopped; // by the modem: nothing may be sent
    bool stop; // the modem is to stop
    uint8_t msc; // tries left of the MSC command that has not been answered
    bool msc_sent;
    uint32_t msc_since;
    uint8_t *buf;
    size_t size, start, len;
    uint32_t lost; // bytes there was no room for
} cmux_dlc_t;

typedef struct _cmux_t {
    cmux_rx_t rx;
    uint32_t t1; // ms until SABM, DISC and commands are sent again
    uint8_t n2; // how often
    bool stopped; // by FCoff
    uint32_t rx_fed, rx_since; // when what the digester had been fed last changed, ms
    uint32_t frames; // good ones that came
    cmux_dlc_t dlc[CMUX_DLCIS];
} cmux_t;

void cmux_init(cmux_t *mux, uint8_t *raw, size_t n1, uint32_t t1, uint8_t n2);

// Begin to open a DLCI (0 first) with `size` bytes for what it receives; to close one (0:
// the multiplexer). cmux_tick() does the rest.
void cmux_open(cmux_t *mux, uint8_t dlci, uint8_t *buf, size_t size);
void cmux_close(cmux_t *mux, uint8_t dlci);
// All is closed, nothing more is to be said.
void cmux_end(cmux_t *mux);
static inline bool cmux_ended(const cmux_t *mux) {
    return mux->dlc[0].state != CMUX_OPENING && mux->dlc[0].state != CMUX_OPEN && mux->dlc[0].state != CMUX_CLOSING;
}

// The next frame that is due at `now` (ms); its length, 0 if nothing is. A frame that stops
// halfway is given up after a second: cmux_step() may find others in it.
size_t cmux_tick(cmux_t *mux, uint32_t now, uint8_t *out);

// How many bytes to read from the line, 0 if none are the multiplexer's any more.
size_t cmux_wants(const cmux_t *mux);
// Take bytes from the line, at most cmux_wants(); then cmux_step() until it returns false.
// It sets *out_len to the length of an answer to be sent, and *dlci to the one that has
// got data, else 0.
void cmux_feed(cmux_t *mux, const uint8_t *data, size_t len);
bool cmux_step(cmux_t *mux, uint8_t *out, size_t *out_len, uint8_t *dlci);

// Take received data out.
size_t cmux_read(cmux_t *mux, uint8_t dlci, uint8_t *data, size_t len);
bool cmux_may_write(const cmux_t *mux, uint8_t dlci);
// Make a frame of the first of `len` bytes, *taken of them; its length, 0 if none may be
// sent now.
size_t cmux_write(cmux_t *mux, uint8_t dlci, const uint8_t *data, size_t len, uint8_t *out, size_t *taken);

#endif // CMUX_MUX_H
