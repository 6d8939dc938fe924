/* The program's say in a handshake: SNICallback and ALPNCallback, "resumeSession", "OCSPRequest" and
 * "newSession". */
#ifndef BINDING_CLASSES_HELLO_H
#define BINDING_CLASSES_HELLO_H

#include "binding/classes/server.h"

/* Reads the callbacks from the options at `options`, for the server on top. [-0, +0, e] */
void lh2_hello_init(lua_State *L, lh2_server *server, int options);
/* Pushes the error that a question came to; false and nothing if there is none. [-0, +0|1, -] */
bool lh2_hello_push_error(lua_State *L, lh2_object *hello);
/* Tells "newSession" of a session that was made; lh2_server_secured follows when the program has stored
 * it. False, and nothing follows, if there is none or nobody listens. [-0, +0, e] */
bool lh2_hello_tell_session(lua_State *L, lh2_object *hello);
/* The handshake is over: an answer would come too late. Gives back its anchor. [-0, +0, -] */
void lh2_hello_over(lua_State *L, lh2_object *hello);
/* Registers its class. [-0, +0, m] */
void lh2_hello_open(lua_State *L);

#endif
