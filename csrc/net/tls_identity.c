/* Keys, certificates, and whom to trust: from PEM or DER into a context. */
#include "net/tls.h"

#include <string.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/platform_util.h>

#include "base/mem.h"

char *tls_text_copy(bytes_slice octets, size_t *size, net_error *error) {
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

static bool read_certificates(mbedtls_x509_crt *chain, bytes_slice octets, const char *what,
                              net_error *error) {
    size_t size;
    char *copy = tls_text_copy(octets, &size, error);
    if (!copy)
        return false;
    int result = mbedtls_x509_crt_parse(chain, (const unsigned char *)copy, size);
    mem_free(copy);
    if (result > 0)
        tls_error_set(error, "ERR_OSSL_PEM_BAD_BASE64_DECODE",
                      "%s: %d of the certificates cannot be read", what, result);
    else if (result < 0)
        tls_error_refuse(error, "ERR_OSSL_PEM_NO_START_LINE", what, result);
    return result == 0;
}

static bool read_revocations(net_tls_context *context, bytes_slice octets, net_error *error) {
    size_t size;
    char *copy = tls_text_copy(octets, &size, error);
    if (!copy)
        return false;
    int result = mbedtls_x509_crl_parse(&context->crl, (const unsigned char *)copy, size);
    mem_free(copy);
    if (result != 0)
        tls_error_refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "crl", result);
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

static bool read_key(net_tls_context *context, const net_tls_options *options, net_error *error) {
    size_t size;
    char *copy = tls_text_copy(options->key, &size, error);
    if (!copy)
        return false;
    int result = parse_key(context, copy, size, options->passphrase);
    mbedtls_platform_zeroize(copy, options->key.size);
    mem_free(copy);
    if (result == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
        tls_error_set(error, "ERR_MISSING_PASSPHRASE", "the key is encrypted: a passphrase is due");
    else if (result == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        tls_error_set(error, "ERR_OSSL_BAD_DECRYPT", "the passphrase does not open the key");
    else if (result != 0)
        tls_error_refuse(error, "ERR_OSSL_PEM_NO_START_LINE", "key", result);
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

/* mbedTLS 2.28 copies a key that is good for more than signatures each time it signs, and makes anew for
 * the copy what speeds up the second signature and all later ones. */
static int keep_for_signatures(mbedtls_pk_context *key) {
#if !TLS_IS_3
    mbedtls_pk_context signer;
    if (mbedtls_pk_get_type(key) != MBEDTLS_PK_ECKEY)
        return 0;
    mbedtls_pk_init(&signer);
    int result = mbedtls_pk_setup(&signer, mbedtls_pk_info_from_type(MBEDTLS_PK_ECDSA));
    if (result == 0)
        result = mbedtls_ecdsa_from_keypair(mbedtls_pk_ec(signer), mbedtls_pk_ec(*key));
    mbedtls_pk_free(result == 0 ? key : &signer);
    if (result == 0)
        *key = signer;
    return result;
#else
    (void)key;
    return 0;
#endif
}

bool tls_identity_read(net_tls_context *context, const net_tls_options *options, net_error *error) {
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
    /* The key exchange with a fixed key, which a list of suites may ask for, is no signature. */
    bool only_signs = options->is_h2_strict || !options->ciphers;
    int result = only_signs ? keep_for_signatures(&context->key) : 0;
    if (result == 0)
        result = mbedtls_ssl_conf_own_cert(&context->config, &context->cert, &context->key);
    if (result != 0)
        tls_error_refuse(error, "ENOMEM", "cert", result);
    return result == 0;
}

bool tls_trust_read(net_tls_context *context, const net_tls_options *options, net_error *error) {
    context->has_own_ca = options->ca_count > 0;
    for (size_t i = 0; i < options->ca_count; i++) {
        if (!read_certificates(&context->ca, options->ca[i], "ca", error))
            return false;
    }
    for (size_t i = 0; i < options->crl_count; i++) {
        if (!read_revocations(context, options->crls[i], error))
            return false;
    }
    return true;
}

void tls_trust_prepare(net_tls_context *context) {
    if (context->has_trust)
        return;
    context->has_trust = true;
    if (!context->has_own_ca)
        tls_trust_load_system(&context->ca);
    mbedtls_ssl_conf_ca_chain(&context->config, &context->ca,
                              context->crl.version != 0 ? &context->crl : NULL);
}
