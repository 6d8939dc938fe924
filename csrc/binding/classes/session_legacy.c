/* Members that only the first releases of Node's module had (version 8): legacy, for programs that still
 * use them. Each is another name for what a member of today does. */
#include "binding/classes/server.h"
#include "binding/classes/session_members.h"
#include "binding/classes/stream.h"

static void call_back(lua_State *L, lh2_object *object, intptr_t callback) {
    (void)object;
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lua_call(L, 0, 0);
}

/* session:shutdown([options][, callback]), with options.graceful, errorCode, lastStreamID, opaqueData:
 * goaway() of today. */
int lh2_session_shutdown(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    int callback = lua_isfunction(L, 2) ? 2 : 3;
    lua_settop(L, 3);
    int options =
        callback == 3 && lh2_check_options(L, 2, "options") ? 2 : 4; /* 4: nothing is there */
    if (!lua_isnil(L, callback))
        lh2_check_function(L, callback, "callback");
    bool is_graceful = lh2_opt_boolean(L, options, "graceful", false);
    uint32_t code = (uint32_t)lh2_opt_integer(L, options, "errorCode", 0, UINT32_MAX, 0);
    uint32_t last_id = (uint32_t)lh2_opt_integer(L, options, "lastStreamID", 0, INT32_MAX, 0);
    size_t size;
    const char *debug = lh2_opt_string(L, options, "opaqueData", &size, NULL);
    if (is_graceful || last_id == 0)
        last_id = INT32_MAX;
    h2_session_submit_goaway(session->engine, code, last_id, bytes_slice_of(debug, size));
    lh2_session_touch(session);
    if (lua_isnil(L, callback))
        return 0;
    lua_pushvalue(L, callback);
    lh2_tick_push(L, &session->object, call_back, lh2_hold(L));
    return 0;
}

/* Calls the stream's own method with the arguments from 3 on. */
static int pass_to_stream(lua_State *L, const char *method) {
    lh2_session_check_alive(L, 1);
    if (lh2_test(L, 2, &lh2_stream_class) == NULL)
        lh2_raise_type(L, "stream", "an instance of Http2Stream", 2);
    lua_getfield(L, 2, method);
    lua_insert(L, 2);
    lua_call(L, lua_gettop(L) - 2, 0);
    return 0;
}

/* session:rstStream(stream[, code]) */
int lh2_session_rst_stream(lua_State *L) {
    return pass_to_stream(L, "close");
}

/* session:priority(stream, options) */
int lh2_session_priority(lua_State *L) {
    return pass_to_stream(L, "priority");
}

static void emit_priority(lua_State *L, lh2_object *object, const h2_event *event) {
    if (object == NULL || !lh2_has_listener(object, LH2_EVENT_PRIORITY))
        return;
    lua_pushinteger(L, (lua_Integer)event->stream_id);
    lua_pushinteger(L, (lua_Integer)event->dependency.parent_id);
    lua_pushinteger(L, event->dependency.weight);
    lua_pushboolean(L, event->dependency.is_exclusive);
    lh2_emit(L, object, LH2_EVENT_PRIORITY, 4);
}

/* "priority" (id, parent, weight, exclusive), of the stream if there is one, else of the session and
 * its server. */
void lh2_session_priority_received(lua_State *L, lh2_session *session, const h2_event *event) {
    lh2_stream *stream = event->context;
    if (stream != NULL) {
        emit_priority(L, &stream->duplex.object, event);
        return;
    }
    emit_priority(L, &session->object, event);
    if (!session->is_destroyed)
        emit_priority(L, lh2_server_object(session), event);
}
