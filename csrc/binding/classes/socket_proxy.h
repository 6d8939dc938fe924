/* What a program sees of a session's socket: its facts, not its octets (Node's session.socket). */
#ifndef BINDING_CLASSES_SOCKET_PROXY_H
#define BINDING_CLASSES_SOCKET_PROXY_H

#include "binding/classes/session.h"

/* Pushes the session's one proxy, or nil without a socket. [-0, +1, m] */
void lh2_push_socket_proxy(lua_State *L, lh2_session *session);
/* Pushes the Socket object behind it, which describes the connection; or nil. [-0, +1, m] */
void lh2_push_session_socket(lua_State *L, lh2_session *session);
/* The session's socket has closed: the proxy, if one was made, refuses from now on. [-0, +0, m] */
void lh2_socket_proxy_unbind(lua_State *L, lh2_session *session);
/* Registers its class. [-0, +0, m] */
void lh2_socket_proxy_open(lua_State *L);

#endif
