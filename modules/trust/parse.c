// Certificates as they come: with critical name constraints, which mbedTLS refuses, because it doesn't know them;
// without keys that take the more time the longer somebody has made them; and CAs all or none.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <string.h>

#include "trust.h"
#include "mbedtls/asn1.h"
#include "mbedtls/oid.h"
#include "mbedtls/pem.h"
#include "mbedtls/pk.h"
#include "mbedtls/platform.h"
#include "mbedtls/rsa.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static int know_extension(void *ctx, const mbedtls_x509_crt *crt, const mbedtls_x509_buf *oid,
    int critical, const unsigned char *p, const unsigned char *end) {
    (void)ctx;
    (void)crt;
    (void)p;
    (void)end;
    // trust_chain_judge() knows them, wherever they are.
    return critical && MBEDTLS_OID_CMP(MBEDTLS_OID_NAME_CONSTRAINTS, oid) != 0
           ? MBEDTLS_ERR_X509_INVALID_EXTENSIONS + MBEDTLS_ERR_ASN1_UNEXPECTED_TAG : 0;
}

// Each bit of the exponent takes a multiplication as long as the modulus. Nearly all have 17 bits; OpenSSL's bound for
// long keys is this one, too.
#define EXPONENT_BITS (64)

static bool is_slow(const mbedtls_x509_crt *crt) {
    return mbedtls_pk_get_type(&crt->pk) == MBEDTLS_PK_RSA
           && mbedtls_mpi_bitlen(&mbedtls_pk_rsa(crt->pk)->E) > EXPONENT_BITS;
}

static void list_free(mbedtls_x509_crt *list) {
    if (list != NULL) {
        mbedtls_x509_crt_free(list);
        mbedtls_free(list);
    }
}

// Put another list at the end of one, whose first element is no allocated one.
static void list_append(mbedtls_x509_crt *list, mbedtls_x509_crt *other) {
    if (list->version == 0) {
        // Empty
        *list = *other;
        mbedtls_free(other);
        return;
    }
    while (list->next != NULL) {
        list = list->next;
    }
    list->next = other;
}

static mbedtls_x509_crt *list_new(void) {
    mbedtls_x509_crt *list = mbedtls_calloc(1, sizeof(mbedtls_x509_crt));
    if (list != NULL) {
        mbedtls_x509_crt_init(list);
    }
    return list;
}

int trust_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len, bool copy) {
    mbedtls_x509_crt *one = list_new();
    if (one == NULL) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }
    int ret = mbedtls_x509_crt_parse_der_with_ext_cb(one, der, len, copy, know_extension, NULL);
    if (ret == 0 && is_slow(one)) {
        ret = MBEDTLS_ERR_X509_INVALID_ALG;
    }
    if (ret == 0) {
        list_append(list, one);
    } else {
        list_free(one);
    }
    return ret;
}

// For calls from other files of mbedTLS, by the linker's --wrap.
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len);
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len) {
    return trust_parse_der(list, der, len, true);
}

// Parse those of a text in PEM. What comes before one that can't be parsed is in the list then.
#if defined(MBEDTLS_PEM_PARSE_C)
static int parse_pem(mbedtls_x509_crt *list, const unsigned char *data) {
    int ret = 0;
    while (ret == 0 && strstr((const char *)data, BEGIN) != NULL) {
        mbedtls_pem_context pem;
        size_t used;
        mbedtls_pem_init(&pem);
        ret = mbedtls_pem_read_buffer(&pem, BEGIN, END, data, NULL, 0, &used);
        if (ret == 0) {
            size_t der_len;
            const unsigned char *der = mbedtls_pem_get_buffer(&pem, &der_len);
            ret = trust_parse_der(list, der, der_len, true);
            data += used;
        }
        mbedtls_pem_free(&pem);
    }
    return ret;
}
#endif

int trust_parse(mbedtls_x509_crt *list, const unsigned char *data, size_t len) {
    #if defined(MBEDTLS_PEM_PARSE_C)
    if (len > 0 && data[len - 1] == '\0' && strstr((const char *)data, BEGIN) != NULL) {
        mbedtls_x509_crt *parsed = list_new();
        int ret = parsed == NULL ? MBEDTLS_ERR_X509_ALLOC_FAILED : parse_pem(parsed, data);
        if (ret == 0) {
            list_append(list, parsed);
        } else {
            list_free(parsed);
        }
        return ret;
    }
    #endif
    return trust_parse_der(list, data, len, true);
}
