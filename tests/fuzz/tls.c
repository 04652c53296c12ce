// libFuzzer target for a TLS client of mbedTLS, configured as in the firmware: `make fuzz`.
//
// The input is what comes of a real handshake with a server that means well, in the same process: its records arrive
// whole or damaged, others come before, between and behind them, also such as only somebody with the connection's keys
// can make. Random numbers and time are always the same. Whatever comes, the client believes nobody but that server,
// reads nothing but what that has sent, and takes no more memory than a connection needs.

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "mbedtls/ssl.h"
#include "ssl_misc.h"
#include "tls_keys.h"

#define MUST(x) do { if (!(x)) { fprintf(stderr, "not so: %s, line %d\n", #x, __LINE__); abort(); } } while (0)
#define MEMORY_MAX (128 * 1024) // both ends together; they take 60 kB

static const int suites[] = { // as modtls_mbedtls.c has them
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0
};

static unsigned long long fuzzed;
static uint32_t randomness;
static size_t taken; // bytes of memory
static mbedtls_x509_crt ca, leaf;
static mbedtls_pk_context leaf_key;
static mbedtls_ssl_session earlier; // of a connection before

static void tell(void) {
    fprintf(stderr, "fuzzed: %llu bytes of input\n", fuzzed);
}

// What mbedTLS calls calloc() and free().
void *fuzz_calloc(size_t n, size_t size);
void *fuzz_calloc(size_t n, size_t size) {
    MUST(size == 0 || n < MEMORY_MAX / size);
    size_t *block = calloc(1, 16 + n * size);
    MUST(block != NULL);
    *block = n * size;
    MUST((taken += *block) < MEMORY_MAX);
    return block + 2;
}

void fuzz_free(void *data);
void fuzz_free(void *data) {
    if (data != NULL) {
        size_t *block = (size_t *)data - 2;
        taken -= *block;
        free(block);
    }
}

time_t sim_mbedtls_time(time_t *timer);
time_t sim_mbedtls_time(time_t *timer) {
    time_t now = 1790000000; // of 2026
    if (timer != NULL) {
        *timer = now;
    }
    return now;
}

static int rng(void *ctx, unsigned char *out, size_t len) {
    (void)ctx;
    for (size_t i = 0; i < len; ++i) {
        randomness = randomness * 1664525 + 1013904223;
        out[i] = (unsigned char)(randomness >> 24);
    }
    return 0;
}

static size_t at_most(size_t len, size_t most) {
    return len < most ? len : most;
}

// A way from one end to the other: what has been written and is not read yet.
typedef struct {
    uint8_t data[1 << 16];
    size_t start, end;
    size_t piece; // as much is read at once
    bool ended;
} way_t;
static way_t to_client, to_server;

// What happens to a record of the server: the next, or one behind it.
static struct {
    bool due;
    uint8_t skip;
    uint16_t where;
    uint8_t how;
    const uint8_t *data;
    size_t len;
} damage;

static void put(way_t *way, const uint8_t *data, size_t len) {
    if (way->start == way->end) {
        way->start = way->end = 0;
    }
    len = at_most(len, sizeof(way->data) - way->end);
    memcpy(way->data + way->end, data, len);
    way->end += len;
}

static int get(way_t *way, unsigned char *out, size_t len) {
    len = at_most(at_most(len, way->piece), way->end - way->start);
    if (len == 0) {
        return way->ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(out, way->data + way->start, len);
    way->start += len;
    return (int)len;
}

static int client_get(void *ctx, unsigned char *out, size_t len) {
    (void)ctx;
    return get(&to_client, out, len);
}

static int server_get(void *ctx, unsigned char *out, size_t len) {
    (void)ctx;
    return get(&to_server, out, len);
}

static int client_send(void *ctx, const unsigned char *data, size_t len) {
    put(ctx, data, len);
    return (int)len;
}

static void set16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static int server_send(void *ctx, const unsigned char *data, size_t len) {
    static uint8_t record[1 << 15];
    if (!damage.due || len < 6 || damage.skip > 0) {
        damage.skip -= damage.skip > 0;
        put(ctx, data, len);
        return (int)len;
    }
    damage.due = false;
    size_t n = len, at = damage.where % n, room = n - at, piece = damage.len;
    memcpy(record, data, n);
    switch (damage.how & 3) {
        case 0: // other bytes
            memcpy(record + at, damage.data, at_most(piece, room));
            break;
        case 1: // bytes more
            memmove(record + at + piece, record + at, room);
            memcpy(record + at, damage.data, piece);
            n += piece;
            break;
        case 2: // bytes less
            piece = at_most(piece, room);
            memmove(record + at, record + at + piece, room - piece);
            n -= piece;
            break;
        default: // the same again
            memcpy(record + n, record, n);
            n *= 2;
            break;
    }
    if ((damage.how & 4) && (damage.how & 3) != 3 && n > 9) { // its lengths are right again
        set16(record + 3, n - 5);
        if (record[0] == MBEDTLS_SSL_MSG_HANDSHAKE) {
            record[6] = 0;
            set16(record + 7, n - 9);
        }
    }
    put(ctx, record, n);
    return (int)len;
}

// Tickets that hide nothing.
static int write_ticket(void *ctx, const mbedtls_ssl_session *session, unsigned char *start, const unsigned char *end,
    size_t *len, uint32_t *lifetime) {
    (void)ctx;
    *lifetime = 7200;
    return mbedtls_ssl_session_save(session, start, (size_t)(end - start), len);
}

static int parse_ticket(void *ctx, mbedtls_ssl_session *session, unsigned char *data, size_t len) {
    (void)ctx;
    return mbedtls_ssl_session_load(session, data, len) == 0 && session->id_len <= sizeof(session->id)
        ? 0 : MBEDTLS_ERR_SSL_INVALID_MAC;
}

static mbedtls_ssl_config client_conf, server_conf;
static mbedtls_ssl_context client, server;
static bool client_failed, server_failed;

// What the server has sent as data, and how much of that the client has read.
static uint8_t sent[1 << 15];
static size_t sent_len, read_len;

static bool goes_on(int ret) {
    return ret >= 0 || ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE;
}

static const unsigned char *secret(const mbedtls_ssl_context *ssl) {
    const mbedtls_ssl_session *session = ssl->session != NULL ? ssl->session : ssl->session_negotiate;
    return session == NULL ? NULL : session->master;
}

static void client_step(void) {
    static uint8_t data[5000];
    if (client_failed) {
        return;
    }
    int ret;
    if (!mbedtls_ssl_is_handshake_over(&client)) {
        ret = mbedtls_ssl_handshake(&client);
        if (ret == 0) {
            MUST(mbedtls_ssl_get_verify_result(&client) == 0);
            MUST(secret(&server) != NULL && memcmp(secret(&client), secret(&server), 48) == 0);
        }
    } else {
        ret = mbedtls_ssl_read(&client, data, sizeof(data));
        if (ret > 0) {
            MUST((size_t)ret <= sent_len - read_len && memcmp(data, sent + read_len, (size_t)ret) == 0);
            read_len += (size_t)ret;
        }
        client_failed = ret == 0;
    }
    client_failed |= !goes_on(ret);
}

static void server_step(void) {
    static uint8_t data[5000];
    if (!server_failed) {
        server_failed = !goes_on(mbedtls_ssl_is_handshake_over(&server)
            ? mbedtls_ssl_read(&server, data, sizeof(data)) : mbedtls_ssl_handshake(&server));
    }
}

static void go_on(int steps) {
    for (int i = 0; i < steps; ++i) {
        client_step();
        server_step();
    }
}

static void begin(uint8_t how, const mbedtls_ssl_session *resume) {
    static const char *names[] = { "http/1.1", "x-amzn-mqtt-ca", NULL };
    static const uint8_t pieces[] = { 0, 1, 5, 100 };
    mbedtls_ssl_config_init(&client_conf);
    mbedtls_ssl_config_init(&server_conf);
    mbedtls_ssl_init(&client);
    mbedtls_ssl_init(&server);
    memset(&damage, 0, sizeof(damage));
    to_client.start = to_client.end = to_server.start = to_server.end = sent_len = read_len = 0;
    to_client.ended = to_server.ended = client_failed = server_failed = false;
    to_client.piece = how & 0x40 ? pieces[how >> 4 & 3] + 1 : sizeof(to_client.data);
    to_server.piece = sizeof(to_server.data);
    MUST(mbedtls_ssl_config_defaults(&client_conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
        MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    MUST(mbedtls_ssl_config_defaults(&server_conf, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
        MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(&client_conf, rng, NULL);
    mbedtls_ssl_conf_rng(&server_conf, rng, NULL);
    mbedtls_ssl_conf_ciphersuites(&client_conf, suites);
    mbedtls_ssl_conf_authmode(&client_conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&client_conf, &ca, NULL);
    MUST(mbedtls_ssl_conf_own_cert(&server_conf, &leaf, &leaf_key) == 0);
    mbedtls_ssl_conf_session_tickets_cb(&server_conf, write_ticket, parse_ticket, NULL);
    if (how & 4) {
        MUST(mbedtls_ssl_conf_max_frag_len(&client_conf, MBEDTLS_SSL_MAX_FRAG_LEN_4096) == 0);
    }
    if (how & 8) {
        MUST(mbedtls_ssl_conf_alpn_protocols(&client_conf, names) == 0);
        MUST(mbedtls_ssl_conf_alpn_protocols(&server_conf, names + 1) == 0);
    }
    if (how & 0x80) { // the server wants a certificate, and gets one
        mbedtls_ssl_conf_authmode(&server_conf, MBEDTLS_SSL_VERIFY_OPTIONAL);
        mbedtls_ssl_conf_ca_chain(&server_conf, &ca, NULL);
        MUST(mbedtls_ssl_conf_own_cert(&client_conf, &leaf, &leaf_key) == 0);
    }
    MUST(mbedtls_ssl_setup(&client, &client_conf) == 0);
    MUST(mbedtls_ssl_setup(&server, &server_conf) == 0);
    MUST(mbedtls_ssl_set_hostname(&client, "example.org") == 0);
    if (resume != NULL) {
        MUST(mbedtls_ssl_set_session(&client, resume) == 0);
    }
    mbedtls_ssl_set_bio(&client, &to_server, client_send, client_get, NULL);
    mbedtls_ssl_set_bio(&server, &to_client, server_send, server_get, NULL);
}

static void end(void) {
    mbedtls_ssl_free(&client);
    mbedtls_ssl_free(&server);
    mbedtls_ssl_config_free(&client_conf);
    mbedtls_ssl_config_free(&server_conf);
}

static void prepare(void) {
    atexit(tell);
    mbedtls_x509_crt_init(&ca);
    mbedtls_x509_crt_init(&leaf);
    mbedtls_pk_init(&leaf_key);
    mbedtls_ssl_session_init(&earlier);
    MUST(mbedtls_x509_crt_parse_der(&ca, ca_der, sizeof(ca_der)) == 0);
    MUST(mbedtls_x509_crt_parse_der(&leaf, leaf_der, sizeof(leaf_der)) == 0);
    MUST(mbedtls_pk_parse_key(&leaf_key, leaf_key_der, sizeof(leaf_key_der), NULL, 0, rng, NULL) == 0);
    begin(0, NULL);
    go_on(12);
    MUST(mbedtls_ssl_is_handshake_over(&client) && mbedtls_ssl_is_handshake_over(&server));
    MUST(mbedtls_ssl_get_session(&client, &earlier) == 0 && earlier.ticket_len > 0);
    end();
}

// A connection's session can be kept, and read again.
static void keep_session(void) {
    mbedtls_ssl_session kept;
    mbedtls_ssl_session_init(&kept);
    if (mbedtls_ssl_is_handshake_over(&client) && mbedtls_ssl_get_session(&client, &kept) == 0) {
        size_t len = 0;
        mbedtls_ssl_session_save(&kept, NULL, 0, &len);
        MUST(len > 0 && len < 20000);
        uint8_t *saved = malloc(len);
        MUST(mbedtls_ssl_session_save(&kept, saved, len, &len) == 0);
        mbedtls_ssl_session_free(&kept);
        MUST(mbedtls_ssl_session_load(&kept, saved, len) == 0 && kept.id_len <= sizeof(kept.id));
        free(saved);
    }
    mbedtls_ssl_session_free(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#if FUZZ_SESSION

// The input is what a file has for a session: a tag's length, the tag, what mbedTLS makes of a session.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (fuzzed == 0) {
        randomness = 800;
        prepare();
    }
    fuzzed += size + 1;
    size_t before = taken;
    randomness = 800;
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    // As tls.SSLSession() and wrap_socket() take it or not
    if (size > 0 && size >= 1u + data[0]) {
        uint8_t *exact = malloc(size - 1 - data[0]);
        memcpy(exact, data + 1 + data[0], size - 1 - data[0]);
        int ret = mbedtls_ssl_session_load(&session, exact, size - 1 - data[0]);
        free(exact);
        if (ret == 0 && session.id_len <= sizeof(session.id) && session.verify_result == 0) {
            begin(0, &session);
            go_on(12);
            MUST(client_failed || mbedtls_ssl_is_handshake_over(&client));
            if (!client_failed) {
                keep_session();
            }
            end();
        }
    }
    mbedtls_ssl_session_free(&session);
    MUST(taken == before);
    return 0;
}

#else

// A record of the server's, with the keys of the moment.
static void say(uint8_t type, const uint8_t *data, size_t len) {
    if (server_failed || mbedtls_ssl_flush_output(&server) != 0 || len > 4096) {
        return;
    }
    if (type == MBEDTLS_SSL_MSG_APPLICATION_DATA && server.transform_out != NULL && len <= sizeof(sent) - sent_len) {
        memcpy(sent + sent_len, data, len);
        sent_len += len;
    }
    server.out_msgtype = type;
    server.out_msglen = len;
    memcpy(server.out_msg, data, len);
    server_failed = mbedtls_ssl_write_record(&server, 1) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t piece[8192];
    if (size < 2) {
        return 0;
    }
    randomness = 800;
    if (fuzzed == 0) {
        prepare();
    }
    fuzzed += size;
    size_t before = taken;
    randomness = 800;
    // How far it gets first: nowhere, to the server's first answer, to the end; 3: to the end, by the earlier session.
    uint8_t how = data[0], stage = how & 3;
    begin(how, stage == 3 || (stage == 0 && (how & 0x20)) ? &earlier : NULL);
    ++data;
    --size;
    if (stage == 1) {
        client_step();
        server_step();
    } else if (stage != 0) {
        go_on(how & 0x40 ? 400 : 12);
    }
    while (size > 0 && !client_failed) {
        uint8_t what = *data++;
        --size;
        if (what < 0x40) { // bytes, from anybody
            size_t len = at_most(what, size);
            put(&to_client, data, len);
            data += len;
            size -= len;
        } else if (what < 0x80) { // a record: how long, how often that is said again, its bytes
            if (size < 2) {
                break;
            }
            uint8_t times = data[1] & 0x1f;
            size_t len = at_most(data[0], size - 2), n = 0;
            data += 2;
            for (int i = 0; i <= times && n + len <= sizeof(piece); ++i) {
                memcpy(piece + n, data, len);
                n += len;
            }
            say((uint8_t)(MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC + (what & 3)), piece, n);
            data += len;
            size -= len + 2;
        } else if (what < 0xa0) { // damage to a record: where, how many bytes, which
            if (size < 3) {
                break;
            }
            damage.due = true;
            damage.how = what;
            damage.skip = what >> 3 & 3;
            damage.where = (uint16_t)(data[0] << 8 | data[1]);
            damage.len = at_most(data[2], size - 3);
            damage.data = data + 3;
            data += 3 + damage.len;
            size -= 3 + damage.len;
        } else if (what < 0xb8) {
            client_step();
        } else if (what < 0xd0) {
            server_step();
        } else if (what < 0xe8) {
            go_on(12);
        } else if (what < 0xf0) { // the application has something to say
            if (mbedtls_ssl_is_handshake_over(&client)) {
                memset(piece, 'w', 1000);
                client_failed = !goes_on(mbedtls_ssl_write(&client, piece, what & 1 ? 1000 : 10));
            }
        } else if (what < 0xf4) {
            mbedtls_ssl_close_notify(&client);
        } else if (what < 0xf8) {
            if (!server_failed) {
                mbedtls_ssl_close_notify(&server);
            }
        } else if (what < 0xfc) {
            to_client.ended = true;
        } else {
            to_client.piece = what == 0xff ? sizeof(to_client.data) : what & 3;
            to_client.piece += to_client.piece == 0;
        }
    }
    // Nobody waits for ever for more of what has come.
    for (int i = 0; i < 10 && !client_failed; ++i) {
        to_client.piece = sizeof(to_client.data);
        client_step();
    }
    keep_session();
    end();
    MUST(taken == before);
    return 0;
}

#endif
