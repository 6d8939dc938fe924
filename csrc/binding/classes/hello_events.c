/* What Node's TLS servers ask and tell by events: "resumeSession" and "newSession", for programs that
 * keep the sessions of clients without tickets themselves, and "OCSPRequest". */
#include "binding/classes/hello_question.h"

const char lh2_hello_name_key, lh2_hello_session_key;

bool lh2_hello_is_open(const lh2_hello *hello) {
    return hello->socket != NULL && net_tls_is_asking(net_socket_tls(hello->socket));
}

/* -------------------------------------------------------------------------------------- callbacks */

void lh2_hello_push_callback(lua_State *L, int index, lua_CFunction callback) {
    const lh2_hello *hello = lua_touserdata(L, index);
    lua_pushvalue(L, index);
    lua_pushinteger(L, hello->stage);
    lua_pushcclosure(L, callback, 2);
}

lh2_hello *lh2_hello_answered(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lh2_hello *hello = lua_touserdata(L, -1);
    if (hello->stage != lua_tointeger(L, lua_upvalueindex(2)) || !lh2_hello_is_open(hello))
        return NULL;
    if (lua_isnil(L, 1))
        return hello;
    int index = lua_gettop(L);
    lua_pushvalue(L, 1);
    lh2_hello_refuse(L, index, LH2_ALERT_INTERNAL_ERROR);
    return NULL;
}

/* ----------------------------------------------------------------------------------------- stages */

/* callback(err, session) of "resumeSession"; without a session a new one is made. */
static int take_session(lua_State *L) {
    size_t size;
    lua_settop(L, 2);
    const char *session = lua_isnil(L, 2) ? NULL : lh2_check_string(L, 2, "session", &size);
    lh2_hello *hello = lh2_hello_answered(L);
    if (hello == NULL)
        return 0;
    net_tls *tls = net_socket_tls(hello->socket);
    if (session != NULL && net_tls_resume(tls, bytes_slice_of(session, size)) != 0)
        return lh2_raise_memory(L);
    lh2_hello_go_on(L, 3);
    return 0;
}

bool lh2_hello_ask_session(lua_State *L, int index) {
    lh2_hello *hello = lua_touserdata(L, index);
    lh2_object *server = &hello->server->object;
    if (!lh2_has_listener(server, LH2_EVENT_RESUME_SESSION))
        return false;
    lh2_get_private(L, index, &lh2_hello_session_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lh2_hello_push_callback(L, index, take_session);
    lh2_emit(L, server, LH2_EVENT_RESUME_SESSION, 2);
    return true;
}

/* callback(err, response) of "OCSPRequest": mbedTLS has no way to send the response. */
static int take_status(lua_State *L) {
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        lh2_check_string(L, 2, "response", NULL);
    if (lh2_hello_answered(L) != NULL)
        lh2_hello_go_on(L, 3);
    return 0;
}

/* Pushes a certificate in DER, or nil. [-0, +1, m] */
static void push_certificate(lua_State *L, const lh2_hello *hello, bytes_slice host, size_t index) {
    const net_tls_context *context = hello->chosen != NULL ? hello->chosen : hello->server->tls;
    bytes_slice der = net_tls_context_certificate(context, host, index);
    if (der.size > 0)
        lua_pushlstring(L, (const char *)der.data, der.size);
    else
        lua_pushnil(L);
}

bool lh2_hello_ask_status(lua_State *L, int index) {
    lh2_hello *hello = lua_touserdata(L, index);
    lh2_object *server = &hello->server->object;
    size_t size = 0;
    if (!hello->wants_status || !lh2_has_listener(server, LH2_EVENT_OCSP_REQUEST))
        return false;
    int top = lua_gettop(L);
    lh2_get_private(L, index, &lh2_hello_name_key);
    const char *name = lua_tolstring(L, -1, &size);
    for (size_t i = 0; i < 2; i++)
        push_certificate(L, hello, bytes_slice_of(name, size), i);
    lh2_hello_push_callback(L, index, take_status);
    lh2_emit(L, server, LH2_EVENT_OCSP_REQUEST, 3);
    lua_settop(L, top);
    return true;
}

/* -------------------------------------------------------------------------------- the new session */

static void go_on_secured(lua_State *L, lh2_object *object, intptr_t unused) {
    lh2_hello *hello = (lh2_hello *)object;
    (void)unused;
    if (hello->socket != NULL)
        lh2_server_secured(L, hello->socket);
}

/* callback() of "newSession"; upvalue: the question. */
static int session_stored(lua_State *L) {
    lh2_hello *hello = lua_touserdata(L, lua_upvalueindex(1));
    if (hello->socket == NULL || !hello->is_told)
        return 0;
    hello->is_told = false;
    lh2_tick_push(L, &hello->object, go_on_secured, 0);
    return 0;
}

bool lh2_hello_tell_session(lua_State *L, lh2_object *object) {
    lh2_hello *hello = (lh2_hello *)object;
    lh2_object *server = &hello->server->object;
    net_tls *tls = net_socket_tls(hello->socket);
    bytes_slice id, session;
    if (!net_tls_made_session(tls, &id, &session) ||
        !lh2_has_listener(server, LH2_EVENT_NEW_SESSION))
        return false;
    lua_pushlstring(L, (const char *)id.data, id.size);
    lua_pushlstring(L, (const char *)session.data, session.size);
    net_tls_forget_session(tls);
    lh2_push(L, object);
    lua_pushcclosure(L, session_stored, 1);
    hello->is_told = true;
    lh2_emit(L, server, LH2_EVENT_NEW_SESSION, 3);
    return true;
}
