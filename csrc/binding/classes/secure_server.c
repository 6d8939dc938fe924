/* What TLS adds to a server: certificates by host name and in exchange, tickets, the key log. */
#include "binding/classes/hello.h"
#include "binding/classes/http1_server.h"
#include "binding/classes/secure_context.h"
#include "binding/classes/session_members.h"

static const char *const alpn[] = {"h2", "http/1.1", "http/1.0"};

const char lh2_server_origins_key;

/* ------------------------------------------------------------------------------------ the contexts */

/* How many of them there are: HTTP/1 only where it is allowed. */
static size_t alpn_count(const lh2_server *server) {
    return server->http1.is_allowed ? sizeof(alpn) / sizeof(*alpn) : 1;
}

/* server:addContext(hostname, options): "*.example.com" stands for one label. */
static int add_context(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_secure_server_class);
    const char *hostname = lh2_check_string(L, 2, "hostname", NULL);
    net_tls_context *context =
        lh2_secure_context_at(L, 3, "context", true, alpn, alpn_count(server));
    int result = net_tls_context_add_host(server->tls, hostname, context);
    net_tls_context_unref(context);
    return result != 0 ? lh2_raise_memory(L) : 0;
}

/* server:setSecureContext(options): for later connections; hosts and ticket keys stay. */
static int set_secure_context(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_secure_server_class);
    if (!lh2_check_options(L, 2, "options"))
        return lh2_raise_type(L, "options", "of type table", 2);
    net_tls_context *context = lh2_secure_context(L, 2, true, alpn, alpn_count(server));
    if (net_tls_context_inherit(context, server->tls) != 0) {
        net_tls_context_unref(context);
        return lh2_raise_memory(L);
    }
    net_tls_context_unref(server->tls);
    server->tls = context;
    return 0;
}

/* ----------------------------------------------------------------------------------------- tickets */

/* server:getTicketKeys(): 48 octets, for another process that serves the same host. */
static int get_ticket_keys(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_secure_server_class);
    uint8_t keys[NET_TLS_TICKET_KEYS];
    net_tls_context_get_ticket_keys(server->tls, keys);
    lua_pushlstring(L, (const char *)keys, sizeof(keys));
    return 1;
}

/* server:setTicketKeys(keys): what earlier ones have made can still be read. */
static int set_ticket_keys(lua_State *L) {
    lh2_server *server = lh2_check(L, 1, &lh2_secure_server_class);
    size_t size;
    const char *keys = lh2_check_string(L, 2, "keys", &size);
    if (size != NET_TLS_TICKET_KEYS)
        return lh2_raise_value(L, "keys", "must be 48 bytes", 2);
    if (net_tls_context_set_ticket_keys(server->tls, (const uint8_t *)keys) != 0)
        return lh2_raise_memory(L);
    return 0;
}

/* ----------------------------------------------------------------------------------------- the log */

struct key_line {
    lh2_server *server;
    net_tls *tls;
    const char *line;
};

static void log_in_lua(lua_State *L, void *data) {
    const struct key_line *key = data;
    lua_pushfstring(L, "%s\n", key->line);
    lh2_server_push_handshake(L, key->server, key->tls);
    lh2_emit(L, &key->server->object, LH2_EVENT_KEYLOG, 2);
}

static void on_key_line(void *context, net_tls *tls, const char *line) {
    lh2_server *server = context;
    struct key_line key = {server, tls, line};
    if (lh2_has_listener(&server->object, LH2_EVENT_KEYLOG))
        lh2_enter(server->object.runtime, log_in_lua, &key, NULL);
}

/* --------------------------------------------------------------------------------------- the class */

void lh2_secure_server_init(lua_State *L, lh2_server *server, int options) {
    lh2_http1_options_read(L, options, &server->http1);
    server->tls = lh2_secure_context(L, options, true, alpn, alpn_count(server));
    net_tls_context_set_keylog(server->tls, on_key_line, server);
    lh2_hello_init(L, server, options);
    server->is_sni_strict = lh2_opt_boolean(L, options, "strictSni", false);
    if (lh2_opt_field(L, options, "origins", LUA_TTABLE) == LUA_TTABLE) {
        lh2_read_origins(L);
        lh2_set_private(L, -2, &lh2_server_origins_key);
        server->has_origins = true;
    } else {
        lua_pop(L, 1);
    }
}

static const luaL_Reg methods[] = {{"addContext", add_context},
                                   {"setSecureContext", set_secure_context},
                                   {"getTicketKeys", get_ticket_keys},
                                   {"setTicketKeys", set_ticket_keys},
                                   {NULL, NULL}};

const lh2_class lh2_secure_server_class = {
    "Http2SecureServer", &lh2_http1_server_class, methods, NULL, NULL, NULL};

void lh2_secure_server_open(lua_State *L) {
    lh2_class_register(L, &lh2_secure_server_class);
    lh2_hello_open(L);
    lh2_secure_context_open(L);
}
