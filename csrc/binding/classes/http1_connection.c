#include "base/mem.h"
#include "binding/classes/connection.h"
#include "binding/classes/http1.h"

/* What may come while an exchange is under way, before reading stops. */
#define MAX_IN ((size_t)64 * 1024)
/* What of a body that nobody reads is let go after the response, before the connection is. */
#define MAX_DUMPED ((size_t)1024 * 1024)

/* ----------------------------------------------------------------------------------- ends */

void lh2_http1_close(lh2_http1 *c) {
    c->is_shut = true;
    net_socket_close(c->socket);
}

/* All is said: FIN behind what was written, and the peer's is waited for, not for ever. What still comes
 * is thrown away: closed at once, it could cost the peer our last words. */
void lh2_http1_shut(lh2_http1 *c) {
    if (c->is_shut || net_socket_is_closing(c->socket))
        return;
    c->is_shut = true;
    bytes_buffer_dispose(&c->in);
    if (c->out.size == 0)
        net_socket_shutdown(c->socket);
    net_socket_read_start(c->socket);
    lh2_http1_await(c, LH2_WAIT_END);
}

static void lost_in_lua(lua_State *L, void *data) {
    lh2_http1_stream_lost(L, data);
}

void lh2_http1_lose_stream(lh2_http1 *c) {
    lh2_http1_stream *stream = c->stream;
    if (stream == NULL)
        return;
    c->stream = NULL;
    stream->connection = NULL;
    lh2_enter(stream->duplex.object.runtime, lost_in_lua, stream, &stream->duplex.object);
}

static void cancelled_in_lua(lua_State *L, void *data) {
    lh2_http1_stream_cancelled(L, data);
}

void lh2_http1_cancel_stream(lh2_http1 *c) {
    lh2_http1_stream *stream = c->stream;
    if (stream != NULL)
        lh2_enter(stream->duplex.object.runtime, cancelled_in_lua, stream, &stream->duplex.object);
    lh2_http1_lose_stream(c);
}

/* What a program has paused for good would otherwise be kept for good. */
static void lose_unread_streams(lh2_http1 *c) {
    while (!list_is_empty(&c->unread)) {
        lh2_http1_stream *stream = LIST_ENTRY(list_first(&c->unread), lh2_http1_stream, link);
        list_remove(&stream->link);
        lh2_enter(stream->duplex.object.runtime, lost_in_lua, stream, &stream->duplex.object);
    }
}

/* Answers what could not be served, and ends. A response that has begun is cut off instead. */
void lh2_http1_refuse(lh2_http1 *c, int status) {
    if (c->stream != NULL && c->stream->has_sent_headers) {
        lh2_http1_lose_stream(c);
        lh2_http1_close(c);
        return;
    }
    lh2_http1_lose_stream(c);
    if (h1_write_fault(&c->out, status) != 0) {
        lh2_http1_close(c);
        return;
    }
    lh2_http1_flush(c);
    lh2_http1_shut(c);
}

/* --------------------------------------------------------------------------------- writing */

void lh2_http1_flush(lh2_http1 *c) {
    for (;;) {
        if (c->stream != NULL && lh2_http1_stream_encode(c->stream) != 0) {
            lh2_http1_close(c);
            return;
        }
        if (c->out.size == 0)
            break;
        bytes_slice slice = bytes_slice_of(c->out.data, c->out.size);
        size_t taken = net_socket_write(c->socket, &slice, 1);
        bytes_buffer_drop(&c->out, taken);
        if (taken > 0)
            lh2_http1_note_activity(c);
        if (c->out.size > 0) {
            lh2_http1_watch_output(c);
            return;
        }
    }
    bytes_buffer_dispose(&c->out);
    if (c->stream != NULL)
        lh2_http1_stream_drained(c->stream);
    else if (c->is_shut)
        net_socket_shutdown(c->socket);
}

/* --------------------------------------------------------------------------------- reading */

void lh2_http1_update_reading(lh2_http1 *c) {
    bool is_wanted = true;
    if (c->stream != NULL && !c->is_shut)
        is_wanted = c->stream->is_request_done ? c->in.size < MAX_IN : c->stream->duplex.is_reading;
    lh2_http1_note_reading(c, is_wanted);
    if (is_wanted)
        net_socket_read_start(c->socket);
    else
        net_socket_read_stop(c->socket);
}

typedef struct arrival {
    lh2_http1 *connection;
    const h1_event *event;
} arrival;

/* Another protocol is asked for, and somebody listens: it gets (request, stream, ""), and the octets in
 * both directions are its own. [-1, +0, e] */
static void announce_upgrade(lua_State *L, lh2_http1 *c, lh2_http1_stream *stream) {
    lh2_server *server = c->server;
    h1_parser_tunnel(c->parser);
    stream->has_sent_headers = true;
    stream->writer.framing = H1_TUNNEL;
    stream->writer.is_keep_alive = false;
    lh2_exchange_new(L, server, &lh2_http1_carrier);
    lua_pop(L, 1);
    lua_insert(L, -2);
    lua_pushliteral(L, "");
    lh2_emit(L, &server->object, LH2_EVENT_UPGRADE, 3);
}

static void begin_in_lua(lua_State *L, void *data) {
    const arrival *a = data;
    lh2_http1 *c = a->connection;
    lh2_server *server = c->server;
    const lh2_http1_options *options = &server->http1;
    lh2_http1_stream *stream = lh2_http1_stream_new(L, c, a->event);
    c->stream = stream;
    lh2_blame(&stream->duplex.object);
    c->requests++;
    bool is_last = options->max_requests > 0 && c->requests >= options->max_requests;
    if (is_last || server->is_closing)
        stream->writer.is_keep_alive = false;
    stream->writer.keep_alive_s = options->keep_alive_timeout_ms / 1000;
    if (a->event->head.is_connect)
        h1_parser_tunnel(c->parser);
    if (a->event->head.is_upgrade && lh2_has_listener(&server->object, LH2_EVENT_UPGRADE))
        announce_upgrade(L, c, stream);
    else
        lh2_exchange_announce(L, server, &lh2_http1_carrier);
}

/* Whom there is nobody to serve is told so. */
static bool has_handler(const lh2_server *server, const h1_event *head) {
    return lh2_has_listener(&server->object, LH2_EVENT_REQUEST) ||
           (head->head.is_upgrade && lh2_has_listener(&server->object, LH2_EVENT_UPGRADE)) ||
           (head->head.is_connect && lh2_has_listener(&server->object, LH2_EVENT_CONNECT));
}

static void begin(lh2_http1 *c, const h1_event *event) {
    arrival a = {c, event};
    if (c->server == NULL || !has_handler(c->server, event)) {
        lh2_http1_refuse(c, 505);
        return;
    }
    if (lh2_server_is_misdirected(c->server, c->socket, event->head.authority)) {
        lh2_http1_refuse(c, 421);
        return;
    }
    lh2_http1_await(c, event->head.has_body ? LH2_WAIT_BODY : LH2_WAIT_NOTHING);
    lh2_enter(c->server->object.runtime, begin_in_lua, &a, NULL);
    if (c->stream == NULL && !c->is_shut)
        lh2_http1_refuse(c, 500); /* there was no memory for it */
}

static void data_in_lua(lua_State *L, void *data) {
    const arrival *a = data;
    lh2_http1_stream *stream = a->connection->stream;
    lh2_http1_stream_note_activity(stream);
    lh2_duplex_data(L, &stream->duplex, a->event->data.data, a->event->data.size);
}

static void end_in_lua(lua_State *L, void *data) {
    const arrival *a = data;
    lh2_http1_stream_ended(L, a->connection->stream, a->event);
}

static void enter_stream(lh2_http1 *c, void (*body)(lua_State *L, void *data),
                         const h1_event *event) {
    arrival a = {c, event};
    lh2_object *object = &c->stream->duplex.object;
    lh2_enter(object->runtime, body, &a, object);
}

static void take_data(lh2_http1 *c, const h1_event *event) {
    if (c->stream == NULL)
        return;
    if (c->stream->is_response_done && (c->stream->dumped += event->data.size) > MAX_DUMPED) {
        lh2_http1_lose_stream(c);
        lh2_http1_shut(c);
        return;
    }
    enter_stream(c, data_in_lua, event);
}

static void take_event(lh2_http1 *c, const h1_event *event) {
    switch (event->kind) {
    case H1_EV_HEAD:
        begin(c, event);
        break;
    case H1_EV_DATA:
        take_data(c, event);
        break;
    case H1_EV_END:
        lh2_http1_await(c, LH2_WAIT_NOTHING);
        if (c->stream != NULL)
            enter_stream(c, end_in_lua, event);
        break;
    default:
        lh2_http1_refuse(c, event->fault.status);
    }
}

/* Whether the next event may be looked at: one request after the other. */
static bool can_parse(const lh2_http1 *c) {
    return !c->is_shut && !(c->stream != NULL && c->stream->is_request_done);
}

static void parse(lh2_http1 *c, const uint8_t *data, size_t size) {
    h1_event event = {.kind = H1_EV_HEAD};
    h1_parser_feed(c->parser, data, size);
    c->is_parsing = true;
    while (can_parse(c) && event.kind != H1_EV_NONE) {
        if (h1_parser_next(c->parser, &event) != 0) {
            lh2_http1_refuse(c, 503);
            break;
        }
        if (event.kind != H1_EV_NONE)
            take_event(c, &event);
    }
    c->is_parsing = false;
    bytes_slice rest = h1_parser_rest(c->parser);
    if (!c->is_shut && rest.size > 0 && bytes_buffer_append(&c->in, rest.data, rest.size) != 0)
        lh2_http1_close(c);
    if (!c->is_shut && c->stream == NULL && h1_parser_has_begun(c->parser) &&
        c->wait != LH2_WAIT_HEAD)
        lh2_http1_await(c, LH2_WAIT_HEAD);
}

/* Looks at what came while an exchange was under way. */
static void proceed(lh2_http1 *c) {
    if (c->is_parsing || !can_parse(c))
        return;
    bytes_buffer in = c->in;
    c->in = (bytes_buffer){0};
    if (in.size > 0)
        parse(c, in.data, in.size);
    bytes_buffer_dispose(&in);
    if (c->is_shut)
        return;
    if (c->stream == NULL && c->has_peer_ended)
        lh2_http1_shut(c);
    else
        lh2_http1_update_reading(c);
}

void lh2_http1_next(lua_State *L, lh2_http1 *c, bool goes_on) {
    (void)L;
    if (!goes_on || c->server == NULL || (c->server->is_closing && c->in.size == 0)) {
        lh2_http1_shut(c);
        return;
    }
    lh2_http1_await(c, LH2_WAIT_NEXT);
    proceed(c);
}

/* --------------------------------------------------------------------------- from the socket */

static void on_data(net_socket *socket, const uint8_t *data, size_t size) {
    lh2_http1 *c = net_socket_context(socket);
    if (c->is_shut)
        return;
    lh2_http1_note_activity(c);
    bool is_waiting = c->stream != NULL && c->stream->is_request_done;
    if (is_waiting || c->is_parsing || c->in.size > 0) {
        if (bytes_buffer_append(&c->in, data, size) != 0)
            lh2_http1_close(c);
        proceed(c);
    } else {
        parse(c, data, size);
    }
    if (!c->is_shut)
        lh2_http1_update_reading(c);
}

/* The peer sends no more: what it asked for in whole is answered still. */
static void on_end(net_socket *socket) {
    lh2_http1 *c = net_socket_context(socket);
    c->has_peer_ended = true;
    if (c->is_shut) {
        if (c->out.size == 0 && net_socket_queued(socket) == 0)
            lh2_http1_close(c);
        return;
    }
    if (c->stream != NULL && c->stream->writer.framing == H1_TUNNEL) {
        h1_event end = {.kind = H1_EV_END, .end = {NULL, 0}};
        enter_stream(c, end_in_lua, &end);
    } else if (c->stream == NULL || !c->stream->is_request_done) {
        lh2_http1_cancel_stream(c);
        lh2_http1_shut(c);
    } else {
        net_timer_ref(c->timer, true); /* nothing else keeps the loop alive now */
        lh2_http1_await(c, LH2_WAIT_ANSWER);
    }
}

static void on_writable(net_socket *socket) {
    lh2_http1_flush(net_socket_context(socket));
}

static void on_finish(net_socket *socket) {
    lh2_http1 *c = net_socket_context(socket);
    if (c->has_peer_ended)
        lh2_http1_close(c);
}

static void on_error(net_socket *socket, const net_error *error) {
    (void)error; /* whether a client leaves by FIN or RST is up to its kernel */
    lh2_http1 *c = net_socket_context(socket);
    lh2_http1_cancel_stream(c);
    lh2_http1_close(c);
}

static void closed_in_lua(lua_State *L, void *data) {
    lh2_http1 *c = data;
    if (c->described != NULL)
        lh2_socket_lost(L, c->described);
    lh2_push_held(L, c->sockets);
    lh2_drop(L, c->sockets);
    lh2_connections_lost(L);
    lh2_server_connection_ended(L, c->server);
}

static void on_close(net_socket *socket) {
    lh2_http1 *c = net_socket_context(socket);
    lh2_http1_lose_stream(c);
    lose_unread_streams(c);
    list_remove(&c->link);
    if (c->server != NULL)
        lh2_enter(c->server->object.runtime, closed_in_lua, c, NULL);
    if (c->timer != NULL)
        net_timer_close(c->timer);
    h1_parser_free(c->parser);
    bytes_buffer_dispose(&c->in);
    bytes_buffer_dispose(&c->out);
    mem_free(c);
}

static const net_socket_events events = {.on_data = on_data,
                                         .on_end = on_end,
                                         .on_writable = on_writable,
                                         .on_finish = on_finish,
                                         .on_error = on_error,
                                         .on_close = on_close};

/* -------------------------------------------------------------------------------- life cycle */

static bool prepare(lh2_http1 *c) {
    const lh2_http1_options *options = &c->server->http1;
    h1_limits limits;
    h1_limits_init(&limits);
    limits.max_head_octets = options->max_head_octets;
    limits.max_fields = options->max_fields;
    return h1_parser_new(&c->parser, &limits) == 0 && lh2_http1_start_clock(c);
}

lh2_http1 *lh2_http1_start(lh2_server *server, net_socket *socket) {
    lh2_http1 *c = mem_alloc(sizeof(*c));
    if (c == NULL)
        return NULL;
    *c = (lh2_http1){.server = server,
                     .loop = server->object.runtime->loop,
                     .socket = socket,
                     .sockets = LUA_NOREF};
    list_init(&c->unread);
    list_append(&server->http1_connections, &c->link);
    net_socket_set_events(socket, &events, c);
    if (!prepare(c)) {
        lh2_http1_close(c);
        return c;
    }
    lh2_http1_await(c, LH2_WAIT_FIRST);
    net_socket_read_start(socket);
    return c;
}

void lh2_http1_keep(lua_State *L, lh2_http1 *c) {
    c->sockets = lh2_hold(L);
}

void lh2_http1_push_socket(lua_State *L, lh2_http1 *c) {
    if (c->described != NULL)
        lh2_push(L, &c->described->duplex.object);
    else
        c->described = lh2_socket_describe(L, c->socket);
}

void lh2_http1_close_idle(lh2_server *server) {
    list_node *node = server->http1_connections.next;
    while (node != &server->http1_connections) {
        lh2_http1 *c = LIST_ENTRY(node, lh2_http1, link);
        node = node->next;
        if (c->stream == NULL && !c->is_shut && !h1_parser_has_begun(c->parser))
            lh2_http1_expire(c);
    }
}

void lh2_http1_close_all(lh2_server *server) {
    for (list_node *node = server->http1_connections.next; node != &server->http1_connections;
         node = node->next)
        lh2_http1_close(LIST_ENTRY(node, lh2_http1, link));
}

void lh2_http1_drop_all(lh2_server *server) {
    while (!list_is_empty(&server->http1_connections)) {
        lh2_http1 *c = LIST_ENTRY(list_first(&server->http1_connections), lh2_http1, link);
        list_remove(&c->link);
        c->server = NULL;
        lh2_http1_close(c);
    }
}
