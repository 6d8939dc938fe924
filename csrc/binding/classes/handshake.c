#include "base/mem.h"
#include "binding/classes/connection.h"
#include "binding/classes/duplex_pipe.h"
#include "binding/classes/hello.h"
#include "binding/classes/http1.h"
#include "binding/classes/socket_proxy.h"

/* A TLS connection of a server until its protocol is known. It has a bounded time, and ends as a
 * session or not at all. */
typedef struct handshake {
    lh2_server *server; /* NULL once it does not count any more */
    net_socket *socket;
    net_timer *timer;
    list_node link;
    uint64_t due_ms; /* when the time is over; 0: never */
    int sockets; /* held: a sequence of objects that stand for the connection; LUA_NOREF: none */
    lh2_object *hello; /* the question that the program was asked; NULL: none */
} handshake;

/* What a client gets that speaks TLS but not HTTP/2, where nobody listens for "unknownProtocol". */
static const char unknown_protocol_reply[] =
    "HTTP/1.0 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n\r\n"
    "This server speaks HTTP/2 only: ask for \"h2\" by ALPN.\r\n";

/* ---------------------------------------------------------------------------------------- the end */

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

static void end_question(lua_State *L, handshake *h) {
    if (h->hello != NULL)
        lh2_hello_over(L, h->hello);
    h->hello = NULL;
}

static void ended_in_lua(lua_State *L, void *data) {
    handshake *h = data;
    end_question(L, h);
    lh2_push_held(L, h->sockets);
    lh2_drop(L, h->sockets);
    lh2_connections_lost(L);
    lh2_server_connection_ended(L, h->server);
}

static void on_close(net_socket *socket) {
    handshake *h = net_socket_context(socket);
    drop_timer(h);
    list_remove(&h->link);
    if (h->server != NULL)
        lh2_enter(h->server->object.runtime, ended_in_lua, h, NULL);
    mem_free(h);
}

/* Pushes the sequence of objects that stand for the connection. [-0, +1, m] */
static void push_sockets(lua_State *L, handshake *h) {
    lh2_push_held(L, h->sockets);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -1);
    h->sockets = lh2_hold(L);
}

/* Pushes a TLSSocket that stands for the connection, and keeps it. [-0, +1, m] */
static void push_tls_socket(lua_State *L, handshake *h) {
    push_sockets(L, h);
    lh2_socket_describe(L, h->socket);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (int)lua_rawlen(L, -3) + 1);
    lua_remove(L, -2);
}

struct failure {
    handshake *handshake;
    const net_error *error;
};

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    handshake *h = failure->handshake;
    lh2_object *server = &h->server->object;
    static const lh2_event events[] = {LH2_EVENT_TLS_CLIENT_ERROR, LH2_EVENT_CLIENT_ERROR};
    int top = lua_gettop(L);
    if (!lh2_has_listener(server, events[0]) && !lh2_has_listener(server, events[1]))
        return;
    if (h->hello == NULL || !lh2_hello_push_error(L, h->hello))
        lh2_push_socket_error(L, h->socket, failure->error);
    push_tls_socket(L, h);
    for (int i = 0; i < 2; i++) {
        lua_pushvalue(L, top + 1);
        lua_pushvalue(L, top + 2);
        lh2_emit(L, server, events[i], 2);
    }
    lua_settop(L, top);
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

/* The client was too slow: told as Node tells it. */
static void on_timer(net_timer *timer) {
    handshake *h = net_timer_context(timer);
    net_error error = {
        .code = "ERR_TLS_HANDSHAKE_TIMEOUT", .port = -1, .text = "TLS handshake timeout"};
    on_error(h->socket, &error);
}

/* ------------------------------------------------------------------------------- an unknown protocol */

static void on_refused_timer(net_timer *timer) {
    give_up(net_timer_context(timer));
}

static const net_socket_events refused_events = {
    .on_end = on_end, .on_error = on_error, .on_close = on_close};

/* Answers in the one language that such a client may know, and leaves it some time to read it. */
static void refuse_protocol(handshake *h) {
    net_loop *loop = h->server->object.runtime->loop;
    bytes_slice reply = BYTES_LITERAL(unknown_protocol_reply);
    drop_timer(h);
    net_socket_set_events(h->socket, &refused_events, h);
    if (net_timer_new(&h->timer, loop, on_refused_timer, h) != 0) {
        give_up(h);
        return;
    }
    net_timer_ref(h->timer, false);
    net_timer_start(h->timer, h->server->config.unknown_protocol_timeout_ms, 0);
    net_socket_write(h->socket, &reply, 1);
    net_socket_shutdown(h->socket);
    net_socket_read_start(h->socket);
}

/* Private field of a socket that the program has: the objects of the layers beneath it. */
static const char beneath_key;

static void lost_in_lua(lua_State *L, lh2_socket *socket) {
    int top = lua_gettop(L);
    lh2_push(L, &socket->duplex.object);
    lh2_get_private(L, -1, &beneath_key);
    lh2_connections_lost(L);
    lua_settop(L, top);
    lh2_server_connection_ended(L, (lh2_server *)socket->keeper);
}

/* The handshake is not needed any more: what it had belongs to somebody else. Leaves the sequence of
 * objects, or nil, on the stack. [-0, +1, -] */
static void forget(lua_State *L, handshake *h) {
    drop_timer(h);
    end_question(L, h);
    list_remove(&h->link);
    lh2_push_held(L, h->sockets);
    lh2_drop(L, h->sockets);
    mem_free(h);
}

/* The program takes the connection over, for a while. */
static void hand_over(lua_State *L, handshake *h) {
    lh2_server *server = h->server;
    int top = lua_gettop(L);
    lh2_socket *socket = lh2_socket_adopt(L, h->socket, &server->object, lost_in_lua);
    forget(L, h);
    lh2_set_private(L, top + 1, &beneath_key);
    lh2_socket_destroy_after(L, socket, server->config.unknown_protocol_timeout_ms);
    lua_pushvalue(L, top + 1);
    lh2_emit(L, &server->object, LH2_EVENT_UNKNOWN_PROTOCOL, 1);
    lh2_emit(L, &server->object, LH2_EVENT_SECURE_CONNECTION, 1);
}

/* ------------------------------------------------------------------------------------ the handshake */

/* What is left of the time goes to the first SETTINGS. */
static lh2_session *make_session(lua_State *L, const handshake *h) {
    lh2_config config = h->server->config;
    uint64_t now_ms = net_loop_now(h->server->object.runtime->loop);
    if (h->due_ms > 0)
        config.engine.limits.first_settings_ms =
            h->due_ms > now_ms ? (uint32_t)(h->due_ms - now_ms) : 1;
    return lh2_server_make_session(L, &config);
}

static void start_session(lua_State *L, handshake *h) {
    lh2_server *server = h->server;
    net_socket *socket = h->socket;
    lh2_session *session = make_session(L, h);
    int object = lua_gettop(L);
    if (h->sockets != LUA_NOREF) { /* those beneath: now the one above them */
        push_tls_socket(L, h);
        lua_pop(L, 1);
    }
    forget(L, h);
    bool has_sockets = !lua_isnil(L, -1);
    lua_pushvalue(L, object);
    lh2_server_start_session(L, session, server, socket, has_sockets ? object + 1 : 0);
    if (session->socket == NULL || !lh2_has_listener(&server->object, LH2_EVENT_SECURE_CONNECTION))
        return;
    lh2_session_push_socket(L, session);
    lh2_emit(L, &server->object, LH2_EVENT_SECURE_CONNECTION, 1);
}

/* What did not agree on HTTP/2 is HTTP/1.1, where that is allowed. */
static void start_http1(lua_State *L, handshake *h) {
    lh2_server *server = h->server;
    net_socket *socket = h->socket;
    lh2_http1 *connection = lh2_http1_start(server, socket);
    if (connection == NULL) {
        give_up(h);
        return;
    }
    forget(L, h);
    lh2_http1_keep(L, connection);
    if (!lh2_has_listener(&server->object, LH2_EVENT_SECURE_CONNECTION))
        return;
    lh2_http1_push_socket(L, connection);
    lh2_emit(L, &server->object, LH2_EVENT_SECURE_CONNECTION, 1);
}

void lh2_server_secured(lua_State *L, net_socket *socket) {
    handshake *h = net_socket_context(socket);
    lh2_object *server = &h->server->object;
    const char *alpn = net_tls_alpn(net_socket_tls(h->socket));
    int top = lua_gettop(L);
    if (alpn != NULL && strcmp(alpn, "h2") == 0)
        start_session(L, h);
    else if (h->server->http1.is_allowed)
        start_http1(L, h);
    else if (lh2_has_listener(server, LH2_EVENT_UNKNOWN_PROTOCOL))
        hand_over(L, h);
    else
        refuse_protocol(h);
    lua_settop(L, top);
}

static void secured_in_lua(lua_State *L, void *data) {
    handshake *h = data;
    if (h->hello == NULL || !lh2_hello_tell_session(L, h->hello))
        lh2_server_secured(L, h->socket);
    else if (h->due_ms > 0)
        net_timer_ref(h->timer, true); /* nothing is read meanwhile: the time alone goes on */
}

static void on_secure(net_socket *socket) {
    handshake *h = net_socket_context(socket);
    /* Where no session can be made for want of memory, the socket is ours still. */
    if (!lh2_enter(h->server->object.runtime, secured_in_lua, h, NULL) &&
        net_socket_context(socket) == h)
        give_up(h);
}

static const net_socket_events events = {
    .on_secure = on_secure,
    .on_end = on_end,
    .on_error = on_error,
    .on_close = on_close,
};

static bool begin(handshake *h, lh2_server *server) {
    net_loop *loop = server->object.runtime->loop;
    uint32_t timeout_ms = server->config.handshake_timeout_ms;
    net_tls *tls;
    if (net_timer_new(&h->timer, loop, on_timer, h) != 0)
        return false;
    if (net_tls_new(&tls, server->tls, NULL, bytes_slice_of(NULL, 0)) != 0)
        return false;
    if (timeout_ms > 0) {
        net_timer_ref(h->timer, false);
        net_timer_start(h->timer, timeout_ms, 0);
        h->due_ms = net_loop_now(loop) + timeout_ms;
    }
    net_socket_secure(h->socket, tls);
    return true;
}

void lh2_server_start_handshake(lua_State *L, lh2_server *server, net_socket *socket) {
    int sockets = lh2_hold(L);
    handshake *h = mem_alloc(sizeof(*h));
    if (h == NULL) {
        handshake none = {.server = server, .socket = socket, .sockets = sockets};
        net_socket_set_events(socket, NULL, NULL);
        net_socket_close(socket);
        ended_in_lua(L, &none);
        return;
    }
    *h = (handshake){.server = server, .socket = socket, .sockets = sockets};
    list_init(&h->link);
    list_append(&server->handshakes, &h->link);
    net_socket_set_events(socket, &events, h);
    if (!begin(h, server))
        give_up(h);
}

void lh2_server_drop_handshakes(lh2_server *server, bool is_silent) {
    list_node *node = server->handshakes.next;
    while (node != &server->handshakes) {
        handshake *h = LIST_ENTRY(node, handshake, link);
        node = node->next;
        if (is_silent) {
            list_remove(&h->link);
            h->server = NULL;
        }
        give_up(h);
    }
}

static handshake *find(const lh2_server *server, const net_tls *tls) {
    for (list_node *node = server->handshakes.next; node != &server->handshakes;
         node = node->next) {
        handshake *h = LIST_ENTRY(node, handshake, link);
        if (net_socket_tls(h->socket) == tls)
            return h;
    }
    return NULL;
}

void lh2_server_push_handshake(lua_State *L, lh2_server *server, const net_tls *tls) {
    handshake *h = find(server, tls);
    if (h != NULL)
        push_tls_socket(L, h);
    else
        lua_pushnil(L);
}

net_socket *lh2_server_set_question(lh2_server *server, const net_tls *tls, lh2_object *hello) {
    handshake *h = find(server, tls);
    h->hello = hello;
    return h->socket;
}
