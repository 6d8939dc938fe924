#include "binding/classes/server.h"

#include <stdio.h>
#include <time.h>

#include "binding/classes/http1.h"
#include "binding/classes/http1_server.h"
#include "binding/classes/listener.h"
#include "binding/classes/stream.h"
#include "binding/extend.h"
#include "binding/open.h"

const char lh2_server_class_keys[LH2_CLASS_COUNT];

/* --------------------------------------------------------------------------------- the date */

void lh2_format_date(char date[LH2_DATE_SIZE], time_t time) {
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct tm tm;
    gmtime_r(&time, &tm);
    snprintf(date, LH2_DATE_SIZE, "%.3s, %02d %.3s %d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
             tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
             tm.tm_sec);
}

bytes_slice lh2_server_date(lh2_runtime *runtime) {
    time_t now = time(NULL);
    if (now != runtime->date_time) {
        lh2_format_date(runtime->date, now);
        runtime->date_time = now;
    }
    return bytes_slice_of(runtime->date, strlen(runtime->date));
}

/* ------------------------------------------------------------------------ from the listener */

static void listening_in_lua(lua_State *L, void *data) {
    lh2_server *server = data;
    lh2_emit(L, &server->object, LH2_EVENT_LISTENING, 0);
}

static void on_listening(net_listener *listener) {
    lh2_server *server = net_listener_context(listener);
    server->is_listening = true;
    lh2_enter(server->object.runtime, listening_in_lua, server, NULL);
}

static void on_connection(net_listener *listener, net_socket *socket) {
    lh2_server_accept(net_listener_context(listener), socket);
}

struct failure {
    lh2_server *server;
    const net_error *error;
};

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    lh2_push_net_error(L, failure->error);
    lh2_emit_error(L, &failure->server->object);
}

static void on_error(net_listener *listener, const net_error *error) {
    lh2_server *server = net_listener_context(listener);
    struct failure failure = {server, error};
    bool was_listening = server->is_listening;
    lh2_enter(server->object.runtime, failed_in_lua, &failure, NULL);
    if (!was_listening)
        net_listener_close(listener);
}

static void closed_in_lua(lua_State *L, void *data) {
    lh2_server *server = data;
    lh2_server_close_if_idle(L, server);
    lh2_release(L, &server->object);
}

static void on_close(net_listener *listener) {
    lh2_server *server = net_listener_context(listener);
    server->listener = NULL;
    server->is_listening = false;
    lh2_enter(server->object.runtime, closed_in_lua, server, NULL);
}

static const net_listener_events listener_events = {on_listening, on_connection, on_error,
                                                    on_close};

/* ---------------------------------------------------------------------------------- methods */

/* server:listen(port[, host][, backlog][, callback]), (path[, callback]), (options[, callback]) */
static int server_listen(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    net_listen_options options;
    int callback = 0;
    if (server->listener != NULL)
        return lh2_raise(L, "ERR_SERVER_ALREADY_LISTEN", NULL);
    lh2_listen_args(L, 2, &options, &callback);
    net_loop *loop = lh2_runtime_loop(L);
    if (callback != 0) {
        lua_pushvalue(L, callback);
        lh2_add_listener(L, 1, LH2_EVENT_LISTENING, true);
    }
    lh2_anchor(L, 1);
    if (net_listener_open(&server->listener, loop, &options, &listener_events, server) != 0) {
        lh2_release(L, &server->object);
        return luaL_error(L, "out of memory");
    }
    lua_settop(L, 1);
    return 1;
}

/* server:address(): {address, family, port}, the path of a Unix socket, or nil. */
static int server_address(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    return lh2_push_listener_address(L, server->is_listening ? server->listener : NULL);
}

/* server:updateSettings([settings]): for later sessions. */
static int server_update_settings(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lua_settop(L, 2);
    lh2_config_update_settings(L, 2, &server->config);
    return 0;
}

static int set_ref(lua_State *L, bool is_ref) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    if (server->listener != NULL)
        net_listener_ref(server->listener, is_ref);
    lua_settop(L, 1);
    return 1;
}

static int server_ref(lua_State *L) {
    return set_ref(L, true);
}

static int server_unref(lua_State *L) {
    return set_ref(L, false);
}

/* server:getConnections(callback): callback(nil, count) */
static void call_with_count(lua_State *L, lh2_object *object, intptr_t callback) {
    lh2_push_held(L, (int)callback);
    lh2_drop(L, (int)callback);
    lua_pushnil(L);
    lua_pushinteger(L, (lua_Integer)((lh2_server *)object)->connection_count);
    lua_call(L, 2, 0);
}

static int server_get_connections(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lh2_check_function(L, 2, "callback");
    lh2_visit(L, 1);
    lua_pushvalue(L, 2);
    lh2_tick_push(L, &server->object, call_with_count, lh2_hold(L));
    lh2_depart(L, &server->object);
    lua_settop(L, 1);
    return 1;
}

/* server:setTimeout([msecs][, callback]): for later sessions. */
static int server_set_timeout(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lua_settop(L, 3);
    if (lua_isfunction(L, 2)) {
        lua_insert(L, 2);
        lua_settop(L, 3);
    }
    int64_t timeout_ms = lua_isnil(L, 2) ? 0 : lh2_check_duration(L, 2, "msecs");
    if (!lua_isnil(L, 3)) {
        lh2_check_function(L, 3, "callback");
        lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, false);
    }
    server->timeout_ms = (lua_Number)timeout_ms;
    lua_settop(L, 1);
    return 1;
}

/* server:emit(name, ...): a connection that the program emits becomes the server's before its listeners
 * hear of it. */
static int server_emit(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    bool is_secured = server->is_secure && strcmp(name, "secureConnection") == 0;
    if (is_secured || strcmp(name, "connection") == 0) {
        lh2_visit(L, 1);
        lh2_server_inject(L, server, 3, is_secured);
        lh2_depart(L, &server->object);
    }
    return lh2_emitter_emit(L);
}

static const luaL_Reg methods[] = {
    {"emit", server_emit},
    {"setTimeout", server_set_timeout},
    {"listen", server_listen},
    {"close", lh2_server_close},
    {"address", server_address},
    {"updateSettings", server_update_settings},
    {"ref", server_ref},
    {"unref", server_unref},
    {"getConnections", server_get_connections},
    {NULL, NULL},
};

/* ------------------------------------------------------------------------ getters and setters */

static int get_listening(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lua_pushboolean(L, server->is_listening);
    return 1;
}

static int get_max_connections(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    if (server->max_connections >= 0)
        lua_pushinteger(L, (lua_Integer)server->max_connections);
    else
        lua_pushnil(L);
    return 1;
}

static int set_max_connections(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    server->max_connections =
        lua_isnil(L, 2) ? -1 : lh2_check_integer(L, 2, "maxConnections", 0, INT32_MAX);
    return 0;
}

static int get_timeout(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)((lh2_server *)lh2_check(L, 1, &lh2_server_class))->timeout_ms);
    return 1;
}

static int set_timeout(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    server->timeout_ms = lua_isnil(L, 2) ? 0 : (lua_Number)lh2_check_duration(L, 2, "timeout");
    return 0;
}

static const luaL_Reg getters[] = {
    {"timeout", get_timeout},
    {"listening", get_listening},
    {"maxConnections", get_max_connections},
    {NULL, NULL},
};

static const luaL_Reg setters[] = {
    {"timeout", set_timeout}, {"maxConnections", set_max_connections}, {NULL, NULL}};

/* ------------------------------------------------------------------------------- life cycle */

static int server_gc(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_server_class);
    lh2_finalize(&server->object);
    if (server->listener != NULL)
        net_listener_close(server->listener);
    if (server->grace != NULL)
        net_timer_close(server->grace);
    server->grace = NULL;
    net_crowd_free(server->crowd);
    server->crowd = NULL;
    lh2_server_drop_handshakes(server, true);
    if (server->is_secure)
        lh2_http1_drop_all(server);
    if (server->tls != NULL) {
        net_tls_context_set_keylog(server->tls, NULL, NULL);
        net_tls_context_set_ask(server->tls, NULL, NULL);
        net_tls_context_unref(server->tls);
    }
    server->tls = NULL;
    return 0;
}

/* `local server <close>` (Node's asyncDispose) */
static int server_close_variable(lua_State *L) {
    lua_settop(L, 1);
    return lh2_server_close(L);
}

static const luaL_Reg metamethods[] = {
    {"__gc", server_gc},
    {"__close", server_close_variable},
    {NULL, NULL},
};

const lh2_class lh2_server_class = {"Http2Server", &lh2_emitter_class, methods, getters,
                                    setters,       metamethods};
/* Classes of the program's own for requests and responses. [-0, +0, v] */
static void read_classes(lua_State *L, lh2_server *server) {
    static const struct {
        const char *name;
        const lh2_class *class;
    } options[LH2_CLASS_COUNT] = {
        [LH2_CLASS_REQUEST] = {"Http2ServerRequest", &lh2_request_class},
        [LH2_CLASS_RESPONSE] = {"Http2ServerResponse", &lh2_response_class},
        [LH2_CLASS_REQUEST_1] = {"Http1IncomingMessage", &lh2_request_class},
        [LH2_CLASS_RESPONSE_1] = {"Http1ServerResponse", &lh2_response_class},
    };
    for (int i = 0; i < LH2_CLASS_COUNT; i++) {
        lh2_opt_class(L, 1, options[i].name, options[i].class);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            continue;
        }
        server->has_classes = true;
        lh2_set_private(L, -2, &lh2_server_class_keys[i]);
    }
}

/* create*Server([options][, handler]): the handler listens to "request". */
static int create_server(lua_State *L, const lh2_class *class) {
    if (lua_isfunction(L, 1))
        lua_pushnil(L), lua_insert(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        lh2_check_function(L, 2, "onRequestHandler");
    lh2_server *server = lh2_new(L, class, sizeof(*server));
    list_init(&server->sessions);
    list_init(&server->handshakes);
    lh2_config_read(L, 1, H2_SERVER, &server->config);
    server->max_connections = -1;
    server->keep_alive_s = lh2_opt_keep_alive(L, 1);
    server->is_delayed = !lh2_opt_boolean(L, 1, "noDelay", true);
    server->is_secure = class == &lh2_secure_server_class;
    list_init(&server->http1_connections);
    server->spare_connections = lh2_server_spare_connections();
    lh2_server_memory_init(L, 1, server);
    lh2_server_crowd_init(L, 1, server);
    if (server->is_secure)
        lh2_secure_server_init(L, server, 1);
    read_classes(L, server);
    if (!lua_isnil(L, 2)) {
        lua_pushvalue(L, 2);
        lh2_add_listener(L, 3, LH2_EVENT_REQUEST, false);
    }
    return 1;
}

static int http2_create_server(lua_State *L) {
    return create_server(L, &lh2_server_class);
}

static int http2_create_secure_server(lua_State *L) {
    return create_server(L, &lh2_secure_server_class);
}

void lh2_server_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"createServer", http2_create_server},
                                         {"createSecureServer", http2_create_secure_server},
                                         {NULL, NULL}};
    lh2_class_register(L, &lh2_server_class);
    lh2_class_register(L, &lh2_http1_server_class);
    lh2_secure_server_open(L);
    luaL_setfuncs(L, functions, 0);
}
