#include "binding/classes/stream.h"

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
        lh2_stream_refuse_unread_body(L, stream);
    }
    return true;
}

const lh2_duplex_ops lh2_stream_ops = {
    .consumed = op_consumed,
    .write = op_write,
    .finish = op_finish,
    .flushed = op_flushed,
    .destroy = lh2_stream_destroy,
};
