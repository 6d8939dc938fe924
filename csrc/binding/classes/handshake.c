#include "base/mem.h"
#include "binding/classes/http1.h"

/* A TLS connection of a server until its protocol is known. It has a bounded time, and ends as a
 * session or not at all. */
typedef struct handshake {
    lh2_server *server; /* NULL once it does not count any more */
    net_socket *socket;
    net_timer *timer;
    list_node link;
} handshake;

/* What a client gets that speaks TLS but not HTTP/2, where nobody listens for "unknownProtocol". */
static const char unknown_protocol_reply[] =
    "HTTP/1.0 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n\r\n"
    "This server speaks HTTP/2 only: ask for \"h2\" by ALPN.\r\n";

static void drop_timer(handshake *h) {
    if (h->timer != NULL)
        net_timer_close(h->timer);
    h->timer = NULL;
}

/* Nothing more can come of it: the socket closes, and on_close ends the count. */
static void give_up(handshake *h) {
    drop_timer(h);
    net_socket_close(h->socket);
}

static void ended_in_lua(lua_State *L, void *data) {
    lh2_server_connection_ended(L, data);
}

static void on_close(net_socket *socket) {
    handshake *h = net_socket_context(socket);
    lh2_server *server = h->server;
    drop_timer(h);
    list_remove(&h->link);
    mem_free(h);
    if (server != NULL)
        lh2_enter(server->object.runtime, ended_in_lua, server, NULL);
}

struct failure {
    handshake *handshake;
    const net_error *error;
};

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    lh2_object *server = &failure->handshake->server->object;
    if (!lh2_has_listener(server, LH2_EVENT_TLS_CLIENT_ERROR))
        return;
    lh2_push_net_error(L, failure->error);
    lh2_emit(L, server, LH2_EVENT_TLS_CLIENT_ERROR, 1);
}

static void on_error(net_socket *socket, const net_error *error) {
    handshake *h = net_socket_context(socket);
    struct failure failure = {h, error};
    if (h->server != NULL)
        lh2_enter(h->server->object.runtime, failed_in_lua, &failure, NULL);
    give_up(h);
}

static void on_end(net_socket *socket) {
    give_up(net_socket_context(socket));
}

static void on_timer(net_timer *timer) {
    give_up(net_timer_context(timer));
}

/* Answers in the one language that such a client may know, and leaves it some time to read it. */
static void refuse_protocol(handshake *h) {
    bytes_slice reply = BYTES_LITERAL(unknown_protocol_reply);
    net_socket_write(h->socket, &reply, 1);
    net_socket_shutdown(h->socket);
    net_socket_read_start(h->socket);
    net_timer_start(h->timer, h->server->config.unknown_protocol_timeout_ms, 0);
}

static void start_session_in_lua(lua_State *L, void *data) {
    handshake *h = data;
    lh2_server_start_session(L, h->server, h->socket);
}

/* What did not agree on HTTP/2 is HTTP/1.1, where that is allowed. */
static void start_http1(handshake *h) {
    net_socket *socket = h->socket;
    lh2_http1_start(h->server, socket);
    if (net_socket_context(socket) == h) { /* there was no memory */
        give_up(h);
        return;
    }
    drop_timer(h);
    list_remove(&h->link);
    mem_free(h);
}

static void on_secure(net_socket *socket) {
    handshake *h = net_socket_context(socket);
    const char *alpn = net_tls_alpn(net_socket_tls(socket));
    if (alpn == NULL || strcmp(alpn, "h2") != 0) {
        if (h->server->http1.is_allowed)
            start_http1(h);
        else
            refuse_protocol(h);
        return;
    }
    drop_timer(h);
    list_remove(&h->link);
    /* Where no session can be made for want of memory, the socket is ours still. */
    if (lh2_enter(h->server->object.runtime, start_session_in_lua, h, NULL) ||
        net_socket_context(socket) != h)
        mem_free(h);
    else
        net_socket_close(socket);
}

static const net_socket_events events = {
    .on_secure = on_secure,
    .on_end = on_end,
    .on_error = on_error,
    .on_close = on_close,
};

static bool begin(handshake *h, lh2_server *server, net_socket *socket) {
    net_tls *tls;
    if (net_timer_new(&h->timer, server->object.runtime->loop, on_timer, h) != 0)
        return false;
    if (net_tls_new(&tls, server->tls, NULL, bytes_slice_of(NULL, 0)) != 0)
        return false;
    net_timer_ref(h->timer, false);
    net_timer_start(h->timer, server->config.handshake_timeout_ms, 0);
    net_socket_secure(socket, tls);
    return true;
}

void lh2_server_start_handshake(lh2_server *server, net_socket *socket) {
    handshake *h = mem_alloc(sizeof(*h));
    if (h == NULL) {
        net_socket_close(socket);
        return;
    }
    *h = (handshake){server, socket, NULL, {NULL, NULL}};
    list_append(&server->handshakes, &h->link);
    server->connection_count++;
    net_socket_set_events(socket, &events, h);
    if (!begin(h, server, socket))
        give_up(h);
}

void lh2_server_drop_handshakes(lh2_server *server) {
    while (!list_is_empty(&server->handshakes)) {
        handshake *h = LIST_ENTRY(list_first(&server->handshakes), handshake, link);
        list_remove(&h->link);
        h->server = NULL;
        give_up(h);
    }
}
