#include "binding/classes/stream.h"

static void emit_ready(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_emit(L, object, LH2_EVENT_READY, 0);
}

void lh2_client_stream_ready(lua_State *L, lh2_stream *stream) {
    lh2_tick_push(L, &stream->duplex.object, emit_ready, 0);
    if (stream->is_request_end)
        lh2_stream_end_writing(L, stream);
    else if (stream->duplex.is_held)
        lh2_duplex_release_held(L, &stream->duplex);
}

void lh2_client_stream_fail(lua_State *L, lh2_stream *stream, int result) {
    switch (result) {
    case H2_TOO_LARGE:
        lh2_stream_frame_error(L, stream, H2_REFUSED_STREAM);
        lh2_push_stream_error(L, H2_REFUSED_STREAM, H2_BY_LOCAL, false);
        break;
    case H2_NO_IDS:
        lh2_push_error(L, "ERR_HTTP2_OUT_OF_STREAMS", NULL);
        break;
    case H2_GONE:
        lh2_push_error(L, "ERR_HTTP2_GOAWAY_SESSION", NULL);
        lh2_set_verdict(L, "session", H2_BY_LOCAL, false);
        break;
    default:
        lh2_push_error(L, "ERR_HTTP2_NO_MEM", NULL);
        break;
    }
    lh2_duplex_destroy(L, &stream->duplex);
}

void lh2_client_stream_submit(lua_State *L, lh2_stream *stream) {
    lh2_session *session = stream->session;
    const lh2_kept_fields *request = stream->request;
    int result = session->is_closed
                     ? H2_GONE
                     : h2_session_submit_request(session->engine, request->fields, request->count,
                                                 stream->is_request_end, stream, &stream->id);
    lh2_stream_forget_request(stream);
    if (result != H2_OK) {
        stream->id = 0;
        lh2_client_stream_fail(L, stream, result);
        return;
    }
    if (stream->is_resetting && stream->is_closed) {
        stream->is_resetting = false;
        h2_session_reset(session->engine, stream->id, stream->rst_code);
    }
    lh2_stream_apply_priority(stream);
    lh2_session_touch(session);
    lh2_client_stream_ready(L, stream);
}

/* ------------------------------------------------------------------ responses for coroutines */

/* Private field: {headers, flags, rawHeaders} of a response that nobody listened for. */
static const char response_key;

void lh2_client_stream_keep_response(lua_State *L, lh2_stream *stream) {
    int first = lua_gettop(L) - 2;
    lua_createtable(L, 3, 0);
    for (int i = 3; i >= 1; i--) {
        lua_pushvalue(L, first + i - 1);
        lua_rawseti(L, -2, i);
    }
    lh2_push(L, &stream->duplex.object);
    lua_insert(L, -2);
    lh2_set_private(L, -2, &response_key);
    lua_settop(L, first - 1);
}

/* keepResponses(): from now on. */
static int keep_responses(lua_State *L) {
    lh2_runtime_of(L)->keeps_responses = true;
    return 0;
}

/* takeResponse(stream): headers, flags, rawHeaders of the response that has come; nil: none yet. */
static int take_response(lua_State *L) {
    lh2_check(L, 1, &lh2_client_stream_class);
    lua_settop(L, 1);
    lh2_get_private(L, 1, &response_key);
    if (lua_isnil(L, 2))
        return 1;
    for (int i = 1; i <= 3; i++)
        lua_rawgeti(L, 2, i);
    return 3;
}

void lh2_client_stream_functions(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"keepResponses", keep_responses}, {"takeResponse", take_response}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}

const lh2_class lh2_client_stream_class = {
    "ClientHttp2Stream", &lh2_stream_class, NULL, NULL, NULL, NULL};
