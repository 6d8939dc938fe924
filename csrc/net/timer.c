/* One-shot and repeating timers. */
#include "base/mem.h"
#include "net/internal.h"

struct net_timer {
    net_member member;
    uv_timer_t handle;
    void (*on_timer)(net_timer *timer);
    void *context;
    uint64_t repeat_ms;
    bool is_put_off; /* it starts when the loop is done with the timers that are due */
};

static void on_expiry(uv_timer_t *handle);

static void deliver(net_member *member) {
    net_timer *timer = LIST_ENTRY(member, net_timer, member);
    if (!timer->is_put_off)
        return;
    timer->is_put_off = false;
    uv_timer_start(&timer->handle, on_expiry, 0, timer->repeat_ms);
}

static void close_member(net_member *member) {
    net_timer_close(LIST_ENTRY(member, net_timer, member));
}

static void stop_member(net_member *member) {
    net_timer_stop(LIST_ENTRY(member, net_timer, member));
}

static const net_member_class timer_class = {deliver, close_member, stop_member};

int net_timer_new(net_timer **out, net_loop *loop, void (*on_timer)(net_timer *), void *context) {
    net_timer *timer = mem_alloc(sizeof(*timer));
    if (!timer)
        return UV_ENOMEM;
    uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    timer->on_timer = on_timer;
    timer->context = context;
    timer->is_put_off = false;
    net_member_init(&timer->member, loop, &timer_class);
    *out = timer;
    return 0;
}

void *net_timer_context(const net_timer *timer) {
    return timer->context;
}

static void on_expiry(uv_timer_t *handle) {
    net_timer *timer = handle->data;
    net_loop *loop = timer->member.loop;
    loop->is_in_timers = true;
    timer->on_timer(timer);
    loop->is_in_timers = false;
}

/* libuv 1.44 goes on until no timer is due: one of no delay that a timer starts, and that one again,
 * would keep all else waiting for ever. */
void net_timer_start(net_timer *timer, uint64_t delay_ms, uint64_t repeat_ms) {
    net_timer_stop(timer);
    if (timer->member.loop->is_closing)
        return;
    net_loop_refresh_clock(timer->member.loop);
    if (delay_ms > 0 || !timer->member.loop->is_in_timers) {
        uv_timer_start(&timer->handle, on_expiry, delay_ms, repeat_ms);
        return;
    }
    timer->repeat_ms = repeat_ms;
    timer->is_put_off = true;
    net_member_due(&timer->member);
}

void net_timer_stop(net_timer *timer) {
    timer->is_put_off = false;
    uv_timer_stop(&timer->handle);
}

bool net_timer_is_active(const net_timer *timer) {
    return timer->is_put_off || uv_is_active((const uv_handle_t *)&timer->handle) != 0;
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
    timer->is_put_off = false;
    if (!uv_is_closing((uv_handle_t *)&timer->handle))
        uv_close((uv_handle_t *)&timer->handle, on_closed);
}
