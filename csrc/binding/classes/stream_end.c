#include "binding/classes/stream.h"

/* Of the stream and not of its session, which may be gone already. */
static bool is_of_server(const lh2_stream *stream) {
    return stream->duplex.object.class == &lh2_server_stream_class;
}

/* Session and stream do not know each other any more. */
static void unlink_stream(lh2_stream *stream) {
    lh2_stream_stop_timer(stream); /* which fires for a stream that is held */
    lh2_perf_stream_dispose(stream);
    list_remove(&stream->link);
    stream->session->stream_count--;
    stream->session = NULL;
    lh2_stream_forget_request(stream);
}

/* Takes the stream out of session and engine, which held it until now; events that are due come by
 * ticks. The stream may die with it unless the caller holds it too. */
static void leave_session(lua_State *L, lh2_stream *stream) {
    lh2_session *session = stream->session;
    if (session == NULL)
        return;
    if (stream->id != 0 && !stream->is_engine_done)
        h2_session_set_context(session->engine, stream->id, NULL);
    lh2_push(L, &stream->duplex.object);
    unlink_stream(stream);
    lh2_release(L, &stream->duplex.object); /* what follows may fail */
    if (is_of_server(stream))
        lh2_server_stream_left(L, stream, session);
    lua_pop(L, 1);
    lh2_session_stream_closed(L, session);
}

static void set_rst_code(lh2_stream *stream, uint32_t code) {
    if (!stream->has_rst_code) {
        stream->has_rst_code = true;
        stream->rst_code = code;
    }
}

void lh2_stream_note_abort(lua_State *L, lh2_stream *stream) {
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
           !stream->waits_for_trailers && !stream->is_resetting && is_late_write(L, lua_gettop(L));
}

void lh2_stream_destroy(lua_State *L, lh2_duplex *duplex) {
    lh2_stream *stream = (lh2_stream *)duplex;
    lh2_session *session = stream->session;
    bool has_error = !lua_isnil(L, -1);
    bool is_complete = has_error && is_exchange_complete(L, stream);
    if (!has_error)
        set_rst_code(stream, session != NULL ? session->code : H2_NO_ERROR);
    else if (is_complete)
        set_rst_code(stream, H2_NO_ERROR);
    else
        set_rst_code(stream, is_abort_error(L, -1) ? H2_CANCEL : H2_INTERNAL_ERROR);
    stream->is_closed = true;
    lh2_stream_note_abort(L, stream);
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
    if (!has_error && duplex->flowing == 1 && duplex->pending.size == 0)
        lh2_duplex_end(L, duplex);
    duplex->is_ending = true;
    if (lh2_has_listener(&duplex->object, LH2_EVENT_STREAM_CLOSED))
        lh2_tick_push(L, &duplex->object, lh2_stream_tell_closed, (intptr_t)stream->rst_code);
    lh2_duplex_closed(L, duplex);
    leave_session(L, stream);
}

/* Whether the error at `index` has a verdict that says "peer". */
static bool is_by_peer(lua_State *L, int index) {
    lua_getfield(L, index, "by");
    bool is_so = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "peer") == 0;
    lua_pop(L, 1);
    return is_so;
}

/* Replaces the cause on top by the error of a request that was never sent; without one (nil) `by` tells
 * who ended its session. */
static void push_cancel(lua_State *L, h2_by by) {
    int cause = lua_gettop(L);
    if (lua_isnil(L, cause)) {
        lh2_push_error(L, "ERR_HTTP2_STREAM_CANCEL", NULL);
        lh2_set_verdict(L, "session", by, false);
    } else {
        lua_getfield(L, cause, "message");
        lh2_push_error(L, "ERR_HTTP2_STREAM_CANCEL",
                       lua_pushfstring(L, " (caused by: %s)", lua_tostring(L, -1)));
        lh2_set_verdict(L, "session", is_by_peer(L, cause) ? H2_BY_PEER : H2_BY_LOCAL, false);
        lua_pushvalue(L, cause);
        lua_setfield(L, -2, "cause");
    }
    lua_replace(L, cause);
    lua_settop(L, cause);
}

/* Whether the error that ends the session came with a GOAWAY that leaves the stream out. */
static bool is_left_out(lua_State *L, const lh2_session *session, const lh2_stream *stream) {
    return session->role == H2_CLIENT && session->has_goaway &&
           session->goaway_code != H2_NO_ERROR && stream->id > session->goaway_last_id &&
           !lua_isnil(L, -1) && is_by_peer(L, lua_gettop(L));
}

/* Whether the request was still waiting for the peer's limit of concurrent streams. */
static bool is_unsent(const lh2_session *session, const lh2_stream *stream) {
    return session->role == H2_CLIENT && !stream->is_push && stream->id != 0 &&
           !stream->is_engine_done && !h2_session_has_begun(session->engine, stream->id);
}

/* What ends the session (on top, or nil) is that of the stream, with its own verdict. */
static void judge_unsent(lua_State *L, const lh2_session *session) {
    bool has_peer_left = lua_isnil(L, -1) && session->code == H2_CANCEL;
    if (has_peer_left)
        push_cancel(L, H2_BY_PEER);
    else if (!lua_isnil(L, -1))
        lh2_to_unsent(L);
}

/* Ends with the error on top, or nil. A request that no handler was told of has nobody to hear of
 * its error: a peer must not fill logs with what it breaks off at once. [-1, +0, m] */
static void end_with(lua_State *L, lh2_stream *stream) {
    bool is_untold = is_of_server(stream) && !stream->is_push && stream->request != NULL;
    if (is_untold) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    lh2_duplex_destroy(L, &stream->duplex);
}

void lh2_stream_session_gone(lua_State *L, lh2_stream *stream) {
    lh2_session *session = stream->session;
    bool is_complete = stream->is_engine_done && stream->rst_code == H2_NO_ERROR;
    if ((is_complete && !is_of_server(stream)) || stream->duplex.is_destroyed) {
        /* A response that is only not read to its end yet, which does not need the session; or memory
         * was out when it was to leave. */
        lua_pop(L, 1);
        leave_session(L, stream);
        return;
    }
    bool is_pending = stream->id == 0 && session->role == H2_CLIENT;
    set_rst_code(stream, session->code);
    if (session->code == H2_CANCEL && lua_isnil(L, -1)) { /* the peer has left */
        lh2_stream_note_abort(L, stream);
        lh2_duplex_abort_writing(L, &stream->duplex, true);
    }
    if (is_pending && (session->is_connecting || !session->has_connected)) {
        push_cancel(L, H2_BY_LOCAL);
        if (session->code == H2_NO_ERROR)
            stream->rst_code = H2_INTERNAL_ERROR;
    }
    if (is_left_out(L, session, stream)) {
        lh2_push_session_error(L, session->goaway_code, H2_BY_PEER, false);
        lua_replace(L, -2);
    } else if (is_unsent(session, stream)) {
        judge_unsent(L, session);
    }
    /* Whatever the engine still has to tell of it would find nobody. */
    if (stream->id != 0 && !stream->is_engine_done)
        h2_session_set_context(session->engine, stream->id, NULL);
    stream->is_engine_done = true;
    end_with(L, stream);
}

void lh2_stream_abandon(lua_State *L, lh2_stream *stream) {
    stream->is_closed = stream->is_engine_done = true;
    unlink_stream(stream);
    lh2_release(L, &stream->duplex.object);
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

void lh2_stream_refuse_unread_body(lua_State *L, lh2_stream *stream) {
    if (is_of_server(stream) && !stream->is_remote_ended)
        lh2_tick_push(L, &stream->duplex.object, refuse_body, 0);
}

void lh2_stream_end_writing(lua_State *L, lh2_stream *stream) {
    lh2_duplex_abort_writing(L, &stream->duplex, true);
    lh2_stream_refuse_unread_body(L, stream);
}

static void frame_error(lua_State *L, lh2_object *object, intptr_t id) {
    lua_pushinteger(L, 1); /* HEADERS */
    lua_pushinteger(L, H2_FRAME_SIZE_ERROR);
    lua_pushinteger(L, (lua_Integer)id);
    lh2_emit(L, object, LH2_EVENT_FRAME_ERROR, 3);
}

/* The stream's identifier, or the one that the request would have had. */
static uint32_t id_of(const lh2_stream *stream) {
    h2_session_figures figures = {.next_stream_id = stream->id};
    if (stream->id == 0)
        h2_session_get_figures(stream->session->engine, &figures);
    return figures.next_stream_id;
}

int lh2_stream_frame_error(lua_State *L, lh2_stream *stream, uint32_t code) {
    lh2_session *session = stream->session;
    lh2_tick_push(L, &stream->duplex.object, frame_error, (intptr_t)id_of(stream));
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
    if (is_unread && is_of_server(stream)) {
        duplex->flowing = 1;
        duplex->is_let_go = true;
    }
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
        lh2_stream_note_abort(L, stream);
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
        if (is_cut_off && !event->close.is_processed)
            push_cancel(L, event->close.by);
    } else {
        lh2_push_stream_error(L, code, event->close.by, event->close.is_processed);
    }
    end_with(L, stream);
}
