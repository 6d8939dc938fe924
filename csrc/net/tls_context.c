/* Keys, certificates and rules for many connections, made once and then only read. */
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/error.h>

#include "base/mem.h"

#if TLS_IS_3
#include <psa/crypto.h>
#endif

#define TICKET_KEY_LIFETIME_S 43200 /* a key makes tickets for half a day, and reads them for one */

typedef struct tls_host {
    list_node node;
    net_tls_context *context;
    char name[]; /* in lower case */
} tls_host;

/* -------------------------------------------------------------------- keys and certificates */

/* mbedTLS takes PEM with its terminator and DER without: a copy that has one, and the size to give. */
static char *terminate(bytes_slice octets, size_t *size, net_error *error) {
    char *copy = mem_alloc(octets.size + 1);
    if (!copy) {
        tls_error_set(error, "ENOMEM", "out of memory");
        return NULL;
    }
    memcpy(copy, octets.data, octets.size);
    copy[octets.size] = '\0';
    *size = octets.size + (strstr(copy, "-----BEGIN ") != NULL);
    return copy;
}

static void refuse(net_error *error, const char *code, const char *what, int result) {
    char reason[120];
    mbedtls_strerror(result, reason, sizeof(reason));
    tls_error_set(error, code, "%s cannot be used: %s", what, reason);
    error->number = result;
}

static bool read_certificates(mbedtls_x509_crt *chain, bytes_slice octets, const char *what,
                              net_error *error) {
    size_t size;
    char *copy = terminate(octets, &size, error);
    if (!copy)
        return false;
    int result = mbedtls_x509_crt_parse(chain, (const unsigned char *)copy, size);
    mem_free(copy);
    if (result > 0)
        tls_error_set(error, "ERR_OSSL_PEM_BAD_BASE64_DECODE",
                      "%s: %d of the certificates cannot be read", what, result);
    else if (result < 0)
        refuse(error, "ERR_OSSL_PEM_NO_START_LINE", what, result);
    return result == 0;
}

static bool read_revocations(net_tls_context *context, bytes_slice octets, net_error *error) {
    size_t size;
    char *copy = terminate(octets, &size, error);
    if (!copy)
        return false;
    int result = mbedtls_x509_crl_parse(&context->crl, (const unsigned char *)copy, size);
    mem_free(copy);
    if (result != 0)
        refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "crl", result);
    return result == 0;
}

static int parse_key(net_tls_context *context, const char *text, size_t size,
                     const char *passphrase) {
    const unsigned char *password = (const unsigned char *)passphrase;
    size_t password_size = passphrase ? strlen(passphrase) : 0;
#if TLS_IS_3
    return mbedtls_pk_parse_key(&context->key, (const unsigned char *)text, size, password,
                                password_size, tls_random_octets, &context->random);
#else
    return mbedtls_pk_parse_key(&context->key, (const unsigned char *)text, size, password,
                                password_size);
#endif
}

static bool read_key(net_tls_context *context, const net_tls_options *options,
                     net_error *error) {
    size_t size;
    char *copy = terminate(options->key, &size, error);
    if (!copy)
        return false;
    int result = parse_key(context, copy, size, options->passphrase);
    memset(copy, 0, options->key.size);
    mem_free(copy);
    if (result == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
        tls_error_set(error, "ERR_MISSING_PASSPHRASE", "the key is encrypted: a passphrase is due");
    else if (result == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        tls_error_set(error, "ERR_OSSL_BAD_DECRYPT", "the passphrase does not open the key");
    else if (result != 0)
        refuse(error, "ERR_OSSL_PEM_NO_START_LINE", "key", result);
    return result == 0;
}

static int check_pair(net_tls_context *context) {
#if TLS_IS_3
    return mbedtls_pk_check_pair(&context->cert.pk, &context->key, tls_random_octets,
                                 &context->random);
#else
    return mbedtls_pk_check_pair(&context->cert.pk, &context->key);
#endif
}

static bool read_identity(net_tls_context *context, const net_tls_options *options,
                          net_error *error) {
    if (options->cert.size == 0 && options->key.size == 0)
        return true;
    if (options->cert.size == 0 || options->key.size == 0) {
        tls_error_set(error, "ERR_OSSL_NO_CERTIFICATE_ASSIGNED",
                      "a key and a certificate go together: one of them is missing");
        return false;
    }
    if (!read_certificates(&context->cert, options->cert, "cert", error) ||
        !read_key(context, options, error))
        return false;
    if (check_pair(context) != 0) {
        tls_error_set(error, "ERR_OSSL_X509_KEY_VALUES_MISMATCH",
                      "the key is not that of the certificate");
        return false;
    }
    int result = mbedtls_ssl_conf_own_cert(&context->config, &context->cert, &context->key);
    if (result != 0)
        refuse(error, "ENOMEM", "cert", result);
    return result == 0;
}

static bool read_trust(net_tls_context *context, const net_tls_options *options,
                       net_error *error) {
    context->has_own_ca = options->ca_count > 0;
    for (size_t i = 0; i < options->ca_count; i++) {
        if (!read_certificates(&context->ca, options->ca[i], "ca", error))
            return false;
    }
    return options->crl.size == 0 || read_revocations(context, options->crl, error);
}

void tls_context_prepare(net_tls_context *context) {
    if (context->has_trust)
        return;
    context->has_trust = true;
    if (!context->has_own_ca)
        tls_trust_load_system(&context->ca);
    mbedtls_ssl_conf_ca_chain(&context->config, &context->ca,
                              context->crl.version != 0 ? &context->crl : NULL);
}

/* --------------------------------------------------------------------------------- parameters */

static bool set_versions(net_tls_context *context, const net_tls_options *options,
                         net_error *error) {
    int widest = TLS_HAS_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
    int max = options->max_version == 0 || options->max_version > widest ? widest
                                                                         : options->max_version;
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

/* RFC 9113 §9.2.1: curves of 224 bits at least, and no renegotiation. */
static void set_parameters(net_tls_context *context) {
#if TLS_IS_3
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    mbedtls_ssl_conf_groups(&context->config, groups);
#else
    static const mbedtls_ecp_group_id curves[] = {
        MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
        MBEDTLS_ECP_DP_NONE};
    static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512,
                                 MBEDTLS_MD_NONE};
    mbedtls_ssl_conf_curves(&context->config, curves);
    mbedtls_ssl_conf_sig_hashes(&context->config, hashes);
#endif
    mbedtls_ssl_conf_renegotiation(&context->config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
}

static int authentication_of(const net_tls_context *context) {
    if (context->is_server && !context->request_cert)
        return MBEDTLS_SSL_VERIFY_NONE;
    return context->reject_unauthorized ? MBEDTLS_SSL_VERIFY_REQUIRED
                                        : MBEDTLS_SSL_VERIFY_OPTIONAL;
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
    int result =
        mbedtls_ssl_conf_alpn_protocols(&context->config, (const char **)context->alpn);
    if (result != 0)
        refuse(error, "ERR_INVALID_ARG_VALUE", "the list of ALPN protocols", result);
    return result == 0;
}

/* ------------------------------------------------------------------------------------ tickets */

static int write_ticket(void *context, const mbedtls_ssl_session *session, unsigned char *start,
                        const unsigned char *end, size_t *size, uint32_t *lifetime) {
    return mbedtls_ssl_ticket_write(&((net_tls_context *)context)->tickets, session, start, end,
                                    size, lifetime);
}

/* A ticket may have been earned on a host that asks for no certificate: one that does makes a full
 * handshake. */
static int parse_ticket(void *context, mbedtls_ssl_session *session, unsigned char *ticket,
                        size_t size) {
    net_tls_context *base = context;
    if (base->stepping->rules->request_cert)
        return MBEDTLS_ERR_SSL_INVALID_MAC;
    return mbedtls_ssl_ticket_parse(&base->tickets, session, ticket, size);
}

static bool set_tickets(net_tls_context *context, bool is_on, net_error *error) {
    if (!context->is_server) {
        mbedtls_ssl_conf_session_tickets(&context->config,
                                         is_on ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                               : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#if TLS_HAS_1_3 && MBEDTLS_VERSION_NUMBER >= 0x03060100
        mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
            &context->config, is_on ? MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED
                                    : MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_DISABLED);
#endif
        return true;
    }
    if (!is_on)
        return true;
    int result = mbedtls_ssl_ticket_setup(&context->tickets, tls_random_octets, &context->random,
                                          MBEDTLS_CIPHER_AES_256_GCM, TICKET_KEY_LIFETIME_S);
    if (result != 0) {
        refuse(error, "ENOMEM", "the ticket key", result);
        return false;
    }
    mbedtls_ssl_conf_session_tickets_cb(&context->config, write_ticket, parse_ticket, context);
    return true;
}

/* -------------------------------------------------------------------------------------- hosts */

static char to_lower(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static void copy_lower(char *into, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        into[i] = to_lower(text[i]);
    into[size] = '\0';
}

static tls_host *find_host(const net_tls_context *context, const char *name) {
    for (list_node *node = context->hosts.next; node != &context->hosts; node = node->next) {
        tls_host *host = LIST_ENTRY(node, tls_host, node);
        if (strcmp(host->name, name) == 0)
            return host;
    }
    return NULL;
}

int net_tls_context_add_host(net_tls_context *context, const char *host,
                             net_tls_context *other) {
    size_t size = strlen(host);
    tls_host *new = mem_alloc(sizeof(*new) + size + 1);
    if (!new)
        return -1;
    copy_lower(new->name, host, size);
    new->context = net_tls_context_ref(other);
    tls_host *old = find_host(context, new->name);
    list_init(&new->node);
    list_append(&context->hosts, &new->node);
    if (old) {
        list_remove(&old->node);
        net_tls_context_unref(old->context);
        mem_free(old);
    }
    return 0;
}

/* The name itself, else "*" for its first label (RFC 6125 §6.4.3). */
static tls_host *match_host(const net_tls_context *context, const char *name) {
    tls_host *host = find_host(context, name);
    const char *dot = strchr(name, '.');
    if (host || !dot || dot == name)
        return host;
    char pattern[256];
    snprintf(pattern, sizeof(pattern), "*%s", dot);
    return find_host(context, pattern);
}

/* RFC 6066 §3: a DNS host name, in ASCII. */
static bool is_host_name(const unsigned char *name, size_t size) {
    if (size == 0 || size > 253)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = to_lower((char)name[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
              c == '_'))
            return false;
    }
    return true;
}

int tls_context_choose(void *context, mbedtls_ssl_context *ssl, const unsigned char *name,
                       size_t size) {
    net_tls *tls = LIST_ENTRY(ssl, net_tls, ssl);
    if (!is_host_name(name, size))
        return 0; /* as if none had been sent */
    mem_free(tls->servername); /* a second ClientHello repeats it */
    tls->servername = mem_alloc(size + 1);
    if (!tls->servername)
        return MBEDTLS_ERR_SSL_ALLOC_FAILED;
    copy_lower(tls->servername, (const char *)name, size);
    tls_host *host = match_host(context, tls->servername);
    if (!host)
        return 0;
    net_tls_context_unref(tls->rules);
    tls->rules = net_tls_context_ref(host->context);
    mbedtls_ssl_set_hs_authmode(ssl, authentication_of(tls->rules));
    if (tls->rules->request_cert) {
        tls_context_prepare(tls->rules);
        mbedtls_ssl_set_hs_ca_chain(ssl, &tls->rules->ca,
                                    tls->rules->crl.version != 0 ? &tls->rules->crl : NULL);
    }
    if (tls->rules->cert.version == 0)
        return 0;
    return mbedtls_ssl_set_hs_own_cert(ssl, &tls->rules->cert, &tls->rules->key);
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
    list_node *node;
    while ((node = list_first(&context->hosts)) != NULL) {
        tls_host *host = LIST_ENTRY(node, tls_host, node);
        list_remove(node);
        net_tls_context_unref(host->context);
        mem_free(host);
    }
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
        refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "TLS", result);
        return false;
    }
    mbedtls_ssl_conf_rng(&context->config, tls_random_octets, &context->random);
    return true;
}

static bool configure(net_tls_context *context, const net_tls_options *options,
                      net_error *error) {
    if (!set_defaults(context, error) || !set_versions(context, options, error))
        return false;
    context->suites = tls_suites_parse(options->ciphers, options->is_h2_strict, error);
    if (!context->suites)
        return false;
    mbedtls_ssl_conf_ciphersuites(&context->config, context->suites);
    set_parameters(context);
    mbedtls_ssl_conf_authmode(&context->config, authentication_of(context));
    if (context->is_server)
        mbedtls_ssl_conf_sni(&context->config, tls_context_choose, context);
    return read_identity(context, options, error) && read_trust(context, options, error) &&
           set_protocols(context, options, error) &&
           set_tickets(context, options->has_tickets, error);
}

int net_tls_context_new(net_tls_context **out, const net_tls_options *options,
                        net_error *error) {
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

void net_tls_context_leave_name(net_tls_context *context) {
    context->is_name_unchecked = true;
}

net_tls_context *net_tls_context_ref(net_tls_context *context) {
    context->references++;
    return context;
}

void net_tls_context_unref(net_tls_context *context) {
    if (context && --context->references == 0)
        dispose(context);
}
