/* Lines of the NSS key log, with which Wireshark and its like read what was recorded. */
#include "net/tls.h"

#include <stdio.h>

#include <mbedtls/platform_util.h>

#define MAX_SECRET 64
#define RANDOM_OCTETS 32

static size_t append_hex(char *line, size_t at, const unsigned char *octets, size_t size) {
    for (size_t i = 0; i < size; i++)
        at += (size_t)sprintf(line + at, "%02x", octets[i]);
    return at;
}

static void log_secret(net_tls *tls, const char *label, const unsigned char *client_random,
                       const unsigned char *secret, size_t secret_size) {
    char line[40 + 2 * RANDOM_OCTETS + 1 + 2 * MAX_SECRET + 1];
    const net_tls_context *context = tls ? tls->context : NULL;
    if (!tls || !(tls->log || context->log) || secret_size > MAX_SECRET)
        return;
    size_t at = (size_t)sprintf(line, "%s ", label);
    at = append_hex(line, at, client_random, RANDOM_OCTETS);
    line[at++] = ' ';
    at = append_hex(line, at, secret, secret_size);
    line[at] = '\0';
    if (tls->log)
        tls->log(tls->log_context, tls, line);
    else
        context->log(context->log_context, tls, line);
    mbedtls_platform_zeroize(line, sizeof(line));
}

#if TLS_IS_3

static const char *label_of(mbedtls_ssl_key_export_type type) {
    switch (type) {
    case MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET:
        return "CLIENT_RANDOM";
#if TLS_HAS_1_3
    case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET:
        return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET:
        return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET:
        return "CLIENT_TRAFFIC_SECRET_0";
    case MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET:
        return "SERVER_TRAFFIC_SECRET_0";
#endif
    default:
        return NULL;
    }
}

static void on_secret(void *tls, mbedtls_ssl_key_export_type type, const unsigned char *secret,
                      size_t secret_size, const unsigned char client_random[RANDOM_OCTETS],
                      const unsigned char server_random[RANDOM_OCTETS], mbedtls_tls_prf_types prf) {
    (void)server_random;
    (void)prf;
    const char *label = label_of(type);
    if (label)
        log_secret(tls, label, client_random, secret, secret_size);
}

void tls_keylog_setup(net_tls_context *context) {
    (void)context; /* each filter has it */
}

void tls_keylog_attach(net_tls *tls) {
    mbedtls_ssl_set_export_keys_cb(&tls->ssl, on_secret, tls);
}

#else

/* Does not say which connection the secret is of: the one whose handshake is at work. */
static int on_secret(void *context, const unsigned char *secret, const unsigned char *keys,
                     size_t mac_size, size_t key_size, size_t iv_size,
                     const unsigned char client_random[RANDOM_OCTETS],
                     const unsigned char server_random[RANDOM_OCTETS], mbedtls_tls_prf_types prf) {
    (void)keys;
    (void)mac_size;
    (void)key_size;
    (void)iv_size;
    (void)server_random;
    (void)prf;
    net_tls *tls = ((net_tls_context *)context)->stepping;
    log_secret(tls, "CLIENT_RANDOM", client_random, secret, 48);
    return 0;
}

void tls_keylog_setup(net_tls_context *context) {
    mbedtls_ssl_conf_export_keys_ext_cb(&context->config, on_secret, context);
}

void tls_keylog_attach(net_tls *tls) {
    (void)tls; /* the context has it */
}

#endif

void net_tls_context_set_keylog(net_tls_context *context,
                                void (*log)(void *log_context, net_tls *tls, const char *line),
                                void *log_context) {
    context->log = log;
    context->log_context = log_context;
}

void net_tls_set_keylog(net_tls *tls,
                        void (*log)(void *log_context, net_tls *tls, const char *line),
                        void *log_context) {
    tls->log = log;
    tls->log_context = log_context;
}
