// Sections of 3GPP TS 27.010: 5.4.1 opening, 5.4.2 and 5.4.6.3.3 closing, 5.4.6.3 the control
// channel's messages, 5.4.8 flow control.

#include <string.h>

#include "mux.h"

// Types of messages on the control channel, without C/R: the bits and EA.
#define MSG_CR (0x02)
#define MSG_NSC (0x11)
#define MSG_TEST (0x21)
#define MSG_PSC (0x41)
#define MSG_FCOFF (0x61)
#define MSG_FCON (0xa1)
#define MSG_CLD (0xc1)
#define MSG_MSC (0xe1)

// Signals of MSC: ready to communicate, ready to receive, data valid; flow control.
#define SIGNALS (0x8d)
#define SIGNAL_FC (0x02)
#define MSC_GO_TRIES (255)

// A modem that stops for so long within a frame will not end it.
#define SILENCE_MS (1000)

void cmux_init(cmux_t *mux, uint8_t *raw, size_t n1, uint32_t t1, uint8_t n2) {
    memset(mux, 0, sizeof(*mux));
    cmux_rx_init(&mux->rx, raw, n1);
    mux->t1 = t1;
    mux->n2 = n2;
}

void cmux_open(cmux_t *mux, uint8_t dlci, uint8_t *buf, size_t size) {
    cmux_dlc_t *dlc = &mux->dlc[dlci];
    memset(dlc, 0, sizeof(*dlc));
    dlc->buf = buf;
    dlc->size = size;
    dlc->state = CMUX_OPENING;
}

void cmux_close(cmux_t *mux, uint8_t dlci) {
    cmux_dlc_t *dlc = &mux->dlc[dlci];
    if (dlc->state == CMUX_OPENING || dlc->state == CMUX_OPEN) {
        dlc->state = CMUX_CLOSING;
        dlc->tries = 0;
    }
}

static void dlc_end(cmux_dlc_t *dlc, cmux_state_t state) {
    dlc->state = state;
    dlc->msc = 0;
}

static void end(cmux_t *mux, cmux_state_t state) {
    for (int i = 0; i < CMUX_DLCIS; ++i) {
        dlc_end(&mux->dlc[i], i == 0 ? state : CMUX_CLOSED);
    }
}

void cmux_end(cmux_t *mux) {
    end(mux, CMUX_CLOSED);
}

// A command on the control channel.
static size_t command(uint8_t *out, uint8_t type, const uint8_t *value, size_t len) {
    uint8_t info[4] = { type | MSG_CR, (uint8_t)(len << 1 | 1) };
    if (len > 0) {
        memcpy(info + 2, value, len);
    }
    return cmux_frame_put(out, 0, true, CMUX_UIH, info, 2 + len);
}

static void msc_start(cmux_dlc_t *dlc, uint8_t tries) {
    dlc->msc = tries;
    dlc->msc_sent = false;
}

size_t cmux_tick(cmux_t *mux, uint32_t now, uint8_t *out) {
    if (mux->rx.fed != mux->rx_fed) {
        mux->rx_fed = mux->rx.fed;
        mux->rx_since = now;
    } else if (now - mux->rx_since >= SILENCE_MS) {
        cmux_rx_abandon(&mux->rx);
    }
    for (uint8_t i = 0; i < CMUX_DLCIS; ++i) {
        cmux_dlc_t *dlc = &mux->dlc[i];
        bool opening = dlc->state == CMUX_OPENING;
        if (i > 0 && mux->dlc[0].state != CMUX_OPEN) {
            break;
        }
        if ((opening || dlc->state == CMUX_CLOSING) && (dlc->tries == 0 || now - dlc->since >= mux->t1)) {
            if (dlc->tries > mux->n2) {
                if (i == 0) {
                    end(mux, opening ? CMUX_SILENT : CMUX_CLOSED);
                    return 0;
                }
                dlc_end(dlc, opening ? CMUX_SILENT : CMUX_CLOSED);
                continue;
            }
            ++dlc->tries;
            dlc->since = now;
            return opening ? cmux_frame_put(out, i, true, CMUX_SABM | CMUX_PF, NULL, 0)
                : i == 0 ? command(out, MSG_CLD, NULL, 0)
                : cmux_frame_put(out, i, true, CMUX_DISC | CMUX_PF, NULL, 0);
        }
        if (dlc->msc > 0 && (!dlc->msc_sent || now - dlc->msc_since >= mux->t1)) {
            dlc->msc_sent = true;
            dlc->msc_since = now;
            --dlc->msc;
            uint8_t value[] = { (uint8_t)(i << 2 | 3), (uint8_t)(SIGNALS | (dlc->stop ? SIGNAL_FC : 0)) };
            return command(out, MSG_MSC, value, sizeof(value));
        }
    }
    return 0;
}

size_t cmux_wants(const cmux_t *mux) {
    return cmux_ended(mux) ? 0 : cmux_rx_wants(&mux->rx);
}

void cmux_feed(cmux_t *mux, const uint8_t *data, size_t len) {
    cmux_rx_feed(&mux->rx, data, len);
}

static void answered(cmux_t *mux, uint8_t type, const uint8_t *value, size_t len) {
    if (type == MSG_MSC && len >= 2 && value[0] >> 2 < CMUX_DLCIS) {
        cmux_dlc_t *dlc = &mux->dlc[value[0] >> 2];
        // An answer to an earlier one may be late.
        if (dlc->msc_sent && dlc->stop == ((value[1] & SIGNAL_FC) != 0)) {
            dlc->msc = 0;
        }
    } else if (type == MSG_CLD && mux->dlc[0].state == CMUX_CLOSING) {
        end(mux, CMUX_CLOSED);
    } else if (type == MSG_NSC && len >= 1 && (value[0] & ~MSG_CR) == MSG_MSC) {
        for (int i = 1; i < CMUX_DLCIS; ++i) {
            mux->dlc[i].msc = 0;
        }
    }
}

// Do a command of the modem's. False if it is none that is known.
static bool obey(cmux_t *mux, uint8_t type, const uint8_t *value, size_t len) {
    switch (type) {
        case MSG_MSC:
            if (len >= 2 && value[0] >> 2 < CMUX_DLCIS) {
                mux->dlc[value[0] >> 2].stopped = (value[1] & SIGNAL_FC) != 0;
            }
            return true;
        case MSG_FCON:
        case MSG_FCOFF:
            mux->stopped = type == MSG_FCOFF;
            return true;
        case MSG_CLD:
            end(mux, CMUX_CLOSED);
            return true;
        case MSG_TEST:
        case MSG_PSC:
            return true;
    }
    return false;
}

// A frame may carry several messages; so does the one that answers them.
static size_t control(cmux_t *mux, const uint8_t *info, size_t len, uint8_t *out) {
    // The answer grows behind the place for its header, which is written last.
    uint8_t *reply = out + 5;
    size_t reply_len = 0;
    while (len >= 2 && (info[0] & 1)) {
        uint8_t type = info[0] & (uint8_t)~MSG_CR;
        size_t head = info[1] & 1 ? 2 : 3;
        size_t size = info[1] >> 1;
        if (head == 3) {
            if (len < 3) {
                break;
            }
            size |= (size_t)info[2] << 7;
        }
        if (size > len - head) {
            break;
        }
        if (!(info[0] & MSG_CR)) {
            answered(mux, type, info + head, size);
        } else if (obey(mux, type, info + head, size)) {
            if (reply_len + head + size <= mux->rx.n1) {
                memcpy(reply + reply_len, info, head + size);
                reply[reply_len] = type;
                reply_len += head + size;
            }
        } else if (reply_len + 3 <= mux->rx.n1) {
            const uint8_t nsc[] = { MSG_NSC, 1 << 1 | 1, info[0] };
            memcpy(reply + reply_len, nsc, sizeof(nsc));
            reply_len += sizeof(nsc);
        }
        info += head + size;
        len -= head + size;
    }
    return reply_len > 0 ? cmux_frame_put(out, 0, true, CMUX_UIH, reply, reply_len) : 0;
}

static void store(cmux_t *mux, cmux_dlc_t *dlc, const uint8_t *data, size_t len) {
    if (len > dlc->size - dlc->len) {
        dlc->lost += (uint32_t)(len - (dlc->size - dlc->len));
        len = dlc->size - dlc->len;
    }
    size_t at = (dlc->start + dlc->len) % dlc->size;
    size_t first = len < dlc->size - at ? len : dlc->size - at;
    memcpy(dlc->buf + at, data, first);
    memcpy(dlc->buf, data + first, len - first);
    dlc->len += len;
    if (!dlc->stop && dlc->len > dlc->size / 2) {
        dlc->stop = true;
        msc_start(dlc, mux->n2 + 1);
    }
}

static void opened(cmux_t *mux, uint8_t dlci) {
    mux->dlc[dlci].state = CMUX_OPEN;
    if (dlci > 0) {
        msc_start(&mux->dlc[dlci], mux->n2 + 1);
    }
}

bool cmux_step(cmux_t *mux, uint8_t *out, size_t *out_len, uint8_t *dlci) {
    cmux_frame_t frame;
    *out_len = 0;
    *dlci = 0;
    if (cmux_ended(mux) || !cmux_rx_next(&mux->rx, &frame)) {
        return false;
    }
    ++mux->frames;
    uint8_t i = frame.dlci;
    cmux_dlc_t *dlc = i < CMUX_DLCIS ? &mux->dlc[i] : NULL;
    uint8_t state = dlc == NULL ? CMUX_CLOSED : dlc->state;
    switch (frame.control) {
        // A modem in command mode echoes: its answers have C/R set, its commands have not,
        // and ours the other way round.
        case CMUX_UA:
        case CMUX_DM:
            if (!frame.cr || (state != CMUX_OPENING && state != CMUX_OPEN && state != CMUX_CLOSING)) {
                break;
            }
            if (frame.control == CMUX_UA) {
                if (state == CMUX_OPENING) {
                    opened(mux, i);
                } else if (state == CMUX_CLOSING && i > 0) {
                    dlc_end(dlc, CMUX_CLOSED);
                }
            } else if (i == 0) {
                end(mux, state == CMUX_OPENING ? CMUX_REFUSED : CMUX_CLOSED);
            } else {
                dlc_end(dlc, state == CMUX_OPENING ? CMUX_REFUSED : CMUX_CLOSED);
            }
            break;
        case CMUX_SABM:
        case CMUX_DISC:
            if (!frame.cr) {
                bool open = frame.control == CMUX_DISC && (state == CMUX_OPEN || state == CMUX_CLOSING);
                *out_len = cmux_frame_put(out, i, false, (open ? CMUX_UA : CMUX_DM) | CMUX_PF, NULL, 0);
                if (open && i == 0) {
                    end(mux, CMUX_CLOSED);
                } else if (open) {
                    dlc_end(dlc, CMUX_CLOSED);
                }
            }
            break;
        case CMUX_UIH:
        case CMUX_UI:
            // Modems differ in C/R here.
            if (i == 0 && (state == CMUX_OPEN || state == CMUX_CLOSING)) {
                *out_len = control(mux, frame.info, frame.len, out);
            } else if (state == CMUX_OPEN && frame.len > 0) {
                store(mux, dlc, frame.info, frame.len);
                *dlci = i;
            }
            break;
    }
    return true;
}

size_t cmux_read(cmux_t *mux, uint8_t dlci, uint8_t *data, size_t len) {
    cmux_dlc_t *dlc = &mux->dlc[dlci];
    if (len > dlc->len) {
        len = dlc->len;
    }
    if (len == 0) {
        return 0;
    }
    size_t first = len < dlc->size - dlc->start ? len : dlc->size - dlc->start;
    memcpy(data, dlc->buf + dlc->start, first);
    memcpy(data + first, dlc->buf, len - first);
    dlc->start = (dlc->start + len) % dlc->size;
    dlc->len -= len;
    if (dlc->stop && dlc->len <= dlc->size / 4) {
        dlc->stop = false;
        if (dlc->state == CMUX_OPEN) {
            // A modem that never hears that it may go on would be silent for ever.
            msc_start(dlc, MSC_GO_TRIES);
        }
    }
    return len;
}

bool cmux_may_write(const cmux_t *mux, uint8_t dlci) {
    const cmux_dlc_t *dlc = &mux->dlc[dlci];
    return mux->dlc[0].state == CMUX_OPEN && dlc->state == CMUX_OPEN && !dlc->stopped && !mux->stopped;
}

size_t cmux_write(cmux_t *mux, uint8_t dlci, const uint8_t *data, size_t len, uint8_t *out, size_t *taken) {
    *taken = 0;
    if (len == 0 || !cmux_may_write(mux, dlci)) {
        return 0;
    }
    *taken = len < mux->rx.n1 ? len : mux->rx.n1;
    return cmux_frame_put(out, dlci, true, CMUX_UIH, data, *taken);
}
