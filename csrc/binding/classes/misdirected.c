/* The option strictSni: a connection serves the host whose certificate, and whose rules for clients, its
 * handshake went by, and those that share them (RFC 9110 §15.5.20). */
#include <string.h>

#include "binding/classes/server.h"

/* The host of "host:port" or "[address]:port". */
static bytes_slice host_of(bytes_slice authority) {
    const char *text = (const char *)authority.data;
    const char *end =
        authority.size > 0 ? memchr(text, *text == '[' ? ']' : ':', authority.size) : NULL;
    if (end != NULL && *end == ']')
        return bytes_slice_of(text + 1, (size_t)(end - text) - 1);
    return bytes_slice_of(text, end != NULL ? (size_t)(end - text) : authority.size);
}

/* Only SNICallback knows which rules a name would have had that the client did not send. */
static bool is_unasked(const lh2_server *server, const net_tls *tls, bytes_slice host) {
    char text[INET6_ADDRSTRLEN];
    if (!server->has_sni_callback || net_tls_servername(tls) != NULL)
        return false;
    if (host.size >= sizeof(text))
        return true;
    memcpy(text, host.data, host.size);
    text[host.size] = '\0';
    return net_family_of(text) == 0;
}

bool lh2_server_is_misdirected(const lh2_server *server, const net_socket *socket,
                               bytes_slice authority) {
    const net_tls *tls = server->is_sni_strict ? net_socket_tls(socket) : NULL;
    if (tls == NULL || authority.size == 0)
        return false;
    bytes_slice host = host_of(authority);
    return is_unasked(server, tls, host) || !net_tls_serves_host(tls, host);
}

bool lh2_server_misdirects(lh2_session *session, const h2_event *event) {
    const lh2_server *server = session->server;
    if (server == NULL || !server->is_sni_strict || session->socket == NULL)
        return false;
    bool is_misdirected = false;
    for (size_t i = 0; i < event->headers.count && !is_misdirected; i++) {
        const hpack_field *field = &event->headers.fields[i];
        if (field->token == HPACK_TOKEN_AUTHORITY || field->token == HPACK_TOKEN_HOST)
            is_misdirected = lh2_server_is_misdirected(server, session->socket, field->value);
    }
    if (!is_misdirected)
        return false;
    const hpack_field status = {.name = BYTES_LITERAL(":status"),
                                .value = BYTES_LITERAL("421"),
                                .token = HPACK_TOKEN_STATUS};
    h2_session_submit_response(session->engine, event->stream_id, &status, 1, true);
    if (!event->headers.is_end) /* RFC 9113 §8.1: the body is not wanted */
        h2_session_reset(session->engine, event->stream_id, H2_NO_ERROR);
    return true;
}
