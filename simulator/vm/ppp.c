// What network.PPP needs around it. extmod/network_ppp_lwip.c is compiled so that it
// calls the functions here instead of the ones they replace.

#include <stdlib.h>
#include <string.h>

#include "py/objtype.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "netif/ppp/pppapi.h"
#include "netif/ppp/pppos.h"
#include "native_stream.h"
#include "sim.h"

static ppp_pcb *input_pcb; // pppos_input() is working on this one
static bool input_freed; // and was told to free it

ppp_pcb *sim_pppos_create(struct netif *netif, pppos_output_cb_fn output, ppp_link_status_cb_fn status, void *ctx);
ppp_pcb *sim_pppos_create(struct netif *netif, pppos_output_cb_fn output, ppp_link_status_cb_fn status, void *ctx) {
    input_freed = false;
    return pppos_create(netif, output, status, ctx);
}

// pppos_input() looks at its control block again after the callback that says the link
// has ended, and network.PPP frees it there: so the freeing waits until it returns.
err_t sim_ppp_free(ppp_pcb *pcb);
err_t sim_ppp_free(ppp_pcb *pcb) {
    if (pcb != NULL && pcb == input_pcb && pcb->phase == PPP_PHASE_DEAD) {
        input_freed = true;
        return ERR_OK;
    }
    return ppp_free(pcb);
}

void sim_pppos_input(ppp_pcb *pcb, const void *data, int len);
void sim_pppos_input(ppp_pcb *pcb, const void *data, int len) {
    if (pcb == NULL) {
        return;
    }
    sim_lwip_enter();
    input_pcb = pcb;
    input_freed = false;
    pppos_input(pcb, data, len);
    input_pcb = NULL;
    if (input_freed) {
        ppp_free(pcb);
    }
    sim_lwip_exit();
}

// lwIP keeps pointers to the credentials, MicroPython's strings may go.
void sim_ppp_set_auth(ppp_pcb *pcb, u8_t authtype, const char *user, const char *passwd);
void sim_ppp_set_auth(ppp_pcb *pcb, u8_t authtype, const char *user, const char *passwd) {
    static char *kept_user, *kept_passwd;
    char *old_user = kept_user, *old_passwd = kept_passwd;
    kept_user = strdup(user);
    kept_passwd = strdup(passwd);
    ppp_set_auth(pcb, authtype, kept_user, kept_passwd);
    free(old_user);
    free(old_passwd);
}

// A stream of modules/cmux, which works without Python as a UART does.
static bool stream_is_native(mp_obj_t stream, native_stream_t *native) {
    int errcode;
    const mp_stream_p_t *protocol = mp_get_stream(stream);
    // Streams written in Python have an ioctl() too, which is not to be called for that.
    return !mp_obj_is_instance_type(mp_obj_get_type(stream)) && protocol->ioctl != NULL
        && protocol->ioctl(stream, NATIVE_STREAM_IOCTL, (uintptr_t)native, &errcode) == 0;
}

static void call_poll(void *poll) {
    mp_call_function_0(poll);
}

mp_uint_t sim_ppp_stream_rw(mp_obj_t stream, void *buf, mp_uint_t size, int *errcode, byte flags);
mp_uint_t sim_ppp_stream_rw(mp_obj_t stream, void *buf, mp_uint_t size, int *errcode, byte flags) {
    bool write = (flags & MP_STREAM_RW_WRITE) != 0;
    if (!write && input_freed) {
        // The link ended with the last piece: what comes after it is not PPP's.
        input_freed = false;
        return 0;
    }
    if (sim_uart_is(stream)) {
        if (write) {
            return sim_uart_write_now(stream, buf, size) ? size : 0;
        } else if (sim_ppp_native) {
            return sim_uart_read_now(stream, buf, size);
        }
    }
    native_stream_t native;
    if (stream_is_native(stream, &native)) {
        return write ? native.write(native.ctx, buf, size) : native.read(native.ctx, buf, size);
    }
    if (!write) {
        return mp_stream_rw(stream, buf, size, errcode, flags);
    }
    // A stream in Python, called from inside lwIP: it must neither come back to lwIP nor
    // throw an exception through it.
    mp_uint_t n = 0;
    nlr_buf_t nlr;
    sim_lwip_enter();
    if (nlr_push(&nlr) == 0) {
        n = mp_stream_rw(stream, buf, size, errcode, flags);
        nlr_pop();
    } else {
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    sim_lwip_exit();
    return n;
}

// The only method network.PPP calls is its stream's irq(): with its own poll() as the
// handler, or None. SIM_PPP_INPUT=native: poll() becomes the reader of a machine.UART.
mp_obj_t sim_ppp_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);
mp_obj_t sim_ppp_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    if (sim_ppp_native && sim_uart_set_reader(args[1], args[2])) {
        return mp_const_none;
    }
    native_stream_t native;
    if (sim_ppp_native && stream_is_native(args[1], &native)) {
        native.set_user(native.ctx, args[2] == mp_const_none ? NULL : call_poll, args[2]);
        return mp_const_none;
    }
    if (args[2] != mp_const_none) {
        return mp_call_method_n_kw(n_args, n_kw, args);
    }
    // Switching off happens inside lwIP's callbacks, where nothing may be raised.
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_method_n_kw(n_args, n_kw, args);
        nlr_pop();
    }
    return mp_const_none;
}
