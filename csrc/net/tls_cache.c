/* Sessions of TLS 1.2 by their identifiers (RFC 5246 §7.3), for clients without tickets: the program
 * keeps them. mbedTLS asks for one in the middle of a handshake, so what there is to resume has been
 * laid ready before. */
#include "net/tls.h"

#include <string.h>

/* What cannot be kept will not be resumed. */
static int keep(void *data, const uint8_t *id, size_t id_size, const mbedtls_ssl_session *session) {
    net_tls *tls = ((net_tls_context *)data)->stepping;
    size_t size = 0;
    if (!tls->keeps_session || id_size > sizeof(tls->session_id))
        return 0;
    bytes_buffer_dispose(&tls->session);
    mbedtls_ssl_session_save(session, NULL, 0, &size);
    if (bytes_buffer_reserve(&tls->session, size) != 0 ||
        mbedtls_ssl_session_save(session, tls->session.data, size, &size) != 0)
        return 0;
    tls->session.size = size;
    memcpy(tls->session_id, id, id_size);
    tls->session_id_size = id_size;
    return 0;
}

/* As with tickets, a host that asks for a certificate makes a full handshake. 0 if there is one. */
static int find(void *data, const uint8_t *id, size_t id_size, mbedtls_ssl_session *session) {
    const net_tls *tls = ((net_tls_context *)data)->stepping;
    if (tls->session.size == 0 || tls->rules->request_cert)
        return -1;
    mbedtls_ssl_session found;
    mbedtls_ssl_session_init(&found);
    if (mbedtls_ssl_session_load(&found, tls->session.data, tls->session.size) != 0 ||
        found.id_len != id_size || memcmp(found.id, id, id_size) != 0) {
        mbedtls_ssl_session_free(&found);
        return -1;
    }
    *session = found;
    return 0;
}

#if TLS_IS_3
static int get_session(void *data, unsigned char const *id, size_t id_size,
                       mbedtls_ssl_session *session) {
    return find(data, id, id_size, session);
}

static int set_session(void *data, unsigned char const *id, size_t id_size,
                       const mbedtls_ssl_session *session) {
    return keep(data, id, id_size, session);
}
#else
static int get_session(void *data, mbedtls_ssl_session *session) {
    uint8_t id[sizeof(session->id)];
    memcpy(id, session->id, sizeof(id));
    return find(data, id, session->id_len, session);
}

static int set_session(void *data, const mbedtls_ssl_session *session) {
    return keep(data, session->id, session->id_len, session);
}
#endif

void tls_cache_setup(net_tls_context *context) {
    mbedtls_ssl_conf_session_cache(&context->config, context, get_session, set_session);
}

void net_tls_keep_session(net_tls *tls) {
    tls->keeps_session = true;
}

int net_tls_resume(net_tls *tls, bytes_slice session) {
    bytes_buffer_dispose(&tls->session);
    return bytes_buffer_append(&tls->session, session.data, session.size);
}

bool net_tls_made_session(const net_tls *tls, bytes_slice *id, bytes_slice *session) {
    *id = bytes_slice_of(tls->session_id, tls->session_id_size);
    *session = bytes_slice_of(tls->session.data, tls->session.size);
    return tls->session_id_size > 0;
}

void net_tls_forget_session(net_tls *tls) {
    bytes_buffer_dispose(&tls->session);
    tls->session_id_size = 0;
}
