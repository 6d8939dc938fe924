#include "binding/classes/socket_proxy.h"

#include "binding/classes/connection.h"
#include "binding/classes/socket.h"

/* The proxy stands before the object that stands for the session's connection: facts are read from it, what would meddle with the session's octets is refused, and what concerns the session is
 * the session's own. */
typedef struct lh2_socket_proxy {
    lh2_object object;
    lh2_session *session; /* NULL once its socket has closed */
} lh2_socket_proxy;

/* Private fields: the session's proxy; the sequence of objects that stand for its connection; the one
 * that the proxy gives the facts of. */
static const char proxy_key, sockets_key, target_key;

static const char *const forbidden[] = {
    "destroy", "emit", "end",         "finish",       "pause",      "read", "resume",
    "write",   "pipe", "setEncoding", "setKeepAlive", "setNoDelay", NULL};
static const char *const of_session[] = {"setTimeout", "ref", "unref", NULL};

static const lh2_class proxy_class = {"Http2SessionSocket", NULL, NULL, NULL, NULL, NULL};

bool lh2_proxy_is_among(const char *const *names, const char *name) {
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

const char *lh2_proxy_check_member(lua_State *L, const char *const *hidden) {
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (lh2_proxy_is_among(hidden, name))
        lh2_raise(L, "ERR_HTTP2_NO_SOCKET_MANIPULATION", NULL);
    return name;
}

/* The proxy whose member `name` (at 2) may be used; the object that has the member is pushed.
 * [-0, +1, v] */
static void push_target(lua_State *L) {
    lh2_socket_proxy *proxy = lh2_check(L, 1, &proxy_class);
    const char *name = lh2_proxy_check_member(L, forbidden);
    if (proxy->session == NULL)
        lh2_raise(L, "ERR_HTTP2_SOCKET_UNBOUND", NULL);
    if (lh2_proxy_is_among(of_session, name))
        lh2_push(L, &proxy->session->object);
    else
        lh2_get_private(L, 1, &target_key);
}

/* A method, bound: upvalues are the function and the object it is to be called on, which takes the
 * place of the proxy. */
static int call_bound(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_pushvalue(L, lua_upvalueindex(2));
    if (lua_gettop(L) > 2)
        lua_replace(L, 2);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

int lh2_proxy_get_member(lua_State *L) {
    lua_pushvalue(L, 2);
    lua_gettable(L, -2);
    if (lua_isfunction(L, -1)) {
        lua_insert(L, -2);
        lua_pushcclosure(L, call_bound, 2);
    }
    return 1;
}

int lh2_proxy_set_member(lua_State *L) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_settable(L, -3);
    return 0;
}

static int get_member(lua_State *L) {
    push_target(L);
    return lh2_proxy_get_member(L);
}

static int set_member(lua_State *L) {
    push_target(L);
    return lh2_proxy_set_member(L);
}

/* Pushes the sequence, made if there is none. [-0, +1, m] */
static void push_sockets(lua_State *L, lh2_session *session) {
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &sockets_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -1);
        lh2_set_private(L, -3, &sockets_key);
    }
    lua_remove(L, -2);
}

void lh2_session_keep_socket(lua_State *L, lh2_session *session) {
    push_sockets(L, session);
    lua_insert(L, -2);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

void lh2_session_push_socket(lua_State *L, lh2_session *session) {
    push_sockets(L, session);
    if (lua_rawlen(L, -1) == 0) {
        lh2_socket_describe(L, session->socket);
        lua_rawseti(L, -2, 1);
    }
    lua_rawgeti(L, -1, (int)lua_rawlen(L, -1));
    lua_remove(L, -2);
}

void lh2_push_socket_proxy(lua_State *L, lh2_session *session) {
    if (session->socket == NULL) {
        lua_pushnil(L);
        return;
    }
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &proxy_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lh2_socket_proxy *proxy = lh2_new(L, &proxy_class, sizeof(*proxy));
        lh2_session_push_socket(L, session);
        lh2_set_private(L, -2, &target_key);
        proxy->session = session;
        lua_pushvalue(L, -1);
        lh2_set_private(L, -3, &proxy_key);
    }
    lua_remove(L, -2);
}

void lh2_push_session_socket(lua_State *L, lh2_session *session) {
    if (session->socket != NULL)
        lh2_session_push_socket(L, session);
    else
        lua_pushnil(L);
}

void lh2_push_session_socket_error(lua_State *L, lh2_session *session) {
    int top = lua_gettop(L);
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &sockets_key);
    lua_pushnil(L);
    for (int i = lua_istable(L, top + 2) ? (int)lua_rawlen(L, top + 2) : 0; i > 0; i--) {
        lua_rawgeti(L, top + 2, i);
        lua_getfield(L, -1, "errored");
        if (!lua_isnil(L, -1)) {
            lua_replace(L, top + 3);
            break;
        }
        lua_settop(L, top + 3);
    }
    lua_settop(L, top + 3);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

void lh2_socket_proxy_tell_session(lua_State *L, lh2_session *session) {
    int top = lua_gettop(L);
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &sockets_key);
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, (int)lua_rawlen(L, -1));
        lh2_socket *socket = lh2_test(L, -1, &lh2_tls_socket_class);
        if (socket != NULL)
            lh2_tls_socket_tell_session(L, socket);
    }
    lua_settop(L, top);
}

void lh2_socket_proxy_unbind(lua_State *L, lh2_session *session) {
    int top = lua_gettop(L);
    lh2_push(L, &session->object);
    lh2_get_private(L, -1, &proxy_key);
    lh2_socket_proxy *proxy = lua_touserdata(L, -1);
    if (proxy != NULL)
        proxy->session = NULL;
    lh2_get_private(L, top + 1, &sockets_key);
    for (int i = lua_istable(L, -1) ? (int)lua_rawlen(L, -1) : 0; i > 0; i--) {
        lua_rawgeti(L, top + 3, i);
        lh2_connection_lost(L, -1);
        lua_pop(L, 1);
    }
    lua_settop(L, top);
}

void lh2_socket_proxy_open(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__index", get_member}, {"__newindex", set_member}, {NULL, NULL}};
    lh2_class_register(L, &proxy_class);
    lh2_push_metatable(L, lh2_runtime_of(L), &proxy_class);
    luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
}
