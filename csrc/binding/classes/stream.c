#include "binding/classes/stream.h"

#include "base/mem.h"
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

/* ------------------------------------------------------------------------- ending a stream */

void lh2_stream_forget_request(lh2_stream *stream) {
    mem_free(stream->request);
    stream->request = NULL;
}

/* Takes the stream out of session and engine, which held it until now; events that are due come by
 * ticks. The stream may die with it unless the caller holds it too. */
static void leave_session(lua_State *L, lh2_stream *stream) {
    lh2_session *session = stream->session;
    if (session == NULL)
        return;
    if (session->role == H2_SERVER)
        lh2_server_stream_left(L, stream);
    stream->session = NULL;
    list_remove(&stream->link);
    session->stream_count--;
    if (stream->id != 0 && !stream->is_engine_done)
        h2_session_set_context(session->engine, stream->id, NULL);
    if (stream->duplex.object.watcher == NULL)
        lh2_stream_forget_request(stream);
    lh2_session_stream_closed(L, session);
    lh2_release(L, &stream->duplex.object);
}

static void set_rst_code(lh2_stream *stream, uint32_t code) {
    if (!stream->has_rst_code) {
        stream->has_rst_code = true;
        stream->rst_code = code;
    }
}

/* "aborted": the writing side was open when the stream ended (RFC 9113 knows no such thing; Node). */
static void note_abort(lua_State *L, lh2_stream *stream) {
    if (stream->duplex.is_writable && !stream->duplex.is_ending && !stream->is_aborted) {
        stream->is_aborted = true;
        if (lh2_has_listener(&stream->duplex.object, LH2_EVENT_ABORTED))
            lh2_emit_later(L, &stream->duplex.object, LH2_EVENT_ABORTED);
    }
}

static bool is_abort_error(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TTABLE)
        return false;
    lua_getfield(L, index, "name");
    bool is_abort =
        lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "AbortError") == 0;
    lua_pop(L, 1);
    return is_abort;
}

static bool is_late_write(lua_State *L, int index) {
    lua_getfield(L, index, "code");
    bool is_late = lua_type(L, -1) == LUA_TSTRING &&
                   strcmp(lua_tostring(L, -1), "ERR_STREAM_WRITE_AFTER_END") == 0;
    lua_pop(L, 1);
    return is_late;
}

/* Whether the peer gets all of an exchange that has ended both ways, though the program then wrote
 * what it must not: that is no reason to cut off what it did right. */
static bool is_exchange_complete(lua_State *L, const lh2_stream *stream) {
    return stream->is_remote_ended && stream->duplex.is_finish_called &&
           !stream->waits_for_trailers && !stream->is_resetting && !lua_isnil(L, -1) &&
           is_late_write(L, lua_gettop(L));
}

/* The duplex's `destroy`: the error or nil is on top. */
static void op_destroy(lua_State *L, lh2_duplex *duplex) {
    lh2_stream *stream = (lh2_stream *)duplex;
    lh2_session *session = stream->session;
    bool is_complete = is_exchange_complete(L, stream);
    if (lua_isnil(L, -1))
        set_rst_code(stream, session != NULL ? session->code : H2_NO_ERROR);
    else if (is_complete)
        set_rst_code(stream, H2_NO_ERROR);
    else
        set_rst_code(stream, is_abort_error(L, -1) ? H2_CANCEL : H2_INTERNAL_ERROR);
    stream->is_closed = true;
    note_abort(L, stream);
    lh2_stream_stop_timer(stream);
    lh2_stream_unwatch(L, stream);
    lh2_perf_stream_ended(L, stream);
    if (session != NULL && stream->id != 0 && !stream->is_engine_done) {
        h2_session_set_context(session->engine, stream->id, NULL);
        if (!is_complete)
            h2_session_reset(session->engine, stream->id, stream->rst_code);
        stream->is_engine_done = true;
        lh2_session_touch(session);
    }
    if (lua_isnil(L, -1) && duplex->flowing == 1 && duplex->pending.size == 0)
        lh2_duplex_end(L, duplex);
    duplex->is_ending = true;
    if (lh2_has_listener(&duplex->object, LH2_EVENT_STREAM_CLOSED))
        lh2_tick_push(L, &duplex->object, lh2_stream_tell_closed, (intptr_t)stream->rst_code);
    lh2_duplex_closed(L, duplex);
    leave_session(L, stream);
}

/* Replaces the cause on top (or nil) by the error of a request that was never sent. */
static void push_cancel(lua_State *L) {
    bool has_cause = !lua_isnil(L, -1);
    const char *text = NULL;
    if (has_cause) {
        lua_getfield(L, -1, "message");
        text = lua_pushfstring(L, " (caused by: %s)", lua_tostring(L, -1));
    }
    lh2_push_error(L, "ERR_HTTP2_STREAM_CANCEL", text);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "processed");
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "retryable");
    if (has_cause) {
        lua_pushvalue(L, -4);
        lua_setfield(L, -2, "cause");
        lua_replace(L, -4);
        lua_pop(L, 2);
    } else {
        lua_replace(L, -2);
    }
}

/* Ends with the error on top, or nil. A request that no handler was told of has nobody to hear of
 * its error: a peer must not fill logs with what it breaks off at once. [-1, +0, m] */
static void end_with(lua_State *L, lh2_stream *stream) {
    bool is_untold =
        stream->session->role == H2_SERVER && !stream->is_push && stream->request != NULL;
    if (is_untold) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lh2_duplex_destroy(L, &stream->duplex);
}

void lh2_stream_session_gone(lua_State *L, lh2_stream *stream) {
    lh2_session *session = stream->session;
    if (stream->is_engine_done && stream->rst_code == H2_NO_ERROR) {
        /* Complete, only not read to its end yet: that does not need the session. */
        lua_pop(L, 1);
        leave_session(L, stream);
        return;
    }
    bool is_pending = stream->id == 0 && session->role == H2_CLIENT;
    set_rst_code(stream, session->code);
    if (session->code == H2_CANCEL && lua_isnil(L, -1)) { /* the peer has left */
        note_abort(L, stream);
        lh2_duplex_abort_writing(L, &stream->duplex, true);
    }
    if (is_pending && (session->is_connecting || !session->has_connected)) {
        push_cancel(L);
        if (session->code == H2_NO_ERROR)
            stream->rst_code = H2_INTERNAL_ERROR;
    }
    /* Whatever the engine still has to tell of it would find nobody. */
    if (stream->id != 0 && !stream->is_engine_done)
        h2_session_set_context(session->engine, stream->id, NULL);
    stream->is_engine_done = true;
    end_with(L, stream);
}

/* A server that has answered in full does not wait for a request body that nobody reads: the peer is
 * told so (RFC 9113 §8.1). In a tick, since the program may begin to read in the same handler. */
static void refuse_body(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)L, (void)unused;
    lh2_stream *stream = (lh2_stream *)object;
    lh2_duplex *duplex = &stream->duplex;
    bool is_read = duplex->was_read || duplex->flowing != -1;
    if (stream->session == NULL || stream->is_engine_done || stream->is_remote_ended || is_read)
        return;
    h2_session_reset(stream->session->engine, stream->id, H2_NO_ERROR);
    lh2_session_touch(stream->session);
}

static void refuse_unread_body(lua_State *L, lh2_stream *stream) {
    if (stream->session->role == H2_SERVER && !stream->is_remote_ended)
        lh2_tick_push(L, &stream->duplex.object, refuse_body, 0);
}

void lh2_stream_end_writing(lua_State *L, lh2_stream *stream) {
    lh2_duplex_abort_writing(L, &stream->duplex, true);
    refuse_unread_body(L, stream);
}

static void frame_error(lua_State *L, lh2_object *object, intptr_t code) {
    lh2_stream *stream = (lh2_stream *)object;
    lua_pushinteger(L, 1); /* HEADERS */
    lua_pushinteger(L, (lua_Integer)code);
    lua_pushinteger(L, (lua_Integer)stream->id);
    lh2_emit(L, object, LH2_EVENT_FRAME_ERROR, 3);
}

int lh2_stream_frame_error(lua_State *L, lh2_stream *stream, uint32_t code) {
    lh2_session *session = stream->session;
    lh2_tick_push(L, &stream->duplex.object, frame_error, (intptr_t)code);
    lh2_stream_close(stream, code);
    lh2_session_close(L, session);
    return 0;
}

void lh2_stream_close(lh2_stream *stream, uint32_t code) {
    if (stream->is_closed || stream->session == NULL)
        return;
    stream->is_closed = true;
    set_rst_code(stream, code);
    if (stream->id == 0) {
        /* Goes out behind the HEADERS once there is a connection. */
        stream->is_resetting = true;
        return;
    }
    bool is_flushing =
        code == H2_NO_ERROR && stream->duplex.is_ending && !stream->duplex.is_flushed;
    if (is_flushing) { /* op_flushed resets it, trailers or not */
        stream->is_resetting = true;
        return;
    }
    h2_session_reset(stream->session->engine, stream->id, code);
    lh2_session_touch(stream->session);
}

void lh2_stream_fail(lua_State *L, lh2_stream *stream) {
    set_rst_code(stream, H2_INTERNAL_ERROR);
    lua_pushnil(L);
    lh2_duplex_destroy(L, &stream->duplex);
}

/* ------------------------------------------------------------------------- from the engine */

void lh2_stream_ended(lua_State *L, lh2_stream *stream) {
    stream->is_remote_ended = true;
    lh2_duplex_end(L, &stream->duplex);
}

/* Both sides ended in order, or it was cut off without an error: what has arrived can still be read,
 * and the stream is destroyed when it has been. */
static void end_quietly(lua_State *L, lh2_stream *stream) {
    lh2_duplex *duplex = &stream->duplex;
    bool is_unread = duplex->flowing == -1 && !duplex->was_read;
    if (!duplex->is_ending)
        lh2_duplex_abort_writing(L, duplex, true);
    duplex->auto_destroy = true;
    if (is_unread && stream->session->role == H2_SERVER)
        duplex->flowing = 1;
    lh2_duplex_end(L, duplex);
}

void lh2_stream_closed(lua_State *L, lh2_stream *stream, const h2_event *event) {
    lh2_duplex *duplex = &stream->duplex;
    stream->is_engine_done = true;
    stream->is_closed = true;
    set_rst_code(stream, event->close.code);
    lh2_perf_stream_closed(stream, event);
    uint32_t code = stream->rst_code;
    lh2_duplex_emit_due_end(L, duplex);
    if (duplex->is_destroyed)
        return; /* by that listener */
    if (event->close.is_reset)
        note_abort(L, stream);
    bool is_cut_off = code == H2_CANCEL && event->close.by != H2_BY_LOCAL;
    if (code == H2_NO_ERROR || (is_cut_off && duplex->pending.size > 0)) {
        end_quietly(L, stream);
        return;
    }
    if (!duplex->is_ending)
        lh2_duplex_abort_writing(L, duplex, true);
    if (code == H2_CANCEL) {
        lh2_duplex_end(L, duplex);
        lua_pushnil(L);
    } else {
        lh2_push_stream_error(L, code, event->close.by, event->close.is_processed);
    }
    end_with(L, stream);
}

/* ------------------------------------------------------------------------ duplex operations */

static void op_consumed(lh2_duplex *duplex, size_t octets) {
    lh2_stream *stream = (lh2_stream *)duplex;
    if (stream->session == NULL || stream->is_engine_done)
        return;
    h2_session_consume(stream->session->engine, stream->id, octets,
                       net_loop_now(stream->session->object.runtime->loop));
    lh2_session_touch(stream->session);
}

static void op_write(lua_State *L, lh2_duplex *duplex, lh2_write *write) {
    lh2_stream *stream = (lh2_stream *)duplex;
    if (stream->session != NULL && stream->session->role == H2_SERVER && !stream->has_sent_headers)
        lh2_server_stream_respond_implicitly(L, stream, false);
    if (stream->session != NULL && !stream->is_engine_done)
        lh2_perf_stream_sends(stream);
    if (stream->session == NULL || stream->is_engine_done ||
        h2_session_write(stream->session->engine, stream->id, &write->chunk) != H2_OK) {
        write->chunk.release(&write->chunk, false);
        return;
    }
    lh2_stream_note_activity(stream);
    lh2_session_touch(stream->session);
}

static void op_finish(lua_State *L, lh2_duplex *duplex) {
    lh2_stream *stream = (lh2_stream *)duplex;
    if (stream->session == NULL || stream->id == 0 || stream->is_engine_done)
        return;
    if (stream->session->role == H2_SERVER && !stream->has_sent_headers) {
        lh2_server_stream_respond_implicitly(L, stream, true);
        return;
    }
    if (stream->waits_for_trailers)
        return;
    h2_session_end(stream->session->engine, stream->id);
    lh2_session_touch(stream->session);
}

static void want_trailers(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_stream *stream = (lh2_stream *)object;
    if (stream->session == NULL || stream->is_closed)
        return;
    stream->wants_trailers = true;
    if (lh2_stream_fetch_trailers(L, stream) || lh2_emit(L, object, LH2_EVENT_WANT_TRAILERS, 0))
        return;
    stream->waits_for_trailers = false;
    h2_session_end(stream->session->engine, stream->id);
    lh2_session_touch(stream->session);
}

/* Behind "finish", which is on its way. */
static void want_trailers_next(lua_State *L, lh2_object *object, intptr_t unused) {
    lh2_tick_push(L, object, want_trailers, unused);
}

static bool op_flushed(lua_State *L, lh2_duplex *duplex) {
    lh2_stream *stream = (lh2_stream *)duplex;
    if (stream->session == NULL || stream->id == 0 || stream->is_engine_done)
        return true;
    if (stream->is_resetting) {
        h2_session_reset(stream->session->engine, stream->id, stream->rst_code);
        lh2_session_touch(stream->session);
    } else if (stream->waits_for_trailers) {
        lh2_tick_push(L, &duplex->object, want_trailers_next, 0);
    } else {
        refuse_unread_body(L, stream);
    }
    return true;
}

static const lh2_duplex_ops ops = {
    .consumed = op_consumed,
    .write = op_write,
    .finish = op_finish,
    .flushed = op_flushed,
    .destroy = op_destroy,
};

lh2_stream *lh2_stream_new(lua_State *L, const lh2_class *class, lh2_session *session, uint32_t id,
                           bool is_readable, bool is_writable) {
    int slots = session->role == H2_CLIENT ? LH2_STREAM_SLOT_SESSION : LH2_STREAM_SLOT_HEADERS;
    lh2_stream *stream =
        lh2_new_with_slots(L, session->object.runtime, class, sizeof(*stream), slots);
    list_init(&stream->link);
    lh2_duplex_init(&stream->duplex, &ops, is_readable, is_writable);
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
        note_abort(L, stream);
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

static int stream_gc(lua_State *L) {
    lh2_stream *stream = lua_touserdata(L, 1);
    lh2_finalize(&stream->duplex.object);
    list_remove(&stream->link);
    lh2_stream_stop_timer(stream);
    lh2_perf_stream_dispose(stream);
    lh2_session *session = stream->session;
    if (session != NULL && stream->id != 0 && !stream->is_engine_done && session->engine != NULL)
        h2_session_set_context(session->engine, stream->id, NULL);
    lh2_stream_forget_request(stream);
    lh2_duplex_dispose(L, &stream->duplex);
    return 0;
}

static const luaL_Reg metamethods[] = {
    {"__gc", stream_gc},
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
