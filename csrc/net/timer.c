/* One-shot and repeating timers. */
#include "base/mem.h"
#include "net/internal.h"

struct net_timer {
    net_member member;
    uv_timer_t handle;
    void (*on_timer)(net_timer *timer);
    void *context;
};

static void close_member(net_member *member) {
    net_timer_close(LIST_ENTRY(member, net_timer, member));
}

static const net_member_class timer_class = {NULL, close_member};

int net_timer_new(net_timer **out, net_loop *loop, void (*on_timer)(net_timer *), void *context) {
    net_timer *timer = mem_alloc(sizeof(*timer));
    if (!timer)
        return UV_ENOMEM;
    uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    timer->on_timer = on_timer;
    timer->context = context;
    net_member_init(&timer->member, loop, &timer_class);
    *out = timer;
    return 0;
}

void *net_timer_context(const net_timer *timer) {
    return timer->context;
}

static void on_expiry(uv_timer_t *handle) {
    net_timer *timer = handle->data;
    timer->on_timer(timer);
}

void net_timer_start(net_timer *timer, uint64_t delay_ms, uint64_t repeat_ms) {
    net_loop_refresh_clock(timer->member.loop);
    uv_timer_start(&timer->handle, on_expiry, delay_ms, repeat_ms);
}

void net_timer_stop(net_timer *timer) {
    uv_timer_stop(&timer->handle);
}

bool net_timer_is_active(const net_timer *timer) {
    return uv_is_active((const uv_handle_t *)&timer->handle) != 0;
}

void net_timer_ref(net_timer *timer, bool is_ref) {
    if (is_ref)
        uv_ref((uv_handle_t *)&timer->handle);
    else
        uv_unref((uv_handle_t *)&timer->handle);
}

bool net_timer_has_ref(const net_timer *timer) {
    return uv_has_ref((const uv_handle_t *)&timer->handle) != 0;
}

static void on_closed(uv_handle_t *handle) {
    net_timer *timer = handle->data;
    net_member_dispose(&timer->member);
    mem_free(timer);
}

void net_timer_close(net_timer *timer) {
    if (!uv_is_closing((uv_handle_t *)&timer->handle))
        uv_close((uv_handle_t *)&timer->handle, on_closed);
}
