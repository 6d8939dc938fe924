/* What of an HTTP/1.1 connection waits for time to pass. One timer serves it: what is put off does not
 * touch it, and when it fires too early it is started again for what is left. */
#include "binding/classes/http1.h"

#define NEVER UINT64_MAX
/* Node closes when the time is up that it has told its client, whose next request may be on its way
 * then and be lost: ours comes later than the client was told. */
#define KEEP_ALIVE_MARGIN_MS 1000
/* After the peer's FIN: how long a request that came whole may take to be answered. */
#define HALF_CLOSED_MS 5000
/* How long the peer's end is waited for after ours. One that still takes what was said before has its
 * time, as long as it takes some of it within so many waits. */
#define LINGER_MS 1000
#define MAX_STALLS 30
/* How often it is looked whether the peer takes what waits for it. */
#define LOOK_MS 1000

static uint64_t later(uint64_t now_ms, uint64_t delay_ms) {
    return delay_ms > 0 ? now_ms + delay_ms : NEVER;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* While the program does not read, a body cannot be late. */
static uint64_t deadline(const lh2_http1 *c) {
    return c->wait == LH2_WAIT_BODY && c->paused_ms > 0 ? NEVER : c->deadline_ms;
}

static uint64_t idle_due(const lh2_http1 *c) {
    bool is_on = c->idle_ms > 0 && !c->has_timed_out && !c->is_shut;
    return is_on ? c->active_ms + c->idle_ms : NEVER;
}

static void rearm(lh2_http1 *c) {
    uint64_t now_ms = net_loop_now(c->loop);
    uint64_t due_ms = earlier(deadline(c), c->moved_ms > 0 ? now_ms + LOOK_MS : NEVER);
    due_ms = earlier(due_ms, idle_due(c));
    if (due_ms == NEVER || (net_timer_is_active(c->timer) && c->timer_ms <= due_ms))
        return;
    c->timer_ms = due_ms;
    net_timer_start(c->timer, due_ms > now_ms ? due_ms - now_ms : 1, 0);
}

/* A request's time counts from its first octet on. */
static uint64_t deadline_of(lh2_http1 *c, lh2_http1_wait wait, uint64_t now_ms) {
    const lh2_http1_options *options = &c->server->http1;
    switch (wait) {
    case LH2_WAIT_FIRST:
        return later(now_ms, options->headers_timeout_ms);
    case LH2_WAIT_HEAD:
        return earlier(later(c->begun_ms, options->headers_timeout_ms),
                       later(c->begun_ms, options->request_timeout_ms));
    case LH2_WAIT_BODY:
        return later(c->begun_ms, options->request_timeout_ms);
    case LH2_WAIT_NEXT:
        return options->keep_alive_timeout_ms > 0
                   ? now_ms + options->keep_alive_timeout_ms + KEEP_ALIVE_MARGIN_MS
                   : NEVER;
    case LH2_WAIT_ANSWER:
        return now_ms + HALF_CLOSED_MS;
    case LH2_WAIT_END:
        return now_ms + LINGER_MS;
    default:
        return NEVER;
    }
}

void lh2_http1_await(lh2_http1 *c, lh2_http1_wait wait) {
    uint64_t now_ms = net_loop_now(c->loop);
    if (c->has_peer_ended && wait < LH2_WAIT_ANSWER)
        return;
    if (wait == LH2_WAIT_HEAD || (wait == LH2_WAIT_BODY && c->wait != LH2_WAIT_HEAD))
        c->begun_ms = now_ms;
    c->paused_ms = 0;
    c->deadline_ms = deadline_of(c, wait, now_ms);
    c->wait = wait;
    c->is_last_look = false;
    rearm(c);
}

void lh2_http1_expire(lh2_http1 *c) {
    c->is_last_look = false;
    c->deadline_ms = net_loop_now(c->loop);
    rearm(c);
}

void lh2_http1_note_reading(lh2_http1 *c, bool is_reading) {
    uint64_t now_ms = net_loop_now(c->loop);
    if (!is_reading) {
        c->paused_ms = c->paused_ms > 0 ? c->paused_ms : now_ms;
        return;
    }
    if (c->paused_ms == 0)
        return;
    uint64_t paused_ms = now_ms - c->paused_ms;
    c->paused_ms = 0;
    if (c->wait != LH2_WAIT_BODY || c->deadline_ms == NEVER)
        return;
    c->begun_ms += paused_ms;
    c->deadline_ms += paused_ms;
    rearm(c);
}

void lh2_http1_note_activity(lh2_http1 *c) {
    if (c->idle_ms == 0)
        return;
    c->active_ms = net_loop_now(c->loop);
    c->has_timed_out = false;
    rearm(c);
}

void lh2_http1_watch_output(lh2_http1 *c) {
    if (c->moved_ms > 0 || c->server == NULL || c->server->config.write_timeout_ms == 0)
        return;
    c->moved_ms = net_loop_now(c->loop);
    c->moved_octets = net_socket_octets_moved(c->socket);
    rearm(c);
}

/* ------------------------------------------------------------------------------- what is late */

static void end_lingering(lh2_http1 *c) {
    size_t unsent = net_socket_unsent(c->socket) + c->out.size;
    if (unsent != c->unsent)
        c->stalls = 0;
    c->unsent = unsent;
    if (unsent > 0 && c->stalls++ < MAX_STALLS)
        lh2_http1_await(c, LH2_WAIT_END);
    else
        lh2_http1_close(c);
}

static void be_late(lh2_http1 *c) {
    switch (c->wait) {
    case LH2_WAIT_END:
        end_lingering(c);
        break;
    case LH2_WAIT_ANSWER:
        lh2_http1_cancel_stream(c);
        lh2_http1_close(c);
        break;
    case LH2_WAIT_FIRST:
    case LH2_WAIT_NEXT:
        lh2_http1_shut(c);
        break;
    default:
        lh2_http1_refuse(c, 408);
    }
}

/* A peer that takes nothing of what waits for it, for so long, is cut off. False: it was. */
static bool look_at_output(lh2_http1 *c, uint64_t now_ms) {
    uint64_t moved_octets = net_socket_octets_moved(c->socket);
    if (c->moved_ms == 0)
        return true;
    if (c->out.size == 0 && net_socket_queued(c->socket) == 0) {
        c->moved_ms = 0;
    } else if (moved_octets != c->moved_octets) {
        c->moved_octets = moved_octets;
        c->moved_ms = now_ms;
    } else if (now_ms - c->moved_ms >= c->server->config.write_timeout_ms) {
        lh2_http1_lose_stream(c);
        net_socket_reset(c->socket);
        return false;
    }
    return true;
}

/* The server's part, as with sessions: whoever listens decides, else the connection ends. */
static void tell_idle(lua_State *L, void *data) {
    lh2_http1 *c = data;
    lh2_http1_push_socket(L, c);
    c->is_heard = lh2_emit(L, &c->server->object, LH2_EVENT_TIMEOUT, 1);
}

static void look_at_idleness(lh2_http1 *c, uint64_t now_ms) {
    if (idle_due(c) > now_ms)
        return;
    c->has_timed_out = true;
    c->is_heard = false;
    lh2_enter(c->server->object.runtime, tell_idle, c, NULL);
    if (c->is_heard || net_socket_is_closing(c->socket))
        return;
    lh2_http1_lose_stream(c);
    lh2_http1_close(c);
}

/* Before anybody is called late, what the kernel has of the peer is read once more: it may be this
 * process that was. */
static void on_timer(net_timer *timer) {
    lh2_http1 *c = net_timer_context(timer);
    uint64_t now_ms = net_loop_now(c->loop);
    if (c->server == NULL || net_socket_is_closing(c->socket) || !look_at_output(c, now_ms))
        return;
    bool is_late = deadline(c) <= now_ms;
    if (is_late && c->is_last_look)
        be_late(c);
    else
        c->is_last_look = is_late;
    if (!net_socket_is_closing(c->socket))
        look_at_idleness(c, now_ms);
    if (!net_socket_is_closing(c->socket))
        rearm(c);
}

bool lh2_http1_start_clock(lh2_http1 *c) {
    c->deadline_ms = NEVER;
    c->idle_ms = (uint64_t)c->server->timeout_ms;
    c->active_ms = net_loop_now(c->loop);
    if (net_timer_new(&c->timer, c->loop, on_timer, c) != 0)
        return false;
    net_timer_ref(c->timer, false); /* the socket keeps the loop alive */
    return true;
}
