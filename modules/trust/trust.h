// Whether a chain of certificates may be believed: what mbedTLS leaves open (README.md).
#ifndef TRUST_H
#define TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mbedtls/x509_crt.h"

// Besides MBEDTLS_X509_BADCERT_..., whose bits these leave free. Each comes with BADCERT_OTHER.
#define TRUST_BAD_LENGTH (1u << 24) // the root's pathLenConstraint
#define TRUST_BAD_NAMES (1u << 25) // a name below the CA that its name constraints don't allow
#define TRUST_BAD_ISSUED (1u << 26) // the peer's certificate is newer than what the root is trusted for
#define TRUST_BAD_BITS (7u << 24)

// As many as mbedTLS looks at, and a root of the set.
#define TRUST_CHAIN_MAX (MBEDTLS_X509_MAX_VERIFY_CHAIN_SIZE + 1)

// A chain of certificates by depth, 0 is the peer's own.
typedef struct _trust_chain_t {
    mbedtls_x509_crt *crt[TRUST_CHAIN_MAX];
    uint32_t flags[TRUST_CHAIN_MAX]; // What is wrong with each
    uint8_t len; // How many there are
    uint8_t linked; // How many of these are each signed by the next one, the last one left out of account
    bool no_memory; // for a root
    mbedtls_x509_crt *root; // NULL, or the root of the set that crt[len - 1] is
} trust_chain_t;

// To be called by mbedTLS's verify callback, which is called from the last certificate down to
// the peer's own; when depth is 0 the chain is complete.
void trust_chain_add(trust_chain_t *chain, mbedtls_x509_crt *crt, int depth, uint32_t flags);

// Judge a complete chain: flags are added, and what is above the certificate that is trusted is
// left out. host: what the peer's certificate must be for, or NULL; default_certs: the roots of the set
// are trusted, besides those that mbedTLS was given; servers: the peer is a server.
// Returns all flags together, 0 if the chain holds.
uint32_t trust_chain_judge(trust_chain_t *chain, const char *host, bool default_certs, bool servers);

// Make it empty, for the next one.
void trust_chain_free(trust_chain_t *chain);

// As mbedtls_x509_crt_parse_der(), but name constraints may be critical, as RFC 5280 wants them to be, and an RSA key
// with a long exponent is refused: to check what it has signed would take seconds.
// The linker has mbedTLS use it for the peer's certificates. copy: whether der may go away.
int trust_parse_der(mbedtls_x509_crt *list, const unsigned char *der, size_t len, bool copy);

// The same for CAs, PEM (with a zero at the end, which counts) or DER. Returns an error if one can't be parsed, and
// none is in the list then.
int trust_parse(mbedtls_x509_crt *list, const unsigned char *data, size_t len);

// The set of roots (roots.py says how it's made). It must stay where it is.
extern const uint8_t *trust_roots;
extern size_t trust_roots_len;

// Whether it's one.
bool trust_roots_check(const uint8_t *roots, size_t len);

// The day of the set: year * 10000 + month * 100 + day.
uint32_t trust_roots_date(void);

// Find a root by its name and have it parsed into crt. at: 0, or where the one before was found.
// Returns where it was found, 0 if there is no further one. issued_before: seconds since 1970, 0: no matter.
// *no_memory is set if one could not be parsed for that reason.
size_t trust_roots_find(const mbedtls_x509_buf *name, size_t at, mbedtls_x509_crt *crt, uint32_t *issued_before,
    bool *no_memory);

#endif // TRUST_H
