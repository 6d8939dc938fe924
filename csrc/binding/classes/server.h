/* Http2Server and Http2SecureServer: listening, accepting, and the sessions that come of it. A server
 * is anchored while it listens, and once for each connection. */
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
    uint32_t
        checking_interval_ms; /* Node looks that often at what is late; here each has its timer */
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
    int64_t max_connections;   /* of the program; more are dropped; -1: it has set none */
    net_crowd *crowd;          /* of maxConnectionsPerIp; NULL: no limit */
    size_t spare_connections;  /* our own: more wait in the kernel's backlog */
    size_t memory, max_memory; /* of all sessions; 0: no limit */
    lua_Number timeout_ms;     /* server.timeout */
    net_timer *grace;          /* of close{grace = ms}; NULL: none */
    lh2_http1_options http1;
    list_node http1_connections; /* by lh2_http1.link */
    uint32_t keep_alive_s;       /* of TCP; 0: off */
    bool is_delayed;             /* TCP_NODELAY is not wanted */
    bool is_secure;
    bool has_requests;       /* "request" has, or had, a listener: see exchange.c */
    bool has_requests_alone; /* ... and "stream" has no other, as of that many changes: */
    uint32_t seen_changes;
    bool has_classes; /* of the program's own, under the keys below */
    bool is_listening;
    bool is_closing;  /* close() was called: "close" follows the last connection */
    bool is_draining; /* ... with a grace: sessions end, too */
    bool has_origins; /* options.origins, under lh2_server_origins_key */
    bool is_choosing; /* SNICallback or ALPNCallback is there (hello.c) */
    bool has_sni_callback;
    bool is_sni_strict; /* options.strictSni: see misdirected.c */
} lh2_server;

extern const lh2_class lh2_server_class;
extern const lh2_class lh2_secure_server_class;
extern const char lh2_server_origins_key;

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
lh2_object *lh2_server_object(const lh2_session *session);
/* A moment as the `date` field has it (RFC 9110 §5.6.7). */
#define LH2_DATE_SIZE 40
void lh2_format_date(char date[LH2_DATE_SIZE], time_t time);
/* The value of a `date` field, made once a second (RFC 9110 §6.6.1); valid until the next call. */
bytes_slice lh2_server_date(lh2_runtime *runtime);

/* The error below the server on top (or nil) was raised by a handler of the carrier's: it goes to the
 * server's "handlerError" (error, stream), or with its traceback to standard error. [-2, +0, e] */
void lh2_server_tell_failure(lua_State *L, lh2_object *carrier);

/* ---- sessions (server_session.c) */

/* Pushes a session that nothing is known of yet; it is ordinary garbage until it is started.
 * [-0, +1, e] */
lh2_session *lh2_server_make_session(lua_State *L, const lh2_config *config);
/* The session on top begins on a connected socket, through TLS if there is any. `server`, which counts
 * the connection, may be NULL; `sockets` is the index of a sequence of objects that stand for it, or
 * 0. [-0, +0, e] */
void lh2_server_start_session(lua_State *L, lh2_session *session, lh2_server *server,
                              net_socket *socket, int sockets);

/* ---- connections (accept.c) */

/* Reads the option maxConnectionsPerIp, if there are options. [-0, +0, e] */
void lh2_server_crowd_init(lua_State *L, int options, lh2_server *server);
/* A connection has come from the listener. Never raises. */
void lh2_server_accept(lh2_server *server, net_socket *socket);
/* The program gives the Duplex at `index` as a connection: of clear text, or that TLS is to begin on;
 * with `is_secured` TLS stands already. [-0, +0, e] */
void lh2_server_inject(lua_State *L, lh2_server *server, int index, bool is_secured);
/* Counts a connection in, which has an anchor from now on, and out: the server, which is anchored, may
 * have waited for its end. [-0, +0, m] */
void lh2_server_connection_began(lh2_server *server);
void lh2_server_connection_ended(lua_State *L, lh2_server *server);
/* The limit of connections that a process can bear. */
size_t lh2_server_spare_connections(void);

/* ---- memory (server_memory.c) */

/* Reads the option maxServerMemory, if there are options. [-0, +0, v] */
void lh2_server_memory_init(lua_State *L, int options, lh2_server *server);
/* The session was served: what it holds counts. Where that is too much, the largest session of the
 * server ends, which may be this one. */
void lh2_server_weigh(lh2_session *session);
/* The session leaves its server. */
void lh2_server_forget_weight(lh2_session *session);
/* Whether the session's server has no room for new streams. */
bool lh2_server_is_crowded(const lh2_session *session);

/* ---- requests for other hosts (misdirected.c) */

/* Whether what is asked of `authority`, a host with or without a port, is to be refused on a connection
 * that was made for another host. */
bool lh2_server_is_misdirected(const lh2_server *server, const net_socket *socket,
                               bytes_slice authority);
/* Answers such a request with 421; false if it is none. */
bool lh2_server_misdirects(lh2_session *session, const h2_event *event);

/* ---- the end (server_end.c) */

/* server:close([{grace = ms}][, callback]) */
int lh2_server_close(lua_State *L);
/* "close" is due if nothing is left. [-0, +0, m] */
void lh2_server_close_if_idle(lua_State *L, lh2_server *server);

/* ---- TLS (handshake.c, secure_server.c) */

/* A new TLS connection, which is counted: handshake, then lh2_server_start_session. The sequence on top
 * (or nil) holds objects that stand for it. Owns the socket in any case. [-1, +0, m] */
void lh2_server_start_handshake(lua_State *L, lh2_server *server, net_socket *socket);
/* Pushes a TLSSocket for the connection whose handshake `tls` makes, or nil. [-0, +1, m] */
void lh2_server_push_handshake(lua_State *L, lh2_server *server, const net_tls *tls);
/* The connection whose handshake `tls` makes has a question for the program, which is anchored: its
 * socket, until lh2_hello_over is called. */
net_socket *lh2_server_set_question(lh2_server *server, const net_tls *tls, lh2_object *hello);
/* The handshake of the socket is over, and nothing more is asked about it. [-0, +0, e] */
void lh2_server_secured(lua_State *L, net_socket *socket);
/* Ends all handshakes; with `is_silent`, for __gc, without events. */
void lh2_server_drop_handshakes(lh2_server *server, bool is_silent);
/* Reads the options of a secure server, which is on top. [-0, +0, e] */
void lh2_secure_server_init(lua_State *L, lh2_server *server, int options);
void lh2_secure_server_open(lua_State *L);

#endif
