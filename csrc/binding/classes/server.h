/* Http2Server and Http2SecureServer: listening, accepting, and the sessions that come of it. A server
 * is anchored while it listens or has a connection. */
#ifndef BINDING_CLASSES_SERVER_H
#define BINDING_CLASSES_SERVER_H

#include "binding/classes/session.h"

typedef struct lh2_server {
    lh2_object object;
    net_listener *listener;
    net_tls_context *tls; /* NULL: clear text */
    lh2_config config;
    list_node sessions;   /* by lh2_session.link */
    list_node handshakes; /* connections that have no session yet */
    size_t connection_count;
    int64_t max_connections; /* 0: no limit */
    bool is_secure;
    bool is_listening;
    bool is_closing; /* close() was called: "close" follows the last connection */
} lh2_server;

extern const lh2_class lh2_server_class;
extern const lh2_class lh2_secure_server_class;

/* The session's server for emitting, or NULL. */
lh2_object *lh2_server_object(lh2_session *session);
/* The value of a `date` field, made once a second (RFC 9110 §6.6.1); valid until the next call. */
bytes_slice lh2_server_date(lua_State *L);

/* A connected socket, through TLS if there is any, becomes a session (server_session.c).
 * [-0, +0, e] */
void lh2_server_start_session(lua_State *L, lh2_server *server, net_socket *socket);
/* A connection of the server has ended: it may have waited for that. [-0, +0, m] */
void lh2_server_connection_ended(lua_State *L, lh2_server *server);

/* A new TLS connection: handshake, then lh2_server_start_session (handshake.c). Never raises. */
void lh2_server_start_handshake(lh2_server *server, net_socket *socket);
/* Drops all handshakes under way without events; for __gc. */
void lh2_server_drop_handshakes(lh2_server *server);

#endif
