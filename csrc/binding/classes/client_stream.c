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
        lh2_push_error(
            L, result == H2_GONE ? "ERR_HTTP2_GOAWAY_SESSION" : "ERR_HTTP2_OUT_OF_STREAMS", NULL);
        lh2_duplex_destroy(L, &stream->duplex);
        return;
    }
    if (stream->is_resetting && stream->is_closed) {
        stream->is_resetting = false;
        h2_session_reset(session->engine, stream->id, stream->rst_code);
    }
    lh2_session_touch(session);
    lh2_client_stream_ready(L, stream);
}

const lh2_class lh2_client_stream_class = {
    "ClientHttp2Stream", &lh2_stream_class, NULL, NULL, NULL, NULL};
