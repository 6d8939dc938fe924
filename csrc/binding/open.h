/* How the parts of the core open: each registers its classes and adds its functions to the table on
 * top. [-0, +0, m] */
#ifndef BINDING_OPEN_H
#define BINDING_OPEN_H

#include "binding/lua_compat.h"

void lh2_emitter_open(lua_State *L);
void lh2_constants_open(lua_State *L);
void lh2_duplex_open(lua_State *L);
void lh2_timers_open(lua_State *L);
void lh2_socket_open(lua_State *L);
void lh2_listener_open(lua_State *L);

void lh2_settings_open(lua_State *L);
void lh2_session_open(lua_State *L);
void lh2_stream_open(lua_State *L);
void lh2_server_open(lua_State *L);
void lh2_exchange_open(lua_State *L);
void lh2_http1_open(lua_State *L);

#endif
