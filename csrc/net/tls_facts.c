/* What a filter tells of its connection, and the session that a later one can resume. */
#include "net/tls.h"

#include <string.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "base/mem.h"

/* -------------------------------------------------------------------------------------- facts */

const char *net_tls_alpn(const net_tls *tls) {
    return mbedtls_ssl_get_alpn_protocol(&tls->ssl);
}

const char *net_tls_protocol(const net_tls *tls) {
    return tls->is_established ? mbedtls_ssl_get_version(&tls->ssl) : "";
}

static int suite_of(const net_tls *tls) {
    const char *name = tls->is_established ? mbedtls_ssl_get_ciphersuite(&tls->ssl) : NULL;
    return name ? mbedtls_ssl_get_ciphersuite_id(name) : 0;
}

const char *net_tls_cipher(const net_tls *tls, const char **iana_name) {
    return tls_suite_name(suite_of(tls), iana_name);
}

const char *net_tls_servername(const net_tls *tls) {
    return tls->servername;
}

bool net_tls_is_adequate(const net_tls *tls) {
    return tls_suite_is_adequate(suite_of(tls)); /* the version is 1.2 at least in any case */
}

bool net_tls_is_resumed(const net_tls *tls) {
    return tls->is_established && !tls->is_full;
}

bool net_tls_is_authorized(const net_tls *tls, const char **code, const char **text) {
    uint32_t flags = tls_verify_result(tls);
    *code = NULL;
    *text = NULL;
    bool is_asking = !tls->rules->is_server || tls->rules->request_cert;
    if (!is_asking || (flags & MBEDTLS_X509_BADCERT_SKIP_VERIFY))
        return false;
    tls_verify_describe(flags, &tls->chain, code, text);
    return flags == 0 && tls->is_established;
}

bytes_slice net_tls_peer_certificate(const net_tls *tls) {
    const mbedtls_x509_crt *certificate = mbedtls_ssl_get_peer_cert(&tls->ssl);
    if (!certificate)
        return bytes_slice_of(NULL, 0);
    return bytes_slice_of(certificate->raw.p, certificate->raw.len);
}

/* ----------------------------------------------------------------------------------- sessions */

/* A blob is this octet, what verification had found (four octets), the size of the host name in
 * one, the name, and what mbedTLS saves: a session is never resumed with another host than the one
 * it was verified for. */
#define BLOB_VERSION 1
#define BLOB_HEADER 6

/* In TLS 1.3 an identifier means nothing: the ticket comes after the handshake. */
static bool is_resumable(const net_tls *tls) {
    const mbedtls_ssl_session *session = tls->ssl.session;
    bool has_id = session && session->id_len > 0 &&
                  strcmp(mbedtls_ssl_get_version(&tls->ssl), "TLSv1.2") == 0;
    return session && (session->ticket || has_id);
}

int net_tls_session(const net_tls *tls, bytes_buffer *out) {
    const mbedtls_ssl_session *session = tls->ssl.session;
    const char *name = tls->servername ? tls->servername : "";
    size_t name_size = strlen(name);
    if (!tls->is_established || tls->context->is_server || !is_resumable(tls) ||
        name_size > UINT8_MAX)
        return 0;
    size_t size = 0;
    mbedtls_ssl_session_save(session, NULL, 0, &size);
    if (bytes_buffer_reserve(out, BLOB_HEADER + name_size + size) != 0)
        return -1;
    uint8_t *start = out->data + out->size, *saved = start + BLOB_HEADER + name_size;
    if (mbedtls_ssl_session_save(session, saved, size, &size) != 0)
        return 0;
    start = bytes_put_u8(start, BLOB_VERSION);
    start = bytes_put_u32(start, tls_verify_result(tls));
    start = bytes_put_u8(start, (uint8_t)name_size);
    memcpy(start, name, name_size);
    out->size += BLOB_HEADER + name_size + size;
    return 0;
}

bool net_tls_take_news(net_tls *tls) {
    bool has_news = tls->has_news && !tls->context->is_server && is_resumable(tls);
    tls->has_news = false;
    return has_news;
}

void tls_session_restore(net_tls *tls, bytes_slice blob) {
    bytes_slice name = bytes_slice_of("", 0);
    if (tls->servername)
        name = bytes_slice_of(tls->servername, strlen(tls->servername));
    if (tls->context->is_server || blob.size < BLOB_HEADER || blob.data[0] != BLOB_VERSION ||
        blob.size < (size_t)BLOB_HEADER + blob.data[BLOB_HEADER - 1])
        return;
    if (!bytes_slice_equal(name,
                           bytes_slice_of(blob.data + BLOB_HEADER, blob.data[BLOB_HEADER - 1])))
        return;
    size_t offset = BLOB_HEADER + name.size;
    mbedtls_ssl_session session;
    mbedtls_ssl_session_init(&session);
    /* A blob of another build of mbedTLS, or none at all, makes a full handshake, no error. */
    if (mbedtls_ssl_session_load(&session, blob.data + offset, blob.size - offset) == 0)
        mbedtls_ssl_set_session(&tls->ssl, &session);
    tls->session_flags = bytes_get_u32(blob.data + 1);
    mbedtls_ssl_session_free(&session);
}
