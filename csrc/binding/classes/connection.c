#include "binding/classes/connection.h"

#include "binding/classes/duplex_pipe.h"
#include "binding/classes/socket.h"

/* In the registry: a weak set of the Duplexes that have a session. */
static const char bound_key;

static bool has_method(lua_State *L, int index, const char *name) {
    lua_getfield(L, index, name);
    bool is_there = lua_isfunction(L, -1);
    lua_pop(L, 1);
    return is_there;
}

/* Whether all of its methods are there that a session calls (duplex_pipe.c). */
static bool is_duplex(lua_State *L, int index) {
    static const char *const methods[] = {"on", "pause", "resume", "write", "destroy"};
    if (!lua_istable(L, index) && !lh2_test(L, index, &lh2_emitter_class))
        return false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (!has_method(L, index, methods[i]))
            return false;
    return has_method(L, index, "finish") || has_method(L, index, "end");
}

void lh2_connection_check(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    if (!is_duplex(L, index))
        lh2_raise_type(L, name, "an instance of Duplex", index);
}

void lh2_connection_bind(lua_State *L, int index) {
    index = lua_absindex(L, index);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bound_key);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    if (lua_toboolean(L, -1))
        lh2_raise(L, "ERR_HTTP2_SOCKET_BOUND", NULL);
    lua_pop(L, 1);
    lua_pushvalue(L, index);
    lua_pushboolean(L, true);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

net_socket *lh2_connection_open(lua_State *L, int index) {
    lh2_socket *socket = lh2_test(L, index, &lh2_socket_class);
    if (socket && lh2_socket_is_quiet(socket))
        return lh2_socket_surrender(L, socket);
    return lh2_duplex_pipe_open(L, index);
}

net_socket *lh2_connection_settle(lua_State *L, net_socket *net) {
    net_socket *own = net;
    lh2_duplex_pipe_push(L, net);
    lh2_socket *socket = lh2_test(L, -1, &lh2_socket_class);
    if (socket && lh2_socket_is_quiet(socket)) {
        own = lh2_socket_surrender(L, socket);
        lh2_duplex_pipe_let_go(net);
    }
    lua_pop(L, 1);
    return own;
}

void lh2_connection_lost(lua_State *L, int index) {
    lh2_socket *socket = lh2_test(L, index, &lh2_socket_class);
    if (socket && socket->lent)
        lh2_socket_lost(L, socket);
}

void lh2_connections_lost(lua_State *L) {
    for (int i = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0; i > 0; i--) {
        lua_rawgeti(L, -1, i);
        lh2_connection_lost(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void lh2_connection_open_module(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &bound_key);
    lh2_duplex_pipe_open_class(L);
}
