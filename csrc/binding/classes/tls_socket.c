#include "binding/args.h"
#include "binding/classes/secure_context.h"
#include "binding/classes/socket.h"

/* Private field: a table of what the handshake came to. It is made once, so that the members tell the
 * same when the connection has closed. */
static const char facts_key;

/* ----------------------------------------------------------------------------------- the facts */

static void set_text(lua_State *L, const char *name, const char *value) {
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void set_boolean(lua_State *L, const char *name, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, name);
}

/* getCipher's table. [-0, +0, m] */
static void set_cipher(lua_State *L, const net_tls *tls) {
    const char *iana = NULL, *name = net_tls_cipher(tls, &iana);
    lua_createtable(L, 0, 3);
    set_text(L, "name", name);
    set_text(L, "standardName", iana);
    set_text(L, "version", net_tls_protocol(tls));
    lua_setfield(L, -2, "cipher");
}

/* The error of a certificate that did not verify. [-0, +0, m] */
static void set_authorization(lua_State *L, const net_tls *tls) {
    const char *code = NULL, *text = NULL;
    bool is_authorized = net_tls_is_authorized(tls, &code, &text);
    set_boolean(L, "authorized", is_authorized);
    if (is_authorized || !code)
        return;
    lh2_push_error_text(L, "Error", code, "%s", text ? text : code);
    lua_setfield(L, -2, "authorizationError");
}

void lh2_tls_socket_note(lua_State *L, lh2_socket *socket) {
    const net_tls *tls = net_socket_tls(lh2_socket_transport(socket));
    const char *alpn = net_tls_alpn(tls);
    bytes_slice certificate = net_tls_peer_certificate(tls);
    lh2_push(L, &socket->duplex.object);
    lua_createtable(L, 0, 8);
    if (alpn)
        set_text(L, "alpnProtocol", alpn);
    else
        set_boolean(L, "alpnProtocol", false);
    set_text(L, "protocol", net_tls_protocol(tls));
    set_text(L, "servername", net_tls_servername(tls));
    set_boolean(L, "isResumed", net_tls_is_resumed(tls));
    set_cipher(L, tls);
    set_authorization(L, tls);
    lua_pushlstring(L, (const char *)certificate.data, certificate.size);
    lua_setfield(L, -2, "certificate");
    lh2_set_private(L, -2, &facts_key);
    lua_pop(L, 1);
}

/* A connection that somebody else runs is looked at when it is asked for. */
static void note_lent(lua_State *L, lh2_socket *socket) {
    const net_tls *tls = socket->lent ? net_socket_tls(socket->lent) : NULL;
    lh2_get_private(L, 1, &facts_key);
    if (lua_isnil(L, -1) && tls && net_tls_is_established(tls))
        lh2_tls_socket_note(L, socket);
    lua_pop(L, 1);
}

/* Pushes a fact, or nil before the handshake. [-0, +1, m] */
static int push_fact(lua_State *L, const char *name) {
    note_lent(L, lh2_check(L, 1, &lh2_tls_socket_class));
    lh2_get_private(L, 1, &facts_key);
    if (lua_istable(L, -1))
        lua_getfield(L, -1, name);
    return 1;
}

/* --------------------------------------------------------------------------------- as a client */

struct key_line {
    lh2_socket *socket;
    const char *line;
};

static void log_in_lua(lua_State *L, void *data) {
    const struct key_line *key = data;
    lua_pushfstring(L, "%s\n", key->line);
    lh2_emit(L, &key->socket->duplex.object, LH2_EVENT_KEYLOG, 1);
}

static void on_key_line(void *context, net_tls *tls, const char *line) {
    (void)tls;
    lh2_socket *socket = context;
    struct key_line key = {socket, line};
    if (lh2_has_listener(&socket->duplex.object, LH2_EVENT_KEYLOG))
        lh2_enter(socket->duplex.object.runtime, log_in_lua, &key, NULL);
}

/* The name for SNI and for the certificate: `servername` goes before the host. */
net_tls *lh2_tls_socket_client(lua_State *L, lh2_socket *socket, int options, const char *host) {
    net_tls *tls = NULL;
    if (!lua_istable(L, options))
        lh2_raise_type(L, "options", "a table of options", options);
    const char *name = lh2_opt_string(L, options, "servername", NULL, host);
    size_t size = 0;
    const char *session = lh2_opt_string(L, options, "session", &size, NULL);
    net_tls_context *context = lh2_secure_context_with_alpn(L, options, false);
    int status = net_tls_new(&tls, context, name, bytes_slice_of(session, size));
    net_tls_context_unref(context);
    if (status != 0)
        lh2_raise_tls(L, status, name);
    net_tls_set_keylog(tls, on_key_line, socket);
    return tls;
}

/* ----------------------------------------------------------------------------------- members */

/* socket:getProtocol() */
static int get_protocol(lua_State *L) {
    return push_fact(L, "protocol");
}

/* socket:getCipher() */
static int get_cipher(lua_State *L) {
    return push_fact(L, "cipher");
}

/* socket:isSessionReused() */
static int is_session_reused(lua_State *L) {
    push_fact(L, "isResumed");
    lua_pushboolean(L, lua_toboolean(L, -1));
    return 1;
}

/* socket:getPeerCertificate(): {raw = DER}, empty where the peer gave none. */
static int get_peer_certificate(lua_State *L) {
    push_fact(L, "certificate");
    lua_newtable(L);
    if (lua_rawlen(L, -2) > 0) {
        lua_pushvalue(L, -2);
        lua_setfield(L, -2, "raw");
    }
    return 1;
}

/* Pushes what a later connection can resume with, or nil. [-0, +1, m] */
static void push_session(lua_State *L, const lh2_socket *socket) {
    const net_socket *net = lh2_socket_transport(socket);
    const net_tls *tls = net ? net_socket_tls(net) : NULL;
    bytes_buffer blob = {0};
    if (!tls || !net_tls_is_established(tls) || net_tls_session(tls, &blob) || blob.size == 0)
        lua_pushnil(L);
    else
        lua_pushlstring(L, (const char *)blob.data, blob.size);
    bytes_buffer_dispose(&blob);
}

/* socket:getSession(): to be given as options.session later; nil before a ticket has come. */
static int get_session(lua_State *L) {
    push_session(L, lh2_check(L, 1, &lh2_tls_socket_class));
    return 1;
}

void lh2_tls_socket_tell_session(lua_State *L, lh2_socket *socket) {
    if (!lh2_has_listener(&socket->duplex.object, LH2_EVENT_SESSION))
        return;
    push_session(L, socket);
    lh2_emit(L, &socket->duplex.object, LH2_EVENT_SESSION, 1);
}

static const luaL_Reg methods[] = {{"getProtocol", get_protocol},
                                   {"getCipher", get_cipher},
                                   {"isSessionReused", is_session_reused},
                                   {"getPeerCertificate", get_peer_certificate},
                                   {"getSession", get_session},
                                   {NULL, NULL}};

static int get_encrypted(lua_State *L) {
    lua_pushboolean(L, true);
    return 1;
}

/* Whether the handshake is still to come, or under way. */
static int get_secure_connecting(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_tls_socket_class);
    lua_pushboolean(L, socket->net && !socket->is_established);
    return 1;
}

static int get_authorized(lua_State *L) {
    push_fact(L, "authorized");
    lua_pushboolean(L, lua_toboolean(L, -1));
    return 1;
}

static int get_authorization_error(lua_State *L) {
    return push_fact(L, "authorizationError");
}

static int get_alpn_protocol(lua_State *L) {
    return push_fact(L, "alpnProtocol");
}

static int get_servername(lua_State *L) {
    return push_fact(L, "servername");
}

static const luaL_Reg getters[] = {{"encrypted", get_encrypted},
                                   {"secureConnecting", get_secure_connecting},
                                   {"authorized", get_authorized},
                                   {"authorizationError", get_authorization_error},
                                   {"alpnProtocol", get_alpn_protocol},
                                   {"servername", get_servername},
                                   {NULL, NULL}};

const lh2_class lh2_tls_socket_class = {"TLSSocket", &lh2_socket_class, methods, getters, NULL,
                                        NULL};
