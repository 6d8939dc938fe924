/* net's Socket: a Duplex over a transport's socket, with TLS or without. */
#ifndef BINDING_CLASSES_SOCKET_H
#define BINDING_CLASSES_SOCKET_H

#include "binding/classes/listener.h"
#include "binding/duplex.h"

typedef struct lh2_socket {
    lh2_duplex duplex;
    net_socket *net;         /* NULL: not connected yet, closed, or surrendered */
    net_socket *lent;        /* surrendered: somebody else runs it, until lh2_socket_lost */
    lh2_write *first, *last; /* writes of which the transport has not taken all */
    size_t sent;             /* octets of the first that it has */
    net_timer *timer;        /* of setTimeout; NULL: none */
    uint64_t timeout_ms, active_ms;
    net_address local, peer;            /* as of the connection; known if has_addresses */
    uint64_t bytes_read, bytes_written; /* as of its end */
    lh2_listener *listener;             /* that accepted it, anchored; or NULL */
    lh2_object *keeper;                 /* who counts it, anchored; or NULL */
    void (*on_lost)(lua_State *L, struct lh2_socket *socket);
    net_timer *doom; /* of lh2_socket_destroy_after */
    bool has_addresses;
    bool is_secure; /* has, or will have, TLS between it and the wire */
    bool is_connecting;
    bool is_established; /* "connect", and under TLS "secureConnect", have been */
    bool is_finishing;   /* FIN goes after the last write */
    bool is_flush_due;
    uint32_t keep_alive_s; /* 0: off */
    bool is_no_delay;
    bool is_unref;
    bool is_reset; /* to be closed by RST */
} lh2_socket;

extern const lh2_class lh2_socket_class, lh2_tls_socket_class;

/* A Socket around a connection that was accepted; with `tls` a TLSSocket that begins a handshake. It
 * owns `net` from now on, but not when it raises. [-0, +1, e] */
lh2_socket *lh2_socket_new(lua_State *L, net_socket *net, net_tls_context *tls);

/* A socket around a connection that stands, TLS included, and that was somebody else's: its owner from
 * now on, but not when it raises. When it has closed, on_lost is called. [-0, +1, m] */
lh2_socket *lh2_socket_adopt(lua_State *L, net_socket *net, lh2_object *keeper,
                             void (*on_lost)(lua_State *L, lh2_socket *socket));
/* It has no more time than that. [-0, +0, m] */
void lh2_socket_destroy_after(lua_State *L, lh2_socket *socket, uint64_t delay_ms);

/* The transport, whoever runs it; NULL without a connection. */
static inline net_socket *lh2_socket_transport(const lh2_socket *socket) {
    return socket->net ? socket->net : socket->lent;
}
/* Whether nothing is on its way between the program and the transport. */
bool lh2_socket_is_quiet(const lh2_socket *socket);
/* Gives the transport's socket to somebody else, who sets its events. The object keeps addresses and
 * facts, and reads and writes no more, but its destroy() closes the connection; the owner says by
 * lh2_socket_lost that it has closed: "close" follows. [-0, +0, m] */
net_socket *lh2_socket_surrender(lua_State *L, lh2_socket *socket);
void lh2_socket_lost(lua_State *L, lh2_socket *socket);
/* An object for a connection that a session runs, as if surrendered to it: addresses and facts only.
 * Anchored until lh2_socket_lost. [-0, +1, m] */
lh2_socket *lh2_socket_describe(lua_State *L, net_socket *net);

/* ---- between socket.c and socket_members.c */

/* A socket that has no connection yet; a TLSSocket if `is_secure`. [-0, +1, m] */
lh2_socket *lh2_socket_make(lua_State *L, bool is_secure);
/* Begins to connect the socket at index 1; TLS takes its options from index 2. [-0, +0, e] */
void lh2_socket_connect(lua_State *L, lh2_socket *socket, const net_connect_options *options);
/* Brings the counts of octets, and the addresses, up to date. */
void lh2_socket_note_octets(lh2_socket *socket);
void lh2_socket_note_addresses(lh2_socket *socket);
void lh2_socket_stop_timer(lh2_socket *socket);
/* Starts the timer of setTimeout, if there is a connection and a timeout. [-0, +0, e] */
void lh2_socket_start_timer(lua_State *L, lh2_socket *socket);

/* ---- in tls_socket.c */

/* Notes what the members tell of the handshake. [-0, +0, m] */
void lh2_tls_socket_note(lua_State *L, lh2_socket *socket);
/* A client's filter for the socket by the options at `options`, for a server of the name `host`.
 * [-0, +0, e] */
net_tls *lh2_tls_socket_client(lua_State *L, lh2_socket *socket, int options, const char *host);
/* Emits "session": there is one to resume with. [-0, +0, e] */
void lh2_tls_socket_tell_session(lua_State *L, lh2_socket *socket);

#endif
