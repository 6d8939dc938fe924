/* What of a session waits for time to pass. There is one timer; what is put off does not touch it: when
 * it fires too early it is started again for what is left. It does not keep the loop alive. */
#include "binding/classes/server.h"

/* How often it is looked whether the peer takes what waits for it. */
#define LOOK_MS 1000
/* A session that has ended in order leaves a peer that reads slowly its time: as long as it takes some
 * of what was said within so many looks. */
#define MAX_STALLS 30

static uint64_t now_of(const lh2_session *session) {
    return net_loop_now(session->object.runtime->loop);
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* -------------------------------------------------------------------------------------- what is due */

static uint64_t timeout_due(const lh2_session *session) {
    bool is_on = session->timeout_ms > 0 && !session->has_timed_out && !session->is_destroyed;
    return is_on ? session->active_ms + session->timeout_ms : H2_NEVER;
}

static uint64_t connect_due(const lh2_session *session) {
    return session->is_connecting ? session->connect_ms : H2_NEVER;
}

static uint64_t keep_alive_due(const lh2_session *session) {
    bool is_on = session->keep_alive_ms > 0 && session->stream_count == 0 &&
                 session->wire != NULL && !session->is_closed;
    return is_on ? session->unused_ms + session->keep_alive_ms : H2_NEVER;
}

static uint64_t engine_due(const lh2_session *session) {
    return session->wire != NULL ? h2_session_deadline(session->engine) : H2_NEVER;
}

static uint64_t look_due(const lh2_session *session, uint64_t now_ms) {
    return session->moved_ms > 0 && session->socket != NULL ? now_ms + LOOK_MS : H2_NEVER;
}

static uint64_t due(const lh2_session *session, uint64_t now_ms) {
    uint64_t due_ms = earlier(session->linger_ms, connect_due(session));
    due_ms = earlier(due_ms, timeout_due(session));
    due_ms = earlier(due_ms, keep_alive_due(session));
    due_ms = earlier(due_ms, engine_due(session));
    return earlier(due_ms, look_due(session, now_ms));
}

/* ------------------------------------------------------------------------------------- what is done */

/* The server's part of a timeout: whoever listens decides, else the session ends. */
static void tell_server(lua_State *L, lh2_session *session) {
    lh2_object *server = lh2_server_object(session);
    if (session->is_destroyed || server == NULL || !session->is_server_timeout)
        return;
    lh2_push(L, &session->object);
    if (lh2_emit(L, server, LH2_EVENT_TIMEOUT, 1))
        return;
    lua_pushnil(L);
    lh2_session_destroy(L, session, H2_NO_ERROR);
}

static void time_out(lua_State *L, void *data) {
    lh2_session *session = data;
    tell_server(L, session);
    lh2_emit(L, &session->object, LH2_EVENT_TIMEOUT, 0);
}

static void close_unused(lua_State *L, void *data) {
    lh2_session_close(L, data);
}

/* Ends a session whose peer was too late. */
static void give_up(lua_State *L, void *data) {
    lh2_session *session = data;
    net_error error;
    net_error_from_uv(&error, UV_ETIMEDOUT, session->is_connecting ? "connect" : "write", NULL, -1);
    lh2_push_net_error(L, &error);
    lh2_set_verdict(L, "session", H2_BY_PEER, !session->is_connecting);
    lh2_session_destroy(L, session, H2_INTERNAL_ERROR);
}

/* Whether octets wait for the peer. */
static bool has_output(const lh2_session *session) {
    return net_socket_queued(session->socket) > 0 ||
           (session->wire != NULL && h2_session_wants_output(session->engine));
}

/* A peer that takes nothing of what waits for it, for so long, is cut off. */
static void look_at_output(lh2_session *session, uint64_t now_ms) {
    if (session->moved_ms == 0 || session->socket == NULL)
        return;
    uint64_t moved_octets = net_socket_octets_moved(session->socket);
    if (!has_output(session)) {
        session->moved_ms = 0;
    } else if (moved_octets != session->moved_octets) {
        session->moved_octets = moved_octets;
        session->moved_ms = now_ms;
    } else if (now_ms - session->moved_ms >= session->write_timeout_ms) {
        session->moved_ms = 0;
        lh2_enter(session->object.runtime, give_up, session, NULL);
        net_socket_reset(session->socket);
    }
}

/* Whether the peer is still taking what it was promised. */
static bool is_peer_reading(lh2_session *session) {
    size_t unsent = session->is_complete ? net_socket_unsent(session->socket) : 0;
    if (unsent != session->unsent)
        session->stalls = 0;
    session->unsent = unsent;
    return unsent > 0 && session->stalls++ < MAX_STALLS;
}

/* The wait for the peer's end is over, unless it is still reading. True if there is no more to do. */
static bool end_lingering(lh2_session *session, uint64_t now_ms) {
    if (session->linger_ms > now_ms)
        return false;
    session->linger_ms = H2_NEVER;
    if (session->socket == NULL)
        return true;
    if (is_peer_reading(session)) {
        session->linger_ms = now_ms + LOOK_MS;
        return false;
    }
    net_socket_close(session->socket);
    return true;
}

static void on_timer(net_timer *timer) {
    lh2_session *session = net_timer_context(timer);
    lh2_runtime *runtime = session->object.runtime;
    uint64_t now_ms = now_of(session);
    session->timer_ms = H2_NEVER;
    if (end_lingering(session, now_ms))
        return;
    if (connect_due(session) <= now_ms)
        lh2_enter(runtime, give_up, session, NULL);
    look_at_output(session, now_ms);
    if (engine_due(session) <= now_ms)
        net_wire_touch(session->wire);
    if (timeout_due(session) <= now_ms) {
        session->has_timed_out = true;
        lh2_enter(runtime, time_out, session, NULL);
    }
    if (keep_alive_due(session) <= now_ms)
        lh2_enter(runtime, close_unused, session, NULL);
    lh2_session_rearm(session);
}

/* ----------------------------------------------------------------------------------------- the timer */

void lh2_session_rearm(lh2_session *session) {
    uint64_t now_ms = now_of(session), due_ms = due(session, now_ms);
    if (due_ms >= session->timer_ms)
        return;
    net_loop *loop = session->object.runtime->loop;
    if (session->timer == NULL) {
        if (net_timer_new(&session->timer, loop, on_timer, session) != 0)
            return; /* the next one who looks tries again */
        net_timer_ref(session->timer, false);
    }
    session->timer_ms = due_ms;
    /* Never at once: what is due is done in this turn, after the timers. */
    net_timer_start(session->timer, due_ms > now_ms ? due_ms - now_ms : 1, 0);
}

void lh2_session_start_clock(lh2_session *session) {
    session->active_ms = session->unused_ms = now_of(session);
    lh2_session_rearm(session);
}

void lh2_session_note_unused(lh2_session *session) {
    session->unused_ms = now_of(session);
    lh2_session_rearm(session);
}

void lh2_session_set_timeout(lua_State *L, lh2_session *session, uint64_t timeout_ms) {
    lh2_runtime_loop(L);
    session->timeout_ms = timeout_ms;
    session->has_timed_out = false;
    session->active_ms = now_of(session);
    lh2_session_rearm(session);
}

void lh2_session_watch_output(lh2_session *session) {
    if (session->moved_ms > 0 || session->write_timeout_ms == 0)
        return;
    session->moved_ms = now_of(session);
    session->moved_octets = net_socket_octets_moved(session->socket);
    lh2_session_rearm(session);
}
