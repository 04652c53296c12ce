// How blocking calls of sockets wait. extmod/modlwip.c is compiled so that it calls the
// functions here instead of the ones they replace.
//
// SIM_BLOCKING=esp32: as on the chip. Such a call waits in ESP-IDF's lwIP, in slices of
// 100 ms; callbacks and Ctrl-C have their turn between slices. getaddrinfo() waits in
// one piece, so they have none at all. Errors keep the host's numbers (ETIMEDOUT is 110
// here, 116 on the chip).

#include <stdlib.h>

#include "py/runtime.h"
#include "py/mphal.h"
#include "extmod/modnetwork.h"
#include "lwip/dns.h"
#include "sim.h"

#define SLICE_US (100000)
// How long SIM_BLOCKING=poll sleeps at most.
#define POLL_US (10000)
// EAI_FAIL: what lwip_getaddrinfo() of ESP-IDF says to every failed look-up.
#define GETADDRINFO_FAILED (-202)

typedef struct _dns_call_t {
    dns_found_callback found;
    void *arg;
    struct _dns_call_t **current;
} dns_call_t;

// The look-up this thread waits for.
static __thread dns_call_t *dns_current;
static __thread uint64_t slice_end_us;
static __thread uint64_t left_us;

static void dns_found(const char *name, const ip_addr_t *ipaddr, void *arg) {
    dns_call_t *call = arg;
    if (call->current != NULL) {
        call->found(name, ipaddr, call->arg);
        *call->current = NULL;
    }
    free(call);
}

err_t sim_dns_gethostbyname_addrtype(const char *hostname, ip_addr_t *addr, dns_found_callback found, void *arg, u8_t type);
err_t sim_dns_gethostbyname_addrtype(const char *hostname, ip_addr_t *addr, dns_found_callback found, void *arg, u8_t type) {
    dns_call_t *call = malloc(sizeof(*call));
    call->found = found;
    call->arg = arg;
    call->current = &dns_current;
    err_t err = dns_gethostbyname_addrtype(hostname, addr, dns_found, call, type);
    if (err == ERR_INPROGRESS) {
        dns_current = call;
    } else {
        free(call);
        if (err == ERR_MEM) {
            err = ERR_VAL; // -1 would not be known for what it is below
        }
    }
    return err;
}

__attribute__((noreturn)) void sim_socket_raise_OSError(int errno_);
void sim_socket_raise_OSError(int errno_) {
    // Negative numbers come from getaddrinfo(), but for -1 (ERR_IF).
    mod_network_raise_socket_error(errno_ < -1 ? GETADDRINFO_FAILED : errno_);
}

// An exception leaves getaddrinfo() for good: lwIP must not call back into its stack.
static void handle_pending(void) {
    if (dns_current != NULL && sim_interrupted()) {
        dns_current->current = NULL;
        dns_current = NULL;
    }
    mp_handle_pending(true);
}

void sim_socket_wait_ms(mp_uint_t timeout_ms);
void sim_socket_wait_ms(mp_uint_t timeout_ms) {
    uint64_t now = sim_now_us();
    // A call that does not want to block waits once, and shortly.
    bool first = now - left_us > 1000;
    uint64_t until = first ? now + timeout_ms * 1000 : SIM_FOREVER;
    if (sim_blocking == SIM_BLOCKING_POLL) {
        handle_pending();
        if (MP_STATE_VM(sched_state) == MP_SCHED_PENDING) {
            until = 0;
        } else if (until > now + POLL_US) {
            until = now + POLL_US;
        }
    } else if (dns_current == NULL) {
        if (first) {
            slice_end_us = now + SLICE_US;
        } else if (now >= slice_end_us) {
            slice_end_us = now + SLICE_US;
            handle_pending();
        }
        if (until > slice_end_us) {
            until = slice_end_us;
        }
    }
    sim_wait_until(until);
    sim_background();
    left_us = sim_now_us();
}
