/* Origins (RFC 6454): what a server says it answers for (ORIGIN, RFC 8336), where else it can be had
 * (ALTSVC, RFC 7838), and what a client knows of its server. */
#include <stdio.h>
#include <string.h>

#include "binding/classes/client_session.h"
#include "binding/classes/session_members.h"
#include "binding/classes/socket_proxy.h"
#include "binding/classes/stream.h"

/* What one frame may hold, as Node has it. */
#define MAX_OCTETS 16382
/* More than that a client does not keep. */
#define MAX_ORIGINS 128

/* Private field: the sequence behind originSet. */
static const char set_key;

/* ------------------------------------------------------------------------------ from the program */

/* Pushes the origin of a URL; "null" for one that has none. Raises ERR_INVALID_URL. [-0, +1, v] */
static void push_url_origin(lua_State *L, const char *text, size_t size) {
    lh2_url url;
    char origin[LH2_ORIGIN_SIZE];
    bool is_opaque = lh2_url_is_opaque(text, size);
    if (!is_opaque && lh2_url_parse(text, size, &url)) {
        lh2_url_origin(&url, origin);
        lua_pushstring(L, origin);
        return;
    }
    if (!is_opaque) {
        lh2_push_error(L, "ERR_INVALID_URL", NULL);
        lua_pushlstring(L, text, size);
        lua_setfield(L, -2, "input");
        lh2_throw(L);
    }
    lua_pushliteral(L, "null");
}

/* Pushes the origin that the value at `index` stands for: a URL, or something with a field `origin`.
 * Raises with `code` for one that is of no use, with `expected` for what is neither. [-0, +1, v] */
static void push_origin(lua_State *L, int index, const char *name, const char *expected,
                        const char *code) {
    size_t size;
    if (lua_type(L, index) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, index, &size);
        push_url_origin(L, text, size);
    } else {
        if (lua_istable(L, index) || lua_isuserdata(L, index))
            lua_getfield(L, index, "origin");
        else
            lua_pushnil(L);
        if (lua_type(L, -1) != LUA_TSTRING)
            lh2_raise_type(L, name, expected, index);
    }
    const char *origin = lua_tolstring(L, -1, &size);
    if (size == 0 || strcmp(origin, "null") == 0)
        lh2_raise(L, code, NULL);
}

/* The octets of a quoted string, and of what may stand around it. */
static bool is_alternative(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\t') || c == '\\' || c == 0x7f)
            return false;
    }
    return true;
}

/* session:altsvc(alt, originOrStream) */
int lh2_session_altsvc(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    uint32_t stream_id = 0;
    size_t size, origin_size = 0;
    const char *origin = "";
    lua_settop(L, 3);
    if (lua_type(L, 3) == LUA_TNUMBER) {
        stream_id = (uint32_t)lh2_check_integer(L, 3, "originOrStream", 1, UINT32_MAX);
    } else {
        push_origin(L, 3, "originOrStream", "of type string or number or a table with an origin",
                    "ERR_HTTP2_ALTSVC_INVALID_ORIGIN");
        origin = lua_tolstring(L, -1, &origin_size);
    }
    const char *alt = lh2_check_string(L, 2, "alt", &size);
    if (!is_alternative(alt, size))
        return lh2_raise(L, "ERR_INVALID_CHAR", "alt");
    if (size + origin_size > MAX_OCTETS)
        return lh2_raise(L, "ERR_HTTP2_ALTSVC_LENGTH", NULL);
    /* On a stream that is not open there is nothing to say. */
    h2_session_submit_altsvc(session->engine, stream_id, bytes_slice_of(origin, origin_size),
                             bytes_slice_of(alt, size));
    lh2_session_touch(session);
    return 0;
}

void lh2_read_origins(lua_State *L) {
    int list = lua_gettop(L), count = (int)lua_rawlen(L, list);
    size_t total = 0;
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        push_origin(L, lua_gettop(L), "origin", "of type string or a table with an origin",
                    "ERR_HTTP2_INVALID_ORIGIN");
        total += lua_rawlen(L, -1);
        lua_rawseti(L, list + 1, i);
        lua_pop(L, 1);
    }
    if (total > MAX_OCTETS)
        lh2_raise(L, "ERR_HTTP2_ORIGIN_LENGTH", NULL);
    lua_replace(L, list);
}

void lh2_session_send_origins(lua_State *L, lh2_session *session) {
    int list = lua_gettop(L);
    size_t count = lua_rawlen(L, list);
    bytes_slice *origins = lua_newuserdatauv(L, (count + 1) * sizeof(*origins), 0);
    for (size_t i = 0; i < count; i++) {
        size_t size;
        lua_rawgeti(L, list, (int)i + 1);
        const char *text = lua_tolstring(L, -1, &size);
        origins[i] = bytes_slice_of(text, size); /* the sequence keeps it */
        lua_pop(L, 1);
    }
    if (count > 0 && h2_session_submit_origin(session->engine, origins, count) == H2_NOMEM)
        lh2_raise(L, "ERR_HTTP2_NO_MEM", NULL);
    lh2_session_touch(session);
    lua_settop(L, list - 1);
}

/* session:origin(...origins) */
int lh2_session_origin(lua_State *L) {
    lh2_session *session = lh2_session_check_alive(L, 1);
    int count = lua_gettop(L) - 1;
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_pushvalue(L, i + 1);
        lua_rawseti(L, -2, i);
    }
    /* nil ends a sequence: it is told apart here. */
    for (int i = 1; i <= count; i++)
        if (lua_isnil(L, i + 1))
            lh2_raise_type(L, "origin", "of type string or a table with an origin", i + 1);
    lh2_read_origins(L);
    lh2_session_send_origins(L, session);
    return 0;
}

/* --------------------------------------------------------------------------------- the origin set */

/* Pushes https://servername:port, by the address where there is no name. [-0, +1, e] */
static void push_own_origin(lua_State *L, lh2_session *session) {
    int top = lua_gettop(L);
    lh2_session_push_socket(L, session);
    lua_getfield(L, top + 1, "servername");
    if (lua_type(L, -1) != LUA_TSTRING)
        lua_getfield(L, top + 1, "remoteAddress");
    const char *host = lua_tostring(L, -1);
    lua_getfield(L, top + 1, "remotePort");
    lh2_url url = {.scheme = "https", .port = lua_isnumber(L, -1) ? (int)lua_tointeger(L, -1) : -1};
    snprintf(url.host, sizeof(url.host), "%s", host != NULL ? host : "");
    url.is_ipv6 = strchr(url.host, ':') != NULL;
    char origin[LH2_ORIGIN_SIZE];
    lh2_url_origin(&url, origin);
    lua_settop(L, top);
    lua_pushstring(L, origin);
}

/* Pushes the set, made with the session's own origin if there is none. The session has a socket.
 * [-0, +1, e] */
static void push_set(lua_State *L, lh2_session *session) {
    int top = lua_gettop(L);
    lh2_push(L, &session->object);
    lh2_get_private(L, top + 1, &set_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        push_own_origin(L, session);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, -1);
        lh2_set_private(L, top + 1, &set_key);
    }
    lua_remove(L, top + 1);
}

/* Where the string on top is in the set below it; 0: nowhere. [-0, +0, -] */
static int find(lua_State *L) {
    int set = lua_gettop(L) - 1, found = 0;
    for (int i = (int)lua_rawlen(L, set); i > 0 && found == 0; i--) {
        lua_rawgeti(L, set, i);
        if (lua_rawequal(L, -1, set + 1))
            found = i;
        lua_pop(L, 1);
    }
    return found;
}

void lh2_session_origins_received(lua_State *L, lh2_session *session, const bytes_slice *origins,
                                  size_t count) {
    int top = lua_gettop(L);
    if (!session->is_encrypted || session->socket == NULL)
        return; /* RFC 8336 §2: only what a certificate vouches for */
    push_set(L, session);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_pushlstring(L, (const char *)origins[i].data, origins[i].size);
        lua_pushvalue(L, -1);
        lua_rawseti(L, top + 2, (int)i + 1);
        lua_pushvalue(L, top + 1);
        lua_insert(L, -2);
        if (find(L) == 0 && lua_rawlen(L, top + 1) < MAX_ORIGINS)
            lua_rawseti(L, top + 1, (int)lua_rawlen(L, top + 1) + 1);
        lua_settop(L, top + 2);
    }
    lh2_emit(L, &session->object, LH2_EVENT_ORIGIN, 1);
    lua_settop(L, top);
}

/* Pushes the authority that the request was for. [-0, +1, e] */
static void push_authority(lua_State *L, const lh2_session *session, lh2_object *stream) {
    int top = lua_gettop(L);
    const lh2_client_session *client = (const lh2_client_session *)session;
    lh2_push(L, stream);
    lua_getfield(L, top + 1, "sentHeaders");
    if (lua_istable(L, -1))
        lua_getfield(L, -1, ":authority");
    if (lua_type(L, -1) != LUA_TSTRING)
        lua_pushlstring(L, client->authority, client->authority_size);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

void lh2_session_misdirected(lua_State *L, lh2_session *session, lh2_object *stream) {
    int top = lua_gettop(L);
    lh2_url url;
    char origin[LH2_ORIGIN_SIZE];
    size_t size;
    if (!session->is_encrypted || session->socket == NULL)
        return;
    push_authority(L, session, stream);
    const char *text = lua_pushfstring(L, "https://%s", lua_tostring(L, -1));
    size = lua_rawlen(L, -1);
    if (lh2_url_parse(text, size, &url)) {
        push_set(L, session);
        int set = lua_gettop(L), count = (int)lua_rawlen(L, set);
        lh2_url_origin(&url, origin);
        lua_pushstring(L, origin);
        for (int at = find(L); at > 0 && at <= count; at++) {
            lua_rawgeti(L, set, at + 1);
            lua_rawseti(L, set, at);
        }
    }
    lua_settop(L, top);
}

/* ----------------------------------------------------------------------------------- promises */

/* Pushes the origin of an authority of this session, or nil. [-0, +1, m] */
static void push_origin_of(lua_State *L, const lh2_client_session *client, const char *authority,
                           size_t size) {
    lh2_url url;
    char origin[LH2_ORIGIN_SIZE];
    const char *scheme = client->is_secure ? "https" : "http";
    lua_pushfstring(L, "%s://", scheme);
    lua_pushlstring(L, authority, size);
    lua_concat(L, 2);
    bool is_origin = lh2_url_parse(lua_tostring(L, -1), lua_rawlen(L, -1), &url);
    lua_pop(L, 1);
    if (!is_origin) {
        lua_pushnil(L);
        return;
    }
    lh2_url_origin(&url, origin);
    lua_pushstring(L, origin);
}

static bytes_slice find_field(const h2_event *event, hpack_token token) {
    for (size_t i = 0; i < event->headers.count; i++)
        if (event->headers.fields[i].token == token)
            return event->headers.fields[i].value;
    return bytes_slice_of(NULL, 0);
}

bool lh2_session_answers_for(lua_State *L, lh2_session *session, const h2_event *event) {
    int top = lua_gettop(L);
    const lh2_client_session *client = (const lh2_client_session *)session;
    lh2_stream *parent = event->headers.parent_context;
    bytes_slice scheme = find_field(event, HPACK_TOKEN_SCHEME);
    bytes_slice authority = find_field(event, HPACK_TOKEN_AUTHORITY);
    if (!bytes_slice_equal(scheme,
                           client->is_secure ? BYTES_LITERAL("https") : BYTES_LITERAL("http")))
        return false;
    push_origin_of(L, client, (const char *)authority.data, authority.size);
    push_origin_of(L, client, client->authority, client->authority_size);
    bool is_own = lua_rawequal(L, top + 1, top + 2);
    if (!is_own && parent != NULL) {
        push_authority(L, session, &parent->duplex.object);
        push_origin_of(L, client, lua_tostring(L, -1), lua_rawlen(L, -1));
        is_own = lua_rawequal(L, top + 1, -1);
    }
    if (!is_own && session->is_encrypted && session->socket != NULL) {
        push_set(L, session);
        lua_pushvalue(L, top + 1);
        is_own = find(L) > 0;
    }
    is_own = is_own && !lua_isnil(L, top + 1);
    lua_settop(L, top);
    return is_own;
}

/* ------------------------------------------------------------------------------------ members */

/* session.originSet: a fresh sequence; nil in clear text, and once the session is destroyed. */
int lh2_session_get_origin_set(lua_State *L) {
    lh2_session *session = lh2_check(L, 1, &lh2_session_class);
    if (!session->is_encrypted || session->is_destroyed || session->socket == NULL) {
        lua_pushnil(L);
        return 1;
    }
    push_set(L, session);
    int count = (int)lua_rawlen(L, -1);
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, -2, i);
        lua_rawseti(L, -2, i);
    }
    return 1;
}
