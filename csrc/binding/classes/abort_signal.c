/* The option `signal` of requests and of connect: any object with `aborted` and the event "abort"
 * (http2.abort has them). While a stream or a session lives, it listens to its signal. */
#include "binding/classes/stream.h"

/* Private field of the stream or session: {signal, listener}. */
static const char watch_key;

static bool has_fields(lua_State *L, int index) {
    if (lua_istable(L, index))
        return true;
    if (lua_type(L, index) != LUA_TUSERDATA || !luaL_getmetafield(L, index, "__index"))
        return false;
    lua_pop(L, 1);
    return true;
}

bool lh2_check_signal(lua_State *L, int options) {
    lua_getfield(L, options, "signal");
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    int signal = lua_gettop(L);
    bool is_signal = has_fields(L, signal);
    if (is_signal) {
        lua_getfield(L, signal, "aborted");
        lua_getfield(L, signal, "on");
        is_signal = lua_isboolean(L, -2) && !lua_isnil(L, -1);
        lua_settop(L, signal);
    }
    if (!is_signal)
        lh2_raise_type(L, "options.signal", "an instance of AbortSignal", signal);
    return true;
}

/* Ends the stream or session at `object` for the reason of the signal at `signal`. [-0, +0, m] */
static void end_object(lua_State *L, int object, int signal) {
    lh2_stream *stream = lh2_test(L, object, &lh2_stream_class);
    lh2_push_error(L, "ABORT_ERR", NULL);
    lua_getfield(L, signal, "reason");
    lua_setfield(L, -2, "cause");
    if (stream != NULL)
        lh2_duplex_destroy(L, &stream->duplex);
    else
        lh2_session_destroy(L, lua_touserdata(L, object), H2_CANCEL);
}

/* The listener; upvalues: stream or session, signal. */
static int on_abort(lua_State *L) {
    const lh2_object *object = lua_touserdata(L, lua_upvalueindex(1));
    if (object->anchors > 0)
        end_object(L, lua_upvalueindex(1), lua_upvalueindex(2));
    return 0;
}

static void call_signal(lua_State *L, int signal, const char *method, int listener) {
    lua_getfield(L, signal, method);
    lua_pushvalue(L, signal);
    lua_pushliteral(L, "abort");
    lua_pushvalue(L, listener);
    lua_call(L, 3, 0);
}

/* False if it was aborted already: then the object has ended. [-0, +0, e] */
static bool watch(lua_State *L, int object, int signal) {
    int top = lua_gettop(L);
    lua_getfield(L, signal, "aborted");
    bool is_aborted = lua_toboolean(L, -1);
    if (is_aborted) {
        end_object(L, object, signal);
    } else {
        lua_createtable(L, 2, 0);
        lua_pushvalue(L, object);
        lua_pushvalue(L, signal);
        lua_pushcclosure(L, on_abort, 2);
        lua_pushvalue(L, signal);
        lua_rawseti(L, top + 2, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, top + 2, 2);
        call_signal(L, signal, "on", top + 3);
        lua_settop(L, top + 2);
        lh2_set_private(L, object, &watch_key);
    }
    lua_settop(L, top);
    return !is_aborted;
}

/* In a tick, since the signal's methods may be the program's. */
static void unwatch(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    int top = lua_gettop(L);
    lh2_push(L, object);
    lh2_get_private(L, top + 1, &watch_key);
    lua_pushnil(L);
    lh2_set_private(L, top + 1, &watch_key);
    lua_rawgeti(L, top + 2, 1);
    lua_rawgeti(L, top + 2, 2);
    lua_getfield(L, top + 3, "off");
    if (!lua_isnil(L, -1))
        call_signal(L, top + 3, "off", top + 4);
    lua_settop(L, top);
}

bool lh2_stream_watch(lua_State *L, int object, int signal) {
    lh2_stream *stream = lua_touserdata(L, object);
    stream->has_signal = watch(L, object, signal);
    return stream->has_signal;
}

void lh2_stream_unwatch(lua_State *L, lh2_stream *stream) {
    if (!stream->has_signal)
        return;
    stream->has_signal = false;
    lh2_tick_push(L, &stream->duplex.object, unwatch, 0);
}

void lh2_session_watch(lua_State *L, int object, int signal) {
    lh2_session *session = lua_touserdata(L, object);
    session->has_signal = watch(L, object, signal);
}

void lh2_session_unwatch(lua_State *L, lh2_session *session) {
    if (!session->has_signal)
        return;
    session->has_signal = false;
    lh2_tick_push(L, &session->object, unwatch, 0);
}
