/* Error objects: Node's classes and codes as Lua tables. One list of codes. */
#ifndef BINDING_ERROR_H
#define BINDING_ERROR_H

#include "binding/runtime.h"

/* The codes with a fixed class and text are in error.c's list; the text there may hold one %s, filled
 * with `detail` (NULL for ""). [-0, +1, m] */
void lh2_push_error(lua_State *L, const char *code, const char *detail);
/* With a class and a text of one's own: "TypeError", "ERR_INVALID_ARG_TYPE", format... [-0, +1, m] */
void lh2_push_error_text(lua_State *L, const char *name, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* From a transport's error: code, errno, syscall, address, port, message. [-0, +1, m] */
void lh2_push_net_error(lua_State *L, const net_error *error);
/* "Stream closed with error code NGHTTP2_x" (ERR_HTTP2_STREAM_ERROR), "... n"
 * (ERR_HTTP2_SESSION_ERROR), with the verdict fields of LUA-API.md. [-0, +1, m] */
void lh2_push_stream_error(lua_State *L, uint32_t code, h2_by by, bool is_processed);
void lh2_push_session_error(lua_State *L, uint32_t code, h2_by by, bool is_processed);
/* The verdict on the error object on top (any other value stays as it is): how far it reaches, "stream"
 * or "session"; who caused it; and whether to try again is safe. [-0, +0, m] */
void lh2_set_verdict(lua_State *L, const char *scope, h2_by by, bool is_processed);

/* Replaces the error object on top by one like it, for a stream whose request never left. [-1, +1, m] */
void lh2_to_unsent(lua_State *L);

/* Raise them, with the position of the Lua caller in field `where` and in front of a traceback, not
 * in the message. [-0, +0, v] */
int lh2_raise(lua_State *L, const char *code, const char *detail);
int lh2_raise_text(lua_State *L, const char *name, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Raises the error object on top. [-1, +0, v] */
int lh2_throw(lua_State *L);
/* The Lua file of the function at `index` is the library's: what is raised in it is raised at its
 * caller. [-0, +0, m] */
void lh2_note_own_file(lua_State *L, int index);

/* Whether the value at `index` is an error object of ours. [-0, +0, -] */
bool lh2_is_error(lua_State *L, int index);
/* Pushes "Name [CODE]: message", with the place where it was raised in front if that is known; of a
 * value that is no error object what its __tostring says. [-0, +1, m] */
void lh2_push_description(lua_State *L, int index);
/* Replaces the value on top by an error object if it is none (destroy(err) takes anything); nil stays
 * nil. [-1, +1, m] */
void lh2_to_error(lua_State *L);

/* http2.isError and the metatable of errors. [-0, +0, m] */
void lh2_error_open(lua_State *L);

#endif
