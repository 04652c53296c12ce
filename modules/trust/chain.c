// What a chain of certificates must keep to besides what mbedTLS sees to: see README.md.

#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <string.h>

#include "trust.h"
#include "mbedtls/asn1.h"
#include "mbedtls/md.h"
#include "mbedtls/oid.h"
#include "mbedtls/pk.h"
#include "mbedtls/platform.h"

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define SET (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)

// Bytes between p and end. What is read from a part moves its p.
typedef struct _part_t {
    unsigned char *p;
    const unsigned char *end;
} part_t;

// Of two names, whether one contains the other. UNSURE counts against the certificate.
typedef enum { NO, YES, UNSURE } answer_t;

static part_t part_of(const mbedtls_x509_buf *buf) {
    return (part_t) { buf->p, buf->p + buf->len };
}

static size_t part_len(const part_t *part) {
    return part->end - part->p;
}

// Take the next element out of a part; false if it's another one, or damaged.
static bool take(part_t *part, int tag, part_t *inside) {
    size_t len;
    if (mbedtls_asn1_get_tag(&part->p, part->end, &len, tag) != 0) {
        return false;
    }
    inside->p = part->p;
    inside->end = part->p += len;
    return true;
}

static bool take_any(part_t *part, int *tag, part_t *inside) {
    if (part->p >= part->end) {
        return false;
    }
    *tag = *part->p;
    return take(part, *tag, inside);
}

static bool same_bytes(const part_t *a, const part_t *b) {
    return part_len(a) == part_len(b) && memcmp(a->p, b->p, part_len(a)) == 0;
}

/******************************************************************************/
// Hosts and domains.

static int lower(int c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool same_text(const unsigned char *a, const unsigned char *b, size_t len) {
    while (len > 0 && lower(*a) == lower(*b)) {
        ++a;
        ++b;
        --len;
    }
    return len == 0;
}

// Whether a wildcard for all names below this domain may be believed: one with two labels at least, and
// three where the last one is a country's and the one before it one of those that countries sell below.
static bool domain_is_owned(const unsigned char *domain, size_t len) {
    static const char sold[][4] = { "ac", "co", "com", "edu", "gov", "net", "org" };
    const unsigned char *dot = memchr(domain, '.', len);
    if (dot == NULL || dot == domain || dot + 1 == domain + len) {
        return false;
    }
    if (domain + len - dot != 3) {
        return true;
    }
    for (size_t i = 0; i < sizeof(sold) / sizeof(sold[0]); ++i) {
        if ((size_t)(dot - domain) == strlen(sold[i])
            && same_text(domain, (const unsigned char *)sold[i], dot - domain)) {
            return false;
        }
    }
    return true;
}

// Whether a name is made of labels that hosts have: letters, digits, and hyphens between them (RFC 952).
static bool has_host_labels(const char *host, size_t len) {
    for (size_t i = 0; i < len; ++i) {
        int c = lower((unsigned char)host[i]);
        bool at_edge = i == 0 || i + 1 == len || host[i - 1] == '.' || host[i + 1] == '.';
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (at_edge || (c != '-' && c != '.'))) {
            return false;
        }
    }
    return true;
}

// Whether a dNSName of a certificate is the host's (RFC 6125, section 6.4).
static bool name_is_for(const part_t *name, const char *host, size_t host_len) {
    size_t len = part_len(name);
    if (len == host_len && same_text(name->p, (const unsigned char *)host, len)) {
        return true;
    }
    const char *rest = memchr(host, '.', host_len);
    if (len < 3 || name->p[0] != '*' || name->p[1] != '.' || rest == NULL || rest == host) {
        return false;
    }
    return host_len - (rest - host) == len - 1
           && same_text(name->p + 1, (const unsigned char *)rest, len - 1)
           && has_host_labels(host, host_len)
           && domain_is_owned(name->p + 2, len - 2);
}

static bool is_common_name(const mbedtls_x509_name *name) {
    return MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) == 0;
}

static bool has_alt_names(const mbedtls_x509_crt *crt) {
    return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME);
}

// The kind of GeneralName that one of the alternative names is, -1 for the head of an empty list.
static int alt_name_kind(const mbedtls_x509_sequence *name) {
    return name->buf.p == NULL ? -1 : name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

static bool is_for_host(const mbedtls_x509_crt *crt, const char *host) {
    unsigned char ip[16];
    size_t ip_len = mbedtls_x509_crt_parse_cn_inet_pton(host, ip);
    size_t host_len = strlen(host);
    if (!has_alt_names(crt)) {
        for (const mbedtls_x509_name *cur = &crt->subject; cur != NULL && ip_len == 0; cur = cur->next) {
            part_t name = part_of(&cur->val);
            if (is_common_name(cur) && name_is_for(&name, host, host_len)) {
                return true;
            }
        }
    }
    for (const mbedtls_x509_sequence *cur = &crt->subject_alt_names; cur != NULL; cur = cur->next) {
        part_t name = part_of(&cur->buf);
        int kind = alt_name_kind(cur);
        if (ip_len != 0
            ? kind == MBEDTLS_X509_SAN_IP_ADDRESS && part_len(&name) == ip_len && memcmp(name.p, ip, ip_len) == 0
            : kind == MBEDTLS_X509_SAN_DNS_NAME && name_is_for(&name, host, host_len)) {
            return true;
        }
    }
    return false;
}

/******************************************************************************/
// Name constraints (RFC 5280, section 4.2.1.10).

static answer_t domain_contains(const part_t *domain, const part_t *name) {
    size_t len = part_len(domain), name_len = part_len(name);
    if (len == 0) {
        return YES;
    }
    if (name_len < len || !same_text(name->end - len, domain->p, len)) {
        return NO;
    }
    return name_len == len || domain->p[0] == '.' || name->end[-(int)len - 1] == '.' ? YES : NO;
}

static answer_t network_contains(const part_t *network, const part_t *address) {
    size_t len = part_len(address);
    if (len != 4 && len != 16) {
        return UNSURE;
    }
    if (part_len(network) != 2 * len) {
        return part_len(network) == 8 || part_len(network) == 32 ? NO : UNSURE;
    }
    for (size_t i = 0; i < len; ++i) {
        if ((network->p[i] ^ address->p[i]) & network->p[len + i]) {
            return NO;
        }
    }
    return YES;
}

static bool is_space(int c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// The next character of a text that is compared without regard to case and spaces; -1 at its end.
static int next_char(part_t *text) {
    int c = text->p < text->end ? *text->p++ : -1;
    if (is_space(c)) {
        while (text->p < text->end && is_space(*text->p)) {
            ++text->p;
        }
        return text->p < text->end ? ' ' : -1;
    }
    return lower(c);
}

// Texts as in OpenSSL, which takes them all for UTF-8 first.
static answer_t same_value(int tag_a, part_t a, int tag_b, part_t b) {
    if (tag_a == tag_b && same_bytes(&a, &b)) {
        return YES;
    }
    const int texts = 1 << MBEDTLS_ASN1_UTF8_STRING | 1 << MBEDTLS_ASN1_PRINTABLE_STRING
        | 1 << MBEDTLS_ASN1_IA5_STRING | 1 << 0x1a; // VisibleString
    const int other_texts = 1 << MBEDTLS_ASN1_T61_STRING | 1 << MBEDTLS_ASN1_BMP_STRING
        | 1 << MBEDTLS_ASN1_UNIVERSAL_STRING;
    int bit_a = tag_a < 32 ? 1 << tag_a : 0, bit_b = tag_b < 32 ? 1 << tag_b : 0;
    if ((bit_a | bit_b) & other_texts) {
        return UNSURE;
    }
    if (!(bit_a & texts) || !(bit_b & texts)) {
        return NO;
    }
    while (a.p < a.end && is_space(*a.p)) {
        ++a.p;
    }
    while (b.p < b.end && is_space(*b.p)) {
        ++b.p;
    }
    int c;
    do {
        c = next_char(&a);
        if (c != next_char(&b)) {
            return NO;
        }
    } while (c >= 0);
    return YES;
}

// Whether an attribute is in a set of them.
static answer_t set_contains(part_t set, const part_t *type, int tag, const part_t *value) {
    answer_t answer = NO;
    while (part_len(&set) > 0) {
        part_t attribute, other_type, other;
        int other_tag;
        if (!take(&set, SEQUENCE, &attribute) || !take(&attribute, MBEDTLS_ASN1_OID, &other_type)
            || !take_any(&attribute, &other_tag, &other)) {
            return UNSURE;
        }
        if (same_bytes(type, &other_type)) {
            answer_t same = same_value(tag, *value, other_tag, other);
            if (same == YES) {
                return YES;
            }
            answer = same == NO ? answer : UNSURE;
        }
    }
    return answer;
}

// Whether a name (the SETs of a DN) begins with all of another one.
static answer_t directory_contains(part_t base, part_t name) {
    answer_t answer = YES;
    while (part_len(&base) > 0) {
        part_t base_set, set;
        if (!take(&base, SET, &base_set)) {
            return UNSURE;
        }
        if (part_len(&name) == 0) {
            return NO;
        }
        if (!take(&name, SET, &set)) {
            return UNSURE;
        }
        int count = 0;
        for (part_t rest = set, one; part_len(&rest) > 0; ++count) {
            if (!take(&rest, SEQUENCE, &one)) {
                return UNSURE;
            }
        }
        while (part_len(&base_set) > 0) {
            part_t attribute, type, value;
            int tag;
            if (!take(&base_set, SEQUENCE, &attribute) || !take(&attribute, MBEDTLS_ASN1_OID, &type)
                || !take_any(&attribute, &tag, &value)) {
                return UNSURE;
            }
            answer_t contains = set_contains(set, &type, tag, &value);
            if (contains == NO) {
                return NO;
            }
            answer = contains == UNSURE ? UNSURE : answer;
            --count;
        }
        if (count != 0) {
            return NO;
        }
    }
    return answer;
}

// A name that name constraints are to be tried on.
typedef struct _named_t {
    int kind; // of GeneralName
    part_t name;
} named_t;

static answer_t subtree_contains(part_t base, const named_t *named) {
    if (named->kind == MBEDTLS_X509_SAN_DNS_NAME) {
        return domain_contains(&base, &named->name);
    }
    if (named->kind == MBEDTLS_X509_SAN_IP_ADDRESS) {
        return network_contains(&base, &named->name);
    }
    part_t name = named->name, base_sets, sets;
    if (named->kind == MBEDTLS_X509_SAN_DIRECTORY_NAME && take(&base, SEQUENCE, &base_sets)
        && take(&name, SEQUENCE, &sets)) {
        return directory_contains(base_sets, sets);
    }
    return UNSURE;
}

// Go through GeneralSubtrees. Returns whether they leave the name alone.
static bool subtrees_allow(part_t subtrees, bool permitted, const named_t *named) {
    bool seen = false, match = false;
    while (part_len(&subtrees) > 0) {
        part_t subtree, base;
        int tag;
        if (!take(&subtrees, SEQUENCE, &subtree) || !take_any(&subtree, &tag, &base)
            || part_len(&subtree) > 0) { // minimum and maximum, which have no use
            return false;
        }
        if ((tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == named->kind) {
            answer_t contains = subtree_contains(base, named);
            seen = true;
            match = match || contains == YES || (contains == UNSURE && !permitted);
        }
    }
    return permitted ? !seen || match : !match;
}

// Whether the NameConstraints of a CA allow a name.
static bool constraints_allow(part_t constraints, const named_t *named) {
    while (part_len(&constraints) > 0) {
        part_t subtrees;
        int tag;
        if (!take_any(&constraints, &tag, &subtrees)) {
            return false;
        }
        bool permitted = tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0);
        if (!permitted && tag != (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 1)) {
            return false;
        }
        if (!subtrees_allow(subtrees, permitted, named)) {
            return false;
        }
    }
    return true;
}

/******************************************************************************/
// Extensions that mbedTLS leaves alone.

#define FIELD(number) (MBEDTLS_ASN1_CONTEXT_SPECIFIC | (number))
#define PARTS(number) (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | (number))

// Whether all in it is DER, so many levels deep at most.
static bool is_der(part_t part, int levels) {
    while (part_len(&part) > 0) {
        int tag;
        part_t inside;
        if (!take_any(&part, &tag, &inside) || (tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == MBEDTLS_ASN1_TAG_VALUE_MASK
            || ((tag & MBEDTLS_ASN1_CONSTRUCTED) && (levels == 0 || !is_der(inside, levels - 1)))) {
            return false;
        }
    }
    return true;
}

// Take a GeneralName out of a part.
static bool take_name(part_t *names) {
    int tag;
    part_t inside, name;
    if (!take_any(names, &tag, &inside)) {
        return false;
    }
    switch (tag) {
        case FIELD(MBEDTLS_X509_SAN_RFC822_NAME):
        case FIELD(MBEDTLS_X509_SAN_DNS_NAME):
        case FIELD(MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER):
        case FIELD(MBEDTLS_X509_SAN_IP_ADDRESS):
        case FIELD(MBEDTLS_X509_SAN_REGISTERED_ID):
            return true;
        case PARTS(MBEDTLS_X509_SAN_DIRECTORY_NAME):
            return take(&inside, SEQUENCE, &name) && part_len(&inside) == 0 && is_der(name, 4);
        case PARTS(MBEDTLS_X509_SAN_OTHER_NAME):
        case PARTS(3): // x400Address
        case PARTS(MBEDTLS_X509_SAN_EDI_PARTY_NAME):
            return is_der(inside, 8);
        default:
            return false;
    }
}

static bool are_names(part_t names) {
    while (part_len(&names) > 0) {
        if (!take_name(&names)) {
            return false;
        }
    }
    return true;
}

// Whether it's the content of CRLDistributionPoints. Nobody asks there whether something is revoked.
static bool are_distribution_points(part_t points) {
    while (part_len(&points) > 0) {
        part_t point, field, name;
        if (!take(&points, SEQUENCE, &point)) {
            return false;
        }
        int tag, last = -1;
        while (part_len(&point) > 0) {
            if (!take_any(&point, &tag, &field) || (tag & MBEDTLS_ASN1_TAG_VALUE_MASK) <= last) {
                return false;
            }
            last = tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
            if (tag == PARTS(0)) {
                if (!take_any(&field, &tag, &name) || part_len(&field) > 0
                    || !(tag == PARTS(0) ? are_names(name) : tag == PARTS(1) && is_der(name, 2))) {
                    return false;
                }
            } else if (!(tag == FIELD(1) && part_len(&field) > 0) && !(tag == PARTS(2) && are_names(field))) {
                return false;
            }
        }
    }
    return true;
}

// Whether it's the content of NameConstraints.
static bool are_constraints(part_t constraints) {
    int tag, last = -1;
    while (part_len(&constraints) > 0) {
        part_t subtrees, subtree;
        if (!take_any(&constraints, &tag, &subtrees) || tag <= last || (tag != PARTS(0) && tag != PARTS(1))) {
            return false;
        }
        last = tag;
        while (part_len(&subtrees) > 0) {
            if (!take(&subtrees, SEQUENCE, &subtree) || !take_name(&subtree) || !is_der(subtree, 0)) {
                return false;
            }
        }
    }
    return last >= 0;
}

static bool is_extension(const part_t *oid, const char *name, size_t len) {
    return part_len(oid) == len && memcmp(oid->p, name, len) == 0;
}

#define IS_EXTENSION(oid, name) is_extension(oid, name, sizeof(name) - 1)

// Go through the extensions of a certificate. constraints: of its names; p is NULL if there are none.
// Returns false if what mbedTLS doesn't look at is damaged, doubled, or not for a server or its CA.
static bool read_extensions(const mbedtls_x509_crt *crt, part_t *constraints) {
    part_t extensions = part_of(&crt->v3_ext), all;
    bool has_points = false;
    constraints->p = NULL;
    constraints->end = NULL;
    if (crt->v3_ext.p == NULL) {
        return true;
    }
    if (!take(&extensions, SEQUENCE, &all)) {
        return false;
    }
    while (part_len(&all) > 0) {
        part_t extension, oid, value, inside;
        int critical;
        if (!take(&all, SEQUENCE, &extension) || !take(&extension, MBEDTLS_ASN1_OID, &oid)) {
            return false;
        }
        if (IS_EXTENSION(&oid, MBEDTLS_OID_PKIX "\x01\x07") || IS_EXTENSION(&oid, MBEDTLS_OID_PKIX "\x01\x08")
            || IS_EXTENSION(&oid, MBEDTLS_OID_PKIX "\x01\x0e")) {
            return false; // addresses and systems of routers (RFC 3779), a proxy that speaks for somebody (RFC 3820)
        }
        bool is_constraints = IS_EXTENSION(&oid, MBEDTLS_OID_NAME_CONSTRAINTS);
        if (!is_constraints && !IS_EXTENSION(&oid, MBEDTLS_OID_CRL_DISTRIBUTION_POINTS)) {
            continue;
        }
        mbedtls_asn1_get_bool(&extension.p, extension.end, &critical); // it may be left out
        if (!take(&extension, MBEDTLS_ASN1_OCTET_STRING, &value) || part_len(&extension) > 0
            || !take(&value, SEQUENCE, &inside) || part_len(&value) > 0) {
            return false;
        }
        if (is_constraints) {
            if (constraints->p != NULL || !are_constraints(inside)) {
                return false;
            }
            *constraints = inside;
        } else {
            if (has_points || !are_distribution_points(inside)) {
                return false;
            }
            has_points = true;
        }
    }
    return true;
}

// A common name that could be a host's.
static bool looks_like_host(const part_t *name) {
    bool dot = false;
    for (const unsigned char *p = name->p; p < name->end; ++p) {
        int c = lower(*p);
        dot = dot || c == '.';
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("-_.*", c) == NULL) {
            return false;
        }
    }
    return dot;
}

// Whether name constraints allow all names of a certificate, and the host, if it isn't NULL.
static bool constraints_allow_all(part_t constraints, const mbedtls_x509_crt *crt, bool is_own, const char *host) {
    bool has_domains = false;
    for (const mbedtls_x509_sequence *cur = &crt->subject_alt_names; cur != NULL; cur = cur->next) {
        named_t named = { alt_name_kind(cur), part_of(&cur->buf) };
        has_domains = has_domains || named.kind == MBEDTLS_X509_SAN_DNS_NAME;
        if (named.kind >= 0 && !constraints_allow(constraints, &named)) {
            return false;
        }
    }
    part_t inside, subject = part_of(&crt->subject_raw);
    if (take(&subject, SEQUENCE, &inside) && part_len(&inside) > 0) {
        named_t named = { MBEDTLS_X509_SAN_DIRECTORY_NAME, part_of(&crt->subject_raw) };
        if (!constraints_allow(constraints, &named)) {
            return false;
        }
    }
    for (const mbedtls_x509_name *cur = &crt->subject; cur != NULL; cur = cur->next) {
        named_t named = { MBEDTLS_X509_SAN_RFC822_NAME, part_of(&cur->val) };
        if (is_own && !has_domains && is_common_name(cur) && looks_like_host(&named.name)) {
            named.kind = MBEDTLS_X509_SAN_DNS_NAME;
        } else if (MBEDTLS_OID_CMP(MBEDTLS_OID_PKCS9_EMAIL, &cur->oid) != 0) {
            continue;
        }
        if (!constraints_allow(constraints, &named)) {
            return false;
        }
    }
    if (host != NULL) {
        unsigned char ip[16];
        size_t ip_len = mbedtls_x509_crt_parse_cn_inet_pton(host, ip);
        named_t named = { MBEDTLS_X509_SAN_IP_ADDRESS, { ip, ip + ip_len } };
        if (ip_len == 0) {
            named.kind = MBEDTLS_X509_SAN_DNS_NAME;
            named.name.p = (unsigned char *)host;
            named.name.end = named.name.p + strlen(host);
        }
        return constraints_allow(constraints, &named);
    }
    return true;
}

/******************************************************************************/
// Chains.

static bool is_self_issued(const mbedtls_x509_crt *crt) {
    part_t issuer = part_of(&crt->issuer_raw), subject = part_of(&crt->subject_raw);
    return same_bytes(&issuer, &subject);
}

// Whether a certificate's extended key usage, if it has any, names the purpose. That of any purpose doesn't
// count, as it doesn't for OpenSSL and browsers.
static bool has_purpose(const mbedtls_x509_crt *crt, bool servers) {
    if (!mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE)) {
        return true;
    }
    for (const mbedtls_x509_sequence *cur = &crt->ext_key_usage; cur != NULL; cur = cur->next) {
        if (servers ? MBEDTLS_OID_CMP(MBEDTLS_OID_SERVER_AUTH, &cur->buf) == 0
            : MBEDTLS_OID_CMP(MBEDTLS_OID_CLIENT_AUTH, &cur->buf) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_signed_by(const mbedtls_x509_crt *crt, mbedtls_x509_crt *root) {
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(crt->sig_md);
    unsigned char hash[MBEDTLS_MD_MAX_SIZE];
    return md != NULL && mbedtls_pk_can_do(&root->pk, crt->sig_pk)
           && mbedtls_md(md, crt->tbs.p, crt->tbs.len, hash) == 0
           && mbedtls_pk_verify_ext(crt->sig_pk, crt->sig_opts, &root->pk, crt->sig_md, hash, mbedtls_md_get_size(md),
        crt->sig.p, crt->sig.len) == 0;
}

// Of the serial number of a root of the set, how much roots.py keeps.
#define SERIAL_LEN (4)

// SHA-1 of a certificate's public key, which most call a key by (RFC 5280, section 4.2.1.2).
static bool hash_key(const mbedtls_x509_crt *crt, unsigned char hash[20]) {
    part_t key = part_of(&crt->pk_raw), inside, algorithm, bits;
    return take(&key, SEQUENCE, &inside) && take(&inside, SEQUENCE, &algorithm)
           && take(&inside, MBEDTLS_ASN1_BIT_STRING, &bits) && part_len(&bits) > 0
           && mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), bits.p + 1, part_len(&bits) - 1, hash) == 0;
}

// Whether a certificate may mean this one where it says which key its issuer has signed it with, and in which
// certificate that is (RFC 5280, section 4.2.1.1). of_set: the issuer is a root of the set.
static bool may_mean(const mbedtls_x509_crt *crt, const mbedtls_x509_crt *issuer, bool of_set) {
    const mbedtls_x509_authority *authority = &crt->authority_key_id;
    part_t key = part_of(&authority->keyIdentifier), its_key = part_of(&issuer->subject_key_id);
    unsigned char hash[20];
    if (key.p != NULL && of_set && issuer->version >= 3 && its_key.p == NULL && hash_key(issuer, hash)) {
        its_key = (part_t) { hash, hash + sizeof(hash) };
    }
    // roots.py leaves it empty where a root of the set has none.
    if (key.p != NULL && its_key.p != NULL && !(of_set && part_len(&its_key) == 0) && !same_bytes(&key, &its_key)) {
        return false;
    }
    part_t serial = part_of(&authority->authorityCertSerialNumber), its_serial = part_of(&issuer->serial);
    if (serial.p == NULL) {
        return true; // mbedTLS takes both or none
    }
    if (of_set) {
        ++its_serial.p; // before it there is a byte of no matter
        if (part_len(&serial) > SERIAL_LEN) {
            serial.p = (unsigned char *)serial.end - SERIAL_LEN;
        }
    }
    if (!same_bytes(&serial, &its_serial)) {
        return false;
    }
    for (const mbedtls_x509_sequence *cur = &authority->authorityCertIssuer; cur != NULL; cur = cur->next) {
        if (alt_name_kind(cur) == MBEDTLS_X509_SAN_DIRECTORY_NAME) {
            part_t name = part_of(&cur->buf), its_name = part_of(of_set ? &issuer->subject_raw : &issuer->issuer_raw);
            return same_bytes(&name, &its_name);
        }
    }
    return true;
}

// Seconds since 1970.
static int64_t seconds_of(const mbedtls_x509_time *t) {
    // From March on, so that the day that may be missing is the last one of a year.
    int month = (t->mon + 9) % 12;
    int year = t->year - (t->mon <= 2);
    int64_t days = 365LL * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + t->day - 1 - 719468;
    return ((days * 24 + t->hour) * 60 + t->min) * 60 + t->sec;
}

void trust_chain_add(trust_chain_t *chain, mbedtls_x509_crt *crt, int depth, uint32_t flags) {
    if (chain->len <= depth) {
        chain->len = depth + 1;
    }
    chain->crt[depth] = crt;
    chain->flags[depth] = flags;
}

// What mbedTLS holds keys to that sign.
static bool is_strong(const mbedtls_pk_context *key) {
    const mbedtls_x509_crt_profile *profile = &mbedtls_x509_crt_profile_default;
    if (mbedtls_pk_get_type(key) == MBEDTLS_PK_RSA) {
        return mbedtls_pk_get_bitlen(key) >= profile->rsa_min_bitlen;
    }
    return mbedtls_pk_can_do(key, MBEDTLS_PK_ECKEY)
           && (profile->allowed_curves & MBEDTLS_X509_ID_FLAG(mbedtls_pk_ec(*key)->grp.id)) != 0;
}

// What mbedTLS has looked at in roots that it was given, and not in one of the set at this depth.
static uint32_t root_flags(const trust_chain_t *chain, int depth, uint32_t issued_before) {
    const mbedtls_x509_crt *root = chain->root;
    uint32_t flags = 0;
    if (mbedtls_x509_time_is_past(&root->valid_to)) {
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    }
    if (mbedtls_x509_time_is_future(&root->valid_from)) {
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    }
    if (!is_strong(&root->pk)) {
        flags |= MBEDTLS_X509_BADCERT_BAD_KEY;
    }
    if (root->version >= 3
        && (!root->ca_istrue || mbedtls_x509_crt_check_key_usage(root, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0)) {
        flags |= MBEDTLS_X509_BADCERT_KEY_USAGE;
    }
    int between = 0;
    for (int i = 1; i < depth; ++i) {
        between += !is_self_issued(chain->crt[i]);
    }
    if (root->max_pathlen > 0 && root->max_pathlen < 1 + between) { // 1 more than it says, or 0
        flags |= MBEDTLS_X509_BADCERT_OTHER | TRUST_BAD_LENGTH;
    }
    if (issued_before != 0 && seconds_of(&chain->crt[0]->valid_from) > issued_before) {
        flags |= MBEDTLS_X509_BADCERT_OTHER | TRUST_BAD_ISSUED;
    }
    return flags;
}

// Look for a root of the set that has signed the certificate below depth, and make it the end of the chain.
static bool find_root_at(trust_chain_t *chain, int depth, bool servers) {
    mbedtls_x509_crt *crt = chain->crt[depth - 1];
    // One with nothing against it, if there are several with this name and key, else any of them.
    bool seen = false;
    for (int any = 0; any <= seen; ++any) {
        uint32_t issued_before;
        size_t at = 0;
        while ((at = trust_roots_find(&crt->issuer_raw, at, chain->root, &issued_before, &chain->no_memory)) != 0) {
            if (is_signed_by(crt, chain->root) && may_mean(crt, chain->root, true)) {
                seen = true;
                uint32_t flags = root_flags(chain, depth, issued_before);
                if (any || (flags == 0 && has_purpose(chain->root, servers))) {
                    chain->flags[depth - 1] &= ~MBEDTLS_X509_BADCERT_NOT_TRUSTED;
                    chain->flags[depth] = flags;
                    chain->crt[depth] = chain->root;
                    chain->len = chain->linked = depth + 1;
                    return true;
                }
            }
            mbedtls_x509_crt_free(chain->root);
        }
    }
    return false;
}

// Look for a root of the set, from the peer's own certificate up, as mbedTLS does for those that it was given.
static void find_root(trust_chain_t *chain, bool servers) {
    chain->root = mbedtls_calloc(1, sizeof(mbedtls_x509_crt));
    chain->no_memory = chain->root == NULL;
    for (int depth = 1; chain->root != NULL && depth <= chain->linked; ++depth) {
        if (find_root_at(chain, depth, servers)) {
            return;
        }
    }
    mbedtls_free(chain->root);
    chain->root = NULL;
}

uint32_t trust_chain_judge(trust_chain_t *chain, const char *host, bool default_certs, bool servers) {
    int last = chain->len - 1;
    chain->root = NULL;
    chain->no_memory = false;
    chain->linked = 1;
    while (chain->linked <= last && (chain->flags[chain->linked - 1] & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0) {
        if (!may_mean(chain->crt[chain->linked - 1], chain->crt[chain->linked], false)) {
            // Then that is not its issuer, nor is what's above of any matter.
            chain->flags[chain->linked - 1] |= MBEDTLS_X509_BADCERT_NOT_TRUSTED;
            break;
        }
        ++chain->linked;
    }
    if (default_certs && (chain->flags[chain->linked - 1] & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        find_root(chain, servers);
    }
    if (host != NULL && *host != '\0' && !is_for_host(chain->crt[0], host)) {
        chain->flags[0] |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
    const mbedtls_x509_crt *own = chain->crt[0];
    if (mbedtls_x509_crt_check_key_usage(own, MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0) {
        chain->flags[0] |= MBEDTLS_X509_BADCERT_KEY_USAGE;
    }
    if (mbedtls_x509_crt_has_ext_type(own, MBEDTLS_X509_EXT_NS_CERT_TYPE)
        && (own->ns_cert_type
            & (servers ? MBEDTLS_X509_NS_CERT_TYPE_SSL_SERVER : MBEDTLS_X509_NS_CERT_TYPE_SSL_CLIENT)) == 0) {
        chain->flags[0] |= MBEDTLS_X509_BADCERT_NS_CERT_TYPE;
    }
    uint32_t all = 0;
    for (int i = 0; i < chain->len; ++i) {
        part_t constraints;
        if (!read_extensions(chain->crt[i], &constraints)) {
            chain->flags[i] |= MBEDTLS_X509_BADCERT_OTHER;
            constraints.p = NULL;
        }
        bool good = true;
        for (int below = i - 1; good && constraints.p != NULL && below >= 0; --below) {
            if (below == 0 || !is_self_issued(chain->crt[below])) {
                good = constraints_allow_all(constraints, chain->crt[below], below == 0,
                    below == 0 && host != NULL && *host != '\0' ? host : NULL);
            }
        }
        if (!good) {
            chain->flags[i] |= MBEDTLS_X509_BADCERT_OTHER | TRUST_BAD_NAMES;
        }
        if (i > 0 && chain->crt[i]->version < 3 && !is_self_issued(chain->crt[i])) {
            // Without extensions a CA can't say that it is one; only a root needn't.
            chain->flags[i] |= MBEDTLS_X509_BADCERT_KEY_USAGE;
        }
        if (!has_purpose(chain->crt[i], servers)) {
            chain->flags[i] |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
        }
        all |= chain->flags[i];
    }
    return all;
}

void trust_chain_free(trust_chain_t *chain) {
    if (chain->root != NULL) {
        mbedtls_x509_crt_free(chain->root);
        mbedtls_free(chain->root);
        chain->root = NULL;
    }
    chain->len = 0;
}
