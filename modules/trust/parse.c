// Certificates with critical name constraints, which mbedTLS refuses, because it doesn't know them.

#include <string.h>

#include "trust.h"
#include "mbedtls/asn1.h"
#include "mbedtls/oid.h"
#include "mbedtls/pem.h"

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

int trust_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len, bool copy) {
    return mbedtls_x509_crt_parse_der_with_ext_cb(list, der, len, copy, know_extension, NULL);
}

// For calls from other files of mbedTLS, by the linker's --wrap.
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len);
int __wrap_mbedtls_x509_crt_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len) {
    return trust_parse_der(list, der, len, true);
}

int trust_parse(mbedtls_x509_crt *list, const unsigned char *data, size_t len) {
    #if defined(MBEDTLS_PEM_PARSE_C)
    if (len > 0 && data[len - 1] == '\0' && strstr((const char *)data, BEGIN) != NULL) {
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
    return trust_parse_der(list, data, len, true);
}
