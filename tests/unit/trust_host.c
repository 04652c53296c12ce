// Judges chains as a TLS connection of the firmware does: modules/trust and mbedTLS, without a network.
//
// Input: jobs of u64 seconds since 1970, u8 whether the peer is a server, then the host, a set of roots, the chain
// and the CAs; each text or certificate has u32 for its length before it, each list u8 for how many there are.
// All numbers begin with the high byte. Output: a line for each job, `FLAGS DEPTH:FLAGS ...`, or what could not be parsed.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trust.h"

static uint64_t now;

time_t sim_mbedtls_time(time_t *timer);
time_t sim_mbedtls_time(time_t *timer) {
    if (timer != NULL) {
        *timer = now;
    }
    return now;
}

// mbedTLS asks for it where keys are made; nothing here does.
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen);
int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    (void)data;
    (void)output;
    (void)len;
    *olen = 0;
    return 0;
}

static uint64_t read_number(int len) {
    uint64_t n = 0;
    while (len-- > 0) {
        int c = getchar();
        if (c == EOF) {
            exit(0);
        }
        n = n << 8 | c;
    }
    return n;
}

static uint8_t *read_bytes(size_t *len) {
    *len = read_number(4);
    uint8_t *data = malloc(*len + 1);
    if (data == NULL || fread(data, 1, *len, stdin) != *len) {
        exit(2);
    }
    data[*len] = 0;
    return data;
}

static int read_list(mbedtls_x509_crt *list, bool cas) {
    mbedtls_x509_crt_init(list);
    int ret = 0;
    for (int count = read_number(1); count > 0; --count) {
        size_t len;
        uint8_t *der = read_bytes(&len);
        int parsed = cas ? trust_parse(list, der, len) : mbedtls_x509_crt_parse_der(list, der, len);
        ret = ret == 0 ? parsed : ret;
        free(der);
    }
    return ret;
}

typedef struct {
    trust_chain_t chain;
    const char *host;
    bool default_certs;
    bool servers;
    char told[512];
} job_t;

static int verify(void *ptr, mbedtls_x509_crt *crt, int depth, uint32_t *flags) {
    job_t *job = ptr;
    trust_chain_add(&job->chain, crt, depth, *flags);
    *flags = 0;
    if (depth > 0) {
        return 0;
    }
    *flags = trust_chain_judge(&job->chain, job->host, job->default_certs, job->servers);
    for (int i = 0; i < job->chain.len; ++i) {
        size_t used = strlen(job->told);
        snprintf(job->told + used, sizeof(job->told) - used, " %d:%x", i, job->chain.flags[i]);
    }
    trust_chain_free(&job->chain);
    return 0;
}

int main(void) {
    for (;;) {
        now = read_number(8);
        job_t job = { 0 };
        job.servers = read_number(1);
        size_t len, roots_len;
        job.host = (char *)read_bytes(&len);
        uint8_t *roots = read_bytes(&roots_len);
        mbedtls_x509_crt chain, cas;
        int bad_chain = read_list(&chain, false);
        int bad_cas = read_list(&cas, true);
        job.default_certs = roots_len > 0;
        if (job.default_certs && !trust_roots_check(roots, roots_len)) {
            printf("roots\n");
        } else if (bad_chain != 0 || bad_cas != 0) {
            printf("%s -0x%x\n", bad_chain ? "chain" : "cafile", -(bad_chain ? bad_chain : bad_cas));
        } else {
            trust_roots = roots;
            trust_roots_len = roots_len;
            uint32_t flags;
            int ret = mbedtls_x509_crt_verify(&chain, &cas, NULL, *job.host ? job.host : NULL, &flags, verify, &job);
            if (ret != 0 && ret != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
                printf("error -0x%x\n", -ret);
            } else {
                printf("%x%s\n", flags, job.told);
            }
        }
        mbedtls_x509_crt_free(&chain);
        mbedtls_x509_crt_free(&cas);
        free((char *)job.host);
        free(roots);
    }
}
