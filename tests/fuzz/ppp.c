// libFuzzer target for lwIP's PPP, as patched: `make fuzz`.
//
// The input is what a network says, and what time and the application do meanwhile. A peer that behaves brings the
// link to where the input wants to begin, and helps on when it asks for that. Frames are bytes as they come, or made
// here with a right checksum. Whatever comes, what lwIP says has to be whole frames whose lengths are right; memory is
// the sanitizers' part.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"
#include "netif/ppp/ppp_impl.h"
#include "netif/ppp/pppos.h"

#define MUST(x) do { if (!(x)) { fprintf(stderr, "not so: %s, line %d\n", #x, __LINE__); abort(); } } while (0)

enum { LCP = 0xc021, PAP = 0xc023, CHAP = 0xc223, IPCP = 0x8021, IPV6CP = 0x8057, IP = 0x21, IPV6 = 0x57 };

static unsigned long long fuzzed;
static uint32_t now, randomness;
static ppp_pcb *pcb;
static struct netif netif;
static bool open_line; // from connect() until the link is dead

// What lwIP said and nobody has looked at yet.
static uint8_t said[1 << 16];
static size_t said_len;

// The last request of each protocol, for the peer that behaves, and the identifiers in use.
static struct request {
    uint16_t protocol;
    uint8_t code, id;
    bool waits;
    uint8_t data[600];
    size_t len;
} requests[] = { { .protocol = LCP }, { .protocol = PAP }, { .protocol = CHAP }, { .protocol = IPCP }, { .protocol = IPV6CP } };
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static void tell(void) {
    fprintf(stderr, "fuzzed: %llu bytes of input\n", fuzzed);
}

uint32_t sys_now(void) {
    return now;
}

uint32_t sim_random(void);
uint32_t sim_random(void) {
    return randomness = randomness * 1664525 + 1013904223;
}

static size_t at_most(size_t len, size_t most) {
    return len < most ? len : most;
}

static uint16_t slow_fcs(const uint8_t *data, size_t len) {
    uint16_t fcs = 0xffff;
    for (size_t i = 0; i < 8 * len; ++i) {
        uint16_t bit = (uint16_t)((data[i / 8] >> i % 8 ^ fcs) & 1);
        fcs = (uint16_t)(fcs >> 1 ^ (bit ? 0x8408 : 0));
    }
    return (uint16_t)~fcs;
}

// One frame that lwIP said, without flags, escapes resolved.
static void look_at(uint8_t *frame, size_t len) {
    if (len == 0) {
        return;
    }
    MUST(len >= 4);
    MUST(slow_fcs(frame, len - 2) == (frame[len - 2] | frame[len - 1] << 8));
    len -= 2;
    if (len >= 2 && frame[0] == 0xff && frame[1] == 3) {
        frame += 2;
        len -= 2;
    }
    MUST(len >= 1);
    uint16_t protocol = *frame++;
    --len;
    if (!(protocol & 1)) {
        MUST(len >= 1);
        protocol = (uint16_t)(protocol << 8 | *frame++);
        --len;
    }
    for (size_t i = 0; i < REQUESTS; ++i) {
        struct request *r = &requests[i];
        if (r->protocol == protocol) {
            MUST(len >= 4 && (size_t)(frame[2] << 8 | frame[3]) == len && frame[0] != 0);
            MUST(len <= (size_t)LWIP_MAX(1500, pcb->peer_mru));
            if (frame[0] == 1 || protocol == CHAP) {
                r->code = frame[0];
                r->id = frame[1];
                r->waits = true;
                r->len = at_most(len - 4, sizeof(r->data));
                memcpy(r->data, frame + 4, r->len);
            }
        }
    }
}

static void look(void) {
    static uint8_t frame[1 << 16];
    size_t len = 0;
    for (size_t i = 0; i < said_len; ++i) {
        if (said[i] == 0x7e) {
            look_at(frame, len);
            len = 0;
        } else if (said[i] == 0x7d) {
            MUST(i + 1 < said_len && said[i + 1] != 0x7e);
            frame[len++] = said[++i] ^ 0x20;
        } else {
            frame[len++] = said[i];
        }
    }
    MUST(len == 0);
    said_len = 0;
}

static u32_t output(ppp_pcb *from, const void *data, u32_t len, void *ctx) {
    (void)from;
    (void)ctx;
    if (len <= sizeof(said) - said_len) {
        memcpy(said + said_len, data, len);
        said_len += len;
    }
    return len;
}

static void status(ppp_pcb *of, int code, void *ctx) {
    (void)ctx;
    if (code != PPPERR_NONE && of->phase == PPP_PHASE_DEAD) {
        open_line = false;
    }
}

static void feed(const uint8_t *data, size_t len) {
    uint8_t *exact = malloc(len);
    memcpy(exact, data, len);
    pppos_input(pcb, exact, (int)len);
    free(exact);
    look();
}

static size_t escaped(uint8_t byte, uint8_t *to) {
    if (byte >= 0x20 && byte != 0x7d && byte != 0x7e) {
        *to = byte;
        return 1;
    }
    to[0] = 0x7d;
    to[1] = byte ^ 0x20;
    return 2;
}

// A frame to lwIP: over the line, or straight into a buffer of just this size.
static void frame(uint16_t protocol, const uint8_t *payload, size_t len, bool straight) {
    static uint8_t plain[2048], line[4200];
    len = at_most(len, sizeof(plain) - 8);
    if (straight) {
        if (open_line) {
            struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(len + 2), PBUF_RAM);
            uint8_t *at = p->payload;
            at[0] = (uint8_t)(protocol >> 8);
            at[1] = (uint8_t)protocol;
            memcpy(at + 2, payload, len);
            ppp_input(pcb, p);
            look();
        }
        return;
    }
    memcpy(plain, (uint8_t[]) { 0xff, 3, (uint8_t)(protocol >> 8), (uint8_t)protocol }, 4);
    memcpy(plain + 4, payload, len);
    uint16_t fcs = slow_fcs(plain, len + 4);
    plain[len + 4] = (uint8_t)fcs;
    plain[len + 5] = (uint8_t)(fcs >> 8);
    size_t n = 0;
    line[n++] = 0x7e;
    for (size_t i = 0; i < len + 6; ++i) {
        n += escaped(plain[i], line + n);
    }
    line[n++] = 0x7e;
    feed(line, n);
}

static void packet(uint16_t protocol, uint8_t code, uint8_t id, const uint8_t *data, size_t len, bool straight) {
    static uint8_t whole[2048];
    len = at_most(len, sizeof(whole) - 4);
    whole[0] = code;
    whole[1] = id;
    whole[2] = (uint8_t)((len + 4) >> 8);
    whole[3] = (uint8_t)(len + 4);
    memcpy(whole + 4, data, len);
    frame(protocol, whole, len + 4, straight);
}

// Addresses of 0.0.0.0 (and no interface identifier) are asked for: true if there were any.
static bool fill_in(uint8_t *data, size_t len) {
    bool any = false;
    for (size_t i = 0; i + 2 <= len && data[i + 1] >= 2; i += data[i + 1]) {
        size_t n = data[i + 1];
        if ((n == 6 || n == 10) && i + n <= len && memcmp(data + i + 2, "\0\0\0\0\0\0\0\0", n - 2) == 0) {
            memset(data + i + 2, 10, n - 2);
            any = true;
        }
    }
    return any;
}

// What a peer that behaves says next.
static void help(uint8_t auth) {
    static const uint8_t ask_pap[] = { 2, 6, 0, 0, 0, 0, 3, 4, 0xc0, 0x23, 7, 2, 8, 2 };
    static const uint8_t ask_chap[] = { 2, 6, 0, 0, 0, 0, 3, 5, 0xc2, 0x23, 5, 7, 2, 8, 2 };
    static const uint8_t address[] = { 3, 6, 10, 64, 64, 64 };
    static const uint8_t vj[] = { 3, 6, 10, 64, 64, 64, 2, 6, 0, 0x2d, 15, 1 };
    static const uint8_t interface[] = { 1, 10, 2, 0, 0, 0, 0, 0, 0, 1 };
    for (size_t i = 0; i < REQUESTS && open_line; ++i) {
        struct request *r = &requests[i], was = *r;
        if (!was.waits) {
            continue;
        }
        r->waits = false;
        if (was.protocol == PAP || was.protocol == CHAP) {
            packet(was.protocol, was.protocol == PAP ? 2 : 3, was.id, (uint8_t[]) { 0 }, 1, false);
            continue;
        }
        bool nak = was.protocol != LCP && fill_in(was.data, was.len);
        packet(was.protocol, nak ? 3 : 2, was.id, was.data, was.len, false);
    }
    if (!open_line) {
        return;
    }
    if (pcb->lcp_fsm.state != PPP_FSM_OPENED) {
        if (auth == 1) {
            packet(LCP, 1, 1, ask_pap, sizeof(ask_pap), false);
        } else if (auth == 2) {
            packet(LCP, 1, 1, ask_chap, sizeof(ask_chap), false);
        } else {
            packet(LCP, 1, 1, ask_pap, 6, false);
        }
    } else if (pcb->phase == PPP_PHASE_AUTHENTICATE && auth == 2) {
        packet(CHAP, 1, 7, (const uint8_t *)"\4abcdpeer", 9, false);
    } else if (pcb->ipcp_fsm.state != PPP_FSM_OPENED) {
        packet(IPCP, 1, 1, VJ_SUPPORT ? vj : address, VJ_SUPPORT ? sizeof(vj) : sizeof(address), false);
    }
    #if PPP_IPV6_SUPPORT
    if (open_line && pcb->lcp_fsm.state == PPP_FSM_OPENED && pcb->ipv6cp_fsm.state != PPP_FSM_OPENED) {
        packet(IPV6CP, 1, 1, interface, sizeof(interface), false);
    }
    #else
    (void)interface;
    #endif
}

static void pass(uint32_t ms) {
    now += ms;
    sys_check_timeouts();
    look();
}

static void connect_line(bool listen) {
    open_line = true;
    for (size_t i = 0; i < REQUESTS; ++i) {
        requests[i].waits = false;
    }
    #if PPP_SERVER
    if (listen) {
        ppp_set_auth_required(pcb, 1);
        ppp_listen(pcb);
        return;
    }
    ppp_set_auth_required(pcb, 0);
    #endif
    (void)listen;
    ppp_connect(pcb, 0);
    look();
}

// An IP packet of our own: its headers are right, what is in them is the input's.
static void send_packet(const uint8_t *data, size_t len) {
    struct pbuf *p = pbuf_alloc(PBUF_LINK, (u16_t)(len + 40), PBUF_RAM);
    uint8_t *ip = p->payload;
    ip4_addr_t to;
    IP4_ADDR(&to, 10, 64, 64, 64);
    memset(ip, 0, 40);
    memcpy(ip, data, at_most(len, 40));
    memcpy(ip + 40, data, len);
    ip[0] = 0x45;
    ip[2] = (uint8_t)(p->len >> 8);
    ip[3] = (uint8_t)p->len;
    ip[32] = 0x50;
    netif.output(&netif, p, &to);
    pbuf_free(p);
    look();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint16_t protocols[] = { LCP, LCP, LCP, LCP, PAP, CHAP, IPCP, IPCP, IPV6CP, IP, 0x2d, 0x2f, 0x80fd, IPV6, 0xc025, 0x4321 };
    static char user[400], password[400];
    static uint8_t piece[2048];
    if (size < 2) {
        return 0;
    }
    if (fuzzed == 0) {
        lwip_init();
        atexit(tell);
    }
    fuzzed += size;
    randomness = 800;
    // The first byte: whom we log in as, how far the link gets first, who begins.
    uint8_t how = data[0], auth = how & 3;
    bool listen = PPP_SERVER && (how & 0x20);
    static const size_t lengths[] = { 4, 255, 0, 380 };
    memset(user, 'u', sizeof(user));
    memset(password, 'p', sizeof(password));
    user[lengths[how >> 6]] = password[lengths[how >> 6]] = '\0';
    ++data;
    --size;
    said_len = 0;
    pcb = pppos_create(&netif, output, status, NULL);
    MUST(pcb != NULL);
    // As network.PPP sets it up
    ppp_set_auth(pcb, auth == 2 ? PPPAUTHTYPE_CHAP : auth == 1 ? PPPAUTHTYPE_PAP : PPPAUTHTYPE_ANY, user, password);
    ppp_set_usepeerdns(pcb, true);
    netif_set_default(&netif);
    connect_line(listen);
    // 0: LCP begins, 1: LCP has opened, 2 and 3: until IP runs
    static const uint8_t phases[] = { PPP_PHASE_DEAD, PPP_PHASE_AUTHENTICATE, PPP_PHASE_NETWORK, PPP_PHASE_RUNNING };
    uint8_t wanted = phases[how >> 3 & 3];
    for (int i = 0; i < 12 && open_line && (pcb->phase < wanted || (wanted == PPP_PHASE_RUNNING && !pcb->if4_up)); ++i) {
        help(auth);
    }
    bool packets = false;
    while (size > 0) {
        uint8_t what = *data++;
        --size;
        if (what < 0x60) {
            size_t len = at_most(what, size);
            feed(data, len);
            data += len;
            size -= len;
        } else if (what < 0xe0) {
            // A frame: protocol, code and identifier, how long, how often that is said again, its bytes.
            if (size < 4) {
                break;
            }
            uint16_t protocol = protocols[what & 15];
            bool straight = what & 0x10;
            uint8_t code = data[0], id = data[1], times = data[3];
            size_t len = at_most(data[2], size - 4), n = 0;
            data += 4;
            for (size_t i = 0; i < REQUESTS; ++i) {
                if (requests[i].protocol == protocol && id < 0xc0) {
                    id = requests[i].id; // an answer, most of the time
                }
            }
            for (int i = 0; i <= times && n + len <= 1600; ++i) {
                memcpy(piece + n, data, len);
                n += len;
            }
            data += len;
            size -= len + 4;
            if (protocol == IP || protocol == IPV6 || what >= 0xc0 || protocol < 0x100) {
                packets = true;
                frame(protocol, piece, n, straight);
            } else {
                packet(protocol, code, id, piece, n, straight);
            }
        } else if (what < 0xe8) {
            help(auth);
        } else if (what < 0xf0) {
            pass(what & 1 ? 1000 : what & 2 ? 6000 : 100);
        } else if (what < 0xf4) {
            ppp_close(pcb, what & 1);
            look();
        } else if (what < 0xf8) {
            if (pcb->phase == PPP_PHASE_DEAD) {
                connect_line(listen);
            }
        } else {
            size_t len = at_most(what == 0xff ? 255 : 40, size);
            if (len > 0 && pcb->if4_up) {
                send_packet(data, len);
            }
            data += len;
            size -= len;
        }
    }
    // It ends when it is told to, even if nobody answers: two Terminate-Requests of 6 s each.
    ppp_close(pcb, how & 1);
    for (int i = 0; i < 4 && pcb->phase != PPP_PHASE_DEAD; ++i) {
        pass(6000);
    }
    MUST(pcb->phase == PPP_PHASE_DEAD);
    MUST(ppp_free(pcb) == ERR_OK);
    for (int i = 0; packets && i < 40; ++i) {
        pass(1000); // fragments are given up
    }
    said_len = 0;
    return 0;
}
