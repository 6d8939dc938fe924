/* Cipher suites: their two names, which of them RFC 9113 §9.2.2 allows, and which come first. */
#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#include <mbedtls/ssl_ciphersuites.h>

typedef struct suite {
    int id;
    const char *openssl;
    const char *iana;
    bool is_adequate; /* not on the list of RFC 9113 appendix A */
    bool is_default;
} suite;

/* In the order of preference: mbedTLS is about twice as fast with ChaCha20-Poly1305 as with
 * AES-GCM. Key exchange over finite fields is adequate, but slow, and so no default. */
static const suite suites[] = {
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", true, true},
    {0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", true,
     true},
    {0xCCA8, "ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", true,
     true},
    {0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", true, true},
    {0xC02B, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", true,
     true},
    {0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true, true},
    {0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", true, true},
    {0xC02C, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", true,
     true},
    {0xC030, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", true, true},
    {0xCCAA, "DHE-RSA-CHACHA20-POLY1305", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", true, false},
    {0x009E, "DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", true, false},
    {0x009F, "DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", true, false},
    {0xC023, "ECDHE-ECDSA-AES128-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", false, false},
    {0xC027, "ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", false, false},
    {0xC024, "ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", false, false},
    {0xC028, "ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", false, false},
    {0xC009, "ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", false, false},
    {0xC013, "ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false, false},
    {0xC00A, "ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", false, false},
    {0xC014, "ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", false, false},
    {0x009C, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", false, false},
    {0x009D, "AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", false, false},
};

#define SUITE_COUNT (sizeof(suites) / sizeof(*suites))
#define MAX_NAME 64

static bool is_tls_1_3(int id) {
    return id >> 8 == 0x13;
}

static const suite *find(int id) {
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (suites[i].id == id)
            return &suites[i];
    }
    return NULL;
}

bool tls_suite_is_adequate(int id) {
    const suite *found = find(id);
    return found && found->is_adequate;
}

const char *tls_suite_name(int id, const char **iana_name) {
    const suite *found = find(id);
    if (iana_name)
        *iana_name = found ? found->iana : "";
    if (found)
        return found->openssl;
    return id != 0 ? mbedtls_ssl_get_ciphersuite_name(id) : "";
}

/* The identifier of a name that the table or mbedTLS knows; 0 for one that neither does. */
static int look_up(const char *name) {
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        if (strcmp(name, suites[i].openssl) == 0 || strcmp(name, suites[i].iana) == 0)
            return suites[i].id;
    }
    char own[MAX_NAME]; /* mbedTLS writes IANA's names with '-' */
    snprintf(own, sizeof(own), "%s", name);
    for (char *p = own; *p != '\0'; p++) {
        if (*p == '_')
            *p = '-';
    }
    return mbedtls_ssl_get_ciphersuite_id(own);
}

static size_t add_defaults(int *ids, size_t count, bool (*is_wanted)(int id)) {
    for (size_t i = 0; i < SUITE_COUNT; i++) {
        int id = suites[i].id;
        if (suites[i].is_default && is_wanted(id) && mbedtls_ssl_ciphersuite_from_id(id))
            ids[count++] = id;
    }
    return count;
}

static bool is_any(int id) {
    (void)id;
    return true;
}

/* Adds each named suite. False for a name that nobody knows, which is then in `name`. */
static bool add_named(const char *list, int *ids, size_t *count, char name[MAX_NAME]) {
    while (*list != '\0') {
        size_t size = strcspn(list, ":");
        snprintf(name, MAX_NAME, "%.*s", (int)size, list);
        int id = size < MAX_NAME ? look_up(name) : 0;
        if (size > 0 && id == 0)
            return false;
        if (size > 0 && mbedtls_ssl_ciphersuite_from_id(id))
            ids[(*count)++] = id;
        list += size + (list[size] == ':');
    }
    return true;
}

static size_t drop_inadequate(int *ids, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (tls_suite_is_adequate(ids[i]))
            ids[kept++] = ids[i];
    }
    return kept;
}

static bool has_tls_1_3(const int *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (is_tls_1_3(ids[i]))
            return true;
    }
    return false;
}

static size_t max_count(const char *list) {
    size_t count = SUITE_COUNT + 2; /* the defaults, one more name than there are ':', the end */
    for (; list && *list != '\0'; list++)
        count += *list == ':';
    return count;
}

int *tls_suites_parse(const char *list, bool is_h2_strict, net_error *error) {
    int *ids = mem_alloc(max_count(list) * sizeof(*ids));
    if (!ids) {
        tls_error_set(error, "ENOMEM", "out of memory");
        return NULL;
    }
    size_t count = 0;
    char name[MAX_NAME] = "";
    if (!list) {
        count = add_defaults(ids, 0, is_any);
    } else if (!add_named(list, ids, &count, name)) {
        tls_error_set(error, "ERR_SSL_NO_CIPHER_MATCH", "unknown cipher suite: %s", name);
        goto refused;
    }
    if (is_h2_strict)
        count = drop_inadequate(ids, count);
    /* As with OpenSSL, a list that is about TLS 1.2 leaves TLS 1.3 as it is. */
    if (count > 0 && !has_tls_1_3(ids, count))
        count = add_defaults(ids, count, is_tls_1_3);
    if (count == 0) {
        tls_error_set(error, "ERR_SSL_NO_CIPHER_MATCH", "no usable cipher suite in the list");
        goto refused;
    }
    ids[count] = 0;
    return ids;

refused:
    mem_free(ids);
    return NULL;
}
