#include "binding/classes/stream.h"

#include "binding/open.h"

lh2_stream *lh2_stream_check_alive(lua_State *L, int index) {
    lh2_stream *stream = lh2_check(L, index, &lh2_stream_class);
    if (stream->session == NULL || stream->is_closed || stream->duplex.is_destroyed)
        lh2_raise(L, "ERR_HTTP2_INVALID_STREAM", NULL);
    return stream;
}

int lh2_stream_raise(lua_State *L, int result) {
    switch (result) {
    case H2_NOMEM:
        return lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    case H2_NO_IDS:
        return lh2_raise(L, "ERR_HTTP2_OUT_OF_STREAMS", NULL);
    case H2_DISABLED:
        return lh2_raise(L, "ERR_HTTP2_PUSH_DISABLED", NULL);
    case H2_TOO_LARGE:
        return lh2_raise_text(L, "Error", "ERR_HTTP2_ERROR",
                              "The header block is larger than maxSendHeaderBlockLength");
    default:
        return lh2_raise(L, "ERR_HTTP2_INVALID_STREAM", NULL);
    }
}

void lh2_stream_forget_request(lh2_stream *stream) {
    lh2_fields_drop(stream->duplex.object.runtime, stream->request);
    stream->request = NULL;
}

lh2_stream *lh2_stream_new(lua_State *L, const lh2_class *class, lh2_session *session, uint32_t id,
                           bool has_body, bool is_writable) {
    int slots = session->role == H2_CLIENT ? LH2_STREAM_SLOT_SESSION : LH2_STREAM_SLOT_HEADERS;
    lh2_stream *stream =
        lh2_new_with_slots(L, session->object.runtime, class, sizeof(*stream), slots, has_body);
    list_init(&stream->link);
    lh2_duplex_init(&stream->duplex, &lh2_stream_ops, true, is_writable);
    lh2_anchor(L, -1);
    stream->session = session;
    stream->id = id;
    list_append(&session->streams, &stream->link);
    session->stream_count++;
    lh2_perf_stream_began(stream);
    return stream;
}

/* ---------------------------------------------------------------------------------- methods */

/* stream:close([code][, callback]) */
static int stream_close(lua_State *L) {
    lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    lua_settop(L, 3);
    if (lua_isfunction(L, 2)) {
        lua_insert(L, 2);
        lua_settop(L, 3);
    }
    int64_t code = lua_isnil(L, 2) ? 0 : lh2_check_integer(L, 2, "code", 0, UINT32_MAX);
    if (!lua_isnil(L, 3))
        lh2_check_function(L, 3, "callback");
    if (stream->is_closed)
        return 0;
    if (!lua_isnil(L, 3)) {
        lua_pushvalue(L, 3);
        lh2_add_listener(L, 1, LH2_EVENT_CLOSE, true);
    }
    lh2_stream_close(stream, (uint32_t)code);
    if (stream->id != 0 && !stream->is_resetting) {
        lh2_stream_note_abort(L, stream);
        lh2_duplex_abort_writing(L, &stream->duplex, true);
    }
    return 0;
}

/* stream:sendTrailers(headers): after "wantTrailers". */
static int stream_send_trailers(lua_State *L) {
    lh2_stream *stream = lh2_stream_check_alive(L, 1);
    if (stream->has_sent_trailers)
        return lh2_raise(L, "ERR_HTTP2_TRAILERS_ALREADY_SENT", NULL);
    if (!stream->wants_trailers)
        return lh2_raise(L, "ERR_HTTP2_TRAILERS_NOT_READY", NULL);
    if (!lua_istable(L, 2))
        return lh2_raise_type(L, "headers", "of type table", 2);
    lua_settop(L, 2);
    lh2_fields fields;
    lh2_fields_read(L, 2, LH2_SECTION_TRAILERS, &fields);
    lh2_fields_finish(&fields);
    int result = fields.count == 0 ? h2_session_end(stream->session->engine, stream->id)
                                   : h2_session_submit_trailers(stream->session->engine, stream->id,
                                                                fields.fields, fields.count);
    if (result != H2_OK)
        return lh2_stream_raise(L, result);
    stream->has_sent_trailers = true;
    stream->waits_for_trailers = false;
    lh2_stream_note_trailers(L, 1, 2);
    lh2_session_touch(stream->session);
    return 0;
}

static const luaL_Reg methods[] = {
    {"close", stream_close},
    {"sendTrailers", stream_send_trailers},
    {"priority", lh2_stream_set_priority},
    {"setTimeout", lh2_stream_set_timeout},
    {NULL, NULL},
};

/* ---------------------------------------------------------------------------------- getters */

#define GET_BOOLEAN(name, value)                                                                   \
    static int get_##name(lua_State *L) {                                                          \
        const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);                             \
        lua_pushboolean(L, value);                                                                 \
        return 1;                                                                                  \
    }

GET_BOOLEAN(aborted, stream->is_aborted)
GET_BOOLEAN(closed, stream->is_closed)
GET_BOOLEAN(end_after_headers, stream->ends_after_headers)
GET_BOOLEAN(head_request, stream->is_head)
GET_BOOLEAN(pending, stream->id == 0)

/* A client's request is sent as far as the program is concerned; the server's streams know better. */
static int get_headers_sent(lua_State *L) {
    lh2_check(L, 1, &lh2_stream_class);
    lua_pushboolean(L, true);
    return 1;
}

static int get_id(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    if (stream->id != 0)
        lua_pushinteger(L, (lua_Integer)stream->id);
    else
        lua_pushnil(L);
    return 1;
}

static int get_rst_code(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    lua_pushinteger(L, (lua_Integer)stream->rst_code);
    return 1;
}

static int get_session(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    if (stream->session != NULL)
        lh2_push(L, &stream->session->object);
    else
        lua_pushnil(L);
    return 1;
}

static int get_buffer_size(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    lua_pushinteger(L, (lua_Integer)stream->duplex.write_length);
    return 1;
}

static void set_figure(lua_State *L, const char *name, int64_t value) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, name);
}

/* stream.state; RFC 9113 has no dependency weights any more: they keep their initial values. */
static int get_state(lua_State *L) {
    const lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    h2_stream_figures f;
    lua_createtable(L, 0, 6);
    if (stream->session == NULL || stream->id == 0 || stream->is_engine_done ||
        h2_session_get_stream(stream->session->engine, stream->id, &f) != H2_OK)
        return 1;
    set_figure(L, "state", f.is_waiting ? H2_STATE_IDLE : f.state);
    set_figure(L, "weight", f.is_waiting ? 0 : 16);
    set_figure(L, "sumDependencyWeight", 0);
    set_figure(L, "localClose", f.is_local_closed);
    set_figure(L, "remoteClose", f.is_remote_closed);
    set_figure(L, "localWindowSize", f.is_waiting ? 0 : f.local_window_size);
    return 1;
}

static const luaL_Reg getters[] = {
    {"aborted", get_aborted},
    {"closed", get_closed},
    {"endAfterHeaders", get_end_after_headers},
    {"headRequest", get_head_request},
    {"pending", get_pending},
    {"id", get_id},
    {"rstCode", get_rst_code},
    {"session", get_session},
    {"bufferSize", get_buffer_size},
    {"headersSent", get_headers_sent},
    {"state", get_state},
    {NULL, NULL},
};

/* ------------------------------------------------------------------------------------- end */

/* `local stream <close>`: what is not ended at the end of the block is cancelled. */
static int stream_close_variable(lua_State *L) {
    lh2_stream_close(lh2_check(L, 1, &lh2_stream_class), H2_CANCEL);
    return 0;
}

void lh2_stream_dispose(lh2_stream *stream) {
    list_remove(&stream->link);
    lh2_stream_stop_timer(stream);
    lh2_perf_stream_dispose(stream);
    lh2_stream_forget_request(stream);
    lh2_session *session = stream->session;
    if (session != NULL && stream->id != 0 && !stream->is_engine_done && session->engine != NULL)
        h2_session_set_context(session->engine, stream->id, NULL);
    stream->session = NULL;
    stream->is_closed = stream->is_engine_done = true;
}

/* Of streams that have octets or fields: nothing else of theirs outlasts their session. */
static int stream_gc(lua_State *L) {
    lh2_stream *stream = lua_touserdata(L, 1);
    lh2_finalize(&stream->duplex.object);
    lh2_stream_dispose(stream);
    lh2_duplex_dispose(L, &stream->duplex);
    return 0;
}

static const luaL_Reg metamethods[] = {
    {LH2_LATE_GC, stream_gc},
    {"__close", stream_close_variable},
    {NULL, NULL},
};

const lh2_class lh2_stream_class = {"Http2Stream", &lh2_stream_legacy_class, methods, getters, NULL,
                                    metamethods};

void lh2_stream_open(lua_State *L) {
    lh2_class_register(L, &lh2_stream_headers_class);
    lh2_class_register(L, &lh2_stream_legacy_class);
    lh2_class_register(L, &lh2_stream_class);
    lh2_class_register(L, &lh2_client_stream_class);
    lh2_class_register(L, &lh2_server_stream_class);
    lh2_client_stream_functions(L);
}
