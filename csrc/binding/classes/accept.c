/* A server's connections until they have a session: from the listener, or from the program. */
#include <sys/resource.h>

#include "binding/args.h"
#include "binding/classes/connection.h"
#include "binding/classes/server.h"
#include "binding/classes/socket.h"
#include "binding/classes/socket_proxy.h"

/* Descriptors that the program needs for other things. */
#define SPARE_DESCRIPTORS 64
/* A session without streams may be closed for the sake of others when it is so old. */
#define LEAST_AGE_MS 1000

/* --------------------------------------------------------------------------------------- counting */

size_t lh2_server_spare_connections(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur <= 2 * SPARE_DESCRIPTORS)
        return SIZE_MAX;
    return (size_t)(limit.rlim_cur - SPARE_DESCRIPTORS) / 2;
}

void lh2_server_crowd_init(lua_State *L, int options, lh2_server *server) {
    if (!lua_istable(L, options))
        return;
    int64_t most = lh2_opt_integer(L, options, "maxConnectionsPerIp", 0, INT32_MAX, 0);
    if (most > 0 && net_crowd_new(&server->crowd, (uint32_t)most) != 0)
        lh2_raise_memory(L);
}

void lh2_server_connection_began(lh2_server *server) {
    server->connection_count++;
    lh2_retain(&server->object);
}

void lh2_server_connection_ended(lua_State *L, lh2_server *server) {
    if (server->connection_count-- == server->spare_connections && server->listener != NULL)
        net_listener_pause(server->listener, false);
    lh2_server_close_if_idle(L, server);
    lh2_release(L, &server->object);
}

/* Too many connections for us: new ones wait, and the one that has been idle for longest goes. */
static void make_room(lua_State *L, lh2_server *server) {
    uint64_t now_ms = net_loop_now(server->object.runtime->loop);
    lh2_session *oldest = NULL;
    for (list_node *node = server->sessions.next; node != &server->sessions; node = node->next) {
        lh2_session *session = LIST_ENTRY(node, lh2_session, link);
        if (session->stream_count == 0 && !session->is_closed &&
            now_ms - session->unused_ms > LEAST_AGE_MS &&
            (oldest == NULL || session->unused_ms < oldest->unused_ms))
            oldest = session;
    }
    if (oldest != NULL)
        lh2_session_close(L, oldest);
}

/* ---------------------------------------------------------------------------------- from the listener */

typedef struct arrival {
    lh2_server *server;
    net_socket *socket; /* NULL once it has an owner */
} arrival;

static void set_address(lua_State *L, const char *prefix, const net_address *address) {
    lua_pushstring(L, address->text);
    lua_pushfstring(L, "%sAddress", prefix);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pushinteger(L, address->port);
    lua_pushfstring(L, "%sPort", prefix);
    lua_insert(L, -2);
    lua_rawset(L, -3);
    lua_pushfstring(L, "IPv%d", address->family);
    lua_pushfstring(L, "%sFamily", prefix);
    lua_insert(L, -2);
    lua_rawset(L, -3);
}

/* "drop": over maxConnections or maxConnectionsPerIp; the connection is closed behind it. */
static void drop(lua_State *L, void *data) {
    const arrival *arrived = data;
    net_address address;
    lua_newtable(L);
    if (net_socket_local(arrived->socket, &address) == 0 && address.family != 0)
        set_address(L, "local", &address);
    if (net_socket_peer(arrived->socket, &address) == 0 && address.family != 0)
        set_address(L, "remote", &address);
    lh2_emit(L, &arrived->server->object, LH2_EVENT_DROP, 1);
}

/* Clear text: a session at once, of which "connection" tells afterwards. */
static void begin_session(lua_State *L, arrival *arrived) {
    lh2_server *server = arrived->server;
    lh2_session *session = lh2_server_make_session(L, &server->config);
    net_socket *socket = arrived->socket;
    arrived->socket = NULL;
    lh2_server_connection_began(server);
    lh2_server_start_session(L, session, server, socket, 0);
    if (session->socket == NULL || !lh2_has_listener(&server->object, LH2_EVENT_CONNECTION))
        return;
    lh2_session_push_socket(L, session);
    lh2_emit(L, &server->object, LH2_EVENT_CONNECTION, 1);
}

/* TLS: "connection" gives the socket beneath it. */
static void begin_handshake(lua_State *L, arrival *arrived) {
    lh2_server *server = arrived->server;
    net_socket *socket = arrived->socket;
    bool is_heard = lh2_has_listener(&server->object, LH2_EVENT_CONNECTION);
    arrived->socket = NULL;
    lh2_server_connection_began(server);
    if (!is_heard) {
        lua_pushnil(L);
        lh2_server_start_handshake(L, server, socket);
        return;
    }
    lh2_socket_describe(L, socket);
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, 1);
    lh2_server_start_handshake(L, server, socket);
    lh2_emit(L, &server->object, LH2_EVENT_CONNECTION, 1);
}

static void arrive(lua_State *L, void *data) {
    arrival *arrived = data;
    lh2_server *server = arrived->server;
    int top = lua_gettop(L);
    if (server->is_secure)
        begin_handshake(L, arrived);
    else
        begin_session(L, arrived);
    lua_settop(L, top);
    if (server->connection_count >= server->spare_connections) {
        if (server->listener != NULL)
            net_listener_pause(server->listener, true);
        make_room(L, server);
    }
}

void lh2_server_accept(lh2_server *server, net_socket *socket) {
    arrival arrived = {server, socket};
    if (server->is_delayed)
        net_socket_set_no_delay(socket, false);
    if (server->keep_alive_s > 0)
        net_socket_set_keep_alive(socket, true, server->keep_alive_s);
    bool is_over =
        server->max_connections >= 0 && server->connection_count >= (size_t)server->max_connections;
    if (server->crowd != NULL)
        is_over = is_over || !net_crowd_admit(server->crowd, socket);
    lh2_enter(server->object.runtime, is_over ? drop : arrive, &arrived, NULL);
    if (arrived.socket != NULL)
        net_socket_close(arrived.socket);
}

/* ----------------------------------------------------------------------------------- from the program */

/* Pushes a sequence of the one object at `index`. [-0, +1, m] */
static void push_alone(lua_State *L, int index) {
    lua_createtable(L, 1, 0);
    lua_pushvalue(L, index);
    lua_rawseti(L, -2, 1);
}

static void inject_session(lua_State *L, lh2_server *server, int index) {
    lh2_session *session = lh2_server_make_session(L, &server->config);
    int object = lua_gettop(L);
    push_alone(L, index);
    net_socket *socket = lh2_connection_open(L, index);
    lh2_server_connection_began(server);
    lua_pushvalue(L, object);
    lh2_server_start_session(L, session, server, socket, object + 1);
}

static void inject_handshake(lua_State *L, lh2_server *server, int index) {
    push_alone(L, index);
    net_socket *socket = lh2_connection_open(L, index);
    lh2_server_connection_began(server);
    lh2_server_start_handshake(L, server, socket);
}

/* Whether the TLS socket at `index` has agreed on HTTP/2. */
static bool is_h2(lua_State *L, int index) {
    lua_getfield(L, index, "alpnProtocol");
    bool is_so = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "h2") == 0;
    lua_pop(L, 1);
    return is_so;
}

static void refuse_protocol(lua_State *L, lh2_server *server, int index) {
    lua_pushvalue(L, index);
    if (lh2_emit(L, &server->object, LH2_EVENT_UNKNOWN_PROTOCOL, 1))
        return;
    lua_getfield(L, index, "destroy");
    lua_pushvalue(L, index);
    lua_call(L, 1, 0);
}

void lh2_server_inject(lua_State *L, lh2_server *server, int index, bool is_secured) {
    int top = lua_gettop(L);
    lh2_connection_check(L, index, "socket");
    if (is_secured && !is_h2(L, index)) {
        refuse_protocol(L, server, index);
        return;
    }
    lh2_connection_bind(L, index);
    if (server->is_secure && !is_secured)
        inject_handshake(L, server, index);
    else
        inject_session(L, server, index);
    lua_settop(L, top);
}
