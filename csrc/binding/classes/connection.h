/* Connections that the program brings: any Duplex, for a session to run over. */
#ifndef BINDING_CLASSES_CONNECTION_H
#define BINDING_CLASSES_CONNECTION_H

#include "binding/args.h"

/* Raises unless the value at `index` has the members of a Duplex. [-0, +0, v] */
void lh2_connection_check(lua_State *L, int index, const char *name);
/* Marks the Duplex at `index` as one that has a session; raises ERR_HTTP2_SOCKET_BOUND if it is
 * already. [-0, +0, v] */
void lh2_connection_bind(lua_State *L, int index);
/* The transport's socket of a Duplex: the very one of a socket of http2.net, once that is connected
 * and nothing is on its way in it; for all others one over their members. The caller owns it, and
 * says by lh2_connection_lost that it has closed. [-0, +0, e] */
net_socket *lh2_connection_open(lua_State *L, int index);
/* A socket from lh2_connection_open is connected: the one to be used from now on. [-0, +0, m] */
net_socket *lh2_connection_settle(lua_State *L, net_socket *socket);
/* The connection of the object at `index` has closed: "close" follows for a socket that was
 * surrendered. [-0, +0, m] */
void lh2_connection_lost(lua_State *L, int index);

/* The same for all objects of the sequence on top, if it is one. [-1, +0, m] */
void lh2_connections_lost(lua_State *L);

/* [-0, +0, m] */
void lh2_connection_open_module(lua_State *L);

#endif
