// The set of roots: found by name, parsed when one is needed. roots.py makes it.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <string.h>

#include "trust.h"
#include "mbedtls/asn1.h"

// What it begins with: a word, and the day as four bytes. An entry has four bytes of seconds, two of
// the length of its certificate, two of where in that the subject begins.
#define MAGIC "roots1"
#define MAGIC_LEN (6)
#define HEAD_LEN (MAGIC_LEN + 4)
#define ENTRY_LEN (8)

static const uint8_t builtin_roots[] = {
    #include "genhdr/trust_roots.h"
};

const uint8_t *trust_roots = builtin_roots;
size_t trust_roots_len = sizeof(builtin_roots);

static uint32_t number(const uint8_t *p, size_t len) {
    uint32_t n = 0;
    while (len-- > 0) {
        n = n << 8 | *p++;
    }
    return n;
}

bool trust_roots_check(const uint8_t *roots, size_t len) {
    if (len <= HEAD_LEN || memcmp(roots, MAGIC, MAGIC_LEN) != 0) {
        return false;
    }
    size_t at = HEAD_LEN;
    while (len - at >= ENTRY_LEN) {
        size_t der_len = number(roots + at + 4, 2);
        at += ENTRY_LEN;
        if (der_len > len - at || number(roots + at - 2, 2) >= der_len) {
            return false;
        }
        at += der_len;
    }
    return at == len;
}

uint32_t trust_roots_date(void) {
    return number(trust_roots + MAGIC_LEN, 4);
}

// Some of mbedTLS's errors are a sum of a high and a low one.
static bool is_alloc_failed(int ret) {
    return ret == MBEDTLS_ERR_X509_ALLOC_FAILED || ret == MBEDTLS_ERR_PK_ALLOC_FAILED
           || -(-ret & 0x7f) == MBEDTLS_ERR_ASN1_ALLOC_FAILED || -(-ret & 0x7f) == MBEDTLS_ERR_MPI_ALLOC_FAILED;
}

size_t trust_roots_find(const mbedtls_x509_buf *name, size_t at, mbedtls_x509_crt *crt, uint32_t *issued_before,
    bool *no_memory) {
    size_t next = at == 0 ? HEAD_LEN : at + ENTRY_LEN + number(trust_roots + at + 4, 2);
    while (next < trust_roots_len) {
        at = next;
        const uint8_t *entry = trust_roots + at;
        const uint8_t *der = entry + ENTRY_LEN;
        size_t der_len = number(entry + 4, 2);
        size_t subject = number(entry + 6, 2);
        // A name is DER, so none begins with the whole of another one.
        if (name->len <= der_len - subject && memcmp(der + subject, name->p, name->len) == 0) {
            mbedtls_x509_crt_init(crt);
            int ret = trust_parse_der(crt, der, der_len, false);
            if (ret == 0) {
                *issued_before = number(entry, 4);
                return at;
            }
            *no_memory = *no_memory || is_alloc_failed(ret);
            mbedtls_x509_crt_free(crt);
        }
        next = at + ENTRY_LEN + der_len;
    }
    return 0;
}
