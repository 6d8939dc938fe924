#include "binding/classes/connection.h"
#include "binding/classes/duplex_pipe.h"
#include "binding/classes/server.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"

/* How long the last octets may take to leave, and then the peer's FIN to come. */
#define LINGER_MS 1000
/* What the peer may still send in that time: it is read so that our last words are not lost. */
#define MAX_DRAINED 65536
/* After the peer's FIN: how long requests that came whole may take to be answered. */
#define HALF_CLOSED_MS 1000

/* Private field: the error a session was destroyed with. */
static const char error_key;

void lh2_session_touch(lh2_session *session) {
    if (session->wire != NULL)
        net_wire_touch(session->wire);
}

/* -------------------------------------------------------------------------- the way to the end */

/* The socket is gone, or there never was one: the last events. `session` is anchored meanwhile. */
static void emit_close(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_server_session_ended(L, (lh2_session *)object);
    lh2_perf_session_ended(L, (lh2_session *)object);
    lh2_release(L, object); /* the tick has an anchor of its own */
    lh2_session_unwatch(L, (lh2_session *)object);
    lh2_emit(L, object, LH2_EVENT_CLOSE, 0);
}

/* Tells of the error: a server's session through its server, where nobody needs to listen. */
static void emit_error(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_session *session = (lh2_session *)object;
    lh2_push(L, object);
    lh2_get_private(L, -1, &error_key);
    lua_remove(L, -2);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
    } else if (session->server == NULL) {
        lh2_emit_error(L, object);
    } else {
        lua_pushvalue(L, -1);
        lh2_server_session_error(L, session);
        if (lh2_has_listener(object, LH2_EVENT_ERROR))
            lh2_emit(L, object, LH2_EVENT_ERROR, 1);
        else
            lua_pop(L, 1);
    }
}

/* Room for the two ticks is kept from the beginning: "close" comes, whatever else fails. */
#define END_TICKS 2

static void end_session(lh2_session *session) {
    if (session->is_ended)
        return;
    session->is_ended = true;
    lh2_retain(&session->object);
    lh2_tick_push_reserved(&session->object, emit_error, 0);
    lh2_retain(&session->object);
    lh2_tick_push_reserved(&session->object, emit_close, 0);
}

static void close_transport(lh2_session *session) {
    session->linger_ms = H2_NEVER;
    if (session->socket != NULL)
        net_socket_close(session->socket);
}

/* Bounds what is still to come from the peer. */
static void linger(lh2_session *session, uint64_t delay_ms) {
    session->linger_ms = net_loop_now(session->object.runtime->loop) + delay_ms;
    lh2_session_rearm(session);
    if (session->timer == NULL)
        close_transport(session); /* for want of memory */
    else
        net_timer_ref(session->timer,
                      true); /* maybe nothing else keeps the loop alive until then */
}

static void drop_timer(lh2_session *session) {
    if (session->timer != NULL)
        net_timer_close(session->timer);
    session->timer = NULL;
}

/* All is said: FIN, and then the peer's FIN is waited for, not for ever, unless it has come. */
static void shut_transport(lh2_session *session) {
    if (session->socket == NULL)
        return;
    net_socket_shutdown(session->socket);
    if (session->has_peer_ended && net_socket_queued(session->socket) == 0) {
        close_transport(session);
        return;
    }
    net_socket_read_start(session->socket);
    linger(session, LINGER_MS);
}

/* Ends the streams with the error or nil on top. [-1, +0, m] */
static void destroy_streams(lua_State *L, lh2_session *session) {
    while (!list_is_empty(&session->streams)) {
        lh2_stream *stream = LIST_ENTRY(list_first(&session->streams), lh2_stream, link);
        lua_pushvalue(L, -1);
        lh2_stream_session_gone(L, stream);
    }
    lua_pop(L, 1);
}

static void cancel_pings(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_session *session = (lh2_session *)object;
    while (session->pings.count > 0) {
        lh2_callbacks_take(L, &session->pings);
        if (lua_isfunction(L, -1)) {
            lh2_push_error(L, "ERR_HTTP2_PING_CANCEL", NULL);
            lh2_call_blaming(L, 1, NULL);
        } else {
            lua_pop(L, 1);
        }
    }
}

/* The last words, and then the end of the connection, which ends the session. */
static void end_transport(lh2_session *session) {
    if (session->socket == NULL)
        return;
    if (session->wire == NULL) {
        net_socket_close(session->socket);
        return;
    }
    h2_session_terminate(session->engine, session->code, bytes_slice_of(NULL, 0));
    lh2_session_touch(session);
    if (session->is_output_done)
        shut_transport(session);
    else
        linger(session, LINGER_MS); /* a peer that reads nothing does not hold us */
}

void lh2_session_destroy(lua_State *L, lh2_session *session, uint32_t code) {
    if (session->is_destroyed) {
        lua_pop(L, 1);
        return;
    }
    if (!lua_isnil(L, -1)) {
        lh2_push(L, &session->object);
        lua_pushvalue(L, -2);
        lh2_set_private(L, -2, &error_key);
        lua_pop(L, 1);
    }
    session->is_destroyed = true;
    session->is_closed = true;
    session->code = code;
    end_transport(session); /* cannot fail, as the rest can */
    destroy_streams(L, session);
    session->is_connecting = false;
    if (session->socket != NULL)
        net_socket_ref(session->socket, true); /* "close" is to come, which takes no longer */
    if (session->pings.count > 0)
        lh2_tick_push(L, &session->object, cancel_pings, 0);
    if (session->socket == NULL)
        end_session(session);
}

void lh2_session_close(lua_State *L, lh2_session *session) {
    if (session->is_closed || session->is_destroyed)
        return;
    session->is_closed = true;
    if (session->wire != NULL) {
        h2_session_shutdown(session->engine);
        lh2_session_touch(session);
    } else if (!session->is_connecting) {
        lua_pushnil(L);
        lh2_session_destroy(L, session, H2_NO_ERROR);
    }
}

void lh2_session_finish(lua_State *L, lh2_session *session) {
    if (session->is_destroyed || !list_is_empty(&session->streams))
        return;
    session->is_complete = true;
    lua_pushnil(L);
    lh2_session_destroy(L, session, H2_NO_ERROR);
}

/* The engine has said all: without a stream the session is over. */
static void finish_if_idle(lua_State *L, lh2_session *session) {
    if (session->is_output_done)
        lh2_session_finish(L, session);
}

void lh2_session_stream_closed(lua_State *L, lh2_session *session) {
    if (session->is_destroyed)
        return;
    if (session->stream_count == 0)
        lh2_session_note_unused(session);
    finish_if_idle(L, session);
    if (session->has_peer_ended && list_is_empty(&session->streams) && !session->is_destroyed)
        lh2_session_close(L, session);
}

/* ----------------------------------------------------------------------- from wire and socket */

static void finished_in_lua(lua_State *L, void *data) {
    finish_if_idle(L, data);
}

static void on_finished(net_wire *wire) {
    lh2_session *session = net_wire_context(wire);
    session->is_output_done = true;
    if (session->is_destroyed)
        shut_transport(session);
    else
        lh2_enter(session->object.runtime, finished_in_lua, session, NULL);
}

static void no_memory_in_lua(lua_State *L, void *data) {
    lh2_push_error(L, "ERR_HTTP2_NO_MEM", NULL);
    lh2_session_destroy(L, data, H2_INTERNAL_ERROR);
}

static void on_no_memory(net_wire *wire) {
    lh2_session *session = net_wire_context(wire);
    lh2_enter(session->object.runtime, no_memory_in_lua, session, NULL);
    close_transport(session);
}

static void on_served(net_wire *wire) {
    lh2_session *session = net_wire_context(wire);
    lh2_session_rearm(session);
    lh2_server_weigh(session);
}

static const net_wire_events wire_events = {lh2_deliver, on_finished, on_no_memory, on_served};

/* The wire's pipe: the socket, with an eye on what moves. */
static size_t write_pipe(void *pipe, const bytes_slice *slices, size_t count) {
    lh2_session *session = pipe;
    size_t taken = net_socket_write(session->socket, slices, count);
    lh2_session_note_activity(session);
    if (net_socket_queued(session->socket) > 0)
        lh2_session_watch_output(session);
    return taken;
}

static void read_pipe(void *pipe, bool is_on) {
    net_socket_pipe.read(((lh2_session *)pipe)->socket, is_on);
}

static void shut_pipe(void *pipe) {
    net_socket_shutdown(((lh2_session *)pipe)->socket);
}

static const net_pipe session_pipe = {write_pipe, read_pipe, shut_pipe};

static void on_data(net_socket *socket, const uint8_t *data, size_t size) {
    lh2_session *session = net_socket_context(socket);
    if (session->is_destroyed) {
        session->drained += size;
        if (session->drained > MAX_DRAINED)
            close_transport(session);
        return;
    }
    lh2_session_note_activity(session);
    net_wire_feed(session->wire, data, size);
}

static void on_writable(net_socket *socket) {
    lh2_session *session = net_socket_context(socket);
    net_wire_writable(session->wire);
}

/* The peer sends no more. What it asked for in whole may be answered by a server, for a while;
 * everything else has lost its other end. */
static void ended_in_lua(lua_State *L, void *data) {
    lh2_session *session = data;
    list_node *node = session->streams.next;
    while (node != &session->streams) {
        lh2_stream *stream = LIST_ENTRY(node, lh2_stream, link);
        node = node->next;
        if (stream->is_engine_done || (session->role == H2_SERVER && stream->is_remote_ended))
            continue;
        session->code = H2_CANCEL;
        lua_pushnil(L);
        lh2_stream_session_gone(L, stream);
    }
    if (session->role == H2_SERVER && !list_is_empty(&session->streams)) {
        linger(session, HALF_CLOSED_MS);
        return;
    }
    lua_pushnil(L);
    lh2_session_destroy(L, session, H2_NO_ERROR);
}

static void on_end(net_socket *socket) {
    lh2_session *session = net_socket_context(socket);
    session->has_peer_ended = true;
    if (session->is_destroyed) {
        if (session->is_output_done && net_socket_queued(socket) == 0)
            close_transport(session);
        return;
    }
    net_wire_end(session->wire);
    lh2_enter(session->object.runtime, ended_in_lua, session, NULL);
}

static void on_finish(net_socket *socket) {
    lh2_session *session = net_socket_context(socket);
    if (session->has_peer_ended)
        close_transport(session);
}

struct failure {
    lh2_session *session;
    const net_error *error;
};

/* "socketError" (error, socket), of the session or else of its server, for the error on top. Legacy:
 * Node 8. [-0, +0, e] */
static void emit_socket_error(lua_State *L, lh2_session *session) {
    lh2_object *server = lh2_server_object(session);
    lh2_object *object = &session->object;
    if (server != NULL && !lh2_has_listener(object, LH2_EVENT_SOCKET_ERROR))
        object = server;
    if (!lh2_has_listener(object, LH2_EVENT_SOCKET_ERROR))
        return;
    lua_pushvalue(L, -1);
    lh2_push_socket_proxy(L, session);
    lh2_emit(L, object, LH2_EVENT_SOCKET_ERROR, 2);
}

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    lh2_push_socket_error(L, failure->session->socket, failure->error);
    lh2_set_verdict(L, "session", H2_BY_PEER, true);
    emit_socket_error(L, failure->session);
    lh2_session_destroy(L, failure->session, H2_INTERNAL_ERROR);
}

/* A peer that has said goodbye may leave as it likes. */
static void left_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    lua_pushnil(L);
    lh2_session_destroy(L, failure->session, H2_NO_ERROR);
}

static void on_error(net_socket *socket, const net_error *error) {
    lh2_session *session = net_socket_context(socket);
    struct failure failure = {session, error};
    bool has_left = session->has_goaway && strcmp(error->code, "ECONNRESET") == 0;
    if (!session->is_destroyed)
        lh2_enter(session->object.runtime, has_left ? left_in_lua : failed_in_lua, &failure, NULL);
    close_transport(session);
}

static void drop_wire(lh2_session *session) {
    if (session->wire != NULL)
        net_wire_free(session->wire);
    else
        h2_session_free(session->engine); /* NULL is fine */
    session->wire = NULL;
    session->engine = NULL;
}

static void closed_in_lua(lua_State *L, void *data) {
    lh2_session *session = data;
    lh2_push_session_socket_error(L, session); /* of a socket that the program has destroyed */
    lh2_socket_proxy_unbind(L, session);
    if (session->is_destroyed)
        destroy_streams(L, session); /* if memory was out before */
    else
        lh2_session_destroy(L, session, lua_isnil(L, -1) ? H2_CANCEL : H2_INTERNAL_ERROR);
}

/* Streams that could not be told, for want of memory. */
static void abandon_streams(lua_State *L, lh2_session *session) {
    while (!list_is_empty(&session->streams))
        lh2_stream_abandon(L, LIST_ENTRY(list_first(&session->streams), lh2_stream, link));
}

void lh2_session_socket_closed(lh2_session *session) {
    session->socket = NULL;
    drop_timer(session);
    lh2_runtime *runtime = session->object.runtime;
    lh2_retain(&session->object);
    lh2_enter(runtime, closed_in_lua, session, NULL);
    abandon_streams(runtime->L, session);
    drop_wire(session);
    end_session(session);
    lh2_release(runtime->L, &session->object);
}

static void resumable_in_lua(lua_State *L, void *data) {
    lh2_socket_proxy_tell_session(L, data);
}

static void on_session(net_socket *socket) {
    lh2_session *session = net_socket_context(socket);
    lh2_enter(session->object.runtime, resumable_in_lua, session, NULL);
}

static void on_close(net_socket *socket) {
    lh2_session_socket_closed(net_socket_context(socket));
}

static const net_socket_events socket_events = {
    .on_session = on_session,
    .on_data = on_data,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_finish = on_finish,
    .on_error = on_error,
    .on_close = on_close,
};

/* ---------------------------------------------------------------------------------- making */

lh2_session *lh2_session_new(lua_State *L, const lh2_class *class, size_t size,
                             const lh2_config *config) {
    h2_options options = lh2_config_engine(L, config);
    lh2_session *session = lh2_new(L, class, size);
    session->role = options.role;
    session->marks = lh2_perf_session_marks(session->object.runtime);
    options.counters = lh2_perf_session_counters(session->marks);
    session->timer_ms = session->linger_ms = session->connect_ms = H2_NEVER;
    session->keep_alive_ms = config->keep_alive_timeout_ms;
    session->max_turn_octets = config->max_turn_octets;
    session->write_timeout_ms = config->write_timeout_ms;
    list_init(&session->streams);
    list_init(&session->link);
    int result = h2_session_new(&session->engine, &options);
    if (result != H2_OK)
        lh2_raise(L, result == H2_MISUSE ? "ERR_HTTP2_INVALID_SETTING_VALUE" : "ERR_HTTP2_NO_MEM",
                  NULL);
    for (; session->reserved_ticks < END_TICKS; session->reserved_ticks++)
        lh2_tick_reserve(L, session->object.runtime);
    return session;
}

/* By our own TLS, or by that of the Duplex which carries the session. */
static bool is_encrypted(lua_State *L, const net_socket *socket) {
    if (net_socket_tls(socket) != NULL)
        return true;
    lh2_duplex_pipe_push(L, socket);
    bool is_secure = false;
    if (!lua_isnil(L, -1)) {
        lua_getfield(L, -1, "encrypted");
        is_secure = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return is_secure;
}

void lh2_session_attach(lua_State *L, lh2_session *session, net_socket *socket) {
    session->socket = socket;
    net_socket_set_events(socket, &socket_events, session);
    net_socket_set_share(socket, session->max_turn_octets);
    if (net_wire_new(&session->wire, session->object.runtime->loop, session->engine, &session_pipe,
                     session, &wire_events, session) != 0) {
        lh2_push_error(L, "ERR_HTTP2_NO_MEM", NULL);
        lh2_session_destroy(L, session, H2_INTERNAL_ERROR);
        return;
    }
    session->is_encrypted = is_encrypted(L, socket);
    session->is_connecting = false;
    session->has_connected = true;
    if (session->is_closed)
        h2_session_shutdown(session->engine);
    net_wire_touch(session->wire);
    lh2_session_start_clock(session);
}

/* Detaches from the loop and frees; nothing is emitted. */
void lh2_session_dispose(lua_State *L, lh2_session *session) {
    static const net_socket_events none = {0};
    while (!list_is_empty(&session->streams)) /* at lua_close only: they keep their session */
        lh2_stream_dispose(LIST_ENTRY(session->streams.next, lh2_stream, link));
    if (session->socket != NULL)
        net_socket_set_events(session->socket, &none, NULL);
    close_transport(session);
    drop_timer(session);
    session->socket = NULL;
    drop_wire(session);
    lh2_perf_session_dispose(session);
    for (; session->reserved_ticks > 0 && !session->is_ended; session->reserved_ticks--)
        lh2_tick_unreserve(session->object.runtime);
    list_remove(&session->link);
    lh2_callbacks_dispose(L, &session->pings);
    lh2_callbacks_dispose(L, &session->settings);
}
