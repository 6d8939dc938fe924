/* Accepting connections: the arguments of listen(), the shape of address(), and net's Server. */
#ifndef BINDING_CLASSES_LISTENER_H
#define BINDING_CLASSES_LISTENER_H

#include "binding/emitter.h"

/* Reads listen's arguments from index `first` on: ([port[, host]][, backlog][, callback]),
 * (path[, backlog][, callback]) or ({port=, host=, path=, fd=, backlog=, ipv6Only=, reusePort=,
 * readableAll=, writableAll=}[, callback]). Strings in *out live as long as the arguments.
 * *callback is an index, 0 without one. [-0, +0, v] */
void lh2_listen_args(lua_State *L, int first, net_listen_options *out, int *callback);

/* Pushes {address=, family=, port=}; nil for NULL and for what has no address. Returns 1.
 * [-0, +1, m] */
int lh2_push_address(lua_State *L, const net_address *address);
int lh2_push_listener_address(lua_State *L, const net_listener *listener);

typedef struct lh2_listener lh2_listener;
extern const lh2_class lh2_listener_class;
/* A connection that the listener accepted has closed; gives back the anchor it had. [-0, +0, m] */
void lh2_listener_lost(lua_State *L, lh2_listener *listener);

#endif
