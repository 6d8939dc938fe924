#include "binding/error.h"

#include <stdarg.h>
#include <stdio.h>

/* Errors with a text of their own; %s is the detail. X(code, class, text) */
#define ERROR_MAP(X)                                                                               \
    X(ABORT_ERR, "AbortError", "The operation was aborted")                                        \
    X(ERR_HTTP2_ALTSVC_INVALID_ORIGIN, "TypeError", "An ALTSVC frame needs a valid origin")        \
    X(ERR_HTTP2_ALTSVC_LENGTH, "TypeError", "ALTSVC frames are limited to 16382 bytes")            \
    X(ERR_HTTP2_CONNECT_AUTHORITY, "Error", ":authority is mandatory for CONNECT requests")        \
    X(ERR_HTTP2_CONNECT_PATH, "Error", ":path must not be present in CONNECT requests")            \
    X(ERR_HTTP2_CONNECT_SCHEME, "Error", ":scheme must not be present in CONNECT requests")        \
    X(ERR_HTTP2_ERROR, "Error", "%s")                                                              \
    X(ERR_HTTP2_GOAWAY_SESSION, "Error", "New streams cannot be made after a GOAWAY")              \
    X(ERR_HTTP2_HEADERS_AFTER_RESPOND, "Error",                                                    \
      "Additional headers are not possible once the response is started")                          \
    X(ERR_HTTP2_HEADERS_SENT, "Error", "The response is already started")                          \
    X(ERR_HTTP2_HEADER_SINGLE_VALUE, "TypeError", "Header field \"%s\" must have one value only")  \
    X(ERR_HTTP2_INFO_STATUS_NOT_ALLOWED, "RangeError",                                             \
      "Informational status codes cannot be used here")                                            \
    X(ERR_HTTP2_INVALID_CONNECTION_HEADERS, "TypeError",                                           \
      "HTTP/1 connection-specific header fields are forbidden: \"%s\"")                            \
    X(ERR_HTTP2_INVALID_HEADER_VALUE, "TypeError", "Invalid value %s")                             \
    X(ERR_HTTP2_INVALID_INFO_STATUS, "RangeError", "Invalid informational status code: %s")        \
    X(ERR_HTTP2_INVALID_ORIGIN, "TypeError", "An ORIGIN frame needs a valid origin")               \
    X(ERR_HTTP2_INVALID_PACKED_SETTINGS_LENGTH, "RangeError",                                      \
      "The length of packed settings must be a multiple of six")                                   \
    X(ERR_HTTP2_INVALID_PSEUDOHEADER, "TypeError",                                                 \
      "\"%s\" is an invalid pseudo-header or is used incorrectly")                                 \
    X(ERR_HTTP2_INVALID_SESSION, "Error", "The session has been destroyed")                        \
    X(ERR_HTTP2_INVALID_SETTING_VALUE, "RangeError", "Invalid value for setting %s")               \
    X(ERR_HTTP2_INVALID_STREAM, "Error", "The stream has been destroyed")                          \
    X(ERR_HTTP2_MAX_PENDING_SETTINGS_ACK, "Error", "Too many settings wait for acknowledgement")   \
    X(ERR_HTTP2_NESTED_PUSH, "Error", "A pushed stream cannot push")                               \
    X(ERR_HTTP2_NO_MEM, "Error", "Out of memory")                                                  \
    X(ERR_HTTP2_NO_SOCKET_MANIPULATION, "Error",                                                   \
      "The socket of an HTTP/2 session is not to be read, written or closed directly")             \
    X(ERR_HTTP2_ORIGIN_LENGTH, "TypeError", "ORIGIN frames are limited to 16382 bytes")            \
    X(ERR_HTTP2_OUT_OF_STREAMS, "Error", "No stream ID is left for a new stream")                  \
    X(ERR_HTTP2_PAYLOAD_FORBIDDEN, "Error", "Responses with status %s must not have a body")       \
    X(ERR_HTTP2_PING_CANCEL, "Error", "The ping was cancelled")                                    \
    X(ERR_HTTP2_PING_LENGTH, "RangeError", "The payload of a ping must be 8 bytes")                \
    X(ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED, "TypeError", "Pseudo-headers cannot be set")             \
    X(ERR_HTTP2_PUSH_DISABLED, "Error", "The client has disabled push")                            \
    X(ERR_HTTP2_SEND_FILE, "Error", "Directories cannot be sent")                                  \
    X(ERR_HTTP2_SEND_FILE_NOSEEK, "Error", "Offset and length are for regular files only")         \
    X(ERR_HTTP2_SETTINGS_CANCEL, "Error", "The settings were cancelled")                           \
    X(ERR_HTTP2_SOCKET_BOUND, "Error", "The socket has an HTTP/2 session already")                 \
    X(ERR_HTTP2_SOCKET_UNBOUND, "Error", "The socket is detached from its HTTP/2 session")         \
    X(ERR_HTTP2_STATUS_101, "Error", "Status code 101 is forbidden in HTTP/2")                     \
    X(ERR_HTTP2_STATUS_INVALID, "RangeError", "Invalid status code: %s")                           \
    X(ERR_HTTP2_STREAM_CANCEL, "Error", "The pending stream has been cancelled%s")                 \
    X(ERR_HTTP2_STREAM_SELF_DEPENDENCY, "Error", "A stream cannot depend on itself")               \
    X(ERR_HTTP2_TOO_MANY_CUSTOM_SETTINGS, "Error", "More than 10 additional settings")             \
    X(ERR_HTTP2_TOO_MANY_INVALID_FRAMES, "Error", "Too many invalid frames")                       \
    X(ERR_HTTP2_TRAILERS_ALREADY_SENT, "Error", "Trailers have been sent already")                 \
    X(ERR_HTTP2_TRAILERS_NOT_READY, "Error",                                                       \
      "Trailers can be sent after the wantTrailers event only")                                    \
    X(ERR_HTTP2_UNSUPPORTED_PROTOCOL, "Error", "protocol \"%s\" is unsupported")                   \
    X(ERR_INVALID_CHAR, "TypeError", "Invalid character in %s")                                    \
    X(ERR_INVALID_HTTP_TOKEN, "TypeError", "Header name must be a valid HTTP token [\"%s\"]")      \
    X(ERR_INVALID_URL, "TypeError", "Invalid URL")                                                 \
    X(ERR_LOOP_RUNNING, "Error", "run() is already running")                                       \
    X(ERR_SERVER_ALREADY_LISTEN, "Error", "listen() was called more than once without closing")    \
    X(ERR_SERVER_NOT_RUNNING, "Error", "The server is not running")                                \
    X(ERR_SOCKET_CLOSED, "Error", "The socket is closed")                                          \
    X(ERR_STREAM_ALREADY_FINISHED, "Error", "Cannot call %s after a stream was finished")          \
    X(ERR_STREAM_CANNOT_PIPE, "Error", "Cannot pipe, not readable")                                \
    X(ERR_STREAM_DESTROYED, "Error", "Cannot call %s after a stream was destroyed")                \
    X(ERR_STREAM_NULL_VALUES, "TypeError", "nil cannot be written to a stream")                    \
    X(ERR_STREAM_UNSHIFT_AFTER_END_EVENT, "Error", "stream.unshift() after end event")             \
    X(ERR_STREAM_WRITE_AFTER_END, "Error", "write after end")                                      \
    X(ERR_UNHANDLED_ERROR, "Error", "Unhandled error. (%s)")                                       \
    X(ERR_UNKNOWN_ENCODING, "TypeError", "Unknown encoding: %s")

static const struct {
    const char *code, *name, *text;
} entries[] = {
#define ERROR_ENTRY(code, name, text) {#code, name, text},
    ERROR_MAP(ERROR_ENTRY)
#undef ERROR_ENTRY
};

static const char metatable_key;
static const char files_key; /* the Lua files that are the library's own, as keys */

/* ---------------------------------------------------------------------------------- making */

static void set_string(lua_State *L, const char *key, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

/* The message on top becomes an error object. [-1, +1, m] */
static void make_error(lua_State *L, const char *name, const char *code) {
    lua_createtable(L, 0, 4);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    set_string(L, "name", name);
    if (code)
        set_string(L, "code", code);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_setmetatable(L, -2);
}

void lh2_push_error(lua_State *L, const char *code, const char *detail) {
    const char *name = "Error", *text = code;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i].code, code) == 0) {
            name = entries[i].name;
            text = entries[i].text;
        }
    const char *gap = strstr(text, "%s");
    if (!gap) {
        lua_pushstring(L, text);
    } else {
        lua_pushlstring(L, text, (size_t)(gap - text));
        lua_pushstring(L, detail ? detail : "");
        lua_pushstring(L, gap + 2);
        lua_concat(L, 3);
    }
    make_error(L, name, code);
}

static void push_error_va(lua_State *L, const char *name, const char *code, const char *format,
                          va_list arguments) {
    char text[512];
    vsnprintf(text, sizeof text, format, arguments);
    lua_pushstring(L, text);
    make_error(L, name, code);
}

void lh2_push_error_text(lua_State *L, const char *name, const char *code, const char *format,
                         ...) {
    va_list arguments;
    va_start(arguments, format);
    push_error_va(L, name, code, format, arguments);
    va_end(arguments);
}

void lh2_push_net_error(lua_State *L, const net_error *error) {
    bool is_argument = strncmp(error->code, "ERR_INVALID_ARG_", 16) == 0;
    lua_pushstring(L, error->text);
    make_error(L, is_argument ? "TypeError" : "Error", error->code);
    if (error->number != 0) {
        lua_pushinteger(L, error->number);
        lua_setfield(L, -2, "errno");
    }
    if (error->syscall)
        set_string(L, "syscall", error->syscall);
    if (error->address[0])
        set_string(L, "address", error->address);
    if (error->port >= 0) {
        lua_pushinteger(L, error->port);
        lua_setfield(L, -2, "port");
    }
}

/* A fault that our engine found is the peer's doing. */
void lh2_set_verdict(lua_State *L, const char *scope, h2_by by, bool is_processed) {
    if (!lh2_is_error(L, -1))
        return;
    set_string(L, "by", by == H2_BY_LOCAL ? "local" : "peer");
    set_string(L, "scope", scope);
    lua_pushboolean(L, is_processed);
    lua_setfield(L, -2, "processed");
    lua_pushboolean(L, !is_processed);
    lua_setfield(L, -2, "retryable");
}

void lh2_push_stream_error(lua_State *L, uint32_t code, h2_by by, bool is_processed) {
    const char *name = h2_error_name(code);
    if (name)
        lh2_push_error_text(L, "Error", "ERR_HTTP2_STREAM_ERROR",
                            "Stream closed with error code NGHTTP2_%s", name);
    else
        lh2_push_error_text(L, "Error", "ERR_HTTP2_STREAM_ERROR",
                            "Stream closed with error code %u", code);
    lh2_set_verdict(L, "stream", by, is_processed);
}

void lh2_push_session_error(lua_State *L, uint32_t code, h2_by by, bool is_processed) {
    lh2_push_error_text(L, "Error", "ERR_HTTP2_SESSION_ERROR", "Session closed with error code %u",
                        code);
    lh2_set_verdict(L, "session", by, is_processed);
}

void lh2_to_unsent(lua_State *L) {
    int error = lua_gettop(L);
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, error);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
    lua_getmetatable(L, error);
    lua_setmetatable(L, -2);
    lua_getfield(L, -1, "by");
    bool is_by_peer = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "peer") == 0;
    lua_pop(L, 1);
    lh2_set_verdict(L, "session", is_by_peer ? H2_BY_PEER : H2_BY_LOCAL, false);
    lua_replace(L, error);
}

/* --------------------------------------------------------------------------------- raising */

void lh2_note_own_file(lua_State *L, int index) {
    lua_Debug function;
    lua_pushvalue(L, index);
    lua_getinfo(L, ">S", &function);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &files_key);
    lua_pushboolean(L, true);
    lua_setfield(L, -2, function.source);
    lua_pop(L, 1);
}

static bool is_own_file(lua_State *L, const char *source) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &files_key);
    lua_getfield(L, -1, source);
    bool is_own = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return is_own;
}

/* Notes the place of the program's innermost function in the error on top. [-0, +0, m] */
static void set_where(lua_State *L) {
    lua_Debug frame;
    for (int level = 0; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0 && !is_own_file(L, frame.source)) {
            lua_pushfstring(L, "%s:%d", frame.short_src, frame.currentline);
            lua_setfield(L, -2, "where");
            return;
        }
    }
}

int lh2_throw(lua_State *L) {
    if (lh2_is_error(L, -1))
        set_where(L);
    return lua_error(L);
}

int lh2_raise(lua_State *L, const char *code, const char *detail) {
    lh2_push_error(L, code, detail);
    return lh2_throw(L);
}

int lh2_raise_text(lua_State *L, const char *name, const char *code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    push_error_va(L, name, code, format, arguments);
    va_end(arguments);
    return lh2_throw(L);
}

/* -------------------------------------------------------------------------------- reading */

bool lh2_is_error(lua_State *L, int index) {
    if (!lua_istable(L, index) || !lua_getmetatable(L, index))
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
    bool is_error = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_error;
}

/* Pushes field `key` of the table as text; false and nothing if it is no string. [-0, +0|1, m] */
static bool push_text_field(lua_State *L, int index, const char *key) {
    lua_pushstring(L, key);
    lua_rawget(L, index);
    if (lua_type(L, -1) == LUA_TSTRING)
        return true;
    lua_pop(L, 1);
    return false;
}

/* Pushes "Name [CODE]: message" of the error object at `index`. [-0, +1, m] */
static void push_title(lua_State *L, int index) {
    int top = lua_gettop(L);
    if (!push_text_field(L, index, "name"))
        lua_pushliteral(L, "Error");
    if (push_text_field(L, index, "code")) {
        lua_pushfstring(L, " [%s]", lua_tostring(L, -1));
        lua_replace(L, -2);
    }
    if (push_text_field(L, index, "message")) {
        lua_pushfstring(L, ": %s", lua_tostring(L, -1));
        lua_replace(L, -2);
    }
    lua_concat(L, lua_gettop(L) - top);
}

void lh2_push_description(lua_State *L, int index) {
    index = lua_absindex(L, index);
    if (!lh2_is_error(L, index)) {
        luaL_tolstring(L, index, NULL);
        return;
    }
    if (!push_text_field(L, index, "where")) {
        push_title(L, index);
        return;
    }
    lua_pushliteral(L, ": ");
    push_title(L, index);
    lua_concat(L, 3);
}

void lh2_to_error(lua_State *L) {
    if (lua_isnil(L, -1) || lh2_is_error(L, -1))
        return;
    int index = lua_gettop(L);
    luaL_tolstring(L, index, NULL);
    make_error(L, "Error", NULL);
    lua_pushvalue(L, index);
    lua_setfield(L, -2, "cause");
    lua_replace(L, index);
    lua_settop(L, index);
}

static int to_string(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    push_title(L, 1);
    return 1;
}

/* http2.isError(v) */
static int is_error(lua_State *L) {
    lua_pushboolean(L, lh2_is_error(L, 1));
    return 1;
}

/* newError(name, code, message): an error object, for Lua files. */
static int new_error(lua_State *L) {
    const char *name = luaL_checkstring(L, 1), *code = luaL_checkstring(L, 2);
    luaL_checkstring(L, 3);
    lua_settop(L, 3);
    make_error(L, name, code);
    return 1;
}

/* raise(name, code, message): raises one, not where a Lua file of the library calls this but at the
 * line of the program that called it. */
static int raise_error(lua_State *L) {
    lua_Debug caller;
    new_error(L);
    if (lua_getstack(L, 1, &caller)) {
        lua_getinfo(L, "f", &caller);
        lh2_note_own_file(L, -1);
        lua_pop(L, 1);
    }
    return lh2_throw(L);
}

void lh2_error_open(lua_State *L) {
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, to_string);
    lua_setfield(L, -2, "__tostring");
    lua_pushliteral(L, "Error");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &files_key);
    lua_pushcfunction(L, is_error);
    lua_setfield(L, -2, "isError");
    lua_pushcfunction(L, new_error);
    lua_setfield(L, -2, "newError");
    lua_pushcfunction(L, raise_error);
    lua_setfield(L, -2, "raise");
}
