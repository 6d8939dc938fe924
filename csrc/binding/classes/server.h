/* Http2Server and Http2SecureServer: listening, accepting, and the sessions that come of it. A server
 * is anchored while it listens or has a connection. */
#ifndef BINDING_CLASSES_SERVER_H
#define BINDING_CLASSES_SERVER_H

#include <time.h>

#include "binding/classes/session.h"

/* What holds for HTTP/1.1 on a secure server's port. Times are milliseconds, 0: no limit. */
typedef struct lh2_http1_options {
    bool is_allowed;
    uint32_t headers_timeout_ms;    /* from a request's first octet to the end of its head */
    uint32_t request_timeout_ms;    /* ... to its end */
    uint32_t keep_alive_timeout_ms; /* between two requests */
    uint32_t max_requests;          /* of one connection; 0: no limit */
    uint32_t max_head_octets, max_fields;
} lh2_http1_options;

typedef struct lh2_server {
    lh2_object object;
    net_listener *listener;
    net_tls_context *tls; /* NULL: clear text */
    lh2_config config;
    list_node sessions;   /* by lh2_session.link */
    list_node handshakes; /* connections that have no session yet */
    size_t connection_count;
    int64_t max_connections; /* 0: no limit */
    lh2_http1_options http1;
    list_node http1_connections; /* by lh2_http1.link */
    bool is_secure;
    bool has_requests; /* "request" has, or had, a listener: see exchange.c */
    bool has_classes;  /* of the program's own, under the keys below */
    bool is_listening;
    bool is_closing; /* close() was called: "close" follows the last connection */
} lh2_server;

extern const lh2_class lh2_server_class;
extern const lh2_class lh2_secure_server_class;

/* Private fields: metatables of requests and responses, of HTTP/2 and of HTTP/1.1. */
enum {
    LH2_CLASS_REQUEST,
    LH2_CLASS_RESPONSE,
    LH2_CLASS_REQUEST_1,
    LH2_CLASS_RESPONSE_1,
    LH2_CLASS_COUNT
};
extern const char lh2_server_class_keys[LH2_CLASS_COUNT];

/* The session's server for emitting, or NULL. */
lh2_object *lh2_server_object(lh2_session *session);
/* A moment as the `date` field has it (RFC 9110 §5.6.7). */
#define LH2_DATE_SIZE 40
void lh2_format_date(char date[LH2_DATE_SIZE], time_t time);
/* The value of a `date` field, made once a second (RFC 9110 §6.6.1); valid until the next call. */
bytes_slice lh2_server_date(lua_State *L);

/* The error below the server on top (or nil) was raised by a handler of the carrier's: it goes to the
 * server's "handlerError" (error, stream), or with its traceback to standard error. [-2, +0, e] */
void lh2_server_tell_failure(lua_State *L, lh2_object *carrier);

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
