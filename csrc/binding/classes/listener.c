#include "binding/classes/listener.h"

#include <stdio.h>

#include "binding/args.h"
#include "binding/classes/secure_context.h"
#include "binding/classes/socket.h"
#include "binding/open.h"

#define DEFAULT_BACKLOG 511

struct lh2_listener {
    lh2_object object;
    net_listener *net;       /* NULL: not listening */
    net_tls_context *tls;    /* NULL: plain */
    int64_t max_connections; /* -1: no limit */
    uint32_t connections;
    bool is_listening;
    bool is_closing; /* close() was called: "close" follows the last connection's end */
    bool is_unref;
    bool allows_half_open;
    bool is_no_delay;
    uint32_t keep_alive_s;
};

/* -------------------------------------------------------------------------------- arguments */

static void read_listen_options(lua_State *L, int index, net_listen_options *out) {
    out->host = lh2_opt_string(L, index, "host", NULL, NULL);
    out->path = lh2_opt_string(L, index, "path", NULL, NULL);
    out->fd = (int)lh2_opt_integer(L, index, "fd", 0, INT32_MAX, -1);
    out->backlog = (int)lh2_opt_integer(L, index, "backlog", 0, INT32_MAX, DEFAULT_BACKLOG);
    out->is_ipv6_only = lh2_opt_boolean(L, index, "ipv6Only", false);
    out->is_reuse_port = lh2_opt_boolean(L, index, "reusePort", false);
    bool is_readable = lh2_opt_boolean(L, index, "readableAll", false);
    bool is_writable = lh2_opt_boolean(L, index, "writableAll", false);
    if (is_readable || is_writable)
        out->mode = 0600 | (is_readable ? 0444u : 0) | (is_writable ? 0222u : 0);
    lua_getfield(L, index, "port");
    if (!lua_isnil(L, -1))
        out->port = lh2_check_port(L, -1, "options.port");
    else if (!out->path && out->fd < 0)
        lh2_raise_value(L, "options", "must have the property \"port\" or \"path\"", index);
    lua_pop(L, 1);
}

/* (port|path[, host][, backlog]); returns the index after the last argument that was used. */
static int read_listen_list(lua_State *L, int index, net_listen_options *out) {
    if (lua_isnumber(L, index))
        out->port = lh2_check_port(L, index, "port");
    else if (lua_type(L, index) == LUA_TSTRING)
        out->path = lua_tostring(L, index);
    else if (lua_isfunction(L, index))
        return index;
    else if (!lua_isnoneornil(L, index))
        lh2_raise_value(L, "port", "must be a port, a path or a table of options", index);
    index++;
    if (!out->path && lua_type(L, index) == LUA_TSTRING)
        out->host = lua_tostring(L, index++);
    else if (lua_isnil(L, index))
        index++;
    if (lua_type(L, index) == LUA_TNUMBER)
        out->backlog = (int)lh2_check_integer(L, index++, "backlog", 0, INT32_MAX);
    else if (lua_isnil(L, index))
        index++;
    return index;
}

void lh2_listen_args(lua_State *L, int first, net_listen_options *out, int *callback) {
    *out = (net_listen_options){.fd = -1, .backlog = DEFAULT_BACKLOG};
    int next = first + 1;
    if (lua_istable(L, first))
        read_listen_options(L, first, out);
    else
        next = read_listen_list(L, first, out);
    *callback = 0;
    if (lua_isnoneornil(L, next))
        return;
    lh2_check_function(L, next, "callback");
    *callback = next;
}

/* -------------------------------------------------------------------------------- addresses */

int lh2_push_address(lua_State *L, const net_address *address) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, address->text);
    lua_setfield(L, -2, "address");
    lua_pushfstring(L, "IPv%d", address->family);
    lua_setfield(L, -2, "family");
    lua_pushinteger(L, address->port);
    lua_setfield(L, -2, "port");
    return 1;
}

int lh2_push_listener_address(lua_State *L, const net_listener *listener) {
    net_address address;
    char path[NET_MAX_PATH];
    if (!listener || net_listener_address(listener, &address) != 0)
        lua_pushnil(L);
    else if (address.family != 0)
        lh2_push_address(L, &address);
    else if (net_listener_path(listener, path) == 0)
        lua_pushstring(L, path);
    else
        lua_pushnil(L);
    return 1;
}

/* -------------------------------------------------------------------------- from the transport */

static void emit_close(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_listener *listener = (lh2_listener *)object;
    if (!listener->is_closing || listener->net || listener->connections > 0)
        return;
    listener->is_closing = false;
    lh2_emit(L, object, LH2_EVENT_CLOSE, 0);
}

static void check_closed(lua_State *L, lh2_listener *listener) {
    if (listener->is_closing && !listener->net && listener->connections == 0)
        lh2_tick_push(L, &listener->object, emit_close, 0);
}

void lh2_listener_lost(lua_State *L, lh2_listener *listener) {
    listener->connections--;
    check_closed(L, listener);
    lh2_release(L, &listener->object);
}

static void tell_listening(lua_State *L, void *data) {
    lh2_listener *listener = data;
    listener->is_listening = true;
    lh2_emit(L, &listener->object, LH2_EVENT_LISTENING, 0);
}

static void on_listening(net_listener *net) {
    lh2_listener *listener = net_listener_context(net);
    lh2_enter(listener->object.runtime, tell_listening, listener, NULL);
}

typedef struct failure {
    lh2_listener *listener;
    const net_error *error;
} failure;

static void tell_error(lua_State *L, void *data) {
    const failure *failed = data;
    lh2_push_net_error(L, failed->error);
    lh2_emit_error(L, &failed->listener->object);
}

/* What cannot listen is closed, and may listen again at once; "close" follows close() alone. */
static void on_error(net_listener *net, const net_error *error) {
    lh2_listener *listener = net_listener_context(net);
    failure failed = {listener, error};
    if (!listener->is_listening) {
        listener->net = NULL;
        net_listener_close(net);
    }
    lh2_enter(listener->object.runtime, tell_error, &failed, NULL);
}

static void tell_close(lua_State *L, void *data) {
    lh2_listener *listener = data;
    check_closed(L, listener);
    lh2_release(L, &listener->object);
}

static void on_close(net_listener *net) {
    lh2_listener *listener = net_listener_context(net);
    if (listener->net == net) {
        listener->net = NULL;
        listener->is_listening = false;
    }
    lh2_enter(listener->object.runtime, tell_close, listener, NULL);
}

typedef struct arrival {
    lh2_listener *listener;
    net_socket *net; /* NULL once it has an owner */
} arrival;

static bool is_full(const lh2_listener *listener) {
    return listener->max_connections >= 0 && listener->connections >= listener->max_connections;
}

/* "drop": over maxConnections; the connection is closed behind it. */
static void drop(lua_State *L, arrival *arrived) {
    net_address peer;
    lua_newtable(L);
    if (net_socket_peer(arrived->net, &peer) == 0) {
        lua_pushstring(L, peer.text);
        lua_setfield(L, -2, "remoteAddress");
        lua_pushinteger(L, peer.port);
        lua_setfield(L, -2, "remotePort");
    }
    lh2_emit(L, &arrived->listener->object, LH2_EVENT_DROP, 1);
}

static void tell_connection(lua_State *L, void *data) {
    arrival *arrived = data;
    lh2_listener *listener = arrived->listener;
    if (is_full(listener)) {
        drop(L, arrived);
        return;
    }
    lh2_socket *socket = lh2_socket_new(L, arrived->net, listener->tls);
    arrived->net = NULL;
    socket->duplex.allows_half_open = listener->allows_half_open;
    socket->listener = listener;
    lh2_retain(&listener->object);
    listener->connections++;
    if (listener->is_no_delay)
        net_socket_set_no_delay(socket->net, true);
    if (listener->keep_alive_s > 0)
        net_socket_set_keep_alive(socket->net, true, listener->keep_alive_s);
    if (listener->tls)
        lua_pop(L, 1); /* "secureConnection" follows the handshake */
    else
        lh2_emit(L, &listener->object, LH2_EVENT_CONNECTION, 1);
}

static void on_connection(net_listener *net, net_socket *socket) {
    lh2_listener *listener = net_listener_context(net);
    arrival arrived = {listener, socket};
    lh2_enter(listener->object.runtime, tell_connection, &arrived, NULL);
    if (arrived.net)
        net_socket_close(arrived.net);
}

static const net_listener_events events = {.on_listening = on_listening,
                                           .on_connection = on_connection,
                                           .on_error = on_error,
                                           .on_close = on_close};

/* ----------------------------------------------------------------------------------- methods */

/* server:listen(...), in any form of lh2_listen_args. */
static int listen_method(lua_State *L) {
    lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    net_listen_options options;
    int callback;
    lh2_listen_args(L, 2, &options, &callback);
    if (listener->net)
        return lh2_raise(L, "ERR_SERVER_ALREADY_LISTEN", NULL);
    if (callback) {
        lua_pushvalue(L, callback);
        lh2_add_listener(L, 1, LH2_EVENT_LISTENING, true);
    }
    net_loop *loop = lh2_runtime_loop(L);
    lh2_anchor(L, 1);
    listener->is_closing = false;
    if (net_listener_open(&listener->net, loop, &options, &events, listener)) {
        listener->net = NULL;
        lh2_release(L, &listener->object);
        return lh2_raise_memory(L);
    }
    if (listener->is_unref)
        net_listener_ref(listener->net, false);
    lua_settop(L, 1);
    return 1;
}

static void call_not_running(lua_State *L, lh2_object *object, intptr_t callback) {
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lh2_push_error(L, "ERR_SERVER_NOT_RUNNING", NULL);
    lh2_call_blaming(L, 1, object);
}

/* server:close([callback]): no new connections; "close" when the open ones have ended. */
static int close_method(lua_State *L) {
    lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        lh2_check_function(L, 2, "callback");
        if (listener->net) {
            lh2_add_listener(L, 1, LH2_EVENT_CLOSE, true);
        } else {
            lh2_visit(L, 1);
            lh2_tick_push(L, &listener->object, call_not_running, lh2_hold(L));
            lh2_depart(L, &listener->object);
        }
    }
    if (listener->net && !listener->is_closing) {
        listener->is_closing = true;
        listener->is_listening = false;
        net_listener_close(listener->net);
    }
    lua_settop(L, 1);
    return 1;
}

static int close_variable(lua_State *L) {
    lua_settop(L, 1);
    return close_method(L);
}

/* server:address(): nil while it does not listen. */
static int address_method(lua_State *L) {
    const lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    return lh2_push_listener_address(L, listener->is_listening ? listener->net : NULL);
}

static int set_ref(lua_State *L, bool is_ref) {
    lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    listener->is_unref = !is_ref;
    if (listener->net)
        net_listener_ref(listener->net, is_ref);
    lua_settop(L, 1);
    return 1;
}

static int ref_method(lua_State *L) {
    return set_ref(L, true);
}

static int unref_method(lua_State *L) {
    return set_ref(L, false);
}

static void call_with_count(lua_State *L, lh2_object *object, intptr_t callback) {
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lua_pushnil(L);
    lua_pushinteger(L, ((lh2_listener *)object)->connections);
    lh2_call_blaming(L, 2, object);
}

/* server:getConnections(callback) */
static int get_connections_method(lua_State *L) {
    lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    lh2_check_function(L, 2, "callback");
    lua_settop(L, 2);
    lh2_visit(L, 1);
    lh2_tick_push(L, &listener->object, call_with_count, lh2_hold(L));
    lh2_depart(L, &listener->object);
    return 1;
}

static const luaL_Reg methods[] = {{"listen", listen_method},
                                   {"close", close_method},
                                   {"address", address_method},
                                   {"ref", ref_method},
                                   {"unref", unref_method},
                                   {"getConnections", get_connections_method},
                                   {NULL, NULL}};

/* -------------------------------------------------------------------------------- properties */

static int get_listening(lua_State *L) {
    const lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    lua_pushboolean(L, listener->is_listening);
    return 1;
}

static int get_max_connections(lua_State *L) {
    const lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    if (listener->max_connections < 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, (lua_Integer)listener->max_connections);
    return 1;
}

static int set_max_connections(lua_State *L) {
    lh2_listener *listener = lh2_check(L, 1, &lh2_listener_class);
    listener->max_connections =
        lua_isnil(L, 2) ? -1 : lh2_check_integer(L, 2, "maxConnections", 0, UINT32_MAX);
    return 0;
}

static const luaL_Reg getters[] = {
    {"listening", get_listening}, {"maxConnections", get_max_connections}, {NULL, NULL}};
static const luaL_Reg setters[] = {{"maxConnections", set_max_connections}, {NULL, NULL}};

/* A listener that listens is anchored: at lua_close, the loop closes it. */
static int gc(lua_State *L) {
    lh2_listener *listener = lua_touserdata(L, 1);
    lh2_finalize(&listener->object);
    if (listener->tls)
        net_tls_context_unref(listener->tls);
    listener->tls = NULL;
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", gc}, {"__close", close_variable}, {NULL, NULL}};

const lh2_class lh2_listener_class = {"Server", &lh2_emitter_class, methods, getters,
                                      setters,  metamethods};

/* createNetServer([options][, listener]); options.tls: a table with key and cert, ... */
static int create_server(lua_State *L) {
    lua_settop(L, 2);
    if (lua_isfunction(L, 1)) {
        lua_insert(L, 1);
        lua_settop(L, 2);
    }
    if (!lua_isnil(L, 2))
        lh2_check_function(L, 2, "listener");
    lh2_check_options(L, 1, "options");
    lh2_listener *listener = lh2_new(L, &lh2_listener_class, sizeof *listener);
    listener->max_connections = -1;
    listener->allows_half_open = lh2_opt_boolean(L, 1, "allowHalfOpen", false);
    listener->is_no_delay = lh2_opt_boolean(L, 1, "noDelay", false);
    listener->keep_alive_s = lh2_opt_keep_alive(L, 1);
    if (lh2_opt_field(L, 1, "tls", LUA_TTABLE) == LUA_TTABLE)
        listener->tls = lh2_secure_context_with_alpn(L, 4, true);
    lua_settop(L, 3);
    if (!lua_isnil(L, 2)) {
        lua_pushvalue(L, 2);
        lh2_add_listener(L, 3, listener->tls ? LH2_EVENT_SECURE_CONNECTION : LH2_EVENT_CONNECTION,
                         false);
    }
    return 1;
}

void lh2_listener_open(lua_State *L) {
    lh2_class_register(L, &lh2_listener_class);
    lua_pushcfunction(L, create_server);
    lua_setfield(L, -2, "createNetServer");
}
