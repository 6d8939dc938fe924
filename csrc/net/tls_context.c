/* Keys, certificates and rules for many connections, made once and then only read. */
#include "net/tls.h"

#include <string.h>

#include "base/mem.h"

#if TLS_IS_3
#include <psa/crypto.h>
#endif

/* --------------------------------------------------------------------------------- parameters */

static bool set_versions(net_tls_context *context, const net_tls_options *options,
                         net_error *error) {
    int widest = TLS_HAS_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
    int max =
        options->max_version == 0 || options->max_version > widest ? widest : options->max_version;
    int min = options->min_version < TLS_VERSION_1_2 ? TLS_VERSION_1_2 : options->min_version;
    if (max < TLS_VERSION_1_2) {
        tls_error_set(error, "ERR_TLS_INVALID_PROTOCOL_VERSION",
                      "HTTP/2 needs TLS 1.2 at least (RFC 9113 section 9.2)");
        return false;
    }
    if (min > max) {
        tls_error_set(error, "ERR_TLS_PROTOCOL_VERSION_CONFLICT",
                      "no TLS version is left between the lowest and the highest one%s",
                      min > widest ? ": this mbedTLS has no TLS 1.3" : "");
        return false;
    }
#if TLS_IS_3
    mbedtls_ssl_conf_min_tls_version(&context->config, (mbedtls_ssl_protocol_version)min);
    mbedtls_ssl_conf_max_tls_version(&context->config, (mbedtls_ssl_protocol_version)max);
#else
    mbedtls_ssl_conf_min_version(&context->config, min >> 8, min & 0xff);
    mbedtls_ssl_conf_max_version(&context->config, max >> 8, max & 0xff);
#endif
    return true;
}

int tls_context_authentication(const net_tls_context *context) {
    if (context->is_server && !context->request_cert)
        return MBEDTLS_SSL_VERIFY_NONE;
    return context->reject_unauthorized ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_OPTIONAL;
}

/* One block: the pointers, then the texts. */
static bool set_protocols(net_tls_context *context, const net_tls_options *options,
                          net_error *error) {
    if (options->alpn_count == 0)
        return true;
    size_t size = (options->alpn_count + 1) * sizeof(char *);
    for (size_t i = 0; i < options->alpn_count; i++)
        size += strlen(options->alpn[i]) + 1;
    context->alpn = mem_alloc(size);
    if (!context->alpn) {
        tls_error_set(error, "ENOMEM", "out of memory");
        return false;
    }
    char *text = (char *)(context->alpn + options->alpn_count + 1);
    for (size_t i = 0; i < options->alpn_count; i++) {
        context->alpn[i] = text;
        text = stpcpy(text, options->alpn[i]) + 1;
    }
    context->alpn[options->alpn_count] = NULL;
    int result = mbedtls_ssl_conf_alpn_protocols(&context->config, (const char **)context->alpn);
    if (result != 0)
        tls_error_refuse(error, "ERR_INVALID_ARG_VALUE", "the list of ALPN protocols", result);
    return result == 0;
}

/* --------------------------------------------------------------------------------- life cycle */

static void init_parts(net_tls_context *context) {
    mbedtls_ssl_config_init(&context->config);
    mbedtls_x509_crt_init(&context->cert);
    mbedtls_pk_init(&context->key);
    mbedtls_x509_crt_init(&context->ca);
    mbedtls_x509_crl_init(&context->crl);
    mbedtls_ssl_ticket_init(&context->tickets);
    list_init(&context->hosts);
}

static void dispose(net_tls_context *context) {
    tls_hosts_dispose(context);
    mbedtls_ssl_config_free(&context->config);
    mbedtls_ssl_ticket_free(&context->tickets);
    mbedtls_x509_crt_free(&context->cert);
    mbedtls_pk_free(&context->key);
    mbedtls_x509_crt_free(&context->ca);
    mbedtls_x509_crl_free(&context->crl);
    tls_random_dispose(&context->random);
    mem_free(context->suites);
    mem_free(context->alpn);
    mem_free(context);
}

static bool set_defaults(net_tls_context *context, net_error *error) {
    int result = tls_random_init(&context->random);
#if TLS_IS_3
    if (result == 0 && psa_crypto_init() != PSA_SUCCESS)
        result = MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
#endif
    if (result == 0)
        result = mbedtls_ssl_config_defaults(
            &context->config, context->is_server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
            MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (result != 0) {
        tls_error_refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "TLS", result);
        return false;
    }
    mbedtls_ssl_conf_rng(&context->config, tls_random_octets, &context->random);
    return true;
}

static bool configure(net_tls_context *context, const net_tls_options *options, net_error *error) {
    if (!set_defaults(context, error) || !set_versions(context, options, error))
        return false;
    context->suites = tls_suites_parse(options->ciphers, options->is_h2_strict, error);
    if (!context->suites)
        return false;
    mbedtls_ssl_conf_ciphersuites(&context->config, context->suites);
    if (!tls_parameters_set(context, options, error))
        return false;
    mbedtls_ssl_conf_authmode(&context->config, tls_context_authentication(context));
    tls_keylog_setup(context);
    if (context->is_server) {
        mbedtls_ssl_conf_sni(&context->config, tls_hosts_choose, context);
        tls_cache_setup(context);
    }
    return tls_identity_read(context, options, error) && tls_trust_read(context, options, error) &&
           set_protocols(context, options, error) &&
           tls_tickets_setup(context, options->has_tickets, error);
}

int net_tls_context_new(net_tls_context **out, const net_tls_options *options, net_error *error) {
    net_tls_context *context = mem_alloc(sizeof(*context));
    if (!context) {
        tls_error_set(error, "ENOMEM", "out of memory");
        return -1;
    }
    memset(context, 0, sizeof(*context));
    context->references = 1;
    context->is_server = options->is_server;
    context->request_cert = options->request_cert;
    context->reject_unauthorized = options->reject_unauthorized;
    init_parts(context);
    if (!configure(context, options, error)) {
        dispose(context);
        return -1;
    }
    *out = context;
    return 0;
}

int net_tls_context_inherit(net_tls_context *context, const net_tls_context *old) {
    net_tls_context_set_keylog(context, old->log, old->log_context);
    net_tls_context_set_ask(context, old->ask, old->ask_context);
    return tls_hosts_copy(context, old) != 0 || tls_tickets_copy(context, old) != 0 ? -1 : 0;
}

net_tls_context *net_tls_context_ref(net_tls_context *context) {
    context->references++;
    return context;
}

void net_tls_context_unref(net_tls_context *context) {
    if (context && --context->references == 0)
        dispose(context);
}
