/* How a server ends: no new connections; then the last of the open ones, of its own or after a grace. */
#include "binding/classes/http1.h"

static bool is_idle(const lh2_server *server) {
    return server->listener == NULL && server->connection_count == 0;
}

static void drop_grace(lh2_server *server) {
    if (server->grace != NULL)
        net_timer_close(server->grace);
    server->grace = NULL;
}

static void emit_close(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_server *server = (lh2_server *)object;
    if (!server->is_closing || !is_idle(server))
        return;
    server->is_closing = server->is_draining = false;
    drop_grace(server);
    lh2_emit(L, object, LH2_EVENT_CLOSE, 0);
}

void lh2_server_close_if_idle(lua_State *L, lh2_server *server) {
    if (server->is_closing && is_idle(server))
        lh2_tick_push(L, &server->object, emit_close, 0);
}

/* ------------------------------------------------------------------------------------------ grace */

/* Calls `act` for each session there is; it may end the session. */
static void for_each_session(lua_State *L, lh2_server *server,
                             void (*act)(lua_State *L, lh2_session *session)) {
    list_node *node = server->sessions.next;
    while (node != &server->sessions) {
        lh2_session *session = LIST_ENTRY(node, lh2_session, link);
        node = node->next;
        act(L, session);
    }
}

static void cut(lua_State *L, lh2_session *session) {
    lua_pushnil(L);
    lh2_session_destroy(L, session, H2_NO_ERROR);
}

static void cut_all(lua_State *L, void *data) {
    lh2_server *server = data;
    for_each_session(L, server, cut);
    lh2_server_drop_handshakes(server, false);
    lh2_http1_close_all(server);
}

static void on_grace(net_timer *timer) {
    lh2_server *server = net_timer_context(timer);
    drop_grace(server);
    lh2_enter(server->object.runtime, cut_all, server, NULL);
}

/* What is open may finish within the time; the rest is cut then. [-0, +0, m] */
static void drain(lua_State *L, lh2_server *server, uint64_t grace_ms) {
    net_loop *loop = lh2_runtime_loop(L);
    if (server->grace == NULL && net_timer_new(&server->grace, loop, on_grace, server) != 0)
        lh2_raise_memory(L);
    server->is_draining = true;
    net_timer_ref(server->grace, false); /* the connections keep the loop alive */
    net_timer_start(server->grace, grace_ms, 0);
    for_each_session(L, server, lh2_session_close);
}

/* ---------------------------------------------------------------------------------------- close() */

static void not_running(lua_State *L, lh2_object *object, intptr_t callback) {
    (void)object;
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lh2_push_error(L, "ERR_SERVER_NOT_RUNNING", NULL);
    lua_call(L, 1, 0);
}

int lh2_server_close(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lua_settop(L, 3);
    if (lua_isfunction(L, 2)) {
        lua_insert(L, 2);
        lua_settop(L, 3);
    }
    int64_t grace_ms = -1;
    if (lh2_check_options(L, 2, "options"))
        grace_ms = lh2_opt_integer(L, 2, "grace", 0, INT32_MAX, -1);
    if (!lua_isnil(L, 3))
        lh2_check_function(L, 3, "callback");
    bool is_running = server->listener != NULL || server->is_closing ||
                      (grace_ms >= 0 && server->connection_count > 0);
    lh2_visit(L, 1);
    if (is_running) {
        server->is_closing = true;
        if (!lua_isnil(L, 3)) {
            lua_pushvalue(L, 3);
            lh2_add_listener(L, 1, LH2_EVENT_CLOSE, true);
        }
        if (server->listener != NULL)
            net_listener_close(server->listener);
        lh2_http1_close_idle(server);
        if (grace_ms >= 0)
            drain(L, server, (uint64_t)grace_ms);
    } else if (!lua_isnil(L, 3)) {
        lua_pushvalue(L, 3);
        lh2_tick_push(L, &server->object, not_running, lh2_hold(L));
    }
    lh2_depart(L, &server->object);
    lua_settop(L, 1);
    return 1;
}
