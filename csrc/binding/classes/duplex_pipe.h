/* A transport's socket over any object that has the members of a Duplex, so that a session, or TLS,
 * runs over it as over the kernel. */
#ifndef BINDING_CLASSES_DUPLEX_PIPE_H
#define BINDING_CLASSES_DUPLEX_PIPE_H

#include "binding/emitter.h"

/* A socket over the Duplex at `index`, which may still be connecting (on_connect follows). It is the
 * caller's; when it closes, the Duplex is destroyed. [-0, +0, e] */
net_socket *lh2_duplex_pipe_open(lua_State *L, int index);

/* Pushes the Duplex under the socket; nil if there is none. [-0, +1, -] */
void lh2_duplex_pipe_push(lua_State *L, const net_socket *socket);
/* Closes the socket, which tells nothing any more, and leaves the Duplex to the program. */
void lh2_duplex_pipe_let_go(net_socket *socket);

/* Pushes what a socket failed by: the Duplex's own error object where there is one. [-0, +1, m] */
void lh2_push_socket_error(lua_State *L, const net_socket *socket, const net_error *error);

/* Registers its class. [-0, +0, m] */
void lh2_duplex_pipe_open_class(lua_State *L);

#endif
