/* setTimeout of HTTP/1.1 streams. Activity only notes the time: when the timer fires, it waits for what
 * is left. */
#include "binding/classes/http1.h"

void lh2_http1_stream_stop_timer(lh2_http1_stream *stream) {
    if (stream->timer != NULL)
        net_timer_close(stream->timer);
    stream->timer = NULL;
}

static void tell_timeout(lua_State *L, void *data) {
    lh2_http1_stream *stream = data;
    lh2_emit(L, &stream->duplex.object, LH2_EVENT_TIMEOUT, 0);
}

static void on_timer(net_timer *timer) {
    lh2_http1_stream *stream = net_timer_context(timer);
    lh2_runtime *runtime = stream->duplex.object.runtime;
    uint64_t idle_ms = net_loop_now(runtime->loop) - stream->active_ms;
    if (idle_ms < stream->timeout_ms)
        net_timer_start(timer, stream->timeout_ms - idle_ms, 0);
    else
        lh2_enter(runtime, tell_timeout, stream, &stream->duplex.object);
}

int lh2_http1_stream_set_timeout(lua_State *L) {
    lh2_http1_stream *stream = lh2_check(L, 1, &lh2_http1_stream_class);
    int64_t timeout = lh2_check_duration(L, 2, "msecs");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        lh2_check_function(L, 3, "callback");
        if (timeout > 0)
            lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, true);
    }
    lua_settop(L, 1);
    stream->timeout_ms = (uint64_t)timeout;
    if (timeout == 0 || stream->duplex.is_destroyed) {
        lh2_http1_stream_stop_timer(stream);
        return 1;
    }
    net_loop *loop = lh2_runtime_loop(L);
    if (stream->timer == NULL && net_timer_new(&stream->timer, loop, on_timer, stream) != 0)
        return lh2_raise_memory(L);
    net_timer_ref(stream->timer, false); /* the connection keeps the loop alive */
    stream->active_ms = net_loop_now(loop);
    net_timer_start(stream->timer, stream->timeout_ms, 0);
    return 1;
}
