// The root certificates of SSLContext.load_default_certs(): Mozilla's, as Debian has them.
//
// They are kept as ESP-IDF's certificate bundle keeps them on the chip: names and public keys,
// looked up by name. The file is read once, at the first call.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/runtime.h"
#include "mbedtls/md.h"
#include "mbedtls/pk.h"
#include "mbedtls/ssl.h"
#include "extmod/modtls_mbedtls.h"

#define FILE_NAME "/etc/ssl/certs/ca-certificates.crt"
#define PRIVATE(member) MBEDTLS_PRIVATE(member)

typedef struct {
    unsigned char *name; // the subject, then the public key, in DER
    size_t name_len;
    size_t key_len;
} root_t;

static root_t *roots;
static size_t root_count;

static int compare(const unsigned char *name, size_t len, const root_t *root) {
    if (len != root->name_len) {
        return len < root->name_len ? -1 : 1;
    }
    return memcmp(name, root->name, len);
}

static int compare_roots(const void *a, const void *b) {
    return compare(((const root_t *)a)->name, ((const root_t *)a)->name_len, b);
}

static void *allocate(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        fprintf(stderr, "no memory for the root certificates\n");
        exit(1);
    }
    return memory;
}

static unsigned char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("no root certificates: %s: %s"), path, strerror(errno));
    }
    size_t room = 1 << 16;
    unsigned char *data = allocate(room);
    *len = 0;
    for (size_t got; (got = fread(data + *len, 1, room - *len - 1, file)) > 0;) {
        *len += got;
        if (*len + 1 == room) {
            room *= 2;
            data = realloc(data, room);
            if (data == NULL) {
                fprintf(stderr, "no memory for the root certificates\n");
                exit(1);
            }
        }
    }
    fclose(file);
    data[(*len)++] = '\0'; // mbedTLS wants it counted
    return data;
}

void mp_tls_default_certs_load(void) {
    if (roots != NULL) {
        return;
    }
    const char *path = getenv("SIM_CA_BUNDLE");
    if (path == NULL || *path == '\0') {
        path = FILE_NAME;
    }
    size_t len;
    unsigned char *data = read_file(path, &len);
    mbedtls_x509_crt chain;
    mbedtls_x509_crt_init(&chain);
    int refused = mbedtls_x509_crt_parse(&chain, data, len);
    free(data);
    if (refused < 0 || chain.raw.len == 0) {
        mbedtls_x509_crt_free(&chain);
        mp_raise_msg_varg(&mp_type_OSError, MP_ERROR_TEXT("no root certificates: %s holds none in PEM"), path);
    }
    size_t count = 0;
    for (mbedtls_x509_crt *crt = &chain; crt != NULL; crt = crt->next) {
        ++count;
    }
    root_t *made = allocate(count * sizeof(root_t));
    root_t *root = made;
    for (mbedtls_x509_crt *crt = &chain; crt != NULL; crt = crt->next, ++root) {
        root->name_len = crt->subject_raw.len;
        root->key_len = crt->pk_raw.len;
        root->name = allocate(root->name_len + root->key_len);
        memcpy(root->name, crt->subject_raw.p, root->name_len);
        memcpy(root->name + root->name_len, crt->pk_raw.p, root->key_len);
    }
    mbedtls_x509_crt_free(&chain);
    qsort(made, count, sizeof(root_t), compare_roots);
    roots = made;
    root_count = count;
}

static bool signed_by(const mbedtls_x509_crt *crt, const root_t *root) {
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(crt->PRIVATE(sig_md));
    unsigned char hash[MBEDTLS_MD_MAX_SIZE];
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    bool good = md != NULL
        && mbedtls_pk_parse_public_key(&key, root->name + root->name_len, root->key_len) == 0
        && mbedtls_pk_can_do(&key, crt->PRIVATE(sig_pk))
        && mbedtls_md(md, crt->tbs.p, crt->tbs.len, hash) == 0
        && mbedtls_pk_verify_ext(crt->PRIVATE(sig_pk), crt->PRIVATE(sig_opts), &key, crt->PRIVATE(sig_md),
            hash, mbedtls_md_get_size(md), crt->PRIVATE(sig).p, crt->PRIVATE(sig).len) == 0;
    mbedtls_pk_free(&key);
    return good;
}

bool mp_tls_default_certs_verify(const mbedtls_x509_crt *crt) {
    size_t low = 0, high = root_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(crt->issuer_raw.p, crt->issuer_raw.len, &roots[middle]);
        if (order == 0) {
            return signed_by(crt, &roots[middle]);
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}
