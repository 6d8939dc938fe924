#include <stdio.h>
#include <string.h>

#include "binding/classes/client_session.h"
#include "binding/classes/connection.h"
#include "binding/classes/duplex_pipe.h"
#include "binding/classes/secure_context.h"
#include "binding/classes/socket.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"

#define DEFAULT_MAX_ORIGINS 128

static const char *const alpn[] = {"h2"};

/* Private field: the options, where they hold functions that are called later. */
static const char options_key;

/* --------------------------------------------------------------------------------- from the socket */

static void emit_connect(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_session *session = (lh2_session *)object;
    if (session->is_destroyed || !lh2_has_listener(object, LH2_EVENT_CONNECT))
        return;
    lh2_push(L, object);
    lh2_push_socket_proxy(L, session);
    lh2_emit(L, object, LH2_EVENT_CONNECT, 2);
}

/* The session's socket is connected: it goes on the wire, and so do the requests that waited. */
static void attach(lua_State *L, lh2_session *session) {
    lh2_session_attach(L, session, lh2_connection_settle(L, session->socket));
    list_node *node = session->streams.next;
    while (node != &session->streams) {
        lh2_stream *stream = LIST_ENTRY(node, lh2_stream, link);
        node = node->next;
        if (stream->request != NULL)
            lh2_client_stream_submit(L, stream);
    }
}

static void connected_in_lua(lua_State *L, void *data) {
    lh2_session *session = data;
    attach(L, session);
    emit_connect(L, &session->object, 0);
}

static void connected(lh2_session *session) {
    lh2_enter(session->object.runtime, connected_in_lua, session, NULL);
}

static void on_connect(net_socket *socket) {
    lh2_client_session *client = net_socket_context(socket);
    if (net_socket_tls(socket) == NULL)
        connected(&client->session);
}

static void no_alpn_in_lua(lua_State *L, void *data) {
    lh2_push_error_text(L, "Error", "ERR_HTTP2_ERROR",
                        "The server did not choose HTTP/2 (\"h2\") by ALPN");
    lh2_set_verdict(L, "session", H2_BY_PEER, false);
    lh2_session_destroy(L, data, H2_INTERNAL_ERROR);
}

/* options.checkServerIdentity(servername, certificate): what it returns is the error. */
static void check_identity_in_lua(lua_State *L, void *data) {
    lh2_session *session = data;
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &options_key);
    lua_getfield(L, -1, "checkServerIdentity");
    lua_pushstring(L, ((lh2_client_session *)session)->host);
    lh2_session_push_socket(L, session);
    lua_getfield(L, -1, "getPeerCertificate");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1)) {
        connected_in_lua(L, session);
        return;
    }
    lh2_to_error(L);
    lh2_session_destroy(L, session, H2_INTERNAL_ERROR);
}

static void on_secure(net_socket *socket) {
    lh2_client_session *client = net_socket_context(socket);
    lh2_runtime *runtime = client->session.object.runtime;
    const char *chosen = net_tls_alpn(net_socket_tls(socket));
    if (chosen == NULL || strcmp(chosen, "h2") != 0)
        lh2_enter(runtime, no_alpn_in_lua, client, NULL);
    else if (client->has_identity_check)
        lh2_enter(runtime, check_identity_in_lua, client, NULL);
    else
        connected(&client->session);
}

struct failure {
    lh2_session *session;
    const net_error *error;
};

static void failed_in_lua(lua_State *L, void *data) {
    struct failure *failure = data;
    const char *code = failure->error->code;
    bool is_given_up = code != NULL && strcmp(code, "ERR_SOCKET_CLOSED") == 0;
    lh2_push_socket_error(L, failure->session->socket, failure->error);
    lh2_set_verdict(L, "session", is_given_up ? H2_BY_LOCAL : H2_BY_PEER, false);
    lh2_session_destroy(L, failure->session, is_given_up ? H2_CANCEL : H2_INTERNAL_ERROR);
}

static void on_error(net_socket *socket, const net_error *error) {
    lh2_session *session = net_socket_context(socket);
    struct failure failure = {session, error};
    lh2_enter(session->object.runtime, failed_in_lua, &failure, NULL);
}

/* The peer went away in the middle of the handshake. */
static void on_end(net_socket *socket) {
    net_error error;
    net_error_from_uv(&error, UV_ECONNRESET, "tls", NULL, -1);
    on_error(socket, &error);
}

static void on_close(net_socket *socket) {
    lh2_session_socket_closed(net_socket_context(socket));
}

static const net_socket_events connecting_events = {
    .on_connect = on_connect,
    .on_secure = on_secure,
    .on_end = on_end,
    .on_error = on_error,
    .on_close = on_close,
};

/* ---------------------------------------------------------------------------------- the connection */

/* Where to: the authority, unless the options say otherwise. Strings live as long as the options. */
static void read_connect_options(lua_State *L, int options, const lh2_url *url,
                                 net_connect_options *out) {
    *out = (net_connect_options){.host = url->host, .port = url->port};
    out->host = lh2_opt_string(L, options, "host", NULL, out->host);
    out->port = (int)lh2_opt_integer(L, options, "port", 0, 65535, out->port);
    out->path = lh2_opt_string(L, options, "path", NULL, NULL);
    out->local_address = lh2_opt_string(L, options, "localAddress", NULL, NULL);
    out->local_port = (int)lh2_opt_integer(L, options, "localPort", 0, 65535, 0);
    out->family = (int)lh2_opt_integer(L, options, "family", 0, 6, 0);
    out->attempt_delay_ms =
        (uint32_t)lh2_opt_integer(L, options, "autoSelectFamilyAttemptTimeout", 0, INT32_MAX, 0);
    out->is_no_delay = lh2_opt_boolean(L, options, "noDelay", true);
    out->keep_alive_s = lh2_opt_keep_alive(L, options);
    if (out->path != NULL)
        out->host = NULL;
}

/* A TLS filter for the client by the options, or NULL for clear text. [-0, +0, e] */
static net_tls *make_tls(lua_State *L, int options, const lh2_client_session *client) {
    if (!client->is_secure)
        return NULL;
    size_t size;
    const char *blob = lh2_opt_string(L, options, "session", &size, NULL);
    net_tls_context *context = lh2_secure_context(L, options, false, alpn, 1);
    net_tls *tls;
    int result = net_tls_new(&tls, context, client->host, bytes_slice_of(blob, size));
    net_tls_context_unref(context);
    if (result != 0)
        lh2_raise_tls(L, result, client->host);
    if (client->has_identity_check)
        net_tls_leave_name(tls);
    return tls;
}

/* Begins to connect; the TLS filter goes in between where there is one. [-0, +0, e] */
static void start_connecting(lua_State *L, lh2_client_session *client, int options,
                             const net_connect_options *connect) {
    net_loop *loop = lh2_runtime_loop(L);
    lh2_session *session = &client->session;
    net_tls *tls = make_tls(L, options, client);
    lh2_anchor_reserve(L); /* once there is a socket the anchor cannot be missed */
    if (net_socket_connect(&session->socket, loop, connect, &connecting_events, client) != 0) {
        session->socket = NULL;
        net_tls_free(tls);
        lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    }
    if (tls != NULL)
        net_socket_secure(session->socket, tls);
}

/* ---------------------------------------------------------------------------------- options.lookup */

/* The answer, {error, address}, of a look-up of the program's, held in `answer`. */
static void looked_up(lua_State *L, lh2_object *object, intptr_t answer) {
    lh2_client_session *client = (lh2_client_session *)object;
    int top = lua_gettop(L);
    lh2_push_held(L, (int)answer);
    lh2_drop(L, (int)answer);
    lua_rawgeti(L, top + 1, 1);
    if (client->session.is_destroyed || client->session.socket != NULL) {
        lua_settop(L, top);
        return;
    }
    lua_rawgeti(L, top + 1, 2);
    if (lua_isnil(L, top + 2) && lua_type(L, top + 3) == LUA_TSTRING) {
        net_connect_options connect;
        lh2_url url = {.port = client->port};
        lh2_push(L, object);
        lh2_get_private(L, -1, &options_key);
        read_connect_options(L, top + 5, &url, &connect);
        connect.host = lua_tostring(L, top + 3);
        start_connecting(L, client, top + 5, &connect);
    } else {
        if (lua_isnil(L, top + 2))
            lh2_push_error_text(L, "Error", "ERR_INVALID_IP_ADDRESS", "Invalid IP address: %s",
                                luaL_tolstring(L, top + 3, NULL));
        else
            lua_pushvalue(L, top + 2);
        lh2_to_error(L);
        lh2_session_destroy(L, &client->session, H2_INTERNAL_ERROR);
    }
    lua_settop(L, top);
}

/* callback(err, address, family), or with a sequence of {address =, family =}; upvalue: the session. */
static int take_answer(lua_State *L) {
    lh2_client_session *client = lua_touserdata(L, lua_upvalueindex(1));
    lua_settop(L, 2);
    if (client->session.is_destroyed)
        return 0;
    if (lua_istable(L, 2)) {
        lua_rawgeti(L, 2, 1);
        if (lua_istable(L, -1))
            lua_getfield(L, -1, "address");
        lua_replace(L, 2);
    }
    lua_createtable(L, 2, 0);
    for (int i = 1; i <= 2; i++) {
        lua_pushvalue(L, i);
        lua_rawseti(L, -2, i);
    }
    int answer = lh2_hold(L);
    lh2_visit(L, lua_upvalueindex(1)); /* it may come before the session is anchored */
    lh2_tick_push(L, &client->session.object, looked_up, answer);
    lh2_depart(L, &client->session.object);
    return 0;
}

/* lookup(hostname, {family =}, callback), which is at the top with the session below it. [-1, +0, e] */
static void look_up(lua_State *L, const net_connect_options *connect) {
    int session = lua_gettop(L) - 1;
    lua_pushstring(L, connect->host);
    lua_createtable(L, 0, 1);
    lua_pushinteger(L, connect->family);
    lua_setfield(L, -2, "family");
    lua_pushvalue(L, session);
    lua_pushcclosure(L, take_answer, 1);
    lua_call(L, 3, 0);
}

/* ------------------------------------------------------------------------ options.createConnection */

static void set_text(lua_State *L, const char *name, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

/* Pushes the authority as createConnection gets it: the program's table, or the parts of its URL. */
static void push_authority(lua_State *L, const lh2_url *url) {
    if (lua_istable(L, 1)) {
        lua_pushvalue(L, 1);
        return;
    }
    char origin[LH2_ORIGIN_SIZE];
    lh2_url_origin(url, origin);
    lua_createtable(L, 0, 6);
    set_text(L, "origin", origin);
    set_text(L, "host", strstr(origin, "://") + 3);
    lua_pushfstring(L, "%s:", url->scheme);
    lua_setfield(L, -2, "protocol");
    lua_pushfstring(L, url->is_ipv6 ? "[%s]" : "%s", url->host);
    lua_setfield(L, -2, "hostname");
    lua_pushinteger(L, url->port);
    lua_setfield(L, -2, "port");
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "href");
}

static void push_copy(lua_State *L, int table) {
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, table);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

/* The Duplex that options.createConnection(authority, options) gives carries the session on top, which
 * is anchored then. [-0, +0, e] */
static void start_carried(lua_State *L, lh2_client_session *client, const lh2_url *url) {
    lh2_session *session = &client->session;
    int object = lua_gettop(L);
    lua_getfield(L, 2, "createConnection");
    push_authority(L, url);
    push_copy(L, 2);
    lua_call(L, 2, 1);
    lh2_connection_check(L, -1, "options.createConnection()");
    lh2_connection_bind(L, -1);
    session->socket = lh2_connection_open(L, -1);
    net_socket_set_events(session->socket, &connecting_events, client);
    lh2_anchor(L, object);
    lh2_session_keep_socket(L, session);
    session->is_connecting = net_socket_is_connecting(session->socket);
    if (session->is_connecting)
        return;
    attach(L, session);
    lh2_tick_push(L, &session->object, emit_connect, 0);
}

/* ---------------------------------------------------------------------------- http2.connect */

/* What the options hold besides numbers and texts. */
typedef struct connect_functions {
    bool create_connection, lookup, check_server_identity;
} connect_functions;

static bool has_function(lua_State *L, const char *name) {
    bool is_there = lh2_opt_field(L, 2, name, LUA_TFUNCTION) == LUA_TFUNCTION;
    lua_pop(L, 1);
    return is_there;
}

/* (authority[, options][, listener]): each in its place, the options a table. [?, 3, v] */
static void sort_arguments(lua_State *L) {
    lua_settop(L, 3);
    if (lua_isfunction(L, 2)) {
        lua_insert(L, 2);
        lua_settop(L, 3);
    }
    if (!lua_isnil(L, 3))
        lh2_check_function(L, 3, "listener");
    if (!lh2_check_options(L, 2, "options")) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
}

/* The client that was made, on top, begins to connect and is anchored. [-0, +0, e] */
static void start(lua_State *L, lh2_client_session *client, const lh2_url *url,
                  const net_connect_options *connect, const connect_functions *has) {
    bool is_name = connect->host != NULL && net_family_of(connect->host) == 0;
    if (has->create_connection) {
        start_carried(L, client, url);
        return;
    }
    if (has->lookup && is_name) {
        lua_getfield(L, 2, "lookup");
        look_up(L, connect);
    } else {
        start_connecting(L, client, 2, connect);
    }
    client->session.is_connecting = true;
    lh2_anchor(L, -1);
}

/* options.servername, if there is one. [-0, +0, v] */
static const char *read_servername(lua_State *L) {
    size_t size;
    const char *servername = lh2_opt_string(L, 2, "servername", &size, NULL);
    if (size >= LH2_HOST_SIZE)
        lh2_raise_tls(L, UV_EINVAL, servername);
    return servername;
}

/* http2.connect(authority[, options][, listener]) */
static int http2_connect(lua_State *L) {
    lh2_config config;
    lh2_url url;
    net_connect_options connect;
    sort_arguments(L);
    connect_functions has = {has_function(L, "createConnection"), has_function(L, "lookup"),
                             has_function(L, "checkServerIdentity")};
    lh2_read_authority(L, 1, &url);
    lh2_complete_authority(L, 2, has.create_connection, &url);
    read_connect_options(L, 2, &url, &connect);
    const char *servername = read_servername(L);
    int64_t max_origins =
        lh2_opt_integer(L, 2, "maxOriginSetSize", 1, UINT32_MAX, DEFAULT_MAX_ORIGINS);
    lh2_config_read(L, 2, H2_CLIENT, &config);
    int signal = lh2_check_signal(L, 2) ? lua_gettop(L) : 0;
    lh2_client_session *client = (lh2_client_session *)lh2_session_new(L, &lh2_client_session_class,
                                                                       sizeof(*client), &config);
    client->is_secure = strcmp(url.scheme, "https") == 0;
    client->max_origins = (uint32_t)max_origins;
    client->has_identity_check =
        has.check_server_identity && lh2_opt_boolean(L, 2, "rejectUnauthorized", true);
    lh2_client_session_set_authority(client, &url, servername);
    if (config.handshake_timeout_ms > 0)
        client->session.connect_ms =
            net_loop_now(lh2_runtime_loop(L)) + config.handshake_timeout_ms;
    if (has.lookup || has.check_server_identity) {
        lua_pushvalue(L, 2);
        lh2_set_private(L, -2, &options_key);
    }
    if (!lua_isnil(L, 3)) {
        lua_pushvalue(L, 3);
        lh2_add_listener(L, -2, LH2_EVENT_CONNECT, true);
    }
    start(L, client, &url, &connect, &has);
    lh2_session_rearm(&client->session);
    if (signal != 0)
        lh2_session_watch(L, lua_gettop(L), signal);
    return 1;
}

void lh2_connect_open(lua_State *L) {
    lua_pushcfunction(L, http2_connect);
    lua_setfield(L, -2, "connect");
}
