#include "binding/classes/secure_context.h"

#include <stdio.h>
#include <string.h>

#include "binding/class.h"

/* -------------------------------------------------------------------------- keys, certificates */

/* Pushes option `name` if there is one: a string, or a sequence. [-0, +0|1, e] */
static bool push_material(lua_State *L, int options, const char *name) {
    if (lua_isnoneornil(L, options))
        return false;
    lua_getfield(L, options, name);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

/* The text on top: a string, or Node's {pem = text}. It stays where its owner keeps it. [-1, +0, v] */
static bytes_slice to_slice(lua_State *L, const char *name) {
    size_t size;
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "pem");
        lua_replace(L, -2);
    }
    if (lua_type(L, -1) != LUA_TSTRING) {
        char full[40];
        snprintf(full, sizeof full, "options.%s", name);
        lh2_raise_type(L, full, "of type string or a sequence of strings", -1);
    }
    const char *text = lua_tolstring(L, -1, &size);
    lua_pop(L, 1);
    return bytes_slice_of(text, size);
}

/* Whether the value on top is a sequence of texts rather than one {pem = text}. */
static bool is_sequence(lua_State *L) {
    return lua_istable(L, -1) && lua_rawlen(L, -1) > 0;
}

/* The one text of an option that is a string or a sequence of one. [-0, +0, e] */
static bytes_slice single(lua_State *L, int options, const char *name) {
    bytes_slice slice = {NULL, 0};
    if (!push_material(L, options, name))
        return slice;
    if (is_sequence(L)) {
        if (lua_rawlen(L, -1) > 1)
            lh2_raise_value(L, name, "must hold one text only", -1);
        lua_rawgeti(L, -1, 1);
        lua_replace(L, -2);
    }
    return to_slice(L, name);
}

/* Every text of an option, in memory of Lua's that is left on the stack. [-0, +1, e] */
static const bytes_slice *several(lua_State *L, int options, const char *name, size_t *count) {
    *count = 0;
    if (!push_material(L, options, name)) {
        lua_pushnil(L);
        return NULL;
    }
    bool is_list = is_sequence(L);
    size_t wanted = is_list ? lua_rawlen(L, -1) : 1;
    bytes_slice *slices = lua_newuserdatauv(L, wanted * sizeof *slices, 0);
    lua_insert(L, -2);
    for (size_t i = 0; i < wanted; i++) {
        if (is_list)
            lua_rawgeti(L, -1, (int)i + 1);
        else
            lua_pushvalue(L, -1);
        slices[i] = to_slice(L, name);
    }
    lua_pop(L, 1);
    *count = wanted;
    return slices;
}

/* ------------------------------------------------------------------------------------- rules */

/* A version of TLS by Node's name; nothing under 1.2 is offered, whatever is asked for. */
static int version_of(lua_State *L, int options, const char *name) {
    const char *text = lh2_opt_string(L, options, name, NULL, NULL);
    if (!text)
        return 0;
    if (strcmp(text, "TLSv1.3") == 0)
        return 0x0304;
    bool is_old = strcmp(text, "TLSv1") == 0 || strcmp(text, "TLSv1.1") == 0;
    if (strcmp(text, "TLSv1.2") != 0 && !(is_old && strcmp(name, "minVersion") == 0))
        lh2_raise_text(L, "TypeError", "ERR_TLS_INVALID_PROTOCOL_VERSION",
                       "\"%s\" is not a valid %s TLS protocol version", text,
                       strcmp(name, "minVersion") == 0 ? "minimum" : "maximum");
    return 0x0303;
}

static bool has_h2(const char *const *alpn, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(alpn[i], "h2") == 0)
            return true;
    return false;
}

static const char *signatures(lua_State *L, int options) {
    const char *list = lh2_opt_string(L, options, "sigalgs", NULL, NULL);
    if (list && *list == '\0') {
        lua_pushliteral(L, "");
        lh2_raise_value(L, "options.sigalgs", "must not be empty", -1);
    }
    return list;
}

/* "auto" is the one that mbedTLS brings. */
static bytes_slice field(lua_State *L, int options) {
    bytes_slice text = single(L, options, "dhparam");
    bool is_auto = text.size == 4 && memcmp(text.data, "auto", 4) == 0;
    return is_auto ? bytes_slice_of(NULL, 0) : text;
}

static void refuse_pfx(lua_State *L, int options) {
    if (push_material(L, options, "pfx"))
        lh2_raise_value(L, "options.pfx", "is not supported: give key and cert as PEM", -1);
}

net_tls_context *lh2_secure_context(lua_State *L, int options, bool is_server,
                                    const char *const *alpn, size_t alpn_count) {
    int top = lua_gettop(L);
    options = lua_absindex(L, options);
    refuse_pfx(L, options);
    net_tls_options tls = {
        .is_server = is_server,
        .cert = single(L, options, "cert"),
        .key = single(L, options, "key"),
        .passphrase = lh2_opt_string(L, options, "passphrase", NULL, NULL),
        .ciphers = lh2_opt_string(L, options, "ciphers", NULL, NULL),
        .groups = lh2_opt_string(L, options, "ecdhCurve", NULL, NULL),
        .signatures = signatures(L, options),
        .dhparam = field(L, options),
        .alpn = alpn,
        .alpn_count = alpn_count,
        .min_version = version_of(L, options, "minVersion"),
        .max_version = version_of(L, options, "maxVersion"),
        .request_cert = lh2_opt_boolean(L, options, "requestCert", false),
        .reject_unauthorized = lh2_opt_boolean(L, options, "rejectUnauthorized", true),
        .has_tickets = true,
        .is_h2_strict = has_h2(alpn, alpn_count),
    };
    tls.ca = several(L, options, "ca", &tls.ca_count);
    tls.crls = several(L, options, "crl", &tls.crl_count);
    net_tls_context *context = NULL;
    net_error error = {.port = -1};
    if (is_server
            ? net_tls_context_new(&context, &tls, &error)
            : net_tls_contexts_get(&lh2_runtime_of(L)->tls_contexts, &context, &tls, &error)) {
        lh2_push_net_error(L, &error);
        lh2_throw(L);
    }
    lua_settop(L, top);
    return context;
}

int lh2_raise_tls(lua_State *L, int status, const char *servername) {
    if (status != UV_EINVAL)
        return lh2_raise_memory(L);
    lua_pushstring(L, servername);
    return lh2_raise_value(L, "servername", "is no name of a host", -1);
}

#define MAX_PROTOCOLS 16

net_tls_context *lh2_secure_context_with_alpn(lua_State *L, int options, bool is_server) {
    const char *protocols[MAX_PROTOCOLS];
    size_t count = 0;
    options = lua_absindex(L, options);
    if (lh2_opt_field(L, options, "ALPNProtocols", LUA_TTABLE) == LUA_TTABLE)
        for (; count < MAX_PROTOCOLS && count < lua_rawlen(L, -1); count++) {
            lua_rawgeti(L, -1, (int)count + 1);
            protocols[count] = lh2_check_string(L, -1, "options.ALPNProtocols", NULL);
            lua_pop(L, 1); /* the sequence keeps it */
        }
    net_tls_context *context = lh2_secure_context(L, options, is_server, protocols, count);
    lua_pop(L, 1);
    return context;
}

/* --------------------------------------------------------------------------------- SecureContext */

/* Keys and certificates made once, to be given to many connections of a server. */
typedef struct lh2_secure_context_object {
    lh2_object object;
    net_tls_context *tls;
} lh2_secure_context_object;

static const lh2_class secure_context_class;

net_tls_context *lh2_secure_context_at(lua_State *L, int index, const char *name, bool is_server,
                                       const char *const *alpn, size_t alpn_count) {
    const lh2_secure_context_object *given = lh2_test(L, index, &secure_context_class);
    if (given)
        return net_tls_context_ref(given->tls);
    if (!lh2_check_options(L, index, name))
        lh2_raise_type(L, name, "an instance of SecureContext or a table of options", index);
    return lh2_secure_context(L, index, is_server, alpn, alpn_count);
}

/* createSecureContext([options]) */
static int create_secure_context(lua_State *L) {
    lua_settop(L, 1);
    lh2_check_options(L, 1, "options");
    lh2_secure_context_object *object = lh2_new(L, &secure_context_class, sizeof *object);
    object->tls = lh2_secure_context(L, 1, true, NULL, 0);
    return 1;
}

static int secure_context_gc(lua_State *L) {
    lh2_secure_context_object *object = lua_touserdata(L, 1);
    net_tls_context_unref(object->tls);
    object->tls = NULL;
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", secure_context_gc}, {NULL, NULL}};

static const lh2_class secure_context_class = {"SecureContext", NULL, NULL, NULL, NULL,
                                               metamethods};

void lh2_secure_context_open(lua_State *L) {
    lh2_class_register(L, &secure_context_class);
    lua_pushcfunction(L, create_secure_context);
    lua_setfield(L, -2, "createSecureContext");
}
