/* The contexts of clients, found again by a digest of the options that they were made of: so neither
 * keys nor passphrases are kept in the clear to be compared. */
#include "net/tls.h"

#include <string.h>

#include <mbedtls/md.h>

/* ------------------------------------------------------------------------------------- digest */

/* What mbedTLS cannot take in shows at the end alone. */
typedef struct digest {
    mbedtls_md_context_t md;
    int result;
} digest;

static void add(digest *d, const void *octets, size_t size) {
    if (d->result == 0 && size > 0)
        d->result = mbedtls_md_update(&d->md, octets, size);
}

/* Its size goes first: two texts are never taken for one. */
static void add_text(digest *d, bytes_slice text) {
    add(d, &text.size, sizeof(text.size));
    add(d, text.data, text.size);
}

static void add_texts(digest *d, const bytes_slice *texts, size_t count) {
    add(d, &count, sizeof(count));
    for (size_t i = 0; i < count; i++)
        add_text(d, texts[i]);
}

/* NULL is not the empty text. */
static void add_string(digest *d, const char *text) {
    bool is_there = text != NULL;
    add(d, &is_there, sizeof(is_there));
    add_text(d, bytes_slice_of(text, is_there ? strlen(text) : 0));
}

static void add_rules(digest *d, const net_tls_options *options) {
    const int rules[] = {options->min_version, options->max_version,         options->request_cert,
                         options->has_tickets, options->reject_unauthorized, options->is_h2_strict};
    add(d, rules, sizeof(rules));
    add(d, &options->alpn_count, sizeof(options->alpn_count));
    for (size_t i = 0; i < options->alpn_count; i++)
        add_string(d, options->alpn[i]);
    add_string(d, options->ciphers);
    add_string(d, options->groups);
    add_string(d, options->signatures);
}

static void add_material(digest *d, const net_tls_options *options) {
    add_text(d, options->cert);
    add_text(d, options->key);
    add_string(d, options->passphrase);
    add_text(d, options->dhparam);
    add_texts(d, options->ca, options->ca_count);
    add_texts(d, options->crls, options->crl_count);
}

/* SHA-256 of all that a context is made of; 0 or mbedTLS's error. */
static int digest_of(const net_tls_options *options, uint8_t into[32]) {
    digest d = {.result = 0};
    mbedtls_md_init(&d.md);
    d.result = mbedtls_md_setup(&d.md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
    if (d.result == 0)
        d.result = mbedtls_md_starts(&d.md);
    add_rules(&d, options);
    add_material(&d, options);
    if (d.result == 0)
        d.result = mbedtls_md_finish(&d.md, into);
    mbedtls_md_free(&d.md);
    return d.result;
}

/* ----------------------------------------------------------------------------------- contexts */

/* The place of the one with the digest, else the first free one, else the last. */
static size_t find(const net_tls_contexts *contexts, const uint8_t wanted[32]) {
    size_t i = 0;
    while (i < NET_TLS_CONTEXTS - 1 && contexts->_kept[i].context &&
           memcmp(contexts->_kept[i].digest, wanted, 32) != 0)
        i++;
    return i;
}

int net_tls_contexts_get(net_tls_contexts *contexts, net_tls_context **out,
                         const net_tls_options *options, net_error *error) {
    struct net_tls_kept chosen;
    int result = digest_of(options, chosen.digest);
    if (result != 0) {
        tls_error_refuse(error, "ERR_CRYPTO_OPERATION_FAILED", "TLS", result);
        return -1;
    }
    size_t i = find(contexts, chosen.digest);
    chosen.context = contexts->_kept[i].context;
    if (!chosen.context || memcmp(contexts->_kept[i].digest, chosen.digest, 32) != 0) {
        if (net_tls_context_new(&chosen.context, options, error) != 0)
            return -1;
        net_tls_context_unref(contexts->_kept[i].context);
    }
    memmove(contexts->_kept + 1, contexts->_kept, i * sizeof(chosen));
    contexts->_kept[0] = chosen;
    *out = net_tls_context_ref(chosen.context);
    return 0;
}

void net_tls_contexts_dispose(net_tls_contexts *contexts) {
    for (size_t i = 0; i < NET_TLS_CONTEXTS; i++)
        net_tls_context_unref(contexts->_kept[i].context);
    *contexts = (net_tls_contexts){0};
}
