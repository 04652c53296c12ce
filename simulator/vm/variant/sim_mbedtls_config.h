// mbedTLS as MicroPython configures it everywhere, with what ESP-IDF adds on the chip and with
// the simulated RTC as its clock.

#ifndef SIM_MBEDTLS_CONFIG_H
#define SIM_MBEDTLS_CONFIG_H

#include <time.h>

#define MBEDTLS_CIPHER_MODE_CTR
#define MBEDTLS_TIMING_C

#define MBEDTLS_BASE64_C
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_PK_PARSE_EC_COMPRESSED
#define MBEDTLS_PK_PARSE_EC_EXTENDED
#define MBEDTLS_SSL_ALPN
#define MBEDTLS_SSL_ENCRYPT_THEN_MAC
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_SESSION_TICKETS
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT

#include "extmod/mbedtls/mbedtls_config_common.h"

// boards/TCALL_SIM800/sdkconfig.board switches it off.
#undef MBEDTLS_KEY_EXCHANGE_RSA_ENABLED

// As ESP-IDF has it: one source, mbedtls_hardware_poll(). It is in boot.c.
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_NO_PLATFORM_ENTROPY

time_t sim_mbedtls_time(time_t *timer);
#define MBEDTLS_PLATFORM_TIME_MACRO sim_mbedtls_time

#endif // SIM_MBEDTLS_CONFIG_H
