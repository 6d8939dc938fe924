/* What a secure server's program decides of a connection before TLS begins: the protocol
 * (ALPNCallback), then the certificate (SNICallback); what else it is asked is in hello_events.c. */
#include "binding/classes/hello_question.h"

#include "binding/classes/secure_context.h"

static const lh2_class hello_class;

/* Private fields: of the server, the two callbacks; of a question, the protocol that was chosen, and
 * the error that it came to. */
static const char sni_key, alpn_key, protocol_key, error_key;

/* -------------------------------------------------------------------------------------- the answer */

static void tell(lh2_hello *hello) {
    if (!hello->is_at_once)
        net_socket_answered(hello->socket);
}

void lh2_hello_refuse(lua_State *L, int index, uint8_t alert) {
    lh2_hello *hello = lua_touserdata(L, index);
    if (!lh2_hello_is_open(hello)) {
        lua_pop(L, 1);
        return;
    }
    lh2_to_error(L);
    lh2_set_private(L, index, &error_key);
    net_tls_refuse(net_socket_tls(hello->socket), alert);
    tell(hello);
}

static void answer(lua_State *L, int index) {
    lh2_hello *hello = lua_touserdata(L, index);
    lh2_get_private(L, index, &protocol_key);
    net_tls *tls = net_socket_tls(hello->socket);
    if (net_tls_answer(tls, hello->chosen, lua_tostring(L, -1)) != 0)
        net_tls_refuse(tls, LH2_ALERT_INTERNAL_ERROR);
    lua_pop(L, 1);
    tell(hello);
}

/* ------------------------------------------------------------------------------------- the stages */

/* callback(err, context) of SNICallback. */
static int take_context(lua_State *L) {
    lua_settop(L, 2);
    lh2_hello *hello = lh2_hello_answered(L);
    if (hello == NULL)
        return 0;
    if (!lua_isnil(L, 2))
        hello->chosen = lh2_secure_context_at(L, 2, "context", true, NULL, 0);
    lh2_hello_go_on(L, 3);
    return 0;
}

/* Pushes a callback of the server's, or nil. [-0, +1, -] */
static void push_callback(lua_State *L, lh2_server *server, const char *key) {
    lh2_push(L, &server->object);
    lh2_get_private(L, -1, key);
    lua_remove(L, -2);
}

static bool ask_context(lua_State *L, int index) {
    lh2_hello *hello = lua_touserdata(L, index);
    int top = lua_gettop(L);
    lh2_get_private(L, index, &lh2_hello_name_key);
    push_callback(L, hello->server, &sni_key);
    bool is_asked = !lua_isnil(L, -1) && !lua_isnil(L, -2);
    if (is_asked) {
        lua_insert(L, -2);
        lh2_hello_push_callback(L, index, take_context);
        lua_call(L, 2, 0);
    }
    lua_settop(L, top);
    return is_asked;
}

/* Each asks somebody, or gives false where there is nothing to ask. */
static bool (*const stages[])(lua_State *L, int index) = {lh2_hello_ask_session, ask_context,
                                                          lh2_hello_ask_status};

void lh2_hello_go_on(lua_State *L, int index) {
    lh2_hello *hello = lua_touserdata(L, index);
    while (lh2_hello_is_open(hello)) {
        if (hello->stage == sizeof(stages) / sizeof(*stages)) {
            answer(L, index);
            return;
        }
        if (stages[hello->stage++](L, index))
            return;
    }
}

/* ----------------------------------------------------------------------------------- the question */

struct question {
    lh2_server *server;
    net_tls *tls;
    const net_tls_hello *hello;
    bool is_asked;
};

static void push_slice(lua_State *L, bytes_slice slice) {
    lua_pushlstring(L, (const char *)slice.data, slice.size);
}

/* Pushes {servername =, protocols =}. [-0, +1, m] */
static void push_offer(lua_State *L, const net_tls_hello *hello) {
    lua_createtable(L, 0, 2);
    if (hello->servername.size > 0) {
        push_slice(L, hello->servername);
        lua_setfield(L, -2, "servername");
    }
    lua_createtable(L, (int)hello->protocol_count, 0);
    for (size_t i = 0; i < hello->protocol_count; i++) {
        push_slice(L, hello->protocols[i]);
        lua_rawseti(L, -2, (int)i + 1);
    }
    lua_setfield(L, -2, "protocols");
}

static bool is_offered(lua_State *L, int index, const net_tls_hello *hello) {
    size_t size;
    const char *text = lua_tolstring(L, index, &size);
    for (size_t i = 0; text != NULL && i < hello->protocol_count; i++)
        if (bytes_slice_equal(bytes_slice_of(text, size), hello->protocols[i]))
            return strlen(text) == size;
    return false;
}

/* Asks ALPNCallback, on top, for the protocol of the question at `index`. False if there is none to be.
 * [-1, +0, e] */
static bool choose_protocol(lua_State *L, int index, const net_tls_hello *hello) {
    push_offer(L, hello);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) == LUA_TSTRING && is_offered(L, -1, hello)) {
        lh2_set_private(L, index, &protocol_key);
        return true;
    }
    if (lua_isnil(L, -1)) {
        lh2_hello_refuse(L, index, LH2_ALERT_NO_APPLICATION_PROTOCOL);
        return false;
    }
    lua_pop(L, 1);
    lh2_push_error_text(L, "TypeError", "ERR_TLS_ALPN_CALLBACK_INVALID_RESULT",
                        "ALPNCallback must return one of the protocols offered, or nil");
    lh2_hello_refuse(L, index, LH2_ALERT_NO_APPLICATION_PROTOCOL);
    return false;
}

/* Keeps what the later stages ask by, for the question at `index`. [-0, +0, m] */
static void keep_asked(lua_State *L, int index, const net_tls_hello *asked) {
    lh2_hello *hello = lua_touserdata(L, index);
    hello->wants_status = asked->wants_status;
    if (asked->servername.size > 0) {
        push_slice(L, asked->servername);
        lh2_set_private(L, index, &lh2_hello_name_key);
    }
    if (asked->session_id.size > 0) {
        push_slice(L, asked->session_id);
        lh2_set_private(L, index, &lh2_hello_session_key);
    }
    if (lh2_has_listener(&hello->server->object, LH2_EVENT_NEW_SESSION))
        net_tls_keep_session(net_socket_tls(hello->socket));
}

static void ask_in_lua(lua_State *L, void *data) {
    struct question *question = data;
    lh2_server *server = question->server;
    const net_tls_hello *asked = question->hello;
    lh2_hello *hello = lh2_new(L, &hello_class, sizeof(*hello));
    int index = lua_gettop(L);
    lh2_anchor(L, index);
    hello->server = server;
    hello->socket = lh2_server_set_question(server, question->tls, &hello->object);
    question->is_asked = true;
    lh2_blame(&hello->object);
    hello->is_at_once = true;
    keep_asked(L, index, asked);
    push_callback(L, server, &alpn_key);
    bool has_protocol = !lua_isnil(L, -1) && asked->protocol_count > 0;
    if (!has_protocol || choose_protocol(L, index, asked))
        lh2_hello_go_on(L, index);
    hello->is_at_once = false;
}

/* Whether the program has anything to say. */
static bool is_curious(const lh2_server *server) {
    return server->is_choosing || lh2_has_listener(&server->object, LH2_EVENT_NEW_SESSION) ||
           lh2_has_listener(&server->object, LH2_EVENT_RESUME_SESSION) ||
           lh2_has_listener(&server->object, LH2_EVENT_OCSP_REQUEST);
}

static void ask(void *context, net_tls *tls, const net_tls_hello *hello) {
    lh2_server *server = context;
    struct question question = {server, tls, hello, false};
    if (!is_curious(server)) {
        net_tls_answer(tls, NULL, NULL);
        return;
    }
    lh2_enter(server->object.runtime, ask_in_lua, &question, NULL);
    if (!question.is_asked)
        net_tls_refuse(tls, LH2_ALERT_INTERNAL_ERROR);
}

/* A callback has failed: so has the handshake, and the server tells why. */
static bool take_blame(lua_State *L, lh2_object *object) {
    lh2_hello *hello = (lh2_hello *)object;
    lh2_push(L, object);
    lua_insert(L, -2);
    lh2_hello_refuse(L, lua_gettop(L) - 1, LH2_ALERT_INTERNAL_ERROR);
    hello->is_at_once = false;
    lua_pop(L, 1);
    return true;
}

/* --------------------------------------------------------------------------------- for the handshake */

bool lh2_hello_push_error(lua_State *L, lh2_object *hello) {
    lh2_push(L, hello);
    lh2_get_private(L, -1, &error_key);
    lua_remove(L, -2);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

void lh2_hello_over(lua_State *L, lh2_object *hello) {
    ((lh2_hello *)hello)->socket = NULL;
    lh2_release(L, hello);
}

void lh2_hello_init(lua_State *L, lh2_server *server, int options) {
    bool has_sni = lh2_opt_field(L, options, "SNICallback", LUA_TFUNCTION) == LUA_TFUNCTION;
    lh2_set_private(L, -2, &sni_key);
    bool has_alpn = lh2_opt_field(L, options, "ALPNCallback", LUA_TFUNCTION) == LUA_TFUNCTION;
    lh2_set_private(L, -2, &alpn_key);
    if (has_alpn) {
        lua_getfield(L, options, "ALPNProtocols");
        if (!lua_isnil(L, -1))
            lh2_raise_text(L, "TypeError", "ERR_TLS_ALPN_CALLBACK_WITH_PROTOCOLS",
                           "ALPNCallback and ALPNProtocols are not to be given both");
        lua_pop(L, 1);
    }
    server->has_sni_callback = has_sni;
    server->is_choosing = has_sni || has_alpn;
    net_tls_context_set_ask(server->tls, ask, server);
}

static int hello_gc(lua_State *L) {
    lh2_hello *hello = lua_touserdata(L, 1);
    lh2_finalize(&hello->object);
    net_tls_context_unref(hello->chosen);
    hello->chosen = NULL;
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", hello_gc}, {NULL, NULL}};

static const lh2_class hello_class = {"ClientHello", NULL, NULL, NULL, NULL, metamethods};

void lh2_hello_open(lua_State *L) {
    lh2_class_register(L, &hello_class);
    lh2_set_blame_handler(L, &hello_class, take_blame);
}
