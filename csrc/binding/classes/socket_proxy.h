/* What a program sees of a session's socket: its facts, not its octets (Node's session.socket). */
#ifndef BINDING_CLASSES_SOCKET_PROXY_H
#define BINDING_CLASSES_SOCKET_PROXY_H

#include "binding/classes/session.h"

/* The object on top stands for the session's connection: the proxy gives its facts, and it is told when
 * the connection closes. Of several, one for each layer, the last is the proxy's. [-1, +0, m] */
void lh2_session_keep_socket(lua_State *L, lh2_session *session);
/* Pushes the last one kept, made now if there is none. [-0, +1, m] */
void lh2_session_push_socket(lua_State *L, lh2_session *session);

/* Pushes the session's one proxy, or nil without a socket. [-0, +1, m] */
void lh2_push_socket_proxy(lua_State *L, lh2_session *session);
/* Pushes the Socket object behind it, which describes the connection; or nil. [-0, +1, m] */
void lh2_push_session_socket(lua_State *L, lh2_session *session);
/* Pushes the error that the program has destroyed one of the session's sockets with, or nil. [-0, +1, e] */
void lh2_push_session_socket_error(lua_State *L, lh2_session *session);
/* There is something for a later connection to resume with: "session" of the object behind the proxy,
 * if there is one. [-0, +0, e] */
void lh2_socket_proxy_tell_session(lua_State *L, lh2_session *session);
/* The session's socket has closed: those that stand for it are told, and the proxy, if one was made,
 * refuses from now on. [-0, +0, m] */
void lh2_socket_proxy_unbind(lua_State *L, lh2_session *session);
/* Registers its class. [-0, +0, m] */
void lh2_socket_proxy_open(lua_State *L);

/* Whether the name is in the list, which ends with NULL. */
bool lh2_proxy_is_among(const char *const *names, const char *name);
/* The name, at 2, of the member that a proxy is asked for; raises for those that are hidden. [-0, +0, v] */
const char *lh2_proxy_check_member(lua_State *L, const char *const *hidden);
/* What __index and __newindex of a proxy come to, with the object that has the member on top: the name is
 * at 2, the value at 3. A method is bound to its object. [-1, +1, e], [-1, +0, e] */
int lh2_proxy_get_member(lua_State *L);
int lh2_proxy_set_member(lua_State *L);

#endif
