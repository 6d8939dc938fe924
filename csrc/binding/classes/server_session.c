#include "binding/classes/connection.h"
#include "binding/classes/exchange.h"
#include "binding/classes/server.h"
#include "binding/classes/session_members.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"

lh2_object *lh2_server_object(const lh2_session *session) {
    return session->server != NULL ? &session->server->object : NULL;
}

/* One tick after the server's "session". */
static void emit_connect(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    if (!lh2_has_listener(object, LH2_EVENT_CONNECT))
        return;
    lh2_push(L, object);
    lh2_push_socket_proxy(L, (lh2_session *)object);
    lh2_emit(L, object, LH2_EVENT_CONNECT, 2);
}

lh2_session *lh2_server_make_session(lua_State *L, const lh2_config *config) {
    return lh2_session_new(L, &lh2_server_session_class, sizeof(lh2_session), config);
}

/* The objects in the sequence at `sockets` stand for the session's connection. */
static void keep_sockets(lua_State *L, lh2_session *session, int sockets) {
    for (int i = 1; i <= (int)lua_rawlen(L, sockets); i++) {
        lua_rawgeti(L, sockets, i);
        lh2_session_keep_socket(L, session);
    }
}

/* What the server has in store for a session. */
static void apply_server(lua_State *L, lh2_session *session, lh2_server *server) {
    if (server->timeout_ms > 0) {
        session->is_server_timeout = true;
        lh2_session_set_timeout(L, session, (uint64_t)server->timeout_ms);
    }
    if (server->has_origins && session->is_encrypted) {
        lh2_push(L, &server->object);
        lh2_get_private(L, -1, &lh2_server_origins_key);
        lh2_session_send_origins(L, session);
        lua_pop(L, 1);
    }
    if (server->is_draining)
        lh2_session_close(L, session);
}

void lh2_server_start_session(lua_State *L, lh2_session *session, lh2_server *server,
                              net_socket *socket, int sockets) {
    lh2_anchor(L, -1);
    session->server = server;
    if (server != NULL)
        list_append(&server->sessions, &session->link);
    lh2_session_attach(L, session, socket);
    if (sockets > 0)
        keep_sockets(L, session, sockets);
    if (server != NULL)
        apply_server(L, session, server);
    lh2_tick_push(L, &session->object, emit_connect, 0);
    if (server == NULL || !lh2_has_listener(&server->object, LH2_EVENT_SESSION))
        return;
    lua_pushvalue(L, -1);
    lh2_emit(L, &server->object, LH2_EVENT_SESSION, 1);
}

void lh2_server_session_error(lua_State *L, lh2_session *session) {
    lh2_server *server = session->server;
    if (server == NULL || !lh2_has_listener(&server->object, LH2_EVENT_SESSION_ERROR)) {
        lua_pop(L, 1);
        return;
    }
    lh2_push(L, &session->object);
    lh2_emit(L, &server->object, LH2_EVENT_SESSION_ERROR, 2);
}

void lh2_server_session_ended(lua_State *L, lh2_session *session) {
    lh2_server *server = session->server;
    if (server == NULL)
        return;
    lh2_server_forget_weight(session);
    session->server = NULL;
    list_remove(&session->link);
    lh2_server_connection_ended(L, server);
}

/* ------------------------------------------------------------------------ a failing handler */

/* Private field: the server of a stream that has left its session. */
static const char server_key;

void lh2_server_stream_left(lua_State *L, lh2_stream *stream, const lh2_session *session) {
    lh2_object *server = lh2_server_object(session);
    const lh2_object *object = &stream->duplex.object;
    bool may_fail = stream->duplex.is_errored || (object->listened | object->watched) != 0;
    if (server == NULL || !may_fail || !lh2_has_listener(server, LH2_EVENT_HANDLER_ERROR))
        return;
    lh2_push(L, server);
    lh2_set_private(L, -2, &server_key);
}

/* Pushes the server of the stream, or nil: what its last listeners raise goes there too. */
static void push_server(lua_State *L, lh2_stream *stream) {
    if (stream->session != NULL && stream->session->server != NULL) {
        lh2_push(L, &stream->session->server->object);
    } else {
        lh2_push(L, &stream->duplex.object);
        lh2_get_private(L, -1, &server_key);
        lua_remove(L, -2);
    }
}

void lh2_server_tell_failure(lua_State *L, lh2_object *carrier) {
    lh2_object *server = lua_touserdata(L, -1);
    if (server == NULL || !lh2_has_listener(server, LH2_EVENT_HANDLER_ERROR)) {
        lua_pop(L, 1);
        lh2_print_error(L);
        return;
    }
    lua_insert(L, -2);
    lh2_push(L, carrier);
    lh2_emit_at(L, -3, LH2_EVENT_HANDLER_ERROR, 2);
    lua_pop(L, 1);
}

/* The stream alone ends (LUA-API.md, Errors), before anybody is told, who may fail as well. */
static bool take_blame(lua_State *L, lh2_object *object) {
    lh2_stream *stream = (lh2_stream *)object;
    push_server(L, stream);
    if (stream->session != NULL && !lh2_exchange_fail(L, &stream->duplex))
        lh2_stream_fail(L, stream);
    lh2_server_tell_failure(L, object);
    return true;
}

/* ---------------------------------------------------------------------------------- members */

static int get_server(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_server_session_class);
    if (session->server != NULL)
        lh2_push(L, &session->server->object);
    else
        lua_pushnil(L);
    return 1;
}

static const luaL_Reg methods[] = {
    {"altsvc", lh2_session_altsvc}, {"origin", lh2_session_origin}, {NULL, NULL}};
static const luaL_Reg getters[] = {{"server", get_server}, {NULL, NULL}};

const lh2_class lh2_server_session_class = {
    "ServerHttp2Session", &lh2_session_class, methods, getters, NULL, NULL};

/* http2.performServerHandshake(socket[, options]): a session without a server. */
static int perform_server_handshake(lua_State *L) {
    lh2_config config;
    lua_settop(L, 2);
    lh2_connection_check(L, 1, "socket");
    lh2_config_read(L, 2, H2_SERVER, &config);
    lh2_connection_bind(L, 1);
    lh2_session *session = lh2_server_make_session(L, &config);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, 1);
    net_socket *socket = lh2_connection_open(L, 1);
    lua_pushvalue(L, 3);
    lh2_server_start_session(L, session, NULL, socket, 4);
    return 1;
}

void lh2_server_session_open(lua_State *L) {
    lh2_class_register(L, &lh2_server_session_class);
    lua_pushcfunction(L, perform_server_handshake);
    lua_setfield(L, -2, "performServerHandshake");
    lh2_set_blame_handler(L, &lh2_server_stream_class, take_blame);
}
