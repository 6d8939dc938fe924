/* What TLS agrees on besides the suite: groups for the exchange of keys, signatures, and the size of
 * finite fields. mbedTLS 2.28 knows signatures by their hashes alone, 3.x as TLS itself does. */
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/dhm.h>
#include <mbedtls/ssl_ciphersuites.h>

#include "base/mem.h"

#define MAX_NAME 32
#define MIN_FIELD_BITS 1024
#define MIN_FIELD_BITS_OF_H2 2048 /* RFC 9113 §9.2.1 */

/* Takes the first name off a list with ':'; false for one that is empty or longer than any. */
static bool next_name(const char **list, char name[MAX_NAME]) {
    size_t size = strcspn(*list, ":");
    if (size == 0 || size >= MAX_NAME)
        return false;
    snprintf(name, MAX_NAME, "%.*s", (int)size, *list);
    *list += size;
    return true;
}

/* Whether another name follows; goes past the ':'. */
static bool has_more(const char **list) {
    if (**list != ':')
        return false;
    ++*list;
    return true;
}

static bool refuse_list(net_error *error, const char *what, const char *list) {
    tls_error_set(error, "ERR_CRYPTO_OPERATION_FAILED", "%s: %.80s", what, list);
    return false;
}

/* ------------------------------------------------------------------------------------- groups */

/* All of 224 bits at least, as RFC 9113 §9.2.1 wants it. */
typedef struct group {
    uint16_t id; /* IANA's */
    const char *names[3];
} group;

static const group groups[TLS_GROUP_COUNT] = {
    {0x001D, {"X25519", NULL, NULL}},
    {0x0017, {"P-256", "prime256v1", "secp256r1"}},
    {0x0018, {"P-384", "secp384r1", NULL}},
    {0x0019, {"P-521", "secp521r1", NULL}},
    {0x001E, {"X448", NULL, NULL}},
    {0x0015, {"P-224", "secp224r1", NULL}},
    {0x0016, {"secp256k1", NULL, NULL}},
    {0x001A, {"brainpoolP256r1", NULL, NULL}},
    {0x001B, {"brainpoolP384r1", NULL, NULL}},
    {0x001C, {"brainpoolP512r1", NULL, NULL}},
    {0x0100, {"ffdhe2048", NULL, NULL}},
    {0x0101, {"ffdhe3072", NULL, NULL}},
    {0x0102, {"ffdhe4096", NULL, NULL}},
    {0x0103, {"ffdhe6144", NULL, NULL}},
    {0x0104, {"ffdhe8192", NULL, NULL}},
};

static const group *find_group(const char *name) {
    for (size_t i = 0; i < TLS_GROUP_COUNT; i++) {
        for (size_t j = 0; j < 3 && groups[i].names[j]; j++) {
            if (strcmp(groups[i].names[j], name) == 0)
                return &groups[i];
        }
    }
    return NULL;
}

/* What mbedTLS calls it; 0 for one that it has not. */
static tls_group group_of(uint16_t id) {
#if TLS_IS_3
    bool is_field = id >= 0x0100;
    return mbedtls_ecp_curve_info_from_tls_id(id) || (is_field && TLS_HAS_1_3) ? id : 0;
#else
    const mbedtls_ecp_curve_info *info = mbedtls_ecp_curve_info_from_tls_id(id);
    return info ? info->grp_id : MBEDTLS_ECP_DP_NONE;
#endif
}

static bool read_groups(net_tls_context *context, const char *list, net_error *error) {
    uint32_t seen = 0; /* a bit for each entry of the table */
    size_t count = 0;
    const char *rest = list;
    do {
        char name[MAX_NAME];
        const group *found = next_name(&rest, name) ? find_group(name) : NULL;
        if (!found || seen & 1u << (found - groups))
            return refuse_list(error, "ecdhCurve names a curve that is unknown or there already",
                               list);
        seen |= 1u << (found - groups);
        tls_group known = group_of(found->id);
        if (known != 0)
            context->groups[count++] = known;
    } while (has_more(&rest));
    context->groups[count] = 0;
    return count > 0 || refuse_list(error, "ecdhCurve leaves no curve that mbedTLS has", list);
}

static bool set_groups(net_tls_context *context, const char *list, net_error *error) {
    if (!list || strcmp(list, "auto") == 0)
        list = "X25519:P-256:P-384";
    if (!read_groups(context, list, error))
        return false;
#if TLS_IS_3
    mbedtls_ssl_conf_groups(&context->config, context->groups);
#else
    mbedtls_ssl_conf_curves(&context->config, context->groups);
#endif
    return true;
}

/* --------------------------------------------------------------------------------- signatures */

typedef enum signer {
    SIGNER_NONE, /* mbedTLS has no such keys, or the hash is too weak for us */
    SIGNER_RSA,
    SIGNER_RSA_PSS,
    SIGNER_ECDSA
} signer;

typedef struct scheme {
    uint16_t id; /* IANA's */
    signer signer;
    mbedtls_md_type_t hash;
    const char *names[3]; /* OpenSSL has two for RSA-PSS besides TLS's own */
} scheme;

static const scheme schemes[TLS_SCHEME_COUNT] = {
    {0x0403, SIGNER_ECDSA, MBEDTLS_MD_SHA256, {"ecdsa_secp256r1_sha256", "ECDSA+SHA256", NULL}},
    {0x0503, SIGNER_ECDSA, MBEDTLS_MD_SHA384, {"ecdsa_secp384r1_sha384", "ECDSA+SHA384", NULL}},
    {0x0603, SIGNER_ECDSA, MBEDTLS_MD_SHA512, {"ecdsa_secp521r1_sha512", "ECDSA+SHA512", NULL}},
    {0x0804,
     SIGNER_RSA_PSS,
     MBEDTLS_MD_SHA256,
     {"rsa_pss_rsae_sha256", "RSA-PSS+SHA256", "PSS+SHA256"}},
    {0x0805,
     SIGNER_RSA_PSS,
     MBEDTLS_MD_SHA384,
     {"rsa_pss_rsae_sha384", "RSA-PSS+SHA384", "PSS+SHA384"}},
    {0x0806,
     SIGNER_RSA_PSS,
     MBEDTLS_MD_SHA512,
     {"rsa_pss_rsae_sha512", "RSA-PSS+SHA512", "PSS+SHA512"}},
    {0x0401, SIGNER_RSA, MBEDTLS_MD_SHA256, {"rsa_pkcs1_sha256", "RSA+SHA256", NULL}},
    {0x0501, SIGNER_RSA, MBEDTLS_MD_SHA384, {"rsa_pkcs1_sha384", "RSA+SHA384", NULL}},
    {0x0601, SIGNER_RSA, MBEDTLS_MD_SHA512, {"rsa_pkcs1_sha512", "RSA+SHA512", NULL}},
    {0x0807, SIGNER_NONE, MBEDTLS_MD_NONE, {"ed25519", NULL, NULL}},
    {0x0808, SIGNER_NONE, MBEDTLS_MD_NONE, {"ed448", NULL, NULL}},
    {0x0809, SIGNER_NONE, MBEDTLS_MD_NONE, {"rsa_pss_pss_sha256", NULL, NULL}},
    {0x080A, SIGNER_NONE, MBEDTLS_MD_NONE, {"rsa_pss_pss_sha384", NULL, NULL}},
    {0x080B, SIGNER_NONE, MBEDTLS_MD_NONE, {"rsa_pss_pss_sha512", NULL, NULL}},
    {0x0303, SIGNER_NONE, MBEDTLS_MD_NONE, {"ecdsa_sha224", "ECDSA+SHA224", NULL}},
    {0x0301, SIGNER_NONE, MBEDTLS_MD_NONE, {"rsa_pkcs1_sha224", "RSA+SHA224", NULL}},
    {0x0203, SIGNER_NONE, MBEDTLS_MD_NONE, {"ecdsa_sha1", "ECDSA+SHA1", NULL}},
    {0x0201, SIGNER_NONE, MBEDTLS_MD_NONE, {"rsa_pkcs1_sha1", "RSA+SHA1", NULL}},
};

static const scheme *find_scheme(const char *name) {
    for (size_t i = 0; i < TLS_SCHEME_COUNT; i++) {
        for (size_t j = 0; j < 3 && schemes[i].names[j]; j++) {
            if (strcmp(schemes[i].names[j], name) == 0)
                return &schemes[i];
        }
    }
    return NULL;
}

/* Adds what mbedTLS can do of it, once; returns the new count. */
static size_t add_scheme(tls_scheme *list, size_t count, const scheme *new) {
#if TLS_IS_3
    tls_scheme own = new->id;
    bool is_known = new->signer != SIGNER_NONE;
#else
    tls_scheme own = (tls_scheme) new->hash;
    bool is_known = new->signer == SIGNER_RSA || new->signer == SIGNER_ECDSA;
#endif
    for (size_t i = 0; i < count; i++)
        is_known = is_known && list[i] != own;
    if (is_known)
        list[count++] = own;
    return count;
}

/* `*signers` gets a bit for each signer. */
static bool read_schemes(net_tls_context *context, const char *list, unsigned *signers,
                         net_error *error) {
    uint32_t seen = 0; /* a bit for each entry of the table */
    size_t count = 0;
    const char *rest = list;
    *signers = 0;
    do {
        char name[MAX_NAME];
        const scheme *found = next_name(&rest, name) ? find_scheme(name) : NULL;
        if (!found || seen & 1u << (found - schemes))
            return refuse_list(error, "sigalgs names what is unknown or there already", list);
        seen |= 1u << (found - schemes);
        *signers |= 1u << found->signer;
        count = add_scheme(context->schemes, count, found);
    } while (has_more(&rest));
    context->schemes[count] = 0;
    return count > 0 || refuse_list(error, "sigalgs leaves nothing that mbedTLS can do", list);
}

#if !TLS_IS_3
/* Whose hashes are given for all signers together: the suites of others are not to be had. */
static bool keep_suites(int *suites, unsigned signers, net_error *error) {
    size_t kept = 0;
    for (const int *id = suites; *id != 0; id++) {
        const mbedtls_ssl_ciphersuite_t *info = mbedtls_ssl_ciphersuite_from_id(*id);
        bool is_rsa = mbedtls_ssl_get_ciphersuite_sig_pk_alg(info) == MBEDTLS_PK_RSA;
        if (signers & 1u << (is_rsa ? SIGNER_RSA : SIGNER_ECDSA))
            suites[kept++] = *id;
    }
    suites[kept] = 0;
    if (kept == 0)
        tls_error_set(error, "ERR_SSL_NO_CIPHER_MATCH", "sigalgs leaves none of the cipher suites");
    return kept > 0;
}
#endif

static bool set_schemes(net_tls_context *context, const char *list, net_error *error) {
    unsigned signers;
#if TLS_IS_3
    if (!list)
        return true;
    if (!read_schemes(context, list, &signers, error))
        return false;
    mbedtls_ssl_conf_sig_algs(&context->config, context->schemes);
    return true;
#else
    const char *hashes = "RSA+SHA256:RSA+SHA384:RSA+SHA512"; /* which stand for ECDSA too */
    if (!read_schemes(context, list ? list : hashes, &signers, error))
        return false;
    mbedtls_ssl_conf_sig_hashes(&context->config, context->schemes);
    return !list || keep_suites(context->suites, signers, error);
#endif
}

/* ------------------------------------------------------------------------------ finite fields */

static bool set_field(net_tls_context *context, const net_tls_options *options, net_error *error) {
    unsigned min_bits = options->is_h2_strict ? MIN_FIELD_BITS_OF_H2 : MIN_FIELD_BITS;
    if (!context->is_server)
        mbedtls_ssl_conf_dhm_min_bitlen(&context->config, min_bits);
    if (options->dhparam.size == 0)
        return true;
    size_t size;
    char *text = tls_text_copy(options->dhparam, &size, error);
    if (!text)
        return false;
    mbedtls_dhm_context field;
    mbedtls_dhm_init(&field);
    int result = mbedtls_dhm_parse_dhm(&field, (const unsigned char *)text, size);
    mem_free(text);
    bool is_small = result == 0 && mbedtls_mpi_bitlen(&field.P) < min_bits;
    if (result == 0 && !is_small)
        result = mbedtls_ssl_conf_dh_param_ctx(&context->config, &field);
    mbedtls_dhm_free(&field);
    if (is_small)
        tls_error_set(error, "ERR_INVALID_ARG_VALUE", "DH parameter is less than %u bits",
                      min_bits);
    else if (result != 0)
        tls_error_refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "dhparam", result);
    return result == 0 && !is_small;
}

bool tls_parameters_set(net_tls_context *context, const net_tls_options *options,
                        net_error *error) {
    mbedtls_ssl_conf_renegotiation(&context->config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    return set_groups(context, options->groups, error) &&
           set_schemes(context, options->signatures, error) && set_field(context, options, error);
}
