/* setTimeout of streams. Activity only notes the time: when the timer fires, it waits for what is
 * left. */
#include "binding/classes/stream.h"

void lh2_stream_stop_timer(lh2_stream *stream) {
    if (stream->timer != NULL)
        net_timer_close(stream->timer);
    stream->timer = NULL;
}

static void tell_timeout(lua_State *L, void *data) {
    lh2_stream *stream = data;
    lh2_emit(L, &stream->duplex.object, LH2_EVENT_TIMEOUT, 0);
}

/* What is written and not sent yet moves the engine's figures as it goes: that is activity too. */
static bool has_moved(lh2_stream *stream) {
    h2_stream_figures figures;
    if (stream->session == NULL || stream->id == 0 || stream->is_engine_done ||
        h2_session_get_stream(stream->session->engine, stream->id, &figures) != H2_OK)
        return false;
    bool has_moved = figures.octets_sent != stream->octets_seen;
    stream->octets_seen = figures.octets_sent;
    return has_moved;
}

static void on_timer(net_timer *timer) {
    lh2_stream *stream = net_timer_context(timer);
    lh2_runtime *runtime = stream->duplex.object.runtime;
    uint64_t now = net_loop_now(runtime->loop);
    if (has_moved(stream))
        stream->active_ms = now;
    uint64_t idle_ms = now - stream->active_ms;
    if (idle_ms < stream->timeout_ms)
        net_timer_start(timer, stream->timeout_ms - idle_ms, 0);
    else
        lh2_enter(runtime, tell_timeout, stream, &stream->duplex.object);
}

/* Starts or stops the timer as `timeout_ms` says. [-0, +0, e] */
static void arm(lua_State *L, lh2_stream *stream) {
    if (stream->timeout_ms == 0 || stream->session == NULL) {
        lh2_stream_stop_timer(stream);
        return;
    }
    net_loop *loop = lh2_runtime_loop(L);
    if (stream->timer == NULL && net_timer_new(&stream->timer, loop, on_timer, stream) != 0)
        lh2_raise_memory(L);
    net_timer_ref(stream->timer, false); /* the connection keeps the loop alive */
    stream->active_ms = net_loop_now(loop);
    has_moved(stream);
    net_timer_start(stream->timer, stream->timeout_ms, 0);
}

/* stream:setTimeout(msecs[, callback]): "timeout" after so long without activity; 0 turns it off, and
 * takes the callback back. */
int lh2_stream_set_timeout(lua_State *L) {
    lh2_stream *stream = lh2_check(L, 1, &lh2_stream_class);
    lua_settop(L, 3);
    if (!stream->duplex.is_destroyed) {
        int64_t timeout_ms = lh2_check_duration(L, 2, "msecs");
        if (!lua_isnil(L, 3)) {
            lh2_check_function(L, 3, "callback");
            if (timeout_ms == 0)
                lh2_remove_listener(L, 1, LH2_EVENT_TIMEOUT);
            else
                lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, true);
        }
        stream->timeout_ms = (uint64_t)timeout_ms;
        arm(L, stream);
    }
    lua_settop(L, 1);
    return 1;
}
