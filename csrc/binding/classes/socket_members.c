#include "binding/args.h"
#include "binding/classes/socket.h"
#include "binding/open.h"

/* ---------------------------------------------------------------------------------- connect */

static void read_connect_options(lua_State *L, int index, net_connect_options *out) {
    out->host = lh2_opt_string(L, index, "host", NULL, "localhost");
    out->path = lh2_opt_string(L, index, "path", NULL, NULL);
    out->local_address = lh2_opt_string(L, index, "localAddress", NULL, NULL);
    out->local_port = (int)lh2_opt_integer(L, index, "localPort", 0, 65535, 0);
    out->family = (int)lh2_opt_integer(L, index, "family", 0, 6, 0);
    out->attempt_delay_ms =
        (uint32_t)lh2_opt_integer(L, index, "autoSelectFamilyAttemptTimeout", 0, INT32_MAX, 0);
    out->is_no_delay = lh2_opt_boolean(L, index, "noDelay", false);
    out->keep_alive_s = lh2_opt_keep_alive(L, index);
    if (out->path)
        return;
    lua_getfield(L, index, "port");
    if (lua_isnil(L, -1))
        lh2_raise_text(L, "TypeError", "ERR_MISSING_ARGS",
                       "The \"options\" or \"port\" or \"path\" argument must be specified");
    out->port = lh2_check_port(L, -1, "options.port");
    lua_pop(L, 1);
}

/* (port[, host][, callback]), (path[, callback]) or (options[, callback]) from index 2 on; strings
 * live as long as the arguments. Returns the index of the callback, 0 without one. [-0, +0, v] */
static int read_connect_args(lua_State *L, net_connect_options *out) {
    int next = 3;
    *out = (net_connect_options){.host = "localhost"};
    if (lua_istable(L, 2))
        read_connect_options(L, 2, out);
    else if (lua_type(L, 2) == LUA_TSTRING)
        out->path = lua_tostring(L, 2);
    else
        out->port = lh2_check_port(L, 2, "port");
    if (lua_type(L, 2) == LUA_TNUMBER && lua_type(L, 3) == LUA_TSTRING)
        out->host = lua_tostring(L, next++);
    if (lua_isnoneornil(L, next))
        return 0;
    lh2_check_function(L, next, "connectListener");
    return next;
}

/* socket:connect(...) */
static int connect_method(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    net_connect_options options;
    int callback = read_connect_args(L, &options);
    if (socket->net || socket->duplex.is_destroyed)
        return lh2_raise_text(L, "Error", "ERR_SOCKET_ALREADY_USED",
                              "A socket connects once; make a new one");
    lh2_socket_connect(L, socket, &options);
    if (callback) {
        lua_pushvalue(L, callback);
        lh2_add_listener(L, 1, socket->is_secure ? LH2_EVENT_SECURE_CONNECT : LH2_EVENT_CONNECT,
                         true);
    }
    lua_settop(L, 1);
    return 1;
}

/* ----------------------------------------------------------------------------------- methods */

/* socket:setNoDelay([enable]) */
static int set_no_delay(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    socket->is_no_delay = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
    net_socket *net = lh2_socket_transport(socket);
    if (net)
        net_socket_set_no_delay(net, socket->is_no_delay);
    lua_settop(L, 1);
    return 1;
}

/* socket:setKeepAlive([enable][, delay]) */
static int set_keep_alive(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    int64_t delay = lua_isnumber(L, 3) ? lh2_check_duration(L, 3, "initialDelay") : 0;
    socket->keep_alive_s = lua_toboolean(L, 2) ? (uint32_t)(delay / 1000) + 1 : 0;
    net_socket *net = lh2_socket_transport(socket);
    if (net)
        net_socket_set_keep_alive(net, socket->keep_alive_s > 0, socket->keep_alive_s);
    lua_settop(L, 1);
    return 1;
}

/* socket:setTimeout(ms[, callback]): "timeout" after so long without activity; nothing is closed. */
static int set_timeout(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    int64_t timeout = lh2_check_duration(L, 2, "msecs");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        lh2_check_function(L, 3, "callback");
        lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, true);
    }
    lua_settop(L, 1);
    socket->timeout_ms = (uint64_t)timeout;
    lh2_socket_stop_timer(socket);
    lh2_socket_start_timer(L, socket);
    return 1;
}

static int set_ref(lua_State *L, bool is_ref) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    net_socket *net = lh2_socket_transport(socket);
    socket->is_unref = !is_ref;
    if (net)
        net_socket_ref(net, is_ref);
    lua_settop(L, 1);
    return 1;
}

static int ref_method(lua_State *L) {
    return set_ref(L, true);
}

static int unref_method(lua_State *L) {
    return set_ref(L, false);
}

/* socket:address(): its own; empty without a connection. */
static int address_method(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    if (socket->has_addresses && socket->local.family != 0)
        return lh2_push_address(L, &socket->local);
    lua_newtable(L);
    return 1;
}

/* The listener that destroySoon adds; upvalue: the socket. */
static int destroy_finished(lua_State *L) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_getfield(L, 1, "destroy");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* socket:destroySoon(): when what was written has gone. */
static int destroy_soon(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, destroy_finished, 1);
    if (socket->duplex.is_finished) {
        lua_call(L, 0, 0);
        return 0;
    }
    lh2_add_listener(L, 1, LH2_EVENT_FINISH, true);
    lua_getfield(L, 1, "finish");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* socket:resetAndDestroy() */
static int reset_and_destroy(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_settop(L, 1);
    socket->is_reset = !socket->is_connecting;
    lh2_visit(L, 1);
    if (lh2_socket_transport(socket))
        lua_pushnil(L);
    else
        lh2_push_error(L, "ERR_SOCKET_CLOSED", NULL);
    lh2_duplex_destroy(L, &socket->duplex);
    lh2_depart(L, &socket->duplex.object);
    return 1;
}

static const luaL_Reg methods[] = {{"connect", connect_method},
                                   {"setNoDelay", set_no_delay},
                                   {"setKeepAlive", set_keep_alive},
                                   {"setTimeout", set_timeout},
                                   {"ref", ref_method},
                                   {"unref", unref_method},
                                   {"address", address_method},
                                   {"destroySoon", destroy_soon},
                                   {"resetAndDestroy", reset_and_destroy},
                                   {NULL, NULL}};

/* -------------------------------------------------------------------------------- properties */

static int push_text(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushstring(L, address->text);
    else
        lua_pushnil(L);
    return 1;
}

static int push_port(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushinteger(L, address->port);
    else
        lua_pushnil(L);
    return 1;
}

static int push_family(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushfstring(L, "IPv%d", address->family);
    else
        lua_pushnil(L);
    return 1;
}

#define GET_FACT(name, push, address)                                                              \
    static int name(lua_State *L) {                                                                \
        lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);                                   \
        if (!socket->has_addresses)                                                                \
            lh2_socket_note_addresses(socket);                                                     \
        return push(L, socket, &socket->address);                                                  \
    }

GET_FACT(get_remote_address, push_text, peer)
GET_FACT(get_remote_port, push_port, peer)
GET_FACT(get_remote_family, push_family, peer)
GET_FACT(get_local_address, push_text, local)
GET_FACT(get_local_port, push_port, local)
GET_FACT(get_local_family, push_family, local)

static int get_bytes_read(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lh2_socket_note_octets(socket);
    lua_pushinteger(L, (lua_Integer)socket->bytes_read);
    return 1;
}

static int get_bytes_written(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lh2_socket_note_octets(socket);
    lua_pushinteger(L, (lua_Integer)(socket->bytes_written + socket->duplex.write_length));
    return 1;
}

static int get_connecting(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushboolean(L, socket->is_connecting);
    return 1;
}

static int get_pending(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushboolean(L, !lh2_socket_transport(socket) || socket->is_connecting);
    return 1;
}

static int get_timeout(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushinteger(L, (lua_Integer)socket->timeout_ms);
    return 1;
}

static int get_ready_state(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    const lh2_duplex *duplex = &socket->duplex;
    bool is_readable = duplex->is_readable && !duplex->is_destroyed && !duplex->is_end_emitted;
    bool is_writable = duplex->is_writable && !duplex->is_destroyed && !duplex->is_ending;
    if (socket->is_connecting)
        lua_pushliteral(L, "opening");
    else if (socket->lent)
        lua_pushliteral(L, "open");
    else if (!socket->net)
        lua_pushliteral(L, "closed");
    else if (is_readable && is_writable)
        lua_pushliteral(L, "open");
    else if (is_readable)
        lua_pushliteral(L, "readOnly");
    else
        lua_pushstring(L, is_writable ? "writeOnly" : "closed");
    return 1;
}

static const luaL_Reg getters[] = {{"remoteAddress", get_remote_address},
                                   {"remotePort", get_remote_port},
                                   {"remoteFamily", get_remote_family},
                                   {"localAddress", get_local_address},
                                   {"localPort", get_local_port},
                                   {"localFamily", get_local_family},
                                   {"bytesRead", get_bytes_read},
                                   {"bytesWritten", get_bytes_written},
                                   {"connecting", get_connecting},
                                   {"pending", get_pending},
                                   {"timeout", get_timeout},
                                   {"readyState", get_ready_state},
                                   {NULL, NULL}};

/* A socket with a connection is anchored: at lua_close, the loop closes that. */
static int gc(lua_State *L) {
    lh2_socket *socket = lua_touserdata(L, 1);
    lh2_finalize(&socket->duplex.object);
    lh2_duplex_dispose(L, &socket->duplex);
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", gc}, {NULL, NULL}};

const lh2_class lh2_socket_class = {"Socket", &lh2_duplex_class, methods, getters,
                                    NULL,     metamethods};

/* Socket([options]): one that can connect; options.tls: a table, for a TLSSocket. */
static int new_socket(lua_State *L) {
    lua_settop(L, 1);
    lh2_check_options(L, 1, "options");
    lh2_socket *socket = lh2_socket_make(L, lh2_opt_boolean(L, 1, "secure", false));
    socket->duplex.allows_half_open = lh2_opt_boolean(L, 1, "allowHalfOpen", false);
    socket->duplex.high_water_mark =
        (size_t)lh2_opt_integer(L, 1, "highWaterMark", 0, INT32_MAX, LH2_HIGH_WATER_MARK);
    return 1;
}

void lh2_socket_open(lua_State *L) {
    lh2_class_register(L, &lh2_socket_class);
    lh2_class_register(L, &lh2_tls_socket_class);
    lua_pushcfunction(L, new_socket);
    lua_setfield(L, -2, "Socket");
}
